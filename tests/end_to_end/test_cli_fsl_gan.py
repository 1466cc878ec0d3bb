"""Households on the command line: what is printed of them, and what is refused."""

import json

SCENARIO = """\
name: houses
devices:
  server: paper-server
  clients: [{profile: paper-1, count: 4}, {profile: paper-2, memory: 3 GiB}]
  order: listed
strategy: {name: fsl_gan, steps_per_round: 2}
"""


def test_latency_tells_of_every_device(hetedge, tmp_path):
    (tmp_path / "houses.yaml").write_text(SCENARIO)
    answers = [hetedge("latency", "houses.yaml", "--json", "--engine", one) for one in ("formula", "events")]
    formula, events = (json.loads(one.out) for one in answers)
    assert [one["id"] for one in formula["clients"]] == [0, 1, 2, 3, 4]
    assert formula["cuts"] == []
    for came, wanted in zip(events["clients"], formula["clients"], strict=True):
        for part in ("compute_s", "transfer_s", "wait_s"):
            assert abs(came[part] - wanted[part]) <= 1e-9 * formula["iteration_latency_s"]
    spare = hetedge("latency", "houses.yaml", "--json", "--set", "strategy.placement=multi").out
    waiting = [one["id"] for one in json.loads(spare)["clients"] if one["compute_s"] == 0]
    assert len(waiting) == 3  # one of three, and one of two, has all parts
    assert {one["profile"] for one in json.loads(spare)["clients"]} == {"paper-1", "paper-2"}


def test_what_does_not_fit_is_refused_with_its_key(hetedge, tmp_path):
    (tmp_path / "houses.yaml").write_text(SCENARIO)
    small = ("--set", "devices.clients.1.memory=1 MB")
    for refused, words in (
        (
            ("--set", "strategy.parts=[2, 2, 2]"),
            "strategy.parts: [2, 2, 2], 6 blocks together; allowed: three",
        ),
        (small, "devices.clients: blocks 1 to 2 of a household's discriminator in training needs "),
        (
            (*small, "--set", "strategy.placement=multi", "--set", "strategy.household_size=1"),
            "devices.clients: part A of household-4's discriminator needs ",
        ),
        (("--set", "strategy.lan_rate=50"), "strategy.lan_rate: "),
        (("--set", "strategy.household_size=0"), "strategy.household_size: 0; allowed: "),
    ):
        for command in ("validate", "latency"):
            answer = hetedge(command, "houses.yaml", "--set", "strategy.selection=fastest", *refused)
            assert answer.code == 2, answer
            assert words in answer.lines[-1]
            assert "Traceback" not in answer.err
