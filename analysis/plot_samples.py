"""Sample grids: what the generator drew, written at each evaluation and joined over the rounds."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image, PngImagePlugin

from analysis.figures.sample_grid import GAP, WHITE, Pixels, joined, sample_grid, shown
from analysis.plot_style import (
    COLUMN_IN,
    PAGE_IN,
    FigureRun,
    MissingDataError,
    styled,
)

_TILE_KEY = "hetedge-tile"
_MOST_ROWS = 8


def arrange(images: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], rows: int = 8) -> Pixels:
    """Sorts images into a grid with a column for each class.

    Args:
        images: [n, channels, height, width] with values in [-1, 1]; values beyond are cut off.
        labels: [n] class numbers from 0; the columns go up to the largest.
        rows: how many images of a class to take at most, in the order given.

    Returns:
        uint8 [rows, classes, height, width, channels]; white where a class has too few images.

    Raises:
        ValueError: when the shapes do not fit, there is no image, or a value is not finite.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3) or len(images) == 0:
        raise ValueError(
            f"images: got shape {images.shape}; allowed is [n, 1 or 3, height, width] with n >= 1"
        )
    if labels.shape != (len(images),):
        raise ValueError(f"labels: got shape {labels.shape}; allowed is ({len(images)},), one an image")
    if not np.isfinite(images).all():
        raise ValueError("images: some values are not finite; allowed is [-1, 1]")
    pixels = np.rint((np.clip(images, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)
    members = [np.flatnonzero(labels == label)[:rows] for label in range(int(labels.max()) + 1)]
    grid = np.full((max(map(len, members)), len(members), *pixels.shape[1:]), WHITE, dtype=np.uint8)
    for column, chosen in enumerate(members):
        grid[: len(chosen), column] = pixels[chosen]
    return grid


def sample_grid_png(
    images: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], rows: int = 8
) -> bytes:
    """A sample grid as the bytes of a PNG file: a column a class, images apart by white lines.

    The size of a tile stands in the file's text fields, so that `read_sample_grid` finds the images.

    Args:
        images: [n, 1, height, width] (or 3 channels) with values in [-1, 1].
        labels: [n] class numbers from 0.
        rows: how many images of a class to show at most.

    Raises:
        ValueError: as `arrange`.
    """
    grid = arrange(images, labels, rows)
    text = PngImagePlugin.PngInfo()
    text.add_text(_TILE_KEY, f"{grid.shape[2]} {grid.shape[3]}")
    buffer = io.BytesIO()
    Image.fromarray(shown(joined(grid))).save(buffer, format="PNG", pnginfo=text)
    return buffer.getvalue()


def save_sample_grid(
    images: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], path: Path, rows: int = 8
) -> None:
    """Writes `sample_grid_png` to a file, atomically.

    Args:
        images: [n, 1, height, width] (or 3 channels) with values in [-1, 1].
        labels: [n] class numbers from 0.
        path: the file to write; its folder exists.
        rows: how many images of a class to show at most.

    Raises:
        ValueError: as `arrange`.
    """
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(sample_grid_png(images, labels, rows))
    os.replace(partial, path)


def read_sample_grid(path: Path) -> Pixels:
    """Reads a file of `save_sample_grid`.

    Args:
        path: the PNG.

    Returns:
        uint8 [rows, classes, height, width, channels].

    Raises:
        ValueError: when the file is not such a grid; the message names it.
        OSError: when it cannot be read as an image.
    """
    with Image.open(path) as image:
        tile = image.info.get(_TILE_KEY)
        picture = np.atleast_3d(np.asarray(image, dtype=np.uint8))
    if tile is None:
        raise ValueError(f"{path}: not a sample grid of a run (its text field {_TILE_KEY!r} is missing)")
    height, width = (int(number) for number in str(tile).split())
    rows = (picture.shape[0] + GAP) // (height + GAP)
    classes = (picture.shape[1] + GAP) // (width + GAP)
    padded = np.pad(picture, ((0, GAP), (0, GAP), (0, 0)))
    tiles = padded.reshape(rows, height + GAP, classes, width + GAP, picture.shape[2])
    return tiles.transpose(0, 2, 1, 3, 4)[:, :, :height, :width]


@styled
def samples(runs: Sequence[FigureRun]) -> Figure:
    """Generated images of one run over the rounds: a grid for each domain.

    Rounds go down, classes across. Of many rounds eight are shown, the first and the last among them;
    with few rounds each has several lines.

    Args:
        runs: exactly one run.

    Returns:
        The figure: one column wide for one domain, else a page wide.

    Raises:
        MissingDataError: when the run has no sample grids.
        ValueError: when `runs` is not exactly one run, or a file is not a sample grid.
    """
    (run,) = runs
    if not run.samples:
        raise MissingDataError("the run folder has no sample grids")
    in_order = [str(domain) for domain in run.metrics["domain"]]
    present = {domain for _, domain in run.samples}
    domains = [name for name in dict.fromkeys([*in_order, *sorted(present)]) if name in present]
    grids = {domain: _rounds_of(run.samples, domain) for domain in domains}
    return sample_figure(grids, _round_times(run))


def _rounds_of(paths: Mapping[tuple[int, str], Path], domain: str) -> dict[int, Pixels]:
    rounds = sorted(round_ for round_, name in paths if name == domain)
    return {round_: read_sample_grid(paths[round_, domain]) for round_ in _chosen(rounds)}


def _chosen(rounds: Sequence[int]) -> list[int]:
    """At most eight of the rounds, evenly spread, always the first and the last."""
    count = min(len(rounds), _MOST_ROWS)
    return [rounds[round(place)] for place in np.linspace(0, len(rounds) - 1, count)]


def _round_times(run: FigureRun) -> dict[int, float]:
    """Simulated seconds at which each round was evaluated."""
    return {int(row["round"]): float(row["sim_time_s"]) for row in run.metrics.to_dict("records")}


@styled
def sample_figure(
    grids: Mapping[str, Mapping[int, Pixels]], round_times_s: Mapping[int, float] | None = None
) -> Figure:
    """Draws sample grids that are already in memory.

    Args:
        grids: by domain and round, uint8 [rows, classes, height, width, channels] (see `arrange`).
        round_times_s: simulated seconds of rounds, written beside them where known.

    Returns:
        The figure: one column wide for one domain, else a page wide.
    """
    across = 1 if len(grids) == 1 else 2
    down = -(-len(grids) // across)
    width_in = COLUMN_IN if across == 1 else PAGE_IN
    pictures = {domain: _rows_of_rounds(rounds) for domain, rounds in grids.items()}
    cell_in = (width_in / across - 0.62) / max(next(iter(g.values())).shape[1] for g in grids.values())
    tallest = max(sum(picture.shape[0] for picture in rows.values()) for rows in pictures.values())
    figure = Figure(figsize=(width_in, down * (cell_in * tallest + 0.45)), layout="compressed")
    panels = np.asarray(figure.subplots(down, across, squeeze=False)).ravel()
    times_s = round_times_s or {}
    for axes, (domain, rows) in zip(panels, pictures.items(), strict=False):
        facts = [(round_, times_s.get(round_, np.nan), images) for round_, images in rows.items()]
        sample_grid(pd.DataFrame(facts, columns=["round", "sim_time_s", "images"]), axes)
        axes.set_title(domain)
    for axes in panels[len(pictures) :]:
        axes.set_visible(False)
    return figure


def _rows_of_rounds(rounds: Mapping[int, Pixels]) -> dict[int, Pixels]:
    """Each round's grid cut to as many rows as eight rows in all allow, at least one."""
    rows = max(1, _MOST_ROWS // len(rounds))
    return {round_: grid[:rows] for round_, grid in rounds.items()}
