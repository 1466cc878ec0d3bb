"""The kinds of topology that a scenario can choose (`network.topology`), with their options."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from devices.fleet import MOST_CLIENTS
from devices.graph_file import ENDINGS, read_edges
from devices.link_ranges import LinkLatency, LinkRate
from devices.topology import HUB, Backbone, Hub, TopologyError
from devices.topology_graph import GraphBackbone
from devices.topology_spokes import Assign, Spoke, Spokes

Loss = Annotated[float, Field(ge=0, lt=1)]
"""Share of the bytes sent over a link that are lost."""

_Count = Annotated[int, Field(ge=1, le=MOST_CLIENTS)]
_ASSIGN = "interleaved = clients are dealt round-robin; blocks = neighbours together."


class _Options(BaseModel):
    """Common to all kinds: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StarTopology(_Options):
    """Every device hangs on one hub by its own access link; all clients share the server's."""

    kind: Literal["star"] = Field("star", description="Every device on one hub; all share the server's link.")

    def backbone(self, base_dir: Path | None = None) -> Backbone:
        """Return what lies between the access links."""
        del base_dir
        return Hub()


class CellsTopology(_Options):
    """Clients hang on cells; those of a cell share its uplink to the hub and its downlink from it."""

    kind: Literal["cells"] = Field("cells", description="Clients share the up- and downlink of their cell.")
    cells: _Count = Field(4, description="How many cells.")
    uplink: LinkRate = Field(100e6, description="Rate of a cell's link to the hub (assumed).")
    downlink: LinkRate = Field(100e6, description="Rate of the hub's link to a cell (assumed).")
    latency: LinkLatency = Field(0.002, description="One-way propagation delay of either (assumed).")
    loss: Loss = Field(0.0, description="Share of the bytes that either loses.")
    assign: Assign = Field("interleaved", description=_ASSIGN)

    def backbone(self, base_dir: Path | None = None) -> Backbone:
        """Return what lies between the access links."""
        del base_dir
        spoke = Spoke("cell", self.uplink, self.downlink, self.latency, self.loss)
        return Spokes(HUB, spoke, self.cells, self.assign, edges_outside=False)


class TiersTopology(_Options):
    """Clients hang on edge sites, which a backhaul joins to the cloud, where the server is.

    Edge servers, where a strategy has them, stand at the sites: server e at site e mod `edges`. What clients and the
    edge servers of their site send each other does not touch the backhaul.
    """

    kind: Literal["tiers"] = Field(
        "tiers", description="Device, edge site, cloud: clients share their site's backhaul."
    )
    edges: _Count = Field(4, description="How many edge sites.")
    uplink: LinkRate = Field(125e6, description="Rate of a site's link to the cloud (assumed: 1 Gbit/s).")
    downlink: LinkRate = Field(125e6, description="Rate of the cloud's link to a site (assumed: 1 Gbit/s).")
    latency: LinkLatency = Field(0.01, description="One-way propagation delay of either (assumed).")
    loss: Loss = Field(0.0, description="Share of the bytes that either loses.")
    assign: Assign = Field("interleaved", description=_ASSIGN)

    def backbone(self, base_dir: Path | None = None) -> Backbone:
        """Return what lies between the access links."""
        del base_dir
        spoke = Spoke("edge-site", self.uplink, self.downlink, self.latency, self.loss)
        return Spokes("cloud", spoke, self.edges, self.assign, edges_outside=True)


def _check_ending(path: str) -> str:
    if not path.lower().endswith(ENDINGS):
        raise ValueError(f"{path!r}; allowed: the path of a file that ends in {' or '.join(ENDINGS)}")
    return path


class FileTopology(_Options):
    """A graph of routers from a file; each device hangs on the node of its name."""

    kind: Literal["file"] = Field("file", description="A graph from a GraphML file or an edge list in CSV.")
    path: Annotated[str, AfterValidator(_check_ending)] = Field(
        min_length=1,
        description="File of the graph; relative paths count from the scenario's folder.",
        examples=["lab.graphml", "lab.csv"],
        json_schema_extra={"pattern": r"\.([gG][rR][aA][pP][hH][mM][lL]|[cC][sS][vV])$"},
    )
    attach: tuple[str, ...] = Field(
        (),
        description="Nodes to which clients without a node of their own are dealt round-robin.",
        examples=[["ap-0", "ap-1"]],
    )
    directed: bool | None = Field(
        None,
        description="CSV: whether an edge leads one way where the column says nothing; left out = both ways.",
    )

    def backbone(self, base_dir: Path | None = None) -> Backbone:
        """Return what lies between the access links.

        Args:
            base_dir: Where a relative path counts from; None = the working directory.

        Raises:
            TopologyError: The file cannot be used.
        """
        if self.directed is not None and not self.path.lower().endswith(".csv"):
            raise TopologyError(
                "topology.directed",
                f"{str(self.directed).lower()} for a GraphML file, which says it itself; allowed: to leave it out",
            )
        file = (base_dir or Path()) / Path(self.path).expanduser()
        try:
            edges = read_edges(file, self.path, bool(self.directed))
        except ValueError as error:
            raise TopologyError("topology.path", str(error)) from None
        return GraphBackbone(edges, self.attach, self.path)


AnyTopology: TypeAlias = StarTopology | CellsTopology | TiersTopology | FileTopology

TOPOLOGIES: Mapping[str, type[AnyTopology]] = {
    str(options.model_fields["kind"].default): options for options in get_args(AnyTopology)
}


def _choose_kind(value: object) -> object:
    """Validate a mapping by the class of its `kind` alone, so that errors name exact keys."""
    if isinstance(value, AnyTopology):
        return value
    if not isinstance(value, Mapping):
        meant = value if isinstance(value, str) and value in TOPOLOGIES else "star"
        raise ValueError(f"{value!r} is no topology; allowed: a mapping such as {{kind: {meant}}}")
    kind = value.get("kind", "star")
    if not isinstance(kind, str) or kind not in TOPOLOGIES:
        near = get_close_matches(str(kind).lower(), TOPOLOGIES, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        message = f"no topology is called {kind!r}; allowed: {', '.join(TOPOLOGIES)}{guess}"
        wrong = PydanticCustomError("refused_option", "{reason}", {"reason": message})
        details = InitErrorDetails(type=wrong, loc=("kind",), input=kind)
        raise ValidationError.from_exception_data("topology", [details])
    return TOPOLOGIES[kind].model_validate(dict(value))


TopologyOptions: TypeAlias = Annotated[AnyTopology, BeforeValidator(_choose_kind)]
"""The `topology` of a network: a mapping whose `kind` chooses it."""
