"""One sweep done in every way: by one worker, by two, on a two-node Ray cluster, and killed ten times.

    python benchmarks/sweeps.py [FILE] [--set KEY=VALUE ...] [--kills N] [--seed N] [--keep DIR]

Prints how long each took and whether its tables are those of the first, to the last bit; exits with 1 where one's are
not, or where a job was done twice. With the library's sweeps/device_mix it takes about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

HETEDGE = (sys.executable, "-c", "from simulator.cli import main; main()")
TABLES = ("results.parquet", "curves.parquet")


def main() -> int:
    """Run all ways and print the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", default="sweeps/device_mix")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--keep", type=Path, help="where the sweeps' folders stay")
    asked = parser.parse_args()
    more = [part for one in asked.set for part in ("--set", one)]
    with tempfile.TemporaryDirectory() as scratch:
        home = asked.keep or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        return _all(asked.file, more, home, asked.kills, np.random.default_rng(asked.seed))


def _all(file: str, more: list[str], home: Path, kills: int, moments: np.random.Generator) -> int:
    command = [*HETEDGE, "sweep", file, *more]
    two, one, ray, killed = (home / name for name in ("two", "one", "ray", "killed"))
    took = {two: _timed([*command, "-o", str(two), "--workers", "2"])}
    _report("2 workers", two, two, took)
    took[one] = _timed([*command, "-o", str(one), "--workers", "1"])
    well = [_report("1 worker", one, two, took)]
    took[ray] = _on_ray([*command, "-o", str(ray), "--engine", "ray"])
    well.append(_report("Ray, 2 nodes", ray, two, took))
    took[killed], died = _killed([*command, "-o", str(killed), "--workers", "2"], took[two], kills, moments)
    well.append(_report(f"killed {died} times", killed, two, took))
    well.append(_nothing_twice(killed))
    return 0 if all(well) else 1


def _timed(command: list[str], **more: str) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return time.perf_counter() - started


def _on_ray(command: list[str]) -> float:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        return _timed(command, RAY_ADDRESS=cluster.address)
    finally:
        cluster.shutdown()


def _killed(
    command: list[str], whole_s: float, kills: int, moments: np.random.Generator
) -> tuple[float, int]:
    """Begin a sweep and kill it, again and again, then let it end; return all seconds, and the kills that hit."""
    started, died = time.perf_counter(), 0
    for _ in range(kills):
        process = subprocess.Popen(
            [*command, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(moments.uniform(1.0, 0.6 * whole_s))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        died += process.wait() == -signal.SIGKILL
    _timed([*command, "--resume"])
    return time.perf_counter() - started, died


def _report(what: str, folder: Path, reference: Path, took: dict[Path, float]) -> bool:
    same = all((folder / name).read_bytes() == (reference / name).read_bytes() for name in TABLES)
    ratio = took[folder] / took[reference]
    facts = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    jobs = f"{facts['trained']} trained, {facts['retimed']} retimed of {facts['jobs']}"
    print(
        f"{what:16} {took[folder]:7.1f} s  {ratio:5.2f}x  {jobs}  tables {'equal' if same else 'DIFFER'}",
        flush=True,
    )
    return same


def _nothing_twice(folder: Path) -> bool:
    lines = [
        json.loads(line) for line in (folder / "attempts.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    finished = Counter(line["job"] for line in lines if line["event"] == "finished")
    begun = sum(line["event"] == "started" for line in lines)
    ended: set[str] = set()
    again = 0
    for line in lines:
        again += line["event"] == "started" and line["job"] in ended
        ended |= {line["job"]} if line["event"] == "finished" else set()
    facts = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    well = not again and set(finished.values()) == {1} and len(finished) == facts["finished"]
    print(f"{begun} jobs begun, {len(finished)} finished, {'none' if well else 'SOME'} twice")
    return well


if __name__ == "__main__":
    sys.exit(main())
