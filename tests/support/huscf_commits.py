"""HuSCF-GAN's learner on four clients: its commits, and core activations whose clusters and weights are known."""

import math
from types import SimpleNamespace

import torch
from plain_gan import PlainGan
from tiny_world import domains, make_learner, make_plan

from models.steps import IterationResult
from simulator.commits import Commit, Pass
from simulator.strategies.huscf_gan import learner as learner_module

CUTS = [(1, 1, 1, 1), (2, 1, 1, 2), (1, 2, 2, 1), (2, 2, 2, 2)]
"""As in the scenario of ``tiny_world``: (g_head, g_tail, d_head, d_tail)."""

EVERYBODY = (0, 1, 2, 3)
PASSES = ("generator_forward", "discriminator_fake", "discriminator_real", "discriminator_for_generator")
STEPS_PER_ROUND = 2
LEARNING_RATE = 0.002


def iteration(round_=0, step=0, seq=1, who=None, **skips) -> Commit:
    """An iteration's commit; ``who`` maps a pass to (forward, backward) where not everybody was there."""
    present = dict.fromkeys(PASSES, (EVERYBODY, EVERYBODY)) | (who or {})
    passes = tuple(Pass(name, *present[name]) for name in PASSES)
    return Commit(seq, 0.0, "iteration", EVERYBODY, passes, {"round": round_, "step": step, **skips})


def aggregation(round_: int, clients=EVERYBODY) -> Commit:
    return Commit(9, 0.0, "aggregate", clients, (), {"round": round_})


def make_one(folder, *overrides: str) -> SimpleNamespace:
    """Make a learner with its plan and the plain version of it, with equal weights but each copy its own."""
    data = domains()
    wanted = ("strategy.init=independent", f"strategy.learning_rate={LEARNING_RATE}", *overrides)
    plan = make_plan(folder, data, *wanted)
    learner = make_learner(plan, data)
    plain = PlainGan(2, [cut[:2] for cut in CUTS], [cut[2:] for cut in CUTS], LEARNING_RATE)
    plain.take_weights_of(learner.generator, learner.discriminator)
    return SimpleNamespace(learner=learner, plan=plan, plain=plain, data=data)


LOST = {
    "fake": {"discriminator_fake": (EVERYBODY, (0, 2, 3))},
    "real": {"discriminator_real": (EVERYBODY, (0, 2, 3))},
    "serve": {"discriminator_for_generator": (EVERYBODY, (0, 2, 3))},
    "generator": {"generator_forward": (EVERYBODY, (0, 2, 3))},
    "real altogether": {"discriminator_real": ((0, 2, 3), (0, 2, 3))},
    "two clients, two passes": {
        "discriminator_fake": (EVERYBODY, (1, 2, 3)),
        "discriminator_for_generator": ((1, 2, 3), (2, 3)),
    },
}


# Core activations that give simple distributions: softmax(log p) = p. Two filters of two positions.
H, Q = (0.5, 0.5), (0.25, 0.75)
FAR = 40.0
"""Added to both positions of a filter it changes no distribution, but puts a client far from the others."""


def core_rows(filters, shift, rows):
    """Rows ``[rows, 2, 1, 2]`` with this mean over the batch; single rows differ from it."""
    mean = torch.tensor(filters, dtype=torch.float64).log().reshape(1, 2, 1, 2) + shift
    wobble = torch.linspace(-1, 1, rows, dtype=torch.float64).reshape(rows, 1, 1, 1)
    return mean + wobble * torch.tensor([3.0, -5.0], dtype=torch.float64).reshape(1, 1, 1, 2)


CORE = {
    0: core_rows((H, Q), 0.0, 3),
    1: core_rows((H, H), FAR, 2),
    2: core_rows((Q, H), FAR, 2),
    3: core_rows((Q, Q), 0.0, 4),
}
"""Two clusters: (0, 3) and (1, 2). Within each the members differ in the first filter, one h, the other q."""

KL_Q_H = 0.25 * math.log(1 / 2) + 0.75 * math.log(3 / 2)  # 0.130812: KL(q || h)
KL_H_Q = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)  # 0.143841: KL(h || q)

SIZES = (10, 30, 10, 30)
SHARES = "data.partition={kind: quantity, shares: [1, 3]}"


def mix(a: float, p, q) -> tuple[float, float]:
    return (a * p[0] + (1 - a) * q[0], a * p[1] + (1 - a) * q[1])


def kl(q, p) -> float:
    return sum(one * math.log(one / other) for one, other in zip(q, p, strict=True))


# Over all clients: Q_k is the mean of the three others. First filter h, h, q, q; second filter q, h, h, q.
ONE_H_TWO_Q, TWO_H_ONE_Q = mix(1 / 3, H, Q), mix(2 / 3, H, Q)
GLOBAL_KLD = (
    (kl(ONE_H_TWO_Q, H) + kl(TWO_H_ONE_Q, Q)) / 2,
    (kl(ONE_H_TWO_Q, H) + kl(ONE_H_TWO_Q, H)) / 2,
    (kl(TWO_H_ONE_Q, Q) + kl(ONE_H_TWO_Q, H)) / 2,
    (kl(TWO_H_ONE_Q, Q) + kl(TWO_H_ONE_Q, Q)) / 2,
)


def normalised(values):
    return [value / sum(values) for value in values]


def averaging(one, monkeypatch, round_: int, clients=EVERYBODY):
    """Fill every copy with its holder's number, give the known activations, aggregate; return the decision."""
    means = {client: rows.to(torch.float64).mean(dim=0) for client, rows in CORE.items()}
    result = IterationResult(0.5, 0.5, means)
    monkeypatch.setattr(learner_module, "gan_iteration", lambda *args: result)
    one.learner.apply(iteration(round_))
    for net in (one.learner.generator, one.learner.discriminator):
        for number, blocks in zip((1000, 100, 200, 300, 400), (net.server, *net.own), strict=True):
            for module in blocks.values():
                for tensor in module.state_dict().values():
                    tensor.fill_(number)
    return one.learner.apply(aggregation(round_, clients))


def value_of(module) -> float:
    """The one number in all floating tensors of a block; its counter is that number cut off."""
    tensors = list(module.state_dict().values())
    numbers = {float(v) for tensor in tensors if tensor.is_floating_point() for v in tensor.flatten()}
    assert len(numbers) == 1
    counters = [int(tensor) for tensor in tensors if not tensor.is_floating_point()]
    assert all(counter == int(min(numbers) + 1e-9) for counter in counters)
    return numbers.pop()
