"""The page: material put into the template, with style, scripts and charts' library inside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from analysis.report import palette
from analysis.report.assumptions import assumed_numbers, defaults_of
from analysis.report.details import all_details
from analysis.report.gathering import gather
from analysis.report.headline import cards, entries_table, quality
from analysis.report.material import Material
from analysis.report.page_data import page_data, script_json
from analysis.report.reading import shaped_by
from analysis.report.records import environment, ledgers
from analysis.report.words import scenario_words

GENERATOR = "hetedge report"
"""What the page's ``generator`` says, by which a report is known."""

SCRIPTS = (
    "tools.js",
    "state.js",
    "curves.js",
    "ends.js",
    "heat.js",
    "details.js",
    "timeline.js",
    "pictures.js",
    "table.js",
    "main.js",
)
"""The page's own scripts, in the order in which they need each other."""

STYLES = ("page.css", "parts.css", "print.css")

_KINDS = {"run": "Run", "runs": "Runs", "comparison": "Comparison of strategies", "sweep": "Sweep"}


def build_report(folders: Sequence[Path]) -> str:
    """Return the report of runs, of a comparison or of a sweep as HTML.

    Args:
        folders: run folders, or the folder of a comparison or of a sweep.

    Raises:
        ReportError: A folder is none of ours.
        RunError: A folder is damaged.
    """
    return render(gather(folders))


def render(material: Material) -> str:
    """Return material as a page of HTML that loads nothing from anywhere."""
    details = all_details(material)
    data = page_data(material, details)
    labels = _labels(material)
    strategies = list(dict.fromkeys(filter(None, labels)))
    with shaped_by(material.base_file):
        words, assumed = scenario_words(material.base, strategies), assumed_numbers(material.base)
        headline = cards(material)
    library, own = _script(get_plotlyjs()), _script(_own_script())
    template = _environment().from_string(_text("page.html.j2"))
    page: str = template.render(
        generator=GENERATOR,
        kind=_KINDS[material.kind],
        material=material,
        policy=_policy(library, own),
        style=Markup(_style()),  # noqa: S704 - our own
        library=library,
        own=own,
        data=Markup(script_json(data)),  # noqa: S704 - made safe there
        has_curves=bool(material.metrics),
        has_ends=len(material.entries) > 1 and any(entry.numbers for entry in material.entries),
        has_map=sum(len(axis.values) > 1 for axis in material.axes) > 1,
        has_details=bool(details),
        has_timeline=any(one["timeline"] for one in details.values()),
        has_samples=any(one["samples"] for one in details.values()),
        many=len(material.entries) > 1,
        words=words,
        cards=headline,
        quality=quality(material),
        table=entries_table(material),
        failed=[entry for entry in material.entries if not entry.finished],
        assumed=assumed,
        defaults=defaults_of(material.base_text),
        ledgers=ledgers(material.entries, labels),
        environment=environment(material.entries),
        detailed=sorted(details),
    )
    return page


def _labels(material: Material) -> list[str]:
    """What each entry's strategy is called: as the comparison or the sweep calls it, else by its name."""
    axis = next((axis.name for axis in material.axes if axis.name in ("strategy", "strategy.name")), None)
    return [str(entry.settings[axis]) if axis else entry.strategy for entry in material.entries]


@dataclass(frozen=True)
class _Script:
    """A script with the digest by which the page's policy lets it run."""

    text: Markup
    digest: str


@cache
def _script(text: str) -> _Script:
    # The browser takes CR LF as LF before it computes the digest; and a script must not end its own element.
    plain = text.replace("\r\n", "\n").replace("</script", "<\\/script")
    code = base64.b64encode(hashlib.sha256(plain.encode()).digest()).decode("ascii")
    return _Script(Markup(plain), f"'sha256-{code}'")  # noqa: S704 - our own scripts and the library's


def _policy(*scripts: _Script) -> str:
    """The page's content security policy: nothing is loaded, and only these scripts run."""
    allowed = " ".join(script.digest for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _own_script() -> str:
    parts = "\n".join(_text(name) for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


def _style() -> str:
    light, dark = palette.css(palette.LIGHT), f"color-scheme: dark; {palette.css(palette.DARK)}"
    themes = [
        f":root {{ color-scheme: light; {light} }}",
        f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}",
        f"@media screen {{ :root[data-theme=dark] {{ {dark} }} }}",
    ]
    return "\n".join([*themes, *(_text(name) for name in STYLES)])


@cache
def _environment() -> Environment:
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["size"] = lambda value: f"{len(value):,}"
    return made


def _text(name: str) -> str:
    folder: Any = resources.files("analysis.report").joinpath("web", name)
    return str(folder.read_text(encoding="utf-8"))
