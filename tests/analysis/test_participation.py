"""Who took part in a run's iterations, from a commit log written by hand."""

import json
from types import SimpleNamespace

import pandas as pd

from analysis.participation import participation, participation_by_domain


def split(*backs):
    return [{"name": f"pass-{i}", "forward": [0, 1, 2], "backward": back} for i, back in enumerate(backs)]


def run_of(*iterations, named=(0, 1, 2), others=(("aggregate", [0]),)):
    rows = [("evaluate", [0, 1, 2], [])]
    rows += [("iteration", list(named), passes) for passes in iterations]
    rows += [(kind, clients, []) for kind, clients in others]
    texts = [(kind, json.dumps(clients), json.dumps(passes)) for kind, clients, passes in rows]
    cuts = {
        "client": ["client-0", "client-1", "client-2"],
        "profile": ["a", "a", "b"],
        "domain": ["x", "y", "x"],
    }
    return SimpleNamespace(
        commits=pd.DataFrame(texts, columns=["kind", "clients", "passes"]),
        cuts=pd.DataFrame(cuts).assign(images=1),
    )


def test_every_pass_and_any_pass_are_told_apart():
    run = run_of(split([0, 1], [0]), split([0], [0, 2]), split([0, 1, 2], [0, 1]), split([], []))
    table = participation(run)
    assert table.columns.tolist() == ["client", "profile", "domain", "every_pass", "any_pass"]
    assert table["client"].tolist() == ["client-0", "client-1", "client-2"]
    assert table["every_pass"].tolist() == [0.75, 0.25, 0.0]
    assert table["any_pass"].tolist() == [0.75, 0.5, 0.5]


def test_iterations_without_passes_count_who_is_named():
    table = participation(run_of([], [], named=(0, 2)))
    assert table["every_pass"].tolist() == table["any_pass"].tolist() == [1.0, 0.0, 1.0]


def test_where_jobs_are_merged_one_by_one_the_shares_are_those_of_the_merges():
    merges = [("merge", [client]) for client in (0, 1, 0, 0)]
    table = participation(run_of(others=[("dispatch", [2]), *merges, ("lost", [2]), ("aggregate", [2])]))
    assert table["every_pass"].tolist() == table["any_pass"].tolist() == [0.75, 0.25, 0.0]


def test_where_jobs_are_averaged_in_rounds_the_shares_are_those_of_the_rounds():
    table = participation(run_of(others=[("dispatch", [2]), ("aggregate", [0, 1]), ("aggregate", [0])]))
    assert table["every_pass"].tolist() == [1.0, 0.5, 0.0]


def test_where_nothing_was_learned_nothing_is_known():
    assert participation(run_of(others=[]))[["every_pass", "any_pass"]].isna().all(axis=None)


def test_domains_are_the_means_of_their_clients():
    table = participation_by_domain(run_of(split([0, 1]), split([0])))
    assert table.to_dict("records") == [
        {"domain": "x", "clients": 2, "every_pass": 0.5, "any_pass": 0.5},
        {"domain": "y", "clients": 1, "every_pass": 0.5, "any_pass": 0.5},
    ]
