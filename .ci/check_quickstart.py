"""Check what the README promises of `hetedge run quickstart` against a finished run folder.

Usage: python check_quickstart.py RUN_FOLDER WALL_SECONDS

The folder is read with pandas alone, as any user would read it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

DOMAINS = ("mnist5k", "glyphs")
LEAST_CAS = {"mnist5k": 0.75, "glyphs": 0.6}
MOST_LAST_OVER_FIRST_FID = 0.5
PROMISED_WALL_S = 240.0
MOST_WALL_S = 900.0
"""Machines are noisy: beyond the promise is a warning, beyond this a failure."""
FIGURES = ("latency_fid", "phases", "devices", "cuts", "samples", "losses")


def promises(folder: Path, wall_s: float) -> Iterator[tuple[bool, str]]:
    """Yield each promise: whether it is kept, and what was found."""
    print(f"wall time: {wall_s:.0f} s (promised on two free cores: {PROMISED_WALL_S:.0f} s)")
    if wall_s > PROMISED_WALL_S:
        print(f"WARNING: slower than the promised {PROMISED_WALL_S:.0f} s")
    yield wall_s <= MOST_WALL_S, f"wall time {wall_s:.0f} s <= {MOST_WALL_S:.0f} s"
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    yield summary["status"] == "finished", f"status {summary['status']}"
    yield from _quality(pd.read_parquet(folder / "metrics.parquet"))
    yield _found_domains(summary, pd.read_csv(folder / "cuts.csv"))
    for path in (folder / "figures" / f"{kind}.{suffix}" for kind in FIGURES for suffix in ("png", "pdf")):
        size = path.stat().st_size if path.is_file() else 0
        yield size > 5_000, f"{path.relative_to(folder)}: {size} bytes"


def _quality(metrics: pd.DataFrame) -> Iterator[tuple[bool, str]]:
    for domain in DOMAINS:
        rows = metrics[metrics["domain"] == domain].sort_values("round")
        cas = float(rows.loc[rows["metric"] == "cas_accuracy", "value"].iloc[-1])
        yield cas >= LEAST_CAS[domain], f"{domain}: CAS {cas:.3f} >= {LEAST_CAS[domain]}"
        fid = rows[(rows["metric"] == "fid") & (rows["round"] >= 0)]["value"]
        ratio = float(fid.iloc[-1] / fid.iloc[0])
        floor = float(rows.loc[rows["metric"] == "fid_floor", "value"].iloc[-1])
        told = f"{domain}: FID {fid.iloc[0]:.2f} -> {fid.iloc[-1]:.2f}, {fid.iloc[-1] / floor:.1f}x its floor"
        yield (
            ratio <= MOST_LAST_OVER_FIRST_FID,
            f"{told}; last/first {ratio:.3f} <= {MOST_LAST_OVER_FIRST_FID}",
        )


def _found_domains(summary: dict[str, object], cuts: pd.DataFrame) -> tuple[bool, str]:
    domain_of = cuts["domain"].tolist()
    wanted = [[k for k, own in enumerate(domain_of) if own == domain] for domain in dict.fromkeys(domain_of)]
    return summary["clusters"] == wanted, f"clusters {summary['clusters']} are the domains {wanted}"


def main() -> int:
    """Print every promise; return 1 where one is broken."""
    broken = 0
    for kept, told in promises(Path(sys.argv[1]), float(sys.argv[2])):
        print(f"{'kept  ' if kept else 'BROKEN'} {told}")
        broken += not kept
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
