"""FedGAN's mathematics job by job: against plain PyTorch, against its own rounds, and what lives how long."""

import gc
import weakref
from types import SimpleNamespace

import pytest
import torch
from plain_gan import assert_same_but_for_rounding
from plain_whole import LEARNING_RATE, drawn, gan_step, held, plain_discriminator, plain_generator, tiny_text
from tiny_world import assert_identical, domains, make_learner, make_plan

from models.steps import DivergedError
from simulator.commits import Commit
from simulator.strategies.fedgan import job_training

CLIENTS = 3
STEPS = 2
SHARES = "data.partition={kind: quantity, shares: [1, 2, 1]}"
FEDASYNC = "strategy.aggregation={kind: fedasync, mixing: 0.5, staleness: {kind: polynomial, exponent: 1}}"
FEDBUFF = (
    "strategy.aggregation={kind: fedbuff, buffer: 2, server_rate: 0.5, staleness: {kind: hinge, a: 1, b: 0}}"
)
DEADLINE = "strategy.patience={kind: deadline, deadline: 1 s}"


@pytest.fixture
def made(tmp_path):
    """Make a learner whose clients work by jobs, and plain copies of all its networks."""

    def make(*overrides: str):
        data = domains()[:1]
        text = tiny_text("fedgan", CLIENTS, ["mnist5k"])
        plan = make_plan(tmp_path, data, "strategy.init=common", SHARES, *overrides, text=text)
        learner = make_learner(plan, data)
        plain = [
            (plain_generator(g.blocks), plain_discriminator(d.blocks))
            for g, d in zip(learner.generators, learner.discriminators, strict=True)
        ]
        return SimpleNamespace(plan=plan, learner=learner, plain=plain, data=data)

    return make


def commit(kind: str, *clients: int, round_: int = 0, **info: int) -> Commit:
    return Commit(1, 0.0, kind, clients, (), {"round": round_, **info})


def dispatch(client: int, job: int, version: int, first_step: int = 0) -> Commit:
    return commit("dispatch", client, job=job, version=version, first_step=first_step)


def merge(client: int, job: int, staleness: int, server_step: int = 1) -> Commit:
    return commit("merge", client, job=job, staleness=staleness, server_step=server_step)


def lost(client: int, job: int, steps: int = STEPS) -> Commit:
    return commit("lost", client, job=job, steps=steps)


class PlainJobs:
    """The same jobs in plain PyTorch: states are lists of tensors, one optimiser a client and network."""

    def __init__(self, one) -> None:
        self.one = one
        self.server = [self.copy(net) for net in one.plain[0]]

    @staticmethod
    def copy(net):
        return [tensor.detach().clone() for tensor in net.blocks.state_dict().values()]

    def train(self, client: int, inputs, first_step: int, steps: int = STEPS):
        """Return the states of both networks after a job, and its mean losses."""
        nets = self.one.plain[client]
        for net, states in zip(nets, inputs, strict=True):
            names = net.blocks.state_dict()
            net.blocks.load_state_dict(dict(zip(names, (t.clone() for t in states), strict=True)))
        images, labels = held(self.one.plan, self.one.data, client)
        losses = [
            gan_step(*nets, *drawn(self.one.plan, images, labels, client, first_step + step))
            for step in range(steps)
        ]
        return [self.copy(net) for net in nets], [sum(loss) / steps for loss in zip(*losses, strict=True)]

    def combine(self, *weighted):
        """Return the sum of weighted pairs of states; counters are cut off."""
        return [
            [
                sum(w * t.double() for (w, _), t in zip(weighted, tensors, strict=True)).to(tensors[0].dtype)
                for tensors in zip(*(states[n] for _, states in weighted), strict=True)
            ]
            for n in range(2)
        ]

    def assert_server_is(self, wanted) -> None:
        for name, states in zip(("generator", "discriminator"), wanted, strict=True):
            came = self.one.learner.jobs.server[name].blocks
            module = self.one.plain[0][0 if name == "generator" else 1].blocks
            before = self.copy(SimpleNamespace(blocks=module))
            module.load_state_dict(dict(zip(module.state_dict(), states, strict=True)))
            assert_same_but_for_rounding(came, module, LEARNING_RATE)
            module.load_state_dict(dict(zip(module.state_dict(), before, strict=True)))


def test_fedasync_mixes_each_job_by_its_staleness(made):
    one = made(FEDASYNC)
    plain, learner = PlainJobs(one), one.learner
    for client in range(CLIENTS):
        learner.apply(dispatch(client, job=client, version=0))
    first = plain.server
    a, losses = plain.train(1, first, 0)
    learner.apply(merge(1, job=1, staleness=0))
    assert learner.losses == pytest.approx(losses, rel=1e-6)
    second = plain.combine((0.5, first), (0.5, a))  # 0.5 x 1 / (0 + 1)
    plain.assert_server_is(second)

    learner.apply(dispatch(1, job=3, version=1, first_step=STEPS))
    b, _ = plain.train(0, first, 0)
    learner.apply(merge(0, job=0, staleness=1))
    third = plain.combine((0.75, second), (0.25, b))  # 0.5 x 1 / (1 + 1)
    plain.assert_server_is(third)

    c, losses = plain.train(1, second, STEPS)  # its optimiser goes on, its draws too
    learner.apply(merge(1, job=3, staleness=1))
    assert learner.losses == pytest.approx(losses, rel=1e-6)
    fourth = plain.combine((0.75, third), (0.25, c))
    plain.assert_server_is(fourth)

    d, _ = plain.train(2, first, 0)
    learner.apply(merge(2, job=2, staleness=3))
    plain.assert_server_is(plain.combine((0.875, fourth), (0.125, d)))


def test_fedbuff_steps_by_the_mean_of_the_weighted_differences_of_every_k_jobs(made):
    one = made(FEDBUFF)
    plain, learner = PlainJobs(one), one.learner
    statistics = one.learner.jobs.server["generator"].statistics

    def stepped(server, jobs):
        """``server + 0.5 mean of s (after - before)``; statistics: by half of ``s`` towards what has come."""
        result = []
        for n, network in enumerate(("generator", "discriminator")):
            states = []
            for index, name in enumerate(learner.jobs.server[network].state()):
                value, total = server[n][index].double(), 0.0
                for weight, before, after in jobs:
                    counts = name in learner.jobs.server[network].statistics
                    base = value if counts else before[n][index].double()
                    total = total + weight * (after[n][index].double() - base)
                states.append((value + 0.5 * total / len(jobs)).to(server[n][index].dtype))
            result.append(states)
        return result

    assert statistics
    for client in range(CLIENTS):
        learner.apply(dispatch(client, job=client, version=0))
    first = plain.server
    a, _ = plain.train(0, first, 0)
    learner.apply(merge(0, job=0, staleness=0, server_step=0))
    plain.assert_server_is(first)  # one of two
    learner.apply(dispatch(0, job=3, version=0, first_step=STEPS))
    b, _ = plain.train(1, first, 0)
    learner.apply(merge(1, job=1, staleness=0, server_step=1))
    second = stepped(first, [(1.0, first, a), (1.0, first, b)])
    plain.assert_server_is(second)
    learner.apply(dispatch(1, job=4, version=1, first_step=STEPS))
    c, _ = plain.train(2, first, 0)
    learner.apply(merge(2, job=2, staleness=1, server_step=0))
    d, _ = plain.train(1, second, STEPS)
    learner.apply(merge(1, job=4, staleness=0, server_step=1))
    plain.assert_server_is(stepped(second, [(0.5, first, c), (1.0, second, d)]))  # hinge: 1 / (1 x 1 + 1)


def test_a_lost_job_advances_its_clients_optimisers_and_draws_and_nothing_else(made):
    one = made(FEDASYNC)
    plain, learner = PlainJobs(one), one.learner
    start = {name: tensor.clone() for name, tensor in learner.state().items()}
    learner.apply(dispatch(0, job=0, version=0))
    learner.apply(lost(0, job=0, steps=1))
    assert_identical(learner.state(), start)
    plain.train(0, plain.server, 0, steps=1)
    learner.apply(dispatch(0, job=1, version=0, first_step=1))
    after, losses = plain.train(0, plain.server, 1)
    learner.apply(merge(0, job=1, staleness=0))
    assert learner.losses == pytest.approx(losses, rel=1e-6)
    plain.assert_server_is(plain.combine((0.5, plain.server), (0.5, after)))
    assert steps_of(learner, 0) == {3.0}


def steps_of(learner, client) -> set[float]:
    """How many steps of Adam a client's networks have taken."""
    pair = (learner.generators[client], learner.discriminators[client])
    return {float(state["step"]) for net in pair for state in net.adam.state.values()}


def test_a_job_that_was_lost_before_its_first_step_leaves_no_trace(made):
    once, never = made(FEDASYNC), made(FEDASYNC)
    once.learner.apply(dispatch(0, job=0, version=0))
    once.learner.apply(lost(0, job=0, steps=0))
    for one, job in ((once, 1), (never, 0)):
        one.learner.apply(dispatch(0, job=job, version=0))
        one.learner.apply(merge(0, job=job, staleness=0))
    assert_identical(once.learner.state(), never.learner.state())


def test_who_has_lost_its_state_begins_with_fresh_optimisers(made):
    one, fresh = made(FEDASYNC), made(FEDASYNC)
    one.learner.apply(dispatch(0, job=0, version=0))
    one.learner.apply(lost(0, job=0))
    assert steps_of(one.learner, 0) == {2.0}
    one.learner.apply(commit("rejoin", 0))
    assert steps_of(one.learner, 0) == set()
    for learner in (one.learner, fresh.learner):
        learner.apply(dispatch(0, job=1, version=0, first_step=STEPS))
        learner.apply(merge(0, job=1, staleness=0))
    assert_identical(one.learner.state(), fresh.learner.state())


def test_rounds_of_jobs_with_everybody_are_plain_rounds_to_the_last_bit(made, tmp_path):
    plain, jobs = made(), made(DEADLINE)
    assert plain.learner.jobs is None
    for round_ in range(3):
        for client in range(CLIENTS):
            first = round_ * STEPS
            jobs.learner.apply(dispatch(client, job=10 * round_ + client, version=round_, first_step=first))
        jobs.learner.apply(commit("aggregate", 0, 1, 2, round_=round_))
        for step in range(STEPS):
            plain.learner.apply(commit("iteration", 0, 1, 2, round_=round_, step=step))
        plain.learner.apply(commit("aggregate", 0, 1, 2, round_=round_))
    state = plain.learner.state()
    for name, tensor in jobs.learner.state().items():
        assert torch.equal(tensor, state[name.replace(".server.", ".client-0.")])
    labels, rng = plain.data[0].train_labels[:5], plain.plan.setting.streams
    images = [
        one.learner.generator_for("mnist5k")(labels, rng.draw("test")).tobytes() for one in (plain, jobs)
    ]
    assert images[0] == images[1]


def test_a_round_averages_those_who_are_in_time_by_their_images(made):
    one = made(DEADLINE)
    plain, learner = PlainJobs(one), one.learner
    assert one.plan.setting.deal.sizes == (10, 20, 10)
    for client in range(CLIENTS):
        learner.apply(dispatch(client, job=client, version=0))
    learner.apply(commit("aggregate", 0, 1))
    a, b = (plain.train(client, plain.server, 0)[0] for client in (0, 1))
    average = plain.combine(
        (1 / 3 + 1e-13, a), (2 / 3, b)
    )  # counters are cut off, and lose nothing to rounding
    plain.assert_server_is(average)
    # The late one is lost; it begins anew with the average, and with an optimiser that has gone on.
    learner.apply(lost(2, job=2))
    learner.apply(dispatch(2, job=3, version=1, first_step=STEPS))
    learner.apply(commit("aggregate", 2, round_=1))
    plain.train(2, plain.server, 0)
    plain.assert_server_is(plain.train(2, average, STEPS)[0])
    assert [steps_of(learner, client) for client in range(CLIENTS)] == [{2.0}, {2.0}, {4.0}]


def test_old_versions_live_as_long_as_a_job_that_began_with_them(made):
    one = made(FEDASYNC)
    learner = one.learner
    for client in range(CLIENTS):
        learner.apply(dispatch(client, job=client, version=0))
    first = weakref.ref(learner.jobs.current)
    tensors = [weakref.ref(t) for state in learner.jobs.current.states.values() for t in state.values()]
    learner.apply(merge(0, job=0, staleness=0))
    learner.apply(dispatch(0, job=3, version=1, first_step=STEPS))
    second = weakref.ref(learner.jobs.current)
    learner.apply(merge(1, job=1, staleness=1))
    gc.collect()
    assert first() is not None
    assert second() is not None
    learner.apply(lost(2, job=2, steps=0))
    gc.collect()
    assert first() is None
    assert all(tensor() is None for tensor in tensors)
    assert second() is not None
    learner.apply(merge(0, job=3, staleness=1))
    gc.collect()
    assert second() is None
    assert learner.jobs.jobs == {}


def test_a_job_is_not_trained_before_its_outputs_are_needed(made, monkeypatch):
    one, trained = made(FEDASYNC), []
    step = job_training.gan_step
    monkeypatch.setattr(job_training, "gan_step", lambda *nets: trained.append(1) or step(*nets))
    one.learner.apply(dispatch(0, job=0, version=0))
    one.learner.apply(dispatch(1, job=1, version=0))
    assert trained == []
    one.learner.apply(merge(1, job=1, staleness=0))
    assert len(trained) == STEPS


def test_in_which_order_jobs_of_a_version_are_merged_changes_no_job(made):
    """What a job makes depends on its inputs, its client and its draws alone."""
    outputs = []
    for order in ((0, 1), (1, 0)):
        one = made(FEDASYNC)
        for client in order:
            one.learner.apply(dispatch(client, job=client, version=0))
        for age, client in enumerate(order):
            one.learner.apply(merge(client, job=client, staleness=age))
        outputs.append({name: t.clone() for name, t in one.learner.generators[0].state().items()})
    assert_identical(*outputs)


@pytest.mark.parametrize(
    ("commits", "says"),
    [
        ([dispatch(0, 0, 1)], "job 0 begins with version 1; there is 0"),
        ([dispatch(0, 0, 0), dispatch(0, 1, 0)], "client 0 gets job 1 beside job 0"),
        ([merge(0, 0, 0)], "ends job 0 of client 0; it has none"),
        ([dispatch(0, 0, 0), merge(0, 1, 0)], "ends job 1 of client 0; it has job 0"),
        ([dispatch(0, 0, 0), merge(0, 0, 2)], "is told to be 2 steps of the server old; it is 0"),
        ([commit("recut", 0)], "kind 'recut', which FedGAN does not know"),
    ],
)
def test_time_and_mathematics_that_disagree_are_told(made, commits, says):
    one = made(FEDASYNC)
    *before, last = commits
    for entry in before:
        one.learner.apply(entry)
    with pytest.raises(ValueError, match=says):
        one.learner.apply(last)


def test_a_server_step_on_too_few_jobs_is_refused(made):
    one = made(FEDBUFF)
    one.learner.apply(dispatch(0, job=0, version=0))
    with pytest.raises(ValueError, match="the server steps on 1 jobs; needed: 2"):
        one.learner.apply(merge(0, job=0, staleness=0, server_step=1))


def test_a_round_has_no_merges(made):
    one = made(DEADLINE)
    one.learner.apply(dispatch(0, job=0, version=0))
    with pytest.raises(ValueError, match="merged by a server that averages in rounds"):
        one.learner.apply(merge(0, job=0, staleness=0))


def test_weights_that_are_no_numbers_are_not_merged(made):
    one = made(FEDASYNC)
    one.learner.apply(dispatch(0, job=0, version=0))
    one.learner.apply(dispatch(1, job=1, version=0))
    with torch.no_grad():
        next(one.learner.generators[0].blocks.parameters()).fill_(
            1.0
        )  # is overwritten: inputs come with the job
    one.learner.apply(merge(0, job=0, staleness=0))
    one.learner.discriminators[1].adam.param_groups[0]["lr"] = float("inf")
    with pytest.raises(DivergedError):
        one.learner.apply(merge(1, job=1, staleness=1))
