"""Device profiles: compute rate and time, overrides, and reading profile files."""

import pytest
from pydantic import ValidationError

from devices.fleet import ClientEntry
from devices.hardware import SI_FIELDS, HardwareOptions
from devices.profile import DeviceProfile, OverrideError, check_reference, is_path, load_profile

LINK = {"uplink_bytes_per_s": 1e6, "downlink_bytes_per_s": 2e6}
FILE = "kind: board\nclock: 1 GHz\nflops_per_cycle: 2\nuplink: 1 MB/s\ndownlink: 1 MB/s\n"


def profile(**numbers):
    return DeviceProfile(name="p", kind="board", **{"clock_hz": 1e9, "flops_per_cycle": 2, **LINK, **numbers})


def test_rate_is_clock_times_flops_per_cycle_times_efficiency():
    assert profile(efficiency=0.25).rate_flops_per_s == 1e9 * 2 * 0.25


def test_measured_rate_wins():
    assert profile(measured_flops_per_s=7e6).rate_flops_per_s == 7e6


@pytest.mark.parametrize("missing", ["clock_hz", "flops_per_cycle"])
def test_a_profile_without_a_rate_is_refused(missing):
    with pytest.raises(
        ValidationError, match=r"no compute rate; give measured_flops_per_s, or both clock and"
    ):
        profile(**{missing: None})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clock_hz", 0),
        ("efficiency", 1.01),
        ("efficiency", 0),
        ("uplink_bytes_per_s", -1),
        ("uplink_bytes_per_s", 1e-3),
        ("downlink_bytes_per_s", 1e19),
        ("latency_s", -1e-9),
        ("latency_s", 1e10),
        ("memory_bytes", 0),
        ("busy_power_w", float("nan")),
        ("downlink_bytes_per_s", float("inf")),
        ("battery_j", 0),
        ("loss", 1),
        ("share_weight", 0),
        ("share_weight", 1e-10),
        ("share_weight", 1e10),
        ("lanes", 0),
    ],
)
def test_numbers_out_of_range_are_refused(field, value):
    with pytest.raises(ValidationError) as caught:
        profile(**{field: value})
    assert caught.value.errors()[0]["loc"] == (field,)


def test_compute_time_defaults_to_plain_flops():
    assert profile().compute_seconds(6e9, touched_bytes=1e15, kernels=1e6) == 3.0


def test_compute_time_is_a_roofline_with_launch_cost():
    device = profile(memory_bandwidth_bytes_per_s=1e9, kernel_overhead_s=0.5)
    assert device.compute_seconds(6e9, touched_bytes=1e9, kernels=2) == 3.0 + 1.0  # flops decide
    assert device.compute_seconds(6e9, touched_bytes=9e9, kernels=0) == 9.0  # memory decides
    assert device.compute_seconds(0, 0, 0) == 0.0


def test_profiles_are_immutable_and_hash_by_their_numbers():
    one, same = profile(), profile(sources={"clock": "elsewhere"})
    with pytest.raises(ValidationError):
        one.latency_s = 2
    assert hash(one) == hash(same)
    assert one == profile()


@pytest.mark.parametrize(
    "number",
    [
        {"latency_s": 1},
        {"battery_j": 1},
        {"loss": 0.5},
        {"share_weight": 2},
        {"lanes": 2},
        {"processor_sharing": True},
    ],
)
def test_profiles_that_differ_in_a_number_are_not_alike(number):
    assert profile(**number) != profile()
    assert hash(profile(**number)) != hash(profile())


def test_a_profile_that_says_nothing_is_on_mains_loses_nothing_and_serves_one_after_the_other():
    one = profile()
    assert (one.battery_j, one.loss, one.share_weight) == (None, 0, 1)
    assert (one.lanes, one.processor_sharing) == (1, False)


def test_override_changes_the_given_numbers_only_and_says_so():
    base = load_profile("paper-2")
    faster = base.override(ClientEntry(profile="paper-2", uplink="5 MB/s", latency="3 ms", memory="1 GiB"))
    assert (faster.uplink_bytes_per_s, faster.latency_s, faster.memory_bytes) == (5e6, 0.003, 1024**3)
    assert faster.downlink_bytes_per_s == base.downlink_bytes_per_s
    assert faster.name == "paper-2"
    assert faster.sources["uplink"] == "given in the scenario"
    assert faster.sources["clock"] == base.sources["clock"]
    assert base.uplink_bytes_per_s == 150e6


@pytest.mark.parametrize(
    ("key", "least", "most", "beyond"),
    [
        ("uplink", "0.01 B/s", "1e18 B/s", ["0.00999 B/s", "1e40 B/s"]),
        ("downlink", "0.01 B/s", "1e18 B/s", ["1e-300 B/s", "1.01e18 B/s"]),
        ("latency", "0 s", "1e9 s", ["1e300 s"]),
        ("share_weight", 1e-9, 1e9, [0, 1e-12, 1e300]),
    ],
)
def test_a_link_has_numbers_within_its_ranges(key, least, most, beyond):
    for number in (least, most):
        assert getattr(HardwareOptions(**{key: number}), key) is not None
    for number in beyond:
        with pytest.raises(ValidationError):
            HardwareOptions(**{key: number})


def test_override_of_nothing_is_the_same_object():
    base = load_profile("paper-1")
    assert base.override(HardwareOptions()) is base


def test_every_override_reaches_its_field():
    written = {
        "clock": ("2 GHz", 2e9),
        "flops_per_cycle": (5.0, 5.0),
        "efficiency": (0.5, 0.5),
        "memory": ("3 GB", 3e9),
        "memory_bandwidth": ("4 GB/s", 4e9),
        "kernel_overhead": ("1 us", 1e-6),
        "uplink": ("6 MB/s", 6e6),
        "downlink": ("7 MB/s", 7e6),
        "latency": ("8 ms", 8e-3),
        "idle_power": ("9 W", 9.0),
        "busy_power": ("10 W", 10.0),
        "radio_energy": ("11 nJ/B", 11e-9),
        "battery": ("12 kJ", 12e3),
        "loss": (0.1, 0.1),
        "share_weight": (3.0, 3.0),
    }
    assert {*written, "measured_flops_per_s"} == set(SI_FIELDS)
    after = profile().override(HardwareOptions(**{key: text for key, (text, _) in written.items()}))
    for key, (_, value) in written.items():
        assert getattr(after, SI_FIELDS[key]) == value
    measured = profile().override(HardwareOptions(measured_flops_per_s="12 MFLOP/s"))
    assert measured.rate_flops_per_s == 12e6


@pytest.mark.parametrize(
    ("key", "override"),
    [
        ("clock", {"clock": "1 GHz"}),
        ("efficiency", {"efficiency": 0.5}),
        ("flops_per_cycle", {"flops_per_cycle": 1.0, "measured_flops_per_s": "1 GFLOP/s"}),
    ],
)
def test_an_override_that_a_measured_rate_would_hide_is_refused(key, override):
    with pytest.raises(
        OverrideError, match=rf"^{key} has no effect on 'p'.*; override measured_flops_per_s"
    ) as caught:
        profile(measured_flops_per_s=5e6).override(HardwareOptions(**override))
    assert caught.value.key == key


def test_names_and_paths_are_told_apart():
    assert [is_path(text) for text in ("paper-1", "mine.yaml", "mine.yml", "boards/mine", "a\\b")] == [
        False,
        True,
        True,
        True,
        True,
    ]


def test_an_unknown_name_lists_the_nearest_and_all():
    with pytest.raises(
        ValueError, match=r"no profile is named 'Raspberry-Pi4'; did you mean 'raspberry-pi-4'"
    ) as caught:
        check_reference("Raspberry-Pi4")
    assert "paper-server, " in str(caught.value)
    assert str(caught.value).endswith("or the path of a .yaml file")


def test_catalogue_profiles_are_read_once():
    assert load_profile("paper-3") is load_profile("paper-3")


def test_a_users_file_counts_from_the_base_dir_and_takes_its_name_from_the_file(tmp_path):
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "mine.yaml").write_text(FILE + "latency: {value: 2 ms, source: measured by me}\n")
    device = load_profile("boards/mine.yaml", tmp_path)
    assert device.name == "mine"
    assert device.rate_flops_per_s == 2e9
    assert device.sources["latency"] == "measured by me"
    assert device.sources["clock"] == "given in boards/mine.yaml without a source"
    assert set(device.sources) == {"clock", "flops_per_cycle", "uplink", "downlink", "latency"}


def test_a_path_without_a_base_dir_counts_from_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    assert load_profile("mine.yaml") == load_profile(str(tmp_path / "mine.yaml")).model_copy(
        update={"sources": load_profile("mine.yaml").sources}
    )


def test_a_missing_file_names_the_nearest_file_and_where_it_looked(tmp_path):
    (tmp_path / "board.yaml").write_text(FILE)
    with pytest.raises(
        ValueError,
        match=r"'bord.yaml' cannot be read \(no such file or directory, looked at .*\); did you mean 'board.yaml'",
    ):
        load_profile("bord.yaml", tmp_path)


def test_a_directory_and_a_binary_file_are_refused(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "junk.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ValueError, match=r"'folder.yaml' cannot be read \(is a directory"):
        load_profile("folder.yaml", tmp_path)
    with pytest.raises(ValueError, match=r"'junk.yaml' is not UTF-8 text; a profile is a YAML file"):
        load_profile("junk.yaml", tmp_path)
