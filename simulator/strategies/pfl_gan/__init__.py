"""After PFL-GAN (arXiv 2308.12454)."""
