"""How alike clients' samples are: a linear encoder, Gaussians in its latent space, and the divergences between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Floats = NDArray[np.float64]

RIDGE = 1e-3
"""Added to the diagonal of every covariance, in mean pooled variances along a latent axis."""

LEAST_RIDGE = 1e-12
"""The ridge where all samples are the same image."""


@dataclass(frozen=True)
class Gaussians:
    """A normal distribution for each of N clients, in d dimensions.

    Attributes:
        means: ``[N, d]``.
        covariances: ``[N, d, d]``, positive definite.
    """

    means: Floats
    covariances: Floats


def latent_gaussians(samples: NDArray[np.floating], dimensions: int) -> Gaussians:
    """Describe each client's samples as a Gaussian over the principal axes of all samples together.

    The axes are the leading eigenvectors of the pooled covariance. Their signs and their order make no difference to
    divergences.

    Args:
        samples: ``[N, M, p]``, M images of p values of each of N clients.
        dimensions: number of axes, 1 to p.
    """
    clients, count, values = samples.shape
    pooled = samples.reshape(clients * count, values).astype(np.float64)
    pooled -= pooled.mean(axis=0)
    variances, axes = np.linalg.eigh(pooled.T @ pooled / len(pooled))
    latent = (pooled @ axes[:, -dimensions:]).reshape(clients, count, dimensions)
    ridge = max(RIDGE * float(variances[-dimensions:].mean()), LEAST_RIDGE)
    means = latent.mean(axis=1)
    centred = latent - means[:, None]
    covariances = np.swapaxes(centred, 1, 2) @ centred / (count - 1)
    return Gaussians(means, covariances + ridge * np.eye(dimensions))


def divergences(gaussians: Gaussians) -> Floats:
    """Return ``KL(P_i || P_j)`` between all pairs, ``[N, N]``, >= 0 but for rounding, in nats.

    With ``S = L L^T``:
    ``KL = (||L_j^-1 L_i||_F^2 + |L_j^-1 (m_i - m_j)|^2 - d) / 2 + sum(log diag L_j - log diag L_i)``.
    """
    means, factors = gaussians.means, np.linalg.cholesky(gaussians.covariances)
    clients, dimensions = means.shape
    half_log_dets = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    found = np.zeros((clients, clients))
    for j in range(clients):
        for i in range(clients):
            if i == j:
                continue
            shape = solve_triangular(factors[j], factors[i], lower=True)
            offset = solve_triangular(factors[j], means[i] - means[j], lower=True)
            spread = (shape**2).sum() + (offset**2).sum() - dimensions
            found[i, j] = spread / 2 + half_log_dets[j] - half_log_dets[i]
    return found


def mixture_weights(divergence: Floats, temperature: float) -> Floats:
    """Return ``w_ij = exp(-KL_ij / tau) / sum over j != i``, ``[N, N]``: rows sum to 1, the diagonal is 0.

    Args:
        divergence: ``[N, N]``, of two clients at least.
        temperature: ``tau`` > 0.
    """
    scores = -divergence / temperature
    np.fill_diagonal(scores, -np.inf)
    # Only differences count, and relative to the largest not all exponentials can underflow.
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def encoder_flops(samples: int, values: int, dimensions: int) -> float:
    """Return the work of learning and using the encoder on all clients' samples together.

    ``2 n p^2`` for the covariance and ``2 n p d`` for the projection (a multiply-add is two operations), ``9 p^3`` for
    all eigenvectors of a symmetric matrix (Golub and Van Loan, Matrix Computations, section 8.3).

    Args:
        samples: n, of all clients.
        values: p, of an image.
        dimensions: d.
    """
    return 2.0 * samples * values**2 + 2.0 * samples * values * dimensions + 9.0 * values**3


def divergence_flops(clients: int, samples: int, dimensions: int) -> float:
    """Return the work of all Gaussians and of the divergences between them.

    For each client ``2 M d^2`` for the covariance and ``d^3 / 3`` for its Cholesky factor; for each ordered pair
    ``d^3`` for one triangular solve with a matrix, and ``3 d^2`` for that with a vector and for both sums of squares.

    Args:
        clients: N.
        samples: M, of each client.
        dimensions: d.
    """
    each = 2.0 * samples * dimensions**2 + dimensions**3 / 3
    pair = dimensions**3 + 3.0 * dimensions**2
    return clients * each + clients * (clients - 1) * pair
