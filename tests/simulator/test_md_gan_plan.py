"""MD-GAN's plan: who gets which batch and which discriminator, what is sent, and what must fit where."""

from collections import Counter
from itertools import permutations

import pytest
from plain_whole import BATCH, STEPS_PER_ROUND, tiny_text
from tiny_world import domains, make_plan, play_run

from models.cost import network_costs, segment_saved_bytes
from scenarios.load import ScenarioError
from simulator.commits import NullLearner
from simulator.ledger import ledger
from simulator.strategies.md_gan.plan import derangement
from simulator.strategies.md_gan.reveals import REVEALS
from simulator.streams import Streams

FLOAT64 = 8
IMAGE_BYTES = 28 * 28 * FLOAT64


@pytest.fixture
def plan_of(tmp_path):
    def make(clients: int, *overrides: str):
        text = tiny_text("md_gan", clients, ["mnist5k"])
        return make_plan(tmp_path, domains()[:1], *overrides, text=text)

    return make


def test_derangements_are_drawn_evenly():
    drawn = Counter(derangement(Streams(seed), 4, 0) for seed in range(1800))
    wanted = {one for one in permutations(range(4)) if all(k != other for k, other in enumerate(one))}
    assert drawn.keys() == wanted
    # 200 of each expected; the standard deviation is 13.
    assert all(abs(count - 200) < 5 * 13 for count in drawn.values())


@pytest.mark.parametrize("clients", [2, 3, 80, 1000])
def test_a_derangement_leaves_nobody_with_its_own(clients):
    for round_ in range(5):
        receivers = derangement(Streams(1), clients, round_)
        assert sorted(receivers) == list(range(clients))
        assert all(client != receiver for client, receiver in enumerate(receivers))
        assert receivers == derangement(Streams(1), clients, round_)


def test_one_client_alone_keeps_its_discriminator():
    assert derangement(Streams(0), 1, 0) == ()


@pytest.mark.parametrize(("clients", "k"), [(1, 1), (2, 1), (3, 2), (7, 2), (8, 3), (20, 3)])
def test_k_is_the_logarithm_of_the_number_of_clients(clients, k, plan_of):
    plan = plan_of(clients)
    assert len(plan.judged) == k
    assert plan.made_batches == max(2, k)


def test_more_batches_than_clients_are_refused(plan_of):
    with pytest.raises(ScenarioError, match=r"strategy\.batches: 4 batches for 3 clients.*allowed: 1 to 3"):
        plan_of(3, "strategy.batches=4")


@pytest.mark.parametrize("k", [1, 2, 3])
def test_everybody_learns_from_one_batch_and_judges_another_and_every_judged_batch_has_judges(k, plan_of):
    plan = plan_of(7, f"strategy.batches={k}")
    given = [plan.batches_for(client) for client in plan.clients]
    assert all(learned != judged for learned, judged in given)
    assert {judged for _, judged in given} == set(plan.judged)
    assert {number for pair in given for number in pair} == set(range(plan.made_batches))


def sent(plan) -> dict[tuple[str, str, str], float]:
    lines = ledger(play_run(plan, NullLearner()).tables["transfers"], REVEALS)
    return {
        (str(li.disclosure.kind), li.disclosure.sender, li.disclosure.receiver): li.n_bytes for li in lines
    }


def test_the_ledger_of_a_round(plan_of):
    plan = plan_of(3, "strategy.rounds=1")
    costs = network_costs(plan.setting.architecture.discriminator, FLOAT64)
    messages = 3 * STEPS_PER_ROUND
    assert sent(plan) == {
        ("synthetic_sample", "server", "client"): messages * 2 * BATCH * IMAGE_BYTES,
        ("label", "server", "client"): messages * 2 * BATCH * 8,
        ("gradient", "client", "server"): messages * BATCH * IMAGE_BYTES,
        ("parameters", "client", "client"): 3 * sum(one.parameter_bytes for one in costs),
        ("statistics", "client", "client"): 3 * sum(one.statistics_bytes for one in costs),
    }


@pytest.mark.parametrize(("clients", "swap"), [(3, "false"), (1, "true")])
def test_where_nothing_moves_no_parameters_are_sent(clients, swap, plan_of):
    kinds = {kind for kind, *_ in sent(plan_of(clients, f"strategy.swap={swap}"))}
    assert kinds == {"synthetic_sample", "label", "gradient"}


def test_discriminators_go_to_those_whom_the_plan_names(plan_of):
    plan = plan_of(4, "strategy.rounds=3")
    table = play_run(plan, NullLearner()).tables["transfers"]
    moves = table[table["kind"] == "parameters"]
    for round_ in range(3):
        own = moves[moves["round"] == round_]
        came = sorted(zip(own["source"], own["target"], strict=True))
        wanted = [(f"client-{k}", f"client-{other}") for k, other in enumerate(plan.receivers(round_))]
        assert came == wanted


def test_memory_of_a_client_is_a_discriminator_in_training_and_two_batches_of_images(plan_of):
    plan = plan_of(3)
    costs = network_costs(plan.setting.architecture.discriminator, FLOAT64)
    parameters = sum(one.parameter_bytes for one in costs)
    statistics = sum(one.statistics_bytes for one in costs)
    wanted = 4 * parameters + 2 * statistics + BATCH * segment_saved_bytes(costs) + 2 * BATCH * IMAGE_BYTES
    assert plan.memory_bytes() == (wanted,) * 3


def test_memory_of_the_server_grows_with_the_batches_whose_graphs_it_keeps(plan_of):
    plans = {k: plan_of(4, f"strategy.batches={k}") for k in (1, 2, 3)}
    costs = network_costs(plans[1].setting.architecture.generator, FLOAT64)
    graph = BATCH * segment_saved_bytes(costs)
    weights = 4 * sum(one.parameter_bytes for one in costs) + 2 * sum(one.statistics_bytes for one in costs)
    for k, plan in plans.items():
        images = max(2, k) * BATCH * IMAGE_BYTES
        assert plan.server_memory_bytes() == weights + k * graph + images


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "devices.clients=[{profile: paper-1}, {profile: paper-1, memory: 100 kB}, {profile: paper-1}]",
            r"devices\.clients: a discriminator in training needs .* on client-1",
        ),
        (
            "devices.server={profile: paper-server, memory: 100 kB}",
            r"devices\.server: the generator in training needs .* on server",
        ),
    ],
)
def test_a_device_too_small_is_named(override, message, plan_of):
    with pytest.raises(ScenarioError, match=message):
        plan_of(3, override)
