"""Queueing theory through the real components: Poisson arrivals at a processor or a link, sojourn times, Little's law.

Every expected value is computed here from its formula. The bounds are confidence intervals over independent seeds, from
their own spread; the first part of every sample is cut off. Rates are per second.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from small_worlds import fleet_of, profile

from analysis.records import Recorder
from devices.fleet import SERVER_ID
from models.split import ComputeLeg, PayloadKind, Phase
from simulator.kernel.network import DedicatedNetwork, MaxminNetwork, Network
from simulator.kernel.world import World

SEEDS = range(16)
JOBS = 3000
WARM_UP = 500
SERVICE_RATE = 1.0
CONFIDENCE = 0.999

Draw = Callable[[np.random.Generator], float]


def exponential(rng: np.random.Generator) -> float:
    return float(rng.exponential(1 / SERVICE_RATE))


def constant(_: np.random.Generator) -> float:
    return 1 / SERVICE_RATE


def computing_world(lanes: int = 1, sharing: bool = False) -> World:
    """A server of 1 FLOP/s a lane."""
    fleet = fleet_of(profile("hub", rate=1.0, lanes=lanes, processor_sharing=sharing), profile())
    return World(fleet, Network(fleet, DedicatedNetwork()), Recorder(fleet, "summary"))


def compute(world: World, seconds: float):
    return world.compute(SERVER_ID, [ComputeLeg(Phase.GENERATOR_FORWARD, "job", seconds, 0.0, 0)])


def linked_world() -> World:
    """A client whose uplink carries 1 byte/s; the server's link is wide."""
    fleet = fleet_of(profile("hub", link=1e9), profile("sender", link=1.0))
    return World(fleet, Network(fleet, MaxminNetwork()), Recorder(fleet, "summary"))


def send(world: World, n_bytes: float):
    return world.send(0, SERVER_ID, [(PayloadKind.ACTIVATION, n_bytes)])


def play(world: World, ask, arrival_rate: float, draw: Draw, seed: int) -> tuple[float, float]:
    """Play one sample; return the mean sojourn time, and the time average of the number in the system.

    The two are measured apart: from the jobs, and from the events of coming and going in a window of time.
    """
    rng = np.random.default_rng([seed, 7])
    arrivals_s = np.cumsum(rng.exponential(1 / arrival_rate, JOBS)).tolist()
    sizes = [draw(rng) for _ in arrivals_s]
    sojourns_s: list[float] = []
    changes: list[tuple[float, int]] = []

    def job(number: int):
        came_s = world.now_s
        changes.append((came_s, 1))
        yield ask(world, sizes[number])
        changes.append((world.now_s, -1))
        if number >= WARM_UP:
            sojourns_s.append(world.now_s - came_s)

    def source():
        jobs = []
        for number, arrival_s in enumerate(arrivals_s):
            yield world.env.timeout(max(0.0, arrival_s - world.env.now))
            jobs.append(world.env.process(job(number)))
        yield world.env.all_of(jobs)

    world.play(source())
    return float(np.mean(sojourns_s)), time_average(changes, arrivals_s[WARM_UP], arrivals_s[-1])


def time_average(changes: list[tuple[float, int]], from_s: float, until_s: float) -> float:
    """Return the mean number in the system over a window."""
    times_s, steps = np.array(changes).T
    numbers = np.cumsum(steps)
    edges_s = np.clip(np.append(times_s, until_s), from_s, until_s)
    return float((numbers * np.diff(edges_s)).sum() / (until_s - from_s))


def assert_mean(samples: list[float], expected: float) -> None:
    """The expected value lies in the confidence interval of the mean, and the interval is narrow enough to tell."""
    mean, error = np.mean(samples), stats.sem(samples)
    half = stats.t.ppf(0.5 + CONFIDENCE / 2, len(samples) - 1) * error
    assert abs(mean - expected) <= half, f"mean {mean:.4f} +- {half:.4f}, expected {expected:.4f}"
    assert half <= 0.15 * expected, f"an interval of +- {half:.4f} around {mean:.4f} tells nothing"


def erlang_c(servers: int, load: float) -> float:
    """Return the probability of having to wait in M/M/c."""
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(load**k / math.factorial(k) for k in range(servers)) + last)


def mm1(arrival_rate: float) -> float:
    return 1 / (SERVICE_RATE - arrival_rate)


def md1(arrival_rate: float) -> float:
    """Pollaczek and Khinchine with constant service."""
    load = arrival_rate / SERVICE_RATE
    return 1 / SERVICE_RATE + load / (2 * SERVICE_RATE * (1 - load))


def mmc(arrival_rate: float, servers: int) -> float:
    load = arrival_rate / SERVICE_RATE
    return 1 / SERVICE_RATE + erlang_c(servers, load) / (servers * SERVICE_RATE - arrival_rate)


SYSTEMS = {
    "M/M/1": (computing_world, compute, 0.6, exponential, mm1(0.6)),
    "M/D/1": (computing_world, compute, 0.6, constant, md1(0.6)),
    "M/M/3": (lambda: computing_world(lanes=3), compute, 2.1, exponential, mmc(2.1, 3)),
    "M/M/1-PS": (lambda: computing_world(sharing=True), compute, 0.6, exponential, mm1(0.6)),
    "M/D/1-PS": (lambda: computing_world(sharing=True), compute, 0.6, constant, mm1(0.6)),
    "M/M/1-PS link": (linked_world, send, 0.6, exponential, mm1(0.6)),
    "M/D/1-PS link": (linked_world, send, 0.6, constant, mm1(0.6)),
}
"""World, what is asked of it, arrivals a second, sizes, and the mean sojourn time.

Where it is shared the sojourn time depends on no more than the mean size.
"""


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request):
    """Arrival rate, expected sojourn time, and what the seeds measured."""
    make, ask, arrival_rate, draw, expected_s = SYSTEMS[request.param]
    samples = [play(make(), ask, arrival_rate, draw, seed) for seed in SEEDS]
    return arrival_rate, expected_s, samples


def test_mean_sojourn_times_are_those_of_the_formula(system):
    _, expected_s, samples = system
    assert_mean([sojourn_s for sojourn_s, _ in samples], expected_s)


def test_littles_law_gives_the_mean_number_in_the_system(system):
    arrival_rate, expected_s, samples = system
    assert_mean([number for _, number in samples], arrival_rate * expected_s)


def test_the_systems_can_be_told_apart():
    assert md1(0.6) < 0.8 * mm1(0.6)
    assert mmc(2.1, 3) < 0.8 * mm1(0.7)


def test_erlang_c_of_one_server_is_its_load():
    assert erlang_c(1, 0.6) == pytest.approx(0.6)
