"""A run for TensorBoard, as it goes: ``<run folder>/tensorboard``.

Losses, metrics, bytes, latencies, sample grids and the scenario, with the simulated clock as TensorBoard's wall time.
It only looks: nothing of a run, and no digest, depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from analysis.records import Recorder
from analysis.runs import RunFolder, sample_file
from scenarios.dump import dump_resolved
from simulator.commits import Entry
from simulator.plan import Plan

FOLDER = "tensorboard"
"""The folder of the event file in the run folder."""

MOST_POINTS = 10_000
"""Iterations whose losses are written at most, evenly spread; TensorBoard draws 1,000 of them."""

_ITERATION_TAGS = ("time/iteration_s", "loss/discriminator", "loss/generator")


def missing_extra() -> str:
    """Return in words what TensorBoard's files need and is not installed; nothing where everything is."""
    if find_spec("tensorboard") is None:
        return "--tensorboard needs TensorBoard, which is not installed: pip install 'hetedge[tracking]'"
    return ""


class TensorBoard:
    """Follows a run by its commits.

    Args:
        folder: the run folder.
        plan: what is played.
        recorder: the run's records, as they grow.
    """

    def __init__(self, folder: RunFolder, plan: Plan, recorder: Recorder) -> None:
        # Only where somebody asks for it: it takes a second, and an extra.
        from simulator.event_file import EventFile

        self._folder, self._plan, self._recorder = folder, plan, recorder
        self._file = EventFile(folder.path / FOLDER)
        self._iterations = self._rounds = self._metrics = 0
        self._every = max(1, -(-plan.rounds * plan.iterations_per_round // MOST_POINTS))
        scenario = dump_resolved(plan.setting.loaded.scenario, plan.setting.loaded.given)
        self._file.text("scenario", 0, 0.0, "".join(f"    {line}\n" for line in scenario.splitlines()))

    def committed(self, entry: Entry) -> None:
        """Write what has become final; after an evaluation, readers see it."""
        self._write_iterations()
        self._write_rounds()
        if entry.commit.kind == "evaluate":
            self._write_evaluation(entry.commit.info["round"], entry.commit.time_s)
            self._file.flush()

    def close(self) -> None:
        """Write the rest."""
        self._write_iterations()
        self._write_rounds()
        self._file.close()

    def _write_iterations(self) -> None:
        """Write losses and latency of the iterations that came since the last call, evenly thinned."""
        for number, end_s, latency_s, *losses in self._recorder.iterations_since(self._iterations):
            self._iterations += 1
            if (self._iterations - 1) % self._every == 0:
                for tag, value in zip(_ITERATION_TAGS, (latency_s, *losses), strict=True):
                    self._write(tag, int(number), end_s, value)

    def _write_rounds(self) -> None:
        """Write how long the rounds took that were closed since the last call."""
        ends_s = self._recorder.round_ends_s
        for round_ in range(self._rounds, len(ends_s)):
            began_s = ends_s[round_ - 1] if round_ else 0.0
            self._write("time/round_s", round_, ends_s[round_], ends_s[round_] - began_s)
        self._rounds = len(ends_s)

    def _write_evaluation(self, round_: int, time_s: float) -> None:
        """Write what was measured, and the images that were drawn."""
        self._write("network/bytes", round_, time_s, self._recorder.total_bytes)
        measured = self._recorder.metrics_since(self._metrics)
        self._metrics += len(measured)
        for of_round, at_s, _, domain, metric, value in measured:
            self._write(f"{metric}/{domain}", of_round, at_s, value)
        for domain in self._plan.setting.deal.domains:
            picture = self._folder.path / sample_file(round_, domain)
            if picture.is_file():
                self._file.picture(f"samples/{domain}", round_, time_s, picture.read_bytes())

    def _write(self, tag: str, step: int, time_s: float, value: float) -> None:
        """Write a number; what is none (nothing was trained) leaves no point."""
        if math.isfinite(value):
            self._file.scalar(tag, step, time_s, value)


@contextmanager
def following(
    folder: RunFolder, plan: Plan, recorder: Recorder, wanted: bool
) -> Iterator[Sequence[Callable[[Entry], None]]]:
    """Yield what follows a run for TensorBoard, by its commits; nothing where nobody wants it."""
    if not wanted:
        yield ()
        return
    board = TensorBoard(folder, plan, recorder)
    try:
        yield (board.committed,)
    finally:
        board.close()
