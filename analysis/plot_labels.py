"""Labels and legends all figures share, which keep clear of each other and of the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from matplotlib.transforms import offset_copy

from analysis.plot_style import GREY, LABEL_PT, Style

# Mean advance of a character of legend type, and the room of a handle with its spaces.
_LEGEND_CHARACTER_IN, _LEGEND_HANDLE_IN = 0.055, 0.36
LINE_IN = 1.25 * LABEL_PT / 72.0
_LEADER_PT = 8.0
_NAME_CHARACTER_IN = 0.06

MOST_CHARACTERS = 44
"""How long a label may be."""

_WORTH_LEAVING_OUT = 3

WIDE_IN, MOST_ABOVE = 5.0, 8
"""Above this width of a figure, more than so many entries of a legend stand at its right."""

COLOUR_BAR = "<colorbar>"
"""What Matplotlib calls the axes of a colour bar."""


def figure_of(axes: Axes) -> Figure:
    """The figure that an axes is in.

    Raises:
        ValueError: It was taken out of it.
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("axes: these are no longer part of a figure")
    return figure


def height_in(axes: Axes) -> float:
    """The height of an axes in inches, as it is laid out now."""
    return float(axes.get_window_extent().height / figure_of(axes).dpi)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions as near as possible to the wanted ones that keep a gap and stay in a range.

    Labels that would overlap are pooled into a block about the mean of their wanted places.

    Args:
        wanted: places, in any order.
        gap: least distance between two of them; reduced when they would not all fit.
        low: least position.
        high: greatest position.

    Returns:
        A position for each wanted one, in the same order as asked and with the same ranking.
    """
    count = len(wanted)
    gap = min(gap, (high - low) / (count - 1)) if count > 1 else gap
    order = sorted(range(count), key=lambda index: wanted[index])
    # Take i gaps off the i-th place: what is left must only be non-decreasing (isotonic regression).
    blocks: list[tuple[float, int]] = []
    for rank, index in enumerate(order):
        total, size = wanted[index] - rank * gap, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / size:
            before_total, before_size = blocks.pop()
            total, size = total + before_total, size + before_size
        blocks.append((total, size))
    places = [mean for total, size in blocks for mean in [total / size] * size]
    limit = high - (count - 1) * gap
    result = [0.0] * count
    for rank, index in enumerate(order):
        result[index] = min(max(places[rank], low), limit) + rank * gap
    return result


def label_line_ends(axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Writes labels to the right of an axes, beside the last value of each curve, none on another.

    Args:
        axes: where; its scales and limits must be set.
        labels: (last y value, text, colour) of each curve.
    """
    if not labels:
        return
    figure = figure_of(axes)
    figure.draw_without_rendering()  # settles the layout: the height in points is needed
    height_pt = axes.get_window_extent().height / figure.dpi * 72.0
    to_axes = axes.transData + axes.transAxes.inverted()
    wanted = [float(to_axes.transform((0.0, value))[1]) for value, _, _ in labels]
    places = spread(wanted, 1.25 * LABEL_PT / height_pt, 0.0, 1.0)
    for place, (_, text, colour) in zip(places, labels, strict=True):
        axes.annotate(
            text,
            xy=(1.0, place),
            xycoords="axes fraction",
            xytext=(4.0, 0.0),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def label_rows(axes: Axes, middles: Sequence[float], names: Sequence[str], row_in: float) -> list[float]:
    """Names groups of rows at the left of an axes, apart from each other, with leaders to their rows.

    Args:
        axes: where; y counts rows from 0, turned over, and its limits must be set.
        middles: the middle row of each group.
        names: the text of each group.
        row_in: height of a row in inches.

    Returns:
        Where the names stand, in rows.
    """
    last = axes.get_ylim()[0] - 0.5
    places = spread(middles, LINE_IN / row_in, 0.0, max(last, 0.0))
    moved = any(
        abs(place - middle) * row_in > 0.25 * LINE_IN for place, middle in zip(places, middles, strict=True)
    )
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", length=0.0, pad=_LEADER_PT + 2.0 if moved else 3.0)
    if not moved:
        return places
    at_edge = axes.get_yaxis_transform()
    at_name = offset_copy(at_edge, axes.get_figure(root=True), x=-_LEADER_PT, y=0.0, units="points")
    for place, middle in zip(places, middles, strict=True):
        leader = ConnectionPatch((-0.005, middle), (0.0, place), at_edge, at_name, color=GREY, linewidth=0.5)
        leader.set_in_layout(False)
        axes.add_artist(leader)
        leader.set_clip_on(False)
    return places


def legend_columns(width_in: float, labels: Sequence[str]) -> int:
    """How many columns of legend entries fit side by side, filled column by column as Matplotlib does."""
    widths_in = [len(label) * _LEGEND_CHARACTER_IN + _LEGEND_HANDLE_IN for label in labels]
    for columns in range(len(labels), 1, -1):
        packed = np.array_split(widths_in, columns)
        if sum(max(column) for column in packed) <= width_in:
            return columns
    return 1


def legend_outside(axes: Axes, handles: Sequence[Artist], title: str | None = None) -> None:
    """Puts a legend where it hides no data: right of the axes where a wide figure has many entries, else above.

    Args:
        axes: where. Alone in a figure with constrained layout it shares the figure's room; among others, or where the
            layout is another, the legend stands on top of the axes.
        handles: artists with their labels; without any there is no legend.
        title: what the labels name.
    """
    if not handles:
        return
    figure = figure_of(axes)
    labels = [str(handle.get_label()) for handle in handles]
    own = [one for one in figure.axes if one.get_label() != COLOUR_BAR]
    if len(own) == 1 and figure.get_constrained_layout():
        if len(handles) > MOST_ABOVE and figure.get_figwidth() > WIDE_IN:
            figure.legend(handles=handles, loc="outside right upper", title=title, alignment="left")
            return
        columns = legend_columns(figure.get_figwidth(), labels)
        figure.legend(handles=handles, loc="outside upper center", ncols=columns, title=title)
    else:
        columns = legend_columns(axes.get_position().width * figure.get_figwidth(), labels)
        place: Style = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.3}
        axes.legend(handles=handles, ncols=columns, title=title, **place)


def rows_from_top(axes: Axes, rows: int) -> None:
    """Turns the y axis over, so that the first row is on top, and hides its line."""
    axes.set_ylim(rows - 0.5, -0.5)
    axes.tick_params(axis="y", length=0.0)
    axes.spines["left"].set_visible(False)


def beside(axes: Axes, row: float, end: float, text: str, *, right: bool = True) -> None:
    """Writes a bar's value beside one of its ends: right of the right one, or left of the left one."""
    axes.annotate(
        text,
        xy=(end, row),
        xytext=(3.0 if right else -3.0, 0.0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        fontsize=LABEL_PT - 0.5,
        annotation_clip=False,
    )


def right_of_axes(
    axes: Axes, row: float, text: str, *, above_pt: float | None = None, offset_pt: float = 3.0
) -> None:
    """Writes a row's value right of the axes, `offset_pt` away; with `above_pt` a heading over such values."""
    heading = above_pt is not None
    axes.annotate(
        text,
        xy=(1.0, 1.0 if heading else row),
        xycoords="axes fraction" if heading else ("axes fraction", "data"),
        xytext=(offset_pt, above_pt or 0.0),
        textcoords="offset points",
        va="baseline" if heading else "center",
        fontsize=LABEL_PT - 0.5,
        annotation_clip=False,
    )


def name_rows(axes: Axes, names: Sequence[str], counts: Sequence[int] | None = None) -> None:
    """Names rows from the top at the left of an axes, shortened so that they take less than half of its figure.

    Args:
        axes: where; its rows are at 0, 1, ...
        names: of each row.
        counts: of how many things a row is: told where it is more than one.
    """
    figure = figure_of(axes)
    most = int(0.42 * figure.get_figwidth() / _NAME_CHARACTER_IN)
    of = [f" ({count})" if count > 1 else "" for count in counts] if counts is not None else [""] * len(names)
    short = short_names(names, most - max(map(len, of), default=0))
    axes.set_yticks(range(len(names)), [name + n for name, n in zip(short, of, strict=True)])
    rows_from_top(axes, len(names))


def short_names(names: Sequence[str], most: int = MOST_CHARACTERS) -> list[str]:
    """Names that stand side by side, each `shortened` so that those which differ still do.

    Where their middles alone tell them apart, what is common to all of them at the ends of a part (parts are separated
    by ", ") is left out instead; where that does not help, each has a number.

    Args:
        names: what is shortened.
        most: how many characters one may have at most, >= 12.

    Returns:
        As many names in the same order.

    Example:
        >>> short_names(["a long common beginning, 1, and end", "a long common beginning, 2, and end"], 16)
        ['…, 1, …', '…, 2, …']
    """
    distinct = list(dict.fromkeys(names))
    for candidates in (distinct, _without_common(distinct)):
        short = [shortened(name, most) for name in candidates]
        if len(set(short)) == len(distinct):
            break
    else:
        tags = [f" #{number}" for number in range(1, len(distinct) + 1)]
        short = [shortened(name, most - len(tag)) + tag for name, tag in zip(distinct, tags, strict=True)]
    of = dict(zip(distinct, short, strict=True))
    return [of[name] for name in names]


def _without_common(names: Sequence[str]) -> list[str]:
    """Names without what is common to all at the beginning or at the end of a part, to whole words where there are."""
    parts = [name.split(", ") for name in names]
    if len({len(one) for one in parts}) > 1:
        parts = [[name] for name in names]
    columns = [_tell_apart(values) for values in zip(*parts, strict=True)]
    return [", ".join(values) for values in zip(*columns, strict=True)]


def _tell_apart(values: Sequence[str]) -> list[str]:
    """One part of all names: what differs, with an ellipsis for what does not where that is longer."""
    if len(set(values)) == 1:
        return [_ellipsis(value) for value in values]
    shortest = min(map(len, values))
    front = values[0][: min(_common(values), max(shortest - 1, 0))]
    front = re.sub(r"\w+$", "", front) or front
    rests = [value[len(front) :] for value in values]
    same = min(_common([rest[::-1] for rest in rests]), max(shortest - len(front) - 1, 0))
    end = rests[0][len(rests[0]) - same :]
    end = re.sub(r"^\w+", "", end) or end
    return [f"{_ellipsis(front)}{rest[: len(rest) - len(end)]}{_ellipsis(end)}" for rest in rests]


def _common(texts: Sequence[str]) -> int:
    """How many characters all begin with."""
    return sum(1 for _ in takewhile(lambda characters: len(set(characters)) == 1, zip(*texts, strict=False)))


def _ellipsis(text: str) -> str:
    return text if len(text) <= _WORTH_LEAVING_OUT else "…"


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """A label that leaves room for the data: its middle is left out where it is longer than `most` characters.

    Example:
        >>> shortened("a-very-long-name", 9)
        'a-ve…name'
    """
    if len(text) <= most:
        return text
    kept = most - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
