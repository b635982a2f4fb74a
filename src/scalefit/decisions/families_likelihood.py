"""What separate fits say of one parameter or several: the scale of the loss, and whether families may share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scalefit.errors import FitError, listing
from scalefit.fitting.solver import held_at_bounds
from scalefit.law import Array
from scalefit.result import Fit
from scalefit.uncertainty.covariance import inverse, smoothed_curvature
from scalefit.wording.digits import number
from scalefit.wording.said import Answer, Said

#: A parameter whose value this is of its standard error or less has no log to speak of.
FEWEST_ERRORS = 1e-6


@dataclass(frozen=True, repr=False)
class SharingTest(Answer):
    """Whether data object to parameters that are equal in all families.

    Attributes
    ----------
    share : tuple of str. The parameters held equal.
    statistic : float
        The objective's rise under sharing as twice a difference of log-likelihoods: over the scale that makes its mean
        ``df`` if sharing is right. That scale comes from the covariances of the separate fits, so that neither a robust
        objective nor checkpoints of one run count for more than they tell.
    df, df_residual : float
        Degrees of freedom of the F distribution of ``statistic / df``: parameters saved, and units (runs, or rows) less
        parameters.
    p : float
        How often the statistic would be as large if the families did share; below 0.05 they differ.
    delta_aicc : float
        AICc of the shared fit less that of the separate ones, per unit of the same likelihood; below zero sharing is
        the better description.
    """

    share: tuple[str, ...]
    statistic: float
    df: float
    df_residual: float
    p: float
    delta_aicc: float

    @property
    def differ(self) -> bool:
        """Whether the data object at 5 %."""
        return self.p < 0.05

    @property
    def words(self) -> str:
        """Whether to share, in a few words."""
        if self.differ:
            return f"the families differ (p = {self.p:.1g}): do not share, or pull=True"
        return f"the data do not object (p = {self.p:.2g})"

    def said(self) -> Said:
        """The test in words; doubtful where the data object to sharing."""
        statistic = (
            f"F = {number(self.statistic / self.df, digits=3)} with {self.df:g} and {self.df_residual:g} degrees"
        )
        better = "sharing" if self.delta_aicc < 0 else "each family alone"
        notes = (f"{statistic} of freedom; AICc prefers {better} by {number(abs(self.delta_aicc), digits=3)}",)
        return Said("doubtful" if self.differ else "good", f"shared {listing(self.share)}: {self.words}", notes=notes)


def judge_sharing(share: Sequence[str], joint: Fit, alone: Mapping[str, Fit]) -> SharingTest:
    """The scaled likelihood-ratio test of a joint fit against separate ones (Satorra & Bentler 1994).

    Twice the rise of the objective is, if sharing is right, a sum of squares weighted by what the separate covariance
    is of the inverse curvature in the contrasts tested; it is divided by the mean of these weights.

    Raises
    ------
    FitError
        If a family was not fitted alone, or nothing can be compared.
    """
    from scipy.stats import f as f_distribution

    fits = list(alone.values())
    contrasts, covariance, bread = _contrasts(share, fits)
    rise = 2 * (joint.objective - sum(one.objective for one in fits))
    middle = contrasts @ bread @ contrasts.T
    size = np.sqrt(np.diag(middle))
    known = np.isfinite(size) & (size > 0)
    df = int(known.sum())
    if not df:
        raise FitError("No shared parameter is known in two families, so sharing cannot be tested.")
    sandwich = (contrasts @ covariance @ contrasts.T)[np.ix_(known, known)] / np.outer(size[known], size[known])
    scaled = middle[np.ix_(known, known)] / np.outer(size[known], size[known])
    weight = float(np.trace(np.linalg.pinv(scaled, rcond=1e-10, hermitian=True) @ sandwich)) / df
    free = sum(one.coordinates.q for one in fits)
    units = sum(one.units.count for one in fits)
    left = max(float(units - free), 1.0)
    statistic = max(rise, 0.0) / weight
    p = float(f_distribution.sf(statistic / df, df, left))
    return SharingTest(tuple(share), statistic, df, left, p, statistic - _penalty(units, free, free - df))


def _penalty(units: int, more: int, fewer: int) -> float:
    """What AICc charges for the parameters of separate fits beyond those of the shared one."""

    def of(count: int) -> float:
        return 2 * count + 2 * count * (count + 1) / max(units - count - 1, 0.5)

    return of(more) - of(fewer)


def _contrasts(share: Sequence[str], fits: Sequence[Fit]) -> tuple[Array, Array, Array]:
    """Contrasts of each family's shared parameters with the first's, and blocks of covariance and inverse curvature."""
    k = len(fits[0].law.params)
    covariance, bread = (np.zeros((k * len(fits), k * len(fits))) for _ in range(2))
    contrasts = np.zeros(((len(fits) - 1) * len(share), k * len(fits)))
    for f, one in enumerate(fits):
        block = slice(f * k, (f + 1) * k)
        covariance[block, block], bread[block, block] = one.covariance.to_numpy(float), inverse_curvature(one)
    for j, name in enumerate(share):
        place = fits[0].law.param_names.index(name)
        log = fits[0].law.params[place].lower >= 0 and all(one.estimates[name] > 0 for one in fits)
        steps = [1 / one.estimates[name] if log else 1.0 for one in fits]
        for f in range(1, len(fits)):
            row = (f - 1) * len(share) + j
            contrasts[row, f * k + place], contrasts[row, place] = steps[f], -steps[0]
    return contrasts, covariance, bread


def inverse_curvature(fit: Fit) -> Array:
    """Inverse curvature (k, k) of the expected objective, in raw parameters; zero where a bound holds."""
    problem, coordinates, weights = fit.problem, fit.coordinates, fit.weights
    theta, T = coordinates.to_params(fit.u[None])
    r, J = problem.residual_and_jacobian(theta)
    slopes = T[0].T @ J[0]
    gradient = slopes @ (weights * problem.objective.parts(r[0])[1])
    free = ~held_at_bounds(fit.u[None], gradient[None], coordinates)[0] & (np.abs(slopes).max(axis=1) > 0)
    out = np.zeros((coordinates.q, coordinates.q))
    kept = slopes[free]
    out[np.ix_(free, free)] = inverse((kept * (weights * smoothed_curvature(problem, r[0], weights))) @ kept.T)
    with np.errstate(all="ignore"):
        return np.asarray(T[0] @ out @ T[0].T)


def scale_of_loss(fits: Sequence[Fit], names: Sequence[str]) -> float:
    """What the objective is divided by to be a negative log-likelihood, judged by how well fits know some parameters.

    The variance of each parameter over its inverse curvature, averaged over fits and parameters in the log: with it a
    penalty is weighed against what the data tell, for any objective and rows that are not independent.
    """
    ratios = []
    for fit in fits:
        with np.errstate(all="ignore"):
            told = np.diag(fit.covariance.to_numpy(float)) / np.diag(inverse_curvature(fit))
        ratios += [told[fit.law.param_names.index(name)] for name in names]
    known = np.array([ratio for ratio in ratios if np.isfinite(ratio) and ratio > 0])
    if len(known):
        return float(np.exp(np.log(known).mean()))
    return float(np.mean([_mean_product(one) for one in fits]))


def _mean_product(fit: Fit) -> float:
    """Residual times slope of the loss: the scale of independent rows."""
    r = fit.problem.residual(fit.theta)[0]
    return float(np.average(r * fit.problem.objective.parts(r)[1], weights=fit.weights))
