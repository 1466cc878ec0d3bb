"""The simulated world by hand: a processor's queue, messages, barriers."""

import math

import pytest
from small_worlds import fleet_of, profile

from analysis.records import Recorder
from devices.fleet import SERVER_ID
from models.split import ComputeLeg, PayloadKind, Phase
from simulator.kernel.chain import Message
from simulator.kernel.network import NETWORKS, DedicatedNetwork, IdealNetwork, Network, Pace, PaperNetwork
from simulator.kernel.world import Barrier, World

ACTIVATION = PayloadKind.ACTIVATION


class Notebook:
    """Keeps what a recorder is told."""

    def __init__(self):
        self.computed, self.sent = [], []

    def compute(self, *facts):
        *facts, lost_flops, work = facts
        assert lost_flops == 0.0
        assert work == (Phase.GENERATOR_FORWARD, "work"), "what the leg says it is"
        self.computed.append(tuple(facts))

    def transfer(self, *facts):
        self.sent.append(facts)


def leg(flops=0.0, touched_bytes=0.0, kernels=0):
    return ComputeLeg(Phase.GENERATOR_FORWARD, "work", flops, touched_bytes, kernels)


def fleet():
    server = profile("hub", rate=1000.0, uplink_bytes_per_s=100.0, downlink_bytes_per_s=50.0, latency_s=0.5)
    slow = profile("slow", rate=10.0, uplink_bytes_per_s=20.0, downlink_bytes_per_s=400.0, latency_s=0.25)
    fast = profile("fast", rate=100.0, uplink_bytes_per_s=80.0, downlink_bytes_per_s=25.0)
    return fleet_of(server, slow, fast)


@pytest.fixture
def notebook():
    return Notebook()


@pytest.fixture
def world(notebook):
    return World(fleet(), Network(fleet(), DedicatedNetwork()), notebook)


def test_dedicated_messages_take_the_narrower_link_and_both_latencies():
    network = Network(fleet(), DedicatedNetwork())
    assert network.seconds(0, SERVER_ID, 100.0) == 0.75 + 100 / 20  # the client's uplink
    assert network.seconds(1, SERVER_ID, 100.0) == 0.5 + 100 / 50  # the server's downlink
    assert network.seconds(SERVER_ID, 0, 100.0) == 0.75 + 100 / 100  # the server's uplink
    assert network.seconds(SERVER_ID, 1, 100.0) == 0.5 + 100 / 25  # the client's downlink


def test_ideal_messages_take_the_latency_alone():
    network = Network(fleet(), IdealNetwork())
    assert network.seconds(0, SERVER_ID, 1e12) == 0.75
    assert network.seconds(SERVER_ID, 1, 1e12) == 0.5


def test_networks_are_named_as_their_options_say():
    assert {name: options().model for name, options in NETWORKS.items()} == {
        "ideal": "ideal",
        "dedicated": "dedicated",
        "maxmin": "maxmin",
        "paper": "paper",
    }


def test_paper_messages_take_the_senders_uplink_alone():
    network = Network(fleet(), PaperNetwork())
    up, down = fleet().clients[1].profile.uplink_bytes_per_s, fleet().server.profile.uplink_bytes_per_s
    assert network.seconds(1, SERVER_ID, 300.0) == 300 / up
    assert network.seconds(SERVER_ID, 1, 300.0) == 300 / down


def test_a_network_says_what_bounds_a_message():
    dedicated = Network(fleet(), DedicatedNetwork())
    assert dedicated.pace(0, SERVER_ID) == Pace(0.75, 20.0, "sender")
    assert dedicated.pace(1, SERVER_ID) == Pace(0.5, 50.0, "receiver")
    alike = fleet_of(profile(link=4.0), profile(link=4.0))
    assert dedicated.of_fleet(alike).pace(0, SERVER_ID) == Pace(0.0, 4.0, "both")
    assert Network(alike, PaperNetwork()).pace(0, SERVER_ID) == Pace(0.0, 4.0, "sender")
    assert Network(fleet(), IdealNetwork()).pace(0, SERVER_ID) == Pace(0.75, math.inf, None)


def test_a_leg_takes_the_roofline_time_of_its_device(notebook):
    slow = profile(rate=10.0, memory_bandwidth_bytes_per_s=4.0, kernel_overhead_s=0.5)
    world = World(fleet_of(profile(), slow), Network(fleet(), IdealNetwork()), notebook)
    world.compute(0, [leg(flops=100.0, touched_bytes=20.0, kernels=2)])
    world.compute(0, [leg(flops=100.0, touched_bytes=60.0)])
    assert notebook.computed == [(0, 0.0, 11.0, 100.0), (0, 11.0, 26.0, 100.0)]


def test_a_processor_serves_first_come_first_served_and_never_two_at_once(world, notebook):
    ends = {}

    def task(name, at_s, *legs):
        yield world.env.timeout(at_s)
        yield world.compute(0, legs)
        ends[name] = world.now_s

    world.env.process(task("first", 0.0, leg(30.0), leg(20.0)))
    world.env.process(task("queued", 1.0, leg(10.0)))
    world.env.process(task("after a pause", 8.0, leg(5.0)))
    world.env.run()
    assert ends == {"first": 5.0, "queued": 6.0, "after a pause": 8.5}
    spans = [(start_s, end_s) for _, start_s, end_s, _ in notebook.computed]
    assert sorted(spans) == [(0.0, 3.0), (3.0, 5.0), (5.0, 6.0), (8.0, 8.5)]


def test_devices_compute_side_by_side(world):
    def both():
        yield world.env.all_of([world.compute(0, [leg(50.0)]), world.compute(SERVER_ID, [leg(1000.0)])])

    world.play(both())
    assert world.now_s == 5.0


def test_computing_nothing_takes_no_time(world):
    def idle():
        yield world.compute(0, [])

    world.play(idle())
    assert world.now_s == 0.0


def test_a_message_of_several_kinds_travels_once(world, notebook):
    def send():
        yield world.env.timeout(1.0)
        yield world.send(0, SERVER_ID, [(ACTIVATION, 60.0), (PayloadKind.CONTROL, 40.0)])

    world.play(send())
    assert world.now_s == 1.0 + 0.75 + 5.0
    assert notebook.sent == [
        (0, SERVER_ID, ACTIVATION, 60.0, 1.0, 6.75),
        (0, SERVER_ID, PayloadKind.CONTROL, 40.0, 1.0, 6.75),
    ]


def test_a_message_on_a_link_of_its_own_asks_no_network(world, notebook):
    def send():
        yield world.send(0, 1, [(ACTIVATION, 60.0)], seconds=0.125)
        yield world.send(0, 1, [(ACTIVATION, 60.0)])

    world.play(send())
    crossing_s = 0.25 + 60 / 20  # the sender's uplink
    assert notebook.sent == [
        (0, 1, ACTIVATION, 60.0, 0.0, 0.125),
        (0, 1, ACTIVATION, 60.0, 0.125, 0.125 + crossing_s),
    ]


def test_messages_do_not_share_a_link(world):
    def send():
        yield world.env.all_of([world.send(0, SERVER_ID, [(ACTIVATION, 100.0)]) for _ in range(3)])

    world.play(send())
    assert world.now_s == 5.75


def test_an_error_in_any_process_ends_the_run(world):
    def fails():
        yield world.env.timeout(1.0)
        raise ArithmeticError("broken")

    def waits():
        world.env.process(fails())
        yield world.env.timeout(5.0)

    with pytest.raises(ArithmeticError, match="broken"):
        world.play(waits())


def test_a_barrier_opens_with_its_last_party(world):
    opened = []
    barrier = Barrier(world.env, 3)

    def party(at_s):
        yield world.env.timeout(at_s)
        barrier.arrive()

    def waiter():
        yield barrier.event
        opened.append(world.now_s)

    for at_s in (4.0, 1.0, 2.5):
        world.env.process(party(at_s))
    world.play(waiter())
    assert opened == [4.0]


def test_a_barrier_needs_a_party(world):
    with pytest.raises(ValueError, match="parties is 0; a barrier waits for one party at least"):
        Barrier(world.env, 0)


def test_a_world_reports_to_the_real_recorder_too():
    devices = fleet()
    recorder = Recorder(devices)
    world = World(devices, Network(devices, DedicatedNetwork()), recorder)
    world.compute(1, [leg(200.0)])
    recorder.end_round(0, 5.0)
    row = recorder.tables()["devices"].set_index("device").loc["client-1"]
    assert (row["compute_s"], row["wait_s"], row["work_flops"]) == (2.0, 3.0, 200.0)


def down(n_bytes):
    return Message(SERVER_ID, 0, [(ACTIVATION, n_bytes)])


def test_a_chain_is_one_event_and_tells_when_its_legs_end():
    """Down: 0.75 s + 100 B at 100 B/s. Compute 2 s and 1 s. Up: 0.75 s + 40 B at 20 B/s. Twice."""
    devices = fleet()
    recorder = Recorder(devices)
    world = World(devices, Network(devices, DedicatedNetwork()), recorder)
    up = Message(0, SERVER_ID, [(ACTIVATION, 30.0), (PayloadKind.CONTROL, 10.0)])
    road = world.chain(0, [leg(20.0), leg(10.0)], received=down(100.0), sent=up)
    assert road.leg_ends_s == (3.75, 4.75)
    seen = []

    def walk():
        for _ in range(2):
            started_s = yield road.play()
            seen.append((started_s, world.now_s))

    world.play(walk())
    recorder.end_round(0, world.now_s)
    assert seen == [(0.0, 7.5), (7.5, 15.0)]
    tables = recorder.tables()
    sent = tables["transfers"][["source", "kind", "bytes", "start_s", "end_s"]].to_numpy().tolist()
    assert sent == [
        ["server", "activation", 100.0, 0.0, 1.75],
        ["client-0", "activation", 30.0, 4.75, 7.5],
        ["client-0", "control", 10.0, 4.75, 7.5],
        ["server", "activation", 100.0, 7.5, 9.25],
        ["client-0", "activation", 30.0, 12.25, 15.0],
        ["client-0", "control", 10.0, 12.25, 15.0],
    ]
    client = tables["devices"].set_index("device").loc["client-0"]
    assert (client["compute_s"], client["transfer_s"], client["wait_s"]) == (6.0, 9.0, 0.0)
    assert client["work_flops"] == 60.0


def test_a_chain_waits_for_a_processor_that_is_busy():
    """Busy until 3 s; the message is there at 1 s, 1 s of work ends at 4 s, the answer is there at 5.75 s."""
    devices = fleet()
    recorder = Recorder(devices)
    world = World(devices, Network(devices, DedicatedNetwork()), recorder)
    road = world.chain(0, [leg(10.0)], down(25.0), Message(0, SERVER_ID, [(ACTIVATION, 20.0)]))

    def both():
        world.compute(0, [leg(30.0)])
        started_s = yield road.play()
        assert started_s + road.leg_ends_s[0] == 4.0

    world.play(both())
    recorder.end_round(0, world.now_s)
    spans = recorder.tables()["transfers"][["start_s", "end_s"]].to_numpy().tolist()
    assert spans == [[0.0, 1.0], [4.0, 5.75]]
    assert world.now_s == 5.75


def test_a_task_that_would_overtake_a_foretold_one_is_refused():
    devices = fleet()
    world = World(devices, Network(devices, DedicatedNetwork()), Recorder(devices))

    def overtaking():
        late = world.chain(0, [leg(20.0)], down(100.0)).play()
        yield world.compute(0, [leg(1.0)])
        yield late

    with pytest.raises(
        RuntimeError, match=r"client-0 gets a task at 0 s, before the one foretold for 1\.75 s"
    ):
        world.play(overtaking())


def test_a_chain_needs_a_leg(world):
    with pytest.raises(ValueError, match="a chain without a leg for client-1"):
        world.chain(1, [])
