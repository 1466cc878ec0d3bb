"""Metrics: identities, values by hand, and independent formulas in numpy, scipy and scikit-learn."""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
from sklearn.metrics import f1_score, multilabel_confusion_matrix, precision_score, recall_score

from analysis.metrics import METRIC_NAMES
from analysis.metrics.cas import classification_scores
from analysis.metrics.fid import FrechetDistance, frechet_distance
from analysis.metrics.generation_score import GenerationScore, generation_score


def features(n, d, seed, scale=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) * scale + shift)


def fid_by_scipy(real, generated):
    a, b = real.double().numpy(), generated.double().numpy()
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)


@pytest.mark.parametrize("n", [2, 10, 500])
def test_fid_of_a_set_with_itself_is_zero(n):
    points = features(n, 64, seed=1)
    scale = float(points.var(dim=0).sum())
    assert 0.0 <= frechet_distance(points, points) <= 1e-6 * scale


def test_fid_of_two_gaussians_by_hand():
    # Symmetric points: means (0, 0) and (3, 4), covariances diag(4, 9) and diag(16, 1) with the 1/(n-1) factor.
    unit = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)
    unit *= math.sqrt(3 / 4)
    real = unit * torch.tensor([2.0, 3.0], dtype=torch.float64)
    generated = unit * torch.tensor([4.0, 1.0], dtype=torch.float64) + torch.tensor([3.0, 4.0])
    # |(3, 4)|^2 + (2 - 4)^2 + (3 - 1)^2 = 25 + 4 + 4
    assert frechet_distance(real, generated) == pytest.approx(33.0, abs=1e-9)


@pytest.mark.parametrize(("n", "m", "d"), [(400, 300, 8), (1000, 1000, 64)])
def test_fid_agrees_with_scipy(n, m, d):
    real, generated = features(n, d, seed=2), features(m, d, seed=3, scale=0.7, shift=0.5)
    assert frechet_distance(real, generated) == pytest.approx(fid_by_scipy(real, generated), rel=1e-8)


def test_fid_with_fewer_samples_than_features():
    real, generated = features(20, 64, seed=4), features(15, 64, seed=5)
    # tr((S_a S_b)^(1/2)) is the sum of the singular values of A B^T for S = A^T A: no singular matrix involved.
    a, b = ((x - x.mean(0)) / math.sqrt(len(x) - 1) for x in (real, generated))
    shift = float(((real.mean(0) - generated.mean(0)) ** 2).sum())
    cross = float(torch.linalg.svdvals(a @ b.T).sum())
    expected = shift + float((a**2).sum() + (b**2).sum()) - 2 * cross
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-5)


def test_fid_is_symmetric_and_grows_with_the_shift():
    real, generated = features(200, 8, seed=6), features(200, 8, seed=7)
    assert frechet_distance(real, generated) == pytest.approx(frechet_distance(generated, real))
    assert frechet_distance(real, real + 2.0) == pytest.approx(8 * 4.0)


def test_fid_accumulates_batches_and_keeps_the_real_side():
    real, generated = features(100, 6, seed=8), features(90, 6, seed=9)
    distance = FrechetDistance(6)
    for batch in real.split(33):
        distance.update(batch, real=True)
    for _ in range(2):
        for batch in generated.split(40):
            distance.update(batch, real=False)
        assert distance.compute() == pytest.approx(frechet_distance(real, generated), rel=1e-9)
        distance.reset()


def test_fid_leaves_the_global_generator_alone():
    state = torch.random.get_rng_state()
    frechet_distance(features(10, 4, seed=1), features(10, 4, seed=2))
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(("n", "m"), [(1, 5), (5, 1), (0, 5)])
def test_fid_of_fewer_than_two_samples_is_an_error(n, m):
    with pytest.raises(ValueError, match=f"{n} real and {m} generated samples came; allowed: 2 or more"):
        frechet_distance(features(n, 4, seed=1), features(m, 4, seed=2))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_fid_refuses_what_is_not_finite(bad):
    broken = features(5, 4, seed=1)
    broken[2, 3] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        frechet_distance(features(5, 4, seed=2), broken)


def test_fid_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"shape \[5, 3\] came; allowed: \[n, 4\]"):
        frechet_distance(features(5, 4, seed=2), features(5, 3, seed=2))


def test_generation_score_is_the_number_of_classes_for_sure_and_even_predictions():
    logits = torch.eye(10).repeat(3, 1) * 200.0
    assert generation_score(logits) == pytest.approx(10.0)


def test_generation_score_is_one_when_all_predictions_agree():
    assert generation_score(torch.tensor([[0.3, -1.0, 2.0]] * 7)) == pytest.approx(1.0, abs=1e-12)
    assert generation_score(torch.zeros(1, 4)) == 1.0


def test_generation_score_by_hand():
    # p = (3/4, 1/4) and (1/4, 3/4); the mean is (1/2, 1/2); KL of each = 3/4 ln(3/2) + 1/4 ln(1/2).
    logits = torch.log(torch.tensor([[0.75, 0.25], [0.25, 0.75]], dtype=torch.float64))
    divergence = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert generation_score(logits) == pytest.approx(math.exp(divergence), rel=1e-12)


def test_generation_score_agrees_with_scipy_in_batches():
    logits = torch.from_numpy(np.random.default_rng(3).normal(size=(101, 10)) * 4)
    probabilities = scipy.special.softmax(logits.numpy(), axis=1)
    divergences = scipy.stats.entropy(probabilities, probabilities.mean(0, keepdims=True), axis=1)
    score = GenerationScore(10)
    for batch in logits.split(30):
        score.update(batch)
    assert score.compute() == pytest.approx(math.exp(divergences.mean()), rel=1e-12)
    assert generation_score(logits) == pytest.approx(score.compute(), rel=1e-12)


def test_generation_score_refuses_nothing_and_what_is_not_finite():
    with pytest.raises(ValueError, match="0 samples came"):
        GenerationScore(3).compute()
    with pytest.raises(ValueError, match="NaN or infinity"):
        generation_score(torch.tensor([[math.nan, 0.0]]))
    with pytest.raises(ValueError, match=r"shape \[2, 2\] came; allowed: \[n, 3\]"):
        GenerationScore(3).update(torch.zeros(2, 2))


def test_cas_scores_by_hand():
    scores = classification_scores(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 2]), classes=3)
    # Class 0: TP 1, FP 1, FN 0, TN 3; class 1: TP 2, FP 0, FN 1, TN 2; class 2: TP 1, rest right.
    assert scores == pytest.approx(
        {
            "accuracy": 4 / 5,
            "precision": (1 / 2 + 1 + 1) / 3,
            "recall": (1 + 2 / 3 + 1) / 3,
            "f1": (2 / 3 + 4 / 5 + 1) / 3,
            "fpr": (1 / 4 + 0 + 0) / 3,
        }
    )


def test_cas_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(4)
    true = np.concatenate([np.arange(10), rng.integers(0, 10, 190)])
    predicted = np.where(rng.random(200) < 0.6, true, rng.integers(0, 10, 200))
    scores = classification_scores(predicted, true, classes=10)
    each = multilabel_confusion_matrix(true, predicted)
    assert scores["accuracy"] == pytest.approx((true == predicted).mean())
    assert scores["precision"] == pytest.approx(precision_score(true, predicted, average="macro"))
    assert scores["recall"] == pytest.approx(recall_score(true, predicted, average="macro"))
    assert scores["f1"] == pytest.approx(f1_score(true, predicted, average="macro"))
    assert scores["fpr"] == pytest.approx(np.mean(each[:, 0, 1] / each[:, 0].sum(axis=1)))


def test_cas_of_a_classifier_that_always_says_the_same():
    scores = classification_scores(np.zeros(10, np.int64), np.arange(10), classes=10)
    assert scores == pytest.approx(
        {"accuracy": 0.1, "precision": 0.01, "recall": 0.1, "f1": 0.2 / 11, "fpr": 0.1}
    )


def test_cas_refuses_unequal_or_no_predictions():
    with pytest.raises(ValueError, match="2 predictions for 3 images"):
        classification_scores(np.zeros(2, np.int64), np.zeros(3, np.int64), classes=2)
    with pytest.raises(ValueError, match="0 predictions for 0 images"):
        classification_scores(np.zeros(0, np.int64), np.zeros(0, np.int64), classes=2)


def test_metric_names():
    assert METRIC_NAMES == ("fid", "generation_score")
