"""How much memory a job may take, and how much there is."""

import psutil
import pytest

from simulator.executors import memory
from simulator.executors.memory import Load, free_bytes, needed_bytes


def test_the_bound_grows_with_all_that_takes_memory():
    least = needed_bytes(Load(clients=0, iterations=0))
    assert least == memory.PROCESS_BYTES
    per_step = memory.TRANSFERS_PER_STEP * memory.PER_TRANSFER_BYTES
    assert needed_bytes(Load(clients=100, iterations=7)) == least + 700 * per_step
    trains = needed_bytes(Load(0, 0, trains=True, held_bytes=1e9, data_bytes=1e8))
    expected = memory.JUDGING_BYTES + memory.PER_DEVICE_BYTE * 1e9 + memory.PER_IMAGE_BYTE * 1e8
    assert trains == pytest.approx(least + expected)


def test_what_is_free_is_the_machines_or_what_a_container_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    machine = psutil.virtual_memory().available
    assert free_bytes() == pytest.approx(machine, rel=0.2)
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes() == pytest.approx(machine, rel=0.2)
    (tmp_path / "memory.max").write_text("1000\n")
    assert free_bytes() == 300.0
    # Files that the kernel keeps while nobody wants the room are no use of it.
    (tmp_path / "memory.stat").write_text("anon 100\ninactive_file 250\nactive_file 7\n")
    assert free_bytes() == 550.0
