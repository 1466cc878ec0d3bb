"""Clusters of clients: found by silhouette or asked for by number."""

import warnings

import numpy as np
import pytest

from models.clustering import MOST_CLUSTERS, find_clusters


def blobs(centres, each=4, spread=0.05, seed=0):
    """Clients dealt in turn to blobs around the centres, as ``[K, 2, 3]`` activations."""
    rng = np.random.default_rng(seed)
    rows = [np.full((2, 3), centres[k % len(centres)]) for k in range(each * len(centres))]
    return np.stack(rows) + spread * rng.standard_normal((len(rows), 2, 3))


@pytest.mark.parametrize("count", [2, 3])
def test_auto_finds_the_number_and_the_members(count):
    found = find_clusters(blobs([0.0, 5.0, 11.0][:count]), None, seed=0)
    assert found == tuple(tuple(range(first, 4 * count, count)) for first in range(count))


def test_a_blob_without_structure_is_one_cluster():
    # 200 dimensions: no direction stands out, so the best silhouette is far below 0.1.
    activations = np.random.default_rng(3).standard_normal((12, 10, 20))
    assert find_clusters(activations, None, seed=0) == (tuple(range(12)),)


def test_a_number_is_obeyed_even_where_auto_would_say_one():
    activations = np.random.default_rng(3).standard_normal((12, 10, 20))
    found = find_clusters(activations, 3, seed=0)
    assert len(found) == 3
    assert sorted(k for members in found for k in members) == list(range(12))


def test_one_cluster_can_be_asked_for():
    assert find_clusters(blobs([0.0, 5.0]), 1, seed=0) == (tuple(range(8)),)


def test_auto_may_find_singletons():
    found = find_clusters(np.array([0.0, 0.1, 0.05, 9.0]).reshape(4, 1, 1), None, seed=0)
    assert found == ((0, 1, 2), (3,))


@pytest.mark.parametrize("clients", [1, 2])
def test_too_few_clients_for_a_silhouette_are_one_cluster(clients):
    assert find_clusters(blobs([0.0, 9.0], each=1)[:clients], None, seed=0) == (tuple(range(clients)),)


def test_identical_clients_are_one_cluster():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k-means says that it found fewer distinct points than clusters
        assert find_clusters(np.ones((5, 2, 3)), None, seed=0) == ((0, 1, 2, 3, 4),)


def test_clusters_are_ordered_by_their_first_member_whatever_the_seed():
    found = {find_clusters(blobs([5.0, 0.0, 11.0]), None, seed=seed) for seed in (0, 1, 2**32 - 1)}
    assert found == {((0, 3, 6, 9), (1, 4, 7, 10), (2, 5, 8, 11))}


def test_members_are_plain_whole_numbers():
    members = [k for cluster in find_clusters(blobs([0.0, 5.0]), 2, seed=0) for k in cluster]
    assert {type(k) for k in members} == {int}


@pytest.mark.parametrize("clusters", [0, 9])
def test_a_number_that_does_not_fit_is_refused(clusters):
    with pytest.raises(ValueError, match=f"{clusters} clusters of 8 clients; allowed: 1 to 8"):
        find_clusters(blobs([0.0, 5.0]), clusters, seed=0)


def test_many_values_a_client_change_nothing_but_the_time():
    few = blobs([0.0, 5.0, 11.0])
    rng = np.random.default_rng(1)
    turn, _ = np.linalg.qr(rng.standard_normal((500, 500)))
    many = np.pad(few.reshape(len(few), -1), ((0, 0), (0, 494))) @ turn  # a rotation keeps all distances
    assert find_clusters(many, None, seed=0) == find_clusters(few, None, seed=0)


def test_auto_tries_no_more_than_the_most_clusters():
    centres = [float(3**k) for k in range(MOST_CLUSTERS + 4)]
    found = find_clusters(blobs(centres, each=2, spread=1e-6), None, seed=0)
    assert 2 <= len(found) <= MOST_CLUSTERS
