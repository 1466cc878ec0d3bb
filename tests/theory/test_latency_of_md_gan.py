"""MD-GAN's time: closed form, events, and the sums of its published description agree."""

import math

import pytest
from closed_forms import (
    IMAGE_BYTES,
    LABEL_BYTES,
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
)
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.timing_only import latency, plan_from_sizes

EXACT = 1e-9
STEPS = 3
PAPER_MODELS = "cost_model: paper\nnetwork: {model: paper}\n"
LAW5 = """\
devices:
  server: server-small
  clients:
    - {profile: raspberry-pi-4, count: 2, latency: 20 ms, kernel_overhead: 50 us, memory_bandwidth: 3 GB/s}
    - {profile: phone-2024, count: 2, latency: 35 ms, uplink: 3 Mbit/s}
    - {profile: laptop, kernel_overhead: 5 us}
model: {width: 16}
data: {partition: {kind: quantity, sigma: 2.5}}
"""


def strategy(**options) -> str:
    given_options = "".join(f", {key}: {value}" for key, value in options.items())
    return f"strategy: {{name: md_gan, steps_per_round: {STEPS}{given_options}}}\n"


def k_log(clients: int) -> int:
    return max(1, math.ceil(math.log(clients)))


def iteration_s(real, made, rows, server, clients, message_s, k, learning_steps=1):
    """The three parts: k generations, the slowest answer, k backwards; at k = 1 two batches are generated.

    ``real`` and ``made`` are the work of a client's own batch and of one the server made, of so many ``rows``.
    """
    generation_s = max(2, k) * made.g_forward / server.rate
    learning = real.d_forward + real.d_backward + made.d_forward + made.d_backward
    judging = made.d_forward + made.d_input_gradient
    answers_s = [
        message_s(server, one, 2 * rows * (IMAGE_BYTES + LABEL_BYTES))
        + (learning_steps * learning + judging) / one.rate
        + message_s(one, server, rows * IMAGE_BYTES)
        for one in clients
    ]
    return generation_s, max(answers_s), k * made.g_backward / server.rate


def check(path, parts_s, swap_s):
    for engine in ("formula", "events"):
        answer = latency(path, engine=engine)
        assert answer["iteration_latency_s"] == pytest.approx(sum(parts_s), rel=EXACT)
        assert answer["round_latency_s"] == pytest.approx(STEPS * sum(parts_s) + swap_s, rel=EXACT)
        phases = answer["phases"]
        assert [one["name"] for one in phases] == ["generation", "discriminators", "generator_update"]
        took_s = [one["end_s"] - one["start_s"] for one in phases]
        assert took_s == pytest.approx(parts_s, abs=EXACT * sum(parts_s))
        for one in answer["clients"]:
            assert one["compute_s"] + one["transfer_s"] + one["wait_s"] == pytest.approx(sum(parts_s))
    return answer


def test_the_paper_fleet_under_the_authors_counts(tmp_path):
    path = tmp_path / "md.yaml"
    path.write_text(PAPER_DEVICES + PAPER_MODELS + strategy())
    world = (PAPER_SERVER, PAPER_FLEET, paper_s)
    parts_s = iteration_s(PAPER_WORK, PAPER_WORK, 64, *world, k=5)  # ceil(ln 80)
    swap_s = network_bytes()[1] / 50e6  # every discriminator leaves by its holder's uplink
    answer = check(path, parts_s, swap_s)
    assert answer["clients"][0]["compute_s"] == pytest.approx(45.0, abs=0.05)
    assert parts_s[1] == pytest.approx(45.0, abs=0.05)


def test_without_the_slowest_profile_an_iteration_takes_about_one_and_a_half_seconds(tmp_path):
    path = tmp_path / "md.yaml"
    profiles = ", ".join(f"{{profile: paper-{2 + i % 6}}}" for i in range(80))
    devices = f"devices: {{server: paper-server, clients: [{profiles}]}}\n"
    path.write_text(devices + PAPER_MODELS + strategy(batches=1))
    kept = [PAPER_FLEET[1 + i % 6] for i in range(80)]
    parts_s = iteration_s(PAPER_WORK, PAPER_WORK, 64, PAPER_SERVER, kept, paper_s, k=1)
    slowest_link = min(one.up for one in kept)
    answer = check(path, parts_s, swap_s=network_bytes()[1] / slowest_link)
    assert answer["iteration_latency_s"] == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("k", [1, 2, 80])
def test_the_paper_fleet_on_dedicated_links_with_exact_counts(k, tmp_path):
    # Each of 80 clients holds 50 of 4,000 digits, fewer than a batch: its own batch has 50 rows, what is made 64.
    path = tmp_path / "md.yaml"
    path.write_text(PAPER_DEVICES + strategy(batches=k, discriminator_steps=3))
    world = (PAPER_SERVER, PAPER_FLEET, dedicated_s)
    parts_s = iteration_s(exact_work(50), exact_work(64), 64, *world, k=k, learning_steps=3)
    check(path, parts_s, swap_s=network_bytes()[1] / 50e6)


@settings(max_examples=10, deadline=None)
@given(fleet=fleets, learning_steps=st.integers(1, 3), swap=st.booleans())
def test_any_fleet(fleet, learning_steps, swap, tmp_path_factory):
    server, clients = fleet
    path = tmp_path_factory.mktemp("md") / "md.yaml"
    options = strategy(batch_size=20, discriminator_steps=learning_steps, swap=str(swap).lower())
    path.write_text(devices_text(server, clients) + options)
    receivers = plan_from_sizes(path).receivers(0)
    n_bytes = network_bytes()[1]
    moves = [dedicated_s(clients[k], clients[other], n_bytes) for k, other in enumerate(receivers)]
    work = exact_work(20)
    parts_s = iteration_s(work, work, 20, server, clients, dedicated_s, k_log(len(clients)), learning_steps)
    assert bool(moves) == (swap and len(clients) > 1)
    check(path, parts_s, max(moves, default=0.0))


def test_events_equal_the_closed_form_with_overhead_bandwidth_and_unequal_batches(tmp_path):
    path = tmp_path / "md.yaml"
    path.write_text(LAW5 + strategy())
    formula, events = latency(path), latency(path, engine="events")
    span_s = formula["iteration_latency_s"]
    assert events["iteration_latency_s"] == pytest.approx(span_s, rel=EXACT)
    assert events["round_latency_s"] == pytest.approx(formula["round_latency_s"], rel=EXACT)
    for came, wanted in zip(events["clients"], formula["clients"], strict=True):
        for part in ("compute_s", "transfer_s", "wait_s"):
            assert came[part] == pytest.approx(wanted[part], abs=EXACT * span_s)


def test_where_rates_alone_differ_every_derangement_takes_as_long(tmp_path):
    path = tmp_path / "md.yaml"
    path.write_text(PAPER_DEVICES + strategy())
    plan = plan_from_sizes(path)
    n_bytes = network_bytes()[1]
    for round_ in range(5):
        moves = enumerate(plan.receivers(round_))
        longest_s = max(dedicated_s(PAPER_FLEET[k], PAPER_FLEET[other], n_bytes) for k, other in moves)
        assert longest_s == pytest.approx(plan.aggregation_seconds(), rel=EXACT)
