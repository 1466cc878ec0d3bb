"""The drawn letters: real outlines, real variety, the same on every call."""

import hashlib
import platform

import matplotlib
import numpy as np
import pytest

from models import glyphs
from models.glyphs import FONTS, LETTERS, draw_glyphs, load_glyphs


@pytest.fixture(scope="module")
def drawn():
    """One letter of each typeface."""
    return draw_glyphs(len(FONTS))


def test_shapes_types_and_labels(drawn):
    images, labels = drawn
    assert images.shape == (230, 1, 28, 28)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, np.repeat(np.arange(10), 23))


def test_twenty_three_different_typefaces_exist():
    assert len(set(FONTS)) == 23
    folder = f"{matplotlib.get_data_path()}/fonts/ttf"
    for font in FONTS:
        with open(f"{folder}/{font}.ttf", "rb") as file:
            assert len(file.read(4)) == 4


def test_every_letter_is_white_on_black_inside_the_frame(drawn):
    images, _ = drawn
    assert (images.max(axis=(1, 2, 3)) > 150).all()
    border = np.ones((28, 28), dtype=bool)
    border[1:-1, 1:-1] = False
    assert (images[:, 0, border].mean(axis=1) < 10).all()
    ink = (images > 127).mean(axis=(1, 2, 3))
    assert (ink > 0.01).all()
    assert (ink < 0.5).all()


def test_no_two_images_are_alike(drawn):
    images, _ = drawn
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_letters_stand_upright():
    # The feet of an A are wider than its tip: upside-down drawing would turn this around.
    images, labels = draw_glyphs(23)
    rows = (images[labels == LETTERS.index("A"), 0] > 127).any(axis=0)
    columns_used = rows.sum(axis=1)
    assert columns_used[4:9].sum() < columns_used[19:24].sum()


def test_letters_differ_more_between_than_within_classes():
    images, labels = draw_glyphs(46)
    flat = images.reshape(len(images), -1).astype(float)
    means = np.array([flat[labels == label].mean(axis=0) for label in range(10)])
    nearest = ((flat[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == labels).mean() > 0.6


def test_drawing_repeats_and_depends_on_the_seed(drawn):
    images, _ = drawn
    np.testing.assert_array_equal(draw_glyphs(23)[0], images)
    assert not np.array_equal(draw_glyphs(23, seed=1)[0], images)


@pytest.mark.skipif(
    (matplotlib.__version__, platform.machine()) != ("3.11.2", "x86_64"),
    reason="other versions of FreeType and Agg, and other processors, round other pixels",
)
def test_the_drawing_is_pinned(drawn):
    # Pinned so that a change of the drawing cannot pass without a new _VERSION in the key of the cache.
    assert glyphs._VERSION == 1
    assert hashlib.sha256(drawn[0].tobytes()).hexdigest() == (
        "9adb6969719cfdaa93cfc579a2e8f410940f20613464d0f5b494577d2b9ba1c7"
    )


def test_a_users_matplotlib_settings_do_not_matter(drawn):
    images, _ = drawn
    with matplotlib.rc_context({"path.snap": False, "path.sketch": (3, 50, 2), "figure.dpi": 31}):
        np.testing.assert_array_equal(draw_glyphs(23)[0], images)
        assert matplotlib.rcParams["figure.dpi"] == 31


def test_load_keeps_the_letters_in_the_cache(tmp_path, monkeypatch, drawn):
    calls = []

    def draw_few() -> dict[str, np.ndarray]:
        calls.append(1)
        return {"images": drawn[0], "labels": drawn[1]}

    monkeypatch.setenv("HETEDGE_CACHE", str(tmp_path))
    monkeypatch.setattr(glyphs, "_draw_all", draw_few)
    first, second = load_glyphs(), load_glyphs()
    assert len(calls) == 1
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
