"""A sweep's file: which combinations are kept, in which order, with which seeds; and every mistake at its place."""

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenarios.locate import library_root, sweep_names
from scenarios.messages import ScenarioError
from scenarios.sweep_file import LARGEST_SEED
from scenarios.sweep_reading import MOST_JOBS, read_sweep_file

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def read(folder):
    """Read `s.yaml`, written from a text or bytes."""

    def read_text(text, is_taken=lambda name: name in {"job", "strategy"}):
        (folder / "s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_sweep_file("s.yaml", is_taken)

    return read_text


@pytest.fixture
def errors(read):
    """Read like `read` and return the lines of the error that must come, without the file's name."""

    def lines(text):
        with pytest.raises(ScenarioError) as caught:
            read(text)
        told = str(caught.value).split("\n")
        assert all(line.startswith("s.yaml:") for line in told)
        return [line.removeprefix("s.yaml:") for line in told]

    return lines


def kept(file):
    """The labels of all combinations, in their order."""
    return [tuple(choice.label for choice in choices) for choices in file.combinations()]


def test_only_a_base_is_needed(read, folder):
    file = read("base: quickstart\n")
    assert (file.name, file.base, file.axes, file.laid_over) == ("s", "quickstart", (), ())
    assert (str(file.asked.at), file.asked.key_path) == ("s.yaml:1:7", "base")
    assert (list(file.combinations()), file.seeds_from(7), file.job_count) == ([()], (7,), 1)
    assert (file.target, file.text) == (None, "base: quickstart\n")


def test_the_name_is_the_files_or_its_own(read, folder):
    assert read("name: my-sweep\nbase: b\n").name == "my-sweep"
    (folder / "device mix (2).yaml").write_text("base: b\n")
    assert read_sweep_file("device mix (2).yaml").name == "device-mix-2-"


def test_the_last_axis_changes_first(read):
    file = read("base: b\naxes: {x: [1, 2], y: [a, b, c]}\nseeds: 2\n")
    assert kept(file) == [(x, y) for x in ("1", "2") for y in ("a", "b", "c")]
    assert [axis.name for axis in file.axes] == ["x", "y"]
    assert file.job_count == 12


@pytest.mark.parametrize(
    ("seeds", "own", "found"),
    [("", 5, (5,)), ("seeds: 1", 5, (5,)), ("seeds: 3", 5, (5, 6, 7)), ("seeds: [4, 0, 9]", 5, (4, 0, 9))],
)
def test_seeds(read, seeds, own, found):
    file = read(f"base: b\n{seeds}\n")
    assert file.seeds_from(own) == found
    assert file.seed_count == len(found)


def test_seeds_beyond_a_column_of_whole_numbers_are_refused(read):
    file = read("base: b\nseeds: 3\n")
    assert file.seeds_from(LARGEST_SEED - 2)[-1] == LARGEST_SEED
    with pytest.raises(
        ScenarioError, match=r"s\.yaml:2:8: seeds: 3 from the base's own on, .*; allowed: up to"
    ):
        file.seeds_from(LARGEST_SEED - 1)


AXES = {"x": ["1", "2", "3"], "y": ["a", "b"], "z": ["t", "u"]}

a_condition = st.dictionaries(st.sampled_from(sorted(AXES)), st.none(), min_size=1).flatmap(
    lambda names: st.fixed_dictionaries(
        {name: st.lists(st.sampled_from(AXES[name]), min_size=1, unique=True) for name in names}
    )
)


def written(conditions):
    """A list of conditions as YAML; a single value stands without its list."""
    maps = (
        ", ".join(
            f"{name}: {values[0] if len(values) == 1 else '[' + ', '.join(values) + ']'}"
            for name, values in one.items()
        )
        for one in conditions
    )
    return "[" + ", ".join(f"{{{one}}}" for one in maps) + "]"


@few
@given(st.lists(a_condition, max_size=3), st.lists(a_condition, max_size=3))
def test_conditions_keep_what_they_say(read, only, exclude):
    def fits(combination, conditions):
        return any(
            all(dict(zip(AXES, combination, strict=True))[name] in values for name, values in one.items())
            for one in conditions
        )

    wanted = [
        one for one in product(*AXES.values()) if (not only or fits(one, only)) and not fits(one, exclude)
    ]
    axes = ", ".join(f"{name}: [{', '.join(values)}]" for name, values in AXES.items())
    text = f"base: b\naxes: {{{axes}}}\n"
    text += f"only: {written(only)}\n" if only else ""
    text += f"exclude: {written(exclude)}\n" if exclude else ""
    if wanted:
        assert kept(read(text)) == wanted
    else:
        with pytest.raises(ScenarioError, match="no combination is left; allowed: to leave some"):
            read(text)


@pytest.mark.parametrize(
    ("axis", "condition", "labels"),
    [
        ("{range: [0.5, 1.5], step: 0.5}", "1.0", ["1"]),
        ("[8, 16]", "8.0", ["8"]),
        ("[0x10, 32]", "16", ["0x10"]),
        ("{variants: {8: {k: 1}, 9: {k: 2}}}", "8", ["8"]),
        ("[true, false]", "true", ["true"]),
        ("[null, 1]", "~", ["null"]),
        ("[[fid], [fid, cas]]", "[fid]", ['["fid"]']),
        ("[[fid], [fid, cas], fid]", "[fid]", ['["fid"]']),
        ("[[fid], cas, [b]]", "[cas, [b]]", ["cas", '["b"]']),
        ("{zip: {k: [1, 2], l: [3, 4]}}", "'1, 3'", ["1, 3"]),
    ],
)
def test_a_condition_names_a_value_as_it_is_called_or_by_its_number(read, axis, condition, labels):
    file = read(f"base: b\naxes: {{x: {axis}}}\nonly: [{{x: {condition}}}]\n")
    assert kept(file) == [(label,) for label in labels]


ALL_WRONG = """\
nme: x
base: 5
set: {extends: a, b: 1}
axes:
  x: 8
  y: {range: [1, 2], step: 3}
  z: [1]
seeds: 0
only: [{z: 2}, {w: 1}, {x: anything}]
exclude: {z: 1}
target: [fid]
"""


def test_all_mistakes_are_told_together(errors):
    assert errors(ALL_WRONG) == [
        "1:1: nme: unknown key; allowed: name, base, set, axes, seeds, only, exclude, target; did you mean 'name'?",
        "2:7: base: 5; allowed: a text",
        "3:7: set.extends: extends cannot be varied; allowed: a key of the scenario",
        "5:6: axes.x: 8; allowed: a list of values, or a map with one of the keys range, log_range, zip, variants",
        "6:28: axes.y.step: 3 does not meet 2; allowed: a step that does, or a count",
        "8:8: seeds: 0; allowed: how many (1 to 1000), or a list of different whole numbers from 0 to "
        f"{LARGEST_SEED}",
        "9:12: only.0.z: '2' is no value of the axis; allowed: 1",
        "9:17: only.1.w: no axis; allowed: x, y, z",
        "10:10: exclude: a map; allowed: a list of maps 'axis: value'",
        "11:9: target: a list of 1 item; allowed: a text",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1:1: the file is empty; allowed: a map of 'key: value' lines, with at least the key 'base'"),
        ("- 1\n", "1:1: a list; allowed: a map of 'key: value' lines, with at least the key 'base'"),
        ("a: [\n", "2:1: not YAML: expected the node content"),
        (b"base: \xff\n", "1:7: byte 0xff is not UTF-8; allowed: a UTF-8 text file"),
        ("axes: {a: [1]}\n", "1:1: base: missing; required: the scenario that is varied, by name or path"),
        ("base:\n", "1:1: base: null; allowed: a text"),
        ("base: b\nbase: c\n", "2:1: base: the key was already given at 1:1; allowed: each key once"),
        ("base: b\nname: ../x\n", "2:7: name: '../x' cannot name a folder; allowed: at most 100 letters"),
        ("base: b\naxes: []\n", "2:7: axes: an empty list; allowed: a map of axes: a key path, or a name"),
        ("base: b\nset: 1\n", "2:6: set: 1; allowed: a map 'key.path: value'"),
        ("base: b\nset: {a..b: 1}\n", "2:9: set.a..b: an empty key; allowed: key.path=value"),
        ("base: b\nseeds: [1, 1]\n", "2:8: seeds: a list of 2 items; allowed: how many (1 to 1000), or a list of diff"),
        ("base: b\nseeds: []\n", "2:8: seeds: an empty list; allowed: how many"),
        ("base: b\nseeds: [1, -1]\n", "2:8: seeds: a list of 2 items; allowed: how many"),
        ("base: b\nseeds: [1, true]\n", "2:8: seeds: a list of 2 items; allowed: how many"),
        ("base: b\nseeds: true\n", "2:8: seeds: true; allowed: how many"),
        ("base: b\nseeds: 1001\n", "2:8: seeds: 1001; allowed: how many"),
        (f"base: b\nseeds: [{LARGEST_SEED + 1}]\n", "2:8: seeds: a list of 1 item; allowed: how many"),
        ("base: b\nseeds: [1]\nset: {seed: 1}\n", "3:7: set.seed: 'seeds' lists them already; allowed: one of the"),
        ("base: b\naxes: {seed: [1]}\n", "2:8: axes.seed: the seed is no axis; allowed: seeds: N, or seeds: [0, 1]"),
        (
            "base: b\naxes: {m: {variants: {v: {k: 1, seed: 1}}}}\n",
            "2:8: axes.m: the seed is no axis; allowed: seeds: N",
        ),
        (
            "base: b\naxes: {execution.threads: [1, 2]}\n",
            "2:8: axes.execution.threads: every job has one thread of torch; allowed: keys of execution other than ",
        ),
        ("base: b\naxes: {execution: [{}]}\n", "2:8: axes.execution: every job has one thread of torch; allowed: "),
        ("base: b\naxes: {job: [1]}\n", "2:8: axes.job: the results have a column of this name; allowed: another name"),
        ("base: b\naxes: {x: [1]}\nonly: []\n", "3:7: only: an empty list; allowed: a list of maps 'axis: value'"),
        ("base: b\naxes: {x: [1]}\nonly: [1]\n", "3:8: only.0: 1; allowed: a map 'axis: value', or 'axis: [values]'"),
        ("base: b\naxes: {x: [1]}\nonly: [{}]\n", "3:8: only.0: an empty map; allowed: a map 'axis: value'"),
        ("base: b\naxes: {x: [1]}\nonly: [{x: []}]\n", "3:12: only.0.x: an empty list; allowed: one or more values"),
        ("base: b\nonly: [{x: 1}]\n", "2:9: only.0.x: no axis; allowed: axes first"),
        ("base: b\naxes: {abc: [1]}\nonly: [{abd: 1}]\n", "3:9: only.0.abd: no axis; allowed: abc"),
        ("base: b\naxes: {x: [1, 2]}\nexclude: [{x: [1, 2]}]\n", "3:10: exclude: no combination is left; allowed: "),
        ("base: b\naxes: {x: [.nan]}\n", "2:12: axes.x.0: .nan is not finite; allowed: a finite number"),
        (
            "base: b\naxes: {x: [.nan, .nan], y: {range: [.inf, 1], count: 2}}\n",
            "2:12: axes.x.0: .nan is not finite; allowed: a finite number\n"
            "2:18: axes.x.1: .nan is not finite; allowed: a finite number\n"
            "2:37: axes.y.range.0: .inf is not finite; allowed: a finite number",
        ),
        ("base: b\naxes: {x: !!int ''}\n", "2:11: axes.x: '' cannot be read as a number; allowed: a number"),
        ("base: b\naxes: {x: &a [*a]}\n", "2:11: axes.x.0: an alias to a list or map around it; allowed: a value"),
        ("base: b\naxes: {x: " + "[" * 60 + "]" * 60 + "}\n", "nested too deeply; allowed: at most 50 levels"),
        ("base: b\naxes:\n  x:" + "\n    [" * 3000, "1:1: lists or maps nested too deeply; allowed: at most 50 levels"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(errors, text, line):
    found = errors(text)
    assert len(found) == line.count("\n") + 1
    assert line.split("\n")[0] in found[0]
    assert all(one.startswith(told) for one, told in zip(found[1:], line.split("\n")[1:], strict=True))


def test_an_anchor_may_be_set_anew(read, recwarn):
    assert kept(read("base: b\naxes: {x: [&a 1], y: [*a], z: [&a 2], w: [*a]}\n")) == [("1", "1", "2", "2")]
    assert not recwarn.list


def test_a_long_axis_is_not_told_value_by_value(errors):
    text = "base: b\naxes: {x: {range: [0, 999], step: 1}}\nonly: [{x: 1000}]\n"
    (line,) = errors(text)
    assert (
        line
        == "3:12: only.0.x: '1000' is no value of the axis; allowed: one of its 1000 values; did you mean '100'?"
    )


def test_the_number_of_jobs_is_bounded(read, errors):
    axis = "{range: [1, 100], step: 1}"
    two = f"base: b\naxes: {{x: {axis}, y: {axis}}}\n"
    assert read(two).job_count == MOST_JOBS
    assert errors(two + "seeds: 2\n") == [
        "2:7: axes: more than 10000 combinations and seeds; allowed: at most so many jobs"
    ]
    assert read(two + "seeds: 2\nexclude: [{x: 1, y: 1}]\nonly: [{x: [1, 2]}]\n").job_count == 2 * 199
    many = ", ".join(f"a{i}: {axis}" for i in range(50))
    assert errors(f"base: b\naxes: {{{many}}}\n") == [
        "2:7: axes: more than 100000 combinations; allowed: at most so many"
    ]


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        ("axes: {a: [1], a.b: [1]}", []),
        ("set: {a: 1}\naxes: {a.b: [1], a.c: [1]}", []),
        ("axes: {a.b: [1], a.bc: [2]}", []),
        ("axes: {m: {variants: {u: {a: 1}, v: {a: 2}}}}", []),
        ("axes: {m: {variants: {u: {a: 1}, v: {a.b: 2}}}}", []),
        (
            "axes: {a.b: [1], a: [1]}",
            ["18: axes.a: it sets 'a', and so undoes 'a.b' of axis 'a.b'; allowed: the whole"],
        ),
        (
            "axes: {a: [1], m: {zip: {a: [2]}}}",
            ["26: axes.m: it sets 'a', as axis 'a' does; allowed: each key once"],
        ),
        (
            "set: {a.b: 1}\naxes: {a.b: [1]}",
            ["8: axes.a.b: it sets 'a.b', as 'set' does; allowed: each key once"],
        ),
        (
            "set: {a.b: 1}\naxes: {a: [1]}",
            ["8: axes.a: it sets 'a', and so undoes 'a.b' of 'set'; allowed: the whole"],
        ),
        (
            "set: {a.b: 1, a: 2}",
            ["15: set: it sets 'a', and so undoes 'a.b' of 'set'; allowed: the whole before its"],
        ),
        (
            "axes: {m: {variants: {u: {a.b.c: 1, a: 2}}}}",
            [
                "37: axes.m: it sets 'a', and so undoes 'a.b.c' of axis 'm'; allowed: the whole before its part"
            ],
        ),
    ],
)
def test_nothing_that_is_set_may_be_undone(read, errors, head, lines):
    text = f"base: b\n{head}\n"
    if not lines:
        read(text)
        return
    found = errors(text)
    assert len(found) == len(lines)
    for one, line in zip(found, lines, strict=True):
        assert one.partition(":")[2].startswith(line)


def test_a_file_that_is_not_there_names_the_nearest_of_the_library(folder):
    with pytest.raises(ScenarioError) as caught:
        read_sweep_file("sweeps/device_mx")
    assert str(caught.value) == (
        "sweeps/device_mx:1:1: no such file and no such sweep of the library; allowed: a path, or "
        f"{', '.join(sweep_names())}; did you mean 'sweeps/device_mix'?"
    )


def test_a_folder_is_no_sweep(folder):
    (folder / "d.yaml").mkdir()
    with pytest.raises(ScenarioError, match=r"^d\.yaml:1:1: a folder; allowed: the path of a YAML file$"):
        read_sweep_file("d.yaml")


def test_a_scenario_is_no_sweep(errors, folder):
    allowed = "allowed: a sweep, which names a scenario as its base, or hetedge run"
    assert errors("name: n\ndevices: {}\nseed: 1\n") == [f"1:1: a scenario; {allowed} s.yaml"]
    assert errors("extends: quickstart\n") == [f"1:1: a scenario; {allowed} s.yaml"]
    assert errors("base: b\ndevices: {}\n")[0].startswith("2:1: devices: unknown key; allowed: name, base")


def test_a_sweep_is_no_scenario(load, folder):
    with pytest.raises(ScenarioError) as caught:
        load("base: quickstart\n", devices=False)
    assert str(caught.value) == "s.yaml:1:1: a sweep; allowed: a scenario, or hetedge sweep s.yaml"
    (folder / "w.yaml").write_text("base: b\naxes: {x: [1]}\n")
    with pytest.raises(ScenarioError) as caught:
        load("extends: w.yaml\n", devices=False)
    assert str(caught.value) == (
        "s.yaml:1:10: extends: w.yaml is a sweep; allowed: a scenario, or hetedge sweep w.yaml"
    )


@pytest.mark.parametrize("name", sweep_names())
def test_the_sweeps_of_the_library_can_be_read(name):
    file = read_sweep_file(name)
    assert file.path == library_root() / f"{name}.yaml"
    assert 1 <= file.job_count <= 100
    assert file.axes
