"""The command line.

Results go to standard output; progress, warnings and errors to standard error. Exit codes: 0 done; 1 our own
bug; 2 the input is wrong; 3 the run stopped; 130 interrupted. Commands that answer from sizes alone never
import torch, and no other package of ours is imported before it is known that nothing hides it.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer
import typer.core

from simulator.commands import figures, inputs, machine, network, reporting, sweeps, timing, training
from simulator.commands.shared import InputError
from simulator.shadowing import shadowed_room

COMMANDS: Mapping[str, Callable[..., None]] = {
    "run": training.run,
    "latency": timing.latency,
    "cuts": timing.cuts,
    "explain": timing.explain,
    "retime": timing.retime,
    "compare": training.compare,
    "sweep": sweeps.sweep,
    "report": reporting.report,
    "plot": figures.plot,
    "flows": network.flows,
    "validate": inputs.validate,
    "schema": inputs.schema,
    "calibrate": machine.calibrate,
    "list": inputs.list_,
}
"""What each command does, in the order of the help."""

PLANNED_COMMANDS = ("resume", "verify")
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


for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Run the command line and exit with its code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("matplotlib", "fontTools", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        code = _run_guarded()
        sys.stdout.flush()
    except BrokenPipeError as error:
        if not isinstance(error, ReaderGoneError) and not _nobody_reads():
            raise
        # The reader of a pipe (head, say) has seen enough: what is left in the buffer must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


class ReaderGoneError(BrokenPipeError):
    """Whoever read what is printed has gone."""


def _nobody_reads() -> bool:
    """Whether standard output is the pipe that broke: what was printed cannot be written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


def _run_guarded() -> int:
    """Run the command; turn every expected failure into its line and exit code."""
    hidden = shadowed_room()
    if hidden:
        return _fail(2, hidden)
    from analysis.runs import RunError
    from scenarios.messages import ScenarioError
    from simulator.terminal import outlive_terminal

    outlive_terminal()
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
        raise ReaderGoneError from error
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
