"""Fetching: mirrors in order, resuming, refusing what was not published, and an end where there is no network."""

import gzip
import hashlib
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from mirror import mirror

from models import download as downloading
from models.data_files import DataError
from models.download import DownloadError, download, offline
from models.sources import SourceFile

CHUNK = 1 << 16
CONTENT = np.random.default_rng(0).bytes(3_000_000)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def folder(tmp_path):
    """The folder of the cache; it does not exist yet."""
    return tmp_path / "datasets" / "LETTERS"


def published(*urls: str, content: bytes = CONTENT, kind: str = "sha256") -> SourceFile:
    digest = f"{kind}:{hashlib.new(kind, content).hexdigest()}"
    return SourceFile("letters.bin", digest, urls=tuple(f"{url}letters.bin" for url in urls))


def unused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def left_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_file_is_fetched_into_a_new_folder_and_nothing_else_is_left(folder, kind):
    with mirror(letters__bin=CONTENT) as one:
        path = download(published(one.url, kind=kind), folder)
    assert path == folder / "letters.bin"
    assert path.read_bytes() == CONTENT
    assert left_in(folder) == ["letters.bin"]


def test_mirrors_are_tried_in_order_and_only_as_far_as_needed(folder):
    with mirror() as empty, mirror(letters__bin=CONTENT) as good, mirror(letters__bin=CONTENT) as spare:
        download(published(empty.url, good.url, spare.url), folder)
    assert (len(empty.asked), len(good.asked), len(spare.asked)) == (1, 1, 0)


def test_after_a_cut_only_the_rest_is_asked_for(folder, caplog):
    with mirror(letters__bin=CONTENT) as one:
        one.cuts = [16 * CHUNK, 8 * CHUNK]
        path = download(published(one.url), folder)
    assert path.read_bytes() == CONTENT
    assert one.asked == [
        ("letters.bin", ""),
        ("letters.bin", f"bytes={16 * CHUNK}-"),
        ("letters.bin", f"bytes={24 * CHUNK}-"),
    ]
    assert caplog.text.count("the line was cut") == 2


def test_a_later_attempt_goes_on_where_the_first_one_was_left(folder, monkeypatch):
    monkeypatch.setattr(downloading, "TRIES", 1)
    with mirror(letters__bin=CONTENT) as one:
        one.cuts = [30 * CHUNK]
        with pytest.raises(DownloadError, match=f"the line was cut; {30 * CHUNK} bytes are kept"):
            download(published(one.url), folder)
        [left] = left_in(folder)
        assert left.endswith(".part")
        path = download(published(one.url), folder)
    assert one.asked[-1] == ("letters.bin", f"bytes={30 * CHUNK}-")
    assert path.read_bytes() == CONTENT
    assert left_in(folder) == ["letters.bin"]


def test_a_mirror_that_cannot_resume_sends_all_of_it_again(folder):
    with mirror(letters__bin=CONTENT) as one:
        one.cuts, one.ranges = [16 * CHUNK], False
        assert download(published(one.url), folder).read_bytes() == CONTENT
    assert len(one.asked) == 2


def test_a_line_that_brings_nothing_is_given_up(folder):
    with mirror(letters__bin=CONTENT) as one:
        one.cuts = [0] * 20
        with pytest.raises(DownloadError, match="the line was cut"):
            download(published(one.url), folder)
    assert len(one.asked) == 1


@pytest.mark.parametrize("wrong", [CONTENT[:-1] + b"x", CONTENT[:-1000]], ids=["altered", "truncated"])
def test_what_has_a_wrong_checksum_is_removed_and_the_next_mirror_is_tried(folder, wrong):
    with mirror(letters__bin=wrong) as bad, mirror(letters__bin=CONTENT) as good:
        path = download(published(bad.url, good.url), folder)
    assert path.read_bytes() == CONTENT
    assert (len(bad.asked), len(good.asked)) == (1, 1)


def test_nothing_with_a_wrong_checksum_stays_where_no_mirror_is_right(folder):
    with mirror(letters__bin=CONTENT[::-1]) as bad, pytest.raises(DownloadError) as caught:
        download(published(bad.url), folder)
    assert left_in(folder) == []
    assert caught.value.tried == [
        f"{bad.url}letters.bin (what came has a wrong checksum, or is cut short; it was removed)"
    ]


def test_a_beginning_that_does_not_fit_is_thrown_away(folder):
    """The file was changed at the mirror after the line was cut: what is there is no beginning of it."""
    with mirror(letters__bin=CONTENT[::-1]) as one:
        one.cuts = [16 * CHUNK, 0]
        with pytest.raises(DownloadError):
            download(published(one.url), folder)
        one.files["letters.bin"] = CONTENT
        path = download(published(one.url), folder)
    assert path.read_bytes() == CONTENT
    assert [wanted for _, wanted in one.asked][-2:] == [f"bytes={16 * CHUNK}-", ""]


def test_a_beginning_longer_than_the_file_is_thrown_away(folder):
    with mirror(letters__bin=CONTENT * 2) as one:
        one.cuts = [50 * CHUNK, 0]
        with pytest.raises(DownloadError):
            download(published(one.url), folder)
        one.files["letters.bin"] = CONTENT
        assert download(published(one.url), folder).read_bytes() == CONTENT
    assert [wanted for _, wanted in one.asked][-2:] == [f"bytes={50 * CHUNK}-", ""]


def test_without_a_network_every_address_is_named_with_its_reason(folder):
    nobody = f"http://127.0.0.1:{unused_port()}/"
    began = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        download(published(nobody, "http://no-such-host.invalid/"), folder)
    assert time.monotonic() - began < downloading.SILENCE_S + 1
    refused, unknown = caught.value.tried
    assert refused == f"{nobody}letters.bin (Connection refused)"
    assert unknown.startswith("http://no-such-host.invalid/letters.bin (")


def test_silence_ends_in_time_however_many_mirrors_keep_it(folder, monkeypatch):
    monkeypatch.setattr(downloading, "SILENCE_S", 0.6)
    with mirror(letters__bin=CONTENT) as one, mirror(letters__bin=CONTENT) as two:
        one.silent_s = two.silent_s = 2.0
        began = time.monotonic()
        with pytest.raises(DownloadError, match=r"no answer within 0\.3 s"):
            download(published(one.url, two.url), folder)
        assert time.monotonic() - began < 1.5


def test_a_slow_mirror_is_waited_for_once_another_has_shown_that_there_is_a_network(folder, monkeypatch):
    monkeypatch.setattr(downloading, "SILENCE_S", 1.0)
    with mirror() as empty, mirror(letters__bin=CONTENT) as slow:
        slow.silent_s = 1.5
        assert download(published(empty.url, slow.url), folder).read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_says_what_to_set(tmp_path):
    (tmp_path / "file").write_text("x")
    with mirror(letters__bin=CONTENT) as one, pytest.raises(DataError, match="set HETEDGE_CACHE"):
        download(published(one.url), tmp_path / "file" / "LETTERS")


@pytest.mark.parametrize(("value", "answer"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_offline_by_wish(monkeypatch, value, answer):
    monkeypatch.setenv("HETEDGE_OFFLINE", value)
    assert offline() is answer


def test_a_file_that_was_whole_but_not_yet_moved_is_taken_as_it_is(folder):
    """As a kill between the last byte and the renaming leaves it."""
    with mirror(letters__bin=CONTENT) as one:
        file = published(one.url)
        folder.mkdir(parents=True)
        downloading._partial_path(folder, file.urls[0]).write_bytes(CONTENT)
        path = download(file, folder)
    assert path.read_bytes() == CONTENT
    assert [wanted for _, wanted in one.asked] == [f"bytes={len(CONTENT)}-"]
    assert left_in(folder) == ["letters.bin"]


def test_a_whole_but_wrong_leftover_is_fetched_again(folder):
    with mirror(letters__bin=CONTENT) as one:
        file = published(one.url)
        folder.mkdir(parents=True)
        downloading._partial_path(folder, file.urls[0]).write_bytes(bytes(len(CONTENT)))
        assert download(file, folder).read_bytes() == CONTENT


def test_a_mirror_that_calls_a_packed_file_encoded_is_not_unpacked(folder):
    packed = gzip.compress(CONTENT, mtime=0)
    with mirror(letters__bin=packed) as one:
        one.encoding = "gzip"
        path = download(published(one.url, content=packed), folder)
    assert path.read_bytes() == packed


def test_without_a_network_ten_seconds_are_enough():
    """All mirrors share the silence; a data set of two files asks for the second only after the first."""
    assert downloading.SILENCE_S + 1.0 < 10.0
