"""HuSCF-GAN's plan: the split run, which the cut selectors and ``hetedge explain`` share."""

from __future__ import annotations

from simulator.event_scoring import scorer_of
from simulator.setting import Setting
from simulator.split_plan import SplitPlan, split_plan


def make_plan(setting: Setting) -> SplitPlan:
    """Select cuts and lay a HuSCF-GAN run out; see :func:`simulator.split_plan.split_plan`."""
    return split_plan(setting, scorer_of(setting, setting.scenario.cuts))
