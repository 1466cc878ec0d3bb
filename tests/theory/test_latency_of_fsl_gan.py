"""Federated Split GANs: formula, events, and a closed form written out here from the method's description.

F_G/S + max over households [down + chain + LAN + up] + B_G/S. In a chain nothing overlaps, so a household's step is a
sum; what crosses the LAN are bytes over its rate, and 50 ms for every device with a part, where anything crosses it.
"""

import dataclasses
import math

import numpy as np
import pytest
from drawn_profiles import powers_of_ten, profiles
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from small_worlds import fleet_of, profile, random_costs
from tiny_world import domains, make_plan, play_run

from models.cgan import cgan28
from models.split import model_costs
from models.workload import DataflowWorkload
from scenarios.messages import ScenarioError
from simulator.commits import NullLearner
from simulator.kernel.network import DedicatedNetwork, Network
from simulator.ledger import ledger
from simulator.planning import make_plan as plan_of
from simulator.registry import STRATEGIES
from simulator.setting import Deal
from simulator.timing_only import latency

EXACT = 1e-9
GIGA = 1e9

# The authors' counts: FLOPs per batch of 64, discriminator blocks 1 to 5, and bytes of their outputs.
G_FORWARD = (0.18464768 + 13.169393664 + 3.715432448 + 13.185449984 + 0.058103808) * GIGA
G_BACKWARD = (0.187858944 + 26.329153536 + 7.421231104 + 26.351632384 + 0.115806208) * GIGA
D_FORWARD = np.array([0.0602112, 0.826499072, 0.92925952, 0.605601792, 0.000295168]) * GIGA
D_BACKWARD = np.array([0.063422464, 1.650188288, 1.855709184, 1.210171392, 0.000590016]) * GIGA
D_OUTPUT = np.array([3_211_264, 1_605_632, 1_605_632, 589_824, 256])
RATES = np.array([0.48, 48, 124.8, 45.76, 16, 36, 120]) * GIGA
LINKS = np.array([50e6, 150e6, 1000e6, 300e6, 50e6, 100e6, 800e6])
SERVER_RATE, SERVER_LINK = 672e9, 1e9
IMAGES, RAW_IMAGES, LABELS = 64 * 784 * 4, 64 * 784, 64 * 8
PARAMETERS = 816_737 * 4
STATISTICS = 2 * (64 + 128 + 128 + 256) * 4
PARTS = (slice(0, 2), slice(2, 4), slice(4, 5))
LAN_RATE, LAN_LATENCY_S = 50e6, 0.05

PAPER_FLEET = """\
name: fsl
devices:
  server: paper-server
  clients:
    - {profile: paper-1, count: 12}
    - {profile: paper-2, count: 12}
    - {profile: paper-3, count: 12}
    - {profile: paper-4, count: 11}
    - {profile: paper-5, count: 11}
    - {profile: paper-6, count: 11}
    - {profile: paper-7, count: 11}
cost_model: paper
network: {model: paper}
strategy: {name: fsl_gan, selection: fastest, rounds: 1, steps_per_round: 7}
"""
KINDS = [client % 7 for client in range(80)]


def paper_household_s(devices) -> tuple[float, float, float]:
    """A step, the way of the parts to the server, and their way back, for devices in id order, the fastest first."""
    order = sorted(devices, key=lambda device: (-RATES[KINDS[device]], device))
    blocks = [[0, 1], [2, 3], [4]]
    held = {}
    for part, own in enumerate(blocks):
        held.setdefault(order[min(part, len(order) - 1)], []).extend(own)
    gateway, first = devices[0], order[0]
    uplink = LINKS[KINDS[gateway]]
    wan_s = (IMAGES + LABELS) / SERVER_LINK + IMAGES / uplink
    chain_s = sum(
        3 * (D_FORWARD[own] + D_BACKWARD[own]).sum() / RATES[KINDS[device]] for device, own in held.items()
    )
    crossing = sum(6 * D_OUTPUT[own[-1]] for own in list(held.values())[:-1])
    if first != gateway:
        crossing += IMAGES + RAW_IMAGES + 2 * LABELS + IMAGES
    reached = 0 if list(held) == [gateway] else len(held)
    step_s = wan_s + chain_s + crossing / LAN_RATE + reached * LAN_LATENCY_S
    return step_s, *paper_exchange_s(held, gateway, uplink)


PARAMETERS_OF_BLOCK = [
    10 * 784 + (2 * 16 + 1) * 64 + 2 * 64,
    (64 * 16 + 1) * 128 + 2 * 128,
    (128 * 9 + 1) * 128 + 2 * 128,
    (128 * 16 + 1) * 256 + 2 * 256,
    2304 + 1,
]
STATISTICS_OF_BLOCK = [2 * 64, 2 * 128, 2 * 128, 2 * 256, 0]


def paper_exchange_s(held, gateway, uplink) -> tuple[float, float]:
    others = [own for device, own in held.items() if device != gateway]
    values = sum(PARAMETERS_OF_BLOCK[block] + STATISTICS_OF_BLOCK[block] for own in others for block in own)
    lan_s = 4 * values / LAN_RATE + len(others) * LAN_LATENCY_S
    whole = PARAMETERS + STATISTICS
    return lan_s + whole / uplink, lan_s + whole / SERVER_LINK


@pytest.mark.parametrize("engine", ["formula", "events"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_papers_fleet_under_the_papers_cost_model(tmp_path, engine, size):
    path = tmp_path / "fsl.yaml"
    path.write_text(PAPER_FLEET)
    assert sum(PARAMETERS_OF_BLOCK) * 4 == PARAMETERS
    came = latency(path, [f"strategy.household_size={size}"], engine)
    houses = [list(range(80))[start : start + size] for start in range(0, 80, size)]
    steps_s, up_s, down_s = zip(*map(paper_household_s, houses), strict=True)
    iteration_s = G_FORWARD / SERVER_RATE + max(steps_s) + G_BACKWARD / SERVER_RATE
    assert came["iteration_latency_s"] == pytest.approx(iteration_s, rel=EXACT)
    round_s = 7 * iteration_s + max(up_s) + max(down_s)
    assert came["round_latency_s"] == pytest.approx(round_s, rel=EXACT)
    if size == 1:
        # Profile 1 alone: three passes of the whole discriminator, 45.0 s.
        assert max(steps_s) == pytest.approx(45.0, abs=0.05)


def test_a_household_of_one_device_has_no_lan(tmp_path):
    path = tmp_path / "fsl.yaml"
    path.write_text(PAPER_FLEET)
    one = latency(path, ["strategy.household_size=1"])
    slow = latency(path, ["strategy.household_size=1", "strategy.lan_latency=9 s", "strategy.lan_rate=1 B/s"])
    assert slow["round_latency_s"] == one["round_latency_s"]


SMALL = """\
name: tiny
devices:
  server: paper-server
  clients: [{profile: paper-1, count: 2}]
data: {domains: [{dataset: mnist5k}]}
model: {width: 2}
strategy: {name: fsl_gan, rounds: 1, steps_per_round: 2, batch_size: 5, selection: SELECTION, placement: PLACEMENT}
execution: {precision: float64, threads: 1}
"""


@pytest.fixture(scope="module")
def settings_of(tmp_path_factory):
    """Settings of scenarios with any devices, costs and images, whatever a file could say."""
    folder = tmp_path_factory.mktemp("fsl")
    bases = {}

    def make(fleet, costs, images, **options):
        way = (options.pop("selection"), options.pop("placement"))
        if way not in bases:
            text = SMALL.replace("SELECTION", way[0]).replace("PLACEMENT", way[1])
            bases[way] = make_plan(folder, domains()[:1], text=text).setting
        base = bases[way]
        strategy = base.scenario.strategy.model_copy(update=options)
        loaded = dataclasses.replace(
            base.loaded, scenario=base.scenario.model_copy(update={"strategy": strategy})
        )
        houses = -(-len(fleet.clients) // strategy.household_size)
        held = tuple(np.arange(images[house % len(images)]) for house in range(houses))
        return dataclasses.replace(
            base,
            loaded=loaded,
            fleet=fleet,
            network=Network(fleet, DedicatedNetwork()),
            workload=DataflowWorkload(costs),
            deal=Deal(("mnist5k",), (0,) * houses, held),
        )

    return make


def splits(length: int):
    """Three parts of so many blocks."""
    cuts = st.lists(st.integers(1, length - 1), min_size=2, max_size=2, unique=True).map(sorted)
    return cuts.map(lambda at: (at[0], at[1] - at[0], length - at[1]))


@st.composite
def drawn_options(draw, length):
    return {
        "selection": draw(st.sampled_from(["random", "fastest"])),
        "placement": draw(st.sampled_from(["single", "multi"])),
        "household_size": draw(st.integers(1, 5)),
        "parts": draw(st.none() | splits(length)),
        "lan_latency": draw(st.sampled_from([0.0, 0.05, 3.0])),
        "lan_rate": draw(powers_of_ten(2, 8)),
    }


def whole_bytes(costs) -> int:
    """The memory of a whole discriminator in training on five rows, and a bit more."""
    blocks = costs.discriminator.blocks
    held = sum(4 * cost.parameter_bytes + 2 * cost.statistics_bytes for cost in blocks)
    rows = 5 * sum(cost.saved_activation_bytes for cost in blocks)
    return held + rows + 10 * costs.generator.blocks[-1].output_bytes


@st.composite
def drawn_worlds(draw, settings_of, device):
    """The plan of a run on any devices, households and costs; some devices have little memory."""
    lengths = draw(st.tuples(*[st.sampled_from([3, 5, 7])] * 2))
    costs = random_costs(lengths, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    server, *clients = draw(st.lists(device, min_size=2, max_size=9))
    memories = st.none() | st.floats(0.5, 1.1).map(lambda share: share * whole_bytes(costs))
    clients = [one.model_copy(update={"memory_bytes": draw(memories)}) for one in clients]
    options = draw(drawn_options(lengths[1]))
    images = draw(st.lists(st.integers(2, 9), min_size=1, max_size=4))
    try:
        return plan_of(settings_of(fleet_of(server, *clients), costs, images, **options))
    except ScenarioError:
        reject()


def played(plan):
    return play_run(plan, NullLearner()).tables


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_events_equal_the_formula_on_any_fleet(settings_of, data):
    plan = data.draw(drawn_worlds(settings_of, profiles(powers_of_ten(3, 9))))
    time, tables = plan.closed_form(), played(plan)
    for _, row in tables["iterations"].iterrows():
        assert row["iteration_latency_s"] == pytest.approx(time.latency_s, rel=EXACT)
        ends_s = np.cumsum([row[f"{phase}_s"] for phase in plan.phases])
        # Phases are differences of times since the run began, which have no more digits than those.
        digits_s = 8 * np.spacing(row["end_s"])
        assert ends_s == pytest.approx(list(time.phase_end_s.values()), rel=EXACT, abs=digits_s)
    exchange_s = tables["iterations"]["aggregation_s"].iloc[-1]
    end_s = tables["iterations"]["end_s"].iloc[-1] + exchange_s
    assert exchange_s == pytest.approx(plan.aggregation_seconds(), rel=EXACT, abs=EXACT * end_s)
    assert len(time.clients) == len(plan.setting.fleet.clients)
    busy = tables["devices"].set_index("device")
    exchanging_s = dict.fromkeys(range(-1, len(time.clients)), 0.0)
    for transfer in (one for ways in (plan.uploads, plan.downloads) for way in ways for one in way):
        for end in (transfer.source, transfer.target):
            exchanging_s[end] += plan.transfer_seconds(transfer)
    for device, own in zip(plan.setting.fleet.clients, time.clients, strict=True):
        assert own.compute_s + own.transfer_s + own.wait_s == pytest.approx(time.latency_s, rel=EXACT)
        assert own.wait_s >= -EXACT * time.latency_s
        came = busy.loc[device.name]
        assert came["compute_s"] == pytest.approx(2 * own.compute_s, abs=EXACT * end_s)
        wanted_s = 2 * own.transfer_s + exchanging_s[device.id]
        assert came["transfer_s"] == pytest.approx(wanted_s, abs=EXACT * end_s)


def even_split(length: int) -> list[int]:
    """As even as can be, the first parts being the longer ones."""
    return [length // 3 + (part < length % 3) for part in range(3)]


def written_out(plan) -> tuple[float, float]:
    """An iteration and a round's end, from the placement, the blocks' costs and the devices' rates alone."""
    setting = plan.setting
    options, fleet = setting.scenario.strategy, setting.fleet
    d_blocks, g_blocks = setting.costs.discriminator.blocks, setting.costs.generator.blocks
    server, image = fleet.server.profile, g_blocks[-1].output_bytes
    raw_image = math.prod(setting.architecture.image_shape)
    counts = options.parts or even_split(len(d_blocks))
    starts = np.cumsum([0, *counts])
    steps_s, ups_s, downs_s = [], [], []
    for house, batch in zip(plan.households, plan.batches, strict=True):
        members = fleet.clients[house.id * options.household_size :][: options.household_size]
        gateway = members[0].profile
        held: dict[int, list] = {}
        for part, device in enumerate(house.parts):
            held.setdefault(device.id, []).extend(d_blocks[starts[part] : starts[part + 1]])
        holders = list(held)
        latency_s = server.latency_s + gateway.latency_s
        down_rate = min(server.uplink_bytes_per_s, gateway.downlink_bytes_per_s)
        up_rate = min(gateway.uplink_bytes_per_s, server.downlink_bytes_per_s)
        wan_s = 2 * latency_s + 5 * (image + 8) / down_rate + 5 * image / up_rate
        chain_s = sum(
            (10 + batch) * cost.forward_flops / fleet.clients[holder].profile.rate_flops_per_s
            + (5 + batch) * cost.backward_flops / fleet.clients[holder].profile.rate_flops_per_s
            + 5 * cost.input_gradient_flops / fleet.clients[holder].profile.rate_flops_per_s
            for holder, blocks in held.items()
            for cost in blocks
        )
        crossing = sum(2 * (10 + batch) * held[holder][-1].output_bytes for holder in holders[:-1])
        if holders[0] != members[0].id:
            crossing += 5 * (image + 8) + batch * (raw_image + 8) + 5 * image
        reached = len(holders) if holders != [members[0].id] else 0
        steps_s.append(wan_s + chain_s + crossing / options.lan_rate + reached * options.lan_latency)
        others = [holder for holder in holders if holder != members[0].id]
        values = {k: sum(one.parameter_bytes + one.statistics_bytes for one in held[k]) for k in holders}
        lan_s = sum(values[k] for k in others) / options.lan_rate + len(others) * options.lan_latency
        ups_s.append(lan_s + latency_s + sum(values.values()) / up_rate)
        downs_s.append(lan_s + latency_s + sum(values.values()) / down_rate)
    serving_s = 5 * sum(one.forward_flops + one.backward_flops for one in g_blocks) / server.rate_flops_per_s
    return serving_s + max(steps_s), max(ups_s) + max(downs_s)


plain_devices = st.builds(
    lambda rate, up, down, latency_s: profile(
        rate=rate, uplink_bytes_per_s=up, downlink_bytes_per_s=down, latency_s=latency_s
    ),
    powers_of_ten(3, 9),
    powers_of_ten(3, 9),
    powers_of_ten(3, 9),
    st.sampled_from([0.0, 0.02, 3.0]),
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_formula_and_events_are_what_the_method_says(settings_of, data):
    plan = data.draw(drawn_worlds(settings_of, plain_devices))
    iteration_s, exchange_s = written_out(plan)
    assert plan.closed_form().latency_s == pytest.approx(iteration_s, rel=EXACT)
    assert plan.aggregation_seconds() == pytest.approx(exchange_s, rel=EXACT)
    table = played(plan)["iterations"]
    assert table["iteration_latency_s"].tolist() == pytest.approx([iteration_s] * 2, rel=EXACT)


def test_one_device_is_md_gan_without_a_swap_and_with_one_batch(settings_of):
    """F_G/S + down b(d + 8) + 2(F_D + B_D) + F_D + B_D^x + up b d + B_G/S, worked out for one device."""
    fleet = fleet_of(profile(rate=1e9, link=1e6), profile(rate=1e6, link=1e5, latency_s=0.5))
    costs = model_costs(cgan28(2), 8)
    way = {"selection": "random", "placement": "single", "household_size": 3}
    plan = plan_of(settings_of(fleet, costs, [40], **way))
    d, g = costs.discriminator.blocks, costs.generator.blocks
    forward, backward, gradient = (
        5 * sum(getattr(one, f"{work}_flops") for one in d)
        for work in ("forward", "backward", "input_gradient")
    )
    image = 28 * 28 * 8
    wanted_s = 5 * sum(one.forward_flops + one.backward_flops for one in g) / 1e9
    wanted_s += (3 * forward + 2 * backward + gradient) / 1e6
    wanted_s += 1.0 + (5 * (image + 8) + 5 * image) / 1e5
    assert plan.closed_form().latency_s == pytest.approx(wanted_s, rel=EXACT)
    assert played(plan)["iterations"]["iteration_latency_s"].iloc[0] == pytest.approx(wanted_s, rel=EXACT)


def test_the_bytes_of_a_round_by_kind_and_way(settings_of):
    """Two households of three devices: the gateway of the first holds part A, that of the second part C."""
    rates = (3e6, 2e6, 1e6, 1e5, 2e6, 3e6)
    fleet = fleet_of(profile(rate=1e9), *(profile(rate=rate) for rate in rates))
    costs = model_costs(cgan28(2), 8)
    way = {"selection": "fastest", "placement": "single", "household_size": 3, "parts": (2, 2, 1)}
    plan = plan_of(settings_of(fleet, costs, [3, 40], **way))
    assert [[one.id for one in house.parts] for house in plan.households] == [[0, 1, 2], [5, 4, 3]]
    assert plan.batches == (3, 5)
    transfers = played(plan)["transfers"]
    way_of = transfers["source"].str.partition("-")[0] + ">" + transfers["target"].str.partition("-")[0]
    came = transfers.groupby([transfers["kind"].astype(str), way_of])["bytes"].sum().to_dict()
    image, steps, fakes = 28 * 28 * 8, 2, 5
    blocks = costs.discriminator.blocks
    boundaries = blocks[1].output_bytes + blocks[3].output_bytes
    rows = (10 + 3) + (10 + 5)
    parameters = [sum(one.parameter_bytes for one in blocks[part]) for part in PARTS]
    statistics = [sum(one.statistics_bytes for one in blocks[part]) for part in PARTS]
    assert came == {
        ("synthetic_sample", "server>client"): steps * 2 * fakes * image,
        ("label", "server>client"): steps * 2 * fakes * 8,
        ("synthetic_sample", "client>client"): steps * fakes * image,
        ("real_sample", "client>client"): steps * 5 * 28 * 28,
        ("label", "client>client"): steps * (fakes + 5) * 8,
        ("activation", "client>client"): steps * rows * boundaries,
        ("gradient", "client>client"): steps * (rows * boundaries + fakes * image),
        ("gradient", "client>server"): steps * 2 * fakes * image,
        ("parameters", "client>server"): 2 * sum(parameters),
        ("parameters", "server>client"): 2 * sum(parameters),
        ("parameters", "client>client"): 2 * (parameters[1] + parameters[2] + parameters[0] + parameters[1]),
        ("statistics", "client>server"): 2 * sum(statistics),
        ("statistics", "server>client"): 2 * sum(statistics),
        ("statistics", "client>client"): 2 * (statistics[1] + statistics[2] + statistics[0] + statistics[1]),
    }
    declared = ledger(transfers, STRATEGIES["fsl_gan"].reveals)
    assert len(declared) == len(came)
