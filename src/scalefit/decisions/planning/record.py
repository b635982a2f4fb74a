"""RunPlan: the runs to train next, what they cost, and how sure the answer would be after each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scalefit.decisions.planning.target import Target
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scalefit.decisions.planning.request import Request


@dataclass(frozen=True, eq=False, repr=False)
class RunPlan(Answer):
    """Which runs to train next. Made by :func:`scalefit.plan_runs`; never changed.

    Attributes
    ----------
    frame : DataFrame
        The runs to train, best value first, under the index of the candidates: ``rank``, the candidate's columns,
        ``run_cost``, ``total_cost`` up to it, and ``half_width``, that of the target once it is trained. A candidate to
        be trained with several seeds stands there once for each.
    candidates : DataFrame
        Every candidate that is left, with ``run_cost`` and ``half_width`` after it alone.
    forecast : DataFrame
        What is known of the target now: its rows with ``estimate, low, high``. Of a difference these are shares: 0.02
        is 2 % above. Of a crossover an end beyond the reach is 0 or infinite, and ``inside`` is the share of draws that
        cross inside.
    half_width, limit : float
        Half the width of the interval of the target now, and if every candidate were trained whatever it costs. Both as
        a share (on the log scale), the root mean square over the rows of the target. Of a crossover whose interval
        reaches beyond where it is looked for, they are of the difference in loss where the families may cross.
    laws : DataFrame, by law: ``weight``, and ``noise``, the scatter of runs about it on the log scale.
    target : Target
    budget : float, what may be spent, in the unit of the costs.
    level : float in (0, 1), of the intervals.
    n_runs : int, how many runs were known.
    cost : str, what a run costs, in words.
    helps : bool, whether any candidate would make the target clearly more certain.
    doubts, notes : tuple of str, what speaks against relying on it, and where the numbers come from.
    request : what was asked, for :meth:`update`.
    """

    frame: pd.DataFrame
    candidates: pd.DataFrame
    forecast: pd.DataFrame
    half_width: float
    limit: float
    laws: pd.DataFrame
    target: Target
    budget: float
    level: float
    n_runs: int
    cost: str
    helps: bool
    doubts: tuple[str, ...]
    notes: tuple[str, ...]
    request: Request

    @property
    def half_width_after(self) -> float:
        """Half the width of the interval once all planned runs are trained."""
        return float(self.frame["half_width"].iloc[-1]) if len(self.frame) else self.half_width

    @property
    def target_known(self) -> bool:
        """Whether the interval of the target has two ends: that of a crossing may lie beyond the reach."""
        ends = self.forecast[["low", "high"]].to_numpy(float)
        return self.target.kind != "crossover" or bool(np.isfinite(ends).all() and (ends > 0).all())

    @property
    def spent(self) -> float:
        """What the planned runs cost together."""
        return float(self.frame["run_cost"].sum())

    def update(self, new_runs: Any, *, budget: float | None = None) -> RunPlan:
        """The plan once some runs are trained: what is left of the budget, in the light of their outcomes.

        Parameters
        ----------
        new_runs : table with the columns of the runs. Candidates with the same inputs count as trained.
        budget : what may still be spent; None is what the new runs left.

        Returns
        -------
        RunPlan

        Raises
        ------
        DataError
            If a row is among the runs already, with the same inputs and outcome: usually a table passed twice.

        Examples
        --------
        >>> import scalefit as sf
        >>> law, truth = sf.get_law("power_offset"), {"A": 40.0, "alpha": 0.3, "E": 1.7}
        >>> sizes = sf.grid(params=[1e6, 3e6, 1e7, 3e7, 1e8])
        >>> runs = sf.simulate_runs(law, truth, sizes[:3], noise=0.003, columns={"x": "params"}, rng=0)
        >>> plan = sf.plan_runs(runs, law, sizes[3:], budget=1.1e8, target=sf.grid(params=[1e9]),
        ...                  columns={"x": "params"}, cost="params", rng=0)
        >>> new = sf.simulate_runs(law, truth, plan.frame[["params"]], noise=0.003, columns={"x": "params"}, rng=1)
        >>> bool(plan.update(new).half_width < plan.half_width)
        True
        """
        from scalefit.decisions.planning.plan import update_plan

        return update_plan(self, new_runs, budget)

    def said(self) -> Said:
        """The plan in words."""
        from scalefit.decisions.planning.words import say_plan

        return say_plan(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """How sure the answer is after each run, over what has been spent: see :func:`scalefit.plot_run_plan`."""
        from scalefit.plots.plans import plot_run_plan

        return plot_run_plan(self, ax=ax)


def law_table(names: list[str], weights: Any, noise: list[float]) -> pd.DataFrame:
    """The laws of a plan."""
    data: Mapping[str, Any] = {"weight": weights, "noise": noise}
    return pd.DataFrame(data, index=pd.Index(names, name="law"))
