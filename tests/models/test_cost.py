"""The counts against PyTorch's own: the FLOP counter, parameter sizes, and the tensors autograd keeps."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.architecture import Block, Network, chain_blocks
from models.build import build_block, build_network
from models.cgan import cgan28, cgan32
from models.cost import BlockCost, network_costs, segment_saved_bytes
from models.layers import Activation, BatchNorm, Convolution, LabelInput, Linear, Reshape

WIDTHS = (1, 3, 16, 64)
BATCH = 3


def mixed_network() -> Network:
    """Seven blocks whose borders are kept by both, one or no neighbour; odd kernels and strides."""
    layers = (
        (LabelInput(4, (2, 9, 9)), BatchNorm(), Convolution(3, 3, 2, 1), Activation("sigmoid")),
        (Convolution(5, 5, 1, 2), BatchNorm()),
        (Activation("leaky_relu", 0.1), Convolution(4, 2, 3, 0, transposed=True), Activation("relu")),
        (Activation("tanh"),),
        (Reshape((784,)), BatchNorm(), Linear(6)),
        (Reshape((6, 1, 1)), Activation("relu"), Activation("tanh"), Reshape((6,))),
        (Linear(2), Linear(1), Activation("sigmoid")),
    )
    return Network("discriminator", chain_blocks("M", (1, 9, 9), layers))


def all_networks() -> Iterator[Network]:
    for width in WIDTHS:
        yield cgan28(width).generator
        yield cgan28(width).discriminator
    for colour in (cgan32(3), cgan32(2, (3, 28, 28), classes=8), cgan32(1, (1, 32, 32), classes=12)):
        yield colour.generator
        yield colour.discriminator
    yield mixed_network()


def all_blocks() -> list[object]:
    return [
        pytest.param(block, cost, id=f"{network.name}-{cost.parameters}-{block.name}")
        for network in all_networks()
        for block, cost in zip(network.blocks, network_costs(network), strict=True)
    ]


def inputs(block: Block, batch: int = BATCH, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, ...]:
    x = torch.linspace(-1, 1, batch * math.prod(block.input_shape), dtype=dtype)
    x = x.reshape(batch, *block.input_shape).requires_grad_()
    return (x, torch.zeros(batch, dtype=torch.int64)) if block.takes_labels else (x,)


def counted_flops(block: Block, frozen: bool) -> tuple[int, int]:
    """FLOPs of a forward and a backward as PyTorch counts them."""
    module = build_block(block).requires_grad_(not frozen)
    arguments = inputs(block)
    with FlopCounterMode(display=False) as forward:
        output = module(*arguments)
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    assert arguments[0].grad is not None
    return forward.get_total_flops(), backward.get_total_flops()


@pytest.mark.parametrize(("block", "cost"), all_blocks())
def test_matrix_work_equals_pytorchs_counter(block: Block, cost: BlockCost) -> None:
    forward, backward = counted_flops(block, frozen=False)
    _, input_gradient = counted_flops(block, frozen=True)
    assert forward == BATCH * cost.forward_matmul_flops
    assert backward == BATCH * cost.backward_matmul_flops
    assert input_gradient == BATCH * cost.input_gradient_matmul_flops


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_a_first_block_needs_its_input_gradient_for_the_embedding_alone(name: str) -> None:
    """Noise and images ask for no gradient in a training step; the count is the full one all the same."""
    network = getattr(cgan28(3), name)
    block, cost = network.blocks[0], network_costs(network)[0]
    x, labels = inputs(block)
    output = build_block(block)(x.detach(), labels)
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    assert backward.get_total_flops() == BATCH * cost.backward_matmul_flops


def test_a_transposed_convolution_counts_input_positions() -> None:
    """G2 at width 64: 7x7 positions, 4x4 kernel, 256 to 128 channels; the paper's formula takes 14x14."""
    cost = network_costs(cgan28().generator)[1]
    assert cost.forward_matmul_flops == 2 * 7 * 7 * 4 * 4 * 256 * 128


def test_element_wise_work_by_hand() -> None:
    """D1 at width 1 gives 1x14x14 = 196 values: bias, batch normalisation, leaky ReLU."""
    cost = network_costs(cgan28(1).discriminator)[0]
    matmul = 2 * 4 * 4 * 2 * 1 * 196
    assert cost.forward_flops == matmul + (1 + 8 + 2) * 196
    assert cost.backward_flops == 2 * matmul + (1 + 11 + 3) * 196
    assert cost.input_gradient_flops == matmul + (11 + 3) * 196


def test_element_wise_work_of_the_last_blocks_by_hand() -> None:
    generator, discriminator = (network_costs(n)[4] for n in (cgan28(2).generator, cgan28(2).discriminator))
    assert generator.forward_flops - generator.forward_matmul_flops == (1 + 5) * 784
    assert generator.backward_flops - generator.backward_matmul_flops == (1 + 3) * 784
    assert discriminator.forward_flops - discriminator.forward_matmul_flops == 1 + 3
    assert discriminator.backward_flops - discriminator.backward_matmul_flops == 1 + 2
    assert discriminator.input_gradient_flops - discriminator.input_gradient_matmul_flops == 2


def test_the_papers_own_counts_where_its_rules_agree_with_ours() -> None:
    """Published FLOPs per batch of 64, without stride-2 transposed blocks and the first blocks' backward."""
    generator, discriminator = network_costs(cgan28().generator), network_costs(cgan28().discriminator)
    published_forward = [60_211_200, 826_499_072, 929_259_520, 605_601_792, 295_168]
    published_backward = [1_650_188_288, 1_855_709_184, 1_210_171_392, 590_016]
    assert [64 * cost.forward_flops for cost in discriminator] == published_forward
    assert [64 * cost.backward_flops for cost in discriminator[1:]] == published_backward
    assert [64 * generator[i].forward_flops for i in (0, 2, 4)] == [184_647_680, 3_715_432_448, 58_103_808]
    assert [64 * generator[i].backward_flops for i in (2, 4)] == [7_421_231_104, 115_806_208]


def test_necessary_work_of_an_iteration_is_793_mflop_per_sample() -> None:
    """G forward and backward, two full D passes, one D pass whose backward only reaches its input."""
    architecture = cgan28()
    generator, discriminator = (
        network_costs(n) for n in (architecture.generator, architecture.discriminator)
    )
    work = sum(c.forward_matmul_flops + c.backward_matmul_flops for c in generator)
    work += sum(2 * (c.forward_matmul_flops + c.backward_matmul_flops) for c in discriminator)
    work += sum(c.forward_matmul_flops + c.input_gradient_matmul_flops for c in discriminator)
    assert round(work / 1e6) == 793


def test_parameter_counts_of_the_paper() -> None:
    architecture = cgan28()
    assert sum(c.parameters for c in network_costs(architecture.generator)) == 2_221_925
    assert sum(c.parameters for c in network_costs(architecture.discriminator)) == 816_737


@pytest.mark.parametrize(("block", "cost"), all_blocks())
def test_parameters_and_statistics_equal_the_modules(block: Block, cost: BlockCost) -> None:
    module = build_block(block)
    statistics = [buffer for buffer in module.buffers() if buffer.is_floating_point()]
    assert cost.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert cost.parameter_bytes == sum(parameter.nbytes for parameter in module.parameters())
    assert cost.statistics_bytes == sum(buffer.nbytes for buffer in statistics)
    assert cost.output_bytes == module(*inputs(block)).nbytes / BATCH


def test_output_bytes_per_batch_of_the_paper() -> None:
    architecture = cgan28()
    generator = [64 * cost.output_bytes for cost in network_costs(architecture.generator)]
    discriminator = [64 * cost.output_bytes for cost in network_costs(architecture.discriminator)]
    assert generator == [3_211_264, 6_422_528, 6_422_528, 12_845_056, 200_704]
    assert discriminator == [3_211_264, 1_605_632, 1_605_632, 589_824, 256]


def kept_bytes(modules: list[nn.Module], arguments: tuple[torch.Tensor, ...]) -> int:
    """Bytes of the distinct storages autograd keeps for the backward of a chain, parameters excluded."""
    parameters = {p.untyped_storage().data_ptr() for module in modules for p in module.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        # The storages stay in the dictionary, so no address is used twice.
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        for module in modules:
            arguments = (module(*arguments),)
    return sum(storage.nbytes() for address, storage in kept.items() if address not in parameters)


def expected_kept_bytes(costs: list[BlockCost], per_sample: int) -> int:
    """Running statistics are buffers kept by reference; as many bytes again are the batch's own."""
    return BATCH * per_sample + 2 * sum(cost.statistics_bytes for cost in costs)


@pytest.mark.parametrize(("block", "cost"), all_blocks())
def test_kept_activations_equal_what_autograd_keeps(block: Block, cost: BlockCost) -> None:
    assert kept_bytes([build_block(block)], inputs(block)) == expected_kept_bytes(
        [cost], cost.saved_activation_bytes
    )


@pytest.mark.parametrize(
    "network",
    [
        cgan28(2).generator,
        cgan28(2).discriminator,
        cgan32(2).generator,
        cgan32(2).discriminator,
        mixed_network(),
    ],
)
def test_kept_activations_of_every_segment_are_exact_and_the_sum_is_an_upper_bound(network: Network) -> None:
    costs = network_costs(network)
    for start in range(len(costs)):
        for end in range(start + 1, len(costs) + 1):
            segment = list(costs[start:end])
            modules = list(build_network(network, key=0)[start:end])
            kept = kept_bytes(modules, inputs(network.blocks[start]))
            assert kept == expected_kept_bytes(segment, segment_saved_bytes(segment))
            assert segment_saved_bytes(segment) <= sum(cost.saved_activation_bytes for cost in segment)


def test_an_empty_segment_keeps_nothing() -> None:
    assert segment_saved_bytes([]) == 0


def test_double_precision_doubles_bytes_except_labels() -> None:
    network = mixed_network()
    for single, double in zip(network_costs(network), network_costs(network, bytes_per_value=8), strict=True):
        for field in ("parameter_bytes", "statistics_bytes", "output_bytes", "backward_touched_bytes"):
            assert getattr(double, field) == 2 * getattr(single, field)
        assert double.forward_flops == single.forward_flops
    for block, cost in zip(network.blocks, network_costs(network, bytes_per_value=8), strict=True):
        kept = kept_bytes([build_block(block).double()], inputs(block, dtype=torch.float64))
        assert kept == expected_kept_bytes([cost], cost.saved_activation_bytes)


def test_touched_bytes_and_kernels_by_hand() -> None:
    """D1 at width 1: append labels 784 -> 1568, convolve 1568 -> 196, normalise and activate 196 -> 196."""
    cost = network_costs(cgan28(1).discriminator)[0]
    moved = (784 + 1568) + (1568 + 196) + 2 * (196 + 196)
    assert cost.forward_touched_bytes == 4 * moved
    assert cost.backward_touched_bytes == 4 * (moved + 1568 + 196 + 196)
    assert cost.input_gradient_touched_bytes == 4 * (moved + 196 + 196)
    assert (cost.forward_kernels, cost.backward_kernels) == (4, 4)


def test_reshapes_are_no_kernel_and_touch_nothing() -> None:
    """D5 at width 1: 36 values flattened, a linear layer to 1 value, sigmoid."""
    cost = network_costs(cgan28(1).discriminator)[4]
    assert cost.forward_touched_bytes == 4 * ((36 + 1) + (1 + 1))
    assert cost.backward_touched_bytes == 4 * ((36 + 1) + (1 + 1) + 36 + 1)
    assert cost.forward_kernels == 2


@pytest.mark.parametrize("size", [0, -4])
def test_values_must_have_a_size(size: int) -> None:
    with pytest.raises(ValueError, match=f"bytes_per_value is {size}"):
        network_costs(cgan28(1).generator, bytes_per_value=size)
