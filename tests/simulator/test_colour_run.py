"""A run on colour images of few classes, from its folder of files to its retiming, by the library."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.runs import Run
from simulator import retiming, runner

SCENARIO = """\
name: colour
devices: {clients: [{profile: paper-2, count: 4}]}
data:
  domains: [{dataset: {path: stripes, format: npz}}, {dataset: {path: spots, format: npz}}]
model: {name: cgan32, width: 2}
strategy: {rounds: 1, steps_per_round: 2, batch_size: 4, clusters: 2}
evaluation: {samples: 20, cas: {samples: 30, epochs: 1}}
execution: {device: cpu, threads: 1}
"""
CLASSES = {"stripes": 3, "spots": 5}


def write_pictures(folder: Path, classes: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(classes)
    parts = {}
    for part, count in (("train", 40), ("test", 20)):
        parts[f"{part}_images"] = rng.integers(0, 256, (count, 28, 28, 3), dtype=np.uint8)
        parts[f"{part}_labels"] = np.arange(count) % classes
    np.savez(folder / "pictures.npz", **parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("colour")


@pytest.fixture(scope="module")
def trained(folder) -> Run:
    for name, classes in CLASSES.items():
        write_pictures(folder / name, classes)
    (folder / "colour.yaml").write_text(SCENARIO)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HETEDGE_CACHE", str(folder / "cache"))
        patch.setattr("simulator.writing.FIGURES", {})
        return runner.run(folder / "colour.yaml", folder / "run")


def test_every_domain_is_measured_over_its_own_classes(trained):
    last = trained.metrics[trained.metrics["round"] == 0].set_index(["domain", "metric"])["value"]
    for domain, classes in CLASSES.items():
        assert 1 <= last[domain, "generation_score"] <= classes
        assert 0 <= last[domain, "cas_accuracy"] <= 1
        assert np.isfinite(last[domain, "fid"])


def test_a_sample_grid_has_a_column_for_each_class_of_its_domain(trained):
    widths = {}
    for domain in CLASSES:
        with Image.open(trained.path / f"samples/{domain}_round_0.png") as grid:
            assert grid.mode == "RGB"
            widths[domain] = grid.width
    # Equal tiles with equal gaps: two columns more are two tiles and two gaps more.
    assert widths["spots"] - widths["stripes"] == 2 * (28 + 2)


def test_the_folder_tells_what_the_files_held(trained):
    told = {name: {"shape": [3, 28, 28], "classes": classes} for name, classes in CLASSES.items()}
    assert trained.environment["data_forms"] == told


def test_a_retiming_takes_the_networks_that_were_trained(trained, folder):
    """Nothing in the scenario says 28x28 or five classes: on the same fleet the times must be the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.retiming.FIGURES_DRAWN", ())
        again = retiming.retime(trained.path, folder / "again", ())
    assert again.iterations["start_s"].tolist() == trained.iterations["start_s"].tolist()
    assert again.summary["iteration_latency_s"] == trained.summary["iteration_latency_s"]
