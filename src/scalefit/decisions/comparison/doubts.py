"""When a comparison should not be trusted, in words: the graver reasons, and the lesser ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from scalefit.decisions.comparison.curves import Curve
from scalefit.decisions.comparison.fit_doubts import bent, failed, far_ratios, few_points, few_runs, narrow
from scalefit.decisions.route import known_quantity
from scalefit.errors import listing
from scalefit.quantities import QUANTITIES, better_of
from scalefit.result import Fit

#: Columns that must say the same of all families, or their values mean different things.
SAME = (
    "tokenizer", "vocabulary", "vocab_size", "eval_set", "evaluation_set", "eval_dataset", "validation_set",
    "params_kind",
)  # fmt: skip
#: Share by which 6 N D may lie off the compute that the table holds before it is said.
OFF = 0.05
#: Where a law falls and should rise, or the other way round.
WRONG_WAY = "though"
#: What a run has more of the larger it is.
AMOUNTS = ("flops", "tokens", "params", "flop_budget", "step", "samples")
#: So far off it is no other way of counting but another unit.
OTHER_UNIT = 100.0
#: Known columns that set a run apart from others of equal size and data.
SETTINGS = (
    "experts", "granularity", "sparsity", "streams", "members", "latents", "active_latents", "bits_weights",
    "bits_activations", "bits_kv_cache", "bits_post_training", "context_length",
)  # fmt: skip


def grave_doubts(fits: Mapping[str, Fit]) -> list[str]:
    """Families whose law the runs do not identify, or have too few rows for any claim."""
    weak = [f"{name}: {fit.law.name} is {_lower(fit.verdict)}" for name, fit in fits.items() if not fit.converged]
    return [*weak, *few_runs(fits)]


def turned_round(curves: Mapping[str, Curve], back: bool) -> list[str]:
    """Laws that get worse the more there is of what should make values better: they suit other values."""
    route, better = next(iter(curves.values())).route, next(iter(curves.values())).better
    # A law of falling values that is fitted to rising ones comes out flat.
    fits = [curve.route.fit for curve in curves.values()]
    flat = any(not fit.converged and better_of(fit.law.output) != better for fit in fits)
    if known_quantity(route.along) not in AMOUNTS or not (back or (flat and better == "high")):
        return []
    target, other = route.fit.target, "falls" if better == "high" else "rises"
    laws = listing(dict.fromkeys(fit.law.name for fit in fits))
    return [
        f"{laws} {other} along {route.along}, {WRONG_WAY} {better} values of {target} are the better ones: give a law "
        f"that suits {target}, or say better={'low' if better == 'high' else 'high'!r}"
    ]


def lesser_doubts(
    curves: Mapping[str, Curve],
    parts: Mapping[str, pd.DataFrame],
    common: tuple[float, float] | None,
    judged: tuple[float, float],
) -> list[str]:
    """What else speaks against the answer."""
    fits = {name: curve.route.fit for name, curve in curves.items()}
    routes = {name: curve.route for name, curve in curves.items()}
    return [
        *_apart(curves, common),
        *far_ratios(routes, np.array(judged)),
        *unlike(parts),
        *_other_compute(curves, parts),
        *_mixed(fits, parts),
        *bent(fits),
        *failed(fits),
        *narrow(fits),
        *few_points(fits),
    ]


def _lower(verdict: str) -> str:
    return verdict[:1].lower() + verdict[1:]


def _apart(curves: Mapping[str, Curve], common: tuple[float, float] | None) -> list[str]:
    if common is not None:
        return []
    ends = [f"{name} from {curve.route.reach[0]:.3g} to {curve.route.reach[1]:.3g}" for name, curve in curves.items()]
    along = next(iter(curves.values())).route.along
    return [f"the families share no range of {along} ({listing(ends)}): one of them is extrapolated everywhere"]


def unlike(parts: Mapping[str, pd.DataFrame]) -> list[str]:
    """Columns that show families were not measured alike."""
    out = []
    for column in SAME:
        if not all(column in part.columns for part in parts.values()):
            continue
        told = {name: tuple(sorted(map(str, part[column].dropna().unique()))) for name, part in parts.items()}
        if len(set(told.values())) > 1:
            words = listing(f"{name} has {listing(values) or 'none'}" for name, values in told.items())
            out.append(f"{column} differs ({words}): their values are not on one scale")
    return out


def _other_compute(curves: Mapping[str, Curve], parts: Mapping[str, pd.DataFrame]) -> list[str]:
    """Families whose own count of compute is not the cost that was assumed."""
    off = {}
    for name, curve in curves.items():
        part, route = parts.get(name), curve.route
        if part is None or route.along != "flops" or "flops" in route.fit.columns.values():
            continue
        if not {"params", "tokens"} <= set(route.fit.law.inputs) or "flops" not in part.columns:
            continue
        seen = dict(zip(route.fit.law.inputs, route.fit.problem.inputs, strict=True))
        told = pd.to_numeric(part["flops"], errors="coerce").to_numpy(float)
        with np.errstate(all="ignore"):
            share = told / route.spends(seen["params"], seen["tokens"])
        known = share[np.isfinite(share) & (share > 0)]
        if len(known) and abs(float(np.log(np.median(known)))) > OFF:
            off[name] = float(np.median(known))
    if not off:
        return []
    words = listing(f"{factor:.2g} times that for {name}" for name, factor in off.items())
    spends = next(iter(curves.values())).route.spends.text
    said = f"compute is {spends} here, and the column flops has {words}"
    if any(max(factor, 1 / factor) > OTHER_UNIT for factor in off.values()):
        return [f"{said}: one of params, tokens and flops is in another unit, such as millions"]
    return [f"{said}: cost='runs' takes each family's own"]


def _mixed(fits: Mapping[str, Fit], parts: Mapping[str, pd.DataFrame]) -> list[str]:
    """Known settings that vary within a family and that its law knows nothing of."""
    out: dict[str, list[str]] = {}
    for name, fit in fits.items():
        part, taken = parts.get(name), {*fit.law.inputs, *fit.columns.values(), fit.target}
        if part is None:
            continue
        for column in _settings(part):
            values = pd.to_numeric(part[column], errors="coerce").dropna()
            if column not in taken and values.nunique() > 1:
                out.setdefault(column, []).append(f"from {values.min():.3g} to {values.max():.3g} within {name}")
    laws = listing(dict.fromkeys(fit.law.name for fit in fits.values()))
    return [f"{column} runs {listing(words)}, and {laws} does not take it" for column, words in out.items()]


def _other_names(name: str) -> tuple[str, ...]:
    return QUANTITIES[name].aliases if name in QUANTITIES else ()


def _settings(part: pd.DataFrame) -> list[str]:
    """Columns of settings that are known by name."""
    known = {word: name for name in SETTINGS for word in (name, *_other_names(name))}
    return [column for column in part.columns if column in known]
