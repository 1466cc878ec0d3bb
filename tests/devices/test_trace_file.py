"""Traces: what is read, and how a wrong line is told."""

import math

import pytest

from devices.condition_error import ConditionError
from devices.trace_file import TraceFile


@pytest.fixture
def trace(tmp_path):
    def write(text):
        (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return TraceFile("t.csv", ("who", "number"), "section.file", tmp_path)

    return write


def cells(trace):
    return [(row.line, *row.cells) for row in trace.rows()]


def test_lines_are_read_with_their_numbers(trace):
    assert cells(trace("who,number\na,1\n\n b , 2.5 \n")) == [(2, "a", "1"), (4, "b", "2.5")]
    assert cells(trace('who, number\r\n"a, b",1e3\r\n')) == [(2, "a, b", "1e3")]
    assert cells(trace(b"\xef\xbb\xbfwho,number\n")) == []


def test_numbers(trace):
    file = trace("who,number\na,1e3\na,inf\n")
    first, second = file.rows()
    assert file.number(first, 1) == 1000
    assert file.number(second, 1, endless=True) == math.inf


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'t.csv' line 1: no columns; the first line must be who,number"),
        ("who;number\n", "'t.csv' line 1: the columns who;number; the first line must be who,number"),
        ("number,who\n", "'t.csv' line 1: the columns number,who; the first line must be who,number"),
        ("who,number\na\n", "'t.csv' line 2: 1 values; one for each of who,number"),
        ("who,number\na,1,2\n", "'t.csv' line 2: 3 values; one for each of who,number"),
        ("who,number\na,x\n", "'t.csv' line 2: number is 'x'; a number of 0 or more"),
        ("who,number\na,\n", "'t.csv' line 2: number is ''; a number of 0 or more"),
        ("who,number\na,-1\n", "'t.csv' line 2: number is '-1'; a number of 0 or more"),
        ("who,number\na,nan\n", "'t.csv' line 2: number is 'nan'; a number of 0 or more"),
        ("who,number\na,inf\n", "'t.csv' line 2: number is 'inf'; a number of 0 or more"),
        (b"who,number\n\xff,1\n", "'t.csv' is no CSV file ("),
        ('who,number\n"a,1\n', "'t.csv' is no CSV file ("),
    ],
)
def test_what_is_wrong_is_told_with_its_line(trace, text, message):
    file = trace(text)
    with pytest.raises(ConditionError) as caught:
        [file.number(row, 1) for row in file.rows()]
    assert str(caught.value).startswith(message)
    assert caught.value.key_path == "section.file"
    assert str(caught.value) == f"{caught.value.came}; {caught.value.allowed}"


def test_a_missing_file(tmp_path):
    with pytest.raises(ConditionError, match=r"'no.csv' cannot be read \(no such file or directory\); give"):
        list(TraceFile("no.csv", ("who",), "section.file", tmp_path).rows())
