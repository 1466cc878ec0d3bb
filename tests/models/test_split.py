"""The split of the paper's networks: sizes, work, memory, and what a cut may be."""

import pytest

from models.cgan import cgan28
from models.cost import network_costs, segment_saved_bytes
from models.memory import memory_bytes, server_memory_bytes
from models.split import (
    VISITS,
    ChainCosts,
    Cut,
    PayloadKind,
    Phase,
    Work,
    client_legs,
    model_costs,
    segment_bytes,
    server_leg,
)

PAPER = model_costs(cgan28(64))
SMALLEST, LARGEST = Cut(1, 1, 1, 1), Cut(2, 2, 2, 2)
# Bytes of the blocks' outputs for a batch of 64, as published with the paper's networks.
G_OUTPUTS = (3_211_264, 6_422_528, 6_422_528, 12_845_056, 200_704)
D_OUTPUTS = (3_211_264, 1_605_632, 1_605_632, 589_824, 256)


def moved_bytes(cut, batch):
    return sum(visit.up.n_bytes + visit.down.n_bytes for visit in client_legs(PAPER, cut, batch).visits)


def test_the_smallest_cut_moves_54_9_megabytes_per_client_and_iteration():
    # One generator pass and three discriminator passes; each boundary is crossed forward and backward.
    by_hand = 2 * (G_OUTPUTS[0] + G_OUTPUTS[3]) + 3 * 2 * (D_OUTPUTS[0] + D_OUTPUTS[3])
    assert by_hand == 54_919_168
    assert moved_bytes(SMALLEST, 64) == by_hand


def test_a_larger_head_or_tail_moves_its_own_boundary():
    both_heads = 2 * (G_OUTPUTS[1] + G_OUTPUTS[3]) + 6 * (D_OUTPUTS[1] + D_OUTPUTS[3])
    assert moved_bytes(Cut(2, 1, 2, 1), 64) == both_heads
    both_tails = 2 * (G_OUTPUTS[0] + G_OUTPUTS[2]) + 6 * (D_OUTPUTS[0] + D_OUTPUTS[2])
    assert moved_bytes(Cut(1, 2, 1, 2), 64) == both_tails


def test_messages_grow_with_the_batch_and_the_precision():
    assert moved_bytes(SMALLEST, 32) * 2 == moved_bytes(SMALLEST, 64)
    double = client_legs(model_costs(cgan28(64), bytes_per_value=8), SMALLEST, 64)
    assert sum(visit.up.n_bytes + visit.down.n_bytes for visit in double.visits) == 2 * 54_919_168


def test_an_iteration_crosses_the_server_eight_times_in_the_methods_order():
    crossings = [(visit.network[0], visit.work, visit.phase) for visit in VISITS]
    forward, backward = Work.FORWARD, Work.BACKWARD
    assert crossings == [
        ("g", forward, Phase.GENERATOR_FORWARD),
        ("d", forward, Phase.DISCRIMINATOR_FAKE),
        ("d", backward, Phase.DISCRIMINATOR_FAKE),
        ("d", forward, Phase.DISCRIMINATOR_REAL),
        ("d", backward, Phase.DISCRIMINATOR_REAL),
        ("d", forward, Phase.DISCRIMINATOR_FOR_GENERATOR),
        ("d", Work.INPUT_GRADIENT, Phase.DISCRIMINATOR_FOR_GENERATOR),
        ("g", backward, Phase.GENERATOR_BACKWARD),
    ]


def test_a_client_does_its_own_blocks_in_the_methods_order():
    legs = client_legs(PAPER, Cut(2, 1, 1, 2), 8)
    told = [[leg.what for leg in (*visit.finish, *visit.prepare)] for visit in legs.visits]
    d_there_and_back = ["discriminator tail forward", "discriminator tail backward"]
    assert told == [
        ["generator head forward"],
        ["generator tail forward", "discriminator head forward"],
        d_there_and_back,
        ["discriminator head backward", "discriminator head forward"],
        d_there_and_back,
        ["discriminator head backward", "discriminator head forward"],
        ["discriminator tail forward", "discriminator tail input_gradient"],
        ["discriminator head input_gradient", "generator tail backward"],
    ]
    assert [leg.what for leg in legs.after] == ["generator head backward"]


def test_a_legs_work_is_its_blocks_work_times_the_rows():
    g, d = PAPER.generator.blocks, PAPER.discriminator.blocks
    legs = client_legs(PAPER, Cut(2, 1, 1, 2), 8)
    (head,) = legs.visits[0].prepare
    assert head.flops == 8 * (g[0].forward_flops + g[1].forward_flops)
    touched = g[0].forward_touched_bytes + g[1].forward_touched_bytes
    assert head.touched_bytes == 8 * touched + g[0].parameter_bytes + g[1].parameter_bytes
    assert head.kernels == g[0].forward_kernels + g[1].forward_kernels
    (back,) = legs.after
    assert back.flops == 8 * (g[0].backward_flops + g[1].backward_flops)
    # A full backward reads the parameters and writes their gradients.
    touched = g[0].backward_touched_bytes + g[1].backward_touched_bytes
    assert back.touched_bytes == 8 * touched + 2 * (g[0].parameter_bytes + g[1].parameter_bytes)
    (for_generator,) = legs.visits[7].finish
    assert for_generator.flops == 8 * d[0].input_gradient_flops
    assert for_generator.touched_bytes == 8 * d[0].input_gradient_touched_bytes + d[0].parameter_bytes


def test_the_servers_positions_run_backward_from_the_tail():
    forward, backward = server_leg(PAPER, VISITS[0], 1, 10), server_leg(PAPER, VISITS[7], 1, 10)
    assert forward.what == "generator block 2 forward"
    assert forward.flops == 10 * PAPER.generator.blocks[1].forward_flops
    assert backward.what == "generator block 4 backward"
    assert backward.flops == 10 * PAPER.generator.blocks[3].backward_flops


def test_rows_leave_between_head_and_tail_either_way():
    visits = client_legs(PAPER, Cut(2, 1, 1, 2), 1).visits
    assert [(visit.entry, visit.exit) for visit in visits] == [
        (2, 3),  # blocks 3 and 4 of the generator
        *[(1, 2), (2, 3)] * 3,  # blocks 2 and 3 of the discriminator, and back
        (1, 2),
    ]


def test_nothing_but_activations_and_gradients_crosses_in_an_iteration():
    visits = client_legs(PAPER, LARGEST, 4).visits
    kinds = {kind for visit in visits for kind in (visit.up.kind, visit.down.kind)}
    assert kinds == {PayloadKind.ACTIVATION, PayloadKind.GRADIENT}


def test_an_unsplit_iteration_is_the_necessary_matrix_work():
    g, d = PAPER.generator.blocks, PAPER.discriminator.blocks
    matrix = sum(block.forward_matmul_flops + block.backward_matmul_flops for block in g)
    matrix += 2 * sum(block.forward_matmul_flops + block.backward_matmul_flops for block in d)
    matrix += sum(block.forward_matmul_flops + block.input_gradient_matmul_flops for block in d)
    assert matrix / 1e6 == pytest.approx(793, abs=0.5)


def test_memory_of_a_client_by_hand():
    g, d = network_costs(cgan28(64).generator), network_costs(cgan28(64).discriminator)
    held = (g[0], g[1], g[4], d[0], d[4])
    parameters = sum(block.parameter_bytes for block in held)
    statistics = sum(block.statistics_bytes for block in held)
    # Blocks 1 and 2 of the generator share the tensor between them.
    kept = sum(segment_saved_bytes(part) for part in (g[:2], g[4:], d[:1], d[4:]))
    assert kept < sum(block.saved_activation_bytes for block in held)
    # Parameters, their gradients, and Adam's two moments; BatchNorm's statistics, running and of the batch.
    cut = Cut(2, 1, 1, 1)
    assert memory_bytes(PAPER, cut, 64) == 4 * parameters + 2 * statistics + 64 * kept
    assert segment_bytes(PAPER, cut) == (parameters, statistics)


def test_memory_of_the_server_counts_the_rows_it_runs():
    g, d = PAPER.generator.blocks[1:4], PAPER.discriminator.blocks[1:4]
    copies = sum(4 * block.parameter_bytes + 2 * block.statistics_bytes for block in (*g, *d))
    cores = g[1].saved_activation_bytes + d[1].saved_activation_bytes
    all_largest = server_memory_bytes(PAPER, [LARGEST, LARGEST], [64, 16])
    assert all_largest == copies + 80 * cores
    others = sum(block.saved_activation_bytes for block in (g[0], g[2], d[0], d[2]))
    assert server_memory_bytes(PAPER, [LARGEST, SMALLEST], [64, 16]) == all_largest + 16 * others


def test_sixteen_cuts_of_the_paper_in_lexicographic_order():
    choices = PAPER.cut_choices()
    assert len(choices) == 16
    assert (choices[0], choices[1], choices[-1]) == (SMALLEST, Cut(1, 1, 1, 2), LARGEST)
    assert list(choices) == sorted(choices)


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (Cut(0, 1, 1, 1), "g_head is 0; allowed: 1 to 2 blocks"),
        (Cut(1, 3, 1, 1), "g_tail is 3; allowed: 1 to 2 blocks"),
        (Cut(1, 1, -1, 1), "d_head is -1; allowed: 1 to 2 blocks"),
        (Cut(1, 1, 1, 3), "d_tail is 3; allowed: 1 to 2 blocks"),
    ],
)
def test_a_cut_out_of_range_is_refused(cut, message):
    with pytest.raises(ValueError, match=message):
        client_legs(PAPER, cut, 1)


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="batch is 0; a client needs at least one row"):
        client_legs(PAPER, SMALLEST, 0)


@pytest.mark.parametrize("core", [0, 4])
def test_a_core_at_an_end_is_refused(core):
    with pytest.raises(ValueError, match=f"core block {core} of 5 blocks"):
        ChainCosts(PAPER.generator.blocks, core)
