"""Runs of HuSCF-GAN in worlds that anything may disturb, for hypothesis, and a watcher of every leg."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from drawn_profiles import powers_of_ten, profiles
from hypothesis import strategies as st
from small_worlds import fleet_of, make_plan_of, random_costs

from analysis.records import Recorder
from devices.availability import AlwaysAvailable, AvailabilityOptions, OnOffAvailable
from devices.conditions import build_conditions
from devices.disturbances import DisturbanceOptions, OutageOptions, SpellOptions
from devices.fleet import SERVER_ID
from devices.topology_options import CellsTopology, StarTopology, TiersTopology
from simulator.commits import CommitLog, NullLearner
from simulator.kernel.network import DedicatedNetwork, IdealNetwork, MaxminNetwork
from simulator.kernel.world import World
from simulator.split_plan import SplitPlan
from simulator.staging import stage
from simulator.strategies.huscf_gan.protocol import play
from simulator.strategies.patience import PatienceAll, PatienceDeadline, PatienceQuorum
from simulator.streams import Streams

MAGNITUDES = powers_of_ten(5.0, 7.0)

NETWORKS = (
    DedicatedNetwork(),
    IdealNetwork(),
    MaxminNetwork(topology=StarTopology()),
    MaxminNetwork(topology=CellsTopology(cells=2, uplink="1 MB/s", downlink="3 MB/s")),
    MaxminNetwork(topology=TiersTopology(edges=2, uplink="2 MB/s", downlink="1 MB/s", loss=0.1)),
)


class Watcher(Recorder):
    """A recorder that keeps every leg and absence as it was told."""

    def __init__(self, plan: SplitPlan) -> None:
        super().__init__(plan.setting.fleet, "full", plan.phases)
        self.computed: list[tuple[int, float, float]] = []
        self.sent: list[tuple[int, int, str, float, float, float, float]] = []
        self.off: list[tuple[int, float, float]] = []
        told = self.compute, self.transfer, self.absent

        def compute(device, start_s, end_s, *work):
            self.computed.append((device, start_s, end_s))
            told[0](device, start_s, end_s, *work)

        def transfer(source, target, kind, n_bytes, start_s, end_s, lost_bytes=0.0):
            self.sent.append((source, target, str(kind), n_bytes, start_s, end_s, lost_bytes))
            told[1](source, target, kind, n_bytes, start_s, end_s, lost_bytes)

        def absent(device, start_s, end_s):
            self.off.append((device, start_s, end_s))
            told[2](device, start_s, end_s)

        self.compute, self.transfer, self.absent = compute, transfer, absent


@dataclass(frozen=True)
class Played:
    """A run that is over."""

    plan: SplitPlan
    tables: dict
    entries: list
    watcher: Watcher
    world: World

    def commits(self, kind: str) -> list:
        return [entry.commit for entry in self.entries if entry.commit.kind == kind]


@dataclass(frozen=True)
class Trouble:
    """A plan, and what disturbs it, in units of its undisturbed iteration. It is played step by step in any case."""

    plan: SplitPlan
    seed: int
    availability: dict = field(default_factory=dict)
    slowdown: dict = field(default_factory=dict)
    bandwidth: dict = field(default_factory=dict)
    outages: tuple = ()
    keeps_state: bool = True

    def play(self, **changed) -> Played:
        return play_in(dataclasses.replace(self, **changed).staged(), forced=True)

    def staged(self) -> SplitPlan:
        """The plan in a setting with these conditions."""
        setting, span_s = self.plan.setting, self.plan.closed_form().latency_s

        def times(shares: dict) -> dict:
            return {
                key: f"{value * span_s!r} s" if key.startswith("mean") else value
                for key, value in shares.items()
            }

        rejoin = "kept" if self.keeps_state else "reset"
        availability: AvailabilityOptions = AlwaysAvailable()
        if self.availability:
            availability = OnOffAvailable(**times(self.availability), rejoin=rejoin)
        disturbances = DisturbanceOptions(
            slowdown=SpellOptions(**times(self.slowdown)) if self.slowdown else None,
            bandwidth=SpellOptions(**times(self.bandwidth)) if self.bandwidth else None,
            outages=tuple(
                OutageOptions.model_validate(
                    {"what": what, "from": f"{start * span_s!r} s", "until": f"{end * span_s!r} s"}
                )
                for what, start, end in self.outages
            ),
        )
        links = [link.name for link in setting.network.topology.inner_links]
        conditions = build_conditions(
            availability, disturbances, setting.fleet, Streams(self.seed).draw, None, links
        )
        return dataclasses.replace(
            self.plan, setting=dataclasses.replace(setting, conditions=conditions, streams=Streams(self.seed))
        )


def play_in(plan: SplitPlan, learner=None, forced: bool = False) -> Played:
    """Play a plan in the world of its setting; ``forced``: step by step, even where nothing is disturbed."""
    setting, watcher = plan.setting, Watcher(plan)
    if forced:
        setting = dataclasses.replace(
            setting, conditions=dataclasses.replace(setting.conditions, quiet=False)
        )
    world = stage(setting, watcher)
    log = CommitLog(lambda: world.now_s, learner or NullLearner())
    world.play(play(world, plan, log))
    return Played(plan, watcher.tables(), log.entries, watcher, world)


@st.composite
def plans(draw, folder: Path, networks=NETWORKS, server_kinds=True, **strategy):
    """A plan over short chains on a fleet of up to four clients."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    costs = random_costs(draw(st.sampled_from([(3, 3), (3, 4), (5, 3)])), rng)
    kinds = [
        draw(profiles(MAGNITUDES)).model_copy(
            update={
                "loss": draw(st.sampled_from([0.0, 0.0, 0.25])),
                "latency_s": draw(st.sampled_from([0.0, 1e-3])),
            }
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    clients = draw(st.lists(st.sampled_from(kinds), min_size=2, max_size=4))
    lanes, sharing = draw(
        st.sampled_from([(1, False), (1, False), (3, False), (1, True)] if server_kinds else [(1, False)])
    )
    server = draw(profiles(MAGNITUDES, name="server")).model_copy(
        update={"lanes": lanes, "processor_sharing": sharing, "latency_s": 0.0}
    )
    fleet = fleet_of(server, *clients)
    cuts = [draw(st.sampled_from(costs.cut_choices())) for _ in clients]
    batches = [draw(st.integers(1, 8)) for _ in clients]
    return make_plan_of(folder, costs, fleet, batches, cuts, draw(st.sampled_from(networks)), **strategy)


def spells():
    """Spells of an iteration's length or so."""
    return st.fixed_dictionaries(
        {
            "mean_every": st.floats(0.1, 3.0),
            "mean_for": st.floats(0.05, 1.0),
            "factor": st.just(0.0) | st.floats(1e-3, 0.9),
        }
    )


@st.composite
def troubles(draw, folder: Path, patient: bool | None = None, networks=NETWORKS, server_kinds=True):
    """A plan with some patience, and some of all that can disturb it."""
    plan = draw(plans(folder, networks, server_kinds, rounds=2, steps_per_round=draw(st.integers(1, 3))))
    span_s = plan.closed_form().latency_s
    deadline = f"{draw(st.floats(0.02, 1.0)) * span_s!r} s"
    kinds = [PatienceAll()] if patient is not False else []
    if not patient:
        kinds += [
            PatienceDeadline(deadline=deadline),
            PatienceQuorum(share=draw(st.floats(0.2, 1.0))),
            PatienceQuorum(share=draw(st.floats(0.2, 1.0)), deadline=deadline),
        ]
    patience, share = draw(st.sampled_from(kinds)), draw(st.sampled_from([1.0, 0.5]))
    on_off = {
        "mean_on": draw(st.floats(0.3, 5.0)),
        "mean_off": draw(st.floats(0.05, 1.0)),
        "starts": "stationary",
    }
    names = ["server", "client-0", "client-1", "link client-0 up", "link server down"]
    outages = [
        (what, start, start + draw(st.floats(0.01, 1.0)))
        for what, start in draw(
            st.dictionaries(st.sampled_from(names), st.floats(0.0, 2.0), max_size=2)
        ).items()
    ]
    return Trouble(
        with_strategy(plan, patience=patience, client_share=share),
        draw(st.integers(0, 2**31)),
        draw(st.sampled_from([{}, on_off])),
        draw(st.just({}) | spells()),
        draw(st.just({}) | spells()),
        tuple(outages),
        keeps_state=patience.lossless or draw(st.booleans()),
    )


def with_strategy(plan: SplitPlan, **options) -> SplitPlan:
    """The same plan under other options of its strategy."""
    setting = plan.setting
    strategy = setting.scenario.strategy.model_copy(update=options)
    scenario = setting.scenario.model_copy(update={"strategy": strategy})
    loaded = dataclasses.replace(setting.loaded, scenario=scenario)
    return dataclasses.replace(plan, setting=dataclasses.replace(setting, loaded=loaded))


__all__ = ["SERVER_ID", "Played", "Trouble", "plans", "play_in", "spells", "troubles", "with_strategy"]
