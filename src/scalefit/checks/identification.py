"""Which laws the runs can identify, each fitted to one row a run, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scalefit.checks.feeding import CHOSEN, VARIABLES, fed_laws, missing_of, needs_of
from scalefit.checks.finding import a_few, counted
from scalefit.checks.table import Ints, RunsTable
from scalefit.decisions.suggestions import suggest_laws
from scalefit.law import Law
from scalefit.laws import catalogue
from scalefit.runs.checking import must_be_positive

#: Rows that the laws are fitted to, at most; and families, the largest first.
MOST_ROWS, MOST_FAMILIES = 500, 4
#: With fewer runs their checkpoints are taken.
FEWEST_RUNS = 5
#: Runs and rows of each that a law of training curves is fitted to.
CURVES, POINTS = 6, 60


@dataclass(frozen=True)
class LawGroup:
    """Laws that share one reason.

    Attributes
    ----------
    why : str
    laws : tuple of str
    """

    why: str
    laws: tuple[str, ...]


@dataclass(frozen=True)
class LawsSummary:
    """Which laws the runs can identify.

    Attributes
    ----------
    judged_on : str
        What the laws were fitted to; empty where none was.
    identified : mapping of family to tuple of str
        The family is empty where there is one.
    others : tuple of LawGroup
        Why the others cannot be, one group for each reason.
    """

    judged_on: str = ""
    identified: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    others: tuple[LawGroup, ...] = ()


def identify_laws(table: RunsTable) -> LawsSummary:
    """Fit every law of a measurement whose columns are there, for each family."""
    there = [str(name) for name in table.frame.columns]
    rows, judged_on = _judged_rows(table)
    variable = _one_variable(table, rows)
    groups = _unfed(there, variable=variable, varying=_varying(table, rows))
    left = {name for group in groups for name in group.laws}
    laws = [law for law in catalogue().values() if law.name not in left]
    if not laws or not len(rows):
        return LawsSummary(others=tuple(groups))
    identified: dict[str, tuple[str, ...]] = {}
    reasons: dict[str, dict[str, list[str]]] = {}
    for family, part in _by_family(table, rows):
        told = pd.concat([_judge(table, some, these, variable) for these, some in _matching(table, laws, part)])
        identified[family] = tuple(told.index[told["identified"]])
        for name, why in told.loc[~told["identified"], "why"].items():
            reasons.setdefault(in_general(str(why), str(name)), {}).setdefault(str(name), []).append(family)
    groups = [*(_with_families(why, names, len(identified)) for why, names in reasons.items()), *groups]
    skipped = len(table.families[1]) - len(identified)
    more = f"; the {MOST_FAMILIES} largest of {len(table.families[1])} families" if skipped > 0 else ""
    return LawsSummary(judged_on + more, identified, tuple(groups))


def _judged_rows(table: RunsTable) -> tuple[Ints, str]:
    """The rows that laws of final losses are fitted to, and what they are in words."""
    if len(table.names) >= FEWEST_RUNS or not table.has_checkpoints:
        rows = np.sort(table.last)
        whole = len(rows) == len(table.frame)
        said = f"all {counted(len(rows), 'row')}" if whole else f"the last row of each of {counted(len(rows), 'run')}"
    else:
        rows, said = np.arange(len(table.frame)), f"the checkpoints of {counted(len(table.names), 'run')}"
    good = rows[_usable(table, rows)]
    if len(good) < len(rows):
        said += f", {len(rows) - len(good):,} of them left out"
    if len(good) > MOST_ROWS:
        good = good[np.unique(np.linspace(0, len(good) - 1, MOST_ROWS).round().astype(int))]
        said += f" (thinned to {MOST_ROWS:,})"
    return good, said


def _usable(table: RunsTable, rows: Ints) -> np.ndarray:
    """Which rows have a number that a fit takes in each column that is used for most laws."""
    names = [name for name in ("params", "tokens", table.target) if name is not None and name in table.numbers]
    good = np.ones(len(rows), dtype=np.bool_)
    for name in names:
        values = table.numbers[name][rows]
        if np.isfinite(values).any():
            good &= np.isfinite(values) & ((values > 0) | (not must_be_positive(name, True)))
    return good


def _varying(table: RunsTable, rows: Ints) -> list[str]:
    """The inputs of laws with all their columns here that have more than one value in these rows."""
    inputs = {name for law in fed_laws(str(name) for name in table.frame.columns) for name in law.inputs}
    there = [name for name in table.numbers if name in inputs or name in VARIABLES]
    return [name for name in there if len(np.unique(table.numbers[name][rows])) > 1]


def _one_variable(table: RunsTable, rows: Ints) -> str | None:
    """What the one variable of a law stands for: the only input that varies; None where several do."""
    if table.has("x"):
        return "x"
    varying = set(_varying(table, rows)) - {"flops"}
    if "params" not in varying:
        varying -= {"step"} if "tokens" in varying else set()  # both count the same training
    name = next(iter(varying), "flops")
    return name if len(varying) <= 1 and name in VARIABLES and table.has(name) else None


def _unfed(there: Iterable[str], *, variable: str | None, varying: Iterable[str]) -> list[LawGroup]:
    """The laws that are not fitted, by reason."""
    columns, both = list(there), {"params", "tokens"} <= set(varying)
    groups: dict[str, list[str]] = {}
    lacking: dict[str, tuple[str, ...]] = {}
    for law in catalogue().values():
        missing = missing_of(law, columns)
        if missing:
            lacking[law.name] = missing
        elif law.output in CHOSEN:
            groups.setdefault("describe optima or tuned settings: give them a table of those", []).append(law.name)
        elif law.inputs == ("x",) and variable is None:
            why = "have one variable: say which column it is, along='flops'"
            groups.setdefault(why, []).append(law.name)
        elif both and law.inputs in (("params",), ("tokens",)):
            groups.setdefault("see one of params and tokens, and both vary here", []).append(law.name)
    told = [LawGroup(why, tuple(names)) for why, names in groups.items()]
    if lacking:
        counts = pd.Series([name for missing in lacking.values() for name in missing]).value_counts(sort=False)
        # By count, equal counts as they come: versions of pandas order those differently.
        counts = counts.sort_values(ascending=False, kind="stable")
        names = a_few(counts.index.tolist(), shown=4)
        told.append(LawGroup(f"need columns that are not there ({names})", tuple(lacking)))
    return told


def _by_family(table: RunsTable, rows: Ints) -> list[tuple[str, Ints]]:
    """The rows of each family, of the largest few."""
    codes, names = table.families
    counts = np.bincount(codes[table.codes[rows]], minlength=len(names))
    largest = sorted(np.argsort(-counts, kind="stable")[:MOST_FAMILIES])
    return [(names[code], rows[codes[table.codes[rows]] == code]) for code in largest if counts[code]]


def _matching(table: RunsTable, laws: list[Law], rows: Ints) -> list[tuple[list[Law], Ints]]:
    """Laws of final losses with their rows, and laws of training curves with curves."""
    curves = [law for law in laws if law.derive is not None]
    plain = [law for law in laws if law.derive is None]
    found: list[tuple[list[Law], Ints]] = [(plain, rows)] if plain else []
    if curves:
        some = _curves(table, rows)
        found += [(curves, some)] if len(some) else []
    return found


def _curves(table: RunsTable, rows: Ints) -> Ints:
    """Checkpoints of a few of the runs, thinned."""
    runs = np.unique(table.codes[rows])
    runs = runs[np.unique(np.linspace(0, len(runs) - 1, min(len(runs), CURVES)).round().astype(int))]
    kept = []
    good = np.isfinite(table.numbers["loss"]) & np.isfinite(table.numbers["lr"]) & (table.numbers["loss"] > 0)
    for run in runs:
        mine = table.order[(table.codes[table.order] == run) & good[table.order]]
        kept.append(mine[np.unique(np.linspace(0, len(mine) - 1, min(len(mine), POINTS)).round().astype(int))])
    return np.concatenate(kept) if kept else np.zeros(0, dtype=np.intp)


def _judge(table: RunsTable, rows: Ints, laws: list[Law], variable: str | None) -> pd.DataFrame:
    frame = table.frame.iloc[rows]
    needed = {name for law in laws for name in needs_of(law)} | set(VARIABLES) | {"x", "run", "seed"}
    plain = frame[[name for name in frame.columns if name in needed]].reset_index(drop=True)
    for name in plain.columns:
        if name in table.numbers:
            plain[name] = table.numbers[name][rows]
    if not table.has("flops") and "flops" in table.numbers:
        plain["flops"] = table.numbers["flops"][rows]
    if table.run_column is not None:
        plain["run"] = table.codes[rows].astype(str)
    return suggest_laws(plain, laws, along=variable)


def in_general(why: str, law: str) -> str:
    """A reason in which no law and no parameter is named, so that laws can share it."""
    if "one ray" in why or "every row has" in why:
        return next(part for part in why.split("; ") if "one ray" in part or "every row has" in part)
    if why.startswith("not identified"):
        return "the runs leave some of their parameters free: spread them wider, or fix some"
    if why.startswith("not converged"):
        return "no start reached a minimum: bound or fix some of their parameters"
    if "free parameters" in why and "the table has" in why:
        return "they have more parameters than there are rows"
    return why.replace(f"{law}: ", "").strip().rstrip(".")


def _with_families(why: str, names: dict[str, list[str]], families: int) -> LawGroup:
    """A group of laws, each with the families it is about unless it is all of them."""
    laws = tuple(
        name if families == 1 or len(which) == families else f"{name} ({', '.join(which)})"
        for name, which in names.items()
    )
    return LawGroup(why, laws)
