"""Strategies: one folder each, with options.py, protocol.py and learner.py."""
