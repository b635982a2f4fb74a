"""Bootstraps of many fits: each by itself, or groups with the same runs from one plan."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from scalefit.errors import FitError
from scalefit.many.calls import DrawPiece, DrawWork
from scalefit.many.engine import Job
from scalefit.many.gathering import gather_fits
from scalefit.many.groups import entropy_of, generator
from scalefit.many.manifest import manifest_of_fits
from scalefit.many.record import ManyFits
from scalefit.many.store import Store, open_store
from scalefit.result import Fit
from scalefit.uncertainty.resamples import BootstrapKind, new_plan, units_for
from scalefit.uncertainty.resampling import Plan


def check_draws(draws: int | None, *, paired: bool) -> None:
    """Whether a number of resamples can be honoured."""
    if draws is None:
        if paired:
            raise FitError("paired=True is about resamples: give bootstrap=1000 as well, or pair later, in .bootstrap.")
        return
    if isinstance(draws, bool) or int(draws) != draws or draws < 2:
        raise FitError(f"bootstrap must be a whole number of resamples, at least 2; got {draws!r}.")


def bootstrap_many(
    fits: ManyFits,
    n: int,
    *,
    kind: BootstrapKind | None,
    paired: bool,
    rng: np.random.Generator | int | None,
    progress: bool,
    path: str | Path | None,
) -> ManyFits:
    """Bootstrap every fit: see :meth:`scalefit.many.record.ManyFits.bootstrap`."""
    check_draws(n, paired=paired)
    settings = {"bootstrap": n, "kind": kind, "paired": paired, "level": fits.level}
    told = {} if path is None else manifest_of_fits(fits, settings)
    with open_store(path, told, fits.names, fits.law, rng) as store:
        entropy = entropy_of(rng) if store is None else store.entropy
        return draw_many(fits, n, kind, paired=paired, entropy=entropy, store=store, progress=progress)


def draw_many(
    fits: ManyFits,
    n: int,
    kind: BootstrapKind | None,
    *,
    paired: bool,
    entropy: Sequence[int],
    store: Store | None,
    progress: bool,
) -> ManyFits:
    """The same fits with draws; groups that failed stay as they are."""
    plans = _shared_plans(fits, n, kind, entropy) if paired else {}

    def load(position: int) -> DrawPiece:
        return DrawPiece(fits.found[position], (entropy, position), plans.get(position))

    work = DrawWork(n, kind, fits.level, as_text=store is not None)
    sizes = [int(size) for size in fits.frame["n_rows"]]
    job = Job(work, load, sizes, (fits.law,), f"{fits.law.name} bootstraps")
    runs = [int(count) for count in fits.frame["n_runs"]]
    kept = {place: dict(fits.frame.iloc[place]) for place in fits.reasons}
    return gather_fits(
        job, fits.names, fits.law, fits.level, single=fits.single, runs=runs.__getitem__, store=store,
        progress=progress, known=kept,
    )  # fmt: skip


def _shared_plans(fits: ManyFits, n: int, kind: BootstrapKind | None, entropy: Sequence[int]) -> dict[int, Plan]:
    """Position -> plan, of groups that share their units with others; drawn for the first of them."""
    alike: dict[tuple[str, frozenset[str]], list[int]] = {}
    for position in range(len(fits.names)):
        if position not in fits.reasons:
            units, names = _units(fits.found[position], kind)
            alike.setdefault((units, names), []).append(position)
    plans: dict[int, Plan] = {}
    for positions in alike.values():
        if len(positions) > 1:
            first = fits.found[positions[0]]
            with suppress(FitError):  # too few rows to resample: each group says so when it is its turn
                plan = new_plan(first, n, kind, units_for(first, kind), None, 0.8, generator(entropy, positions[0]))
                plans.update(dict.fromkeys(positions, plan))
    return plans


def _units(fit: Fit, kind: BootstrapKind | None) -> tuple[str, frozenset[str]]:
    return units_for(fit, kind).kind, frozenset(fit.unit_names)
