"""What is said of many groups: how many went well, what is wrong with the others, where the numbers lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from scalefit.law import Law
from scalefit.many.groups import keys_of
from scalefit.wording.amounts import with_ends
from scalefit.wording.digits import significant
from scalefit.wording.said import Said, State

#: Groups whose numbers are shown one by one; of more, where most of them lie.
SHOWN = 12
#: Reasons that are told, the most frequent first.
REASONS = 3
STATUSES = ("converged", "not identified", "not converged", "failed")


def say_fits(frame: pd.DataFrame, names: pd.DataFrame, law: Law, level: float) -> Said:
    """What is said of many fits."""
    status = Counter(frame["status"])
    counts = ", ".join(f"{status[name]:,} {name}" for name in STATUSES if status[name])
    state: State = "good" if status["converged"] == len(frame) else "doubtful" if status["converged"] else "bad"
    headline = f"{law.name} on {_groups(names)}: {counts}"
    doubts = []
    for name in STATUSES[1:]:
        doubts += [f"{name}: {line}" for line in _reasons(names, frame["reason"][frame["status"] == name])]
    doubts += [f"warned: {line}" for line in _reasons(names, frame["warnings"][frame["warnings"] != ""])]
    free = list(law.param_names)
    table = _each(frame, names, free) if len(frame) <= SHOWN else _spread(frame, free)
    drawn = frame["n_draws"][frame["n_draws"] > 0]
    source = (
        f"{100 * level:g} % intervals from a bootstrap of each group" if len(drawn) else
        f"{100 * level:g} % intervals from the covariance of each fit"
    )  # fmt: skip
    spread = "median of the converged groups (middle 90 % of them)" if len(frame) > SHOWN else source
    return Said(state, headline, tuple(doubts), (table,), (spread,) if status["converged"] else ())


def say_answers(names: pd.DataFrame, reasons: Mapping[int, str], warned: Mapping[int, str]) -> Said:
    """What is said of the answers of many groups."""
    well = len(names) - len(reasons)
    state: State = "good" if not reasons and not warned else "doubtful" if well else "bad"
    headline = f"{_groups(names)}: {well:,} answered" + (f", {len(reasons):,} failed" if reasons else "")
    doubts = [f"failed: {line}" for line in _reasons(names, pd.Series(reasons, dtype=object))]
    doubts += [f"warned: {line}" for line in _reasons(names, pd.Series(warned, dtype=object))]
    return Said(state, headline, tuple(doubts))


def _groups(names: pd.DataFrame) -> str:
    return f"{len(names):,} group{'s' if len(names) != 1 else ''} by {', '.join(map(str, names.columns))}"


def _reasons(names: pd.DataFrame, reasons: pd.Series) -> Iterable[str]:
    """The most frequent reasons, each with how many groups and the first of them."""
    counted = Counter(reasons)
    for reason, count in counted.most_common(REASONS):
        first = reasons.index[[text == reason for text in reasons]][0]
        keys = keys_of(names.iloc[[first]], single=len(names.columns) == 1)
        who = f"{keys[0]}" if count == 1 else f"{count:,} groups, {keys[0]} among them"
        yield f"{who}: {reason or 'no reason given'}"
    if left := sum(count for _, count in counted.most_common()[REASONS:]):
        yield f"{left:,} more for other reasons; .frame tells all"


def _each(frame: pd.DataFrame, names: pd.DataFrame, params: list[str]) -> pd.DataFrame:
    """One row a group: its status and its parameters with their intervals."""
    cells = {"status": list(frame["status"]), "runs": [f"{count:,}" for count in frame["n_runs"]]}
    for name in params:
        columns = (frame[name], frame[f"{name}_low"], frame[f"{name}_high"])
        cells[name] = [with_ends(*map(float, row)) for row in zip(*columns, strict=True)]
    index = pd.Index(["/".join(map(str, row)) for row in names.itertuples(index=False)], name="/".join(names.columns))
    return pd.DataFrame(cells, index=index)


def _spread(frame: pd.DataFrame, params: list[str]) -> pd.DataFrame:
    """One row a parameter: the median of the groups that converged, and where nine tenths of them lie."""
    good = frame[frame["status"] == "converged"]
    if not len(good):
        return pd.DataFrame()
    low, middle, high = (good[params].quantile(share).to_numpy(float) for share in (0.05, 0.5, 0.95))
    errors = good[[f"{name}_se" for name in params]].median().to_numpy(float)
    told = [with_ends(*map(float, row)) for row in zip(middle, low, high, strict=True)]
    within = ["—" if np.isnan(error) else significant(float(error), digits=2) for error in errors]
    return pd.DataFrame({"median": told, "typical se": within}, index=pd.Index(params, name=""))
