"""A scenario written out in full is the same scenario when it is read again."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenarios.dump import dump_resolved
from scenarios.load import load_scenario

RICH = """\
name: rich
seed: 12345678901234567890
devices:
  server: {profile: paper-server, uplink: 1.5 GB/s}
  clients:
    - {profile: paper-1, count: 3, uplink: 5 Mbit/s, latency: 7 ms, memory: 2 GiB}
    - {profile: boards/mine.yaml}
  order: listed
network: {slowdown: 1.25, jitter: 1e-4 ms}
data:
  domains: [{dataset: glyphs, clients: 3}, {dataset: {path: ../letters}}]
  partition: {kind: label_exclusion, excluded_labels: {2: 0.25, 3: 1e-7}}
model: {width: 8}
cuts: {per_client: [[1, 1, 1, 1], [2, 1, 1, 2], [1, 1, 2, 2], [1, 1, 1, 1]]}
strategy: {rounds: 2, clusters: 3, kld_alpha: 1e300}
evaluation: {metrics: [{name: fid}, generation_score], cas: {every: 2}}
execution: {precision: float64, training: false}
records: summary
"""


def reload(folder, kind, text):
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "again.yaml").write_text(text)
    return load_scenario(str(elsewhere / "again.yaml"), (), kind).scenario


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("", True),
        (RICH, False),
        ("devices: {clients: {mix: {paper-1: 0.1, paper-2: 0.2, boards/a.yaml: 0.7}, count: 9}}\n", False),
        ("cuts: {selector: genetic}\nstrategy: {name: local_gan}\nevaluation: {metrics: []}\n", True),
        (
            "name: on\ndata: {domains: [{dataset: {path: '1e9'}}, {dataset: {path: '# no comment: ~'}}]}\n",
            True,
        ),
    ],
)
def test_dump_loads_back_equal_from_another_folder(load, folder, kind, text, devices, marked):
    loaded = load(text, devices=devices)
    written = dump_resolved(loaded.scenario, loaded.given if marked else None)
    assert reload(folder, kind, written) == loaded.scenario
    assert dump_resolved(reload(folder, kind, written)) == dump_resolved(loaded.scenario)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    uplink=st.floats(1e-2, 1e18),
    jitter=st.floats(0, 1e9),
    slowdown=st.floats(1, 1e300),
    path=st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="/\\"), min_size=1
    ),
)
def test_numbers_and_texts_survive(load, folder, kind, uplink, jitter, slowdown, path):
    scenario = load().scenario
    network = scenario.network.model_copy(update={"slowdown": slowdown, "jitter": jitter})
    client = scenario.devices.clients[0].model_copy(update={"uplink": uplink})
    devices = scenario.devices.model_copy(update={"clients": (client,)})
    dataset = {"dataset": {"path": f"/data/x{path}"}}
    data = type(scenario.data).model_validate({"domains": [dataset]})
    changed = scenario.model_copy(update={"network": network, "devices": devices, "data": data})
    assert reload(folder, kind, dump_resolved(changed)) == changed


def test_marks_say_what_the_user_gave(load):
    loaded = load(
        "strategy: {rounds: 3}\ncuts: {per_client: [[1, 1, 1, 1]]}\n", "network.jitter=3 ms", "name=x"
    )
    lines = dump_resolved(loaded.scenario, loaded.given).splitlines()
    for line in (
        "name: x # given",
        "seed: 0 # default",
        "  server: paper-server # default",
        "    - profile: paper-1 # given",
        "  jitter: 3 ms # given",
        "  slowdown: 1.0 # default",
        "    - [1, 1, 1, 1] # given",
        "  rounds: 3 # given",
        "  metrics: [fid, generation_score] # default",
        "  cas: null # default",
    ):
        assert line in lines
    leaves = [line for line in lines if not line.endswith(":")]
    assert all(line.endswith(("# given", "# default")) for line in leaves)


def test_quantities_have_units_and_unset_overrides_are_left_out(load):
    written = dump_resolved(load("network: {jitter: 250 us}\n").scenario)
    assert "jitter: 250 us" in written
    assert "uplink" not in written
    assert "#" not in written
