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


def whole(name: str, *overrides: str) -> tuple[str, tuple[str, ...]]:
    """Return the tiny scenario of a strategy that cuts no network, and overrides."""
    return WHOLE.replace("NAME", name), overrides


STRATEGY_SCENARIOS = {
    "huscf_gan": (SCENARIO, ("strategy.clusters=auto", "strategy.warmup_rounds=1")),
    "fedgan": whole("fedgan"),
}
