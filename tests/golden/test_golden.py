"""Pinned numbers: one committed file for every registered strategy and every cut selector.

Why they are pinned: the other tests prove properties (laws, equalities with plain PyTorch, hand-worked examples). A
change of default, of a stream's name, of the order of draws or of a cost would keep all of those and still change
every user's results. These files make such a change visible; it is then either a bug or a line in the changelog.

To renew one after a wanted change: ``HETEDGE_RENEW_GOLDEN=1 pytest tests/golden``, and read the difference.
"""

import json
import os
from pathlib import Path

import pytest
from tiny_strategies import STRATEGY_SCENARIOS
from tiny_world import domains, make_learner, make_plan, play_run

from simulator.commits import decisions, training_key
from simulator.cuts.selectors import SELECTORS
from simulator.registry import STRATEGIES
from simulator.timing_only import compare_cuts

HERE = Path(__file__).parent

EXACT_TIME = 1e-9
"""Relative: simulated seconds are sums of exact costs; only the order of additions may differ."""

LOSS = 1e-6
"""Relative: a few float64 iterations; machines differ in the order of summation inside a convolution."""

SELECTOR_SCENARIO = """\
name: golden-cuts
devices:
  server: paper-server
  clients:
    - {profile: paper-1, count: 2}
    - {profile: paper-2, count: 2}
    - {profile: paper-5, count: 2, uplink: 5 MB/s}
    - {profile: raspberry-pi-4, count: 1}
model: {width: 64}
"""

SELECTOR_OPTIONS = {
    "fixed": "cuts={selector: fixed, per_client: [[1, 1, 1, 1], [2, 1, 1, 2], [1, 2, 2, 1], [2, 2, 2, 2], "
    "[1, 1, 2, 2], [2, 2, 1, 1], [1, 2, 1, 2]]}",
    "genetic": "cuts={selector: genetic, population: 16, max_evaluations: 320}",
}
"""Options of selectors that need some, or whose defaults search for long; the others run with their defaults."""


def golden_of_strategy(name: str, folder: Path) -> dict:
    text, overrides = STRATEGY_SCENARIOS[name]
    data = domains()
    plan = make_plan(folder, data, *overrides, text=text)
    played = play_run(plan, make_learner(plan, data))
    transfers = played.tables["transfers"]
    return {
        "training_key": training_key(played.entries, plan.training_facts([images.digest for images in data])),
        "commits": [entry.commit.kind for entry in played.entries],
        "clusters": [[list(c) for c in one.clusters] for one in decisions(played.entries).values()],
        "iteration_end_s": played.tables["iterations"]["end_s"].tolist(),
        "end_s": played.entries[-1].commit.time_s,
        "bytes_by_kind": {str(k): float(v) for k, v in transfers.groupby("kind")["bytes"].sum().items()},
        "discriminator_loss": [d for d, _ in played.losses],
        "generator_loss": [g for _, g in played.losses],
    }


def golden_of_selector(name: str, folder: Path) -> dict:
    path = folder / "cuts.yaml"
    path.write_text(SELECTOR_SCENARIO)
    option = SELECTOR_OPTIONS.get(name, f"cuts={{selector: {name}}}")
    (found,) = compare_cuts(path, [option], [name])
    return {
        "cuts": [list(cut.as_tuple()) for cut in found.cuts],
        "iteration_latency_s": found.iteration_latency_s,
        "evaluations": found.evaluations,
    }


OWNERS = {f"strategy_{name}": (golden_of_strategy, name) for name in STRATEGIES} | {
    f"selector_{name}": (golden_of_selector, name) for name in SELECTORS
}

TOLERANCES = {"discriminator_loss": LOSS, "generator_loss": LOSS}


def assert_as_pinned(came: dict, wanted: dict) -> None:
    assert came.keys() == wanted.keys()
    for key, value in wanted.items():
        numbers = value if isinstance(value, list) else [value]
        if all(isinstance(one, float) for one in numbers):
            assert came[key] == pytest.approx(value, rel=TOLERANCES.get(key, EXACT_TIME), abs=0), key
        else:
            assert came[key] == value, key


@pytest.mark.parametrize("stem", OWNERS)
def test_it_is_as_pinned(stem, tmp_path):
    path = HERE / f"{stem}.json"
    make, name = OWNERS[stem]
    came = make(name, tmp_path)
    if os.environ.get("HETEDGE_RENEW_GOLDEN") == "1":
        lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in {"pins": name, **came}.items())
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    wanted = json.loads(path.read_text())
    assert wanted.pop("pins") == name
    assert_as_pinned(came, wanted)


def test_every_strategy_and_selector_has_a_golden_and_every_golden_an_owner():
    committed = {path.stem for path in HERE.glob("*.json")}
    assert committed == set(OWNERS), "add the file with HETEDGE_RENEW_GOLDEN=1, or remove the one nobody owns"


def test_every_strategy_has_a_tiny_scenario_and_no_scenario_is_left_over():
    assert STRATEGY_SCENARIOS.keys() == STRATEGIES.keys()
    assert SELECTOR_OPTIONS.keys() <= SELECTORS.keys()


def test_the_comparison_notices_a_loss_that_is_a_little_off():
    pinned = {"clusters": [[0]], "end_s": 2.0, "generator_loss": [1.0]}
    assert_as_pinned(pinned | {"generator_loss": [1.0 + 5e-7]}, pinned)
    for wrong in ({"generator_loss": [1.0 + 5e-6]}, {"end_s": 2.0 + 1e-8}, {"clusters": [[1]]}):
        with pytest.raises(AssertionError):
            assert_as_pinned(pinned | wrong, pinned)
