"""What can be named in a scenario, joined in one place: strategies, selectors, networks, metrics.

Options live beside their owners; here they become one scenario type, so that validation is complete before
anything runs. Nothing here imports torch: a strategy's two halves are named by import path and loaded when a
run begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any

from analysis.metrics import CAS_METRIC_NAMES, METRIC_NAMES
from devices.availability import AVAILABILITIES
from scenarios.extends import Asked
from scenarios.load import Loaded, Unchecked, load_scenario, read_scenario
from scenarios.schema import PluginSection, Scenario, scenario_type
from simulator.cuts.selectors import DEFAULT_SELECTOR, SELECTORS
from simulator.kernel.network import NETWORKS
from simulator.ledger import Disclosure
from simulator.strategies.centralized import reveals as centralized
from simulator.strategies.centralized.options import CentralizedOptions
from simulator.strategies.fedgan import reveals as fedgan
from simulator.strategies.fedgan.options import FedganOptions
from simulator.strategies.fsl_gan import reveals as fsl_gan
from simulator.strategies.fsl_gan.options import FslGanOptions
from simulator.strategies.hfl_gan import reveals as hfl_gan
from simulator.strategies.hfl_gan.options import HflGanOptions
from simulator.strategies.huscf_gan import reveals as huscf_gan
from simulator.strategies.huscf_gan.options import HuscfGanOptions
from simulator.strategies.md_gan import reveals as md_gan
from simulator.strategies.md_gan.options import MdGanOptions
from simulator.strategies.options import StrategyOptions
from simulator.strategies.pfl_gan import reveals as pfl_gan
from simulator.strategies.pfl_gan.options import PflGanOptions


@dataclass(frozen=True)
class Strategy:
    """A strategy: its options, and the import paths of its halves.

    Attributes:
        title: one line for ``hetedge list strategies``.
        options: its options' type.
        plan: ``module:function`` that lays a run out from its setting (no torch).
        protocol: ``module:function`` that plays a run in simulated time (no torch).
        learner: ``module:class`` that does its mathematics (no clock).
        reveals: every kind of payload it ever sends, to whom, and what that tells them.
        clusters: whether every aggregation decides clusters.
        splits: whether clients are cut, as the scenario's ``cuts`` say.
        ablations: variants of it by name, as overrides of a scenario, for ``hetedge compare``.
    """

    title: str
    options: type[StrategyOptions]
    plan: str
    protocol: str
    learner: str
    reveals: tuple[Disclosure, ...]
    clusters: bool = False
    splits: bool = False
    ablations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def load_plan(self) -> Callable[..., Any]:
        """Import and return the function that lays a run out."""
        return _load(self.plan)

    def load_protocol(self) -> Callable[..., Any]:
        """Import and return the protocol's function."""
        return _load(self.protocol)

    def load_learner(self) -> Callable[..., Any]:
        """Import and return the learner's class; this imports torch."""
        return _load(self.learner)


STRATEGIES: Mapping[str, Strategy] = {
    "huscf_gan": Strategy(
        title="KLD-weighted clustered federated learning + heterogeneous U-shaped split (arXiv 2507.12979)",
        options=HuscfGanOptions,
        plan="simulator.strategies.huscf_gan.plan:make_plan",
        protocol="simulator.strategies.huscf_gan.protocol:play",
        learner="simulator.strategies.huscf_gan.learner:HuscfGanLearner",
        reveals=huscf_gan.REVEALS,
        clusters=True,
        splits=True,
        ablations={
            "no_clustering": ("strategy.clusters=1",),
            "no_kld": ("strategy.kld_alpha=0",),
            "homogeneous_cuts": ("cuts={selector: homogeneous}",),
        },
    ),
    "fedgan": Strategy(
        title="whole GANs on the clients, both networks averaged every round (arXiv 2006.07228)",
        options=FedganOptions,
        plan="simulator.strategies.fedgan.plan:make_plan",
        protocol="simulator.strategies.fedgan.protocol:play",
        learner="simulator.strategies.fedgan.learner:FedganLearner",
        reveals=fedgan.REVEALS,
    ),
    "fsl_gan": Strategy(
        title="one generator on the server, discriminators split over a household's devices (arXiv 2207.01750)",
        options=FslGanOptions,
        plan="simulator.strategies.fsl_gan.plan:make_plan",
        protocol="simulator.strategies.fsl_gan.protocol:play",
        learner="simulator.strategies.fsl_gan.learner:FslGanLearner",
        reveals=fsl_gan.REVEALS,
    ),
    "pfl_gan": Strategy(
        title="after PFL-GAN: GANs personalised on the server by the likeness of their samples (arXiv 2308.12454)",
        options=PflGanOptions,
        plan="simulator.strategies.pfl_gan.plan:make_plan",
        protocol="simulator.strategies.pfl_gan.protocol:play",
        learner="simulator.strategies.pfl_gan.learner:PflGanLearner",
        reveals=pfl_gan.REVEALS,
    ),
    "hfl_gan": Strategy(
        title="after HFL-GAN: clients, edges and cloud, two generators on every client (10.1007/s10489-024-05924-x)",
        options=HflGanOptions,
        plan="simulator.strategies.hfl_gan.plan:make_plan",
        protocol="simulator.strategies.hfl_gan.protocol:play",
        learner="simulator.strategies.hfl_gan.learner:HflGanLearner",
        reveals=hfl_gan.REVEALS,
    ),
    "md_gan": Strategy(
        title="one generator on the server, discriminators that move between clients (arXiv 1811.03850)",
        options=MdGanOptions,
        plan="simulator.strategies.md_gan.plan:make_plan",
        protocol="simulator.strategies.md_gan.protocol:play",
        learner="simulator.strategies.md_gan.learner:MdGanLearner",
        reveals=md_gan.REVEALS,
    ),
    "centralized": Strategy(
        title="one GAN on the server, to which clients upload all their images: the bound of quality",
        options=CentralizedOptions,
        plan="simulator.strategies.centralized.plan:make_plan",
        protocol="simulator.strategies.centralized.protocol:play",
        learner="simulator.strategies.centralized.learner:CentralizedLearner",
        reveals=centralized.REVEALS,
    ),
}


@lru_cache(maxsize=1)
def registered_scenario() -> type[Scenario]:
    """Return the scenario type that knows every registered plug-in."""
    sections = (
        PluginSection("network", "model", "dedicated", NETWORKS),
        PluginSection("availability", "model", "always", AVAILABILITIES),
        PluginSection(
            "cuts", "selector", DEFAULT_SELECTOR, {name: one.options for name, one in SELECTORS.items()}
        ),
        PluginSection(
            "strategy", "name", "huscf_gan", {name: one.options for name, one in STRATEGIES.items()}
        ),
    )
    return scenario_type(sections, METRIC_NAMES, CAS_METRIC_NAMES)


def load(name_or_path: str, overrides: Sequence[str] = ()) -> Loaded:
    """Load and validate a scenario by path or library name.

    Raises:
        ScenarioError: with the place, what came and what is allowed.
    """
    return load_scenario(name_or_path, overrides, registered_scenario())


def read(name_or_path: str, asked: Asked | None = None) -> Unchecked:
    """Read a scenario's files, to lay values over it and check it later, many times.

    Args:
        name_or_path: a path or a library name.
        asked: where it was asked for; None for the command line.

    Raises:
        ScenarioError: where a file cannot be read.
    """
    return read_scenario(name_or_path, registered_scenario(), asked)


def _load(import_path: str) -> Callable[..., Any]:
    module, _, name = import_path.partition(":")
    loaded: Callable[..., Any] = getattr(import_module(module), name)
    return loaded
