"""FedGAN (arXiv 2006.07228)."""
