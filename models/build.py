"""Descriptions of networks made into PyTorch modules."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from models.architecture import Block, Network, Step
from models.layers import Activation, BatchNorm, Convolution, LabelInput, Layer, Linear, Reshape, Shape

_LAYER_NAMES: dict[type[Layer], str] = {
    LabelInput: "label",
    Linear: "linear",
    Convolution: "conv",
    BatchNorm: "norm",
    Activation: "activation",
    Reshape: "reshape",
}


def build_network(network: Network, key: int) -> nn.ModuleList:
    """Return the blocks of a network as modules, in training mode, float32, on the CPU.

    Parameters follow PyTorch's default initialisation and depend on the description and the key alone. They
    are named ``<block index>.<layer>.<parameter>``, for example ``1.conv.weight``.

    Args:
        network: the network.
        key: seed of the initialisation, ``0 .. 2**64 - 1``; the global random state is left as it was.

    Raises:
        ValueError: if the key is out of range.
    """
    with _keyed_initialisation(key):
        return nn.ModuleList(BlockModule(block) for block in network.blocks)


def build_block(block: Block, key: int = 0) -> BlockModule:
    """Return one block as a module, initialised as in ``build_network``.

    Args:
        block: the block.
        key: seed of the initialisation, ``0 .. 2**64 - 1``; the global random state is left as it was.

    Raises:
        ValueError: if the key is out of range.
    """
    with _keyed_initialisation(key):
        return BlockModule(block)


class BlockModule(nn.Module):
    """A block of a network: its layers, one after the other.

    Layers are named by their kind: ``label``, ``linear``, ``conv``, ``norm``, ``activation``, ``reshape``; a
    second of a kind is ``conv_2`` and so on. The constructor draws parameters from torch's global generator;
    ``build_block`` and ``build_network`` key it.

    Args:
        block: the description.
    """

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.name = block.name
        self.takes_labels = block.takes_labels
        seen: Counter[str] = Counter()
        for step in block.steps:
            kind = _LAYER_NAMES[type(step.layer)]
            seen[kind] += 1
            self.add_module(kind if seen[kind] == 1 else f"{kind}_{seen[kind]}", _build_layer(step))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the block's output.

        Args:
            x: input, ``[n, *block.input_shape]``, of the parameters' type.
            labels: the class labels, int64 ``[n]``, if the block begins with a ``LabelInput``; else nothing.

        Returns:
            The output, ``[n, *block.output_shape]``.

        Raises:
            TypeError: if labels are missing, or given to a block that takes none.
        """
        if (labels is not None) != self.takes_labels:
            raise TypeError(f"block {self.name} takes {'x and labels' if self.takes_labels else 'x alone'}")
        first, *rest = self.children()
        y: Tensor = first(x) if labels is None else first(x, labels)
        for layer in rest:
            y = layer(y)
        return y


class LabelEmbedding(nn.Module):
    """Appends a learned embedding of the label to the input, along its first dimension after the batch.

    Args:
        classes: number of labels.
        shape: shape of one embedded label.
    """

    def __init__(self, classes: int, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(classes, math.prod(shape))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return ``[n, c + c_label, ...]`` for ``x`` ``[n, c, ...]`` and ``labels``, int64 ``[n]``."""
        embedded: Tensor = self.embedding(labels)
        return torch.cat((x, embedded.reshape(x.shape[0], *self.shape)), dim=1)


class ReshapeModule(nn.Module):
    """Gives each sample another shape.

    Args:
        shape: the new shape, without the batch.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` as ``[n, *shape]``."""
        return x.reshape(x.shape[0], *self.shape)


@contextmanager
def _keyed_initialisation(key: int) -> Iterator[None]:
    if not 0 <= key < 2**64:
        raise ValueError(f"the initialisation key is {key}; allowed are 0 to 2**64 - 1")
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would also seed the generators of every GPU, which nothing would put back.
        torch.default_generator.manual_seed(key)
        yield


def _build_layer(step: Step) -> nn.Module:
    channels = step.input_shape[0]
    match step.layer:
        case LabelInput(classes, shape):
            return LabelEmbedding(classes, shape)
        case Linear(features):
            return nn.Linear(channels, features)
        case Convolution(out_channels, kernel, stride, padding, transposed):
            convolution = nn.ConvTranspose2d if transposed else nn.Conv2d
            return convolution(channels, out_channels, kernel, stride, padding)
        case BatchNorm():
            return nn.BatchNorm1d(channels) if len(step.input_shape) == 1 else nn.BatchNorm2d(channels)
        case Activation():
            return _build_activation(step.layer)
        case Reshape(shape):
            return ReshapeModule(shape)


def _build_activation(activation: Activation) -> nn.Module:
    # Not in place: the tensor before may be one that autograd keeps, or the caller's own.
    modules: dict[str, Callable[[], nn.Module]] = {
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(activation.slope),
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
    }
    return modules[activation.function]()
