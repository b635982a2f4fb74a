"""What a report of a fit says, in words and cells, before it becomes text or HTML."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import LawError
from scalefit.reports.priors import prior_text
from scalefit.result import Fit
from scalefit.uncertainty.draws import MOST_FAILED
from scalefit.uncertainty.repeats import along_runs
from scalefit.uncertainty.reservations import reservations_of
from scalefit.wording.digits import between, number, plus_minus, si
from scalefit.wording.said import State, state_of

#: With fewer rows to spare the scatter is hardly known: a simulation found 64 % where 90 % is said, with 2 to spare.
FEWEST_SPARE = 6
LEVEL = 0.9
#: Another minimum is told of where its objective is less than this share higher.
NEAR = 1.0


@dataclass(frozen=True)
class Content:
    """The parts of a report of a fit.

    Parameters
    ----------
    state : "good", "doubtful" (converged, with reservations) or "bad" (the estimates should not be believed).
    head : the status in one line.
    equation : with its numbers.
    header, rows : the table of parameters.
    facts : how well the law fits and what it was fitted to.
    cautions : what to know before the numbers are used.
    """

    state: State
    head: str
    equation: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    facts: tuple[str, ...]
    cautions: tuple[str, ...]


def content_of(fit: Fit, equation: str) -> Content:
    """Everything that a report of a fit says; ``equation`` has its numbers in."""
    table, believed = fit.summary(LEVEL), fit.converged
    against = (*fit.judgement.reasons, *reservations(fit), *_against(fit, table)) if believed else ()
    header = ("parameter", "estimate", *((f"{100 * LEVEL:.0f} % interval",) if believed else ()), "unit", "")
    marks = {name: _mark(fit, name) for name in fit.law.param_names}
    rows = [_row(str(name), line, marks[str(name)], believed=believed) for name, line in table.iterrows()]
    return Content(
        state=state_of(against, believed=believed),
        head=_head(fit),
        equation=equation,
        header=header,
        rows=tuple(rows),
        facts=_facts(fit),
        cautions=_cautions(fit, table, believed=believed),
    )


def _head(fit: Fit) -> str:
    """Law, data and status; a status that is not a success stands out without colours."""
    what = f"{fit.law.name} on {_count(fit.n_runs, 'run')}"
    if fit.n_rows != fit.n_runs:
        what += f" ({_count(fit.n_rows, 'row')})"
    if fit.converged:
        return f"{what}: {fit.verdict}"
    return f"{what}: {fit.judgement.status.upper()} — {'; '.join(fit.judgement.reasons)}"


def _row(name: str, line: pd.Series, mark: str, *, believed: bool) -> tuple[str, ...]:
    estimate, se = float(line["estimate"]), float(line["se"])
    if not believed:
        return name, number(estimate), str(line["unit"]), mark
    if se == 0:
        return name, number(estimate), "", str(line["unit"]), mark
    interval = between(float(line["low"]), float(line["high"]), se)
    return name, plus_minus(estimate, se), interval, str(line["unit"]), mark


def _mark(fit: Fit, name: str) -> str:
    """What besides the data decided a parameter."""
    marks = []
    if name in fit.constraints.fixed:
        marks.append("fixed")
    if name in fit.constraints.tie:
        marks.append(f"tied: {fit.constraints.tie[name]}")
    if name in fit.constraints.prior:
        marks.append(f"prior {prior_text(fit.constraints.prior[name])}")
    if name in fit.judgement.at_bound:
        side = "lower" if fit.estimates[name] <= fit.law.param(name).lower else "upper"
        marks.append(f"at its {side} bound")
    return ", ".join(marks)


def _facts(fit: Fit) -> tuple[str, ...]:
    facts = [
        _error(fit),
        *_dependence(fit),
        _range(fit),
        f"objective {fit.objective:.7g} of {fit.problem.objective!r}, summed over rows",
    ]
    if fit.judgement.second is not None and fit.judgement.second < NEAR:
        facts.append(f"the next minimum found lies {number(100 * fit.judgement.second, digits=2)} % higher")
    return tuple(facts)


def _error(fit: Fit) -> str:
    match fit.problem.objective.on:
        case "log":
            return f"rms error {number(100 * fit.rms, digits=2)} % of {fit.target} (on the log scale)"
        case "logit":
            return f"rms error {number(fit.rms, digits=2)} on the logit scale of {fit.target}"
    return f"rms error {number(fit.rms, digits=2)} in the unit of {fit.target}"


def _dependence(fit: Fit) -> list[str]:
    """How alike neighbouring rows of one run err."""
    along = along_runs(fit)
    if along is None:
        return []
    return [
        f"rows along a run correlate by {along.correlation:.2f} from one to the next, so {fit.n_rows} rows count as "
        f"about {number(along.effective_rows, digits=2)}"
    ]


def _range(fit: Fit) -> str:
    """The range of each input, led by the largest run where its compute is known."""
    inputs = dict(zip(fit.law.inputs, fit.problem.inputs, strict=True))
    parts = []
    if {"params", "tokens"} <= set(inputs):
        parts.append(f"largest run {si(float(np.max(6 * inputs['params'] * inputs['tokens'])))} FLOP")
    for name, x in inputs.items():
        if x.ndim > 1:  # a history has no range
            continue
        low, high = si(float(x.min())), si(float(x.max()))
        parts.append(f"{name} {low} to {high}" if low != high else f"{name} {low}")
    return f"fitted range: {', '.join(parts)}"


def _cautions(fit: Fit, table: pd.DataFrame, *, believed: bool) -> tuple[str, ...]:
    cautions = [f"note: {note}" for note in fit.notes]
    if fit.n_failed:
        cautions.append(f"{fit.n_failed} of {_tried(fit)} resamples reached no minimum and were left out")
    if not believed:
        cautions.append(
            f"no intervals are shown: the fit is {fit.judgement.status}, and those of fit.summary() mean nothing"
        )
        return tuple(cautions)
    cautions += weak_intervals(fit, table["se"].to_numpy(float))
    if not table["se"].isna().any():
        cautions.append(f"intervals: {fit.interval_source}")
        cautions.append("intervals are of this law only; beyond the data check sf.backtest")
    return tuple(cautions)


def _against(fit: Fit, table: pd.DataFrame) -> list[str]:
    """What besides the verdict and the rows speaks against intervals: too many resamples lost, too few rows."""
    lost = fit.n_failed > MOST_FAILED * _tried(fit)
    return ["many resamples reached no minimum"] * lost + weak_intervals(fit, table["se"].to_numpy(float))


def weak_intervals(fit: Fit, errors: NDArray[np.float64]) -> list[str]:
    """Why intervals are unknown or too narrow, from the standard errors (p,), NaN where they are not known."""
    if np.isnan(errors).any():
        return [f"intervals are unknown: {_too_few(fit)}; add runs, or fix or tie some"]
    few, spare = _few_effective(fit), int((fit.weights > 0).sum()) - fit.coordinates.q
    out = [f"intervals mean little: {few}"] if few else []
    if spare < FEWEST_SPARE and not fit.constraints.prior:
        out.append(f"only {spare} more row{'s' * (spare != 1)} than free parameters: intervals are too narrow")
    return out


def _tried(fit: Fit) -> int:
    """Resamples that were fitted, those that failed among them."""
    return fit.n_failed + (0 if fit.draws is None else len(fit.draws))


def reservations(fit: Fit) -> tuple[str, ...]:
    """Those of the notes of a fit that speak against relying on it."""
    if not fit.notes:
        return ()
    try:
        against = reservations_of(fit.problem, fit.theta, fit.data)
    except LawError:  # a loaded fit whose law was not given cannot be asked again
        return ()
    return tuple(note for note in fit.notes if note in against)


def _too_few(fit: Fit) -> str:
    """Why parameters have no standard error: too few rows, or rows that count as fewer than there are."""
    rows, free = int((fit.weights > 0).sum()), fit.coordinates.q
    if rows <= free:
        return "there are as many free parameters as rows"
    return _few_effective(fit) or f"the rows do not tell the {free} free parameters apart"


def _few_effective(fit: Fit) -> str:
    """A sentence where rows hang together so closely that they count as no more than there are free parameters."""
    along, free = along_runs(fit), fit.coordinates.q
    if along is None or along.effective_rows > free or fit.constraints.prior:
        return ""
    few = number(along.effective_rows, digits=2)
    return f"the {fit.n_rows} rows count as about {few} effective ones, and there are {free} free parameters"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
