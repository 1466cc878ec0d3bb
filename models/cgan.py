"""The conditional GANs a scenario can name: five blocks each in generator and discriminator, at any width."""

from __future__ import annotations

import math

from models.architecture import Architecture, Network, chain_blocks
from models.layers import Activation, BatchNorm, Convolution, LabelInput, Layer, Linear, Reshape, Shape

LATENT_SIZE = 100
"""Length of the noise vector."""

CGAN28_CLASSES = 10
"""Labels of `cgan28`, whatever the data: those of the paper's networks."""


def cgan28(width: int = 64) -> Architecture:
    """Return the conditional GAN of the HuSCF-GAN paper (arXiv 2507.12979): 28x28 grey images, 10 classes.

    Five blocks each, with channels ``width``, ``2 width`` and ``4 width``; at width 64 these are the paper's
    networks: 2,221,925 parameters in the generator and 816,737 in the discriminator.

    Args:
        width: channels of the thinnest feature map, at least 1.

    Raises:
        ValueError: if the width is smaller than 1.
    """
    return _cgan("cgan28", width, CGAN28_CLASSES, (1, 28, 28))


def cgan32(width: int = 64, image_shape: Shape = (3, 32, 32), classes: int = 10) -> Architecture:
    """Return a conditional GAN for colour images, built as `cgan28` is.

    The chain of layers is the same; only the sides of the feature maps and the channels of an image differ.
    The paper names no networks for colour, so these are an assumption of this project.

    Args:
        width: channels of the thinnest feature map, at least 1.
        image_shape: ``(channels, side, side)``, the side a multiple of 4 and at least 16 pixels.
        classes: number of labels, at least 2.

    Raises:
        ValueError: if the width, the side or the number of classes is out of range.
    """
    _, height, side = image_shape
    if height != side or side % 4 or side < 16:
        raise ValueError(
            f"the image shape is {image_shape}; its sides must be equal, a multiple of 4, at least 16"
        )
    if classes < 2:
        raise ValueError(f"the number of classes is {classes}; it must be at least 2")
    return _cgan("cgan32", width, classes, image_shape)


def _cgan(name: str, width: int, classes: int, image_shape: Shape) -> Architecture:
    if width < 1:
        raise ValueError(f"the width is {width}; it must be at least 1")
    return Architecture(
        name=name,
        width=width,
        latent_size=LATENT_SIZE,
        classes=classes,
        image_shape=image_shape,
        generator=_generator(width, classes, image_shape),
        discriminator=_discriminator(width, classes, image_shape),
    )


def _generator(width: int, classes: int, image_shape: Shape) -> Network:
    """Project noise and label to a map of a quarter of the side, and enlarge it twice by two."""
    norm, relu = BatchNorm(), Activation("relu")
    channels, height, side = image_shape
    seed_shape = (4 * width, height // 4, side // 4)
    project = (
        LabelInput(classes, (classes,)),
        Linear(math.prod(seed_shape)),
        norm,
        relu,
        Reshape(seed_shape),
    )
    layers: tuple[tuple[Layer, ...], ...] = (
        project,
        (Convolution(2 * width, kernel=4, stride=2, padding=1, transposed=True), norm, relu),
        (Convolution(2 * width, kernel=3, stride=1, padding=1, transposed=True), norm, relu),
        (Convolution(width, kernel=4, stride=2, padding=1, transposed=True), norm, relu),
        (Convolution(channels, kernel=3, stride=1, padding=1, transposed=True), Activation("tanh")),
    )
    return Network("generator", chain_blocks("G", (LATENT_SIZE,), layers))


def _discriminator(width: int, classes: int, image_shape: Shape) -> Network:
    """Take the label as one more channel of the image, and halve the sides three times, rounding down."""
    norm, leaky = BatchNorm(), Activation("leaky_relu", slope=0.2)
    _, height, side = image_shape
    label_shape = (1, height, side)
    flat = (4 * width * (height // 8) * (side // 8),)
    layers: tuple[tuple[Layer, ...], ...] = (
        (LabelInput(classes, label_shape), Convolution(width, kernel=4, stride=2, padding=1), norm, leaky),
        (Convolution(2 * width, kernel=4, stride=2, padding=1), norm, leaky),
        (Convolution(2 * width, kernel=3, stride=1, padding=1), norm, leaky),
        (Convolution(4 * width, kernel=4, stride=2, padding=1), norm, leaky),
        (Reshape(flat), Linear(1), Activation("sigmoid")),
    )
    return Network("discriminator", chain_blocks("D", image_shape, layers))
