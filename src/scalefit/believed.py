"""How sure a fit is: draws, intervals, resamples. The half of Fit that knows of numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.provenance import seed_of
from scalefit.uncertainty import draws as drawing
from scalefit.uncertainty.intervals import IntervalKind, interval_of, summary_frame
from scalefit.uncertainty.jackknife import Jackknife, jackknife_of
from scalefit.uncertainty.lack_of_fit import LackOfFit, lack_of_fit
from scalefit.uncertainty.record import FitRecord
from scalefit.uncertainty.resamples import BootstrapKind, bootstrap_draws
from scalefit.uncertainty.resampling import Plan

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Believed(FitRecord):
    """A fit and how firmly it is believed."""

    @cached_property
    def draws_theta(self) -> Array:
        """(draws, p): refits, or draws of the covariance where there are none."""
        if self.draws is not None:
            return self.draws.to_numpy(float)
        return drawing.normal_draws(self.coordinates, self.u, self.coordinate_covariance, self.seed)

    @cached_property
    def missed(self) -> LackOfFit:
        """Whether the law misses something, tested at first use: see :func:`scalefit.lack_of_fit`."""
        return lack_of_fit(self)

    @cached_property
    def seed(self) -> int:
        """A seed made of data and answer, for calls that need random numbers and are given none."""
        return seed_of(self.provenance, self.law, self.u, self.target)

    def summary(self, level: float = 0.9, *, kind: IntervalKind = "percentile") -> pd.DataFrame:
        """Estimates with standard errors and intervals.

        Parameters
        ----------
        level : float in (0, 1). How often intervals made in this way hold the true value.
        kind : see :meth:`interval`.

        Returns
        -------
        DataFrame
            Indexed by parameter: ``estimate, se, low, high, unit, at_bound``. Standard errors are the spread of the
            draws after a bootstrap, else from the covariance.

        Raises
        ------
        FitError
            As :meth:`interval`.
        """
        return summary_frame(self, level, kind, self.judgement.at_bound)

    def interval(self, level: float = 0.9, *, kind: IntervalKind = "percentile") -> tuple[Array, Array]:
        """Low and high end of each parameter's interval, in the order of the law.

        Parameters
        ----------
        level : float in (0, 1).
        kind : {"percentile", "basic", "bca", "studentized"}
            The central share of the draws; the same mirrored at the estimate; corrected for bias and skew (Efron 1987);
            or draws in units of their own standard errors (Hall 1988), which holds best with few runs and takes about
            as long as the bootstrap again. All but the first need :meth:`bootstrap`.

        Returns
        -------
        tuple of two arrays (p,)
            The low ends and the high ends, in raw units.

        Raises
        ------
        FitError
            If the level lies outside (0, 1), or the kind is not known or needs draws that the fit does not have.
        """
        return interval_of(self, level, kind)

    def bootstrap(
        self,
        n: int = 1000,
        *,
        kind: BootstrapKind | None = None,
        strata: str | Sequence[object] | None = None,
        share: float = 0.8,
        scaled: bool = True,
        rng: np.random.Generator | int | None = None,
        progress: bool = False,
        plan: Plan | None = None,
    ) -> Self:
        """Refit resampled data; the Fit returned carries the draws.

        Parameters
        ----------
        n : number of resamples, at least 2.
        kind : what is drawn. None: rows where each is a run of its own (``"pairs"``), whole runs where ``run`` repeats
            (``"runs"``), moving blocks along each run where there are fewer than six (``"blocks"``).

            ``"strata"``: rows or whole runs within each size, so that every resample keeps all sizes. ``"subsample"``:
            ``share`` of them without replacement, as Hoffmann et al. 2022 did.

            The others keep every point and redraw its value. ``"seeds"``: repeated runs of one setting among
            themselves. ``"residual"``: residuals from any row. ``"wild"``: each row's own, with a random sign
            (Rademacher's, which leaves the median of the noise at zero as robust objectives need), by whole runs where
            ``run`` repeats. ``"parametric"``: noise from Student's t fitted to the residuals.
        strata : for ``"strata"``: a column of ``fit.data`` or a value per row; None: the first input of few values.
        share : for ``"subsample"``, in (0, 1).
        scaled : for ``"subsample"``: whether draws are moved away from the estimate by ``sqrt(m / (n - m))``, so that m
            of n runs give the spread of n (Politis & Romano 1994). False is what was published: half as wide at 0.8.
        rng : Generator, seed or None. All draws are made before the work starts.
        progress : whether to show a bar.
        plan : the plan of another fit to the same runs, so that the draws of both may be combined one by one.

        Returns
        -------
        Fit
            With ``draws`` and ``n_failed``. Resamples that cannot fix the law, such as of one size, are drawn again
            before the work starts; ``plan.redrawn`` counts them.

        Raises
        ------
        FitError
            If the data do not have what the kind draws: repeated runs, a column of few values, enough rows.

        Warns
        -----
        FitWarning
            If more than 2 % of the resamples reached no minimum, more than 10 % had to be drawn again, or blocks stand
            in for runs.

        Examples
        --------
        >>> import scalefit as sf
        >>> runs = sf.datasets.load("microlm").groupby("run").last()
        >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(100, rng=0)
        >>> fit.draws.shape, fit.n_failed
        ((100, 5), 0)
        """
        draws, n_failed, plan, drawn = bootstrap_draws(
            self, n, kind=kind, strata=strata, share=share, scaled=scaled, rng=rng, progress=progress, plan=plan
        )
        return replace(self, draws=draws, n_failed=n_failed, plan=plan, drawn=drawn)

    def jackknife(self) -> Jackknife:
        """Leave out each run in turn: what each does to the estimates, and standard errors without random numbers.

        Units are those of :meth:`bootstrap`: rows, whole runs, or blocks along few runs. Standard errors of a jackknife
        are not to be trusted for objectives close to the median, such as Huber's with a small delta.

        Returns
        -------
        Jackknife
            ``frame`` (one row a unit, the most influential first), ``se`` and ``bias``.

        Raises
        ------
        FitError
            If no refit reached a minimum: usually there are as many parameters as runs.

        Examples
        --------
        >>> import scalefit as sf
        >>> runs = sf.datasets.load("microlm").groupby("run").last()
        >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla", objective=sf.Square())
        >>> fit.jackknife().se.index.tolist()
        ['E', 'A', 'alpha', 'B', 'beta']
        """
        return jackknife_of(self)
