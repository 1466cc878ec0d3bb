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
import typer.core

from simulator.shadowing import shadowed_room

Scenario = Annotated[str, typer.Argument(metavar="SCENARIO", help="Path of a scenario, or a library name.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override one value; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

PLANNED_COMMANDS = ("resume", "verify", "compare", "sweep", "report", "flows")
"""Commands of later versions, so that today's refusal can say so."""


class Commands(typer.core.TyperGroup):
    """The commands; of one that is planned it is told that it is not built yet."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's or click's, by version
        """Find the command that a command line names."""
        if args[0] in PLANNED_COMMANDS and args[0] not in self.commands:
            ctx.fail(f"command '{args[0]}' is planned but not built yet; allowed: {', '.join(self.commands)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="hetedge",
    cls=Commands,
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


def _path(text: str) -> Path:
    """Read a path; an empty one would mean the working folder, which nobody meant."""
    if not text:
        raise typer.BadParameter("an empty path; name a file or folder")
    return Path(text)


@app.command()
def run(
    scenario: Scenario,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", parser=_path, help="The run folder.")
    ] = None,
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
def explain(
    scenario: Scenario,
    client: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Whose legs to tell: 3 or client-3; default: who is longest on the critical path.",
        ),
    ] = None,
    as_json: AsJson = False,
    overrides: Set = None,
) -> None:
    """Account for every second of an iteration: legs, waits, the critical path, what would help."""
    from simulator.explanation.answer import UnknownClientError
    from simulator.explanation.answer import explain as explain_scenario
    from simulator.explanation.text import explanation_text

    try:
        answer = explain_scenario(scenario, overrides or [], client)
    except UnknownClientError as error:
        raise InputError(f"--client: {error}") from error
    _print(answer, as_json, lambda: explanation_text(answer))


@app.command()
def retime(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", parser=_path, help="The new run folder.")
    ] = None,
    overrides: Set = None,
) -> None:
    """Put a finished run on another fleet, with the same cuts: new times, nothing trained."""
    from analysis.summary import describe
    from simulator.progress import silent
    from simulator.recorded import NotRecordedError
    from simulator.retiming import retime as retime_run

    try:
        retimed = retime_run(_run_folder(folder), out, overrides or [], silent())
    except NotRecordedError as error:
        raise InputError(str(error)) from error
    print(describe(retimed.summary))
    print(retimed.path)


@app.command()
def plot(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="The kind of figure; 'all' draws every kind.")],
    runs: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Run folders.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="DIR",
            parser=_path,
            help="Where to; default: figures/ of the only run, else ./figures.",
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


@app.command()
def schema() -> None:
    """Print the JSON Schema of a scenario, for editors: completion, explanations and checks while typing."""
    from scenarios.editor_schema import editor_schema
    from simulator.registry import registered_scenario

    print(json.dumps(editor_schema(registered_scenario()), indent=2))


@app.command()
def calibrate(
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", metavar="FILE", parser=_path, help="The profile to write: a new YAML file."
        ),
    ] = Path("this-machine.yaml"),
    model: Annotated[str, typer.Option(metavar="NAME", help="The model whose blocks are timed.")] = "cgan28",
    width: Annotated[int, typer.Option(min=1, max=512, metavar="N", help="Its width, in channels.")] = 64,
    batch_size: Annotated[int, typer.Option(min=2, max=65_536, metavar="N", help="Rows of a batch.")] = 64,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=1024, metavar="N", help="CPU threads; default: as many as a run takes, 2."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="Repeats at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Measure how fast this machine trains a model's blocks, and write that as a device profile."""
    from models.architecture import MODEL_NAMES, ModelOptions
    from scenarios.schema import DEFAULT_THREADS
    from simulator.calibration import Setup, calibration_text
    from simulator.machine_profile import UnfitError, check_fit, check_path, this_machine, write_profile

    networks = ModelOptions.model_validate({"name": _known("--model", model, MODEL_NAMES), "width": width})
    machine = this_machine()
    setup = Setup(networks, batch_size, threads or min(DEFAULT_THREADS, machine.processors), repeats)
    try:
        check_fit(setup, machine)
        check_path(out)
    except UnfitError as error:
        raise InputError(str(error)) from error
    from simulator.block_timing import measure

    calibration = measure(setup)
    write_profile(out, calibration, machine)
    answer = {
        "profile": str(out),
        "processor": machine.processor,
        "torch": machine.torch,
        **calibration.facts(),
    }
    _print(answer, as_json, lambda: f"{calibration_text(calibration)}\n\n{out}")


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
