"""Commands about what to spend: allocate, isoflop, find-scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from scalefit.commands.application import command
from scalefit.commands.families import fit_table, one_family
from scalefit.commands.options import (
    Column,
    Fixed,
    Held,
    Level,
    OneFamily,
    Resamples,
    Route,
    SavedFit,
    Table,
    TableLaw,
)
from scalefit.commands.output import Shown, shown
from scalefit.commands.progress import watched, working
from scalefit.commands.reading import STDIN, read_fit, read_list, read_names, read_table
from scalefit.errors import FitError

if TYPE_CHECKING:
    import pandas as pd


@command(
    [
        "scalefit allocate fit.json --flops 1e21,1e23",
        "scalefit allocate runs.csv --law chinchilla --family gpt --flops 1e21 --cost runs",
    ],
    plot=True,
)
def allocate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A fit of `scalefit fit --out`; or a table of runs, with --law; - for stdin."
        ),
    ],
    *,
    flops: Annotated[str, typer.Option(help="Budgets, such as 1e21 or 1e21,1e23.")],
    law: TableLaw = None,
    family: OneFamily,
    route: Held,
    data: Fixed,
    resamples: Resamples,
) -> Shown:
    """Say how large to train, and on how many tokens, for compute budgets."""
    from scalefit.decisions.allocation.budget import allocate as allocate_fit
    from scalefit.decisions.spending import Cost

    budgets = read_list(flops, "--flops")
    cost: Cost | str | None = route.cost
    if law is not None:
        runs = one_family(read_table(file, "allocate"), family, data, "allocate")
        fit = fit_table(runs, law, None, data).bootstrap(resamples.draws, rng=resamples.seed, progress=watched())
        cost = Cost.from_runs(runs, columns=data.names or None) if cost == "runs" else cost
    elif family.family is not None:
        raise FitError(
            "--family chooses among the families of a table of runs, with --law NAME; a saved fit is of one."
        )
    elif file != STDIN and Path(file).suffix != ".json":
        raise FitError(
            f"allocate takes a fit of `scalefit fit --out`, or a table of runs with --law NAME; got {file!r}."
        )
    elif cost == "runs":
        raise FitError("--cost runs reads the cost off a table of runs; a saved fit needs a formula.")
    else:
        fit = read_fit(file)
    told = allocate_fit(fit, flops=budgets, cost=cost, at=route.held, level=resamples.level)
    return shown(told, budgets=told.frame)


@command(
    [
        "scalefit isoflop runs.csv",
        "scalefit isoflop runs.csv --budget flop_budget --method parabola --by family --plot isoflop.png",
    ],
    plot=True,
)
def isoflop(
    file: Table,
    *,
    budget: Annotated[
        str | None, typer.Option(help="The column that names the budget of each run; else flop_budget or flops.")
    ] = None,
    method: Annotated[str, typer.Option(help="How the loss is drawn over the size: akima or parabola.")] = "akima",
    by: Annotated[list[str] | None, typer.Option(help="A column of groups, each alone; may be repeated.")] = None,
    target: Annotated[str, typer.Option(help="The column that is lowest at the best size.")] = "loss",
    column: Column = None,
    noise: Annotated[
        float | None, typer.Option(help="Standard deviation of the loss of one run, where it is known.")
    ] = None,
    resamples: Resamples,
) -> Shown:
    """Find the best size at each budget of compute, and how it grows with compute."""
    from scalefit.decisions.isoflop.analysis import isoflop as analyse
    from scalefit.decisions.isoflop.record import IsoFlops
    from scalefit.decisions.isoflop.vertices import Method

    with working("looking for the best sizes"):
        told: Any = analyse(
            read_table(file, "isoflop"), budget=budget, method=cast("Method", method), target=target, by=by or None,
            level=resamples.level, columns=read_names(column, "--column") or None, noise=noise, draws=resamples.draws,
            rng=resamples.seed,
        )  # fmt: skip
    if isinstance(told, IsoFlops):
        return shown(told, budgets=told.frame, exponents=told.exponents)
    return shown(told, budgets=told.frame, refused=told.refused, exponents=exponents(told))


def exponents(told: Any) -> pd.DataFrame:
    """The powers of compute of one answer, one row each."""
    import pandas as pd

    pairs = {"params": told.exponent, "tokens": told.tokens_exponent}
    return pd.DataFrame([{"of": of, "estimate": a.estimate, "low": a.low, "high": a.high} for of, a in pairs.items()])


@command(
    [
        "scalefit find-scale fit.json 2.2 2.0",
        "scalefit find-scale fit.json 2.0 --along tokens --at params=7e9 --json",
    ],
    plot=True,
)
def find_scale(
    file: SavedFit,
    values: Annotated[list[float], typer.Argument(metavar="VALUE", help="What is to be reached, such as 2.0.")],
    *,
    along: Annotated[
        str | None, typer.Option(help="Along what: flops, or an input of the law; else its only one, or flops.")
    ] = None,
    route: Route,
    level: Level = 0.9,
) -> Shown:
    """Say at which scale a loss or an accuracy is reached, or that it never is."""
    from scalefit.decisions.targets.scales import find_scale as find

    told = find(read_fit(file), values, along=along, at=route.held, ratio=route.ratio, cost=route.cost, level=level)
    return shown(told, scales=told.frame)
