"""Files between machines that share none: what is packed comes out the same, and scenarios name the new places."""

import io
import re
import tarfile
from contextlib import suppress
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.dump import dump_resolved, resolved
from scenarios.paths import files_named
from simulator import registry
from simulator.executors.shipping import pack, unpack, unpack_named, with_places


def test_a_file_comes_out_the_same_under_its_name(tmp_path):
    (tmp_path / "trace.csv").write_bytes(bytes(range(256)))
    unpack(pack(tmp_path / "trace.csv"), tmp_path / "deep" / "there")
    assert (tmp_path / "deep" / "there" / "trace.csv").read_bytes() == bytes(range(256))


def test_a_folder_comes_out_with_all_that_is_in_it(tmp_path):
    (tmp_path / "run" / "samples").mkdir(parents=True)
    (tmp_path / "run" / "empty").mkdir()
    (tmp_path / "run" / "summary.json").write_text("{}")
    (tmp_path / "run" / "samples" / "é 1.png").write_bytes(b"png")
    unpack(pack(tmp_path / "run"), tmp_path / "out")
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert found == {"run", "run/samples", "run/empty", "run/summary.json", "run/samples/é 1.png"}
    assert (tmp_path / "out" / "run" / "samples" / "é 1.png").read_bytes() == b"png"


@pytest.mark.parametrize("name", ["../out.txt", "{root}/out.txt", "a/../../out.txt"])
def test_nothing_is_written_outside_the_folder(tmp_path, name):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name.format(root=tmp_path)))
    before = set(tmp_path.rglob("*"))
    # A path from the root loses its root, the others are refused.
    with suppress(tarfile.TarError):
        unpack(buffer.getvalue(), tmp_path / "out")
    outside = {
        path for path in set(tmp_path.rglob("*")) - before if (tmp_path / "out") not in (path, *path.parents)
    }
    assert outside == set()


def test_what_is_no_archive_is_refused(tmp_path):
    with pytest.raises(tarfile.TarError):
        unpack(b"nothing of the kind", tmp_path / "out")


def test_files_of_one_name_do_not_hide_each_other(tmp_path):
    files = {}
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "board.yaml").write_text(folder)
        files[tmp_path / folder / "board.yaml"] = pack(tmp_path / folder / "board.yaml")
    places = unpack_named(files, tmp_path / "node")
    assert [place.read_text() for place in places.values()] == ["one", "two"]
    assert list(places) == list(files)
    assert {place.name for place in places.values()} == {"board.yaml"}


def test_a_scenario_names_the_places_of_this_machine():
    text = "server: /d/board.yaml  # given\nclients:\n  - /d/board.yaml\npath: /d/images\nname: board\n"
    places = {Path("/d/board.yaml"): Path("/n/0/board.yaml"), Path("/d/images"): Path("/n/1/images")}
    assert with_places(text, places) == (
        "server: /n/0/board.yaml  # given\nclients:\n  - /n/0/board.yaml\npath: /n/1/images\nname: board\n"
    )
    assert with_places(text, {}) == text


names = st.text("abc", min_size=1, max_size=3)


@given(st.sets(st.lists(names, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6))
def test_no_path_is_taken_for_another_that_it_begins(found):
    paths = [Path("/here") / one for one in sorted(found)]
    places = {path: Path(f"/there/{index}") / path.name for index, path in enumerate(paths)}
    text = "".join(f"- {path}\n" for path in paths)
    assert with_places(text, places) == "".join(f"- {places[path]}\n" for path in paths)


def test_links_are_packed_as_what_they_lead_to(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "part").write_text("x")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "part").symlink_to(tmp_path / "real" / "part")
    for name in ("linked", "images"):
        unpack(pack(tmp_path / name), tmp_path / "out")
        assert not (tmp_path / "out" / name).is_symlink()
        assert not (tmp_path / "out" / name / "part").is_symlink()
        assert (tmp_path / "out" / name / "part").read_text() == "x"


def test_no_place_is_taken_for_a_path():
    places = {Path("/a"): Path("/n/1/a"), Path("/a/b"): Path("/a/0/b")}
    assert with_places("one: /a/b\ntwo: /a\n", places) == "one: /a/0/b\ntwo: /n/1/a\n"


def test_quotes_in_a_path_are_written_as_the_text_has_them():
    places = {Path("/d/o'brien: x"): Path("/n/0/o'brien: x")}
    assert with_places("path: '/d/o''brien: x'\n", places) == "path: '/n/0/o''brien: x'\n"


def test_a_path_that_the_text_writes_otherwise_is_refused():
    with pytest.raises(ValueError, match="its name cannot be told in a scenario's text; allowed: "):
        with_places('path: "/d/a\\tb"\n', {Path("/d/a\tb"): Path("/n/b")})


SCENARIO = """\
name: shipped
devices: {server: ./server-small.yaml, clients: [{profile: ./board.yaml, count: 2}]}
data: {domains: [{dataset: {path: images, format: idx}}]}
"""


def test_a_shipped_scenario_is_the_same_but_for_its_places(tmp_path):
    """From the scenario of one machine to that of another: its files read, packed, unpacked and named."""
    home = tmp_path / "home"
    (home / "images").mkdir(parents=True)
    (home / "images" / "part").write_text("x")
    catalog = Path(str(resources.files("devices"))) / "catalog"
    (home / "server-small.yaml").write_text((catalog / "server-small.yaml").read_text())
    (home / "board.yaml").write_text((catalog / "raspberry-pi-4.yaml").read_text())
    (home / "s.yaml").write_text(SCENARIO)
    loaded = registry.load(str(home / "s.yaml"))
    files = sorted({Path(one) for one in files_named(resolved(loaded.scenario))})
    assert [file.name for file in files] == ["board.yaml", "images", "server-small.yaml"]
    places = unpack_named({file: pack(file) for file in files}, tmp_path / "node")
    text = with_places(dump_resolved(loaded.scenario, loaded.given), places)
    assert str(home) not in text
    home.rename(tmp_path / "gone")
    (tmp_path / "there.yaml").write_text(text)
    again = registry.load(str(tmp_path / "there.yaml")).scenario
    assert again.devices.server == str(places[home / "server-small.yaml"])
    assert (Path(again.data.domains[0].dataset.path) / "part").read_text() == "x"
    changed = {"devices", "data"}
    assert again.model_dump(exclude=changed) == loaded.scenario.model_dump(exclude=changed)


def test_of_another_runs_scenario_only_what_it_names_is_replaced():
    places = {Path("/a/data"): Path("/b/0/data"), Path("/a/mine.yaml"): Path("/b/1/mine.yaml")}
    assert with_places("path: /a/data", places, all_named=False) == "path: /b/0/data"
    with pytest.raises(ValueError, match=re.escape("/a/mine.yaml: its name cannot be told")):
        with_places("path: /a/data", places)
