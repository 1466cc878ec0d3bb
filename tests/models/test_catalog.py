"""The catalogue of data sets and the data options: names, exact error locations, round trips."""

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from models.catalog import (
    DATASETS,
    DataOptions,
    DatasetPath,
    DomainOptions,
    ImageForm,
    balanced_labels,
    dataset_form,
    dataset_info,
    domain_name,
)
from models.partition_options import DirichletPartition, IidPartition


class Root(BaseModel):
    data: DataOptions = DataOptions()


def errors_of(data: object) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        Root.model_validate({"data": data})
    return [(error["loc"], error["msg"]) for error in caught.value.errors()]


def only_error(data: object) -> tuple[tuple[int | str, ...], str]:
    errors = errors_of(data)
    assert len(errors) == 1, errors
    return errors[0]


def test_catalogue_lists_embedded_sets_first_and_states_their_sizes():
    assert list(DATASETS)[:2] == ["mnist5k", "glyphs"]
    for name in ("mnist5k", "glyphs"):
        info = dataset_info(name)
        assert info.embedded
        assert (info.train_images, info.test_images) == (4000, 1000)


FORMS = {
    "MNIST": ((1, 28, 28), 10, 60000, 10000),
    "FashionMNIST": ((1, 28, 28), 10, 60000, 10000),
    "KMNIST": ((1, 28, 28), 10, 60000, 10000),
    "NotMNIST": ((1, 28, 28), 10, 60000, 10000),
    "CIFAR10": ((3, 32, 32), 10, 50000, 10000),
    "SVHN": ((3, 32, 32), 10, 73257, 26032),
    "BloodMNIST": ((3, 28, 28), 8, 11959, 3421),
    "DermaMNIST": ((3, 28, 28), 7, 7007, 2005),
}
"""As their authors state them."""


def test_every_set_in_files_states_its_published_size_and_form():
    found = {
        name: (info.image_shape, info.classes, info.train_images, info.test_images)
        for name, info in DATASETS.items()
        if not info.embedded
    }
    assert found == FORMS


@pytest.mark.parametrize("name", DATASETS)
def test_the_form_of_a_named_set_is_the_catalogues(name):
    info = dataset_info(name)
    assert dataset_form(name) == ImageForm(info.image_shape, info.classes)


@pytest.mark.parametrize(
    ("stated", "form"),
    [
        ({}, ImageForm((1, 28, 28), 10)),
        ({"image_shape": [3, 32, 40]}, ImageForm((3, 32, 40), 10)),
        ({"classes": 7}, ImageForm((1, 28, 28), 7)),
        ({"image_shape": [1, 8, 8], "classes": 3, "format": "npz"}, ImageForm((1, 8, 8), 3)),
    ],
)
def test_the_form_of_a_path_is_what_is_stated_else_what_is_assumed(stated, form):
    assert dataset_form(DatasetPath(path="letters", **stated)) == form


def test_every_entry_states_licence_and_source():
    for name, info in DATASETS.items():
        assert info.name == name
        assert info.licence
        assert info.source


@pytest.mark.parametrize(
    ("given", "nearest"), [("mnist5", "mnist5k"), ("mnist", "MNIST"), ("glyph", "glyphs")]
)
def test_unknown_name_gets_the_nearest_one(given, nearest):
    with pytest.raises(ValueError, match=f"unknown data set '{given}'.*did you mean '{nearest}'"):
        dataset_info(given)


def test_balanced_labels_are_balanced():
    labels = balanced_labels((23, 10))
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(np.bincount(labels), [3, 3, 3, 2, 2, 2, 2, 2, 2, 2])
    np.testing.assert_array_equal(np.bincount(balanced_labels(dataset_info("glyphs"))), [400] * 10)


def test_defaults():
    options = DataOptions()
    assert [domain.dataset for domain in options.domains] == ["mnist5k"]
    assert options.partition == IidPartition()


def test_partition_kind_may_be_left_out():
    assert DataOptions.model_validate({"partition": {}}).partition == IidPartition()


@pytest.mark.parametrize(
    "data",
    [
        {"domains": [{"dataset": "glyphs", "clients": 3}, {"dataset": {"path": "my/letters"}}]},
        {"partition": {"kind": "dirichlet", "alpha": 0.1}},
        {"partition": {"kind": "label_exclusion", "excluded_labels": {0: 1, 4: 2.5}}},
        {"partition": {"kind": "quantity", "shares": [1, 2, 3]}},
    ],
)
def test_options_survive_json_and_python_round_trips(data):
    options = DataOptions.model_validate(data)
    assert DataOptions.model_validate_json(options.model_dump_json()) == options
    assert DataOptions.model_validate(options.model_dump()) == options


def test_options_are_frozen():
    with pytest.raises(ValidationError):
        DataOptions().partition = DirichletPartition()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data", "location", "message"),
    [
        ({"domains": [{"dataset": "glyps"}]}, ("domains", 0, "dataset"), "did you mean 'glyphs'"),
        ({"domains": [{"dataset": 3}]}, ("domains", 0, "dataset"), "3 is no data set"),
        ({"domains": [{"dataset": {"path": 3}}]}, ("domains", 0, "dataset", "path"), "valid string"),
        ({"domains": [{"dataset": {}}]}, ("domains", 0, "dataset", "path"), "required"),
        (
            {"domains": [{"dataset": {"path": "a", "format": "idxx"}}]},
            ("domains", 0, "dataset", "format"),
            "unknown data format 'idxx'; allowed: idx, npz, folder, cifar; did you mean 'idx'",
        ),
        (
            {"domains": [{"dataset": {"path": "a", "image_shape": [3, 32]}}]},
            ("domains", 0, "dataset", "image_shape", 2),
            "required",
        ),
        (
            {"domains": [{"dataset": {"path": "a", "image_shape": [32, 32, 3]}}]},
            ("domains", 0, "dataset", "image_shape", 0),
            "less than or equal to 4",
        ),
        (
            {"domains": [{"dataset": {"path": "a", "classes": 1}}]},
            ("domains", 0, "dataset", "classes"),
            "greater than or equal to 2",
        ),
        ({"domains": [{"dataset": {"path": ".."}}]}, ("domains", 0, "dataset", "path"), "no name"),
        ({"domains": [{"dataset": {"path": "/"}}]}, ("domains", 0, "dataset", "path"), "no name"),
        ({"domains": [{"clients": 2}]}, ("domains", 0, "dataset"), "required"),
        ({"domains": [{"dataset": "glyphs", "clients": 0}]}, ("domains", 0, "clients"), "greater than"),
        ({"domains": []}, ("domains",), "at least 1"),
        ({"partition": "iid"}, ("partition",), "'iid' is no partition"),
        ({"partition": {"kind": "dirichle"}}, ("partition", "kind"), "did you mean 'dirichlet'"),
        ({"partition": {"kind": ["iid"]}}, ("partition", "kind"), "unknown partition kind"),
        ({"partition": {"kind": "paper_s7"}}, ("partition", "kind"), "did you mean 'paper_s"),
        (
            {"partition": {"kind": "shards", "shards_per_client": 0}},
            ("partition", "shards_per_client"),
            "than or",
        ),
        ({"partition": {"kind": "dirichlet", "alpha": 0}}, ("partition", "alpha"), "greater than 0"),
        ({"partition": {"alpha": 1}}, ("partition", "alpha"), "not permitted"),
        (
            {"partition": {"kind": "quantity", "shares": [1, -1]}},
            ("partition", "shares", 1),
            "greater than 0",
        ),
    ],
)
def test_one_mistake_is_one_error_at_its_exact_key(data, location, message):
    found, text = only_error(data)
    assert found == ("data", *location)
    assert message in text


def test_several_mistakes_below_a_path_are_all_reported():
    found = errors_of({"domains": [{"dataset": {"pth": "a", "format": "nzp"}}]})
    assert {location[-1] for location, _ in found} == {"path", "pth", "format"}


def test_domains_of_one_name_are_refused_where_the_second_stands():
    domains = [{"dataset": "glyphs"}, {"dataset": "mnist5k"}, {"dataset": {"path": "x/glyphs/"}}]
    location, message = only_error({"domains": domains})
    assert location == ("data", "domains", 2, "dataset")
    assert "domain 0 is named 'glyphs' too" in message


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("letters", "letters"),
        ("/a/letters/", "letters"),
        ("../b/letters/raw", "letters"),
        ("raw", "raw"),
        ("a/letters.npz", "letters"),
    ],
)
def test_a_path_domain_is_named_after_its_folder(path, name):
    assert domain_name(DomainOptions(dataset=DatasetPath(path=path))) == name


def test_json_schema_offers_names_and_paths():
    schema = DataOptions.model_json_schema()
    choices = schema["$defs"]["DomainOptions"]["properties"]["dataset"]["anyOf"]
    assert choices[0]["enum"] == list(DATASETS)
    assert choices[1] == {"$ref": "#/$defs/DatasetPath"}
