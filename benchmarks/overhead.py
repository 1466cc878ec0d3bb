"""What the simulated world costs: its events against bare SimPy, a large fleet, and its share of a training run.

    python benchmarks/overhead.py [--quick] [--threads N] [--json FILE]

Four numbers from one run:

* the event world per logical leg (every computation and every message of every device), records included, against
  SimPy alone playing the same legs as timeouts with the same barriers;
* timing-only simulation of 1,000 distinct devices on dedicated links for 100 iterations, tables included;
* the share of a training run that is not training, for the paper's networks on dedicated links and for networks of
  width 16 on links that are shared, with full records, tables included, without evaluation.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import simpy
import torch
from reporting import Measurement, clock, interleaved_medians, parse_arguments, report

from analysis.records import Recorder
from devices.fleet import SERVER_ID
from models.datasets import load_dataset
from models.split import ComputeLeg
from simulator import registry
from simulator.commits import Commit, CommitLog, Decision, Entry, Learner, NullLearner
from simulator.kernel.leg_time import leg_seconds
from simulator.kernel.world import World
from simulator.setting import make_setting
from simulator.split_plan import SplitPlan, split_plan
from simulator.strategies.huscf_gan.learner import HuscfGanLearner
from simulator.strategies.huscf_gan.protocol import play


@dataclass(frozen=True)
class Sizes:
    """How much is played."""

    devices: int
    compared_iterations: int
    compared_turns: int
    iterations: int
    paper: tuple[int, int, int]
    """Width, batch and iterations of the training run with the paper's networks."""
    narrow: tuple[int, int, int]
    """The same for the narrow ones."""


FULL = Sizes(1000, 10, 5, 100, paper=(64, 64, 2), narrow=(16, 32, 20))
QUICK = Sizes(20, 2, 1, 3, paper=(4, 2, 1), narrow=(2, 2, 1))


def main() -> None:
    """Measure everything and print the table."""
    arguments = parse_arguments(__doc__ or "")
    torch.set_num_threads(arguments.threads)
    sizes, now = (QUICK if arguments.quick else FULL), clock(arguments.threads)
    rows = [*compare_with_simpy(sizes, now), simulate_many_devices(sizes, now)]
    rows.append(training_share("paper networks", *sizes.paper, "dedicated", bar_percent=1.0, now=now))
    rows.append(training_share("maxmin, networks of", *sizes.narrow, "maxmin", bar_percent=5.0, now=now))
    report(arguments, rows)


def compare_with_simpy(sizes: Sizes, now: Callable[[], float]) -> list[Measurement]:
    """Play the same iterations in our world and in SimPy alone."""
    plan = timing_plan(sizes.devices, sizes.compared_iterations)
    bare = BareIteration(plan)
    seconds = interleaved_medians(
        {"world": lambda: play_world(plan), "simpy": lambda: bare.play(sizes.compared_iterations)},
        sizes.compared_turns,
        now,
    )
    legs = bare.legs * sizes.compared_iterations
    return [
        Measurement("event world, per logical leg", seconds["world"] / legs * 1e6, "us"),
        Measurement("bare SimPy, per logical leg", seconds["simpy"] / legs * 1e6, "us"),
        Measurement("event world against bare SimPy", seconds["world"] / seconds["simpy"], "x", 2.0),
    ]


def simulate_many_devices(sizes: Sizes, now: Callable[[], float]) -> Measurement:
    """Play many iterations of many devices, from the plan to the tables."""
    plan = timing_plan(sizes.devices, sizes.iterations)
    started = now()
    play_world(plan).tables()
    what = f"timing-only, {sizes.devices:,} distinct devices x {sizes.iterations} iterations"
    return Measurement(what, now() - started, "s", 10.0)


def training_share(
    title: str,
    width: int,
    batch: int,
    iterations: int,
    network: str,
    bar_percent: float,
    now: Callable[[], float],
) -> Measurement:
    """Train for one round and return which share of it was simulation and bookkeeping."""
    overrides = [
        "data.domains=[{dataset: mnist5k}]",
        f"model.width={width}",
        f"strategy.batch_size={batch}",
        f"strategy.steps_per_round={iterations}",
        "strategy.rounds=1",
        "cuts={selector: greedy}",
        f"network={{model: {network}}}",
    ]
    loaded = registry.load("quickstart", overrides)
    data = [load_dataset(domain, loaded.base_dir, None) for domain in loaded.scenario.data.domains]
    plan = split_plan(make_setting(loaded, [images.train_labels for images in data]))
    learner = TimedLearner(HuscfGanLearner(plan, data, torch.device("cpu")), now)
    started = now()
    play_world(plan, learner).tables()
    seconds = now() - started
    what = f"simulation and bookkeeping in training, {title} width {width}"
    return Measurement(what, 100 * (1 - learner.seconds / seconds), "%", bar_percent)


def play_world(plan: SplitPlan, learner: Learner | None = None) -> Recorder:
    """Play a whole plan in our world as a run does, and return its records."""
    recorder = Recorder(plan.setting.fleet, mode="full")
    world = World(plan.setting.fleet, plan.setting.network, recorder)

    def record(entry: Entry) -> None:
        one = entry.commit
        passes, decision = [asdict(each) for each in one.passes], entry.decision
        decided = None if decision is None else asdict(decision)
        recorder.commit(one.seq, one.time_s, one.kind, one.clients, passes, dict(one.info), decided)

    world.play(play(world, plan, CommitLog(lambda: world.now_s, learner or NullLearner(), record)))
    return recorder


class TimedLearner:
    """A learner that counts the seconds spent in it."""

    def __init__(self, learner: HuscfGanLearner, now: Callable[[], float]) -> None:
        self._learner = learner
        self._now = now
        self.losses = learner.losses
        self.seconds = 0.0

    def apply(self, commit: Commit) -> Decision | None:
        """Apply a commit; an evaluation has nothing to do here."""
        started = self._now()
        decision = self._learner.apply(commit)
        self.losses = self._learner.losses
        self.seconds += self._now() - started
        return decision


def timing_plan(devices: int, iterations: int) -> SplitPlan:
    """Lay out one round of timing-only iterations on devices of which no two are alike."""
    clients = [
        f"    - {{profile: paper-{index % 7 + 1}, clock: {480 + 7.3 * index:.1f} MHz, "
        f"uplink: {50 + 0.1 * index:.1f} MB/s, downlink: {60 + 0.1 * index:.1f} MB/s}}"
        for index in range(devices)
    ]
    text = "\n".join(["name: many-devices", "devices:", "  clients:", *clients])
    overrides = [
        "data.domains=[{dataset: MNIST}]",
        "network.model=dedicated",
        "cuts={selector: fixed, every_client: [1, 1, 2, 1]}",
        "strategy={rounds: 1}",
        "execution.training=false",
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.yaml"
        path.write_text(text, encoding="utf-8")
        plan = split_plan(make_setting(registry.load(str(path), overrides)))
    return replace(plan, steps_per_round=iterations)


class BareIteration:
    """A plan's iterations as a few lines of SimPy would play them: every leg a timeout, every barrier an event."""

    def __init__(self, plan: SplitPlan) -> None:
        self._plan = plan
        fleet, network = plan.setting.fleet, plan.setting.network

        def compute_s(device: int, legs: tuple[ComputeLeg, ...]) -> list[float]:
            return [leg_seconds(fleet.device(device).profile, leg) for leg in legs]

        self._clients = []
        for client, own in zip(plan.clients, plan.legs, strict=True):
            visits = []
            for visit in own.visits:
                up_s = network.seconds(client, SERVER_ID, visit.up.n_bytes)
                down_s = network.seconds(SERVER_ID, client, visit.down.n_bytes)
                before_s = [*compute_s(client, visit.finish), *compute_s(client, visit.prepare), up_s]
                visits.append((before_s, visit.entry, visit.exit, down_s))
            self._clients.append((visits, compute_s(client, own.after)))
        self._server = [
            (number, position, *compute_s(SERVER_ID, (leg,))) for number, position, leg in plan.server_program
        ]
        self.legs = len(self._server) + sum(
            len(after_s) + sum(len(before_s) + 1 for before_s, *_ in visits)
            for visits, after_s in self._clients
        )

    def play(self, iterations: int) -> float:
        """Play iterations one after the other; return the simulated seconds."""
        env = simpy.Environment()

        def run() -> Generator[simpy.Event, Any, None]:
            for _ in range(iterations):
                yield self._iteration(env)

        env.run(until=env.process(run()))
        return float(env.now)

    def _iteration(self, env: simpy.Environment) -> simpy.Event:
        missing = dict(self._plan.joins)
        joined = {place: env.event() for place in missing}
        left = {place: env.event() for place in self._plan.exits}

        def client(visits: list[Any], after_s: list[float]) -> Generator[simpy.Event, Any, None]:
            for number, (before_s, entry, exit_, down_s) in enumerate(visits):
                for seconds in before_s:
                    yield env.timeout(seconds)
                missing[number, entry] -= 1
                if not missing[number, entry]:
                    joined[number, entry].succeed()
                yield left[number, exit_]
                yield env.timeout(down_s)
            for seconds in after_s:
                yield env.timeout(seconds)

        def server() -> Generator[simpy.Event, Any, None]:
            for number, position, seconds in self._server:
                if (number, position) in joined:
                    yield joined[number, position]
                yield env.timeout(seconds)
                if (number, position) in left:
                    left[number, position].succeed()

        env.process(server())
        return env.all_of([env.process(client(*one)) for one in self._clients])


if __name__ == "__main__":
    main()
