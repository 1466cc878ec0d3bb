"""FedGAN job by job in simulated time: who gets a job when, who is in time, who is lost, who is merged."""

from collections import Counter
from functools import partial

import pytest
from played_jobs import plan_of_jobs, play_jobs

from analysis.runs import RunError
from scenarios.load import ScenarioError
from simulator.strategies.patience import sampled

THREE = "[{profile: paper-1}, {profile: paper-2}, {profile: paper-3}]"
"""A job takes them 41.91, 6.10 and 0.97 ms; the slowest downloads for 8.78 ms, and a step is 12.18 ms."""

ALIKE = "[{profile: paper-1, count: 4}]"
STEPS = 2


@pytest.fixture
def laid(tmp_path):
    return partial(plan_of_jobs, tmp_path)


def patience(text: str) -> str:
    return f"strategy.patience={{{text}}}"


def outage(what: str, from_ms: float, until_ms: float | None = None) -> str:
    until = "" if until_ms is None else f", until: {until_ms} ms"
    return f"{{what: {what}, from: {from_ms} ms{until}}}"


def outages(*found: str) -> str:
    return f"disturbances={{outages: [{', '.join(found)}]}}"


def cycles_s(plan) -> list[float]:
    return [compute_s + exchange_s for compute_s, exchange_s in plan.job_seconds()]


def told(commits):
    return [(commit.kind, commit.clients) for commit in commits]


def test_in_time_everybody_is_averaged_with_the_slowest(laid):
    plan = laid(THREE, patience("kind: deadline, deadline: 1 s"))
    run = play_jobs(plan)
    rounds = [("dispatch", (k,)) for k in range(3)] + [("aggregate", (0, 1, 2)), ("evaluate", (0, 1, 2))]
    assert told(run.commits("dispatch", "aggregate", "evaluate")) == [("evaluate", (0, 1, 2)), *rounds * 3]
    slowest = max(cycles_s(plan))
    ends = [commit.time_s for commit in run.commits("aggregate")]
    assert ends == pytest.approx([slowest, 2 * slowest, 3 * slowest], rel=1e-12)
    assert plan.closed_form().latency_s == pytest.approx(slowest, rel=1e-12)
    first = [(c.info["job"], c.info["version"], c.info["first_step"]) for c in run.commits("dispatch")]
    assert first == [(job, job // 3, STEPS * (job // 3)) for job in range(9)]
    rows = run.tables["iterations"]
    assert rows["iteration"].tolist() == [0, 1, 2]
    assert rows["end_s"].tolist() == ends
    assert rows["start_s"].tolist() == [0.0, *ends[:2]]


def test_who_is_late_is_lost_when_its_job_ends_and_free_for_the_round_that_begins_then(laid):
    plan = laid(THREE, patience("kind: deadline, deadline: 20 ms"), "strategy.rounds=8")
    run = play_jobs(plan)
    averaged = run.commits("aggregate")
    assert averaged[0].time_s == 0.02
    # Client 0 is late in the first round; the other two are alone in the next ones, which they end by themselves.
    (late,) = run.commits("lost")[:1]
    assert late.clients == (0,)
    assert late.time_s == pytest.approx(cycles_s(plan)[0], rel=1e-12)
    assert (late.info["job"], late.info["steps"]) == (0, STEPS)
    after = [commit for commit in averaged if commit.time_s < late.time_s]
    assert [commit.clients for commit in after] == [(1, 2)] * len(after)
    own = [commit for commit in run.commits("dispatch") if commit.clients == (0,)]
    assert own[1].time_s >= late.time_s
    assert own[1].info["first_step"] == STEPS
    assert late.info["round"] == max(
        c.info["round"] for c in run.commits("dispatch") if c.time_s <= late.time_s
    )


def test_without_the_late_a_round_ends_when_all_others_have_come(laid):
    run = play_jobs(laid(THREE, patience("kind: deadline, deadline: 20 ms"), "strategy.rounds=2"))
    # In the second round client 0 is busy: nobody waits for it, nor for the deadline.
    second = run.commits("aggregate")[1]
    assert second.clients == (1, 2)
    assert second.time_s == pytest.approx(0.02 + cycles_s(run.plan)[1], rel=1e-12)


def test_who_comes_just_at_the_deadline_is_in_time(laid):
    exact = play_jobs(laid(THREE, patience("kind: deadline, deadline: 1 s"))).commits("aggregate")[0].time_s
    for deadline_s, averaged in ((exact, (0, 1, 2)), (exact * (1 - 1e-9), (1, 2))):
        run = play_jobs(
            laid(THREE, patience(f"kind: deadline, deadline: {deadline_s!r} s"), "strategy.rounds=1")
        )
        (commit,) = run.commits("aggregate")
        assert (commit.clients, commit.time_s) == (averaged, deadline_s)


def test_if_nobody_has_come_by_the_deadline_the_first_is_enough(laid):
    run = play_jobs(laid(THREE, patience("kind: deadline, deadline: 1 us"), "strategy.rounds=1"))
    (commit,) = run.commits("aggregate")
    assert commit.clients == (2,)
    assert commit.time_s == pytest.approx(min(cycles_s(run.plan)), rel=1e-12)


def test_a_quorum_goes_on_with_its_share(laid):
    run = play_jobs(laid(THREE, patience("kind: quorum, share: 0.5"), "strategy.rounds=1"))
    (commit,) = run.commits("aggregate")
    assert commit.clients == (1, 2)  # two of three
    assert commit.time_s == pytest.approx(sorted(cycles_s(run.plan))[1], rel=1e-12)


def test_a_quorum_may_have_a_deadline(laid):
    run = play_jobs(laid(THREE, patience("kind: quorum, share: 1, deadline: 3 ms"), "strategy.rounds=1"))
    (commit,) = run.commits("aggregate")
    assert (commit.clients, commit.time_s) == ((2,), 0.003)


def test_all_that_come_at_one_moment_are_in_time(laid):
    run = play_jobs(laid(ALIKE, patience("kind: quorum, share: 0.25"), "strategy.rounds=1"))
    assert [commit.clients for commit in run.commits("aggregate")] == [(0, 1, 2, 3)]


def test_clients_are_drawn_for_every_round_and_each_counts_its_own_steps(laid):
    plan = laid(ALIKE, "strategy.client_share=0.5", "strategy.rounds=8")
    run = play_jobs(plan)
    assert run.commits("lost", "rejoin", "merge") == []
    done: Counter[int] = Counter()
    for round_, commit in enumerate(run.commits("aggregate")):
        drawn = sampled(plan.setting.streams, plan.clients, 0.5, round_)
        assert commit.clients == drawn
        own = [one for one in run.commits("dispatch") if one.info["round"] == round_]
        assert tuple(one.clients[0] for one in own) == drawn
        assert [one.info["first_step"] for one in own] == [done[client] for client in drawn]
        done.update(dict.fromkeys(drawn, STEPS))
    assert len(set(done.values())) > 1


def test_with_patience_for_all_a_drawn_client_is_waited_for_and_loses_nothing(laid):
    away = outages(outage("client-2", 0, 100))
    run = play_jobs(laid(THREE, "strategy.client_share=0.9", away, "strategy.rounds=2"))
    calm = play_jobs(laid(THREE, "strategy.client_share=0.9", "strategy.rounds=2"))
    assert told(run.commits("dispatch", "aggregate")) == told(calm.commits("dispatch", "aggregate"))
    assert [dict(one.commit.info) for one in run.entries] == [dict(one.commit.info) for one in calm.entries]
    first = run.commits("aggregate")[0]
    assert first.time_s == pytest.approx(0.1 + cycles_s(run.plan)[2], rel=1e-12)


def test_who_is_away_when_a_round_begins_gets_no_job(laid):
    away = outages(outage("client-1", 0, 3))
    run = play_jobs(laid(THREE, patience("kind: deadline, deadline: 20 ms"), away))
    called = [one.clients[0] for one in run.commits("dispatch") if one.info["round"] == 0]
    assert called == [0, 2]
    assert [one.clients for one in run.commits("aggregate")][:2] == [(2,), (1, 2)]


@pytest.mark.parametrize(
    ("left_ms", "steps"),
    [(5, 0), (15, 0), (25, 1), (35, 2)],
    ids=["download", "first step", "second step", "upload"],
)
def test_who_leaves_loses_its_job_and_keeps_the_steps_that_were_done(laid, left_ms, steps):
    away = outages(outage("client-0", left_ms, left_ms + 1))
    run = play_jobs(laid(THREE, patience("kind: deadline, deadline: 50 ms"), away))
    lost = run.commits("lost")[0]
    assert lost.clients == (0,)
    assert lost.time_s == pytest.approx(left_ms / 1e3)
    assert dict(lost.info) == {"round": 0, "job": 0, "steps": steps}
    first = run.commits("aggregate")[0]
    assert first.clients == (1, 2)  # no job is worked on any more: the server does not wait for its deadline
    assert first.time_s == pytest.approx(max(left_ms / 1e3, sorted(cycles_s(run.plan))[1]))
    again = [one for one in run.commits("dispatch") if one.clients == (0,)][1]
    assert again.info["first_step"] == steps
    transfers, devices = run.tables["transfers"], run.tables["devices"]
    torn = transfers[transfers["lost_bytes"] > 0]
    ways = {5: {("server", "client-0")}, 35: {("client-0", "server")}}
    assert set(zip(torn["source"], torn["target"], strict=True)) == ways.get(left_ms, set())
    own = devices[devices["device"] == "client-0"]
    assert (own["lost_flops"].sum() > 0) == (left_ms in (15, 25))
    assert run.commits("rejoin") == []


def test_where_state_is_reset_who_was_away_rejoins_and_its_steps_are_gone(laid):
    away = outages(outage("client-0", 25, 26), outage("client-1", 10, 11))
    reset = "availability={model: always, rejoin: reset}"
    run = play_jobs(laid(THREE, patience("kind: deadline, deadline: 50 ms"), away, reset))
    lost = run.commits("lost")[0]
    assert dict(lost.info) == {"round": 0, "job": 0, "steps": 0}
    again = [one for one in run.commits("dispatch") if one.clients == (0,)][1]
    assert again.info["first_step"] == 1  # what was drawn is drawn
    # Client 1 was away between two jobs: it has lost its optimisers too.
    assert [one.clients for one in run.commits("rejoin")] == [(1,), (0,)]
    for rejoined in run.commits("rejoin"):
        after = run.entries[rejoined.seq + 1].commit
        assert (after.kind, after.clients, after.time_s) == ("dispatch", rejoined.clients, rejoined.time_s)


def test_a_server_that_finds_nobody_waits_for_whoever_comes_and_draws_among_those(laid):
    everybody = [outage(f"client-{k}", 0, until) for k, until in enumerate((90, 50, 60))]
    run = play_jobs(laid(THREE, patience("kind: deadline, deadline: 1 ms"), outages(*everybody)))
    first = run.commits("dispatch")[0]
    assert (first.clients, first.time_s) == ((1,), 0.05)
    assert run.commits("aggregate")[0].clients == (1,)


def test_where_all_jobs_were_broken_off_others_are_handed_out_in_the_same_round(laid):
    away = outages(*(outage(f"client-{k}", 0.5, 5 + k) for k in range(3)))
    run = play_jobs(laid(THREE, patience("kind: quorum"), away, "strategy.rounds=1"))
    lost = run.commits("lost")
    assert sorted(one.clients[0] for one in lost[:3]) == [0, 1, 2]
    assert {one.time_s for one in lost[:3]} == {0.0005}
    (commit,) = run.commits("aggregate")
    assert commit.info["round"] == 0
    second = [one for one in run.commits("dispatch") if one.info["job"] >= 3]
    assert second[0].time_s == pytest.approx(0.005)
    assert commit.clients == (0,)


def test_an_absent_server_breaks_all_jobs_off_and_begins_again(laid):
    away = outages(outage("server", 0.5, 7))
    for mode in (patience("kind: quorum"), "strategy.aggregation={kind: fedasync}"):
        run = play_jobs(laid(THREE, mode, away, "strategy.rounds=1"))
        lost = run.commits("lost")
        assert [one.clients for one in lost] == [(0,), (1,), (2,)]
        assert [one.time_s for one in lost[:2]] == [0.0005] * 2
        # Client 2 has its networks by then: it computes on, and finds nobody to send them to.
        assert lost[2].time_s > 0.0005
        assert [one.info["steps"] for one in lost] == [0, 0, STEPS]
        second = [one.time_s for one in run.commits("dispatch") if one.info["job"] in (3, 4, 5)]
        assert second == pytest.approx([0.007] * 3)


def test_who_never_comes_back_is_not_waited_for(laid):
    away = outages(outage("client-1", 1))
    for mode in (patience("kind: deadline, deadline: 1 s"), "strategy.aggregation={kind: fedasync}"):
        run = play_jobs(laid(THREE, mode, away, "strategy.rounds=4"))
        assert (1,) in [one.clients for one in run.commits("lost")]
        assert all(1 not in one.clients for one in run.commits("aggregate", "merge"))


def test_a_run_whose_clients_are_all_gone_for_good_says_so(laid):
    gone = outages(*(outage(f"client-{k}", 1) for k in range(3)))
    cut_off = outages(*(outage(f"link client-{k}", 1) for k in range(3)))
    nobody = "no client is left: all have gone for good, or are cut off"
    for away in (gone, cut_off):
        with pytest.raises(RunError, match=nobody):
            play_jobs(laid(THREE, patience("kind: deadline, deadline: 1 s"), away, "strategy.rounds=9"))
        with pytest.raises(RunError, match="nobody is left who could go on"):
            play_jobs(laid(THREE, "strategy.aggregation={kind: fedasync}", away, "strategy.rounds=9"))


def test_asynchronous_clients_go_round_and_round_by_themselves(laid):
    plan = laid(THREE, "strategy.aggregation={kind: fedasync, merges_per_round: 20}", "strategy.rounds=5")
    run = play_jobs(plan)
    merges = run.commits("merge")
    assert len(merges) == 100
    for client, cycle_s in enumerate(cycles_s(plan)):
        own = [one.time_s for one in merges if one.clients == (client,)]
        assert own == pytest.approx([cycle_s * (number + 1) for number in range(len(own))], rel=1e-9)
    assert [one.info["round"] for one in merges] == [number // 20 for number in range(100)]
    assert run.commits("iteration", "aggregate", "lost") == []
    rows = run.tables["iterations"]
    assert rows["end_s"].tolist() == [one.time_s for one in merges]
    assert rows["start_s"].tolist()[1:] == rows["end_s"].tolist()[:-1]
    ended = [one.time_s for one in run.commits("evaluate")[1:]]
    assert ended == [merges[number].time_s for number in range(19, 100, 20)]


@pytest.mark.parametrize(
    ("buffer", "kind"), [(1, "fedasync"), (1, "fedbuff"), (3, "fedbuff"), (7, "fedbuff")]
)
def test_staleness_counts_the_servers_steps_since_the_dispatch(laid, buffer, kind):
    size = f", buffer: {buffer}" if kind == "fedbuff" else ""
    run = play_jobs(laid(THREE, f"strategy.aggregation={{kind: {kind}{size}, merges_per_round: 50}}"))
    version, began = 0, {}
    for number, one in enumerate(run.commits("dispatch", "merge")):
        if one.kind == "dispatch":
            assert one.info["version"] == version
            began[one.info["job"]] = version
        else:
            assert one.info["staleness"] == version - began[one.info["job"]]
            version += one.info["server_step"]
        assert number >= 0
    steps = [one.info["server_step"] for one in run.commits("merge")]
    assert steps == [int((number + 1) % buffer == 0) for number in range(150)]
    assert max(one.info["staleness"] for one in run.commits("merge")) > 0


def test_a_round_of_merges_has_as_many_as_there_are_clients_and_no_more_at_one_moment(laid):
    run = play_jobs(laid(ALIKE, "strategy.aggregation={kind: fedasync}"))
    assert Counter(one.info["round"] for one in run.commits("merge")) == {0: 4, 1: 4, 2: 4}
    uneven = play_jobs(laid(ALIKE, "strategy.aggregation={kind: fedasync, merges_per_round: 3}"))
    assert Counter(one.info["round"] for one in uneven.commits("merge")) == {0: 3, 1: 3, 2: 3}
    assert uneven.entries[-1].commit.kind == "evaluate"


def test_an_asynchronous_client_that_leaves_begins_a_new_job_when_it_is_back(laid):
    away = outages(outage("client-0", 25, 30))
    run = play_jobs(laid(THREE, "strategy.aggregation={kind: fedasync, merges_per_round: 20}", away))
    lost = run.commits("lost")
    assert [(one.clients, one.time_s) for one in lost] == [((0,), 0.025)]
    assert lost[0].info["steps"] == 1
    dispatched = [one for one in run.commits("dispatch") if one.clients == (0,)]
    assert [one.time_s for one in dispatched[:2]] == pytest.approx([0.0, 0.03])
    assert dispatched[1].info["first_step"] == 1
    assert dispatched[1].info["version"] > 20  # the others have gone on


def test_every_device_does_what_its_jobs_say_and_the_accounts_close(laid):
    """Bytes and work of a churning run: what was sent and computed in vain is told."""
    churn = "availability={model: on_off, mean_on: 60 ms, mean_off: 20 ms}"
    for mode in (patience("kind: quorum, share: 0.5"), "strategy.aggregation={kind: fedbuff, buffer: 2}"):
        run = play_jobs(laid(THREE, mode, churn, "strategy.rounds=12"))
        assert run.commits("lost")
        devices = run.tables["devices"]
        parts = devices[["compute_s", "transfer_s", "wait_s", "off_s"]]
        assert parts.sum(axis=1).tolist() == pytest.approx(devices["elapsed_s"].tolist(), rel=1e-9)
        transfers = run.tables["transfers"]
        assert (transfers["lost_bytes"] <= transfers["bytes"]).all()
        assert transfers["lost_bytes"].sum() > 0


def test_memory_of_servers_and_clients_of_jobs(laid):
    plain = laid(THREE)
    both = plain.server_memory_bytes() // 2
    for mode, stored, kept in (
        (patience("kind: quorum"), 3, 0),  # its own, the sum of what has come, what comes
        ("strategy.aggregation={kind: fedasync}", 2, 0),  # its own, what comes
        ("strategy.aggregation={kind: fedbuff, buffer: 2}", 3, both),  # and a client keeps what it began with
    ):
        plan = laid(THREE, mode)
        assert plan.server_memory_bytes() == stored * both
        assert plan.memory_bytes() == tuple(one + kept for one in plain.memory_bytes())


def test_what_an_iteration_is(laid):
    for mode, kind, count in (
        ("seed=0", "iteration", STEPS),
        ("strategy.client_share=0.5", "aggregate", 1),
        ("strategy.aggregation={kind: fedasync}", "merge", 3),
        ("strategy.aggregation={kind: fedbuff, merges_per_round: 7}", "merge", 7),
    ):
        plan = laid(THREE, mode)
        assert (plan.final_kind, plan.iterations_per_round) == (kind, count)
        run = play_jobs(plan)
        assert len(run.tables["iterations"]) == len(run.commits(kind)) == 3 * count


def test_where_all_that_were_drawn_are_away_others_are_drawn_at_once(laid):
    # Whoever is drawn of four, three of them are away for a second, and the fourth is there.
    for there in range(4):
        gone = [outage(f"client-{client}", 0, 1000) for client in range(4) if client != there]
        plan = laid(
            ALIKE, patience("kind: deadline, deadline: 1 s"), "strategy.client_share=0.25", outages(*gone)
        )
        (first, *_) = play_jobs(plan).commits("aggregate")
        assert first.clients == (there,)
        assert first.time_s == pytest.approx(cycles_s(plan)[there], rel=1e-12)


def test_a_deadline_counts_from_the_moment_jobs_are_handed_out(laid):
    away = outages(*(outage(f"client-{client}", 0, 5000) for client in range(3)))
    plan = laid(THREE, patience("kind: deadline, deadline: 1 s"), "strategy.rounds=1", away)
    (commit,) = play_jobs(plan).commits("aggregate")
    assert commit.clients == (0, 1, 2)
    assert commit.time_s == pytest.approx(5.0 + max(cycles_s(plan)), rel=1e-12)


def test_a_deadline_before_the_first_arrival_has_no_second_jobs_handed_out(laid):
    run = play_jobs(laid(THREE, patience("kind: deadline, deadline: 1 us"), "strategy.rounds=1"))
    assert Counter(commit.clients for commit in run.commits("dispatch")) == {(k,): 1 for k in range(3)}


def test_a_quorum_is_a_share_of_those_that_were_called(laid):
    plan = laid(
        ALIKE, patience("kind: quorum, share: 0.6"), outages(outage("client-1", 0), outage("client-3", 0))
    )
    assert {commit.clients for commit in play_jobs(plan).commits("aggregate")} == {(0, 2)}


def test_who_is_cut_off_for_good_gets_no_other_job_while_others_may_come_back(laid):
    away = [outage(f"client-{client}", 0, 60_000) for client in (0, 2)]
    plan = laid(
        THREE,
        patience("kind: deadline, deadline: 5 ms"),
        "strategy.rounds=2",
        outages(*away, outage("link client-1 up", 0)),
    )
    run = play_jobs(plan)
    assert [commit.clients for commit in run.commits("dispatch") if 1 in commit.clients] == [(1,)]
    assert all(commit.time_s > 60.0 and 1 not in commit.clients for commit in run.commits("aggregate"))


def test_an_asynchronous_client_that_is_cut_off_begins_no_other_job(laid):
    cut = outages(outage("link client-1 up", 0))
    run = play_jobs(laid(THREE, "strategy.aggregation={kind: fedasync}", cut))
    assert Counter(commit.clients for commit in run.commits("dispatch"))[(1,)] == 1
    assert (1,) not in {commit.clients for commit in run.commits("merge")}


@pytest.mark.parametrize(("buffer", "fits"), [(9, True), (10, False)])
def test_a_buffer_that_is_never_full_is_refused(laid, buffer, fits):
    overrides = (THREE, f"strategy.aggregation={{kind: fedbuff, buffer: {buffer}}}")
    if fits:
        assert laid(*overrides).rounds == 3
        return
    with pytest.raises(ScenarioError, match="10 jobs a step, and the run merges 9 in all"):
        laid(*overrides)
