"""Laying out the run of a setting: its strategy says how."""

from __future__ import annotations

from simulator.plan import Plan
from simulator.registry import STRATEGIES
from simulator.setting import Setting


def make_plan(setting: Setting) -> Plan:
    """Return the plan that the setting's strategy makes of it.

    Raises:
        ScenarioError: where the scenario does not fit the strategy, or a device's memory not its part.
    """
    plan: Plan = STRATEGIES[setting.scenario.strategy.name].load_plan()(setting)
    return plan
