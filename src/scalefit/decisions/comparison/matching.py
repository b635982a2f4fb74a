"""Runs of families that have partners in all others, and the resamples that draw partners together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import FitError, listing
from scalefit.result import Fit
from scalefit.uncertainty.enough import identified_by
from scalefit.uncertainty.resamples import names_for
from scalefit.uncertainty.resampling import Counts, Plan, draw_identified

#: A column that names pairs outright.
PAIR = "pair"
#: Runs of each family from which on equal inputs alone make pairs. Resamples of pairs are right for independent runs
#: too, but of fewer they take chance likeness for kinship: docs/how-to/compare-families.md.
FEWEST_ALIKE = 16
Pairing = bool | str | Sequence[str] | None


@dataclass(frozen=True, eq=False)
class Matching:
    """Which unit of one family belongs to which of the others.

    Parameters
    ----------
    order : family -> (units,) number of the set of partners each unit of the fit belongs to; None where families are
        drawn independently.
    text : what was done, and why.
    """

    order: Mapping[str, NDArray[np.intp]] | None
    text: str


def match_families(fits: Mapping[str, Fit], parts: Mapping[str, pd.DataFrame], paired: Pairing) -> Matching:
    """Partners among the units (rows or whole runs) of families.

    Parameters
    ----------
    parts : family -> the rows that were fitted, in the order of the fit, with all columns of the table.
    paired : None pairs where every unit has exactly one partner in each family: by a column ``pair``, else by all
        inputs of the law and the seed; without a seed, only from 16 runs of each family on. True asks for it; a column
        or columns say by what; False never.

    Raises
    ------
    FitError
        If pairs are asked for and a unit has no partner, or more than one.
    """
    if paired is False:
        return Matching(None, "families resampled independently, as asked")
    asked = paired is not None
    named = [paired] if isinstance(paired, str) else None if paired is None or paired is True else list(paired)
    keys: dict[str, list[Any]] = {}
    by = ""
    for name, fit in fits.items():
        if fit.units.kind == "blocks" or not np.all(fit.weights == 1):
            why = "weights differ" if fit.units.kind != "blocks" else "there are fewer than six runs"
            return _refused(asked, f"runs of {name} are not resampled as equal pieces: {why}")
        keys[name], by = _keys(fit, parts[name], named)
    first, *others = fits
    for name in fits:
        if len(set(keys[name])) < len(keys[name]):
            return _refused(asked, f"several runs of {name} are alike in {by}")
    for name in others:
        if set(keys[name]) != set(keys[first]):
            lone = len(set(keys[first]) ^ set(keys[name]))
            return _refused(asked, f"{lone} runs of {first} and {name} have no partner of equal {by}")
    alone = named is None and not any({PAIR, "seed"} & set(part.columns) for part in parts.values())
    if alone and not asked and len(keys[first]) < FEWEST_ALIKE:
        return _refused(asked, f"{len(keys[first])} runs match in {by} alone: paired=True if each has a partner")
    number = {key: place for place, key in enumerate(keys[first])}
    order = {name: np.array([number[key] for key in keys[name]]) for name in fits}
    return Matching(order, f"resamples draw partners together: {len(number)} runs of each family match in {by}")


def _refused(asked: bool, why: str) -> Matching:
    if asked:
        raise FitError(
            f"compare cannot pair the families: {why}. Give each run and its partner a common name in a column 'pair', "
            "or say paired=False to resample families independently."
        )
    return Matching(None, f"families resampled independently, since {why}")


def _keys(fit: Fit, part: pd.DataFrame, named: list[str] | None) -> tuple[list[Any], str]:
    """What tells each unit of a family apart from the others, and in words by what."""
    if named is None and PAIR in part.columns:
        named = [PAIR]
    if named is not None:
        absent = [name for name in named if name not in part.columns]
        if absent:
            raise FitError(f"paired: the table has no column {listing(map(repr, absent))}.")
        table, by = part[named], listing(named)
    else:
        seen = [name for name in ("seed",) if name in part.columns]
        inputs = dict(zip(fit.law.inputs, fit.problem.inputs, strict=True))
        table = pd.DataFrame({**inputs, **{name: part[name].to_numpy() for name in seen}})
        by = listing([*(fit.columns.get(name, name) for name in fit.law.inputs), *seen])
    rows = [tuple(map(str, row)) for row in table.itertuples(index=False)]
    members: list[list[tuple[str, ...]]] = [[] for _ in range(fit.units.count)]
    for row, unit in zip(rows, fit.units.labels, strict=True):
        members[unit].append(row)
    return [frozenset(one) for one in members], by


def matched_plan(fits: Mapping[str, Fit], matching: Matching, draws: int, rng: np.random.Generator) -> Plan:
    """One plan for all families: a set of partners stands in a resample as often for each."""
    assert matching.order is not None
    names: list[str] = []
    columns: list[NDArray[np.intp]] = []
    judges = []
    for name, fit in fits.items():
        own, places = names_for(fit, fit.units)
        judges.append(identified_by(fit, places + len(names)))
        names += own
        columns.append(matching.order[name])
    column = np.concatenate(columns)
    count = len(columns[0])

    def draw(number: int) -> Counts:
        counts = rng.multinomial(count, np.full(count, 1 / count), size=number).astype(np.uint16)
        return np.asarray(counts[:, column])

    def identified(counts: Counts) -> NDArray[np.bool_]:
        return np.asarray(np.all([judge(counts) for judge in judges], axis=0))

    told = "|".join(str(fit.provenance["data_hash"]) for fit in fits.values())
    return draw_identified(draw, draws, identified, names, told)
