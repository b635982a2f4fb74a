"""One row a run, with its final loss by a rule that stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import ColumnError, DataError, listing, not_one_of
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.constants import append_flops, constancy
from scalefit.runs.divergence import silent_ends
from scalefit.runs.histories import (
    Columns,
    Floats,
    Histories,
    Ints,
    Mask,
    check_count,
    measured,
    read_numbers,
    sorted_rows,
)
from scalefit.runs.merging import fill_from_steps
from scalefit.runs.notes import a_few, add_note, how_many, sentence
from scalefit.runs.smoothing import check_halflife
from scalefit.runs.windows import weighted_means, window_means

_RULES = ("last", "mean_last", "ema", "min")
_APPENDED = ("loss_rule", "rows_used", "ended_early")
#: A run ended early if it is shorter than this share of its plan, or of the longest one that is alike.
_WHOLE = 0.95
#: Columns that say how many steps a run was meant to take.
_PLANS = tuple(f"{prefix}{name}" for name in ("max_steps", "total_steps", "num_steps") for prefix in ("", "config."))


def extract_final_losses(
    runs: Any,
    *,
    rule: str = "last",
    k: int | None = None,
    halflife: float | None = None,
    alike: Sequence[str] | None = None,
    target: str = "loss",
    along: str = "step",
    by: str | None = "run",
    columns: Columns = None,
    duplicates: str = "error",
) -> pd.DataFrame:
    """Take one row for each run: its last one, with the final loss by an explicit rule.

    Parameters
    ----------
    runs : table
        One row per checkpoint; whatever :func:`read_runs` takes.
    rule : str
        ``"last"``: the last loss. ``"mean_last"``: the mean of the last ``k``. ``"ema"``: the exponential moving
        average with ``halflife``, as in :func:`smooth_loss`, at the last row. ``"min"``: the lowest loss, which is too
        low: it takes the luckiest of many noisy rows, and more so in longer runs. It is there for comparison with
        tables that were made so.
    k : int, optional
        For ``"mean_last"``: how many rows.
    halflife : float > 0, optional
        For ``"ema"``: in units of ``along``.
    alike : sequence of str, optional
        The columns in which runs agree that were meant to be equally long; ``family`` and ``params`` unless given.
    target : str
        What to take, such as ``"loss"`` or ``"accuracy"``.
    along : str
        What orders the rows of a run: ``"step"``, ``"tokens"`` or ``"flops"`` (6 * params * tokens if absent).
    by : str or None
        The column that says which rows are one run; None if all rows are one curve.
    columns : mapping of known name to column, optional
        Where to read a quantity, such as ``{"loss": "c4_loss"}``.
    duplicates : str
        What to do with several rows of a run at one step: ``"error"``, or ``"last"`` to use the last of them.

    Returns
    -------
    DataFrame
        One row a run, in the order in which runs appear: the last row with a loss, with its index and all its columns
        (a value that is missing there is filled in from rows of the same run and step, or of the whole run, where
        these have one single value). The loss is that of the rule. Appended are ``loss_rule``, ``rows_used``,
        ``ended_early`` and, where it is absent and can be derived, ``flops``. The last of :func:`notes_of` counts.

        A run ended early if its last row, with a loss or not, lies before 0.95 of its own ``max_steps`` (or
        ``total_steps``, ``num_steps``, also as a setting ``config.…``); where it has none, before 0.95 of the longest
        run that is alike. So did a run whose loss is missing or infinite from some step on: it ends at its last loss.

    Raises
    ------
    ColumnError
        If a column is missing, or the table already has one that is appended.
    DataError
        If the rule is unknown or lacks its number, or a run has two rows at one step.

    Examples
    --------
    >>> log = pd.DataFrame({"run": ["a"] * 4, "step": [1, 2, 3, 4], "loss": [4.0, 3.0, 2.2, 2.0]})
    >>> extract_final_losses(log, rule="mean_last", k=2)[["run", "step", "loss", "loss_rule"]].values.tolist()
    [['a', 4, 2.1, 'mean of the last 2 rows']]
    """
    _check_rule(rule, k=k, halflife=halflife)
    who = "extract_final_losses"
    frame, gathered = fill_from_steps(runs, target=target, along=along, by=by, columns=columns)
    whole = sorted_rows(frame, needed_by=who, target=target, along=along, by=by, columns=columns)
    no_reserved_columns(whole.frame, _APPENDED, needed_by=who)
    histories = measured(whole, needed_by=who, duplicates=duplicates)
    losses, rows_used, said = _final(histories, rule, k=k, halflife=halflife)
    there = histories.counts > 0
    final, filled = _last_rows(histories, there)
    silent = np.bincount(whole.run[silent_ends(_without_infinite(whole))], minlength=len(there)) > 0
    lost = silent & there & _ends_without(whole, histories)
    short, own, compared = _too_short(whole, histories, final, lost, alike, columns)
    early = short | own | lost[there]
    final, derived = append_flops(final, columns=columns)
    losses, rows_used = losses[there], rows_used[there]
    final = final.assign(**{histories.target_column: losses}, loss_rule=said, rows_used=rows_used, ended_early=early)
    few = (rows_used < k) if k else np.zeros(len(losses), dtype=np.bool_)
    parts = [
        f"{who}: {histories.target_name} is the {said}, one row for each of {how_many(len(final), 'run')}, "
        f"the other columns are those of its last row with a {histories.target_name}",
        _named(histories.names[~there], f"without any {histories.target_name} left out"),
        _named(histories.names[silent & there], f"whose log goes on without a {histories.target_name}"),
        _named(histories.names[there][few], f"of fewer than {k} rows"),
        _named(histories.names[there][own], f"that stopped before {_WHOLE:g} of their own maximum of steps"),
        _named(histories.names[there][short], f"shorter than {_WHOLE:g} of the longest {compared}"),
        *gathered,
        f"{listing(filled)} filled in from other rows of the run" if filled else "",
        derived,
    ]
    return add_note(final, sentence([*parts, *histories.notes]), after=histories.frame)


def _check_rule(rule: str, *, k: int | None, halflife: float | None) -> None:
    """Refuse an unknown rule, a rule without its number and a number without its rule."""
    if rule not in _RULES:
        raise DataError(f"extract_final_losses: {not_one_of('rule', rule, _RULES)}")
    for name, value, owner in (("k", k, "mean_last"), ("halflife", halflife, "ema")):
        if value is not None and rule != owner:
            raise DataError(f"extract_final_losses: {name}= is for rule={owner!r}; the rule is {rule!r}.")
    if rule == "mean_last":
        if k is None:
            raise DataError("extract_final_losses: rule='mean_last' needs k=, how many rows to average. Such as k=10.")
        check_count("k", k, needed_by="extract_final_losses", least=1)


def _final(histories: Histories, rule: str, *, k: int | None, halflife: float | None) -> tuple[Floats, Ints, str]:
    """The loss of each run by a rule (r,), how many rows it rests on (r,), and the rule in words."""
    values, ends = histories.values, histories.ends
    if rule == "last":
        return values[ends], np.ones(len(ends), dtype=np.intp), "last"
    if rule == "mean_last":
        assert k is not None
        rows = np.clip(histories.counts, 1, k)
        said = f"mean of the last {how_many(k, 'row')}"
        return window_means(values, np.maximum(ends + 1 - rows, 0), ends + 1), rows, said
    if rule == "ema":
        halflife = check_halflife(halflife, histories, needed_by="extract_final_losses")
        average = weighted_means(values, histories.along, histories.first, halflife)
        said = f"exponential moving average with a half-life of {halflife:g} in {histories.along_name}"
        return average[ends], histories.counts, said
    lowest = np.full(len(ends), np.inf)
    np.minimum.at(lowest, histories.run, values)
    return lowest, histories.counts, "lowest"


def _last_rows(histories: Histories, there: Mask) -> tuple[pd.DataFrame, list[str]]:
    """The last used row of each run, and the columns in which a missing value was filled in."""
    frame = histories.frame
    final, filled = frame.iloc[histories.rows[histories.ends[there]]].copy(), []
    for name in frame.columns:
        gaps = final[name].isna().to_numpy()
        if not gaps.any():
            continue
        found = constancy(frame[name], histories.codes, len(there))
        values = frame[name].iloc[found.places[there]].set_axis(final.index)
        usable = gaps & ~found.varies[there] & values.notna().to_numpy()
        if usable.any():
            final[name] = final[name].where(~usable, values)
            filled.append(str(name))
    return final, filled


def _without_infinite(whole: Histories) -> Histories:
    """The same rows, with losses that are no finite number as missing ones."""
    return replace(whole, values=np.where(np.isfinite(whole.values), whole.values, np.nan))


def _ends_without(whole: Histories, histories: Histories) -> Mask:
    """Which runs go on for a while after their last loss: (r,)."""
    last = histories.along[histories.ends]
    after = np.bincount(whole.run[whole.along > last[whole.run]], minlength=len(last))
    # A single row may be no more than the summary that trainers write at the end.
    return (after > 1) | ((after > 0) & (last < _WHOLE * whole.along[whole.ends]))


def _too_short(
    whole: Histories,
    histories: Histories,
    final: pd.DataFrame,
    lost: Mask,
    alike: Sequence[str] | None,
    columns: Columns,
) -> tuple[Mask, Mask, str]:
    """Which runs are shorter than the longest one that is alike, which than their own plan, and what alike means."""
    there = histories.counts > 0
    ends = np.where(lost, histories.along[histories.ends], whole.along[whole.ends])[there]
    planned, steps = _planned(final), _last_steps(whole, histories, lost, columns)[there]
    known = np.isfinite(planned) & (planned > 0) & np.isfinite(steps)
    own = known & (steps < _WHOLE * planned)
    if alike is None:
        names = [name for name in ("family", "params") if has_column(final, name, columns=columns)]
    else:
        names = list(alike)
    if not names:
        return np.zeros(len(ends), dtype=np.bool_), own, "run"
    keys = [find_column(final, name, needed_by="extract_final_losses", columns=columns) for name in names]
    group = final.groupby(keys, dropna=False, observed=True, sort=False).ngroup().to_numpy()
    longest = np.zeros(len(ends))
    np.maximum.at(longest, group, ends)
    return (ends < _WHOLE * longest[group]) & ~known, own, f"run of the same {listing(names)}"


def _planned(final: pd.DataFrame) -> Floats:
    """How many steps each run was meant to take, NaN where nothing says it."""
    planned = np.full(len(final), np.nan)
    for name in _PLANS:
        if name in final.columns:
            said = pd.to_numeric(final[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
            planned = np.where(np.isfinite(planned) & (planned > 0), planned, said)
    return planned


def _last_steps(whole: Histories, histories: Histories, lost: Mask, columns: Columns) -> Floats:
    """The last step of each run, that of its last loss where it lost it: (r,); NaN where steps are unknown."""
    if whole.along_name == "step":
        return np.where(lost, histories.along[histories.ends], whole.along[whole.ends])
    try:
        column = find_column(whole.frame, "step", needed_by="extract_final_losses", columns=columns)
    except ColumnError:
        return np.full(len(lost), np.nan)
    steps = read_numbers(whole.frame, column, name="step", needed_by="extract_final_losses")
    last = np.full(len(lost), -np.inf)
    np.fmax.at(last, whole.codes, steps)
    return np.where(lost, steps[histories.rows[histories.ends]], last)


def _named(names: npt.NDArray[Any], what: str) -> str:
    """Runs with something to be said about them; empty where there are none."""
    return f"{how_many(len(names), 'run')} {what}: {a_few(names)}" if len(names) else ""
