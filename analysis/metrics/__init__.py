"""Metrics of generated images: pure functions and thin accumulators. This file loads no torch."""

METRIC_NAMES = ("fid", "generation_score")
"""Names a scenario may list under ``evaluation.metrics``."""

YARDSTICK_NAMES = ("fid_floor", "classifier_accuracy")
"""Measured once, before training: what a perfect generator would get, and how far the classifier can be trusted."""

CAS_METRIC_NAMES = ("cas_accuracy", "cas_precision", "cas_recall", "cas_f1", "cas_fpr")
"""What ``evaluation.cas`` adds: a classifier learns from generated images and is tested on real ones."""

SMALLER_IS_BETTER = ("fid", "cas_fpr")
"""Those of which less is better; of all others more is."""
