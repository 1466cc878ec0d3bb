"""Cuts chosen anew at the end of a round: when, for whom, what it costs, and what changes hands."""

import pytest

from analysis.records import Recorder
from devices.fleet import SERVER_ID, Device, Fleet
from simulator import registry
from simulator.commits import CommitLog, NullLearner
from simulator.event_scoring import iteration_seconds
from simulator.planning import make_plan
from simulator.reselection import Reselector, _part
from simulator.setting import make_setting
from simulator.staging import stage

SLOW_AND_FAST = """\
devices:
  server: paper-server
  clients: [{profile: paper-1}, {profile: paper-3}, {profile: paper-2}, {profile: paper-7}]
  order: listed
data: {domains: [{dataset: mnist5k}]}
model: {width: 8}
strategy: {rounds: 3, steps_per_round: 1, patience: {kind: deadline, deadline: 10 s}}
cuts: {selector: greedy, reselect: {when: fleet_changes, least_gain: 0, per_evaluation: 1 ms}}
"""
EVERYBODY = (0, 1, 2, 3)
WITHOUT_THE_SLOW = (1, 2, 3)


@pytest.fixture
def plan_of(tmp_path):
    def make(*overrides, text=SLOW_AND_FAST):
        path = tmp_path / "some.yaml"
        path.write_text(text)
        return make_plan(make_setting(registry.load(str(path), overrides)))

    return make


def test_where_nobody_asks_for_it_cuts_stay(plan_of):
    plan = plan_of("cuts={selector: greedy}")
    assert Reselector(plan).at_round_end(plan, WITHOUT_THE_SLOW) is None


def test_where_others_are_there_than_at_the_last_choice_cuts_are_chosen(plan_of):
    plan = plan_of()
    reselector = Reselector(plan)
    assert reselector.at_round_end(plan, EVERYBODY) is None
    assert reselector.at_round_end(plan, (3, 1, 2)) is not None
    assert reselector.at_round_end(plan, WITHOUT_THE_SLOW) is None
    assert reselector.at_round_end(plan, EVERYBODY) is not None
    assert reselector.at_round_end(plan, ()) is None


def test_after_every_round_they_are_chosen_and_the_search_is_charged_though_nothing_changes(plan_of):
    plan = plan_of("cuts.reselect.when=every_round")
    reselector = Reselector(plan)
    for _ in range(2):
        found = reselector.at_round_end(plan, EVERYBODY)
        assert found.plan is None
        assert found.gains == {}
        rate = plan.setting.fleet.server.profile.rate_flops_per_s
        assert found.search.flops / rate == pytest.approx(1e-3 * plan.selection.evaluations)


def test_those_that_are_there_get_the_cuts_of_a_fleet_of_their_own_and_the_others_keep_theirs(plan_of):
    plan = plan_of()
    found = Reselector(plan).at_round_end(plan, WITHOUT_THE_SLOW)
    alone = plan_of(text=SLOW_AND_FAST.replace("{profile: paper-1}, ", ""))
    assert plan.batches == found.plan.batches
    assert found.plan.cuts == (plan.cuts[0], *alone.cuts)
    assert found.plan.cuts != plan.cuts
    assert found.plan.closed_form().latency_s >= plan.closed_form().latency_s * (1 - 1e-12)


CROWDED = """\
devices:
  server: {profile: paper-server, uplink: 5 MB/s, downlink: 5 MB/s}
  clients: [{profile: paper-1, count: 3}, {profile: paper-3, count: 3}]
  order: listed
data: {domains: [{dataset: mnist5k}]}
network: {model: maxmin, topology: {kind: cells, cells: 2, uplink: 9 MB/s, downlink: 9 MB/s}}
model: {width: 8}
strategy: {rounds: 3, steps_per_round: 1, patience: {kind: deadline, deadline: 10 min}}
cuts: {selector: local_search, score: events, max_evaluations: 60, reselect: {least_gain: 0, when: every_round}}
"""


@pytest.mark.parametrize("there", [(0, 1, 2, 3, 4, 5), (0, 2, 3, 5)])
def test_cuts_that_were_scored_by_events_are_scored_by_events_again(plan_of, there):
    plan = plan_of(text=CROWDED)
    found = Reselector(plan).at_round_end(plan, there)
    new = found.plan.cuts if found.plan is not None else plan.cuts
    part = _part(plan.setting, there)
    before_s, after_s = (
        iteration_seconds(part, [cuts[client] for client in there]) for cuts in (plan.cuts, new)
    )
    assert after_s <= before_s * (1 + 1e-12)


def test_a_part_of_a_fleet_keeps_its_places(plan_of):
    plan = plan_of(text=CROWDED)
    there = (1, 2, 5)
    whole, fleet = plan.setting.network, plan.setting.fleet
    some = whole.of_some(
        Fleet(fleet.server, tuple(Device(i, fleet.clients[c].profile) for i, c in enumerate(there))), there
    )
    first_inner = {
        network: len(network.topology.links) - len(network.topology.inner_links) for network in (some, whole)
    }

    def inner(network, source, target):
        return [link - first_inner[network] for link in network.way(source, target).links[1:-1]]

    for number, client in enumerate(there):
        assert inner(some, number, SERVER_ID) == inner(whole, client, SERVER_ID) != []
        assert inner(some, SERVER_ID, number) == inner(whole, SERVER_ID, client)
        assert some.pace(number, SERVER_ID) == whole.pace(client, SERVER_ID)


def test_what_saves_too_little_is_not_worth_it(plan_of):
    plan = plan_of("cuts.reselect.least_gain=0.999")
    found = Reselector(plan).at_round_end(plan, WITHOUT_THE_SLOW)
    assert found.plan is None
    assert found.search.flops > 0


@pytest.fixture
def back(plan_of):
    """A plan whose cuts were chosen while the slow client was away, and what its return brings."""
    plan = plan_of()
    reselector = Reselector(plan)
    without = reselector.at_round_end(plan, WITHOUT_THE_SLOW).plan
    return plan, without, reselector.at_round_end(without, EVERYBODY)


def test_clients_are_sent_the_blocks_they_get_and_nothing_for_those_they_give(back):
    plan, without, found = back
    assert found.plan.cuts == plan.cuts
    costs = plan.setting.costs
    for client in EVERYBODY:
        old, new = without.cuts[client], found.plan.cuts[client]
        got = [
            chain.blocks[index]
            for chain, had, has in (
                (costs.generator, (old.g_head, old.g_tail), (new.g_head, new.g_tail)),
                (costs.discriminator, (old.d_head, old.d_tail), (new.d_head, new.d_tail)),
            )
            for index in held_numbers(chain.length, *has) - held_numbers(chain.length, *had)
        ]
        wanted = sum(block.parameter_bytes + block.statistics_bytes for block in got)
        assert sum(n_bytes for _, n_bytes in found.gains.get(client, ())) == wanted
    assert found.gains


def held_numbers(length, head, tail):
    return {*range(head), *range(length - tail, length)}


def play(plan):
    recorder = Recorder(plan.setting.fleet, phases=plan.phases)
    world = stage(plan.setting, recorder)
    log = CommitLog(lambda: world.now_s, NullLearner())
    world.play(registry.STRATEGIES["huscf_gan"].load_protocol()(world, plan, log))
    return [entry.commit for entry in log.entries], recorder.tables()


def test_in_a_run_new_cuts_cost_time_and_bytes_and_hold_from_then_on(plan_of, back):
    begun, without, found = back
    gone_s = begun.closed_form().latency_s + begun.aggregation_seconds() / 2
    searched_s = found.search.flops / begun.setting.fleet.server.profile.rate_flops_per_s
    # Away as the first round ends, and there again while the server still searches.
    back_s = gone_s + begun.aggregation_seconds() / 2 + searched_s / 2
    plan = plan_of(f"disturbances={{outages: [{{what: client-0, from: {gone_s!r} s, until: {back_s!r} s}}]}}")
    commits, tables = play(plan)
    recuts = [commit for commit in commits if commit.kind == "recut"]
    assert [(one.clients, one.info["round"]) for one in recuts] == [(EVERYBODY, 0), (EVERYBODY, 1)]
    for one, chosen in zip(recuts, (without, begun), strict=True):
        assert one.info["cuts"] == [list(cut.as_tuple()) for cut in chosen.cuts]
    # The server searches after the averages have gone out, and only then blocks change hands.
    sent = tables["transfers"]
    downs = sent[(sent["source"] == "server") & (sent["round"] == 1)]
    downs = downs[downs["kind"].isin(["parameters", "statistics"])]
    recut_s = recuts[1].time_s
    averages, blocks = downs[downs["start_s"] < recut_s], downs[downs["start_s"] >= recut_s]
    assert recut_s == pytest.approx(averages["end_s"].max() + searched_s)
    wanted = {f"client-{client}": sum(n for _, n in payload) for client, payload in found.gains.items()}
    assert blocks.groupby("target")["bytes"].sum().to_dict() == wanted
    # The messages of a round are those of the cuts that were chosen before it.
    for round_, used in ((0, begun), (1, without), (2, begun)):
        for client in WITHOUT_THE_SLOW:
            visits = used.legs[client].visits
            both_ways = sum(visit.up.n_bytes + visit.down.n_bytes for visit in visits)
            assert exchanged(sent, round_, f"client-{client}") == both_ways


def exchanged(sent, round_, name):
    """Bytes of activations and gradients that a client sent and got in a round."""
    own = sent[(sent["round"] == round_) & sent["kind"].isin(["activation", "gradient"])]
    return own[(own["source"] == name) | (own["target"] == name)]["bytes"].sum()


def test_in_a_run_that_waits_for_everybody_new_cuts_hold_too(plan_of):
    one = plan_of("strategy.patience={kind: all}")
    after_s = one.closed_form().latency_s + one.aggregation_seconds()
    # It is away as the first round ends and is back for the second.
    plan = plan_of(
        "strategy.patience={kind: all}",
        f"disturbances={{outages: [{{what: client-0, from: {after_s - 1e-6!r} s, until: {2 * after_s!r} s}}]}}",
        "cuts.reselect.per_evaluation=1 us",
    )
    commits, _ = play(plan)
    kinds = [(commit.kind, commit.info["round"]) for commit in commits if commit.kind != "evaluate"]
    assert kinds.count(("recut", 0)) <= 1
    assert [commit.clients for commit in commits if commit.kind == "iteration"] == [EVERYBODY] * 3
