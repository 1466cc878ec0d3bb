"""The benchmarks still run. Their numbers are no business of a test: a machine under test is a busy one."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("script", "bars"),
    [
        ("overhead.py", [2.0, 10.0, 1.0, 5.0]),
        ("training.py", [0.95, 0.75]),
        ("world.py", [2.0, 10.0, 0.5, 120.0, 120.0]),
        ("calibration.py", []),
        ("cuts.py", [50.0, 50.0, 50.0, 1.0, *[2.0, 1.01] * 4]),
    ],
)
def test_the_quick_form_runs_and_names_its_bars(script: str, bars: list[float], tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), "--quick", "--json", str(file)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text(encoding="utf-8"))
    rows = report["measurements"]
    assert [row["bar"] for row in rows if row["bar"] is not None] == bars
    assert all(row["measured"] > 0 for row in rows)
    assert all(row["what"] in done.stdout for row in rows)
    assert {"versions", "machine", "threads", "clock", "form"} == set(report["machine"])


def test_the_page_on_calibration_gets_its_table_between_its_marks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("calibration_benchmark", BENCHMARKS / "calibration.py")
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "calibration_benchmark", benchmark)
    spec.loader.exec_module(benchmark)
    row = benchmark.Row(
        16, 4, 12.0, 40.0, predicted_s=0.3, joined_s=0.4, measured_s=0.6, optimiser_s=0.1, batches_s=0.0
    )
    page = tmp_path / "page.md"
    machine = {"machine": "Some-System, 2 processors", "versions": "v", "threads": "1", "clock": "c"}
    page.write_text(f"before\n{benchmark.BEGIN}\nold\n{benchmark.END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        benchmark.write_table(page, [row], machine)
        before, table, after = re.split("<!--.*-->", page.read_text(encoding="utf-8"))
        assert (before, after) == ("before\n", "\nafter\n")
        heading, rule, cells, *_ = table.strip().splitlines()
        assert "old" not in table
        assert "Some-System" not in table
        assert ", 2 processors; v; threads 1; clock: c.\n" in table
        assert heading.count("|") == rule.count("|") == cells.count("|")
        assert "| **2.00** |" in cells
        assert cells.endswith("| 1.50 |")
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks <!-- measured: begin -->"):
        benchmark.write_table(page, [row], machine)
