"""Whatever the labels and clients, a partition deals images once, all of them, in sorted order, repeatably."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.partition import partition
from models.partition_options import (
    PARTITIONS,
    AnyPartition,
    DirichletPartition,
    IidPartition,
    LabelExclusionPartition,
    QuantityPartition,
    ShardsPartition,
)

labels_arrays = st.lists(st.integers(0, 9), min_size=2, max_size=200).map(lambda values: np.array(values))
seeds = st.integers(0, 2**32 - 1)

complete_options: st.SearchStrategy[AnyPartition] = st.one_of(
    st.just(IidPartition()),
    st.builds(DirichletPartition, alpha=st.floats(0.5, 1e3), max_tries=st.just(20)),
    st.builds(QuantityPartition, sigma=st.floats(0.0, 5.0)),
    st.builds(ShardsPartition, shards_per_client=st.integers(1, 3)),
)


def dealt(labels: np.ndarray, clients: int, options: AnyPartition, seed: int) -> list[np.ndarray] | None:
    """Deal, or None where the draws of this seed have no partition that satisfies the options."""
    try:
        return partition(labels, clients, options, np.random.default_rng(seed))
    except ValueError:
        return None


@settings(deadline=None)
@given(labels_arrays, st.integers(1, 12), complete_options, seeds)
def test_every_image_is_dealt_exactly_once(labels, clients, options, seed):
    parts = dealt(labels, clients, options, seed)
    if parts is None:
        # Only Dirichlet draws may fail although the images would do for everybody; of shards some may be empty.
        shards = clients * options.shards_per_client if isinstance(options, ShardsPartition) else 0
        assert isinstance(options, DirichletPartition) or len(labels) < max(2 * clients, shards)
        return
    assert len(parts) == clients
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))


@settings(deadline=None)
@given(labels_arrays, st.integers(1, 12), complete_options, seeds)
def test_parts_are_sorted_large_enough_and_repeatable(labels, clients, options, seed):
    parts = dealt(labels, clients, options, seed)
    again = dealt(labels, clients, options, seed)
    assert (parts is None) == (again is None)
    for part, twin in zip(parts or [], again or [], strict=True):
        assert part.dtype == np.int64
        assert len(part) >= 2
        assert (np.diff(part) > 0).all()
        np.testing.assert_array_equal(part, twin)


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(0, 6), seeds)
def test_label_exclusion_is_disjoint_and_keeps_all_of_a_kept_label(clients, count, seed):
    labels = np.arange(400) % 10
    options = LabelExclusionPartition(excluded_labels={count: 1.0})
    parts = dealt(labels, clients, options, seed)
    whole = dealt(labels, clients, IidPartition(), seed)
    assert parts is not None, "50 images a client leave enough even without six of ten labels"
    assert whole is not None
    together = np.concatenate(parts)
    assert len(np.unique(together)) == len(together)
    for part, before in zip(parts, whole, strict=True):
        kept = np.isin(labels[before], labels[part])
        np.testing.assert_array_equal(part, before[kept])


@settings(deadline=None)
@given(
    st.sampled_from(sorted(kind for kind in PARTITIONS if kind.startswith("paper_"))),
    st.integers(1, 8),
    st.integers(0, 30),
    st.integers(200, 900),
    seeds,
)
def test_paper_kinds_stay_disjoint_below_the_cap_and_within_the_equal_shares(
    kind, clients, other_clients, images_in_all, seed
):
    labels, total = np.arange(400) % 10, clients + other_clients
    options = PARTITIONS[kind](images_in_all=images_in_all)
    drawn = [np.random.default_rng(seed) for _ in range(2)]
    cap = images_in_all // total
    assume(cap // 6 >= 2)
    parts = partition(labels, clients, options, drawn[0], total_clients=total)
    shares = partition(labels, clients, IidPartition(), drawn[1])
    for part, share in zip(parts, shares, strict=True):
        assert (np.diff(part) > 0).all()
        assert np.isin(part, share).all()
        assert len(part) <= cap
        # At most 4 of 10 labels go, and of an equal share of 50 or more each label has some; 1/6 is the lowest cap.
        assert len(part) >= min(cap // 6, np.sort(np.bincount(labels[share], minlength=10))[:6].sum())
