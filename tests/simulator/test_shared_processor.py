"""A server that shares itself out, by hand: who computes how fast, and what an outage breaks off."""

import pytest
from disturbed_worlds import Notebook, disturbed_world, leg, played
from small_worlds import fleet_of, profile

from analysis.records import Recorder
from devices.fleet import SERVER_ID
from models.split import PayloadKind
from simulator.kernel.network import MaxminNetwork


def sharing(lanes=1):
    """A server of 1 FLOP/s a lane that shares itself out."""
    return fleet_of(profile("hub", rate=1.0, lanes=lanes, processor_sharing=True), profile(link=10.0))


def ends_of(world, tasks):
    """Let tasks of so many FLOPs come at their times; return when each is done."""
    ends = {}

    def task(name, came_s, flops):
        yield world.env.timeout(came_s)
        yield world.compute(SERVER_ID, [leg(flops)])
        ends[name] = world.now_s

    def everything():
        yield world.env.all_of([world.env.process(task(name, *one)) for name, one in tasks.items()])

    world.play(everything())
    return ends


def test_all_that_is_there_is_computed_at_once_in_equal_shares():
    tasks = {"long": (0.0, 4.0), "short": (0.0, 2.0), "late": (5.0, 1.0)}
    # Both at half speed until 4; the long one alone until 5; then it shares its last second with the late one.
    assert ends_of(disturbed_world(sharing()), tasks) == pytest.approx(
        {"short": 4.0, "long": 7.0, "late": 7.0}
    )


def test_nothing_gets_more_than_one_lane():
    assert ends_of(disturbed_world(sharing(lanes=3)), {"alone": (0.0, 2.0)}) == {"alone": 2.0}
    together = ends_of(disturbed_world(sharing(lanes=3)), dict.fromkeys("abcd", (0.0, 1.5)))
    assert together == pytest.approx(dict.fromkeys("abcd", 2.0))


def test_an_outage_breaks_off_all_that_is_computed_and_its_part_is_lost():
    notebook = Notebook()
    world = disturbed_world(sharing(), notebook, absences={SERVER_ID: [(3.0, 10.0)]})
    ends = ends_of(world, {"long": (0.0, 4.0), "short": (0.0, 1.0)})
    # The short one is through at 2; the long one has done 1 + 1 by 3, and begins again at 10.
    assert ends == pytest.approx({"short": 2.0, "long": 14.0})
    assert notebook.computed == [
        (SERVER_ID, 0.0, pytest.approx(2.0), 1.0, 0.0),
        (SERVER_ID, 0.0, 3.0, pytest.approx(2.0), pytest.approx(2.0)),
        (SERVER_ID, 10.0, pytest.approx(14.0), 4.0, 0.0),
    ]


def test_an_attempt_tells_which_legs_had_ended():
    world = disturbed_world(sharing(), absences={SERVER_ID: [(7.0, 9.0)]})
    outcome = played(world, lambda w: w.attempt_compute(SERVER_ID, [leg(5.0), leg(5.0)]))
    assert (outcome.completed, outcome.end_s, outcome.leg_ends_s) == (False, 7.0, (5.0,))


def test_what_ends_as_the_server_leaves_is_done():
    world = disturbed_world(sharing(), absences={SERVER_ID: [(8.0, 9.0)]})
    outcome = played(world, lambda w: w.attempt_compute(SERVER_ID, [leg(5.0), leg(3.0)]))
    assert (outcome.completed, outcome.end_s) == (True, 8.0)


@pytest.mark.parametrize("network", [None, MaxminNetwork()])
def test_what_arrives_as_an_end_leaves_has_arrived(network):
    world = disturbed_world(sharing(), network=network, absences={0: [(2.0, 9.0)]})
    outcome = played(world, lambda w: w.attempt_send(0, SERVER_ID, [(PayloadKind.ACTIVATION, 20.0)]))
    assert (outcome.completed, outcome.end_s) == (True, 2.0)


def test_a_round_that_ends_meanwhile_counts_what_is_computed_and_not_told():
    devices = sharing()
    recorder = Recorder(devices)
    world = disturbed_world(devices, recorder)

    def run():
        computing = world.compute(SERVER_ID, [leg(5.0)])
        for round_, at_s in enumerate((2.0, 4.0)):
            yield world.env.timeout(at_s - world.now_s)
            world.end_round(round_)
        yield computing
        world.end_round(2)

    world.play(run())
    table = recorder.tables()["devices"]
    server = table[table["device"] == "server"]
    assert server["compute_s"].tolist() == [2.0, 2.0, 1.0]
    assert server["work_flops"].tolist() == [0.0, 0.0, 5.0]


def test_legs_shorter_than_any_clock_can_tell_are_computed():
    fast = fleet_of(profile("hub", rate=1e26, processor_sharing=True), profile(link=10.0))
    assert ends_of(disturbed_world(fast), {"one": (0.0, 1e9), "other": (1.0, 1e9)}) == pytest.approx(
        {"one": 0.0, "other": 1.0}, abs=1e-12
    )
