"""Profile likelihood: how the fit worsens as one quantity is moved and all else follows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.errors import FitError, FitWarning, listing, not_one_of
from scalefit.result import Fit
from scalefit.uncertainty.intervals import check_level
from scalefit.uncertainty.profile_curves import BETTER, Curve, trace_profiles
from scalefit.uncertainty.profile_quantities import Quantity, derived_quantity, law_quantity, parameter_quantity
from scalefit.uncertainty.profile_scales import degrees_of_freedom, threshold
from scalefit.wording.digits import between, number
from scalefit.wording.said import Answer, Said, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_POINTS = 5
#: The ends of an interval over more than this factor are shown with digits of their own.
WIDE = 10.0


@dataclass(frozen=True, eq=False, repr=False)
class Profile(Answer):
    """Intervals from the rise of the objective, and the curves they were read off.

    Made by :func:`scalefit.profile`; never changed.

    Attributes
    ----------
    frame : DataFrame
        One row per point: ``quantity, value, rise`` of the objective above its minimum, ``statistic``, and ``inside``,
        whether the value lies in the interval.
    intervals : DataFrame
        Indexed by quantity: ``estimate, low, high, open_low, open_high``. An open end is the bound of the quantity, or
        infinite.
    level : float. How often intervals made in this way hold the true value.
    threshold : float. The statistic at their ends.
    at : dict. What was asked of derived quantities.
    headline : str. The answer in one line.
    notes : tuple of str. What is open, and why.
    believed : bool. Whether the fit converged, and no lower minimum was met on the way.
    """

    frame: pd.DataFrame
    intervals: pd.DataFrame
    level: float
    threshold: float
    at: Mapping[str, float]
    notes: tuple[str, ...]
    headline: str
    believed: bool = True

    def said(self) -> Said:
        """The intervals in words; doubtful where one is open."""
        rows = []
        for name, row in self.intervals.iterrows():
            ends = between(row.low, row.high, _width(row) / 4)
            if WIDE * row.low < row.high and row.low > 0:
                ends = f"{number(row.low, digits=3)} to {number(row.high, digits=3)}"
            rows.append((str(name), number(row.estimate, digits=5), ends))
        table = pd.DataFrame(rows, columns=["quantity", "estimate", f"{100 * self.level:g} % interval"])
        asked = ", ".join(f"{name} = {number(value)}" for name, value in self.at.items())
        is_open = bool(self.intervals[["open_low", "open_high"]].to_numpy(bool).any())
        parts = (f"at {asked}" if asked else "", table)
        state: State = "doubtful" if is_open else "good"
        return Said(state if self.believed else "bad", self.headline, (), parts, self.notes)

    def plot(self, of: str | None = None, *, ax: Axes | None = None) -> Axes:
        """The statistic along one quantity, with its threshold: see :func:`scalefit.plots.profiles.plot_profile`."""
        from scalefit.plots.profiles import plot_profile

        return plot_profile(self, of, ax=ax)


def profile(
    fit: Fit,
    of: str | Sequence[str] | None = None,
    *,
    at: Mapping[str, float] | None = None,
    level: float = 0.9,
    points: int = 11,
) -> Profile:
    """Intervals of parameters and of what follows from them, from how the fit worsens when they are moved.

    A quantity is moved away from its estimate and everything else is fitted again; the interval ends where the fit has
    become so bad that scatter seldom explains it. Unlike a standard error it need not be symmetric, and it may be open:
    where no value on one side is bad enough, the data do not bound the quantity there.

    Parameters
    ----------
    fit : Fit
    of : a parameter, a derived quantity (``fit.law.derived`` lists them), what the law predicts (``"loss"``), or
        several of these; None: all parameters that were fitted.
    at : what they ask, one number each: ``{"flops": 1e24}`` for ``"params_optimal"``, or the inputs of the law for
        ``"loss"``.
    level : float in (0, 1). How often intervals made in this way hold the true value.
    points : points that are first followed for each quantity, at least 5; more make a smoother picture, not a better
        interval.

    Returns
    -------
    Profile
        ``.intervals``, ``.frame``, ``.plot()``.

    Raises
    ------
    FitError
        If a quantity is fixed, unknown or has no value at the estimates; if ``at`` lacks what it asks; if there are no
        more rows than free parameters.

    Warns
    -----
    FitWarning
        If the fit did not converge, or a lower minimum was met: fit again with more starts.

    Notes
    -----
    Squares of independent rows are compared with F, as in nonlinear regression (Bates & Watts 1988, section 6.1). The
    rise of another objective is not a log-likelihood (a Huber loss whose delta lies far inside the scatter rises less,
    and at a random rate): it is scaled by the ratio of the two sides of the sandwich covariance in the direction of the
    quantity (Kent 1982, Biometrika 69:19), its curvature taken over a window of the size of the scatter.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla")
    >>> sf.profile(fit, "loss", at={"params": 1e7, "tokens": 1e9}).intervals.index.tolist()
    ['loss']
    """
    check_level(level)
    if isinstance(points, bool) or int(points) != points or points < FEWEST_POINTS:
        raise FitError(f"profile needs a whole number of points, at least {FEWEST_POINTS}; got {points!r}.")
    asked = _asked(at)
    quantities = tuple(_quantity(fit, name, asked) for name in _names(fit, of))
    _check_all_used(fit, quantities, asked)
    freedom = degrees_of_freedom(fit.problem, fit.coordinates.q, fit.weights, fit.units)
    if freedom <= 0:
        raise FitError(
            f"{fit.law.name} has {fit.coordinates.q} free parameters and {fit.n_rows} rows: nothing is left to tell "
            "the scatter. Add runs, fix or tie parameters, or give a prior."
        )
    limit = threshold(level, freedom)
    curves = trace_profiles(
        fit.problem, fit.coordinates, fit.u, fit.weights, fit.units, fit.basins, quantities, limit, int(points)
    )
    headline = _headline(fit, quantities, curves, level, limit)
    believed = fit.converged and not _better(curves, limit)
    if not believed:
        warnings.warn(headline, FitWarning, stacklevel=2)
    notes = tuple(note for pair in zip(quantities, curves, strict=True) for note in _open_ends(*pair))
    return Profile(
        _frame(quantities, curves, limit), _intervals(fit, quantities, curves), level, limit, asked, notes, headline,
        believed,
    )  # fmt: skip


def _names(fit: Fit, of: str | Sequence[str] | None) -> list[str]:
    if of is None:
        return [name for name in fit.law.param_names if _moves(fit, name)]
    names = [of] if isinstance(of, str) else list(of)
    if not names or len(set(names)) != len(names):
        raise FitError(f"of must name one quantity or several different ones; got {of!r}.")
    return names


def _moves(fit: Fit, name: str) -> bool:
    """Whether a parameter is free, or follows from one that is."""
    T = fit.coordinates.to_params(fit.u[None])[1][0]
    return bool(np.any(T[fit.law.param_names.index(name)] != 0))


def _asked(at: Mapping[str, Any] | None) -> dict[str, float]:
    if at is not None and not isinstance(at, Mapping):
        raise FitError(f"at is a mapping of names to one number each, such as {{'flops': 1e24}}; got {at!r}.")
    asked = {}
    for name, value in (at or {}).items():
        if np.ndim(value) != 0 or not np.isfinite(float(value)):
            raise FitError(f"at: {name} must be one finite number; got {value!r}.")
        asked[str(name)] = float(value)
    return asked


def _quantity(fit: Fit, name: str, at: Mapping[str, float]) -> Quantity:
    """What is profiled under a name."""
    law = fit.law
    estimate = fit.theta
    if name in law.param_names:
        if not _moves(fit, name):
            raise FitError(f"{name} is fixed at {fit.estimates[name]:g}, so it has no profile. Fit it free.")
        return parameter_quantity(law, name, fit.estimates[name])
    if name in law.derived:
        asks = law.derived[name].asks
        if missing := [ask for ask in asks if ask not in at]:
            raise FitError(f"{name} asks for {listing(missing)}; pass at={{{missing[0]!r}: …}}.")
        quantity = derived_quantity(law, name, {ask: at[ask] for ask in asks}, fit.draws_theta)
    elif name in (law.output, fit.target):
        if missing := [ask for ask in law.inputs if ask not in at]:
            raise FitError(f"The profile of {name!r} is taken at one point; pass at={{{missing[0]!r}: …}}.")
        point = tuple(np.array([at[ask]]) for ask in law.inputs)
        quantity = law_quantity(law, point, name, fit.draws_theta)
    else:
        known = (*law.param_names, *law.derived, law.output)
        raise FitError(not_one_of(f"What a profile of {law.name} is taken of", name, known))
    if not np.isfinite(quantity.value(estimate)[0]).all():
        told = f" at {', '.join(f'{key} = {value:g}' for key, value in at.items())}" if at else ""
        raise FitError(f"{name} has no value for the estimates{told}, so there is nothing to profile.")
    return quantity


def _check_all_used(fit: Fit, quantities: Sequence[Quantity], at: Mapping[str, float]) -> None:
    used: set[str] = set()
    for quantity in quantities:
        if quantity.name in fit.law.derived:
            used.update(fit.law.derived[quantity.name].asks)
        elif quantity.name not in fit.law.param_names:
            used.update(fit.law.inputs)
    for name in at:
        if name not in used:
            what = f"at: what {listing(quantity.name for quantity in quantities)} asks"
            raise FitError(not_one_of(what, name, used or {"nothing"}))


def _frame(quantities: Sequence[Quantity], curves: Sequence[Curve], limit: float) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "quantity": quantity.name,
                "value": curve.value,
                "rise": curve.rise,
                "statistic": curve.statistic,
                "inside": (curve.value >= curve.low) & (curve.value <= curve.high),
            }
        )
        for quantity, curve in zip(quantities, curves, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _intervals(fit: Fit, quantities: Sequence[Quantity], curves: Sequence[Curve]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "estimate": [float(quantity.value(fit.theta)[0][0]) for quantity in quantities],
            "low": [curve.low for curve in curves],
            "high": [curve.high for curve in curves],
            "open_low": [curve.low_ending != "closed" for curve in curves],
            "open_high": [curve.high_ending != "closed" for curve in curves],
        },
        index=pd.Index([quantity.name for quantity in quantities], name="quantity"),
    )


def _better(curves: Sequence[Curve], limit: float) -> bool:
    """Whether a profile met a lower minimum than the fit."""
    return any(curve.lowest < -BETTER * limit for curve in curves)


def _headline(fit: Fit, quantities: Sequence[Quantity], curves: Sequence[Curve], level: float, limit: float) -> str:
    """Whether to believe the intervals, in one line."""
    what = f"profile of {fit.law.name} on {fit.n_runs} runs"
    if _better(curves, limit):
        return f"{what}: NOT AT THE MINIMUM: a lower one was met on the way; fit again with starts=sf.Starts(own=64)"
    is_open = [
        quantity.name
        for quantity, curve in zip(quantities, curves, strict=True)
        if (curve.low_ending, curve.high_ending) != ("closed", "closed")
    ]
    said = (
        f"{listing(is_open)} open at the {100 * level:g} % level"
        if is_open
        else f"all {100 * level:g} % intervals closed"
    )
    if not fit.converged:
        return f"{what}: {fit.judgement.status.upper()}; {said}"
    return f"{what}: {said}"


def _open_ends(quantity: Quantity, curve: Curve) -> list[str]:
    """A sentence for each end that is open."""
    said = []
    if curve.low_ending != "closed":
        said.append(f"{quantity.name}: no lower end: {_why_no_lower_end(curve)}")
    if curve.high_ending != "closed":
        why = {
            "bound": f"it reaches its bound {curve.high:g} first",
            "flat": "any larger value fits about as well",
            "lost": "no fit could be followed that far",
        }[curve.high_ending]
        said.append(f"{quantity.name}: no upper end: {why}")
    return said


def _why_no_lower_end(curve: Curve) -> str:
    if curve.low_ending == "lost":
        return "no fit could be followed that far"
    if curve.low == 0:
        return "the data cannot tell it from 0"
    return (
        f"it reaches its bound {curve.low:g} first"
        if curve.low_ending == "bound"
        else "any smaller value fits about as well"
    )


def _width(row: Any) -> float:
    """The width of an interval, or of its closed half."""
    ends = [end for end in (row.low, row.high) if np.isfinite(end)]
    return float(max(abs(end - row.estimate) for end in ends)) if ends else abs(float(row.estimate))
