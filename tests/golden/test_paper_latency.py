"""Seconds of the HuSCF-GAN authors' own latency function, through a scenario, from the closed form and the events."""

import json
from pathlib import Path

import pytest

from simulator.timing_only import ENGINES, latency

CASES = json.loads((Path(__file__).parent / "reference" / "paper_latency.json").read_text())["cases"]

SCENARIO = """\
devices:
  server: paper-server
  order: listed
  clients: [{clients}]
network: {{model: paper}}
cost_model: paper
cuts: {{selector: fixed, per_client: {cuts}}}
"""


def scenario_of(case: dict) -> str:
    clients = ", ".join(f"{{profile: paper-{number}}}" for number in case["profiles"])
    blocks = [[int(bit) + 1 for bit in bits] for bits in case["cuts"].split()]
    return SCENARIO.format(clients=clients, cuts=blocks)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['profiles'])}-{case['latency_s']:.4f}")
def test_the_authors_seconds(tmp_path, case, engine):
    path = tmp_path / "case.yaml"
    path.write_text(scenario_of(case))
    answer = latency(path, engine=engine)
    assert answer["iteration_latency_s"] == pytest.approx(case["latency_s"], rel=1e-9)


def test_the_file_holds_both_extremes_and_mixed_cuts():
    kinds = [frozenset(case["cuts"].split()) for case in CASES]
    assert {"0000"} in kinds
    assert {"1111"} in kinds
    assert {len(case["profiles"]) for case in CASES} == {7, 80}
    assert max(map(len, kinds)) == 16  # every cut at once
