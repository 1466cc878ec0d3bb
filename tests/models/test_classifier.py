"""The classifier: shapes, learning, determinism, and the global generator left alone."""

import numpy as np
import pytest
import torch

from models.classifier import DEFAULT_EPOCHS, FEATURES, Classifier, train_classifier
from models.datasets import to_unit_range
from models.glyphs import draw_glyphs


def stripes(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images whose class is the place of a bright stripe: learnable in seconds."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    images = rng.integers(0, 120, (count, 1, 12, 12), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[0, 3 * label : 3 * label + 3] += 120
    return images, labels


def accuracy(classifier: Classifier, images: np.ndarray, labels: np.ndarray) -> float:
    predicted = classifier(torch.from_numpy(to_unit_range(images))).argmax(dim=1).numpy()
    return float((predicted == labels).mean())


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 13, 10)])
def test_shapes(shape):
    classifier = Classifier(shape, classes=7).eval()
    images = torch.zeros(5, *shape)
    assert classifier(images).shape == (5, 7)
    features = classifier.features(images)
    assert features.shape == (5, FEATURES)
    assert (features >= 0).all()
    torch.testing.assert_close(classifier.to_logits(features), classifier(images))


def test_it_learns_and_generalises():
    classifier = train_classifier(*stripes(256), classes=4, epochs=3, key=1)
    assert accuracy(classifier, *stripes(100, seed=9)) > 0.95


def test_it_is_returned_frozen_and_in_eval_mode():
    classifier = train_classifier(*stripes(16), classes=4, epochs=1, key=1)
    assert not classifier.training
    assert not any(parameter.requires_grad for parameter in classifier.parameters())


def test_same_key_same_weights_whatever_the_global_generator():
    images, labels = stripes(64)
    torch.manual_seed(1)
    first = train_classifier(images, labels, classes=4, epochs=1, key=5).state_dict()
    torch.manual_seed(2)
    second = train_classifier(images, labels, classes=4, epochs=1, key=5).state_dict()
    other = train_classifier(images, labels, classes=4, epochs=1, key=6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["to_logits.weight"], other["to_logits.weight"])


def test_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    train_classifier(*stripes(16), classes=4, epochs=1, key=5)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_bytes_and_scaled_floats_give_the_same_training():
    images, labels = stripes(64)
    from_bytes = train_classifier(images, labels, classes=4, epochs=1, key=5).state_dict()
    from_floats = train_classifier(to_unit_range(images), labels, classes=4, epochs=1, key=5).state_dict()
    assert all(torch.equal(from_bytes[name], from_floats[name]) for name in from_bytes)


def test_a_last_batch_of_one_image_is_trained_on():
    train_classifier(*stripes(65), classes=4, epochs=1, key=1, batch_size=64)


@pytest.mark.parametrize(("images", "labels", "epochs"), [(4, 3, 1), (0, 0, 1), (4, 4, 0)])
def test_wrong_arguments(images, labels, epochs):
    with pytest.raises(ValueError, match=f"{images} images, {labels} labels and {epochs} epochs"):
        train_classifier(stripes(images)[0], np.zeros(labels, dtype=int), 4, epochs, key=1)


def test_drawn_letters_can_be_told_apart():
    train, test = draw_glyphs(200), draw_glyphs(23, seed=77)
    classifier = train_classifier(*train, classes=10, epochs=DEFAULT_EPOCHS, key=3)
    assert accuracy(classifier, *test) > 0.9
