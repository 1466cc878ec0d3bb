"""Tiny runs on made-up images, without evaluation: fractions of a second each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.records import Recorder
from models.cache import digest_arrays
from models.datasets import LabelledImages
from simulator import registry
from simulator.commits import CommitLog, Entry
from simulator.kernel.world import World
from simulator.plan import Plan
from simulator.planning import make_plan as plan_of
from simulator.setting import make_setting

MIXED_CUTS = "[[1, 1, 1, 1], [2, 1, 1, 2], [1, 2, 2, 1], [2, 2, 2, 2]]"
"""Four clients; every middle block has holders and others, in both networks."""

SCENARIO = f"""\
name: tiny
devices:
  server: paper-server
  clients: [{{profile: paper-1, count: 2}}, {{profile: paper-2, count: 2}}]
  order: listed
data:
  domains: [{{dataset: mnist5k, clients: 2}}, {{dataset: glyphs, clients: 2}}]
model: {{width: 2}}
cuts: {{selector: fixed, per_client: {MIXED_CUTS}}}
strategy: {{rounds: 2, steps_per_round: 2, batch_size: 4, warmup_rounds: 0, clusters: 2}}
evaluation: {{samples: 20}}
execution: {{precision: float64, threads: 1}}
"""


def made_up_images(name: str, count: int, seed: int) -> LabelledImages:
    """Random images, brighter towards one side that the seed picks; ten classes in turn."""
    rng = np.random.default_rng(seed)
    shade = np.linspace(0, 1, 28).reshape((1, 1, 1, 28) if seed % 2 else (1, 1, 28, 1))
    images = (rng.random((count, 1, 28, 28)) * 255 * shade).astype(np.uint8)
    labels = np.arange(count, dtype=np.int64) % 10
    arrays = {
        "train_images": images,
        "train_labels": labels,
        "test_images": images[:10],
        "test_labels": labels[:10],
    }
    return LabelledImages(name, **arrays, classes=10, digest=digest_arrays(arrays))


def domains(count: int = 40) -> list[LabelledImages]:
    return [made_up_images("mnist5k", count, seed=0), made_up_images("glyphs", count, seed=1)]


def make_plan(folder: Path, data: Sequence[LabelledImages], *overrides: str, text: str = SCENARIO) -> Plan:
    path = folder / "tiny.yaml"
    path.write_text(text)
    return plan_of(make_setting(registry.load(str(path), overrides), [one.train_labels for one in data]))


def make_learner(plan: Plan, data: Sequence[LabelledImages]) -> Any:
    strategy = registry.STRATEGIES[plan.setting.scenario.strategy.name]
    return strategy.load_learner()(plan, data, torch.device("cpu"))


@dataclass(frozen=True)
class Played:
    """What a finished run leaves behind."""

    entries: list[Entry]
    tables: Mapping[str, pd.DataFrame]
    learner: Any
    losses: list[tuple[float, float]] = field(default_factory=list)

    @property
    def state(self) -> dict[str, torch.Tensor]:
        return {name: tensor.clone() for name, tensor in self.learner.state().items()}


def play_run(plan: Plan, learner: Any) -> Played:
    """Play a plan's whole timeline with a learner."""
    recorder = Recorder(plan.setting.fleet, "full", plan.phases)
    world = World(plan.setting.fleet, plan.setting.network, recorder)
    losses = []

    def observe(entry: Entry) -> None:
        commit = entry.commit
        if commit.kind == "iteration":
            losses.append(learner.losses)
        passes = [{"name": one.name} for one in commit.passes]
        recorder.commit(
            commit.seq, commit.time_s, commit.kind, commit.clients, passes, dict(commit.info), None
        )

    log = CommitLog(lambda: world.now_s, learner, observe)
    protocol = registry.STRATEGIES[plan.setting.scenario.strategy.name].load_protocol()
    world.play(protocol(world, plan, log))
    return Played(log.entries, recorder.tables(), learner, losses)


def assert_identical(came: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> None:
    """Equal names and equal bits."""
    assert came.keys() == wanted.keys()
    different = [name for name, tensor in came.items() if not torch.equal(tensor, wanted[name])]
    assert different == []
