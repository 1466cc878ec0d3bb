"""Data sets as folders of pictures, one folder per class."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.data_files import DataError, folder_state
from models.image_arrays import Part

logger = logging.getLogger(__name__)

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")

_FORMATS = ("PNG", "JPEG", "BMP")

_LAYOUT = (
    "allowed: train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png (then split 80/20); png, jpg or bmp"
)


def read_image_folder(folder: Path) -> tuple[list[Part], list[str]]:
    """Read a user's own folder of pictures.

    Args:
        folder: Holds ``train`` and ``test`` with one folder per class each, or one folder per class.

    Returns:
        One part (to be split) or two (train, test), images uint8 of shape [n, 1 or 3, h, w]; and the names of the
        classes, sorted: label i is the i-th name.

    Raises:
        DataError: If the layout is another one, a picture cannot be read, or the pictures are not all of one size
            and kind.
    """
    inner = set(_folders(folder))
    if not inner:
        raise DataError(f"{folder}: holds no folder of a class{folder_state(folder)}; {_LAYOUT}")
    if not inner & {"train", "test"}:
        classes = sorted(inner)
        return [_read_part(folder, classes, None)[0]], classes
    if inner != {"train", "test"}:
        raise DataError(f"{folder}: holds the folders {', '.join(sorted(inner))}; {_LAYOUT}")
    classes = sorted(_folders(folder / "train"))
    unknown = sorted(set(_folders(folder / "test")) - set(classes))
    if unknown or not classes:
        names = ", ".join(unknown) or "no class"
        raise DataError(
            f"{folder / 'test'}: holds {names}, unlike {folder / 'train'}; allowed: the same classes"
        )
    train, first = _read_part(folder / "train", classes, None)
    test, _ = _read_part(folder / "test", classes, first)
    return [train, test], classes


def _folders(folder: Path) -> list[str]:
    """Name the folders in a folder; hidden ones do not count."""
    if not folder.is_dir():
        return []
    return [one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")]


def _read_part(root: Path, classes: Sequence[str], first: _First | None) -> tuple[Part, _First]:
    """Read the pictures of all classes below a folder, sorted by class and file name."""
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        own = _pictures(root / name)
        files += own
        labels += [label] * len(own)
    if not files:
        raise DataError(f"{root}: holds no picture; {_LAYOUT}")
    first = first or _First(files[0])
    images = np.stack([first.alike(path) for path in files])
    return (images, np.array(labels, dtype=np.int64)), first


def _pictures(folder: Path) -> list[Path]:
    """List the pictures of one class; other files are told of and left out."""
    if not folder.is_dir():
        return []
    files = sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))
    pictures = [one for one in files if one.suffix.lower() in SUFFIXES]
    if len(pictures) < len(files):
        logger.warning("%s: %d files that are no pictures are left out", folder, len(files) - len(pictures))
    return pictures


class _First:
    """The first picture of a data set: all others must have its size and its kind (grey or colour)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pixels = _read_picture(path)

    def alike(self, path: Path) -> np.ndarray:
        """Read a picture; shape [c, h, w]."""
        pixels = _read_picture(path) if path != self._path else self._pixels
        if pixels.shape != self._pixels.shape:
            raise DataError(
                f"{path}: is {_described(pixels)}, but {self._path} is {_described(self._pixels)}; "
                "allowed: one size, all grey or all colour; scale or convert them first"
            )
        return pixels


def _described(pixels: np.ndarray) -> str:
    channels, height, width = pixels.shape
    return f"{width} x {height} pixels in {'grey' if channels == 1 else 'colour'}"


def _read_picture(path: Path) -> np.ndarray:
    """Read one picture as uint8 of shape [1 or 3, h, w]."""
    # Imported here: only this format needs Pillow, and answers without data should not wait for it.
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=_FORMATS) as picture:
            kind = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}.get(picture.mode)
            if kind is None:
                raise _UnknownKindError(picture.mode)
            pixels = np.asarray(picture.convert(kind))
    except _UnknownKindError as error:
        raise DataError(
            f"{path}: has the mode {error}; allowed: grey (L), RGB or a palette; convert it first"
        ) from None
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: is not a png, jpg or bmp picture; fetch it again or remove it") from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path}: cannot be read as a picture ({error}); fetch it again or remove it"
        ) from error
    return pixels[np.newaxis] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)


class _UnknownKindError(Exception):
    """A picture of a mode that cannot be taken over without loss."""
