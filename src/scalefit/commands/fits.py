"""Commands about one fit: fit, predict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from scalefit.commands.application import app, reported
from scalefit.commands.options import AsJson, Level, Seed, existing, read_axes, read_names, read_numbers, read_table
from scalefit.commands.output import save_picture
from scalefit.errors import FitError


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

    result = fit_runs(
        read_table(file, "fit"),
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
