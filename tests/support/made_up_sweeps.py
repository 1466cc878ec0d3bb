"""Sweeps that nobody has run: the tables of a sweep's folder, from its axes and a few rules."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.sweeps import CURVES_FILE, RESULTS_FILE, SWEEP_FILE, Sweep, parquet_bytes


def made_up_sweep(
    axes=None,
    seeds=(0, 1),
    domains=("mnist5k", "glyphs"),
    rounds=6,
    trained=True,
    failed=(),
    target=40.0,
    name="made-up",
):
    """A sweep over ``axes`` (name -> values); ``failed``: numbers of the jobs that failed.

    The n-th combination takes ``n + 1`` seconds an iteration; its FID falls from 200 towards ``10 + 40 / (n + 1)``.
    """
    axes = axes or {"mix": ["slow", "fast"], "cuts.selector": ["greedy", "exact"]}
    results, curves = [], []
    for index, (combination, seed) in enumerate(product(list(product(*axes.values())), seeds)):
        number = index // len(seeds)
        job = f"{index:012x}"
        own = dict(zip(axes, combination, strict=True))
        latency_s = number + 1.0
        fids = {
            domain: _falling(10 + 40 / (number + 1) + 5 * place, rounds, seed)
            for place, domain in enumerate(domains)
        }
        ok = index not in failed
        for domain, values in fids.items() if ok and trained else ():
            facts = {"job": job, "seed": seed, **own, "domain": domain}
            times = [(round_ + 1) * 10 * latency_s for round_ in range(-1, rounds)]
            curves += [
                {
                    **facts,
                    "round": round_,
                    "sim_time_s": time_s,
                    "bytes": 1e6 * (round_ + 1),
                    "metric": "fid",
                    "value": fid,
                }
                for round_, time_s, fid in zip(range(-1, rounds), times, values, strict=True)
            ]
            curves.append(
                {**facts, "round": -1, "sim_time_s": 0.0, "bytes": 0.0, "metric": "fid_floor", "value": 1.5}
            )
        results.append(_result(job, seed, own, latency_s, rounds, fids if trained else {}, ok, target))
    facts = {
        "format": 1, "name": name, "base": "quickstart", "seeds": list(seeds), "jobs": len(results),
        "axes": [{"name": one, "kind": "values", "labels": [str(v) for v in values]} for one, values in axes.items()],
        "finished": len(results) - len(failed), "failed": len(failed), "trained": len(results), "retimed": 0,
        "target": target and {"metric": "fid", "bound": target, "above": False, "text": f"fid<{target:g}"},
        "command": "hetedge sweep made-up.yaml",
    }  # fmt: skip
    columns = ["job", "seed", *axes, "domain", "round", "sim_time_s", "bytes", "metric", "value"]
    return Sweep(
        Path(f"runs/sweep-{name}"), facts, pd.DataFrame(results), pd.DataFrame(curves, columns=columns)
    )


def _falling(end, rounds, seed):
    rng = np.random.default_rng(seed)
    steps = np.arange(rounds + 1)
    return (end + (200 - end) * np.exp(-steps / 1.5)) * rng.uniform(0.95, 1.05, rounds + 1)


def _result(job, seed, own, latency_s, rounds, fids, ok, target):
    reached = np.nan
    if fids and target is not None:
        means = np.mean(list(fids.values()), axis=0)
        below = np.flatnonzero(means[1:] < target)
        reached = (below[0] + 1) * 10 * latency_s if len(below) else np.nan
    row = {
        "job": job, "status": "finished" if ok else "failed", "error": "" if ok else "out of memory", "seed": seed,
        "trained_in": job if ok and fids else "", **own, "strategy": "huscf_gan", "clients": 8, "rounds": rounds,
        "iterations": rounds * 10, "stopped_by": "rounds", "iteration_latency_s": latency_s,
        "round_latency_s": 10 * latency_s, "simulated_s": 10 * latency_s * rounds, "total_bytes": 6e6 * rounds,
        "energy_j": np.nan, "training_key": "k", "timeline_sha256": "t", "weights_sha256": "w",
    }  # fmt: skip
    row |= {"fid": np.mean([values[-1] for values in fids.values()])} if fids else {}
    row |= {f"fid.{domain}": values[-1] for domain, values in fids.items()}
    row["time_to_target_s"] = reached
    if not ok:
        numbers = {key: np.nan for key, value in row.items() if isinstance(value, float) and key not in own}
        row |= numbers | dict.fromkeys(("clients", "rounds", "iterations"), -1)
    return row


def write_sweep(sweep, folder):
    """Write a made-up sweep's files to a folder."""
    folder.mkdir(parents=True)
    (folder / SWEEP_FILE).write_text(json.dumps(sweep.facts))
    (folder / RESULTS_FILE).write_bytes(parquet_bytes(sweep.results))
    (folder / CURVES_FILE).write_bytes(parquet_bytes(sweep.curves))
    return folder
