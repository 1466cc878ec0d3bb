"""Availability and disturbances that cannot be: exit code 2, the place and the cure, from `validate` as from `run`."""

import pytest

FLEET = "devices: {clients: [{profile: paper-1, count: 4}]}\n"
CLIENTS = "client-0 to client-3"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "availability: {model: onoff}\n",
            "s.yaml:2:23: availability.model: 'onoff'; allowed: always, on_off, diurnal, trace; did you mean 'on_off'?",
        ),
        (
            "availability: {model: on_off, mean_on: 600}\n",
            "s.yaml:2:40: availability.mean_on: 600 has no unit; write a quantity such as '5 ms'",
        ),
        (
            "availability: {model: trace}\n",
            "s.yaml:2:15: availability.file: missing; required: text such as 'online.csv'",
        ),
        (
            "disturbances: {slowdown: {mean_every: 1 s, mean_for: 1 s, factor: 2}}\n",
            "s.yaml:2:67: disturbances.slowdown.factor: 2; allowed: a number of at least 0 and below 1",
        ),
        (
            "disturbances: {outages: [{what: clinet-1, from: 1 s}]}\n",
            "s.yaml:2:33: disturbances.outages.0.what: no device is named 'clinet-1'; "
            f"allowed: server, {CLIENTS}, or a link, such as 'link client-0 up'; did you mean 'client-1'?",
        ),
        (
            "disturbances: {outages: [{what: server, from: 1 s}, {what: link client-4, from: 1 s}]}\n",
            "s.yaml:2:60: disturbances.outages.1.what: no link is named 'client-4'; "
            f"allowed: a device (server, {CLIENTS}) alone or with up or down behind it; did you mean 'client-3'?",
        ),
        (
            "availability: {model: trace, file: t/online.csv}\n",
            "s.yaml:2:36: availability.file: '{folder}/t/online.csv' line 3: until_s is 'soon'; "
            "a number of 0 or more, or inf",
        ),
        (
            "availability: {model: trace, file: t/onlin.csv}\n",
            "s.yaml:2:36: availability.file: '{folder}/t/onlin.csv' cannot be read (no such file or directory); "
            "give the path of a readable CSV file",
        ),
        (
            "disturbances: {bandwidth_trace: {file: t/online.csv}}\n",
            "s.yaml:2:40: disturbances.bandwidth_trace.file: '{folder}/t/online.csv' line 1: "
            "the columns device,from_s,until_s; the first line must be link,time_s,factor",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(hetedge, tmp_path, text, line):
    (tmp_path / "s.yaml").write_text(FLEET + text)
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "online.csv").write_text("device,from_s,until_s\n0,0,10\n1,0,soon\n")
    for command in ("validate", "run"):
        done = hetedge(command, "s.yaml")
        assert (done.code, done.out) == (2, "")
        assert done.lines == [line.replace("{folder}", str(tmp_path))]


def test_a_server_hangs_on_the_mains(hetedge, tmp_path):
    powers = "battery: 9 J, idle_power: 1 W, busy_power: 2 W, radio_energy: 0 J/B"
    (tmp_path / "s.yaml").write_text(
        f"devices:\n  server: {{profile: paper-server, {powers}}}\n  clients: [{{profile: paper-1, count: 4}}]\n"
    )
    done = hetedge("validate", "s.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.lines == [
        "s.yaml:2:11: devices.server: paper-server has a battery; "
        "allowed: servers on the mains; clients alone may have batteries"
    ]
