"""Data sets by name: below HETEDGE_DATA, else in the cache, else fetched; unchecked bytes are never returned."""

import gzip
import hashlib
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from mirror import mirror
from scipy.io import savemat
from tiny_run import write_idx

from models import finding
from models.catalog import DATASETS, DomainOptions
from models.data_files import DataError
from models.datasets import LabelledImages, load_dataset
from models.finding import cache_folder, fetched_layout, find_fetched, find_given
from models.sources import SOURCES, Layout, SourceFile

NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> dict[str, bytes]:
    """What a made-up author publishes: the packed files of 100 and 50 images."""
    folder = tmp_path_factory.mktemp("published")
    for part, count in (("train", 100), ("t10k", 50)):
        write_idx(
            folder,
            part,
            np.random.default_rng(count).integers(0, 256, (count, 28, 28)),
            np.arange(count) % 10,
        )
    return {name: gzip.compress((folder / name.removesuffix(".gz")).read_bytes(), mtime=0) for name in NAMES}


@pytest.fixture
def sources(tmp_path, monkeypatch, published):
    """Make the made-up files those of MNIST and KMNIST (there the digest of plain training files is not known)."""
    monkeypatch.setenv("HETEDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HETEDGE_OFFLINE", raising=False)

    def publish(*mirrors: str) -> None:
        def files(plain_known: int) -> tuple[SourceFile, ...]:
            return tuple(
                SourceFile(
                    name,
                    f"sha256:{sha256(content)}",
                    sha256(gzip.decompress(content)) if number >= 4 - plain_known else "",
                    tuple(url + name for url in mirrors),
                )
                for number, (name, content) in enumerate(published.items())
            )

        kmnist = Layout("idx", files(2))
        made_up = {
            "MNIST": (Layout("idx", files(4)),),
            "KMNIST": (kmnist, Layout("idx", kmnist.files[2:], images=40)),
        }
        monkeypatch.setattr(finding, "SOURCES", {**SOURCES, **made_up})

    publish("http://127.0.0.1:9/")
    return publish


def put(folder: Path, contents: dict[str, bytes], plain: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / (name.removesuffix(".gz") if plain else name)).write_bytes(
            gzip.decompress(content) if plain else content
        )


def load(name: str, data_root: Path | None) -> LabelledImages:
    return load_dataset(DomainOptions(dataset=name), None, data_root)


def error_text(name: str, data_root: Path | None) -> str:
    with pytest.raises(DataError) as caught:
        load(name, data_root)
    return str(caught.value)


def test_every_set_in_files_has_sources_and_one_layout_that_can_be_fetched():
    assert set(SOURCES) == {name for name, info in DATASETS.items() if not info.embedded}
    for name, layouts in SOURCES.items():
        assert layouts[0].images is None, name
        assert fetched_layout(name).images is None
        for file in (file for layout in layouts for file in layout.files):
            kind, _, digits = file.digest.partition(":")
            assert len(digits) == {"sha256": 64, "md5": 32}[kind]
            assert int(digits, 16) > 0
            assert all(url.startswith("http") and file.name in url for url in file.urls)


def test_no_two_published_files_share_a_digest():
    digests = [
        digest
        for layouts in SOURCES.values()
        for file in {file for layout in layouts for file in layout.files}
        for digest in (file.digest, file.plain_sha256)
        if digest
    ]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("below", ["MNIST", "MNIST/raw"])
def test_files_below_the_data_folder_are_used_plain_or_packed(sources, tmp_path, published, plain, below):
    put(tmp_path / "data" / below, published, plain)
    data = load("MNIST", tmp_path / "data")
    assert (len(data.train_labels), len(data.test_labels)) == (100, 50)
    assert not (tmp_path / "cache").exists()


def test_files_packed_anew_are_the_same_data(sources, tmp_path, published):
    put(tmp_path / "MNIST", {name: gzip.compress(gzip.decompress(one), 1) for name, one in published.items()})
    assert len(load("MNIST", tmp_path).train_labels) == 100


def test_a_wrong_file_below_the_data_folder_is_an_error_and_stays_as_it_is(sources, tmp_path, published):
    wrong = gzip.decompress(published[NAMES[1]])[::-1]
    put(tmp_path / "MNIST", published | {NAMES[1]: gzip.compress(wrong)})
    before = {path: path.read_bytes() for path in (tmp_path / "MNIST").iterdir()}
    text = error_text("MNIST", tmp_path)
    right = sha256(gzip.decompress(published[NAMES[1]]))
    assert text.startswith(f"{tmp_path / 'MNIST' / NAMES[1]}: expected SHA-256 {right} of the plain bytes")
    assert f"found {sha256(wrong)}" in text
    assert {path: path.read_bytes() for path in (tmp_path / "MNIST").iterdir()} == before
    assert not (tmp_path / "cache").exists()


def test_a_file_whose_plain_digest_is_not_known_is_checked_as_it_was_published(sources, tmp_path, published):
    put(tmp_path / "KMNIST", published)
    assert len(load("KMNIST", tmp_path).train_labels) == 100
    anew = gzip.compress(gzip.decompress(published[NAMES[0]]), 1)
    put(tmp_path / "KMNIST", {NAMES[0]: anew})
    assert "of the file, found" in error_text("KMNIST", tmp_path)


def test_test_files_alone_are_split_80_20_with_a_warning(sources, tmp_path, published, caplog):
    put(tmp_path / "KMNIST" / "raw", {name: published[name] for name in NAMES[2:]})
    data = load("KMNIST", tmp_path)
    assert (len(data.train_labels), len(data.test_labels)) == (40, 10)
    assert "hold only a part of it, split 80/20 into 40 training and 10 test images" in caplog.text
    assert "assume 60000 training images" in caplog.text


@pytest.mark.parametrize("plain", [False, True])
def test_a_set_with_one_file_missing_is_no_smaller_set(sources, tmp_path, published, plain):
    put(tmp_path / "data" / "KMNIST", {name: published[name] for name in NAMES[2:]})
    put(tmp_path / "data" / "KMNIST", {NAMES[0]: published[NAMES[0]]}, plain)
    text = error_text("KMNIST", tmp_path / "data")
    assert f"{tmp_path / 'data' / 'KMNIST'} (lacks " in text
    assert NAMES[1] in text
    assert ("only the .gz file can be checked" in text) is plain


def test_a_missing_set_says_what_it_needs_where_it_looked_what_failed_and_the_cure(sources, tmp_path):
    came, _, cure = error_text("MNIST", tmp_path / "data").partition("; ")
    assert came.startswith(f"data set 'MNIST' needs {', '.join(NAMES)}, not found in ")
    for place in (tmp_path / "data" / "MNIST", tmp_path / "data" / "MNIST" / "raw", cache_folder("MNIST")):
        assert str(place) in came
    assert came.endswith(f"not downloaded: http://127.0.0.1:9/{NAMES[0]} (Connection refused)")
    assert "set HETEDGE_DATA" in cure
    assert "HETEDGE_DATA is not set" in error_text("MNIST", None)


def test_offline_by_wish_nothing_is_asked_for(sources, monkeypatch, published):
    with mirror() as one:
        one.files = dict(published)
        sources(one.url)
        monkeypatch.setenv("HETEDGE_OFFLINE", "1")
        assert "not downloaded, because HETEDGE_OFFLINE is set" in error_text("MNIST", None)
    assert one.asked == []


def test_a_missing_set_is_fetched_once_and_then_found_in_the_cache(sources, tmp_path, published):
    with mirror() as one:
        one.files = dict(published)
        sources(one.url)
        assert find_fetched("MNIST") is None
        first = load("MNIST", tmp_path / "data")
    assert [name for name, _ in one.asked] == list(NAMES)
    assert not (tmp_path / "data").exists()
    assert find_fetched("MNIST").folder == cache_folder("MNIST")
    assert load("MNIST", None).digest == first.digest


def test_only_what_is_missing_or_damaged_in_the_cache_is_fetched_again(sources, published, caplog):
    with mirror() as one:
        one.files = dict(published)
        sources(one.url)
        load("MNIST", None)
        one.asked.clear()
        (cache_folder("MNIST") / NAMES[0]).write_bytes(published[NAMES[0]][:-5])
        (cache_folder("MNIST") / NAMES[3]).unlink()
        load("MNIST", None)
    assert [name for name, _ in one.asked] == [NAMES[0], NAMES[3]]
    assert "this copy in the cache is removed" in caplog.text


def test_nothing_unchecked_is_loaded_from_a_cache_that_cannot_be_mended(sources, published):
    put(cache_folder("MNIST"), published | {NAMES[2]: published[NAMES[2]][::-1]})
    assert f"needs {NAMES[2]}, not found" in error_text("MNIST", None)
    assert not (cache_folder("MNIST") / NAMES[2]).exists()


def test_a_truncated_archive_from_the_network_is_refused_and_removed(sources, published):
    with mirror() as bad:
        bad.files = published | {NAMES[0]: published[NAMES[0]][:-100]}
        sources(bad.url)
        assert "what came has a wrong checksum, or is cut short; it was removed" in error_text("MNIST", None)
    assert [path.name for path in cache_folder("MNIST").iterdir() if path.name != ".lock"] == []


def test_a_cache_that_is_a_file(sources, tmp_path, published):
    (tmp_path / "cache").write_text("x")
    with mirror() as one:
        one.files = dict(published)
        sources(one.url)
        assert "set HETEDGE_CACHE" in error_text("MNIST", None)


def test_other_layouts_may_lie_beside_the_folders_of_the_sets(tmp_path):
    for name in ("train_32x32.mat", "test_32x32.mat", "bloodmnist.npz"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "cifar-10-batches-py").mkdir()
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (tmp_path / "cifar-10-batches-py" / name).write_bytes(b"")
    assert find_given("SVHN", tmp_path).folder == tmp_path
    assert find_given("BloodMNIST", tmp_path).folder == tmp_path
    assert find_given("CIFAR10", tmp_path).layout.kind == "cifar"
    assert find_given("DermaMNIST", tmp_path) is None


def test_a_named_set_in_another_form_than_the_catalogues_is_refused(tmp_path, monkeypatch):
    np.savez(tmp_path / "bloodmnist.npz", images=np.zeros((20, 28, 28), np.uint8), labels=np.arange(20) % 8)
    digest = f"sha256:{sha256((tmp_path / 'bloodmnist.npz').read_bytes())}"
    layout = Layout(
        "npz", (SourceFile("bloodmnist.npz", digest, urls=("http://127.0.0.1:9/bloodmnist.npz",)),)
    )
    monkeypatch.setattr(finding, "SOURCES", {"BloodMNIST": (layout,)})
    assert "holds images of 1 x 28 x 28 in 8 classes; allowed: images of 3 x 28 x 28" in error_text(
        "BloodMNIST", tmp_path
    )


def digest_of(path: Path) -> SourceFile:
    return SourceFile(
        path.name, f"sha256:{sha256(path.read_bytes())}", urls=(f"http://127.0.0.1:9/{path.name}",)
    )


@pytest.mark.parametrize("kind", ["cifar", "cifar_archive"])
def test_cifar_by_name_from_batches_or_archive(tmp_path, monkeypatch, kind):
    images = np.random.default_rng(5).integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
    folder = tmp_path / "CIFAR10" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name, chosen in (("data_batch_1", slice(0, 20)), ("test_batch", slice(20, 40))):
        pixels = images[chosen].reshape(20, -1)
        (folder / name).write_bytes(pickle.dumps({b"data": pixels, b"labels": list(range(10)) * 2}))
    files, below = tuple(map(digest_of, sorted(folder.iterdir()))), "cifar-10-batches-py"
    if kind == "cifar_archive":
        with tarfile.open(tmp_path / "CIFAR10" / "photos.tar.gz", "w:gz") as archive:
            archive.add(folder, "cifar-10-batches-py")
        files, below = (digest_of(tmp_path / "CIFAR10" / "photos.tar.gz"),), ""
    monkeypatch.setattr(finding, "SOURCES", {"CIFAR10": (Layout(kind, files, below),)})
    data = load("CIFAR10", tmp_path)
    np.testing.assert_array_equal(data.train_images, images[:20])
    np.testing.assert_array_equal(data.test_images, images[20:])


def test_svhn_by_name(tmp_path, monkeypatch):
    images = np.random.default_rng(6).integers(0, 256, (32, 32, 3, 20), dtype=np.uint8)
    for name in ("train_32x32.mat", "test_32x32.mat"):
        savemat(tmp_path / name, {"X": images, "y": np.arange(1, 21)[:, np.newaxis] % 10 + 1})
    files = (digest_of(tmp_path / "train_32x32.mat"), digest_of(tmp_path / "test_32x32.mat"))
    monkeypatch.setattr(finding, "SOURCES", {"SVHN": (Layout("svhn", files),)})
    data = load("SVHN", tmp_path)
    np.testing.assert_array_equal(data.test_images, images.transpose(3, 2, 0, 1))
    assert (data.train_labels.min(), data.train_labels.max()) == (0, 9)


def linked_whole(tmp_path: Path) -> Path:
    """The cache's folder of data sets is HETEDGE_DATA itself."""
    return tmp_path / "cache" / "datasets"


def linked_one(tmp_path: Path) -> Path:
    """The cache's folder of one data set is a link to the user's."""
    (tmp_path / "cache" / "datasets").mkdir(parents=True)
    (tmp_path / "data" / "MNIST").mkdir(parents=True)
    (tmp_path / "cache" / "datasets" / "MNIST").symlink_to(tmp_path / "data" / "MNIST")
    return tmp_path / "data"


@pytest.mark.parametrize(("place", "given"), [(linked_whole, True), (linked_one, True), (linked_one, False)])
def test_a_cache_in_the_users_folder_is_only_read(sources, tmp_path, published, place, given):
    root = place(tmp_path)
    put(root / "MNIST", {NAMES[0]: published[NAMES[0]][:-5], NAMES[1]: published[NAMES[1]]})
    before = {path.name: path.read_bytes() for path in (root / "MNIST").iterdir()}
    with mirror() as one:
        one.files = dict(published)
        sources(one.url)
        assert "nothing is written" in error_text("MNIST", root if given else None)
    assert one.asked == []
    assert {path.name: path.read_bytes() for path in (root / "MNIST").iterdir()} == before


def test_an_unreadable_file_of_the_cache_is_no_damage(sources, published, monkeypatch):
    put(cache_folder("MNIST"), published)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "cannot be read (Permission denied)" in error_text("MNIST", None)
    assert (cache_folder("MNIST") / NAMES[0]).is_file()
