"""Whether runs miss a law by more than scatter: structure left in the residuals, and repeats that scatter less."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import listing
from scalefit.fitting.problem import Array, Inputs
from scalefit.uncertainty.repeats import Repeats, repeats_of
from scalefit.uncertainty.run_noise import NoisyFit
from scalefit.uncertainty.scale_trend import ScaleTrend, scale_trend
from scalefit.uncertainty.tangent import Tangent, tangent_of
from scalefit.uncertainty.units import Units
from scalefit.wording.said import Answer, Said

#: The warning is given below this p-value: a right law raises it so often.
ALARM = 0.05
#: Polynomials in the logs of inputs up to this degree are looked for; each further degree counts half.
DEGREE = 4
FADING = 0.5
#: Residuals beyond so many robust standard deviations are drawn in: one broken run is not a bent law.
FARTHEST = 2.0
SIMULATIONS = 1999
FEWEST_SPARE = 3
#: Runs of many rows below which their signs are too few to tell chance from structure.
FEWEST_RUNS = 8


@dataclass(frozen=True, repr=False)
class LackOfFit(Answer):
    """Whether the residuals of a fit are scatter, or say that the law misses something.

    Made by :func:`scalefit.lack_of_fit`; never changed.

    Attributes
    ----------
    p_value : float
        How often a right law would leave residuals of so much structure; NaN where nothing can be said. Of two tests
        the smaller, doubled.
    statistic : float
        Of the test that speaks more clearly: share of the residuals' power in smooth bends, or F of the repeats.
    test : str
        ``"bends"``, ``"repeats"`` or ``"none"``: which test speaks more clearly.
    p_bends : float
        That of smooth bends along the inputs; NaN where it could not be judged.
    p_repeats : float
        That of repeats (runs equal in every input) scattering less than runs about the law; NaN without repeats.
    words : str
        The same as a sentence.
    """

    p_value: float
    statistic: float
    test: str
    p_bends: float
    p_repeats: float
    words: str

    @property
    def warns(self) -> bool:
        """Whether the law misses something, at a level at which 5 % of right laws are accused."""
        return bool(self.p_value < ALARM)

    def said(self) -> Said:
        """The same as a sentence; doubtful where the law misses something, or nothing can be said."""
        return Said("doubtful" if self.warns or np.isnan(self.p_value) else "good", self.words)


def lack_of_fit(fit: NoisyFit) -> LackOfFit:
    """Say whether runs miss a law by more than their scatter.

    Two tests. *Bends*: how much of the residuals' power lies in smooth functions of the logs of the inputs that the law
    itself could not have taken up, against what normal noise leaves there. *Repeats*: whether runs equal in every
    input, such as seeds, scatter less than runs about the law (the F test of pure error). Where rows belong to runs,
    only signs of whole runs are compared, since neighbouring rows err alike.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    LackOfFit
        ``p_value``, ``statistic``, ``words``; ``warns`` below 0.05. A right law is accused in 1 to 7 % of simulations
        with 12 to 240 runs and normal, heavy-tailed, clustered or uneven noise. A wrong one may well pass: twelve runs
        hardly ever show a miss that is smaller than their scatter.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla")
    >>> sf.lack_of_fit(fit).warns
    True
    """
    tangent = tangent_of(fit)
    return judge_fit(fit, tangent, scale_trend(fit, fit.law.inputs, tangent), repeats_of(fit, 0.0))


def judge_fit(fit: NoisyFit, tangent: Tangent, trend: ScaleTrend, repeats: Repeats | None) -> LackOfFit:
    """The two tests, given the parts that a description of the noise also needs."""
    names, inputs = fit.law.inputs, tuple(x[tangent.rows] for x in fit.problem.inputs)
    bends, share = _bends(tangent, inputs, fit.units, np.random.default_rng(fit.seed))
    ratio, p_repeats = _pure_error(fit, tangent, trend, repeats)
    known = [p for p in (bends, p_repeats) if np.isfinite(p)]
    if not known:
        words = "whether the law fits cannot be told: too few rows, or too few runs with rows of their own"
        return LackOfFit(np.nan, np.nan, "none", bends, p_repeats, words)
    p = min(1.0, len(known) * min(known))
    of_repeats = bool(np.isfinite(p_repeats) and not bends < p_repeats)
    if p >= ALARM:
        words = f"no sign that the law misses anything ({_p_text(p)})"
    elif of_repeats:
        words = f"the law misses something: runs scatter {np.sqrt(ratio):.2g} times as far about it as repeats of one "
        words += f"setting do among themselves ({_p_text(p)})"
    else:
        where = listing(_bent_along(tangent, inputs, names))
        words = f"the law misses something: residuals bend along {where} ({_p_text(p)})"
    return LackOfFit(p, ratio if of_repeats else share, "repeats" if of_repeats else "bends", bends, p_repeats, words)


def _p_text(p: float) -> str:
    return f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"


def bending(inputs: Inputs) -> tuple[Array, NDArray[np.intp]]:
    """Products of Chebyshev polynomials of the logs of inputs, (n, c), and their degree in each input, (c, inputs).

    Higher degrees count less, so that one smooth bend is seen better than many wiggles.
    """
    places = []
    for x in inputs:
        z = np.log(x) if float(x.min()) > 0 else np.asarray(x, float)
        low, high = float(z.min()), float(z.max())
        places.append((2 * z - low - high) / (high - low) if high > low else np.zeros(len(z)))
    varied = [j for j, z in enumerate(places) if z.any()]
    most = DEGREE if len(varied) <= 4 else 3 if len(varied) <= 8 else 2
    powers: list[NDArray[np.intp]] = []
    for degree in range(2, most + 1):
        chosen = itertools.combinations_with_replacement(varied, degree)
        powers.extend(np.bincount(one, minlength=len(places)) for one in chosen)
    if not powers:
        return np.zeros((len(places[0]), 0)), np.zeros((0, len(places)), np.intp)
    angle = [np.arccos(np.clip(z, -1, 1)) for z in places]
    columns = [
        FADING ** power.sum() * np.prod([np.cos(k * angle[j]) for j, k in enumerate(power)], axis=0) for power in powers
    ]
    return np.column_stack(columns), np.array(powers, np.intp)


def _bends(tangent: Tangent, inputs: Inputs, units: Units, rng: np.random.Generator) -> tuple[float, float]:
    """How often chance leaves so much power in smooth bends, and its share of the residuals'."""
    columns = bending(inputs)[0]
    columns = tangent.without(columns * tangent.root[:, None])
    if tangent.spare < FEWEST_SPARE or not columns.shape[1] or np.abs(columns).max() < 1e-9:
        return np.nan, np.nan
    r = _drawn_in(tangent)
    power = float(r @ r)
    if not power > 0:
        return np.nan, np.nan
    if units.kind != "rows":
        return _bends_of_runs(r, columns, tangent, units.labels[tangent.rows], rng)
    values = np.linalg.eigvalsh(columns.T @ columns)
    values = values[values > 1e-12 * values[-1]]
    squares = rng.standard_normal((SIMULATIONS, len(values))) ** 2
    others = tangent.spare - len(values)
    rest = rng.chisquare(others, SIMULATIONS) if others > 0 else np.zeros(SIMULATIONS)
    chance = squares @ values / (squares.sum(axis=1) + rest)
    seen = float(np.sum((columns.T @ r) ** 2)) / power
    return (1 + int(np.sum(chance >= seen))) / (SIMULATIONS + 1), seen / float(values[-1])


def _bends_of_runs(
    r: Array, columns: Array, tangent: Tangent, labels: NDArray[np.intp], rng: np.random.Generator
) -> tuple[float, float]:
    """The same against signs of whole runs drawn anew, each run's residuals widened by what it fixes itself.

    The widening is that of Bell & McCaffrey (2002) for clusters. With many rows a run and few runs the test is
    cautious: it accuses fewer than 5 % of right laws.
    """
    runs = np.unique(labels)
    if len(runs) < FEWEST_RUNS:
        return np.nan, np.nan
    sums = np.empty((len(runs), columns.shape[1]))
    for i, run in enumerate(runs):
        own = labels == run
        sums[i] = columns[own].T @ _widened(r[own], tangent.basis[own])
    signs = rng.choice([-1.0, 1.0], (SIMULATIONS, len(runs)))
    chance = np.sum((signs @ sums) ** 2, axis=1)
    projected = columns.T @ r
    seen = float(projected @ projected)
    p = (1 + int(np.sum(chance >= seen * (1 - 1e-9)))) / (SIMULATIONS + 1)
    return p, seen / float(np.linalg.eigvalsh(columns.T @ columns)[-1] * (r @ r))


def _widened(r: Array, basis: Array) -> Array:
    """Residuals (m,) of one run times the inverse root of what the fit left of them."""
    left, values, _ = np.linalg.svd(basis, full_matrices=False)
    spare = np.sqrt(np.maximum(1 - values**2, 0.05))
    return np.asarray(r + left @ ((1 / spare - 1) * (left.T @ r)))


def _drawn_in(tangent: Tangent) -> Array:
    """Residuals with those far out drawn in, without what the law can take up."""
    r = tangent.residual
    width = FARTHEST * 1.4826 * float(np.median(np.abs(r)))
    if width <= 0:
        return r
    drawn = np.clip(r, -width, width)
    return np.asarray(drawn - tangent.basis @ (tangent.basis.T @ drawn))


def _bent_along(tangent: Tangent, inputs: Inputs, names: tuple[str, ...]) -> list[str]:
    """The inputs of the clearest bends: of the one polynomial that takes most of the residuals' power."""
    columns, powers = bending(inputs)
    columns = tangent.without(columns * tangent.root[:, None])
    size = np.sqrt(np.sum(columns**2, axis=0))
    taken = np.abs(columns.T @ _drawn_in(tangent)) / np.where(size > 1e-9, size, np.inf)
    return [names[j] for j in np.flatnonzero(powers[int(np.argmax(taken))])]


def _pure_error(fit: NoisyFit, tangent: Tangent, trend: ScaleTrend, repeats: Repeats | None) -> tuple[float, float]:
    """F of the scatter about the law over that of repeats, and its p-value."""
    from scipy.special import fdtrc

    if repeats is None or fit.units.kind != "rows":
        return np.nan, np.nan
    label = repeats.label[tangent.rows]
    r = tangent.residual / trend.factor(tuple(x[tangent.rows] for x in fit.problem.inputs))
    again = label >= 0
    weights = tangent.root[again] ** 2
    middle = np.bincount(label[again], weights * r[again] / tangent.root[again]) / np.maximum(
        np.bincount(label[again], weights), 1e-300
    )
    squares = float(np.sum((r[again] - tangent.root[again] * middle[label[again]]) ** 2))
    missed, freedom = float(r @ r) - squares, tangent.spare - repeats.freedom
    if freedom < 1 or not squares > 0:
        return np.nan, np.nan
    ratio = (missed / freedom) / (squares / repeats.freedom)
    return ratio, float(fdtrc(freedom, repeats.freedom, max(ratio, 0.0)))
