"""hetedge calibrate: a profile that a scenario can name at once."""

import importlib
import json
from pathlib import Path

import jsonschema
import pytest

from devices.profile import load_profile

SCHEMA = (
    Path(importlib.import_module("simulator").__file__).parent.parent / "docs/schemas/calibrate.schema.json"
)
SMALL = ("--width", 2, "--batch-size", 4, "--threads", 1, "--repeats", 2)


def test_a_scenario_can_name_the_profile(hetedge, tmp_path):
    done = hetedge("calibrate", *SMALL)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "this-machine.yaml"
    rate = load_profile(str(tmp_path / "this-machine.yaml")).rate_flops_per_s
    assert f"{rate / 1e9:.4g} GFLOP/s: " in done.out
    (tmp_path / "s.yaml").write_text("devices: {clients: [{profile: ./this-machine.yaml, count: 4}]}\n")
    answer = json.loads(hetedge("latency", "s.yaml", "--json").out)
    assert [one["profile"] for one in answer["clients"]] == ["this-machine"] * 4
    assert answer["iteration_latency_s"] > 0
    printed = hetedge("validate", "s.yaml", "--print").out
    assert "this-machine.uplink: assumed: " in printed
    assert "this-machine.measured_flops_per_s" not in printed


def test_the_answer_as_json(hetedge, tmp_path):
    done = hetedge("calibrate", *SMALL, "--json", "-o", "deep.yml")
    answer = json.loads(done.out)
    jsonschema.validate(answer, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert (answer["profile"], answer["width"], answer["repeats"]) == ("deep.yml", 2, 2)
    total = sum(one["times"] * one["seconds"] for one in answer["parts"])
    assert answer["seconds"] == pytest.approx(total)
    assert answer["flops_per_s"] == pytest.approx(answer["flops"] / total)
    assert load_profile(str(tmp_path / "deep.yml")).rate_flops_per_s == pytest.approx(
        answer["flops_per_s"], rel=1e-3
    )


def test_the_colour_networks_are_timed_at_their_usual_size(hetedge):
    answer = json.loads(hetedge("calibrate", *SMALL, "--model", "cgan32", "--json").out)
    assert answer["model"] == "cgan32"
    work = {(one["block"], one["work"]): one["flops"] for one in answer["parts"]}
    # G5 at width 2: 3x3 kernels from 2 to 3 channels at 32x32 positions, bias and tanh; four images.
    assert work["G5", "forward"] == 4 * (2 * 9 * 2 * 3 + (1 + 5) * 3) * 32 * 32


def test_the_schema_is_a_schema_and_notices_what_does_not_fit(hetedge):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    answer = json.loads(hetedge("calibrate", *SMALL, "--json").out)
    answer["parts"][0]["seconds"] = -1.0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(answer, schema)


def test_a_file_that_exists_is_named_and_kept(hetedge, tmp_path):
    (tmp_path / "this-machine.yaml").write_text("mine\n")
    done = hetedge("calibrate", *SMALL)
    assert (done.code, done.out) == (2, "")
    assert done.lines == ["-o: this-machine.yaml: there is such a file already; name a new one"]
    assert (tmp_path / "this-machine.yaml").read_text() == "mine\n"


def test_wrong_input_leaves_no_file(hetedge, tmp_path):
    assert hetedge("calibrate", "--width", 0).code == 2
    assert hetedge("calibrate", "-o", "no/where.yaml").code == 2
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model_is_told_by_its_option(hetedge):
    done = hetedge("calibrate", "--model", "cgan281")
    assert (done.code, done.lines) == (
        2,
        ["unknown --model 'cgan281'; allowed: cgan28, cgan32; did you mean 'cgan28'?"],
    )


def test_help_tells_every_option_and_its_default(hetedge):
    told = hetedge("calibrate", "--help").out
    for option in ("--out", "--model", "--width", "--batch-size", "--threads", "--repeats", "--json"):
        assert option in told
    assert "[default:this-machine.yaml]" in "".join(told.split())
