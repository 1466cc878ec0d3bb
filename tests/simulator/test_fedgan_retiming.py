"""Drawn clients that are waited for lose nothing: such a run can be retimed, and none in which somebody may be late."""

import pytest
from retimed import TinyRuns
from tiny_run import TINY

from scenarios.messages import ScenarioError
from simulator.recorded import NotRecordedError

SAMPLED = (
    TINY.replace("cuts: {selector: greedy}\n", "")
    .replace("strategy: {", "strategy: {name: fedgan, client_share: 0.5, ")
    .replace(", warmup_rounds: 0, clusters: 2", "")
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    made = TinyRuns(tmp_path_factory.mktemp("sampled"))
    (made.folder / "sampled.yaml").write_text(SAMPLED)
    return made


@pytest.fixture(scope="module")
def trained(runs):
    return runs.train("trained", scenario=runs.folder / "sampled.yaml")


def test_its_time_is_that_of_a_fresh_run_and_its_weights_are_its_own(runs, trained):
    retimed = runs.retime(trained, "retimed", "devices.clients.0.profile=jetson-nano")
    fresh = runs.train("fresh", scenario=retimed.path / "scenario.yaml")
    for key in ("timeline_sha256", "weights_sha256", "training_key", "iteration_latency_s"):
        assert retimed.summary[key] == fresh.summary[key], key
    assert retimed.summary["weights_sha256"] == trained.summary["weights_sha256"]
    assert retimed.summary["timeline_sha256"] != trained.summary["timeline_sha256"]
    losses = ["discriminator_loss", "generator_loss"]
    assert retimed.iterations[losses].values.tolist() == trained.iterations[losses].values.tolist()


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("strategy.client_share=1.0", r"strategy\.client_share: 1\.0; allowed: 0\.5, as the run was trained"),
        ("strategy.patience={kind: quorum}", r"strategy\.patience.*allowed: .*as the run was trained"),
    ],
)
def test_others_cannot_take_part(runs, trained, override, says):
    with pytest.raises(ScenarioError, match=says):
        runs.retime(trained, "others", override)


def test_a_run_in_which_somebody_may_be_late_is_not_retimed(runs):
    run = runs.train(
        "lossy",
        "strategy.patience={kind: quorum}",
        "strategy.client_share=1",
        scenario=runs.folder / "sampled.yaml",
    )
    with pytest.raises(NotRecordedError, match="did not wait for everybody"):
        runs.retime(run, "never")
