"""The ledger: every strategy declares what it sends, HuSCF-GAN sends neither image nor label, and runs say so."""

import json

import pandas as pd
import pytest
from tiny_strategies import STRATEGY_SCENARIOS
from tiny_world import domains, make_learner, make_plan, play_run

from analysis.summary import describe
from simulator import run
from simulator.commits import NullLearner
from simulator.ledger import Disclosure, UndeclaredPayloadError, ledger, ledger_facts, role_of
from simulator.registry import STRATEGIES

TIMED = """\
name: timed
devices: {server: server-small, clients: [{profile: phone-2024, count: 2}]}
model: {width: 2}
strategy: {rounds: 1, steps_per_round: 1, batch_size: 4}
execution: {training: false}
"""


def sent_by(played):
    """Every kind, sender and receiver, by role, of which a run has sent a byte."""
    table = played.tables["transfers"]
    ways = zip(table["kind"], table["source"].map(role_of), table["target"].map(role_of), strict=True)
    return {tuple(map(str, way)) for way, n_bytes in zip(ways, table["bytes"], strict=True) if n_bytes > 0}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_declares_exactly_what_its_tiny_run_sends(name, tmp_path):
    text, overrides = STRATEGY_SCENARIOS[name]
    played = play_run(make_plan(tmp_path, domains(), *overrides, text=text), NullLearner())
    reveals = STRATEGIES[name].reveals
    declared = [(str(one.kind), one.sender, one.receiver) for one in reveals]
    assert len(declared) == len(set(declared))
    assert set(declared) == sent_by(played)
    lines = ledger(played.tables["transfers"], reveals)
    assert [one.disclosure for one in lines] == list(reveals)
    assert sum(one.n_bytes for one in lines) == pytest.approx(played.tables["transfers"]["bytes"].sum())


def test_huscf_gan_sends_no_image_and_no_label_and_talks_to_the_server_alone(tmp_path):
    text, overrides = STRATEGY_SCENARIOS["huscf_gan"]
    data = domains()
    plan = make_plan(tmp_path, data, *overrides, text=text)
    sent = sent_by(play_run(plan, make_learner(plan, data)))
    kinds = {"activation", "gradient", "parameters", "statistics", "control"}
    assert {kind for kind, _, _ in sent} <= kinds
    assert {frozenset(ends) for _, *ends in sent} == {frozenset({"client", "server"})}
    assert not any(one.whole_network for one in STRATEGIES["huscf_gan"].reveals)


def transfers(*rows):
    return pd.DataFrame(rows, columns=["source", "target", "kind", "bytes"])


TOLD = Disclosure("label", "client", "server", "labels", private=True, whole_network=False)


def test_bytes_are_summed_over_devices_of_a_role():
    sent = transfers(("client-1", "server", "label", 2.0), ("client-12", "server", "label", 3.0))
    (line,) = ledger(sent, [TOLD, Disclosure("label", "server", "client", "never", private=False)])
    assert line.n_bytes == 5.0
    assert ledger_facts([line]) == [
        {"kind": "label", "sender": "client", "receiver": "server", "bytes": 5.0, "private": True,
         "whole_network": False, "reveals": "labels"}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "row", [("client-0", "client-1", "label", 1.0), ("client-0", "server", "real_sample", 1.0)]
)
def test_what_is_not_declared_is_a_fault(row):
    with pytest.raises(UndeclaredPayloadError, match=f"{row[2]} from client to .* is not declared"):
        ledger(transfers(row), [TOLD])


def test_nothing_sent_is_an_empty_ledger():
    assert ledger(transfers(), [TOLD]) == ()


@pytest.mark.parametrize("records", ["full", "summary"])
def test_every_run_keeps_its_ledger(tmp_path, records):
    path = tmp_path / "timed.yaml"
    path.write_text(TIMED)
    done = run(path, tmp_path / "out", [f"records={records}"])
    kept = json.loads((tmp_path / "out" / "summary.json").read_text())["ledger"]
    by_kind = {}
    for line in kept:
        by_kind[line["kind"]] = by_kind.get(line["kind"], 0.0) + line["bytes"]
    assert by_kind == pytest.approx(done.summary["bytes_by_kind"])
    words = [line["reveals"] for line in kept if line["private"]]
    shown = describe(done.summary).partition("Revealed of the clients' data\n")[2].splitlines()
    assert [line.split("  ")[-1] for line in shown] == words


def test_a_run_that_sends_what_it_does_not_declare_is_at_fault(tmp_path, monkeypatch):
    path = tmp_path / "timed.yaml"
    path.write_text(TIMED)
    monkeypatch.setattr("simulator.writing._reveals", lambda plan: (TOLD,))
    with pytest.raises(UndeclaredPayloadError):
        run(path, tmp_path / "out")
