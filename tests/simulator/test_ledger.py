"""The ledger: every strategy declares what it sends, HuSCF-GAN sends neither image nor label, and runs say so."""

import dataclasses
import json

import pandas as pd
import pytest
from tiny_strategies import STRATEGY_SCENARIOS
from tiny_world import domains, make_learner, make_plan, play_run

from analysis.summary import describe
from simulator import run
from simulator.commits import NullLearner
from simulator.ledger import Disclosure, UndeclaredPayloadError, ledger, ledger_facts, role_of
from simulator.listing import strategies
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
    whole = [
        (one.kind, one.sender, one.receiver) for one in STRATEGIES["huscf_gan"].reveals if one.whole_network
    ]
    assert whole == [("parameters", "client", "server")]


def test_the_server_of_huscf_gan_can_put_a_clients_whole_generator_together(tmp_path):
    """What a client sends at a round's end, and the middle blocks that never leave the server, are all blocks."""
    text, overrides = STRATEGY_SCENARIOS["huscf_gan"]
    plan = make_plan(tmp_path, domains(), *overrides, text=text)
    for cut, payload in zip(plan.cuts, plan.round_payload, strict=True):
        for costs, head, tail in (
            (plan.setting.costs.generator.blocks, cut.g_head, cut.g_tail),
            (plan.setting.costs.discriminator.blocks, cut.d_head, cut.d_tail),
        ):
            assert 0 < head < len(costs) - tail < len(costs)  # both ends come, the server has what is between
        assert dict(payload)["parameters"] > 0


WAYS = {
    "huscf_gan": {
        ("activation", "client", "server"): ("private",),
        ("activation", "server", "client"): ("private",),
        ("gradient", "client", "server"): ("private",),
        ("gradient", "server", "client"): ("private",),
        ("parameters", "client", "server"): ("private", "whole_network"),
        ("parameters", "server", "client"): ("private",),
        ("statistics", "client", "server"): ("private",),
        ("statistics", "server", "client"): ("private",),
    },
    "fedgan": {
        ("parameters", "client", "server"): ("private", "whole_network"),
        ("parameters", "server", "client"): ("private",),
        ("statistics", "client", "server"): ("private",),
        ("statistics", "server", "client"): ("private",),
    },
    "md_gan": {
        ("synthetic_sample", "server", "client"): ("private",),
        ("label", "server", "client"): (),
        ("gradient", "client", "server"): ("private",),
        ("parameters", "client", "client"): ("private", "whole_network"),
        ("statistics", "client", "client"): ("private",),
    },
    "fsl_gan": {
        ("synthetic_sample", "server", "client"): ("private",),
        ("label", "server", "client"): (),
        ("real_sample", "client", "client"): ("private", "within_household"),
        ("label", "client", "client"): ("private", "within_household"),
        ("synthetic_sample", "client", "client"): ("private", "within_household"),
        ("activation", "client", "client"): ("private", "within_household"),
        ("gradient", "client", "client"): ("private", "within_household"),
        ("parameters", "client", "client"): ("private", "within_household"),
        ("statistics", "client", "client"): ("private", "within_household"),
        ("gradient", "client", "server"): ("private",),
        ("parameters", "client", "server"): ("private", "whole_network"),
        ("statistics", "client", "server"): ("private",),
        ("parameters", "server", "client"): ("private",),
        ("statistics", "server", "client"): ("private",),
    },
    "pfl_gan": {
        ("parameters", "client", "server"): ("private", "whole_network", "images_made"),
        ("statistics", "client", "server"): ("private",),
        ("parameters", "server", "client"): ("private",),
        ("statistics", "server", "client"): ("private",),
    },
    "hfl_gan": {
        ("parameters", "client", "edge"): ("private", "whole_network"),
        ("statistics", "client", "edge"): ("private",),
        ("parameters", "edge", "client"): ("private",),
        ("statistics", "edge", "client"): ("private",),
        ("parameters", "edge", "server"): ("private",),
        ("statistics", "edge", "server"): ("private",),
        ("parameters", "server", "edge"): ("private",),
        ("statistics", "server", "edge"): ("private",),
    },
    "centralized": {
        ("real_sample", "client", "server"): ("private",),
        ("label", "client", "server"): ("private",),
    },
}
"""Every way of every strategy, and which of a disclosure's flags are set: none of them changes unseen."""

FLAGS = ("private", "whole_network", "images_made", "within_household")


def test_every_flag_of_every_strategy_is_written_out_here():
    flags = {field.name for field in dataclasses.fields(Disclosure) if field.type == "bool"}
    assert flags == set(FLAGS)
    came = {
        name: {
            (str(one.kind), one.sender, one.receiver): tuple(flag for flag in FLAGS if getattr(one, flag))
            for one in strategy.reveals
        }
        for name, strategy in STRATEGIES.items()
    }
    assert came == WAYS


def test_only_labels_drawn_at_random_are_not_private():
    """The rule of the module: all else tells of a client's own data, or has learned from others'."""
    public = [one for strategy in STRATEGIES.values() for one in strategy.reveals if not one.private]
    assert {(str(one.kind), one.sender, one.receiver) for one in public} == {("label", "server", "client")}


def test_what_is_listed_says_where_images_are_made_and_what_stays_in_a_household():
    listed = strategies().splitlines()
    others = {
        line.split()[0]: next(one for one in listed[index:] if "others get" in one).partition("others get ")[
            2
        ]
        for index, line in enumerate(listed)
        if line.split()[0] in STRATEGIES
    }
    assert others["huscf_gan"] == "whole networks client -> server"
    assert others["pfl_gan"] == "synthetic images made on the server; whole networks client -> server"
    assert others["fsl_gan"] == (
        "raw images within the household; labels within the household; "
        "synthetic images server -> client, within the household; whole networks client -> server"
    )
    assert others["hfl_gan"] == "whole networks client -> edge"


def test_a_household_has_clients_alone():
    with pytest.raises(
        ValueError, match="from client to server within a household; allowed: client to client"
    ):
        Disclosure("label", "client", "server", "labels", private=True, within_household=True)


def test_the_edge_of_a_single_member_passes_on_that_members_own_generator():
    (passed,) = (
        one.words
        for one in STRATEGIES["hfl_gan"].reveals
        if (one.kind, one.sender, one.receiver) == ("parameters", "edge", "server")
    )
    assert passed.endswith("where an edge has a single member it is that client's own generator")


def transfers(*rows):
    return pd.DataFrame(rows, columns=["source", "target", "kind", "bytes"])


TOLD = Disclosure("label", "client", "server", "labels", private=True, whole_network=False)


def test_bytes_are_summed_over_devices_of_a_role():
    sent = transfers(("client-1", "server", "label", 2.0), ("client-12", "server", "label", 3.0))
    (line,) = ledger(sent, [TOLD, Disclosure("label", "server", "client", "never", private=False)])
    assert line.n_bytes == 5.0
    assert ledger_facts([line]) == [
        {"kind": "label", "sender": "client", "receiver": "server", "bytes": 5.0, "private": True,
         "whole_network": False, "images_made": False, "within_household": False, "reveals": "labels"}
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


@pytest.mark.parametrize("records", ["full", "summary"])
def test_a_run_that_sends_what_it_does_not_declare_stops_with_its_first_round(tmp_path, monkeypatch, records):
    path = tmp_path / "timed.yaml"
    path.write_text(TIMED.replace("rounds: 1", "rounds: 3"))
    huscf_gan = STRATEGIES["huscf_gan"]
    declared = tuple(one for one in huscf_gan.reveals if (one.kind, one.sender) != ("gradient", "server"))
    monkeypatch.setitem(STRATEGIES, "huscf_gan", dataclasses.replace(huscf_gan, reveals=declared))
    with pytest.raises(
        UndeclaredPayloadError, match="gradient from server to client was sent, but is not decl"
    ):
        run(path, tmp_path / "out", [f"records={records}"])
    assert pd.read_parquet(tmp_path / "out" / "iterations.parquet")["round"].tolist() == [0]


def test_what_is_sent_for_the_first_time_in_a_later_round_stops_it_then(tmp_path, monkeypatch):
    """The third of four rounds is the first that meets the cloud."""
    path = tmp_path / "timed.yaml"
    timed = TIMED.replace("rounds: 1", "name: hfl_gan, rounds: 4, cloud_every: 3")
    path.write_text(timed)
    hfl_gan = STRATEGIES["hfl_gan"]
    declared = tuple(one for one in hfl_gan.reveals if one.receiver != "server")
    monkeypatch.setitem(STRATEGIES, "hfl_gan", dataclasses.replace(hfl_gan, reveals=declared))
    with pytest.raises(UndeclaredPayloadError, match="from edge to server was sent"):
        run(path, tmp_path / "out")
    assert pd.read_parquet(tmp_path / "out" / "iterations.parquet")["round"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", STRATEGIES)
def test_clusters_are_claimed_only_where_a_strategy_decides_them(name, tmp_path):
    path = tmp_path / "timed.yaml"
    path.write_text(TIMED.replace("{rounds: 1", f"{{name: {name}, rounds: 1"))
    clusters = run(path, tmp_path / "out").summary["clusters"]
    assert clusters == ([[0, 1]] if name == "huscf_gan" else None)
