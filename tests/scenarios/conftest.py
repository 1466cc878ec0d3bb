"""Small stand-ins for the plug-ins that the simulator registers, and a way to load a scenario from text."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from devices.availability import AlwaysAvailable
from devices.units import Seconds
from scenarios.load import Loaded, ScenarioError, load_scenario
from scenarios.schema import PluginSection, Scenario, scenario_type


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ideal(Options):
    model: Literal["ideal"] = "ideal"


class Dedicated(Options):
    model: Literal["dedicated"] = "dedicated"
    slowdown: float = Field(1.0, ge=1)
    jitter: Seconds = 0.0


class Fixed(Options):
    selector: Literal["fixed"] = "fixed"
    per_client: tuple[tuple[int, int, int, int], ...] | None = None


class Greedy(Options):
    selector: Literal["greedy"] = "greedy"


class Genetic(Options):
    selector: Literal["genetic"] = "genetic"
    population: int = Field(100, ge=2)
    generations: int = Field(100, ge=1)

    @model_validator(mode="after")
    def _small(self) -> "Genetic":
        if self.population * self.generations > 10**6:
            raise ValueError("more than 1000000 evaluations; allowed: at most 1000000")
        return self


class PatienceAll(Options):
    kind: Literal["all"] = "all"


class HuscfGan(Options):
    name: Literal["huscf_gan"] = "huscf_gan"
    rounds: int = Field(10, ge=1)
    batch_size: int = Field(64, ge=2)
    clusters: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    kld_alpha: float = Field(1.0, ge=0)
    patience: PatienceAll = PatienceAll()


class LocalGan(Options):
    name: Literal["local_gan"] = "local_gan"
    rounds: int = Field(5, ge=1)


SECTIONS = (
    PluginSection("network", "model", "dedicated", {"ideal": Ideal, "dedicated": Dedicated}),
    PluginSection("availability", "model", "always", {"always": AlwaysAvailable}),
    PluginSection("cuts", "selector", "fixed", {"fixed": Fixed, "greedy": Greedy, "genetic": Genetic}),
    PluginSection("strategy", "name", "huscf_gan", {"huscf_gan": HuscfGan, "local_gan": LocalGan}),
)

KIND: type[Scenario] = scenario_type(SECTIONS, ("fid", "generation_score"))

DEVICES = "devices:\n  clients:\n    - {profile: paper-1, count: 2}\n"


@pytest.fixture(scope="session")
def kind() -> type[Scenario]:
    return KIND


@pytest.fixture(scope="session")
def sections() -> tuple[PluginSection, ...]:
    return SECTIONS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Callable[..., Loaded]:
    """Loads `s.yaml`, written from a text; the first three lines are a `devices` section unless told not to."""

    def load_text(text: str | bytes = "", *overrides: str, devices: bool = True) -> Loaded:
        if isinstance(text, str):
            text = ((DEVICES if devices else "") + text).encode()
        (folder / "s.yaml").write_bytes(text)
        return load_scenario("s.yaml", overrides, KIND)

    return load_text


@pytest.fixture
def errors(load: Callable[..., Loaded]) -> Callable[..., list[str]]:
    """Loads like `load` and returns the lines of the error that must come."""

    def error_lines(text: str | bytes = "", *overrides: str, devices: bool = True) -> list[str]:
        with pytest.raises(ScenarioError) as caught:
            load(text, *overrides, devices=devices)
        return str(caught.value).split("\n")

    return error_lines
