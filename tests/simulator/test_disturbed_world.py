"""A disturbed world by hand: who leaves loses what it was doing; slow spells, closed links, lanes, batteries, loss."""

import dataclasses
import math

import pytest
from disturbed_worlds import FOR_GOOD, Notebook, conditions_of, disturbed_world, leg, played
from small_worlds import fleet_of, profile

from analysis.records import Recorder
from analysis.runs import RunError
from devices.fleet import SERVER_ID
from devices.time_functions import Factor
from models.split import PayloadKind
from simulator.kernel.chain import Message
from simulator.kernel.fluid_parts import FluidError
from simulator.kernel.link_ledger import _Account
from simulator.kernel.network import DedicatedNetwork, MaxminNetwork, Network
from simulator.kernel.world import World

BYTES = [(PayloadKind.ACTIVATION, 100.0)]


def fleet(**numbers):
    """A server, and a client of 1 FLOP/s and 10 byte/s up and down."""
    return fleet_of(profile("hub", rate=1.0, link=1e6), profile("own", rate=1.0, link=10.0, **numbers))


def test_a_leg_that_is_broken_off_begins_again_and_its_work_is_lost():
    notebook = Notebook()
    world = disturbed_world(fleet(), notebook, absences={0: [(4.0, 6.0)]})
    outcome = played(world, lambda w: w.compute(0, [leg(3.0), leg(5.0)]))
    assert (outcome.completed, world.now_s, outcome.leg_ends_s) == (True, 11.0, (3.0, 11.0))
    assert notebook.computed == [(0, 0.0, 3.0, 3.0, 0.0), (0, 3.0, 4.0, 1.0, 1.0), (0, 6.0, 11.0, 5.0, 0.0)]


def test_an_attempt_is_given_up_where_the_device_leaves():
    notebook = Notebook()
    world = disturbed_world(fleet(), notebook, absences={0: [(4.0, 6.0)]})
    outcome = played(world, lambda w: w.attempt_compute(0, [leg(3.0), leg(5.0)]))
    assert (outcome.completed, world.now_s, outcome.leg_ends_s) == (False, 4.0, (3.0,))
    assert notebook.computed[-1] == (0, 3.0, 4.0, 1.0, 1.0)


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
@pytest.mark.parametrize("who", [0, SERVER_ID])
def test_a_message_is_torn_by_either_end_and_sent_again(network, who):
    notebook = Notebook()
    world = disturbed_world(fleet(), notebook, network, absences={who: [(4.0, 7.0)]})
    played(world, lambda w: w.send(0, SERVER_ID, BYTES))
    assert world.now_s == pytest.approx(17.0)
    (torn, whole) = notebook.sent
    assert torn == (0, SERVER_ID, pytest.approx(40.0), 0.0, 4.0, pytest.approx(40.0))
    assert whole == (0, SERVER_ID, 100.0, 7.0, pytest.approx(17.0), 0.0)


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
def test_an_attempt_to_send_fails_at_once_to_who_is_away(network):
    world = disturbed_world(fleet(), network=network, absences={SERVER_ID: [(0.0, 7.0)]})
    assert not played(world, lambda w: w.attempt_send(0, SERVER_ID, BYTES)).completed
    assert world.now_s == 0.0


def test_a_slow_spell_makes_a_leg_longer_by_the_integral_of_its_factor():
    world = disturbed_world(fleet(), speeds={0: [(2.0, 0.5), (6.0, 1.0)]})
    assert played(world, lambda w: w.compute(0, [leg(5.0)])).end_s == 7.0  # 2 + 4 / 2 + 1


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
def test_a_closed_link_lets_a_message_wait_and_a_narrow_one_takes_longer(network):
    world = disturbed_world(fleet(), network=network, ups={0: [(2.0, 0.0), (5.0, 0.5)]})
    played(world, lambda w: w.send(0, SERVER_ID, BYTES))
    assert world.now_s == pytest.approx(5.0 + 80.0 / 5.0)


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
def test_a_link_that_is_closed_for_good_ends_a_patient_message_with_an_error(network):
    world = disturbed_world(fleet(), network=network, ups={0: [(2.0, 0.0)]})
    with pytest.raises(RunError, match="a link on its way is closed for good"):
        played(world, lambda w: w.send(0, SERVER_ID, BYTES))
    world = disturbed_world(fleet(), network=network, ups={0: [(2.0, 0.0)]})
    outcome = played(world, lambda w: w.attempt_send(0, SERVER_ID, BYTES))
    assert (outcome.completed, outcome.closed, world.now_s) == (False, True, 2.0)


def test_what_waits_for_a_device_that_never_returns_is_an_error():
    world = disturbed_world(fleet(), absences={0: [(1.0, FOR_GOOD)]})
    with pytest.raises(RunError, match="everything waits for client-0, and it never comes back"):
        played(world, lambda w: w.compute(0, [leg(5.0)]))


def test_no_patience_goes_on_without_the_server():
    world = disturbed_world(fleet(), absences={SERVER_ID: [(1.0, FOR_GOOD)]})
    with pytest.raises(RunError, match=r"at 1 s everything waits for server, and it never comes back$"):
        played(world, lambda w: w.compute(SERVER_ID, [leg(5.0)]))


def test_lanes_serve_first_come_first_served():
    devices = fleet_of(profile("hub", rate=1.0, lanes=2), profile())
    world = disturbed_world(devices)
    ends = []

    def task(flops):
        yield world.compute(SERVER_ID, [leg(flops)])
        ends.append((flops, world.now_s))

    def everything():
        yield world.env.all_of([world.env.process(task(flops)) for flops in (4.0, 1.0, 2.0, 3.0)])

    world.play(everything())
    assert sorted(ends) == [(1.0, 1.0), (2.0, 3.0), (3.0, 6.0), (4.0, 4.0)]


def test_loss_is_sent_again_and_told_as_lost():
    notebook = Notebook()
    world = disturbed_world(fleet(loss=0.2), notebook)
    played(world, lambda w: w.send(0, SERVER_ID, BYTES))
    assert notebook.sent == [
        (0, SERVER_ID, pytest.approx(125.0), 0.0, pytest.approx(12.5), pytest.approx(25.0))
    ]


def powered(battery_j):
    powers = {"idle_power_w": 1.0, "busy_power_w": 4.0, "radio_j_per_byte": 0.1}
    return fleet(battery_j=battery_j, **powers)


def test_a_battery_runs_out_in_the_middle_of_a_leg():
    notebook = Notebook()
    world = disturbed_world(powered(10.0), notebook)
    outcome = played(world, lambda w: w.attempt_compute(0, [leg(5.0)]))
    assert (outcome.completed, outcome.end_s) == (False, 2.5)
    assert (world.is_online(0), world.returns_s(0)) == (False, math.inf)


def test_a_battery_runs_out_while_a_device_waits_and_by_its_radio():
    world = disturbed_world(powered(10.0))
    played(world, lambda w: w.env.timeout(9.0))
    assert world.is_online(0)
    played(world, lambda w: w.env.timeout(1.0))
    assert not world.is_online(0)
    world = disturbed_world(powered(19.0))
    # Ten seconds of idling and a hundred bytes of a tenth of a joule.
    assert played(world, lambda w: w.attempt_send(0, SERVER_ID, BYTES)).completed
    assert not world.is_online(0)


def test_a_chain_is_walked_step_by_step_and_tells_its_legs():
    world = disturbed_world(fleet(), absences={0: [(12.0, 20.0)]})
    road = world.chain(0, [leg(1.0), leg(3.0)], received=Message(SERVER_ID, 0, BYTES))
    base_s = played(world, lambda _: road.play())
    assert [base_s + end_s for end_s in road.leg_ends_s] == [11.0, 23.0]
    outcome = played(disturbed_world(fleet(), absences={0: [(12.0, 20.0)]}), lambda w: attempted(w))
    assert (outcome.completed, outcome.leg_ends_s, outcome.end_s) == (False, (11.0,), 12.0)


def attempted(world):
    return world.chain(0, [leg(1.0), leg(3.0)], received=Message(SERVER_ID, 0, BYTES)).attempt()


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
def test_a_round_that_ends_meanwhile_counts_the_time_of_what_is_under_way(network):
    devices = fleet()
    recorder = Recorder(devices)
    world = disturbed_world(devices, recorder, network, absences={0: [(20.0, 22.0)]})

    def run():
        sending = world.send(0, SERVER_ID, BYTES)
        yield world.env.timeout(4.0)
        world.end_round(0)
        yield sending
        yield world.env.timeout(15.0)
        world.end_round(1)

    world.play(run())
    table = recorder.tables()["devices"]
    own = table[table["device"] == "client-0"]
    assert own["transfer_s"].tolist() == pytest.approx([4.0, 6.0])
    assert own["off_s"].tolist() == pytest.approx([0.0, 2.0])
    assert own["wait_s"].tolist() == pytest.approx([0.0, 13.0])
    assert own["uplink_bytes"].tolist() == [0.0, 100.0]


def test_weights_share_a_link_out():
    clients = [profile(link=100.0, share_weight=weight) for weight in (3.0, 1.0)]
    world = disturbed_world(fleet_of(profile("hub", link=10.0), *clients), network=MaxminNetwork())
    ends = {}

    def sending(client):
        yield world.send(client, SERVER_ID, BYTES)
        ends[client] = world.now_s

    def everything():
        yield world.env.all_of([world.env.process(sending(client)) for client in (0, 1)])

    world.play(everything())
    n_bytes = BYTES[0][1]
    first_s = n_bytes / (10.0 * 3 / 4)
    # Until then the other one has had a quarter; what it lacks has the link to itself.
    assert ends == {0: pytest.approx(first_s), 1: pytest.approx(first_s + (n_bytes - 2.5 * first_s) / 10.0)}


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
def test_a_message_without_bytes_passes_a_link_that_is_closed_for_good(network):
    world = disturbed_world(fleet(), network=network, ups={0: [(2.0, 0.0)]})

    def run():
        yield world.env.timeout(3.0)
        assert (yield world.attempt_send(0, SERVER_ID, BYTES)).closed
        assert (yield world.attempt_send(0, SERVER_ID, [(PayloadKind.ACTIVATION, 0.0)])).completed

    world.play(run())


class Alternating(Factor):
    """Open for a second, closed for a second, for ever; and how often somebody looked."""

    def __init__(self, first):
        self.first, self.looks = first, 0

    def piece(self, time_s):
        self.looks += 1
        return float(int(time_s) % 2 == self.first), math.floor(time_s) + 1.0


def alternating_world(network, first):
    """Client 0's uplink and the server's downlink, of which neither is ever closed for good."""
    up, down = Alternating(0), Alternating(first)
    still = conditions_of(fleet())
    conditions = dataclasses.replace(still, uplinks={0: up}.get, downlinks={SERVER_ID: down}.get)
    own = Network(fleet(), network or DedicatedNetwork())
    return World(fleet(), own, Notebook(), conditions), up


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (None, r"no byte passes from client-0 to server from 0\.0 s to .* they are never open together"),
        (
            MaxminNetwork(),
            "nothing passes from client-0 up on, .*: client-0 up, server down are never open together",
        ),
    ],
)
def test_links_that_are_never_open_together_end_the_run(monkeypatch, network, message):
    monkeypatch.setattr("simulator.kernel.flows_in_time.MOST_CHANGES", 100)
    world, _ = alternating_world(network, first=1)
    with pytest.raises(RunError, match=message):
        played(world, lambda w: w.send(0, SERVER_ID, BYTES))


def test_a_message_that_crosses_very_many_changes_comes_through(monkeypatch):
    monkeypatch.setattr("simulator.kernel.flows_in_time.MOST_CHANGES", 7)
    world, up = alternating_world(MaxminNetwork(), first=0)
    played(world, lambda w: w.send(0, SERVER_ID, BYTES))
    # A hundred bytes at ten a second, in every other second.
    assert world.now_s == pytest.approx(19.0)
    played(world, lambda w: w.env.timeout(1.0))
    looks = up.looks
    played(world, lambda w: w.env.timeout(1000.0))
    assert up.looks == looks, "links are looked at only while something flows"


@pytest.mark.parametrize("changes", [3, 10, 100])
def test_a_link_that_opens_again_after_very_many_changes_of_others_is_waited_for(monkeypatch, changes):
    monkeypatch.setattr("simulator.kernel.flows_in_time.MOST_CHANGES", changes)
    # The server's link is closed for longer than the looks are apart, twice, and the client's never is.
    narrowed = [(float(time_s), 0.5 if time_s % 2 else 1.0) for time_s in range(1, 1000)]
    closed = [(0.0, 0.0), (400.0, 1.0), (401.0, 0.0), (900.0, 1.0)]
    world = disturbed_world(fleet(), network=MaxminNetwork(), ups={0: narrowed}, downs={SERVER_ID: closed})
    played(world, lambda w: w.send(0, SERVER_ID, BYTES))
    # A second at the full rate between the two, and then three quarters of it on average.
    assert world.now_s == pytest.approx(900.0 + 12.0)


def test_two_flows_of_which_one_is_stuck_name_its_links_alone(monkeypatch):
    monkeypatch.setattr("simulator.kernel.flows_in_time.MOST_CHANGES", 100)
    devices = fleet_of(profile("hub", link=1e6), *[profile(link=10.0) for _ in range(2)])
    still = conditions_of(devices)
    conditions = dataclasses.replace(
        still, uplinks={0: Alternating(0), 1: Alternating(1)}.get, downlinks={SERVER_ID: Alternating(1)}.get
    )
    world = World(devices, Network(devices, MaxminNetwork()), Notebook(), conditions)

    def everything():
        yield world.env.all_of(
            [world.send(1, SERVER_ID, [(PayloadKind.ACTIVATION, 1e5)]), world.send(0, SERVER_ID, BYTES)]
        )

    with pytest.raises(
        RunError, match=r"from client-0 up on, .*: client-0 up, server down are never open together"
    ):
        world.play(everything())


@pytest.mark.parametrize("lies", [-1.0, 0.0])
def test_a_violated_invariant_is_told_as_it_is_though_nothing_else_would_happen(monkeypatch, lies):
    monkeypatch.setattr(_Account, "most", lambda *_: lies)
    world = disturbed_world(fleet(), network=MaxminNetwork())
    with pytest.raises(FluidError, match="client-0 up carried"):
        played(world, lambda w: w.send(0, SERVER_ID, BYTES))


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
def test_where_nearly_all_is_lost_what_came_is_still_handed_over(network):
    devices = fleet_of(
        profile("hub", rate=1.0, link=1e18, loss=0.9999999), profile(link=1e18, loss=0.9999999)
    )
    recorder = Recorder(devices)
    world = disturbed_world(devices, recorder, network)
    n_bytes = 2574312.0

    def run():
        yield world.send(0, SERVER_ID, [(PayloadKind.PARAMETERS, n_bytes)])
        world.end_round(0)

    world.play(run())
    sent = recorder.tables()["transfers"]["bytes"].sum()
    assert sent == pytest.approx(n_bytes / (1 - 0.9999999) ** 2)


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
def test_what_is_broken_off_again_and_again_ends_the_run(monkeypatch, network):
    for module in ("processors", "transmission"):
        monkeypatch.setattr(f"simulator.kernel.{module}.MOST_TRIES", 20)
    absences = {0: [(float(time_s), time_s + 0.5) for time_s in range(1, 100)]}
    world = disturbed_world(fleet(), network=network, absences=absences)
    with pytest.raises(RunError, match="a computation of 5 s on client-0 was broken off 20 times in a row"):
        played(world, lambda w: w.compute(0, [leg(5.0)]))
    world = disturbed_world(fleet(), network=network, absences=absences)
    with pytest.raises(RunError, match="a message from client-0 to server was broken off 20 times in a row"):
        played(world, lambda w: w.send(0, SERVER_ID, BYTES))
