"""The options of HuSCF-GAN."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.strategies.patience import ParticipationOptions


class HuscfGanOptions(ParticipationOptions):
    """HuSCF-GAN (arXiv 2507.12979). The defaults are the paper's where it states them."""

    name: Literal["huscf_gan"] = Field(
        "huscf_gan", description="HuSCF-GAN: clustered federated, U-shaped split."
    )
    rounds: int = Field(
        10, ge=1, le=1_000_000, strict=True, description="Federated rounds; each ends with an aggregation."
    )
    local_epochs: int = Field(
        5, ge=1, le=1_000_000, strict=True, description="Epochs in a round (E in the paper)."
    )
    steps_per_round: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        strict=True,
        examples=[50],
        description="Iterations in a round; left out = local_epochs x the largest client's batches in an epoch.",
    )
    batch_size: int = Field(
        64, ge=2, strict=True, description="Images in a client's batch; min(batch_size, n_k)."
    )
    clusters: Literal["auto"] | Annotated[int, Field(ge=1, strict=True)] = Field(
        "auto", description="Clusters of clients: a number, or auto = chosen by silhouette."
    )
    kld_alpha: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="a in w_k ~ n_k exp(-a KLD_k); 0 = plain n_k weights."
    )
    warmup_rounds: int = Field(
        2, ge=0, strict=True, description="First rounds with plain n_k weights and one cluster."
    )
    learning_rate: float = Field(2e-4, gt=0, allow_inf_nan=False, description="Adam's learning rate.")
    init: Literal["common", "independent"] = Field(
        "common",
        description="All clients start from the same weights (common) or from their own (independent, the authors').",
    )
