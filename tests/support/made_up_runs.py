"""Runs that nobody has played: what a comparison reads of a run, from a few numbers."""

import math
from dataclasses import dataclass

import pandas as pd

from analysis.summary import summarize


@dataclass
class MadeUpRun:
    scenario: dict
    metrics: pd.DataFrame
    iterations: pd.DataFrame
    devices: pd.DataFrame
    transfers: pd.DataFrame
    summary: dict


def line(kind, sender="client", receiver="server", private=True, n_bytes=1.0, **flags):
    every = dict.fromkeys(("whole_network", "images_made", "within_household"), False)
    return {"kind": kind, "sender": sender, "receiver": receiver, "bytes": n_bytes, "private": private,
            **every, **flags, "reveals": f"words on {kind}"}  # fmt: skip


def made_up(name, fids, seed=0, iteration_s=2.0, aggregation_s=1.0, setup_s=0.0, ledger=(), energy_j=None):
    """A run of two iterations a round; ``fids``: domain -> FID before training and after each round."""
    rounds = len(next(iter(fids.values()))) - 1
    round_s = 2 * iteration_s + aggregation_s
    rows = [
        {"round": round_, "start_s": (begin := setup_s + round_ * round_s + step * iteration_s),
         "end_s": begin + iteration_s, "iteration_latency_s": iteration_s, "iteration": 2 * round_ + step,
         "aggregation_s": aggregation_s * step, "discriminator_loss": 0.0, "generator_loss": 0.0}
        for round_ in range(rounds)
        for step in range(2)
    ]  # fmt: skip
    measured = [
        {"round": index - 1, "sim_time_s": 0.0 if index == 0 else setup_s + index * round_s, "bytes": 0.0,
         "domain": domain, "metric": "fid", "value": value}
        for domain, values in fids.items()
        for index, value in enumerate(values)
    ]  # fmt: skip
    measured += [
        {"round": -1, "sim_time_s": 0.0, "bytes": 0.0, "domain": domain, "metric": "fid_floor", "value": 1.0}
        for domain in fids
    ]
    columns = ["round", "sim_time_s", "bytes", "domain", "metric", "value"]
    device = {"profile": "plain", "compute_s": 1.0, "transfer_s": 0.0, "wait_s": round_s - 1.0, "off_s": 0.0}
    device |= {"work_flops": 1.0, "lost_flops": 0.0, "lost_bytes": 0.0, "energy_j": math.nan}
    devices = [
        {"round": round_, "device": who, **device, "elapsed_s": round_s}
        for round_ in range(rounds)
        for who in ("server", "client-0")
    ]
    transfers = [
        {"round": round_, "source": "client-0", "target": "server", "kind": kind, "bytes": n_bytes,
         "start_s": 0.0, "end_s": 0.0}
        for round_ in range(rounds)
        for kind, n_bytes in (("parameters", 3e6), ("gradient", 1e6))
    ]  # fmt: skip
    tables = [pd.DataFrame(table) for table in (rows, devices, transfers)]
    scenario = {"name": "made-up", "seed": seed, "strategy": {"name": name}}
    run = MadeUpRun(scenario, pd.DataFrame(measured, columns=columns), *tables, {})
    run.summary = summarize(run) | {"ledger": list(ledger), "energy_j": energy_j}
    return run
