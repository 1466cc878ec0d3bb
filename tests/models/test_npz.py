"""NumPy's .npz files: every naming and order of axes, and no pickle whatever the file says."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from models.catalog import DatasetPath, DomainOptions
from models.data_files import DataError
from models.datasets import LabelledImages, load_dataset

GREY = np.random.default_rng(1).integers(0, 256, (50, 9, 11), dtype=np.uint8)
COLOUR = np.random.default_rng(2).integers(0, 256, (50, 3, 9, 11), dtype=np.uint8)
LABELS = np.arange(50) % 5


def load(path: Path) -> LabelledImages:
    return load_dataset(DomainOptions(dataset=DatasetPath(path=str(path), format="npz")), None, None)


def saved(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def error_text(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(path)
    assert "; " in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "names",
    [
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("x_train", "y_train", "x_test", "y_test"),
    ],
)
def test_both_namings_of_train_and_test(tmp_path, names):
    arrays = (GREY, LABELS, GREY[:20], LABELS[:20])
    data = load(saved(tmp_path / "d.npz", **dict(zip(names, arrays, strict=True))))
    np.testing.assert_array_equal(data.train_images, GREY[:, None])
    np.testing.assert_array_equal(data.test_labels, LABELS[:20])
    assert (data.name, data.classes, data.train_labels.dtype) == ("d", 5, np.int64)


@pytest.mark.parametrize(
    "names", [("images", "labels"), ("train_images", "train_labels"), ("x_train", "y_train")]
)
def test_one_part_is_split_80_20_by_class(tmp_path, names):
    data = load(saved(tmp_path / "d.npz", **dict(zip(names, (GREY, LABELS), strict=True))))
    np.testing.assert_array_equal(np.bincount(data.train_labels), [8] * 5)
    np.testing.assert_array_equal(np.bincount(data.test_labels), [2] * 5)


@pytest.mark.parametrize("stored", [COLOUR, np.moveaxis(COLOUR, 1, 3)], ids=["NCHW", "NHWC"])
def test_colour_may_stand_second_or_last(tmp_path, stored):
    data = load(
        saved(tmp_path / "d.npz", x_train=stored, y_train=LABELS, x_test=stored, y_test=LABELS[:, None])
    )
    np.testing.assert_array_equal(data.train_images, COLOUR)
    np.testing.assert_array_equal(data.test_labels, LABELS)


def test_a_folder_with_one_file_will_do(tmp_path):
    (tmp_path / "letters").mkdir()
    saved(tmp_path / "letters" / "a.npz", images=GREY, labels=LABELS)
    assert load(tmp_path / "letters").name == "letters"


def test_other_arrays_are_told_of(tmp_path, caplog):
    caplog.set_level("INFO")
    load(saved(tmp_path / "d.npz", images=GREY, labels=LABELS, notes=np.arange(3)))
    assert "the arrays notes are not used" in caplog.text


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": GREY}, "holds the arrays images; allowed: train_images"),
        ({"x_train": GREY, "y_train": LABELS, "x_test": GREY}, "holds the arrays x_test, x_train, y_train"),
        ({"images": GREY / 255, "labels": LABELS}, "images: holds float64; allowed: uint8"),
        ({"images": GREY[0], "labels": LABELS}, "images: has shape 9x11"),
        ({"images": GREY[:, :3, :, None], "labels": LABELS}, "whose channels cannot be told"),
        ({"images": COLOUR[:, :, None], "labels": LABELS}, "images: has shape 50x3x1x9x11"),
        ({"images": GREY, "labels": LABELS[:49]}, "labels: holds 49 labels for the 50 images"),
        ({"images": GREY, "labels": LABELS * 1.0}, "labels: holds float64; allowed: whole numbers"),
        ({"images": GREY, "labels": np.eye(5, dtype=int)[LABELS]}, "no one-hot rows"),
        ({"images": GREY, "labels": LABELS - 1}, "label -1 of image 0 is out of range"),
        ({"images": GREY, "labels": LABELS + 9999}, "label 10000 of image 1 is out of range"),
        (
            {"images": GREY, "labels": LABELS.astype(object)},
            "labels is an array of objects; allowed: arrays of numbers",
        ),
        (
            {"images": np.array([GREY[0], "x"], dtype=object), "labels": LABELS},
            "images is an array of objects",
        ),
    ],
)
def test_wrong_arrays(tmp_path, arrays, message):
    path = saved(tmp_path / "d.npz", **arrays)
    text = error_text(path)
    assert message in text
    assert "d.npz" in text


class Harm:
    """Unpickling it would make a file."""

    def __reduce__(self):
        return Path.touch, (Path("harmed"),)


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "array of objects" in error_text(
        saved(tmp_path / "d.npz", images=np.array([Harm()]), labels=LABELS[:1])
    )
    assert not (tmp_path / "harmed").exists()


def whole_file() -> bytes:
    out = io.BytesIO()
    np.savez(out, images=GREY, labels=LABELS)
    return out.getvalue()


def without_a_header() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY")
        archive.writestr("labels.npy", b"")
    return out.getvalue()


def packed_in_an_unknown_way() -> bytes:
    """The number of the way in which a member is packed stands 8 bytes into its header, and 10 into its entry."""
    content = bytearray(whole_file())
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = content.index(mark) + at
        content[place : place + 2] = b"\x63\x00"
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        whole_file()[:-100],
        whole_file()[:2000] + b"\0" * 50 + whole_file()[2050:],
        b"",
        b"not an archive",
        b"PK\x03\x04",
        without_a_header(),
        packed_in_an_unknown_way(),
    ],
    ids=["cut", "altered", "empty", "text", "only its beginning", "no header", "unknown packing"],
)
def test_damaged_files(tmp_path, content):
    (tmp_path / "d.npz").write_bytes(content)
    assert "write it again with np.savez" in error_text(tmp_path / "d.npz")


def test_a_single_array_is_named_so(tmp_path):
    np.save(tmp_path / "d.npy", GREY)
    (tmp_path / "d.npy").rename(tmp_path / "d.npz")
    assert "is a single array" in error_text(tmp_path / "d.npz")


def test_a_folder_of_none_or_several_and_no_folder(tmp_path):
    assert "holds no .npz file; allowed: one" in error_text(tmp_path)
    assert "there is no such folder" in error_text(tmp_path / "nowhere")
    saved(tmp_path / "a.npz", images=GREY, labels=LABELS)
    saved(tmp_path / "b.npz", images=GREY, labels=LABELS)
    assert "holds 2 .npz files (a.npz, b.npz)" in error_text(tmp_path)


@pytest.mark.parametrize(
    "member",
    [b"text", b"\x93NUMPY\x01\x00\x06\x00{'a': ", b"\x93NUMPY\x01\x00\x04\x00(1,\n", b""],
)
def test_members_that_are_no_arrays(tmp_path, member):
    path = tmp_path / "d.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images.npy", member)
        file.writestr("labels.npy", member)
    assert "np.savez" in error_text(path)
