"""The tiny scenario of every registered strategy, for goldens and laws. A new strategy adds its own here."""

from tiny_world import SCENARIO

WHOLE = """\
name: tiny
devices:
  server: paper-server
  clients: [{profile: paper-1, count: 2}, {profile: paper-2, count: 2}]
  order: listed
data:
  domains: [{dataset: mnist5k}, {dataset: glyphs}]
model: {width: 2}
strategy: {name: NAME, rounds: 2, steps_per_round: 2, batch_size: 4}
evaluation: {samples: 20}
execution: {precision: float64, threads: 1}
"""
"""Four devices of two kinds in two domains; NAME stands for the strategy."""


def whole(name: str, *overrides: str, server: str = "paper-server") -> tuple[str, tuple[str, ...]]:
    """Return the tiny scenario of a strategy that cuts no network, and overrides.

    Law 6 exchanges profile paper-1 for another: it must be that of somebody whom time depends on.
    """
    return WHOLE.replace("NAME", name).replace("paper-server", server), overrides


STRATEGY_SCENARIOS = {
    "huscf_gan": (SCENARIO, ("strategy.clusters=auto", "strategy.warmup_rounds=1")),
    "fedgan": whole("fedgan"),
    "pfl_gan": whole(
        "pfl_gan",
        "strategy.similarity_samples=20",
        "strategy.latent_dimensions=3",
        "strategy.personal_steps=2",
    ),
    "hfl_gan": whole("hfl_gan", "strategy.edges=2", "strategy.rounds=3", "strategy.clustered_by=updates"),
    "fsl_gan": whole("fsl_gan"),
    "md_gan": whole("md_gan", "strategy.batches=2"),
    "centralized": whole("centralized", "strategy.generators=per_domain", server="paper-1"),
}
