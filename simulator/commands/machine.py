"""The command that measures this machine: calibrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simulator.commands.shared import AsJson, InputError, known, print_answer, to_path


def calibrate(
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", metavar="FILE", parser=to_path, help="The profile to write: a new YAML file."
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
    from models.model_options import MODEL_NAMES, ModelOptions
    from scenarios.schema import DEFAULT_THREADS
    from simulator.calibration import Setup, calibration_text
    from simulator.machine_profile import UnfitError, check_fit, check_path, this_machine, write_profile

    networks = ModelOptions.model_validate({"name": known("--model", model, MODEL_NAMES), "width": width})
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
    print_answer(answer, as_json, lambda: f"{calibration_text(calibration)}\n\n{out}")
