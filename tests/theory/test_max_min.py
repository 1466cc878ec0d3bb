"""Max-min fair rates against a linear program, and the fluid engine's finish times against the rates, step by step.

The linear program knows nothing of filling or levels: it makes the smallest rate per weight as large as it can be,
keeps the flows that stand in the way of a larger one, and goes on with the others. In ``max t`` with ``x_f >= w_f t``
a flow whose constraint has a price is at ``w_f t`` in every optimum, and one at least has a price.
"""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import linprog

from simulator.flows import Flow, finish_times
from simulator.kernel.fluid import Fluid
from simulator.kernel.sharing import max_min_rates

GRAPHS = 1000


def crowded_links(rng: np.random.Generator):
    """Few links, and flows that cross any of them: what ties and blocks in a graph, in little room."""
    links = int(rng.integers(1, 7))
    return links, [
        sorted(rng.choice(links, rng.integers(1, links + 1), replace=False).tolist())
        for _ in range(rng.integers(1, 9))
    ]


def paths_of_a_graph(rng: np.random.Generator):
    """A connected random graph, a link in each direction of an edge, and the ways of least latency between routers."""
    nodes = int(rng.integers(3, 12))
    graph = nx.gnp_random_graph(nodes, 0.3, seed=int(rng.integers(2**31))).to_directed()
    ring = rng.permutation(nodes).tolist()
    for one, other in pairwise([*ring, ring[0]]):
        graph.add_edge(one, other)
        graph.add_edge(other, one)
    for number, (_, _, edge) in enumerate(graph.edges(data=True)):
        edge.update(number=number, latency_s=float(rng.uniform(0.001, 0.1)))
    routes = []
    for _ in range(rng.integers(1, 13)):
        source, target = rng.choice(nodes, 2, replace=False).tolist()
        path = nx.shortest_path(graph, source, target, weight="latency_s")
        routes.append([graph.edges[edge]["number"] for edge in pairwise(path)])
    return graph.number_of_edges(), routes


def random_case(rng: np.random.Generator):
    """Links, routes, weights and caps: many links in common, some flows capped, numbers over three decades."""
    links, routes = (paths_of_a_graph if rng.random() < 0.5 else crowded_links)(rng)
    flows = len(routes)
    capacities = 10 ** rng.uniform(0, 3, links)
    weights = rng.choice([1.0, 1.0, 2.0, 0.3], flows)
    caps = np.where(rng.random(flows) < 0.3, 10 ** rng.uniform(-1, 3, flows), np.inf)
    return capacities, routes, weights, caps


def rates_by_linear_programs(capacities, routes, weights, caps):
    flows = len(routes)
    fixed: dict[int, float] = {}
    crosses = np.zeros((len(capacities), flows + 1))
    for flow, route in enumerate(routes):
        crosses[route, flow] = 1.0
    while len(fixed) < flows:
        rising = [flow for flow in range(flows) if flow not in fixed]
        least = np.zeros((len(rising), flows + 1))
        for row, flow in enumerate(rising):
            least[row, flow], least[row, -1] = -1.0, weights[flow]
        capped = [flow for flow in rising if np.isfinite(caps[flow])]
        at_most = np.zeros((len(capped), flows + 1))
        at_most[range(len(capped)), capped] = 1.0
        bounds = [(fixed[flow], fixed[flow]) if flow in fixed else (0, None) for flow in range(flows)]
        goal = np.zeros(flows + 1)
        goal[-1] = -1.0
        answer = linprog(
            goal,
            A_ub=np.vstack([least, crosses, at_most]),
            b_ub=np.concatenate([np.zeros(len(rising)), capacities, caps[capped]]),
            bounds=[*bounds, (0, None)],
            method="highs-ds",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        assert answer.status == 0, answer.message
        prices = -answer.ineqlin.marginals[: len(rising)]
        for flow in (flow for flow, price in zip(rising, prices, strict=True) if price > 1e-7):
            fixed[flow] = weights[flow] * answer.x[-1]
    return np.array([fixed[flow] for flow in range(flows)])


def test_rates_equal_those_of_linear_programs_on_a_thousand_random_graphs():
    for seed in range(GRAPHS):
        case = random_case(np.random.default_rng(seed))
        assert max_min_rates(*case) == pytest.approx(rates_by_linear_programs(*case), rel=1e-9), (
            f"seed {seed}"
        )


def test_the_engine_has_the_same_rates_on_a_thousand_random_graphs():
    for seed in range(GRAPHS):
        capacities, routes, weights, caps = random_case(np.random.default_rng(seed))
        fluid = Fluid(capacities.tolist())
        flows = [
            fluid.start(0.0, 1e6, route, weight, cap)
            for route, weight, cap in zip(routes, weights.tolist(), caps.tolist(), strict=True)
        ]
        rates = [fluid.rate(flow) for flow in flows]
        assert rates == pytest.approx(max_min_rates(capacities, routes, weights, caps), rel=1e-9), (
            f"seed {seed}"
        )


class StepByStep:
    """Flows integrated from one change to the next with rates computed anew each time, and no other idea."""

    def __init__(self, capacities):
        self.capacities = list(capacities)
        self.now_s, self.left, self.told = 0.0, {}, {}

    def _rates(self):
        keys = list(self.left)
        routes, weights, caps = zip(*(self.told[key] for key in keys), strict=True)
        return dict(zip(keys, max_min_rates(self.capacities, routes, weights, caps), strict=True))

    def advance(self, until_s, ends):
        while self.left:
            rates = self._rates()
            first_s = min(
                (self.now_s + left / rates[key] for key, left in self.left.items() if rates[key] > 0),
                default=np.inf,
            )
            reached_s = min(first_s, until_s)
            for key in list(self.left):
                self.left[key] -= rates[key] * (reached_s - self.now_s)
                if first_s <= until_s and self.now_s + self.left[key] / max(
                    rates[key], 1e-300
                ) <= self.now_s + 1e-12 * max(1.0, reached_s):
                    ends[key] = reached_s
                    del self.left[key]
            self.now_s = reached_s
            if first_s > until_s:
                break
        self.now_s = max(self.now_s, until_s) if until_s < np.inf else self.now_s


@pytest.mark.parametrize("seed", range(60))
def test_ends_equal_those_of_an_integration_with_arrivals_stops_and_other_capacities(seed):
    rng = np.random.default_rng(seed)
    links = int(rng.integers(1, 6))
    capacities = 10 ** rng.uniform(0, 2, links)
    fluid, plain = Fluid(capacities.tolist()), StepByStep(capacities)
    came: dict[int, float] = {}
    wanted: dict[int, float] = {}
    missing: dict[int, tuple[float, float]] = {}
    now_s = 0.0

    def run_until(until_s):
        plain.advance(until_s, wanted)
        while (end_s := fluid.next_finish_s()) <= until_s and end_s < np.inf:
            for flow in fluid.finished(end_s):
                came[flow] = end_s

    for _ in range(30):
        now_s += float(rng.exponential(1.0))
        run_until(now_s)
        kind = rng.random()
        if kind < 0.65 or not plain.left:
            route = sorted(rng.choice(links, rng.integers(1, links + 1), replace=False).tolist())
            units, weight = float(10 ** rng.uniform(-1, 2)), float(rng.choice([1.0, 2.0, 0.5]))
            cap = float(10 ** rng.uniform(-1, 2)) if rng.random() < 0.4 else np.inf
            flow = fluid.start(now_s, units, route, weight, cap)
            plain.left[flow], plain.told[flow] = units, (route, weight, cap)
        elif kind < 0.8:
            flow = int(rng.choice(list(plain.left)))
            missing[flow] = (fluid.stop(now_s, flow), plain.left.pop(flow))
        else:
            link, capacity = int(rng.integers(links)), float(10 ** rng.uniform(0, 2))
            fluid.set_capacity(now_s, link, capacity)
            plain.capacities[link] = capacity
    run_until(np.inf)
    assert came == pytest.approx(wanted, rel=1e-9)
    for got, left in missing.values():
        assert got == pytest.approx(left, rel=1e-9, abs=1e-9)


def test_two_hundred_equal_messages_through_one_link_take_two_hundred_times_as_long():
    links = {"server": 1e6} | {f"client-{k}": 250e3 for k in range(200)}
    flows = [Flow(0.0, 1e6, (f"client-{k}", "server")) for k in range(200)]
    assert finish_times(links, flows) == pytest.approx([200.0] * 200, rel=1e-12)


def test_weights_divide_a_link_and_a_cap_leaves_the_rest_to_the_others():
    flows = [
        Flow(0.0, 300.0, ("l",), weight=3.0),
        Flow(0.0, 100.0, ("l",)),
        Flow(0.0, 50.0, ("l",), 1.0, 10.0),
    ]
    # The capped one has 10, the others 3 : 1 of 90; all but it end when 67.5 has carried 300, at 4.44 s.
    assert finish_times({"l": 100.0}, flows) == pytest.approx([300 / 67.5, 100 / 22.5, 5.0], rel=1e-12)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e15])
def test_no_flow_is_stuck_at_whatever_size(size):
    flows = [Flow(0.0, size, ("l",)), Flow(0.0, 1e-6, ("l",)), Flow(0.0, 1e15, ("l",))]
    ends_s = finish_times({"l": 3.0}, flows)
    assert sum(flow.n_bytes for flow in flows) / 3.0 == pytest.approx(max(ends_s), rel=1e-12)


def test_thousands_of_like_flows_end_in_one_instant():
    ends_s = finish_times({"l": 7.0}, [Flow(0.0, 1.0, ("l",)) for _ in range(3000)])
    assert set(ends_s) == {ends_s[0]}
    assert ends_s[0] == pytest.approx(3000 / 7, rel=1e-12)
