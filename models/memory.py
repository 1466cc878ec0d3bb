"""What a cut asks of a device's memory: parameters, optimiser state and the saved activations of a batch."""

from __future__ import annotations

from collections.abc import Sequence

from models.cost import BlockCost, segment_saved_bytes
from models.split import ChainCosts, Cut, ModelCosts, segment_bytes, server_positions

BYTES_OF_ADAM_STATE_PER_PARAMETER_BYTE = 2
"""Adam keeps two moments, each as large as the parameter."""

COPIES_OF_STATISTICS = 2
"""BatchNorm holds its running mean and variance, and for the backward the batch's mean and deviation."""


def memory_bytes(costs: ModelCosts, cut: Cut, batch: int) -> int:
    """Return the memory a client needs at its peak, in bytes.

    Parameters, their gradients and Adam's two moments; BatchNorm's statistics, running and of the batch; the saved
    activations of a batch. The generator's activations live through the discriminator's passes, and one discriminator
    pass is alive at a time (docs/model.md, section 6).
    """
    parameters, statistics = segment_bytes(costs, cut)
    generator, discriminator = costs.generator, costs.discriminator
    segments = (
        generator.blocks[: cut.g_head],
        generator.blocks[generator.length - cut.g_tail :],
        discriminator.blocks[: cut.d_head],
        discriminator.blocks[discriminator.length - cut.d_tail :],
    )
    activations = sum(segment_saved_bytes(blocks) for blocks in segments) * batch
    copies_of_parameters = 2 + BYTES_OF_ADAM_STATE_PER_PARAMETER_BYTE
    return int(parameters * copies_of_parameters + statistics * COPIES_OF_STATISTICS + activations)


def network_memory_bytes(chain: ChainCosts, batch: int) -> int:
    """Return the memory of one whole network in training, in bytes, counted as a client's segments are."""
    return blocks_memory_bytes(chain.blocks, batch)


def blocks_memory_bytes(blocks: Sequence[BlockCost], batch: int) -> int:
    """Return the memory of neighbouring blocks of one network in training, in bytes; see :func:`memory_bytes`.

    Args:
        blocks: costs of neighbouring blocks, in order; may be empty.
        batch: rows of a batch.
    """
    parameters = sum(cost.parameter_bytes for cost in blocks)
    statistics = sum(cost.statistics_bytes for cost in blocks)
    copies_of_parameters = 2 + BYTES_OF_ADAM_STATE_PER_PARAMETER_BYTE
    activations = segment_saved_bytes(blocks) * batch
    return int(parameters * copies_of_parameters + statistics * COPIES_OF_STATISTICS + activations)


def server_memory_bytes(costs: ModelCosts, cuts: Sequence[Cut], batches: Sequence[int]) -> int:
    """Return the server's peak memory in bytes, counted as a client's.

    Its copies of every middle block with gradients and Adam's moments, and the saved activations of the rows it
    runs through each of them.
    """
    total = 0
    for network in ("generator", "discriminator"):
        chain = costs.generator if network == "generator" else costs.discriminator
        for block in server_positions(chain):
            cost = chain.blocks[block]
            rows = sum(
                batch
                for cut, batch in zip(cuts, batches, strict=True)
                if _server_runs(chain, cut, network, block)
            )
            total += cost.parameter_bytes * (2 + BYTES_OF_ADAM_STATE_PER_PARAMETER_BYTE)
            total += cost.statistics_bytes * COPIES_OF_STATISTICS + cost.saved_activation_bytes * rows
    return int(total)


def _server_runs(chain: ChainCosts, cut: Cut, network: str, block: int) -> bool:
    head, tail = (cut.g_head, cut.g_tail) if network == "generator" else (cut.d_head, cut.d_tail)
    return head <= block < chain.length - tail
