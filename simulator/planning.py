"""Laying out the run of a setting: its strategy says how."""

from __future__ import annotations

from scenarios.schema import TraceOptions
from simulator.collector import seldom_collecting
from simulator.plan import Plan
from simulator.registry import STRATEGIES
from simulator.setting import Setting


@seldom_collecting()
def make_plan(setting: Setting) -> Plan:
    """Return the plan that the setting's strategy makes of it.

    Raises:
        ScenarioError: where the scenario does not fit the strategy, or a device's memory not its part, or the trace
            is to begin after the run's end.
    """
    _check_conditions(setting)
    plan: Plan = STRATEGIES[setting.scenario.strategy.name].load_plan()(setting)
    _check_trace(plan)
    return plan


def _check_conditions(setting: Setting) -> None:
    """Refuse what a run cannot mean: losing one's state where everybody is waited for, and going on in lockstep.

    Raises:
        ScenarioError: where conditions and strategy do not fit.
    """
    strategy, error = setting.scenario.strategy, setting.loaded.error
    if not setting.conditions.keeps_state and strategy.is_lossless():
        raise error(
            "availability.rejoin",
            "'reset', but the run waits for whoever is away and goes on as if nothing had been lost",
            "allowed here: kept; or a strategy that goes on without them (patience of the kind deadline or quorum, "
            "asynchronous aggregation)",
        )
    if setting.workload.lockstep and not strategy.is_lossless():
        raise error(
            "strategy.patience",
            "patience with the authors' own plan (cost_model: paper), in which everybody waits for everybody",
            "allowed here: {kind: all}; or cost_model: exact",
        )


def _check_trace(plan: Plan) -> None:
    """Refuse a trace that is to begin after the last iteration.

    Raises:
        ScenarioError: where it is.
    """
    options: TraceOptions = plan.setting.scenario.trace
    iterations = plan.rounds * plan.iterations_per_round
    if options.first_iteration >= iterations:
        raise plan.setting.loaded.error(
            "trace.first_iteration",
            f"{options.first_iteration}, and the run has {iterations} iterations",
            f"allowed here: 0 to {iterations - 1}",
        )
