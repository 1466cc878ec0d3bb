"""A small recorded run, played by hand."""

from types import SimpleNamespace

from analysis.records import Recorder
from analysis.runs import RunFolder
from analysis.tables import CUTS, make_table
from devices.fleet import Fleet

PHASES = ("forward", "backward")


def device(id_, lanes=1, sharing=False):
    name = "server" if id_ == -1 else f"client-{id_}"
    draws = dict.fromkeys(("busy_power_w", "idle_power_w", "radio_j_per_byte"))
    served = {"lanes": lanes, "processor_sharing": sharing}
    profile = SimpleNamespace(name=f"profile-of-{name}", **draws, **served)
    return SimpleNamespace(id=id_, name=name, profile=profile)


def fleet(clients=2, lanes=1, sharing=False):
    return Fleet(device(-1, lanes, sharing), tuple(device(i) for i in range(clients)))


def recorder(clients=2, mode="full", lanes=1, sharing=False):
    """A recorder of clients and a server with so many lanes."""
    return Recorder(fleet(clients, lanes, sharing), mode=mode, phases=PHASES)


def played_round(rec, round_=0, t=0.0):
    """Two clients compute, send, the server computes once both arrived, and answers; ends at t + 10."""
    rec.compute(0, t, t + 1, 100.0)
    rec.compute(1, t, t + 3, 50.0)
    rec.transfer(0, -1, "activation", 1000.0, t + 1, t + 4)
    rec.transfer(1, -1, "activation", 2000.0, t + 3, t + 5)
    rec.compute(-1, t + 5, t + 6, 500.0)
    rec.transfer(-1, 0, "gradient", 300.0, t + 6, t + 7)
    rec.transfer(-1, 1, "gradient", 400.0, t + 6, t + 8)
    rec.iteration(round_, 0, t, t + 8, {"forward": 5.0, "backward": 3.0}, 0.5, 0.7)
    rec.end_round(round_, t + 10)


def tables(mode="full"):
    rec = recorder(mode=mode)
    rec.metric(-1, 0.0, 0.0, "NA", "fid", 123.456789012345)
    played_round(rec)
    rec.commit(0, 8.0, "iteration", [0, 1], {}, {"größe": 1})
    rec.wallclock(0, "training", 0.25)
    cut = {"client": ["client-0"], "profile": ["paper-1"], "domain": ["NA"], "g_head": [1], "g_tail": [2]}
    cut |= {"d_head": [2], "d_tail": [1], "g_blocks": [5], "d_blocks": [5]}
    return rec.tables() | {"cuts": make_table(CUTS, cut)}


def write_run(path, mode="full"):
    folder = RunFolder.create(path)
    folder.write_text("scenario.yaml", "name: two-domain\nseed: 3\n")
    folder.write_json("environment.json", {"python": "3.11"})
    folder.write_json("summary.json", {"rounds": 1})
    folder.write_tables(tables(mode))
    folder.write_sample(-1, "mnist5k", b"png")
    folder.write_sample(0, "my_round_2", b"png")
    return folder
