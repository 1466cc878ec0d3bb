"""Large studies of time alone, in arrays: no object for any device."""
