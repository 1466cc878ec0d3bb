"""Event files for TensorBoard, read back with TensorBoard's own reader."""

import importlib.util
import struct

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_run import write_tiny

from analysis.runs import RunError, RunFolder
from simulator import run, runner
from simulator.event_file import EventFile
from simulator.tensorboard import FOLDER

ALL = {"scalars": 0, "images": 0, "tensors": 0}
OVERRIDES = ("strategy.rounds=3", "strategy.steps_per_round=2", "evaluation.every_rounds=2")


def read(folder):
    board = EventAccumulator(str(folder), size_guidance=ALL)
    board.Reload()
    return board


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("board")
    patch.setenv("HETEDGE_CACHE", str(folder / "cache"))
    patch.setattr("simulator.writing.FIGURES", ())
    yield write_tiny(folder)
    patch.undo()


@pytest.fixture(scope="module")
def finished(scenario):
    return run(scenario, scenario.parent / "run", OVERRIDES, tensorboard=True)


@pytest.fixture(scope="module")
def board(finished):
    return read(finished.path / FOLDER)


def points(board, tag):
    return [(one.step, one.wall_time, one.value) for one in board.Scalars(tag)]


def kept(steps, times_s, values):
    """As TensorBoard keeps points: the time to the last bit, the value as float32."""
    return list(zip(steps, times_s, np.float32(values).tolist(), strict=True))


def test_every_metric_is_there_to_the_last_bit_at_its_simulated_time(finished, board):
    wanted = {
        f"{metric}/{domain}": kept(rows["round"], rows["sim_time_s"], rows["value"])
        for (metric, domain), rows in finished.metrics.groupby(["metric", "domain"])
    }
    others = {"network/bytes", "time/iteration_s", "time/round_s", "loss/discriminator", "loss/generator"}
    assert set(board.Tags()["scalars"]) == wanted.keys() | others
    assert {tag: points(board, tag) for tag in wanted} == wanted


def test_bytes_are_those_of_the_metrics(finished, board):
    rows = finished.metrics.drop_duplicates("round")
    assert len(rows) == 3  # before training, after round 1 and after the last
    assert points(board, "network/bytes") == kept(rows["round"], rows["sim_time_s"], rows["bytes"])


def test_losses_and_latency_of_every_iteration_are_there(finished, board):
    rows = finished.iterations
    for tag, column in (
        ("loss/discriminator", "discriminator_loss"),
        ("loss/generator", "generator_loss"),
        ("time/iteration_s", "iteration_latency_s"),
    ):
        assert points(board, tag) == kept(rows["iteration"], rows["end_s"], rows[column])


def test_rounds_last_as_long_as_their_devices_say(finished, board):
    elapsed = finished.devices.groupby("round")["elapsed_s"].first()
    came = points(board, "time/round_s")
    assert [step for step, _, _ in came] == elapsed.index.tolist()
    assert [value for _, _, value in came] == pytest.approx(elapsed.tolist(), rel=1e-6)
    assert [time_s for _, time_s, _ in came] == pytest.approx(elapsed.cumsum().tolist(), rel=1e-12)


def test_samples_are_the_pictures_of_the_folder(finished, board):
    assert set(board.Tags()["images"]) == {"samples/bars", "samples/dots"}
    for domain in ("bars", "dots"):
        came = board.Images(f"samples/{domain}")
        files = {
            round_: path.read_bytes() for (round_, one), path in finished.samples.items() if one == domain
        }
        assert {one.step: one.encoded_image_string for one in came} == files
        size = struct.unpack(">II", next(iter(files.values()))[16:24])
        assert {(one.width, one.height) for one in came} == {size}


def test_the_scenario_is_there_as_text(finished, board):
    (text,) = board.Tensors("scenario")
    markdown = text.tensor_proto.string_val[0].decode()
    lines = (finished.path / "scenario.yaml").read_text().splitlines()
    assert markdown == "".join(f"    {line}\n" for line in lines)


def test_nothing_of_the_run_depends_on_it(scenario, finished):
    plain = run(scenario, scenario.parent / "plain", OVERRIDES)
    assert not (plain.path / FOLDER).exists()
    same = ("timeline_sha256", "weights_sha256", "training_key")
    assert [plain.summary[key] for key in same] == [finished.summary[key] for key in same]
    assert (plain.path / "scenario.yaml").read_bytes() == (finished.path / "scenario.yaml").read_bytes()


def test_equal_runs_give_equal_files(scenario, finished):
    again = run(scenario, scenario.parent / "again", OVERRIDES, tensorboard=True)
    files = [next((one.path / FOLDER).iterdir()).read_bytes() for one in (finished, again)]
    assert files[0] == files[1]


def test_it_can_be_read_while_the_run_goes_on(scenario, monkeypatch):
    """After each evaluation all of it is in the file, to the last picture."""
    seen = []
    original = runner.following

    def watching(folder, plan, recorder, wanted):
        manager = original(folder, plan, recorder, wanted)

        class Watched:
            def __enter__(self):
                (committed,) = manager.__enter__()

                def follow(entry):
                    committed(entry)
                    if entry.commit.kind == "evaluate":
                        written = read(folder.path / FOLDER).Images("samples/dots")
                        seen.append([one.step for one in written])

                return (follow,)

            def __exit__(self, *error):
                return manager.__exit__(*error)

        return Watched()

    monkeypatch.setattr("simulator.runner.following", watching)
    run(scenario, scenario.parent / "live", OVERRIDES, tensorboard=True)
    assert seen == [[-1], [-1, 1], [-1, 1, 2]]


def test_a_run_without_training_tells_its_time(scenario):
    untrained = run(
        scenario, scenario.parent / "untrained", (*OVERRIDES, "execution.training=false"), tensorboard=True
    )
    board = read(untrained.path / FOLDER)
    assert set(board.Tags()["scalars"]) == {"network/bytes", "time/iteration_s", "time/round_s"}
    assert len(board.Scalars("time/iteration_s")) == len(untrained.iterations)


def test_many_iterations_are_thinned_evenly(scenario, monkeypatch):
    monkeypatch.setattr("simulator.tensorboard.MOST_POINTS", 4)
    overrides = ("strategy.rounds=2", "strategy.steps_per_round=5", "execution.training=false")
    thinned = run(scenario, scenario.parent / "thinned", overrides, tensorboard=True)
    steps = [one.step for one in read(thinned.path / FOLDER).Scalars("time/iteration_s")]
    assert steps == [0, 3, 6, 9]


def test_without_the_extra_nothing_is_begun(scenario, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "simulator.tensorboard.find_spec", lambda name: None if name == "tensorboard" else find(name)
    )
    folder = scenario.parent / "never"
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'hetedge\[tracking\]'"):
        run(scenario, folder, tensorboard=True)
    assert not folder.exists()
    assert run(scenario, folder, (*OVERRIDES, "execution.training=false")).path == folder


def test_a_disk_that_is_full_stops_the_run(tmp_path, monkeypatch):
    file = EventFile(tmp_path / "board")
    file.scalar("a", 0, 0.0, 1.0)

    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file._file, "flush", full, raising=False)
    with pytest.raises(RunError, match=r"events.*cannot be written: No space left on device"):
        file.flush()
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        EventFile(RunFolder(tmp_path / "taken").path / "board")
