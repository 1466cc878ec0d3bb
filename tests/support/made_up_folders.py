"""Folders of runs, comparisons and sweeps that nobody has played, complete as commands write them."""

import io
import json
import math
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from analysis.comparison import Target, compare_runs
from analysis.runs import RunFolder, load_run
from analysis.summary import summarize
from analysis.sweep_tables import JobRow, curve_rows, curves_table, result_row, results_table
from analysis.sweeps import CURVES_FILE, RESULTS_FILE, SWEEP_FILE, SWEEP_FORMAT, parquet_bytes

SCENARIO = """\
name: {name} # given
seed: {seed} # given
devices:
  server: server-small # given
  clients:
    - profile: raspberry-pi-4 # given
      count: 2 # given
    - profile: phone-2024 # given
      count: 2 # given
  order: listed # default
network:
  model: dedicated # default
availability:
  model: always # default
data:
  domains:
    - dataset: mnist5k # given
      clients: 2 # given
    - dataset: glyphs # given
      clients: 2 # given
  partition:
    kind: iid # default
model:
  name: cgan28 # default
  width: {width} # given
cost_model: exact # default
cuts:
  selector: {selector} # given
strategy:
  name: {strategy} # given
  rounds: {rounds} # given
  batch_size: 32 # given
stop: null # default
evaluation:
  every_rounds: 1 # default
  samples: 2000 # default
  metrics: [fid, generation_score] # default
  cas: null # default
execution:
  training: true # default
records: full # default
"""

DOMAINS = ("mnist5k", "glyphs")
LEDGER = [
    {"kind": "activation", "sender": "client", "receiver": "server", "bytes": 4e6, "private": True,
     "whole_network": False, "images_made": False, "within_household": False, "reveals": "activations of images"},
    {"kind": "parameters", "sender": "server", "receiver": "client", "bytes": 1e6, "private": False,
     "whole_network": False, "images_made": False, "within_household": False, "reveals": "the average"},
]  # fmt: skip
_ENVIRONMENT = {"python": "3.11.7", "device": "cpu", "threads": 1, "gpu": None, "training": True,
                "packages": {"hetedge": "0.1.0", "torch": "2.13.0"},
                "data_sha256": dict.fromkeys(DOMAINS, "0" * 64)}  # fmt: skip


@cache
def picture(seed: int, tiles: tuple[int, int] = (4, 10), pixels: int = 28) -> bytes:
    """A PNG of the size of real sample grids: rough shapes under noise, which compress as digits do."""
    rng = np.random.default_rng(seed)
    height, width = tiles[0] * pixels, tiles[1] * pixels
    shapes = np.kron(rng.random((height // 4, width // 4)) > 0.5, np.ones((4, 4)))
    sink = io.BytesIO()
    Image.fromarray((255 * shapes * rng.random((height, width))).astype(np.uint8)).save(sink, "PNG")
    return sink.getvalue()


def write_run_folder(
    folder: Path, *, name="made-up", seed=0, strategy="huscf_gan", selector="exact", width=16,
    iteration_s=2.0, fids=None, rounds=3, pictures=True, energy_j=50.0, scenario=None,
    measured=True,
) -> Path:  # fmt: skip
    """Write a run of two iterations a round; ``fids``: domain -> FID before training and after each round.

    Not ``measured`` is a run that simulates time alone.
    """
    fids = fids or {domain: [300.0 / (1 + 2 * r) for r in range(rounds + 1)] for domain in DOMAINS}
    rounds = len(next(iter(fids.values()))) - 1
    round_s = 2 * iteration_s + 1.0
    run = RunFolder.create(folder)
    text = scenario or SCENARIO.format(
        name=name, seed=seed, strategy=strategy, selector=selector, width=width, rounds=rounds
    )
    run.write_text("scenario.yaml", text)
    tables = _tables(fids, rounds, iteration_s, round_s, energy_j)
    if not measured:
        tables["metrics"] = tables["metrics"][:0]
    run.write_tables(tables)
    run.write_json("environment.json", _ENVIRONMENT)
    run.write_json("summary.json", {})
    loaded = load_run(folder)
    facts = {"format": 3, "status": "finished", "stopped_by": "rounds", "cut_selector": selector, "ledger": LEDGER,
             "energy_j": None if math.isnan(energy_j) else energy_j * 4 * rounds, "iteration_latency_s": iteration_s,
             "training_key": "k" * 64, "timeline_sha256": "t" * 64, "weights_sha256": "w" * 64}  # fmt: skip
    run.write_json("summary.json", summarize(loaded) | facts)
    if pictures and measured:
        for domain in fids:
            for round_ in range(-1, rounds):
                run.write_sample(round_, domain, picture(1000 * seed + round_ + 1))
    return folder


def _tables(fids, rounds, iteration_s, round_s, energy_j):
    starts = [r * round_s + i * iteration_s for r in range(rounds) for i in range(2)]
    count = len(starts)
    iterations = pd.DataFrame({
        "round": [i // 2 for i in range(count)], "iteration": range(count), "start_s": starts,
        "end_s": [one + iteration_s for one in starts], "iteration_latency_s": [iteration_s] * count,
        "generator_forward_s": [0.4 * iteration_s] * count, "discriminator_fake_s": [0.6 * iteration_s] * count,
        "aggregation_s": [1.0 * (i % 2) for i in range(count)], "discriminator_loss": [1.3] * count,
        "generator_loss": [0.7] * count,
    })  # fmt: skip
    who = [
        ("server", "server-small"),
        *((f"client-{i}", ("raspberry-pi-4", "phone-2024")[i // 2]) for i in range(4)),
    ]
    rows = [
        {"round": r, "device": device, "profile": profile, "compute_s": 0.3 * round_s, "transfer_s": 0.2 * round_s,
         "wait_s": 0.5 * round_s, "off_s": 0.0, "elapsed_s": round_s, "uplink_bytes": 1e6, "downlink_bytes": 1e6,
         "lost_bytes": 0.0, "work_flops": 1e9, "lost_flops": 0.0, "energy_j": energy_j, "memory_bytes": 1e6}
        for r in range(rounds)
        for device, profile in who
    ]  # fmt: skip
    sent = [
        {"round": r, "source": f"client-{i}", "target": "server", "kind": "activation", "bytes": 1e6,
         "lost_bytes": 0.0, "start_s": r * round_s, "end_s": r * round_s + 0.5}
        for r in range(rounds)
        for i in range(4)
    ]  # fmt: skip
    measured = [
        {"round": index - 1, "sim_time_s": index * round_s, "bytes": 4e6 * index, "domain": domain, "metric": metric,
         "value": value}
        for domain, values in fids.items()
        for index, fid in enumerate(values)
        for metric, value in (("fid", fid), ("generation_score", 10.0 / (1.0 + fid / 100.0)))
    ]  # fmt: skip
    floors = [
        {"round": -1, "sim_time_s": 0.0, "bytes": 0.0, "domain": domain, "metric": "fid_floor", "value": 1.0}
        for domain in fids
    ]
    commits = pd.DataFrame(
        [
            {
                "seq": 0,
                "time_s": 0.0,
                "kind": "evaluate",
                "clients": "[]",
                "passes": "[]",
                "info": "{}",
                "decision": "null",
            }
        ]
    )
    cuts = pd.DataFrame(
        [{"client": f"client-{i}", "profile": who[i + 1][1], "domain": DOMAINS[i // 2]} for i in range(4)]
    )
    wallclock = pd.DataFrame([{"round": 0, "what": "run", "seconds": 1.0}])
    return {"iterations": iterations, "devices": pd.DataFrame(rows), "transfers": pd.DataFrame(sent),
            "metrics": pd.DataFrame(measured + floors), "commits": commits, "cuts": cuts,
            "wallclock": wallclock}  # fmt: skip


def write_comparison(folder: Path, strategies=("huscf_gan", "fedgan"), seeds=(0, 1), name="made-up") -> Path:
    """Write a comparison: an ordinary run folder for each strategy and seed, and what they say of each other."""
    runs: dict = {}
    for place, label in enumerate(strategies):
        for seed in seeds:
            fids = {
                domain: [400.0, 200.0 - 30 * place + seed, 90.0 - 20 * place + 5 * seed + 3 * at]
                for at, domain in enumerate(DOMAINS)
            }
            own = folder / f"{label.replace('/', '-')}-seed{seed}"
            own.parent.mkdir(parents=True, exist_ok=True)
            write_run_folder(
                own, name=name, seed=seed, strategy=label.split("/")[0], iteration_s=2.0 + place, fids=fids
            )
            runs.setdefault(label, []).append(load_run(own))
    RunFolder(folder).write_json("comparison.json", {"scenario": name, **compare_runs(runs)})
    RunFolder(folder).write_text(
        "compared.yaml",
        SCENARIO.format(name=name, seed=0, strategy=strategies[0], selector="exact", width=16, rounds=2),
    )
    return folder


def write_sweep(
    folder: Path, selectors=("exact", "greedy", "fixed"), widths=(8, 16), seeds=(0, 1), rounds=3, failed=(),
    pictures=True, measured=True,
) -> Path:  # fmt: skip
    """Write a sweep over selectors and widths; ``failed``: numbers of the jobs that failed."""
    rng = np.random.default_rng(7)
    rows, curves = [], []
    settings = list(product(enumerate(selectors), widths, seeds))
    for number, ((place, selector), width, seed) in enumerate(settings):
        job, run = f"{number:04x}a1b2c3d4", None
        error = "RunError: diverged in round 1" if number in failed else ""
        values = {"cuts.selector": selector, "model.width": width}
        row = JobRow(job, seed, values, error)
        if not error:
            (folder / "runs").mkdir(parents=True, exist_ok=True)
            latency_s = (0.4 + 0.5 * place) * (width / 16) ** 0.8 * (1 + 0.1 * rng.random())
            last = 12 + 120 / width + 6 * rng.random()
            own = write_run_folder(
                folder / "runs" / job, seed=seed, selector=selector, width=width, iteration_s=latency_s,
                fids={domain: _falling(last + 9 * at, rounds, rng) for at, domain in enumerate(DOMAINS)},
                pictures=pictures, measured=measured, energy_j=40.0 * width / 16 + seed,
            )  # fmt: skip
            run = load_run(own)
            curves += [curve_rows(row, run)] if measured else []
        rows.append(result_row(row, run, Target("fid", 40.0)) | {"trained_in": "" if error else job})
    axes = {"cuts.selector": selectors, "model.width": widths}
    out = RunFolder(folder)
    out.write_bytes(RESULTS_FILE, parquet_bytes(results_table(rows)))
    out.write_bytes(CURVES_FILE, parquet_bytes(curves_table(curves, list(axes))))
    out.write_text("sweep.yaml", "name: made-up-sweep\nbase: quickstart\n")
    out.write_text(SWEEP_FILE, json.dumps(_facts(axes, seeds, len(settings), len(failed))))
    return folder


def _falling(last: float, rounds: int, rng: np.random.Generator) -> list[float]:
    """FIDs before training and after each round, falling towards the last."""
    return [500.0 * math.exp(-3.5 * r / rounds) * (1 + 0.1 * rng.random()) + last for r in range(rounds + 1)]


def _facts(axes, seeds, jobs, failed):
    return {
        "format": SWEEP_FORMAT, "name": "made-up-sweep", "base": "quickstart",
        "axes": [{"name": name, "kind": "values", "labels": list(labels)} for name, labels in axes.items()],
        "seeds": list(seeds), "jobs": jobs, "finished": jobs - failed, "failed": failed, "trained": jobs - failed,
        "retimed": 0, "target": {"metric": "fid", "bound": 40.0, "above": False, "text": "fid<40"},
        "command": "hetedge sweep sweep.yaml",
    }  # fmt: skip
