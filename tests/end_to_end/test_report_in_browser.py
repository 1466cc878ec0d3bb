"""The report in a real headless Chromium: what a reader sees, points at, presses and types."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from chromium import NoChromiumError, browser
from made_up_folders import DOMAINS, SCENARIO, write_comparison, write_run_folder, write_sweep
from playwright.sync_api import Browser, Page

from analysis.report import palette, write_report
from analysis.trace import gantt_frame

pytestmark = pytest.mark.slow

KINDS = ("run", "runs", "comparison", "sweep")
SELECTORS, WIDTHS, SEEDS, FAILED = ("exact", "greedy", "fixed"), (8, 16), (0, 1), 4
HOSTILE = "</script><img src=x onerror=alert(1)> \" ' & <b>"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; without one they are skipped, and the reason is printed."""
    try:
        with browser() as started:
            yield started
    except NoChromiumError as error:
        pytest.skip(f"no headless Chromium: {error}")


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report of each kind."""
    home = tmp_path_factory.mktemp("reports")
    folders = {
        "run": [write_run_folder(home / "run")],
        "runs": [
            write_run_folder(home / f"width-{width}", width=width, iteration_s=width / 8) for width in (8, 16)
        ],
        "comparison": [write_comparison(home / "comparison")],
        "sweep": [write_sweep(home / "sweep", SELECTORS, WIDTHS, SEEDS, failed=(FAILED,))],
    }
    return {kind: write_report(own, home / f"{kind}.html") for kind, own in folders.items()}


@dataclass
class Watched:
    """A page and all that went wrong on it, or was asked of a network."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def rows(self) -> list[int]:
        """Numbers of the runs that the table shows, in its order."""
        return self.page.eval_on_selector_all(
            "#table tbody tr:not([hidden])", "rows => rows.map(row => Number(row.dataset.run))"
        )

    def chips(self) -> list[str]:
        return [
            text.removesuffix(" ✕")
            for text in self.page.locator("#chips button:not(.quiet)").all_inner_texts()
        ]

    def points(self, chart: str = "ends") -> list[int]:
        """Numbers of the runs that a chart shows marks of."""
        self.drawn(chart)
        found = self.page.evaluate(
            "id => document.getElementById(id).data.filter(t => t.mode.includes('markers')).flatMap(t => t.customdata)",
            chart,
        )
        return sorted(set(found))

    def at(self, chart: str, run: int) -> tuple[float, float]:
        """Where on the screen a chart has the mark of a run."""
        self.page.locator(f"#{chart}").scroll_into_view_if_needed()
        self.drawn(chart)
        x, y = self.page.evaluate(
            """([id, run]) => {
                const place = document.getElementById(id), box = place.getBoundingClientRect();
                const { xaxis, yaxis } = place._fullLayout;
                const trace = place.data.find((one) => (one.customdata || []).includes(run));
                const at = trace.customdata.lastIndexOf(run);
                const log = (axis, value) => (axis.type === "log" ? Math.log10(value) : value);
                return [box.left + xaxis._offset + xaxis.l2p(log(xaxis, trace.x[at])),
                        box.top + yaxis._offset + yaxis.l2p(log(yaxis, trace.y[at]))];
            }""",
            [chart, run],
        )
        return x, y

    def hover(self, chart: str, run: int) -> str:
        """The text that appears where the mark of a run is pointed at."""
        x, y = self.at(chart, run)
        self.page.mouse.move(x - 3, y - 3)
        self.page.mouse.move(x, y)
        self.page.wait_for_selector(f"#{chart} .hovertext")
        return "\n".join(self.page.locator(f"#{chart} .hovertext tspan").all_text_contents())

    def click(self, chart: str, run: int) -> None:
        self.page.mouse.click(*self.at(chart, run))

    def drawn(self, *charts: str) -> None:
        for chart in charts:
            self.page.locator(f"#{chart}").scroll_into_view_if_needed()
            self.page.wait_for_selector(f"#{chart}[data-drawn=true]")

    def coloured_by(self, what: str) -> None:
        self.page.get_by_label("Colour by").first.select_option(label=what)

    def title(self, chart: str, axis: str) -> str:
        return str(
            self.page.evaluate(
                "([id, axis]) => document.getElementById(id).layout[axis].title.text", [chart, axis]
            )
        )


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Callable[..., Watched]]:
    """Open a file and watch it; at the end nothing may have gone wrong."""
    contexts, pages = [], []

    def open_it(file: Path, width: int = 1280, **options: object) -> Watched:
        contexts.append(chromium.new_context(viewport={"width": width, "height": 900}, **options))
        watched = Watched(contexts[-1].new_page())
        page, address = watched.page, file.as_uri()
        page.on("console", lambda said: watched.problems.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: watched.problems.append(f"error: {error}"))
        page.on("dialog", lambda shown: (watched.problems.append("a dialog"), shown.dismiss()))
        page.on("request", lambda asked: None if asked.url == address or asked.url.startswith("data:")
                else watched.problems.append(f"asked for {asked.url}"))  # fmt: skip
        page.goto(address)
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready=true]")
        pages.append(watched)
        return watched

    yield open_it
    problems = [problem for watched in pages for problem in watched.problems]
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_renders_all_its_charts_in_silence_and_asks_nothing_of_any_network(
    kind: str, reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports[kind])
    charts = watched.page.eval_on_selector_all(".chart", "all => all.map(one => one.id)")
    expected = {"curves", "phases", "devices"} | ({"ends"} if kind != "run" else set())
    assert set(charts) == expected | ({"heat"} if kind == "sweep" else set())
    watched.drawn(*charts)
    for chart in charts:
        assert watched.page.locator(f"#{chart} svg.main-svg").count() > 0
    assert watched.page.locator("h1").inner_text() == ("made-up-sweep" if kind == "sweep" else "made-up")


def test_pointing_at_a_run_shows_it_and_its_settings(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"])
    text = watched.hover("ends", 3)
    # Jobs are numbered selector by selector, width by width, seed by seed.
    for told in (
        "0003a1b2c3d4",
        "cuts.selector: exact",
        "model.width: 16",
        "seed: 1",
        "strategy: huscf_gan",
        "FID",
        "Simulated time",
    ):
        assert told in text
    # Of several seeds the mean is shown, and which they are.
    text = watched.hover("curves", 10)
    for told in ("cuts.selector: fixed", "model.width: 16", "2 seeds: 0, 1", "after round 2"):
        assert told in text
    watched.page.get_by_label("Seeds").select_option(label="every run")
    text = watched.hover("curves", 11)
    for told in ("000ba1b2c3d4", "cuts.selector: fixed", "model.width: 16", "seed: 1", "after round 2"):
        assert told in text


def test_a_press_on_a_point_filters_charts_and_table_and_its_chip_takes_it_back(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"])
    assert watched.rows() == list(range(12))
    assert watched.points() == [run for run in range(12) if run != FAILED]
    watched.click("ends", 7)
    assert watched.chips() == ["run: 0007a1b2c3d4"]
    assert watched.rows() == watched.points() == watched.points("curves") == [7]
    assert watched.page.locator("#shown").inner_text() == "1 of 12 runs"
    watched.page.locator("#chips button").first.click()
    assert watched.chips() == []
    assert watched.rows() == list(range(12))
    assert len(watched.points()) == 11


def test_legend_and_chips_work_from_the_keyboard(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"])
    watched.coloured_by("cuts.selector")
    watched.page.locator("#legend button", has_text="greedy").focus()
    watched.page.keyboard.press("Enter")
    assert watched.chips() == ["cuts.selector: greedy"]
    assert watched.rows() == [4, 5, 6, 7]
    watched.page.keyboard.press("ArrowDown")
    assert watched.page.evaluate("document.activeElement.textContent").endswith("greedy")
    watched.page.locator("#chips button").first.focus()
    watched.page.keyboard.press("Enter")
    assert watched.rows() == list(range(12))


def test_filters_of_one_setting_add_up_and_those_of_two_narrow_down(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"])
    watched.coloured_by("cuts.selector")
    watched.page.locator("#table td button", has_text="exact").first.click()
    watched.page.locator("#legend button", has_text="fixed").click()
    assert watched.rows() == [0, 1, 2, 3, 8, 9, 10, 11]
    watched.page.get_by_label("model.width").first.select_option(label="16")
    assert watched.rows() == [2, 3, 10, 11]
    assert watched.chips() == ["cuts.selector: exact", "cuts.selector: fixed", "model.width: 16"]
    watched.page.get_by_role("button", name="Clear all").click()
    assert watched.rows() == list(range(12))
    watched.page.locator("#table tbody th button").nth(5).click()
    assert watched.rows() == [5]


def test_a_press_on_a_curve_of_several_seeds_filters_by_its_settings(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"])
    watched.click("curves", 2)
    assert watched.chips() == ["cuts.selector: exact", "model.width: 16"]
    assert watched.rows() == [2, 3]


def test_the_table_sorts_by_any_heading_with_gaps_last(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"])
    heading = watched.page.get_by_role("button", name="FID", exact=True)
    column = int(heading.get_attribute("data-sort") or -1)
    for direction in ("ascending", "descending"):
        heading.click()
        assert (
            watched.page.locator(f"#table thead th >> nth={column}").get_attribute("aria-sort") == direction
        )
        cells = watched.page.locator(f"#table tbody tr > :nth-child({column + 1})").all_inner_texts()
        assert cells[-1] == "-"
        values = [float(cell) for cell in cells[:-1]]
        assert values == sorted(values, reverse=direction == "descending")
        assert len(set(values)) > 1


def test_controls_change_metric_domain_axis_and_scale(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["comparison"])
    page = watched.page
    curves = page.locator("#curve-controls")
    assert watched.title("curves", "xaxis") == "Simulated time (s)"
    assert watched.title("curves", "yaxis") == "FID (lower is better)"
    curves.get_by_label("Metric").select_option(label="Generation score")
    assert watched.title("curves", "yaxis") == "Generation score (higher is better)"
    curves.get_by_label("Against").select_option(label="Sent over the network")
    assert watched.title("curves", "xaxis") == "Sent over the network (MB)"
    kind = "document.getElementById('curves').layout.xaxis.type"
    assert page.evaluate(kind) == "linear"
    curves.get_by_label("log x").check()
    assert page.evaluate(kind) == "log"
    watched.drawn("ends")
    before = page.evaluate("document.getElementById('ends').data.flatMap(t => t.y)")
    page.locator("#end-controls").get_by_label("Domain").select_option(label="glyphs")
    assert page.evaluate("document.getElementById('ends').data.flatMap(t => t.y)") != before
    page.locator("#end-controls").get_by_label("Across").select_option(label="Bytes sent")
    assert watched.title("ends", "xaxis") == "Bytes sent (MB)"


UNIT = re.compile(r"\((ms|s|min|h|d|[kMGT]?B|m?J|[kMG]J|number|lower is better|higher is better)\)$")


@pytest.mark.parametrize("kind", KINDS)
def test_every_axis_says_its_unit_or_direction(
    kind: str, reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports[kind])
    watched.drawn("curves")
    titles = [watched.title("curves", "yaxis")]
    against = watched.page.locator("#curve-controls").get_by_label("Against")
    for choice in against.locator("option").all_inner_texts():
        against.select_option(label=choice)
        titles.append(watched.title("curves", "xaxis"))
        assert titles[-1].startswith(choice)
    watched.drawn("phases", "devices")
    titles += [watched.title(chart, "xaxis") for chart in ("phases", "devices")]
    if kind != "run":
        watched.drawn("ends")
        for label, axis in (("Up", "yaxis"), ("Across", "xaxis")):
            picker = watched.page.locator("#end-controls").get_by_label(label)
            for choice in picker.locator("option").all_inner_texts():
                picker.select_option(label=choice)
                titles.append(watched.title("ends", axis))
                assert titles[-1].startswith(choice)
    if kind == "sweep":
        watched.drawn("heat")
        shown = watched.page.locator("#heat-controls").get_by_label("Shown")
        for choice in shown.locator("option").all_inner_texts():
            shown.select_option(label=choice)
            titles.append(
                watched.page.evaluate("document.getElementById('heat').data[0].colorbar.title.text")
            )
    assert [title for title in titles if not UNIT.search(title)] == []


def test_a_cell_of_the_map_filters_by_both_settings_and_axes_change_places(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"])
    page = watched.page
    watched.drawn("heat")
    values = page.evaluate("document.getElementById('heat').data[0].z")
    assert [len(values), len(values[0])] == [len(WIDTHS), len(SELECTORS)]
    page.locator("#heat-controls").get_by_label("Across").select_option(label="model.width")
    assert page.evaluate("document.getElementById('heat').data[0].z") == [
        list(row) for row in zip(*values, strict=True)
    ]
    x, y = page.evaluate(
        """() => { const place = document.getElementById("heat"), box = place.getBoundingClientRect();
                   const { xaxis, yaxis } = place._fullLayout;
                   return [box.left + xaxis._offset + xaxis.l2p(1), box.top + yaxis._offset + yaxis.l2p(2)]; }"""
    )
    page.mouse.click(x, y)
    assert sorted(watched.chips()) == ["cuts.selector: fixed", "model.width: 16"]
    assert watched.rows() == [10, 11]


def test_the_slider_shows_the_pictures_of_another_round(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["run"])
    images = watched.page.locator("#pictures img")
    assert images.count() == len(DOMAINS)
    last = images.first.get_attribute("src")
    slider = watched.page.get_by_role("slider", name="Round")
    slider.focus()
    watched.page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "before training"
    assert "before training" in watched.page.locator("#pictures figcaption").first.inner_text()
    assert images.first.get_attribute("src") != last
    assert watched.page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")


def test_time_and_devices_follow_the_run_that_is_left(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"])
    watched.click("ends", 10)
    assert watched.page.locator("#which").input_value() == "10"
    watched.drawn("phases")
    assert watched.page.locator("#phases-about").inner_text().startswith("000aa1b2c3d4: ")


@pytest.mark.parametrize("kind", KINDS)
def test_a_narrow_screen_needs_no_scrolling_sideways(
    kind: str, reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports[kind], width=390)
    watched.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    watched.drawn(*watched.page.eval_on_selector_all(".chart", "all => all.map(one => one.id)"))
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("scheme", "theme", "other"),
    [("dark", palette.DARK, palette.LIGHT), ("light", palette.LIGHT, palette.DARK)],
)
def test_the_page_takes_the_readers_theme_and_the_button_the_other(
    scheme: str,
    theme: dict[str, str],
    other: dict[str, str],
    reports: dict[str, Path],
    opened: Callable[..., Watched],
) -> None:
    watched = opened(reports["comparison"], color_scheme=scheme)
    shown = "[getComputedStyle(document.body).backgroundColor, document.getElementById('curves').layout.font.color]"

    def expected(colours: dict[str, str]) -> list[str]:
        red, green, blue = (int(colours["paper"][at : at + 2], 16) for at in (1, 3, 5))
        return [f"rgb({red}, {green}, {blue})", colours["ink"]]

    assert watched.page.evaluate(shown) == expected(theme)
    watched.page.get_by_role("button", name="Switch between light and dark").click()
    assert watched.page.evaluate(shown) == expected(other)


def test_paper_is_light_and_has_every_chart(reports: dict[str, Path], opened: Callable[..., Watched]) -> None:
    watched = opened(reports["comparison"], color_scheme="dark")
    watched.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    charts = watched.page.eval_on_selector_all(".chart", "all => all.map(one => one.dataset.drawn)")
    assert charts == ["true"] * len(charts)
    assert (
        watched.page.evaluate("document.getElementById('curves').layout.font.color") == palette.LIGHT["ink"]
    )
    watched.page.emulate_media(media="print")
    assert not watched.page.locator("nav").is_visible()
    watched.page.emulate_media(media="screen")
    watched.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert watched.page.evaluate("document.getElementById('curves').layout.font.color") == palette.DARK["ink"]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_can_be_pressed_or_set_has_a_name(
    kind: str, reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports[kind])
    nameless = watched.page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, a[href], [role=img], [role=region]")]
            .filter((one) => !(one.getAttribute("aria-label")
                || [...(one.labels || [])].map((label) => label.textContent).join("") || one.textContent).trim())
            .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert nameless == []


def test_without_scripts_all_tables_are_there(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"], java_script_enabled=False)
    assert watched.page.locator("#table tbody tr").count() == 12
    assert watched.page.locator("noscript").is_visible()
    assert "RunError: diverged in round 1" in watched.page.locator("#table tr.failed").inner_text()


def test_the_scenario_can_be_saved_as_it_was(
    reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["run"])
    watched.page.get_by_text("scenario.yaml", exact=True).click()
    with watched.page.expect_download() as saved:
        watched.page.get_by_role("button", name="Save").click()
    expected = SCENARIO.format(
        name="made-up", seed=0, strategy="huscf_gan", selector="exact", width=16, rounds=3
    )
    assert saved.value.suggested_filename == "scenario.yaml"
    assert saved.value.path().read_text(encoding="utf-8") == expected


def test_names_that_look_like_markup_stay_text(tmp_path: Path, opened: Callable[..., Watched]) -> None:
    text = SCENARIO.format(
        name=json.dumps(HOSTILE), seed=0, strategy="huscf_gan", selector="exact", width=16, rounds=3
    )
    for number in range(2):
        own = text.replace("seed: 0", f"seed: {number}")
        write_run_folder(
            tmp_path / f"{number}", scenario=own, fids={"<i>a</i>&": [9.0, 5.0 - number, 3.0 + number]}
        )
    watched = opened(write_report([tmp_path / "0", tmp_path / "1"], tmp_path / "out.html"))
    assert watched.page.locator("h1").inner_text() == HOSTILE
    assert HOSTILE in watched.hover("ends", 1)
    watched.click("ends", 1)
    assert watched.chips() == [f"run: {HOSTILE}, seed 1"]
    assert watched.page.locator("img[src=x]").count() == 0


def test_a_sweep_of_time_alone_compares_numbers(tmp_path: Path, opened: Callable[..., Watched]) -> None:
    watched = opened(write_report([write_sweep(tmp_path / "s", measured=False)], tmp_path / "out.html"))
    charts = watched.page.eval_on_selector_all(".chart", "all => all.map(one => one.id)")
    assert charts == ["ends", "heat", "phases", "devices"]
    watched.drawn(*charts)
    assert [watched.title("ends", axis) for axis in ("xaxis", "yaxis")] == [
        "Simulated time (s)",
        "Clients' energy (J)",
    ]
    watched.coloured_by("cuts.selector")
    watched.drawn("ends")
    watched.page.locator("#end-legend button[title=fixed]").click()
    assert watched.rows() == watched.points() == [8, 9, 10, 11]


def test_a_sweep_all_of_whose_runs_failed_tells_why(tmp_path: Path, opened: Callable[..., Watched]) -> None:
    sweep = write_sweep(tmp_path / "s", ("exact",), (8,), (0, 1), failed=(0, 1))
    watched = opened(write_report([sweep], tmp_path / "out.html"))
    assert watched.page.locator(".chart").count() == 0
    assert (
        watched.page.locator("#table tr.failed .error").all_inner_texts()
        == ["RunError: diverged in round 1"] * 2
    )
    watched.page.get_by_label("seed").select_option(label="1")
    assert watched.rows() == [1]


def test_runs_of_different_domains_and_seeds_are_all_there(
    tmp_path: Path, opened: Callable[..., Watched]
) -> None:
    folders = [
        write_run_folder(
            tmp_path / domain,
            seed=seed,
            name=domain,
            fids={domain: [90.0, 40.0, 20.0 + seed]},
            pictures=False,
        )
        for seed, domain in enumerate(("a", "b"))
    ]
    watched = opened(write_report(folders, tmp_path / "out.html"))
    assert watched.points() == [0, 1]
    assert watched.page.locator("#legend button > span").all_inner_texts() == ["seed 0", "seed 1"]
    watched.page.get_by_label("Domain").first.select_option(label="b")
    assert watched.points("curves") == [1]
    watched.page.get_by_label("seed").first.select_option(label="0")
    assert watched.rows() == [0]


def test_an_iteration_of_a_run_that_was_played_is_drawn_leg_by_leg(
    tiny_run, tmp_path: Path, opened: Callable[..., Watched]
) -> None:
    watched = opened(write_report([tiny_run.folder], tmp_path / "out.html"))
    watched.drawn("timeline")
    frame = gantt_frame(tiny_run.folder)
    shown = watched.page.evaluate(
        """document.getElementById("timeline").data.flatMap((trace) => trace.y.map((device, at) =>
            [device, trace.name, trace.x[at], trace.marker.line.width[at] > 0]))"""
    )
    words = {"wait": "waits", "transfer": "transfers", "compute": "computes"}
    counted = Counter((device, words[kind], critical) for device, kind, critical in
                      zip(frame["device"], frame["kind"], frame["on_critical_path"], strict=True))  # fmt: skip
    assert Counter((device, what, critical) for device, what, _, critical in shown) == counted
    title = watched.title("timeline", "xaxis")
    assert UNIT.search(title)
    seconds = {"ms": 1e-3, "s": 1.0}[re.search(r"\((m?s)\)$", title)[1]]
    assert sum(length for *_, length, _ in shown) * seconds == pytest.approx(
        float((frame["end_s"] - frame["start_s"]).sum()), rel=1e-4
    )


LINES = """document.getElementById("curves").data.filter((one) => one.mode.includes("markers"))
    .map((one) => ({ x: one.x, y: one.y, text: one.text, colour: one.line.color }))"""


def test_a_mean_of_seeds_has_the_rounds_that_all_of_them_have_and_never_goes_back(
    tmp_path: Path, opened: Callable[..., Watched]
) -> None:
    # The first seed is slow and stops early: a mean of the other alone would lie before the mean of both.
    fids = {0: [90.0, 60.0, 50.0], 1: [80.0, 40.0, 30.0, 20.0, 10.0]}
    text = SCENARIO.format(name="a", seed=0, strategy="x", selector="exact", width=16, rounds=4)
    folders = [
        write_run_folder(
            tmp_path / f"{seed}",
            scenario=text.replace("seed: 0", f"seed: {seed}"),
            fids={"a": own},
            iteration_s=8.0 / (1 + 7 * seed),
        )
        for seed, own in fids.items()
    ]
    watched = opened(write_report(folders, tmp_path / "out.html"))
    watched.page.get_by_label("Seeds").select_option(label="mean and range")
    watched.page.get_by_label("log x").first.uncheck()
    (line,) = watched.page.evaluate(LINES)
    assert line["y"] == pytest.approx([(one + other) / 2 for one, other in zip(*fids.values(), strict=False)])
    assert line["x"] == sorted(line["x"])
    assert all("mean of n = 2" in text for text in line["text"])
    assert (
        "Rounds that not all seeds have are left out (1 of 1 curves)"
        in watched.page.locator("#curves-about").inner_text()
    )
    watched.page.get_by_label("Seeds").select_option(label="every run")
    assert [len(one["y"]) for one in watched.page.evaluate(LINES)] == [3, 5]


def test_a_mean_never_wears_the_look_of_one_seed(
    tmp_path: Path, reports: dict[str, Path], opened: Callable[..., Watched]
) -> None:
    watched = opened(reports["sweep"])
    seeds = watched.page.get_by_label("Seeds")
    assert seeds.input_value() == "band"
    watched.coloured_by("seed")
    assert seeds.input_value() == "each"
    seeds.select_option(label="mean and range")
    assert watched.page.get_by_label("Colour by").first.input_value() != "seed"
    # Where runs differ in the seed alone there is nothing else to colour by.
    alone = [write_run_folder(tmp_path / f"{seed}", seed=seed) for seed in (0, 1)]
    watched = opened(write_report(alone, tmp_path / "out.html"))
    assert watched.page.get_by_label("Seeds").input_value() == "each"
    watched.page.get_by_label("Seeds").select_option(label="mean and range")
    (line,) = watched.page.evaluate(LINES)
    assert line["colour"] == palette.LIGHT["ink"]
    assert watched.page.locator("#legend").inner_text() == "mean and range of the seeds"


def test_twins_each_have_a_look_and_are_counted_by_place(
    tmp_path: Path, opened: Callable[..., Watched]
) -> None:
    folders = [
        write_run_folder(tmp_path / f"{number}", selector=selector, width=width, iteration_s=seconds,
                         fids={"a": [90.0, fid]})
        for number, (selector, width, seconds, fid) in enumerate(
            [("exact", 8, 2.0, 20.0), ("greedy", 8, 2.0, 20.0), ("exact", 16, 4.0, 10.0), ("greedy", 16, 4.0, 30.0)]
        )
    ]  # fmt: skip
    watched = opened(write_report(folders, tmp_path / "out.html"))
    assert watched.page.get_by_label("Colour by").first.input_value() == "series"
    watched.drawn("ends")
    looks = watched.page.evaluate(
        """document.getElementById("ends").data.filter((one) => one.mode === "markers")
            .map((one) => [one.marker.color, one.marker.symbol, one.marker.size[0]])"""
    )
    assert len({tuple(look[:2]) for look in looks}) == 4
    # What is drawn first looks out from behind its twin.
    assert looks[0][2] > looks[1][2] + 5
    told = watched.page.locator("#ends-about").inner_text()
    assert "a point for each of 4 runs, on 3 places; the dashed line joins the 2 places (3 runs)" in told
    assert "also here: " in watched.hover("ends", 0)
    watched.page.get_by_label("cuts.selector").first.select_option(label="greedy")
    told = watched.page.locator("#ends-about").inner_text()
    assert "no front, one place is the best in both: " in told


def test_a_cell_whose_mean_lacks_runs_says_so(tmp_path: Path, opened: Callable[..., Watched]) -> None:
    sweep = write_sweep(tmp_path / "s", ("exact", "greedy"), (8, 16), (0, 1), failed=(2,), pictures=False)
    watched = opened(write_report([sweep], tmp_path / "out.html"))
    watched.drawn("heat")
    texts = [
        text for row in watched.page.evaluate("document.getElementById('heat').data[0].text") for text in row
    ]
    assert [text.endswith(" (1/2)") for text in texts] == [False, False, True, False]
    assert "(1/2) marks a mean of those runs alone" in watched.page.locator("#heat-about").inner_text()


def test_the_benchmark_of_a_sweeps_report_still_runs(chromium: Browser, tmp_path: Path) -> None:
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "report.py"
    file = tmp_path / "numbers.json"
    done = subprocess.run(
        [sys.executable, str(script), "--quick", "--json", str(file)], capture_output=True, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    bars = [
        row["bar"]
        for row in json.loads(file.read_text(encoding="utf-8"))["measurements"]
        if row["bar"] is not None
    ]
    assert bars == [15.0, 3.0]
