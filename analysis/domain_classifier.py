"""The classifier of a domain: trained once on its real training images, kept in the cache, loaded afterwards."""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import platform
from pathlib import Path
from typing import cast

import numpy as np
import torch

from models import classifier as classifier_module
from models.cache import cached_arrays
from models.classifier import CLASSIFIER_VERSION, DEFAULT_EPOCHS, Classifier, train_classifier
from models.datasets import LabelledImages

logger = logging.getLogger(__name__)

_KEY = 0
"""The same for every scenario and seed: a yardstick must not change with what it measures."""


def domain_classifier(data: LabelledImages, cache: Path) -> Classifier:
    """Train the classifier of a domain, or load it if the same one was trained before.

    Args:
        data: The domain's images.
        cache: Folder of derived data; damaged entries are replaced, and where it cannot be written the log says
            so.

    Returns:
        The classifier in eval mode with frozen parameters.
    """
    trained: list[Classifier] = []

    def train() -> dict[str, np.ndarray]:
        logger.info("training the classifier of domain %s on %d images", data.name, len(data.train_images))
        model = train_classifier(data.train_images, data.train_labels, data.classes, DEFAULT_EPOCHS, _KEY)
        trained.append(model)
        return {name: tensor.numpy() for name, tensor in model.state_dict().items()}

    state = cached_arrays(f"classifier-{data.name}", _cache_key(data), train, cache / "classifiers")
    if trained:
        return trained[0]
    logger.info("the classifier of domain %s comes from the cache %s", data.name, cache)
    return _from_state(data, state)


def _cache_key(data: LabelledImages) -> str:
    """Name everything the trained weights depend on."""
    facts = {
        "data": data.digest,
        "classes": data.classes,
        "source": hashlib.sha256(inspect.getsource(classifier_module).encode()).hexdigest(),
        "version": CLASSIFIER_VERSION,
        "epochs": DEFAULT_EPOCHS,
        "key": _KEY,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }
    return json.dumps(facts, sort_keys=True)


def _from_state(data: LabelledImages, state: dict[str, np.ndarray]) -> Classifier:
    image_shape = cast(tuple[int, int, int], data.train_images.shape[1:])
    # The weights drawn here are replaced at once; the fork keeps torch's global generator as it was.
    with torch.random.fork_rng(devices=[]):
        model = Classifier(image_shape, data.classes)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    return model.eval().requires_grad_(False)
