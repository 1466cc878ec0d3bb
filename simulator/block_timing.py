"""Timing the blocks of a model on this machine's processor, in the memory layout that a run trains them in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from models.architecture import Architecture
from models.ensemble import Ensemble
from models.split import Work
from simulator.calibration import LEAST_REPEATS, Calibration, Part, Setup, calibrate

log = logging.getLogger(__name__)


def measure(
    setup: Setup,
    now: Callable[[], float] = time.perf_counter,
    on_processor: Callable[[], float] = time.thread_time,
) -> Calibration:
    """Measure this machine.

    Args:
        setup: what is measured; torch's number of threads is set for the time of it.
        now: the clock, in seconds.
        on_processor: the seconds that this thread has had a processor.
    """
    log.info(
        "timing the blocks of %s: width %d, batch %d, threads %d",
        *(setup.model.name, setup.model.width, setup.batch, setup.threads),
    )
    with _threads(setup.threads):
        timer = BlockTimer(setup.architecture, setup.batch, now)
        started, started_on_processor = now(), on_processor()
        calibration = calibrate(setup, timer.time_once)
        share = (on_processor() - started_on_processor) / (now() - started)
    calibration = replace(calibration, processor_share=min(share, 1.0))
    if calibration.repeats < LEAST_REPEATS:
        log.warning(
            "too few repeats (%d) to tell whether this machine was quiet; allow for %d",
            *(calibration.repeats, LEAST_REPEATS),
        )
    elif not calibration.is_quiet:
        log.warning(
            "something else kept this machine busy: the repeats differ by %.0f %%, and %.0f %% of the time went by "
            "without a processor; calibrate again when it is quiet",
            *(100 * calibration.spread, 100 * (1 - calibration.processor_share)),
        )
    return calibration


class BlockTimer:
    """Plays the passes of one iteration block by block, each timed by itself, as one client with a batch.

    Weights stay as they are: the optimiser is not part of a block's work, and no leg is charged for it.

    Args:
        architecture: the two networks.
        rows: rows of the batch.
        now: the clock, in seconds.
    """

    def __init__(self, architecture: Architecture, rows: int, now: Callable[[], float]) -> None:
        self._now = now
        # An ensemble lays weights out in memory as the training does; with one client, its composite is everything.
        self._generator, self._discriminator = (
            Ensemble(network, cuts=[(1, 1)], keys=[0], server_key=0, learning_rate=0.0)
            for network in (architecture.generator, architecture.discriminator)
        )
        drawn = torch.Generator().manual_seed(0)
        self._labels = torch.randint(0, architecture.classes, (rows,), generator=drawn)
        self._latent = torch.randn(rows, architecture.latent_size, generator=drawn)
        self._images = torch.rand(rows, *architecture.image_shape, generator=drawn) * 2 - 1

    def time_once(self) -> dict[Part, float]:
        """Do every part of an iteration once; return the seconds of each."""
        seconds = self._pass(self._generator, self._latent, Work.BACKWARD)
        with self._discriminator.frozen():
            seconds |= self._pass(
                self._discriminator, self._images.clone().requires_grad_(), Work.INPUT_GRADIENT
            )
        return seconds | self._pass(self._discriminator, self._images, Work.BACKWARD)

    def _pass(self, network: Ensemble, rows: Tensor, backward: Work) -> dict[Part, float]:
        """Run all blocks forward and back again; what goes from one to the next is cut off from the graph."""
        network.zero_gradients()
        name, seconds = network.network.name, {}
        entered: list[Tensor] = []
        left: list[Tensor] = []
        for index, block in enumerate(network.composite(0)):
            entered.append(rows)
            started = self._now()
            rows = block(rows, self._labels) if index == 0 else block(rows)
            seconds[Part(name, index, Work.FORWARD)] = self._now() - started
            left.append(rows)
            rows = rows.detach().requires_grad_()
        gradient: Tensor | None = torch.full_like(rows, 1 / len(rows))
        for index in reversed(range(len(left))):
            started = self._now()
            torch.autograd.backward(left[index], gradient)
            seconds[Part(name, index, backward)] = self._now() - started
            gradient = entered[index].grad
        return seconds


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
