"""Keyed streams: what is drawn depends on its name alone."""

import hashlib

import numpy as np

from simulator.streams import Streams


def first(streams, *name):
    return streams.draw(*name).integers(2**62)


def test_one_name_gives_the_same_draws_whatever_was_drawn_before():
    streams = Streams(7)
    alone = streams.draw("batch", 3, 5).normal(size=4)
    streams.draw("noise", 3, 5).normal(size=1000)
    assert np.array_equal(streams.draw("batch", 3, 5).normal(size=4), alone)
    assert np.array_equal(Streams(7).draw("batch", 3, 5).normal(size=4), alone)


def test_every_part_of_a_name_matters():
    names = [
        (0, "batch", 3, 5),
        (1, "batch", 3, 5),
        (0, "noise", 3, 5),
        (0, "batch", 5, 3),
        (0, "batch", 35),
        (0, "batch", 3),
        (0, "batch"),
        (0, "batch", -3, 5),
    ]
    assert len({first(Streams(seed), *name) for seed, *name in names}) == len(names)


def test_numbers_of_numpy_name_the_same_stream():
    assert Streams(0).key("batch", np.int64(3)) == Streams(0).key("batch", 3)


def test_keys_are_63_bits_of_a_published_hash():
    digest = hashlib.blake2b(b"0/batch/3/5", digest_size=8).digest()
    assert Streams(0).key("batch", 3, 5) == int.from_bytes(digest, "little") >> 1
    assert all(0 <= Streams(seed).key("batch") < 2**63 for seed in range(50))


def test_neighbouring_streams_are_not_alike():
    draws = np.array([Streams(0).draw("noise", client).normal(size=400) for client in range(30)])
    correlation = np.corrcoef(draws) - np.eye(30)
    assert np.abs(correlation).max() < 0.25
