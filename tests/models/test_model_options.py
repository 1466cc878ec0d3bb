"""Which model makes which images, and what it is built for."""

import pytest

from models.catalog import ImageForm
from models.cgan import cgan28, cgan32
from models.model_options import MODEL_NAMES, MODELS, ModelOptions, build_architecture

COLOUR = ModelOptions(name="cgan32", width=3)


def test_every_name_has_a_model_that_builds_every_shape_it_states():
    assert tuple(MODELS) == MODEL_NAMES
    for name, model in MODELS.items():
        for shape in model.image_shapes:
            architecture = build_architecture(ModelOptions(name=name, width=2), ImageForm(shape, 10))
            assert (architecture.name, architecture.image_shape, architecture.classes) == (name, shape, 10)


def test_without_data_a_model_takes_its_usual_form():
    assert build_architecture(ModelOptions(width=5)) == cgan28(5)
    assert build_architecture(COLOUR) == cgan32(3, (3, 32, 32), 10)


def test_the_papers_networks_keep_ten_labels_where_the_data_have_fewer():
    assert build_architecture(ModelOptions(width=2), ImageForm((1, 28, 28), 4)) == cgan28(2)


def test_the_colour_networks_take_the_classes_of_the_data():
    assert build_architecture(COLOUR, ImageForm((3, 28, 28), 8)) == cgan32(3, (3, 28, 28), 8)


def test_shapes_and_classes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="cgan28 makes no images of 3 x 32 x 32; allowed: 1 x 28 x 28"):
        build_architecture(ModelOptions(), ImageForm((3, 32, 32), 10))
    with pytest.raises(ValueError, match="cgan28 takes no 26 classes; allowed: at most 10"):
        build_architecture(ModelOptions(), ImageForm((1, 28, 28), 26))
