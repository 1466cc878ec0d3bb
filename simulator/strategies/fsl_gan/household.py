"""Households: which devices live together, and which of them holds which part of the discriminator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from devices.fleet import Device
from models.local_step import network_payload
from models.memory import blocks_memory_bytes
from simulator.local_plan import made_image_bytes, raw_image_bytes
from simulator.setting import ScenarioError, Setting
from simulator.strategies.fsl_gan.options import PARTS, FslGanOptions

PART_NAMES = ("A", "B", "C")
"""What the parts are called, from the images to the judgement."""


@dataclass(frozen=True)
class Holding:
    """What one device holds of the discriminator: consecutive blocks, of one part or of several."""

    device: Device
    blocks: range


@dataclass(frozen=True)
class Household:
    """Devices on one LAN, which train one discriminator together.

    Attributes:
        id: 0, 1, 2, ...: the client's number.
        devices: all of them, by id. The first is the gateway: it holds the images and the way to the server.
        parts: who holds each part.
        holdings: who holds which blocks, in the order of the blocks; every device once at most.
    """

    id: int
    devices: tuple[Device, ...]
    parts: tuple[Device, ...]
    holdings: tuple[Holding, ...]

    @property
    def gateway(self) -> Device:
        """The device with the images and the way to the server."""
        return self.devices[0]

    @property
    def memory_holdings(self) -> tuple[Holding, ...]:
        """What every device with something to hold has of the discriminator: of a gateway without a part, nothing."""
        if any(one.device is self.gateway for one in self.holdings):
            return self.holdings
        return (Holding(self.gateway, range(0)), *self.holdings)

    @property
    def first(self) -> Device:
        """The device with part A, which needs the images."""
        return self.parts[0]


def make_households(setting: Setting) -> tuple[Household, ...]:
    """Group the fleet's devices in the order of their ids, and place every household's parts.

    Raises:
        ScenarioError: where the parts are not all blocks of the discriminator, or ``placement: multi`` finds no device
            with memory for a part.
    """
    options: FslGanOptions = setting.scenario.strategy
    blocks = _blocks_of_parts(setting, options)
    devices, size = setting.fleet.clients, options.household_size
    return tuple(
        _household(setting, index, devices[start : start + size], blocks)
        for index, start in enumerate(range(0, len(devices), size))
    )


def _blocks_of_parts(setting: Setting, options: FslGanOptions) -> tuple[range, ...]:
    """Return the blocks of every part, in order."""
    length = setting.costs.discriminator.length
    counts = options.parts
    if counts is None:
        counts = tuple(len(part) for part in np.array_split(np.arange(length), PARTS))
    if sum(counts) != length:
        raise setting.loaded.error(
            "strategy.parts",
            f"{list(counts)}, {sum(counts)} blocks together",
            f"allowed: three numbers of at least 1 that sum to {length}, the discriminator's blocks",
        )
    return tuple(range(start, end) for start, end in pairwise(accumulate(counts, initial=0)))


def _household(
    setting: Setting, index: int, devices: tuple[Device, ...], blocks: Sequence[range]
) -> Household:
    options: FslGanOptions = setting.scenario.strategy
    order, gateway = _order(setting, index, devices), devices[0]
    if options.placement == "single":
        parts = [order[min(part, len(order) - 1)] for part in range(len(blocks))]
    else:
        parts = _fill(setting, index, order, gateway, blocks)
    return Household(index, devices, tuple(parts), tuple(_holdings(parts, blocks)))


def _order(setting: Setting, index: int, devices: Sequence[Device]) -> list[Device]:
    """Return a household's devices in the order in which they get parts."""
    if setting.scenario.strategy.selection == "fastest":
        return sorted(devices, key=lambda device: (-device.profile.rate_flops_per_s, device.id))
    drawn = setting.streams.draw("fsl_gan.selection", index).permutation(len(devices))
    return [devices[place] for place in drawn]


def _fill(
    setting: Setting, index: int, order: Sequence[Device], gateway: Device, blocks: Sequence[range]
) -> list[Device]:
    """Give device after device as many consecutive parts as its memory takes.

    A device that has not the memory for the next part is passed over for good: parts run through the devices once.

    Raises:
        ScenarioError: where a part is left when no device is.
    """
    parts: list[Device] = []
    for device in order:
        start = len(parts)
        while len(parts) < len(blocks) and _fits(
            setting, device, _joined(blocks[start : len(parts) + 1]), device is gateway
        ):
            parts.append(device)
    if len(parts) < len(blocks):
        raise _nowhere(setting, index, order, gateway, len(parts), blocks[len(parts)])
    return parts


def part_memory_bytes(setting: Setting, blocks: range) -> int:
    """Return what a device needs to train these blocks of the discriminator on ``batch_size`` rows, in bytes.

    One pass is alive at a time. With the first block come the images of a step, made and real.
    """
    chain, rows = setting.costs.discriminator, setting.scenario.strategy.batch_size
    images = 2 * made_image_bytes(setting) * rows if _needs_images(blocks) else 0
    return blocks_memory_bytes(chain.blocks[blocks.start : blocks.stop], rows) + images


def device_memory_bytes(setting: Setting, blocks: range, gateway: bool) -> int:
    """Return what a device of a household needs at its peak, in bytes.

    A gateway needs more than its part. Where another device has the first block, the step's images go through it: the
    made ones, and the real ones as they are stored. At a round's end it collects the discriminator's other parts and
    hands the average out: the whole of it is there, while its own part's weights, gradients and moments are kept.

    Args:
        setting: the run's setting.
        blocks: what the device holds of the discriminator; an empty range where it is nothing.
        gateway: whether it is its household's gateway.
    """
    training = part_memory_bytes(setting, blocks)
    chain, rows = setting.costs.discriminator.blocks, setting.scenario.strategy.batch_size
    if not gateway or len(blocks) == len(chain):
        return training
    passed_on = 0 if _needs_images(blocks) else rows * (made_image_bytes(setting) + raw_image_bytes(setting))
    kept = blocks_memory_bytes(chain[blocks.start : blocks.stop], 0)
    collected = int(sum(network_payload(setting.costs, "discriminator")))
    return max(training + passed_on, kept + collected)


def _needs_images(blocks: range) -> bool:
    return len(blocks) > 0 and blocks.start == 0


def _fits(setting: Setting, device: Device, blocks: range, gateway: bool) -> bool:
    limit = device.profile.memory_bytes
    return limit is None or device_memory_bytes(setting, blocks, gateway) <= limit


def _nowhere(
    setting: Setting, index: int, order: Sequence[Device], gateway: Device, part: int, blocks: range
) -> ScenarioError:
    """Return the error of a part for which no device has memory left; the largest device is named."""
    limits = {device: device.profile.memory_bytes or 0.0 for device in order}
    largest = max(order, key=lambda device: limits[device])
    needed = device_memory_bytes(setting, blocks, largest is gateway)
    came = (
        f"part {PART_NAMES[part]} of household-{index}'s discriminator needs {needed / 1e6:.4g} MB, which none of "
        f"its {len(order)} devices has besides what it holds; the largest is {largest.name} "
        f"({largest.profile.name})"
    )
    allowed = (
        f"allowed: {limits[largest] / 1e6:.4g} MB on {largest.name}, which it has; larger devices, or more of them "
        "(strategy.household_size), or other strategy.parts"
    )
    return setting.loaded.error("devices.clients", came, allowed)


def _joined(blocks: Sequence[range]) -> range:
    return range(blocks[0].start, blocks[-1].stop)


def _holdings(parts: Sequence[Device], blocks: Sequence[range]) -> Iterator[Holding]:
    """Yield what every device with a part holds; the parts of one device are neighbours."""
    for device in dict.fromkeys(parts):
        own = [one for one, holder in zip(blocks, parts, strict=True) if holder is device]
        yield Holding(device, _joined(own))
