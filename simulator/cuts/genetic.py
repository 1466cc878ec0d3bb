"""``genetic``: an elitist genetic search over whole populations at a time.

The paper (arXiv 2507.12979) searches cuts genetically without elitism and tiles one genome over groups of
clients. Here every client has its own gene, a whole population is scored in one call, and the best are never
lost. Mutation changes one client or a part of a kind of device at once, since identical devices often want the
same cut but not always.
"""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from simulator.closed_form import Floats, Genes
from simulator.cuts.problem import CutProblem, Selection


class GeneticOptions(BaseModel):
    """An elitist genetic search; its budget is counted in scored assignments."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    selector: Literal["genetic"] = Field("genetic", description="Elitist genetic search.")
    population: int = Field(64, ge=4, strict=True, description="Assignments in a generation.")
    elite: int = Field(4, ge=1, strict=True, description="Best assignments that live on unchanged.")
    tournament: int = Field(3, ge=1, strict=True, description="Assignments that compete to be a parent.")
    max_evaluations: int = Field(20_000, ge=1, strict=True, description="Scored assignments in all.")


def select_genetic(problem: CutProblem, options: GeneticOptions, rng: np.random.Generator) -> Selection:
    """Return the best assignment found within the budget; the same ``rng`` gives the same answer."""
    started = time.perf_counter()
    population = _first_population(problem, options.population, rng)
    scores = problem.score(population)
    while problem.evaluations + options.population <= options.max_evaluations:
        order = scores.argsort(kind="stable")
        elite = order[: min(options.elite, options.population - 1)]
        children = _children(problem, population, scores, options, rng)[len(elite) :]
        population = np.concatenate([population[elite], children])
        scores = np.concatenate([scores[elite], problem.score(children)])
    return problem.select("genetic", population[int(scores.argmin())], time.perf_counter() - started)


def _first_population(problem: CutProblem, size: int, rng: np.random.Generator) -> Genes:
    """Draw a population: each assignment gives a kind of device one cut, so that whole kinds start together."""
    population = np.empty((size, problem.clients), dtype=np.intp)
    for members in problem.groups:
        population[:, members] = _draw_cuts(problem, members[:1], size, rng)
    return population


def _draw_cuts(problem: CutProblem, clients: NDArray[np.intp], rows: int, rng: np.random.Generator) -> Genes:
    """Draw cuts that fit, ``[rows, len(clients)]``, each equally likely."""
    weights = problem.allowed[clients].astype(float)
    cumulative = (weights / weights.sum(axis=1, keepdims=True)).cumsum(axis=1)
    draws = rng.random((rows, len(clients), 1))
    drawn = (draws > cumulative[None]).sum(axis=2)
    return np.asarray(np.minimum(drawn, problem.allowed.shape[1] - 1), dtype=np.intp)


def _children(
    problem: CutProblem, population: Genes, scores: Floats, options: GeneticOptions, rng: np.random.Generator
) -> Genes:
    """Return a generation of children: tournament, uniform crossover, mutation."""
    mothers, fathers = (_parents(population, scores, options.tournament, rng) for _ in range(2))
    from_mother = rng.random(population.shape) < 0.5
    whole = rng.random(len(population)) < 0.5
    children = np.where(from_mother | whole[:, None], mothers, fathers)
    for child in children:
        _mutate(problem, child, rng)
    return children


def _parents(population: Genes, scores: Floats, tournament: int, rng: np.random.Generator) -> Genes:
    size = len(population)
    entrants = rng.integers(size, size=(size, tournament))
    winners = entrants[np.arange(size), scores[entrants].argmin(axis=1)]
    return np.asarray(population[winners])


def _mutate(problem: CutProblem, child: Genes, rng: np.random.Generator) -> None:
    """Give a random part of one kind of device, from a single client to all of them, one new cut, in place."""
    members = problem.groups[rng.integers(len(problem.groups))]
    count = 1 if rng.random() < 0.5 else int(rng.integers(1, len(members) + 1))
    chosen = rng.permutation(members)[:count]
    child[chosen] = _draw_cuts(problem, chosen[:1], 1, rng)[0, 0]
