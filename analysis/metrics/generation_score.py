r"""Generation score: how sure a classifier is of each image, and how evenly the images spread over the classes.

.. math:: \exp\Bigl(\frac{1}{n} \sum_i \mathrm{KL}\bigl(p(y \mid x_i) \,\Vert\, p(y)\bigr)\Bigr),
          \qquad p(y) = \frac{1}{n} \sum_i p(y \mid x_i)

in [1, number of classes], higher is better (the Inception score of Salimans et al. 2016, arXiv 1606.03498, with a
classifier of the images' own domain). It does not look at diversity within a class.
"""

from __future__ import annotations

import torch


class GenerationScore:
    """Accumulates a classifier's logits, in float64.

    Args:
        classes: Number of classes.
    """

    def __init__(self, classes: int) -> None:
        self._probability_sum = torch.zeros(classes, dtype=torch.float64)
        self._negative_entropy_sum = 0.0
        self._count = 0

    def update(self, logits: torch.Tensor) -> None:
        """Add the logits of some images.

        Args:
            logits: Shape ``[n, classes]``, finite.

        Raises:
            ValueError: The shape is another or a logit is not finite.
        """
        classes = len(self._probability_sum)
        if logits.ndim != 2 or logits.shape[1] != classes:
            raise ValueError(f"logits of shape {list(logits.shape)} came; allowed: [n, {classes}]")
        if not bool(torch.isfinite(logits).all()):
            raise ValueError("logits hold NaN or infinity; allowed: finite numbers")
        log_probabilities = torch.log_softmax(logits.double(), dim=1)
        probabilities = log_probabilities.exp()
        self._probability_sum += probabilities.sum(dim=0)
        self._negative_entropy_sum += float((probabilities * log_probabilities).sum())
        self._count += len(logits)

    def compute(self) -> float:
        """Return the score; the mean divergence is the entropy of the mean less the mean of the entropies.

        Raises:
            ValueError: No image came.
        """
        if self._count == 0:
            raise ValueError("0 samples came; allowed: 1 or more")
        marginal = self._probability_sum / self._count
        divergence = self._negative_entropy_sum / self._count - float(torch.xlogy(marginal, marginal).sum())
        # Rounding can leave equal distributions a hair below zero.
        return float(torch.tensor(max(0.0, divergence), dtype=torch.float64).exp())


def generation_score(logits: torch.Tensor) -> float:
    """Return the generation score of images; formula and range above.

    Args:
        logits: A classifier's outputs before softmax, shape ``[n, classes]``, n >= 1.

    Raises:
        ValueError: No image came, or a logit is not finite.

    Example:
        >>> round(generation_score(torch.tensor([[50.0, 0.0], [0.0, 50.0]])), 6)
        2.0
    """
    score = GenerationScore(logits.shape[-1])
    score.update(logits)
    return score.compute()
