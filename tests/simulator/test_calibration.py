"""From timed blocks to one rate: counts, medians, when to stop, and the profile that is written."""

import statistics
from dataclasses import replace
from datetime import date

import pytest

from devices.profile import load_profile
from models.cgan import cgan28
from models.model_options import ModelOptions
from models.split import VISITS, Cut, Work, chain_of, client_legs, model_costs, server_leg, server_positions
from simulator.block_timing import BlockTimer, measure
from simulator.calibration import (
    LEAST_REPEATS,
    WARM_UPS,
    Part,
    Setup,
    calibrate,
    calibration_text,
    is_stable,
    iteration_charges,
    spread,
)
from simulator.machine_profile import (
    ASSUMED_LINKS,
    Machine,
    UnfitError,
    check_fit,
    check_path,
    profile_text,
    this_machine,
    write_profile,
)

SETUP = Setup(ModelOptions(width=2), batch=8, threads=1, repeats=20)
MACHINE = Machine(
    'Some CPU: the "fast" one', "9.9.9+cpu", processors=4, memory_bytes=8 * 2**30, day=date(2031, 5, 17)
)


def constant(rate_flops_per_s):
    """Every part takes its FLOPs over a rate."""
    return lambda: {part: charge.flops / rate_flops_per_s for part, charge in SETUP.charges.items()}


class Slowing:
    """The n-th call takes n times the seconds of a machine of 1 GFLOP/s."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return {part: self.calls * charge.flops / 1e9 for part, charge in SETUP.charges.items()}


@pytest.mark.parametrize("cut", [Cut(1, 1, 1, 1), Cut(2, 2, 2, 2), Cut(2, 1, 1, 2)])
def test_an_iteration_is_charged_what_the_legs_of_a_run_are(cut):
    costs, rows = model_costs(cgan28(4)), 6
    legs = client_legs(costs, cut, rows)
    flops = sum(leg.flops for visit in legs.visits for leg in (*visit.finish, *visit.prepare))
    flops += sum(leg.flops for leg in legs.after)
    for visit, own in zip(VISITS, legs.visits, strict=True):
        positions = [one for one in server_positions(chain_of(costs, visit)) if own.entry <= one <= own.exit]
        flops += sum(server_leg(costs, visit, position, rows).flops for position in positions)
    charges = iteration_charges(costs, rows)
    assert sum(one.times * one.flops for one in charges.values()) == pytest.approx(flops, rel=1e-12)


def test_how_often_an_iteration_does_what():
    times = {(part.network, part.work): charge.times for part, charge in SETUP.charges.items()}
    assert times == {
        ("generator", Work.FORWARD): 1,
        ("generator", Work.BACKWARD): 1,
        ("discriminator", Work.FORWARD): 3,
        ("discriminator", Work.BACKWARD): 2,
        ("discriminator", Work.INPUT_GRADIENT): 1,
    }


def test_a_machine_of_one_rate_is_found_to_have_it():
    found = calibrate(SETUP, constant(3e9))
    assert found.flops_per_s == pytest.approx(3e9, rel=1e-12)
    assert found.flops == sum(one.times * one.flops for one in SETUP.charges.values())
    assert found.seconds == pytest.approx(found.flops / 3e9)
    assert all(one.flops_per_s == pytest.approx(3e9) for one in found.parts)
    assert (found.repeats, found.spread, found.is_quiet) == (LEAST_REPEATS, 0.0, True)
    facts = found.facts()
    assert sum(one["share"] for one in facts["parts"]) == pytest.approx(1.0)
    assert len(facts["parts"]) == 5 * 5


def test_slow_blocks_weigh_by_their_time():
    """Half of the FLOPs at a tenth of the rate: the rate of the whole is the harmonic mean, not the mean."""

    def time_once():
        return {
            part: charge.flops / (1e9 if part.network == "generator" else 10e9)
            for part, charge in SETUP.charges.items()
        }

    found = calibrate(SETUP, time_once)
    flops = {
        name: sum(one.times * one.flops for part, one in SETUP.charges.items() if part.network == name)
        for name in ("generator", "discriminator")
    }
    seconds = flops["generator"] / 1e9 + flops["discriminator"] / 10e9
    assert found.flops_per_s == pytest.approx(sum(flops.values()) / seconds)


def test_the_warm_up_does_not_count_and_the_median_does():
    slowing = Slowing()
    found = calibrate(SETUP, slowing)
    assert slowing.calls == WARM_UPS + SETUP.repeats
    assert found.repeats == SETUP.repeats
    median = statistics.median(range(WARM_UPS + 1, WARM_UPS + SETUP.repeats + 1))
    assert found.flops_per_s == pytest.approx(1e9 / median)
    assert not found.is_quiet


def test_one_outlier_changes_nothing():
    calls = iter(range(1000))

    def time_once():
        slow = 100 if next(calls) == WARM_UPS + 2 else 1
        return {part: slow * seconds for part, seconds in constant(1e9)().items()}

    found = calibrate(SETUP, time_once)
    assert found.flops_per_s == pytest.approx(1e9)
    assert found.is_quiet


def test_spread_is_the_distance_of_the_quartiles_over_the_median():
    assert spread([3.0]) == 0.0
    assert spread([2.0, 2.0, 2.0]) == 0.0
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx((4 - 2) / 3)


def test_stable_is_said_after_enough_repeats_that_agree():
    assert not is_stable([1.0] * (LEAST_REPEATS - 1))
    assert is_stable([1.0] * LEAST_REPEATS)
    uneven = [1.0, 1.2] * 200
    few = next(count for count in range(10, 401) if is_stable(uneven[:count]))
    # 0.93 * 0.2 / 1.1 / sqrt(n) <= 0.01
    assert few == pytest.approx((0.93 * 0.2 / 1.1 / 0.01) ** 2, rel=0.1)


class Counting:
    """A clock on which every reading is a second later."""

    def __init__(self):
        self.readings = 0

    def __call__(self):
        self.readings += 1
        return float(self.readings)


def test_every_part_of_an_iteration_is_timed_by_itself():
    clock = Counting()
    seconds = BlockTimer(cgan28(2), 4, clock).time_once()
    assert set(seconds) == set(iteration_charges(model_costs(cgan28(2)), 4))
    assert set(seconds.values()) == {1.0}
    # Two readings a part; the discriminator's forward is played twice, for its two sorts of backward.
    assert clock.readings == 2 * (len(seconds) + 5)


def test_timing_changes_no_weights_and_leaves_them_trainable():
    timer = BlockTimer(cgan28(2), 4, Counting())
    network = timer._discriminator
    before = [parameter.clone() for module in network.modules() for parameter in module.parameters()]
    timer.time_once()
    after = [parameter for module in network.modules() for parameter in module.parameters()]
    assert all(bool((a == b).all()) for a, b in zip(before, after, strict=True))
    assert all(parameter.requires_grad for parameter in after)


def test_the_pass_for_the_input_alone_leaves_no_gradients_of_parameters(monkeypatch):
    """Otherwise it would be timed with work that it is not charged for."""
    timer = BlockTimer(cgan28(2), 4, Counting())
    whole_pass, left = timer._pass, {}

    def watched(network, rows, backward):
        seconds = whole_pass(network, rows, backward)
        parameters = [one for module in network.modules() for one in module.parameters()]
        left[network.network.name, backward] = [
            bool(one.grad.any()) for one in parameters if one.grad is not None
        ]
        return seconds

    monkeypatch.setattr(timer, "_pass", watched)
    timer.time_once()
    assert not any(left["discriminator", Work.INPUT_GRADIENT])
    assert any(left["discriminator", Work.BACKWARD])


@pytest.mark.parametrize("repeats", [1, LEAST_REPEATS - 1])
def test_few_repeats_do_not_tell_that_a_machine_is_quiet(caplog, repeats):
    clock = Counting()
    found = measure(replace(SETUP, repeats=repeats), clock, on_processor=lambda: float(clock.readings))
    assert (found.repeats, found.spread) == (repeats, 0.0)
    assert not found.is_quiet
    assert f"too few repeats ({repeats}) to tell" in caplog.text
    assert "something else kept" not in caplog.text


def test_measuring_by_a_clock_that_counts_gives_a_rate_that_can_be_told(caplog):
    clock = Counting()
    found = measure(SETUP, clock, on_processor=lambda: float(clock.readings))
    assert found.is_quiet
    assert "calibrate again" not in caplog.text
    assert found.repeats == LEAST_REPEATS
    assert found.seconds == sum(charge.times for charge in SETUP.charges.values())
    assert found.flops_per_s == found.flops / found.seconds


def test_a_machine_that_is_busy_now_and_then_is_warned_of(caplog):
    readings = iter(range(10**6))
    found = measure(SETUP, lambda: float(next(readings) ** 2))
    assert found.spread > 0.1
    assert "calibrate again when it is quiet" in caplog.text


def test_a_machine_that_is_busy_all_the_time_is_warned_of(caplog):
    clock = Counting()
    found = measure(SETUP, clock, on_processor=lambda: clock.readings / 2)
    assert found.spread == 0.0
    assert found.processor_share == pytest.approx(0.5, abs=0.01)
    assert not found.is_quiet
    assert "50 % of the time went by without a processor" in caplog.text


def test_the_table_has_a_row_per_block_and_shares_that_sum_to_all():
    text = calibration_text(calibrate(SETUP, constant(2e9)))
    heading, *rows = text.split("\n\n")[0].splitlines()
    assert heading.split("  ")[0] == "block"
    for words in ("forward GFLOP/s", "backward GFLOP/s", "input gradient GFLOP/s", "share of time"):
        assert words in heading
    assert [row.split()[0] for row in rows] == [f"{name}{number}" for name in "GD" for number in range(1, 6)]
    assert all(set(row.split()[1:-2]) == {"2.0"} for row in rows)
    assert [len(row.split()) for row in rows] == [1 + 2 + 2] * 5 + [1 + 3 + 2] * 5
    assert sum(float(row.split()[-2]) for row in rows) == pytest.approx(100, abs=0.5)
    assert text.split("\n\n")[1].startswith("2 GFLOP/s: ")


def test_the_profile_is_a_profile_with_the_rate_and_the_source_of_every_number(tmp_path):
    path = tmp_path / "mine.yaml"
    written = write_profile(path, calibrate(SETUP, constant(31.41592e9)), MACHINE)
    again = load_profile(str(path))
    assert written == again
    assert (again.name, again.kind) == ("mine", "computer")
    assert again.rate_flops_per_s == again.measured_flops_per_s == 31.42e9
    assert again.memory_bytes == 8 * 2**30
    assert again.sources["measured_flops_per_s"] == (
        "measured by hetedge calibrate: cgan28, width 2, batch 8, 1 thread, torch 9.9.9+cpu, "
        'Some CPU: the "fast" one, 2031-05-17; median of 10 repeats, spread 0.0 %'
    )
    assert set(again.assumed) == set(ASSUMED_LINKS) == {"uplink", "downlink", "latency"}
    assert "Some CPU" in again.description


def test_a_system_that_does_not_tell_its_memory_gives_a_profile_without():
    unknown = Machine("cpu", "2.0", processors=1, memory_bytes=None, day=date(2031, 1, 1))
    text = profile_text(calibrate(SETUP, constant(1e9)), unknown)
    assert "memory" not in text


def test_no_file_is_ever_overwritten(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("mine\n")
    with pytest.raises(FileExistsError):
        write_profile(path, calibrate(SETUP, constant(1e9)), MACHINE)
    with pytest.raises(UnfitError, match="there is such a file already"):
        check_path(path)
    assert path.read_text() == "mine\n"


def test_checking_a_path_leaves_nothing_behind(tmp_path):
    check_path(tmp_path / "new.yml")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/where.yaml", "no such file or directory"),
        ("file/p.yaml", "not a directory"),
        ("\udcff.yaml", r"\\udcff\.yaml'; no scenario could write this name"),
        ("p", r"ends in \.yaml or \.yml"),
    ],
)
def test_paths_that_cannot_be_written(tmp_path, name, words):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnfitError, match=words):
        check_path(tmp_path / name)


def test_what_this_machine_cannot_measure():
    check_fit(SETUP, MACHINE)
    with pytest.raises(UnfitError, match="--threads: 5; this machine has 4 processors"):
        check_fit(Setup(SETUP.model, 8, threads=5, repeats=1), MACHINE)
    with pytest.raises(
        UnfitError, match=r"--batch-size: 60000 at width 64 takes about .* GB; .* has 8.59 GB"
    ):
        check_fit(Setup(ModelOptions(width=64), 60_000, threads=1, repeats=1), MACHINE)


def test_what_a_system_tells_of_itself():
    machine = this_machine()
    assert machine.processor
    assert machine.processors >= 1
    assert machine.memory_bytes is None or machine.memory_bytes > 2**20
    assert Part("generator", 0, Work.FORWARD) < Part("generator", 1, Work.FORWARD)
