"""Damaged files for the readers, and what every reader owes whoever gives it one."""

import subprocess
import sys
import warnings

from hypothesis import strategies as st

from scalefit.errors import DataWarning, ScalefitError
from scalefit.runs.readers.source import Source

#: Pieces that have broken readers of text before.
PIECES = (
    b"NaN", b"-Infinity", b"nan", b"None", b"null", b"true", b'""', b'"', b"'", b"{", b"}", b"[", b"]", b"[]", b"{}",
    b",", b":", b"\n", b"\r\n", b"\r", b"\0", b"\x1f", b"\x80", b"\xff", b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b"\\",
    b"\\u0041", b"\\ud800", b"\t", b" ", b"-", b"+", b".", b"e", b"01", b"1.", b".5", b"1.e5", b"-0", b"1e999",
    b"-1e-999", b"1_0", b"0x1",
    b"9" * 20, b"9" * 400, b"9" * 5000, b"9007199254740993", b"18446744073709551615", b"[" * 3000, b'{"a":' * 3000,
    b'"loss"', b'"step": 3', b', "loss": 2.5', b'{"step": 3}', b'{"a.b": 1, "a": {"b": 2}}',
)  # fmt: skip


@st.composite
def damaged(draw, valid):
    """One of some valid files after a few changes: bytes turned, cut, doubled, moved, and pieces put in."""
    data = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(*2 * [st.integers(0, len(data))])))
        change = draw(st.sampled_from(["turn", "cut", "end", "double", "move", "put", "put", "other"]))
        if change == "turn" and start < len(data):
            data = data[:start] + bytes([data[start] ^ (1 << draw(st.integers(0, 7)))]) + data[start + 1 :]
        elif change == "cut":
            data = data[:start] + data[end:]
        elif change == "end":
            data = data[:end]
        elif change == "double":
            data = data[:end] + data[start:]
        elif change == "move":
            data = data[:start] + data[end:] + data[start:end]
        elif change == "put":
            data = data[:start] + draw(st.sampled_from(PIECES)) + data[start:]
        else:
            other = draw(st.sampled_from(valid))
            data = data[:start] + other[draw(st.integers(0, len(other))) :]
    return data


def read_or_refuse(known, path):
    """What a reader makes of a file: a table that is in order, or an error of ours, and nothing else."""
    source = Source(path)
    assert known.recognises(source) in (True, False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", DataWarning)
            reading = known.read(source)
    except ScalefitError as error:
        str(error).encode()
        return None
    assert len(reading.frame) > 0
    assert reading.frame.columns.is_unique
    "".join([*reading.notes, *(refusal.where + refusal.why for refusal in reading.refused)]).encode()
    return reading


def peak_of_reading(path):
    """The memory in MiB that a new process takes at most to read a file, or to refuse it; for Linux."""
    code = (
        "import re, sys, warnings; from pathlib import Path; import scalefit as sf\n"
        "warnings.simplefilter('ignore')\n"
        "try: sf.read_runs(Path(sys.argv[1]))\n"
        "except sf.errors.ScalefitError: pass\n"
        # Not getrusage: there a process begins with the peak of the one that started it.
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return int(done.stdout)
