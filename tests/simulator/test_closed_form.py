"""The closed form of an iteration against numbers worked by hand."""

import numpy as np
import pytest
from small_worlds import DATAFLOW_PHASES, block, fleet_of, profile

from models.split import ChainCosts, Cut, ModelCosts
from models.workload import DataflowWorkload
from simulator.closed_form import IterationModel
from simulator.kernel.network import DedicatedNetwork, IdealNetwork, Network

ONLY = Cut(1, 1, 1, 1)
FREE = profile(rate=1e12, link=1e12)


def three_blocks(head=0, core=0, tail=0, boundary=0):
    """A chain whose blocks cost the same forward, backward and to the input; both boundaries carry ``boundary``."""
    blocks = []
    for flops, n_bytes in ((head, boundary), (core, boundary), (tail, 0)):
        work = dict.fromkeys(("forward_flops", "backward_flops", "input_gradient_flops"), flops)
        blocks.append(block(**work, output_bytes=n_bytes))
    return ChainCosts(tuple(blocks), core=1)


def five_blocks(**flops_of):
    blocks = [block(forward_flops=flops_of.get(f"block{number}", 0)) for number in range(1, 6)]
    return ChainCosts(tuple(blocks), core=2)


NOTHING = three_blocks()


def model_of(generator, discriminator, server, *clients, batches=None, network=None):
    fleet = fleet_of(server, *clients)
    costs = ModelCosts(generator, discriminator)
    ways = Network(fleet, network or DedicatedNetwork())
    return IterationModel(DataflowWorkload(costs), fleet, ways, batches or [1] * len(clients))


def latency_of(model, *cuts):
    return model.time(cuts).latency_s


def test_one_client_adds_everything_up():
    generator = three_blocks(head=1, core=10, tail=2, boundary=4)
    discriminator = three_blocks(head=3, core=20, tail=5, boundary=8)
    client, server = profile(rate=1.0, link=2.0), profile(rate=10.0, link=1e9)
    model = model_of(generator, discriminator, server, client)
    time = model.time([ONLY])
    # Generator: forward and backward; discriminator: three times there and back.
    compute_s = 2 * (1 + 2) + 6 * (3 + 5)
    server_s = 2 * 1.0 + 6 * 2.0
    transfer_s = 2 * (2 + 2) + 6 * (4 + 4)
    assert time.latency_s == pytest.approx(compute_s + server_s + transfer_s)
    (own,) = time.clients
    assert (own.compute_s, own.transfer_s) == (compute_s, transfer_s)
    assert own.wait_s == pytest.approx(server_s)
    # Generator forward: head, up, core, down, tail; then each pass of the discriminator there and back.
    forward_s, pass_s = 1 + 2 + 1 + 2 + 2, 2 * (3 + 4 + 2 + 4 + 5)
    ends = [forward_s + passes * pass_s for passes in range(4)]
    assert list(time.phase_end_s.values()) == pytest.approx([*ends, time.latency_s])
    assert list(time.phase_end_s) == list(DATAFLOW_PHASES)


def test_the_joined_core_waits_for_the_last_and_runs_all_rows():
    generator = ChainCosts((block(forward_flops=1), block(forward_flops=10), block()), core=1)
    slow, fast = profile(rate=0.25, link=1e12), profile(rate=1.0, link=1e12)
    server = profile(rate=10.0, link=1e12)
    model = model_of(generator, NOTHING, server, slow, fast, batches=[1, 2])
    # Heads: 4 s and 2 s; then three rows at once.
    assert latency_of(model, ONLY, ONLY) == pytest.approx(4.0 + 3.0)


def test_messages_run_side_by_side_and_the_slowest_counts():
    slow, fast = profile(rate=1e12, link=1.0), profile(rate=1e12, link=4.0)
    model = model_of(three_blocks(boundary=8), NOTHING, FREE, slow, fast)
    assert latency_of(model, ONLY, ONLY) == pytest.approx(4 * 8.0)


def test_latency_is_paid_per_message_on_both_access_links():
    client, server = profile(link=1e12, latency_s=0.25), profile(link=1e12, latency_s=1.0)
    model = model_of(NOTHING, NOTHING, server, client, network=IdealNetwork())
    assert latency_of(model, ONLY) == pytest.approx(8 * 2 * 1.25)


def test_overhead_is_paid_per_kernel_and_joined_batch():
    generator = ChainCosts((block(forward_kernels=3), block(forward_kernels=2), block()), core=1)
    client, server = profile(link=1e12, kernel_overhead_s=1.0), profile(link=1e12, kernel_overhead_s=0.5)
    model = model_of(generator, NOTHING, server, client, client, batches=[5, 7])
    assert latency_of(model, ONLY, ONLY) == pytest.approx(3.0 + 1.0)


def test_the_servers_memory_bandwidth_reads_parameters_once_a_batch():
    core = block(forward_touched_bytes=10, parameter_bytes=100, forward_flops=1)
    generator = ChainCosts((block(), core, block()), core=1)
    server = profile(rate=1.0, link=1e12, memory_bandwidth_bytes_per_s=10.0)
    model = model_of(generator, NOTHING, server, FREE, FREE, batches=[2, 3])
    # Forward: 5 rows of 10 byte and the parameters, slower than 5 FLOP; backward: parameters and gradients.
    assert latency_of(model, ONLY, ONLY) == pytest.approx((50 + 100) / 10 + 200 / 10)


def test_a_longer_head_joins_later_and_leaves_block_two_to_the_others():
    generator = five_blocks(block2=6, block3=10)
    discriminator = ChainCosts(tuple(block() for _ in range(5)), core=2)
    client, server = profile(rate=2.0, link=1e12), profile(rate=10.0, link=1e12)
    model = model_of(generator, discriminator, server, client, client)
    short, long = Cut(1, 1, 1, 1), Cut(2, 1, 1, 1)
    assert latency_of(model, short, short) == pytest.approx(2 * 0.6 + 2 * 1.0)
    assert latency_of(model, long, long) == pytest.approx(3.0 + 2 * 1.0)
    # The server runs block 2 of one client while the other does it itself.
    assert latency_of(model, short, long) == pytest.approx(max(0.6, 3.0) + 2 * 1.0)


def test_a_longer_tail_leaves_before_block_four():
    generator = five_blocks(block3=10, block4=6)
    discriminator = ChainCosts(tuple(block() for _ in range(5)), core=2)
    client, server = profile(rate=2.0, link=1e12), profile(rate=10.0, link=1e12)
    model = model_of(generator, discriminator, server, client, client)
    short, long = Cut(1, 1, 1, 1), Cut(1, 2, 1, 1)
    assert latency_of(model, short, long) == pytest.approx(2 * 1.0 + max(0.6, 3.0))
    assert latency_of(model, short, short) == pytest.approx(2 * 1.0 + 2 * 0.6)


def test_a_busy_server_delays_the_next_crossing():
    generator = five_blocks(block4=100)
    discriminator = five_blocks(block2=7)
    server = profile(rate=1.0, link=1e12)
    model = model_of(generator, discriminator, server, FREE, FREE)
    # The first leaves the generator after block 3 and comes back at once with rows for block 2, which waits
    # until block 4 of the other is done; the other holds block 2 itself.
    cuts = (Cut(1, 2, 1, 1), Cut(1, 1, 2, 1))
    assert latency_of(model, *cuts) == pytest.approx(100 + 3 * 7)


def test_a_block_that_everybody_holds_costs_the_server_nothing():
    generator = ChainCosts(tuple(block(forward_kernels=1, backward_kernels=1) for _ in range(5)), core=2)
    discriminator = ChainCosts(tuple(block() for _ in range(5)), core=2)
    server = profile(rate=1.0, link=1e12, kernel_overhead_s=1.0)
    model = model_of(generator, discriminator, server, FREE)
    assert latency_of(model, Cut(1, 1, 1, 1)) == pytest.approx(6.0)
    assert latency_of(model, Cut(2, 1, 1, 1)) == pytest.approx(4.0)
    assert latency_of(model, Cut(2, 2, 1, 1)) == pytest.approx(2.0)


def test_genes_stand_for_cuts():
    chain = ChainCosts(tuple(block() for _ in range(5)), core=2)
    model = model_of(chain, chain, FREE, FREE, FREE)
    cuts = (Cut(2, 1, 1, 2), Cut(1, 1, 2, 1))
    assert model.cuts_of(model.genes_of(cuts)) == cuts
    assert model.genes_of(cuts).tolist() == [0b1001, 0b0010]
    with pytest.raises(KeyError):
        model.genes_of([Cut(3, 1, 1, 1), cuts[0]])


def test_own_seconds_of_every_choice():
    generator = ChainCosts(
        tuple(block(forward_flops=2, output_bytes=size) for size in (1, 3, 3, 5, 0)), core=2
    )
    free_chain = ChainCosts(tuple(block() for _ in range(5)), core=2)
    model = model_of(generator, free_chain, profile(link=1e12), profile(rate=1.0, link=1.0), batches=[10])
    compute_s, transfer_s = model.client_seconds()
    assert compute_s.shape == transfer_s.shape == (1, 16)
    (smallest, larger) = model.genes_of([Cut(1, 1, 1, 1)])[0], model.genes_of([Cut(2, 2, 1, 1)])[0]
    assert (compute_s[0, smallest], transfer_s[0, smallest]) == (40.0, 2 * 10 * (1 + 5))
    assert (compute_s[0, larger], transfer_s[0, larger]) == (80.0, 2 * 10 * (3 + 3))


def test_one_batch_size_per_client():
    with pytest.raises(ValueError, match="2 batch sizes for 1 clients; one each is needed"):
        model_of(NOTHING, NOTHING, FREE, FREE, batches=[1, 2])


def test_scores_of_a_population_have_its_shape():
    chain = ChainCosts(tuple(block(forward_flops=1) for _ in range(5)), core=2)
    model = model_of(chain, chain, FREE, FREE, FREE)
    assert model.latency_s(np.zeros((3, 2), dtype=np.intp)).shape == (3,)
    assert model.latency_s(np.zeros(2, dtype=np.intp)).shape == (1,)


def test_a_trace_tells_when_everything_happens():
    """Heads take 4 s and 2 s, messages 1 s each way; the core joins both at 5 s, and takes 3 s."""
    generator = ChainCosts(
        (block(forward_flops=1, output_bytes=1), block(forward_flops=10, output_bytes=1), block()), core=1
    )
    server = profile(rate=10.0, link=1e12)
    slow, fast = profile(rate=0.25, link=1.0), profile(rate=1.0, link=2.0)
    model = model_of(generator, NOTHING, server, slow, fast, batches=[1, 2])
    trace = model.trace([ONLY, ONLY])
    assert [times[0].tolist() for times in (trace.begun_s, trace.prepared_s, trace.arrived_s)] == [
        [0.0, 0.0],
        [4.0, 2.0],
        [5.0, 3.0],
    ]
    assert (trace.left_s[0].tolist(), trace.ready_s[0].tolist()) == ([8.0, 8.0], [9.0, 9.0])
    run = trace.server[0]
    assert (run.number, run.position, run.last_arrival_s, run.start_s, run.end_s) == (0, 1, 5.0, 5.0, 8.0)
    assert len(trace.server) == len(model.workload.visits)
    assert trace.latency_s == trace.done_s.max() == latency_of(model, ONLY, ONLY)


def test_a_changed_fleet_is_timed_anew_and_the_old_one_stays():
    chain = three_blocks(head=1, core=10, tail=2, boundary=4)
    server, client = profile(rate=10.0, link=1e9), profile(rate=1.0, link=2.0)
    faster, hub = profile(rate=2.0, link=4.0), profile(rate=20.0, link=1e9)
    before = model_of(chain, chain, server, client, client)
    old_s = latency_of(before, ONLY, ONLY)
    for changed, members in (
        (fleet_of(server, client, faster), [1]),
        (fleet_of(hub, faster, faster), [0, 1]),
    ):
        network = Network(changed, DedicatedNetwork())
        fresh = IterationModel(before.workload, changed, network, [1, 1])
        after = before.with_devices(changed, network, members)
        assert after.time([ONLY, ONLY]) == fresh.time([ONLY, ONLY])
    assert latency_of(before, ONLY, ONLY) == old_s
