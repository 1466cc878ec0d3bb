"""The benchmarks still run. Their numbers are no business of a test: a machine under test is a busy one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("script", "bars"), [("overhead.py", [2.0, 10.0, 1.0, 5.0]), ("training.py", [0.95, 0.75])]
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
