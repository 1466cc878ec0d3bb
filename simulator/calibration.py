"""From the seconds of a model's blocks on this machine to one compute rate, as a device profile wants it.

What is timed lies in `simulator.block_timing`; here are the counts it is held against, the medians and the table.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from models.architecture import Architecture
from models.cost import segment_saved_bytes
from models.model_options import ModelOptions, build_architecture
from models.split import VISITS, ChainCosts, ModelCosts, Work, chain_of, model_costs, segment_leg
from simulator.tables import aligned

WARM_UPS = 3
"""First repeats that do not count: caches fill, and kernels are chosen."""

LEAST_REPEATS = 10
"""Repeats from which on a median can be called stable."""

STABLE = 0.01
"""Relative standard error of the median at which repeating ends."""

MOST_SPREAD = 0.1
"""Relative spread above which something else kept the machine busy, now and then."""

LEAST_PROCESSOR_SHARE = 0.9
"""Share of a processor below which something else kept the machine busy all the time."""


@dataclass(frozen=True, order=True)
class Part:
    """One sort of work on one block: what is timed by itself."""

    network: str
    block: int
    """Index in its network, from 0."""
    work: Work


@dataclass(frozen=True)
class Charge:
    """What an iteration is charged for a part."""

    times: int
    """How often an iteration does it."""
    flops: float
    """FLOPs of doing it once, for the whole batch."""


Seconds = Mapping[Part, float]
"""Seconds of doing each part once."""


@dataclass(frozen=True)
class Setup:
    """What is measured, and how.

    Attributes:
        model: the networks and their width.
        batch: rows of one client.
        threads: CPU threads of torch.
        repeats: repeats at most, the warm-up left aside.
    """

    model: ModelOptions
    batch: int
    threads: int
    repeats: int

    @cached_property
    def architecture(self) -> Architecture:
        """The two networks."""
        return build_architecture(self.model)

    @cached_property
    def memory_bytes(self) -> int:
        """About what the measuring takes: what one network keeps for its backward pass, and its gradients beside it."""
        costs = model_costs(self.architecture)
        chains = (costs.generator, costs.discriminator)
        return max(2 * segment_saved_bytes(chain.blocks) * self.batch for chain in chains)

    @cached_property
    def charges(self) -> dict[Part, Charge]:
        """Every part of an iteration on one batch, as the legs of a run charge it."""
        return iteration_charges(model_costs(self.architecture), self.batch)


@dataclass(frozen=True)
class PartRate:
    """A part as it was measured; `seconds` is the median of doing it once."""

    name: str
    part: Part
    charge: Charge
    seconds: float

    @property
    def total_s(self) -> float:
        """Seconds of an iteration that go into it."""
        return self.charge.times * self.seconds

    @property
    def flops_per_s(self) -> float:
        """Its rate."""
        return self.charge.flops / self.seconds


@dataclass(frozen=True)
class Calibration:
    """What was measured.

    Attributes:
        setup: how.
        parts: every part of an iteration.
        repeats: how often each was timed.
        spread: half of all iterations lie within a band of this width, relative to their median.
        processor_share: seconds that the timing thread had a processor, over the seconds that went by. Where others
            take their turns all the time, repeats agree with each other and are slow all the same.
    """

    setup: Setup
    parts: tuple[PartRate, ...]
    repeats: int
    spread: float
    processor_share: float = 1.0

    @property
    def flops(self) -> float:
        """FLOPs of one iteration on one batch."""
        return sum(one.charge.times * one.charge.flops for one in self.parts)

    @property
    def seconds(self) -> float:
        """Seconds of the blocks of one iteration, one after the other."""
        return sum(one.total_s for one in self.parts)

    @property
    def flops_per_s(self) -> float:
        """The machine's rate over a whole iteration: the number of the profile."""
        return self.flops / self.seconds

    @property
    def is_quiet(self) -> bool:
        """Whether repeats agree, and had a processor, as on a machine that does nothing else; few do not tell."""
        agree = self.repeats >= LEAST_REPEATS and self.spread <= MOST_SPREAD
        return agree and self.processor_share >= LEAST_PROCESSOR_SHARE

    def facts(self) -> dict[str, Any]:
        """Return the calibration as JSON-like data; seconds and FLOPs without prefixes."""
        return {
            "model": self.setup.model.name,
            "width": self.setup.model.width,
            "batch_size": self.setup.batch,
            "threads": self.setup.threads,
            "repeats": self.repeats,
            "spread": self.spread,
            "processor_share": self.processor_share,
            "quiet": self.is_quiet,
            "flops": self.flops,
            "seconds": self.seconds,
            "flops_per_s": self.flops_per_s,
            "parts": [self._part_facts(one) for one in self.parts],
        }

    def _part_facts(self, one: PartRate) -> dict[str, Any]:
        return {
            "block": one.name,
            "work": str(one.part.work),
            "times": one.charge.times,
            "flops": one.charge.flops,
            "seconds": one.seconds,
            "flops_per_s": one.flops_per_s,
            "share": one.total_s / self.seconds,
        }


def iteration_charges(costs: ModelCosts, rows: int) -> dict[Part, Charge]:
    """Return what one iteration does with every block, and the FLOPs of each, for a batch of ``rows`` rows."""
    charges: dict[Part, Charge] = {}
    for visit in VISITS:
        chain = chain_of(costs, visit)
        for block in range(chain.length):
            part = Part(visit.network, block, visit.work)
            times = charges[part].times if part in charges else 0
            leg = segment_leg(chain, range(block, block + 1), visit.work, rows, visit.phase, visit.network)
            charges[part] = Charge(times + 1, leg.flops)
    return charges


def calibrate(setup: Setup, time_once: Callable[[], Seconds]) -> Calibration:
    """Time every part again and again, until the median of the iteration is stable or the repeats are used up.

    Args:
        setup: what is measured.
        time_once: does every part of an iteration once and returns the seconds of each.
    """
    for _ in range(WARM_UPS):
        time_once()
    samples: list[Seconds] = []
    totals: list[float] = []
    while len(samples) < setup.repeats and not is_stable(totals):
        sample = time_once()
        samples.append(sample)
        totals.append(sum(charge.times * sample[part] for part, charge in setup.charges.items()))
    costs = model_costs(setup.architecture)
    parts = tuple(
        PartRate(
            _chain(costs, part.network).blocks[part.block].name,
            part,
            charge,
            statistics.median(sample[part] for sample in samples),
        )
        for part, charge in setup.charges.items()
    )
    return Calibration(setup, parts, len(samples), spread(totals))


def _chain(costs: ModelCosts, network: str) -> ChainCosts:
    return costs.generator if network == "generator" else costs.discriminator


def spread(values: Sequence[float]) -> float:
    """Return the distance between the quartiles over the median: 0 for equal values, or for a single one."""
    if len(values) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / middle


def is_stable(values: Sequence[float]) -> bool:
    """Tell whether the median of repeated measurements is known well enough.

    The standard error of a median is 0.93 quartile distances over the root of their number, were the values normal.
    """
    return len(values) >= LEAST_REPEATS and 0.93 * spread(values) / len(values) ** 0.5 <= STABLE


def calibration_text(calibration: Calibration) -> str:
    """Return a table of the blocks' rates, and what follows for the machine."""
    works = tuple(Work)
    heading = ["block", *(f"{work.replace('_', ' ')} GFLOP/s" for work in works), "share of time"]
    by_block: dict[str, dict[Work, PartRate]] = {}
    for one in calibration.parts:
        by_block.setdefault(one.name, {})[one.part.work] = one
    rows = [heading]
    for name, own in by_block.items():
        rates = [f"{own[work].flops_per_s / 1e9:.1f}" if work in own else "" for work in works]
        share = sum(one.total_s for one in own.values()) / calibration.seconds
        rows.append([name, *rates, f"{100 * share:.1f} %"])
    return (
        f"{aligned(rows)}\n\n"
        f"{calibration.flops_per_s / 1e9:.4g} GFLOP/s: {calibration.flops / 1e9:.4g} GFLOP of one iteration in "
        f"{calibration.seconds:.4g} s; median of {calibration.repeats} repeats, spread {100 * calibration.spread:.1f} %"
    )
