"""The legs of a local iteration against the sums of METHODS' table, and the bytes of whole networks."""

import pytest
import torch

from models.build import build_network
from models.cgan import cgan28
from models.cost import network_costs
from models.local_step import LOCAL_STEP, local_step_legs, network_payload
from models.memory import network_memory_bytes
from models.model_options import ModelOptions, build_architecture
from models.paper import PaperWorkload
from models.split import model_costs
from models.workload import DataflowWorkload

NETS = cgan28(8)
COSTS = model_costs(NETS)


def totals(network):
    blocks = network_costs(network)
    return (
        sum(one.forward_flops for one in blocks),
        sum(one.backward_flops for one in blocks),
        sum(one.input_gradient_flops for one in blocks),
    )


@pytest.mark.parametrize("generators", [1, 2])
def test_a_local_step_is_the_sum_of_the_table(generators):
    (gf, gb, _), (df, db, dx) = totals(NETS.generator), totals(NETS.discriminator)
    legs = local_step_legs(DataflowWorkload(COSTS), rows=5, generators=generators)
    wanted = generators * (gf + gb) + (generators + 1) * (df + db) + generators * (df + dx)
    assert sum(leg.flops for leg in legs) == pytest.approx(5 * wanted, rel=1e-12)
    assert {leg.phase for leg in legs} == {LOCAL_STEP}
    assert dx < db


def test_the_paper_counts_charge_the_full_backward_for_the_serving_pass():
    architecture = build_architecture(ModelOptions())
    workload = PaperWorkload.of(model_costs(architecture), architecture)
    forward_g = 0.18464768 + 13.169393664 + 3.715432448 + 13.185449984 + 0.058103808
    backward_g = 0.187858944 + 26.329153536 + 7.421231104 + 26.351632384 + 0.115806208
    forward_d = 0.0602112 + 0.826499072 + 0.92925952 + 0.605601792 + 0.000295168
    backward_d = 0.063422464 + 1.650188288 + 1.855709184 + 1.210171392 + 0.000590016
    legs = local_step_legs(workload, workload.charged_rows(7))
    gflop = forward_g + backward_g + 3 * (forward_d + backward_d)
    assert sum(leg.flops for leg in legs) == pytest.approx(gflop * 1e9, rel=1e-9)
    assert gflop / 0.48 == pytest.approx(234.0, abs=0.05)  # profile 1 has 0.48 GFLOP/s


def test_payloads_are_the_bytes_of_real_modules():
    nets = [build_network(net, 0) for net in (NETS.generator, NETS.discriminator)]
    parameters = 4 * sum(p.numel() for net in nets for p in net.parameters())
    statistics = 4 * sum(b.numel() for net in nets for b in net.buffers() if b.dtype is torch.float32)
    assert network_payload(COSTS, "generator", "discriminator") == (parameters, statistics)
    one = network_payload(COSTS, "discriminator")
    assert network_payload(COSTS, "discriminator", "discriminator") == (2 * one[0], 2 * one[1])


def test_a_whole_networks_memory_grows_by_its_activations_alone():
    chain = COSTS.discriminator
    parameters = sum(block.parameter_bytes for block in chain.blocks)
    statistics = sum(block.statistics_bytes for block in chain.blocks)
    empty, one, two = (network_memory_bytes(chain, batch) for batch in (0, 1, 2))
    assert empty == 4 * parameters + 2 * statistics  # with gradients and Adam's two moments
    assert two - one == one - empty > 0
