"""Who takes part in a comparison, and the overrides that make a scenario that entrant's.

All that a comparison must keep alike stays as the scenario says: data, partition, devices, network, seed, evaluation.
Weights and batches are keyed draws of the seed, so they too are the same wherever architectures allow. What changes is
the section ``strategy``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from devices.fleet import ClientMix
from models.option_errors import unknown_name
from models.partition import apportion
from scenarios.load import Loaded, Location, ScenarioError
from scenarios.overrides import override_source
from scenarios.schema import Scenario
from scenarios.tree import Source
from simulator import registry
from simulator.cuts.objective import SelectorOptions
from simulator.strategies.options import LocalTrainingOptions

log = logging.getLogger(__name__)

CARRIED = tuple(key for key in LocalTrainingOptions.model_fields if key != "name")
"""Keys of ``strategy`` that mean the same in every strategy: they go over from the scenario's own to the others."""

BETWEEN_NAMES = "/"
"""What stands between a strategy's name and that of its ablation."""

_SECTION = "strategy."
_CHOOSES_STRATEGY = "name"


class ComparisonError(ValueError):
    """A comparison that cannot be; the message says what came and what is allowed."""


@dataclass(frozen=True)
class Entrant:
    """A strategy, or an ablation of one, that takes part.

    Attributes:
        strategy: its name.
        ablation: the ablation's name; None for the strategy as it is.
    """

    strategy: str
    ablation: str | None = None

    @property
    def label(self) -> str:
        """How the user names it."""
        return self.strategy if self.ablation is None else f"{self.strategy}{BETWEEN_NAMES}{self.ablation}"

    def folder(self, seed: int) -> str:
        """Return the name of the folder of its run with a seed."""
        return f"{self.label.replace(BETWEEN_NAMES, '-')}-seed{seed}"


def entrant_names() -> list[str]:
    """Return the labels of all that could take part."""
    return [
        Entrant(name, ablation).label
        for name, strategy in registry.STRATEGIES.items()
        for ablation in (None, *strategy.ablations)
    ]


def parse_entrants(labels: Sequence[str]) -> tuple[Entrant, ...]:
    """Return the entrants of these labels, in their order.

    Raises:
        ComparisonError: One is unknown or comes twice, or there is none.
    """
    known = entrant_names()
    if not labels:
        raise ComparisonError(f"no strategy is named; allowed: {', '.join(known)}")
    for label in labels:
        if label not in known:
            raise ComparisonError(unknown_name("strategy", label, known))
        if labels.count(label) > 1:
            raise ComparisonError(f"strategy '{label}' is named twice; allowed: each once")
    return tuple(Entrant(*label.split(BETWEEN_NAMES)) for label in labels)


def own_options(texts: Sequence[str], entrants: Sequence[Entrant]) -> dict[Entrant, list[str]]:
    """Return each entrant's overrides from texts ``STRATEGY.KEY=VALUE``.

    A strategy's name speaks of it and its ablations, an ablation's label of that one alone.

    Raises:
        ComparisonError: A text has another form, speaks of nobody who takes part, or names another strategy.
    """
    found: dict[Entrant, list[str]] = {entrant: [] for entrant in entrants}
    allowed = sorted({name for one in entrants for name in (one.strategy, one.label)})
    for text in texts:
        whom, _, rest = text.partition(".")
        key, equals, _ = rest.partition("=")
        if not key or not equals:
            raise ComparisonError(f"options: '{text}'; allowed: STRATEGY.KEY=VALUE, such as md_gan.batches=1")
        if whom not in allowed:
            raise ComparisonError(f"options: '{text}': {unknown_name('strategy', whom, allowed)}")
        if key.partition(".")[0] == _CHOOSES_STRATEGY:
            raise ComparisonError(
                f"options: '{text}': '{key}' would choose another strategy; allowed: an option of {whom}"
            )
        for entrant in entrants:
            if _speaks_of(whom, entrant):
                found[entrant].append(f"{_SECTION}{rest}")
    return found


def _speaks_of(whom: str, entrant: Entrant) -> bool:
    return whom in (entrant.strategy, entrant.label)


@contextmanager
def errors_at_options(texts: Sequence[str], entrant: Entrant) -> Iterator[None]:
    """Let errors of an entrant's own options name the text of ``--options`` that the user wrote.

    Args:
        texts: ``STRATEGY.KEY=VALUE``, as :func:`own_options` has accepted them.
        entrant: whose scenario is made inside the block.

    Raises:
        ScenarioError: Raised inside the block; its places in the entrant's options are those in the texts.
    """
    written = {}
    for text in texts:
        whom, _, rest = text.partition(".")
        if _speaks_of(whom, entrant):
            shift = len(whom) + 1 - len(_SECTION)
            written[override_source(f"{_SECTION}{rest}")] = (override_source(text, "--options"), shift)
    try:
        yield
    except ScenarioError as error:
        raise ScenarioError(
            replace(one, at=_place(one.at, *written[one.at.source])) if one.at.source in written else one
            for one in error.problems
        ) from error


def _place(at: Location, source: Source, shift: int) -> Location:
    """Return a place of an override in the text that it came from; only columns of the first line differ."""
    return Location(source, at.line, at.column + shift if at.line == 1 else at.column)


def entrant_overrides(
    base: Loaded, overrides: Sequence[str], entrant: Entrant, options: Sequence[str], steps_per_round: int
) -> list[str]:
    """Return all overrides that make a scenario an entrant's, but for the seed.

    The scenario's own strategy keeps all its options. Another takes those of :data:`CARRIED` from it and for the rest
    its defaults. Iterations are the same in number for all: ``steps_per_round`` is stated. An entrant's own options
    come after that, and an ablation's overrides last; one of the section ``cuts`` keeps the scenario's objective and
    limits.

    Args:
        base: the scenario as it is.
        overrides: what has been laid over its file.
        entrant: who.
        options: its own overrides.
        steps_per_round: iterations of a round, for all.

    Raises:
        ScenarioError: where the result is no scenario.
    """
    scenario = base.scenario
    found = list(overrides)
    if scenario.strategy.name == entrant.strategy:
        found.append(f"strategy.steps_per_round={steps_per_round}")
    else:
        own = scenario.strategy.model_dump(mode="json", include=set(CARRIED))
        stated = {"name": entrant.strategy, **own, "steps_per_round": steps_per_round}
        found.append(f"strategy={json.dumps(stated)}")
    found += options
    found += _ablation(entrant, scenario)
    derived = registry.load(str(base.path), found)
    return found + _holders(base, derived, entrant)


def _ablation(entrant: Entrant, scenario: Scenario) -> list[str]:
    if entrant.ablation is None:
        return []
    changes = list(registry.STRATEGIES[entrant.strategy].ablations[entrant.ablation])
    if any(one.partition("=")[0] == "cuts" for one in changes):
        kept = scenario.cuts.model_dump(mode="json", include=set(SelectorOptions.model_fields))
        changes += [f"cuts.{key}={json.dumps(value)}" for key, value in kept.items()]
    return changes


def _holders(base: Loaded, derived: Loaded, entrant: Entrant) -> list[str]:
    """Return overrides that scale stated numbers of clients to a strategy whose clients are of another kind."""
    devices = _device_count(base.scenario)
    before, after = (one.scenario.strategy.data_holders(devices) for one in (base, derived))
    stated = [domain.clients for domain in base.scenario.data.domains]
    if before == after or all(clients is None for clients in stated):
        return []
    missing = stated.count(None)
    rest = before - sum(clients for clients in stated if clients is not None)
    shares = iter([len(part) for part in np.array_split(np.arange(rest), missing)] if missing else [])
    counts = [clients if clients is not None else next(shares) for clients in stated]
    scaled = apportion(after, np.array(counts)).tolist()
    holders = derived.scenario.strategy.holders
    if min(scaled) == 0:
        raise derived.error(
            "data.domains",
            f"{after} {holders} for the {len(counts)} domains of {counts} clients: one would have none",
            f"allowed for {entrant.label}: at least one of its {holders} for each domain",
        )
    log.info("%s: the domains' clients %s become %s %s", entrant.label, counts, scaled, holders)
    return [f"data.domains.{index}.clients={count}" for index, count in enumerate(scaled)]


def _device_count(scenario: Scenario) -> int:
    clients = scenario.devices.clients
    return clients.count if isinstance(clients, ClientMix) else sum(entry.count for entry in clients)
