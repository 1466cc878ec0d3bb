"""Generated images over the rounds: rounds go down, classes across."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from analysis.figures.columns import need
from analysis.plot_style import LABEL_PT, in_style
from analysis.readable import TimeUnit, three_digits, time_unit

Pixels = npt.NDArray[np.uint8]
"""Grey or colour values; the last axis are the channels."""

WHITE = 255
GAP = 2
"""White pixels between two images."""


@in_style
def sample_grid(frame: pd.DataFrame, axes: Axes) -> Axes:
    """Paints sample grids below each other; a wider white line parts rounds of several lines.

    Args:
        frame: columns ``round`` (-1 before training), ``sim_time_s`` (simulated seconds; NaN where not known) and
            ``images`` (an array uint8 [lines, classes, height, width, channels] in each row, all of one size
            but for the number of lines).
        axes: where.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing or there is no round.
    """
    need(frame, "round", "sim_time_s", "images")
    if frame.empty:
        raise ValueError("frame: has no round")
    rounds = {int(round_): images for round_, images in zip(frame["round"], frame["images"], strict=True)}
    known = frame[frame["sim_time_s"].notna()]
    times_s = {
        int(round_): float(time_s) for round_, time_s in zip(known["round"], known["sim_time_s"], strict=True)
    }
    _draw_rounds(axes, rounds, times_s)
    return axes


def joined(grid: Pixels) -> Pixels:
    """[lines, classes, h, w, channels] as one picture [., ., channels] with white lines between images."""
    rows, classes, height, width, channels = grid.shape
    tiles = np.full((rows, classes, height + GAP, width + GAP, channels), WHITE, dtype=np.uint8)
    tiles[:, :, :height, :width] = grid
    picture = tiles.transpose(0, 2, 1, 3, 4).reshape(rows * (height + GAP), classes * (width + GAP), channels)
    return picture[:-GAP, :-GAP]


def shown(picture: Pixels) -> Pixels:
    """The picture as image libraries want it: grey ones without an axis for channels."""
    return picture.squeeze(axis=-1) if picture.shape[-1] == 1 else picture


def _draw_rounds(axes: Axes, rounds: Mapping[int, Pixels], times_s: Mapping[int, float]) -> None:
    """Paints rounds below each other; a wider white line parts them where they have several rows."""
    parting = GAP if all(len(grid) == 1 for grid in rounds.values()) else 4 * GAP
    bands = [
        np.pad(joined(g), ((0, parting), (0, 0), (0, 0)), constant_values=WHITE) for g in rounds.values()
    ]
    tops = np.cumsum([0, *(len(band) for band in bands)])
    middles = [float(top + below - parting) / 2.0 for top, below in pairwise(tops)]
    picture = np.concatenate(bands)[:-parting]
    classes, tile_width = next(iter(rounds.values())).shape[1], next(iter(rounds.values())).shape[3]
    axes.imshow(shown(picture), cmap="gray", vmin=0, vmax=255)
    unit = time_unit(max(times_s.values(), default=0.0))
    axes.set_yticks(middles, [_round_name(round_, times_s.get(round_), unit) for round_ in rounds])
    places = [column * (tile_width + GAP) + tile_width / 2.0 for column in range(classes)]
    axes.set_xticks(places, [str(label) for label in range(classes)])
    axes.set_xlabel("Class")
    axes.tick_params(length=0.0, labelsize=LABEL_PT - 1.0, pad=2.0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _round_name(round_: int, time_s: float | None, unit: TimeUnit) -> str:
    name = "untrained" if round_ < 0 else f"round {round_}"
    if time_s is None or round_ < 0:
        return name
    return f"{name}\n{three_digits(time_s / unit.seconds)} {unit.symbol}"
