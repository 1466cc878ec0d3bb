"""Partitions: sizes worked out by hand, distributions in the limit, and errors that say who got how many."""

import numpy as np
import pytest

from models.partition import (
    DirichletPartition,
    IidPartition,
    LabelExclusionPartition,
    QuantityPartition,
    partition,
)

LABELS = np.arange(1000) % 10


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sizes(parts: list[np.ndarray]) -> list[int]:
    return [len(part) for part in parts]


def test_iid_deals_equally():
    assert sizes(partition(LABELS[:14], 4, IidPartition(), rng())) == [4, 4, 3, 3]


def test_iid_shuffles():
    first, *_ = partition(LABELS, 2, IidPartition(), rng())
    assert not np.array_equal(first, np.arange(500))


def test_same_draws_give_the_same_partition_and_others_another():
    options = DirichletPartition()
    once, again, other = (partition(LABELS, 3, options, rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(once, other, strict=True))


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()
    for options in (IidPartition(), LabelExclusionPartition(), DirichletPartition(), QuantityPartition()):
        partition(LABELS, 4, options, rng())
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_label_exclusion_takes_exactly_the_asked_number_of_labels(count):
    options = LabelExclusionPartition(excluded_labels={count: 0.1})
    for part in partition(LABELS, 5, options, rng()):
        assert len(np.unique(LABELS[part])) == 10 - count


def test_label_exclusion_draws_the_number_of_labels_by_normalised_weights():
    labels = np.arange(40_000) % 10
    parts = partition(labels, 400, LabelExclusionPartition(excluded_labels={2: 3.0, 5: 1.0}), rng())
    lost = np.array([10 - len(np.unique(labels[part])) for part in parts])
    assert set(lost) == {2, 5}
    # 400 draws with p = 3/4: standard deviation sqrt(400 * 3/16) = 8.7 clients.
    assert abs((lost == 2).sum() - 300) < 4 * 8.7


def test_label_exclusion_refuses_to_take_every_label():
    options = LabelExclusionPartition(excluded_labels={10: 1.0})
    with pytest.raises(ValueError, match=r"takes 10 labels.*the data have 10; allowed: at most 9"):
        partition(LABELS, 2, options, rng())


def test_large_alpha_is_balanced_and_small_alpha_is_not():
    def largest_class_share(alpha: float) -> float:
        parts = partition(np.arange(10_000) % 10, 5, DirichletPartition(alpha=alpha), rng(3))
        counts = np.array([np.bincount(np.arange(10_000)[part] % 10, minlength=10) for part in parts])
        return float((counts.max(axis=1) / counts.sum(axis=1)).mean())

    assert largest_class_share(1e5) == pytest.approx(0.1, abs=0.005)
    assert largest_class_share(0.1) > 0.3


def test_dirichlet_keeps_its_promise_of_images():
    parts = partition(LABELS, 10, DirichletPartition(alpha=0.3, min_images=20, max_tries=1000), rng())
    assert min(sizes(parts)) >= 20


def test_dirichlet_gives_up_after_its_tries():
    options = DirichletPartition(alpha=0.001, max_tries=3)
    with pytest.raises(ValueError, match=r"3 draws with alpha = 0\.001.*50 clients.*min_images = 2"):
        partition(LABELS, 50, options, rng())


@pytest.mark.parametrize("options", [DirichletPartition(min_images=5), QuantityPartition(min_images=5)])
def test_too_many_clients_for_the_images_is_said_at_once(options):
    with pytest.raises(ValueError, match=r"19 images cannot give 4 clients min_images = 5 each.*at most 3"):
        partition(LABELS[:19], 4, options, rng())


def test_quantity_follows_given_shares():
    options = QuantityPartition(shares=[1.0, 2.0, 7.0])
    assert sizes(partition(LABELS, 3, options, rng())) == [100, 200, 700]


def test_quantity_rounds_shares_by_largest_remainder():
    options = QuantityPartition(shares=[1.0, 1.0, 1.6])  # of 11: quotas 3.06, 3.06, 4.89
    assert sizes(partition(LABELS[:11], 3, options, rng())) == [3, 3, 5]


def test_quantity_without_spread_is_equal():
    assert sizes(partition(LABELS, 4, QuantityPartition(sigma=0.0), rng())) == [250] * 4


def test_quantity_with_huge_spread_still_gives_everybody_the_minimum():
    found = sorted(sizes(partition(LABELS, 4, QuantityPartition(sigma=900.0, min_images=7), rng())))
    assert found == [7, 7, 7, 979]


def test_quantity_needs_one_share_per_client():
    with pytest.raises(ValueError, match="shares has 2 entries for the 3 clients"):
        partition(LABELS, 3, QuantityPartition(shares=[1.0, 1.0]), rng())


def test_quantity_shares_below_the_minimum_name_the_client():
    options = QuantityPartition(shares=[500.0, 1.0, 499.0], min_images=5)
    with pytest.raises(ValueError, match=r"client 1 .* got 1 of 1000 images .*at least 5"):
        partition(LABELS, 3, options, rng())


def test_fewer_than_two_images_name_the_client():
    with pytest.raises(
        ValueError, match=r"client 3 .* got 1 of 7 images from partition 'iid' over 4 clients"
    ):
        partition(LABELS[:7], 4, IidPartition(), rng())


def test_no_clients_are_refused():
    with pytest.raises(ValueError, match="0 clients"):
        partition(LABELS, 0, IidPartition(), rng())
