"""Whatever is wrong with a sweep: exit code 2, nothing on standard output, one line each, and no folder."""

import pytest

from scenarios.load import library_names
from scenarios.locate import library_root, sweep_names

BASE = """\
name: small
devices: {clients: [{profile: paper-1, count: 2}, {profile: paper-2, count: 2}]}
strategy: {rounds: 2}
"""


@pytest.fixture
def refused(hetedge, tmp_path):
    """Do and only list a sweep that must be refused; return the lines of standard error."""
    (tmp_path / "b.yaml").write_text(BASE)

    def run(text, *arguments, name="s.yaml"):
        if text is not None:
            (tmp_path / "s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        before = sorted(tmp_path.rglob("*"))
        told = []
        for options in ((), ("--dry-run",), ("--resume",)):
            done = hetedge("sweep", name, *options, *arguments)
            assert (done.code, done.out) == (2, ""), done.err
            told.append(done.lines)
        assert told[0] == told[1] == told[2]
        assert sorted(tmp_path.rglob("*")) == before
        return told[0]

    return run


@pytest.mark.parametrize(
    ("text", "starts", "holds"),
    [
        pytest.param(
            "base: b.yaml\naxes: {cuts.selector: [exact, genetik]}\n",
            "s.yaml:2:31: cuts.selector: 'genetik'; allowed: exact, genetic, ",
            "did you mean 'genetic'?",
            id="a value of an axis",
        ),
        pytest.param(
            "base: b.yaml\naxis: {cuts.selector: [exact]}\n",
            "s.yaml:2:1: axis: unknown key; allowed: name, base, set, axes, ",
            "did you mean 'axes'?",
            id="unknown key",
        ),
        pytest.param(
            "base: b.yaml\naxes: {cuts.selectr: [exact]}\n",
            "s.yaml:2:13: cuts.selectr: unknown key; allowed: ",
            "did you mean 'selector'?",
            id="unknown key path",
        ),
        pytest.param(
            "base: b.yaml\naxes: {devices.server: [papr-server]}\n",
            "s.yaml:2:25: devices.server: no profile is named 'papr-server'; ",
            "did you mean 'paper-server'?",
            id="unknown profile",
        ),
        pytest.param(
            "base: b.yaml\naxes: {devices.clients.0.uplink: [5]}\n",
            "s.yaml:2:35: devices.clients.0.uplink: 5 has no unit; ",
            "write a quantity such as '50 MB/s'",
            id="bare number for a quantity",
        ),
        pytest.param(
            "base: b.yaml\naxes: {model.width: {range: [8, 32], step: 5}}\n",
            "s.yaml:2:44: axes.model.width.step: 5 does not meet 32; ",
            "allowed: a step that does, or a count",
            id="step",
        ),
        pytest.param(
            "base: c.yaml\n",
            "s.yaml:1:7: base: 'c.yaml': no such file and no such scenario of the library; allowed: a path, or ",
            "quickstart",
            id="no such base",
        ),
        pytest.param(
            "base: quikstart\n",
            "s.yaml:1:7: base: 'quikstart': no such file and no such scenario of the library; ",
            "did you mean 'quickstart'?",
            id="no such base of the library",
        ),
        pytest.param(
            "base: s.yaml\n",
            "s.yaml:1:7: base: s.yaml is a sweep; ",
            "allowed: a scenario, or hetedge sweep s.yaml",
            id="a sweep as a base",
        ),
        pytest.param(
            "base: b.yaml\ntarget: fid=3\n",
            "s.yaml:2:9: target: target 'fid=3'; ",
            "allowed: METRIC<VALUE or METRIC>VALUE",
            id="target",
        ),
        pytest.param(
            "base: b.yaml\ntarget: cas_accuracy>0.5\n",
            "s.yaml:2:9: target: target 'cas_accuracy>0.5': 'cas_accuracy' is not measured; ",
            "allowed: fid, generation_score",
            id="target that is not measured",
        ),
        pytest.param(
            "base: b.yaml\naxes: {x: &a {variants: *a}}\n",
            "s.yaml:2:11: axes.x.variants: an alias to a list or map around it; ",
            "allowed: a value",
            id="alias",
        ),
        pytest.param("base: [b.yaml\n", "s.yaml:2:1: not YAML: ", "allowed: YAML 1.2", id="no YAML"),
        pytest.param(b"", "s.yaml:1:1: the file is empty; ", "with at least the key 'base'", id="empty"),
        pytest.param(
            b"\xff\xfe", "s.yaml:1:1: byte 0xff is not UTF-8; ", "allowed: a UTF-8 text", id="bytes"
        ),
    ],
)
def test_one_line_names_the_place_and_the_cure(refused, text, starts, holds):
    (line,) = refused(text)
    assert line.startswith(starts)
    assert holds in line


def test_faults_of_sweep_and_base_are_told_where_they_are(refused, tmp_path):
    (tmp_path / "w.yaml").write_text(BASE.replace("rounds", "round"))
    lines = refused("base: w.yaml\naxes: {cuts.selector: [exct], model.width: [8, 0]}\nset: {records: ful}\n")
    assert [line.partition("; ")[0] for line in lines] == [
        "s.yaml:2:24: cuts.selector: 'exct'",
        "s.yaml:2:48: model.width: 0",
        "s.yaml:3:16: records: 'ful'",
        "w.yaml:3:12: strategy.round: unknown key",
    ]


def test_a_wrong_set_is_told_inside_the_argument(refused):
    (line,) = refused("base: b.yaml\naxes: {cuts.selector: [exact]}\n", "--set", "cuts.selector=greedy")
    assert line == (
        "--set cuts.selector=greedy:1:1: cuts.selector: axis 'cuts.selector' of the sweep sets 'cuts.selector'; "
        "allowed: another key"
    )


def test_a_sweep_that_is_not_there_names_the_nearest(refused):
    (line,) = refused(None, name="sweeps/device_mx")
    assert line == (
        "sweeps/device_mx:1:1: no such file and no such sweep of the library; allowed: a path, or "
        f"{', '.join(sweep_names())}; did you mean 'sweeps/device_mix'?"
    )


def test_a_folder_is_no_sweep(refused, tmp_path):
    (tmp_path / "d").mkdir()
    assert refused(None, name="d") == ["d:1:1: a folder; allowed: the path of a YAML file"]


def test_a_scenario_is_no_sweep(refused):
    allowed = "allowed: a sweep, which names a scenario as its base, or hetedge run"
    assert refused(None, name="b.yaml") == [f"b.yaml:1:1: a scenario; {allowed} b.yaml"]
    label = library_root() / "quickstart.yaml"
    assert "quickstart" in library_names()
    (line,) = refused(None, name="quickstart")
    assert line.startswith(f"{label}:")
    assert line.endswith(f": a scenario; {allowed} {label}")


@pytest.mark.parametrize("command", ["run", "validate", "latency", "cuts", "explain"])
def test_a_sweep_is_no_scenario(hetedge, tmp_path, command):
    (tmp_path / "s.yaml").write_text("base: quickstart\n")
    label = library_root() / "sweeps" / "device_mix.yaml"
    for name, shown in (("s.yaml", "s.yaml"), ("sweeps/device_mix", label)):
        done = hetedge(command, name)
        assert (done.code, done.out) == (2, "")
        assert done.lines == [f"{shown}:1:1: a sweep; allowed: a scenario, or hetedge sweep {shown}"]


def test_the_sweeps_of_the_library_are_listed(hetedge):
    done = hetedge("list", "sweeps")
    assert (done.code, done.err) == (0, "")
    heading, *rows = (line.split(maxsplit=3) for line in done.out.splitlines())
    assert heading == ["name", "base", "jobs", "axes"]
    assert [row[0] for row in rows] == list(sweep_names())
    assert ["sweeps/device_mix", "quickstart", "12", "mix (3), cuts.selector (2)"] in rows


def test_a_dry_run_lists_as_many_jobs_and_writes_nothing(hetedge, tmp_path):
    done = hetedge("sweep", "sweeps/device_mix", "--dry-run")
    assert done.code == 0, done.err
    heading, *jobs, empty, last = done.out.splitlines()
    assert heading.split() == ["job", "mix", "cuts.selector", "seed", "state"]
    assert (len(jobs), empty) == (12, "")
    assert last.startswith("12 jobs; runs/sweep-device-mix-")
    assert list(tmp_path.iterdir()) == []
