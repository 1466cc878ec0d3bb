"""The legs of a GAN's iteration where one device holds whole networks."""

from __future__ import annotations

from models.split import ComputeLeg, ModelCosts, Work
from models.workload import Workload

LOCAL_STEP = "local_step"
"""The one phase of an iteration that needs nobody else."""


def local_step_legs(workload: Workload, rows: int, generators: int = 1) -> tuple[ComputeLeg, ...]:
    """Return what a device computes in one local iteration, in order.

    Each generator makes fakes (F_G); the discriminator learns from each batch of fakes and from the real one
    (F_D + B_D each); its judgement of each batch of fakes goes back to the images without parameter gradients
    (F_D + B_D^x), and through the generator (B_G). With one generator that is
    F_G + B_G + 2(F_D + B_D) + F_D + B_D^x.

    Args:
        workload: how work is counted.
        rows: charged rows of a batch.
        generators: how many generators one discriminator teaches.
    """

    def leg(network: str, work: Work) -> ComputeLeg:
        return workload.network_leg(network, work, rows, LOCAL_STEP)

    making = leg("generator", Work.FORWARD)
    learning = (leg("discriminator", Work.FORWARD), leg("discriminator", Work.BACKWARD))
    serving = (
        leg("discriminator", Work.FORWARD),
        leg("discriminator", Work.INPUT_GRADIENT),
        leg("generator", Work.BACKWARD),
    )
    return (making,) * generators + learning * (generators + 1) + serving * generators


def network_payload(costs: ModelCosts, *networks: str) -> tuple[float, float]:
    """Return the bytes of parameters, and of statistics, of whole networks by name, each as often as named."""
    chains = [costs.generator if name == "generator" else costs.discriminator for name in networks]
    blocks = [cost for chain in chains for cost in chain.blocks]
    return (
        float(sum(cost.parameter_bytes for cost in blocks)),
        float(sum(cost.statistics_bytes for cost in blocks)),
    )
