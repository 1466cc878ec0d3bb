"""The array path against the event simulation and the closed form, and what it refuses."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from scenarios.load import ScenarioError
from simulator import array_path, registry
from simulator.array_path import array_times
from simulator.setting import make_setting
from simulator.split_plan import cut_problem, select_cuts
from simulator.tables import latency_text
from simulator.timing_only import latency, plan_from_sizes

FLEET = """\
name: many
seed: 3
devices:
  server: {{profile: server-small, latency: 2 ms}}
  clients:
    - {{profile: raspberry-pi-4, count: {third}, spread: 0.3}}
    - {{profile: phone-2024, count: {third}, spread: {{compute: 0.2, uplink: 0.5}}, latency: 9 ms}}
    - {{profile: paper-1, count: {third}, spread: 0.1}}
data: {{domains: [{{dataset: MNIST}}], partition: {{kind: assumed, images_per_client: 100}}}}
model: {{width: 16}}
cuts: {{selector: fixed, every_client: [1, 2, 2, 1]}}
strategy: {{rounds: 1, local_epochs: 2}}
execution: {{training: false}}
"""


@pytest.fixture
def path(tmp_path):
    def written(clients=12):
        file = tmp_path / "many.yaml"
        file.write_text(FLEET.format(third=clients // 3))
        return file

    return written


def compared(path, overrides, engine):
    """The answers of the array path and of another engine, which must have the same keys and texts."""
    mine, theirs = (latency(path, overrides, one) for one in ("arrays", engine))
    assert list(mine) == list(theirs)
    for key in ("scenario", "cuts"):
        assert mine[key] == theirs[key]
    return mine, theirs


def seconds_of(answer):
    """All times of an answer, in one list."""
    names = ("compute_s", "transfer_s", "wait_s")
    clients = [client[name] for client in answer["clients"] for name in names]
    phases = [phase[name] for phase in answer["phases"] for name in ("start_s", "end_s")]
    totals = [answer[name] for name in ("iteration_latency_s", "round_latency_s", "setup_s")]
    return [*totals, *phases, *clients]


def agrees(mine, theirs):
    limit = 1e-9 * theirs["iteration_latency_s"]
    for one, other in zip(seconds_of(mine), seconds_of(theirs), strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=limit)
    for field in ("id", "profile"):
        assert [one[field] for one in mine["clients"]] == [one[field] for one in theirs["clients"]]
    assert [one["name"] for one in mine["phases"]] == [one["name"] for one in theirs["phases"]]


def require_documented(answer):
    """An answer must be as its schema in the documentation says."""
    schema = Path(array_path.__file__).parent.parent / "docs" / "schemas" / "latency.schema.json"
    jsonschema.validate(json.loads(json.dumps(answer)), json.loads(schema.read_text(encoding="utf-8")))


CASES = [
    [],
    ["network.model=ideal"],
    ["cost_model=paper", "network.model=paper"],
    ["devices.server.loss=0.01", "devices.clients.0.loss=0.2"],
    ["devices.server.memory_bandwidth=1 GB/s", "devices.server.kernel_overhead=1 us"],
    ["data={domains: [{dataset: MNIST}], partition: {kind: quantity, sigma: 3}}", "strategy.batch_size=32"],
    ["strategy.steps_per_round=7", "devices.order=shuffled"],
    ["strategy={name: fedgan, rounds: 1, local_epochs: 3}"],
    ["strategy={name: fedgan, rounds: 1}", "data.partition={kind: quantity}", "cost_model=paper"],
    ["strategy={name: md_gan, rounds: 1}"],
    ["strategy={name: md_gan, rounds: 1, swap: false, batches: 1, discriminator_steps: 2}"],
]


@pytest.mark.parametrize("overrides", CASES, ids=lambda overrides: " ".join(overrides) or "plain")
def test_arrays_equal_the_events_and_the_closed_form(path, overrides):
    for engine in ("formula", "events"):
        agrees(*compared(path(), overrides, engine))


def test_arrays_equal_the_events_at_a_thousand_distinct_devices(path):
    file = path(999)
    assert len({device.profile for device in plan_from_sizes(file).setting.fleet.clients}) == 999
    agrees(*compared(file, [], "events"))


@pytest.mark.parametrize(
    "cuts",
    [
        "cuts={selector: fixed, per_client: [[1, 1, 1, 1], [2, 2, 2, 2], [1, 2, 2, 1]]}",
        "cuts={selector: homogeneous}",
        "cuts={selector: random, max_evaluations: 1}",
        "cuts={selector: random, max_evaluations: 7}",
        "cuts={selector: random, max_evaluations: 300}",
    ],
)
@pytest.mark.parametrize("memory", [None, "devices.clients.0.memory=8 MB", "devices.server.memory=12 MB"])
def test_every_selector_finds_what_the_one_of_its_name_finds(path, cuts, memory):
    overrides = [cuts, *([memory] if memory else [])]
    file = path(3 if "fixed" in cuts else 12)
    loaded = registry.load(str(file), overrides)
    try:
        mine = latency(file, overrides, "arrays")
    except ScenarioError:
        with pytest.raises(ScenarioError):
            latency(file, overrides)
        return
    setting = make_setting(loaded)
    options = setting.scenario.cuts
    selection = select_cuts(setting, cut_problem(setting), options.selector, options)
    assert mine["cuts"] == [list(cut.as_tuple()) for cut in selection.cuts]
    assert mine["iteration_latency_s"] == pytest.approx(selection.iteration_latency_s, rel=1e-9)


def test_no_device_object_is_made(path, monkeypatch):
    def never(*_):
        raise AssertionError("a client was made")

    monkeypatch.setattr("devices.fleet.Device", never)
    assert latency(path(), engine="arrays")["iteration_latency_s"] > 0


def test_many_clients_are_summed_up_by_profile(path, monkeypatch):
    file = path()
    listed = latency(file, engine="arrays")
    monkeypatch.setattr(array_path, "MOST_LISTED_CLIENTS", 11)
    answer = latency(file, engine="arrays")
    assert list(answer) == [*listed, "clients_summary", "cuts_summary"]
    assert answer["clients"] == answer["cuts"] == []
    assert answer["cuts_summary"] == [{"cut": [1, 2, 2, 1], "clients": 12}]
    summary = {one["profile"]: one for one in answer["clients_summary"]}
    assert list(summary) == ["raspberry-pi-4", "phone-2024", "paper-1"]
    for name, one in summary.items():
        own = [client["transfer_s"] for client in listed["clients"] if client["profile"] == name]
        assert one["clients"] == len(own) == 4
        expected = np.quantile(own, [0, 0.05, 0.5, 0.95, 1])
        assert list(one["transfer_s"]) == ["min", "p05", "median", "p95", "max"]
        assert list(one["transfer_s"].values()) == pytest.approx(expected)
    require_documented(answer)
    text = latency_text([answer])
    assert all(name in text for name in summary)


ASYNCHRONOUS = "strategy={name: fedgan, steps_per_round: 2, aggregation: {kind: fedasync}}"


@pytest.mark.parametrize(
    "override", ["strategy={name: fedgan}", ASYNCHRONOUS, "strategy={name: md_gan}", "network.model=ideal"]
)
def test_differences_of_events_leave_no_rounding_behind(path, override):
    answer = latency(path(), [override], "events")
    require_documented(answer)
    seconds = [client[name] for client in answer["clients"] for name in ("compute_s", "transfer_s", "wait_s")]
    assert all(one == 0.0 or one > 1e-11 * answer["iteration_latency_s"] for one in seconds)


def test_asynchronous_jobs_are_told_without_the_start_in_which_all_begin_at_once(path):
    file = path()
    # In the long run a client's jobs are merged at its own pace, whatever the others do: so the closed form counts.
    expected_s = plan_from_sizes(file, [ASYNCHRONOUS]).closed_form().latency_s
    assert latency(file, [ASYNCHRONOUS], "events")["iteration_latency_s"] == pytest.approx(
        expected_s, rel=0.02
    )


def test_strategies_without_cuts_have_no_summary_of_them(path, monkeypatch):
    monkeypatch.setattr(array_path, "MOST_LISTED_CLIENTS", 11)
    answer = latency(path(), ["strategy={name: fedgan}"], "arrays")
    assert answer["cuts"] == answer["cuts_summary"] == []


def test_the_arrays_are_given_to_python(path):
    ground, times = array_times(registry.load(str(path())))
    assert ground.fleet.size == len(times.compute_s) == 12
    assert (times.wait_s > 0).all()
    assert {field.name for field in dataclasses.fields(times)} > {"latency_s", "aggregation_s"}


@pytest.mark.parametrize(
    ("override", "key", "part"),
    [
        ("strategy={name: centralized}", "strategy.name", "allowed there: huscf_gan, fedgan, md_gan"),
        ("network={model: maxmin}", "network.model", "'maxmin' with engine arrays; allowed there: ideal"),
        ("availability={model: on_off, mean_on: 1 h, mean_off: 1 min}", "availability.model", "always"),
        (
            "disturbances={slowdown: {mean_every: 5 min, mean_for: 30 s, factor: 0.5}}",
            "disturbances.slowdown",
            "its default",
        ),
        ("strategy.patience={kind: deadline, deadline: 1 s}", "strategy.patience.kind", "allowed there: all"),
        ("strategy.client_share=0.5", "strategy.client_share", "0.5 with engine arrays"),
        ("strategy={name: fedgan, aggregation: {kind: fedasync}}", "strategy.aggregation.kind", "sync"),
        ("cuts={selector: exact}", "cuts.selector", "fixed, homogeneous, random"),
        ("cuts.limits={latency: 1 h}", "cuts.limits", "its default"),
        ("cuts.objective={server_s: 1}", "cuts.objective", "its default"),
        ("availability={model: always, rejoin: reset}", "availability.rejoin", "reset with engine arrays"),
        (
            "disturbances={outages: [{what: client-1, from: 10 min}]}",
            "disturbances.outages",
            "[{'what': 'client-1', 'from': '600 s'}] with engine arrays",
        ),
        ("devices.server.lanes=2", "devices.server.lanes", "2 with engine arrays; allowed there: 1"),
        ("devices.server.sharing=processor", "devices.server.sharing", "allowed there: fifo"),
        ("devices.clients.1.battery=1 kJ", "devices.clients.1", "phone-2024 with a battery"),
        ("devices.server.battery=1 kJ", "devices.server", "server-small with a battery"),
        ("devices.clients.1.memory=1 kB", "devices.clients", "devices lack memory"),
        ("devices.server.memory=1 kB", "devices.server", "on server (server-small)"),
        ("cuts.every_client=[9, 1, 1, 1]", "cuts.every_client", "g_head is 9; allowed: 1 to"),
        ("cuts={selector: fixed, per_client: [[1, 1, 1, 1]]}", "cuts.per_client", "12, one per client"),
        ("strategy.clusters=13", "strategy.clusters", "13 clusters of 12 clients"),
        ("strategy={name: md_gan, batches: 13}", "strategy.batches", "13 batches for 12 clients"),
        ("devices.clients.2.spread={latency: 0.1}", "devices.clients.2.spread.latency", "no effect"),
        ("devices.clients.2.memory_bandwidth=1e-9 B/s", "devices", "one iteration would take"),
    ],
)
def test_what_arrays_cannot_tell_is_refused_at_its_key(path, override, key, part):
    with pytest.raises(ScenarioError) as caught:
        latency(path(), [override], "arrays")
    [problem] = caught.value.problems
    assert problem.key_path == key
    assert part in problem.message
