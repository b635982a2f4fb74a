"""Where one family overtakes another in the raw runs, without a law."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.decisions.crossover.evidence import SURE, direction
from scalefit.decisions.crossover.raw_curves import (
    RawCrossings,
    Rows,
    compare,
    draw_crossings,
    frontier,
    points_frame,
    smooth,
)
from scalefit.decisions.route import known_quantity
from scalefit.errors import DataError, FitError, listing, missing_column, not_one_of
from scalefit.fitting.problem import Array
from scalefit.quantities import QUANTITIES, better_of
from scalefit.runs.checking import numeric_column
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.frame import as_frame
from scalefit.runs.histories import with_flops
from scalefit.uncertainty.intervals import check_level
from scalefit.wording.amounts import percent
from scalefit.wording.digits import number
from scalefit.wording.said import Answer, Said

#: Fewest places at which a family must have runs.
FEWEST = 3


@dataclass(frozen=True, eq=False, repr=False)
class RawCrossover(Answer):
    """Where the raw runs of two families change places, with no law between.

    Attributes
    ----------
    frame : DataFrame
        One row per crossing of the smoothed runs: ``location``; ``low, high`` and ``probability`` from resampled runs,
        as in :class:`Crossover`; ``direction``; ``left`` and ``right``, the runs on either side of it.
    points : DataFrame
        What was compared: ``family``, the quantity, the target, ``smooth`` and the number of ``runs``.
    ahead : name -> share of resamples in which the family is ahead all along.
    common : (float, float), where both have runs.
    chosen : which runs were compared, in words.
    draws : resamples that could be compared.
    names : (str, str), the two families.
    along, target : str, the quantity, and what is compared.
    level : float in (0, 1), of the intervals.
    """

    frame: pd.DataFrame
    points: pd.DataFrame
    ahead: Mapping[str, float]
    common: tuple[float, float]
    names: tuple[str, str]
    along: str
    target: str
    chosen: str
    level: float
    draws: int

    def said(self) -> Said:
        """Who is ahead in the raw runs, in words: doubtful, whatever they show, where resamples do not agree."""
        seen = self.frame["probability"] if len(self.frame) else [self.ahead[self._ahead_now()]]
        shown = self.frame.map(lambda cell: number(cell, digits=3) if isinstance(cell, float) else cell)
        return Said("good" if min(seen) >= SURE else "doubtful", self._headline(), (), (shown,), tuple(self._notes()))

    def _headline(self) -> str:
        known = QUANTITIES.get(self.along)
        unit = f" {known.unit}" if known and known.unit else f" of {self.along}"
        low, high = (number(end, digits=2) for end in self.common)
        if not len(self.frame):
            values = self._ahead_now()
            return (
                f"No crossing in the raw runs along {self.along}, {self.chosen}: {values} is ahead from {low} to "
                f"{high}{unit}, in {percent(self.ahead[values])} of resamples"
            )
        parts = []
        for row in self.frame.to_dict("records"):
            first, second = str(row["direction"]).removesuffix(" after").split(" ahead before, ")
            left, right = (number(float(row[side]), digits=2) for side in ("left", "right"))
            share = percent(row["probability"])
            parts.append(f"{first} is ahead up to {left}{unit} and {second} from {right} on, in {share} of resamples")
        return f"In the raw runs, {self.chosen}: {'; '.join(parts)}"

    def _ahead_now(self) -> str:
        """Who is ahead where there is no crossing: the family with more resamples."""
        return max(self.names, key=lambda name: self.ahead[name])

    def _notes(self) -> list[str]:
        counts = self.points.groupby("family", sort=False)["runs"].agg(["sum", "size"])
        seen = listing(f"{name}: {row['sum']} runs at {row['size']} places" for name, row in counts.iterrows())
        return [
            f"{seen}. Means made monotone (isotonic regression), cubics between; {self.draws} resamples of runs.",
            "A check on the law, not a replacement: it knows nothing of runs at other sizes.",
        ]


def find_raw_crossover(
    runs: Any,
    *,
    along: str,
    by: str = "family",
    at: Mapping[str, float] | None = None,
    ratio: float | None = None,
    tolerance: float = 1.25,
    target: str = "loss",
    names: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    draws: int = 300,
    level: float = 0.9,
    better: Literal["low", "high"] | None = None,
    rng: np.random.Generator | int | None = None,
) -> RawCrossover:
    """Find between which runs one family overtakes another, with no law: a check on :func:`scalefit.find_crossover`.

    Parameters
    ----------
    runs : table, one row a run or checkpoint.
    along : str
        The quantity; ``"flops"`` is 6 * params * tokens if absent.
    by : str
        The column of families.
    at : mapping of column to number
        Only runs within ``tolerance`` of these are compared, such as ``{"params": 1.6e8}``.
    ratio : float
        Only runs within ``tolerance`` of so many tokens per parameter. With neither, along ``"flops"``, the runs of
        each family that no other of it beats with as little compute; along anything else, all runs.
    tolerance : float above 1, a factor.
    target : str, what is compared.
    names : two of the families; None: there are just two.
    columns : mapping of known name to column, optional.
    draws : int, resamples of runs (of whole runs where ``run`` repeats).
    level : float in (0, 1).
    better : ``"low"`` or ``"high"``; None goes by the target.
    rng : Generator, seed or None, which takes a seed made of the runs.

    Returns
    -------
    RawCrossover

    Raises
    ------
    ColumnError
        If a column is missing.
    DataError
        If there are not two families, or fewer than three places or no common range in one of them.

    Notes
    -----
    The mean target at each place is made monotone by isotonic regression, a monotone cubic in the log goes through what
    is left, and the sign of the difference is followed over the range that both families cover.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> seen = sf.find_raw_crossover(runs, along="tokens", at={"params": 3.5e5}, tolerance=1.5, draws=50)
    >>> seen.frame.direction.tolist()
    ['lstm ahead before, transformer after']
    """
    check_level(level)
    _check_tolerance(tolerance)
    frame, _ = with_flops(as_frame(runs), along, needed_by="find_raw_crossover", columns=columns)
    if by not in frame.columns:
        raise missing_column(by, "find_raw_crossover", list(frame.columns))
    known = _Columns(frame, columns)
    families = frame[by].astype(str).to_numpy()
    chosen_names = _two(sorted(set(families)), names, by)
    kept = np.ones(len(frame), bool)
    for name, value in (at or {}).items():
        kept &= near(known.read(name), float(value), tolerance)
    if ratio is not None:
        kept &= near(known.read("tokens") / known.read("params"), float(ratio), tolerance)
    place, seen = known.read(along), known.read(target)
    sets = {}
    for name in chosen_names:
        rows = np.flatnonzero(kept & (families == name))
        sets[name] = Rows(place[rows], seen[rows], known.units(rows))
    said = words_of(at, ratio, tolerance, along)
    target_better = better or better_of(known_quantity(known.column(target)))
    return weigh_raw(sets, along, known.column(target), said, target_better, level, draws, rng)


def weigh_raw(
    sets: Mapping[str, Rows],
    along: str,
    target: str,
    chosen: tuple[str, bool],
    better: Literal["low", "high"],
    level: float,
    draws: int,
    rng: np.random.Generator | int | None,
) -> RawCrossover:
    """Compare two sets of runs: crossings of their smoothed curves and of those of resamples."""
    if better not in ("low", "high"):
        raise FitError(f"better must be 'low' or 'high', or None to go by the target; got {better!r}.")
    if isinstance(draws, bool) or int(draws) != draws or draws < 2:
        raise FitError(f"draws is a whole number of resamples, at least 2; got {draws!r}.")
    text, frontiers = chosen
    names = tuple(sets)
    compared = {name: frontier(rows, better) if frontiers and len(rows.along) else rows for name, rows in sets.items()}
    for name, rows in compared.items():
        if len(np.unique(rows.along)) < FEWEST:
            raise DataError(
                f"find_raw_crossover: {name} has runs at {len(np.unique(rows.along))} places along {along!r} ({text}); "
                f"at least {FEWEST} are needed. Widen the tolerance, or choose another at or ratio."
            )
    positive = all((rows.target > 0).all() for rows in sets.values())
    curves = {name: smooth(rows, better, logarithmic=positive) for name, rows in compared.items()}
    found = compare(curves[names[0]], curves[names[1]], better)
    if found is None:
        ends = [f"{name} from {rows.along.min():.3g} to {rows.along.max():.3g}" for name, rows in compared.items()]
        raise DataError(f"find_raw_crossover: the runs have no range along {along!r} in common: {listing(ends)}.")
    generator = np.random.default_rng(_seed(sets) if rng is None else rng)
    drawn = draw_crossings(
        sets[names[0]], sets[names[1]], better, int(draws), generator, logarithmic=positive, frontiers=frontiers
    )
    usable = [one for one in drawn if one is not None]
    places = np.unique(np.concatenate([rows.along for rows in compared.values()]))
    ahead = {
        names[0]: float(np.mean([one.first_ahead == 1 for one in usable])) if usable else np.nan,
        names[1]: float(np.mean([one.first_ahead == 0 for one in usable])) if usable else np.nan,
    }
    return RawCrossover(
        frame=_frame(found, usable, (names[0], names[1]), places, level),
        points=points_frame(curves, along, target, logarithmic=positive),
        ahead=ahead,
        common=found.common,
        names=(names[0], names[1]),
        along=along,
        target=target,
        chosen=text,
        level=level,
        draws=len(usable),
    )


def _frame(
    found: RawCrossings, drawn: list[RawCrossings], names: tuple[str, str], places: Array, level: float
) -> pd.DataFrame:
    rows = []
    for place, before in zip(found.places, found.before, strict=True):
        nearest = []
        for one in drawn:
            same = one.places[one.before == before]
            if len(same):
                nearest.append(same[np.argmin(np.abs(np.log(same / place)))])
        ends = np.quantile(nearest, [0.5 - level / 2, 0.5 + level / 2]) if nearest else (np.nan, np.nan)
        rows.append(
            {
                "location": place,
                "low": ends[0],
                "high": ends[1],
                "probability": len(nearest) / len(drawn) if drawn else np.nan,
                "direction": direction(names, int(before)),
                "left": places[places <= place].max(),
                "right": places[places >= place].min(),
            }
        )
    columns = ["location", "low", "high", "probability", "direction", "left", "right"]
    return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True, eq=False)
class _Columns:
    """A table read by known names."""

    frame: pd.DataFrame
    said: Mapping[str, str] | None

    def column(self, name: str) -> str:
        return find_column(self.frame, name, needed_by="find_raw_crossover", columns=self.said)

    def read(self, name: str) -> Array:
        column = self.column(name)
        positive = bool(QUANTITIES[name].positive) if name in QUANTITIES else False
        return numeric_column(self.frame, column, name=name, needed_by="find_raw_crossover", positive=positive)

    def units(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Rows of one run are one unit."""
        if not has_column(self.frame, "run", columns=self.said):
            return np.arange(len(rows))
        runs = self.frame[self.column("run")].iloc[rows]
        return np.asarray(pd.factorize(runs, use_na_sentinel=False)[0], np.intp)


def near(values: Array, wanted: float, tolerance: float) -> NDArray[np.bool_]:
    """Within a factor."""
    if not (np.isfinite(wanted) and wanted > 0):
        raise FitError(f"Raw runs are compared near a number above zero; got {wanted!r}.")
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(np.log(values / wanted)) <= np.log(tolerance))


def words_of(at: Mapping[str, float] | None, ratio: float | None, tolerance: float, along: str) -> tuple[str, bool]:
    """Which runs are compared in words, and whether it is the frontier of each family."""
    parts = [f"{name} = {value:.4g}" for name, value in (at or {}).items()]
    if ratio is not None:
        parts.append(f"{ratio:.4g} tokens per parameter")
    if parts:
        return f"within a factor of {tolerance:g} of {listing(parts)}", False
    if along == "flops":
        return "the best of each family for its compute", True
    return "of all sizes together", False


def _check_tolerance(tolerance: float) -> None:
    if not (np.isfinite(tolerance) and tolerance > 1):
        raise FitError(f"tolerance is a factor above 1, such as 1.25; got {tolerance!r}.")


def _two(there: list[str], names: Sequence[str] | None, by: str) -> tuple[str, str]:
    if names is None:
        if len(there) != 2:
            raise DataError(
                f"find_raw_crossover compares two families; {by!r} holds {len(there)}: {listing(there[:6])}. Name two: "
                f"names={tuple(there[:2]) if len(there) > 1 else ('a', 'b')!r}."
            )
        return there[0], there[1]
    wanted = [str(name) for name in names]
    for name in wanted:
        if name not in there:
            raise DataError(not_one_of(f"A family of {by!r}", name, there))
    if isinstance(names, str) or len(wanted) != 2 or wanted[0] == wanted[1]:
        raise FitError(f"names are two different families, such as names={tuple(there[:2])!r}; got {names!r}.")
    return wanted[0], wanted[1]


def _seed(sets: Mapping[str, Rows]) -> list[int]:
    """Numbers made of the runs."""
    seen = (values for rows in sets.values() for values in (rows.along, rows.target))
    return [zlib.crc32(np.ascontiguousarray(values).tobytes()) for values in seen]
