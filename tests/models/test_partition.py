"""Partitions: sizes worked out by hand, distributions in the limit, and errors that say who got how many."""

import numpy as np
import pytest
from pydantic import ValidationError

from models.partition import PartitionError, partition
from models.partition_options import (
    PARTITIONS,
    AssumedPartition,
    DirichletPartition,
    IidPartition,
    LabelExclusionPartition,
    PaperPartition,
    PaperS1Partition,
    QuantityPartition,
    ShardsPartition,
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
    for options in PARTITIONS.values():
        partition(LABELS, 4, options(), rng())
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_an_assumed_partition_deals_more_images_than_there_are_and_costs_nothing_per_client():
    parts = partition(LABELS, 100_000, AssumedPartition(images_per_client=48), rng())
    assert len(parts) == 100_000
    assert {id(part) for part in parts} == {id(parts[0])}
    assert parts[0].tolist() == list(range(48))


@pytest.mark.parametrize("images", [0, 1, 1_000_001, 2.5])
def test_an_assumed_partition_has_enough_images_and_not_absurdly_many(images):
    with pytest.raises(ValidationError, match="images_per_client"):
        AssumedPartition(images_per_client=images)


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


def test_shards_are_whole_runs_of_the_sorted_labels():
    labels = np.repeat(
        np.arange(10), 12
    )  # 4 clients x 3 shards: each shard is 10 neighbours of the sorted images
    parts = partition(labels, 4, ShardsPartition(shards_per_client=3), rng())
    assert sizes(parts) == [30] * 4
    for part in parts:
        shards, counts = np.unique(part // 10, return_counts=True)
        assert list(counts) == [10] * 3, (
            "the images are sorted already, so shard s holds images 10 s to 10 s + 9"
        )
        assert len(shards) == 3


def test_two_shards_of_one_label_each_leave_a_client_two_labels_at_most():
    parts = partition(LABELS, 10, ShardsPartition(), rng())  # 20 shards of 50, two to a label
    assert max(len(np.unique(LABELS[part])) for part in parts) == 2


def test_shards_are_dealt_at_random():
    once, other = (partition(LABELS, 5, ShardsPartition(), rng(seed)) for seed in (1, 2))
    assert not all(np.array_equal(a, b) for a, b in zip(once, other, strict=True))


def test_too_many_shards_blame_their_option():
    with pytest.raises(PartitionError, match=r"got 1 of 19 images from partition 'shards'") as caught:
        partition(LABELS[:19], 10, ShardsPartition(shards_per_client=1), rng())
    assert caught.value.key == "shards_per_client"


@pytest.mark.parametrize("kind", ["paper_s1", "paper_s3", "paper_s6"])
def test_paper_iid_kinds_deal_equally_and_cap_by_the_clients_of_all_domains(kind):
    # One of two domains: 40 of 80 clients share 60,000 images, 1,500 each; the cap is 60,000 / 80.
    parts = partition(np.arange(60_000) % 10, 40, PARTITIONS[kind](), rng(), total_clients=80)
    assert sizes(parts) == [750] * 40


def test_a_share_below_the_cap_is_left_whole():
    # KMNIST's t10k files, say: 8,000 images for 20 of 80 clients are 400 each, below 750.
    capped = partition(np.arange(8_000) % 10, 20, PaperS1Partition(), rng(), total_clients=80)
    plain = partition(np.arange(8_000) % 10, 20, IidPartition(), rng())
    assert all(np.array_equal(a, b) for a, b in zip(capped, plain, strict=True))


def test_a_lone_domain_is_capped_by_its_own_clients():
    assert sizes(partition(LABELS, 4, PaperS1Partition(images_in_all=403), rng())) == [100] * 4


def test_the_cap_keeps_a_random_subset_of_the_share():
    capped = partition(LABELS, 4, PaperS1Partition(images_in_all=400), rng())
    plain = partition(LABELS, 4, IidPartition(), rng())
    for part, share in zip(capped, plain, strict=True):
        assert np.isin(part, share).all()
        positions = np.searchsorted(share, part)
        # 100 of 250: the mean position has standard deviation sqrt(250**2 / 12 * (1 - 100 / 250) / 100) = 5.6.
        assert abs(positions.mean() - 124.5) < 4 * 5.6


def assert_frequencies(values: np.ndarray, probabilities: dict[int, float]) -> None:
    """Each value comes as often as it should, within four standard deviations, and no other comes."""
    assert set(values) == set(probabilities)
    for value, chance in probabilities.items():
        expected = len(values) * chance
        assert abs((values == value).sum() - expected) < 4 * np.sqrt(expected * (1 - chance)), value


# The weights .25, .3, .1, .1 of the first rule sum to .75.
PAPER_RULES = [
    ("paper_s2", {0: 1 / 3, 2: 0.4, 3: 2 / 15, 4: 2 / 15}, {40: 0.3, 60: 0.7}),
    ("paper_s4", {0: 1 / 3, 2: 0.4, 3: 2 / 15, 4: 2 / 15}, {40: 0.3, 60: 0.7}),
    ("paper_s5", {2: 0.4, 3: 0.6}, {10: 0.2, 20: 0.3, 60: 0.5}),
]


@pytest.mark.parametrize(("kind", "lost", "sizes_below_cap"), PAPER_RULES)
def test_paper_kinds_take_labels_by_their_weights(kind, lost, sizes_below_cap):
    labels = (
        np.arange(200_000) % 10
    )  # 200 images a client, so none misses a label by chance; the cap is far off
    parts = partition(labels, 1000, PARTITIONS[kind](images_in_all=10**7), rng())
    assert_frequencies(np.array([10 - len(np.unique(labels[part])) for part in parts]), lost)


@pytest.mark.parametrize(("kind", "lost", "sizes_below_cap"), PAPER_RULES)
def test_paper_kinds_draw_the_cap_by_its_weights_after_the_labels_are_gone(kind, lost, sizes_below_cap):
    # Of 200 images at least 6 labels are left, far above the cap of 60: so the cap alone decides the sizes.
    parts = partition(np.arange(200_000) % 10, 1000, PARTITIONS[kind](images_in_all=60_000), rng())
    assert_frequencies(np.array(sizes(parts)), sizes_below_cap)


@pytest.mark.parametrize(("kind", "labels"), [("paper_s2", 4), ("paper_s4", 3), ("paper_s5", 3)])
def test_paper_kinds_refuse_to_take_every_label(kind, labels):
    with pytest.raises(PartitionError, match=f"the data have {labels}; allowed: data of at least") as caught:
        partition(np.arange(300) % labels, 2, PARTITIONS[kind](), rng())
    assert caught.value.key == "kind"


@pytest.mark.parametrize(("kind", "images", "left"), [("paper_s1", 199, 1), ("paper_s5", 1_100, 1)])
def test_a_cap_below_two_images_is_refused(kind, images, left):
    with pytest.raises(PartitionError, match=f"leaves a client of 100 only {left}") as caught:
        partition(LABELS, 10, PARTITIONS[kind](images_in_all=images), rng(), total_clients=100)
    assert caught.value.key == "images_in_all"


def test_every_paper_kind_is_a_paper_partition():
    named = {kind for kind in PARTITIONS if kind.startswith("paper_")}
    assert named == {f"paper_s{number}" for number in range(1, 7)}
    assert all(issubclass(PARTITIONS[kind], PaperPartition) for kind in named)
