"""Commands about families: compare, crossover."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalefit.commands.application import command
from scalefit.commands.families import (
    drawn_together,
    families_of,
    family_column,
    fit_table,
    input_along,
    two_families,
)
from scalefit.commands.options import Along, By, Fixed, LawName, Pairing, Resamples, Route, Table, TableLaw
from scalefit.commands.output import Shown, shown
from scalefit.commands.progress import working
from scalefit.commands.reading import read_fit, read_table
from scalefit.errors import FitError

if TYPE_CHECKING:
    from scalefit.decisions.crossover.record import Crossover


@command(
    [
        "scalefit compare runs.csv --law chinchilla --by family",
        "scalefit compare runs.csv --law chinchilla --along tokens --at params=1e9 --plot families.png",
        "scalefit compare runs.csv --law chinchilla --cost runs --json",
    ],
    plot=True,
)
def compare(
    file: Table,
    *,
    law: LawName,
    by: By = "family",
    along: Along = "flops",
    route: Route,
    data: Fixed,
    pairing: Pairing,
    resamples: Resamples,
) -> Shown:
    """Say which family is ahead where, and how much less it needs for the same loss."""
    from scalefit.decisions.comparison.compare import compare as compare_runs

    runs, column = read_table(file, "compare"), family_column(by, data)
    families_of(runs, column, "compare", [])
    with working("comparing families"):
        told = compare_runs(
            runs, by=column, law=law, along=along, at=route.held, ratio=route.ratio, cost=route.cost,
            target=data.target, columns=data.names, fixed=data.values, paired=pairing.paired, draws=resamples.draws,
            level=resamples.level, rng=resamples.seed,
        )  # fmt: skip
    return shown(
        told,
        multipliers=told.multipliers,
        asymptotes=told.asymptotes,
        differences=told.differences,
        curves=told.frame,
    )


@command(
    [
        "scalefit crossover runs.csv --law chinchilla --along flops",
        "scalefit crossover runs.csv --law chinchilla --along tokens --ratio 20 --family gpt --family mamba",
        "scalefit crossover a.json b.json --along flops --plot crossover.png",
    ],
    plot=True,
)
def crossover(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="A table of runs of two families, with --law; or two fits of `scalefit fit --out`."
        ),
    ],
    *,
    along: Along,
    law: TableLaw = None,
    by: By = "family",
    family: Annotated[
        list[str] | None, typer.Option(help="One of the two families, where the table has more; given twice.")
    ] = None,
    route: Route,
    data: Fixed,
    pairing: Pairing,
    resamples: Resamples,
) -> Shown:
    """Say where one family overtakes another, how sure that is, or that there is no evidence of it."""
    if len(files) == 1:
        told = of_table(files[0], law, along, route, data, pairing, resamples, by, family)
    else:
        told = of_saved(files, law, along, route, pairing, resamples)
    return shown(told, crossings=told.frame, claims=told.claims, shares=told.shares)


def of_table(
    file: str,
    law: str | None,
    along: str,
    route: Route,
    data: Fixed,
    pairing: Pairing,
    resamples: Resamples,
    by: str,
    family: list[str] | None,
) -> Crossover:
    """The crossover of two families of a table, each fitted."""
    from scalefit.decisions.crossover.find import find_crossover
    from scalefit.decisions.spending import Cost

    if law is None:
        raise FitError("crossover of one table takes --law NAME, fitted to each family; or give two saved fits.")
    parts = two_families(file, family_column(by, data), family)
    alone = {name: fit_table(part, law, input_along(law, along, data), data) for name, part in parts.items()}
    fits = drawn_together(alone, parts, pairing.paired, resamples.draws, resamples.seed)
    cost: str | list[Cost] | None = route.cost
    if cost == "runs":
        cost = [Cost.from_runs(part, columns=data.names or None) for part in parts.values()]
    return find_crossover(
        *fits, along=along, at=route.held, ratio=route.ratio, cost=cost, level=resamples.level,
        names=list(parts),
    )  # fmt: skip


def of_saved(
    files: list[str], law: str | None, along: str, route: Route, pairing: Pairing, resamples: Resamples
) -> Crossover:
    """The crossover of two fits that were saved."""
    from scalefit.decisions.crossover.find import find_crossover

    if len(files) != 2 or law is not None:
        raise FitError(
            f"crossover takes one table of runs with --law, or two saved fits without; got {len(files)} files"
            f"{' and --law' if law is not None else ''}."
        )
    if route.cost == "runs":
        raise FitError("--cost runs reads the cost off a table of runs; saved fits need a formula.")
    if pairing.paired is not None:
        raise FitError("--paired and --independent are for a table of runs; saved fits have their draws.")
    names = [Path(file).stem for file in files]
    return find_crossover(
        *map(read_fit, files), along=along, at=route.held, ratio=route.ratio, cost=route.cost, level=resamples.level,
        names=names if len(set(names)) == 2 else None,
    )  # fmt: skip
