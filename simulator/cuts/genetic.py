"""``genetic``: an elitist genetic search over whole populations at a time.

The paper (arXiv 2507.12979) searches cuts genetically without elitism and tiles one genome over groups of
clients. Here every client has its own gene, a whole population is scored in one call, and the best are never
lost. Two things make the search fit the problem. The four numbers of a cut act on different crossings, so
parents are mixed, and children changed, by these numbers. And clients of like speed want like cuts: a change
meets a *slice* of the clients in the order of their speed, from a single one to all of them, so that identical
devices can move together and a threshold between slow and fast can shift.
"""

from __future__ import annotations

import time
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.closed_form import Floats, Genes
from simulator.cuts.problem import CutProblem, Selection
from simulator.cuts.scoring import ScoredOptions
from simulator.cuts.thresholds import MoversDraw

FIRST_SLICES = 8
"""Changes by which an assignment of the first population differs from one cut for everybody."""

SINGLE_SHARE = 0.5
"""Share of slices that are a single client, or a single kind."""

WHOLE_CUT_SHARE = 0.15
"""Share of changes that replace the whole cut and not one of its numbers."""


class GeneticOptions(ScoredOptions):
    """An elitist genetic search; its budget is counted in scored assignments."""

    selector: Literal["genetic"] = Field("genetic", description="Elitist genetic search.")
    population: int = Field(64, ge=4, strict=True, description="Assignments in a generation.")
    elite: int = Field(4, ge=1, strict=True, description="Best assignments that live on unchanged.")
    tournament: int = Field(3, ge=1, strict=True, description="Assignments that compete to be a parent.")
    max_evaluations: int = Field(20_000, ge=1, strict=True, description="Scored assignments in all.")

    @model_validator(mode="after")
    def _elite_is_a_part(self) -> Self:
        if self.elite >= self.population:
            raise ValueError(
                f"elite {self.elite} of population {self.population}; allowed: fewer than the population"
            )
        return self


def select_genetic(problem: CutProblem, options: GeneticOptions, rng: np.random.Generator) -> Selection:
    """Return the best assignment found within the budget; the same ``rng`` gives the same answer."""
    started = time.perf_counter()
    size = min(options.population, options.max_evaluations)
    elites = min(options.elite, size - 1)
    breeder = _Breeder(problem, rng)
    population = breeder.first_population(size)
    scores = problem.guide(population)
    while problem.evaluations + size - elites <= options.max_evaluations:
        best = scores.argsort(kind="stable")[:elites]
        children = breeder.children(population, scores, size - elites, options.tournament)
        population = np.concatenate([population[best], children])
        scores = np.concatenate([scores[best], problem.guide(children)])
    return problem.select("genetic", population[int(scores.argmin())], time.perf_counter() - started)


class _Breeder:
    """Draws, mixes and changes assignments; every client always has a cut that fits its memory."""

    def __init__(self, problem: CutProblem, rng: np.random.Generator) -> None:
        self._rng = rng
        self._allowed = problem.allowed
        self._lightest = problem.lightest_for_server()
        self._clients = np.arange(problem.clients)
        # A problem's choices are all cuts in lexicographic order, so a gene is its cut's mixed-radix number.
        self._cuts = problem.cuts - 1
        self._longest = self._cuts.max(axis=0) + 1
        self._movers = MoversDraw(problem, SINGLE_SHARE, rng)

    def first_population(self, size: int) -> Genes:
        """Return assignments ``[size, N]`` that start from one cut for everybody and differ in a few slices."""
        cumulative = self._allowed.cumsum(axis=1) / self._allowed.sum(axis=1, keepdims=True)
        genes = (self._rng.random((size, 1, 1)) >= cumulative).sum(axis=2)
        for _ in range(FIRST_SLICES):
            genes = self._changed(genes)
        genes[0] = self._lightest  # the one that fits the server's memory if any does
        return np.asarray(genes)

    def children(self, population: Genes, scores: Floats, count: int, tournament: int) -> Genes:
        """Return ``[count, N]`` children: tournament, crossover, one change each."""
        mothers, fathers = (self._parents(population, scores, count, tournament) for _ in range(2))
        return self._changed(self._mixed(mothers, fathers))

    def _parents(self, population: Genes, scores: Floats, count: int, tournament: int) -> Genes:
        entrants = self._rng.integers(len(population), size=(count, tournament))
        winners = entrants[np.arange(count), scores[entrants].argmin(axis=1)]
        return np.asarray(population[winners])

    def _mixed(self, mothers: Genes, fathers: Genes) -> Genes:
        """Cross parents: half of the pairs by the cut's four numbers, a quarter by clients, a quarter not at all."""
        count, clients = mothers.shape
        by_number = self._rng.random((count, 1, 4)) < 0.5
        by_client = self._rng.random((count, clients, 1)) < 0.5
        how = self._rng.random((count, 1, 1))
        from_mother = np.where(how < 0.5, by_number, by_client) | (how >= 0.75)
        return self._where_allowed(
            self._genes(np.where(from_mother, self._cuts[mothers], self._cuts[fathers])), mothers
        )

    def _changed(self, genes: Genes) -> Genes:
        """Change one number of the cut, or the whole cut, of one slice of the clients in each assignment."""
        rows, count = np.arange(len(genes)), len(genes)
        number = self._rng.integers(4, size=count)
        cuts = self._cuts[genes]
        cuts[rows, :, number] = self._rng.integers(self._longest[number])[:, None]
        whole = self._rng.integers(len(self._cuts), size=(count, 1))
        wishes = np.where(self._rng.random((count, 1)) < WHOLE_CUT_SHARE, whole, self._genes(cuts))
        return np.where(self._movers.draw(count), self._where_allowed(wishes, genes), genes)

    def _genes(self, cuts: NDArray[np.intp]) -> Genes:
        """Return the genes ``[...]`` of cuts ``[..., 4]``, counted from 0 blocks."""
        return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(cuts, -1, 0)), tuple(self._longest)))

    def _where_allowed(self, wishes: Genes, otherwise: Genes) -> Genes:
        """Return the wishes, and the other genes where a wish does not fit its client."""
        return np.where(self._allowed[self._clients, wishes], wishes, otherwise)
