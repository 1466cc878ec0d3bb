"""Small fleets and chains of any length, and a plan for them without a data set behind it."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from analysis.records import Recorder
from devices.fleet import SERVER_ID, Device, Fleet
from devices.profile import DeviceProfile
from models.cost import BlockCost
from models.paper import PaperCounts, PaperWorkload
from models.split import VISITS, ChainCosts, Cut, ModelCosts, phases_of
from models.workload import DataflowWorkload, Workload
from simulator import registry
from simulator.commits import CommitLog, NullLearner
from simulator.cuts.fixed import FixedOptions
from simulator.cuts.objective import Objective, SelectorOptions
from simulator.cuts.problem import CutProblem
from simulator.kernel.network import DedicatedNetwork, Network
from simulator.kernel.world import World
from simulator.setting import Deal, Setting, make_setting
from simulator.split_plan import SplitPlan, split_plan
from simulator.strategies.huscf_gan.protocol import play

DATAFLOW_PHASES = phases_of(VISITS)

FIELDS = [field.name for field in dataclasses.fields(BlockCost) if field.name != "name"]


def profile(name: str = "plain", rate: float = 1e6, link: float = 1e6, **numbers) -> DeviceProfile:
    """A device of ``rate`` FLOP/s with the same rate (byte/s) up and down, unless ``numbers`` says otherwise."""
    numbers = {"uplink_bytes_per_s": link, "downlink_bytes_per_s": link} | numbers
    return DeviceProfile(name=name, kind="reference", measured_flops_per_s=rate, **numbers)


def fleet_of(server: DeviceProfile, *clients: DeviceProfile) -> Fleet:
    return Fleet(Device(SERVER_ID, server), tuple(Device(index, one) for index, one in enumerate(clients)))


def block(**numbers: int) -> BlockCost:
    """A block that costs nothing but what ``numbers`` says."""
    return BlockCost(name="block", **(dict.fromkeys(FIELDS, 0) | numbers))


def random_chain(length: int, core: int, rng: np.random.Generator) -> ChainCosts:
    """A chain in which every number of every block is another one, over six decades."""
    blocks = []
    for _ in range(length):
        numbers = dict(zip(FIELDS, (10 ** rng.uniform(0, 6, len(FIELDS))).astype(int).tolist(), strict=True))
        calls = rng.integers(1, 6, 2).tolist()
        numbers |= {"forward_kernels": calls[0], "backward_kernels": calls[1], "shared_input_bytes": 0}
        blocks.append(block(**numbers))
    return ChainCosts(tuple(blocks), core)


def random_costs(lengths: tuple[int, int], rng: np.random.Generator) -> ModelCosts:
    """Two chains with cores anywhere but at an end."""
    return ModelCosts(*(random_chain(length, int(rng.integers(1, length - 1)), rng) for length in lengths))


@functools.lru_cache(maxsize=1)
def _base_setting(folder) -> Setting:
    path = folder / "base.yaml"
    path.write_text("devices: {clients: [{profile: paper-1}]}\n")
    return make_setting(registry.load(str(path)))


def make_setting_of(
    folder,
    costs: ModelCosts | Workload,
    fleet: Fleet,
    images: Sequence[int],
    network=None,
    cuts=None,
    **strategy,
) -> Setting:
    """A setting with these costs, devices and images per client, whatever a scenario could say."""
    base = _base_setting(folder)
    scenario = base.scenario
    options = scenario.strategy.model_copy(
        update={"batch_size": 10**6, "rounds": 1, "steps_per_round": 1} | strategy
    )
    updates = {"strategy": options}
    if cuts is not None:
        rows = [list(cut.as_tuple()) for cut in cuts]
        updates["cuts"] = FixedOptions(per_client=rows)
    loaded = dataclasses.replace(base.loaded, scenario=scenario.model_copy(update=updates))
    held = tuple(np.arange(count) for count in images)
    return dataclasses.replace(
        base,
        loaded=loaded,
        fleet=fleet,
        network=Network(fleet, network or DedicatedNetwork()),
        workload=as_workload(costs),
        deal=Deal(("mnist5k",), (0,) * len(held), held),
    )


def make_plan_of(
    folder,
    costs: ModelCosts | Workload,
    fleet: Fleet,
    batches: Sequence[int],
    cuts: Sequence[Cut],
    network=None,
    **strategy,
) -> SplitPlan:
    """The plan of a run in which each client has just one batch of images."""
    return split_plan(make_setting_of(folder, costs, fleet, batches, network, cuts, **strategy))


def as_workload(costs: ModelCosts | Workload) -> Workload:
    """The dataflow iteration of costs; a workload as it is."""
    return costs if isinstance(costs, Workload) else DataflowWorkload(costs)


def random_paper_workload(lengths: tuple[int, int], rng: np.random.Generator) -> PaperWorkload:
    """The authors' four-phase plan over random chains, counted with random FLOPs."""
    costs = random_costs(lengths, rng)
    counts = [
        PaperCounts(*(tuple((10 ** rng.uniform(0, 6, length)).astype(int).tolist()) for _ in range(2)))
        for length in lengths
    ]
    return PaperWorkload(costs, *counts)


def paper_workload(costs: ModelCosts, rng: np.random.Generator) -> PaperWorkload:
    """The authors' four phases over chains whose blocks have any counts."""

    def counts(chain: ChainCosts) -> PaperCounts:
        forward, backward = rng.integers(1, 10**6, (2, chain.length)).tolist()
        return PaperCounts(tuple(forward), tuple(backward))

    return PaperWorkload(costs, counts(costs.generator), counts(costs.discriminator))


def problem_of(
    costs: ModelCosts,
    fleet: Fleet,
    batches: Sequence[int],
    workload: Workload | None = None,
    options: SelectorOptions | None = None,
) -> CutProblem:
    network = Network(fleet, DedicatedNetwork())
    return CutProblem(workload or DataflowWorkload(costs), fleet, network, batches, Objective(options))


def play_plan(plan: SplitPlan, learner=None) -> tuple[dict, CommitLog, World]:
    """Play a plan in the event simulation; return its tables, its log and the world at the end."""
    setting = plan.setting
    recorder = Recorder(setting.fleet, phases=setting.workload.phases)
    world = World(setting.fleet, setting.network, recorder)
    log = CommitLog(lambda: world.now_s, learner or NullLearner())
    world.play(play(world, plan, log))
    return recorder.tables(), log, world
