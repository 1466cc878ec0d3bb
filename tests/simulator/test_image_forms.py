"""Images and networks that fit each other, and the place of the mistake where they do not."""

import pytest

from models.catalog import ImageForm
from models.cgan import cgan28, cgan32
from scenarios.load import ScenarioError
from simulator import registry
from simulator.image_forms import assumed_forms, fitting_architecture
from simulator.setting import make_setting

FLEET = "devices: {clients: [{profile: paper-1, count: 4}]}\n"
PHOTOS = ImageForm((3, 32, 32), 10)


def loaded(tmp_path, model, *datasets):
    path = tmp_path / "s.yaml"
    listed = ", ".join(f"{{dataset: {one}}}" for one in datasets)
    path.write_text(f"{FLEET}model: {{{model}}}\ndata: {{domains: [{listed}]}}\n")
    return registry.load(str(path))


def refusal(tmp_path, model, *datasets, forms=None):
    scenario = loaded(tmp_path, model, *datasets)
    with pytest.raises(ScenarioError) as refused:
        make_setting(scenario, forms=forms)
    return str(refused.value).removeprefix(f"{tmp_path}/")


def test_the_networks_take_the_shape_of_the_data_and_the_labels_of_the_domain_with_most(tmp_path):
    setting = make_setting(loaded(tmp_path, "name: cgan32, width: 2", "DermaMNIST", "BloodMNIST"))
    assert setting.architecture == cgan32(2, (3, 28, 28), 8)
    assert [form.classes for form in setting.forms] == [7, 8]


def test_grey_digits_keep_the_papers_networks(tmp_path):
    assert make_setting(loaded(tmp_path, "width: 3", "MNIST", "glyphs")).architecture == cgan28(3)


def test_domains_of_different_shapes_name_the_one_that_differs(tmp_path):
    assert refusal(tmp_path, "name: cgan32", "CIFAR10", "BloodMNIST") == (
        "s.yaml:3:48: data.domains.1.dataset: BloodMNIST holds images of 3 x 28 x 28; "
        "allowed: 3 x 32 x 32 as CIFAR10 holds, for all domains share one network"
    )


def test_a_model_for_other_images_is_named_with_those_that_fit(tmp_path):
    assert refusal(tmp_path, "name: cgan28", "CIFAR10", "SVHN") == (
        "s.yaml:2:15: model.name: 'cgan28' makes no images of 3 x 32 x 32, which CIFAR10 holds; allowed: cgan32"
    )
    assert refusal(tmp_path, "name: cgan32", "MNIST") == (
        "s.yaml:2:15: model.name: 'cgan32' makes no images of 1 x 28 x 28, which MNIST holds; allowed: cgan28"
    )


def test_images_that_no_model_makes_are_told_what_there_is(tmp_path):
    own = "{path: x, image_shape: [3, 64, 64]}"
    assert refusal(tmp_path, "name: cgan32", own).endswith(
        "'cgan32' makes no images of 3 x 64 x 64, which x holds; allowed: data of another shape; "
        "there are cgan28 (1 x 28 x 28), cgan32 (3 x 32 x 32, 3 x 28 x 28, 1 x 32 x 32)"
    )


def test_more_labels_than_the_model_has_name_their_domain(tmp_path):
    assert refusal(tmp_path, "width: 2", "MNIST", "{path: letters, classes: 26}") == (
        "s.yaml:3:46: data.domains.1.dataset: letters has 26 classes; "
        "allowed: at most 10 with model.name cgan28"
    )


def test_what_the_files_hold_counts_where_they_were_opened(tmp_path):
    scenario = loaded(tmp_path, "name: cgan32, width: 2", "{path: x, format: folder}")
    assert make_setting(scenario, forms=[ImageForm((1, 32, 32), 3)]).architecture == cgan32(2, (1, 32, 32), 3)
    assert "which x holds" in refusal(
        tmp_path, "name: cgan32", "{path: x}", forms=[ImageForm((1, 28, 28), 3)]
    )


def test_an_unstated_shape_is_assumed_to_fit(tmp_path):
    own = "{path: x, classes: 4}"
    assert assumed_forms(loaded(tmp_path, "name: cgan32", own)) == (ImageForm((3, 32, 32), 4),)
    assert assumed_forms(loaded(tmp_path, "name: cgan28", own)) == (ImageForm((1, 28, 28), 4),)
    beside = loaded(tmp_path, "name: cgan32", own, "BloodMNIST")
    assert assumed_forms(beside) == (ImageForm((3, 28, 28), 4), ImageForm((3, 28, 28), 8))
    stated = loaded(tmp_path, "name: cgan32", "{path: x, image_shape: [1, 32, 32]}", "CIFAR10")
    assert assumed_forms(stated) == (ImageForm((1, 32, 32), 10), PHOTOS)


def test_the_architecture_follows_from_forms_alone(tmp_path):
    scenario = loaded(tmp_path, "name: cgan32, width: 2", "CIFAR10", "SVHN")
    assert fitting_architecture(scenario, [PHOTOS, PHOTOS]) == cgan32(2)
