"""Chains forged together are those forged one by one, to the last bit."""

import numpy as np
import pandas as pd
import pytest
from small_worlds import fleet_of, profile

from analysis.records import Recorder
from devices.fleet import SERVER_ID
from models.split import ComputeLeg, PayloadKind
from simulator.kernel.chain import Message
from simulator.kernel.network import DedicatedNetwork, IdealNetwork, Network, PaperNetwork
from simulator.kernel.world import World

LEGS = [ComputeLeg("p", "one", 3e9, 7e6, 5), ComputeLeg("p", "two", 1e9, 9e7, 2)]
DOWN = ((PayloadKind.ACTIVATION, 1e6),)
UP = ((PayloadKind.PARAMETERS, 3e5), (PayloadKind.STATISTICS, 77.0))


def fleet():
    rng = np.random.default_rng(0)
    clients = [
        profile(
            rate=float(rng.uniform(1e9, 9e9)),
            link=float(rng.uniform(1e6, 9e6)),
            latency_s=float(rng.uniform(0, 0.1)),
            memory_bandwidth_bytes_per_s=float(rng.uniform(1e8, 9e8)),
            kernel_overhead_s=1e-5,
        )
        for _ in range(5)
    ]
    return fleet_of(profile(rate=1e12, link=5e6, latency_s=0.01), *clients)


def played(forge, network, received, sent):
    """Play every client's chain twice, the second time at once behind the first; return values and tables."""
    devices = fleet()
    recorder = Recorder(devices, "full")
    world = World(devices, Network(devices, network), recorder)
    roads = forge(world, [4, 0, 3], received, sent)
    values = []

    def run():
        for road in roads:
            first, second = road.play(), road.play()
            values.extend([(yield first), (yield second), road.leg_ends_s])

    world.play(run())
    recorder.iteration(0, 0, 0.0, world.now_s, dict.fromkeys(recorder._phases, 0.0))
    recorder.end_round(0, world.now_s)
    tables = recorder.tables()
    return values, world.now_s, [tables[name] for name in ("devices", "transfers")]


def together(world, clients, received, sent):
    return world.chains(clients, LEGS, received, sent)


def one_by_one(world, clients, received, sent):
    return [
        world.chain(
            client,
            LEGS,
            Message(SERVER_ID, client, received) if received else None,
            Message(client, SERVER_ID, sent) if sent else None,
        )
        for client in clients
    ]


@pytest.mark.parametrize("network", [DedicatedNetwork(), IdealNetwork(), PaperNetwork()])
@pytest.mark.parametrize(("received", "sent"), [(None, UP), (DOWN, UP), (DOWN, None), (None, None)])
def test_forged_together_is_forged_one_by_one(network, received, sent):
    (*mine, my_tables), (*theirs, their_tables) = (
        played(forge, network, received, sent) for forge in (together, one_by_one)
    )
    assert mine == theirs
    for my_table, their_table in zip(my_tables, their_tables, strict=True):
        pd.testing.assert_frame_equal(my_table, their_table, check_exact=True)


def test_chains_have_a_leg_and_known_payloads():
    devices = fleet()
    world = World(devices, Network(devices, IdealNetwork()), Recorder(devices))
    with pytest.raises(ValueError, match="chains without a leg"):
        world.chains([0, 1], [])
