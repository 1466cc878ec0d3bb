"""Commands about what goes into a run: validate, schema, list."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simulator.commands.shared import Scenario, Set, known


def validate(
    scenario: Scenario,
    show: Annotated[bool, typer.Option("--print", help="Print the resolved scenario.")] = False,
    overrides: Set = None,
) -> None:
    """Make every check that run makes, short of opening data."""
    from scenarios.dump import dump_resolved
    from simulator import listing
    from simulator.loading import check_images_are_dealt
    from simulator.timing_only import plan_from_sizes

    plan = plan_from_sizes(scenario, overrides or [])
    loaded = plan.setting.loaded
    check_images_are_dealt(loaded)
    if show:
        print(dump_resolved(loaded.scenario, loaded.given), end="")
        print(listing.assumed_numbers(plan.setting.fleet), end="")
    else:
        print(f"{loaded.path}: valid")


def schema(
    sweep: Annotated[bool, typer.Option("--sweep", help="That of a sweep's file instead.")] = False,
) -> None:
    """Print the JSON Schema of a scenario, for editors: completion, explanations and checks while typing."""
    from scenarios.editor_schema import editor_schema
    from scenarios.sweep_schema import sweep_schema
    from simulator.registry import registered_scenario

    printed = sweep_schema if sweep else editor_schema
    print(json.dumps(printed(registered_scenario()), indent=2))


def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="One of: devices, datasets, models, strategies, selectors, scenarios, sweeps.",
        ),
    ],
) -> None:
    """List what can be named in a scenario or on the command line."""
    from simulator.listing import LISTINGS

    print(LISTINGS[known("listing", what, LISTINGS)]())
