"""What commands share about tables of several families: choosing among them, and fitting each."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from scalefit.commands.options import Columns, Fixed, OneFamily
from scalefit.commands.progress import watched
from scalefit.commands.reading import read_table
from scalefit.errors import ColumnError, DataError, listing

if TYPE_CHECKING:
    import pandas as pd

    from scalefit.result import Fit

#: How a column is called that names families.
FAMILY = "family"
#: What a column that could name families looks like: so many values at most, and so many runs of each at least.
MOST_FAMILIES, FEWEST_OF_A_FAMILY = 12, 3


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


def family_column(by: str, data: Columns) -> str:
    """The column that names families: that of --by, or of --column family=."""
    return data.names.get(FAMILY, by) if by == FAMILY else by


def only_family(runs: pd.DataFrame, which: OneFamily, data: Columns, needed_by: str) -> pd.DataFrame:
    """The runs of the family that is chosen; all runs where none is."""
    if which.family is None:
        return runs
    families, _ = families_of(runs, family_column(which.by, data), needed_by, [which.family])
    return runs[families == which.family]


def one_family(runs: pd.DataFrame, which: OneFamily, data: Columns, needed_by: str) -> pd.DataFrame:
    """The runs of the only family of a table, or of the chosen one."""
    from scalefit.runs.columns import has_column

    by = family_column(which.by, data)
    if which.family is None and (by != FAMILY or has_column(runs, by)):
        _, known = families_of(runs, by, needed_by, [])
        if len(known) > 1:
            raise DataError(f"{needed_by} is of one family, and {by!r} has {listing(known)}: say --family {known[0]}.")
    return only_family(runs, which, data, needed_by)


def families_of(runs: pd.DataFrame, by: str, needed_by: str, chosen: list[str]) -> tuple[pd.Series[str], list[str]]:
    """The family of each row and all families in order, or an error for one that is chosen and not there."""
    from scalefit.runs.columns import find_column

    try:
        column = find_column(runs, by, needed_by=needed_by)
    except ColumnError as error:
        raise ColumnError(f"{error}{_instead(runs)}") from error
    families = runs[column].astype(str)
    known = list(dict.fromkeys(families[runs[column].notna()]))
    strange = [name for name in chosen if name not in known]
    if strange:
        raise DataError(f"--family {strange[0]}: the families of {by!r} are {listing(known)}.")
    return families, known


def _instead(runs: pd.DataFrame) -> str:
    """Which column could name the families: of text, two or a few values, each of several runs."""
    for name in runs.columns:
        counts = runs[name].value_counts()
        is_text = runs[name].dtype.kind not in "biufcmM"
        if is_text and 2 <= len(counts) <= MOST_FAMILIES and counts.min() >= FEWEST_OF_A_FAMILY:
            return f" If {str(name)!r} names the families, say --by {shlex.quote(str(name))}."
    return " Say which names the families: --by COLUMN."


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
