"""ManyFits and GroupAnswers: what came of many groups, by group and as one table."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from scalefit.errors import listing
from scalefit.law import Law
from scalefit.many.answers import as_table
from scalefit.many.groups import keys_of
from scalefit.many.words import say_answers, say_fits
from scalefit.result import Fit
from scalefit.uncertainty.resamples import BootstrapKind
from scalefit.wording.said import Answer, Said

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")


@dataclass(frozen=True, eq=False, repr=False)
class _Grouped(Mapping[Hashable, T], Answer):
    """A mapping of groups to what was found for each; groups that failed are in ``failed`` with their reason."""

    found: Mapping[int, T]
    names: pd.DataFrame
    reasons: Mapping[int, str]
    single: bool

    @cached_property
    def _places(self) -> dict[Hashable, int]:
        return {key: place for place, key in enumerate(keys_of(self.names, single=self.single))}

    def __getitem__(self, group: Hashable) -> T:
        place = self._places.get(group)
        if place is None:
            raise KeyError(_no_group(group, list(self._places)))
        if place in self.reasons:
            raise KeyError(f"{group!r} failed: {self.reasons[place]}")
        return self.found[place]

    def __iter__(self) -> Iterator[Hashable]:
        return (group for group, place in self._places.items() if place not in self.reasons)

    def __len__(self) -> int:
        return len(self.names) - len(self.reasons)

    @property
    def by(self) -> tuple[str, ...]:
        """The columns that name the groups."""
        return tuple(self.names.columns)

    @property
    def failed(self) -> pd.DataFrame:
        """The groups that failed, with the ``reason``."""
        places = sorted(self.reasons)
        return self.names.iloc[places].assign(reason=[self.reasons[place] for place in places]).reset_index(drop=True)


@dataclass(frozen=True, eq=False, repr=False)
class ManyFits(_Grouped[Fit]):
    """One law fitted to each of many groups: a mapping of group to Fit, made by :func:`scalefit.fit_many`.

    Groups that failed are not in the mapping; ``failed`` names them with their reasons.

    Attributes
    ----------
    frame : DataFrame
        One row a group, in the order in which they first appear: the columns of ``by``; ``status`` (converged, not
        identified, not converged, failed), ``n_runs, n_rows, objective, rms, n_draws, n_failed``; of each parameter
        ``E, E_se, E_low, E_high``; ``reason`` (what the verdict says, why the group failed or has no draws), ``notes``
        (what printing the single fit says besides: rows far off, few to spare) and ``warnings``.
    failed : DataFrame
        The groups that could not be fitted, with the ``reason``.
    law : Law
    by : tuple of str
        The columns that name the groups.
    level : float
        Of the intervals in ``frame``.
    found, names, reasons : place of a group to what was found, the groups in order, place to why it failed.
    single : bool, whether groups are named by one value, not a tuple.
    """

    frame: pd.DataFrame
    law: Law
    level: float

    def said(self) -> Said:
        """How many groups converged, what is wrong with the others, and where the parameters lie."""
        return say_fits(self.frame, self.names, self.law, self.level)

    def bootstrap(
        self,
        n: int = 1000,
        *,
        kind: BootstrapKind | None = None,
        paired: bool = False,
        rng: np.random.Generator | int | None = None,
        progress: bool = False,
        path: str | Path | None = None,
    ) -> ManyFits:
        """Bootstrap every fit; see :meth:`scalefit.Fit.bootstrap`.

        Parameters
        ----------
        n : number of resamples of each group, at least 2.
        kind : what is drawn, as for one fit.
        paired : whether groups with the same runs share one plan, so that draws of two of them belong together.
        rng : Generator, seed or None. Each group has random numbers of its own, made of this and of its place.
        progress : whether to show a bar.
        path : a folder that the results are written to as they come, as for :func:`scalefit.fit_many`.

        Returns
        -------
        ManyFits
            With ``draws`` in each fit, and standard errors and intervals from them in ``frame``.
        """
        from scalefit.many.drawing import bootstrap_many

        return bootstrap_many(self, n, kind=kind, paired=paired, rng=rng, progress=progress, path=path)


@dataclass(frozen=True, eq=False, repr=False)
class GroupAnswers(_Grouped[Any]):
    """What a call returned for each of many groups: a mapping of group to answer, made by :func:`scalefit.map_groups`.

    Attributes
    ----------
    failed : DataFrame
        The groups for which the call failed, with the ``reason``.
    warned : DataFrame
        The groups for which it gave warnings, with their ``warnings``.
    by : tuple of str
        The columns that name the groups.
    warnings : place of a group to what the call warned of.
    states, doubts : place of a group to the state of its answer and to its doubts, where it has them.
    found, names, reasons : place of a group to what was found, the groups in order, place to why it failed.
    single : bool, whether groups are named by one value, not a tuple.
    """

    warnings: Mapping[int, str]
    states: Mapping[int, str]
    doubts: Mapping[int, tuple[str, ...]]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The tables of all answers below one another, with the columns of ``by`` in front.

        An answer counts with its ``.frame``, a DataFrame as it is, a mapping as one row, and a number or a text as one
        row with the column ``value``. Where answers say of themselves how far they are to be trusted, as those of
        scalefit do, their ``state`` ("good", "doubtful", "bad") and ``doubts`` are the last columns.
        """
        parts = []
        for place in sorted(set(range(len(self.names))) - set(self.reasons)):
            part = as_table(self.found[place])
            for number, name in enumerate(self.by):
                if name not in part.columns:
                    part.insert(min(number, part.shape[1]), name, self.names[name].iloc[place])
            parts.append(self._judged(part, place))
        parts = [part for part in parts if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else self.names.iloc[:0].copy()

    def _judged(self, part: pd.DataFrame, place: int) -> pd.DataFrame:
        """The table of an answer with what the answer says of itself, under names that are not taken."""
        if not self.states:
            return part
        told = {"state": self.states.get(place, ""), "doubts": "; ".join(self.doubts.get(place, ()))}
        return part.assign(**{name: text for name, text in told.items() if name not in part.columns})

    @property
    def warned(self) -> pd.DataFrame:
        """The groups for which the call gave warnings."""
        places = sorted(self.warnings)
        return self.names.iloc[places].assign(warnings=[self.warnings[p] for p in places]).reset_index(drop=True)

    def said(self) -> Said:
        """For how many groups the call went well, and what went wrong with the others."""
        return say_answers(self.names, self.reasons, self.warnings, self.doubts)


def _no_group(group: Hashable, groups: Sequence[Hashable]) -> str:
    """What to say of a group that is not there: the nearest ones by name."""
    texts = {str(one): one for one in groups}
    near = difflib.get_close_matches(str(group), list(texts), n=3, cutoff=0.5)
    hint = f"did you mean {listing([repr(texts[one]) for one in near], last='or')}?" if near else "list(…) names them."
    return f"no group {group!r} among {len(groups):,}; {hint}"
