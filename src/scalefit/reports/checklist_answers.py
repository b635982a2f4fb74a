"""What a fit knows of the items of the checklist: nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import listing
from scalefit.fitting.search import SEARCH_TOLERANCE
from scalefit.fitting.solver import MOST_STEPS
from scalefit.fitting.verdict import AGREEMENT, STATIONARY
from scalefit.quantities import QUANTITIES
from scalefit.reports.priors import prior_text
from scalefit.reports.text import formula_of
from scalefit.result import Fit
from scalefit.wording.digits import between, number, si, significant

if TYPE_CHECKING:
    from scalefit.decisions.backtest_result import Backtest

Array = NDArray[np.float64]

DIGITS = 8
LEVEL = 0.9
#: Pairs of parameters that are named, the most correlated first.
PAIRS = 6
#: What each scale of the residual is called.
SCALES = {"log": "the natural log of", "raw": "", "logit": "the logit of"}


@dataclass(frozen=True)
class Answer:
    """What is known of an item, and what the author must add; ``math`` is LaTeX for it."""

    text: str = ""
    missing: str = ""
    math: str = ""


def answers_of(fit: Fit, backtest: Backtest | None) -> dict[str, Answer]:
    """Item -> what the fit says of it; items of which it knows nothing are left out."""
    return {**_of_form(fit), **_of_runs(fit), **_of_rows(fit), **_of_fitting(fit), **_of_intervals(fit, backtest)}


def _of_form(fit: Fit) -> dict[str, Answer]:
    law, column = fit.law, fit.columns.get(fit.target, fit.target)
    source = f"equation of {law.source}" if law.source else ""
    unit = QUANTITIES[fit.target].unit if fit.target in QUANTITIES else ""
    fitted = formula_of(fit, latex=True)
    symbols = f"{fitted.split(' = ')[0]} = {law.latex()}"
    out = {
        "formula": Answer(
            f"{fit.target} = {law.formula()}; fitted: {formula_of(fit, latex=False)}",
            math=rf"\({symbols}\); fitted: \({fitted}\)",
        ),
        "constraints": Answer(_constraints(fit)),
        "predicts": Answer(f"column {column!r} as {fit.target}", "on which evaluation set"),
        "why_this_form": Answer(source, "why this form and no other"),
        "loss_unit": Answer(f"taken as {unit}" if unit else "", "whether that is its unit"),
    }
    for item, names, missing in (
        ("params_counted", ("params",), "total, without embeddings or active; which terms are counted"),
        ("tokens_counted", ("tokens", "unique_tokens", "samples"), "unique or repeated"),
        ("flops_counted", ("flops",), "6 N D or counted; with attention and embeddings or without"),
    ):
        read = [
            f"{name} from column {fit.columns[name]!r}"
            for name in fit.columns
            if name in law.inputs and any(name.startswith(start) for start in names)
        ]
        if read:
            out[item] = Answer(listing(read), missing)
    return out


def _constraints(fit: Fit) -> str:
    held = fit.constraints
    parts = [
        *(f"{name} fixed at {number(value, digits=DIGITS)}" for name, value in held.fixed.items()),
        *(f"{name} = {text}" for name, text in held.tie.items()),
        *(f"bounds of {name} set by the author" for name in held.bounds),
        *(f"prior on {name}: {prior_text(pair)}" for name, pair in held.prior.items()),
    ]
    return "; ".join(parts) or "none besides the bounds"


def _of_runs(fit: Fit) -> dict[str, Answer]:
    inputs = dict(zip(fit.law.inputs, fit.problem.inputs, strict=True))
    distinct = [f"{len(np.unique(x))} values of {name}" for name, x in inputs.items()]
    named = "run" in fit.data.columns
    runs = f"{fit.n_runs} run{'s' * (fit.n_runs != 1)}" if named else "no column names runs"
    ranges = {name: (float(x.min()), float(x.max())) for name, x in inputs.items()}
    text = [f"{name} {_range(*ends)}" for name, ends in ranges.items()]
    if {"params", "tokens"} <= set(inputs):
        N, D = inputs["params"], inputs["tokens"]
        text.append(f"6 N D {_range(float((6 * N * D).min()), float((6 * N * D).max()))} FLOP")
        text.append(f"D/N {_range(float((D / N).min()), float((D / N).max()))}")
    out = {
        "models": Answer(f"{fit.n_rows} rows, {runs}; {listing(distinct)}"),
        "ranges": Answer(", ".join(text)),
    }
    if "seed" in fit.data.columns:
        out["seeds"] = Answer(
            f"{fit.data['seed'].nunique()} different values in column 'seed'",
            "how many each configuration was trained with",
        )
    if fit.law.derive is not None:
        settings = ", ".join(f"{name}={value!r}" for name, value in fit.law.derive.settings.items())
        out["schedule"] = Answer(
            f"{listing(fit.law.derive.columns)} from the learning rate of each step ({settings or 'no settings'})",
            "peak rates, the schedule, and whether it ends with D",
        )
    return out


def _range(low: float, high: float) -> str:
    return f"{si(low)} to {si(high)}" if low != high else si(low)


def _of_rows(fit: Fit) -> dict[str, Answer]:
    out = {}
    if "run" in fit.data.columns:
        count = fit.data["run"].value_counts()
        few, many = int(count.min()), int(count.max())
        rows = f"{few}" if few == many else f"{few} to {many}"
        out["checkpoints"] = Answer(f"{rows} row{'s' * (many > 1)} a run", "which checkpoints these are")
    history, dropped = list(fit.provenance.get("history", ())), dict(fit.provenance.get("rows_dropped", {}))
    notes = list(dict.fromkeys([*map(str, history), *fit.notes]))
    if notes:
        out["processing"] = Answer("; ".join(notes), "anything done before the table was read")
    if dropped:
        reasons: dict[str, int] = {}
        for why in dropped.values():
            reasons[str(why)] = reasons.get(str(why), 0) + 1
        told = "; ".join(f"{count}: {why}" for why, count in reasons.items())
        out["left_out"] = Answer(
            f"{len(dropped)} rows or files refused while reading ({told})", "anything left out before"
        )
    return out


def _of_fitting(fit: Fit) -> dict[str, Answer]:
    verdict, on = fit.judgement, fit.problem.objective.on
    weights = "every row counts once"
    if not np.all(fit.weights == 1):
        weights = f"rows weigh {_range(float(fit.weights.min()), float(fit.weights.max()))}"
    residual = f"residual of {SCALES[on]} {fit.target}".replace("  ", " ")
    lines = []
    for param in fit.law.params:
        if param.name in fit.constraints.fixed or param.name in fit.constraints.tie:
            continue
        low, high = param.lower, param.upper
        lines.append(_bound(param.name, low, high))
    at_bound = f"; at a bound: {listing(verdict.at_bound)}" if verdict.at_bound else "; none is reached"
    second = f"; the next minimum lies {number(100 * verdict.second, digits=2)} % higher" if verdict.second else ""
    return {
        "objective": Answer(
            f"{fit.problem.objective!r} of the {residual}, summed over rows (not averaged), {weights}; "
            f"{fit.objective:.8g} at the estimates"
        ),
        "solver": Answer(
            "damped Newton steps with exact derivatives, bounds by an active set, then Levenberg-Marquardt on a QR "
            f"triangle; search to a relative decrease of {SEARCH_TOLERANCE:g} in at most {MOST_STEPS} steps, the best "
            "end polished to the last digits"
        ),
        "starts": Answer(
            f"{verdict.starts} followed: the library's own, space-filling over the nonlinear parameters with the "
            f"linear ones solved, and those given, if any; {verdict.agreeing} reached the best objective within "
            f"{AGREEMENT:g}{second}"
        ),
        "bounds": Answer("; ".join(lines) + at_bound if lines else "no free parameter"),
        "convergence": Answer(
            f"{verdict}; condition of the scaled Jacobian {number(verdict.condition, digits=3)}. Converged means that "
            f"Newton's step promises less than {STATIONARY:g} of the objective and that no direction is free"
        ),
        "free_params": Answer(f"{fit.coordinates.q} free parameters, {int((fit.weights > 0).sum())} rows"),
    }


def _bound(name: str, low: float, high: float) -> str:
    if not np.isfinite(low) and not np.isfinite(high):
        return f"{name} unbounded"
    if not np.isfinite(high):
        return f"{name} >= {number(low)}"
    return f"{name} <= {number(high)}" if not np.isfinite(low) else f"{name} from {number(low)} to {number(high)}"


def _of_intervals(fit: Fit, backtest: Backtest | None) -> dict[str, Answer]:
    out = {"intervals": Answer(_interval_text(fit)), "correlations": Answer(_correlations(fit))}
    noise = _seed_noise(fit)
    if noise:
        alike = "" if "seed" in fit.data.columns else "whether they differ by the seed alone"
        out["seed_noise"] = Answer(noise, alike)
    out["sensitivity"] = Answer(
        f"starts: {fit.judgement.agreeing} of {fit.judgement.starts} end in the same minimum",
        "what dropping sizes, another delta and another form change",
    )
    r = fit.problem.residual(fit.theta)[0]
    out["goodness"] = Answer(
        f"root mean square residual {number(fit.rms, digits=3)}, largest {number(float(np.abs(r).max()), digits=3)} on "
        f"the {fit.problem.objective.on} scale of {fit.target}"
    )
    if backtest is not None:
        out.update(_of_backtest(backtest))
    out["data"] = Answer(f"hash {fit.provenance['data_hash']} of {fit.n_rows} rows", "where the table can be found")
    versions: Mapping[str, str] = fit.provenance["versions"]
    out["versions"] = Answer(", ".join(f"{name} {version}" for name, version in versions.items()))
    out["random_seeds"] = Answer(_seeds(fit))
    pairs = zip(fit.law.param_names, fit.theta[0], strict=True)
    out["estimates"] = Answer(
        ", ".join(f"{name} = {significant(float(value), digits=DIGITS)}" for name, value in pairs)
    )
    return out


def _interval_text(fit: Fit) -> str:
    table = fit.summary(LEVEL)
    failed = f", {fit.n_failed} resamples failed and are left out" if fit.draws is not None else ""
    cells = zip(table.index, table["low"], table["high"], table["se"], strict=True)
    ends = [f"{name} {between(float(low), float(high), float(se))}" for name, low, high, se in cells if se != 0]
    return f"{fit.interval_source}{failed}; {100 * LEVEL:.0f} %: {', '.join(ends)}"


def _seeds(fit: Fit) -> str:
    if fit.plan is not None:
        return f"resamples are those of plan {fit.plan.token}; the fit itself draws nothing"
    return (
        f"draws of the covariance from seed {fit.seed}, made of the data and the answer; the fit itself draws nothing"
    )


def _correlations(fit: Fit) -> str:
    """The pairs that are most correlated, of parameters that vary over the draws."""
    draws = fit.draws_theta
    spread = draws.std(axis=0)
    places = [int(j) for j in np.flatnonzero(np.isfinite(spread) & (spread > 1e-12 * np.abs(draws).mean(axis=0)))]
    if len(places) < 2:
        return "fewer than two parameters vary" if np.isfinite(spread).all() else ""
    r = np.atleast_2d(np.corrcoef(draws[:, places].T))
    pairs = [(float(r[a, b]), places[a], places[b]) for a in range(len(places)) for b in range(a)]
    pairs.sort(key=lambda pair: -abs(pair[0]))
    names = fit.law.param_names
    told = ", ".join(f"{names[b]} and {names[a]} {value:+.3f}" for value, a, b in pairs[:PAIRS])
    more = len(pairs) - PAIRS
    return told + (f", and {more} smaller ones" if more > 0 else "")


def _seed_noise(fit: Fit) -> str:
    """The scatter of rows that share every input, where there are any."""
    r = fit.problem.residual(fit.theta)[0]
    _, group, count = np.unique(np.column_stack(fit.problem.inputs), axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    spare = int((count - 1).sum())
    if not spare:
        return ""
    mean = np.bincount(group, r) / count
    sd = float(np.sqrt(((r - mean[group]) ** 2).sum() / spare))
    return (
        f"standard deviation {number(sd, digits=3)} on the {fit.problem.objective.on} scale, from {spare} repeats of "
        f"{int((count > 1).sum())} configurations with equal inputs"
    )


def _of_backtest(backtest: Backtest) -> dict[str, Answer]:
    table = backtest.summary
    cuts = ", ".join(str(cut) for cut in table["cut"])
    return {
        "held_out": Answer(
            f"{int(table['n_judged'].sum())} rows judged beyond cuts {cuts} along {backtest.along}, up to "
            f"{si(float(table['largest_factor'].max()))} times beyond the largest fitted"
        ),
        "error_metric": Answer(
            f"mean absolute relative error {number(100 * float(table['error'].mean()), digits=3)} %, bias "
            f"{100 * float(table['bias'].mean()):+.2g} %; {100 * backtest.level:g} % intervals for one new run held "
            f"{100 * float(table['coverage'].mean()):.0f} %, each cut counting the same"
        ),
    }
