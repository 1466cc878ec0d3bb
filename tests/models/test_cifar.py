"""CIFAR's batches: read right, and nothing in them is ever called."""

import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from models.catalog import DatasetPath, DomainOptions
from models.cifar import parse_archive, parse_batch
from models.data_files import DataError
from models.datasets import LabelledImages, load_dataset

IMAGES = np.random.default_rng(3).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
LABELS = list(range(10)) * 2


def python2_batch(images: np.ndarray, labels: list[int]) -> bytes:
    """Write a batch as Python 2 wrote the published ones: protocol 2, byte strings, NumPy's old module name."""

    def short(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text

    pixels = images.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + short(b"b") + b"\x87R"
        b"(K\x01" + b"J" + len(images).to_bytes(4, "little") + b"M\x00\x0c\x86"
        b"cnumpy\ndtype\n" + short(b"u1") + b"K\x00K\x01\x87R(K\x03" + short(b"|") + b"NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89" + b"T" + len(pixels).to_bytes(4, "little") + pixels + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([one]) for one in labels) + b"e"
    return b"\x80\x02}(" + short(b"data") + array + short(b"labels") + numbers + b"u."


def batch(images: np.ndarray = IMAGES, labels: object = LABELS, **more: object) -> bytes:
    """Write a batch with this Python and NumPy; its texts are byte strings, as reading the published ones gives."""
    content = {b"data": images.reshape(len(images), -1), b"labels": labels}
    content |= {key.encode(): value for key, value in more.items()}
    return pickle.dumps(content, protocol=4)


def load(folder: Path) -> LabelledImages:
    return load_dataset(DomainOptions(dataset=DatasetPath(path=str(folder), format="cifar")), None, None)


def write(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "data_batch_1").write_bytes(batch(IMAGES[:8], LABELS[:8]))
    (folder / "data_batch_2").write_bytes(batch(IMAGES[8:16], LABELS[8:16]))
    (folder / "test_batch").write_bytes(batch(IMAGES[16:], LABELS[16:]))
    (folder / "batches.meta").write_bytes(b"not read")


def error_text(content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        parse_batch(Path("some") / "data_batch_1", content)
    assert str(caught.value).startswith(str(Path("some") / "data_batch_1"))
    return str(caught.value)


@pytest.mark.parametrize("write_batch", [python2_batch, batch])
def test_a_batch_is_read_as_it_was_written(write_batch):
    images, labels = parse_batch(Path("b"), write_batch(IMAGES, LABELS))
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


def test_the_python_2_batch_of_these_tests_is_what_pickle_reads():
    content = pickle.loads(python2_batch(IMAGES, LABELS), encoding="bytes")  # noqa: S301 (made above)
    np.testing.assert_array_equal(content[b"data"], IMAGES.reshape(20, -1))
    assert content[b"labels"] == LABELS


@pytest.mark.parametrize("below", ["", "cifar-10-batches-py"])
def test_a_folder_of_batches(tmp_path, below):
    write(tmp_path / "photos" / below)
    data = load(tmp_path / "photos")
    np.testing.assert_array_equal(data.train_images, IMAGES[:16])
    np.testing.assert_array_equal(data.test_labels, LABELS[16:])
    assert data.name == "photos"


def test_batches_keep_the_order_of_their_numbers(tmp_path):
    write(tmp_path / "d")
    (tmp_path / "d" / "data_batch_2").rename(tmp_path / "d" / "data_batch_10")
    np.testing.assert_array_equal(load(tmp_path / "d").train_images, IMAGES[:16])


def packed(folder: Path, archive: Path) -> None:
    with tarfile.open(archive, "w:gz") as out:
        out.add(folder, "cifar-10-batches-py")


def test_the_archive_is_read_without_unpacking_it(tmp_path):
    write(tmp_path / "loose")
    (tmp_path / "photos").mkdir()
    packed(tmp_path / "loose", tmp_path / "photos" / "cifar-10-python.tar.gz")
    np.testing.assert_array_equal(load(tmp_path / "photos").train_images, IMAGES[:16])
    assert os.listdir(tmp_path / "photos") == ["cifar-10-python.tar.gz"]


@pytest.mark.parametrize("size", [0, 10, 500])
def test_a_damaged_archive(tmp_path, size):
    write(tmp_path / "loose")
    packed(tmp_path / "loose", tmp_path / "a.tar.gz")
    with pytest.raises(DataError, match=r"a\.tar\.gz: is not a whole \.tar\.gz archive"):
        parse_archive(tmp_path / "a.tar.gz", (tmp_path / "a.tar.gz").read_bytes()[:size])


def test_missing_batches_are_named(tmp_path):
    with pytest.raises(DataError, match="test_batch not found; looked in"):
        load(tmp_path)
    write(tmp_path / "d")
    for name in ("data_batch_1", "data_batch_2"):
        (tmp_path / "d" / name).unlink()
    with pytest.raises(DataError, match="data_batch_1 not found"):
        load(tmp_path / "d")


class Harm:
    """Unpickling it would call something."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize(
    ("call", "arguments", "named"),
    [
        (os.system, ("touch harmed",), f"{os.system.__module__}.system"),
        (eval, ("open('harmed', 'w')",), "builtins.eval"),
        (getattr, (os, "system"), "builtins.getattr"),
        (io.open, ("harmed", "w"), "io.open"),
        (np.load, ("harmed",), "numpy.load"),
        (np.fromfile, ("harmed",), "numpy.fromfile"),
    ],
)
def test_whatever_a_batch_names_is_refused_and_not_called(tmp_path, monkeypatch, call, arguments, named):
    monkeypatch.chdir(tmp_path)
    arguments = tuple("os" if one is os else one for one in arguments)
    text = error_text(batch(more=Harm(call, *arguments)))
    assert "which no CIFAR batch needs; the file was not read" in text
    assert "names " in text
    assert named.rsplit(".", 1)[-1] in text
    assert not list(tmp_path.iterdir())


def test_even_numpys_own_array_is_only_stood_in_for():
    """An array of objects would be built by NumPy; here nothing is built."""
    assert "is not a CIFAR batch" in error_text(batch(np.array([[None] * 3072], dtype=object), [0]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (batch()[:-200], "is not a CIFAR batch"),
        (b"", "is not a CIFAR batch"),
        (b"\x80\x02N.", "is not a CIFAR batch"),
        (pickle.dumps({b"labels": LABELS}), "KeyError"),
        (pickle.dumps({b"data": b"bytes", b"labels": LABELS}), "is not a CIFAR batch"),
        (batch(IMAGES.astype(np.float32)), "are no array of unsigned bytes"),
        (batch(np.asfortranarray(IMAGES.reshape(20, -1))), "are no array of unsigned bytes"),
        (batch(IMAGES[:, :, :, :31]), "holds 59520 bytes; allowed: 3072 for each image"),
        (batch(labels=LABELS[:19]), "holds 19 labels for the 20 images"),
        (batch(labels=["a"] * 20), "allowed: whole numbers"),
        (batch(labels=[-1] * 20), "label -1 of image 0 is out of range"),
    ],
)
def test_wrong_batches(content, message):
    assert message in error_text(content)
