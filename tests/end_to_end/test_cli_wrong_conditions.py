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


LINKS = "source,target,rate,latency\nserver,ap,{}\n"
RATES = "a data rate must be from 0.01 B/s to 1e18 B/s here"
FACTORS = "0, or a number from 1e-06 to 1000000"
FILE_TOPOLOGY = "network: {model: maxmin, topology: {kind: file, path: t/lab.csv, attach: [ap]}}\n"
TRACE = "network: {model: maxmin}\ndisturbances: {bandwidth_trace: {file: t/links.csv}}\n"


@pytest.mark.parametrize(
    ("overrides", "text", "files", "line"),
    [
        (
            "share_weight: 1e-12",
            "network: {model: maxmin}\n",
            {},
            "s.yaml:1:64: devices.clients.0.share_weight: 1e-12; allowed: a number from 1e-09 to 1000000000",
        ),
        (
            "share_weight: 1e300",
            "network: {model: maxmin}\n",
            {},
            "s.yaml:1:64: devices.clients.0.share_weight: 1e300; allowed: a number from 1e-09 to 1000000000",
        ),
        (
            "uplink: 1e40 B/s",
            "network: {model: maxmin}\n",
            {},
            f"s.yaml:1:58: devices.clients.0.uplink: '1e40 B/s' is too large; {RATES}",
        ),
        (
            "latency: 1e300 s",
            "",
            {},
            "s.yaml:1:59: devices.clients.0.latency: '1e300 s' is too large; a time must be from 0 s to 1e9 s here",
        ),
        (
            "",
            "network: {model: maxmin, topology: {kind: cells, uplink: 1e50 B/s}}\n",
            {},
            f"s.yaml:2:58: network.topology.uplink: '1e50 B/s' is too large; {RATES}",
        ),
        (
            "",
            FILE_TOPOLOGY,
            {"lab.csv": LINKS.format("1e40 MB/s,1 ms")},
            "s.yaml:2:55: network.topology.path: {folder}/t/lab.csv:2: rate: '1e40 MB/s' is too large; "
            + RATES,
        ),
        (
            "",
            FILE_TOPOLOGY,
            {"lab.csv": LINKS.format("1 MB/s,1e300 s")},
            "s.yaml:2:55: network.topology.path: {folder}/t/lab.csv:2: latency: '1e300 s' is too large; "
            "a time must be from 0 s to 1e9 s here",
        ),
        (
            "",
            TRACE,
            {"links.csv": "link,time_s,factor\nclient-0,0,1e-30\n"},
            "s.yaml:3:40: disturbances.bandwidth_trace.file: '{folder}/t/links.csv' line 2: factor is '1e-30'; "
            + FACTORS,
        ),
        (
            "",
            TRACE,
            {"links.csv": "link,time_s,factor\nclient-0,0,1\nclient-0,5,1e40\n"},
            "s.yaml:3:40: disturbances.bandwidth_trace.file: '{folder}/t/links.csv' line 3: factor is '1e40'; "
            + FACTORS,
        ),
        (
            "",
            "disturbances: {bandwidth: {mean_every: 1 s, mean_for: 1 s, factor: 1e-30}}\n",
            {},
            "s.yaml:2:68: disturbances.bandwidth.factor: 1e-30; allowed: 0, or a number of at least 1e-06 and below 1",
        ),
        (
            "",
            "strategy: {name: fsl_gan, lan_rate: 1e40 B/s}\n",
            {},
            f"s.yaml:2:37: strategy.lan_rate: '1e40 B/s' is too large; {RATES}",
        ),
    ],
)
def test_numbers_beyond_any_link_are_refused_with_their_place(
    hetedge, tmp_path, overrides, text, files, line
):
    more = f", {overrides}" if overrides else ""
    (tmp_path / "s.yaml").write_text(f"devices: {{clients: [{{profile: paper-1, count: 4{more}}}]}}\n{text}")
    (tmp_path / "t").mkdir()
    for name, content in files.items():
        (tmp_path / "t" / name).write_text(content)
    done = hetedge("validate", "s.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.lines == [line.replace("{folder}", str(tmp_path))]


def test_a_spread_that_leaves_no_rate_of_a_link_is_refused_with_its_place(hetedge, tmp_path):
    (tmp_path / "s.yaml").write_text(
        "devices: {clients: [{profile: paper-1, count: 40, uplink: 0.01 B/s, spread: {uplink: 1}}]}\n"
    )
    done = hetedge("validate", "s.yaml")
    assert (done.code, done.out) == (2, "")
    [line] = done.lines
    assert line.startswith("s.yaml:1:77: devices.clients.0.spread: client-")
    assert line.endswith(
        " B/s as its uplink; allowed: a spread that leaves every rate from 0.01 B/s to 1e18 B/s"
    )


def test_a_short_form_is_told_the_mapping_it_means(hetedge, tmp_path):
    (tmp_path / "s.yaml").write_text(FLEET + "strategy: {name: fedgan, aggregation: fedasync}\n")
    done = hetedge("validate", "s.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.lines == [
        "s.yaml:2:39: strategy.aggregation: 'fedasync' is no aggregation; "
        "allowed: a mapping such as {kind: fedasync}"
    ]


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
