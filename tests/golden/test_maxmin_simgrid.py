"""Finish times of flows under max-min fair sharing, as SimGrid 3.32 computes them (network model CM02)."""

import json
from pathlib import Path

import pytest

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


def test_the_reference_is_whole():
    assert sum(len(case["flows"]) for case in CASES) == 422
