"""What a comparison is asked for, checked as far as that goes without data: who, with which options, how far, where.

No torch: the command line refuses here before data are fetched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.comparison import Target, TargetError, check_target
from analysis.runs import RunFolder
from scenarios.dump import dump_resolved
from scenarios.load import Loaded, ScenarioError
from simulator import registry
from simulator.comparison.entrants import ComparisonError, Entrant, own_options, parse_entrants

BASE_FILE = "compared.yaml"
"""The scenario that is compared on, as it was before strategies were put in; the mark of a comparison's folder."""


@dataclass(frozen=True)
class Beginning:
    """A comparison that may begin, as far as can be told without its data.

    Attributes:
        base: the scenario before strategies are put in.
        path: the comparison's folder; not made yet.
        overrides: ``key.path=value`` texts over the scenario, for all.
        options: ``STRATEGY.KEY=VALUE`` texts, for one strategy.
        own: each entrant's overrides that they make, in the order in which entrants were named.
        seeds: how many.
        target: the quality that all are timed to, if one is stated.
    """

    base: Loaded
    path: Path
    overrides: tuple[str, ...]
    options: tuple[str, ...]
    own: Mapping[Entrant, Sequence[str]]
    seeds: int
    target: Target | None

    @property
    def entrants(self) -> tuple[Entrant, ...]:
        """Who takes part, in the order in which they were named."""
        return tuple(self.own)


def begin(
    scenario: str | Path,
    strategies: Sequence[str],
    seeds: int = 1,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    options: Sequence[str] = (),
    target: Target | None = None,
    training: bool = True,
) -> Beginning:
    """Make every check of a comparison that needs neither its data nor a plan; nothing is written.

    Args:
        scenario: a path or a library name.
        strategies: labels of those who take part.
        seeds: how many.
        out: the comparison's folder; by default ``runs/compare-<name>-<hash>``.
        overrides: ``key.path=value`` texts over the scenario, for all.
        options: ``STRATEGY.KEY=VALUE`` texts, for one strategy.
        target: the quality that all are timed to, if one is stated.
        training: whether anything is trained.

    Raises:
        ComparisonError: where the strategies, their options or the number of seeds cannot be.
        TargetError: where the target cannot be.
        ScenarioError: where the scenario is wrong.
        FileExistsError: where the folder holds something else.
    """
    if seeds < 1:
        raise ComparisonError(f"{seeds} seeds; allowed: 1 or more")
    own = own_options(options, parse_entrants(strategies))
    everywhere = (*overrides, *(() if training else ("execution.training=false",)))
    base = registry.load(str(scenario), everywhere)
    if target is not None:
        _check_target(target, base)
    path = _folder_of(base, options) if out is None else Path(out)
    _check_folder(path, base)
    return Beginning(base, path, everywhere, tuple(options), own, seeds, target)


def _check_target(target: Target, base: Loaded) -> None:
    evaluation = base.scenario.evaluation
    if not base.scenario.execution.training:
        raise TargetError(f"target '{target.text}': nothing is measured without training; leave it out")
    check_target(target, evaluation.metric_names, evaluation.cas is not None)


def _folder_of(base: Loaded, options: Sequence[str]) -> Path:
    """Return the default folder: the scenario and the strategies' own options tell it, not who takes part."""
    text = json.dumps([dump_resolved(base.scenario), sorted(options)])
    return Path("runs") / f"compare-{base.scenario.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _check_folder(path: Path, base: Loaded) -> None:
    """Refuse a folder that holds anything but a comparison on this scenario.

    Raises:
        FileExistsError: It does.
    """
    mark = path / BASE_FILE
    if not mark.is_file():
        RunFolder.check(path)
        return
    try:
        same = registry.load(str(mark)).scenario == base.scenario
    except ScenarioError:
        same = False
    if not same:
        raise FileExistsError(f"{path} holds a comparison on another scenario; name another folder with -o")
