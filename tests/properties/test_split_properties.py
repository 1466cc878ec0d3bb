"""Any chain, any cut: nothing is lost or done twice when a network is split."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_worlds import random_costs

from models.memory import memory_bytes, server_memory_bytes
from models.split import (
    VISITS,
    PayloadKind,
    chain_of,
    client_legs,
    held_blocks,
    segment_bytes,
    server_leg,
    server_positions,
)

few = settings(max_examples=60, deadline=None)
lengths = st.tuples(st.integers(3, 7), st.integers(3, 7))
seeds = st.integers(0, 2**32 - 1)
batches = st.integers(1, 200)


@st.composite
def split_models(draw):
    costs = random_costs(draw(lengths), np.random.default_rng(draw(seeds)))
    return costs, draw(st.sampled_from(costs.cut_choices()))


def all_legs(costs, cut, batch):
    """Everything computed in an iteration of one client, by the client and by the server."""
    legs = client_legs(costs, cut, batch)
    done = [leg for visit in legs.visits for leg in (*visit.finish, *visit.prepare)] + list(legs.after)
    for visit, own in zip(VISITS, legs.visits, strict=True):
        done += [server_leg(costs, visit, position, batch) for position in range(own.entry, own.exit + 1)]
    return done


def uncut(costs, of_work):
    """Sum over all blocks of one generator pass, two discriminator passes and one that serves the generator."""
    g, d = costs.generator.blocks, costs.discriminator.blocks
    total = sum(of_work(block, "forward") + of_work(block, "backward") for block in g)
    total += 2 * sum(of_work(block, "forward") + of_work(block, "backward") for block in d)
    return total + sum(of_work(block, "forward") + of_work(block, "input_gradient") for block in d)


@few
@given(model=split_models(), batch=batches)
def test_every_cut_does_the_work_of_the_uncut_networks(model, batch):
    costs, cut = model
    flops = sum(leg.flops for leg in all_legs(costs, cut, batch))
    assert flops == batch * uncut(costs, lambda block, work: getattr(block, f"{work}_flops"))


@few
@given(model=split_models(), batch=batches)
def test_every_cut_touches_the_bytes_of_the_uncut_networks(model, batch):
    costs, cut = model
    rows = batch * uncut(costs, lambda block, work: getattr(block, f"{work}_touched_bytes"))
    parameters = uncut(costs, lambda block, work: block.parameter_bytes * (1 + (work == "backward")))
    assert sum(leg.touched_bytes for leg in all_legs(costs, cut, batch)) == rows + parameters


@few
@given(model=split_models(), batch=batches)
def test_every_cut_calls_the_kernels_of_the_uncut_networks(model, batch):
    costs, cut = model
    calls = uncut(
        costs, lambda block, work: block.forward_kernels if work == "forward" else block.backward_kernels
    )
    assert sum(leg.kernels for leg in all_legs(costs, cut, batch)) == calls


@few
@given(model=split_models(), batch=batches)
def test_a_client_sends_and_gets_each_boundary_once_a_pass_and_direction(model, batch):
    costs, cut = model
    g, d = costs.generator.blocks, costs.discriminator.blocks
    g_edges = (g[cut.g_head - 1].output_bytes, g[-cut.g_tail - 1].output_bytes)
    d_edges = (d[cut.d_head - 1].output_bytes, d[-cut.d_tail - 1].output_bytes)
    visits = client_legs(costs, cut, batch).visits
    # Forward the head's output goes up and the tail's input comes down; backward the other way round.
    ways = [g_edges, *[d_edges, d_edges[::-1]] * 3, g_edges[::-1]]
    assert [(v.up.n_bytes, v.down.n_bytes) for v in visits] == [
        (up * batch, down * batch) for up, down in ways
    ]
    for visit, own in zip(VISITS, visits, strict=True):
        kind = PayloadKind.ACTIVATION if visit.forward else PayloadKind.GRADIENT
        assert own.up.kind is own.down.kind is kind


@few
@given(model=split_models())
def test_rows_are_at_the_core_in_every_crossing(model):
    costs, cut = model
    for visit, own in zip(VISITS, client_legs(costs, cut, 1).visits, strict=True):
        chain = chain_of(costs, visit)
        core = chain.core if visit.forward else chain.length - 1 - chain.core
        positions = server_positions(chain)
        assert positions[0] <= own.entry <= core <= own.exit <= positions[-1]


@few
@given(model=split_models(), batch=batches)
def test_clients_and_server_hold_each_block_of_one_client_once(model, batch):
    costs, cut = model
    held = held_blocks(costs.generator, cut.g_head, cut.g_tail)
    held += held_blocks(costs.discriminator, cut.d_head, cut.d_tail)
    parameters = sum(block.parameter_bytes for block in held)
    statistics = sum(block.statistics_bytes for block in held)
    assert segment_bytes(costs, cut) == (parameters, statistics)
    # The chains of these tests share no input, so that what is kept adds up block by block.
    kept = batch * sum(block.saved_activation_bytes for block in held)
    assert memory_bytes(costs, cut, batch) == 4 * parameters + 2 * statistics + kept

    middle = (*costs.generator.blocks[1:-1], *costs.discriminator.blocks[1:-1])
    blocks = (*costs.generator.blocks, *costs.discriminator.blocks)
    kept_by_server = batch * sum(block.saved_activation_bytes for block in blocks) - kept
    copies = sum(4 * block.parameter_bytes + 2 * block.statistics_bytes for block in middle)
    assert server_memory_bytes(costs, [cut], [batch]) == copies + kept_by_server


@few
@given(model=split_models(), batch=batches, more=st.integers(1, 100))
def test_memory_grows_with_the_batch_and_with_every_block_held(model, batch, more):
    costs, cut = model
    needed = memory_bytes(costs, cut, batch)
    assert memory_bytes(costs, cut, batch + more) > needed
    for larger in costs.cut_choices():
        if larger != cut and all(a >= b for a, b in zip(larger.as_tuple(), cut.as_tuple(), strict=True)):
            assert memory_bytes(costs, larger, batch) > needed
            assert server_memory_bytes(costs, [larger], [batch]) < server_memory_bytes(costs, [cut], [batch])


@few
@given(size=lengths, seed=seeds)
def test_choices_are_all_cuts_that_leave_both_cores(size, seed):
    costs = random_costs(size, np.random.default_rng(seed))
    right = set()
    for cut in itertools.product(range(8), repeat=4):
        fine = True
        for chain, head, tail in ((costs.generator, *cut[:2]), (costs.discriminator, *cut[2:])):
            fine &= 1 <= head <= chain.core < chain.length - tail <= chain.length - 1
        if fine:
            right.add(cut)
    choices = [cut.as_tuple() for cut in costs.cut_choices()]
    assert choices == sorted(right)


@few
@given(model=split_models(), which=st.integers(0, 3), wrong=st.sampled_from([-1, 0, 99]))
def test_any_other_cut_is_refused_by_its_number(model, which, wrong):
    costs, cut = model
    numbers = list(cut.as_tuple())
    numbers[which] = wrong
    name = ("g_head", "g_tail", "d_head", "d_tail")[which]
    with pytest.raises(ValueError, match=f"{name} is {wrong}; allowed: 1 to"):
        client_legs(costs, type(cut)(*numbers), 1)
