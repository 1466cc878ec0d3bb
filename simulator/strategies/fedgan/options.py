"""The options of FedGAN."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from models.option_errors import located_error
from simulator.strategies.fedgan.aggregation import Aggregation, SyncAggregation
from simulator.strategies.options import LocalTrainingOptions
from simulator.strategies.patience import ParticipationOptions


class FedganOptions(ParticipationOptions, LocalTrainingOptions):
    """FedGAN (arXiv 2006.07228): every client trains a whole GAN; both networks are averaged every K steps.

    K is ``steps_per_round``, or as many steps as ``local_epochs`` epochs have. The paper trains an unconditional GAN;
    ours is the conditional one that all strategies share, and its clients may also be late, away, or merged one by one.
    """

    log_keys: ClassVar[frozenset[str]] = ParticipationOptions.log_keys | {"patience"}

    name: Literal["fedgan"] = Field("fedgan", description="FedGAN: whole GANs on the clients, averaged.")
    aggregation: Aggregation = Field(
        SyncAggregation(), description="How the server takes in what clients have trained."
    )

    @property
    def asynchronous(self) -> bool:
        """Whether the server takes each client's work as it comes."""
        return not isinstance(self.aggregation, SyncAggregation)

    @property
    def by_jobs(self) -> bool:
        """Whether clients get their work job by job, each beginning with a download of the server's networks."""
        return self.asynchronous or not self.patience.lossless or self.client_share < 1.0

    @property
    def final_kind(self) -> str:
        """A step of all is final, or the average of a round's jobs, or a merge."""
        if not self.by_jobs:
            return "iteration"
        return "merge" if self.asynchronous else "aggregate"

    def is_lossless(self) -> bool:
        """Whether time decides nothing that is learned: in rounds, with patience for all."""
        return super().is_lossless() and not self.asynchronous

    def training_options(self) -> dict[str, Any]:
        """Return the options that decide the weights besides the log; the default aggregation is not told."""
        options = super().training_options()
        if not self.asynchronous:
            # So that the keys of runs from before there were others hold.
            del options["aggregation"]
        return options

    @model_validator(mode="after")
    def _an_asynchronous_server_waits_for_nobody(self) -> Self:
        if self.asynchronous:
            kind = self.aggregation.kind
            if not self.patience.lossless:
                why = f"patience {self.patience.kind} with aggregation {kind}, whose server waits for nobody"
                raise located_error(("patience", "kind"), f"{why}; allowed here: all", self.patience.kind)
            if self.client_share < 1.0:
                why = f"{self.client_share} with aggregation {kind}, which draws no clients for rounds"
                raise located_error(("client_share",), f"{why}; allowed here: 1.0", self.client_share)
        return self

    @model_validator(mode="after")
    def _jobs_begin_with_the_servers_networks(self) -> Self:
        if self.by_jobs and self.init == "independent":
            why = "independent, but every job begins with the networks of the server"
            allowed = "common, or aggregation sync with patience all and client_share 1"
            raise located_error(("init",), f"{why}; allowed here: {allowed}", self.init)
        return self
