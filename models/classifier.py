"""The small convolutional classifier behind FID features, generation score and CAS."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from models.datasets import to_unit_range

FEATURES = 64
"""Length of the feature vector, the input of the last layer."""

DEFAULT_EPOCHS = 5

CLASSIFIER_VERSION = 1
"""Raise this whenever a training here gives other weights: it is part of the key of cached classifiers."""

_CHANNELS = (16, 32)


class Classifier(nn.Module):
    """Two strided convolutions with batch normalisation, a feature layer and a linear output.

    Args:
        image_shape: Channels, height and width of an image.
        classes: Number of classes.
    """

    def __init__(self, image_shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        first, second = _CHANNELS
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, first, kernel_size=5, stride=2, padding=2),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.Conv2d(first, second, kernel_size=3, stride=2, padding=1),
            nn.BatchNorm2d(second),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.to_features = nn.Linear(second * -(-height // 4) * -(-width // 4), FEATURES)
        self.to_logits = nn.Linear(FEATURES, classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the features of images.

        Args:
            images: float32 of shape [n, c, h, w] in [-1, 1].

        Returns:
            Tensor of shape [n, 64], not negative.
        """
        return F.relu(self.to_features(self.convolutions(images)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the logits of images.

        Args:
            images: float32 of shape [n, c, h, w] in [-1, 1].

        Returns:
            Tensor of shape [n, classes].
        """
        return cast(torch.Tensor, self.to_logits(self.features(images)))


def train_classifier(
    images: np.ndarray,
    labels: np.ndarray,
    classes: int,
    epochs: int,
    key: int,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
) -> Classifier:
    """Train a classifier on the CPU with Adam and cross-entropy.

    The result depends on the arguments and on torch's version and number of threads, on nothing else; torch's
    global generator is left as it was.

    Args:
        images: uint8, or float32 in [-1, 1], of shape [n, c, h, w], n >= 1.
        labels: Classes in 0..classes-1, shape [n].
        classes: Number of classes.
        epochs: Passes over the images, at least 1.
        key: Seed of the initial weights and of the order of the images.
        batch_size: Images per step; the last step of an epoch takes what is left.
        learning_rate: Step size of Adam.

    Returns:
        The trained classifier, in eval mode, with frozen parameters.

    Raises:
        ValueError: If images and labels differ in number or are none, or if epochs < 1.
    """
    if len(images) != len(labels) or len(images) == 0 or epochs < 1:
        raise ValueError(
            f"{len(images)} images, {len(labels)} labels and {epochs} epochs came; "
            "allowed: as many labels as images, at least one, and at least one epoch"
        )
    inputs = torch.from_numpy(_as_unit_range(images))
    targets = torch.from_numpy(labels.astype(np.int64))
    classifier = _initialised(cast(tuple[int, int, int], images.shape[1:]), classes, key)
    optimiser = torch.optim.Adam(classifier.parameters(), lr=learning_rate)
    order_generator = torch.Generator().manual_seed(key)
    for _ in range(epochs):
        order = torch.randperm(len(inputs), generator=order_generator)
        for batch in torch.split(order, batch_size):
            optimiser.zero_grad()
            loss = F.cross_entropy(classifier(inputs[batch]), targets[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return classifier.eval().requires_grad_(False)


def _as_unit_range(images: np.ndarray) -> np.ndarray:
    """Scale uint8 images to [-1, 1]; take others as scaled already."""
    return to_unit_range(images) if images.dtype == np.uint8 else images.astype(np.float32)


def _initialised(image_shape: tuple[int, int, int], classes: int, key: int) -> Classifier:
    """Make a classifier with PyTorch's default initialisation under a seed of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key)
        return Classifier(image_shape, classes)
