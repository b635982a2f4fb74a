"""What a report is about: a fit, its runs as a table, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.allocation.setting import Setting, find_setting
from scalefit.decisions.larger import larger_run, rounded
from scalefit.decisions.single_doubts import doubts_of_fit
from scalefit.errors import FitError, ScalefitError, listing
from scalefit.quantities import label_of
from scalefit.reports.content import reservations
from scalefit.result import Fit
from scalefit.runs.frame import as_frame

#: How many times larger a run is forecast, where nothing is asked.
LARGER = 10.0
#: Budgets of the allocation, as multiples of the largest run, where nothing is asked.
BUDGETS = (1.0, 10.0, 100.0)
#: Columns by which families are told apart, where nothing is said.
FAMILY = "family"
#: Families of a pooled fit that are named one by one.
MOST_NAMED = 6


@dataclass(frozen=True, eq=False)
class Subject:
    """A fit and the questions of its report.

    Parameters
    ----------
    fit : Fit
    runs : table of the families to compare; None: the rows fitted.
    by : column that names families; None: ``family``.
    at : points to forecast; None: a run ten times larger.
    flops : budgets; None: once, ten and a hundred times the largest run.
    draws : resamples of what is fitted anew.
    answers : of the checklist.
    seed : for all random numbers.
    commands : whether what to type is said as options of the command line.
    """

    fit: Fit
    runs: Any
    by: str | None
    at: Any
    flops: float | Sequence[float] | None
    draws: int
    answers: Mapping[str, str]
    seed: int
    commands: bool = False

    @cached_property
    def fitted(self) -> pd.DataFrame:
        """The rows fitted, with the names that the columns had in the user's table."""
        data = self.fit.data
        renamed = {
            name: column
            for name, column in self.fit.columns.items()
            if name in data.columns and column not in data.columns
        }
        return data.rename(columns=renamed)

    @property
    def columns(self) -> dict[str, str]:
        """The columns of :attr:`fitted` that hold what has another name in the law."""
        there = set(self.fitted.columns)
        return {name: column for name, column in self.fit.columns.items() if column in there}

    @property
    def call(self) -> dict[str, Any]:
        """How the fit was made, for those who make another like it."""
        said = self.fit.constraints
        return {
            "target": self.fit.target,
            "columns": self.columns,
            "objective": self.fit.problem.objective,
            "fixed": dict(said.fixed),
            "bounds": dict(said.bounds),
            "tie": dict(said.tie),
        }

    @property
    def along(self) -> str:
        """What orders the runs in the back-test: compute where it is known, steps of curves, else the first input."""
        law = self.fit.law
        if "flops" in self.fitted or {"params", "tokens"} <= set(law.inputs):
            return "flops"
        return "step" if law.derive is not None else self.columns.get(law.inputs[0], law.inputs[0])

    @property
    def seen(self) -> str:
        """The column of what was seen."""
        return self.fit.columns.get(self.fit.target, self.fit.target)

    def label(self, name: str) -> str:
        """An input or what was seen, with its unit."""
        return label_of(self.fit.columns.get(name, name))

    @cached_property
    def family_table(self) -> tuple[pd.DataFrame, str]:
        """The table that holds several families, and the column that names them.

        Raises
        ------
        FitError
            If there are not several.
        """
        table = self.fitted if self.runs is None else as_frame(self.runs)
        by = self.by or FAMILY
        if by not in table.columns:
            how = "add --by COLUMN" if self.commands else "pass runs= and by="
            raise FitError(f"The runs have no column {by!r} that names families: {how} to compare them.")
        if table[by].nunique() < 2:
            what = "the rows fitted are" if self.runs is None else "the runs are"
            how = "give a table with" if self.commands else "pass runs= with"
            raise FitError(f"By the column {by!r} {what} of one family: {how} those to compare it with.")
        return table, by

    @cached_property
    def families(self) -> pd.Series | None:
        """The family of each row fitted, where the fit or :attr:`runs` name it."""
        data, by = self.fit.data, self.by or FAMILY
        if by in data.columns or self.runs is None:
            return data.get(by, data.get(FAMILY))
        table = as_frame(self.runs)
        there = {by, self.seen} <= set(table.columns) and table.index.is_unique and data.index.isin(table.index).all()
        # Labels 0, 1, 2, ... fit any table: it holds the rows fitted only where it holds what was seen of them.
        if there and np.array_equal(table.loc[data.index, self.seen].to_numpy(), data[self.seen].to_numpy()):
            families: pd.Series = table.loc[data.index, by]
            return families
        return data.get(FAMILY)

    @property
    def pooled(self) -> str:
        """That one law was fitted to several families, in words; nothing where it was not."""
        counts = None if self.families is None else self.families.astype(str).value_counts(sort=False)
        if counts is None or len(counts) < 2:
            return ""
        shown = f", {listing([f'{name} ({n})' for name, n in counts.items()])}" if len(counts) <= MOST_NAMED else ""
        return f"one law for {len(counts)} families together{shown}"

    @property
    def doubts(self) -> tuple[str, ...]:
        """What speaks against relying on the fit although it converged, as its answers say too."""
        against = reservations(self.fit)
        if not self.fit.converged or self.fit.law.derive is not None:
            return against
        apart = any("families are fitted as one" in said for said in against)
        more = [said for said in doubts_of_fit(self.fit) if not (apart and "fitted as if they were one" in said)]
        return (*against, *more)

    @cached_property
    def others(self) -> dict[str, float]:
        """Inputs of a law of size and tokens other than these, at the median of the rows fitted."""
        given = dict(zip(self.fit.law.inputs, self.fit.problem.inputs, strict=True))
        plane = {"tokens", "flops", "tokens_per_param"}
        return {
            name: float(np.median(x))
            for name, x in given.items()
            if name not in plane and not name.startswith("params") and x.ndim == 1
        }

    @cached_property
    def setting(self) -> Setting:
        """The fit as a law of size and tokens.

        Raises
        ------
        FitError
            If it is none.
        """
        return find_setting(self.fit, cost=None, at=self.others, level=0.9)

    @property
    def of_size_and_tokens(self) -> bool:
        """Whether it is one."""
        try:
            return self.setting is not None
        except ScalefitError:
            return False

    @property
    def budgets(self) -> list[float]:
        """The budgets of the allocation."""
        if self.flops is not None:
            return [float(one) for one in np.atleast_1d(np.asarray(self.flops, float))]
        largest = float(self.setting.seen_cost.max())
        return [rounded(times * largest) for times in BUDGETS]

    @property
    def points(self) -> pd.DataFrame:
        """The points of the forecast: those asked for, else one run ten times larger.

        Ten times the compute of the largest run at its tokens per parameter; else ten times the largest first input.
        Other inputs stand at their median.
        """
        if self.at is not None:
            return as_frame(self.at, what="the table to forecast")
        law, inputs = self.fit.law, self.fit.problem.inputs
        if self.of_size_and_tokens and "tokens" in law.inputs:
            (params, tokens), cost = self.setting.seen, self.setting.seen_cost
            size, data = larger_run(params, tokens, cost, times=LARGER)
            held = {name: rounded(value) for name, value in self.others.items()}
            return self._named({**held, self.setting.plane.size: size, "tokens": data})
        if law.derive is not None:
            raise FitError(f"{law.name} follows from schedules: sf.forecast_curves forecasts a run from its schedule.")
        told = {name: float(np.median(x)) for name, x in zip(law.inputs, inputs, strict=True)}
        told[law.inputs[0]] = LARGER * float(inputs[0].max())
        return self._named({name: rounded(value) for name, value in told.items()})

    def _named(self, values: Mapping[str, float]) -> pd.DataFrame:
        return pd.DataFrame({self.columns.get(name, name): [value] for name, value in values.items()})
