"""How far the numbers of links may go, wherever one is stated: in a scenario, a profile or a file of a network.

Links are shared out exactly where capacities lie between 1e-15 and 1e30 byte/s, or are 0. So the ranges are such that a
rate stays in there whatever multiplies it: the slowest link, which a trace and a spell make narrower together, keeps
1e-2 x 1e-6 x 1e-6 byte/s; the fastest, which a trace makes wider, gets 1e18 x 1e6. All are far beyond what is built.
"""

from __future__ import annotations

from typing import Annotated

from devices.units import Kind, Quantity

LEAST_RATE_BYTES_PER_S, MOST_RATE_BYTES_PER_S = 1e-2, 1e18
"""Between these must be the rate of every link."""

LEAST_FACTOR, MOST_FACTOR = 1e-6, 1e6
"""Between these, or 0, must be what multiplies a link's rate for a time."""

LEAST_WEIGHT, MOST_WEIGHT = 1e-9, 1e9
"""Between these must be the weight of a transfer where links are shared."""

LONGEST_LATENCY_S = 1e9
"""The longest propagation delay of a link."""

RATE = Quantity(Kind.BYTES_PER_S, least=LEAST_RATE_BYTES_PER_S, most=MOST_RATE_BYTES_PER_S)
"""How a link's rate is written."""

LATENCY = Quantity(Kind.SECONDS, most=LONGEST_LATENCY_S)
"""How a link's propagation delay is written."""

LinkRate = Annotated[float, RATE]
"""The rate of a link in byte/s."""

LinkLatency = Annotated[float, LATENCY]
"""The propagation delay of a link in seconds."""
