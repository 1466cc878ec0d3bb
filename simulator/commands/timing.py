"""Commands that answer from sizes and records alone: latency, cuts, explain, retime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simulator.commands.shared import (
    AsJson,
    InputError,
    Scenario,
    Set,
    known,
    print_answer,
    run_folder,
    to_path,
)


def latency(
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help="Paths or library names.")],
    as_json: AsJson = False,
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="formula = the closed form; events = the event simulation; arrays = a million devices.",
        ),
    ] = "formula",
    overrides: Set = None,
) -> None:
    """Tell how long an iteration and a round take, without training."""
    from simulator import tables
    from simulator.timing_only import ENGINES
    from simulator.timing_only import latency as latency_of

    known("engine", engine, ENGINES)
    answers = [latency_of(one, overrides or [], engine) for one in scenarios]
    print_answer(answers[0] if len(answers) == 1 else answers, as_json, lambda: tables.latency_text(answers))


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

    found = compare_cuts(scenario, overrides or [], [known_selector(name) for name in selector or []])
    answers = [tables.selection_facts(one) for one in found]
    print_answer(answers, as_json, lambda: tables.cuts_text(answers))


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
    print_answer(answer, as_json, lambda: explanation_text(answer))


def retime(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", parser=to_path, help="The new run folder.")
    ] = None,
    overrides: Set = None,
) -> None:
    """Put a finished run on another fleet, with the same cuts: new times, nothing trained."""
    from analysis.summary import describe
    from simulator.progress import silent
    from simulator.recorded import NotRecordedError
    from simulator.retiming import retime as retime_run

    try:
        retimed = retime_run(run_folder(folder), out, overrides or [], silent())
    except NotRecordedError as error:
        raise InputError(str(error)) from error
    print(describe(retimed.summary))
    print(retimed.path)


def known_selector(name: str) -> str:
    """Return the name of a cut selector that is known."""
    from simulator.cuts.selectors import SELECTORS

    return known("cut selector", name, SELECTORS)
