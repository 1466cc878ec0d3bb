"""The figures: what they draw of synthetic runs, that they skip what is missing, that no labels collide."""

import logging
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from figure_checks import assert_nothing_collides
from matplotlib.colors import to_hex
from PIL import Image

from analysis import plot_axes, plot_labels, plot_style
from analysis.plot_cuts import HEAD, SERVER, TAIL, holders
from analysis.plot_samples import arrange, read_sample_grid, sample_figure
from analysis.plots import FIGURES, MissingDataError, draw, sample_grid_png, save_sample_grid

PHASES = {
    "generator_forward": 0.9,
    "discriminator_fake": 2.1,
    "discriminator_real": 2.0,
    "discriminator_for_generator": 1.1,
    "generator_backward": 1.4,
}
DOMAINS = ("mnist5k", "glyphs", "FashionMNIST", "NotMNIST")


@dataclass(frozen=True)
class SyntheticRun:
    """The tables of a run, laid out as in a run folder."""

    scenario: dict
    path: Path
    metrics: pd.DataFrame
    iterations: pd.DataFrame
    devices: pd.DataFrame
    transfers: pd.DataFrame
    cuts: pd.DataFrame
    samples: dict = field(default_factory=dict)


def make_run(
    clients=8, domains=2, rounds=10, iterations=12, speed=1.0, seed=0, name="two-domain", profiles=None
):
    """A run whose numbers look real; `speed` divides all times."""
    rng = np.random.default_rng(seed)
    names = profiles or [f"paper-{i % 7 + 1}" for i in range(clients)]
    iteration_s = sum(PHASES.values()) / speed
    round_s = iterations * iteration_s + 3.0 / speed
    return SyntheticRun(
        scenario={"name": name, "seed": seed, "strategy": {"name": "huscf_gan"}},
        path=Path(f"runs/{name}-{seed:08x}"),
        metrics=_metrics(rng, domains, rounds, round_s),
        iterations=_iterations(rng, rounds, iterations, round_s, speed),
        devices=_devices(rng, names, rounds, round_s),
        transfers=pd.DataFrame({"round": [0], "source": ["client-0"], "target": ["server"], "kind": ["activation"],
                                "bytes": [5e6], "start_s": [0.0], "end_s": [0.1]}),
        cuts=_cuts(rng, names, domains),
    )  # fmt: skip


def _metrics(rng, domains, rounds, round_s):
    rows = []
    for place, domain in enumerate(DOMAINS[:domains]):
        start, end = 160.0 + 60 * place, 6.0 * (place + 1)
        rows.append((-1, 0.0, 0.0, domain, "fid_floor", 0.8 + 0.5 * place))
        for round_ in range(-1, rounds):
            fid = end + (start - end) * np.exp(-(round_ + 1) / 3.0) * rng.uniform(0.85, 1.15)
            rows.append((round_, (round_ + 1) * round_s, 1e9 * (round_ + 1), domain, "fid", fid))
    return pd.DataFrame(rows, columns=["round", "sim_time_s", "bytes", "domain", "metric", "value"])


def _iterations(rng, rounds, per_round, round_s, speed):
    rows = []
    for number in range(rounds * per_round):
        start_s = number // per_round * round_s + number % per_round * sum(PHASES.values()) / speed
        row = {"round": number // per_round, "iteration": number % per_round, "start_s": start_s,
               "end_s": start_s + sum(PHASES.values()) / speed,
               "iteration_latency_s": sum(PHASES.values()) / speed}  # fmt: skip
        row |= {f"{phase}_s": seconds / speed for phase, seconds in PHASES.items()}
        row["aggregation_s"] = 3.0 / speed if number % per_round == per_round - 1 else np.nan
        row["discriminator_loss"] = 1.2 + 0.2 * np.exp(-number / 50) + rng.normal(0, 0.06)
        row["generator_loss"] = 0.9 + 0.3 * (1 - np.exp(-number / 80)) + rng.normal(0, 0.1)
        rows.append(row)
    return pd.DataFrame(rows)


def _devices(rng, names, rounds, round_s):
    shares = np.linspace(0.9, 0.15, len(set(names)))
    slowness = dict(zip(sorted(set(names)), shares, strict=True))
    rows = []
    for round_ in range(rounds):
        rows.append(
            (round_, "server", "paper-server", 0.45 * round_s, 0.2 * round_s, 0.35 * round_s, 0.0, round_s)
        )
        for client, name in enumerate(names):
            busy = slowness[name] * rng.uniform(0.9, 1.0) * round_s
            parts = (0.7 * busy, 0.3 * busy, round_s - busy, 0.0)
            rows.append((round_, f"client-{client}", name, *parts, round_s))
    columns = ["round", "device", "profile", "compute_s", "transfer_s", "wait_s", "off_s", "elapsed_s"]
    return pd.DataFrame(rows, columns=columns)


def _cuts(rng, names, domains):
    rows = [
        (f"client-{i}", name, DOMAINS[i * domains // len(names)], *rng.choice([1, 2], 4, p=[0.6, 0.4]), 5, 5)
        for i, name in enumerate(names)
    ]
    columns = ["client", "profile", "domain", "g_head", "g_tail", "d_head", "d_tail", "g_blocks", "d_blocks"]
    return pd.DataFrame(rows, columns=columns)


def fake_images(sharpness=1.0, per_class=4, classes=10, seed=0):
    """Blurry rings and bars, one shape a class."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:28j, -1:1:28j]
    labels = np.tile(np.arange(classes), per_class)
    shapes = [np.abs(np.hypot(x, y) - 0.15 - 0.05 * label) < 0.12 for label in labels]
    noise = rng.normal(0, 1, (len(labels), 28, 28))
    images = sharpness * (2.0 * np.array(shapes) - 1) + (1 - sharpness) * noise
    return np.clip(images, -1, 1).astype(np.float32)[:, None], labels.astype(np.int64)


def with_samples(run, folder, rounds, domains=DOMAINS[:2]):
    """The run with sample grids written to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for domain in domains:
        for place, round_ in enumerate(rounds):
            path = folder / f"round-{round_:04d}-{domain}.png"
            save_sample_grid(*fake_images((place + 1) / (len(rounds) + 1)), path)
            paths[round_, domain] = path
    return replace(run, samples=paths)


def axes_texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


CASES = {
    "8 clients, 2 domains": lambda: [make_run()],
    "80 clients, 4 domains, 50 rounds": lambda: [make_run(clients=80, domains=4, rounds=50)],
    "one round": lambda: [make_run(rounds=1, domains=1)],
    "milliseconds": lambda: [make_run(speed=1e4, rounds=2)],
    "one client": lambda: [make_run(clients=1, domains=1, rounds=1, iterations=1)],
    "long names": lambda: [
        make_run(clients=60, profiles=["raspberry-pi-3b-plus"] * 58 + ["esp32-s3", "laptop"])
    ],
}


@pytest.mark.parametrize("kind", sorted(set(FIGURES) - {"samples"}))
@pytest.mark.parametrize("case", CASES)
def test_no_text_lies_on_another_or_leaves_the_page(kind, case):
    assert_nothing_collides(FIGURES[kind](CASES[case]()))


@pytest.mark.parametrize("kind", ["latency_fid", "phases"])
@pytest.mark.parametrize("domains", [1, 2, 4])
def test_no_text_collides_with_several_runs(kind, domains):
    runs = [
        make_run(domains=domains, seed=seed, speed=1 + seed, name="paper/s1_single_iid") for seed in range(5)
    ]
    assert_nothing_collides(FIGURES[kind](runs))


@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_figures_fit_a_column_or_a_page_and_name_their_units(kind, tmp_path):
    run = with_samples(make_run(), tmp_path, [-1, 0, 9])
    figure = FIGURES[kind]([run])
    assert figure.get_figwidth() in (plot_style.COLUMN_IN, plot_style.PAGE_IN)
    for axes in figure.axes:
        label = axes.get_xlabel()
        assert re.search(r"([Tt]ime|duration).*\((ms|s|min|h|d)\)$", label) or label in ("Block", "Class"), (
            label
        )


def test_style_and_drawing_leave_matplotlib_alone():
    before = dict(mpl.rcParams)
    FIGURES["devices"]([make_run()])
    assert dict(mpl.rcParams) == before


def curves(axes):
    """x and y of the curves with more than one point; floors, which are thinner, are left out."""
    return [
        line.get_xydata() for line in axes.lines if len(line.get_xdata()) > 1 and line.get_linewidth() > 1.0
    ]


def test_fid_curve_holds_the_table_with_round_minus_one_first():
    run = make_run(rounds=10)
    (axes,) = FIGURES["latency_fid"]([run]).axes
    rows = run.metrics[(run.metrics.metric == "fid") & (run.metrics.domain == "mnist5k")]
    assert axes.get_yscale() == "log"
    assert axes.get_xlabel() == "Simulated time (min)"
    np.testing.assert_allclose(curves(axes)[0], np.stack([rows.sim_time_s / 60, rows.value], axis=1))
    assert curves(axes)[0][0, 0] == 0.0


def test_fid_axis_says_whose_features():
    (axes,) = FIGURES["latency_fid"]([make_run()]).axes
    assert "not Inception" in axes.get_ylabel()


def test_each_domain_has_its_floor_and_its_last_value_is_written():
    run = make_run(domains=2)
    (axes,) = FIGURES["latency_fid"]([run]).axes
    floors = {float(line.get_ydata()[0]) for line in axes.lines if line.get_linestyle() == "--"}
    assert floors == {0.8, 1.3}
    last = run.metrics[(run.metrics.metric == "fid") & (run.metrics.domain == "glyphs")].value.iloc[-1]
    assert f"glyphs {last:.1f}" in axes_texts(axes.figure)


def test_several_runs_make_a_panel_for_each_domain_and_a_curve_for_each_run():
    runs = [make_run(domains=4, seed=seed) for seed in range(3)]
    figure = FIGURES["latency_fid"](runs)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(DOMAINS)
    assert [len(curves(axes)) for axes in figure.axes] == [3, 3, 3, 3]
    assert [text.get_text() for text in figure.legends[0].get_texts()][:3] == [
        "two-domain, seed 0",
        "two-domain, seed 1",
        "two-domain, seed 2",
    ]


def test_a_run_without_a_domain_of_another_run_still_shares_the_figure():
    figure = FIGURES["latency_fid"]([make_run(domains=1), make_run(domains=2, seed=1)])
    assert [len(curves(axes)) for axes in figure.axes] == [2, 1]


def test_values_a_log_axis_cannot_show_are_left_out():
    run = make_run(rounds=3, domains=1)
    values = run.metrics.value.where(run.metrics["round"] != 1, np.nan).where(run.metrics["round"] != 2, 0.0)
    (axes,) = FIGURES["latency_fid"]([replace(run, metrics=run.metrics.assign(value=values))]).axes
    assert len(curves(axes)[0]) == 2


def test_labels_tell_runs_apart_by_the_first_thing_that_does():
    base = make_run(rounds=1, iterations=1)
    other_name = replace(base, scenario={**base.scenario, "name": "slow"})
    other_strategy = replace(base, scenario={**base.scenario, "strategy": {"name": "md_gan"}})
    other_seed = replace(base, scenario={**base.scenario, "seed": 7})
    other_folder = replace(base, path=Path("runs/again"))
    assert plot_style.run_labels([base]) == ["two-domain"]
    assert plot_style.run_labels([base, other_name]) == ["two-domain", "slow"]
    assert plot_style.run_labels([base, other_strategy]) == ["huscf_gan", "md_gan"]
    assert plot_style.run_labels([base, other_seed]) == ["two-domain, seed 0", "two-domain, seed 7"]
    assert plot_style.run_labels([base, other_folder]) == ["two-domain-00000000", "again"]


def test_waterfall_bars_follow_each_other():
    (axes,) = FIGURES["phases"]([make_run(rounds=2, iterations=12)]).axes
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    durations = [*PHASES.values(), 3.0 / 12]
    np.testing.assert_allclose([width for _, width in bars], durations)
    np.testing.assert_allclose([x for x, _ in bars], np.cumsum([0.0, *durations[:-1]]))


def test_stacked_phases_are_as_long_as_the_mean_iteration():
    (axes,) = FIGURES["phases"]([make_run(), make_run(speed=2.0, seed=1)]).axes
    ends = {0: 0.0, 1: 0.0}
    for bar in axes.patches:
        row = round(bar.get_y() + bar.get_height() / 2)
        ends[row] = max(ends[row], bar.get_x() + bar.get_width())
    assert ends == pytest.approx({0: 7.75, 1: 3.875})


def test_device_rows_are_the_server_then_the_busiest_and_add_up():
    run = make_run(clients=8)
    (axes,) = FIGURES["devices"]([run]).axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names[0] == "server"
    assert {names[1], names[2]} == {"client-0 (paper-1)", "client-7 (paper-1)"}
    assert names[-1] == "client-6 (paper-7)"
    total_min = run.devices[run.devices.device == "server"].elapsed_s.sum() / 60
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert max(ends) == pytest.approx(total_min)
    assert "65 %" in axes_texts(axes.figure)  # the server: 0.45 + 0.2 of each round


def test_time_away_is_drawn_where_somebody_was_away():
    run = make_run(clients=4)
    (legend,) = FIGURES["devices"]([run]).legends
    assert [text.get_text() for text in legend.get_texts()] == ["computing", "transferring", "waiting"]
    left = run.devices.assign(off_s=run.devices.wait_s / 4, wait_s=run.devices.wait_s * 3 / 4)
    figure = FIGURES["devices"]([replace(run, devices=left)])
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "away"
    total_min = run.devices[run.devices.device == "server"].elapsed_s.sum() / 60
    assert max(bar.get_x() + bar.get_width() for bar in figure.axes[0].patches) == pytest.approx(total_min)


def test_many_devices_are_named_by_profile():
    (axes,) = FIGURES["devices"]([make_run(clients=80, domains=4, rounds=2)]).axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["server", *(f"paper-{k} ({12 if k <= 3 else 11})" for k in range(1, 8))]


@pytest.mark.parametrize("clients", [4, 80])
def test_edge_servers_are_drawn_between_the_server_and_the_clients_and_never_among_these(clients):
    run = make_run(clients=clients, rounds=2)
    edges = [(round_, f"edge-{e}", "paper-1", 0, 1, 9, 0, 10) for round_ in range(2) for e in range(2)]
    devices = pd.concat([run.devices, pd.DataFrame(edges, columns=run.devices.columns)])
    (axes,) = FIGURES["devices"]([replace(run, devices=devices)]).axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    if clients == 4:
        assert names[:4] == ["server", "edge-0 (paper-1)", "edge-1 (paper-1)", "client-0 (paper-1)"]
    else:
        assert names[:3] == ["server", "edge, paper-1 (2)", "paper-1 (12)"]


def test_a_thousand_devices_still_make_one_small_figure():
    figure = FIGURES["devices"]([make_run(clients=1000, rounds=1)])
    assert figure.get_figheight() < 7.0
    assert len(figure.axes[0].patches) == 0  # areas, not a patch a device


def test_holders_by_hand():
    expected = [
        [HEAD, SERVER, SERVER, SERVER, TAIL],
        [HEAD, HEAD, SERVER, TAIL, TAIL],
        [HEAD, HEAD, SERVER, SERVER, TAIL],
    ]
    np.testing.assert_array_equal(holders([1, 2, 2], [1, 2, 1], 5), expected)


def test_holders_refuse_a_cut_without_a_server():
    with pytest.raises(ValueError, match="head 3 and tail 2 leave no block of 5"):
        holders([1, 3], [1, 2], 5)


def test_cut_map_has_a_row_a_client_grouped_by_domain_and_profile():
    columns = ["client", "profile", "domain", "g_head", "g_tail", "d_head", "d_tail", "g_blocks", "d_blocks"]
    rows = [
        ("client-0", "paper-10", "b", 1, 1, 1, 1, 5, 7),
        ("client-1", "paper-2", "b", 2, 1, 1, 1, 5, 7),
        ("client-2", "paper-2", "a", 1, 2, 1, 5, 5, 7),
        ("client-3", "paper-2", "b", 1, 1, 3, 2, 5, 7),
    ]
    figure = FIGURES["cuts"]([replace(make_run(rounds=1), cuts=pd.DataFrame(rows, columns=columns))])
    generator, discriminator = (axes.collections[0].get_array() for axes in figure.axes)
    # In order of domains b, a; in b paper-2 (clients 3, 1 by their cuts) before paper-10 (client 0).
    np.testing.assert_array_equal(
        generator,
        [
            [HEAD, SERVER, SERVER, SERVER, TAIL],
            [HEAD, HEAD, SERVER, SERVER, TAIL],
            [HEAD, SERVER, SERVER, SERVER, TAIL],
            [HEAD, SERVER, SERVER, TAIL, TAIL],
        ],
    )
    assert discriminator.shape == (4, 7)
    assert list(discriminator[0]) == [HEAD] * 3 + [SERVER] * 2 + [TAIL] * 2
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["paper-2 (2)", "paper-10 (1)", "paper-2 (1)"]
    assert [text for text in axes_texts(figure) if text] == ["b", "a"]


def test_too_many_profiles_to_name_are_gathered_by_domain():
    run = make_run(clients=100, domains=2, rounds=1, profiles=[f"device-{i}" for i in range(100)])
    figure = FIGURES["cuts"]([run])
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["various profiles (50)"] * 2
    assert_nothing_collides(figure)


def test_loss_curve_is_the_table_or_its_groups_mean():
    run = make_run(rounds=2, iterations=50)
    (axes,) = FIGURES["losses"]([run]).axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), run.iterations.generator_loss)
    run = make_run(rounds=10, iterations=100)
    (axes,) = FIGURES["losses"]([run]).axes
    expected = run.iterations.discriminator_loss.to_numpy().reshape(200, 5).mean(axis=1)
    np.testing.assert_allclose(axes.lines[1].get_ydata(), expected)


def test_arrange_sorts_by_class_scales_and_fills_with_white():
    images = np.array([-1.0, 1.0, 0.0, 3.0], dtype=np.float32).reshape(4, 1, 1, 1) * np.ones(
        (1, 1, 2, 3), np.float32
    )
    grid = arrange(images, np.array([1, 0, 1, 1]), rows=2)
    assert grid.shape == (2, 2, 2, 3, 1)
    # 0 is half of 255, rounded to the even 128; the third image of class 1 is beyond two rows.
    assert grid[:, :, 0, 0, 0].tolist() == [[255, 0], [255, 128]]


@pytest.mark.parametrize("channels", [1, 3])
def test_sample_grid_file_reads_back_as_arranged(tmp_path, channels):
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (23, channels, 28, 28)).astype(np.float32)
    labels = rng.integers(0, 5, 23)
    save_sample_grid(images, labels, tmp_path / "grid.png")
    np.testing.assert_array_equal(read_sample_grid(tmp_path / "grid.png"), arrange(images, labels))
    assert (tmp_path / "grid.png").read_bytes() == sample_grid_png(images, labels)
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 28, 28)), np.zeros(2, int), r"images: got shape \(2, 28, 28\)"),
        (np.zeros((0, 1, 28, 28)), np.zeros(0, int), "n >= 1"),
        (np.zeros((2, 1, 28, 28)), np.zeros(3, int), r"labels: got shape \(3,\)"),
        (np.full((1, 1, 28, 28), np.nan), np.zeros(1, int), "not finite"),
    ],
)
def test_sample_grid_refuses(images, labels, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        save_sample_grid(images, labels, tmp_path / "grid.png")
    assert not list(tmp_path.iterdir())


def test_a_picture_that_is_no_sample_grid_is_named(tmp_path):
    Image.new("L", (30, 30)).save(tmp_path / "other.png")
    with pytest.raises(ValueError, match=r"other\.png: not a sample grid"):
        read_sample_grid(tmp_path / "other.png")


def test_samples_show_eight_rounds_with_first_and_last_and_their_times(tmp_path):
    run = with_samples(make_run(rounds=50), tmp_path, range(-1, 50))
    figure = FIGURES["samples"]([run])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["mnist5k", "glyphs"]
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert len(names) == 8
    assert names[0] == "untrained"
    assert names[-1] == "round 49\n77.5 min"  # 50 rounds of 12 * 7.5 s + 3 s
    assert_nothing_collides(figure)


def test_the_samples_of_one_round_show_all_its_rows():
    figure = sample_figure({"mnist5k": {0: arrange(*fake_images(per_class=4))}})
    assert figure.axes[0].images[0].get_array().shape == (4 * 30 - 2, 10 * 30 - 2)
    assert_nothing_collides(figure)


def test_draw_writes_png_and_pdf_at_print_resolution(tmp_path):
    paths = draw("latency_fid", [make_run()], tmp_path / "figures")
    assert [path.name for path in paths] == ["latency_fid.png", "latency_fid.pdf"]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "latency_fid.pdf",
        "latency_fid.png",
    ]
    with Image.open(paths[0]) as image:
        assert image.width == plot_style.COLUMN_IN * plot_style.DOTS_PER_INCH
    assert paths[1].read_bytes().startswith(b"%PDF")


def test_draw_twice_gives_the_same_files(tmp_path):
    first = draw("phases", [make_run()], tmp_path / "a")
    second = draw("phases", [make_run()], tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_draw_numbers_the_figures_of_several_runs(tmp_path):
    runs = [make_run(rounds=1), make_run(rounds=1, seed=1)]
    assert [p.name for p in draw("cuts", runs, tmp_path)] == [
        "cuts-1.png",
        "cuts-1.pdf",
        "cuts-2.png",
        "cuts-2.pdf",
    ]
    assert [p.name for p in draw("phases", runs, tmp_path)] == ["phases.png", "phases.pdf"]


def without(run, kind):
    empty = {name: getattr(run, name).iloc[:0] for name in ("metrics", "iterations", "devices", "cuts")}
    return {
        "latency_fid": replace(run, metrics=empty["metrics"]),
        "phases": replace(run, iterations=empty["iterations"]),
        "devices": replace(run, devices=empty["devices"]),
        "cuts": replace(run, cuts=empty["cuts"]),
        "samples": run,
        "losses": replace(run, iterations=run.iterations.assign(generator_loss=np.nan)),
    }[kind]


@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_a_figure_whose_data_are_missing_is_skipped_and_logged(kind, tmp_path, caplog):
    run = without(make_run(rounds=1), kind)
    with pytest.raises(MissingDataError):
        FIGURES[kind]([run])
    with caplog.at_level(logging.WARNING):
        assert draw(kind, [run], tmp_path) == []
    assert f"figure {kind} of two-domain skipped" in caplog.text
    assert not list(tmp_path.iterdir())


def test_draw_refuses_an_unknown_kind_with_the_nearest(tmp_path):
    with pytest.raises(ValueError, match=r"got 'device'; allowed are .*; did you mean 'devices'\?"):
        draw("device", [make_run(rounds=1)], tmp_path)
    with pytest.raises(ValueError, match="runs: got none"):
        draw("devices", [], tmp_path)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.5, 2000.0, [1, 10, 100, 1000]),
        (0.7, 120.0, [1, 3, 10, 30, 100]),
        (4.0, 110.0, [5, 10, 20, 50, 100]),
        (62.0, 68.0, [62, 64, 66, 68]),
    ],
)
def test_log_ticks_are_round_numbers_within_the_range(low, high, expected):
    assert plot_axes.log_ticks(low, high) == pytest.approx(expected)


def test_spread_keeps_order_gap_and_range():
    wanted = [0.5, 0.5, 0.52, 0.9, 0.0]
    places = plot_labels.spread(wanted, 0.1, 0.0, 1.0)
    ordered = sorted(places)
    assert min(np.diff(ordered)) >= 0.1 - 1e-12
    assert ordered[0] >= 0.0
    assert ordered[-1] <= 1.0
    assert places[3] == 0.9  # free labels stay where they belong
    # The three that crowd stand about their mean.
    assert sorted(places)[1:4] == pytest.approx(
        [0.52 / 3 + 1 / 3 - 0.1, 0.52 / 3 + 1 / 3, 0.52 / 3 + 1 / 3 + 0.1]
    )


def test_spread_shrinks_the_gap_when_there_is_no_room():
    assert plot_labels.spread([0.2] * 5, 0.5, 0.0, 1.0) == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])


def test_colours_differ_in_lightness_or_hue_and_repeat_with_other_dashes():
    looks = [plot_style.look(index) for index in range(14)]
    assert len({(to_hex(one.colour), str(one.dashes)) for one in looks}) == 14
    assert len({to_hex(one.colour) for one in looks[:7]}) == 7
    overlapping = [plot_style.overlapping_look(index) for index in range(14)]
    assert len({(to_hex(one.colour), str(one.dashes)) for one in overlapping}) == 14
