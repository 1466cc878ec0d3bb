"""Joining intervals and finding overlaps, against loops over all of them."""

import numpy as np

from analysis.occupancy import Spans, meeting, merged, occupied_seconds


def drawn(rng, count, longest):
    start_s = rng.integers(0, 60, count).astype(float)
    return Spans(rng.integers(0, 4, count), start_s, start_s + rng.integers(0, longest, count))


def seconds_of(spans, device, until=100):
    """The seconds of whole numbers that a device's intervals cover."""
    own = np.zeros(until, bool)
    for of, start_s, end_s in zip(*spans, strict=True):
        own[int(start_s) : int(end_s)] |= of == device
    return own


def test_merged_intervals_cover_the_same_and_are_disjoint():
    rng = np.random.default_rng(3)
    for _ in range(50):
        spans = drawn(rng, int(rng.integers(0, 30)), 6)
        joined = merged(spans)
        for device in range(4):
            assert (seconds_of(joined, device) == seconds_of(spans, device)).all()
            own = joined.at(np.flatnonzero(joined.device == device))
            assert (own.start_s[1:] > own.end_s[:-1]).all()
        assert (np.diff(joined.device) >= 0).all()
        lengths_s = joined.end_s - joined.start_s
        assert np.bincount(joined.device, lengths_s, 4).tolist() == occupied_seconds(*joined, 4).tolist()


def test_the_first_overlap_of_every_interval_is_found():
    rng = np.random.default_rng(4)
    for _ in range(50):
        blocks = merged(drawn(rng, int(rng.integers(0, 12)), 6))
        spans = drawn(rng, 40, 9)
        expected = [
            next(
                (
                    index
                    for index, (of, from_s, to_s) in enumerate(zip(*blocks, strict=True))
                    if of == device and from_s < end_s - 0.5 and to_s > start_s + 0.5
                ),
                -1,
            )
            for device, start_s, end_s in zip(*spans, strict=True)
        ]
        assert meeting(spans, blocks, 0.5).tolist() == expected


def test_what_lies_outside_shrinks_to_nothing():
    spans = Spans(np.zeros(4, int), np.array([0.0, 1.0, 5.0, 8.0]), np.array([1.0, 3.0, 9.0, 9.0]))
    cut = spans.within(2.0, 6.0)
    assert (cut.end_s - cut.start_s).tolist() == [0.0, 1.0, 1.0, 0.0]
