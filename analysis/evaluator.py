"""Measures generators: FID, generation score and classification accuracy score, per domain.

Evaluation costs no simulated time and draws from streams of its own, so it never changes what it measures. It runs
on the CPU in eval mode with labels spread evenly over the classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from analysis.domain_classifier import domain_classifier
from analysis.metrics.cas import classification_scores
from analysis.metrics.fid import FrechetDistance
from analysis.metrics.generation_score import GenerationScore
from analysis.runs import RunError
from models.classifier import FEATURES, Classifier, train_classifier
from models.datasets import LabelledImages, to_unit_range
from scenarios.schema import EvaluationOptions

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
GenerateFn = Callable[[Labels, np.random.Generator], Images]
"""Makes one image per label, float32 ``[n, c, h, w]`` in [-1, 1], drawing from the given generator."""

DrawFn = Callable[[str, int, int], np.random.Generator]
"""Gives the stream of random numbers of (purpose, domain index, step)."""

_BATCH = 500
"""Images generated and classified at a time: bounds memory, changes no value but rounding."""

_RANGE_SLACK = 1e-3


@dataclass(frozen=True)
class _Domain:
    """What is fixed about a domain: its streams' index, data, classifier, and distance to its training images."""

    index: int
    data: LabelledImages
    classifier: Classifier
    distance: FrechetDistance


class Evaluator:
    """Holds the yardsticks of every domain.

    Args:
        datasets: The images of each domain, by its name; the order gives the domains' indices.
        options: What to measure and with how many samples.
        draw: The streams to draw from; the purposes are ``evaluation`` and ``cas``.
        cache: Folder of derived data, for the domains' classifiers.
    """

    def __init__(
        self,
        datasets: Mapping[str, LabelledImages],
        options: EvaluationOptions,
        draw: DrawFn,
        cache: Path,
    ) -> None:
        self._options = options
        self._draw = draw
        self._domains = {
            name: _make_domain(index, data, cache) for index, (name, data) in enumerate(datasets.items())
        }

    def floor(self, domain: str) -> float:
        """Return the FID between held-out real images and the training images: what a perfect generator gets.

        Args:
            domain: Name of the domain.

        Raises:
            ValueError: There is no such domain.
        """
        known = self._domain(domain)
        known.distance.reset()
        for batch in _batches(known.data.test_images):
            known.distance.update(known.classifier.features(batch), real=False)
        return known.distance.compute()

    def classifier_accuracy(self, domain: str) -> float:
        """Return the share of held-out real images that the domain's own classifier gets right, 0..1.

        Args:
            domain: Name of the domain.

        Raises:
            ValueError: There is no such domain.
        """
        known = self._domain(domain)
        return float(np.mean(_predict(known.classifier, known.data.test_images) == known.data.test_labels))

    def evaluate(self, domain: str, generate: GenerateFn, step: int) -> dict[str, float]:
        """Measure a generator by the chosen metrics.

        Args:
            domain: Name of the domain.
            generate: The generator.
            step: Number of the measurement; its random numbers depend on it.

        Returns:
            Metric to value: ``fid`` in [0, inf), ``generation_score`` in [1, classes], as far as chosen.

        Raises:
            ValueError: There is no such domain, or the images are not what was asked for.
            RunError: The images hold NaN or infinity.
        """
        known = self._domain(domain)
        known.distance.reset()
        score = GenerationScore(known.data.classes)
        rng = self._draw("evaluation", known.index, step)
        for images, _ in _generated(known, generate, self._options.samples, rng):
            features = known.classifier.features(torch.from_numpy(images))
            known.distance.update(features, real=False)
            score.update(known.classifier.to_logits(features))
        values = {"fid": known.distance.compute, "generation_score": score.compute}
        return {name: values[name]() for name in self._options.metric_names}

    def cas(self, domain: str, generate: GenerateFn, step: int) -> dict[str, float]:
        """Train a classifier on generated images and test it on the held-out real ones.

        Args:
            domain: Name of the domain.
            generate: The generator.
            step: Number of the measurement; its random numbers depend on it.

        Returns:
            ``cas_accuracy``, ``cas_precision``, ``cas_recall``, ``cas_f1``, ``cas_fpr``, each in 0..1.

        Raises:
            ValueError: The scenario gives no options for it, there is no such domain, or the images are not what
                was asked for.
            RunError: The images hold NaN or infinity.
        """
        options = self._options.cas
        if options is None:
            raise ValueError("evaluation.cas: not given; give it options, such as {every: last}")
        known = self._domain(domain)
        rng = self._draw("cas", known.index, step)
        key = int(rng.integers(2**31))
        images, labels = zip(*_generated(known, generate, options.samples, rng), strict=True)
        model = train_classifier(
            np.concatenate(images), np.concatenate(labels), known.data.classes, options.epochs, key
        )
        predicted = _predict(model, known.data.test_images)
        scores = classification_scores(predicted, known.data.test_labels, known.data.classes)
        return {f"cas_{name}": value for name, value in scores.items()}

    def _domain(self, name: str) -> _Domain:
        if name not in self._domains:
            near = get_close_matches(name, self._domains, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"domain: got {name!r}; allowed: {', '.join(self._domains)}{hint}")
        return self._domains[name]


def _make_domain(index: int, data: LabelledImages, cache: Path) -> _Domain:
    classifier = domain_classifier(data, cache)
    distance = FrechetDistance(FEATURES)
    for batch in _batches(data.train_images):
        distance.update(classifier.features(batch), real=True)
    return _Domain(index, data, classifier, distance)


def _generated(
    domain: _Domain, generate: GenerateFn, samples: int, rng: np.random.Generator
) -> Iterator[tuple[Images, Labels]]:
    """Yield checked batches of generated images with their labels; label i is i modulo the classes."""
    labels: Labels = np.arange(samples, dtype=np.int64) % domain.data.classes
    for start in range(0, samples, _BATCH):
        chosen = labels[start : start + _BATCH]
        images = generate(chosen, rng)
        _check_images(images, (len(chosen), *domain.data.train_images.shape[1:]), domain.data.name)
        yield images, chosen


def _check_images(images: Images, shape: tuple[int, ...], domain: str) -> None:
    if images.shape != shape or images.dtype != np.float32:
        came = f"{images.dtype} of shape {list(images.shape)}"
        raise ValueError(
            f"generated images of {domain}: {came} came; allowed: float32 of shape {list(shape)}"
        )
    largest = float(np.abs(images).max())
    if not np.isfinite(largest):
        raise RunError(f"the generated images of domain {domain} hold NaN or infinity: the training diverged")
    if largest > 1.0 + _RANGE_SLACK:
        raise ValueError(f"generated images of {domain}: a pixel of size {largest} came; allowed: [-1, 1]")


def _batches(images: npt.NDArray[np.uint8]) -> Iterator[torch.Tensor]:
    """Yield real images as the classifier takes them."""
    for start in range(0, len(images), _BATCH):
        yield torch.from_numpy(to_unit_range(images[start : start + _BATCH]))


def _predict(classifier: Classifier, images: npt.NDArray[np.uint8]) -> Labels:
    """Return the most likely class of each real image, shape ``[n]``."""
    logits = torch.cat([classifier(batch) for batch in _batches(images)])
    predicted: Labels = logits.argmax(dim=1).numpy()
    return predicted
