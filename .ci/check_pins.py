"""Check that this environment holds the versions that constraints.txt pins, torch above all.

Usage: python check_pins.py constraints.txt

A local version (2.13.0+cpu) is the pinned release in another build. Packages without a pin are told, not refused:
the default build of torch brings its own for the GPU.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

OWN = {"hetedge", "pip"}


def canonical(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Print what differs from the pins; return 1 where anything does."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    pins = {
        canonical(name): version for name, _, version in (line.partition("==") for line in lines) if version
    }
    installed = {canonical(one.metadata["Name"]): one.version for one in importlib.metadata.distributions()}
    unpinned = sorted(installed.keys() - pins.keys() - OWN)
    print(
        f"{len(installed)} packages, torch {installed.get('torch')}; without a pin: {', '.join(unpinned) or 'none'}"
    )
    wrong = [
        f"{name} {version}, pinned {pins[name]}"
        for name, version in installed.items()
        if name in pins and version.partition("+")[0] != pins[name]
    ]
    for one in wrong:
        print(f"not as pinned: {one}")
    return 1 if wrong or "torch" not in installed else 0


if __name__ == "__main__":
    sys.exit(main())
