"""What the search for cuts costs: the exact selector, the genetic one, and the authors' search beside them.

    python benchmarks/cuts.py [--quick] [--threads N] [--json FILE]

* the paper's fleets under the authors' own formula: the optimum and the milliseconds it takes to find and prove it;
* the time that the authors' search would take here: 1000 individuals x 1000 generations are about 6 million evaluations
  of their formula. A sample of assignments is evaluated one at a time in plain Python, and the time is multiplied;
* the dataflow iteration: 80 clients of 7 profiles with memory, and 100 devices of which no two are alike;
* both iterations: 100 such devices with memory;
* the genetic selector on 100 clients, and how far above the optimum it ends;
* 1,000 distinct devices with memory, where buckets and a relaxation give cuts and a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle, islice

import numpy as np
from reporting import Measurement, clock, parse_arguments, report

from devices.fleet import SERVER_ID, Device, Fleet, FleetOptions, build_fleet
from devices.profile import DeviceProfile
from models.cgan import cgan28
from models.memory import memory_bytes
from models.paper import PaperWorkload
from models.split import model_costs
from models.workload import DataflowWorkload
from simulator.cuts.exact import ExactOptions, select_exact
from simulator.cuts.genetic import GeneticOptions, select_genetic
from simulator.cuts.problem import CutProblem, Selection
from simulator.kernel.network import NETWORKS, Network

ARCHITECTURE = cgan28(64)
COSTS = model_costs(ARCHITECTURE)
BATCH = 64
AUTHORS_EVALUATIONS = 6_000_000
ALL_PROFILES, WITHOUT_THE_SLOWEST = range(1, 8), range(2, 8)


def main() -> None:
    """Measure everything and print the table."""
    arguments = parse_arguments(__doc__ or "")
    now = clock(arguments.threads)
    sample = 20 if arguments.quick else 3000
    rows = [row for fleet in PAPER_FLEETS for row in papers_fleet(*fleet, now=now)]
    rows.append(authors_search(sample, now))
    rows += exact_and_its_bound(
        "80 clients of 7 profiles with 80 MB", paper_fleet(80, memory="80 MB"), False, 1.0, now
    )
    if not arguments.quick:
        rows += exact_and_its_bound("100 distinct devices", distinct_fleet(100), False, 30.0, now)
        for formula in (False, True):
            rows += exact_and_its_bound(
                "100 distinct devices with memory", distinct_fleet(100, True), formula, 30.0, now
            )
        rows += exact_and_its_bound(
            "1,000 distinct devices with memory", distinct_fleet(1000, True), False, None, now
        )
    for title, fleet in (("100 round-robin", paper_fleet(100)), ("100 distinct", distinct_fleet(100))):
        for formula in (True, False):
            rows += genetic_against_exact(title, fleet, formula, now)
    report(arguments, rows)


PAPER_FLEETS: Sequence[tuple[str, int, range]] = (
    ("80 clients of profiles 1..7", 80, ALL_PROFILES),
    ("100 clients of profiles 1..7", 100, ALL_PROFILES),
    ("80 clients of profiles 2..7", 80, WITHOUT_THE_SLOWEST),
)


def papers_fleet(title: str, clients: int, kinds: range, now: Callable[[], float]) -> list[Measurement]:
    """Solve one of the paper's fleets under the authors' formula."""
    problem = problem_of(paper_fleet(clients, kinds), formula=True)
    found, seconds = timed(lambda: exact(problem), now)
    return [
        Measurement(f"formula, {title}: optimum", found.iteration_latency_s, "s"),
        Measurement(f"formula, {title}: exact", seconds * 1e3, "ms", 50.0),
    ]


def authors_search(sample: int, now: Callable[[], float]) -> Measurement:
    """Extrapolate the authors' search from a sample of evaluations, one at a time in plain Python."""
    problem = problem_of(paper_fleet(80), formula=True)
    evaluate = plain_formula(problem)
    drawn = np.random.default_rng(0).integers(len(problem.cuts), size=(sample, 80))
    for genes in drawn[:5]:
        assert np.isclose(evaluate(genes.tolist()), problem.model.latency_s(genes[None, :])[0], rtol=1e-9)
    assignments = drawn.tolist()
    _, seconds = timed(lambda: [evaluate(genes) for genes in assignments], now)
    hours = seconds / sample * AUTHORS_EVALUATIONS / 3600
    return Measurement(f"6 million evaluations one at a time, extrapolated from {sample:,}", hours, "h")


def plain_formula(problem: CutProblem) -> Callable[[Sequence[int]], float]:
    """Return the latency of one assignment as a plain Python function over numbers worked out beforehand."""
    rows = problem.model.rows.tolist()
    segments = [
        (
            segment.client_s.tolist(),
            segment.core_s,
            [(place.passes.tolist(), place.lines[0][1]) for place in segment.places],
        )
        for segment in problem.quantities.segments
    ]

    def evaluate(genes: Sequence[int]) -> float:
        total_s = 0.0
        for client_s, core_s, places in segments:
            longest_s = 0.0
            server = [
                (passes, slope * sum(own for own, gene in zip(rows, genes, strict=True) if passes[gene]))
                for passes, slope in places
            ]
            for own_s, gene in zip(client_s, genes, strict=True):
                path_s = own_s[gene]
                for passes, place_s in server:
                    if passes[gene]:
                        path_s += place_s
                longest_s = max(longest_s, path_s)
            total_s += longest_s + core_s
        return total_s

    return evaluate


def exact_and_its_bound(
    title: str, fleet: Fleet, formula: bool, bar_s: float | None, now: Callable[[], float]
) -> list[Measurement]:
    """Solve a fleet; 1 x the bound is a proven optimum."""
    name = f"{'formula' if formula else 'dataflow'}, {title}"
    problem = problem_of(fleet, formula)
    found, seconds = timed(lambda: exact(problem), now)
    ratio = 1 / (1 - (found.optimality_gap or 0))
    return [
        Measurement(f"{name}: exact", seconds, "s", bar_s),
        Measurement(f"{name}: its cuts against the bound", ratio, "x"),
    ]


def genetic_against_exact(
    title: str, fleet: Fleet, formula: bool, now: Callable[[], float]
) -> list[Measurement]:
    """Compare the genetic selector with the optimum."""
    name = f"{'formula' if formula else 'dataflow'}, {title}: genetic"
    best = exact(problem_of(fleet, formula))
    problem = problem_of(fleet, formula)
    found, seconds = timed(lambda: select_genetic(problem, GeneticOptions(), np.random.default_rng(0)), now)
    ratio = found.objective / best.objective
    return [Measurement(name, seconds, "s", 2.0), Measurement(f"{name} against exact", ratio, "x", 1.01)]


def exact(problem: CutProblem) -> Selection:
    """Run the exact selector with its defaults."""
    return select_exact(problem, ExactOptions(), np.random.default_rng(0))


def problem_of(fleet: Fleet, formula: bool) -> CutProblem:
    """Return the cut problem of a fleet, under the authors' formula or in the dataflow iteration."""
    workload = PaperWorkload.of(COSTS, ARCHITECTURE) if formula else DataflowWorkload(COSTS)
    network = Network(fleet, NETWORKS["paper" if formula else "dedicated"]())
    return CutProblem(workload, fleet, network, [BATCH] * len(fleet.clients))


def paper_fleet(clients: int, kinds: range = ALL_PROFILES, **hardware: str) -> Fleet:
    """Deal clients over the paper's profiles in turn."""
    listed = [{"profile": f"paper-{kind}"} | hardware for kind in islice(cycle(kinds), clients)]
    return build_fleet(FleetOptions.model_validate({"clients": listed}), np.random.default_rng(0))


def distinct_fleet(clients: int, memory: bool = False) -> Fleet:
    """Draw devices over two decades of speed and of link rate, with memory for anything from the least to the most."""
    rng = np.random.default_rng(0)
    needed = [float(memory_bytes(COSTS, cut, BATCH)) for cut in COSTS.cut_choices()]

    def draw(number: int) -> Device:
        link = float(10 ** rng.uniform(7, 9))
        numbers = {"measured_flops_per_s": float(10 ** rng.uniform(9, 11)), "uplink_bytes_per_s": link}
        room = {"memory_bytes": float(rng.choice(needed))} if memory else {}
        return Device(
            number,
            DeviceProfile.model_validate(
                {"name": f"drawn-{number}", "kind": "reference", "downlink_bytes_per_s": link}
                | numbers
                | room
            ),
        )

    server = paper_fleet(1).server.profile
    return Fleet(Device(SERVER_ID, server), tuple(draw(number) for number in range(clients)))


def timed(work: Callable[[], object], now: Callable[[], float]) -> tuple:
    """Return what some work gives and the seconds it took."""
    started = now()
    result = work()
    return result, now() - started


if __name__ == "__main__":
    main()
