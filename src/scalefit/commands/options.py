"""Options that several commands take: their texts, and groups of those that go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from scalefit.commands.reading import read_axes, read_names, read_numbers, read_points
from scalefit.errors import FitError

if TYPE_CHECKING:
    import pandas as pd


def complete_laws(incomplete: str) -> list[str]:
    """The names of laws that begin so, for the shell."""
    from scalefit.laws import catalogue

    return [name for name in catalogue() if name.startswith(incomplete)]


Table = Annotated[
    str,
    typer.Argument(metavar="FILE", help="A file, folder or glob of runs or logs, of any known format; - for stdin."),
]
SavedFit = Annotated[str, typer.Argument(metavar="FIT", help="A fit of `scalefit fit --out`; - for stdin.")]
LawName = Annotated[str, typer.Option(help="A law by name: see `scalefit laws`.", autocompletion=complete_laws)]
TableLaw = Annotated[
    str | None,
    typer.Option("--law", help="A law by name, fitted to a table of runs.", autocompletion=complete_laws),
]
SomeLaws = Annotated[
    list[str] | None,
    typer.Option("--law", help="A law by name; may be repeated.", autocompletion=complete_laws),
]
Level = Annotated[float, typer.Option(help="How often intervals made in this way hold the true value.")]
Seed = Annotated[int, typer.Option(help="Seed of the resamples.")]
By = Annotated[str, typer.Option(help="The column that names the families.")]
Target = Annotated[str | None, typer.Option(help="The column that is predicted.")]
Column = Annotated[list[str] | None, typer.Option(help="Where a quantity stands, such as params=N; may be repeated.")]
Fix = Annotated[list[str] | None, typer.Option(help="Hold a parameter, such as E=1.7; may be repeated.")]
Single = Annotated[str | None, typer.Option("--along", help="The column of the input of a law in one variable.")]
Along = Annotated[str, typer.Option(help="Along what: flops, or an input of the law.")]
Ordered = Annotated[str, typer.Option("--along", help="What orders the runs: the cuts lie along it.")]
Cuts = Annotated[str, typer.Option(help="Shares of the runs to fit, the others being predicted.")]


@dataclass(frozen=True)
class Columns:
    """What is predicted, and where quantities stand."""

    target: Target = None
    column: Column = None

    @property
    def names(self) -> dict[str, str]:
        """Known name -> column."""
        return read_names(self.column, "--column")


@dataclass(frozen=True)
class Fixed(Columns):
    """The same, and parameters that are held."""

    fix: Fix = None

    @property
    def values(self) -> dict[str, float]:
        """Parameter -> value."""
        return read_numbers(self.fix, "--fix")


@dataclass(frozen=True)
class OneFamily:
    """Which of several families."""

    by: By = "family"
    family: Annotated[str | None, typer.Option(help="The family to fit, where the table has several.")] = None


@dataclass(frozen=True)
class Resamples:
    """How sure an answer is, and from how many resamples."""

    draws: Annotated[int, typer.Option(help="How many resamples to refit.", min=2)] = 1000
    seed: Seed = 0
    level: Level = 0.9


@dataclass(frozen=True)
class Held:
    """What the other inputs do."""

    at: Annotated[
        list[str] | None, typer.Option(help="What another input stays at, such as params=1.6e8; may be repeated.")
    ] = None
    cost: Annotated[
        str | None,
        typer.Option(
            help="What a run costs: a formula such as '6 * params * tokens'; or runs, for what their flops show."
        ),
    ] = None

    @property
    def held(self) -> dict[str, float] | None:
        """Input -> value."""
        return read_numbers(self.at, "--at") or None


@dataclass(frozen=True)
class Route(Held):
    """What the other inputs do, where tokens may go with parameters."""

    ratio: Annotated[float | None, typer.Option(help="Tokens per parameter, in place of --at.")] = None


@dataclass(frozen=True)
class Pairing:
    """Whether two families are drawn together."""

    paired: Annotated[
        bool | None,
        typer.Option(
            "--paired/--independent",
            help="Whether resamples draw matching runs of the families together; else as the table shows.",
        ),
    ] = None


@dataclass(frozen=True)
class Points:
    """What is predicted: a grid, or a table."""

    at: Annotated[
        list[str] | None, typer.Option(help="An input, such as params=7e10 or tokens=1e12,2e12; may be repeated.")
    ] = None
    points: Annotated[str | None, typer.Option(help="A table of points, in place of --at; - for stdin.")] = None

    def read(self, command: str) -> pd.DataFrame:
        """The points as a table."""
        from scalefit.runs.grid import grid

        if (not self.at) == (self.points is None):
            raise FitError(f"{command} takes either --at params=7e10 --at tokens=1.4e12 or --points FILE.")
        return grid(**read_axes(self.at)) if self.points is None else read_points(self.points)


@dataclass(frozen=True)
class Beyond(Points):
    """The same, or one run larger than all of a table."""

    times: Annotated[
        float | None,
        typer.Option(
            help="In place of --at: a run of so many times the compute of the largest, at its tokens per parameter."
        ),
    ] = None

    def given(self, command: str) -> pd.DataFrame | None:
        """The points as a table; None where a larger run is asked for."""
        if self.times is None and not self.at and self.points is None:
            raise FitError(f"{command} takes --times 10, or --at params=7e10 --at tokens=1.4e12, or --points FILE.")
        if self.times is None:
            return self.read(command)
        if self.at or self.points is not None:
            raise FitError("--times takes the place of --at and --points: leave out one of them.")
        return None

    def larger(self, runs: pd.DataFrame, data: Columns) -> pd.DataFrame:
        """The run that is so many times larger than the largest of a table."""
        from scalefit.decisions.larger import larger_point
        from scalefit.runs.grid import grid

        times = 1.0 if self.times is None else self.times
        return grid(**{name: [value] for name, value in larger_point(runs, times=times, columns=data.names).items()})
