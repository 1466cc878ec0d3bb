"""Data through the command line: missing sets, a user's own files in every format, and the list of data sets."""

import gzip
import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_run import environment, hetedge_process, write_idx

from models.catalog import DATASETS

NAMED = """\
name: named
devices: {clients: [{profile: phone-2024, count: 2}]}
data: {domains: [{dataset: MNIST}]}
"""

OWN = """\
name: own
devices: {clients: [{profile: phone-2024, count: 2}]}
data: {domains: [{dataset: {path: letters, format: FORMAT}}]}
model: {width: 2}
cuts: {selector: greedy}
strategy: {rounds: 1, steps_per_round: 1, batch_size: 8, warmup_rounds: 0, clusters: 1}
evaluation: {samples: 20, metrics: [fid, generation_score]}
execution: {device: cpu, threads: 1}
"""


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8), np.arange(
        count
    ) % 10


def write_packed_idx(folder: Path) -> None:
    write_idx(folder / "raw", "t10k", *images(120, 1))
    for path in (folder / "raw").iterdir():
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def write_npz(folder: Path) -> None:
    folder.mkdir()
    (train, of_train), (test, of_test) = images(80, 1), images(40, 2)
    np.savez(folder / "all.npz", x_train=train, y_train=of_train, x_test=test, y_test=of_test)


def write_pictures(folder: Path) -> None:
    for pixels, label in zip(*images(120, 1), strict=True):
        own = folder / f"class-{label}"
        own.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(own / f"{len(list(own.iterdir()))}.png")


@pytest.mark.parametrize(
    ("kind", "write"), [("idx", write_packed_idx), ("npz", write_npz), ("folder", write_pictures)]
)
def test_files_that_nobody_here_has_seen_train_and_are_scored(hetedge, tmp_path, kind, write):
    write(tmp_path / "letters")
    (tmp_path / "own.yaml").write_text(OWN.replace("FORMAT", kind))
    done = hetedge("run", "own.yaml", "-o", "out")
    assert done.code == 0, done.err
    metrics = json.loads((tmp_path / "out" / "summary.json").read_text())["metrics"]
    assert all(np.isfinite(metrics[name]["letters"]["last"]) for name in ("fid", "generation_score"))


def test_offline_with_nothing_cached_a_run_says_what_is_missing_within_ten_seconds(tmp_path):
    (tmp_path / "named.yaml").write_text(NAMED)
    began = time.monotonic()
    # A proxy that nobody listens at: whatever network the machine has, no mirror can be reached.
    nobody = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    done = hetedge_process("run", "named.yaml", folder=tmp_path, **nobody, NO_PROXY="", HETEDGE_OFFLINE="")
    assert time.monotonic() - began < 10
    assert (done.returncode, done.stdout) == (2, "")
    line = done.stderr.splitlines()[-1]
    assert line.startswith(
        "named.yaml:3:28: data.domains.0.dataset: data set 'MNIST' needs train-images-idx3-ubyte.gz"
    )
    assert str(tmp_path / "cache" / "datasets" / "MNIST") in line
    assert "HETEDGE_DATA is not set" in line
    assert (
        "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz (Connection refused)"
        in line
    )
    assert "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz" in line
    assert not (tmp_path / "runs").exists()


def test_the_library_scenario_says_the_same_where_no_attempt_is_wanted(tmp_path):
    done = hetedge_process("run", "paper/s1_single_iid", folder=tmp_path, HETEDGE_OFFLINE="1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "not downloaded, because HETEDGE_OFFLINE is set" in done.stderr


def test_timing_alone_needs_no_data(hetedge, tmp_path, monkeypatch):
    monkeypatch.setenv("HETEDGE_OFFLINE", "1")
    (tmp_path / "named.yaml").write_text(NAMED)
    assert hetedge("latency", "named.yaml").code == 0


def where(answer: str) -> dict[str, str]:
    header, *rows = answer.splitlines()
    start, end = header.index("where"), header.index("licence")
    return {row.split()[0]: row[start:end].strip() for row in rows}


def test_the_list_says_where_each_set_is(hetedge, tmp_path, monkeypatch):
    done = hetedge("list", "datasets")
    places = where(done.out)
    assert list(places) == list(DATASETS)
    assert places["glyphs"] == "embedded"
    assert places["SVHN"] == "would be downloaded"
    for info in DATASETS.values():
        assert "x".join(map(str, info.image_shape)) in done.out
        assert info.licence in done.out
    data = tmp_path / "data"
    (data / "KMNIST").mkdir(parents=True)
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        (data / "KMNIST" / name).write_bytes(b"not opened")
    (data / "bloodmnist.npz").write_bytes(b"not opened")
    monkeypatch.setenv("HETEDGE_DATA", str(data))
    cached = Path(environment(tmp_path)["HETEDGE_CACHE"])
    monkeypatch.setenv("HETEDGE_CACHE", str(cached))
    (cached / "datasets" / "DermaMNIST").mkdir(parents=True)
    (cached / "datasets" / "DermaMNIST" / "dermamnist.npz").write_bytes(b"not opened")
    places = where(hetedge("list", "datasets").out)
    assert places["KMNIST"] == "HETEDGE_DATA (a part: 8000 train)"
    assert places["BloodMNIST"] == "HETEDGE_DATA"
    assert places["DermaMNIST"] == "cache"
    assert places["MNIST"] == "would be downloaded"
