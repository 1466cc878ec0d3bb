"""What a block costs: FLOPs, bytes touched, bytes kept and parameters, per sample, from its description.

**Matrix work.** A multiplication and its addition are 2 FLOPs. A linear layer does ``2 x in x out`` of them
per sample, a convolution ``2 x kernel^2 x channels_in x channels_out x positions``, where the positions are
those of the output, and of the *input* for a transposed convolution (each input pixel meets the kernel
once, whatever the stride). The gradient to the input costs as much again, and so does the gradient to the
parameters. These counts equal those of ``torch.utils.flop_counter.FlopCounterMode``.

**Element-wise work**, per output value forward / backward: batch normalisation 8 / 11, ReLU 1 / 2, leaky
ReLU 2 / 3, tanh 5 / 3, sigmoid 3 / 2, adding a bias 1 / 1. Embeddings and reshapes are free. With frozen
parameters the bias has no backward; a batch normalisation keeps its 11, because the sums its parameters'
gradients need are also part of the gradient to its input.

**Bytes touched.** Every layer call reads what it is given and writes what it makes, once. Backward it reads
the gradient of its output and what it kept, and writes the gradient of its input; with frozen parameters
linear layers and convolutions do not read what they kept. Reading parameters is not included: it happens
once per batch. A reshape touches nothing and is no call.

**Bytes kept.** What autograd keeps between a training forward and its backward, each storage once: the
inputs of linear layers, convolutions, batch normalisations and leaky ReLUs, the outputs of the other
activations, and labels as 8-byte integers. Once per batch, not per sample, a batch normalisation also keeps
the batch's mean and inverse deviation, as many bytes as its running statistics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from models.architecture import Block, Network, Step
from models.layers import Activation, BatchNorm, Convolution, LabelInput, Layer, Linear, Reshape, Shape

LABEL_BYTES = 8
"""Labels are 64-bit integers whatever the precision of the network."""

_ACTIVATION_FLOPS = {"relu": (1, 2), "leaky_relu": (2, 3), "tanh": (5, 3), "sigmoid": (3, 2)}


@dataclass(frozen=True)
class BlockCost:
    """The cost of one block, in FLOPs and bytes per sample unless it says otherwise.

    "Backward" is what autograd does in a training step: gradients to all parameters and to the block's input
    (a network's first block needs the latter too, for its label embedding). "Input gradient" is the backward
    through a block whose parameters are frozen.

    Attributes:
        name: the block's name.
        forward_flops: matrix and element-wise work of the forward.
        backward_flops: matrix and element-wise work of the full backward.
        input_gradient_flops: matrix and element-wise work of the backward with frozen parameters.
        forward_matmul_flops: matrix work of the forward alone.
        backward_matmul_flops: matrix work of the full backward alone.
        input_gradient_matmul_flops: matrix work of the backward with frozen parameters alone.
        parameters: number of trained values in the block (not per sample).
        parameter_bytes: their size (not per sample).
        statistics_bytes: size of the running means and variances, without the step counters (not per sample).
        output_bytes: size of the block's output; its gradient is as large.
        saved_activation_bytes: what this block alone keeps for its backward, its input included if it keeps
            it. The sum over neighbouring blocks is an upper bound; ``segment_saved_bytes`` is exact.
        shared_input_bytes: the part of ``saved_activation_bytes`` that the block before keeps already.
        forward_touched_bytes: activations read and written by the forward.
        backward_touched_bytes: activations and gradients read and written by the full backward.
        input_gradient_touched_bytes: the same for the backward with frozen parameters.
        forward_kernels: layer calls of a forward (per batch).
        backward_kernels: layer calls of a backward of either sort (per batch).
    """

    name: str
    forward_flops: int
    backward_flops: int
    input_gradient_flops: int
    forward_matmul_flops: int
    backward_matmul_flops: int
    input_gradient_matmul_flops: int
    parameters: int
    parameter_bytes: int
    statistics_bytes: int
    output_bytes: int
    saved_activation_bytes: int
    shared_input_bytes: int
    forward_touched_bytes: int
    backward_touched_bytes: int
    input_gradient_touched_bytes: int
    forward_kernels: int
    backward_kernels: int


def network_costs(network: Network, bytes_per_value: int = 4) -> tuple[BlockCost, ...]:
    """Return the cost of every block of a network, in order.

    Args:
        network: the network.
        bytes_per_value: size of a parameter or activation, bytes: 4 for float32, 8 for float64.

    Raises:
        ValueError: if ``bytes_per_value`` is smaller than 1.
    """
    if bytes_per_value < 1:
        raise ValueError(f"bytes_per_value is {bytes_per_value}; it must be at least 1")
    costs = [_block_cost(block, bytes_per_value) for block in network.blocks]
    for index, (before, after) in enumerate(pairwise(network.blocks), start=1):
        if _keeps_output(before) and _keeps_input(after):
            costs[index] = replace(costs[index], shared_input_bytes=costs[index - 1].output_bytes)
    return tuple(costs)


def segment_saved_bytes(costs: Sequence[BlockCost]) -> int:
    """Return what neighbouring blocks on one device keep for their backward, bytes per sample.

    The output of a block and the input of the next are one tensor, counted once; the input received from
    another device counts if the first block keeps it.

    Args:
        costs: costs of neighbouring blocks of one network, in order; may be empty.
    """
    return sum(cost.saved_activation_bytes for cost in costs) - sum(
        cost.shared_input_bytes for cost in costs[1:]
    )


def _block_cost(block: Block, bytes_per_value: int) -> BlockCost:
    matmul = sum(_matmul_flops(step) for step in block.steps)
    forward, backward, input_gradient = elementwise_flops(block)
    read_write = [_touched_values(step) for step in block.steps]
    parameters = sum(_parameters(step) for step in block.steps)
    kernels = sum(_moves_data(layer) for layer in block.layers)
    return BlockCost(
        name=block.name,
        forward_flops=matmul + forward,
        backward_flops=2 * matmul + backward,
        input_gradient_flops=matmul + input_gradient,
        forward_matmul_flops=matmul,
        backward_matmul_flops=2 * matmul,
        input_gradient_matmul_flops=matmul,
        parameters=parameters,
        parameter_bytes=parameters * bytes_per_value,
        statistics_bytes=sum(_statistics(step) for step in block.steps) * bytes_per_value,
        output_bytes=math.prod(block.output_shape) * bytes_per_value,
        saved_activation_bytes=_saved_values(block) * bytes_per_value + LABEL_BYTES * block.takes_labels,
        shared_input_bytes=0,
        forward_touched_bytes=sum(values[0] for values in read_write) * bytes_per_value,
        backward_touched_bytes=sum(values[1] for values in read_write) * bytes_per_value,
        input_gradient_touched_bytes=sum(values[2] for values in read_write) * bytes_per_value,
        forward_kernels=kernels,
        backward_kernels=kernels,
    )


def _matmul_flops(step: Step) -> int:
    match step.layer:
        case Convolution(transposed=True):
            return matmul_flops_at(step, step.input_shape)
        case _:
            return matmul_flops_at(step, step.output_shape)


def matmul_flops_at(step: Step, shape: Shape) -> int:
    """Return the matrix FLOPs per sample of a layer, a convolution's kernel being applied at every place of a shape.

    Args:
        step: the layer in its place.
        shape: ``(channels, height, width)`` whose places are counted; only convolutions look at it.
    """
    match step.layer:
        case Linear(features):
            return 2 * step.input_shape[0] * features
        case Convolution(channels, kernel):
            return 2 * kernel**2 * step.input_shape[0] * channels * math.prod(shape[1:])
        case _:
            return 0


def elementwise_flops(block: Block) -> tuple[int, int, int]:
    """Return a block's element-wise FLOPs per sample: of the forward, the full backward and the frozen one."""
    forward = backward = input_gradient = 0
    for step in block.steps:
        values = math.prod(step.output_shape)
        rates = _flops_per_value(step.layer)
        forward += rates[0] * values
        backward += rates[1] * values
        input_gradient += rates[2] * values
    return forward, backward, input_gradient


def _flops_per_value(layer: Layer) -> tuple[int, int, int]:
    match layer:
        case Linear() | Convolution():
            return 1, 1, 0
        case BatchNorm():
            return 8, 11, 11
        case Activation(function):
            forward, backward = _ACTIVATION_FLOPS[function]
            return forward, backward, backward
        case LabelInput() | Reshape():
            return 0, 0, 0


def _parameters(step: Step) -> int:
    match step.layer:
        case LabelInput(classes, shape):
            return classes * math.prod(shape)
        case Linear(features):
            return (step.input_shape[0] + 1) * features
        case Convolution(channels, kernel):
            return (kernel**2 * step.input_shape[0] + 1) * channels
        case BatchNorm():
            return 2 * step.input_shape[0]
        case Activation() | Reshape():
            return 0


def _statistics(step: Step) -> int:
    return 2 * step.input_shape[0] if isinstance(step.layer, BatchNorm) else 0


def _moves_data(layer: Layer) -> bool:
    return not isinstance(layer, Reshape)


def _keeps(layer: Layer) -> tuple[bool, bool]:
    """Return whether autograd keeps the layer's input and its output."""
    match layer:
        case Linear() | Convolution() | BatchNorm() | Activation("leaky_relu"):
            return True, False
        case Activation():
            return False, True
        case LabelInput() | Reshape():
            return False, False


def _kept_tensors(block: Block) -> dict[int, int]:
    """Return the values of each kept tensor by its number: the input is 0, all but reshapes make one."""
    kept: dict[int, int] = {}
    tensor = 0
    for step in block.steps:
        keeps_input, keeps_output = _keeps(step.layer)
        if keeps_input:
            kept[tensor] = math.prod(step.input_shape)
        tensor += _moves_data(step.layer)
        if keeps_output:
            kept[tensor] = math.prod(step.output_shape)
    return kept


def _saved_values(block: Block) -> int:
    return sum(_kept_tensors(block).values())


def _keeps_input(block: Block) -> bool:
    return 0 in _kept_tensors(block)


def _keeps_output(block: Block) -> bool:
    return sum(_moves_data(layer) for layer in block.layers) in _kept_tensors(block)


def _touched_values(step: Step) -> tuple[int, int, int]:
    """Return values read and written by the forward, the full and the frozen backward of a layer."""
    if not _moves_data(step.layer):
        return 0, 0, 0
    entering, leaving = math.prod(step.input_shape), math.prod(step.output_shape)
    keeps_input, keeps_output = _keeps(step.layer)
    kept = entering * keeps_input + leaving * keeps_output
    frozen_kept = 0 if isinstance(step.layer, Linear | Convolution) else kept
    return entering + leaving, entering + leaving + kept, entering + leaving + frozen_kept
