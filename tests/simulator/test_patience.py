"""Patience, the clients of a round, and what FedGAN's options allow together."""

import math

import pytest
from pydantic import ValidationError
from tiny_strategies import WHOLE

from scenarios.load import ScenarioError
from simulator import registry
from simulator.strategies.fedgan.aggregation import ConstantStaleness, HingeStaleness, PolynomialStaleness
from simulator.strategies.fedgan.options import FedganOptions
from simulator.strategies.patience import PatienceAll, PatienceDeadline, PatienceQuorum, sampled
from simulator.streams import Streams


def test_patience_for_all_needs_everybody_however_long_it_takes():
    one = PatienceAll()
    assert (one.needed(7), one.longest_s, one.lossless) == (7, math.inf, True)


def test_a_deadline_needs_everybody_until_then():
    one = PatienceDeadline(deadline="2 s")
    assert (one.needed(7), one.longest_s, one.lossless) == (7, 2.0, False)


def test_a_quorum_needs_a_share_rounded_up_and_one_at_least():
    one = PatienceQuorum()
    assert (one.share, one.longest_s, one.lossless) == (0.8, math.inf, False)
    assert [one.needed(parties) for parties in (1, 2, 4, 5, 10, 11)] == [1, 2, 4, 4, 8, 9]
    # 0.7 x 10 is 7.000000000000001 in floating point, and means seven.
    assert PatienceQuorum(share=0.7).needed(10) == 7
    assert PatienceQuorum(share=0.01).needed(10) == 1
    assert PatienceQuorum(share=1.0, deadline="500 ms").longest_s == 0.5


def test_a_share_of_one_draws_nobody_out():
    assert sampled(Streams(0), (4, 0, 2), 1.0, 5) == (0, 2, 4)


def test_a_share_is_drawn_to_the_nearest_number_and_one_at_least():
    clients = tuple(range(10, 20))
    counts = [len(sampled(Streams(0), clients, share, 0)) for share in (0.01, 0.14, 0.15, 0.5, 0.96)]
    assert counts == [1, 1, 2, 5, 10]


def test_the_same_clients_are_drawn_whoever_asks_and_others_in_other_rounds():
    clients = tuple(range(20))
    drawn = [sampled(Streams(3), clients, 0.4, round_) for round_ in range(50)]
    assert drawn == [sampled(Streams(3), clients, 0.4, round_) for round_ in range(50)]
    assert len(set(drawn)) > 40
    assert all(one == tuple(sorted(set(one))) and set(one) <= set(clients) for one in drawn)
    counts = [sum(client in one for one in drawn) for client in clients]
    assert min(counts) > 5  # 20 of 50 on average
    assert drawn != [sampled(Streams(4), clients, 0.4, round_) for round_ in range(50)]


def test_staleness_by_hand():
    assert [ConstantStaleness().factor(age) for age in (0, 3, 100)] == [1.0, 1.0, 1.0]
    polynomial = PolynomialStaleness()
    assert [polynomial.factor(age) for age in (0, 3, 8)] == pytest.approx([1.0, 1 / 2, 1 / 3], rel=1e-15)
    assert PolynomialStaleness(exponent=2).factor(2) == pytest.approx(1 / 9)
    hinge = HingeStaleness()
    assert [hinge.factor(age) for age in (0, 4, 5, 6)] == pytest.approx([1.0, 1.0, 1 / 11, 1 / 21])
    assert HingeStaleness(a=0.5, b=1).factor(5) == pytest.approx(1 / 3)


def test_every_staleness_counts_fresh_work_fully_and_old_work_no_more_than_newer():
    for one in (ConstantStaleness(), PolynomialStaleness(exponent=0.7), HingeStaleness(a=2, b=3)):
        factors = [one.factor(age) for age in range(20)]
        assert factors[0] == 1.0
        assert factors == sorted(factors, reverse=True)
        assert factors[-1] > 0


def load(tmp_path, *lines: str):
    path = tmp_path / "s.yaml"
    path.write_text(WHOLE.replace("NAME", "fedgan"))
    return registry.load(str(path), [f"strategy.{line}" for line in lines]).scenario.strategy


@pytest.mark.parametrize(
    ("lines", "jobs", "lossless"),
    [
        ((), False, True),
        (("patience={kind: all}", "aggregation={kind: sync}"), False, True),
        (("client_share=0.5",), True, True),
        (("patience={kind: deadline, deadline: 2 s}",), True, False),
        (("patience={kind: quorum}", "client_share=0.5"), True, False),
        (("aggregation={kind: fedasync}",), True, False),
        (("aggregation={kind: fedbuff}",), True, False),
    ],
)
def test_what_loses_nothing_and_what_works_by_jobs(tmp_path, lines, jobs, lossless):
    options = load(tmp_path, *lines)
    assert (options.by_jobs, options.is_lossless()) == (jobs, lossless)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (
            ("aggregation={kind: fedasync}", "patience={kind: deadline, deadline: 2 s}"),
            r"strategy\.patience\.kind: patience deadline with aggregation fedasync, whose server waits for nobody; "
            "allowed here: all",
        ),
        (
            ("aggregation={kind: fedbuff}", "client_share=0.5"),
            r"strategy\.client_share: 0\.5 with aggregation fedbuff, which draws no clients for rounds; "
            r"allowed here: 1\.0",
        ),
        (
            ("patience={kind: quorum}", "init=independent"),
            r"strategy\.init: independent, but every job begins with the networks of the server; allowed here: common",
        ),
        (
            ("patience={kind: deadline}",),
            r"strategy\.patience\.deadline: missing; required: text such as '2 s'",
        ),
        (("patience={kind: deadline, deadline: 0 s}",), r"strategy\.patience\.deadline: "),
        (("patience={kind: quorum, share: 0}",), r"strategy\.patience\.share: 0; allowed: a number above 0"),
        (("patience={kind: quorum, share: 1.5}",), r"strategy\.patience\.share: 1\.5; allowed: .* at most 1"),
        (("patience={kind: quorun}",), r"strategy\.patience\.kind: .*quorum"),
        (("client_share=0",), r"strategy\.client_share: 0; allowed: a number above 0"),
        (("aggregation={kind: fedasinc}",), r"strategy\.aggregation\.kind: .*fedasync"),
        (("aggregation={kind: fedasync, mixing: 2}",), r"strategy\.aggregation\.mixing: 2; allowed"),
        (("aggregation={kind: fedasync, buffer: 2}",), r"strategy\.aggregation\.buffer: unknown key"),
        (
            ("aggregation={kind: fedbuff, staleness: {kind: hinge, a: -1}}",),
            r"strategy\.aggregation\.staleness\.a: -1; allowed: a number of at least 0",
        ),
        (("aggregation={kind: fedbuff, buffer: 0}",), r"strategy\.aggregation\.buffer: 0; allowed"),
        (
            ("aggregation={kind: fedasync, merges_per_round: 0}",),
            r"strategy\.aggregation\.merges_per_round: 0; allowed",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_its_key(tmp_path, lines, says):
    with pytest.raises(ScenarioError, match=says):
        load(tmp_path, *lines)


def test_defaults_are_the_papers():
    fedasync = FedganOptions(aggregation={"kind": "fedasync"}).aggregation
    assert (fedasync.mixing, fedasync.staleness.kind, fedasync.merges_per_round) == (0.6, "constant", None)
    fedbuff = FedganOptions(aggregation={"kind": "fedbuff"}).aggregation
    assert (fedbuff.buffer, fedbuff.server_rate) == (10, 1.0)
    assert fedbuff.staleness == PolynomialStaleness(exponent=0.5)
    assert FedganOptions(aggregation={}).aggregation.kind == "sync"
    assert FedganOptions(patience={}).patience.kind == "all"


def test_what_the_log_tells_is_no_fact_of_a_training_and_old_keys_hold():
    plain = FedganOptions().training_options()
    assert set(plain) == {"name", "local_epochs", "steps_per_round", "batch_size", "learning_rate", "init"}
    assert FedganOptions(client_share=0.5, patience={"kind": "quorum"}).training_options() == plain
    mixed = FedganOptions(aggregation={"kind": "fedasync"}).training_options()
    assert mixed["aggregation"]["mixing"] == 0.6


def test_options_are_frozen():
    with pytest.raises(ValidationError):
        PatienceQuorum().share = 0.5
