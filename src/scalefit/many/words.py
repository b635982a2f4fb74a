"""What is said of many groups: how many went well, what is wrong with the others, where the numbers lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from scalefit.law import Law
from scalefit.many.groups import keys_of
from scalefit.many.notes import AGAINST, against, kind_of, speaking
from scalefit.wording.amounts import with_ends
from scalefit.wording.digits import significant
from scalefit.wording.said import Said, State

#: Groups whose numbers are shown one by one; of more, where most of them lie.
SHOWN = 12
#: Kinds of reasons that are told, the most frequent first.
REASONS = 6
STATUSES = ("converged", "not identified", "not converged", "failed")


def say_fits(frame: pd.DataFrame, names: pd.DataFrame, law: Law, level: float) -> Said:
    """What is said of many fits."""
    status = Counter(frame["status"])
    counts = ", ".join(f"{status[name]:,} {name}" for name in STATUSES if status[name])
    headline = f"{law.name} on {_groups(names)}: {counts}"
    noted = list(_noted(names, frame["notes"]))
    but = frame["reason"][(frame["status"] == "converged") & (frame["reason"] != "")]
    doubts = [
        *(f"failed: {line}" for line in _reasons(names, frame["reason"][frame["status"] == "failed"])),
        *noted,
        *(
            f"{name}: {line}"
            for name in STATUSES[1:3]
            for line in _reasons(names, frame["reason"][frame.status == name])
        ),
        *(f"converged, but: {line}" for line in _reasons(names, but)),
        *(f"warned: {line}" for line in _reasons(names, frame["warnings"][frame["warnings"] != ""])),
    ]
    well = status["converged"] == len(frame) and not noted and not len(but)
    state: State = "good" if well else "doubtful" if status["converged"] else "bad"
    free = list(law.param_names)
    table = _each(frame, names, free) if len(frame) <= SHOWN else _spread(frame, free)
    drawn = frame["n_draws"][frame["n_draws"] > 0]
    source = (
        f"{100 * level:g} % intervals from a bootstrap of each group" if len(drawn) else
        f"{100 * level:g} % intervals from the covariance of each fit"
    )  # fmt: skip
    spread = "median of the converged groups (middle 90 % of them)" if len(frame) > SHOWN else source
    return Said(state, headline, tuple(doubts), (table,), (spread,) if status["converged"] else ())


def say_answers(
    names: pd.DataFrame, reasons: Mapping[int, str], warned: Mapping[int, str], doubts: Mapping[int, tuple[str, ...]]
) -> Said:
    """What is said of the answers of many groups; ``doubts`` are those that the answers have themselves."""
    well = len(names) - len(reasons)
    state: State = "good" if not reasons and not warned and not doubts else "doubtful" if well else "bad"
    headline = f"{_groups(names)}: {well:,} answered"
    if doubts:
        headline += f" ({len(doubts):,} of them with doubts)"
    if reasons:
        headline += f", {len(reasons):,} failed"
    each = pd.Series(doubts, dtype=object).explode()
    lines = [f"failed: {line}" for line in _reasons(names, pd.Series(reasons, dtype=object))]
    lines += [f"doubtful: {line}" for line in _reasons(names, each)]
    lines += [f"warned: {line}" for line in _reasons(names, pd.Series(warned, dtype=object))]
    return Said(state, headline, tuple(lines))


def _groups(names: pd.DataFrame) -> str:
    return f"{_count(len(names))} by {', '.join(map(str, names.columns))}"


def _count(groups: int) -> str:
    return f"{groups:,} group{'s' if groups != 1 else ''}"


def _called(names: pd.DataFrame, place: int) -> str:
    """A group as it is asked for."""
    return str(keys_of(names.iloc[[place]], single=len(names.columns) == 1)[0])


def _noted(names: pd.DataFrame, notes: pd.Series) -> Iterator[str]:
    """The notes that speak against groups, counted by what they say."""
    each = speaking(notes)
    kinds = each.map(against)
    for what in dict.fromkeys(AGAINST.values()):
        some = each[kinds == what]
        if not len(some):
            continue
        groups = some.index.unique()
        first = _called(names, groups[0])
        who = f"{first}:" if len(groups) == 1 else f"{first} first:"
        yield f"{_count(len(groups))} {what}, {who} {some.iloc[0]}"


def _reasons(names: pd.DataFrame, reasons: pd.Series) -> Iterator[str]:
    """The most frequent kinds of reasons, each with how many groups and the first of them."""
    kinds = reasons.map(kind_of)
    counted = Counter(kinds)
    for kind, _ in counted.most_common(REASONS):
        alike = reasons[kinds == kind]
        first, groups = _called(names, alike.index[0]), alike.index.nunique()
        who = first if groups == 1 else f"{groups:,} groups, {first} first"
        yield f"{who}: {alike.iloc[0] or 'no reason given'}"
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
