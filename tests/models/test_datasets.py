"""Loading: embedded sets, folders in IDX layout, and one clear error for every way a file can be wrong."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from models.catalog import DatasetPath, DomainOptions, ImageForm
from models.datasets import DataError, LabelledImages, load_dataset, to_unit_range


def idx_images(images: np.ndarray) -> bytes:
    return struct.pack(">4I", 0x803, *images.shape) + images.astype(np.uint8).tobytes()


def idx_labels(labels: np.ndarray) -> bytes:
    return struct.pack(">2I", 0x801, len(labels)) + labels.astype(np.uint8).tobytes()


def random_part(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, np.arange(count) % 10


def write_part(folder: Path, part: str, images: np.ndarray, labels: np.ndarray, packed: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        f"{part}-images-idx3-ubyte": idx_images(images),
        f"{part}-labels-idx1-ubyte": idx_labels(labels),
    }
    for name, content in contents.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


def load_path(path: Path | str, base_dir: Path | None = None, **stated: object) -> LabelledImages:
    return load_dataset(DomainOptions(dataset=DatasetPath(path=str(path), **stated)), base_dir, None)


def error_text(path: Path, **stated: object) -> str:
    with pytest.raises(DataError) as caught:
        load_path(path, **stated)
    return str(caught.value)


@pytest.fixture
def letters(tmp_path):
    """A folder with a plain t10k part of 100 images."""
    folder = tmp_path / "letters"
    write_part(folder, "t10k", *random_part(100))
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("below", ["", "raw"])
def test_train_and_t10k_are_read_from_either_place_plain_or_packed(tmp_path, packed, below):
    train, test = random_part(30), random_part(20, seed=1)
    write_part(tmp_path / "d" / below, "train", *train, packed=packed)
    write_part(tmp_path / "d" / below, "t10k", *test, packed=packed)
    data = load_path(tmp_path / "d")
    assert data.name == "d"
    assert data.classes == 10
    np.testing.assert_array_equal(data.train_images, train[0][:, None])
    np.testing.assert_array_equal(data.test_images, test[0][:, None])
    np.testing.assert_array_equal(data.train_labels, train[1])
    assert data.train_images.dtype == np.uint8
    assert data.test_labels.dtype == np.int64


def test_t10k_alone_is_split_80_20_stratified_and_always_alike(letters):
    data, again = load_path(letters), load_path(letters)
    np.testing.assert_array_equal(np.bincount(data.train_labels), [8] * 10)
    np.testing.assert_array_equal(np.bincount(data.test_labels), [2] * 10)
    assert data.digest == again.digest
    both = np.concatenate([data.train_images, data.test_images]).reshape(100, -1)
    assert len(np.unique(both, axis=0)) == 100


def test_the_digest_follows_the_contents(letters):
    before = load_path(letters).digest
    images, labels = random_part(100)
    images[3, 4, 5] ^= 1
    write_part(letters, "t10k", images, labels)
    assert load_path(letters).digest != before


def test_relative_paths_count_from_the_base_folder(letters):
    assert load_path("letters", base_dir=letters.parent).name == "letters"


def test_absent_classes_are_logged(tmp_path, caplog):
    images, labels = random_part(100)
    write_part(tmp_path / "d", "t10k", images, labels % 8)
    assert load_path(tmp_path / "d", classes=10).classes == 10
    assert "no training image of the classes [8, 9]" in caplog.text


def test_a_missing_folder_names_files_and_places(tmp_path):
    text = error_text(tmp_path / "nowhere")
    assert "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (plain or .gz) not found" in text
    assert f"looked in {tmp_path / 'nowhere'} and {tmp_path / 'nowhere' / 'raw'}" in text
    assert "there is no such folder" in text


def test_a_file_in_place_of_the_folder_is_said(tmp_path):
    (tmp_path / "file").write_text("x")
    assert "which is not a folder" in error_text(tmp_path / "file")


@pytest.mark.parametrize("name", ["t10k-labels-idx1-ubyte", "t10k-images-idx3-ubyte"])
def test_a_missing_half_of_the_pair_is_named(letters, name):
    (letters / name).unlink()
    assert f"{letters}: {name} (plain or .gz) not found" in error_text(letters)


def test_train_without_t10k_is_an_error(tmp_path):
    write_part(tmp_path / "d", "train", *random_part(20))
    assert "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (plain or .gz) not found" in error_text(
        tmp_path / "d"
    )


def test_half_a_train_part_is_not_passed_over(letters):
    (letters / "train-labels-idx1-ubyte").write_bytes(idx_labels(np.zeros(3)))
    assert "train-images-idx3-ubyte (plain or .gz) not found" in error_text(letters)


def damaged(content: bytes, word: int, value: int) -> bytes:
    """Replace one 32-bit word of a header."""
    return content[: 4 * word] + struct.pack(">I", value) + content[4 * word + 4 :]


IMAGES_CONTENT = idx_images(random_part(100)[0])
LABELS_CONTENT = idx_labels(random_part(100)[1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (IMAGES_CONTENT[:-1], "promises 100 x 28 x 28 = 78400 bytes, but 78399 follow"),
        (IMAGES_CONTENT + b"x", "but 78401 follow"),
        (IMAGES_CONTENT[:11], "11 bytes are too few for the header of 16"),
        (b"", "0 bytes are too few for a header"),
        (damaged(IMAGES_CONTENT, 0, 0x801), "starts with 0x00000801; allowed: 0x00000803"),
        (damaged(IMAGES_CONTENT, 0, 0xD03), "starts with 0x00000d03"),
        (damaged(IMAGES_CONTENT, 1, 101), "promises 101 x 28 x 28 = 79184 bytes, but 78400 follow"),
        (damaged(IMAGES_CONTENT, 1, 2**32 - 1), "promises 4294967295 x 28 x 28"),
        (damaged(IMAGES_CONTENT, 3, 29), "promises 100 x 28 x 29"),
        (damaged(IMAGES_CONTENT, 3, 0), "promises 100 x 28 x 0 = 0 bytes, but "),
        (damaged(IMAGES_CONTENT, 3, 0)[:16], "has shape 100x28x0; allowed: images of at least one pixel"),
        (b"\0\0", "2 bytes are too few for a header"),
        (idx_images(np.zeros((99, 28, 28))), "holds 100 labels for the 99 images"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_wrong_image_files(letters, content, message, packed):
    path = letters / "t10k-images-idx3-ubyte"
    path.unlink()
    if packed:
        path = path.with_name(path.name + ".gz")
    path.write_bytes(gzip.compress(content) if packed else content)
    text = error_text(letters)
    assert message in text
    assert str(path) in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LABELS_CONTENT[:-1], "promises 100 = 100 bytes, but 99 follow"),
        (damaged(LABELS_CONTENT, 0, 0x803), "starts with 0x00000803; allowed: 0x00000801"),
        (damaged(LABELS_CONTENT, 1, 7), "promises 7 = 7 bytes, but 100 follow"),
    ],
)
def test_wrong_label_files(letters, content, message):
    path = letters / "t10k-labels-idx1-ubyte"
    path.write_bytes(content)
    text = error_text(letters)
    assert text.startswith(str(path))
    assert message in text


@pytest.mark.parametrize(
    "content",
    [
        b"not gzip at all",
        gzip.compress(LABELS_CONTENT, mtime=0)[:-12],
        gzip.compress(LABELS_CONTENT, mtime=0)[:20] + b"\0" * 60,
    ],
)
def test_gz_that_is_not_gz_or_cut_short(letters, content):
    (letters / "t10k-labels-idx1-ubyte").unlink()
    path = letters / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(content)
    assert error_text(letters).startswith(f"{path}: is not a whole gzip file")


def test_the_files_tell_the_shape_and_the_classes(tmp_path, caplog):
    images = np.random.default_rng(0).integers(0, 256, (60, 12, 20), dtype=np.uint8)
    write_part(tmp_path / "d", "t10k", images, np.arange(60) % 6)
    data = load_path(tmp_path / "d")
    assert data.form == ImageForm((1, 12, 20), 6)
    assert "holds images of 1 x 12 x 20 in 6 classes; answers that open no file assume" in caplog.text


def test_what_is_stated_truly_needs_no_warning(tmp_path, caplog):
    images = np.random.default_rng(0).integers(0, 256, (60, 12, 20), dtype=np.uint8)
    write_part(tmp_path / "d", "t10k", images, np.arange(60) % 6)
    load_path(tmp_path / "d", image_shape=(1, 12, 20), classes=6)
    assert not caplog.text


def test_what_is_stated_of_the_images_must_be_true(letters):
    assert "holds images of 1 x 28 x 28, but image_shape states 3 x 32 x 32" in error_text(
        letters, image_shape=(3, 32, 32)
    )
    assert "holds 10 classes (0 to 9), but classes states 9" in error_text(letters, classes=9)


@pytest.mark.parametrize("spelling", ["idx3", "idx4"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_colour_images_in_four_dimensions(tmp_path, spelling, channels_last):
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 8, 10), dtype=np.uint8)
    stored = np.moveaxis(images, 1, 3) if channels_last else images
    folder = tmp_path / "d"
    folder.mkdir()
    content = struct.pack(">5I", 0x804, *stored.shape) + stored.tobytes()
    for part in ("train", "t10k"):
        (folder / f"{part}-images-{spelling}-ubyte").write_bytes(content)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_labels(np.arange(50) % 10))
    np.testing.assert_array_equal(load_path(folder).train_images, images)


def test_train_and_test_images_must_have_one_shape(tmp_path):
    write_part(tmp_path / "d", "train", np.zeros((20, 14, 14)), np.arange(20) % 10)
    write_part(tmp_path / "d", "t10k", *random_part(20))
    assert "training images of 1 x 14 x 14 and test images of 1 x 28 x 28" in error_text(tmp_path / "d")


def test_too_few_images_are_refused(tmp_path):
    write_part(tmp_path / "d", "t10k", *random_part(4))
    assert "4 training and 0 test images" in error_text(tmp_path / "d")


def named(name: str, root: Path | None) -> LabelledImages:
    return load_dataset(DomainOptions(dataset=name), None, root)


def test_the_embedded_digits_are_split_4000_to_1000(tmp_path, monkeypatch):
    monkeypatch.setenv("HETEDGE_CACHE", str(tmp_path))
    data = named("mnist5k", None)
    assert data.train_images.shape == (4000, 1, 28, 28)
    np.testing.assert_array_equal(np.bincount(data.train_labels), [400] * 10)
    np.testing.assert_array_equal(np.bincount(data.test_labels), [100] * 10)
    assert data.train_images.max() == 255
    assert named("mnist5k", None).digest == data.digest


def test_the_drawn_letters_are_split_4000_to_1000(tmp_path, monkeypatch):
    monkeypatch.setenv("HETEDGE_CACHE", str(tmp_path))
    data = named("glyphs", None)
    assert (data.train_images.shape, data.test_images.shape) == ((4000, 1, 28, 28), (1000, 1, 28, 28))
    np.testing.assert_array_equal(np.bincount(data.test_labels), [100] * 10)


def test_unit_range():
    scaled = to_unit_range(np.array([0, 51, 255], dtype=np.uint8))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [-1.0, -0.6, 1.0], atol=1e-6)
