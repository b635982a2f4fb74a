"""What the data leave open: parameters that trade off, and the run that would tell them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.extra_runs import best_run, candidate_runs
from scalefit.errors import listing
from scalefit.result import Fit
from scalefit.uncertainty.directions import FREE, Directions, directions_of, gains, indistinguishable
from scalefit.uncertainty.profile_quantities import parameter_quantity
from scalefit.wording.amounts import count_of
from scalefit.wording.digits import number
from scalefit.wording.said import Answer, Said, State

Array = NDArray[np.float64]

#: Directions known this many times worse than the best are told of, at most so many; the weakest always is.
WEAK = 10.0
MOST_DIRECTIONS = 3
#: A condition above which the whole fit is called weak.
POOR = 100.0
#: A parameter is hardly known where its standard error is above this share of it.
HARDLY_KNOWN = 0.5
#: In words a parameter is moved by two of its standard errors, at most by this share of it.
MOST_MOVED = 0.1
#: Parameters that move by less than this share of the one that leads are not named.
NAMED = 0.1
#: A run that takes a smaller share off the standard error tells nothing.
LITTLE = 0.002
#: Any other status is that of a fit not to be believed.
STATES: Mapping[str, State] = {"identified": "good", "weakly identified": "doubtful"}


@dataclass(frozen=True, eq=False, repr=False)
class Identifiability(Answer):
    """Which combinations of parameters the data fix badly, and what would fix them.

    Made by :func:`scalefit.identifiability`; never changed.

    Attributes
    ----------
    law : str, its name.
    n_runs : int, the runs fitted.
    status : {"identified", "weakly identified", "not identified"}, how well the runs tell the parameters apart.
    reason : str, what is wrong with a fit that cannot be believed; else empty.
    condition : float. Of the scaled Jacobian; about 30 for a well designed ladder.
    frame : DataFrame
        One row per badly known direction, the worst first: ``weakness``, how many times worse it is known than the
        best; one column per parameter, its relative change in an example of the trade; ``fitted_change``, the largest
        relative change of a fitted value in that example (NaN where none was found); ``words``; then one column per
        input for the run that would tell most about it, ``flops`` where they are known, and ``gain``, the share of
        the standard error along this direction that this one run takes away.
    designs : DataFrame
        Every run that was considered for the worst direction: inputs, ``flops``, ``gain`` and ``gain_per_flop``.
    """

    law: str
    n_runs: int
    status: str
    reason: str
    condition: float
    frame: pd.DataFrame
    designs: pd.DataFrame

    def said(self) -> Said:
        """What the data fix badly, in words."""
        state = STATES.get(self.status, "bad")
        told = self.status if state == "good" else self.status.upper()
        head = f"{self.law} on {count_of(self.n_runs, 'run')}: {told} (condition {self.condition:.3g})"
        head = f"{head}: {self.reason}" if self.reason else head
        return Said(state, head, (), ("\n".join(self.frame["words"]),))


def identifiability(fit: Fit) -> Identifiability:
    """Say which parameters trade off on these runs, and which one more run would best tell them apart.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    Identifiability
        ``.status``, ``.condition``, ``.frame`` and ``.designs``.

    Notes
    -----
    Directions are the singular vectors of the Jacobian with columns of length one. The trade in words is not linear:
    one parameter is moved by two standard errors (at most 10 %) and the others are fitted again to the fitted values.
    The run to add is looked for on a grid from the smallest inputs to ten times the largest: among those that cost no
    more compute than the largest run, the one that lowers the variance along the direction most, for least squares
    and the same scatter everywhere (the criterion of c-optimal designs; Pukelsheim 1993, chapter 2). What costs less
    and tells nearly as much is preferred. That the law holds out there is taken for granted.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> sf.identifiability(sf.fit(runs[runs.family == "lstm"], "chinchilla")).frame.columns[:2].tolist()
    ['weakness', 'E']
    """
    found = directions_of(fit.problem, fit.coordinates, fit.u, fit.weights)
    candidates = candidate_runs(fit)
    told = [k for k in range(min(MOST_DIRECTIONS, len(found.values))) if k == 0 or found.weakness[k] > WEAK]
    rows, designs = [], candidates
    for k in told:
        row = _direction(fit, found, k)
        if len(candidates):
            inputs = tuple(candidates[name].to_numpy(float) for name in fit.law.inputs)
            gain = gains(fit.problem, fit.coordinates, fit.u, found, k, inputs)
            weighed = candidates.assign(gain=1 - np.sqrt(1 - np.minimum(gain, 1.0)))
            if "flops" in weighed:
                weighed["gain_per_flop"] = weighed["gain"] / weighed["flops"]
            designs = weighed if k == 0 else designs
            run = best_run(fit, weighed)
            row |= {str(key): value for key, value in run.items() if key != "gain_per_flop"}
            row["words"] += _run_words(run, fit)
        rows.append(row)
    frame = pd.DataFrame(rows)
    condition = float(found.weakness[0]) if found.values[0] > FREE * found.values[-1] else np.inf
    status, reason = status_of(fit, condition)
    return Identifiability(fit.law.name, fit.n_runs, status, reason, condition, frame, designs)


def status_of(fit: Fit, condition: float) -> tuple[str, str]:
    """How well a fit is identified, given the condition of its Jacobian, and why not better."""
    if fit.judgement.status != "converged":
        return fit.judgement.status, "; ".join(fit.judgement.reasons)
    unknown = [
        name
        for name, error in zip(fit.law.param_names, _relative_errors(fit), strict=True)
        if error > HARDLY_KNOWN and fit.law.param(name).coordinate != "log"
    ]
    if unknown:
        return "weakly identified", f"the standard error of {listing(unknown)} is above half of the estimate"
    if at_bound := fit.judgement.at_bound:
        return "weakly identified", f"{listing(at_bound)} at a bound"
    return ("weakly identified" if condition > POOR else "identified"), ""


def _relative_errors(fit: Fit) -> Array:
    """Standard errors as shares of the estimates (p,); zero where a parameter is held, or is itself zero."""
    error, size = np.sqrt(np.maximum(np.diag(fit.covariance), 0)), np.abs(fit.theta[0])
    return np.asarray(np.divide(error, size, out=np.zeros_like(error), where=(size > 0) & np.isfinite(error)))


def _direction(fit: Fit, found: Directions, k: int) -> dict[str, Any]:
    """One direction as a row: an example of the trade, and its words."""
    names = fit.law.param_names
    lead = int(fit.coordinates.free[int(np.argmax(np.abs(found.shares[k])))])
    estimate = float(fit.theta[0, lead])
    moved = _moved_by(fit, lead)
    quantity = parameter_quantity(fit.law, names[lead], estimate)
    to = estimate * (1 + moved) if estimate else moved
    example = indistinguishable(fit.problem, fit.coordinates, fit.u, fit.weights, quantity, to, found.steps[k])
    row: dict[str, Any] = {"weakness": float(found.weakness[k])}
    together = [names[fit.coordinates.free[j]] for j in np.flatnonzero(np.abs(found.shares[k]) > 0.25)]
    if example is None:
        row |= dict.fromkeys(names, np.nan)
        row["fitted_change"] = np.nan
        row["words"] = f"{listing(together)} trade off" if len(together) > 1 else f"the data hardly fix {together[0]}"
        return row
    theta, change = example
    with np.errstate(all="ignore"):
        relative = np.where(fit.theta[0] != 0, theta / fit.theta[0] - 1, theta)
    row |= dict(zip(names, relative.tolist(), strict=True))
    row["fitted_change"] = change
    row["words"] = _trade_words(fit, lead, together, relative, change)
    return row


def _moved_by(fit: Fit, lead: int) -> float:
    """By what share the leading parameter is moved in the example."""
    error = float(_relative_errors(fit)[lead])
    return float(min(2 * error, MOST_MOVED)) if error > 0 else MOST_MOVED


def _trade_words(fit: Fit, lead: int, together: list[str], relative: Array, change: float) -> str:
    names = fit.law.param_names
    also = [j for j in range(len(names)) if j != lead and abs(relative[j]) > NAMED * abs(relative[lead])]
    moves = [_move(names[j], float(relative[j]), zero=fit.theta[0, j] == 0) for j in (lead, *also)]
    traded = f"{listing(together)} trade off" if len(together) > 1 else f"the data hardly fix {names[lead]}"
    said = f"{moves[0]} with {listing(moves[1:])}" if also else moves[0]
    return (
        f"{traded}: {said} changes no fitted {fit.target} by more than {percent(change)} "
        f"(the runs scatter by {percent(_scatter(fit))})"
    )


def _move(name: str, relative: float, *, zero: bool) -> str:
    if zero:
        return f"{name} from 0 to {relative:.2g}"
    if relative > 1:
        return f"{name} times {1 + relative:.2g}"
    return f"{name} {'up' if relative > 0 else 'down'} {percent(abs(relative))}"


def percent(share: float) -> str:
    """A share in percent with two digits; what is below a hundredth of a percent counts as that."""
    shown = 100 * share if share >= 1e-4 or share < 1e-9 else 0.01
    return f"{float(f'{shown:.2g}'):g} %"


def _scatter(fit: Fit) -> float:
    """Root mean square of what the law leaves, as a share of the value."""
    fitted = fit.law.value(fit.theta, fit.problem.inputs)[0]
    return float(np.sqrt(np.average((fitted / fit.problem.target - 1) ** 2, weights=fit.weights)))


def _run_words(run: pd.Series[float], fit: Fit) -> str:
    """What the run is that would tell most."""
    if run["gain"] < LITTLE:
        return "; at these estimates no one run would tell more"
    where = listing(f"{fit.columns.get(name, name)} = {number(float(run[name]), digits=2)}" for name in fit.law.inputs)
    cost = ""
    if "flops" in run.index and "flops" not in fit.columns.values():
        cost = f" ({number(float(run['flops']), digits=2)} FLOP)"
    return f"; one run at {where}{cost} would take {percent(float(run['gain']))} off the standard error along it"
