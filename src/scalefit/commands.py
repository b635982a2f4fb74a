"""The command line: each command calls one public function and prints what it returns."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalefit.errors import DataError, FitError, ScalefitError, ScalefitWarning

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

app = typer.Typer(
    help="Fit scaling laws to training runs, say how sure the fit is, and decide with it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Level = Annotated[float, typer.Option(help="How often intervals made in this way hold the true value.")]
Seed = Annotated[int, typer.Option(help="Seed of the bootstrap.")]


@contextmanager
def reported() -> Iterator[None]:
    """Warnings and expected errors as one line each on stderr; an error ends the command with code 2."""
    failure = ""
    with warnings.catch_warnings(record=True) as seen:
        warnings.filterwarnings("always", category=ScalefitWarning)
        try:
            yield
        except BrokenPipeError:
            raise
        except (ScalefitError, OSError) as error:
            failure = str(error)
    if failure:  # alone: what it warned of on the way is mostly the same fault
        typer.echo(f"scalefit: {one_line(failure)}", err=True)
        raise typer.Exit(2)
    for text in dict.fromkeys(one_line(str(warning.message)) for warning in seen):
        typer.echo(f"scalefit: warning: {text}", err=True)


def one_line(text: str) -> str:
    """The text without line breaks, in the words of the command line."""
    from scalefit.checks.finding import in_options

    return in_options(" ".join(text.split()).removeprefix("runs: "))


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Print the version where it is asked for."""
    if version:
        from scalefit import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.command()
@reported()
def demo(
    out: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("scalefit-demo.png"),
    seed: Seed = 0,
) -> None:
    """Fit, check and draw the real runs that come with the package."""
    from scalefit.reports.demo import describe_demo, draw_demo, run_demo

    shown = run_demo(seed=seed)
    typer.echo(describe_demo(shown))
    save_picture(draw_demo(shown), out)
    typer.echo(f"\nThe picture is in {out}.")


@app.command()
@reported()
def laws(
    name: Annotated[str | None, typer.Argument(help="A law, to see all that is known about it.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the laws, or describe one."""
    from scalefit.laws import get_law, list_laws
    from scalefit.reports.laws import describe_law, describe_laws

    if name is not None:
        law = get_law(name)
        typer.echo(list_laws().loc[law.name].to_json() if as_json else describe_law(law))
    else:
        typer.echo(list_laws().to_json(orient="index") if as_json else describe_laws())


@app.command()
@reported()
def check(
    file: Annotated[str, typer.Argument(help="A file, folder or glob of runs or logs, of any format that is known.")],
    column: Annotated[
        list[str] | None, typer.Option(help="Where a quantity stands, such as run=name; may be repeated.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="What the parts of paths are, such as '{family}/{run}.csv'.")
    ] = None,
    laws: Annotated[bool, typer.Option(help="Fit the laws, to say which the runs can identify: seconds each.")] = True,
    report: Annotated[Path | None, typer.Option(help="Write the check with pictures into this HTML file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a table of runs holds, what is wrong with it and how to repair it.

    Ends with code 0 where the table can be fitted as it is, remarks or not; with code 1 where something would mislead
    the fit; and with code 2 where a fit would refuse it or it cannot be read. Where it cannot be read, --json prints
    the error as JSON.
    """
    from scalefit.checks import check_runs
    from scalefit.checks.check import error_to_json

    try:
        checked = check_runs(file, columns=read_names(column, "--column"), laws=laws, pattern=pattern)
    except (ScalefitError, OSError) as error:
        if as_json:
            typer.echo(error_to_json(one_line(str(error))))
        raise
    typer.echo(checked.to_json() if as_json else checked.text(commands=True))
    if report is not None:
        checked.to_html(report, commands=True)
        if not as_json:
            typer.echo(f"\nThe report is in {report}.")
    checked.raise_problems()
    if checked.of("misleading"):
        raise typer.Exit(1)


@app.command()
@reported()
def fit(
    file: Annotated[str, typer.Argument(help="A file, folder or glob of runs or logs, of any format that is known.")],
    law: Annotated[str, typer.Option(help="A law by name: see `scalefit laws`.")],
    bootstrap: Annotated[int, typer.Option(help="How many resamples to refit; 0 for none.", min=0)] = 0,
    target: Annotated[str | None, typer.Option(help="The column that the law predicts.")] = None,
    along: Annotated[str | None, typer.Option(help="The column of the input of a law in one variable.")] = None,
    fix: Annotated[list[str] | None, typer.Option(help="Hold a parameter, such as E=1.7; may be repeated.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Where an input stands, such as x=flops; may be repeated.")
    ] = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Write the fit as JSON, for `scalefit predict`.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw data, curve and band into this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a law to a table of runs."""
    from scalefit.estimation import fit as fit_runs
    from scalefit.runs.frame import read_runs

    result = fit_runs(
        read_runs(file),
        law,
        target=target,
        along=along,
        columns=read_names(column, "--column"),
        fixed=read_numbers(fix, "--fix"),
    )
    if bootstrap:
        result = result.bootstrap(bootstrap, rng=seed, progress=sys.stderr.isatty())
    typer.echo(result.to_json() if as_json else str(result))
    if out is not None:
        result.to_json(str(out))
    if plot is not None:
        save_picture(result.plot().figure, plot)


@app.command()
@reported()
def predict(
    file: Annotated[Path, typer.Argument(help="A fit written by `scalefit fit --out`.")],
    at: Annotated[list[str] | None, typer.Option(help="An input, such as params=7e10 or tokens=1e12,2e12.")] = None,
    points: Annotated[Path | None, typer.Option(help="A table of points, in place of --at.")] = None,
    level: Level = 0.9,
    one_run: Annotated[
        bool, typer.Option("--one-run", help="Intervals for one new run, not for the mean of many.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Predict with a fit that was saved."""
    from scalefit.reports.json import load_fit
    from scalefit.reports.predictions import describe_predictions
    from scalefit.runs.frame import as_frame
    from scalefit.runs.grid import grid

    if (not at) == (points is None):
        raise FitError("predict takes either --at params=7e10 --at tokens=1.4e12 or --points FILE.")
    frame = grid(**read_axes(at)) if points is None else as_frame(existing(points), what="the table of points")
    predicted = load_fit(existing(file)).predict(frame, level=level, interval="run" if one_run else "mean")
    typer.echo(
        predicted.to_json(orient="records", double_precision=15) if as_json else describe_predictions(predicted, level)
    )


def existing(path: Path) -> str:
    """The path of a file that is there, or an error that says it is not."""
    if not path.is_file():
        raise DataError(f"There is no file {str(path)!r}{': it is a folder' if path.is_dir() else ''}.")
    return str(path)


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


def read_number(text: str, option: str) -> float:
    """A number as text, or an error that names the option."""
    try:
        return float(text)
    except ValueError:
        raise FitError(f"{option} needs a number; got {text!r}.") from None


def save_picture(figure: Figure | SubFigure, path: Path) -> None:
    """Write a picture in the format that the name of the file says."""
    try:
        figure.figure.savefig(path, dpi=150)
    except ValueError as error:
        raise FitError(f"The picture cannot be written to {str(path)!r}: {error}") from error


def main() -> None:
    """Run the command line."""
    app()
