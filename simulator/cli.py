"""The command line.

Results go to standard output; progress, warnings and errors to standard error. Exit codes: 0 done; 1 our own
bug; 2 the input is wrong; 3 the run stopped; 130 interrupted. Commands that answer from sizes alone never
import torch, and no other package of ours is imported before it is known that nothing hides it.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from simulator.shadowing import shadowed_room

Scenario = Annotated[str, typer.Argument(metavar="SCENARIO", help="Path of a scenario, or a library name.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override one value; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

app = typer.Typer(
    name="hetedge",
    help="Simulate training on heterogeneous edge networks: real GANs, simulated time.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ClickError: type[Exception] = next(
    one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException"
)
"""What typer raises for a command line it cannot read; newer versions have a copy of click's classes of their own."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


class InputError(ValueError):
    """The command line names something that is not there."""


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
        str,
        typer.Option(metavar="NAME", help="formula = the closed form; events = the event simulation."),
    ] = "formula",
    overrides: Set = None,
) -> None:
    """Tell how long an iteration and a round take, without training."""
    from simulator import tables
    from simulator.timing_only import ENGINES
    from simulator.timing_only import latency as latency_of

    _known("engine", engine, ENGINES)
    answers = [latency_of(one, overrides or [], engine) for one in scenarios]
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
    from simulator import tables
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

    kinds = list(FIGURES) if kind == "all" else [_known("figure", kind, ["all", *FIGURES])]
    loaded = [load_run(_run_folder(one)) for one in runs]
    target = out or (runs[0] / "figures" if len(runs) == 1 else Path("figures"))
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"-o: {target}: {error.strerror}; name a folder that can be written to") from error
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
    from simulator import listing
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
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="One of: devices, datasets, models, strategies, selectors, scenarios."
        ),
    ],
) -> None:
    """List what can be named in a scenario."""
    from simulator.listing import LISTINGS

    print(LISTINGS[_known("listing", what, LISTINGS)]())


def _known(what: str, name: str, known: Iterable[str]) -> str:
    """Return a name that is known.

    Raises:
        InputError: It is not; the message says which are, and which is nearest.
    """
    from models.option_errors import unknown_name

    if name not in known:
        raise InputError(unknown_name(what, name, known))
    return name


def _known_selector(name: str) -> str:
    from simulator.cuts.selectors import SELECTORS

    return _known("cut selector", name, SELECTORS)


def _run_folder(path: Path) -> Path:
    from analysis.runs import SCENARIO_FILE

    if not path.is_dir():
        raise InputError(f"{path}: no such folder; allowed: the folder of a run")
    if not (path / SCENARIO_FILE).exists():
        raise InputError(f"{path}: holds no {SCENARIO_FILE}; allowed: the folder of a run")
    return path


def _print(answer: Any, as_json: bool, text: Callable[[], str]) -> None:  # noqa: ANN401 - any JSON value
    print(json.dumps(answer, indent=2, allow_nan=False) if as_json else text())


def main() -> None:
    """Run the command line and exit with its code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("matplotlib", "fontTools", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        code = _run_guarded()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe (head, say) has seen enough: what is left in the buffer must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _run_guarded() -> int:
    """Run the command; turn every expected failure into its line and exit code."""
    hidden = shadowed_room()
    if hidden:
        return _fail(2, hidden)
    from analysis.runs import RunError
    from scenarios.messages import ScenarioError

    try:
        code = app(prog_name="hetedge", standalone_mode=False) or 0
    except ClickError as error:
        return _fail(2, _usage_line(error))
    except (ScenarioError, InputError, FileExistsError) as error:
        return _fail(2, error)
    except RunError as error:
        return _fail(3, error)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return _fail(3, f"{error.filename or 'the run folder'}: cannot be written: {error.strerror}")
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except SystemExit as error:
        # Typer ends so where the reader of a pipe has gone, having silenced the streams.
        raise BrokenPipeError from error
    return _fail(code, "interrupted") if code == INTERRUPTED else int(code)


def _fail(code: int, why: object) -> int:
    print(why, file=sys.stderr)
    return code


def _usage_line(error: Any) -> str:  # noqa: ANN401 - an exception of typer's or of click's
    """Return an error of typer as one line that names the command."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "hetedge"
    message = " ".join(error.format_message().split()).rstrip(".")
    return f"{command}: {message[:1].lower()}{message[1:]}; see '{command} --help'"
