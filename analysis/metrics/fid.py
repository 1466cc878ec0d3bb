r"""Fréchet distance between two sets of features (FID).

With means :math:`\mu` and covariances :math:`\Sigma` (divided by n - 1) of the two sets,

.. math:: d^2 = \lVert \mu_r - \mu_g \rVert^2 + \mathrm{tr}(\Sigma_r + \Sigma_g - 2 (\Sigma_r \Sigma_g)^{1/2})

in [0, inf), lower is better, 0 for equal means and covariances (Heusel et al. 2017, arXiv 1706.08500). The features
are those of a domain's own classifier, not of Inception: values compare runs on one domain, and nothing else. The
value falls with the number of samples, so compare equal numbers only.
"""

from __future__ import annotations

import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

_LEAST_SAMPLES = 2
"""A covariance needs two samples."""


class _Features(nn.Module):
    """Stands where torchmetrics expects a network: its inputs are features already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        # torchmetrics reads this name; without it, it would probe with images drawn from the global generator.
        self.num_features = num_features

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the features, shape ``[n, num_features]``."""
        return features


class FrechetDistance:
    """Accumulates features of real and of generated images, in float64.

    Args:
        num_features: Length of a feature vector.
    """

    def __init__(self, num_features: int) -> None:
        self._metric = FrechetInceptionDistance(_Features(num_features), reset_real_features=False)

    def update(self, features: torch.Tensor, real: bool) -> None:
        """Add features.

        Args:
            features: Shape ``[n, num_features]``, finite, any float type.
            real: Whether they are of real images.

        Raises:
            ValueError: The shape is another or a feature is not finite.
        """
        wanted = self._metric.inception.num_features
        if features.ndim != 2 or features.shape[1] != wanted:
            raise ValueError(f"features of shape {list(features.shape)} came; allowed: [n, {wanted}]")
        if not bool(torch.isfinite(features).all()):
            raise ValueError("features hold NaN or infinity; allowed: finite numbers")
        self._metric.update(features.double(), real=real)

    def compute(self) -> float:
        """Return the squared distance, >= 0.

        With fewer samples than features the covariances are singular; the value is exact all the same.

        Raises:
            ValueError: Either side has fewer than two samples.
        """
        counts = (int(self._metric.real_features_num_samples), int(self._metric.fake_features_num_samples))
        if min(counts) < _LEAST_SAMPLES:
            raise ValueError(f"{counts[0]} real and {counts[1]} generated samples came; allowed: 2 or more")
        # Rounding can leave equal sets a hair below zero.
        return max(0.0, float(self._metric.compute()))

    def reset(self) -> None:
        """Forget the generated features; the real ones stay."""
        self._metric.reset()


def frechet_distance(real: torch.Tensor, generated: torch.Tensor) -> float:
    """Return the squared Fréchet distance of two sets of features; formula and range above.

    Args:
        real: Features of real images, shape ``[n, d]``, n >= 2.
        generated: Features of generated images, shape ``[m, d]``, m >= 2.

    Raises:
        ValueError: A set has fewer than two samples, the shapes do not fit, or a feature is not finite.

    Example:
        >>> points = torch.tensor([[0.0], [2.0]])
        >>> frechet_distance(points, points + 3.0)
        9.0
    """
    distance = FrechetDistance(real.shape[-1])
    distance.update(real, real=True)
    distance.update(generated, real=False)
    return distance.compute()
