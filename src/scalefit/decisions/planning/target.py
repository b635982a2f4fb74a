"""What the next runs shall make certain: a loss, the best size of a budget, a difference, or a crossover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from scalefit.errors import FitError
from scalefit.runs.frame import as_frame
from scalefit.wording.digits import si

Kind = Literal["loss", "best_size", "difference", "crossover"]


@dataclass(frozen=True, eq=False)
class Target:
    """What :func:`scalefit.plan_runs` shall make certain. Made by one of its four constructors.

    Attributes
    ----------
    kind : {"loss", "best_size", "difference", "crossover"}
    at : DataFrame or None, the points of a loss or a difference.
    by : str, the column of the families that are compared; empty where there are none.
    between : the two families that are compared; None where the runs hold just two.
    flops : the budget of a best size.
    along, reach, held : the quantity along which two families cross, from where to where it is looked for, and the
        value of every other input.

    Examples
    --------
    >>> import scalefit as sf
    >>> Target.loss(at=sf.grid(params=[7e10], tokens=[1.4e12])).text
    'the loss at 1 point'
    >>> Target.best_size(flops=1e24).text
    'the best size for 1e24 FLOP'
    """

    kind: Kind
    at: pd.DataFrame | None = None
    by: str = ""
    between: tuple[str, str] | None = None
    flops: float = float("nan")
    along: str = ""
    reach: tuple[float, float] = (float("nan"), float("nan"))
    held: Mapping[str, float] | None = None

    @classmethod
    def loss(cls, at: Any, *, by: str = "") -> Target:
        """The loss at some points, such as one big run: each counts alike.

        Parameters
        ----------
        at : table of points with the inputs of the laws, such as ``sf.grid(params=[7e10], tokens=[1.4e12])``.
        by : column of families with parameters of their own; points without it are asked of every family.
        """
        return cls("loss", as_frame(at, what="the target"), by)

    @classmethod
    def best_size(cls, flops: float, *, by: str = "") -> Target:
        """The size of least loss among those that ``6 * params * tokens`` lets a budget train.

        Parameters
        ----------
        flops : float, above zero.
        by : column of families with parameters of their own; the best size of each counts alike.

        Raises
        ------
        FitError
            If the budget is not above zero.
        """
        if not (np.isfinite(flops) and flops > 0):
            raise FitError(f"Target.best_size needs a budget above 0 FLOP; got {flops!r}.")
        return cls("best_size", by=by, flops=float(flops))

    @classmethod
    def difference(cls, by: str, at: Any, *, between: tuple[str, str] | None = None) -> Target:
        """By how much the loss of one family lies above that of another at some points.

        Parameters
        ----------
        by : column of the families.
        at : table of points with the inputs of the laws.
        between : the two families; None where the runs hold just two.
        """
        return cls("difference", as_frame(at, what="the target").drop(columns=by, errors="ignore"), by, between)

    @classmethod
    def crossover(
        cls,
        by: str,
        along: str,
        reach: tuple[float, float],
        *,
        held: Mapping[str, float] | None = None,
        between: tuple[str, str] | None = None,
    ) -> Target:
        """Where one family overtakes another along a quantity.

        Parameters
        ----------
        by : column of the families.
        along : an input of the laws, or ``"flops"``: then params and tokens grow in the ratio that is held.
        reach : from where to where it is looked for. While one in twenty draws or more (at ``level=0.9``) cross beyond
            it on a side, the crossing is not known, and the plan narrows the difference in loss where it may lie.
        held : input -> value of all others; with ``along="flops"`` of ``tokens_per_param``, 20 unless told.
        between : the two families; None where the runs hold just two.

        Raises
        ------
        FitError
            If the reach is not two numbers above zero, the lower first.
        """
        low, high = (float(end) for end in reach)
        if not 0 < low < high:
            raise FitError(f"Target.crossover needs reach=(low, high) with 0 < low < high; got {reach!r}.")
        return cls("crossover", by=by, between=between, along=along, reach=(low, high), held=dict(held or {}))

    @property
    def text(self) -> str:
        """The target in words."""
        count = 0 if self.at is None else len(self.at)
        points = f"{count} point{'s' if count != 1 else ''}"
        if self.kind == "loss":
            return f"the loss at {points}"
        if self.kind == "best_size":
            return f"the best size for {si(self.flops)} FLOP"
        pair = " and ".join(str(one) for one in self.between) if self.between else f"the values of {self.by}"
        if self.kind == "difference":
            return f"the difference between {pair} at {points}"
        return f"where {pair} cross along {self.along}"


def as_target(target: Any, by: str | None) -> Target:
    """A target from a table of points, or as it is; ``by`` is added where it has none.

    Raises
    ------
    FitError
        If two columns of families are named.
    """
    if not isinstance(target, Target):
        return Target.loss(target, by=by or "")
    if by and target.by and by != target.by:
        raise FitError(f"The target compares by {target.by!r}, and by={by!r} names another column: leave one out.")
    if by and not target.by:
        return Target(target.kind, target.at, by, target.between, target.flops, target.along, target.reach, target.held)
    return target
