"""What arrays of images and labels must look like, whatever file they come from."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from models.data_files import DataError

Part: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Images, uint8 of shape [n, c, h, w], and their labels, int64 of shape [n]."""

MOST_CHANNELS = 4
"""Most colour channels of an image; a longer axis is a height or a width."""

MOST_CLASSES = 10_000
"""Most classes of a data set; a larger label is taken for a mistake."""


def channels_first(images: np.ndarray, where: str) -> np.ndarray:
    """Bring images into the order batch, channel, height, width.

    Args:
        images: uint8 of shape [n, h, w], [n, h, w, c] or [n, c, h, w], with at most 4 channels.
        where: Name of the file and the array, for messages.

    Returns:
        uint8 of shape [n, c, h, w].

    Raises:
        DataError: If the type or the shape is another one, or if either axis could be the channels.
    """
    shape = "x".join(map(str, images.shape))
    if images.dtype != np.uint8:
        raise DataError(f"{where}: holds {images.dtype}; allowed: uint8, 0 to 255")
    if images.ndim == 3:
        images = images[:, np.newaxis]
    elif images.ndim == 4:
        first, last = (images.shape[axis] <= MOST_CHANNELS for axis in (1, 3))
        if first == last:
            raise DataError(
                f"{where}: has shape {shape}, whose channels cannot be told; allowed: images x height x width, "
                f"or with 1 to {MOST_CHANNELS} channels second or last, height and width being larger"
            )
        images = np.moveaxis(images, 3, 1) if last else images
    else:
        raise DataError(
            f"{where}: has shape {shape}; allowed: images x height x width, or with channels second or last"
        )
    if 0 in images.shape[1:]:
        raise DataError(f"{where}: has shape {shape}; allowed: images of at least one pixel")
    return np.ascontiguousarray(images)


def checked_labels(labels: np.ndarray, where: str) -> np.ndarray:
    """Bring labels into one form.

    Args:
        labels: Integers of shape [n] or [n, 1].
        where: Name of the file and the array, for messages.

    Returns:
        int64 of shape [n].

    Raises:
        DataError: If the type or the shape is another one, or a label is negative or absurdly large.
    """
    if labels.dtype.kind not in "iu":
        raise DataError(f"{where}: holds {labels.dtype}; allowed: whole numbers, one class per image")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        shape = "x".join(map(str, labels.shape))
        raise DataError(f"{where}: has shape {shape}; allowed: one class per image (no one-hot rows)")
    wrong = np.flatnonzero((labels < 0) | (labels >= MOST_CLASSES))
    if len(wrong):
        raise DataError(
            f"{where}: label {labels[wrong[0]]} of image {wrong[0]} is out of range; "
            f"allowed: 0 to {MOST_CLASSES - 1}; number the classes from 0"
        )
    return labels.astype(np.int64)


def paired(images: np.ndarray, labels: np.ndarray, images_from: str, labels_from: str) -> Part:
    """Check that there is one label per image.

    Args:
        images: Shape [n, c, h, w].
        labels: Shape [n].
        images_from: Where the images come from, for the message.
        labels_from: Where the labels come from.

    Returns:
        Both.

    Raises:
        DataError: If the numbers differ.
    """
    if len(images) != len(labels):
        raise DataError(
            f"{labels_from}: holds {len(labels)} labels for the {len(images)} images of {images_from}; "
            "allowed: one label per image; fetch both from one source"
        )
    return images, labels
