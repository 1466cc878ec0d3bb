"""The cut map of one network: who holds which of its blocks, a row a client."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from analysis.figures.columns import in_order, need
from analysis.plot_labels import LINE_IN, height_in, label_rows, legend_outside, shortened
from analysis.plot_style import BLUE, INK, LIGHT, ORANGE, in_style
from analysis.timing import device_order

HEAD, SERVER, TAIL = range(3)
_HOLDERS = (("client, head", BLUE), ("server", LIGHT), ("client, tail", ORANGE))
_TALLEST_IN = 5.6
_TEXT_ROW_IN = 0.1
_MOST_GROUPS = 70
_CHARACTER_IN = 0.065


@dataclass(frozen=True)
class _Group:
    """Neighbouring rows of one domain and profile; `first` and `last` are row numbers, both included."""

    domain: str
    profile: str
    first: int
    last: int

    @property
    def title(self) -> str:
        """The profile and how many clients have it."""
        return f"{shortened(self.profile, 24)} ({self.last - self.first + 1})"


@in_style
def cut_map(
    frame: pd.DataFrame,
    axes: Axes,
    *,
    title: str = "",
    row_in: float | None = None,
    name_rows: bool = True,
    legend: bool = True,
) -> Axes:
    """Draws who holds each block of a network.

    Rows are grouped by domain and profile where neighbours in the frame share them; heads are at the left of
    the server's blocks, tails at the right.

    Args:
        frame: columns ``client``, ``profile``, ``domain``, ``head`` and ``tail`` (blocks that the client holds) and
            ``blocks`` (blocks there are, the same in all rows); see `grouped` for their order.
        axes: where.
        title: what the network is called.
        row_in: height of a row in inches; by default what the axes has.
        name_rows: whether groups and domains are named at the left.
        legend: whether there is one above the axes.

    Returns:
        The axes.

    Raises:
        ValueError: when a column is missing, there is no row, or a cut leaves nothing to the server.
    """
    need(frame, "client", "profile", "domain", "head", "tail", "blocks")
    if frame.empty:
        raise ValueError("frame: has no client")
    network = holders(list(frame["head"]), list(frame["tail"]), int(frame["blocks"].iloc[0]))
    groups = _groups(frame.reset_index(drop=True))
    row_in = row_in or height_in(axes) / len(frame)
    _draw_network(axes, network, title, row_in=row_in)
    _separate(axes, groups, row_in)
    if name_rows:
        _name_groups(axes, groups, row_in)
    if legend:
        legend_outside(axes, legend_handles())
    return axes


def legend_handles() -> list[Patch]:
    """Who holds a block, by its colour."""
    return [Patch(color=colour, label=f"held by {name}") for name, colour in _HOLDERS]


def wanted_height_in(frame: pd.DataFrame) -> float:
    """The height that a map's rows want, in inches."""
    groups = _groups(frame.reset_index(drop=True))
    return max(min(0.15 * len(frame), _TALLEST_IN), LINE_IN * len(groups))


def grouped(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Rows by domain (in order of appearance), profile (by name), the columns `keys`, and number of the client."""
    domains = in_order(table["domain"])
    order = [
        (
            domains.index(row["domain"]),
            _natural(str(row["profile"])),
            tuple(row[name] for name in keys),
            device_order(str(row["client"])),
        )
        for row in table.to_dict("records")
    ]
    return table.iloc[sorted(range(len(table)), key=order.__getitem__)].reset_index(drop=True)


def holders(heads: Sequence[int], tails: Sequence[int], blocks: int) -> npt.NDArray[np.int64]:
    """Who holds each block of one network.

    Args:
        heads: length of each client's head, in blocks.
        tails: length of each client's tail, in blocks.
        blocks: how many blocks the network has.

    Returns:
        Array [clients, blocks] of `HEAD`, `SERVER` or `TAIL`.

    Raises:
        ValueError: when a head and a tail leave no block to the server.
    """
    head, tail = np.asarray(heads)[:, None], np.asarray(tails)[:, None]
    if (head + tail >= blocks).any():
        worst = int(np.argmax(head + tail))
        raise ValueError(
            f"cut: head {heads[worst]} and tail {tails[worst]} leave no block of {blocks} to the server"
        )
    block = np.arange(blocks)[None, :]
    return np.where(block < head, HEAD, np.where(block >= blocks - tail, TAIL, SERVER))


def _natural(text: str) -> list[tuple[str, int]]:
    """Sort key that puts paper-2 before paper-10."""
    return [(letters, int(digits or 0)) for letters, digits in re.findall(r"(\D*)(\d*)", text)]


def _groups(table: pd.DataFrame) -> list[_Group]:
    """Runs of rows of one domain and profile; of one domain where profiles are too many to name."""
    by_profile = _runs_of_rows(table, ["domain", "profile"])
    if len(by_profile) <= _MOST_GROUPS:
        return by_profile
    return [replace(group, profile="various profiles") for group in _runs_of_rows(table, ["domain"])]


def _runs_of_rows(table: pd.DataFrame, keys: list[str]) -> list[_Group]:
    groups = []
    for _, rows in table.groupby(keys, sort=False):
        first, last = int(rows.index[0]), int(rows.index[-1])
        groups.append(_Group(str(rows["domain"].iloc[0]), str(rows["profile"].iloc[0]), first, last))
    return groups


def _draw_network(axes: Axes, network: npt.NDArray[np.int64], title: str, row_in: float) -> None:
    """Paints one network's map; cells are parted by white lines where rows are tall enough for them."""
    clients, blocks = network.shape
    colours = ListedColormap([colour for _, colour in _HOLDERS])
    axes.pcolormesh(
        np.arange(blocks + 1) + 0.5,
        np.arange(clients + 1) - 0.5,
        network,
        cmap=colours,
        vmin=HEAD,
        vmax=TAIL,
        rasterized=clients > 1000,
    )
    axes.vlines(np.arange(1, blocks) + 0.5, -0.5, clients - 0.5, color="white", linewidth=1.2)
    if row_in >= _TEXT_ROW_IN:
        axes.hlines(np.arange(1, clients) - 0.5, 0.5, blocks + 0.5, color="white", linewidth=0.8)
    axes.set_ylim(clients - 0.5, -0.5)
    axes.set_xticks(range(1, blocks + 1))
    axes.set_xlabel("Block")
    axes.set_title(title)
    axes.tick_params(length=0.0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _separate(axes: Axes, groups: Sequence[_Group], row_in: float) -> None:
    """A white line between profiles, a dark one between domains."""
    for before, group in pairwise(groups):
        if before.domain != group.domain:
            axes.axhline(group.first - 0.5, color=INK, linewidth=0.9)
        else:
            axes.axhline(group.first - 0.5, color="white", linewidth=min(0.9, 9.0 * row_in))


def _name_groups(axes: Axes, groups: Sequence[_Group], row_in: float) -> None:
    """Profiles as tick labels kept apart, and left of them the domains, upright beside their rows."""
    middles = [(group.first + group.last) / 2.0 for group in groups]
    label_rows(axes, middles, [group.title for group in groups], row_in)
    domains = list(dict.fromkeys(group.domain for group in groups))
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("axes: these are no longer part of a figure")
    figure.draw_without_rendering()  # settles the width of the tick labels
    box = axes.yaxis.get_tightbbox()
    offset_pt = (axes.get_window_extent().x0 - (box.x0 if box else 0.0)) / figure.dpi * 72.0 + 5.0
    for domain in domains:
        first = min(group.first for group in groups if group.domain == domain)
        last = max(group.last for group in groups if group.domain == domain)
        _name_domain(axes, domain, (first + last) / 2.0, offset_pt, room_in=(last - first + 1) * row_in)


def _name_domain(axes: Axes, domain: str, middle: float, offset_pt: float, room_in: float) -> None:
    """One domain's name, upright; lying down where its rows are too few for the length of the name."""
    upright = room_in >= len(domain) * _CHARACTER_IN
    axes.annotate(
        domain,
        xy=(0.0, middle),
        xycoords=("axes fraction", "data"),
        xytext=(-offset_pt, 0.0),
        textcoords="offset points",
        rotation=90 if upright else 0,
        ha="right",
        va="center",
        weight="bold",
        annotation_clip=False,
    )
