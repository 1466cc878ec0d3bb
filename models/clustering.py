"""Clusters of clients, found on the core's activations of their real data (docs/model.md, section 8)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

LEAST_SILHOUETTE = 0.1
"""Below this best score there is one cluster: a silhouette cannot speak of one."""

RESTARTS = 10

MOST_CLUSTERS = 16
"""The largest number of clusters that is tried where the number is to be found."""


def find_clusters(
    activations: NDArray[np.floating], clusters: int | None, seed: int
) -> tuple[tuple[int, ...], ...]:
    """Cluster clients by k-means on their flattened mean activations.

    Args:
        activations: ``[K, ...]``, one mean activation per client.
        clusters: the number of clusters; ``None`` chooses the number (2 to K - 1, at most
            :data:`MOST_CLUSTERS`) with the best silhouette, or one
            cluster where the best is below :data:`LEAST_SILHOUETTE`.
        seed: for k-means' starting points, 0 to 2**32 - 1.

    Returns:
        The members of each cluster, as sorted indices; clusters in the order of their first members.

    Raises:
        ValueError: where more clusters than clients are asked for.
    """
    points = _compressed(activations.reshape(len(activations), -1))
    if clusters is not None:
        if not 1 <= clusters <= len(points):
            raise ValueError(f"{clusters} clusters of {len(points)} clients; allowed: 1 to {len(points)}")
        return _members(_kmeans(points, clusters, seed))
    best_score, best = -1.0, np.zeros(len(points), dtype=int)
    for count in range(2, min(len(points), MOST_CLUSTERS + 1)):
        labels = _kmeans(points, count, seed)
        found = len(np.unique(labels))
        score = silhouette_score(points, labels) if 1 < found < len(points) else -1.0
        if score > best_score:
            best_score, best = score, labels
    if best_score < LEAST_SILHOUETTE:
        return (tuple(range(len(points))),)
    return _members(best)


def _compressed(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return ``[K, K]`` coordinates with the same distances: K points span no more than K dimensions."""
    if points.shape[1] <= len(points):
        return points
    centred = points - points.mean(axis=0)
    squares, directions = np.linalg.eigh(centred @ centred.T)
    return np.asarray(directions * np.sqrt(np.clip(squares, 0.0, None)))


def _kmeans(points: NDArray[np.floating], clusters: int, seed: int) -> NDArray[np.integer]:
    return np.asarray(KMeans(clusters, n_init=RESTARTS, random_state=seed).fit_predict(points))


def _members(labels: NDArray[np.integer]) -> tuple[tuple[int, ...], ...]:
    groups = [tuple(int(k) for k in np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return tuple(sorted(groups))
