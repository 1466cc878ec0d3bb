"""Cut selectors on fleets small enough to try every assignment."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_worlds import fleet_of, problem_of, profile, random_costs

from devices.fleet import Fleet
from models.memory import memory_bytes, server_memory_bytes
from models.split import ModelCosts
from simulator.cuts.genetic import GeneticOptions, select_genetic
from simulator.cuts.greedy import GreedyOptions, select_greedy
from simulator.cuts.homogeneous import HomogeneousOptions, select_homogeneous
from simulator.cuts.problem import CutProblem, NoFeasibleCutError, Selection

some = settings(max_examples=12, deadline=None, derandomize=True)
few = settings(some, max_examples=4)
BUDGET = GeneticOptions(max_evaluations=4000)
magnitudes = st.floats(4.0, 8.0).map(lambda exponent: 10.0**exponent)


@dataclass(frozen=True)
class Task:
    costs: ModelCosts
    fleet: Fleet
    batches: tuple[int, ...]
    seed: int

    def problem(self) -> CutProblem:
        return problem_of(self.costs, self.fleet, self.batches)

    def greedy(self) -> Selection:
        return select_greedy(self.problem(), GreedyOptions(), np.random.default_rng(self.seed))

    def genetic(self) -> Selection:
        return select_genetic(self.problem(), BUDGET, np.random.default_rng(self.seed))

    def fits(self, cuts) -> bool:
        for device, cut, batch in zip(self.fleet.clients, cuts, self.batches, strict=True):
            limit = device.profile.memory_bytes
            if limit is not None and memory_bytes(self.costs, cut, batch) > limit:
                return False
        return True

    def optimum_s(self) -> float:
        choices = self.costs.cut_choices()
        genes = np.array(list(itertools.product(range(len(choices)), repeat=len(self.batches))))
        latency_s = self.problem().model.latency_s(genes)
        return min(
            float(one_s)
            for row, one_s in zip(genes, latency_s, strict=True)
            if self.fits([choices[gene] for gene in row])
        )


@st.composite
def tasks(draw):
    length = draw(st.sampled_from([(5, 5), (4, 5), (5, 3)]))
    costs = random_costs(length, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    batches = tuple(draw(st.lists(st.integers(1, 64), min_size=1, max_size=3)))
    clients = []
    for batch in batches:
        needed = sorted(memory_bytes(costs, cut, batch) for cut in costs.cut_choices())
        limit = draw(st.none() | st.sampled_from(needed))
        clients.append(profile(rate=draw(magnitudes), link=draw(magnitudes), memory_bytes=limit))
    server = profile(rate=draw(magnitudes), link=draw(magnitudes))
    return Task(costs, fleet_of(server, *clients), batches, draw(st.integers(0, 2**32 - 1)))


@some
@given(task=tasks())
def test_genetic_finds_the_optimum_and_greedy_never_beats_it(task):
    optimum_s = task.optimum_s()
    greedy, genetic = task.greedy(), task.genetic()
    assert genetic.iteration_latency_s == pytest.approx(optimum_s, rel=1e-12)
    assert greedy.iteration_latency_s >= optimum_s * (1 - 1e-12)
    for selection in (greedy, genetic):
        assert task.fits(selection.cuts)
        stated_s = selection.iteration_latency_s
        assert task.problem().model.time(selection.cuts).latency_s == pytest.approx(stated_s, rel=1e-12)


@few
@given(task=tasks())
def test_selectors_repeat_themselves_for_a_seed(task):
    for select in (task.greedy, task.genetic):
        first, second = select(), select()
        assert first.cuts == second.cuts
        assert first.evaluations == second.evaluations


@few
@given(task=tasks(), share=st.floats(0.0, 1.0))
def test_no_selector_overfills_the_server(task, share):
    choices = task.costs.cut_choices()
    ends = [server_memory_bytes(task.costs, [cut] * len(task.batches), task.batches) for cut in choices]
    limit = min(ends) + share * (max(ends) - min(ends))
    server = task.fleet.server.profile.model_copy(update={"memory_bytes": limit})
    roomy = [device.profile.model_copy(update={"memory_bytes": None}) for device in task.fleet.clients]
    small = Task(task.costs, fleet_of(server, *roomy), task.batches, task.seed)
    for selection in (small.greedy(), small.genetic()):
        assert server_memory_bytes(small.costs, selection.cuts, small.batches) <= limit


@some
@given(task=tasks())
def test_no_uniform_assignment_beats_the_homogeneous_one(task):
    uniform = [(cut,) * len(task.batches) for cut in task.costs.cut_choices()]
    latencies_s = [task.problem().model.time(cuts).latency_s for cuts in uniform if task.fits(cuts)]
    try:
        found = select_homogeneous(task.problem(), HomogeneousOptions(), np.random.default_rng(task.seed))
    except NoFeasibleCutError:
        assert latencies_s == []
        return
    assert len(set(found.cuts)) == 1
    assert task.fits(found.cuts)
    assert found.iteration_latency_s == pytest.approx(min(latencies_s), rel=1e-12)
    assert found.iteration_latency_s >= task.optimum_s() * (1 - 1e-12)
