"""Does a calibrated profile tell the seconds of a real training iteration on this machine?

    python benchmarks/calibration.py [--quick] [--threads N] [--json FILE] [--page docs/calibration.md]

For every width the blocks are timed as `hetedge calibrate` times them, and a profile is made of it. Then one
machine plays all devices: the prediction is the sum of the seconds that the profile needs for every leg of
every client and of the server, and the measurement is the learner's own training iteration. Beside it stand two
parts of the measurement that no leg is charged for, and a second prediction in which the server's blocks were
timed on the joined batch of all clients. `--page` writes the table into a page, between its two marks.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch
from reporting import Measurement, argument_parser, clock, describe_machine, report

from devices.profile import DeviceProfile
from models.datasets import load_dataset
from models.model_options import ModelOptions
from models.split import ComputeLeg
from simulator import registry
from simulator.block_timing import measure
from simulator.calibration import Calibration, Setup
from simulator.commits import Commit, Pass
from simulator.kernel.leg_time import leg_seconds
from simulator.machine_profile import this_machine, write_profile
from simulator.setting import make_setting
from simulator.split_plan import SplitPlan, split_plan
from simulator.strategies.huscf_gan.learner import HuscfGanLearner
from simulator.strategies.huscf_gan.roads import PASSES

Given, Result = ParamSpec("Given"), TypeVar("Result")

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HEADING = (
    "| width | clients | GFLOP | calibrated GFLOP/s | predicted s | measured s | measured / predicted "
    "| of it optimiser s | of it batches s | predicted, joined s | measured / joined |"
)


@dataclass(frozen=True)
class Sizes:
    """What is measured: widths, numbers of clients, rows of a client, and repeats."""

    widths: tuple[int, ...]
    clients: tuple[int, ...]
    batch: int
    calibration_repeats: int
    iterations: int


FULL = Sizes((16, 64), (1, 4, 8), 64, calibration_repeats=30, iterations=9)
QUICK = Sizes((2,), (1, 2), 2, calibration_repeats=1, iterations=1)


@dataclass(frozen=True)
class Row:
    """One configuration: seconds of an iteration.

    Attributes:
        width: of the networks.
        clients: how many, each with its batch.
        gflop: work of all of them and of the server.
        gflop_per_s: the calibrated rate.
        predicted_s: work over rate, as the closed form has it.
        joined_s: the same with the server's blocks timed on the joined batch.
        measured_s: the learner's iteration.
        optimiser_s: the part of it that is Adam's.
        batches_s: the part of it that draws images and noise.
    """

    width: int
    clients: int
    gflop: float
    gflop_per_s: float
    predicted_s: float
    joined_s: float
    measured_s: float
    optimiser_s: float
    batches_s: float

    def measurements(self) -> list[Measurement]:
        """Return the row as the other benchmarks write theirs."""
        what = f"width {self.width}, clients {self.clients}"
        return [
            Measurement(f"{what}: calibrated rate", self.gflop_per_s, "GFLOP/s"),
            Measurement(f"{what}: predicted", self.predicted_s, "s"),
            Measurement(f"{what}: measured", self.measured_s, "s"),
            Measurement(f"{what}: of it optimiser", self.optimiser_s, "s"),
            Measurement(f"{what}: of it drawing batches", self.batches_s, "s"),
            Measurement(f"{what}: measured against predicted", self.measured_s / self.predicted_s, "x"),
            Measurement(f"{what}: measured against joined", self.measured_s / self.joined_s, "x"),
        ]

    def markdown(self) -> str:
        """Return the row of the page's table."""
        cells = (
            f"{self.width}",
            f"{self.clients}",
            f"{self.gflop:.3g}",
            f"{self.gflop_per_s:.1f}",
            f"{self.predicted_s:.3f}",
            f"{self.measured_s:.3f}",
            f"**{self.measured_s / self.predicted_s:.2f}**",
            f"{self.optimiser_s:.3f}",
            f"{self.batches_s:.3f}",
            f"{self.joined_s:.3f}",
            f"{self.measured_s / self.joined_s:.2f}",
        )
        return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure everything, print it, and write the page if one is named."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table between the marks of FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sizes, now = (QUICK if arguments.quick else FULL), clock(arguments.threads)
    rows = [row for width in sizes.widths for row in compare(width, sizes, arguments.threads, now)]
    report(arguments, [one for row in rows for one in row.measurements()])
    if arguments.page is not None:
        write_table(arguments.page, rows, describe_machine(arguments))


def compare(width: int, sizes: Sizes, threads: int, now: Callable[[], float]) -> list[Row]:
    """Calibrate one width, and hold its prediction against iterations of several numbers of clients."""
    model = ModelOptions(width=width)
    calibrations = {
        clients: measure(
            Setup(model, sizes.batch * clients, threads, -(-sizes.calibration_repeats // clients)), now
        )
        for clients in sorted({1, *sizes.clients})
    }
    with tempfile.TemporaryDirectory() as folder:
        profile = write_profile(Path(folder) / "this-machine.yaml", calibrations[1], this_machine())
        rows = []
        for clients in sizes.clients:
            plan, learner = prepare(Path(folder), width, clients, sizes.batch, threads)
            joined_s = clients * seconds_of(calibrations[1], middle=False)
            joined_s += seconds_of(calibrations[clients], middle=True)
            measured = iterate(learner, plan, sizes.iterations, now)
            rows.append(
                Row(
                    width,
                    clients,
                    sum(leg.flops for leg in all_legs(plan)) / 1e9,
                    profile.rate_flops_per_s / 1e9,
                    busy_seconds(plan, profile),
                    joined_s,
                    *measured,
                )
            )
    return rows


def seconds_of(calibration: Calibration, middle: bool) -> float:
    """Return the seconds of the blocks between the first and the last of each network, or of those two."""
    ends = {(name, block) for name, length in _lengths(calibration).items() for block in (0, length - 1)}
    parts = [one for one in calibration.parts if ((one.part.network, one.part.block) in ends) != middle]
    return sum(one.total_s for one in parts)


def _lengths(calibration: Calibration) -> dict[str, int]:
    architecture = calibration.setup.architecture
    return {one.name: len(one.blocks) for one in (architecture.generator, architecture.discriminator)}


def all_legs(plan: SplitPlan) -> list[ComputeLeg]:
    """Return every computation of one iteration, of all clients and of the server."""
    legs = [leg for own in plan.legs for visit in own.visits for leg in (*visit.finish, *visit.prepare)]
    return legs + [leg for own in plan.legs for leg in own.after] + [leg for *_, leg in plan.server_program]


def busy_seconds(plan: SplitPlan, profile: DeviceProfile) -> float:
    """Return what one machine of a profile needs for all of it, one leg after the other."""
    return sum(leg_seconds(profile, leg) for leg in all_legs(plan))


def prepare(
    folder: Path, width: int, clients: int, batch: int, threads: int
) -> tuple[SplitPlan, HuscfGanLearner]:
    """Return the plan and the learner of a scenario in which every device, the server too, is this machine."""
    (folder / "scenario.yaml").write_text(
        "devices:\n"
        "  server: ./this-machine.yaml\n"
        f"  clients: [{{profile: ./this-machine.yaml, count: {clients}}}]\n"
        "data: {domains: [{dataset: mnist5k}]}\n"
        f"model: {{width: {width}}}\n"
        "cuts: {selector: fixed, every_client: [1, 1, 1, 1]}\n"
        f"strategy: {{batch_size: {batch}, steps_per_round: 1}}\n"
        f"execution: {{device: cpu, threads: {threads}}}\n",
        encoding="utf-8",
    )
    loaded = registry.load(str(folder / "scenario.yaml"))
    data = [load_dataset(domain, loaded.base_dir, None) for domain in loaded.scenario.data.domains]
    plan = split_plan(make_setting(loaded, [images.train_labels for images in data]))
    return plan, HuscfGanLearner(plan, data, torch.device("cpu"))


class Stopwatch:
    """Counts the seconds spent in functions."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.seconds = 0.0

    def timed(self, function: Callable[Given, Result]) -> Callable[Given, Result]:
        """Return a function that does the same and counts its seconds."""

        def timed(*arguments: Given.args, **named: Given.kwargs) -> Result:
            started = self._now()
            result = function(*arguments, **named)
            self.seconds += self._now() - started
            return result

        return timed


def iterate(
    learner: HuscfGanLearner, plan: SplitPlan, iterations: int, now: Callable[[], float]
) -> tuple[float, float, float]:
    """Train; return the median seconds of an iteration, of its optimiser steps and of its drawn batches."""
    optimiser, batches = Stopwatch(now), Stopwatch(now)
    for network in (learner.generator, learner.discriminator):
        network.step = optimiser.timed(network.step)
    feed = learner._feed
    feed.batch = batches.timed(feed.batch)
    passes = tuple(Pass(name, plan.clients, plan.clients) for name in PASSES)
    seconds: list[tuple[float, float, float]] = []
    for step in range(iterations + 1):
        commit = Commit(step, 0.0, "iteration", plan.clients, passes, {"round": 0, "step": step})
        optimiser.seconds = batches.seconds = 0.0
        started = now()
        learner.apply(commit)
        seconds.append((now() - started, optimiser.seconds, batches.seconds))
    whole, adam, drawn = (statistics.median(column) for column in zip(*seconds[1:], strict=True))
    return whole, adam, drawn


def write_table(page: Path, rows: Sequence[Row], machine: dict[str, str]) -> None:
    """Put the table and the machine between the marks of a page.

    Raises:
        ValueError: where the page lacks a mark.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks {BEGIN if not begin else END}; put both marks around its table")
    # The system's own name says nothing about speed.
    _, _, processors = machine["machine"].partition(", ")
    facts = "; ".join(
        (
            f"{this_machine().processor}, {processors}",
            machine["versions"],
            f"threads {machine['threads']}",
            f"clock: {machine['clock']}",
        )
    )
    columns = HEADING.count("|") - 1
    table = "\n".join([HEADING, f"|{'---:|' * columns}", *(row.markdown() for row in rows)])
    page.write_text(f"{before}{BEGIN}\n{table}\n\n{facts}.\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
