"""The options of the strategy after PFL-GAN."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.strategies.options import LocalTrainingOptions


class PflGanOptions(LocalTrainingOptions):
    """After PFL-GAN (arXiv 2308.12454): local GANs, personalised on the server with samples of similar clients' GANs.

    Of the method only an outline can be followed. From there: clients train GANs of their own; the server learns how
    alike they are in a latent space of their generators' samples; each client gets a GAN trained on a mixture of the
    others' samples, weighted by likeness. Synthetic data exist on the server, which HuSCF-GAN forbids. Assumed, where
    the outline is silent:

    - A round: local steps (``steps_per_round`` or ``local_epochs``), then every client uploads its generator; its
      discriminator stays. When all have come the server computes, and when it is done all personalised generators go
      down. Clients go on with them, and with their own discriminators and both optimisers as they were.
    - Likeness: every generator makes ``similarity_samples`` images in evaluation mode, with labels uniform over the
      classes of its client's domain. The encoder is the projection of the pooled images on their ``latent_dimensions``
      principal axes: linear, learned, deterministic. Each client's images become a Gaussian there (mean, covariance,
      and a thousandth of the mean pooled variance on its diagonal), and KL_ij is the divergence of client j's Gaussian
      from client i's, in closed form.
    - Mixture of client i: each row comes from client j with the probability
      w_ij = exp(-KL_ij / ``temperature``) / sum over j != i; its label is uniform over the classes of client i's
      domain.
    - Personal training: ``personal_steps`` ordinary GAN iterations of ``batch_size`` rows on the server. The generator
      starts from what client i uploaded, with a fresh optimiser. The mixture takes the place of real images. The
      discriminator is the server's own, one per client, kept from round to round, at first with the common weights.
    - A single client has nobody to mix from: it trains by itself, and nothing is sent.
    """

    name: Literal["pfl_gan"] = Field(
        "pfl_gan",
        description="After PFL-GAN: GANs personalised on the server by the likeness of their samples.",
    )
    similarity_samples: int = Field(
        500,
        ge=2,
        le=1_000_000,
        strict=True,
        description="Images of each generator that likeness is judged by.",
    )
    latent_dimensions: int = Field(
        16,
        ge=1,
        strict=True,
        description="Principal axes of the latent space; at most the values of an image.",
    )
    temperature: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="tau in w_ij ~ exp(-KL_ij / tau): larger mixes more evenly.",
    )
    personal_steps: int = Field(
        20,
        ge=1,
        le=1_000_000,
        strict=True,
        description="Iterations in which the server trains each client's GAN in a round.",
    )
