"""A run whose clients are households, retimed: other devices, other parts and another LAN, the same weights."""

import pytest
from retimed import TinyRuns
from tiny_run import TINY

from scenarios.messages import ScenarioError

HOUSES = (
    TINY.replace("count: 2", "count: 3")
    .replace(", clients: 2", "")
    .replace("cuts: {selector: greedy}\n", "")
    .replace("strategy: {", "strategy: {name: fsl_gan, ")
    .replace(", warmup_rounds: 0, clusters: 2", "")
)
ELSEWHERE = (
    "devices.clients.0.profile=jetson-nano",
    "strategy.lan_rate=1 MB/s",
    "strategy.lan_latency=10 ms",
    "strategy.selection=fastest",
    "strategy.placement=multi",
    "strategy.parts=[1, 1, 3]",
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return TinyRuns(tmp_path_factory.mktemp("houses"))


@pytest.fixture(scope="module")
def trained(runs):
    path = runs.folder / "houses.yaml"
    path.write_text(HOUSES)
    return runs.train("trained", scenario=path)


def test_its_time_is_that_of_a_fresh_run_and_its_weights_are_its_own(runs, trained):
    retimed = runs.retime(trained, "retimed", *ELSEWHERE)
    fresh = runs.train("fresh", scenario=retimed.path / "scenario.yaml")
    for key in ("timeline_sha256", "weights_sha256", "training_key", "iteration_latency_s"):
        assert retimed.summary[key] == fresh.summary[key], key
    assert (retimed.path / "cuts.csv").read_bytes() == (fresh.path / "cuts.csv").read_bytes()
    assert retimed.summary["weights_sha256"] == trained.summary["weights_sha256"]
    assert retimed.summary["timeline_sha256"] != trained.summary["timeline_sha256"]
    assert retimed.cuts["client"].tolist() == ["household-0", "household-1"]
    assert retimed.cuts["part_c"].tolist() == retimed.cuts["part_a"].tolist()
    assert trained.cuts["part_c"].tolist() != trained.cuts["part_a"].tolist()


def test_as_many_households_may_have_more_devices(runs, trained):
    larger = ("strategy.household_size=5", "devices.clients.0.count=7")
    retimed = runs.retime(trained, "larger", *larger)
    assert [len(devices.split()) for devices in retimed.cuts["devices"]] == [5, 5]
    assert retimed.summary["weights_sha256"] == trained.summary["weights_sha256"]


def test_other_households_are_refused(runs, trained):
    with pytest.raises(ScenarioError, match="3 households; allowed: 2, as the run was trained"):
        runs.retime(trained, "more", "devices.clients.0.count=5")
