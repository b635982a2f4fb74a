"""Options that several commands take, and how their texts are read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalefit.errors import DataError, FitError

if TYPE_CHECKING:
    import pandas as pd

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Level = Annotated[float, typer.Option(help="How often intervals made in this way hold the true value.")]
Seed = Annotated[int, typer.Option(help="Seed of the bootstrap.")]

Draws = Annotated[int, typer.Option(help="How many resamples to refit.", min=2)]
ByFamily = Annotated[str, typer.Option(help="The column that names the families.")]
Target = Annotated[str | None, typer.Option(help="The column that the law predicts.")]
Column = Annotated[list[str] | None, typer.Option(help="Where a quantity stands, such as params=N; may be repeated.")]
At = Annotated[
    list[str] | None, typer.Option(help="What another input stays at, such as params=1.6e8; may be repeated.")
]
Ratio = Annotated[float | None, typer.Option(help="Tokens per parameter, in place of --at.")]
Fix = Annotated[list[str] | None, typer.Option(help="Hold a parameter, such as E=1.7; may be repeated.")]
CostOption = Annotated[
    str | None,
    typer.Option(
        help="What a run costs: a formula such as '6 * params * tokens', or runs, for what their column flops shows."
    ),
]
Paired = Annotated[
    bool | None,
    typer.Option(
        "--paired/--independent",
        help="Whether resamples draw matching runs of the families together; else as the table shows.",
    ),
]
Picture = Annotated[Path | None, typer.Option("--plot", help="Draw the answer into this file.")]


def existing(path: Path) -> str:
    """The path of a file that is there, or an error that says it is not."""
    if not path.is_file():
        raise DataError(f"There is no file {str(path)!r}{': it is a folder' if path.is_dir() else ''}.")
    return str(path)


def read_table(file: str, command: str) -> pd.DataFrame:
    """The runs of a file, or an error where it is a fit that was saved."""
    from scalefit.reports.json import FORMAT
    from scalefit.runs.frame import read_runs

    path = Path(file)
    if path.suffix == ".json" and path.is_file():
        with path.open(encoding="utf-8", errors="replace") as lines:
            if FORMAT in lines.read(100):
                option = "" if command == "isoflop" else " --law"
                way = (
                    "leave out --law, which it has" if command == "allocate" else "give the runs that it was fitted to"
                )
                raise FitError(f"{file!r} is a saved fit, and {command}{option} takes a table of runs: {way}.")
    return read_runs(file)


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


def read_axes(texts: Sequence[str] | None) -> Mapping[str, list[float]]:
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
