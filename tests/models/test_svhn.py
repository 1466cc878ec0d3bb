"""SVHN's MATLAB files: axes turned round, and ten read as zero."""

import io
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from models.data_files import DataError
from models.svhn import parse_mat

IMAGES = np.random.default_rng(4).integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
DIGITS = np.arange(12) % 10


def mat(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    savemat(out, arrays, do_compression=True)
    return out.getvalue()


WHOLE = mat(
    X=IMAGES.transpose(2, 3, 1, 0), y=np.where(DIGITS == 0, 10, DIGITS).astype(np.uint8)[:, np.newaxis]
)


def test_pixels_and_digits():
    images, labels = parse_mat(Path("m"), WHOLE)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, DIGITS)
    assert labels.dtype == np.int64


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:2000], "is not a whole MATLAB file"),
        (b"", "is not a whole MATLAB file"),
        (WHOLE[:124] + b"\x00\x02IM" + bytes(100), "is a MATLAB 7.3 file; allowed: MATLAB 5, as published"),
        (b"text" * 100, "is not a whole MATLAB file"),
        (mat(X=IMAGES), "the file is of another kind"),
        (mat(X=IMAGES / 1.0, y=DIGITS), "the file is of another kind"),
        (mat(X=IMAGES.transpose(2, 3, 1, 0), y=DIGITS[:5, np.newaxis]), "holds 5 labels for the 12 images"),
    ],
)
def test_wrong_files(content, message):
    with pytest.raises(DataError) as caught:
        parse_mat(Path("m.mat"), content)
    assert message in str(caught.value)
    assert str(caught.value).startswith("m.mat")
