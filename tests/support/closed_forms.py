"""What closed forms of whole networks are made of, apart from the code they are compared with.

Fleets whose numbers stand beside the scenario text they are written into, and the work of a batch: by the authors'
table, or summed over the blocks' exact costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from models.cgan import cgan28
from models.cost import network_costs

GIGA = 1e9
IMAGE_BYTES = 28 * 28 * 4
LABEL_BYTES = 8

PAPER_PROFILES = (
    (0.48, 50e6),
    (48, 150e6),
    (124.8, 1000e6),
    (45.76, 300e6),
    (16, 50e6),
    (36, 100e6),
    (120, 800e6),
)
"""GFLOP/s and byte/s of the paper's seven device profiles."""


@dataclass(frozen=True)
class Machine:
    """A device's numbers: FLOP/s, byte/s and seconds."""

    rate: float
    up: float
    down: float
    latency_s: float = 0.0


@dataclass(frozen=True)
class Work:
    """FLOPs of a batch: forward and backward of G and D, and the input gradient's part of D's backward."""

    g_forward: float
    g_backward: float
    d_forward: float
    d_backward: float
    d_input_gradient: float


PAPER_SERVER = Machine(672 * GIGA, 1e9, 1e9)
PAPER_FLEET = tuple(
    Machine(rate * GIGA, link, link) for rate, link in (PAPER_PROFILES[i % 7] for i in range(80))
)
PAPER_DEVICES = (
    "devices: {server: paper-server, clients: ["
    + ", ".join(f"{{profile: paper-{i % 7 + 1}}}" for i in range(80))
    + "]}\n"
)
"""Eighty clients; client i has profile i mod 7 + 1."""

_D_BACKWARD = GIGA * (0.063422464 + 1.650188288 + 1.855709184 + 1.210171392 + 0.000590016)
PAPER_WORK = Work(
    g_forward=GIGA * (0.18464768 + 13.169393664 + 3.715432448 + 13.185449984 + 0.058103808),
    g_backward=GIGA * (0.187858944 + 26.329153536 + 7.421231104 + 26.351632384 + 0.115806208),
    d_forward=GIGA * (0.0602112 + 0.826499072 + 0.92925952 + 0.605601792 + 0.000295168),
    d_backward=_D_BACKWARD,
    d_input_gradient=_D_BACKWARD,
)
"""The authors' counts for 64 rows; they know no backward with frozen parameters."""


def exact_work(rows: int, width: int = 64) -> Work:
    """Sum the exact costs of all blocks for a batch."""
    nets = cgan28(width)
    g, d = network_costs(nets.generator), network_costs(nets.discriminator)
    return Work(
        g_forward=rows * sum(one.forward_flops for one in g),
        g_backward=rows * sum(one.backward_flops for one in g),
        d_forward=rows * sum(one.forward_flops for one in d),
        d_backward=rows * sum(one.backward_flops for one in d),
        d_input_gradient=rows * sum(one.input_gradient_flops for one in d),
    )


def step_flops(work: Work) -> float:
    """One step of a GAN: D learns from fakes and from real images, then judges the fakes, and G learns."""
    learning = work.g_forward + work.g_backward + 2 * (work.d_forward + work.d_backward)
    return learning + work.d_forward + work.d_input_gradient


def network_bytes(width: int = 64) -> tuple[int, int]:
    """Return |G| and |D|: bytes of parameters and BatchNorm statistics in float32."""
    nets = cgan28(width)
    sums = [
        sum(one.parameter_bytes + one.statistics_bytes for one in network_costs(net))
        for net in (nets.generator, nets.discriminator)
    ]
    return sums[0], sums[1]


def dedicated_s(source: Machine, target: Machine, n_bytes: float) -> float:
    """A message of its own on both access links."""
    return source.latency_s + target.latency_s + n_bytes / min(source.up, target.down)


def paper_s(source: Machine, target: Machine, n_bytes: float) -> float:
    """A message as the authors' formula has it."""
    del target
    return n_bytes / source.up


def devices_text(server: Machine, clients: Sequence[Machine]) -> str:
    """Return the scenario's section of devices."""

    def text(profile: str, one: Machine) -> str:
        return (
            f"{{profile: {profile}, measured_flops_per_s: {one.rate:.0f} FLOP/s, uplink: {one.up:.0f} B/s, "
            f"downlink: {one.down:.0f} B/s, latency: {one.latency_s * 1e3:.0f} ms}}"
        )

    own = ", ".join(text("paper-1", one) for one in clients)
    return f"devices: {{server: {text('paper-server', server)}, clients: [{own}]}}\n"


@st.composite
def machines(draw) -> Machine:
    """Any device whose numbers are whole: their texts lose nothing."""
    rate = draw(st.integers(10**7, 10**12))
    up, down = draw(st.integers(10**4, 10**9)), draw(st.integers(10**4, 10**9))
    return Machine(rate, up, down, draw(st.sampled_from([0.0, 0.003, 2.0])))


fleets = st.tuples(machines(), st.lists(machines(), min_size=1, max_size=6))
"""A server and its clients."""
