"""What a device can do: compute rate, memory, access link, power. All numbers in SI units.

The built-in catalogue is the folder `catalog/`, one YAML file a profile, every number with its source or the
word "assumed" and the reason. A user's own profile is a file of the same form.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from devices.hardware import SI_FIELDS, HardwareOptions, si_values
from devices.link_ranges import (
    LEAST_RATE_BYTES_PER_S,
    LEAST_WEIGHT,
    LONGEST_LATENCY_S,
    MOST_RATE_BYTES_PER_S,
    MOST_WEIGHT,
)
from devices.profile_file import DeviceKind, parse_profile_text

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_LinkRate = Annotated[float, Field(ge=LEAST_RATE_BYTES_PER_S, le=MOST_RATE_BYTES_PER_S)]
_RATE_KEYS = ("clock", "flops_per_cycle", "efficiency")


class DeviceProfile(BaseModel):
    """One kind of device. Two devices are alike when their profiles are equal; a name alone does not say so.

    A compute rate must follow from the numbers: either `measured_flops_per_s`, or both `clock_hz` and
    `flops_per_cycle`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    """Name of the profile; overrides in a scenario keep it."""
    description: str = ""
    """One sentence on what the device is."""
    kind: DeviceKind
    """Class of device."""
    clock_hz: _Positive | None = None
    """Clock frequency."""
    flops_per_cycle: _Positive | None = None
    """Peak float32 operations per cycle of all cores together; a multiply-add counts 2."""
    efficiency: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the peak that training kernels reach."""
    measured_flops_per_s: _Positive | None = None
    """Measured training speed; wins over clock x flops_per_cycle x efficiency."""
    memory_bytes: _Positive | None = None
    """Memory a training step may fill; None = unlimited."""
    memory_bandwidth_bytes_per_s: _Positive | None = None
    """Rate at which kernels touch memory; None = never limiting."""
    kernel_overhead_s: _NotNegative = 0.0
    """Fixed time per kernel launch."""
    uplink_bytes_per_s: _LinkRate
    """Rate of the access link towards the network."""
    downlink_bytes_per_s: _LinkRate
    """Rate of the access link from the network."""
    latency_s: Annotated[float, Field(ge=0, le=LONGEST_LATENCY_S)] = 0.0
    """One-way propagation delay of the access link."""
    idle_power_w: _NotNegative | None = None
    """Power drawn while waiting; None = unknown."""
    busy_power_w: _NotNegative | None = None
    """Power drawn while computing; None = unknown."""
    radio_j_per_byte: _NotNegative | None = None
    """Energy per byte sent or received; None = unknown."""
    battery_j: _Positive | None = None
    """Energy after which the device is off for good; None = on mains."""
    loss: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of what crosses the access link that is lost, and sent again."""
    share_weight: Annotated[float, Field(ge=LEAST_WEIGHT, le=MOST_WEIGHT)] = 1.0
    """Weight of its transfers where links are shared."""
    lanes: Annotated[int, Field(ge=1)] = 1
    """How many pieces of work run at once, each at the full rate; a scenario says it of the server alone."""
    processor_sharing: bool = False
    """Whether all work runs at once and shares the lanes equally, none above the full rate; else it is first come first
    served."""
    sources: dict[str, str] = Field(default_factory=dict)
    """YAML key of each given number -> citation, or a text starting with "assumed"."""

    @model_validator(mode="after")
    def _has_a_rate(self) -> Self:
        _ = self.rate_flops_per_s
        return self

    def __hash__(self) -> int:
        """Hash the numbers; equal profiles hash alike, and `sources` (a dict) stays out."""
        numbers = (getattr(self, field) for field in SI_FIELDS.values())
        return hash((self.name, self.lanes, self.processor_sharing, *numbers))

    @property
    def rate_flops_per_s(self) -> float:
        """Compute rate: measured, else clock x flops_per_cycle x efficiency.

        Raises:
            ValueError: Neither can be had.
        """
        if self.measured_flops_per_s is not None:
            return self.measured_flops_per_s
        if self.clock_hz is None or self.flops_per_cycle is None:
            raise ValueError(
                f"profile {self.name!r} has no compute rate; "
                "give measured_flops_per_s, or both clock and flops_per_cycle"
            )
        return self.clock_hz * self.flops_per_cycle * self.efficiency

    @property
    def assumed(self) -> Mapping[str, str]:
        """The numbers nobody measured or published: YAML key -> reason."""
        return {key: text for key, text in self.sources.items() if text.startswith("assumed")}

    def compute_seconds(self, flops: float, touched_bytes: float = 0.0, kernels: float = 0.0) -> float:
        """Return how long a piece of work takes on this device, alone on it.

        Roofline with launch cost: ``max(flops / rate, touched_bytes / bandwidth) + kernels * overhead``.

        Args:
            flops: Floating point operations, 0 or more.
            touched_bytes: Bytes read and written in memory, 0 or more.
            kernels: Kernel launches, 0 or more.

        Returns:
            Time in seconds, 0 or more.
        """
        busy_s = flops / self.rate_flops_per_s
        if self.memory_bandwidth_bytes_per_s is not None:
            busy_s = max(busy_s, touched_bytes / self.memory_bandwidth_bytes_per_s)
        return busy_s + kernels * self.kernel_overhead_s

    def override(self, options: HardwareOptions) -> DeviceProfile:
        """Return this profile with the numbers given in ``options``, or itself where none is given.

        Raises:
            OverrideError: The override would have no effect: a measured rate wins over clock,
                flops_per_cycle and efficiency.
        """
        values = si_values(options)
        if not values:
            return self
        if self.measured_flops_per_s is not None or "measured_flops_per_s" in values:
            for key in _RATE_KEYS:
                if SI_FIELDS[key] in values:
                    raise OverrideError(
                        key,
                        f"{key} has no effect on {self.name!r}, whose rate is measured_flops_per_s; "
                        "override measured_flops_per_s alone",
                    )
        given = {key: "given in the scenario" for key, field in SI_FIELDS.items() if field in values}
        # The options were validated to the same ranges, so the copy needs no second validation.
        return self.model_copy(update={**values, "sources": {**self.sources, **given}})


class OverrideError(ValueError):
    """An override that cannot take effect; `key` is its YAML key."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@cache
def catalog_names() -> tuple[str, ...]:
    """Return the names of the built-in profiles, sorted."""
    files = resources.files("devices").joinpath("catalog").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def is_path(name_or_path: str) -> bool:
    """Tell a profile file (``boards/mine.yaml``) from a name of the catalogue (``paper-1``)."""
    return any(mark in name_or_path for mark in "/\\") or name_or_path.endswith((".yaml", ".yml"))


def check_reference(name_or_path: str) -> str:
    """Return the text unchanged if it is a catalogue name or looks like a path.

    Raises:
        ValueError: It is neither; the message lists the nearest and all names.
    """
    if is_path(name_or_path) or name_or_path in catalog_names():
        return name_or_path
    near = get_close_matches(name_or_path.lower(), catalog_names(), n=2)
    guess = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise ValueError(
        f"no profile is named {name_or_path!r}; {guess}allowed: {', '.join(catalog_names())}, "
        "or the path of a .yaml file"
    )


def reference_schema() -> dict[str, Any]:
    """Return the JSON Schema of the texts that `check_reference` accepts."""
    path = {"type": "string", "pattern": r"[/\\]|\.ya?ml$", "examples": ["./this-machine.yaml"]}
    return {"anyOf": [{"type": "string", "enum": list(catalog_names())}, path]}


def load_profile(name_or_path: str, base_dir: Path | None = None) -> DeviceProfile:
    """Read a profile of the catalogue or a profile file.

    Args:
        name_or_path: Name in the catalogue, or a path (it has a slash or ends in .yaml or .yml).
        base_dir: Where relative paths count from; None = the working directory.

    Returns:
        The profile; one shared object per catalogue name.

    Raises:
        ValueError: There is no such profile, or its file is damaged. The message says what came and what is
            allowed.
    """
    if not is_path(check_reference(name_or_path)):
        return _catalog_profile(name_or_path)
    path = (base_dir or Path()) / Path(name_or_path).expanduser()
    return _build(_read_file(path, name_or_path), name_or_path, path.stem)


@cache
def _catalog_profile(name: str) -> DeviceProfile:
    file = resources.files("devices").joinpath("catalog", f"{name}.yaml")
    return _build(file.read_text(encoding="utf-8"), f"catalog/{name}.yaml", name)


def _read_file(path: Path, written: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{written!r} is not UTF-8 text; a profile is a YAML file") from None
    except OSError as error:
        near = get_close_matches(path.name, _yaml_files(path.parent), n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        reason = (error.strerror or type(error).__name__).lower()
        raise ValueError(
            f"profile file {written!r} cannot be read ({reason}, looked at {path.absolute()}); {guess}"
            "give the path of a readable YAML file, relative paths count from the scenario's folder"
        ) from None


def _yaml_files(folder: Path) -> list[str]:
    return [file.name for file in folder.glob("*.y*ml")] if folder.is_dir() else []


def _build(text: str, label: str, default_name: str) -> DeviceProfile:
    content, sources = parse_profile_text(text, label)
    try:
        return DeviceProfile.model_validate(
            {
                "name": content.name or default_name,
                "description": content.description,
                "kind": content.kind,
                **si_values(content),
                "sources": sources,
            }
        )
    except ValidationError as error:
        raise ValueError(f"{label}:1:1: {_first_reason(error)}") from None


def _first_reason(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] == "missing":
        keys = {field: key for key, field in SI_FIELDS.items()}
        key = keys.get(str(first["loc"][0]), str(first["loc"][0]))
        return f"{key}: missing; a profile needs it"
    return str(first.get("ctx", {}).get("error", first["msg"]))
