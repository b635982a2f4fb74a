"""Checkpoints that stand in for runs: a column of runs under an unknown name, or rows that a fit takes for final."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from pandas.api import types

from scalefit.checks.finding import Finding, Repair, counted, found, name_column, short
from scalefit.checks.table import AXES, Floats, Ints, RunsTable, factorized
from scalefit.quantities import QUANTITIES

#: Words in the name of a column that names runs.
_RUN_WORDS = re.compile(
    r"(^|_)(runs?|exp|experiments?|trials?|jobs?|names?|ids?|uids?|uuid|models?|config|path|file|folder|directory|log)(_|$)"
)
#: Rows of a run, on average, from which on they are checkpoints and not runs of several lengths: where a column counts
#: steps and another sounds like a name of runs, where it has any other name, where none names them, without steps.
NAMED, WITH_STEPS, UNNAMED, WITHOUT_STEPS = 5, 8, 10, 20
#: So much of the groups of a column must rise for it to name runs.
RISING = 0.95


def find_run_column(table: RunsTable) -> tuple[str | None, str]:
    """The column that probably names the runs where ``run`` does not, and the counter that rises along it.

    Both are looked for only where each row would be taken for a run. ``(None, counter)``: the counter starts anew again
    and again, and no column says where; ``(None, "")``: rows look like runs.
    """
    if table.has_checkpoints or table.names_rows or len(table.frame) < 2 * NAMED:
        return None, ""
    counter = next((name for name in AXES if table.has(name)), "")
    if not counter:
        return None, ""
    place = table.numbers[counter]
    named = [name for name in table.frame.columns if _may_name_runs(table, name)]
    fitting = [name for name in named if _names_runs(table, str(name), place, _fewest(str(name), counter))]
    if fitting:
        best = max(fitting, key=lambda name: (bool(_RUN_WORDS.search(_words(name))), table.frame[name].nunique()))
        return str(best), counter
    starts, fewest = restarts(place), UNNAMED if counter == "step" else WITHOUT_STEPS
    if len(starts) > 1 and len(place) / len(starts) >= fewest and _sizes_stay(table, np.cumsum(_marks(place, starts))):
        return None, counter
    return None, ""


def _fewest(name: str, counter: str) -> int:
    """Rows of a run from which on a column with this name is taken to name runs."""
    if counter != "step":
        return WITHOUT_STEPS
    return NAMED if _RUN_WORDS.search(_words(name)) else WITH_STEPS


def check_checkpoints(table: RunsTable, counter: str) -> Iterator[Finding]:
    """The finding about a column of runs that was guessed or is missing; ``counter`` is what rises along it."""
    if table.guessed and table.run_column is not None:
        name = table.run_column
        repair = name_column("run", table.in_file(name))
        yield found(
            "run_column", "misleading",
            f"Rows look like checkpoints: {counter} rises along {counted(len(table.names), 'name')} of {short(name)} "
            f"and starts anew. A fit takes each of the {len(table.frame):,} rows for a run of its own, and its "
            "intervals come out several times too narrow.",
            Repair(f"Pass {repair.python}.", f"Add {repair.command}."), columns=[name],
        )  # fmt: skip
    elif counter:
        starts = restarts(table.numbers[counter])
        yield found(
            "run_column", "misleading",
            f"Rows look like checkpoints: {counter} starts anew {counted(len(starts) - 1, 'time')}, and no column says "
            "of which run. A fit takes each row for a run, and its intervals come out several times too narrow.",
            Repair(f"If the rows are in order: runs['run'] = (runs[{table.spelt(counter)!r}].diff() < 0).cumsum().",
                   "Add a column run to the file that says which rows are one run."),
            rows=starts, columns=["run"],
        )  # fmt: skip


def restarts(place: Floats) -> Ints:
    """The rows at which a counter starts anew, the first row among them."""
    back = np.diff(place) < 0
    return np.append(0, np.flatnonzero(back) + 1)


def _marks(place: Floats, starts: Ints) -> Ints:
    marks = np.zeros(len(place), dtype=np.intp)
    marks[starts[1:]] = 1
    return marks


def _may_name_runs(table: RunsTable, name: object) -> bool:
    """Whether a column could hold names: text, or whole numbers under the name of something that has names."""
    if not isinstance(name, str) or name in QUANTITIES:
        return False
    dtype = table.frame[name].dtype
    if isinstance(dtype, pd.CategoricalDtype) or types.is_object_dtype(dtype) or types.is_string_dtype(dtype):
        return True
    return types.is_integer_dtype(dtype) and bool(_RUN_WORDS.search(_words(name)))


def _words(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _names_runs(table: RunsTable, name: str, place: Floats, fewest: int) -> bool:
    """Whether a counter rises from row to row along each value of a column, and starts anew with the next."""
    try:
        codes, names = pd.factorize(table.frame[name])
    except TypeError:
        return False
    if (codes < 0).any() or len(names) < 2 or len(codes) / len(names) < fewest:
        return False
    order = np.argsort(codes, kind="stable")
    inside = np.diff(codes[order]) == 0
    rising = np.diff(place[order]) > 0
    # The counter of each run begins below the end of the one before: the runs are not parts of one.
    ends, begins = place[order][:-1][~inside], place[order][1:][~inside]
    return bool(rising[inside].mean() >= RISING and (begins < ends).mean() >= RISING / 2 and _sizes_stay(table, codes))


def _sizes_stay(table: RunsTable, codes: Ints) -> bool:
    """Whether the size of the model does not change within groups of rows."""
    for name in ("params", "family", "seed"):
        if table.has(name):
            values = pd.Series(factorized(table.frame[name])[0] if name != "params" else table.numbers["params"])
            if (values.groupby(codes).nunique() > 1).mean() > 1 - RISING:
                return False
    return True
