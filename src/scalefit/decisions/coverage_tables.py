"""From intervals and truths to a table of coverage, and to a line that says whether they hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.errors import listing
from scalefit.wording.amounts import count_of
from scalefit.wording.said import State

Array = NDArray[np.float64]

#: A binomial interval wider than this tells little.
VAGUE = 0.15
#: Quantities named in the headline.
NAMED = 3
CERTAIN = 0.99


def binomial_interval(hits: int, count: int, level: float = CERTAIN) -> tuple[float, float]:
    """The exact interval of a share (Clopper & Pearson 1934).

    Examples
    --------
    >>> [round(end, 3) for end in binomial_interval(90, 100)]
    [0.798, 0.962]
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, count - hits + 1, tail))
    high = 1.0 if hits == count else float(betaincinv(hits + 1, count - hits, 1 - tail))
    return low, high


def on_scale(values: Array, scale: str) -> Array:
    """Ends of intervals where widths are measured; infinite where the scale does not reach."""
    if scale == "raw":
        return values
    with np.errstate(all="ignore"):
        inside = np.clip(values, 0, 1 if scale == "logit" else np.inf)
        return np.asarray(np.log(inside) - (np.log1p(-inside) if scale == "logit" else 0.0))


def coverage_table(
    simulations: pd.DataFrame, quantities: pd.DataFrame, level: float, wanted: tuple[float, float]
) -> pd.DataFrame:
    """One row a method and quantity: see :attr:`Coverage.frame`."""
    rows = []
    for (method, name), part in simulations.groupby(["method", "quantity"], sort=False):
        scale, oracle = str(quantities["scale"][str(name)]), float(quantities["oracle"][str(name)])
        told = _row(part, scale, oracle, level, wanted)
        rows.append({"method": method, "quantity": name, **told})
    return pd.DataFrame(rows)


def _row(
    part: pd.DataFrame, scale: str, oracle: float, level: float, wanted: tuple[float, float]
) -> dict[str, float | int | bool]:
    from scipy.special import ndtri

    truth, low, high = (on_scale(part[name].to_numpy(float), scale) for name in ("truth", "low", "high"))
    hits, given = int(((low <= truth) & (truth <= high)).sum()), ~(np.isnan(low) | np.isnan(high))
    low99, high99 = binomial_interval(hits, len(part))
    width = (high - low)[given]
    missed = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    mean = float(width.mean()) if len(width) else np.nan
    return {
        "coverage": hits / len(part),
        "low99": low99,
        "high99": high99,
        "meets": bool(low99 <= wanted[1] and high99 >= wanted[0]),
        "width": mean,
        "median_width": float(np.median(width)) if len(width) else np.nan,
        "over_oracle": mean / float(2 * ndtri(0.5 + level / 2) * oracle),
        "score": float((width + 2 / (1 - level) * missed[given]).mean()) if len(width) else np.nan,
        "failures": int((~given).sum()),
        "not_converged": float(1 - part["converged"].mean()),
    }


def state_of_table(frame: pd.DataFrame, wanted: tuple[float, float]) -> State:
    """Bad where intervals hold too seldom, doubtful where they hold too often or the simulations are few."""
    if (frame["high99"] < wanted[0]).any():
        return "bad"
    return "doubtful" if _vague(frame) or (frame["low99"] > wanted[1]).any() else "good"


def _vague(frame: pd.DataFrame) -> bool:
    return float((frame["high99"] - frame["low99"]).max()) > VAGUE


def headline(frame: pd.DataFrame, law: str, level: float, wanted: tuple[float, float], n_sims: int) -> str:
    """Whether intervals hold as often as they say, each method for itself."""
    vague = _vague(frame)
    said = "; ".join(_method_line(name, part, wanted, vague) for name, part in frame.groupby("method", sort=False))
    count = count_of(n_sims, "simulation")
    text = f"{law}, {100 * level:g} % intervals in {count}: {said}"
    return f"{text} ({count} cannot tell finely: a thousand would)" if vague else text


def _method_line(name: object, part: pd.DataFrame, wanted: tuple[float, float], vague: bool) -> str:
    low, high = (f"{100 * end:.0f}" for end in wanted)
    narrow, wide = part[part["high99"] < wanted[0]], part[part["low99"] > wanted[1]]
    if not len(narrow) and not len(wide) and vague:
        return f"no sign that {name} fails (every quantity may lie within {low} to {high} %)"
    if not len(narrow) and not len(wide):
        return f"{name} holds as often as it says (every quantity meets {low} to {high} %)"
    said = []
    if len(narrow):
        worst = narrow.sort_values("coverage", kind="stable")
        said.append(f"DOES NOT HOLD for {_named(worst)}")
    if len(wide):
        said.append(f"holds more often than it says for {_named(wide.sort_values('coverage', ascending=False))}")
    return f"{name} {' and '.join(said)} ({low} to {high} % wanted)"


def _named(part: pd.DataFrame) -> str:
    head = part.head(NAMED)
    names = [f"{name} ({100 * share:.0f} %)" for name, share in zip(head["quantity"], head["coverage"], strict=True)]
    more = len(part) - NAMED
    return listing(names) if more <= 0 else f"{', '.join(names)} and {more} more"


def shown_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The table as it is printed, rounded."""
    shown = frame[["method", "quantity"]].copy()
    shares = zip(frame["coverage"], frame["low99"], frame["high99"], strict=True)
    shown["coverage %"] = [f"{100 * share:.1f} ({100 * low:.1f} to {100 * high:.1f})" for share, low, high in shares]
    shown[""] = ["" if meets else "misses" for meets in frame["meets"]]
    for name in ("width", "over_oracle", "score"):
        if frame[name].notna().any():
            shown[name] = [f"{value:.3g}" for value in frame[name]]
    for name in ("failures", "not_converged"):
        if frame[name].any():
            shown[name] = [f"{value:.3g}" for value in frame[name]]
    return shown
