"""A barrier that may close: everybody, a deadline, a quorum, those that are not expected any more."""

import pytest
import simpy

from simulator.strategies.huscf_gan.crossing import Crossing
from simulator.strategies.patience import PatienceAll, PatienceDeadline, PatienceQuorum


def play(patience, arrivals, leavers=(), quorum_of=None):
    """Let clients come at their times; return when the barrier let go, and who was in time."""
    env = simpy.Environment()
    entries = dict.fromkeys([*arrivals, *dict(leavers)], 1)
    crossing = Crossing(env, patience, entries, quorum_of or len(entries))
    let_go = []

    def server():
        crossing.open()
        yield crossing.complete(1)
        let_go.append(env.now)

    def client(number, time_s):
        yield env.timeout(time_s)
        crossing.arrive(number)

    def leaver(number, time_s):
        yield env.timeout(time_s)
        crossing.expect_no_more(number)

    env.process(server())
    for number, time_s in arrivals.items():
        env.process(client(number, time_s))
    for number, time_s in leavers:
        env.process(leaver(number, time_s))
    env.run()
    return let_go, crossing.arrived


@pytest.mark.parametrize(
    ("patience", "let_go_s", "in_time"),
    [
        (PatienceAll(), 9.0, [0, 1, 2]),
        (PatienceDeadline(deadline="5 s"), 5.0, [0, 1]),
        (PatienceDeadline(deadline="20 s"), 9.0, [0, 1, 2]),
        (PatienceDeadline(deadline="1 s"), 2.0, [0]),  # nobody by then: the first
        (PatienceQuorum(share=0.6), 4.0, [0, 1]),
        (PatienceQuorum(share=0.1), 2.0, [0]),
        (PatienceQuorum(share=1.0, deadline="5 s"), 5.0, [0, 1]),
    ],
)
def test_it_lets_go_when_its_patience_says(patience, let_go_s, in_time):
    assert play(patience, {0: 2.0, 1: 4.0, 2: 9.0}) == ([let_go_s], in_time)


def test_who_comes_at_the_very_deadline_is_in_time():
    assert play(PatienceDeadline(deadline="5 s"), {0: 2.0, 1: 5.0, 2: 9.0}) == ([5.0], [0, 1])


def test_it_does_not_wait_for_who_has_left():
    assert play(PatienceAll(), {0: 2.0}, leavers=[(1, 6.0)]) == ([6.0], [0])


def test_with_nobody_left_it_lets_go_of_an_empty_batch():
    assert play(PatienceDeadline(deadline="5 s"), {}, leavers=[(0, 1.0), (1, 3.0)]) == ([3.0], [])


def test_positions_let_go_by_themselves():
    env = simpy.Environment()
    crossing = Crossing(env, PatienceAll(), {0: 1, 1: 2}, 2)
    early, late = crossing.complete(1), crossing.complete(2)
    assert crossing.arrive(0)
    assert early.triggered
    assert not late.triggered
    assert crossing.arrive(1)
    assert late.triggered


def test_who_comes_after_it_closed_is_told_so():
    crossing = Crossing(simpy.Environment(), PatienceQuorum(share=0.5), {0: 1, 1: 1}, 2)
    assert crossing.arrive(0)
    assert not crossing.arrive(1)
