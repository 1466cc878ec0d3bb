"""Reading a network from a file: GraphML, or an edge list in CSV.

Both give edges between named nodes, with a rate, a latency and, if wanted, a loss. Rates and latencies are texts with
units. An undirected edge stands for a link in each direction.

CSV::

    source,target,rate,latency,loss
    ap-0,server,50 MB/s,5 ms,0.01
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import networkx as nx

from devices.link_ranges import LATENCY, RATE
from devices.units import Quantity

ENDINGS = (".graphml", ".csv")
"""How the names of such files end."""

_REQUIRED = ("source", "target", "rate", "latency")
_COLUMNS = (*_REQUIRED, "loss", "directed")
_ATTRIBUTES = ("rate", "latency", "loss")
_DIRECTED = {"true": True, "false": False}
_ARROW = " -> "


@dataclass(frozen=True)
class Edge:
    """One edge of a file.

    Attributes:
        source: the node it leads from.
        target: the node it leads to.
        bytes_per_s: its rate.
        latency_s: its propagation delay.
        loss: the share of bytes that it loses.
        directed: whether it leads one way only.
        place: where it stands, for errors: ``lab.csv:3``, or the file and its nodes.
    """

    source: str
    target: str
    bytes_per_s: float
    latency_s: float
    loss: float
    directed: bool
    place: str

    @property
    def name(self) -> str:
        """Name of its link from source to target."""
        return link_name(self.source, self.target)


def link_name(source: str, target: str) -> str:
    """Return what the link from one node to another is called."""
    return f"{source}{_ARROW}{target}"


def read_edges(path: Path, label: str, directed: bool = False) -> list[Edge]:
    """Read the edges of a file, in its order.

    Args:
        path: A file that ends in .graphml or .csv.
        label: What errors call it.
        directed: Whether the edges of a CSV file lead one way where its column ``directed`` says nothing. GraphML
            says it itself.

    Raises:
        ValueError: The file cannot be used. The message says where in the file, what came and what is allowed.
    """
    is_csv = path.suffix.lower() == ".csv"
    edges = list(_csv_edges(path, label, directed) if is_csv else _graphml_edges(path, label))
    if not edges:
        raise ValueError(f"{label} has no edges; at least one is needed")
    return edges


@contextmanager
def _opened(label: str, path: Path) -> Iterator[None]:
    """Turn what opening and decoding a file may raise into an error that names it."""
    try:
        yield
    except UnicodeDecodeError:
        raise ValueError(f"{label} is not UTF-8 text; allowed: a text file (CSV or GraphML)") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ValueError(
            f"{label} cannot be read ({reason}, looked at {path.absolute()}); "
            "allowed: the path of a readable .graphml or .csv file"
        ) from None


def _csv_edges(path: Path, label: str, directed: bool) -> Iterator[Edge]:
    with _opened(label, path), path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            columns = _columns(next(rows, []), f"{label}:1")
            for row in rows:
                if row:
                    place = f"{label}:{rows.line_num}"
                    yield _csv_edge(columns, row, directed, place)
        except csv.Error as error:
            raise ValueError(
                f"{label}:{max(rows.line_num, 1)}: {error}; allowed: CSV with commas between values"
            ) from None


def _columns(row: list[str], place: str) -> list[str]:
    columns = [name.strip() for name in row]
    allowed = f"allowed: {','.join(_COLUMNS)}, the last two if wanted"
    for name in columns:
        if name not in _COLUMNS:
            raise ValueError(f"{place}: unknown column {name!r}; {_guess(name, _COLUMNS)}{allowed}")
        if columns.count(name) > 1:
            raise ValueError(f"{place}: column {name!r} comes twice; {allowed}")
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        came = "an empty line" if not columns else f"a header without {', '.join(missing)}"
        raise ValueError(f"{place}: {came}; {allowed}")
    return columns


def _csv_edge(columns: list[str], row: list[str], directed: bool, place: str) -> Edge:
    if len(row) != len(columns):
        raise ValueError(f"{place}: {len(row)} values; allowed: {len(columns)}, as many as the header has")
    cells = {name: cell.strip() for name, cell in zip(columns, row, strict=True)}
    told = cells.get("directed", "")
    if told and told.lower() not in _DIRECTED:
        raise ValueError(f"{place}: directed: {told!r}; allowed: true, false")
    one_way = _DIRECTED[told.lower()] if told else directed
    return _edge((cells["source"], cells["target"]), cells, one_way, place)


def _graphml_edges(path: Path, label: str) -> Iterator[Edge]:
    with _opened(label, path), path.open("rb") as file:
        try:
            graph = nx.read_graphml(file, node_type=str, force_multigraph=True)
        except ParseError as error:
            line, column = error.position
            what = error.msg.partition(": line")[0]
            raise ValueError(f"{label}:{line}:{column + 1}: {what}; allowed: GraphML, which is XML") from None
        except (nx.NetworkXError, KeyError, ValueError, AttributeError) as error:
            # What networkx raises on XML that is no GraphML, according to what is wrong with it.
            raise ValueError(f"{label}: {error}; allowed: GraphML that networkx can read") from None
    defaults = graph.graph.get("edge_default", {})
    for source, target, data in graph.edges(data=True):
        place = f"{label}: edge {source!r} to {target!r}"
        yield _edge((source, target), _attributes({**defaults, **data}, place), graph.is_directed(), place)


def _attributes(data: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """Check that no attribute that we do not read is a slip of one that we do; others are the file's own affair."""
    for name in data:
        if name not in _ATTRIBUTES and (guess := _guess(str(name), _ATTRIBUTES)):
            raise ValueError(
                f"{place}: unknown attribute {name!r}; {guess}allowed: {', '.join(_ATTRIBUTES)}, "
                "and others of quite different names"
            )
    return data


def _guess(name: str, allowed: tuple[str, ...]) -> str:
    near = get_close_matches(name.lower(), allowed, n=1, cutoff=0.75)
    return f"did you mean {near[0]!r}? " if near else ""


def _edge(nodes: tuple[str, str], values: Mapping[str, Any], directed: bool, place: str) -> Edge:
    for end, node in zip(("source", "target"), nodes, strict=True):
        if not node.strip() or _ARROW.strip() in node:
            raise ValueError(
                f"{place}: {end}: {node!r}; allowed: a node's name, in which '->' does not occur"
            )
    if nodes[0] == nodes[1]:
        raise ValueError(f"{place}: an edge from {nodes[0]!r} to itself; allowed: edges between two nodes")
    return Edge(
        *nodes,
        bytes_per_s=_quantity(values, "rate", RATE, place),
        latency_s=_quantity(values, "latency", LATENCY, place),
        loss=_loss(values.get("loss", ""), place),
        directed=directed,
        place=place,
    )


@lru_cache(maxsize=1024)
def _parsed(text: str, quantity: Quantity) -> float:
    """Most links of a file are like others."""
    return quantity.read(text)


def _quantity(values: Mapping[str, Any], key: str, quantity: Quantity, place: str) -> float:
    if key not in values:
        raise ValueError(f"{place}: no {key}; every edge needs a rate and a latency")
    written = values[key]
    try:
        return _parsed(written, quantity) if isinstance(written, str) else quantity.read(written)
    except ValueError as error:
        raise ValueError(f"{place}: {key}: {error}") from None


def _loss(written: object, place: str) -> float:
    """Return the share of bytes lost: 0 where nothing is written."""
    allowed = "allowed: a number of at least 0 and below 1, such as 0.01"
    if written == "":
        return 0.0
    try:
        loss = float(str(written))
    except ValueError:
        raise ValueError(f"{place}: loss: {written!r} is no number; {allowed}") from None
    if not 0 <= loss < 1:
        raise ValueError(f"{place}: loss: {written}; {allowed}")
    return loss
