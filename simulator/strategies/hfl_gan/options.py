"""The options of the strategy after HFL-GAN."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from devices.fleet import ProfileReference
from simulator.strategies.options import EdgeTier, LocalTrainingOptions

USUAL_EDGES = 4
"""Edge servers where the scenario says nothing, in a fleet that has two clients for each."""


class HflGanOptions(LocalTrainingOptions):
    """After HFL-GAN (10.1007/s10489-024-05924-x): client, edge server and cloud; two generators on every client.

    Of the method only the abstract is public. From there: clients hold a discriminator, an edge-specific and a global
    generator; edges average their members' networks, the cloud averages global generators; clients are clustered to
    edges by similarity of their weights. Assumed, where it is silent:

    - Local step: both generators make fakes for the batch's labels, each from noise of its own. The discriminator
      learns from the real batch and both fakes in one step of Adam, the three losses summed. Then each generator takes
      a step through the updated discriminator.
    - The edge generator starts from the weights with which all strategies begin, the global one from others.
    - A round is an edge round: local steps (``steps_per_round`` or ``local_epochs``), then every edge averages all
      three networks of its members by ``n_k`` and gives them back. All edges' rounds end together.
    - Every ``cloud_every`` rounds edges send the global generator on to the cloud, which is the fleet's server. It
      averages them by the images of the edges' members. The edges wait for it, and give their members all three
      networks at once.
    - At first client i belongs to edge i mod ``edges``. In a cloud round clients are clustered anew: k-means with as
      many clusters as edges, on a random projection (64 numbers) of each member's discriminator weights before they
      are averaged. Cluster i belongs to edge i from the next round on; one cluster alone changes nothing. Members of an
      edge begin a round with the same weights, which alone makes them alike, so that clusters tend to stay as they
      are; ``clustered_by: updates`` looks at what a member's own steps have changed since the last exchange.
    - Optimisers keep their state. A domain is judged by its first client's edge generator.
    """

    timing_keys: ClassVar[frozenset[str]] = frozenset({"rounds", "edge"})

    name: Literal["hfl_gan"] = Field(
        "hfl_gan",
        description="After HFL-GAN: clients, edge servers and cloud, two generators on every client.",
    )
    edges: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        strict=True,
        examples=[4],
        description="Edge servers; left out = 4, or as many as get two members each where clients are fewer.",
    )
    edge: ProfileReference = Field(
        "server-small", description="Profile of the edge servers: a name of the catalogue, or a path (.yaml)."
    )
    cloud_every: int = Field(
        2,
        ge=1,
        le=1000,
        strict=True,
        description="Rounds after which the edges meet in the cloud, again and again.",
    )
    clustered_by: Literal["weights", "updates"] = Field(
        "weights",
        description="What clients are clustered by: their discriminators' weights, or how these changed in the round.",
    )
    judged: Literal["edge", "global"] = Field(
        "edge", description="Which generator of a domain's first client is evaluated."
    )

    def edge_tier(self, devices: int) -> EdgeTier:
        """Return the edge servers of a fleet of so many client devices.

        By default no edge has a single member at first, whose own generator it would pass on to the cloud.
        """
        usual = max(1, min(USUAL_EDGES, devices // 2))
        return EdgeTier(usual if self.edges is None else self.edges, self.edge)
