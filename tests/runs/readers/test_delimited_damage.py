"""Delimited text that is damaged, noise, or far larger than it looks."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mutations import damaged, read_or_refuse
from peak_memory import MOST_MIB, peak_mib
from scalefit.errors import DataError
from scalefit.runs.readers.delimited import DELIMITED
from scalefit.runs.reading import read_file

SAMPLES = Path(__file__).parents[2] / "samples" / "csv"
#: The same inputs on every machine.
MANY = settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
FILES = [path.read_bytes()[:1000] for path in sorted(SAMPLES.iterdir()) if path.is_file() and path.suffix != ".py"] + [
    b'step;note;loss\n1;"two\nlines";3,5\n2;x;2\n',
    b"# comment\nstep,loss\n1,2\nstep,loss\n2,\n",
    b",params,loss\n0,1e6,inf\n1,2e6,NaN\n",
]


@pytest.mark.slow
@MANY
@given(data=damaged(FILES))
def test_a_damaged_file_gives_rows_or_one_error(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(data)
    read_or_refuse(DELIMITED, path)


@pytest.mark.slow
@MANY
@given(data=st.one_of(st.binary(max_size=200), st.text('0123,.;\t|"\n\r #-einfNaT_', max_size=120).map(str.encode)))
def test_noise_gives_rows_or_one_error(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "noise.csv"
    path.write_bytes(data)
    read_or_refuse(DELIMITED, path)


MB = 2**20
WORST = {
    "a line of columns": lambda: b",".join(b"c%d" % i for i in range(MB // 8)) + b"\n" + b"1," * 1000,
    "short lines": lambda: b"a,b\n" + b"1\n" * (MB // 2),
    "distinct words": lambda: b"a,b\n" + b"".join(b"%x,%x\n" % (i, i * 7) for i in range(MB // 12)) + b"x,y\n",
    "open quotes": lambda: b"a,b\n" + b'x"b,"c\n' * (MB // 8),
    "quotes in pairs": lambda: b"a,b\n" + b'"",""\n' * (MB // 6),
    "a long number": lambda: b"a,b\n1,2\n" + b"9" * MB + b",1\n",
    "large exponents": lambda: b"a,b\n" + b"1e999999999,-1e-999999999\n" * (MB // 26),
    "one field": lambda: b"a,b\n1," + b"x" * MB + b"\n",
    "packed numbers": lambda: gzip.compress(b"a,b\n" + b"1,1\n" * (2**24)),
    "packed words": lambda: gzip.compress(b"a,b\n" + b"x,y\n" * (2**24)),
    "packed short lines": lambda: gzip.compress(b"a,b\n" + b"1\n" * (2**25)),
    "packed blank lines": lambda: gzip.compress(b"a,b\n1,2\n" + b"\n" * (2**26)),
    "packed columns": lambda: gzip.compress(b",".join(b"c%d" % i for i in range(9_000)) + b"\n" + b"," * 8_999 + b"\n"),
    "packed gigabytes": lambda: gzip.compress(gzip.compress(b"\0" * 2**27)) + gzip.compress(b"1,2\n" * 2**26),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORST)
def test_no_file_of_a_megabyte_takes_a_gigabyte(kind, tmp_path):
    path = tmp_path / "worst.csv"
    path.write_bytes(WORST[kind]())
    assert path.stat().st_size < 1.1 * MB
    peak, said = peak_mib(path)
    assert peak < MOST_MIB, said


def test_a_file_that_unpacks_without_end_is_given_up(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"step,loss\n" + b" " * 2**27))
    with pytest.raises(DataError, match="unpacks to more than 100 times its size"):
        read_file(path)
