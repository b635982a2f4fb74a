"""What commands share about tables of several families: choosing among them, and fitting each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalefit.commands.options import Fixed, OneFamily
from scalefit.commands.progress import watched
from scalefit.commands.reading import read_table
from scalefit.errors import DataError, listing

if TYPE_CHECKING:
    import pandas as pd

    from scalefit.result import Fit


def fit_table(runs: pd.DataFrame, law: str, along: str | None, data: Fixed) -> Fit:
    """A law fitted to a table."""
    from scalefit.estimation import fit

    return fit(runs, law, target=data.target, columns=data.names, along=along, fixed=data.values)


def input_along(law: str, along: str | None, data: Fixed) -> str | None:
    """What a law in one variable takes as its input: what the question goes along, where no option says it."""
    from scalefit.laws import get_law

    return along if get_law(law).inputs == ("x",) and "x" not in data.names else None


def drawn_together(
    fits: dict[str, Fit], parts: dict[str, pd.DataFrame], paired: bool | None, draws: int, seed: int
) -> list[Fit]:
    """Fits of two families with draws of the same resamples where their runs match, as ``compare`` decides it."""
    import numpy as np

    from scalefit.decisions.comparison.matching import match_families, matched_plan

    matching = match_families(fits, parts, paired)
    if matching.order is None:
        return [fit.bootstrap(draws, rng=seed + k, progress=watched()) for k, fit in enumerate(fits.values())]
    plan = matched_plan(fits, matching, draws, np.random.default_rng(seed))
    return [fit.bootstrap(draws, plan=plan, progress=watched()) for fit in fits.values()]


def only_family(runs: pd.DataFrame, which: OneFamily, needed_by: str) -> pd.DataFrame:
    """The runs of the family that is chosen; all runs where none is."""
    if which.family is None:
        return runs
    families, _ = families_of(runs, which.by, needed_by, [which.family])
    return runs[families == which.family]


def one_family(runs: pd.DataFrame, which: OneFamily, needed_by: str) -> pd.DataFrame:
    """The runs of the only family of a table, or of the chosen one."""
    from scalefit.runs.columns import has_column

    if which.family is None and (which.by != "family" or has_column(runs, which.by)):
        _, known = families_of(runs, which.by, needed_by, [])
        if len(known) > 1:
            raise DataError(
                f"{needed_by} is of one family, and {which.by!r} has {listing(known)}: say --family {known[0]}."
            )
    return only_family(runs, which, needed_by)


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
