"""Federated Split GANs (arXiv 2207.01750)."""
