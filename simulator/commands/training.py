"""Commands that train: run, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simulator.commands.shared import AsJson, InputError, Scenario, Set, print_answer, to_path


def run(
    scenario: Scenario,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", parser=to_path, help="The run folder.")
    ] = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Also write the run for TensorBoard, as it goes: tensorboard --logdir RUN_FOLDER.",
        ),
    ] = False,
    overrides: Set = None,
) -> None:
    """Train and simulate a scenario; the last line printed is the run folder."""
    from analysis.runs import RunFolder
    from simulator import registry
    from simulator.loading import fetch_missing
    from simulator.tensorboard import missing_extra
    from simulator.writing import folder_of

    if tensorboard and (lacks := missing_extra()):
        raise InputError(lacks)

    loaded = registry.load(scenario, overrides or [])
    RunFolder.check(folder_of(loaded, out))
    fetch_missing(loaded)

    from analysis.summary import describe
    from simulator.progress import for_terminal
    from simulator.runner import run as run_scenario

    finished = run_scenario(scenario, out, overrides or [], for_terminal(), tensorboard)
    print(describe(finished.summary))
    print(finished.path)


def compare(
    scenario: Scenario,
    strategies: Annotated[
        str,
        typer.Option(
            metavar="A,B,...",
            help="Strategies, or ablations such as huscf_gan/no_kld; hetedge list strategies names them.",
        ),
    ],
    seeds: Annotated[
        int,
        typer.Option(min=1, max=1000, metavar="N", help="Seeds: the scenario's and the numbers after it."),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="DIR", parser=to_path, help="The comparison's folder."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(metavar="STRATEGY.KEY=VALUE", help="Set an option of one strategy; may be repeated."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC<VALUE",
            help="The quality to time to; default: the best FID that every run reaches.",
        ),
    ] = None,
    timing_only: Annotated[bool, typer.Option("--timing-only", help="Train nothing: compare time.")] = False,
    as_json: AsJson = False,
    overrides: Set = None,
) -> None:
    """Run a scenario with several strategies and compare; the last line printed is the folder.

    What is there already, finished, is not run again.
    """
    from analysis.comparison import TargetError, parse_target
    from simulator.comparison.beginning import begin
    from simulator.comparison.entrants import ComparisonError
    from simulator.loading import fetch_missing

    names = [name.strip() for name in strategies.split(",")]
    try:
        reached = None if target is None else parse_target(target)
        asked = (scenario, names, seeds, out, overrides or [], options or [], reached, not timing_only)
        fetch_missing(begin(*asked).base)

        from analysis.comparison_text import comparison_text
        from simulator.comparison.playing import compare as compare_strategies
        from simulator.progress import for_terminal

        compared = compare_strategies(*asked, for_terminal())
    except (ComparisonError, TargetError) as error:
        raise InputError(str(error)) from error
    answer = {**compared.facts, "folder": str(compared.path)}
    print_answer(answer, as_json, lambda: f"{comparison_text(answer)}\n\n{compared.path}")
