"""The command line.

Results go to standard output; progress, warnings and errors to standard error. Exit codes: 0 done; 1 our own
bug; 2 the input is wrong; 3 the run stopped; 130 interrupted. Commands that answer from sizes alone never
import torch.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from simulator import listing, tables

ROOMS = ("devices", "models", "scenarios", "analysis", "simulator")

Scenario = Annotated[str, typer.Argument(metavar="SCENARIO", help="Path of a scenario, or a library name.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override one value; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

app = typer.Typer(
    name="hetedge",
    help="Simulate training on heterogeneous edge networks: real GANs, simulated time.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Engine(StrEnum):
    """How a latency is found."""

    formula = "formula"
    events = "events"


@app.command()
def run(
    scenario: Scenario,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="DIR", help="The run folder.")] = None,
    overrides: Set = None,
) -> None:
    """Train and simulate a scenario; the last line printed is the run folder."""
    from analysis.summary import describe
    from simulator.progress import for_terminal
    from simulator.runner import run as run_scenario

    finished = run_scenario(scenario, out, overrides or [], for_terminal())
    print(describe(finished.summary))
    print(finished.path)


@app.command()
def latency(
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help="Paths or library names.")],
    as_json: AsJson = False,
    engine: Annotated[
        Engine, typer.Option(help="formula: the closed form; events: the event simulation.")
    ] = Engine.formula,
    overrides: Set = None,
) -> None:
    """Tell how long an iteration and a round take, without training."""
    from simulator.timing_only import latency as latency_of

    answers = [latency_of(one, overrides or [], engine.value) for one in scenarios]
    _print(answers[0] if len(answers) == 1 else answers, as_json, lambda: tables.latency_text(answers))


@app.command()
def cuts(
    scenario: Scenario,
    selector: Annotated[
        list[str] | None,
        typer.Option("--selector", metavar="NAME", help="A selector to ask; may be repeated."),
    ] = None,
    as_json: AsJson = False,
    overrides: Set = None,
) -> None:
    """Compare the cuts that selectors find, without training."""
    from simulator.timing_only import compare_cuts

    found = compare_cuts(scenario, overrides or [], [_known_selector(name) for name in selector or []])
    answers = [tables.selection_facts(one) for one in found]
    _print(answers, as_json, lambda: tables.cuts_text(answers))


@app.command()
def plot(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="The kind of figure; 'all' draws every kind.")],
    runs: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Run folders.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="DIR", help="Where to; default: figures/ of the only run, else ./figures."
        ),
    ] = None,
) -> None:
    """Draw figures of one or several runs, as PNG and PDF."""
    from analysis.plots import FIGURES, draw
    from analysis.runs import load_run

    kinds = list(FIGURES) if kind == "all" else [kind]
    if kind != "all" and kind not in FIGURES:
        raise InputError(
            f"no figure is called '{kind}'; allowed: all, {', '.join(FIGURES)}{listing.nearest(kind, FIGURES)}"
        )
    loaded = [load_run(_existing_folder(one)) for one in runs]
    target = out or (runs[0] / "figures" if len(runs) == 1 else Path("figures"))
    for one in kinds:
        for path in draw(one, loaded, target):
            print(path)


@app.command()
def validate(
    scenario: Scenario,
    show: Annotated[bool, typer.Option("--print", help="Print the resolved scenario.")] = False,
    overrides: Set = None,
) -> None:
    """Make every check that run makes, short of opening data."""
    from scenarios.dump import dump_resolved
    from simulator.timing_only import plan_from_sizes

    plan = plan_from_sizes(scenario, overrides or [])
    loaded = plan.setting.loaded
    if show:
        print(dump_resolved(loaded.scenario, loaded.given), end="")
        print(listing.assumed_numbers(plan.setting.fleet), end="")
    else:
        print(f"{loaded.path}: valid")


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(metavar="|".join(listing.LISTINGS), help="What to list.")],
) -> None:
    """List what can be named in a scenario."""
    if what not in listing.LISTINGS:
        allowed = ", ".join(listing.LISTINGS)
        raise InputError(
            f"nothing to list is called '{what}'; allowed: {allowed}{listing.nearest(what, listing.LISTINGS)}"
        )
    print(listing.LISTINGS[what]())


class InputError(ValueError):
    """The command line names something that is not there."""


def _unknown(what: str, name: str, known: list[str]) -> InputError:
    return InputError(f"{what} is called '{name}'; allowed: {', '.join(known)}{listing.nearest(name, known)}")


def _known_selector(name: str) -> str:
    from simulator.cuts.selectors import SELECTORS

    if name not in SELECTORS:
        raise _unknown("no selector", name, list(SELECTORS))
    return name


def _existing_folder(path: Path) -> Path:
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; a run folder is needed")
    return path


def _print(answer: Any, as_json: bool, text: Callable[[], str]) -> None:  # noqa: ANN401 - any JSON value
    print(json.dumps(answer, indent=2, allow_nan=False) if as_json else text())


def main() -> None:
    """Run the command line and exit with its code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("matplotlib", "fontTools", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    sys.exit(_run_guarded())


def _run_guarded() -> int:
    """Run the command; turn every expected failure into its line and exit code."""
    from scenarios.load import ScenarioError

    try:
        _refuse_shadowed_rooms()
        result = app(standalone_mode=False)
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("interrupted; the rounds that were finished are kept", file=sys.stderr)
        return 130
    except (ScenarioError, InputError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 2
    except RuntimeError as error:
        return _stopped(error)
    return result if isinstance(result, int) else 0


def _stopped(error: RuntimeError) -> int:
    """Report a run that had to stop; any other runtime error is our own bug and keeps its traceback."""
    from analysis.runs import RunError

    if not isinstance(error, RunError):
        raise error
    print(error, file=sys.stderr)
    return 3


def _refuse_shadowed_rooms() -> None:
    """Refuse to run where some other package of the same name hides one of ours."""
    parents = {}
    for room in ROOMS:
        spec = importlib.util.find_spec(room)
        locations = list(spec.submodule_search_locations or []) if spec is not None else []
        origin = locations[0] if locations else (spec.origin if spec is not None else None)
        parents[room] = Path(origin).resolve().parent if origin else None
    home = Path(__file__).resolve().parent.parent
    for room, parent in parents.items():
        if parent != home:
            raise InputError(
                f"the package '{room}' that Python finds is in {parent}, not beside hetedge's own in {home}; "
                "rename or move your own file of that name, or run from another folder"
            )
