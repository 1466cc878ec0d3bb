"""Evaluations of a run: when the target is reached, and the classification score of a last round that comes early."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_world import domains, make_plan

from analysis.evaluator import Evaluator
from analysis.metrics import CAS_METRIC_NAMES
from analysis.metrics.cas import classification_scores
from analysis.records import Recorder
from analysis.runs import RunError, RunFolder
from models.steps import DivergedError
from simulator.commits import Commit, Decision, Pass
from simulator.measuring import MeasuredLearner, weights_digest

FID_IS_LOW = "stop={target: {metric: fid, below: 20}}"


class StillLearner:
    """A learner that learns nothing and generates black images."""

    losses = (0.5, 0.25)

    def __init__(self):
        self.after = {}

    def apply(self, commit):
        came = self.after.get(commit.kind, self.losses)
        if isinstance(came, Exception):
            raise came
        self.losses = came
        return

    def generator_for(self, domain):
        return lambda labels, rng: np.full((len(labels), 1, 28, 28), -1.0, dtype=np.float32)

    def state(self):
        return {"weight": torch.zeros(2)}


class ScriptedEvaluator:
    """Finds the FIDs it is told to find, by round and domain; notes whose CAS was asked for."""

    def __init__(self, fids):
        self._fids = fids
        self.scored = []

    def evaluate(self, domain, generate, step):
        return {"fid": self._fids[step - 1][domain]}

    def floor(self, domain):
        return 1.0

    def classifier_accuracy(self, domain):
        return 0.9

    def cas(self, domain, generate, step):
        self.scored.append((step - 1, domain))
        return {"cas_accuracy": 0.75}


@pytest.fixture
def measured(tmp_path):
    """Make a measured learner from a scenario's overrides and FIDs by round: (mnist5k, glyphs)."""

    def make(fids, *overrides):
        plan = make_plan(tmp_path, domains(), "strategy.rounds=9", *overrides)
        evaluator = ScriptedEvaluator(
            {round_: dict(zip(("mnist5k", "glyphs"), both, strict=True)) for round_, both in fids.items()}
        )
        recorder = Recorder(plan.setting.fleet)
        folder = RunFolder.create(tmp_path / "run")
        still = StillLearner()
        learner = MeasuredLearner(still, evaluator, plan, recorder, lambda: 7.0, folder)

        def evaluate(round_, last=False):
            info = {"round": round_, "last": int(last)}
            return learner.apply(Commit(0, 7.0, "evaluate", (0, 1, 2, 3), info=info))

        return SimpleNamespace(
            learner=learner, evaluate=evaluate, scored=evaluator.scored, recorder=recorder, still=still
        )

    return make


def test_a_target_is_reached_by_every_domain_in_one_evaluation(measured):
    run = measured({0: (10, 30), 1: (30, 10), 2: (19, 18)}, FID_IS_LOW)
    assert [run.evaluate(round_) for round_ in (0, 1, 2)] == [None, None, Decision(stop=True)]


def test_a_target_of_one_domain_leaves_the_others_alone(measured):
    run = measured({0: (30, 10), 1: (10, 30)}, FID_IS_LOW, "stop.target.domain=mnist5k")
    assert [run.evaluate(0), run.evaluate(1)] == [None, Decision(stop=True)]


def test_untrained_networks_reach_no_target(measured):
    assert measured({-1: (1, 1)}, FID_IS_LOW).evaluate(-1) is None


def test_without_a_target_nothing_is_decided(measured):
    assert measured({0: (0, 0)}).evaluate(0) is None


def test_a_target_of_the_classification_score_waits_for_it(measured):
    target = "stop={target: {metric: cas_accuracy, above: 0.7}}"
    run = measured({0: (9, 9), 1: (9, 9)}, target, "evaluation.cas={every: 2}")
    assert [run.evaluate(0), run.evaluate(1)] == [None, Decision(stop=True)]
    assert run.scored == [(1, "mnist5k"), (1, "glyphs")]


def test_the_round_that_reaches_the_target_is_the_last_and_scored_as_such(measured):
    run = measured({0: (30, 30), 1: (10, 10)}, FID_IS_LOW, "evaluation.cas={every: last}")
    assert [run.evaluate(0), run.evaluate(1)] == [None, Decision(stop=True)]
    assert run.scored == [(1, "mnist5k"), (1, "glyphs")]
    table = run.recorder.tables()["metrics"]
    assert table[["round", "domain", "metric", "value"]].values.tolist() == [
        [0, "mnist5k", "fid", 30.0],
        [0, "glyphs", "fid", 30.0],
        [1, "mnist5k", "fid", 10.0],
        [1, "mnist5k", "cas_accuracy", 0.75],
        [1, "glyphs", "fid", 10.0],
        [1, "glyphs", "cas_accuracy", 0.75],
    ]
    assert run.learner.latest["glyphs"] == {"fid": 10.0, "cas_accuracy": 0.75}


def test_a_score_that_is_due_anyway_is_taken_once(measured):
    run = measured({0: (10, 10)}, FID_IS_LOW, "evaluation.cas={every: 1}")
    assert run.evaluate(0, last=True) == Decision(stop=True)
    assert run.scored == [(0, "mnist5k"), (0, "glyphs")]


def test_the_last_round_is_scored_wherever_it_falls(measured):
    run = measured({3: (10, 10)}, "evaluation.cas={every: last}")
    assert run.evaluate(3, last=True) is None
    assert len(run.scored) == 2


def test_the_names_of_the_classification_scores_are_those_that_are_measured():
    labels = np.arange(20) % 10
    assert tuple(f"cas_{name}" for name in classification_scores(labels, labels, 10)) == CAS_METRIC_NAMES
    assert Evaluator.cas.__doc__ is not None
    assert all(name in Evaluator.cas.__doc__ for name in CAS_METRIC_NAMES)


def test_the_digest_of_weights_sees_every_bit_name_and_shape():
    state = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0])}
    digest = weights_digest(state)
    assert digest == weights_digest(dict(reversed(state.items())))
    one_bit_up = torch.tensor(np.nextafter(np.float32(3), np.float32(4))).reshape(1)
    others = [
        state | {"b": one_bit_up},
        {"a": state["a"], "c": state["b"]},
        state | {"a": state["a"].reshape(2, 1)},
        state | {"a": state["a"].double()},
    ]
    assert len({weights_digest(one) for one in others} | {digest}) == 5


def iteration(*back):
    """A split iteration whose four passes these clients came back from."""
    passes = tuple(Pass(name, (0, 1), clients) for name, clients in zip("abcd", back, strict=True))
    return Commit(1, 7.0, "iteration", (0, 1), passes, {"round": 2, "step": 3})


WHOLE = ((0, 1),) * 4
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("losses", [(NAN, 0.5), (0.5, NAN), (NAN, NAN)])
def test_passes_that_nobody_came_back_from_have_no_loss_and_the_run_goes_on(measured, losses):
    run = measured({})
    run.still.after["iteration"] = losses
    assert run.learner.apply(iteration((0,), (), (1,), ())) is None
    assert str(run.learner.losses) == str(losses)


@pytest.mark.parametrize(
    ("losses", "back"),
    [((NAN, 0.5), WHOLE), ((0.5, INF), WHOLE), ((INF, 0.5), ((0,), (), (1,), ())), ((0.5, NAN), ((0,),) * 4)],
)
def test_losses_that_are_no_numbers_though_somebody_came_back_stop_the_run(measured, losses, back):
    run = measured({})
    run.still.after["iteration"] = losses
    with pytest.raises(
        RunError, match=r"diverged in round 2, iteration 3 of the round: the losses are .*learning_rate is"
    ):
        run.learner.apply(iteration(*back))


def test_a_commit_without_passes_has_losses(measured):
    run = measured({})
    run.still.after["iteration"] = (NAN, 0.5)
    with pytest.raises(RunError, match="the losses are"):
        run.learner.apply(Commit(1, 7.0, "iteration", (0, 1), (), {"round": 0, "step": 0}))


def test_training_that_has_left_the_numbers_stops_the_run_with_its_own_words(measured):
    run = measured({})
    run.still.after["merge"] = DivergedError("client 1 judges nonsense")
    merge = Commit(1, 7.0, "merge", (1,), (), {"round": 4, "job": 12, "staleness": 0, "server_step": 1})
    with pytest.raises(
        RunError, match=r"diverged in round 4, job 12 \(client 1\): client 1 judges nonsense; a"
    ):
        run.learner.apply(merge)


def wallclock(run):
    table = run.recorder.tables()["wallclock"]
    return [(row.round, row.what) for row in table.itertuples()]


def test_the_seconds_of_training_are_told_at_every_aggregation(measured):
    run = measured({-1: (1, 1), 0: (1, 1)})
    run.evaluate(-1)
    run.learner.apply(iteration(*WHOLE))
    run.learner.apply(Commit(2, 7.0, "aggregate", (0, 1), (), {"round": 0}))
    run.evaluate(0)
    assert wallclock(run) == [(-1, "evaluation"), (0, "training"), (0, "evaluation")]


def test_where_nothing_is_aggregated_they_are_told_at_evaluations(measured):
    run = measured({1: (1, 1), 2: (1, 1)})
    for round_, kind in ((0, "dispatch"), (0, "merge"), (1, "lost")):
        run.learner.apply(Commit(1, 7.0, kind, (0,), (), {"round": round_, "job": 0}))
    run.evaluate(1)
    run.evaluate(2)  # nothing was trained in between
    assert wallclock(run) == [(1, "training"), (1, "evaluation"), (2, "evaluation")]
