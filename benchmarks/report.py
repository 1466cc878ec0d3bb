"""What the report of a large sweep weighs, and how long it takes to open.

    python benchmarks/report.py [--quick] [--threads N] [--json FILE]

A made-up sweep of 200 runs (5 selectors x 8 widths x 5 seeds, 20 rounds, two domains, pictures of real size) is written
as commands write one. Measured are the size of its report, the time to build it, and in a real headless Chromium the
time from asking for the page until it is loaded and every chart near the screen is drawn: the median of several fresh
contexts. A browser that is already running opens the page, as a reader's does. Sizes are in MB of 1,000,000 bytes.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from reporting import Measurement, parse_arguments, report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from chromium import NoChromiumError, browser
from made_up_folders import write_sweep

from analysis.report import write_report

SELECTORS = ("exact", "greedy", "fixed", "random", "genetic")
WIDTHS = (4, 8, 12, 16, 24, 32, 48, 64)
SEEDS = (0, 1, 2, 3, 4)
MEGABYTE = 1e6


def main() -> None:
    """Measure everything and print the table."""
    arguments = parse_arguments(__doc__ or "", threads=2)
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "sweep"
        if arguments.quick:
            write_sweep(folder, SELECTORS[:2], WIDTHS[:2], SEEDS[:1])
        else:
            write_sweep(folder, SELECTORS, WIDTHS, SEEDS, rounds=20, failed=(17, 150))
        rows = measure(folder, Path(home) / "report.html", 1 if arguments.quick else 7)
    report(arguments, rows)


def measure(folder: Path, page: Path, repetitions: int) -> list[Measurement]:
    """Build the report of a sweep and open it."""
    started = time.perf_counter()
    write_report([folder], page)
    built_s = time.perf_counter() - started
    rows = [
        Measurement("report of the sweep, size", page.stat().st_size / MEGABYTE, "MB", 15.0),
        Measurement("report of the sweep, time to build", built_s, "s"),
    ]
    try:
        opened = opening_times(page, repetitions)
    except NoChromiumError as error:
        print(f"not opened: {error}", file=sys.stderr)
        return rows
    return [*rows, Measurement("report of the sweep, opened and drawn", statistics.median(opened), "s", 3.0),
            Measurement("report of the sweep, slowest opening", max(opened), "s")]  # fmt: skip


def opening_times(page: Path, repetitions: int) -> list[float]:
    """Seconds until a page is loaded and drawn, each time in a fresh context without a cache.

    Raises:
        NoChromiumError: There is no Chromium.
    """
    seconds = []
    with browser() as started:
        for _ in range(repetitions):
            context = started.new_context(viewport={"width": 1280, "height": 900})
            shown = context.new_page()
            begun = time.perf_counter()
            shown.goto(page.as_uri(), wait_until="load")
            shown.wait_for_selector("html[data-ready=true]", timeout=60_000)
            seconds.append(time.perf_counter() - begun)
            context.close()
    return seconds


if __name__ == "__main__":
    main()
