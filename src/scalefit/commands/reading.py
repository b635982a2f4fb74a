"""What commands read: tables and saved fits, from files or standard input, and numbers from options."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from scalefit.errors import DataError, FitError, ScalefitError

if TYPE_CHECKING:
    import pandas as pd

    from scalefit.result import Fit

#: What a file is called where it is standard input.
STDIN, STDIN_NAME = "-", "standard input"
STDOUT = "-"


@contextmanager
def readable(file: str) -> Iterator[str]:
    """The path of a file; standard input as one, for as long as it is read."""
    if file != STDIN:
        yield file
        return
    if sys.stdin.isatty():
        typer.echo("scalefit: reading standard input; Ctrl-D ends it", err=True)
    # Piece by piece: one read to the end can miss an interrupt between two calls of the system.
    content = b"".join(iter(lambda: typer.get_binary_stream("stdin").read(1 << 16), b""))
    if not content.strip():
        raise DataError("Nothing is left to read from standard input; one file at most can be '-'.")
    with TemporaryDirectory() as folder:
        path = Path(folder) / STDIN_NAME  # what it is, is told from its content
        path.write_bytes(content)
        try:
            yield str(path)
        except ScalefitError as error:
            said = str(error)
            for name in (f"the file {str(path)!r}", f"{str(path)!r}", str(path)):
                said = said.replace(name, STDIN_NAME)
            raise type(error)(said) from error


def existing(path: str) -> str:
    """The path of a file that is there, or an error that says it is not."""
    if not Path(path).is_file():
        raise DataError(f"There is no file {path!r}{': it is a folder' if Path(path).is_dir() else ''}.")
    return path


def read_fit(file: str) -> Fit:
    """A fit that was saved."""
    from scalefit.reports.json import load_fit

    with readable(file) as path:
        return load_fit(existing(path))


def read_points(file: str) -> pd.DataFrame:
    """A table of points to predict, its columns as they are."""
    from scalefit.runs.frame import as_frame

    with readable(file) as path:
        return as_frame(existing(path), what="the table of points")


def read_table(file: str, command: str) -> pd.DataFrame:
    """The runs of a file, or an error where it is a fit that was saved."""
    from scalefit.runs.frame import read_runs

    with readable(file) as path:
        if (path.endswith(".json") or file == STDIN) and is_saved_fit(Path(path)):
            option = "" if command == "isoflop" else " --law"
            way = "leave out --law, which it has" if command == "allocate" else "give the runs that it was fitted to"
            raise FitError(f"{path!r} is a saved fit, and {command}{option} takes a table of runs: {way}.")
        return read_runs(path)


def is_saved_fit(path: Path) -> bool:
    """Whether a file begins as a saved fit does."""
    from scalefit.reports.json import FORMAT

    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as lines:
        return FORMAT in lines.read(100)


def read_names(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Options such as ``x=flops`` as a mapping."""
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise FitError(f"{option} takes name=value; got {text!r}.")
        if name in pairs:
            raise FitError(f"{option} gives {name!r} twice: {pairs[name]!r} and {value!r}.")
        pairs[name] = value
    return pairs


def read_numbers(texts: Sequence[str] | None, option: str) -> dict[str, float]:
    """Options such as ``E=1.7`` as a mapping."""
    return {name: read_number(value, f"{option} {name}") for name, value in read_names(texts, option).items()}


def read_axes(texts: Sequence[str] | None) -> dict[str, list[float]]:
    """Options such as ``tokens=1e12,2e12``: the values of each axis of a grid; a name given again adds to its axis."""
    axes: dict[str, list[float]] = {}
    for text in texts or ():
        for name, values in read_names([text], "--at").items():
            axes.setdefault(name, []).extend(read_number(value, f"--at {name}") for value in values.split(","))
    return axes


def read_list(text: str, option: str) -> list[float]:
    """Numbers with commas between them."""
    return [read_number(part, option) for part in text.split(",")]


def read_number(text: str, option: str) -> float:
    """A number as text, or an error that names the option."""
    try:
        value = float(text)
    except ValueError:
        raise FitError(f"{option} needs a number; got {text!r}.") from None
    if not math.isfinite(value):
        raise FitError(f"{option} needs a finite number; got {text!r}.")
    return value
