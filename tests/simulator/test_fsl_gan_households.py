"""Which devices live together, who holds which part of the discriminator, and what memory that takes."""

from collections import Counter

import pytest
from tiny_world import domains, make_plan

from models.split import PayloadKind
from scenarios.messages import ScenarioError
from simulator.writing import cuts_table

SCENARIO = """\
name: houses
devices:
  server: paper-server
  clients: [{profile: paper-1}, {profile: paper-3}, {profile: paper-2}, {profile: paper-5}, {profile: paper-4}]
  order: listed
data:
  domains: [{dataset: mnist5k}, {dataset: glyphs}]
model: {width: 2}
strategy: {name: fsl_gan, batch_size: 4, selection: fastest}
execution: {precision: float64, threads: 1}
"""
"""Two households: clients 0, 1 and 2 (0.48, 124.8 and 48 GFLOP/s), clients 3 and 4 (16 and 45.76)."""


@pytest.fixture
def plan_of(tmp_path):
    def make(*overrides, text=SCENARIO):
        return make_plan(tmp_path, domains(80), *overrides, text=text)

    return make


def parts_of(plan) -> list[str]:
    """Each household's parts as the ids of their devices, such as 012."""
    return ["".join(str(device.id) for device in one.parts) for one in plan.households]


def blocks_of(plan) -> list[dict[int, list[int]]]:
    return [{one.device.id: list(one.blocks) for one in house.holdings} for house in plan.households]


def test_devices_live_together_in_the_order_of_their_ids_and_the_last_house_may_be_smaller(plan_of):
    plan = plan_of()
    assert plan.clients == (0, 1)
    assert [[device.id for device in one.devices] for one in plan.households] == [[0, 1, 2], [3, 4]]
    assert [one.gateway.id for one in plan.households] == [0, 3]
    assert len(plan.setting.deal.sizes) == len(plan.batches) == 2
    four = plan_of("strategy.household_size=1", "data.domains.0.clients=4")
    assert four.clients == (0, 1, 2, 3, 4)
    assert four.setting.deal.domain_of == (0, 0, 0, 0, 1)


def test_domains_count_households(plan_of):
    with pytest.raises(ScenarioError) as caught:
        plan_of("data.domains.0.clients=3", "data.domains.1.clients=2")
    assert "the domains ask for 5 clients; the fleet has 2 households" in str(caught.value)


def test_the_fastest_come_first_one_part_each_and_the_last_takes_the_rest(plan_of):
    plan = plan_of()
    assert parts_of(plan) == ["120", "433"]
    assert blocks_of(plan) == [{1: [0, 1], 2: [2, 3], 0: [4]}, {4: [0, 1], 3: [2, 3, 4]}]
    assert parts_of(plan_of("strategy.household_size=1", "data.domains.0.clients=4"))[2] == "222"
    assert parts_of(plan_of("strategy.household_size=5", "data.domains=[{dataset: mnist5k}]")) == ["124"]


def test_equally_fast_devices_come_in_the_order_of_their_ids(plan_of):
    same = "devices.clients=[{profile: paper-2, count: 6}]"
    assert parts_of(plan_of(same)) == ["012", "345"]


def test_at_random_every_order_comes_and_a_seed_repeats_it(plan_of):
    many = "devices.clients=[{profile: paper-2, count: 180}]"
    drawn = plan_of(many, "strategy.selection=random")
    orders = Counter(tuple(device.id % 3 for device in one.parts) for one in drawn.households)
    assert len(orders) == 6
    # 60 draws of six orders: ten each, with a standard deviation of 2.9.
    assert max(orders.values()) <= 22
    assert parts_of(plan_of(many, "strategy.selection=random")) == parts_of(drawn)
    assert parts_of(plan_of(many, "strategy.selection=random", "seed=1")) != parts_of(drawn)


def test_parts_are_as_stated_or_as_even_as_can_be(plan_of):
    assert blocks_of(plan_of("strategy.parts=[1, 3, 1]"))[0] == {1: [0], 2: [1, 2, 3], 0: [4]}
    assert blocks_of(plan_of("strategy.parts=[2, 2, 1]")) == blocks_of(plan_of())


@pytest.mark.parametrize("parts", ["[2, 2, 2]", "[1, 1, 1]"])
def test_parts_that_are_not_all_blocks_are_refused(plan_of, parts):
    with pytest.raises(ScenarioError) as caught:
        plan_of(f"strategy.parts={parts}")
    came = f"strategy.parts: {parts}, {sum(map(int, parts[1:-1].split(', ')))} blocks together"
    allowed = "allowed: three numbers of at least 1 that sum to 5, the discriminator's blocks"
    assert str(caught.value).endswith(f"{came}; {allowed}")


@pytest.mark.parametrize("parts", ["[2, 3]", "[2, 1, 1, 1]", "[0, 3, 2]", "[a, 1, 1]", "5"])
def test_parts_that_are_not_three_numbers_are_refused(plan_of, parts):
    with pytest.raises(ScenarioError, match=r"strategy\.parts"):
        plan_of(f"strategy.parts={parts}")


def bytes_to_train(plan, blocks) -> int:
    """Parameters with gradient and two moments, statistics twice, activations, and with the first block images."""
    costs = [plan.setting.costs.discriminator.blocks[block] for block in blocks]
    rows = plan.setting.scenario.strategy.batch_size
    kept = sum(cost.saved_activation_bytes for cost in costs)
    kept -= sum(cost.shared_input_bytes for cost in costs[1:])
    images = 2 * 28 * 28 * 8 * rows if 0 in blocks else 0
    held = sum(4 * cost.parameter_bytes + 2 * cost.statistics_bytes for cost in costs)
    return held + kept * rows + images


IMAGE_VALUES = 28 * 28


def bytes_to_hold(plan, blocks, gateway) -> int:
    """A gateway without the first block passes a step's fakes (8-byte numbers) and raw images (1-byte pixels) on.

    At a round's end it has all parameters and statistics besides what it keeps of its own part.
    """
    trained = bytes_to_train(plan, blocks)
    costs = plan.setting.costs.discriminator.blocks
    if not gateway or len(blocks) == len(costs):
        return trained
    rows = plan.setting.scenario.strategy.batch_size
    passed_on = 0 if 0 in blocks else rows * (8 * IMAGE_VALUES + IMAGE_VALUES)
    kept = sum(4 * costs[block].parameter_bytes + 2 * costs[block].statistics_bytes for block in blocks)
    collected = sum(cost.parameter_bytes + cost.statistics_bytes for cost in costs)
    return max(trained + passed_on, kept + collected)


def with_memory(*megabytes: float) -> str:
    profiles = ("paper-1", "paper-3", "paper-2")
    entries = [
        f"{{profile: {profile}, memory: {round(mega * 1e6)} B}}"
        for profile, mega in zip(profiles, megabytes, strict=True)
    ]
    return f"devices.clients=[{', '.join(entries)}]"


ONE_DOMAIN = "data.domains=[{dataset: mnist5k}]"


def test_multi_gives_a_device_all_that_its_memory_takes(plan_of):
    multi = "strategy.placement=multi"
    assert parts_of(plan_of(multi)) == ["111", "444"]  # no memory is stated: unlimited
    plan = plan_of()
    a, b, c = range(2), range(2, 4), range(4, 5)
    ab = bytes_to_train(plan, range(4)) / 1e6
    bc = bytes_to_train(plan, range(2, 5)) / 1e6
    ones = [bytes_to_train(plan, part) / 1e6 for part in (a, b, c)]
    gate_bc, gate_c = (bytes_to_hold(plan, part, True) / 1e6 for part in (range(2, 5), c))
    passing = bytes_to_hold(plan, range(0), True) / 1e6
    # In the order of speed: clients 1, 2, 0.
    assert parts_of(plan_of(multi, ONE_DOMAIN, with_memory(passing, ab, 1e3))) == ["112"]
    assert parts_of(plan_of(multi, ONE_DOMAIN, with_memory(1e3, ones[0], bc))) == ["122"]
    assert parts_of(plan_of(multi, ONE_DOMAIN, with_memory(gate_c, ones[0], ones[1]))) == ["120"]
    with pytest.raises(ScenarioError, match="part C of household-0's discriminator needs"):
        plan_of(multi, ONE_DOMAIN, with_memory(gate_c - 2e-6, ones[0], ones[1]))
    # A device too small for the next part is passed over.
    assert parts_of(plan_of(multi, ONE_DOMAIN, with_memory(gate_bc, ones[0] * 0.99, ones[0]))) == ["200"]


def test_a_part_that_fits_nowhere_is_refused_by_name(plan_of):
    needed = bytes_to_train(plan_of(), range(2)) / 1e6
    with pytest.raises(ScenarioError) as caught:
        plan_of("strategy.placement=multi", ONE_DOMAIN, with_memory(1e-3, needed * 0.99, 2e-3))
    message = str(caught.value)
    assert "devices.clients: part A of household-0's discriminator needs " in message
    assert f"needs {needed:.4g} MB, which none of its 3 devices has" in message
    assert f"allowed: {needed * 0.99:.4g} MB on client-1, which it has" in message


def test_single_is_refused_where_its_part_does_not_fit(plan_of):
    plan = plan_of()
    needs = [bytes_to_train(plan, blocks) / 1e6 for blocks in (range(2), range(2, 4))]
    needs.insert(0, bytes_to_hold(plan, range(4, 5), True) / 1e6)
    assert parts_of(plan_of(ONE_DOMAIN, with_memory(*needs))) == ["120"]
    with pytest.raises(ScenarioError) as caught:
        plan_of(ONE_DOMAIN, with_memory(needs[0], needs[1], needs[2] - 1e-6))
    came = f"blocks 3 to 4 of a household's discriminator in training needs {needs[2]:.4g} MB on client-2 (paper-2)"
    assert came in str(caught.value)


def test_a_gateway_without_a_part_needs_memory_for_what_passes_through_it(plan_of):
    """Client 0 is the gateway of four; the three faster ones have the parts."""
    four = (ONE_DOMAIN, "strategy.household_size=4")

    def houses(megabytes: float) -> str:
        return (
            f"devices.clients=[{{profile: paper-1, memory: {round(megabytes * 1e6)} B}}, "
            "{profile: paper-3}, {profile: paper-2}, {profile: paper-4}]"
        )

    plan = plan_of(*four, houses(1e3))
    assert parts_of(plan) == ["123"]
    rows, image = 4, 28 * 28
    discriminator = sum(
        cost.parameter_bytes + cost.statistics_bytes for cost in plan.setting.costs.discriminator.blocks
    )
    needed = max(rows * (8 * image + image), discriminator)
    assert plan.memory_bytes() == (
        needed + sum(bytes_to_train(plan, blocks) for blocks in (range(2), range(2, 4), range(4, 5))),
    )
    plan_of(*four, houses(needed / 1e6))
    with pytest.raises(ScenarioError) as caught:
        plan_of(*four, houses(needed / 1e6 - 2e-6))
    came = "a household's images and discriminator on their way needs "
    assert f"devices.clients: {came}{needed / 1e6:.4g} MB on client-0 (paper-1)" in str(caught.value)


def test_a_server_too_small_for_the_generator_is_refused(plan_of):
    with pytest.raises(ScenarioError, match=r"devices\.server: the generator in training needs .* on server"):
        plan_of("devices.server={profile: paper-server, memory: 1 kB}")


def test_the_table_of_clients_tells_of_households(plan_of):
    plan = plan_of()
    table = cuts_table(plan)
    assert table["client"].tolist() == ["household-0", "household-1"]
    assert table["profile"].tolist() == ["paper-1 paper-3 paper-2", "paper-5 paper-4"]
    assert table["devices"].tolist() == ["client-0 client-1 client-2", "client-3 client-4"]
    assert table[["part_a", "part_b", "part_c"]].values.tolist() == [
        ["client-1", "client-2", "client-0"],
        ["client-4", "client-3", "client-3"],
    ]
    gateways = [one.gateway.id for one in plan.households]
    wanted = [
        sum(bytes_to_hold(plan, blocks, device == gateway) for device, blocks in one.items())
        for gateway, one in zip(gateways, blocks_of(plan), strict=True)
    ]
    assert table["memory_bytes"].tolist() == wanted


def test_images_stay_at_home(plan_of):
    """No real image and no label of one leaves its household, whatever is sent."""
    plan = plan_of("strategy.selection=random", "strategy.household_size=2")
    for house, step, ways in zip(
        plan.households, plan.steps, zip(plan.uploads, plan.downloads, strict=True), strict=True
    ):
        members = {device.id for device in house.devices}
        sent = [*step.received, *step.answered, *(one for way in ways for one in way)]
        sent += [turn.sent for turns in step.passes for turn in turns if turn.sent]
        for one in sent:
            kinds = {kind for kind, _ in one.payload}
            at_home = {one.source, one.target} <= members
            assert at_home == (one.seconds is not None)
            if PayloadKind.REAL_SAMPLE in kinds or PayloadKind.ACTIVATION in kinds:
                assert at_home
