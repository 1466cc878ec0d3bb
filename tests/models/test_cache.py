"""The cache of arrays: kept once, checked on every load, never in the way."""

import logging
from pathlib import Path

import numpy as np
import pytest

from models.cache import cache_dir, cached_arrays, data_root, digest_arrays


def make() -> dict[str, np.ndarray]:
    return {"a": np.arange(5), "b": np.eye(2, dtype=np.float32)}


def refuse() -> dict[str, np.ndarray]:
    raise AssertionError("the arrays should come from the cache")


def test_environment_names_the_folders(monkeypatch):
    monkeypatch.setenv("HETEDGE_CACHE", "/somewhere")
    monkeypatch.setenv("HETEDGE_DATA", "/else/where")
    assert (cache_dir(), data_root()) == (Path("/somewhere"), Path("/else/where"))


@pytest.mark.parametrize("value", [None, ""])
def test_unset_and_empty_variables_mean_the_defaults(monkeypatch, value):
    for name in ("HETEDGE_CACHE", "HETEDGE_DATA"):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert "hetedge" in str(cache_dir())
    assert data_root() is None


def test_arrays_are_made_once_and_loaded_afterwards(tmp_path):
    made = cached_arrays("x", "1", make, tmp_path / "new")
    loaded = cached_arrays("x", "1", refuse, tmp_path / "new")
    assert loaded.keys() == made.keys()
    assert all(np.array_equal(loaded[name], made[name]) for name in made)
    assert [path.suffix for path in (tmp_path / "new").iterdir()] == [".npz"]


def test_another_key_is_another_file(tmp_path):
    cached_arrays("x", "1", make, tmp_path)
    with pytest.raises(AssertionError):
        cached_arrays("x", "2", refuse, tmp_path)


@pytest.mark.parametrize("damage", ["cut", "junk", "empty", "swapped"])
def test_a_damaged_file_is_reported_and_made_anew(tmp_path, caplog, damage):
    cached_arrays("x", "1", make, tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    if damage == "swapped":
        np.savez(path, a=np.arange(6), content_sha256=np.array(digest_arrays(make())))
    else:
        path.write_bytes({"cut": content[: len(content) // 2], "junk": b"junk" * 50, "empty": b""}[damage])
    with caplog.at_level(logging.WARNING):
        again = cached_arrays("x", "1", make, tmp_path)
    np.testing.assert_array_equal(again["a"], np.arange(5))
    assert str(path) in caplog.text
    cached_arrays("x", "1", refuse, tmp_path)


def test_a_folder_that_cannot_be_written_is_only_logged(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        arrays = cached_arrays("x", "1", make, blocked)
    np.testing.assert_array_equal(arrays["a"], np.arange(5))
    assert "set HETEDGE_CACHE" in caplog.text


def test_the_digest_sees_names_types_shapes_and_values_but_not_byte_order():
    base = digest_arrays({"a": np.array([1, 2], dtype="<i4")})
    assert base == digest_arrays({"a": np.array([1, 2], dtype=">i4")})
    others = [
        {"b": np.array([1, 2], dtype="<i4")},
        {"a": np.array([1, 2], dtype="<i8")},
        {"a": np.array([1, 2], dtype="<u4")},
        {"a": np.array([[1, 2]], dtype="<i4")},
        {"a": np.array([1, 3], dtype="<i4")},
    ]
    assert base not in [digest_arrays(other) for other in others]
