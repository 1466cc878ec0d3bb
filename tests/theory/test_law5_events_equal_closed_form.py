"""Law 5: with no contention, no jitter and nobody absent, the simulated iteration equals the closed form to 1e-9."""

import pytest

from simulator.timing_only import latency

EXACT = 1e-9
PAPER = "[" + ", ".join(f"{{profile: paper-{kind}, count: 2}}" for kind in range(1, 8)) + "]"
REAL = """[
    {profile: raspberry-pi-4, count: 2, latency: 20 ms, kernel_overhead: 50 us, memory_bandwidth: 3 GB/s},
    {profile: jetson-nano, count: 2},
    {profile: phone-2024, latency: 35 ms, uplink: 3 Mbit/s},
    {profile: laptop, kernel_overhead: 5 us}]"""
SCENARIO = """\
name: law5
devices: {{server: {server}, clients: {clients}}}
network: {{model: {network}}}
model: {{width: {width}}}
cuts: {cuts}
data: {{partition: {partition}}}
strategy: {{rounds: 2, local_epochs: 1, batch_size: 48}}
"""
DEFAULT = {
    "server": "paper-server",
    "clients": PAPER,
    "network": "dedicated",
    "width": "64",
    "cuts": "{selector: genetic, max_evaluations: 640}",
    "partition": "{kind: iid}",
}
CASES = {
    "the paper's devices": {},
    "smallest cuts": {"cuts": "{selector: fixed, every_client: [1, 1, 1, 1]}"},
    "largest cuts": {"cuts": "{selector: fixed, every_client: [2, 2, 2, 2]}"},
    "latency, overhead and bandwidth": {"clients": REAL, "server": "server-small", "width": "16"},
    "links without a rate": {"clients": REAL, "network": "ideal", "width": "8"},
    # Some clients hold fewer images than a batch, so that batches differ.
    "unequal batches": {"partition": "{kind: quantity, sigma: 2.5}", "cuts": "{selector: greedy}"},
    "one client": {"clients": "[{profile: paper-3}]"},
}


@pytest.mark.parametrize("name", CASES)
def test_events_and_closed_form_tell_the_same_time(name, tmp_path):
    path = tmp_path / "law5.yaml"
    path.write_text(SCENARIO.format(**(DEFAULT | CASES[name])))
    formula, events = latency(path), latency(path, engine="events")
    assert events["iteration_latency_s"] == pytest.approx(formula["iteration_latency_s"], rel=EXACT)
    assert events["round_latency_s"] == pytest.approx(formula["round_latency_s"], rel=EXACT)
    assert events["cuts"] == formula["cuts"]
    for came, wanted in zip(events["phases"], formula["phases"], strict=True):
        assert came["name"] == wanted["name"]
        ends_s = (wanted["start_s"], wanted["end_s"])
        assert (came["start_s"], came["end_s"]) == pytest.approx(ends_s, rel=EXACT)
    span_s = formula["iteration_latency_s"]
    for came, wanted in zip(events["clients"], formula["clients"], strict=True):
        assert (came["id"], came["profile"]) == (wanted["id"], wanted["profile"])
        assert came["compute_s"] == pytest.approx(wanted["compute_s"], rel=EXACT)
        # Differences: exact to the length of the iteration, not to themselves.
        for part in ("transfer_s", "wait_s"):
            assert came[part] == pytest.approx(wanted[part], abs=EXACT * span_s)


def test_the_cases_differ_in_what_they_are_named_for(tmp_path):
    path = tmp_path / "law5.yaml"
    spans_s = set()
    for case in CASES.values():
        path.write_text(SCENARIO.format(**(DEFAULT | case)))
        spans_s.add(round(latency(path)["iteration_latency_s"], 9))
    assert len(spans_s) == len(CASES)
