"""What the simulated world costs, from ten devices to a million, no two alike.

    python benchmarks/world.py [--quick] [--json FILE]

* the event world per logical leg against bare SimPy, and 1,000 distinct devices for 100 iterations (as in overhead.py);
* an iteration of 100,000 distinct devices as events, and of 1,000,000 in arrays, from the scenario to the answer;
* max-min sharing: 2,000 flows of distinct sizes, caps and arrivals on one link, and 10,000 devices in 100 cells;
* how all that grows with the number of devices: a process of its own for every number, with its largest memory.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from reporting import Measurement, argument_parser, clock, report

from analysis.records import Recorder
from simulator import registry
from simulator.array_path import array_latency
from simulator.commits import CommitLog, NullLearner
from simulator.flows import Flow, finish_times
from simulator.planning import make_plan
from simulator.setting import make_setting
from simulator.staging import stage

SCENARIO = """\
name: many
devices:
  server: {{profile: paper-server, uplink: {server}, downlink: {server}}}
  clients: [{{profile: paper-2, count: {clients}, spread: 0.3}}]
data: {{domains: [{{dataset: MNIST}}], partition: {{kind: assumed, images_per_client: 64}}}}
network: {network}
cuts: {{selector: fixed, every_client: [1, 1, 2, 1]}}
strategy: {{rounds: 1, steps_per_round: 1}}
execution: {{training: false}}
records: summary
"""

CELLS = "{{model: maxmin, topology: {{kind: cells, cells: {cells}, uplink: 100 MB/s, downlink: 100 MB/s}}}}"

EVENTS, ARRAYS = "events", "arrays"


def main() -> None:
    """Measure everything and print the tables; with ``--one`` a single row, for the parent process."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument(
        "--one", nargs=2, metavar=("ENGINE", "CLIENTS"), help="measure one row of the growth alone"
    )
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(one_iteration(arguments.one[0], int(arguments.one[1]))))
        return
    # This imports torch, whose memory would count in the rows of the growth.
    from overhead import FULL, QUICK, compare_with_simpy, simulate_many_devices

    now, quick = clock(arguments.threads), arguments.quick
    sizes = QUICK if quick else FULL
    rows = [*compare_with_simpy(sizes, now), simulate_many_devices(sizes, now)]
    rows += [flows_on_one_link(100 if quick else 2_000, now)]
    for server in ("100 GB/s", "1 GB/s"):
        rows.append(devices_in_cells(*((20, 2) if quick else (10_000, 100)), server, now))
    rows += growth((10, 30) if quick else (10, 100, 1_000, 10_000, 100_000), EVENTS, 100_000, bar_s=30.0)
    counts = (10, 30) if quick else (10, 100, 1_000, 10_000, 100_000, 1_000_000)
    rows += growth(counts, ARRAYS, 1_000_000, bar_s=10.0)
    report(arguments, rows)


def flows_on_one_link(count: int, now: Callable[[], float]) -> Measurement:
    """Play flows of which no two are alike through one link, from the first to the last byte."""
    rng = np.random.default_rng(0)
    numbers = zip(
        rng.uniform(0, 100, count), rng.lognormal(0, 1, count), rng.lognormal(0, 1, count), strict=True
    )
    flows = [Flow(start_s, n_bytes, ("link",), 1.0, cap) for start_s, n_bytes, cap in numbers]
    started = now()
    finish_times({"link": count / 60.0}, flows)
    return Measurement(f"max-min, {count:,} distinct flows on one link", now() - started, "s", 0.5)


def devices_in_cells(clients: int, cells: int, server: str, now: Callable[[], float]) -> Measurement:
    """Play one iteration of devices in cells that share their links, and the server's."""
    started = now()
    play(scenario(clients, server, CELLS.format(cells=cells)))
    what = f"max-min, {clients:,} distinct devices in {cells} cells x 1 iteration, server at {server}"
    return Measurement(what, now() - started, "s", 120.0)


def growth(counts: tuple[int, ...], engine: str, bar_at: int, bar_s: float) -> list[Measurement]:
    """Measure one iteration for each number of clients, each in a process of its own."""
    rows = []
    for clients in counts:
        command = [sys.executable, __file__, "--one", engine, str(clients)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, gigabytes = json.loads(done.stdout)
        what = f"{engine}, {clients:,} distinct devices x 1 iteration"
        rows.append(Measurement(what, seconds, "s", bar_s if clients == bar_at else None))
        rows.append(Measurement(f"{what}, a device", seconds / clients * 1e6, "us"))
        bar_gb = 8.0 if clients == bar_at and engine == ARRAYS else None
        rows.append(Measurement(f"{what}, largest memory", gigabytes, "GB", bar_gb))
    return rows


def one_iteration(engine: str, clients: int) -> tuple[float, float]:
    """Return the processor seconds of one iteration, from the scenario on, and this process's largest memory."""
    now = clock(threads=1)
    text = scenario(clients, "1 GB/s", "{model: dedicated}")
    started = now()
    if engine == ARRAYS:
        latency_s = with_file(text, lambda path: array_latency(registry.load(path)))["iteration_latency_s"]
    else:
        latency_s = play(text)
    if not 0.0 < latency_s < math.inf:
        raise AssertionError(f"an iteration of {latency_s} s")
    return now() - started, largest_memory_bytes() / 1e9


def largest_memory_bytes() -> float:
    """Return the most memory this process has had; Linux tells it apart from the process that started this one."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return float(line.split()[1]) * 1024.0


def scenario(clients: int, server: str, network: str) -> str:
    """Return a scenario of distinct clients."""
    return SCENARIO.format(clients=clients, server=server, network=network)


def play(text: str) -> float:
    """Play a scenario as events, from its text to its tables; return when its last iteration ended."""
    plan = with_file(text, lambda path: make_plan(make_setting(registry.load(path))))
    recorder = Recorder(plan.setting.fleet, "summary", plan.phases)
    world = stage(plan.setting, recorder)
    log = CommitLog(lambda: world.now_s, NullLearner())
    world.play(registry.STRATEGIES["huscf_gan"].load_protocol()(world, plan, log))
    return float(recorder.tables()["iterations"]["end_s"].iloc[-1])


def with_file(text: str, ask):  # noqa: ANN001, ANN201 - whatever is asked
    """Ask something of a scenario's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.yaml"
        path.write_text(text, encoding="utf-8")
        return ask(str(path))


if __name__ == "__main__":
    main()
