"""compare_approaches(): the envelope, isoFLOP vertices and a fitted law side by side, on the same runs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.frontier import check_surface
from scalefit.decisions.isoflop.analysis import isoflop
from scalefit.decisions.isoflop.approaches_record import ApproachComparison
from scalefit.decisions.isoflop.bias import bias_of, slopes_of_bias
from scalefit.decisions.isoflop.budgets import as_columns, check_low_is_better, several_families
from scalefit.decisions.isoflop.diverged import diverged_doubt
from scalefit.decisions.isoflop.envelope import fit_envelope
from scalefit.decisions.isoflop.law_path import LawPath
from scalefit.decisions.isoflop.record import IsoFlop
from scalefit.decisions.isoflop.vertices import Floats
from scalefit.decisions.isoflop.words import intervals
from scalefit.decisions.spending import SIX_ND, Cost
from scalefit.errors import ColumnError, DataError
from scalefit.estimation import fit
from scalefit.law import Law
from scalefit.result import Fit
from scalefit.runs.checking import checked_columns
from scalefit.runs.columns import find_column, has_column
from scalefit.runs.frame import as_frame
from scalefit.runs.slices import slice_isoflops
from scalefit.uncertainty.intervals import check_level

_WHO = "compare_approaches"
#: Compute that differs from 6 N D by less than this share everywhere was counted so.
SAME = 1e-3


def compare_approaches(
    runs: Any,
    law: Law | str | Fit = "chinchilla",
    *,
    flops: Any = None,
    budget: str | float | Sequence[float] | None = None,
    target: str = "loss",
    level: float = 0.9,
    columns: Mapping[str, str] | None = None,
    draws: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> ApproachComparison:
    """Put the three approaches of Hoffmann et al. 2022 side by side: envelope, isoFLOP vertices, and a fitted law.

    Each says how the best size grows with compute. That they agree is a check on all three; where they do not, one of
    them does not suit the runs. What parabolas are known to do is measured on the spot: the losses of the fitted law,
    without noise, on the very same runs go through the same isoFLOP analysis, and its vertices are held against the
    law's own optimum.

    Parameters
    ----------
    runs : table or path
        One family; finished runs or checkpoints. An approach that they do not suit is left out, with the reason.
    law : Law, name, or a Fit to these runs. The law takes params and tokens. It is fitted to finished runs: of a table
        of checkpoints the last row of each run. A fit that is not converged or not identified is left out.
    flops : compute at which the approaches are asked; None: the largest run and ten times that.
    budget : column that names the budgets, as in :func:`isoflop`; or numbers of FLOP at which :func:`slice_isoflops`
        reads the runs first.
    target : column of the loss.
    level : float in (0, 1), of the intervals.
    columns : mapping of known name to column, optional.
    draws : of each approach.
    rng : Generator, seed or None, which takes seeds made of the data.

    Returns
    -------
    ApproachComparison
        ``.exponents``, one row an approach; ``.frame``, what each says at ``flops``; ``.disagreements`` in words;
        ``.bias``, one row a budget; ``.left_out``; ``.plot()``.

    Raises
    ------
    ColumnError, DataError
        If the runs cannot be read, no approach suits them, or several families stand in the table.
    FitError
        If the law does not take params and tokens.

    Notes
    -----
    Two approaches disagree where neither interval holds the other's estimate. Compute is that of the column ``flops``:
    where it is not 6 N D, the law's optimum is sought along the compute that the runs show (``Cost.from_runs``).
    Vertices of parabolas lie off the optimum where sizes reach further to one side or the curve is steeper there
    (Czech et al. 2026, arXiv:2603.22339).

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.grid(flop_budget=[1e19, 1e20, 1e21], params=[1e8, 3e8, 1e9, 3e9, 1e10])
    >>> runs["tokens"] = runs.flop_budget / (6 * runs.params)
    >>> law = sf.get_law("chinchilla")
    >>> runs["loss"] = law(law.published["besiroglu2024"].values, runs) + 0.002 * np.sin(np.arange(15))
    >>> told = sf.compare_approaches(runs, draws=50)
    >>> told.exponents.index.tolist()
    ['isoFLOP, akima', 'isoFLOP, parabola', 'law, chinchilla']
    """
    check_level(level)
    said = as_columns(columns, _WHO)
    frame = as_frame(runs)
    several_families(frame, said, _WHO)
    check_low_is_better(target, _WHO)
    seeds: list[Any] = [None] * 3 if rng is None else list(np.random.default_rng(rng).integers(2**63, size=3))
    finished = _finished(frame, target, said)
    path = _law_path(law, finished, target, said, level, draws, seeds[2])
    left: dict[str, str] = {}
    found: dict[str, Any] = {}
    try:
        found["envelope"] = fit_envelope(frame, target=target, level=level, columns=said, draws=draws, rng=seeds[0])
    except (DataError, ColumnError) as error:
        left["envelope"] = str(error).removeprefix("fit_envelope: ")
    isoflops = _isoflops(frame, budget, target, said, level, draws, seeds[1], left)
    found |= {f"isoFLOP, {method}": one for method, one in isoflops.items()}
    for name, one in list(found.items()):
        if one.growth.params is None:
            left[name] = one.growth.refused
            del found[name]
    place = np.array([1.0, 10.0]) * path.seen[1] if flops is None else np.atleast_1d(np.asarray(flops, float))
    path = path.over(next(iter(isoflops.values())).growth.seen if isoflops else path.seen)
    name = f"law, {path.fit.law.name}"
    bias = pd.DataFrame()
    if not path.fit.converged:
        left[name] = path.fit.verdict
    else:
        found[name] = path
        bias = bias_of(isoflops, path) if isoflops else bias
    if not found:
        which, why = next(iter(left.items()))
        raise DataError(f"{_WHO}: no approach suits these runs. {which}: {why}")
    exponents, frame_at = _exponents(found), _at(found, place)
    return ApproachComparison(
        exponents=exponents, frame=frame_at, bias=bias, exponent_bias=slopes_of_bias(bias, isoflops),
        disagreements=tuple(_disagreements(exponents, frame_at, level)), left_out=left, approaches=found,
        isoflops=isoflops, fit=path.fit, level=level, target=target, notes=_notes(path, frame, finished, isoflops),
    )  # fmt: skip


def _finished(frame: pd.DataFrame, target: str, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """The last row with a loss of each run, where runs have several."""
    loss = find_column(frame, target, needed_by=_WHO, columns=columns)
    measured = frame[frame[loss].notna()]
    if not has_column(frame, "run", columns=columns):
        return measured
    run = find_column(frame, "run", needed_by=_WHO, columns=columns)
    if not measured[run].duplicated().any():
        return measured
    spent = checked_columns(measured, ["flops"], needed_by=_WHO, columns=columns, warn_units=False).values["flops"]
    order = np.argsort(spent, kind="stable")
    last = measured.iloc[order].groupby(run, sort=False, observed=True).tail(1)
    return last.sort_index()


def _law_path(
    law: Law | str | Fit, finished: pd.DataFrame, target: str, columns: Mapping[str, str] | None, level: float,
    draws: int, seed: Any,
) -> LawPath:  # fmt: skip
    if isinstance(law, Fit):
        fitted = law
        check_surface(fitted.law, {})
    else:
        fitted = fit(finished, law, target=target, columns=columns)
        check_surface(fitted.law, {})
        if fitted.converged:
            fitted = fitted.bootstrap(draws, rng=fitted.seed if seed is None else int(seed))
    read = checked_columns(
        finished, ["flops", "params", "tokens"], needed_by=_WHO, columns=columns, warn_units=False
    ).values
    exact = np.abs(read["flops"] / (6 * read["params"] * read["tokens"]) - 1).max() < SAME
    cost = SIX_ND if exact else Cost.from_runs(pd.DataFrame(dict(read)))
    seen = (float(read["flops"].min()), float(read["flops"].max()))
    sizes = (float(read["params"].min()), float(read["params"].max()))
    return LawPath(fitted, cost, sizes, seen, level)


def _isoflops(
    frame: pd.DataFrame, budget: Any, target: str, columns: Mapping[str, str] | None, level: float, draws: int,
    seed: Any, left: dict[str, str],
) -> dict[str, IsoFlop]:  # fmt: skip
    """The analysis by each method; what cannot be done is added to ``left``."""
    out: dict[str, IsoFlop] = {}
    column = budget if isinstance(budget, str) or budget is None else None
    if column is None and budget is not None:
        frame, column = slice_isoflops(frame, budget, target=target, columns=columns), "flop_budget"
    for method in ("akima", "parabola"):
        try:
            out[method] = isoflop(
                frame, budget=column, method=method, target=target, level=level, columns=columns, draws=draws, rng=seed
            )
        except (DataError, ColumnError) as error:
            left[f"isoFLOP, {method}"] = str(error).removeprefix("isoflop: ")
    return out


def _exponents(found: Mapping[str, Any]) -> pd.DataFrame:
    rows = {}
    for name, one in found.items():
        row: dict[str, float] = {}
        for what, told in (("params", one.exponent), ("tokens", one.tokens_exponent)):
            row |= {what: told.estimate, f"{what}_low": told.low, f"{what}_high": told.high}
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("approach")


def _at(found: Mapping[str, Any], flops: Floats) -> pd.DataFrame:
    parts = []
    for name, one in found.items():
        part: pd.DataFrame = one.predict(flops)
        part.insert(0, "approach", name)
        parts.append(part.assign(tokens_per_param=part.tokens / part.params))
    return pd.concat(parts, ignore_index=True)


def _disagreements(exponents: pd.DataFrame, at: pd.DataFrame, level: float) -> list[str]:
    """Pairs of which neither interval holds the other's estimate, in words."""
    out = []
    tables = [("how the best size grows", exponents.reset_index())]
    budgets = np.unique(at["flops"].to_numpy(float))
    tables += [(f"the best size at {flops:.4g} FLOP", at[at["flops"] == flops]) for flops in budgets]
    for what, table in tables:
        told = intervals(table, "params", level)
        names = list(table["approach"])
        numbers = table[["params", "params_low", "params_high"]].to_numpy(float)
        for i, j in itertools.combinations(range(len(table)), 2):
            (a, a_low, a_high), (b, b_low, b_high) = numbers[i], numbers[j]
            if not (a_low <= b <= a_high or b_low <= a <= b_high):
                out.append(f"{what}: {names[i]} says {told[i]}, {names[j]} {told[j]}")
    return out


def _notes(
    path: LawPath, frame: pd.DataFrame, finished: pd.DataFrame, isoflops: Mapping[str, IsoFlop]
) -> tuple[str, ...]:
    diverged = (words for one in isoflops.values() for words in diverged_doubt(one.budgets, one.target))
    out = [f"{words[0].upper()}{words[1:]}." for words in dict.fromkeys(diverged)]
    out += (
        [] if path.cost is SIX_ND else [f"The law's optimum is for compute as the table counts it: {path.cost.text}."]
    )
    if len(finished) < len(frame):
        out.append(f"The law is fitted to the last row of each run, {len(finished)} of {len(frame)} rows.")
    return tuple(out)
