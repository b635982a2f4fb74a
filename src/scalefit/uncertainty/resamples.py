"""From a kind of bootstrap to its plan, and from a plan to refits."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import FitError, FitWarning, not_one_of
from scalefit.fitting.problem import Array
from scalefit.uncertainty.bootstrap import Refits, refit
from scalefit.uncertainty.draws import check_spare, prior_centres, warn_of_failures
from scalefit.uncertainty.enough import identified_by
from scalefit.uncertainty.fitted import Fitted
from scalefit.uncertainty.resampling import Counts, Plan, draw_identified, strata_counts, subsample_counts, unit_counts
from scalefit.uncertainty.scatter import Scatter, ScatterKind, draw_scatter_plan, row_level_names, scatter_of
from scalefit.uncertainty.strata import strata_of
from scalefit.uncertainty.units import DrawnKind, Units, row_names, step_order

BootstrapKind = Literal["pairs", "runs", "blocks", "strata", "subsample", "seeds", "residual", "wild", "parametric"]
KINDS: tuple[BootstrapKind, ...] = get_args(BootstrapKind)
SCATTERS: tuple[ScatterKind, ...] = get_args(ScatterKind)
#: Share of resamples drawn again above which a warning is given.
MANY_REDRAWN = 0.1


@dataclass(frozen=True, eq=False)
class Resamples:
    """Resamples of a fit, as the fitter takes them.

    Parameters
    ----------
    plan : what was drawn.
    drawn : of what.
    units : what is independent of what.
    places : (n,) the column of the plan that each row belongs to.
    weights : (n,) how often each row counts.
    scatter : what values are redrawn from; None where units are drawn.
    """

    plan: Plan
    drawn: DrawnKind
    units: Units
    places: NDArray[np.intp]
    weights: Array
    scatter: Scatter | None = None

    def row_weights(self, draws: slice) -> Array:
        """Weights (draws, n) of the rows in some of the draws."""
        if self.scatter is not None:
            count = len(range(*draws.indices(self.plan.draws)))
            return np.broadcast_to(self.weights, (count, len(self.weights)))
        counts = self.plan.row_counts(self.places, draws)
        # Rows, alone or within strata, were drawn as often as they count.
        counted = self.units.kind == "rows" and self.drawn in ("rows", "strata")
        return counts if counted else counts * self.weights

    def shifts(self, draws: slice) -> Array:
        """What is added to the residuals (draws, n) of some of the draws."""
        assert self.scatter is not None
        return self.scatter.shifts(self.plan, self.places, draws)

    @property
    def kept(self) -> tuple[int, int]:
        """How many pieces a subsample keeps, and of how many."""
        row = self.plan.counts[0][self.places] > 0
        pieces = self.units.pieces
        return len(np.unique(pieces[row])), len(np.unique(pieces))


def bootstrap_draws(
    fit: Fitted,
    n: int,
    *,
    kind: BootstrapKind | None,
    strata: str | Sequence[object] | None,
    share: float,
    scaled: bool,
    rng: np.random.Generator | int | None,
    progress: bool,
    plan: Plan | None,
) -> tuple[pd.DataFrame, int, Plan, DrawnKind]:
    """The draws of a bootstrap, how many resamples failed, the plan, and what was drawn."""
    check_spare(fit.problem, fit.coordinates, fit.weights, fit.law.name)
    if plan is not None and kind is None and plan.kind != "counts":
        kind = plan.kind
    units = units_for(fit, kind)
    if strata is not None and kind != "strata":
        raise FitError("strata= is for kind='strata'; other kinds draw from all rows alike.")
    if plan is None:
        plan = new_plan(fit, n, kind, units, strata, share, np.random.default_rng(rng))
    resamples = resamples_of(fit, plan, kind, units)
    refits = refit_all(fit, resamples, progress=progress)
    theta = refits.theta
    if resamples.drawn == "subsample" and scaled:
        kept, of = resamples.kept
        with np.errstate(all="ignore"):
            moved = fit.u + np.sqrt(kept / (of - kept)) * (refits.u - fit.u)
            theta = fit.coordinates.to_params(np.clip(moved, fit.coordinates.lower, fit.coordinates.upper))[0]
    failed = int(refits.failed.sum())
    warn_of_failures(failed, plan.draws, fit.law.name)
    good = np.flatnonzero(~refits.failed)
    frame = pd.DataFrame(theta[good], columns=list(fit.law.param_names), index=pd.Index(good, name="draw"))
    return frame, failed, plan, resamples.drawn


def units_for(fit: Fitted, kind: str | None) -> Units:
    """What a kind of bootstrap takes as independent; None leaves the units of the fit."""
    if kind is not None and kind not in KINDS:
        raise FitError(not_one_of("kind", kind, KINDS))
    units = fit.units
    if kind == "pairs":
        return units if units.kind == "rows" else Units("rows", np.arange(fit.problem.n))
    if units.kind == "rows":
        if kind in ("runs", "blocks"):
            raise FitError(f"kind={kind!r} needs a column 'run' whose names repeat; each row is a run of its own here.")
        return units
    if kind == "blocks" and units.kind != "blocks":
        raise FitError("kind='blocks' is for fewer than six runs; with six or more, whole runs are drawn.")
    if kind == "strata" and units.kind == "blocks":
        raise FitError("kind='strata' draws whole runs within strata, and there are fewer than six runs: use 'blocks'.")
    if kind == "parametric":
        raise FitError(
            "kind='parametric' draws the noise of each row by itself, and rows of one run are not independent: use "
            "kind='runs' (or 'blocks' below six runs), or 'wild', which keeps a run's residuals together."
        )
    if kind == "runs":
        return Units("runs", units.labels)
    if kind == "seeds" or (kind in ("residual", "wild") and units.kind == "runs"):
        return Units("runs", units.labels, 1, step_order(fit.data, units.labels))
    return units


def new_plan(
    fit: Fitted,
    n: int,
    kind: BootstrapKind | None,
    units: Units,
    strata: str | Sequence[object] | None,
    share: float,
    rng: np.random.Generator,
) -> Plan:
    """A plan of n draws; warns where blocks stand in for runs, and where many resamples had to be drawn again."""
    if isinstance(n, bool) or int(n) != n or n < 2:
        raise FitError(f"bootstrap needs a whole number of resamples, at least 2; got {n!r}.")
    if units.kind == "blocks":
        warnings.warn(
            f"Only {int(units.labels.max()) + 1} run(s): blocks of {units.block} rows along each are resampled, so the "
            "scatter from run to run is not in the intervals.",
            FitWarning,
            stacklevel=4,
        )
    if kind in SCATTERS:
        return draw_scatter_plan(fit, kind, units, int(n), rng)
    names, places = names_for(fit, units)
    draw = _counts_for(fit, kind, units, strata, share, rng)
    plan = draw_identified(draw, int(n), identified_by(fit, places), names, fit.provenance["data_hash"])
    if plan.redrawn > MANY_REDRAWN * n and kind != "strata":
        warnings.warn(
            f"{fit.law.name}: {plan.redrawn} resamples held too few distinct points or sizes to fix its "
            f"{fit.coordinates.q} parameters and were drawn again, beside the {n} kept: so few {units.kind} are better "
            "served by kind='strata', which keeps every size, or by 'residual', which keeps every point.",
            FitWarning,
            stacklevel=4,
        )
    return plan


def _counts_for(
    fit: Fitted,
    kind: str | None,
    units: Units,
    strata: str | Sequence[object] | None,
    share: float,
    rng: np.random.Generator,
) -> Callable[[int], Counts]:
    if kind == "strata":
        weights = fit.weights if units.kind == "rows" else np.ones(units.count)
        return strata_counts(strata_of(fit, units, strata), weights, rng)
    if kind != "subsample":
        return unit_counts(units, fit.weights, rng)
    if not 0 < share < 1:
        raise FitError(f"share must lie between 0 and 1, the part of the {units.kind} that is kept; got {share!r}.")
    columns = units.pieces if units.kind == "blocks" else np.arange(units.count)
    count = int(columns.max()) + 1
    kept = min(max(round(share * count), 1), count - 1)
    if units.kind == "rows" and fit.problem.prior is None and kept <= fit.coordinates.q:
        raise FitError(
            f"share={share:g} of {count} rows keeps {kept}, through which {fit.law.name} with {fit.coordinates.q} free "
            f"parameters goes exactly: take a larger share, or kind='residual'."
        )
    return subsample_counts(columns, kept, rng)


def names_for(fit: Fitted, units: Units) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Names of the columns of a plan of counts, and the column (n,) of each row."""
    if units.kind == "blocks":
        return fit.unit_names, np.arange(fit.problem.n)
    if units.kind == "rows":
        rows = fit.unit_names if fit.units.kind == "rows" else row_names(list(fit.data.index), fit.problem.inputs)
        return rows, units.labels
    return tuple(dict.fromkeys(name.split("\x1f")[0] for name in fit.unit_names)), units.labels


def resamples_of(fit: Fitted, plan: Plan, kind: str | None, units: Units) -> Resamples:
    """The resamples of a plan.

    Raises
    ------
    FitError
        If the plan is of another kind, or was drawn for other runs.
    """
    scattered = next((scatter for scatter in SCATTERS if scatter == kind), None)
    if plan.kind != (scattered or "counts"):
        raise FitError(f"The plan is one of {plan.kind}; leave kind out to use it, or draw a plan of kind={kind!r}.")
    if scattered is not None:
        places = plan.places_of(row_level_names(fit, units))
        return Resamples(plan, scattered, units, places, fit.weights, scatter_of(fit, scattered, units))
    names, columns = names_for(fit, units)
    drawn: DrawnKind = "strata" if kind == "strata" else "subsample" if kind == "subsample" else units.kind
    return Resamples(plan, drawn, units, plan.places_of(names)[columns], fit.weights)


def resamples_behind(fit: Fitted) -> Resamples:
    """The resamples of which the draws of a fit come."""
    if fit.plan is None or fit.drawn is None:
        raise FitError("This interval needs draws: call fit.bootstrap(1000) first.")
    kind = "pairs" if fit.drawn == "rows" else fit.drawn
    return resamples_of(fit, fit.plan, kind, units_for(fit, kind))


def refit_all(fit: Fitted, resamples: Resamples, *, progress: bool = False) -> Refits:
    """Refit every resample of a plan."""
    problem, coordinates, draws = fit.problem, fit.coordinates, resamples.plan.draws
    shifts = None if resamples.scatter is None else resamples.shifts
    centres = prior_centres(problem, resamples.plan)

    def run(tick: Callable[[int], None] | None) -> Refits:
        return refit(
            problem, coordinates, fit.basins, resamples.row_weights, draws, tick=tick, centres=centres, shifts=shifts
        )

    if not progress:
        return run(None)
    from tqdm.auto import tqdm

    with tqdm(total=draws, desc="bootstrap", unit="fit") as bar:

        def tick(ended: int) -> None:
            bar.update(ended)

        return run(tick)
