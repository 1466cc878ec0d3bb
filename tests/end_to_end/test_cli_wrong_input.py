"""Whatever is wrong with the input: exit code 2, nothing on standard output, the place, the cure, no run folder."""

import gzip

import numpy as np
import pytest
from tiny_run import TINY, hetedge_process, write_idx, write_images

from scenarios.load import library_names

FLEET = "devices: {clients: [{profile: paper-1, count: 4}]}\n"
PROGRESS = {"training on cpu with 1 threads", "training on cpu with 2 threads", "selecting cuts"}
TINY_MEMORY = "devices: {clients: [{profile: paper-1, count: 2, memory: 1 kB}]}\n"


@pytest.fixture
def refused(hetedge, tmp_path):
    """Run commands on a scenario that must be refused; return the lines of standard error."""

    def run(text, *arguments, commands=(("validate",), ("run",))):
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "s.yaml").write_bytes(content)
        before = sorted(tmp_path.rglob("*"))
        lines = None
        for command in commands:
            done = hetedge(*command, "s.yaml", *arguments)
            assert (done.code, done.out) == (2, ""), done.err
            told = [line for line in done.lines if line not in PROGRESS]
            assert lines in (None, told), "two commands that disagree"
            lines = told
        assert sorted(tmp_path.rglob("*")) == before
        return lines

    return run


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    ("text", "starts", "holds"),
    [
        pytest.param(
            FLEET + "stratgy: {rounds: 1}\n",
            "s.yaml:2:1: stratgy: unknown key; allowed: ",
            "did you mean 'strategy'?",
            id="unknown key",
        ),
        pytest.param(
            FLEET + "strategy: {round: 1}\n",
            "s.yaml:2:12: strategy.round: unknown key; allowed: ",
            "did you mean 'rounds'?",
            id="unknown key within",
        ),
        pytest.param(
            FLEET + "seed: 1\nseed: 2\n",
            "s.yaml:3:1: seed: the key was already given at 2:1; ",
            "allowed: each key once",
            id="duplicate key",
        ),
        pytest.param(
            FLEET + "strategy: {rounds: many}\n",
            "s.yaml:2:20: strategy.rounds: the text 'many'; ",
            "allowed: a whole number from 1 to 1000000",
            id="wrong type",
        ),
        pytest.param(
            "devices: {clients: [{profile: paper-1, uplink: 5}]}\n",
            "s.yaml:1:48: devices.clients.0.uplink: 5 has no unit; ",
            "write a quantity such as '50 MB/s'",
            id="bare number for a quantity",
        ),
        pytest.param(
            "devices: {clients: [{profile: paper-1, uplink: 5 Mb/s}]}\n",
            "s.yaml:1:48: devices.clients.0.uplink: ",
            "Mbit/s",
            id="megabarn",
        ),
        pytest.param(
            "devices: {clients: [{profile: papr-1}]}\n",
            "s.yaml:1:31: devices.clients.0.profile: no profile is named 'papr-1'; ",
            "paper-1",
            id="unknown profile",
        ),
        pytest.param(
            "devices: {server: papr-server, clients: [{profile: paper-1}]}\n",
            "s.yaml:1:19: devices.server: no profile is named 'papr-server'; ",
            "paper-server",
            id="unknown server",
        ),
        pytest.param(
            FLEET + "data: {domains: [{dataset: mnist5}]}\n",
            "s.yaml:2:28: data.domains.0.dataset: unknown data set 'mnist5'; ",
            "did you mean 'mnist5k'?",
            id="unknown data set",
        ),
        pytest.param(
            FLEET + "strategy: {name: huscfgan}\n",
            "s.yaml:2:18: strategy.name: 'huscfgan'; allowed: huscf_gan",
            "did you mean 'huscf_gan'?",
            id="unknown strategy",
        ),
        pytest.param(
            "devices: {clients: [{profile: paper-1, count: 1000000000000}]}\n",
            "s.yaml:1:47: devices.clients.0.count: 1000000000000; ",
            "allowed: a whole number from 1 to 10000000",
            id="count beyond any fleet",
        ),
        pytest.param(
            "devices: {server: {profile: paper-server, memory: 1 kB}, clients: [{profile: paper-1, count: 2}]}\n",
            "s.yaml:1:19: devices.server: server (paper-server) would hold ",
            "it has 0.001 MB",
            id="server memory",
        ),
        pytest.param(
            "devices: {clients: [{profile: paper-1, count: 2, memory_bandwidth: 1e-300 B/s}]}\n",
            "s.yaml:1:10: devices: one iteration would take ",
            "some rate or latency is far off",
            id="endless iteration",
        ),
        pytest.param(
            "devices: {clients: [{profile: paper-1, count: -3}]}\n",
            "s.yaml:1:47: devices.clients.0.count: -3; ",
            "allowed: a whole number from 1 to",
            id="negative count",
        ),
        pytest.param(
            FLEET + "strategy: {batch_size: 0}\n",
            "s.yaml:2:24: strategy.batch_size: 0; ",
            "allowed: a whole number of at least 2",
            id="zero count",
        ),
        pytest.param(
            FLEET + "cuts: {selector: fixed, every_client: [1, 1, 1, 9]}\n",
            "s.yaml:2:",
            "[1, 1, 1, 9]",
            id="cut out of range",
        ),
        pytest.param(
            FLEET + "cuts: {selector: fixed, every_client: [0, 1, 1, 1]}\n",
            "s.yaml:2:",
            "[0, 1, 1, 1]",
            id="cut of nothing",
        ),
        pytest.param(
            FLEET + "cuts: {selector: fixed, per_client: [[1, 1, 1, 1]]}\n",
            "s.yaml:2:37: cuts.per_client: ",
            "4",
            id="cuts not one per client",
        ),
        pytest.param(
            FLEET + "cuts: {selector: exact, max_nodes: 0}\n",
            "s.yaml:2:36: cuts.max_nodes: 0; ",
            "at least 1",
            id="no nodes",
        ),
        pytest.param(
            FLEET + "cuts: {selector: exact, relative_gap: -1}\n",
            "s.yaml:2:39: cuts.relative_gap: -1; ",
            "at least 0",
            id="negative gap",
        ),
        pytest.param(
            FLEET + "cuts: {selector: exact, max_kinds: few}\n",
            "s.yaml:2:36: cuts.max_kinds: the text 'few'; ",
            "a whole number of at least 2",
            id="kinds in words",
        ),
        pytest.param(
            FLEET + "cuts: {selector: random, max_evaluations: 0}\n",
            "s.yaml:2:43: cuts.max_evaluations: 0; ",
            "at least 1",
            id="no evaluations",
        ),
        pytest.param(
            FLEET + "cuts: {objective: {latency: 1.0}}\n",
            "s.yaml:2:20: cuts.objective.latency: unknown key; ",
            "did you mean 'latency_s'?",
            id="unknown weight",
        ),
        pytest.param(
            FLEET + "cuts: {objective: {latency_s: -1.0}}\n",
            "s.yaml:2:31: cuts.objective.latency_s: -1",
            "at least 0",
            id="negative weight",
        ),
        pytest.param(
            FLEET + "cuts: {objective: {latency_s: 1.0e-31}}\n",
            "s.yaml:2:31: cuts.objective.latency_s: 1e-31; ",
            "allowed: 0, or 1e-30 to 1e+30",
            id="weight too small",
        ),
        pytest.param(
            FLEET + "cuts: {objective: {traffic_bytes: 1.0e+31}}\n",
            "s.yaml:2:35: cuts.objective.traffic_bytes: 1e+31; ",
            "allowed: 0, or 1e-30 to 1e+30",
            id="weight too great",
        ),
        pytest.param(
            FLEET + "cuts: {objective: {latency_s: 0.0}}\n",
            "s.yaml:2:19: cuts.objective: every weight is 0; ",
            "allowed: at least one of them greater than 0",
            id="nothing counts",
        ),
        pytest.param(
            FLEET + "cuts: {limits: {latency: 2}}\n",
            "s.yaml:2:26: cuts.limits.latency: 2 has no unit; ",
            "'5 ms'",
            id="limit without unit",
        ),
        pytest.param(
            FLEET + "cuts: {limits: {energy: 500 W}}\n",
            "s.yaml:2:25: cuts.limits.energy: '500 W' is a power, not an energy; ",
            "'500 J'",
            id="power for an energy",
        ),
        pytest.param(
            FLEET + "cuts: {limits: {server: 1 s}}\n",
            "s.yaml:2:17: cuts.limits.server: unknown key; ",
            "'server_load'",
            id="unknown limit",
        ),
        pytest.param(
            FLEET + "cuts: {objective: {energy_j: 1.0}}\n",
            "s.yaml:2:30: cuts.objective.energy_j: profile paper-1 of client-0 has no busy_power, idle_power, "
            "radio_energy; ",
            "energy needs busy_power, idle_power, radio_energy of every client",
            id="energy of a device that does not say what it draws",
        ),
        pytest.param(
            FLEET + "cuts: {limits: {energy: 1 J}}\n",
            "s.yaml:2:25: cuts.limits.energy: profile paper-1 of client-0 has no busy_power",
            "of every client",
            id="an energy limit for such a device",
        ),
        pytest.param(
            FLEET + "cuts: {limits: {latency: 1 us}}\n",
            "s.yaml:2:26: cuts.limits.latency: no cuts keep latency 1 us; ",
            "higher limits would do",
            id="a limit nobody can keep",
        ),
        pytest.param(
            FLEET + "cuts: {limits: {latency: 1 us, traffic: 1 B}}\n",
            "s.yaml:2:16: cuts.limits: no cuts keep latency 1 us, traffic 1 B; ",
            "higher limits would do",
            id="two limits nobody can keep",
        ),
        pytest.param(
            FLEET + "cuts: {selector: greedy, limits: {server_load: 1 ns}}\n",
            "s.yaml:2:48: cuts.limits.server_load: an iteration takes ",
            "selector exact, which tells whether any cuts keep it, would do",
            id="a limit that a search cannot keep",
        ),
        pytest.param(
            FLEET + "cuts: {selector: fixed, every_client: [1, 1, 1, 1], limits: {traffic: 1 kB}}\n",
            "s.yaml:2:71: cuts.limits.traffic: an iteration takes ",
            "the limit is 1 kB",
            id="stated cuts beyond a limit",
        ),
        pytest.param(
            FLEET + "cuts: {selector: fixed}\n",
            "s.yaml:2:7: cuts: ",
            "exactly one of per_client and every_client",
            id="fixed cuts that are not given",
        ),
        pytest.param(
            FLEET + "data: {domains: [{dataset: mnist5k, clients: 2}, {dataset: glyphs, clients: 3}]}\n",
            "s.yaml:2:17: data.domains: the domains ask for 5 clients; ",
            "the fleet has 4 devices",
            id="domain clients that do not sum",
        ),
        pytest.param(
            FLEET + "data: {domains: [{dataset: mnist5k, clients: 4}, {dataset: glyphs}]}\n",
            "s.yaml:2:17: data.domains: ",
            "the fleet has 4 devices",
            id="a domain without clients",
        ),
        pytest.param(
            "devices: {clients: [{profile: paper-1, count: 2001}]}\n",
            "s.yaml:1:1: data.partition: client 1999 of the domain got 1 of 4000 images ",
            "allowed: at least 2 each",
            id="fewer than two samples a client",
        ),
        pytest.param(
            TINY_MEMORY,
            "s.yaml:1:20: devices.clients: ",
            "memory",
            id="no cut fits the memory",
        ),
        pytest.param(
            "devices: {clients: [{profile: paper-1, count: 2, memory: 1 MB}]}\n"
            "cuts: {selector: fixed, every_client: [1, 1, 1, 1]}\n",
            "s.yaml:",
            "memory",
            id="stated cuts that do not fit the memory",
        ),
        pytest.param("", "s.yaml:1:1: the file is empty; ", "'devices'", id="empty file"),
        pytest.param("# nothing\n\n", "s.yaml:1:1: the file is empty; ", "'devices'", id="comments alone"),
        pytest.param("name: x\n", "s.yaml:1:1: devices: missing; ", "required", id="no devices"),
        pytest.param(
            FLEET + "strategy:\n\trounds: 1\n", "s.yaml:3:1: a tab character; ", "allowed: spaces", id="tab"
        ),
        pytest.param(FLEET + "seed: [1\n", "s.yaml:3:1: not YAML: ", "allowed: YAML 1.2", id="not YAML"),
        pytest.param(
            b"\x89PNG\r\n\xff", "s.yaml:1:1: byte 0x89 is not UTF-8; ", "UTF-8 text file", id="binary"
        ),
        pytest.param(
            FLEET + "network: {model: maxmn}\n",
            "s.yaml:2:18: network.model: 'maxmn'; allowed: ",
            "did you mean 'maxmin'?",
            id="unknown plug-in",
        ),
    ],
)
def test_wrong_scenarios(refused, text, starts, holds):
    lines = refused(text)
    assert len(lines) == 1
    assert lines[0].startswith(starts)
    assert holds in lines[0]


def test_every_command_refuses_alike(refused):
    commands = [
        ("run",),
        ("latency",),
        ("latency", "--json"),
        ("cuts",),
        ("cuts", "--json"),
        ("explain",),
        ("validate",),
    ]
    [line] = refused(FLEET + "sed: 1\n", commands=commands)
    assert line.startswith("s.yaml:2:1: sed: unknown key; ")


def test_all_mistakes_are_told_at_once(refused):
    assert [line.split(": ")[0] for line in refused(FLEET + "sed: 1\nrecords: ful\n")] == [
        "s.yaml:2:1",
        "s.yaml:3:10",
    ]


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("strategy.rounds=x", "--set strategy.rounds=x:1:17: strategy.rounds: the text 'x'; "),
        ("strategy.rouns=1", "--set strategy.rouns=1:1:10: strategy.rouns: unknown key; "),
        ("strategy", "--set strategy:1:9: no '=' in it; allowed: key.path=value"),
        (
            "devices.clients.7.count=1",
            "--set devices.clients.7.count=1:1:17: devices.clients: there is no item '7' ",
        ),
    ],
)
def test_wrong_overrides(refused, argument, line):
    [told] = refused(FLEET, "--set", argument)
    assert told.startswith(line)


@pytest.mark.parametrize("command", ["run", "validate", "latency", "cuts", "explain"])
def test_a_scenario_that_is_not_there(hetedge, command, tmp_path):
    done = hetedge(command, "quickstrat")
    assert (done.code, done.out) == (2, "")
    assert done.lines == [
        "quickstrat:1:1: no such file and no such scenario of the library; "
        f"allowed: a path, or {', '.join(library_names())}; "
        "did you mean 'quickstart'?"
    ]
    assert hetedge(command, tmp_path).lines == [f"{tmp_path}:1:1: a folder; allowed: the path of a YAML file"]


def test_a_profile_file_with_a_mistake_names_its_own_place(refused, tmp_path):
    (tmp_path / "board.yaml").write_text("kind: board\nuplink: 5 MB/s\ndownlnk: 5 MB/s\n")
    [line] = refused("devices: {clients: [{profile: ./board.yaml}]}\n")
    assert line.startswith("s.yaml:1:31: devices.clients.0.profile: ")
    assert "board.yaml:3:1: downlnk: unknown key" in line


def truncate(folder):
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-100])


def lie_about_the_count(folder):
    path = folder / "train-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[4:8] = np.array([81], dtype=">u4").tobytes()
    path.write_bytes(content)


def remove(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()


def break_the_gzip(folder):
    path = folder / "train-labels-idx1-ubyte"
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(path.read_bytes())[:-9])
    path.unlink()


def swap_the_labels(folder):
    write_idx(folder, "train", np.zeros((20, 28, 28)), np.arange(21) % 10)


def name_an_eleventh_class(folder):
    write_idx(folder, "train", np.zeros((22, 28, 28)), np.arange(22) % 11)


def shrink_the_images(folder):
    write_idx(folder, "train", np.zeros((20, 14, 14)), np.arange(20) % 10)


@pytest.mark.parametrize(
    ("harm", "file", "holds"),
    [
        (truncate, "train-images-idx3-ubyte", "the header promises 80 x 28 x 28"),
        (lie_about_the_count, "train-images-idx3-ubyte", "the header promises 81 x 28 x 28"),
        (remove, "t10k-labels-idx1-ubyte", "not found"),
        (break_the_gzip, "train-labels-idx1-ubyte.gz", "is not a whole gzip file"),
        (swap_the_labels, "train-labels-idx1-ubyte", "holds 21 labels for the 20 images"),
        (name_an_eleventh_class, "bars", "11 classes; allowed: at most 10"),
        (shrink_the_images, "'bars'", "training images of 1 x 14 x 14 and test images of 1 x 28 x 28"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_wrong_idx_files(refused, hetedge, tmp_path, harm, file, holds):
    write_images(tmp_path / "bars", 1)
    write_images(tmp_path / "dots", 2)
    harm(tmp_path / "bars")
    [line] = refused(TINY, commands=[("run",)])
    assert line.startswith("s.yaml:9:17: data.domains.0.dataset: ")
    assert file in line
    assert holds in line
    assert ";" in line
    assert hetedge("validate", "s.yaml").code == 0  # validate opens no data


def test_a_file_with_a_wrong_digest_below_the_data_folder(refused, tmp_path, monkeypatch):
    write_images(tmp_path / "data" / "MNIST" / "raw", 1)
    scenario = FLEET + "data: {domains: [{dataset: MNIST}]}\n"
    [line] = refused(scenario, commands=[("run",)])
    assert line.startswith("s.yaml:2:28: data.domains.0.dataset: ")
    assert "HETEDGE_DATA is not set" in line
    monkeypatch.setenv("HETEDGE_DATA", str(tmp_path / "data"))
    [line] = refused(scenario, commands=[("run",)])
    assert line.startswith("s.yaml:2:28: data.domains.0.dataset: ")
    assert "train-images-idx3-ubyte: expected SHA-256 " in line
    assert "fetch it again" in line


@pytest.mark.parametrize(
    ("arguments", "starts", "ends"),
    [
        ((), "hetedge: missing command", "see 'hetedge --help'"),
        (("rnu",), "hetedge: no such command 'rnu'. Did you mean 'run'?", "see 'hetedge --help'"),
        (("run",), "hetedge run: missing argument 'SCENARIO'", "see 'hetedge run --help'"),
        (("plot", "cuts"), "hetedge plot: missing argument 'DIR...'", "see 'hetedge plot --help'"),
        (("run", "x", "--sett", "a=1"), "hetedge run: no such option: --sett", "see 'hetedge run --help'"),
        (("run", "x", "--sett", "a=1"), "hetedge run: no such option: --sett (Possible options: --set)", ""),
        (("run", "x", "y"), "hetedge run: got unexpected extra argument", "see 'hetedge run --help'"),
        (
            ("latency", "quickstart", "--engine", "evnts"),
            "unknown engine 'evnts'; ",
            "did you mean 'events'?",
        ),
        (("cuts", "x", "--selector", "exat"), "unknown cut selector 'exat'; ", "did you mean 'exact'?"),
        (("cuts", "x", "--selector", "gredy"), "unknown cut selector 'gredy'; ", "did you mean 'greedy'?"),
        (("list", "device"), "unknown listing 'device'; allowed: devices, ", "did you mean 'devices'?"),
        (
            ("explain", "quickstart", "--client", "8"),
            "--client: no client is called '8'; allowed: client-0 to client-7, or 0 to 7; ",
            "did you mean 'client-7'?",
        ),
        (("explain", "quickstart", "--client", "clinet-3"), "--client: ", "did you mean 'client-3'?"),
        (("explain", "quickstrat"), "quickstrat:1:1: no such file", "did you mean 'quickstart'?"),
        (("plot", "phase", "."), "unknown figure 'phase'; allowed: all, ", "did you mean 'phases'?"),
        (
            ("plot", "phases", "nowhere"),
            "nowhere: no such folder",
            "allowed: the folder of a run or a comparison",
        ),
        (
            ("plot", "phases", "."),
            ".: holds no scenario.yaml",
            "allowed: the folder of a run or a comparison",
        ),
        (
            ("run", "quickstart", "-o", ""),
            "hetedge run: invalid value for '-o' / '--out': an empty path; ",
            "",
        ),
        (
            ("plot", "all", ".", "-o", ""),
            "hetedge plot: invalid value for '-o' / '--out': an empty path; ",
            "",
        ),
        (("schema", "x"), "hetedge schema: got unexpected extra argument", "see 'hetedge schema --help'"),
        (("schema", "--json"), "hetedge schema: no such option: --json", "see 'hetedge schema --help'"),
        (("calibrate", "-o", ""), "hetedge calibrate: invalid value for '-o' / '--out': an empty path; ", ""),
        (("calibrate", "-o", "no/p.yaml"), "-o: no/p.yaml: no such file or directory; ", "can be written to"),
        (("calibrate", "-o", "p"), "-o: p; ", "ends in .yaml or .yml"),
        (("calibrate", "--model", "cgan281"), "unknown --model 'cgan281'; ", "did you mean 'cgan28'?"),
        (("calibrate", "--width", "0"), "hetedge calibrate: invalid value for '--width': ", "--help'"),
        (("calibrate", "--width", "513"), "hetedge calibrate: invalid value for '--width': ", "--help'"),
        (("calibrate", "--width", "x"), "hetedge calibrate: invalid value for '--width': ", "--help'"),
        (
            ("calibrate", "--batch-size", "1"),
            "hetedge calibrate: invalid value for '--batch-size': ",
            "--help'",
        ),
        (("calibrate", "--threads", "0"), "hetedge calibrate: invalid value for '--threads': ", "--help'"),
        (("calibrate", "--threads", "1024"), "--threads: 1024; this machine has ", "at most as many threads"),
        (("calibrate", "--repeats", "0"), "hetedge calibrate: invalid value for '--repeats': ", "--help'"),
        (
            ("calibrate", "--threads", "1", "--batch-size", "65536", "--width", "512"),
            "--batch-size: 65536 ",
            "width",
        ),
    ],
)
def test_a_wrong_command_line_is_one_plain_line(hetedge, arguments, starts, ends):
    done = hetedge(*arguments)
    assert (done.code, done.out, len(done.lines)) == (2, "", 1), done.err
    assert done.err.startswith(starts)
    assert done.lines[0].endswith(ends)


def test_a_selector_that_needs_cuts_the_scenario_does_not_state(hetedge):
    done = hetedge("cuts", "quickstart", "--selector", "fixed")
    assert (done.code, done.out, len(done.lines)) == (2, "", 1)
    assert done.err.endswith("allowed here: exact, genetic, local_search, greedy, random, homogeneous\n")


def test_a_file_that_hides_a_package_of_ours_is_named(tmp_path):
    stray = tmp_path / "models.py"
    stray.write_text("weights = None\n")
    done = hetedge_process("validate", "quickstart", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{stray} hides the package 'models' of hetedge")
    assert "rename it" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_of_that_name_which_hides_nothing_is_no_fault(hetedge, tmp_path):
    (tmp_path / "models.py").write_text("raise SystemExit('never imported')\n")
    assert hetedge("list", "strategies").code == 0
