"""Commands that decide: compare, crossover, allocate, isoflop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from scalefit.commands.application import app, reported
from scalefit.commands.options import (
    AsJson,
    At,
    ByFamily,
    Column,
    CostOption,
    Draws,
    Fix,
    Level,
    Paired,
    Picture,
    Ratio,
    Seed,
    Target,
    existing,
    read_list,
    read_names,
    read_numbers,
    read_table,
)
from scalefit.commands.output import answer_json, save_picture
from scalefit.errors import DataError, FitError, listing

if TYPE_CHECKING:
    import pandas as pd

    from scalefit.result import Fit

Table = Annotated[str, typer.Argument(help="A file, folder or glob of runs, of any format that is known.")]


@app.command()
@reported()
def compare(
    file: Table,
    law: Annotated[str, typer.Option(help="A law by name, fitted to each family: see `scalefit laws`.")],
    by: ByFamily = "family",
    along: Annotated[str, typer.Option(help="Along what: flops, or an input of the law.")] = "flops",
    at: At = None,
    ratio: Ratio = None,
    cost: CostOption = None,
    target: Target = None,
    column: Column = None,
    fix: Fix = None,
    paired: Paired = None,
    draws: Draws = 1000,
    seed: Seed = 0,
    level: Level = 0.9,
    plot: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Say which family is ahead where, and how much less it needs for the same loss."""
    from scalefit.decisions.comparison.compare import compare as compare_runs

    told = compare_runs(
        read_table(file, "compare"), by=by, law=law, along=along, at=read_numbers(at, "--at") or None, ratio=ratio,
        cost=cost, target=target, columns=read_names(column, "--column"), fixed=read_numbers(fix, "--fix"),
        paired=paired, draws=draws, level=level, rng=seed,
    )  # fmt: skip
    tables = {"multipliers": told.multipliers, "asymptotes": told.asymptotes, "differences": told.differences}
    typer.echo(answer_json("compare", told, {**tables, "curves": told.frame}) if as_json else str(told))
    if plot is not None:
        save_picture(told.plot().figure, plot)


@app.command()
@reported()
def crossover(
    files: Annotated[
        list[str],
        typer.Argument(help="A table of runs of two families, with --law; or two fits of `scalefit fit --out`."),
    ],
    along: Annotated[str, typer.Option(help="Along what: flops, or an input of the law.")],
    law: Annotated[str | None, typer.Option(help="A law by name, fitted to each family of a table.")] = None,
    by: ByFamily = "family",
    family: Annotated[
        list[str] | None, typer.Option(help="One of the two families, where the table has more; given twice.")
    ] = None,
    at: At = None,
    ratio: Ratio = None,
    cost: CostOption = None,
    target: Target = None,
    column: Column = None,
    fix: Fix = None,
    paired: Paired = None,
    draws: Draws = 1000,
    seed: Seed = 0,
    level: Level = 0.9,
    plot: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Say where one family overtakes another, how sure that is, or that there is no evidence of it."""
    from scalefit.decisions.crossover.find import find_crossover
    from scalefit.decisions.spending import Cost

    columns = read_names(column, "--column")
    if len(files) == 1:
        if law is None:
            raise FitError("crossover of one table takes --law NAME, fitted to each family; or give two saved fits.")
        parts = two_families(files[0], by, family)
        alone = {
            name: fit_table(part, law, along, target, columns, read_numbers(fix, "--fix"))
            for name, part in parts.items()
        }
        fits, names = drawn_together(alone, parts, paired, draws, seed), list(parts)
        costs = [Cost.from_runs(part, columns=columns or None) for part in parts.values()] if cost == "runs" else cost
    else:
        fits, names = two_saved(files, law), [Path(file).stem for file in files]
        if cost == "runs":
            raise FitError("--cost runs reads the cost off a table of runs; saved fits need a formula.")
        if paired is not None:
            raise FitError("--paired and --independent are for a table of runs; saved fits have their draws.")
        costs = cost
    told = find_crossover(
        fits[0], fits[1], along=along, at=read_numbers(at, "--at") or None, ratio=ratio, cost=costs, level=level,
        names=names if len(set(names)) == 2 else None,
    )  # fmt: skip
    tables = {"crossings": told.frame, "claims": told.claims, "shares": told.shares}
    typer.echo(answer_json("crossover", told, tables) if as_json else str(told))
    if plot is not None:
        save_picture(told.plot().figure, plot)


@app.command()
@reported()
def allocate(
    file: Annotated[str, typer.Argument(help="A fit of `scalefit fit --out`; or a table of runs, with --law.")],
    flops: Annotated[str, typer.Option(help="Budgets, such as 1e21 or 1e21,1e23.")],
    law: Annotated[str | None, typer.Option(help="A law by name, fitted to a table of runs.")] = None,
    by: ByFamily = "family",
    family: Annotated[str | None, typer.Option(help="The family to fit, where the table has several.")] = None,
    at: At = None,
    cost: CostOption = None,
    target: Target = None,
    column: Column = None,
    fix: Fix = None,
    draws: Draws = 1000,
    seed: Seed = 0,
    level: Level = 0.9,
    plot: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Say how large to train, and on how many tokens, for compute budgets."""
    from scalefit.decisions.allocation.budget import allocate as allocate_fit
    from scalefit.decisions.spending import Cost
    from scalefit.reports.json import load_fit

    budgets = read_list(flops, "--flops")
    columns, spends = read_names(column, "--column"), cast("Cost | str | None", cost)
    if law is not None:
        runs = one_family(read_table(file, "allocate"), by, family)
        fit = fit_table(runs, law, None, target, columns, read_numbers(fix, "--fix")).bootstrap(draws, rng=seed)
        spends = Cost.from_runs(runs, columns=columns or None) if cost == "runs" else cost
    elif family is not None:
        raise FitError(
            "--family chooses among the families of a table of runs, with --law NAME; a saved fit is of one."
        )
    elif Path(file).suffix != ".json":
        raise FitError(
            f"allocate takes a fit of `scalefit fit --out`, or a table of runs with --law NAME; got {file!r}."
        )
    elif cost == "runs":
        raise FitError("--cost runs reads the cost off a table of runs; a saved fit needs a formula.")
    else:
        fit = load_fit(existing(Path(file)))
    told = allocate_fit(fit, flops=budgets, cost=spends, at=read_numbers(at, "--at") or None, level=level)
    typer.echo(answer_json("allocate", told, {"budgets": told.frame}) if as_json else str(told))
    if plot is not None:
        save_picture(told.plot().figure, plot)


@app.command()
@reported()
def isoflop(
    file: Table,
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
    draws: Draws = 1000,
    seed: Seed = 0,
    level: Level = 0.9,
    plot: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Find the best size at each budget of compute, and how it grows with compute."""
    from scalefit.decisions.isoflop.analysis import isoflop as analyse
    from scalefit.decisions.isoflop.record import IsoFlops
    from scalefit.decisions.isoflop.vertices import Method

    told: Any = analyse(
        read_table(file, "isoflop"), budget=budget, method=cast("Method", method), target=target, level=level,
        by=by or None, columns=read_names(column, "--column") or None, noise=noise, draws=draws, rng=seed,
    )  # fmt: skip
    if as_json:
        if isinstance(told, IsoFlops):
            tables = {"budgets": told.frame, "exponents": told.exponents}
        else:
            tables = {"budgets": told.frame, "refused": told.refused, "exponents": exponents(told)}
        typer.echo(answer_json("isoflop", told, tables))
    else:
        typer.echo(str(told))
    if plot is not None:
        drawn = told.plot()
        save_picture(drawn if isinstance(told, IsoFlops) else drawn.figure, plot)


def exponents(told: Any) -> pd.DataFrame:
    """The powers of compute of one answer, one row each."""
    import pandas as pd

    pairs = {"params": told.exponent, "tokens": told.tokens_exponent}
    return pd.DataFrame([{"of": of, "estimate": a.estimate, "low": a.low, "high": a.high} for of, a in pairs.items()])


def fit_table(
    runs: pd.DataFrame,
    law: str,
    along: str | None,
    target: str | None,
    columns: dict[str, str],
    fixed: dict[str, float],
) -> Fit:
    """A law fitted to a table; a law in one variable takes what the question goes along."""
    from scalefit.estimation import fit
    from scalefit.laws import get_law

    single = get_law(law).inputs == ("x",) and "x" not in columns
    return fit(runs, law, target=target, columns=columns, along=along if single else None, fixed=fixed)


def drawn_together(
    fits: dict[str, Fit], parts: dict[str, pd.DataFrame], paired: bool | None, draws: int, seed: int
) -> list[Fit]:
    """Fits of two families with draws of the same resamples where their runs match, as ``compare`` decides it."""
    import numpy as np

    from scalefit.decisions.comparison.matching import match_families, matched_plan

    matching = match_families(fits, parts, paired)
    if matching.order is None:
        return [fit.bootstrap(draws, rng=seed + k) for k, fit in enumerate(fits.values())]
    plan = matched_plan(fits, matching, draws, np.random.default_rng(seed))
    return [fit.bootstrap(draws, plan=plan) for fit in fits.values()]


def one_family(runs: pd.DataFrame, by: str, chosen: str | None) -> pd.DataFrame:
    """The runs of the only family of a table, or of the chosen one."""
    from scalefit.runs.columns import has_column

    if chosen is None and by == "family" and not has_column(runs, by):
        return runs
    families, known = families_of(runs, by, "allocate", [chosen] if chosen is not None else [])
    if chosen is None and len(known) > 1:
        raise DataError(f"allocate is of one family, and {by!r} has {listing(known)}: say --family {known[0]}.")
    return runs if chosen is None else runs[families == chosen]


def families_of(runs: pd.DataFrame, by: str, needed_by: str, chosen: list[str]) -> tuple[pd.Series[str], list[str]]:
    """The family of each row and all families in order, or an error for one that is chosen and not there."""
    from scalefit.runs.columns import find_column

    column = find_column(runs, by, needed_by=needed_by)
    families = runs[column].astype(str)
    known = list(dict.fromkeys(families[runs[column].notna()]))
    strange = [name for name in chosen if name not in known]
    if strange:
        raise DataError(f"--family {strange[0]}: the families of {by!r} are {listing(known)}.")
    return families, known


def two_families(file: str, by: str, chosen: list[str] | None) -> dict[str, pd.DataFrame]:
    """The runs of two families of a table."""
    runs = read_table(file, "crossover")
    families, known = families_of(runs, by, "crossover", chosen or [])
    names = list(dict.fromkeys(chosen or known))
    if len(names) != 2:
        raise DataError(
            f"crossover is of two families, and {by!r} has {listing(known) or 'none'}: say --family A --family B."
        )
    return {name: runs[families == name] for name in names}


def two_saved(files: list[str], law: str | None) -> list[Fit]:
    """Two fits that were saved."""
    from scalefit.reports.json import load_fit

    if len(files) != 2 or law is not None:
        raise FitError(
            f"crossover takes one table of runs with --law, or two saved fits without; got {len(files)} files"
            f"{' and --law' if law is not None else ''}."
        )
    return [load_fit(existing(Path(file))) for file in files]
