"""Cut selectors: which blocks every client holds."""
