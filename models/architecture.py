"""Networks as data: which layers each block has, written once and read by the cost model and by PyTorch.

A network is a chain of named blocks; a block is a main layer with its normalisation and activation. Shapes
leave out the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, TypeAlias

from models.layers import LabelInput, Layer, Shape

NetworkName: TypeAlias = Literal["generator", "discriminator"]

CENTRAL = -1
"""As a network's ``core``: the block in the middle, ``len(blocks) // 2``."""

MIN_BLOCKS = 3
"""A head for the client, a core for the server, a tail for the client."""


@dataclass(frozen=True)
class Step:
    """A layer in its place: with the shapes that enter and leave it."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class Block:
    """The smallest part of a network that one device holds.

    Attributes:
        name: short name for tables, such as ``G2``.
        input_shape: shape of one sample entering the block.
        layers: the layers in order; a ``LabelInput`` may only be the first.

    Raises:
        ValueError: if there are no layers or their shapes do not fit each other.
    """

    name: str
    input_shape: Shape
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError(f"block {self.name} has no layers; it needs at least one")
        if any(isinstance(layer, LabelInput) for layer in self.layers[1:]):
            raise ValueError(
                f"block {self.name} takes labels in mid-block; a LabelInput can only be its first layer"
            )
        _ = self.steps

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The layers with the shapes between them."""
        steps: list[Step] = []
        shape = self.input_shape
        for layer in self.layers:
            try:
                steps.append(Step(layer, shape, layer.output_shape(shape)))
            except ValueError as error:
                raise ValueError(f"block {self.name}: {error}") from error
            shape = steps[-1].output_shape
        return tuple(steps)

    @property
    def output_shape(self) -> Shape:
        """Shape of one sample leaving the block."""
        return self.steps[-1].output_shape

    @property
    def takes_labels(self) -> bool:
        """Whether the block consumes ``(x, labels)`` rather than ``x`` alone."""
        return isinstance(self.layers[0], LabelInput)


@dataclass(frozen=True)
class Network:
    """A chain of at least three blocks whose core the server always holds.

    Attributes:
        name: ``generator`` or ``discriminator``.
        blocks: the blocks in order; the first consumes ``(x, labels)``, the others what the one before gives.
        core: index (from 0) of the block that stays on the server, ``1 .. len(blocks) - 2``; ``CENTRAL``
            picks the middle.

    Raises:
        ValueError: if there are too few blocks, they do not fit each other, any but exactly the first takes
            labels, or the core leaves no head or no tail.
    """

    name: NetworkName
    blocks: tuple[Block, ...]
    core: int = CENTRAL

    def __post_init__(self) -> None:
        count = len(self.blocks)
        if count < MIN_BLOCKS:
            raise ValueError(f"the {self.name} has {count} blocks; a split needs at least {MIN_BLOCKS}")
        if self.core == CENTRAL:
            object.__setattr__(self, "core", count // 2)
        if not 1 <= self.core <= count - 2:
            raise ValueError(
                f"the {self.name}'s core is block {self.core}; allowed are 1 to {count - 2} (from 0)"
            )
        if [block.takes_labels for block in self.blocks] != [True] + [False] * (count - 1):
            raise ValueError(
                f"the first block of the {self.name}, and no other, must begin with a LabelInput"
            )
        for before, after in pairwise(self.blocks):
            if before.output_shape != after.input_shape:
                raise ValueError(
                    f"block {after.name} takes {after.input_shape}, "
                    f"but {before.name} gives {before.output_shape}"
                )

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample entering the network, without its label."""
        return self.blocks[0].input_shape

    @property
    def output_shape(self) -> Shape:
        """Shape of one sample leaving the network."""
        return self.blocks[-1].output_shape


@dataclass(frozen=True)
class Architecture:
    """A conditional GAN: a generator and a discriminator that fit each other.

    Attributes:
        name: the name scenarios use.
        width: channels of the thinnest feature map; all others are multiples of it.
        latent_size: length of the noise vector.
        classes: number of labels.
        image_shape: ``(channels, height, width)`` of an image.
        generator: ``(noise, labels) -> image`` in [-1, 1].
        discriminator: ``(image, labels) -> `` probability ``(1,)`` that the image is real.

    Raises:
        ValueError: if the shapes of the two networks disagree with each other or with the sizes given.
    """

    name: str
    width: int
    latent_size: int
    classes: int
    image_shape: Shape
    generator: Network
    discriminator: Network

    def __post_init__(self) -> None:
        ends = (
            ("generator's input", self.generator.input_shape, (self.latent_size,)),
            ("generator's output", self.generator.output_shape, self.image_shape),
            ("discriminator's input", self.discriminator.input_shape, self.image_shape),
            ("discriminator's output", self.discriminator.output_shape, (1,)),
        )
        for end, came, wanted in ends:
            if came != wanted:
                raise ValueError(f"the {end} of {self.name} has shape {came}; it must be {wanted}")


def chain_blocks(prefix: str, input_shape: Shape, layers: tuple[tuple[Layer, ...], ...]) -> tuple[Block, ...]:
    """Return blocks named ``prefix`` + 1, 2, ... where each takes what the one before gives.

    Args:
        prefix: first part of the blocks' names.
        input_shape: shape of one sample entering the first block.
        layers: the layers of each block.

    Raises:
        ValueError: if the layers' shapes do not fit each other.
    """
    blocks: list[Block] = []
    for number, block_layers in enumerate(layers, start=1):
        shape = blocks[-1].output_shape if blocks else input_shape
        blocks.append(Block(f"{prefix}{number}", shape, block_layers))
    return tuple(blocks)
