"""Unpacking: whole files as they are, damaged ones refused, and never more than the header promises."""

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from models.data_files import DataError, unpacked

NAME = Path("letters.gz")


def idx(kind: int, *shape: int, content: bytes | None = None) -> bytes:
    head = bytes((0, 0, 8, len(shape))) + b"".join(one.to_bytes(4, "big") for one in shape)
    assert kind == len(shape)
    return head + (bytes(int(np.prod(shape))) if content is None else content)


@pytest.mark.parametrize("plain", [idx(1, 7), idx(3, 5, 4, 4), idx(4, 2, 3, 4, 4), b"", b"no idx at all"])
def test_what_was_packed_comes_back(plain):
    assert unpacked(NAME, gzip.compress(plain)) == plain


def test_two_packed_pieces_one_after_the_other_are_one_file():
    plain = idx(3, 50, 8, 8)
    assert unpacked(NAME, gzip.compress(plain[:100]) + gzip.compress(plain[100:])) == plain


def test_other_files_are_returned_as_they_are():
    assert unpacked(Path("letters"), b"abc") == unpacked(Path("letters.tar.gz"), b"abc") == b"abc"


def test_a_file_that_is_more_than_it_promises_is_unpacked_no_further_than_one_byte():
    bomb = gzip.compress(idx(1, 700) + bytes(200_000_000), compresslevel=1)
    tracemalloc.start()
    plain = unpacked(NAME, bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(plain) == len(idx(1, 700)) + 1
    assert peak < 20_000_000


def test_a_promise_without_the_bytes_reserves_nothing():
    plain = idx(3, 2**31, 2**31, 2**31, content=bytes(10))
    assert unpacked(NAME, gzip.compress(plain)) == plain


def test_a_file_that_is_cut_short_is_refused():
    with pytest.raises(DataError, match="is not a whole gzip file"):
        unpacked(NAME, gzip.compress(idx(1, 100))[:-9])
