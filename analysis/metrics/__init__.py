"""Metrics of generated images: pure functions and thin accumulators. This file loads no torch."""

METRIC_NAMES = ("fid", "generation_score")
"""Names a scenario may list under ``evaluation.metrics``."""
