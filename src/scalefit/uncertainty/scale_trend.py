"""Whether the scatter of runs grows or shrinks with an input, and how fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.fitting.problem import Array, Inputs
from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.tangent import Tangent
from scalefit.uncertainty.units import Units

#: A trend is kept where a scatter that is everywhere the same would look so uneven less often than this.
KEPT = 0.01
#: Fewer independent rows than these say nothing of a trend.
FEWEST_SPARE = 15
FEWEST_UNITS = 12
#: Degrees of freedom of the Student's t whose likelihood is used: rows far out say little more than that they are.
FREEDOM = 5.0
ROUNDS = 100


@dataclass(frozen=True)
class ScaleTrend:
    """The standard deviation of runs as a power of some inputs: ``s * product of (input / centre)**slope``.

    Parameters
    ----------
    names : the inputs of the law.
    slopes : of each input, the exponent; 0 where the scatter does not change with it.
    centres : of each input, its geometric mean over the rows.
    p_values : of each input, how often an even scatter would look as uneven along it; NaN where that was not asked.
    least : float
        The smallest value of the product over the rows fitted. Beyond the data the scatter is held there: a trend says
        that scatter shrinks, not that it vanishes.
    """

    names: tuple[str, ...]
    slopes: tuple[float, ...]
    centres: tuple[float, ...]
    p_values: tuple[float, ...]
    least: float = 1.0

    @property
    def kept(self) -> bool:
        """Whether the scatter changes with any input."""
        return any(self.slopes)

    @property
    def slope_of(self) -> Mapping[str, float]:
        """Input -> exponent, for those with which the scatter changes."""
        return {name: slope for name, slope in zip(self.names, self.slopes, strict=True) if slope}

    def factor(self, inputs: Inputs) -> Array:
        """(n,) the scatter at some inputs over that at their centre."""
        out = np.zeros(len(inputs[0]))
        with np.errstate(divide="ignore", invalid="ignore"):
            for x, slope, centre in zip(inputs, self.slopes, self.centres, strict=True):
                if slope:
                    out = out + slope * np.log(np.asarray(x, float) / centre)
            return np.asarray(np.fmax(np.exp(out), self.least))


def scale_trend(fit: Fitted, names: Sequence[str], tangent: Tangent) -> ScaleTrend:
    """How the scatter changes with the log of each input, where the data show that it does.

    Inputs are taken in one after another while the score test of the likelihood of Student's t says so at ``KEPT``
    (Koenker 1981 studentised the test of Breusch & Pagan in the same way, so that heavy tails raise no alarm), and
    slopes are shrunk by ``1 - 1 / t^2`` with t their score over its standard error. Rows of one run are one unit.
    """
    fitted = tuple(x[tangent.rows] for x in fit.problem.inputs)
    even = ScaleTrend(tuple(names), (0.0,) * len(names), (1.0,) * len(names), (np.nan,) * len(names))
    labels = fit.units.labels[tangent.rows]
    usable = [j for j, x in enumerate(fitted) if x.ndim == 1 and float(x.min()) > 0 and float(x.max()) > float(x.min())]
    if not usable or not _enough(fit.units, labels, tangent):
        return even
    centres = tuple(float(np.exp(np.mean(np.log(x)))) if j in usable else 1.0 for j, x in enumerate(fitted))
    places = {j: np.log(fitted[j] / centres[j]) for j in usable}
    chosen, scores, p_values = _choose(places, tangent.adjusted, tangent.root**2, fit.units, labels)
    slopes = np.zeros(len(names))
    if chosen:
        log_scale = _fit_scale(np.column_stack([places[j] for j in chosen]), tangent.adjusted, tangent.root**2)
        slopes[chosen] = log_scale[1:] * [max(0.0, 1 - 1 / scores[j] ** 2) for j in chosen]
    p = tuple(p_values.get(j, np.nan) for j in range(len(names)))
    made = ScaleTrend(tuple(names), tuple(slopes.tolist()), centres, p, 0.0)
    return ScaleTrend(made.names, made.slopes, centres, p, float(made.factor(fitted).min()))


def _enough(units: Units, labels: NDArray[np.intp], tangent: Tangent) -> bool:
    if units.kind == "blocks" or tangent.spare < FEWEST_SPARE:
        return False
    return units.kind == "rows" or len(np.unique(labels)) >= FEWEST_UNITS


def _choose(
    places: Mapping[int, Array], r: Array, weights: Array, units: Units, labels: NDArray[np.intp]
) -> tuple[list[int], dict[int, float], dict[int, float]]:
    """The inputs with which the scatter changes, their scores, and the p-value of each when it was last asked."""
    chosen: list[int] = []
    scores: dict[int, float] = {}
    p_values: dict[int, float] = {}
    while len(chosen) < len(places):
        left = [j for j in places if j not in chosen]
        held = np.column_stack([np.ones(len(r)), *(places[j] for j in chosen)])
        slope = _slope(r * np.exp(-held @ _fit_scale(held[:, 1:], r, weights)))
        for j in left:
            scores[j], p_values[j] = _score(places[j], slope, held, weights, units, labels, len(left))
        best = min(left, key=lambda j: p_values[j])
        if not p_values[best] < KEPT:
            break
        chosen.append(best)
    return chosen, scores, p_values


def _score(
    place: Array, slope: Array, held: Array, weights: Array, units: Units, labels: NDArray[np.intp], asked: int
) -> tuple[float, float]:
    """How far the scatter leans along one more input, in standard errors, and how often chance does that."""
    from scipy.special import stdtr

    fresh = place - held @ np.linalg.lstsq(held * np.sqrt(weights)[:, None], place * np.sqrt(weights), rcond=None)[0]
    if units.kind == "rows":
        count = len(place)
        variance = float(weights @ slope**2) * float(weights @ fresh**2) / float(weights.sum())
        total = float(np.sum(weights * slope * fresh))
    else:
        sums = np.bincount(labels, weights * slope * fresh)
        count = int(np.count_nonzero(np.bincount(labels)))
        total, variance = float(sums.sum()), float(sums @ sums)
    spare = count - held.shape[1] - 1
    if not variance > 0 or spare < 1:
        return 0.0, 1.0
    score = total / np.sqrt(variance) * np.sqrt(spare / count)
    return score, float(min(1.0, 2 * asked * stdtr(spare, -abs(score))))


def _slope(e: Array) -> Array:
    """Derivative of the log-likelihood of Student's t by the log of the scale: bounded for rows far out."""
    return np.asarray((FREEDOM + 1) * e * e / (FREEDOM + e * e) - 1)


def _fit_scale(places: Array, r: Array, weights: Array) -> Array:
    """(1 + k,) log of the scale at the centre and its slopes, of highest likelihood of Student's t."""
    columns = np.column_stack([np.ones(len(r)), places])
    at = np.zeros(columns.shape[1])
    at[0] = np.log(np.sqrt(np.average(r * r, weights=weights)) + 1e-300)
    information = 2 * FREEDOM / (FREEDOM + 3) * (columns.T * weights) @ columns
    step_of = np.linalg.solve(information, columns.T * weights)
    for _ in range(ROUNDS):
        step = step_of @ _slope(r * np.exp(-columns @ at))
        at = at + np.minimum(np.maximum(step, -1), 1)
        if np.abs(step).max() < 1e-9:
            break
    return at
