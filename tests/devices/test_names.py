"""Names of devices and links: what they mean, and the nearest right one for a wrong one."""

import numpy as np
import pytest

from devices.fleet import FleetOptions, build_fleet
from devices.names import Names, UnknownNameError
from devices.profile import load_profile

CELLS = ("cell-0 up", "cell-0 down", "backhaul")


@pytest.fixture(scope="module")
def names():
    options = FleetOptions.model_validate({"clients": [{"profile": "paper-1", "count": 8}]})
    fleet = build_fleet(options, np.random.default_rng(0)).with_edges(load_profile("server-small"), 2)
    return Names(fleet, CELLS)


def test_devices_are_found_by_name(names):
    assert [names.device(name).id for name in ("server", "client-0", "client-7", "edge-0", "edge-1")] == [
        -1,
        0,
        7,
        8,
        9,
    ]


def test_clients_are_found_by_number_too(names):
    assert [names.client(name) for name in ("client-3", "3", "0")] == [3, 3, 0]


def test_a_link_means_itself_and_a_device_or_cell_both_directions(names):
    assert list(names.links("client-3 up")) == ["client-3 up"]
    assert list(names.links("client-3")) == ["client-3 up", "client-3 down"]
    assert list(names.links("server")) == ["server up", "server down"]
    assert list(names.links("cell-0 down")) == ["cell-0 down"]
    assert list(names.links("cell-0")) == ["cell-0 up", "cell-0 down"]
    assert list(names.links("backhaul")) == ["backhaul"]


def test_access_links_know_their_device(names):
    device, direction = names.end_of("edge-1 down")
    assert (device.id, direction) == (9, "down")
    assert names.end_of("cell-0 up") is None
    assert names.end_of("client-3") is None


ALL = "allowed: server, client-0 to client-7, edge-0 to edge-1, or a link, such as 'link client-0 up'"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clinet-3", f"no device is named 'clinet-3'; {ALL}; did you mean 'client-3'?"),
        ("client-8", f"no device is named 'client-8'; {ALL}; did you mean 'client-7'?"),
        ("client-03", f"no device is named 'client-03'; {ALL}; did you mean 'client-3'?"),
        ("Client 3", f"no device is named 'Client 3'; {ALL}; did you mean 'client-3'?"),
        ("servr", f"no device is named 'servr'; {ALL}; did you mean 'server'?"),
        ("edge-2", f"no device is named 'edge-2'; {ALL}; did you mean 'edge-1'?"),
        ("xyz", f"no device is named 'xyz'; {ALL}"),
        ("client-" + "9" * 5000, f"no device is named 'client-{'9' * 50}...'; {ALL}"),
    ],
)
def test_a_wrong_device_gets_the_nearest_name(names, name, message):
    with pytest.raises(UnknownNameError) as caught:
        names.device(name)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("server", ""),
        ("-1", ""),
        ("edge-0", "; did you mean"),
        ("8", ""),
        ("clent-2", "; did you mean 'client-2'?"),
    ],
)
def test_only_clients_are_clients(names, name, hint):
    with pytest.raises(UnknownNameError) as caught:
        names.client(name)
    assert f"no client is named '{name}'; allowed: client-0 to client-7, or 0 to 7" in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("client-3 upp", "client-3 up"),
        ("client-9 up", "client-7 up"),
        ("clint-3", "client-3"),
        ("cell-1 up", "cell-0 up"),
        ("bakhaul", "backhaul"),
    ],
)
def test_a_wrong_link_gets_the_nearest_name(names, name, nearest):
    with pytest.raises(UnknownNameError) as caught:
        names.links(name)
    assert str(caught.value) == (
        f"no link is named {name!r}; allowed: backhaul, cell-0 down, cell-0 up, a device (server, client-0 to "
        f"client-7, edge-0 to edge-1) alone or with up or down behind it; did you mean {nearest!r}?"
    )


def test_a_fleet_of_a_million_answers_at_once_and_lists_few():
    options = FleetOptions.model_validate({"clients": [{"profile": "paper-1"}]})
    fleet = build_fleet(options, np.random.default_rng(0))
    links = {f"cell-{number} up" for number in range(200_000)}
    with pytest.raises(UnknownNameError) as caught:
        Names(fleet, links).links("nothing like it")
    assert len(str(caught.value)) < 300
