"""Finish times of flows under max-min fair sharing, as SimGrid 3.32 computes them (network model CM02)."""

import json
import sys
from pathlib import Path

import pytest

from simulator import cli
from simulator.flow_file import read_flows
from simulator.flows import finish_times

CASES = json.loads((Path(__file__).parent / "reference" / "maxmin_simgrid.json").read_text())["cases"]


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{len(case['links'])} links, {len(case['flows'])} flows"
)
def test_every_flow_ends_when_simgrid_says(tmp_path, case):
    file = tmp_path / "flows.json"
    file.write_text(json.dumps({"links": case["links"], "flows": case["flows"]}))
    assert finish_times(*read_flows(file)) == pytest.approx(case["finish_s"], rel=1e-9, abs=1e-9)


@pytest.fixture
def flows(tmp_path, monkeypatch, capfd):
    """Ask the command in this process about a case, and return its answer."""
    file = tmp_path / "flows.json"

    def ask(case):
        file.write_text(json.dumps({"links": case["links"], "flows": case["flows"]}))
        monkeypatch.setattr(sys, "argv", ["hetedge", "flows", str(file), "--json"])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        told = capfd.readouterr()
        assert not stopped.value.code, told.err
        return json.loads(told.out)

    return ask


# A case of every size: so many links, and so many flows on them.
ONE_OF_EVERY_SIZE = list({(len(case["links"]), len(case["flows"])): case for case in CASES}.values())


@pytest.mark.parametrize(
    "case", ONE_OF_EVERY_SIZE, ids=lambda case: f"{len(case['links'])} links, {len(case['flows'])} flows"
)
def test_the_command_says_so_too(flows, case):
    assert flows(case)["finish_s"] == pytest.approx(case["finish_s"], rel=1e-9, abs=1e-9)


def test_the_reference_is_whole():
    assert sum(len(case["flows"]) for case in CASES) == 422
