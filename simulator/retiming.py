"""An existing synchronous run on another fleet: a new timeline, with what was learned kept.

Time decides nothing that a synchronous lossless run learns (law 6 of docs/architecture.md). So a finished run, with the
cuts it was trained with, gives the timeline and the latency-versus-FID curve of any other fleet at once: no data are
opened, nothing is trained, no torch is loaded. The folder is, to the last bit of every table and digest, what
``hetedge run`` of its ``scenario.yaml`` would make.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from logging.handlers import MemoryHandler
from pathlib import Path
from typing import Any

from analysis.runs import SCENARIO_FILE, SUMMARY_FILE, Run, RunError, RunFolder, load_run, table_file
from scenarios.dump import resolved
from scenarios.load import Loaded, ScenarioError
from scenarios.tree import Location, Source
from simulator import registry
from simulator.commits import Commit, training_key
from simulator.environment import describe_machine
from simulator.marked import load_marked
from simulator.plan import Plan
from simulator.planning import make_plan
from simulator.playing import Course
from simulator.progress import Progress, silent
from simulator.recorded import (
    NotRecordedError,
    OtherCourseError,
    RecordedLearner,
    Recording,
    read_recording,
)
from simulator.run_log import early_log, log_file
from simulator.setting import make_setting, warn_of_oddities
from simulator.writing import FINISHED, Ending, folder_of, write_beginning, write_ending

FIGURES_DRAWN = ("latency_fid",)
"""The curve a run is retimed for; to draw everything (``hetedge plot all``) takes longer than all the rest."""

_CUT_OPTIONS_KEPT = ("objective", "limits")
"""Keys of ``cuts`` that any selector takes."""

_AS_TRAINED = "as the run was trained"


def retime(
    run: str | Path,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Give an existing run the timeline of another fleet.

    Args:
        run: the folder of a finished run.
        out: the new run folder; by default ``runs/<name>-<hash of the resolved scenario>``.
        overrides: ``key.path=value`` texts laid over the run's own scenario. Where none of them touches ``cuts``, the
            trained cuts are stated.
        progress: what is told how far it is; nothing by default.

    Raises:
        ScenarioError: where the new scenario is wrong, or would have trained something else.
        NotRecordedError: where the folder is not that of a finished synchronous training of this version.
        FileExistsError: where the new folder holds something already.
        RunError: where the run's folder is damaged, or the new one cannot be written.
    """
    progress = progress or silent()
    with early_log() as early:
        started = time.perf_counter()
        recording = _recording(Path(run))
        loaded = _new_scenario(recording, overrides)
        path = folder_of(loaded, out)
        _retimed(recording, loaded, path, started, early, progress, FIGURES_DRAWN)
    return load_run(path)


def retime_as(
    run: Path, loaded: Loaded, path: Path, progress: Progress, figures: Sequence[str] = FIGURES_DRAWN
) -> Run:
    """Give an existing run the timeline of a scenario that would have trained the same.

    Args:
        run: the folder of a finished run.
        loaded: the scenario, with cuts of its own; they must come out as they were trained.
        path: the new run folder.
        progress: what is told how far it is.
        figures: the kinds of figures that are drawn.

    Raises:
        ScenarioError, NotRecordedError, FileExistsError, RunError: as :func:`retime`.
    """
    with early_log() as early:
        started = time.perf_counter()
        recording = _recording(run)
        _refuse_other_training(loaded, recording.loaded)
        _retimed(recording, loaded, path, started, early, progress, figures)
    return load_run(path)


def _retimed(
    recording: Recording,
    loaded: Loaded,
    path: Path,
    started: float,
    early: MemoryHandler,
    progress: Progress,
    figures: Sequence[str],
) -> None:
    """Play what was recorded on the fleet of a scenario, and write it."""
    RunFolder.check(path)
    plan = _plan(recording, loaded)
    pictures = _pictures(recording.run)
    course = Course(plan, progress)
    _play(course, recording)
    course.recorder.wallclock(course.last_round, "run", time.perf_counter() - started)
    folder = RunFolder.create(path)
    with log_file(folder, early):
        _write(folder, course, recording, pictures, progress, figures)


def _recording(path: Path) -> Recording:
    if (path / SCENARIO_FILE).is_file() and not (path / SUMMARY_FILE).exists():
        # The summary is written last: a run that was killed has none.
        came = f"the run did not finish (no {SUMMARY_FILE})"
        raise NotRecordedError(f"{path}: {came}; allowed: the folder of a finished run")
    run = load_run(path)
    loaded = load_marked(path / SCENARIO_FILE)
    if not loaded.scenario.strategy.is_lossless():
        came = "the run did not wait for everybody: its weights depend on who was in time"
        raise NotRecordedError(f"{path}: {came}; allowed: a synchronous run with patience of the kind all")
    if loaded.scenario.cuts.reselect is not None:
        came = "the run chose its cuts anew (cuts.reselect): on another fleet it might have chosen others, elsewhere"
        raise NotRecordedError(f"{path}: {came}; allowed: a run that kept its cuts")
    return read_recording(run, loaded)


def _new_scenario(recording: Recording, overrides: Sequence[str]) -> Loaded:
    """Return the run's scenario with overrides, refused where it would train something else."""
    path = recording.run.path
    cuts_given = any(one.partition("=")[0].split(".")[0] == "cuts" for one in overrides)
    restated = recording.cuts and not cuts_given
    new_overrides = [_trained_cuts(recording), *overrides] if restated else overrides
    loaded = registry.load(str(path / SCENARIO_FILE), new_overrides)
    if restated:
        loaded = _cuts_from_file(loaded, path / table_file("cuts"), recording.loaded)
    loaded = _with_marks_of(recording.loaded, loaded)
    _refuse_other_training(loaded, recording.loaded)
    return loaded


def _refuse_other_training(loaded: Loaded, trained: Loaded) -> None:
    """Refuse a scenario that would train something else than another did.

    Raises:
        ScenarioError: It would; every value that differs is named.
    """
    new, old = resolved(loaded.scenario), resolved(trained.scenario)
    differences = [
        loaded.error(key, came, f"allowed: {was}, {_AS_TRAINED}")
        for key, came, was in _differences(deciding(new), deciding(old))
    ]
    if differences:
        raise ScenarioError([problem for error in differences for problem in error.problems])


def _with_marks_of(old: Loaded, new: Loaded) -> Loaded:
    """Return a scenario in which what stands where the old one has it is given or default as it is there."""
    untouched = {key for key, at in old.locations.items() if new.locations.get(key) == at}
    return replace(new, given=new.given - (untouched - old.given))


def _trained_cuts(recording: Recording) -> str:
    """Return the override that states the trained cuts; what an iteration may cost, and is judged by, stays."""
    kept = recording.loaded.scenario.cuts.model_dump(mode="json", include=set(_CUT_OPTIONS_KEPT))
    rows = [cut.as_tuple() for cut in recording.cuts]
    return f"cuts={json.dumps({'selector': 'fixed', 'per_client': rows, **kept})}"


def _cuts_from_file(loaded: Loaded, file: Path, old: Loaded) -> Loaded:
    """Return a scenario whose cuts, if they are refused, are looked for where they stand: in ``cuts.csv``.

    What is kept of the old scenario's ``cuts`` stands there.
    """
    source = Source(str(file), file.parent)
    kept = {key: at for key, at in loaded.locations.items() if key.split(".")[0] != "cuts"}
    whole = {key: Location(source, 1, 1) for key in ("cuts", "cuts.per_client")}
    clients = range(len(loaded.scenario.cuts.per_client))
    rows = {f"cuts.per_client.{client}": Location(source, client + 2, 1) for client in clients}
    options = {key: at for key, at in old.locations.items() if _is_kept_option(key)}
    return replace(loaded, locations=kept | whole | rows | options)


def _is_kept_option(key: str) -> bool:
    section, _, rest = key.partition(".")
    return section == "cuts" and rest.split(".")[0] in _CUT_OPTIONS_KEPT


def deciding(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a resolved scenario that decides weights and metrics; all else decides time alone.

    Who belongs to which domain is checked when the clients are known, and the number of rounds by the log.
    """
    data, strategy = scenario["data"], scenario["strategy"]
    only_time = registry.STRATEGIES[strategy["name"]].options.timing_keys
    stop = scenario["stop"] or {}
    domains = [{key: value for key, value in one.items() if key != "clients"} for one in data["domains"]]
    return {
        "seed": scenario["seed"],
        "data": data | {"domains": domains},
        "model": scenario["model"],
        "strategy": {key: value for key, value in strategy.items() if key not in only_time},
        "stop": {"target": stop.get("target")},
        "evaluation": scenario["evaluation"],
        "execution": scenario["execution"],
    }


def _differences(new: object, old: object, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield key path, new and old value of everything that differs."""
    if isinstance(new, dict) and isinstance(old, dict):
        for key in dict.fromkeys([*new, *old]):
            yield from _differences(new.get(key), old.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        for index, (one, other) in enumerate(zip(new, old, strict=True)):
            yield from _differences(one, other, f"{path}.{index}")
    elif new != old:
        yield path, json.dumps(new), json.dumps(old)


def _plan(recording: Recording, loaded: Loaded) -> Plan:
    """Lay the run out on the new fleet; refuse other clients and other cuts.

    Raises:
        ScenarioError: where the new fleet does not fit what was trained.
        RunError: where the folder's numbers contradict each other.
    """
    setting = make_setting(loaded, held=recording.held, forms=recording.forms)
    clients, trained = len(setting.deal.domain_of), len(recording.deal.domain_of)
    if clients != trained:
        holders = loaded.scenario.strategy.holders
        came = f"{clients} {'clients' if holders == 'devices' else holders}"
        raise loaded.error("devices.clients", came, f"allowed: {trained}, {_AS_TRAINED}")
    domains = setting.deal.domains
    for client, (new, old) in enumerate(zip(setting.deal.domain_of, recording.deal.domain_of, strict=True)):
        if new != old:
            came = f"client {client} belongs to {domains[new]}"
            raise loaded.error("data.domains", came, f"allowed: {domains[old]}, {_AS_TRAINED}")
    warn_of_oddities(setting)
    plan = make_plan(setting)
    for client, (cut, was) in enumerate(zip(plan.cuts, recording.cuts, strict=True)):
        if cut != was:
            came = f"client {client} is cut {list(cut.as_tuple())}"
            raise loaded.error("cuts", came, f"allowed: {list(was.as_tuple())}, {_AS_TRAINED}")
    iterations = sum(entry.commit.kind == plan.final_kind for entry in recording.entries)
    if (plan.batches, plan.iterations_per_round * recording.rounds) != (recording.batches, iterations):
        raise RunError(f"{recording.run.path}: damaged: cuts.csv does not fit the batches and iterations")
    return plan


def _play(course: Course, recording: Recording) -> None:
    """Play the new time with what was learned.

    Raises:
        ScenarioError: where other rounds come out than were trained.
        RunError: where the log came out the same and the training key did not: the folder is damaged.
    """
    plan = course.plan
    try:
        course.play(RecordedLearner(recording, course.recorder, course.clock))
    except OtherCourseError as error:
        raise _other_rounds(plan, recording, error.commit) from error
    key = training_key(course.entries, plan.training_facts(recording.data_sha256))
    if key != recording.run.summary["training_key"]:
        raise RunError(f"{recording.run.path}: damaged: played again, it has another training key")


def _other_rounds(plan: Plan, recording: Recording, commit: Commit) -> ScenarioError:
    """Return the error of a scenario that ends earlier, later or for another reason than the training did."""
    round_, trained = commit.info["round"], recording.rounds
    stated = recording.loaded.scenario.strategy.rounds
    final = recording.entries[-1]
    by_target = final.decision is not None and final.decision.stop
    ends = commit.kind == "evaluate" and bool(commit.info["last"])
    by_time = ends and round_ != plan.rounds - 1
    allowed = f"an end with round {trained - 1}, where the training ended, since no other weights are kept"
    if by_target and commit.kind == "evaluate" and round_ == trained - 1:
        # The same round: whether it was known to be the last is part of what was trained.
        came = f"would end with round {round_} by {_way(ends, by_time)}"
        allowed = f"by {_way(bool(final.commit.info['last']), trained != stated)}, {_AS_TRAINED}"
    else:
        came = f"would end with round {round_}" if ends else f"would go on after round {trained - 1}"
    rounds = trained if final.commit.info["last"] else stated
    return plan.setting.loaded.error(
        "stop.sim_time" if by_time else "strategy.rounds",
        f"on this fleet the run {came}",
        f"allowed: {allowed} (strategy.rounds={rounds}, stop.sim_time=null)",
    )


def _way(known_last: bool, by_time: bool) -> str:
    """Return what ends a run with a round in which its target is reached, known to be the last or not."""
    if not known_last:
        return "its target"
    return "its simulated time" if by_time else "its number of rounds"


def _pictures(run: Run) -> dict[tuple[int, str], bytes]:
    """Read the pictures of all evaluations, before there is a new folder that could be left half-written.

    Raises:
        RunError: where one cannot be read.
    """
    pictures = {}
    for place in sorted(set(zip(run.metrics["round"].tolist(), run.metrics["domain"].tolist(), strict=True))):
        file = run.samples[place]
        try:
            pictures[place] = file.read_bytes()
        except OSError as error:
            raise RunError(f"{file}: damaged: cannot be read: {error.strerror or error}") from error
    return pictures


def _write(
    folder: RunFolder,
    course: Course,
    recording: Recording,
    pictures: Mapping[tuple[int, str], bytes],
    progress: Progress,
    figures: Sequence[str],
) -> None:
    """Write the new folder; what the run was trained on stands in its environment."""
    run = recording.run
    origin = {"folder": run.path.resolve().name, "training_key": run.summary["training_key"]}
    environment = run.environment | {"retimed_from": origin, "retimed_with": describe_machine()}
    write_beginning(folder, course.plan, environment)
    for (round_, domain), picture in pictures.items():
        folder.write_sample(round_, domain, picture)
    weights_sha256 = run.summary["weights_sha256"]
    more = {"retimed_from": origin}
    ending = Ending(FINISHED, recording.data_sha256, weights_sha256, more, figures)
    write_ending(folder, course, ending, progress)
