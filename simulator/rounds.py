"""The rounds of a run, whatever the strategy: what surrounds training and exchange in simulated time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.commits import CommitLog
from simulator.kernel.world import Process, World
from simulator.plan import Plan


def play_rounds(
    world: World,
    plan: Plan,
    log: CommitLog,
    play_round: Callable[[int], Process],
    setup: Process | None = None,
    memory_marks: Callable[[], Mapping[int, float]] | None = None,
) -> Process:
    """Play a whole run: an evaluation, then rounds, each closed in the records and followed by its evaluation.

    It ends with the plan's last round, or earlier: with the round in which ``stop.sim_time`` is over, or with the
    evaluation on which the learner decides to stop.

    Args:
        world: where it happens.
        plan: the run.
        log: where evaluations are committed.
        play_round: plays a round, its exchange included.
        setup: what comes before the first round, if anything; it belongs to round 0.
        memory_marks: returns what devices needed of their memory in the round that ends, in bytes; by default what the
            plan says.
    """
    _evaluate(plan, log, round_=-1, last=False)
    if setup is not None:
        yield from setup
    for round_ in range(plan.rounds):
        yield from play_round(round_)
        for device, n_bytes in (memory_marks or plan.memory_marks)().items():
            world.recorder.memory(device, n_bytes)
        world.end_round(round_)
        last = plan.is_last(round_, world.now_s)
        reached = plan.evaluates_after(round_, last) and _evaluate(plan, log, round_, last)
        if last or reached:
            return


def _evaluate(plan: Plan, log: CommitLog, round_: int, last: bool) -> bool:
    """Evaluation is a commit too; it costs no simulated time. Return whether the run's target is reached."""
    decision = log.commit("evaluate", plan.clients, round=round_, last=int(last))
    return decision is not None and decision.stop
