"""The evaluator: yardsticks of real data, good and bad generators, keyed draws, the cache of classifiers."""

import dataclasses
import hashlib
import logging

import numpy as np
import pytest
import torch

from analysis import domain_classifier
from analysis.evaluator import Evaluator
from analysis.metrics.fid import frechet_distance
from analysis.runs import RunError
from models.datasets import LabelledImages, to_unit_range
from scenarios.schema import EvaluationOptions

CLASSES = 4


def make_data(name="bars", seed=0, n_train=600, n_test=200):
    """Noisy images in which the class is the place of a bright bar."""
    rng = np.random.default_rng(seed)

    def part(n):
        labels = np.arange(n) % CLASSES
        images = rng.integers(0, 80, size=(n, 1, 12, 12))
        for image, label in zip(images, labels, strict=True):
            image[0, 3 * label : 3 * label + 2] += rng.integers(60, 150)
        return images.astype(np.uint8), labels.astype(np.int64)

    train, test = part(n_train), part(n_test)
    digest = hashlib.sha256(train[0].tobytes() + test[0].tobytes()).hexdigest()
    return LabelledImages(name, *train, *test, CLASSES, digest)


def draw(purpose, index, step):
    key = [sum(purpose.encode()), index, step + 1]
    return np.random.default_rng(key)


def real_generator(data, noise=0.0):
    """A generator that replays real training images of the wanted class."""
    images = to_unit_range(data.train_images)

    def generate(labels, rng):
        by_class = [np.flatnonzero(data.train_labels == label) for label in range(CLASSES)]
        chosen = images[[rng.choice(by_class[label]) for label in labels]]
        return np.clip(chosen + rng.normal(0, noise, chosen.shape), -1, 1).astype(np.float32)

    return generate


def constant_generator(labels, rng):
    return np.zeros((len(labels), 1, 12, 12), np.float32)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def evaluator(cache):
    options = EvaluationOptions(samples=400, cas={"samples": 400, "epochs": 3})
    return Evaluator({"bars": make_data(), "other": make_data("other", seed=1)}, options, draw, cache)


def test_the_classifier_knows_its_domain(evaluator):
    assert evaluator.classifier_accuracy("bars") > 0.95


def test_colour_images_are_judged_like_grey_ones(cache):
    grey = make_data("colour", seed=2)
    channels = {"train_images": grey.train_images, "test_images": grey.test_images}
    colour = dataclasses.replace(
        grey, digest="colour", **{name: np.repeat(images, 3, axis=1) for name, images in channels.items()}
    )
    options = EvaluationOptions(samples=200, cas={"samples": 200, "epochs": 3})
    judge = Evaluator({"colour": colour}, options, draw, cache)
    good = judge.evaluate("colour", real_generator(colour), step=0)
    assert good["fid"] < judge.evaluate("colour", real_generator(colour, noise=0.5), step=0)["fid"]
    assert 0.8 * CLASSES < good["generation_score"] <= CLASSES
    assert judge.cas("colour", real_generator(colour), step=0)["cas_accuracy"] > 0.8


def test_a_generator_is_asked_for_the_domains_own_classes_alone(evaluator):
    asked = []

    def generate(labels, rng):
        asked.append(labels)
        return real_generator(make_data())(labels, rng)

    evaluator.evaluate("bars", generate, step=0)
    assert np.array_equal(np.bincount(np.concatenate(asked)), [100] * CLASSES)


def test_the_floor_is_the_distance_of_the_held_out_images(evaluator, cache):
    data = make_data()
    model = domain_classifier.domain_classifier(data, cache)
    train, test = (
        model.features(torch.from_numpy(to_unit_range(x))) for x in (data.train_images, data.test_images)
    )
    expected = frechet_distance(train, test)
    assert evaluator.floor("bars") == pytest.approx(expected, rel=1e-6)
    assert evaluator.floor("bars") == evaluator.floor("bars")


def test_a_cached_classifier_of_other_classes_is_not_taken(cache):
    data = make_data("stated")
    stated = dataclasses.replace(data, classes=data.classes + 2)  # the same images under one digest
    for one in (data, stated, data):
        model = domain_classifier.domain_classifier(one, cache)
        images = torch.from_numpy(to_unit_range(one.test_images[:3]))
        assert model(images).shape == (3, one.classes)


def test_better_generators_get_better_values(evaluator):
    data = make_data()
    good = evaluator.evaluate("bars", real_generator(data), step=0)
    noisy = evaluator.evaluate("bars", real_generator(data, noise=0.5), step=0)
    blank = evaluator.evaluate("bars", constant_generator, step=0)
    assert list(good) == ["fid", "generation_score"]
    assert evaluator.floor("bars") / 20 < good["fid"] < noisy["fid"] < blank["fid"]
    assert blank["generation_score"] == pytest.approx(1.0)
    assert 0.9 * CLASSES < good["generation_score"] <= CLASSES


def test_measurements_repeat_and_depend_on_the_step(evaluator):
    generate = real_generator(make_data(), noise=0.3)
    first = evaluator.evaluate("bars", generate, step=3)
    evaluator.evaluate("bars", constant_generator, step=0)
    assert evaluator.evaluate("bars", generate, step=3) == first
    assert evaluator.evaluate("bars", generate, step=4) != first


def test_the_generator_is_asked_for_even_labels_with_the_stream_of_its_domain(cache):
    asked, streams = [], []

    def spy_draw(purpose, index, step):
        streams.append((purpose, index, step))
        return draw(purpose, index, step)

    def spy(labels, rng):
        asked.append(labels)
        return constant_generator(labels, rng)

    data = {"bars": make_data(), "other": make_data("other", seed=1)}
    options = EvaluationOptions(samples=1003, cas={"samples": 9})
    evaluator = Evaluator(data, options, spy_draw, cache)
    evaluator.evaluate("other", spy, step=-1)
    labels = np.concatenate(asked)
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [251, 251, 251, 250]
    evaluator.cas("bars", spy, step=5)
    assert streams == [("evaluation", 1, -1), ("cas", 0, 5)]
    assert sum(map(len, asked)) == 1003 + 9


def test_only_chosen_metrics_are_returned(cache):
    options = EvaluationOptions(samples=20, metrics=["generation_score"])
    evaluator = Evaluator({"bars": make_data()}, options, draw, cache)
    assert list(evaluator.evaluate("bars", constant_generator, 0)) == ["generation_score"]
    with pytest.raises(ValueError, match=r"evaluation.cas: not given"):
        evaluator.cas("bars", constant_generator, 0)


def test_cas_tells_a_generator_with_right_labels_from_one_with_wrong_ones(evaluator):
    generate = real_generator(make_data(), noise=0.1)
    right = evaluator.cas("bars", generate, step=0)
    wrong = evaluator.cas("bars", lambda labels, rng: generate((labels + 1) % CLASSES, rng), step=0)
    assert list(right) == ["cas_accuracy", "cas_precision", "cas_recall", "cas_f1", "cas_fpr"]
    assert right["cas_accuracy"] > 0.9
    assert wrong["cas_accuracy"] < 0.1
    assert right["cas_fpr"] < wrong["cas_fpr"]
    assert evaluator.cas("bars", generate, step=0) == right


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda n: np.full((n, 1, 12, 12), np.nan, np.float32), RunError, "NaN or infinity: .*diverged"),
        (lambda n: np.full((n, 1, 12, 12), np.inf, np.float32), RunError, "NaN or infinity"),
        (
            lambda n: np.full((n, 1, 12, 12), 1.5, np.float32),
            ValueError,
            r"pixel of size 1.5 came; .*\[-1, 1\]",
        ),
        (lambda n: np.zeros((n, 1, 12, 12)), ValueError, "float64 .* allowed: float32"),
        (
            lambda n: np.zeros((n - 1, 1, 12, 12), np.float32),
            ValueError,
            r"allowed: float32 of shape \[400, 1",
        ),
    ],
)
def test_images_that_were_not_asked_for_are_refused(evaluator, make, error, message):
    with pytest.raises(error, match=message):
        evaluator.evaluate("bars", lambda labels, rng: make(len(labels)), step=0)


def test_an_unknown_domain_is_refused_with_the_nearest_name(evaluator):
    with pytest.raises(ValueError, match=r"domain: got 'bar'; allowed: bars, other; did you mean 'bars'\?"):
        evaluator.floor("bar")


def test_a_classifier_is_trained_once_and_then_loaded_bit_for_bit(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    data = make_data()
    trained = domain_classifier.domain_classifier(data, tmp_path)
    assert "training the classifier of domain bars on 600 images" in caplog.text
    monkeypatch.setattr(domain_classifier, "train_classifier", None)
    state = torch.random.get_rng_state()
    loaded = domain_classifier.domain_classifier(data, tmp_path)
    assert "domain bars comes from the cache" in caplog.text
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not loaded.training
    for name, tensor in trained.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


@pytest.mark.parametrize("change", ["data", "threads", "version"])
def test_another_classifier_has_another_cache_entry(tmp_path, monkeypatch, change):
    domain_classifier.domain_classifier(make_data(), tmp_path)
    data = make_data(seed=7) if change == "data" else make_data()
    if change == "threads":
        monkeypatch.setattr(torch, "get_num_threads", lambda: 99)
    if change == "version":
        monkeypatch.setattr(domain_classifier, "CLASSIFIER_VERSION", 99)
    domain_classifier.domain_classifier(data, tmp_path)
    assert len(list((tmp_path / "classifiers").iterdir())) == 2


def test_a_damaged_cache_entry_is_replaced(tmp_path, caplog):
    trained = domain_classifier.domain_classifier(make_data(), tmp_path)
    (entry,) = (tmp_path / "classifiers").iterdir()
    entry.write_bytes(entry.read_bytes()[:-100])
    again = domain_classifier.domain_classifier(make_data(), tmp_path)
    assert entry.name in caplog.text
    assert torch.equal(again.to_logits.weight, trained.to_logits.weight)
