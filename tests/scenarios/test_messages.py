"""What is wrong with the values: each message literally, as a user sees it."""

import pytest

from devices.profile import catalog_names
from scenarios.messages import Problem, ScenarioError, one_line
from scenarios.schema import Planned
from scenarios.tree import Location, Source

ROOT_KEYS = (
    "name, seed, devices, network, availability, disturbances, data, model, cost_model, cuts, strategy, stop, "
    "evaluation, execution, records, trace, extends"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        # unknown keys: place of the key
        ("sed: 1\n", f"s.yaml:4:1: sed: unknown key; allowed: {ROOT_KEYS}; did you mean 'seed'?"),
        ("zzz: 1\n", f"s.yaml:4:1: zzz: unknown key; allowed: {ROOT_KEYS}"),
        ("model: {widht: 8}\n", "s.yaml:4:9: model.widht: unknown key; allowed: name, width; did you mean 'width'?"),
        (
            "strategy:\n  ruonds: 3\n",
            "s.yaml:5:3: strategy.ruonds: unknown key; "
            "allowed: name, rounds, batch_size, clusters, kld_alpha, patience; did you mean 'rounds'?",
        ),
        (
            "cuts: {selector: greedy, population: 3}\n",
            "s.yaml:4:26: cuts.population: unknown key; allowed: selector",
        ),
        ("evaluation: {cas: {evry: 1}}\n", "s.yaml:4:20: evaluation.cas.evry: unknown key; "
         "allowed: every, samples, epochs; did you mean 'every'?"),
        ("data: {partition: {kind: dirichlet, alhpa: 1}}\n", "s.yaml:4:37: data.partition.alhpa: unknown key; "
         "allowed: kind, alpha, min_images, max_tries; did you mean 'alpha'?"),
        # wrong kinds: place of the value
        ("seed: three\n", "s.yaml:4:7: seed: the text 'three'; allowed: a whole number of at least 0"),
        ("seed: '3'\n", "s.yaml:4:7: seed: the text '3'; allowed: a whole number of at least 0"),
        ("seed: 3.0\n", "s.yaml:4:7: seed: 3.0; allowed: a whole number of at least 0"),
        ("seed: 1e3\n", "s.yaml:4:7: seed: 1e3; allowed: a whole number of at least 0"),
        ("seed: true\n", "s.yaml:4:7: seed: true; allowed: a whole number of at least 0"),
        ("seed: yes\n", "s.yaml:4:7: seed: the text 'yes'; allowed: a whole number of at least 0"),
        ("seed: [1]\n", "s.yaml:4:7: seed: a list of 1 item; allowed: a whole number of at least 0"),
        ("seed:\n", "s.yaml:4:1: seed: null; allowed: a whole number of at least 0"),
        ("name: 5\n", "s.yaml:4:7: name: 5; allowed: text such as 'my-first-run'"),
        ("name: {a: 1}\n", "s.yaml:4:7: name: a map; allowed: text such as 'my-first-run'"),
        ("execution: {training: 1}\n", "s.yaml:4:23: execution.training: 1; allowed: true, false"),
        ("execution: {training: off}\n", "s.yaml:4:23: execution.training: the text 'off'; allowed: true, false"),
        ("strategy: {kld_alpha: '1'}\n",
         "s.yaml:4:23: strategy.kld_alpha: the text '1'; allowed: a number of at least 0"),
        ("strategy: {kld_alpha: true}\n", "s.yaml:4:23: strategy.kld_alpha: true; allowed: a number of at least 0"),
        ("model: cgan28\n", "s.yaml:4:8: model: the text 'cgan28'; allowed: a map with the keys name, width"),
        ("model:\nseed: 1\n", "s.yaml:4:1: model: null; allowed: a map with the keys name, width"),
        ("cuts: greedy\n",
         "s.yaml:4:7: cuts: the text 'greedy'; allowed: a map with the key selector (fixed, greedy, genetic)"),
        ("cuts: [greedy]\n",
         "s.yaml:4:7: cuts: a list of 1 item; allowed: a map with the key selector (fixed, greedy, genetic)"),
        ("data: {partition: {kind: dirichlet, max_tries: 3.0}}\n",
         "s.yaml:4:48: data.partition.max_tries: 3.0; allowed: a whole number of at least 1"),
        # bounds
        ("seed: -1\n", "s.yaml:4:7: seed: -1; allowed: a whole number of at least 0"),
        ("strategy: {rounds: 0}\n", "s.yaml:4:20: strategy.rounds: 0; allowed: a whole number of at least 1"),
        ("model: {width: 1000}\n", "s.yaml:4:16: model.width: 1000; allowed: a whole number from 1 to 512"),
        ("execution: {threads: 0}\n", "s.yaml:4:22: execution.threads: 0; allowed: a whole number from 1 to 1024"),
        ("evaluation: {every_rounds: 0}\n",
         "s.yaml:4:28: evaluation.every_rounds: 0; allowed: a whole number of at least 1"),
        ("data: {partition: {kind: dirichlet, alpha: 0}}\n",
         "s.yaml:4:44: data.partition.alpha: 0; allowed: a number above 0 and of at most 1000000"),
        ("data: {domains: []}\n", "s.yaml:4:17: data.domains: an empty list; allowed: a list of at least 1 item"),
        ("data: {domains: [{dataset: glyphs, clients: -3}]}\n",
         "s.yaml:4:45: data.domains.0.clients: -3; allowed: a whole number of at least 1"),
        # unknown names
        ("records: ful\n", "s.yaml:4:10: records: 'ful'; allowed: full, summary; did you mean 'full'?"),
        ("records: FULL\n", "s.yaml:4:10: records: 'FULL'; allowed: full, summary; did you mean 'full'?"),
        ("records: 7\n", "s.yaml:4:10: records: 7; allowed: full, summary"),
        ("cuts: {selector: gredy}\n",
         "s.yaml:4:18: cuts.selector: 'gredy'; allowed: fixed, greedy, genetic; did you mean 'greedy'?"),
        ("cuts: {selector: gredy, population: 3}\n",
         "s.yaml:4:18: cuts.selector: 'gredy'; allowed: fixed, greedy, genetic; did you mean 'greedy'?"),
        ("cuts: {selector: 3}\n", "s.yaml:4:18: cuts.selector: 3; allowed: fixed, greedy, genetic"),
        ("cuts: {selector: [greedy]}\n",
         "s.yaml:4:18: cuts.selector: a list of 1 item; allowed: fixed, greedy, genetic"),
        ("availability: {model: allways}\n",
         "s.yaml:4:23: availability.model: 'allways'; allowed: always; did you mean 'always'?"),
        ("data: {partition: {kind: dirichlt}}\n",
         "s.yaml:4:26: data.partition.kind: unknown partition kind 'dirichlt'; "
         "allowed: iid, label_exclusion, dirichlet, shards, quantity, assumed, paper_s1, paper_s2, paper_s3, paper_s4, "
         "paper_s5, paper_s6; did you mean 'dirichlet'?"),
        ("data: {domains: [{dataset: glyps}]}\n",
         "s.yaml:4:28: data.domains.0.dataset: unknown data set 'glyps'; allowed: mnist5k, glyphs, MNIST, "
         "FashionMNIST, KMNIST, NotMNIST, CIFAR10, SVHN, BloodMNIST, DermaMNIST, {path: DIR, format: idx}; "
         "did you mean 'glyphs'?"),
        ("evaluation: {metrics: [fid, fdi]}\n",
         "s.yaml:4:29: evaluation.metrics.1: 'fdi'; "
         "allowed: fid, generation_score or a map with the key name; did you mean 'fid'?"),
        ("evaluation: {metrics: [{name: fdi}]}\n",
         "s.yaml:4:31: evaluation.metrics.0.name: 'fdi'; allowed: fid, generation_score; did you mean 'fid'?"),
        # either this or that
        ("strategy: {clusters: atuo}\n",
         "s.yaml:4:22: strategy.clusters: 'atuo'; allowed: auto or a whole number of at least 1; did you mean 'auto'?"),
        ("strategy: {clusters: 0}\n",
         "s.yaml:4:22: strategy.clusters: 0; allowed: a whole number of at least 1"),
        ("strategy: {clusters: 1.5}\n",
         "s.yaml:4:22: strategy.clusters: 1.5; allowed: auto or a whole number of at least 1"),
        ("evaluation: {cas: {every: never}}\n",
         "s.yaml:4:27: evaluation.cas.every: 'never'; allowed: last or a whole number of at least 1"),
        ("evaluation: {cas: last}\n",
         "s.yaml:4:19: evaluation.cas: the text 'last'; allowed: a map with the keys every, samples, epochs"),
        # quantities
        ("network: {jitter: 3}\n", "s.yaml:4:19: network.jitter: 3 has no unit; write a quantity such as '5 ms'"),
        ("network: {jitter: '3'}\n", "s.yaml:4:19: network.jitter: 3 has no unit; write a quantity such as '5 ms'"),
        # checks of the owner of an option
        ("cuts:\n  selector: genetic\n  population: 2000000\n",
         "s.yaml:5:3: cuts: more than 1000000 evaluations; allowed: at most 1000000"),
        ("evaluation: {metrics: [fid, {name: fid}]}\n",
         "s.yaml:4:23: evaluation.metrics: 'fid' is listed twice; allowed: each metric once"),
        ("name: a/b\n",
         "s.yaml:4:7: name: 'a/b' cannot name a folder; "
         "allowed: at most 100 letters, digits, '.', '_' and '-', a letter or digit first"),
        ("data: {domains: [{dataset: glyphs}, {dataset: glyphs}]}\n",
         "s.yaml:4:47: data.domains.1.dataset: domain 0 is named 'glyphs' too; "
         "allowed: a different name for each domain"),
        # lists of fixed length, keys that are numbers
        ("cuts: {per_client: [[1, 1, 1]]}\n",
         "s.yaml:4:21: cuts.per_client.0.3: missing; required: a whole number"),
        ("cuts: {per_client: [[1, 1, 1, 1, 1]]}\n",
         "s.yaml:4:21: cuts.per_client.0: a list of 5 items; allowed: a list of 4 items"),
        ("cuts: {per_client: [[1, 1, 1, yes]]}\n",
         "s.yaml:4:31: cuts.per_client.0.3: the text 'yes'; allowed: a whole number"),
        ("data: {partition: {kind: label_exclusion, excluded_labels: {two: 1}}}\n",
         "s.yaml:4:61: data.partition.excluded_labels.two: the key 'two'; input should be a valid integer, "
         "unable to parse string as an integer"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_line(errors, text, line):
    assert errors(text) == [line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: x\n", "s.yaml:1:1: devices: missing; required: a map with the keys server, clients, order"),
        ("devices:\n", "s.yaml:1:1: devices: null; allowed: a map with the keys server, clients, order"),
        (
            "devices: {clients: [{count: 2}]}\n",
            "s.yaml:1:21: devices.clients.0.profile: missing; "
            f"required: {', '.join(catalog_names())} or text such as './this-machine.yaml'",
        ),
        (
            "devices: {clients: [{profile: paper-1, count: 0}]}\n",
            "s.yaml:1:47: devices.clients.0.count: 0; allowed: a whole number from 1 to 10000000",
        ),
        (
            "devices: {clients: [{profile: paper-1, count: 2.0}]}\n",
            "s.yaml:1:47: devices.clients.0.count: 2.0; allowed: a whole number from 1 to 10000000",
        ),
        (
            "devices: {clients: [{profile: paper-1, clock: 480}]}\n",
            "s.yaml:1:47: devices.clients.0.clock: 480 has no unit; write a quantity such as '480 MHz'",
        ),
        (
            "devices: {clients: [{profile: paper-1}], order: random}\n",
            "s.yaml:1:49: devices.order: 'random'; allowed: listed, interleaved, shuffled",
        ),
        (
            "devices: {clients: {mix: {paper-1: 0.5, paper-2: '0.5'}, count: 4}}\n",
            "s.yaml:1:50: devices.clients.mix.paper-2: the text '0.5'; allowed: a number above 0",
        ),
    ],
)
def test_mistakes_in_devices(errors, text, line):
    assert errors(text, devices=False) == [line]


def test_unknown_profile_names_the_nearest(errors):
    [line] = errors("devices: {clients: [{profile: paper1}]}\n", devices=False)
    assert line.startswith("s.yaml:1:31: devices.clients.0.profile: no profile is named 'paper1'; ")
    assert "paper-1" in line


def test_all_mistakes_of_a_file_come_together_in_order(errors):
    text = (
        "seed: -1\nstrategy:\n  rounds: 0\n  clustrs: 3\n  patience: {kind: al}\nexecution: {threads: '2'}\n"
    )
    assert [line.split(": ")[:2] for line in errors(text)] == [
        ["s.yaml:4:7", "seed"],
        ["s.yaml:6:11", "strategy.rounds"],
        ["s.yaml:7:3", "strategy.clustrs"],
        ["s.yaml:8:20", "strategy.patience.kind"],
        ["s.yaml:9:22", "execution.threads"],
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "cost_model: papers\n",
            "s.yaml:4:13: cost_model: 'papers'; allowed: exact, paper; did you mean 'paper'?",
        ),
        (
            "data: {partition: {kind: shard}}\n",
            "s.yaml:4:26: data.partition.kind: unknown partition kind 'shard'; "
            "allowed: iid, label_exclusion, dirichlet, shards, quantity, assumed, paper_s1, paper_s2, paper_s3, "
            "paper_s4, paper_s5, paper_s6; did you mean 'shards'?",
        ),
        (
            "data: {domains: [{dataset: {path: a, format: nzp}}]}\n",
            "s.yaml:4:46: data.domains.0.dataset.format: unknown data format 'nzp'; allowed: idx, npz, folder, cifar; "
            "did you mean 'npz'?",
        ),
    ],
)
def test_the_nearest_name_is_told(errors, text, line):
    assert errors(text) == [line]


def test_a_planned_value_is_refused_as_such(errors, monkeypatch):
    monkeypatch.setattr("scenarios.validation.PLANNED", (Planned("network.model", ("radio",)),))
    assert errors("network: {model: radio, shared: yes}\n") == [
        "s.yaml:4:18: network.model: 'radio' is planned but not built yet; allowed: ideal, dedicated"
    ]


def test_a_planned_key_is_refused_as_such(errors, monkeypatch):
    monkeypatch.setattr("scenarios.validation.PLANNED", (Planned("weather"),))
    assert errors("weather: {}\n") == [
        f"s.yaml:4:1: weather: this key is planned but not built yet; allowed: {ROOT_KEYS}"
    ]


def test_an_error_never_spans_lines():
    at = Location(Source("a.yaml", None), 1, 2)
    error = ScenarioError([Problem(at, "name", "'a\nb\tc'; allowed: text")])
    assert str(error) == "a.yaml:1:2: name: 'a\\nb\\tc'; allowed: text"
    assert one_line("grün [bold]") == "grün [bold]"


def test_long_text_is_cut(errors):
    [line] = errors(f"records: {'x' * 500}\n")
    assert line == f"s.yaml:4:10: records: '{'x' * 57}...'; allowed: full, summary"
