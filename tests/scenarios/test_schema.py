"""The scenario type: defaults, plug-in sections, JSON Schema, the table of what is planned."""

from typing import Literal

import pytest
from pydantic import BaseModel, ValidationError

from scenarios.schema import PLANNED, PluginSection, scenario_json_schema, scenario_type

DEVICES = {"clients": [{"profile": "paper-1"}]}


def test_only_devices_is_required(kind):
    scenario = kind.model_validate({"devices": DEVICES})
    assert (scenario.name, scenario.seed, scenario.cost_model, scenario.records) == (
        "scenario",
        0,
        "exact",
        "full",
    )
    assert scenario.network.model == "dedicated"
    assert scenario.cuts.selector == "fixed"
    assert scenario.strategy.name == "huscf_gan"
    assert scenario.evaluation.metrics == ("fid", "generation_score")
    assert scenario.evaluation.cas is None
    assert scenario.execution.threads == 2
    with pytest.raises(ValidationError):
        kind.model_validate({})


def test_scenarios_are_immutable(kind):
    scenario = kind.model_validate({"devices": DEVICES})
    with pytest.raises(ValidationError):
        scenario.seed = 1


def test_discriminator_may_be_left_out(kind):
    scenario = kind.model_validate(
        {"devices": DEVICES, "strategy": {"rounds": 3}, "network": {"model": "ideal"}}
    )
    assert (scenario.strategy.name, scenario.strategy.rounds, scenario.network.model) == (
        "huscf_gan",
        3,
        "ideal",
    )


def test_metric_names_of_both_forms(kind):
    metrics = ["generation_score", {"name": "fid"}]
    scenario = kind.model_validate({"devices": DEVICES, "evaluation": {"metrics": metrics}})
    assert scenario.evaluation.metric_names == ("generation_score", "fid")


def test_every_key_is_described(kind):
    def undescribed(node: BaseModel) -> list[str]:
        return [name for name, field in node.model_fields.items() if not field.description]

    evaluation = type(kind.model_validate({"devices": DEVICES}).evaluation)
    for model in (kind, evaluation, *(kind.__mro__[1:2])):
        assert undescribed(model) == []


def test_json_schema_states_what_a_left_out_discriminator_means(kind):
    schema = scenario_json_schema(kind)
    cuts = schema["properties"]["cuts"]
    assert cuts["default"] == {"selector": "fixed"}
    assert cuts["discriminator"]["propertyName"] == "selector"
    assert set(cuts["discriminator"]["mapping"]) == {"fixed", "greedy", "genetic"}
    definitions = schema["$defs"]
    assert definitions["Genetic"]["required"] == ["selector"]
    assert "required" not in definitions["Fixed"]
    assert schema["required"] == ["devices"]
    assert schema["properties"]["extends"]["type"] == "string"


def test_planned_entries_name_keys_and_no_built_value(kind, sections):
    assert len({one.key for one in PLANNED}) == len(PLANNED)
    built = {f"{section.field}.{section.discriminator}": set(section.options) for section in sections}
    for one in PLANNED:
        assert not built.get(one.key, set()) & set(one.values)


class Nameless(BaseModel):
    rounds: int = 3


class Misnamed(BaseModel):
    name: Literal["other"] = "other"


@pytest.mark.parametrize(
    ("field", "default", "options", "words"),
    [
        (
            "cut",
            "a",
            {"a": Misnamed},
            "'cut' is no plug-in section; allowed: network, availability, cuts, strategy",
        ),
        ("strategy", "b", {"other": Misnamed}, "'b' is not registered; allowed: other"),
        ("strategy", "a", {"a": Nameless}, "Nameless has no key 'name' with the default 'a'"),
        ("strategy", "a", {"a": Misnamed}, "Misnamed has no key 'name' with the default 'a'"),
    ],
)
def test_sections_that_cannot_work(field, default, options, words):
    with pytest.raises(ValueError, match=words):
        PluginSection(field, "name", default, options)


def test_each_section_once(sections):
    with pytest.raises(
        ValueError, match="the sections network, availability, cuts; allowed: network, availability"
    ):
        scenario_type(sections[:3], ("fid", "generation_score"))


def test_default_metrics_must_exist(sections):
    with pytest.raises(ValueError, match="no metric is called generation_score"):
        scenario_type(sections, ("fid",))
