"""FedGAN's time: closed form, events, and the sums of its published description agree."""

import heapq

import pytest
from closed_forms import (
    PAPER_DEVICES,
    PAPER_FLEET,
    PAPER_SERVER,
    PAPER_WORK,
    dedicated_s,
    devices_text,
    exact_work,
    fleets,
    network_bytes,
    paper_s,
    step_flops,
)
from hypothesis import given, settings
from played_jobs import play_jobs

from simulator.local_plan import seconds_of
from simulator.timing_only import latency, plan_from_sizes

EXACT = 1e-9
STEPS = 3
STRATEGY = f"strategy: {{name: fedgan, steps_per_round: {STEPS}, batch_size: 20}}\n"
PAPER_MODELS = "cost_model: paper\nnetwork: {model: paper}\n"


def check(path, work, server, clients, message_s):
    """Both engines against the slowest client's step and the exchange of both networks."""
    steps_s = [step_flops(work) / one.rate for one in clients]
    payload = sum(network_bytes())
    up_s = max(message_s(one, server, payload) for one in clients)
    down_s = max(message_s(server, one, payload) for one in clients)
    for engine in ("formula", "events"):
        answer = latency(path, engine=engine)
        assert answer["iteration_latency_s"] == pytest.approx(max(steps_s), rel=EXACT)
        wanted_s = STEPS * max(steps_s) + up_s + down_s
        assert answer["round_latency_s"] == pytest.approx(wanted_s, rel=EXACT)
        assert answer["setup_s"] == 0.0
        assert [one["name"] for one in answer["phases"]] == ["local_step"]
        for told, own_s in zip(answer["clients"], steps_s, strict=True):
            assert told["compute_s"] == pytest.approx(own_s, rel=EXACT)
            assert told["transfer_s"] == pytest.approx(0.0, abs=EXACT * max(steps_s))
    return answer


def test_the_paper_fleet_under_the_authors_counts(tmp_path):
    path = tmp_path / "fedgan.yaml"
    path.write_text(PAPER_DEVICES + PAPER_MODELS + STRATEGY)
    answer = check(path, PAPER_WORK, PAPER_SERVER, PAPER_FLEET, paper_s)
    first = answer["clients"][0]
    assert first["profile"] == "paper-1"
    assert first["compute_s"] == answer["iteration_latency_s"] == pytest.approx(234.0, abs=0.05)


def test_three_discriminator_passes_on_the_slowest_profile_take_45_seconds(tmp_path):
    # The sum that the ratios to HuSCF-GAN's seconds rest on; MD-GAN's clients compute nothing else.
    path = tmp_path / "fedgan.yaml"
    path.write_text(PAPER_DEVICES + PAPER_MODELS + STRATEGY)
    plan = plan_from_sizes(path)
    slowest, legs = plan.setting.fleet.clients[0], plan.legs[0]
    passes_s = seconds_of(slowest, [leg for leg in legs if leg.what.startswith("discriminator")])
    assert passes_s == pytest.approx(45.0, abs=0.05)
    assert passes_s == pytest.approx(
        3 * (PAPER_WORK.d_forward + PAPER_WORK.d_backward) / PAPER_FLEET[0].rate, rel=EXACT
    )
    assert seconds_of(slowest, legs) == pytest.approx(234.0, abs=0.05)


def test_the_paper_fleet_on_dedicated_links_with_exact_counts(tmp_path):
    path = tmp_path / "fedgan.yaml"
    path.write_text(PAPER_DEVICES + STRATEGY)
    check(path, exact_work(20), PAPER_SERVER, PAPER_FLEET, dedicated_s)


@settings(max_examples=10, deadline=None)
@given(fleet=fleets)
def test_any_fleet(fleet, tmp_path_factory):
    server, clients = fleet
    path = tmp_path_factory.mktemp("fedgan") / "fedgan.yaml"
    path.write_text(devices_text(server, clients) + STRATEGY)
    check(path, exact_work(20), server, clients, dedicated_s)


def test_a_round_has_as_many_steps_as_the_largest_client_has_batches(tmp_path):
    path = tmp_path / "fedgan.yaml"
    path.write_text(
        "devices: {clients: [{profile: paper-1}, {profile: paper-2}]}\n"
        "data: {domains: [{dataset: mnist5k}], partition: {kind: quantity, shares: [1, 3]}}\n"
        "strategy: {name: fedgan, local_epochs: 2, batch_size: 64}\n"
    )
    answer = latency(path)  # 1,000 and 3,000 images of 4,000
    exchange_s = 2 * sum(network_bytes()) / 50e6
    steps = 2 * 47  # ceil(3000 / 64)
    assert answer["round_latency_s"] == pytest.approx(
        steps * answer["iteration_latency_s"] + exchange_s, rel=EXACT
    )


def jobs_text(*lines: str) -> str:
    options = ", ".join(("name: fedgan", f"steps_per_round: {STEPS}", "batch_size: 20", *lines))
    return f"strategy: {{{options}}}\n"


def cycle_s(work, server, one):
    """A job: both networks down, the local steps, both networks up."""
    payload = sum(network_bytes())
    return (
        dedicated_s(server, one, payload)
        + STEPS * step_flops(work) / one.rate
        + dedicated_s(one, server, payload)
    )


@settings(max_examples=10, deadline=None)
@given(fleet=fleets)
def test_a_round_of_jobs_is_as_long_as_the_longest(fleet, tmp_path_factory):
    server, clients = fleet
    path = tmp_path_factory.mktemp("fedgan") / "fedgan.yaml"
    path.write_text(devices_text(server, clients) + jobs_text("patience: {kind: quorum, share: 1}"))
    longest_s = max(cycle_s(exact_work(20), server, one) for one in clients)
    for engine in ("formula", "events"):
        answer = latency(path, engine=engine)
        assert answer["iteration_latency_s"] == pytest.approx(longest_s, rel=EXACT)
        assert answer["round_latency_s"] == pytest.approx(longest_s, rel=EXACT)
        for told, one in zip(answer["clients"], clients, strict=True):
            compute_s = STEPS * step_flops(exact_work(20)) / one.rate
            assert told["compute_s"] == pytest.approx(compute_s, rel=EXACT)
            assert sum(told[key] for key in ("compute_s", "transfer_s", "wait_s")) == pytest.approx(longest_s)


@settings(max_examples=10, deadline=None)
@given(fleet=fleets)
def test_merges_come_at_the_multiples_of_every_clients_cycle(fleet, tmp_path_factory):
    """The n-th merge is the n-th smallest of all multiples of all cycles: of as many sequences as there are clients."""
    server, clients = fleet
    path = tmp_path_factory.mktemp("fedgan") / "fedgan.yaml"
    merges = 40
    path.write_text(
        devices_text(server, clients)
        + jobs_text("rounds: 2", f"aggregation: {{kind: fedasync, merges_per_round: {merges // 2}}}")
    )
    cycles_s = [cycle_s(exact_work(20), server, one) for one in clients]
    wanted = heapq.nsmallest(merges, (n * one for one in cycles_s for n in range(1, merges + 1)))
    run = play_jobs(plan_from_sizes(path))
    assert [one.time_s for one in run.commits("merge")] == pytest.approx(wanted, rel=EXACT)


def test_in_the_long_run_merges_come_at_the_sum_of_the_rates_of_all_clients(tmp_path):
    path = tmp_path / "fedgan.yaml"
    merges = 2_000
    path.write_text(
        PAPER_DEVICES + jobs_text("rounds: 1", f"aggregation: {{kind: fedasync, merges_per_round: {merges}}}")
    )
    cycles_s = [cycle_s(exact_work(20), PAPER_SERVER, one) for one in PAPER_FLEET]
    mean_s = 1 / sum(1 / one for one in cycles_s)
    plan = plan_from_sizes(path)
    assert plan.closed_form().latency_s == pytest.approx(mean_s, rel=EXACT)
    assert plan.aggregation_seconds() == 0.0
    answer = latency(path)
    assert answer["round_latency_s"] == pytest.approx(merges * mean_s, rel=EXACT)
    for told, one in zip(answer["clients"], cycles_s, strict=True):
        assert told["wait_s"] == 0.0
        assert told["compute_s"] + told["transfer_s"] == pytest.approx(mean_s, rel=EXACT)
        assert told["transfer_s"] < mean_s * one
    ended_s = play_jobs(plan).commits("merge")[-1].time_s
    # Between two merges of a client lies one cycle: the count is short by less than one for each.
    assert merges / ended_s == pytest.approx(1 / mean_s, rel=len(cycles_s) / merges)
