"""Simulated ladders of one or two families at the targets, and the tables that they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.answer import finite_quantiles
from scalefit.decisions.comparison.claims import lead_of
from scalefit.decisions.power.ladders import Ladder, Outcomes, quantile_of_size
from scalefit.decisions.simulation import Noise
from scalefit.fitting.problem import Array, Inputs, restore
from scalefit.quantities import better_of
from scalefit.uncertainty.paths import beyond

#: Under other noise, claims are counted in one of so many simulations, and in this many at least.
FEWER, AT_LEAST = 4, 50
#: Each ladder of one family is compared with so many of the other, all of them apart: shares are better known.
PARTNERS = 6


@dataclass(frozen=True, eq=False)
class Told:
    """Outcomes of one or two families, and what each comparison says.

    Parameters
    ----------
    own, other : Outcomes
    sides : (PARTNERS, S, m) 1 where the second family is said to be ahead, -1 behind, 0 neither; None with one family.
        The first compares each ladder with that of its own number.
    """

    own: Outcomes
    other: Outcomes | None = None
    sides: Array | None = None


@dataclass(frozen=True, eq=False)
class Simulations:
    """The simulations of one call.

    Parameters
    ----------
    ladders : of the family, and of a second one.
    scatters : (S, n) what noise adds to the rows of each.
    points, inputs : the m targets under their names, and what the law reads there.
    """

    ladders: tuple[Ladder, ...]
    scatters: tuple[Array, ...]
    points: pd.DataFrame
    inputs: Inputs
    level: float

    def told(self, factor: float = 1.0, count: int | None = None, *, judged: bool = True) -> Told:
        """What the first ``count`` ladders tell, with so many times the noise."""
        every = [
            ladder.outcomes(factor * added[:count], self.inputs, family=family, judged=judged)
            for family, (ladder, added) in enumerate(zip(self.ladders, self.scatters, strict=True))
        ]
        if len(every) == 1:
            return Told(every[0])
        return Told(every[0], every[1], self.sides(every[0], every[1]))

    def sides(self, own: Outcomes, other: Outcomes, first: int = 0) -> Array:
        """(PARTNERS, S, m) what each comparison claims at each target; partners are ``first`` places on, and so on.

        The rule is that of a reader of :func:`scalefit.compare_fits`: the interval of the difference there, ``low`` to
        ``high`` in its ``differences``, lies on one side of zero.
        """
        assert own.draws is not None
        out = np.zeros((PARTNERS, *own.estimates.shape))
        for k in range(PARTNERS):
            for i, (ours, theirs) in enumerate(zip(own.draws, other.rolled(first + k), strict=True)):
                low, high = finite_quantiles(theirs - ours, [0.5 - self.level / 2, 0.5 + self.level / 2])
                out[k, i] = np.where(low > 0, 1, np.where(high < 0, -1, 0))
        return -out if better_of(self.ladders[0].base.target) == "low" else out

    @property
    def unit(self) -> Array:
        """(m,) what errors are shares of: the truth on the log scale, else one."""
        truth = self.truth()
        return truth if self.ladders[0].study.truth.on == "log" else np.ones_like(truth)

    def truth(self, family: int = 0) -> Array:
        """(m,) the true target of a family."""
        study = self.ladders[family].study
        return np.asarray(restore(study.mean(self.points), study.truth.on))

    def frame(self, told: Told) -> pd.DataFrame:
        """One row a target: see :attr:`DesignPower.frame`."""
        truth, unit = self.truth(), self.unit
        low, high = told.own.ends(self.level)
        errors = (told.own.estimates - truth) / unit
        with np.errstate(all="ignore"):
            columns = {
                "truth": truth,
                "error": quantile_of_size(errors, self.level),
                "half_width": _median((high - low) / 2 / unit),
                "coverage": ((low <= truth) & (truth <= high)).mean(axis=0),
                "bias": _median(errors),
                "oracle": self._oracle(),
                "beyond": beyond(self.inputs, self.ladders[0].base.problem.inputs),
            }
        if told.sides is not None and told.other is not None:
            against = self.truth(1)
            lead = lead_of(against, truth, better_of(self.ladders[0].base.target))
            wrong = ((told.sides != 0) & (told.sides != np.sign(lead))).mean(axis=(0, 1))
            equal = (self.sides(told.own, told.own, 1) != 0).mean(axis=(0, 1))
            columns |= {
                "against": against,
                "lead": lead / unit,
                "claimed": ((told.sides == np.sign(lead)) & (lead != 0)).mean(axis=(0, 1)),
                "wrong": wrong,
                # Where B is equal to A, the comparisons of the two are those of equals.
                "false_claims": np.where(lead == 0, wrong, equal),
            }
        return self.points.assign(**columns)

    def _oracle(self) -> Array:
        """(m,) the error of the best unbiased estimate by one who knows the law and the noise; NaN where unknown."""
        from scipy.special import ndtri  # here: `import scalefit` must not load scipy

        study, base = self.ladders[0].study, self.ladders[0].base
        if not (study.right and isinstance(study.noise, Noise) and base.coordinates.q == base.theta.shape[1]):
            return np.full(len(self.points), np.nan)
        if study.truth.on == "logit":
            return np.full(len(self.points), np.nan)
        slopes = study.slopes(self.points)
        variance = np.einsum("ij,jk,ik->i", slopes, study.covariance(), slopes)
        return np.asarray(ndtri(0.5 + self.level / 2) * np.sqrt(variance))

    def under(self, factors: Sequence[float]) -> pd.DataFrame:
        """Errors, and claims of some of the ladders, under less and more noise."""
        truth, rows = self.truth(), []
        for factor in factors:
            moved = factor * self.scatters[0]
            estimates = self.ladders[0].outcomes(moved, self.inputs, drawn=False).estimates
            errors = quantile_of_size((estimates - truth) / self.unit, self.level)
            row = pd.DataFrame({"factor": float(factor), "target": list(self.points.index), "error": errors})
            if len(self.ladders) > 1:
                sides = self.told(factor, max(len(moved) // FEWER, AT_LEAST), judged=False).sides
                lead = lead_of(self.truth(1), truth, better_of(self.ladders[0].base.target))
                assert sides is not None
                row["claimed"] = ((sides != 0) & ((sides == np.sign(lead)) | (lead == 0))).mean(axis=(0, 1))
            rows.append(row)
        return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["factor", "target", "error"])

    def params(self, told: Told) -> pd.DataFrame:
        """How far the estimates of each parameter spread."""
        law, study = self.ladders[0].study.law, self.ladders[0].study
        with np.errstate(all="ignore"):
            low, middle, high = np.nanquantile(
                told.own.theta, [0.5 - self.level / 2, 0.5, 0.5 + self.level / 2], axis=0
            )
        truth = study.theta if study.right else np.full(len(law.param_names), np.nan)
        return pd.DataFrame(
            {"truth": truth, "low": low, "median": middle, "high": high},
            index=pd.Index(law.param_names, name="parameter"),
        )

    def rows(self, told: Told) -> pd.DataFrame:
        """Every simulation at every target."""
        low, high = told.own.ends(self.level)
        count, names = len(low), list(self.points.index)
        columns = {
            "simulation": np.repeat(np.arange(count), len(names)),
            "target": names * count,
            "estimate": told.own.estimates.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "status": np.repeat(told.own.statuses, len(names)),
        }
        if told.other is not None and told.sides is not None:
            columns |= {"against": told.other.estimates.ravel(), "claim": told.sides[0].astype(int).ravel()}
        return pd.DataFrame(columns)


def verdicts_of(told: Told) -> pd.DataFrame:
    """How often each verdict was reached, by family."""
    rows = []
    for family, outcomes in (("A", told.own), ("B", told.other)):
        if outcomes is not None:
            counts = Counter(zip(outcomes.statuses, outcomes.reasons, strict=True)).most_common()
            rows += [(family, status, reason, count / len(outcomes.statuses)) for (status, reason), count in counts]
    return pd.DataFrame(rows, columns=["family", "status", "reason", "share"])


def crossover_of(frame: pd.DataFrame, told: Told) -> float:
    """How often both leads are claimed where one family is ahead at some targets and the other at others."""
    if told.sides is None or not ((frame["lead"] > 0).any() and (frame["lead"] < 0).any()):
        return np.nan
    right = told.sides == np.sign(frame["lead"].to_numpy(float))
    ahead = (frame["lead"] > 0).to_numpy()
    return float((right[..., ahead].any(axis=-1) & right[..., ~ahead].any(axis=-1)).mean())


def _median(values: Array) -> Array:
    """(m,) the middle of S values; one that is not known counts as the largest."""
    middle = np.median(np.where(np.isnan(values), np.inf, values), axis=0)
    return np.where(np.isfinite(middle), middle, np.nan)
