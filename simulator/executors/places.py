"""What lies in the folder that a job is done in."""

from __future__ import annotations

SCENARIO = "job.yaml"
"""The resolved scenario."""

RUN = "run"
"""The run folder."""
