"""The command about the network alone: flows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simulator.commands.shared import AsJson, print_answer, to_path


def flows(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="JSON: links with their byte/s, and flows.", parser=to_path),
    ],
    as_json: AsJson = False,
) -> None:
    """Tell when flows end that share links max-min fairly."""
    from analysis.readable import duration_text
    from devices.units import Kind, humanize
    from simulator.flow_file import read_flows
    from simulator.flows import finish_times
    from simulator.tables import aligned

    links, given = read_flows(file)
    finish_s = finish_times(links, given)

    def text() -> str:
        rows = [["flow", "starts", "size", "links", "ends", "mean rate"]]
        for number, (flow, end_s) in enumerate(zip(given, finish_s, strict=True)):
            took_s = end_s - flow.start_s
            rate = humanize(flow.n_bytes / took_s, Kind.BYTES_PER_S) if took_s > 0 else "-"
            size = humanize(flow.n_bytes, Kind.BYTES)
            crossed = " ".join(flow.links)
            rows.append([str(number), duration_text(flow.start_s), size, crossed, duration_text(end_s), rate])
        return aligned(rows)

    print_answer({"finish_s": finish_s}, as_json, text)
