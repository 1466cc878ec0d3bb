"""A household's step: what its devices compute and send between the server's two turns, one thing after the other.

The discriminator's parts form a chain A, B, C: a batch passes it forward, and its gradients come back. Whatever goes
from one device to another crosses the household's LAN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from devices.fleet import SERVER_ID, Device
from models.cost import LABEL_BYTES
from models.split import ComputeLeg, PayloadKind, Phase, Work
from simulator.local_plan import Payload, made_image_bytes, payload_bytes, raw_image_bytes
from simulator.setting import Setting
from simulator.strategies.fsl_gan.household import Holding, Household

PASSES = (
    (Phase.DISCRIMINATOR_FAKE, Work.BACKWARD),
    (Phase.DISCRIMINATOR_REAL, Work.BACKWARD),
    (Phase.DISCRIMINATOR_FOR_GENERATOR, Work.INPUT_GRADIENT),
)
"""The discriminator's passes over a step's batches, and what is computed on the way back."""


@dataclass(frozen=True)
class Transfer:
    """One message.

    Attributes:
        source: who sends it.
        target: who gets it.
        payload: what it carries.
        seconds: how long it takes on the LAN; None where it crosses the network.
    """

    source: int
    target: int
    payload: Payload
    seconds: float | None = None

    @property
    def n_bytes(self) -> float:
        """Its whole size."""
        return payload_bytes(self.payload)


@dataclass(frozen=True)
class Turn:
    """What one device computes before it hands on.

    Attributes:
        device: whose turn it is.
        legs: what it computes.
        sent: what it then sends to a neighbour; nothing at a pass's end.
    """

    device: Device
    legs: tuple[ComputeLeg, ...]
    sent: Transfer | None


@dataclass(frozen=True)
class HouseholdStep:
    """What happens in a household in one iteration.

    Attributes:
        received: from the server to the gateway, and from there to the device with part A where that is another.
        passes: the turns of each of the three passes, in order.
        answered: the way of the fakes' gradient to the gateway, where that is another, and to the server.
    """

    received: tuple[Transfer, ...]
    passes: tuple[tuple[Turn, ...], ...]
    answered: tuple[Transfer, ...]


@dataclass
class Lan:
    """A household's local network in one step: who was reached already.

    The latency is charged once a step to every device with a part, with the first message that reaches it.

    Attributes:
        rate_bytes_per_s: what it carries.
        latency_s: what it charges.
        unreached: the devices still to be charged for.
    """

    rate_bytes_per_s: float
    latency_s: float
    unreached: set[int] = field(default_factory=set)

    def carry(self, source: Device, target: Device, payload: Payload) -> Transfer:
        """Return a message from one device to another."""
        latency_s = self.latency_s if target.id in self.unreached else 0.0
        self.unreached.discard(target.id)
        seconds = latency_s + payload_bytes(payload) / self.rate_bytes_per_s
        return Transfer(source.id, target.id, payload, seconds)


def household_step(setting: Setting, household: Household, batch: int) -> HouseholdStep:
    """Lay a household's step out.

    Args:
        setting: the run's setting.
        household: who holds what.
        batch: its rows of real images.
    """
    options, workload = setting.scenario.strategy, setting.workload
    made, own = workload.charged_rows(options.batch_size), workload.charged_rows(batch)
    lan = Lan(options.lan_rate, options.lan_latency, {one.device.id for one in household.holdings})
    gateway, first = household.gateway, household.first
    fakes = _images(PayloadKind.SYNTHETIC_SAMPLE, made, made_image_bytes(setting))
    real = _images(PayloadKind.REAL_SAMPLE, own, raw_image_bytes(setting))
    gradient = ((PayloadKind.GRADIENT, float(made_image_bytes(setting) * made)),)
    received = [Transfer(SERVER_ID, gateway.id, fakes)]
    if gateway is not first:
        received.append(lan.carry(gateway, first, fakes + real))
    passes = tuple(
        tuple(_turns(setting, household.holdings, lan, phase, back, rows))
        for (phase, back), rows in zip(PASSES, (made, own, made), strict=True)
    )
    answered = [] if gateway is first else [lan.carry(first, gateway, gradient)]
    answered.append(Transfer(gateway.id, SERVER_ID, gradient))
    return HouseholdStep(tuple(received), passes, tuple(answered))


def _images(kind: PayloadKind, rows: int, image_bytes: int) -> Payload:
    """Return a batch of images with their labels."""
    return ((kind, float(image_bytes * rows)), (PayloadKind.LABEL, float(LABEL_BYTES * rows)))


def _turns(
    setting: Setting, holdings: Sequence[Holding], lan: Lan, phase: Phase, back: Work, rows: int
) -> Iterator[Turn]:
    """Yield the turns of one pass: down the chain with activations, and back with gradients."""
    workload, blocks = setting.workload, setting.costs.discriminator.blocks

    def leg(holding: Holding, work: Work) -> ComputeLeg:
        return workload.blocks_leg("discriminator", holding.blocks, work, rows, phase)

    def boundary(kind: PayloadKind, holding: Holding) -> Payload:
        """What crosses between a holding and the next one, either way."""
        return ((kind, float(blocks[holding.blocks[-1]].output_bytes * rows)),)

    def returning(holding: Holding) -> tuple[ComputeLeg, ...]:
        """What it computes on the way back; the last one turns round."""
        work = leg(holding, back)
        return (leg(holding, Work.FORWARD), work) if holding is holdings[-1] else (work,)

    for own, following in pairwise(holdings):
        sent = lan.carry(own.device, following.device, boundary(PayloadKind.ACTIVATION, own))
        yield Turn(own.device, (leg(own, Work.FORWARD),), sent)
    for own, before in pairwise(holdings[::-1]):
        sent = lan.carry(own.device, before.device, boundary(PayloadKind.GRADIENT, before))
        yield Turn(own.device, returning(own), sent)
    yield Turn(holdings[0].device, returning(holdings[0]), None)
