"""Commands about runs that were not made: forecast, forecast-curves, backtest."""

from __future__ import annotations

from typing import Annotated

import typer

from scalefit.commands.application import command
from scalefit.commands.families import only_family
from scalefit.commands.options import (
    Beyond,
    Columns,
    Cuts,
    Fixed,
    LawName,
    Level,
    OneFamily,
    Ordered,
    Resamples,
    Seed,
    SomeLaws,
    Table,
)
from scalefit.commands.output import Shown, shown
from scalefit.commands.progress import watched, working
from scalefit.commands.reading import read_list, read_points, read_table


@command(
    [
        "scalefit forecast runs.csv --at params=7e10 --at tokens=1.4e12",
        "scalefit forecast runs.csv --times 10",
        "scalefit forecast runs.csv --points planned.csv --law chinchilla --law kaplan_nd --plot forecast.png",
    ],
    plot=True,
)
def forecast(
    file: Table,
    *,
    points: Beyond,
    law: SomeLaws = None,
    along: Ordered = "flops",
    family: OneFamily,
    data: Columns,
    resamples: Resamples,
) -> Shown:
    """Say what runs beyond the data will give, by several laws together."""
    from scalefit.decisions.forecast import forecast as forecast_runs

    given = points.given("forecast")
    runs = only_family(read_table(file, "forecast"), family, data, "forecast")
    at = points.larger(runs, data) if given is None else given
    with working("forecasting"):
        told = forecast_runs(
            runs, at, laws=law or None, target=data.target,
            columns=data.names or None, along=along, level=resamples.level, draws=resamples.draws, rng=resamples.seed,
        )  # fmt: skip
    return shown(told, forecast=told.frame, laws=told.laws, test=told.test)


@command(
    [
        "scalefit forecast-curves curves.csv --points planned.csv",
        "scalefit forecast-curves logs/ --points planned.csv --plot curves.png --json",
    ],
    plot=True,
)
def forecast_curves(
    file: Table,
    points: Annotated[str, typer.Option(help="The rows to predict: run, step and lr; - for stdin.")],
    data: Columns,
    draws: Annotated[int, typer.Option(help="How many resamples of each law to refit.", min=2)] = 40,
    seed: Seed = 0,
    level: Level = 0.9,
) -> Shown:
    """Say what training will give at each step under another learning-rate schedule.

    The curves are runs of one model that share their batch size and peak rate; each row has run, step, lr and loss.
    """
    from scalefit.decisions.curves.forecast import forecast_curves as forecast_rows

    at = read_points(points)
    with working("forecasting"):
        told = forecast_rows(
            read_table(file, "forecast-curves"), at, target=data.target, columns=data.names or None, level=level,
            draws=draws, rng=seed,
        )  # fmt: skip
    return shown(told, forecast=told.frame, final=told.final, laws=told.laws)


@command(
    [
        "scalefit backtest runs.csv --law chinchilla",
        "scalefit backtest runs.csv --law chinchilla --cuts 0.5,0.8 --plot backtest.png",
        "scalefit backtest runs.csv --law chinchilla_depth --by family",
    ],
    plot=True,
)
def backtest(
    file: Table,
    *,
    law: LawName,
    along: Ordered = "flops",
    cuts: Cuts = "0.5,0.6,0.7,0.8",
    by: Annotated[str | None, typer.Option(help="Leave out the families of this column, in place of --cuts.")] = None,
    data: Fixed,
    draws: Annotated[int, typer.Option(help="How many resamples to refit below each cut.", min=2)] = 200,
    seed: Seed = 0,
    level: Level = 0.9,
) -> Shown:
    """Say how well a law fitted to the smaller runs predicts the larger ones."""
    from scalefit.decisions.backtest import backtest as backtest_law

    told = backtest_law(
        read_table(file, "backtest"), law, along=along, columns=data.names or None, target=data.target, level=level,
        cuts=read_list(cuts, "--cuts"), by=by, fixed=data.values or None, draws=draws, rng=seed, progress=watched(),
    )  # fmt: skip
    return shown(told, predictions=told.frame, cuts=told.summary)
