"""The embedded data set `glyphs`: capital letters A to J of 23 typefaces, drawn with random distortions.

The letters come from the TrueType files that matplotlib ships, by name: a machine's own fonts do not matter.
Each image is 28 x 28, white on black, about as large within its frame as a digit of MNIST.
"""

from __future__ import annotations

import importlib.metadata
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath
from matplotlib.transforms import IdentityTransform

from models.cache import cache_dir, cached_arrays

LETTERS = "ABCDEFGHIJ"
IMAGES_PER_LETTER = 500
IMAGE_SIDE = 28

_VERSION = 1
"""Raise this whenever the drawing changes: it is part of the cache's key."""

_SEED = 11_235_813

_SANS_FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "cmss10",
)
_SERIF_FONTS = (
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
    "cmb10",
    "cmmi10",
    "cmr10",
    "cmsy10",
    "cmti10",
    "cmtt10",
)
FONTS = _SANS_FONTS + _SERIF_FONTS
"""File names, without .ttf, of the typefaces."""

_LETTER_HEIGHT_PIXELS = (16.0, 21.0)
_MAXIMUM_EXTENT_PIXELS = 24.0
_ROTATION_DEGREES = (-15.0, 15.0)
_SHEAR = (-0.25, 0.25)
_STRETCH = (0.85, 1.15)
_SHIFT_PIXELS = (-1.5, 1.5)
_SANS_WEIGHT_PIXELS = (-0.9, 1.2)
_SERIF_WEIGHT_PIXELS = (-0.2, 1.2)
"""Change of stroke thickness; the hairlines of serif faces would vanish if thinned more."""

_BLACK = (0.0, 0.0, 0.0)
_WHITE = (1.0, 1.0, 1.0)
_DOTS_PER_INCH = 72.0
"""At this resolution a point, matplotlib's unit of line widths, is a pixel."""
_FRAME = Outline([(0, 0), (0, IMAGE_SIDE), (IMAGE_SIDE, IMAGE_SIDE), (IMAGE_SIDE, 0), (0, 0)], closed=True)


@dataclass(frozen=True)
class Distortion:
    """How one letter is drawn.

    Attributes:
        height_pixels: Height of the upright letter.
        stretch: Factor on the width.
        shear: Horizontal shift per unit of height; positive leans to the right.
        rotation_rad: Counter-clockwise turn.
        shift_x_pixels: Offset of the letter's middle from the image's, to the right.
        shift_y_pixels: The same, upwards.
        weight_pixels: Change of stroke thickness; negative thins.
    """

    height_pixels: float
    stretch: float
    shear: float
    rotation_rad: float
    shift_x_pixels: float
    shift_y_pixels: float
    weight_pixels: float


def load_glyphs() -> tuple[np.ndarray, np.ndarray]:
    """Load the letters from the cache, or draw and keep them.

    Returns:
        Images, uint8 of shape [5000, 1, 28, 28], and labels, int64 of shape [5000], sorted by label (0 is A).
    """
    key = f"{_VERSION}:{importlib.metadata.version('matplotlib')}"
    arrays = cached_arrays("glyphs", key, _draw_all, cache_dir() / "datasets")
    return arrays["images"], arrays["labels"]


def draw_glyphs(images_per_letter: int, seed: int = _SEED) -> tuple[np.ndarray, np.ndarray]:
    """Draw letters; typefaces take turns, and every image has its own distortion.

    Args:
        images_per_letter: Number of images of each letter, at least 1.
        seed: Seed of the distortions.

    Returns:
        Images, uint8 of shape [n, 1, 28, 28], and labels, int64 of shape [n], sorted by label (0 is A).
    """
    rng = np.random.default_rng(seed)
    images = np.empty((len(LETTERS) * images_per_letter, 1, IMAGE_SIDE, IMAGE_SIDE), dtype=np.uint8)
    labels = np.repeat(np.arange(len(LETTERS), dtype=np.int64), images_per_letter)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's matplotlibrc must not change the data
        pen = _Pen()
        for index, label in enumerate(labels):
            font = FONTS[index % images_per_letter % len(FONTS)]
            images[index, 0] = pen.draw(font, LETTERS[label], _draw_distortion(font, rng))
    return images, labels


def _draw_all() -> dict[str, np.ndarray]:
    """Draw the whole data set (a few seconds)."""
    images, labels = draw_glyphs(IMAGES_PER_LETTER)
    return {"images": images, "labels": labels}


def _draw_distortion(font: str, rng: np.random.Generator) -> Distortion:
    """Draw one distortion from the ranges of this file."""
    weight = _SANS_WEIGHT_PIXELS if font in _SANS_FONTS else _SERIF_WEIGHT_PIXELS
    return Distortion(
        height_pixels=rng.uniform(*_LETTER_HEIGHT_PIXELS),
        stretch=rng.uniform(*_STRETCH),
        shear=rng.uniform(*_SHEAR),
        rotation_rad=math.radians(rng.uniform(*_ROTATION_DEGREES)),
        shift_x_pixels=rng.uniform(*_SHIFT_PIXELS),
        shift_y_pixels=rng.uniform(*_SHIFT_PIXELS),
        weight_pixels=rng.uniform(*weight),
    )


class _Pen:
    """Draws letters in white on black with matplotlib's Agg renderer, and remembers their outlines."""

    def __init__(self) -> None:
        self._fonts_folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        # Any: matplotlib leaves its renderer's methods untyped.
        self._renderer: Any = RendererAgg(IMAGE_SIDE, IMAGE_SIDE, _DOTS_PER_INCH)  # type: ignore[no-untyped-call]
        self._outlines: dict[tuple[str, str], Outline] = {}

    def draw(self, font: str, letter: str, distortion: Distortion) -> np.ndarray:
        """Draw one letter, uint8 of shape [28, 28]."""
        placed = _placed(self._outline(font, letter), distortion)
        renderer = self._renderer
        renderer.clear()
        renderer.draw_path(self._context(_BLACK, 0.0), _FRAME, IdentityTransform(), _BLACK)
        # A stroke along the outline thickens the letter when it is white and thins it when it is black.
        colour = _WHITE if distortion.weight_pixels > 0 else _BLACK
        context = self._context(colour, abs(distortion.weight_pixels))
        renderer.draw_path(context, placed, IdentityTransform(), _WHITE)
        return np.array(renderer.buffer_rgba(), dtype=np.uint8)[..., 0]

    def _context(self, colour: tuple[float, float, float], width_pixels: float) -> GraphicsContextBase:
        """Make the settings of one stroke."""
        context: GraphicsContextBase = self._renderer.new_gc()
        context.set_foreground(colour)
        context.set_linewidth(width_pixels)
        context.set_antialiased(True)
        context.set_snap(False)
        return context

    def _outline(self, font: str, letter: str) -> Outline:
        """Find the outline of a letter, its middle at the origin and its height 1."""
        if (font, letter) not in self._outlines:
            properties = FontProperties(fname=str(self._fonts_folder / f"{font}.ttf"))
            outline = TextPath((0.0, 0.0), letter, size=100.0, prop=properties)
            box = outline.get_extents()
            middle = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
            vertices = (outline.vertices - middle) / box.height
            self._outlines[font, letter] = Outline(vertices, outline.codes)
        return self._outlines[font, letter]


def _placed(outline: Outline, distortion: Distortion) -> Outline:
    """Distort an outline of height 1 and put it into the image's frame, in pixels."""
    leaning = np.array([[distortion.stretch, distortion.shear], [0.0, 1.0]])
    cosine, sine = math.cos(distortion.rotation_rad), math.sin(distortion.rotation_rad)
    turned = np.array([[cosine, -sine], [sine, cosine]]) @ leaning
    # Sixteen-bit fractions hide last-digit differences between the mathematics libraries of machines.
    vertices = np.round(outline.vertices @ turned.T * 65536.0) / 65536.0
    drawn = vertices[outline.codes != Outline.CLOSEPOLY]  # the point of a closing code has no meaning
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    height = min(distortion.height_pixels, _MAXIMUM_EXTENT_PIXELS / (high - low).max())
    shift = np.array([distortion.shift_x_pixels, distortion.shift_y_pixels]) + IMAGE_SIDE / 2
    return Outline((vertices - (low + high) / 2) * height + shift, outline.codes)
