"""Figures of rows: time to a target, bytes, utilisation, energy, stragglers."""

import itertools

import numpy as np
import pandas as pd
import pytest
from figure_checks import (
    assert_axes_of_numbers_have_units,
    assert_legends_hide_no_data,
    assert_nothing_collides,
    lightness,
)
from matplotlib.figure import Figure

from analysis.figures.bytes_by_kind import bytes_by_kind
from analysis.figures.devices import PARTS
from analysis.figures.energy import energy
from analysis.figures.phases import phases
from analysis.figures.stragglers import slowest_shares, stragglers
from analysis.figures.time_to_target import time_to_target
from analysis.figures.utilisation import utilisation
from analysis.legs import KINDS
from analysis.plot_style import style

LONG = "a-profile-with-a-name-that-nobody-would-ever-type-twice"


def drawn(draw, frame, width_in=3.5, **options):
    with style():
        axes = Figure(figsize=(width_in, 2.2)).add_subplot()
    assert draw(frame, axes, **options) is axes
    for check in (assert_nothing_collides, assert_legends_hide_no_data, assert_axes_of_numbers_have_units):
        check(axes.figure)
    return axes


def rows(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


def beside(axes):
    return [text.get_text() for text in axes.texts]


def legend(axes):
    return [text.get_text() for text in axes.figure.legends[0].get_texts()]


def times(*facts):
    return pd.DataFrame(facts, columns=["series", "seed", "time_s", "ended_s"])


def test_seeds_that_reached_the_target_are_dots_and_others_triangles_where_their_run_ended():
    frame = times(
        ("a", 0, 60.0, 300.0), ("a", 1, 180.0, 300.0), ("b", 0, np.nan, 240.0), ("b", 1, 120.0, 240.0)
    )
    axes = drawn(time_to_target, frame, target="fid<40")
    assert axes.get_xlabel() == "Simulated time to fid<40 (min)"
    dots = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert dots == [[[1.0, 0.0], [3.0, 0.0]], [[2.0, 1.0]]]
    assert [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == ">"] == [[[4.0, 1.0]]]
    assert [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "|"] == [[[2.0, 0.0]]]
    assert beside(axes) == ["2.00 min", "2.00 min (1 of 2)"]
    assert legend(axes)[-1] == "never reached: where the run ended"


def test_a_target_that_nobody_reached_is_told_as_such():
    axes = drawn(time_to_target, times(("a", 0, np.nan, np.nan), (LONG, 0, np.nan, 50.0)))
    assert beside(axes) == ["never", "never"]
    assert legend(axes) == ["never reached: where the run ended"]
    with pytest.raises(ValueError, match="has no row"):
        time_to_target(times(), Figure().add_subplot())


def test_bytes_are_stacked_in_the_order_of_kinds_and_summed():
    frame = pd.DataFrame(
        [
            ("a", "gradient", 2e6),
            ("a", "activation", 1e6),
            ("b", "activation", 3e6),
            ("a", "control", 0.0),
            ("a", "parameters", 4e6),
        ],
        columns=["series", "kind", "bytes"],
    )
    axes = drawn(bytes_by_kind, frame, 7.0)
    assert axes.get_xlabel() == "Bytes sent in a mean round (MB)"
    assert legend(axes) == ["activation", "gradient", "parameters"]
    bars = [(bar.get_x(), bar.get_width(), round(bar.get_y() + bar.get_height() / 2)) for bar in axes.patches]
    assert [bar for bar in bars if bar[1]] == [(0.0, 1.0, 0), (1.0, 2.0, 0), (3.0, 4.0, 0), (0.0, 3.0, 1)]
    assert beside(axes) == ["7.00 MB", "3.00 MB"]


def test_every_kind_of_payload_has_a_look_of_its_own_whatever_else_is_there():
    kinds = [*KINDS, "other"]
    every = drawn(bytes_by_kind, pd.DataFrame({"series": "a", "kind": kinds, "bytes": 1.0}), 7.0)
    looks = [(bar.get_facecolor(), bar.get_hatch()) for bar in every.patches]
    assert len(set(looks)) == len(kinds)
    assert all(one[1] != other[1] for one, other in itertools.pairwise(looks))  # neighbours' hatches
    alone = drawn(bytes_by_kind, pd.DataFrame({"series": ["a"], "kind": [KINDS[3]], "bytes": [1.0]}), 7.0)
    assert (alone.patches[0].get_facecolor(), alone.patches[0].get_hatch()) == looks[3]
    with pytest.raises(ValueError, match="no series has sent a byte"):
        bytes_by_kind(
            pd.DataFrame({"series": ["a"], "kind": ["control"], "bytes": [0.0]}), Figure().add_subplot()
        )


def test_shares_of_a_class_are_of_its_own_time():
    frame = pd.DataFrame(
        [
            ("server", 1, 1.0, 1.0, 2.0, 0.0),
            (LONG, 12, 30.0, 30.0, 30.0, 10.0),
            ("idle", 1, 0.0, 0.0, 0.0, 0.0),
        ],
        columns=["device_class", "devices", "compute_s", "transfer_s", "wait_s", "off_s"],
    )
    axes = drawn(utilisation, frame)
    ends = {}
    for bar in axes.patches:
        ends.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append(bar.get_x() + bar.get_width())
    assert ends[0] == pytest.approx([25.0, 50.0, 100.0, 100.0])
    assert ends[1] == pytest.approx([30.0, 60.0, 90.0, 100.0])
    assert beside(axes) == ["50 %", "60 %", "busy"]
    assert rows(axes)[1].endswith(" (12)")
    assert len(rows(axes)) == 2


def test_what_devices_do_can_be_told_without_any_hue():
    light = [lightness(style["color"]) for _, _, style in PARTS if "hatch" not in style]
    assert len(light) == len(PARTS) - 1
    assert min(abs(one - other) for at, one in enumerate(light) for other in light[:at]) > 8


def test_energy_is_the_mean_of_a_class_and_what_is_not_known_is_told():
    frame = pd.DataFrame(
        [("pi", "client-0", round_, 100.0 * (round_ + 1)) for round_ in range(2)]
        + [("pi", "client-1", round_, 500.0) for round_ in range(2)]
        + [("phone", "client-2", 0, np.nan), ("phone", "client-2", 1, 9.0)],
        columns=["device_class", "device", "round", "energy_j"],
    )
    axes = drawn(energy, frame)
    (bar,) = axes.patches
    assert bar.get_width() == np.mean([np.mean([100, 200]), 500])
    assert axes.get_xlabel() == "Energy of a device in a round (J)"
    (line,) = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert line.get_xdata().tolist() == [150.0, 500.0]
    assert beside(axes) == ["325 J", "not known: the profile does not say"]
    assert rows(axes) == ["pi (2)", "phone"]
    with pytest.raises(ValueError, match="no class's energy is known"):
        energy(frame[frame["device_class"] == "phone"], Figure().add_subplot())


def busy(rounds):
    """``rounds``: of each, the busy seconds of each client; two classes, every round as long as 1.25 x the busiest."""
    columns = ["round", "device", "device_class", "busy_s", "wait_s", "elapsed_s"]
    facts = [
        (
            number,
            f"client-{client}",
            "slow" if client % 2 else "fast",
            busy_s,
            1.25 * max(own) - busy_s,
            1.25 * max(own),
        )
        for number, own in enumerate(rounds)
        for client, busy_s in enumerate(own)
    ]
    return pd.DataFrame(facts, columns=columns)


def test_the_slowest_client_is_marked_and_named():
    frame = busy([(1.0, 8.0, 2.0, 6.0), (9.0, 8.0, 2.0, 6.0)])
    assert slowest_shares(frame) == {"slow": 0.5, "fast": 0.5}
    axes = drawn(stragglers, frame)
    ring = next(line for line in axes.lines if line.get_markerfacecolor() == "none")
    assert ring.get_xydata().tolist() == [[8.0, 0.0]]  # client-1, whose class is the busiest
    assert "the slowest: client-1" in legend(axes)
    means = {tuple(line.get_xdata()) for line in axes.lines if line.get_marker() == "o" and line is not ring}
    assert means == {(8.0, 6.0), (5.0, 2.0)}
    round_s = 1.25 * np.mean([8.0, 9.0])
    assert any(line.get_xdata() == [round_s, round_s] for line in axes.lines if line.get_linestyle() == "--")
    waited = 1 - (8 + 6 + 8 + 6) / (2 * 1.25 * (8 + 9))
    assert beside(axes)[:4] == ["50 %", f"{100 * waited:.0f} %", "50 %", f"{100 * (1 - 14 / 42.5):.0f} %"]


def test_a_class_of_many_is_its_middle_half():
    axes = drawn(stragglers, busy([tuple(range(100))]))
    thick = [line for line in axes.lines if line.get_linewidth() == 4.0]
    slow = np.arange(1, 100, 2)
    assert thick[0].get_xdata().tolist() == pytest.approx(np.quantile(slow, [0.25, 0.75]) / 60)  # in minutes


def test_stacked_phases_differ_in_their_hatches():
    names = [f"phase_{number}" for number in range(9)]
    frame = pd.DataFrame(
        [(series, name, 1.0) for series in "ab" for name in names], columns=["series", "phase", "mean_s"]
    )
    axes = drawn(phases, frame, 7.0)
    looks = [(bar.get_facecolor(), bar.get_hatch()) for bar in axes.patches[:9]]
    assert len(set(looks)) == 9
    assert all(one[1] != other[1] for one, other in itertools.pairwise(looks))


@pytest.mark.parametrize(
    ("draw", "columns"),
    [
        (time_to_target, "time_s"),
        (bytes_by_kind, "kind"),
        (utilisation, "device_class"),
        (energy, "device_class"),
        (stragglers, "round"),
        (phases, "phase"),
    ],
)
def test_a_frame_without_a_column_is_refused_with_its_name(draw, columns):
    with pytest.raises(ValueError, match=f"frame: has no column '{columns}'"):
        draw(pd.DataFrame({"series": [], "seed": []}), Figure().add_subplot())
