"""The authors' four-phase formula, written out from its description, against the closed form and the events.

The formula below knows neither legs nor crossings: only the table of FLOPs, the rates and the four phases.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_worlds import fleet_of, make_plan_of, play_plan, profile, random_paper_workload

from models.cgan import cgan28
from models.paper import PaperWorkload
from models.split import Cut, model_costs
from simulator.kernel.network import PaperNetwork

EXACT = 1e-9
GIGA = 1e9
few = settings(max_examples=40, deadline=None)

ARCHITECTURE = cgan28(64)
WORKLOAD = PaperWorkload.of(model_costs(ARCHITECTURE), ARCHITECTURE)

# FLOPs and bytes per batch of 64, blocks 1 to 5.
G_FORWARD = np.array([0.18464768, 13.169393664, 3.715432448, 13.185449984, 0.058103808]) * GIGA
G_BACKWARD = np.array([0.187858944, 26.329153536, 7.421231104, 26.351632384, 0.115806208]) * GIGA
D_FORWARD = np.array([0.0602112, 0.826499072, 0.92925952, 0.605601792, 0.000295168]) * GIGA
D_BACKWARD = np.array([0.063422464, 1.650188288, 1.855709184, 1.210171392, 0.000590016]) * GIGA
G_OUTPUT = np.array([3_211_264, 6_422_528, 6_422_528, 12_845_056, 200_704])
D_OUTPUT = np.array([3_211_264, 1_605_632, 1_605_632, 589_824, 256])


def forward_s(flops, outputs, clients, server, heads, tails, times):
    """One network's forward: heads and uplinks, block 2 for short heads, block 3, block 4 for short tails, tails."""
    short, long = [], []
    for client, head in zip(clients, heads, strict=True):
        work, sent = flops[:head].sum(), outputs[head - 1]
        own_s = times * (work / client.rate_flops_per_s + sent / client.uplink_bytes_per_s)
        (short if head == 1 else long).append(own_s)
    server_rate = server.rate_flops_per_s
    joined_s = max([max(short) + len(short) * flops[1] / server_rate] if short else [0.0])
    core_s = max([joined_s, *long]) + len(clients) * flops[2] / server_rate
    fourth_s = sum(tail == 1 for tail in tails) * flops[3] / server_rate
    ends = []
    for client, tail in zip(clients, tails, strict=True):
        work, got = flops[5 - tail :].sum(), outputs[4 - tail]
        own_s = times * (got / server.uplink_bytes_per_s + work / client.rate_flops_per_s)
        ends.append(core_s + own_s + (fourth_s if tail == 1 else 0.0))
    return max(ends)


def backward_s(flops, outputs, clients, server, heads, tails, times):
    """Its mirror image; the server's block 2 is charged block 4's FLOPs, as the authors do."""
    mirrored = np.array([flops[4], flops[3], flops[2], flops[3], flops[0]])
    short, long = [], []
    for client, tail in zip(clients, tails, strict=True):
        work, sent = flops[5 - tail :].sum(), outputs[4 - tail]
        own_s = times * (work / client.rate_flops_per_s + sent / client.uplink_bytes_per_s)
        (short if tail == 1 else long).append(own_s)
    server_rate = server.rate_flops_per_s
    joined_s = max([max(short) + len(short) * mirrored[1] / server_rate] if short else [0.0])
    core_s = max([joined_s, *long]) + len(clients) * mirrored[2] / server_rate
    second_s = sum(head == 1 for head in heads) * mirrored[3] / server_rate
    ends = []
    for client, head in zip(clients, heads, strict=True):
        work, got = flops[:head].sum(), outputs[head - 1]
        own_s = times * (got / server.uplink_bytes_per_s + work / client.rate_flops_per_s)
        ends.append(core_s + own_s + (second_s if head == 1 else 0.0))
    return max(ends)


def phases_s(clients, server, cuts):
    g_heads, g_tails, d_heads, d_tails = zip(*(cut.as_tuple() for cut in cuts), strict=True)
    world = (clients, server)
    return [
        forward_s(G_FORWARD, G_OUTPUT, *world, g_heads, g_tails, 1),
        forward_s(D_FORWARD, D_OUTPUT, *world, d_heads, d_tails, 3),
        backward_s(D_BACKWARD, D_OUTPUT, *world, d_heads, d_tails, 3),
        backward_s(G_BACKWARD, G_OUTPUT, *world, g_heads, g_tails, 1),
    ]


def magnitudes(low, high):
    return st.floats(low, high).map(lambda exponent: 10.0**exponent)


@st.composite
def fleets(draw):
    def device():
        return profile(
            rate=draw(magnitudes(8, 12)),
            uplink_bytes_per_s=draw(magnitudes(6, 9)),
            downlink_bytes_per_s=draw(magnitudes(3, 9)),  # has no say in this network model
            latency_s=draw(st.sampled_from([0.0, 3.0])),  # nor has this
            memory_bandwidth_bytes_per_s=draw(st.none() | magnitudes(3, 9)),  # nor this
            kernel_overhead_s=draw(st.sampled_from([0.0, 1.0])),  # nor this
        )

    return fleet_of(device(), *(device() for _ in range(draw(st.integers(1, 5)))))


block_counts = st.integers(1, 2)


@few
@given(fleet=fleets(), data=st.data(), batch=st.integers(2, 500))
def test_closed_form_and_events_are_the_formula(fleet, data, batch, tmp_path_factory):
    cuts = [Cut(*data.draw(st.tuples(*[block_counts] * 4))) for _ in fleet.clients]
    batches = [batch] * len(cuts)  # the formula charges 64, whatever they are
    folder = tmp_path_factory.getbasetemp()
    plan = make_plan_of(folder, WORKLOAD, fleet, batches, cuts, network=PaperNetwork())
    wanted_s = phases_s([one.profile for one in fleet.clients], fleet.server.profile, cuts)
    time = plan.closed_form()
    assert time.latency_s == pytest.approx(sum(wanted_s), rel=EXACT)
    assert list(time.phase_end_s.values()) == pytest.approx(np.cumsum(wanted_s), rel=EXACT)
    played = play_plan(plan)[0]["iterations"].iloc[0]
    columns = [f"{phase}_s" for phase in WORKLOAD.phases]
    assert played[columns].tolist() == pytest.approx(wanted_s, rel=EXACT)
    assert played["iteration_latency_s"] == pytest.approx(sum(wanted_s), rel=EXACT)


@few
@given(fleet=fleets(), data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_events_equal_the_closed_form_for_chains_of_any_length(fleet, data, seed, tmp_path_factory):
    lengths = data.draw(st.tuples(*[st.sampled_from([3, 4, 5, 7])] * 2))
    workload = random_paper_workload(lengths, np.random.default_rng(seed))
    choices = st.sampled_from(workload.costs.cut_choices())
    cuts = [data.draw(choices) for _ in fleet.clients]
    batches = [2] * len(cuts)
    plan = make_plan_of(tmp_path_factory.getbasetemp(), workload, fleet, batches, cuts)
    tables, _, world = play_plan(plan)
    time, row = plan.closed_form(), tables["iterations"].iloc[0]
    assert row["iteration_latency_s"] == pytest.approx(time.latency_s, rel=EXACT)
    assert np.cumsum([row[f"{phase}_s"] for phase in workload.phases]) == pytest.approx(
        list(time.phase_end_s.values()), rel=EXACT
    )
    assert world.now_s == pytest.approx(time.latency_s + plan.aggregation_seconds(), rel=EXACT)


@few
@given(fleet=fleets(), data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_lockstep_clients_compute_transfer_or_wait(fleet, data, seed, tmp_path_factory):
    workload = random_paper_workload((5, 5), np.random.default_rng(seed))
    choices = st.sampled_from(workload.costs.cut_choices())
    cuts = [data.draw(choices) for _ in fleet.clients]
    plan = make_plan_of(tmp_path_factory.getbasetemp(), workload, fleet, [2] * len(cuts), cuts)
    time = plan.closed_form()
    for own in time.clients:
        assert own.compute_s + own.transfer_s + own.wait_s == pytest.approx(time.latency_s, rel=EXACT)
        assert own.wait_s >= -EXACT * time.latency_s
