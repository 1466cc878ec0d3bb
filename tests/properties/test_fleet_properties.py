"""Properties of units, profiles and fleets that hold for any input."""

import sys
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devices.fleet import ClientMix, FleetOptions, build_fleet
from devices.profile import DeviceProfile
from devices.topology import star
from devices.units import Kind, humanize, parse, to_text

positive = st.floats(min_value=1e-6, max_value=1e15)
kinds = st.sampled_from(list(Kind))
seeds = st.integers(0, 2**32 - 1)
counts = st.lists(st.integers(1, 12), min_size=1, max_size=7)
orders = st.sampled_from(["listed", "interleaved", "shuffled"])


def listed_clients(numbers):
    return [{"profile": f"paper-{kind + 1}", "count": count} for kind, count in enumerate(numbers)]


def build(clients, order, seed):
    options = FleetOptions.model_validate({"clients": clients, "order": order})
    return build_fleet(options, np.random.default_rng(seed))


@given(value=st.floats(min_value=sys.float_info.min, max_value=sys.float_info.max), kind=kinds)
def test_text_reads_back_to_the_same_float(value, kind):
    assert parse(to_text(value, kind), kind) == value


@given(value=st.integers(0, 2**53), kind=st.sampled_from([Kind.BYTES, Kind.FLOPS]))
def test_whole_numbers_read_back_too(value, kind):
    assert parse(to_text(value, kind), kind) == value


@given(value=st.floats(min_value=1e-9, max_value=1e18), kind=kinds)
def test_tables_keep_four_digits(value, kind):
    shown = parse(humanize(value, kind), kind)
    smallest = {Kind.SECONDS: 1e-9, Kind.WATTS: 1e-3, Kind.JOULES_PER_BYTE: 1e-12}.get(kind, 1.0)
    assert abs(shown - value) <= 0.5001e-3 * value + 0.5e-9 * smallest


@given(text=st.text(max_size=40), kind=kinds)
def test_any_text_is_a_good_quantity_or_a_clean_refusal(text, kind):
    try:
        value = parse(text, kind)
    except ValueError as error:
        assert ";" in str(error)  # noqa: PT017 (either outcome is right)
    else:
        assert 0 <= value < float("inf")


@given(numbers=counts, order=orders, seed=seeds)
def test_a_list_is_dealt_completely_in_any_order(numbers, order, seed):
    fleet = build(listed_clients(numbers), order, seed)
    dealt = Counter(device.profile.name for device in fleet.clients)
    assert dealt == {f"paper-{kind + 1}": count for kind, count in enumerate(numbers)}
    assert [device.id for device in fleet.clients] == list(range(sum(numbers)))


@given(numbers=counts, seed=seeds)
def test_interleaved_prefixes_are_balanced(numbers, seed):
    clients = build(listed_clients(numbers), "interleaved", seed).clients
    dealt = Counter()
    for device in clients:
        dealt[device.profile.name] += 1
        # Nobody gets a turn more than anybody who still has devices left to deal.
        turn = dealt[device.profile.name]
        for kind, count in enumerate(numbers):
            assert dealt[f"paper-{kind + 1}"] >= min(turn - 1, count)


@given(weights=st.lists(st.integers(1, 50), min_size=1, max_size=7), count=st.integers(1, 300), seed=seeds)
def test_mix_counts_add_up_and_stay_within_one_of_their_share(weights, count, seed):
    mix = {f"paper-{kind + 1}": weight / sum(weights) for kind, weight in enumerate(weights)}
    assert ClientMix.model_validate({"mix": mix, "count": count}).count == count
    fleet = build({"mix": mix, "count": count}, "listed", seed)
    dealt = Counter(device.profile.name for device in fleet.clients)
    assert dealt.total() == count
    for name, share in mix.items():
        assert abs(dealt[name] - share * count) < 1 + 1e-6


@given(
    rate=positive,
    bandwidth=positive,
    overhead=st.floats(0, 1),
    flops=positive,
    touched=positive,
    kernels=st.floats(0, 1e3),
    factor=st.floats(1, 100),
)
def test_a_faster_device_never_takes_longer(rate, bandwidth, overhead, flops, touched, kernels, factor):
    def device(speed):
        return DeviceProfile(
            name="d",
            kind="board",
            measured_flops_per_s=rate * speed,
            memory_bandwidth_bytes_per_s=bandwidth * speed,
            kernel_overhead_s=overhead / speed,
            uplink_bytes_per_s=1,
            downlink_bytes_per_s=1,
        )

    slow_s = device(1).compute_seconds(flops, touched, kernels)
    assert device(factor).compute_seconds(flops, touched, kernels) <= slow_s
    assert slow_s >= flops / rate
    assert device(1).compute_seconds(2 * flops, touched, kernels) >= slow_s


@given(numbers=counts, order=orders, seed=seeds)
def test_a_route_is_never_faster_than_either_end(numbers, order, seed):
    fleet = build(listed_clients(numbers), order, seed)
    topology = star(fleet)
    for device in fleet.clients:
        up, down = topology.route(device.id, -1), topology.route(-1, device.id)
        assert up.bytes_per_s == min(
            device.profile.uplink_bytes_per_s, fleet.server.profile.downlink_bytes_per_s
        )
        assert down.bytes_per_s == min(
            device.profile.downlink_bytes_per_s, fleet.server.profile.uplink_bytes_per_s
        )
