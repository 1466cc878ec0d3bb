"""The kinds of layers a network can be made of, as data: what each does to the shape of a sample.

Sizes of inputs are never repeated: they follow from the shape that enters the layer. Shapes leave out the
batch: ``(channels, height, width)`` for images and feature maps, ``(features,)`` for vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class LabelInput:
    """Appends an embedding of the class label to the input, along its first dimension.

    Attributes:
        classes: number of labels that can be embedded.
        shape: shape of one embedded label; it differs from the input's shape in the first dimension at most.
    """

    classes: int
    shape: Shape

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input with the embedded label appended.

        Raises:
            ValueError: if the two shapes cannot be joined along the first dimension.
        """
        if len(input_shape) != len(self.shape) or input_shape[1:] != self.shape[1:]:
            raise ValueError(
                f"a label of shape {self.shape} cannot be appended to an input of shape {input_shape}"
            )
        return (input_shape[0] + self.shape[0], *input_shape[1:])


@dataclass(frozen=True)
class Linear:
    """Fully connected layer with bias, ``(features_in,) -> (features,)``."""

    features: int

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(features,)``.

        Raises:
            ValueError: if the input is not a vector.
        """
        _require_dimensions("a linear layer", input_shape, 1)
        return (self.features,)


@dataclass(frozen=True)
class Convolution:
    """Square two-dimensional convolution with bias, plain or transposed.

    Attributes:
        channels: channels of the output.
        kernel: side of the kernel, pixels.
        stride: step between neighbouring windows, pixels.
        padding: zeros added at each edge (plain) or rows cut off at each edge (transposed), pixels.
        transposed: True enlarges the image by the stride instead of shrinking it.
    """

    channels: int
    kernel: int
    stride: int
    padding: int
    transposed: bool = False

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(channels, height, width)`` of the output.

        Raises:
            ValueError: if the input is not an image, or too small for the kernel.
        """
        _require_dimensions("a convolution", input_shape, 3)
        height, width = (self._side(side) for side in input_shape[1:])
        if min(height, width) < 1:
            raise ValueError(
                f"a convolution with kernel {self.kernel} leaves nothing of an input of shape {input_shape}"
            )
        return (self.channels, height, width)

    def _side(self, side: int) -> int:
        if self.transposed:
            return (side - 1) * self.stride - 2 * self.padding + self.kernel
        return (side + 2 * self.padding - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation over the first dimension (features or channels), with learned scale and shift."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, which stays as it is.

        Raises:
            ValueError: if the input is neither a vector nor an image.
        """
        if len(input_shape) not in (1, 3):
            raise ValueError(
                f"a batch normalisation takes a vector or an image, got an input of shape {input_shape}"
            )
        return input_shape


@dataclass(frozen=True)
class Activation:
    """Element-wise non-linearity.

    Attributes:
        function: which one.
        slope: the leaky ReLU's factor for negative values; the others ignore it.
    """

    function: Literal["relu", "leaky_relu", "tanh", "sigmoid"]
    slope: float = 0.2

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, which stays as it is."""
        return input_shape


@dataclass(frozen=True)
class Reshape:
    """Gives the same values another shape; moves no data."""

    shape: Shape

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the new shape.

        Raises:
            ValueError: if it does not hold as many values as the input.
        """
        if math.prod(self.shape) != math.prod(input_shape):
            raise ValueError(f"an input of shape {input_shape} cannot be reshaped to {self.shape}")
        return self.shape


Layer: TypeAlias = LabelInput | Linear | Convolution | BatchNorm | Activation | Reshape


def _require_dimensions(what: str, shape: Shape, dimensions: int) -> None:
    if len(shape) != dimensions:
        kind = "vector" if dimensions == 1 else "image (channels, height, width)"
        raise ValueError(f"{what} takes one {kind}, got an input of shape {shape}")
