"""MD-GAN (arXiv 1811.03850)."""
