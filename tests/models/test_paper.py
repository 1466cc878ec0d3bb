"""The authors' counts and their four-phase plan; the numbers of the tables are those of their code."""

import dataclasses

import pytest

from models.cgan import cgan28
from models.paper import CHARGED_ROWS, DISCRIMINATOR_PASSES, PaperCounts, PaperWorkload, paper_counts
from models.split import Cut, PayloadKind, Phase, Work, model_costs
from models.workload import DataflowWorkload

ARCHITECTURE = cgan28(64)
WORKLOAD = PaperWorkload.of(model_costs(ARCHITECTURE), ARCHITECTURE)

# GFLOP per batch of 64, blocks 1 to 5, as the authors' code counts them.
AUTHORS = {
    ("generator", "forward"): (0.18464768, 13.169393664, 3.715432448, 13.185449984, 0.058103808),
    ("generator", "backward"): (0.187858944, 26.329153536, 7.421231104, 26.351632384, 0.115806208),
    ("discriminator", "forward"): (0.0602112, 0.826499072, 0.92925952, 0.605601792, 0.000295168),
    ("discriminator", "backward"): (0.063422464, 1.650188288, 1.855709184, 1.210171392, 0.000590016),
}


def flops(counts: PaperCounts, way: str) -> tuple[int, ...]:
    return counts.forward_flops if way == "forward" else counts.backward_flops


@pytest.mark.parametrize(("network", "way"), list(AUTHORS))
def test_counts_are_the_authors_to_the_last_flop(network, way):
    counts = flops(paper_counts(getattr(ARCHITECTURE, network)), way)
    assert [64 * count for count in counts] == [round(1e9 * giga) for giga in AUTHORS[network, way]]


def test_a_stride_two_transposed_convolution_is_counted_four_times_over():
    exact = model_costs(ARCHITECTURE).generator.blocks[1].forward_matmul_flops
    paper = paper_counts(ARCHITECTURE.generator).forward_flops[1]
    elements = 128 * 14 * 14 * (1 + 8 + 1)  # bias, normalisation, ReLU
    assert paper == 4 * exact + elements


def test_four_phases_one_crossing_each():
    assert WORKLOAD.phases == (
        Phase.GENERATOR_FORWARD,
        Phase.DISCRIMINATOR_FORWARD,
        Phase.DISCRIMINATOR_BACKWARD,
        Phase.GENERATOR_BACKWARD,
    )
    assert WORKLOAD.lockstep
    assert not DataflowWorkload.lockstep


def test_a_client_computes_and_sends_for_three_discriminator_passes():
    legs = WORKLOAD.client_legs(Cut(1, 2, 2, 1), 64)
    g, d = paper_counts(ARCHITECTURE.generator), paper_counts(ARCHITECTURE.discriminator)
    work = [[leg.flops / 64 for leg in (*visit.finish, *visit.prepare)] for visit in legs.visits]
    assert work == [
        [g.forward_flops[0]],
        [sum(g.forward_flops[3:]), 3 * sum(d.forward_flops[:2])],
        [3 * d.forward_flops[4], 3 * d.backward_flops[4]],
        [3 * sum(d.backward_flops[:2]), sum(g.backward_flops[3:])],
    ]
    assert [leg.flops / 64 for leg in legs.after] == [g.backward_flops[0]]
    activation, gradient = PayloadKind.ACTIVATION, PayloadKind.GRADIENT
    assert [(visit.up.kind, visit.up.n_bytes, visit.down.n_bytes) for visit in legs.visits] == [
        (activation, 3_211_264, 6_422_528),
        (activation, 3 * 1_605_632, 3 * 589_824),
        (gradient, 3 * 589_824, 3 * 1_605_632),
        (gradient, 6_422_528, 3_211_264),
    ]


def test_the_server_runs_one_discriminator_pass_and_mirrors_block_two_on_the_way_back():
    d = paper_counts(ARCHITECTURE.discriminator)
    forward = [WORKLOAD.server_leg(1, position, 10).flops / 10 for position in WORKLOAD.positions(1)]
    backward = [WORKLOAD.server_leg(2, position, 10).flops / 10 for position in WORKLOAD.positions(2)]
    assert forward == list(d.forward_flops[1:4])
    assert backward == [d.backward_flops[3], d.backward_flops[2], d.backward_flops[3]]  # blocks 4, 3, "2"
    assert WORKLOAD.server_leg(2, 3, 10).what == "discriminator block 2 backward"


def test_every_batch_is_charged_as_64():
    assert [WORKLOAD.charged_rows(batch) for batch in (2, 64, 1000)] == [CHARGED_ROWS] * 3
    assert CHARGED_ROWS == 64
    assert DISCRIMINATOR_PASSES == 3


def test_neither_memory_bandwidth_nor_kernel_calls_enter():
    legs = WORKLOAD.client_legs(Cut(2, 2, 2, 2), 64)
    every = [leg for visit in legs.visits for leg in (*visit.finish, *visit.prepare)] + list(legs.after)
    every += [WORKLOAD.server_leg(number, 2, 64) for number in range(4)]
    assert {(leg.touched_bytes, leg.kernels) for leg in every} == {(0.0, 0)}


def test_impossible_cuts_and_no_rows_are_refused():
    with pytest.raises(ValueError, match="g_head is 3; allowed: 1 to 2 blocks"):
        WORKLOAD.client_legs(Cut(3, 1, 1, 1), 64)
    with pytest.raises(ValueError, match="rows is 0"):
        WORKLOAD.client_legs(Cut(1, 1, 1, 1), 0)


def test_both_workloads_reckon_memory_with_the_same_costs():
    assert WORKLOAD.costs == DataflowWorkload(model_costs(ARCHITECTURE)).costs
    assert {field.name for field in dataclasses.fields(DataflowWorkload)} == {"costs"}
    assert paper_counts(ARCHITECTURE.generator).of(Work.FORWARD) == WORKLOAD.generator.forward_flops
