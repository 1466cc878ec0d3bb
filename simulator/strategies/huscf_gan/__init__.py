"""HuSCF-GAN (arXiv 2507.12979)."""
