"""Classification accuracy score: a classifier learns from generated images and is tested on real ones.

Good scores need images that look right, carry the right label and vary as much as real ones do (Ravuri and Vinyals
2019, arXiv 1905.10887).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

IntArray = npt.NDArray[np.int64]


def classification_scores(predicted: IntArray, true: IntArray, classes: int) -> dict[str, float]:
    """Score predictions; all but the accuracy are means over the classes, each class with equal weight.

    With true and false positives and negatives of a class: precision = TP / (TP + FP), recall = TP / (TP + FN),
    f1 = 2 TP / (2 TP + FP + FN), fpr = FP / (FP + TN). A ratio with a zero denominator counts as 0.

    Args:
        predicted: Predicted classes, shape ``[n]``, n >= 1.
        true: True classes, shape ``[n]``, in ``0..classes-1``.
        classes: Number of classes, >= 2.

    Returns:
        ``accuracy``, ``precision``, ``recall``, ``f1`` (higher is better) and ``fpr`` (lower is better), in 0..1.

    Raises:
        ValueError: No prediction came, or the lengths differ.

    Example:
        >>> scores = classification_scores(np.array([0, 1, 1]), np.array([0, 1, 0]), classes=2)
        >>> round(scores["accuracy"], 3), scores["recall"], scores["fpr"]
        (0.667, 0.75, 0.25)
    """
    if len(predicted) != len(true) or len(true) == 0:
        raise ValueError(f"{len(predicted)} predictions for {len(true)} images came; allowed: one per image")
    labels = np.arange(classes)
    precision, recall, f1, _ = precision_recall_fscore_support(
        true, predicted, labels=labels, average="macro", zero_division=0
    )
    return {
        "accuracy": float(accuracy_score(true, predicted)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "fpr": _false_positive_rate(confusion_matrix(true, predicted, labels=labels)),
    }


def _false_positive_rate(confusion: IntArray) -> float:
    """Mean over the classes of FP / (FP + TN); rows of the matrix are true classes, columns predicted ones."""
    false_positives = confusion.sum(axis=0) - np.diag(confusion)
    negatives = confusion.sum() - confusion.sum(axis=1)
    return float(np.mean(false_positives / np.maximum(negatives, 1)))
