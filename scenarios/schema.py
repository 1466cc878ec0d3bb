"""What a run is: the typed scenario. Every option has a default but the devices.

The sections `network`, `availability`, `cuts` and `strategy` hold the options of plug-ins, which live beside
their owners in other rooms: `scenario_type` puts them in, so that validation and JSON Schema are complete.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializeAsAny,
    Tag,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from devices.disturbances import DisturbanceOptions
from devices.fleet import FleetOptions
from models.catalog import DataOptions, domain_name
from models.model_options import ModelOptions
from scenarios.stop import Measured, StopOptions, TargetOptions, check_target

PLUGIN_FIELDS = ("network", "availability", "cuts", "strategy")
DEFAULT_METRICS = ("fid", "generation_score")
EXTENDS = "extends"


@dataclass(frozen=True)
class Planned:
    """Something that a later version will accept, so that today's refusal can say so.

    Attributes:
        key: Dotted key path; `*` stands for any list index.
        values: The planned values of that key; empty if the key itself is planned.
    """

    key: str
    values: tuple[str, ...] = ()


# Only looked at when something was refused: an entry whose part is built does nothing any more. Delete it then.
PLANNED: tuple[Planned, ...] = ()

# Values that may name a file; `*` is any list index, a last `<key>` the keys of a map. The flag tells whether the
# value is always a path, or may also be a name of the catalogue.
PATHS: Mapping[str, bool] = {
    "devices.server": False,
    "devices.server.profile": False,
    "devices.clients.*.profile": False,
    "devices.clients.mix.<key>": False,
    "availability.file": True,
    "disturbances.bandwidth_trace.file": True,
    "network.topology.path": True,
    "data.domains.*.dataset.path": True,
    "strategy.edge": False,
}


@dataclass(frozen=True)
class PluginSection:
    """The options of all plug-ins of one section.

    Attributes:
        field: The section: network, availability, cuts or strategy.
        discriminator: The key that chooses the plug-in; every options type has it as a `Literal` with that
            name as its default.
        default: The plug-in that counts where the key is left out.
        options: Plug-in name -> options type.
    """

    field: str
    discriminator: str
    default: str
    options: Mapping[str, type[BaseModel]]

    def __post_init__(self) -> None:
        if self.field not in PLUGIN_FIELDS:
            raise ValueError(f"'{self.field}' is no plug-in section; allowed: {', '.join(PLUGIN_FIELDS)}")
        if self.default not in self.options:
            raise ValueError(f"'{self.default}' is not registered; allowed: {', '.join(self.options)}")
        for name, options in self.options.items():
            field = options.model_fields.get(self.discriminator)
            if field is None or field.default != name:
                raise ValueError(
                    f"{options.__name__} has no key '{self.discriminator}' with the default '{name}'; "
                    f"allowed: {self.discriminator}: Literal['{name}'] = '{name}'"
                )

    def annotation(self) -> Any:  # noqa: ANN401 - a type form, for which typing has no name
        """Returns the tagged union of the options, in which the discriminator may be left out."""

        def tag_of(value: object) -> object:
            if isinstance(value, Mapping):
                return value.get(self.discriminator, self.default)
            return getattr(value, self.discriminator, None)

        members = tuple(Annotated[options, Tag(name)] for name, options in self.options.items())
        return Annotated[Union[members], Discriminator(tag_of)]  # noqa: UP007 - the members are a value


FOLDER_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"


def folder_name(name: str) -> str:
    """Returns a name that can be a folder's.

    Raises:
        ValueError: It cannot.
    """
    if not re.fullmatch(FOLDER_NAME, name):
        raise ValueError(
            f"'{name}' cannot name a folder; allowed: at most 100 letters, digits, '.', '_' and '-', "
            "a letter or digit first"
        )
    return name


class _Section(BaseModel):
    """Common to all sections: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


MOST_SAMPLES = 1_000_000
"""Generated images of a domain in one measurement, at most: more would not fit into memory."""


class CasOptions(_Section):
    """Classification accuracy score: a classifier trained on generated images is tested on real ones."""

    every: Literal["last"] | Annotated[int, Field(ge=1)] = Field(
        "last", description="After every so many rounds, or only after the last one."
    )
    samples: int = Field(
        4000, ge=2, le=MOST_SAMPLES, description="Generated images per domain the classifier learns from."
    )
    epochs: int = Field(3, ge=1, description="Passes of the classifier over these images.")


class MetricEntry(_Section):
    """A metric written as a map, the form that has room for options."""

    name: str = Field(description="Name of the metric.")


class EvaluationOptions(_Section):
    """When and how well the generators are measured; costs no simulated time."""

    every_rounds: int = Field(
        1, ge=1, description="Measure after every so many rounds; before training and after the last always."
    )
    samples: int = Field(
        2000, ge=2, le=MOST_SAMPLES, description="Generated images per domain and measurement."
    )
    metrics: tuple[str | MetricEntry, ...] = Field(
        DEFAULT_METRICS, description="What is measured: names, or maps with a name."
    )
    cas: CasOptions | None = Field(
        None, description="Options of the classification accuracy score; left out = not measured."
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of `metrics`, whichever way they are written."""
        return tuple(one if isinstance(one, str) else one.name for one in self.metrics)

    @field_validator("metrics")
    @classmethod
    def _no_metric_twice(cls, metrics: tuple[str | MetricEntry, ...]) -> tuple[str | MetricEntry, ...]:
        names = [one if isinstance(one, str) else one.name for one in metrics]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"'{twice}' is listed twice; allowed: each metric once")
        return metrics


DEFAULT_THREADS = 2
"""CPU threads of the training where a scenario says nothing."""


class ExecutionOptions(_Section):
    """How the run is computed on this machine; no effect on simulated time."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where the networks are trained; auto = cuda where there is one."
    )
    precision: Literal["float32", "float64"] = Field("float32", description="Number format of the training.")
    threads: int = Field(
        DEFAULT_THREADS,
        ge=1,
        le=1024,
        description="CPU threads of the training; other counts round differently.",
    )
    training: bool = Field(True, description="false = timing only: no data is read and nothing is trained.")


TRACED_ITERATIONS = 2
"""Iterations of the trace where a scenario does not say how many."""

MOST_TRACED_DEVICES = 200
"""Devices up to which there is a trace that nobody asked for."""


class TraceOptions(_Section):
    """Which iterations `trace.json` shows leg by leg; no effect on what is simulated."""

    first_iteration: int = Field(0, ge=0, description="Number of the first iteration shown, from 0.")
    iterations: int | None = Field(
        None,
        ge=0,
        examples=[10],
        description=f"How many are shown; 0 = no trace; left out = {TRACED_ITERATIONS}, or none where there are more "
        f"than {MOST_TRACED_DEVICES} devices.",
    )

    def length(self, devices: int) -> int:
        """Returns how many iterations are shown of a run with so many devices, the server among them."""
        if self.iterations is not None:
            return self.iterations
        return TRACED_ITERATIONS if devices <= MOST_TRACED_DEVICES else 0


def _declare_extends(schema: JsonDict) -> None:
    properties = schema.get("properties")
    if isinstance(properties, dict):
        properties[EXTENDS] = {
            "type": "string",
            "minLength": 1,
            "examples": ["quickstart", "./base.yaml"],
            "description": "Path or library name of a scenario whose values count where this one gives none.",
        }


class Scenario(_Section):
    """A whole run. The type that `scenario_type` returns has the options of the plug-ins filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_declare_extends)
    plugins: ClassVar[tuple[PluginSection, ...]] = ()
    cas_metrics: ClassVar[tuple[str, ...]] = ()

    name: Annotated[str, AfterValidator(folder_name)] = Field(
        "scenario",
        description="Name of the run and of its folder; left out = the name of the file.",
        examples=["my-first-run"],
        json_schema_extra={"pattern": f"^{FOLDER_NAME}$"},
    )
    seed: int = Field(0, ge=0, description="Key of everything random in the run.")
    devices: FleetOptions = Field(description="The server and the clients.")
    network: SerializeAsAny[Any] = Field(description="How transfers share links, chosen by `model`.")
    availability: SerializeAsAny[Any] = Field(description="When devices are there, chosen by `model`.")
    disturbances: DisturbanceOptions = Field(
        default_factory=DisturbanceOptions, description="What goes wrong on devices and links."
    )
    data: DataOptions = Field(default_factory=DataOptions, description="The domains and who holds what.")
    model: ModelOptions = Field(default_factory=ModelOptions, description="The networks, chosen by `name`.")
    cost_model: Literal["exact", "paper"] = Field(
        "exact",
        description="How work is counted and timed: exact = counts that equal torch's, in the dataflow iteration; "
        "paper = the HuSCF-GAN authors' own four-phase formula, with its faults.",
    )
    cuts: SerializeAsAny[Any] = Field(description="Who holds which block, chosen by `selector`.")
    strategy: SerializeAsAny[Any] = Field(description="The training method, chosen by `name`.")
    stop: StopOptions | None = Field(
        None, description="What ends the run early; left out = it ends with its last round."
    )
    evaluation: EvaluationOptions = Field(
        default_factory=EvaluationOptions, description="When and how well the generators are measured."
    )
    execution: ExecutionOptions = Field(
        default_factory=ExecutionOptions, description="How the run is computed on this machine."
    )
    records: Literal["full", "summary"] = Field(
        "full", description="full = one row per transfer; summary = one per pair of devices, kind and round."
    )
    trace: TraceOptions = Field(
        default_factory=TraceOptions, description="The iterations that are shown leg by leg."
    )

    @model_validator(mode="after")
    def _target_is_measured(self) -> Self:
        if self.stop is not None and self.stop.target is not None:
            cas = self.evaluation.cas
            measured = Measured(
                domains=[domain_name(domain) for domain in self.data.domains],
                metrics=self.evaluation.metric_names,
                cas_metrics=self.cas_metrics,
                cas_every=cas.every if cas is not None else None,
            )
            check_target(self.stop.target, measured)
        return self


def scenario_type(
    sections: Sequence[PluginSection], metric_names: Sequence[str], cas_metrics: Sequence[str] = ()
) -> type[Scenario]:
    """Builds the scenario type that knows the given plug-ins.

    Args:
        sections: The four plug-in sections, in any order.
        metric_names: The metrics that can be asked for; the default metrics are among them.
        cas_metrics: The metrics of the classification accuracy score, which a target may name too.

    Raises:
        ValueError: A section is missing or comes twice, or a default metric is unknown.
    """
    if sorted(section.field for section in sections) != sorted(PLUGIN_FIELDS):
        came = ", ".join(section.field for section in sections)
        raise ValueError(f"the sections {came}; allowed: {', '.join(PLUGIN_FIELDS)}, each once")
    unknown = sorted(set(DEFAULT_METRICS) - set(metric_names))
    if unknown:
        raise ValueError(f"no metric is called {', '.join(unknown)}; the default metrics need it")
    fields: dict[str, Any] = {}
    for section in sections:
        described = Scenario.model_fields[section.field].description
        default = section.options[section.default]
        fields[section.field] = (section.annotation(), Field(default_factory=default, description=described))
    evaluation = _evaluation_type(metric_names)
    described = Scenario.model_fields["evaluation"].description
    fields["evaluation"] = (evaluation, Field(default_factory=evaluation, description=described))
    fields["stop"] = _stop_field((*metric_names, *cas_metrics))
    built: type[Scenario] = create_model("Scenario", __base__=Scenario, __doc__=Scenario.__doc__, **fields)
    built.plugins = tuple(sections)
    built.cas_metrics = tuple(cas_metrics)
    return built


def _evaluation_type(metric_names: Sequence[str]) -> type[EvaluationOptions]:
    name: Any = Literal[tuple(metric_names)]
    described = MetricEntry.model_fields["name"].description
    entry = create_model("MetricEntry", __base__=MetricEntry, name=(name, Field(description=described)))
    described = EvaluationOptions.model_fields["metrics"].description
    metrics: Any = (tuple[name | entry, ...], Field(DEFAULT_METRICS, description=described))
    return create_model("EvaluationOptions", __base__=EvaluationOptions, metrics=metrics)


def _stop_field(metric_names: Sequence[str]) -> Any:  # noqa: ANN401 - a type form and a field's facts
    name: Any = Literal[tuple(metric_names)]
    described = TargetOptions.model_fields["metric"].description
    target = create_model(
        "TargetOptions", __base__=TargetOptions, metric=(name, Field(description=described))
    )
    described = StopOptions.model_fields["target"].description
    options = create_model(
        "StopOptions", __base__=StopOptions, target=(target | None, Field(None, description=described))
    )
    return (options | None, Field(None, description=Scenario.model_fields["stop"].description))


def scenario_json_schema(kind: type[Scenario]) -> dict[str, Any]:
    """Returns the JSON Schema of a scenario type, for editors and for `Shape`.

    Pydantic cannot know what a left-out discriminator means: here the default is stated, and every other
    plug-in requires its key, so that exactly one alternative fits.
    """
    schema = kind.model_json_schema()
    for section in kind.plugins:
        node = schema["properties"][section.field]
        references = [one["$ref"] for one in node.pop("oneOf", None) or [{"$ref": node.pop("$ref")}]]
        mapping = {}
        for reference in references:
            options = schema["$defs"][reference.rsplit("/", 1)[-1]]
            name = options["properties"][section.discriminator]["const"]
            mapping[name] = reference
            if name != section.default:
                options["required"] = [section.discriminator, *options.get("required", [])]
        node["oneOf"] = [{"$ref": reference} for reference in references]
        node["discriminator"] = {"propertyName": section.discriminator, "mapping": mapping}
        node["default"] = {section.discriminator: section.default}
    return schema
