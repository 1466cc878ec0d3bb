"""The iteration worked by hand in docs/model.md, against the event simulation and the closed form.

The page is the expectation: its tables are read here, inputs and timeline alike, so page and test cannot drift.
The timeline was worked out from the description of the method before the code was run.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from analysis.routines import RoutineComputation, RoutineTransfer
from devices.fleet import SERVER_ID, Device, Fleet
from devices.profile import DeviceProfile
from models.cost import BlockCost
from models.split import ChainCosts, ModelCosts, PayloadKind
from models.workload import DataflowWorkload
from simulator import registry
from simulator.commits import CommitLog, NullLearner
from simulator.explanation.critical_path import critical_path, seconds_by_device, seconds_by_kind
from simulator.explanation.legs import Kind
from simulator.explanation.timeline import Timeline
from simulator.kernel.network import DedicatedNetwork, Network
from simulator.kernel.world import World
from simulator.setting import Deal, make_setting
from simulator.split_plan import split_plan
from simulator.strategies.huscf_gan.protocol import play

PAGE = Path(__file__).parents[2] / "docs" / "model.md"
MEGA = 1e6
IDS = {"client A": 0, "client B": 1, "server": SERVER_ID}
CORE = 2  # from 0: block 3 of 5
SCENARIO = """
name: worked
devices: {clients: [{profile: paper-1, count: 2}]}
cuts: {selector: fixed, per_client: CUTS}
strategy: {name: huscf_gan, rounds: 1, steps_per_round: 1, batch_size: 64}
execution: {training: false}
"""


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of the page's table that follows the comment ``<!-- worked: NAME -->``."""
    _, found, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- worked: {name} -->\n")
    assert found, f"docs/model.md has no table {name}"
    lines = []
    for line in rest.strip().splitlines():
        if not line.startswith("|"):
            break
        lines.append([cell.strip() for cell in line.strip("|").split("|")])
    heading, _, *rows = lines
    return [dict(zip(heading, row, strict=True)) for row in rows]


def device(row: dict[str, str]) -> Device:
    profile = DeviceProfile(
        name=row["device"],
        kind="reference",
        measured_flops_per_s=float(row["MFLOP/s"]) * MEGA,
        uplink_bytes_per_s=float(row["uplink, MB/s"]) * MEGA,
        downlink_bytes_per_s=float(row["downlink, MB/s"]) * MEGA,
        latency_s=float(row["latency, s"]),
    )
    return Device(IDS[row["device"]], profile)


def chain(letter: str) -> ChainCosts:
    rows = [row for row in read_table("blocks") if row["block"].startswith(letter)]
    return ChainCosts(tuple(block_cost(row) for row in rows), CORE)


def block_cost(row: dict[str, str]) -> BlockCost:
    def mega(column: str) -> int:
        return round(float(row[column]) * MEGA)

    given = {
        "forward_flops": mega("forward, MFLOP"),
        "backward_flops": mega("backward, MFLOP"),
        "input_gradient_flops": mega("input gradient, MFLOP"),
        "output_bytes": mega("output, MB"),
        "parameter_bytes": mega("parameters, MB"),
        "statistics_bytes": mega("statistics, MB"),
    }
    zeros = {field.name: 0 for field in dataclasses.fields(BlockCost) if field.name != "name"}
    return BlockCost(name=row["block"], **(zeros | given))


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """The plan the page describes, laid out by the same code that lays out a real run."""
    rows = read_table("devices")
    clients = [row for row in rows if row["device"] != "server"]
    (server,) = [row for row in rows if row["device"] == "server"]
    cuts = [[int(number) for number in row["cut"].strip("[]").split(",")] for row in clients]
    path = tmp_path_factory.mktemp("worked") / "worked.yaml"
    path.write_text(SCENARIO.replace("CUTS", str(cuts)), encoding="utf-8")
    fleet = Fleet(device(server), tuple(device(row) for row in clients))
    images = tuple(np.arange(int(row["images in a batch"])) for row in clients)
    setting = dataclasses.replace(
        make_setting(registry.load(str(path))),
        fleet=fleet,
        network=Network(fleet, DedicatedNetwork()),
        workload=DataflowWorkload(ModelCosts(chain("G"), chain("D"))),
        deal=Deal(("mnist5k",), (0, 0), images),
    )
    return split_plan(setting)


class Watcher:
    """Stands where the recorder does and keeps every leg as it is reported."""

    def __init__(self):
        self.legs = []  # (device, start_s, end_s, amount in MFLOP or MB, direction of a message)
        self.iterations = []
        self.routines = []

    def routine(self, transfers, computations):
        self.routines.append((transfers, computations))
        return len(self.routines) - 1

    def like_routines(self, transfers, computations):
        kinds, first = [str(kind) for kind in PayloadKind], len(self.routines)
        code_of = {kind: code for code, kind in enumerate(kinds)}
        blocks = transfers(code_of).tolist(), computations(lambda work: 0).tolist()
        for sent, computed in zip(*blocks, strict=True):
            messages = [
                RoutineTransfer(int(source), int(target), kinds[int(code)], *numbers)
                for source, target, code, *numbers in sent
            ]
            self.routine(messages, [RoutineComputation(int(one), *numbers) for one, *numbers, _ in computed])
        return first

    def perform(self, routine, start_s, wait_s):
        assert wait_s == 0.0, "on this page no leg meets a busy processor"
        transfers, computations = self.routines[routine]
        for one in transfers:
            times_s = (start_s + one.start_s, start_s + one.end_s)
            self.transfer(one.source, one.target, one.kind, one.n_bytes, *times_s)
        for one in computations:
            self.compute(one.device, start_s + one.start_s, start_s + one.end_s, one.flops)

    def compute(self, device_id, start_s, end_s, flops, work=None):
        self.legs.append((device_id, start_s, end_s, flops / MEGA, "computes"))

    def transfer(self, source, target, kind, n_bytes, start_s, end_s):
        client, way = (source, "sends") if target == SERVER_ID else (target, "receives")
        self.legs.append((client, start_s, end_s, n_bytes / MEGA, f"{way} {kind}"))

    def iteration(self, round_, index, start_s, end_s, phases, *losses):
        self.iterations.append((start_s, end_s, phases))

    def memory(self, device_id, n_bytes):
        pass  # the page says nothing of memory

    def end_round(self, round_, time_s):
        self.end_s = time_s


@pytest.fixture(scope="module")
def played(plan):
    """What the event simulation makes of the plan: one iteration and the round's end."""
    watcher = Watcher()
    world = World(plan.setting.fleet, plan.setting.network, watcher)
    world.play(play(world, plan, CommitLog(lambda: world.now_s, NullLearner())))
    return watcher


def timeline() -> list[dict[str, str]]:
    return read_table("timeline")


def is_wait(row: dict[str, str]) -> bool:
    return row["amount"] == ""


def expected_legs() -> list[tuple]:
    legs = []
    for row in timeline():
        if is_wait(row):
            continue
        amount, unit = row["amount"].split()
        verb = "computes" if unit == "MFLOP" else " ".join(row["leg"].split()[:2])
        legs.append((IDS[row["where"]], float(row["start, s"]), float(row["end, s"]), float(amount), verb))
    return sorted(legs)


def test_every_device_of_the_page_is_accounted_for_from_start_to_end():
    for name in IDS:
        rows = [row for row in timeline() if row["where"] == name]
        starts = [float(row["start, s"]) for row in rows]
        ends = [float(row["end, s"]) for row in rows]
        assert starts == [0.0, *ends[:-1]], f"the rows of {name} leave a gap or overlap"
        assert ends[-1] == 180.25


def test_events_play_every_leg_of_the_page(played):
    end_s = played.iterations[0][1]
    legs = sorted(leg for leg in played.legs if leg[1] < end_s)
    expected = expected_legs()
    assert len(legs) == len(expected)
    for came, wanted in zip(legs, expected, strict=True):
        assert came[0] == wanted[0]
        assert came[1:4] == pytest.approx(wanted[1:4], abs=1e-9), f"{wanted}"
        assert came[4] == wanted[4]


def test_events_end_the_iteration_when_the_page_does(played):
    ((start_s, end_s, _),) = played.iterations
    assert (start_s, end_s) == (0.0, pytest.approx(180.25, abs=1e-9))


def test_phases_end_when_their_last_client_is_through(played, plan):
    expected = {row["phase"]: float(row["end, s"]) for row in read_table("phases")}
    ends_s, end_s = {}, 0.0
    for phase, seconds in played.iterations[0][2].items():
        end_s += seconds
        ends_s[phase] = end_s
    assert ends_s == pytest.approx(expected, abs=1e-9)
    closed = {str(phase): end_s for phase, end_s in plan.closed_form().phase_end_s.items()}
    assert closed == pytest.approx(expected, abs=1e-9)


def test_closed_form_agrees_with_the_page(plan):
    time = plan.closed_form()
    assert time.latency_s == pytest.approx(180.25, abs=1e-9)
    for name, client in zip(("client A", "client B"), time.clients, strict=True):
        spent = {"MFLOP": 0.0, "MB": 0.0, "wait": 0.0}
        for row in timeline():
            if row["where"] == name:
                kind = "wait" if is_wait(row) else row["amount"].split()[1]
                spent[kind] += float(row["end, s"]) - float(row["start, s"])
        came = (client.compute_s, client.transfer_s, client.wait_s)
        assert came == pytest.approx((spent["MFLOP"], spent["MB"], spent["wait"]), abs=1e-9)


def test_round_end_sends_segments_up_and_then_down(played, plan):
    start_s = played.iterations[0][1]
    messages: dict[tuple, float] = {}
    for client, begin_s, end_s, mega_bytes, verb in played.legs:
        if begin_s >= start_s:
            key = (client, verb.split()[0], begin_s, end_s)
            messages[key] = messages.get(key, 0.0) + mega_bytes
    expected = {
        (IDS[row["where"]], row["leg"].split()[0], float(row["start, s"]), float(row["end, s"])): float(
            row["amount"].split()[0]
        )
        for row in read_table("round end")
    }
    assert messages == pytest.approx(expected, abs=1e-9)
    assert played.end_s == pytest.approx(188.75, abs=1e-9)
    assert plan.aggregation_seconds() == pytest.approx(8.5, abs=1e-9)


# Worked out by hand from the page's timeline, from its end: whose rows did each step wait for?
PATH = """
client B | generator head forward            | 0      | 1.5
client B | send activation                   | 1.5    | 5.5
server   | generator block 3 forward         | 5.5    | 15.5
server   | generator block 4 forward         | 15.5   | 31.5
client B | receive activation                | 31.5   | 34.5
client B | generator tail forward            | 34.5   | 35
client B | discriminator head forward        | 35     | 36.5
client B | send activation                   | 36.5   | 39
server   | discriminator block 3 forward     | 39     | 44
client B | receive activation                | 44     | 45.5
client B | discriminator tail forward        | 45.5   | 48
client B | discriminator tail backward       | 48     | 52
client B | send gradient                     | 52     | 54
server   | discriminator block 3 backward    | 54     | 64
server   | discriminator block 2 backward    | 64     | 66
client A | receive gradient                  | 66     | 67.5
client A | discriminator head backward       | 67.5   | 70.5
client A | discriminator head forward        | 70.5   | 71.5
client A | send activation                   | 71.5   | 74
server   | discriminator block 2 forward     | 74     | 75
server   | discriminator block 3 forward     | 75     | 80
client B | receive activation                | 80     | 81.5
client B | discriminator tail forward        | 81.5   | 84
client B | discriminator tail backward       | 84     | 88
client B | send gradient                     | 88     | 90
server   | discriminator block 3 backward    | 90     | 100
server   | discriminator block 2 backward    | 100    | 102
client A | receive gradient                  | 102    | 103.5
client A | discriminator head backward       | 103.5  | 106.5
client A | discriminator head forward        | 106.5  | 107.5
client A | send activation                   | 107.5  | 110
server   | discriminator block 2 forward     | 110    | 111
server   | discriminator block 3 forward     | 111    | 116
client B | receive activation                | 116    | 117.5
client B | discriminator tail forward        | 117.5  | 120
client B | discriminator tail input gradient | 120    | 122.5
client B | send gradient                     | 122.5  | 124.5
server   | discriminator block 3 input gradient | 124.5 | 129.5
client B | receive gradient                  | 129.5  | 131.25
client B | discriminator head input gradient | 131.25 | 133.25
client B | generator tail backward           | 133.25 | 135.25
client B | send gradient                     | 135.25 | 140.25
server   | generator block 4 backward        | 140.25 | 160.25
server   | generator block 3 backward        | 160.25 | 175.25
client B | receive gradient                  | 175.25 | 177.75
client B | generator head backward           | 177.75 | 180.25
"""

# What the server is at while A's rows are there in crossing 2: the queue, A's own blocks, B's late rows.
STAY_OF_A = [
    (Kind.WAIT, 29.5, 31.5, (SERVER_ID, "generator block 4 forward")),
    (Kind.SERVER, 31.5, 32.5, None),
    (Kind.WAIT, 32.5, 39.0, (1, "send activation")),
    (Kind.SERVER, 39.0, 44.0, None),
    (Kind.SERVER, 44.0, 46.0, None),
]


def test_the_critical_path_is_the_one_found_by_hand(plan):
    path = critical_path(Timeline(plan))
    wanted = [[cell.strip() for cell in row.split("|")] for row in PATH.strip().splitlines()]
    assert [[leg.device, leg.what] for leg in path] == [[IDS[where], what] for where, what, _, _ in wanted]
    times_s = [(float(start_s), float(end_s)) for _, _, start_s, end_s in wanted]
    assert np.array([(leg.start_s, leg.end_s) for leg in path]) == pytest.approx(np.array(times_s), abs=1e-9)
    assert seconds_by_device(path) == pytest.approx({SERVER_ID: 107.0, 1: 57.25, 0: 16.0}, abs=1e-9)
    # Twelve messages of B with 1 s of latency each, four of A with 0.5 s.
    kinds = {"compute": 36.0, "transfer": 23.25, "latency": 14.0, "server": 107.0}
    assert seconds_by_kind(path) == pytest.approx(kinds, abs=1e-9)


def test_explained_clients_do_what_the_page_says(plan):
    timeline = Timeline(plan)
    for name in ("client A", "client B"):
        told = []  # (amount, start_s, end_s), with all that happens at the server as one wait
        for leg in timeline.client_legs(IDS[name]):
            away = leg.kind in (Kind.SERVER, Kind.WAIT) and leg.what != "wait for the iteration to end"
            amount = None if leg.bound is None or away else (leg.flops or leg.n_bytes) / MEGA
            if away and told[-1][0] == "away":
                told[-1] = ("away", told[-1][1], leg.end_s)
            else:
                told.append(("away" if away else amount, leg.start_s, leg.end_s))
        rows = timeline_of(name)
        assert len(told) == len(rows)
        for (amount, *times_s), row in zip(told, rows, strict=True):
            assert times_s == pytest.approx([float(row["start, s"]), float(row["end, s"])], abs=1e-9), row
            if not is_wait(row):
                assert amount == pytest.approx(float(row["amount"].split()[0])), row


def test_waits_at_the_server_are_told_apart(plan):
    legs = Timeline(plan).client_legs(IDS["client A"])
    stay = [leg for leg in legs if leg.crossing == 1 and leg.kind in (Kind.SERVER, Kind.WAIT)]
    causes = [leg.cause and (leg.cause.device, leg.cause.through_with) for leg in stay]
    told = [(leg.kind, leg.start_s, leg.end_s, cause) for leg, cause in zip(stay, causes, strict=True)]
    assert told == STAY_OF_A
    assert legs[-1].cause.device == IDS["client B"]


def timeline_of(name):
    return [row for row in timeline() if row["where"] == name]
