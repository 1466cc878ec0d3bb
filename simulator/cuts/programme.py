"""A part of the cut problem as a mixed-integer linear programme.

Unknown are how many clients of each kind take each combination, the seconds of every segment and of every position of
the server. The rows need no large constants. Take a segment, a set of positions ``P`` that lie on somebody's way, and
a kind of clients. Whoever passes all of ``P`` is on a path of at least the seconds of ``P`` and its own; and if nobody
does, the server's own work on ``P`` still is a path. So

    segment >= core + seconds of P + (the longest own seconds among the kind's clients that pass all of P, or 0)

always holds. For a kind of one client the last term is a sum over its combinations; for many it is written with the
steps between the distinct seconds and one binary per step, which says whether anybody has taken that step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.closed_form import Floats
from simulator.cuts.linear import LinearProgramme, Solution, Sum
from simulator.cuts.objective import Objective
from simulator.cuts.parts import Part
from simulator.cuts.segments import Segment

SCALE = 1000.0
"""What the best known objective, and every limit, is scaled to: HiGHS's tolerances are absolute (1e-6)."""

MOST_LEVELS = 16
"""Levels of a segment's seconds that get a binary to branch on; more of them slow every node down."""


@dataclass(frozen=True)
class Stakes:
    """What a part is optimised for.

    Attributes:
        objective: the weights and limits.
        idle_w: watts of all clients when idle, where energy counts.
        server_room_bytes: memory the server has for rows.
        known: the objective of the best known assignment, in this part; infinite where none is known.
        known_s: its seconds in this part, even where it breaks a limit; infinite where none is known.
        max_nodes: nodes of the branch and bound.
        relative_gap: proven relative gap at which the search ends.
    """

    objective: Objective
    idle_w: float
    server_room_bytes: float
    known: float
    known_s: float
    max_nodes: int
    relative_gap: float


@dataclass(frozen=True)
class Solved:
    """How many clients of each kind take each combination (``None``: nothing found), and what is proven."""

    chosen: NDArray[np.intp] | None
    bound: float
    infeasible: bool


def solve(part: Part, stakes: Stakes, *, relaxed: bool = False) -> Solved:
    """Solve a part; relaxed, with fractions of clients, which are rounded afterwards and may then not fit."""
    if not all(_is_finite(segment, float(part.rows @ part.counts)) for segment in part.segments):
        return Solved(None, -math.inf, infeasible=False)
    allowed, least_s = _worth_trying(part, longest_seconds(part, stakes))
    if not allowed.any(axis=1).all():
        return Solved(None, stakes.known, infeasible=True)
    return _Programme(part, stakes, allowed, least_s).solve(relaxed)


def longest_seconds(part: Part, stakes: Stakes) -> float:
    """Return the longest latency that an assignment as good as the best known one can have; infinite if unknown."""
    weights, limits = stakes.objective.weights, stakes.objective.kept_limits
    least_j = _least(part, part.own_j)
    least = weights[1] * least_j + weights[3] * _least(part, part.traffic_bytes)
    per_second = weights[0] + weights[1] * stakes.idle_w
    longest = [limits[0]]
    if per_second > 0:
        longest.append((stakes.known - least) / per_second)
    if stakes.idle_w > 0:
        longest.append((limits[1] - least_j) / stakes.idle_w)
    return min(longest)


def _least(part: Part, table: Floats) -> float:
    """Return the least that all clients together can add of something, each by itself."""
    return float(part.counts @ np.where(part.allowed, table, np.inf).min(axis=1))


def _worth_trying(part: Part, longest_s: float) -> tuple[NDArray[np.bool_], Floats]:
    """Strike out combinations that alone make the iteration too long; return what is left and the segments' minima."""
    alone = [_alone_s(part, segment) for segment in part.segments]
    allowed, left = part.allowed & np.all([np.isfinite(seconds) for seconds in alone], axis=0), -1
    least_s = np.zeros(len(alone))
    while left != allowed.sum() and allowed.any(axis=1).all():
        left = allowed.sum()
        least_s = np.array([np.where(allowed, seconds, np.inf).min(axis=1).max() for seconds in alone])
        for seconds, own_least_s in zip(alone, least_s, strict=True):
            # Rounding must not strike out the best known assignment itself.
            allowed &= (
                seconds <= (longest_s - (least_s.sum() - own_least_s)) * (1 + 1e-9) + 1e-9 * least_s.sum()
            )
    return allowed, least_s


def _alone_s(part: Part, segment: Segment) -> Floats:
    """Return what a segment takes at least, ``[G, C]``, if a client of that kind chooses so and is alone."""
    seconds = segment.client_s + segment.core_s
    for place in segment.places:
        seconds = seconds + np.outer(place.seconds(part.rows), place.passes)
    return np.asarray(seconds)


def _is_finite(segment: Segment, rows: float) -> bool:
    """Whether the server's seconds are numbers that can be reckoned with, however the rows fall."""
    most = np.array([1.0, rows])
    return math.isfinite(segment.core_s) and all(
        np.isfinite(place.seconds(most)).all() for place in segment.places
    )


@dataclass(frozen=True)
class _Server:
    """The positions of a segment: who passes them ``[P, C]``, the variables of their seconds, and these' units."""

    passes: NDArray[np.bool_]
    variables: NDArray[np.intp]
    units_s: Floats


class _Programme:
    """The variables and rows of one part."""

    def __init__(self, part: Part, stakes: Stakes, allowed: NDArray[np.bool_], least_s: Floats) -> None:
        self._part, self._stakes, self._allowed = part, stakes, allowed
        self._programme = LinearProgramme()
        self._somebody: dict[tuple[int, bytes], Sum] = {}
        # Where seconds have no weight the longest worth trying are far too long a unit.
        longest_s = min(longest_seconds(part, stakes), stakes.known_s)
        if not math.isfinite(longest_s):
            longest_s = sum(float(np.where(allowed, s.client_s, 0.0).max()) for s in part.segments)
        self._unit_s = (longest_s / SCALE) or 1.0
        self._x = self._counts()
        self._seconds = [self._programme.variable(least / self._unit_s, np.inf) for least in least_s]
        server = [self._server(segment) for segment in part.segments]
        for segment, variable, places in zip(part.segments, self._seconds, server, strict=True):
            self._paths(segment, Sum.of([variable]), places)
        for segment, variable, least in zip(part.segments, self._seconds, least_s, strict=True):
            self._levels(_alone_s(part, segment), Sum.of([variable]), float(least))
        self._latency = Sum.of(self._seconds, self._unit_s)
        self._server_s = Sum.number(sum(segment.core_s for segment in part.segments))
        for places in server:
            self._server_s += Sum.of(places.variables, places.units_s)
        self._keep_limits()

    def solve(self, relaxed: bool) -> Solved:
        """Solve it and read the counts off the solution."""
        stakes = self._stakes
        objective = Sum.number(0.0)
        for weight, quantity in zip(stakes.objective.weights, self._quantities(), strict=True):
            if weight:
                objective += quantity * weight
        scale = SCALE / stakes.known if 0 < stakes.known < math.inf else 1 / self._unit_s
        budget = stakes.max_nodes, stakes.relative_gap
        found: Solution = self._programme.minimise(objective * scale, *budget, relaxed=relaxed)
        bound = found.bound / scale
        if found.values is None:
            return Solved(None, bound, found.infeasible)
        shares = np.zeros(self._allowed.shape)
        shares[self._allowed] = found.values[self._x[self._allowed]]
        return Solved(_whole(shares, self._part.counts), bound, infeasible=False)

    def _counts(self) -> NDArray[np.intp]:
        """Add the counts ``[G, C]`` of the combinations worth trying; the others are -1."""
        indices = np.full(self._allowed.shape, -1, dtype=np.intp)
        for kind, count in enumerate(self._part.counts.tolist()):
            for combination in np.flatnonzero(self._allowed[kind]):
                indices[kind, combination] = self._programme.variable(0, count, integer=True)
            taken = Sum.of(indices[kind, self._allowed[kind]])
            self._programme.at_least(taken, Sum.number(count))
            self._programme.at_least(Sum.number(count), taken)
        return indices

    def _server(self, segment: Segment) -> _Server:
        """Add the seconds of a segment's positions, each in a unit that fits it: many are short beside a latency."""
        all_rows = self._part.rows @ self._part.counts
        variables, units_s = [], []
        for place in segment.places:
            variable = self._programme.variable(0, np.inf)
            unit_s = min(float(place.seconds(all_rows)) / SCALE, self._unit_s) or self._unit_s
            variables.append(variable)
            units_s.append(unit_s)
            passing = self._allowed & place.passes
            rows = Sum.of(self._x[passing], np.repeat(self._part.rows, passing.sum(axis=1)))
            runs = self._runs(passing) if any(constant for constant, _ in place.lines) else Sum.number(0.0)
            for constant, slope in place.lines:
                busy = rows * (slope / unit_s) + runs * (constant / unit_s)
                self._programme.at_least(Sum.of([variable]), busy)
        passes = np.array([place.passes for place in segment.places], dtype=bool)
        return _Server(
            passes.reshape(len(variables), len(self._part.genes)),
            np.array(variables, dtype=np.intp),
            np.array(units_s),
        )

    def _runs(self, passing: NDArray[np.bool_]) -> Sum:
        """Return 1 where anybody's rows pass a position, else 0."""
        some = [self._anybody(kind, passing[kind]) for kind in range(len(passing)) if passing[kind].any()]
        if any(one.constant for one in some):
            return Sum.number(1.0)
        binary = Sum.of([self._programme.variable(0, 1, integer=True)])
        for one in some:
            self._programme.at_least(binary, one)
        return binary

    def _anybody(self, kind: int, combinations: NDArray[np.bool_]) -> Sum:
        """Return 1 where any client of a kind takes one of some combinations, else 0."""
        wanted = combinations & self._allowed[kind]
        if (wanted == self._allowed[kind]).all():
            return Sum.number(1.0)
        taken = Sum.of(self._x[kind, wanted])
        if self._part.counts[kind] == 1:
            return taken
        key = (kind, wanted.tobytes())
        if key not in self._somebody:
            binary = Sum.of([self._programme.variable(0, 1, integer=True)])
            self._programme.at_least(binary * float(self._part.counts[kind]), taken)
            self._somebody[key] = binary
        return self._somebody[key]

    def _paths(self, segment: Segment, seconds: Sum, server: _Server) -> None:
        """Bound a segment's seconds by its paths: the server's own, and those through each kind of client."""
        core = Sum.number(segment.core_s / self._unit_s)
        units = server.units_s / self._unit_s
        self._programme.at_least(seconds, core + Sum.of(server.variables, units))
        for kind in range(len(self._part.counts)):
            for way, takers in _ways(server.passes, self._allowed[kind]):
                own = self._longest(kind, segment.client_s[kind], takers)
                self._programme.at_least(seconds, core + Sum.of(server.variables[way], units[way]) + own)

    def _levels(self, alone_s: Floats, seconds: Sum, least_s: float) -> None:
        """Divide a segment's possible seconds into levels, with a binary for each that says whether it is reached."""
        worth = alone_s[self._allowed]
        worth = np.unique(worth[worth > least_s * (1 + 1e-9)])
        if not len(worth):
            return
        levels = np.unique(np.quantile(worth, np.linspace(0, 1, MOST_LEVELS), method="higher"))
        total, before_s, lower = Sum.number(least_s / self._unit_s), least_s, None
        for level_s in levels.tolist():
            reached = Sum.of([self._programme.variable(0, 1, integer=True)])
            total += reached * ((level_s - before_s) / self._unit_s)
            if lower is not None:
                self._programme.at_least(lower, reached)
            for kind in np.flatnonzero((self._allowed & (alone_s >= level_s)).any(axis=1)):
                self._programme.at_least(reached, self._anybody(int(kind), alone_s[kind] >= level_s))
            before_s, lower = level_s, reached
        self._programme.at_least(seconds, total)

    def _longest(self, kind: int, client_s: Floats, takers: NDArray[np.bool_]) -> Sum:
        """Return the longest own seconds among a kind's clients with one of some combinations, or 0."""
        total, before_s = Sum.number(0.0), 0.0
        for step_s in np.unique(client_s[takers]):
            anybody = self._anybody(kind, takers & (client_s >= step_s))
            total += anybody * ((float(step_s) - before_s) / self._unit_s)
            before_s = float(step_s)
        return total

    def _quantities(self) -> tuple[Sum, Sum, Sum, Sum]:
        idle = self._latency * self._stakes.idle_w
        return (
            self._latency,
            idle + self._over_clients(self._part.own_j),
            self._server_s,
            self._over_clients(self._part.traffic_bytes),
        )

    def _over_clients(self, table: Floats) -> Sum:
        return Sum.of(self._x[self._allowed], table[self._allowed])

    def _keep_limits(self) -> None:
        """Keep the limits and the server's memory, each scaled so that the tolerances mean the same."""
        limits = [*self._stakes.objective.kept_limits, self._stakes.server_room_bytes]
        sums = [*self._quantities(), self._over_clients(self._part.server_bytes)]
        for limit, quantity in zip(limits, sums, strict=True):
            if limit < math.inf:
                scale = SCALE / limit if limit > 0 else 1.0
                self._programme.at_least(Sum.number(limit * scale), quantity * scale)


def _ways(
    passes: NDArray[np.bool_], allowed: NDArray[np.bool_]
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return the sets of positions that say something about a kind: the sets ``[P]``, and who passes all of each.

    Of sets with the same clients the largest says all: these are the sets of positions that some combination passes,
    and what such sets have in common.
    """
    ways = {passes[:, combination].tobytes() for combination in np.flatnonzero(allowed)}
    found = [np.frombuffer(way, dtype=bool) for way in sorted(ways)]
    while True:
        common = {(one & other).tobytes() for one in found for other in found} - ways
        if not common:
            break
        ways |= common
        found = [np.frombuffer(way, dtype=bool) for way in sorted(ways)]
    return [(way, allowed & passes[way].all(axis=0)) for way in found]


def _whole(shares: Floats, counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Round shares ``[G, C]`` of clients to whole ones that sum to the counts ``[G]``: the largest remainders first."""
    # A solver's 2.9999999 is a 3.
    whole = np.floor(shares + 1e-6).astype(np.intp)
    missing = counts - whole.sum(axis=1)
    rank = (whole - shares).argsort(axis=1, kind="stable").argsort(axis=1)
    return np.asarray(whole + (rank < missing[:, None]))
