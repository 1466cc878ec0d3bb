"""Any small world: events, closed form and a graph of tasks tell the same time, and faster is never slower."""

from dataclasses import dataclass

import numpy as np
import pytest
from drawn_profiles import powers_of_ten, profiles
from hypothesis import given, settings
from hypothesis import strategies as st
from leg_graph import LegGraph
from small_worlds import DATAFLOW_PHASES, fleet_of, make_plan_of, play_plan, random_costs

from devices.fleet import Device, Fleet
from models.split import Cut, ModelCosts
from models.workload import DataflowWorkload
from simulator.closed_form import IterationModel
from simulator.kernel.network import DedicatedNetwork, Network

EXACT = 1e-9
RATES = ("measured_flops_per_s", "uplink_bytes_per_s", "downlink_bytes_per_s")
few = settings(max_examples=40, deadline=None)


@dataclass(frozen=True)
class Case:
    costs: ModelCosts
    fleet: Fleet
    batches: tuple[int, ...]
    cuts: tuple[Cut, ...]

    @property
    def model(self) -> IterationModel:
        network = Network(self.fleet, DedicatedNetwork())
        return IterationModel(
            DataflowWorkload(self.costs), self.fleet, network, self.batches, sorted(set(self.cuts))
        )


magnitudes = powers_of_ten(5.0, 9.0)
server_rates = powers_of_ten(3.0, 9.0)


@st.composite
def cases(draw):
    lengths = draw(st.tuples(*[st.sampled_from([3, 5, 7])] * 2))
    costs = random_costs(lengths, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    # Servers are also slow ones, so that now clients wait for the server and now the server for them.
    server = draw(profiles(magnitudes, server_rates))
    kinds = draw(st.lists(profiles(magnitudes), min_size=1, max_size=3))
    # Devices of one kind share a profile object, as in a fleet built from a scenario.
    clients = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
    some_cut = st.sampled_from(costs.cut_choices())
    return Case(
        costs,
        fleet_of(server, *clients),
        tuple(draw(st.integers(1, 64)) for _ in clients),
        tuple(draw(some_cut) for _ in clients),
    )


@few
@given(case=cases())
def test_closed_form_is_the_longest_path_of_the_task_graph(case):
    graph = LegGraph(case.costs, case.fleet, case.batches, case.cuts)
    time = case.model.time(case.cuts)
    assert time.latency_s == pytest.approx(graph.latency_s, rel=EXACT)
    assert time.phase_end_s == pytest.approx(graph.phase_end_s, rel=EXACT)
    assert list(time.phase_end_s) == list(DATAFLOW_PHASES)


@few
@given(case=cases())
def test_events_equal_the_closed_form(case, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    plan = make_plan_of(folder, case.costs, case.fleet, case.batches, case.cuts)
    tables, _, world = play_plan(plan)
    time = plan.closed_form()
    row = tables["iterations"].iloc[0]
    assert row["iteration_latency_s"] == pytest.approx(time.latency_s, rel=EXACT)
    ends_s = np.cumsum([row[f"{phase}_s"] for phase in DATAFLOW_PHASES])
    assert ends_s == pytest.approx(list(time.phase_end_s.values()), rel=EXACT)
    assert world.now_s == pytest.approx(time.latency_s + plan.aggregation_seconds(), rel=EXACT)


@few
@given(case=cases())
def test_each_client_computes_transfers_or_waits(case, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    plan = make_plan_of(folder, case.costs, case.fleet, case.batches, case.cuts)
    devices = play_plan(plan)[0]["devices"].set_index("device")
    network, time = plan.setting.network, plan.closed_form()
    for device, own, payload in zip(case.fleet.clients, time.clients, plan.round_payload, strict=True):
        assert own.compute_s + own.transfer_s + own.wait_s == pytest.approx(time.latency_s, rel=EXACT)
        assert own.wait_s >= -EXACT * time.latency_s
        load = sum(n_bytes for _, n_bytes in payload)
        round_end_s = network.seconds(device.id, -1, load) + network.seconds(-1, device.id, load)
        played = devices.loc[device.name]
        assert played["compute_s"] == pytest.approx(own.compute_s, rel=EXACT)
        assert played["transfer_s"] == pytest.approx(own.transfer_s + round_end_s, rel=EXACT)
        parts = played["compute_s"] + played["transfer_s"] + played["wait_s"]
        assert parts == pytest.approx(played["elapsed_s"], rel=EXACT)


@few
@given(case=cases(), which=st.integers(-1, 3), factor=st.floats(1.0, 100.0), data=st.data())
def test_a_faster_device_or_link_never_lengthens_the_iteration(case, which, factor, data):
    device = case.fleet.device(min(which, len(case.batches) - 1))
    number = data.draw(st.sampled_from([*RATES, "latency_s", "kernel_overhead_s"]))
    old = getattr(device.profile, number)
    new = old * factor if number in RATES else old / factor
    faster = Device(device.id, device.profile.model_copy(update={number: new}))
    clients = tuple(faster if one.id == device.id else one for one in case.fleet.clients)
    fleet = Fleet(faster if device.id == -1 else case.fleet.server, clients)
    before = case.model.time(case.cuts).latency_s
    after = Case(case.costs, fleet, case.batches, case.cuts).model.time(case.cuts).latency_s
    assert after <= before * (1 + EXACT)


@few
@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_many_assignments_at_once_are_the_same_as_one_by_one(case, seed):
    model = case.model
    rng = np.random.default_rng(seed)
    genes = rng.integers(len(model.choices), size=(5, len(case.batches)))
    together = model.latency_s(genes)
    alone = [model.time(model.cuts_of(row)).latency_s for row in genes]
    assert together == pytest.approx(alone, rel=1e-12)
