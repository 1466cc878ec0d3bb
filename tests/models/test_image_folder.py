"""Folders of pictures: classes by name, one size and kind, and an error that names the picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.catalog import DatasetPath, DomainOptions
from models.data_files import DataError
from models.datasets import LabelledImages, load_dataset


def load(path: Path, **stated: object) -> LabelledImages:
    return load_dataset(
        DomainOptions(dataset=DatasetPath(path=str(path), format="folder", **stated)), None, None
    )


def error_text(path: Path, **stated: object) -> str:
    with pytest.raises(DataError) as caught:
        load(path, **stated)
    assert "; " in str(caught.value)
    return str(caught.value)


def pixels(seed: int, channels: int = 1) -> np.ndarray:
    shape = (6, 8) if channels == 1 else (6, 8, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def draw(path: Path, picture: np.ndarray, mode: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture)
    (image if mode is None else image.convert(mode)).save(path)


def draw_classes(root: Path, count: int = 5, channels: int = 1) -> None:
    for number, name in enumerate(("dog", "ant", "cat")):
        for index in range(count):
            draw(root / name / f"{index}.png", pixels(100 * number + index, channels))


@pytest.fixture
def animals(tmp_path):
    """Three classes of five grey pictures, not yet split."""
    draw_classes(tmp_path / "animals")
    return tmp_path / "animals"


@pytest.mark.parametrize("channels", [1, 3])
def test_train_and_test_with_classes_in_the_order_of_their_names(tmp_path, channels):
    draw_classes(tmp_path / "d" / "train", 5, channels)
    draw_classes(tmp_path / "d" / "test", 2, channels)
    data = load(tmp_path / "d")
    assert data.form.shape == (channels, 6, 8)
    np.testing.assert_array_equal(data.train_labels, [0] * 5 + [1] * 5 + [2] * 5)
    np.testing.assert_array_equal(data.test_labels, [0, 0, 1, 1, 2, 2])
    ant = pixels(100, channels)
    np.testing.assert_array_equal(
        data.train_images[0], ant[None] if channels == 1 else np.moveaxis(ant, 2, 0)
    )


def test_classes_alone_are_split_80_20(animals):
    data = load(animals)
    assert (data.name, data.classes) == ("animals", 3)
    np.testing.assert_array_equal(np.bincount(data.train_labels), [4, 4, 4])
    np.testing.assert_array_equal(np.bincount(data.test_labels), [1, 1, 1])


def test_hidden_and_other_files_do_not_count(animals, caplog):
    (animals / ".DS_Store").write_bytes(b"x")
    (animals / "ant" / ".DS_Store").write_bytes(b"x")
    (animals / "ant" / "notes.txt").write_text("x")
    (animals / ".cache").mkdir()
    assert len(load(animals).train_labels) == 12
    assert "1 files that are no pictures are left out" in caplog.text


@pytest.mark.parametrize(
    ("suffix", "mode"), [("jpg", None), ("JPEG", None), ("bmp", None), ("png", "P"), ("png", "1")]
)
def test_other_kinds_of_pictures(animals, suffix, mode):
    for name in ("ant", "cat", "dog"):
        for file in (animals / name).iterdir():
            file.unlink()
        for index in range(5):
            draw(animals / name / f"{index}.{suffix}", pixels(index), mode)
    assert load(animals).form.shape == ((3, 6, 8) if mode == "P" else (1, 6, 8))


def other_size(root):
    draw(root / "cat" / "3.png", np.zeros((6, 9), dtype=np.uint8))


def colour_among_grey(root):
    draw(root / "cat" / "3.png", pixels(0, 3))


def transparent(root):
    draw(root / "cat" / "3.png", pixels(0, 4))


def cut_short(root):
    content = (root / "cat" / "3.png").read_bytes()
    (root / "cat" / "3.png").write_bytes(content[: len(content) // 2])


def no_picture(root):
    (root / "cat" / "3.png").write_text("not a picture")


def empty(root):
    (root / "cat" / "3.png").write_bytes(b"")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (other_size, "is 9 x 6 pixels in grey, but"),
        (colour_among_grey, "is 8 x 6 pixels in colour, but"),
        (transparent, "has the mode RGBA; allowed: grey (L), RGB or a palette"),
        (cut_short, "cannot be read as a picture"),
        (no_picture, "is not a png, jpg or bmp picture"),
        (empty, "is not a png, jpg or bmp picture"),
    ],
)
def test_the_error_names_the_picture(animals, harm, message):
    harm(animals)
    text = error_text(animals)
    assert text.startswith(str(animals / "cat" / "3.png"))
    assert message in text


def test_folders_that_are_none_of_the_layouts(tmp_path, animals):
    assert "there is no such folder" in error_text(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    assert "holds no folder of a class; allowed: train/CLASS" in error_text(tmp_path / "bare")
    (tmp_path / "bare" / "ant").mkdir()
    assert "holds no picture" in error_text(tmp_path / "bare")
    (animals / "train").mkdir()
    assert "holds the folders ant, cat, dog, train" in error_text(animals)


def test_the_classes_of_train_and_test_must_agree(tmp_path):
    draw_classes(tmp_path / "d" / "train")
    draw_classes(tmp_path / "d" / "test")
    draw(tmp_path / "d" / "test" / "emu" / "0.png", pixels(0))
    assert "holds emu, unlike" in error_text(tmp_path / "d")


def test_the_stated_number_of_classes_must_be_that_of_the_folders(animals):
    assert load(animals, classes=3).classes == 3
    assert "holds 3 classes (0 to 2), but classes states 4" in error_text(animals, classes=4)
