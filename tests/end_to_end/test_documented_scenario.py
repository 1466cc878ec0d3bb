"""The whole scenario that docs/scenario.md shows: every key at once."""

from pathlib import Path

import pytest

from simulator import registry
from simulator.timing_only import latency

PAGE = Path(__file__).parents[2] / "docs" / "scenario.md"


@pytest.fixture
def path(tmp_path):
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("```yaml\n")
    file = tmp_path / "two.yaml"
    file.write_text(rest.partition("```")[0])
    return file


def test_it_names_every_section_and_loads(path):
    loaded = registry.load(str(path))
    named = {key.partition(".")[0] for key in loaded.given}
    assert named == set(type(loaded.scenario).model_fields)
    assert loaded.scenario.stop.sim_time == 7200
    assert loaded.scenario.devices.clients[1].uplink == 5e6


def test_both_engines_answer_it_alike(path):
    formula, events = (latency(path, engine=engine) for engine in ("formula", "events"))
    assert formula["iteration_latency_s"] == pytest.approx(events["iteration_latency_s"], rel=1e-9)
    assert len(formula["cuts"]) == 24
