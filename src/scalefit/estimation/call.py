"""What a fit is asked: the arguments that it shares with the fits of other tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scalefit.fitting.starts import Starts
from scalefit.law import Law
from scalefit.objectives import Objective

if TYPE_CHECKING:
    import lmfit

StartsLike = Starts | Mapping[str, float] | Sequence[Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class FitCall:
    """The arguments of :func:`scalefit.fit` besides the runs and their schedules."""

    law: Law
    target: str | None = None
    columns: Mapping[str, str] | None = None
    along: str | None = None
    objective: Objective | None = None
    weights: str | Sequence[float] | None = None
    fixed: Mapping[str, float] | None = None
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None
    tie: Mapping[str, str] | None = None
    prior: Mapping[str, tuple[float, float]] | None = None
    params: lmfit.Parameters | None = None
    starts: StartsLike | None = None
