"""The tables of real_extrapolation.md, from one row per method, run and cut."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

import scalefit

CURVES = "revisiting_lang"
REPEATED = ("repeated", "repetition")
PENALTY = 20.0  # 2 / (1 - 0.9): the interval score of Gneiting & Raftery 2007
BOOTSTRAPS = 2000


def scored(rows: pd.DataFrame) -> pd.DataFrame:
    """Shares of the value seen: error, bias, whether inside, half-width and interval score."""
    low, high = np.expm1(rows.low), np.expm1(rows.high)
    outside = np.maximum(low, 0) + np.maximum(-high, 0)
    return rows.assign(
        bias=np.expm1(rows.error),
        absolute=np.expm1(rows.error).abs(),
        inside=((rows.low <= 0) & (rows.high >= 0)).astype(float),
        half_width=(high - low) / 2,
        score=(high - low) + PENALTY * outside,
        log_half_width=(rows.high - rows.low) / 2,
    )


def by_run(rows: pd.DataFrame) -> pd.DataFrame:
    """Means within each physical run, over cuts and series."""
    wanted = ["bias", "absolute", "inside", "half_width", "score"]
    return rows.groupby(["study", "run_id"])[wanted].mean()


def with_run_ids(rows: pd.DataFrame) -> pd.DataFrame:
    """A name for each physical run: one that stands in several series of OLMo or beside each router is one run."""
    shared = rows.study.isin(["olmo_ladder", "data_constrained"])
    dense = (rows.study == "moe_routing") & rows.run.isin(dense_runs(rows))
    series = np.where(shared | dense, "", rows.series.astype(str))
    return rows.assign(run_id=rows.study + "|" + series + "|" + rows.run)


def dense_runs(rows: pd.DataFrame) -> set[str]:
    """Runs of moe_routing that stand beside several routers."""
    routed = rows[rows.study == "moe_routing"]
    return {run for run, part in routed.groupby("run") if part.series.nunique() > 1}


def cluster_error(values: pd.Series, rng: np.random.Generator) -> float:
    """Standard error of a mean over runs, whole series of each study drawn anew."""
    series = [part.to_numpy(float) for _, part in values.groupby(level=[0, 1])]
    sums, counts = np.array([part.sum() for part in series]), np.array([len(part) for part in series])
    drawn = rng.integers(0, len(series), size=(BOOTSTRAPS, len(series)))
    return float(np.std(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)))


def write_report(rows: pd.DataFrame, path: Path, commit: str) -> None:
    """Write the page."""
    rows = with_run_ids(scored(rows))
    surfaces, curves = rows[rows.study != CURVES], rows[rows.study == CURVES]
    parts = [opening(rows, commit)]
    if len(surfaces):
        parts += [pooled(surfaces), by_study(surfaces), by_cut(surfaces), against_single_laws(surfaces)]
    if len(curves):
        parts += [of_curves(curves)]
    path.write_text("\n\n".join(parts) + "\n")


def opening(rows: pd.DataFrame, commit: str) -> str:
    """What was done, where and with what."""
    packages = ", ".join(f"{part.__name__} {part.__version__}" for part in (scalefit, np, scipy, pd))
    seconds = rows[rows.method == "forecast"].groupby(["study", "series", "cut"]).seconds.first()
    return (
        "# Forecasts of real runs\n\n"
        f"{datetime.now(tz=UTC).date()}, {packages}, Python {platform.python_version()}. Made by "
        "`python docs/studies/real_extrapolation.py --data PATH --report`.\n\n"
        f"The method is that of commit {commit}, which stood before any score below was read; what changed since "
        "concerns checkpoints (several rows a run) and what a forecast doubts. Its constants were found with "
        "prototypes on these same studies, so the figures are those of a method that has seen its judges. "
        "`sf.forecast(runs, at)` with its defaults throughout: fitted to the runs up to a share of the compute (or "
        "parameters), judged on all beyond. Nominal 90 % intervals of one new run. A run that is judged at several "
        "cuts or in several series counts once, by its mean.\n\n"
        f"A forecast with its back-test took {seconds.median():.1f} s in the median, {seconds.max():.0f} s at most, "
        "on two slow cores that did other work."
    )


def pooled(rows: pd.DataFrame) -> str:
    """All studies together."""
    told = rows[rows.method == "forecast"]
    runs = by_run(told)
    fresh = by_run(told[~told.series.isin(REPEATED)])
    series = told.groupby(["study", "series", "run_id"]).inside.mean()
    error = cluster_error(series, np.random.default_rng(0))
    worst_study = runs.groupby("study").inside.mean()
    cut = told.groupby(["study", "cut"]).inside.mean()
    single = told.groupby(["study", "series", "cut"]).inside.mean()
    lines = [
        "## All but curves",
        "",
        "| what | asked | measured |",
        "|---|---|---|",
        f"| coverage, mean over {len(runs)} runs ± standard error over series | 85–95 % | "
        f"{100 * runs.inside.mean():.1f} ± {100 * error:.1f} % |",
        f"| worst study | ≥ 65 % | {100 * worst_study.min():.0f} % ({worst_study.idxmin()}) |",
        f"| worst cut of a study | ≥ 40 % | {100 * cut.min():.0f} % ({' at '.join(cut.idxmin())}) |",
        f"| cuts of one series below 40 % | | {int((single < 0.4).sum())} of {len(single)} |",
        f"| median half-width | ≤ 3 % | {100 * runs.half_width.median():.2f} % |",
        f"| mean error, data not repeated | ≤ 2.5 % | {100 * fresh.absolute.mean():.2f} % |",
        f"| mean error, all | | {100 * runs.absolute.mean():.2f} % |",
    ]
    return "\n".join(lines)


def by_study(rows: pd.DataFrame) -> str:
    """Study by study and, within, series kind by series kind."""
    told = rows[rows.method == "forecast"]
    lines = ["## By study", "", "In percent; the factor is how far beyond the fitted runs the judged ones reach.", "",
             "| study | series | runs | factor up to | error | bias | coverage | half-width | score | doubted |",
             "|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for study, part in told.groupby("study"):
        few = part.series.nunique() <= 5
        pieces = [("all", part), *([(name, one) for name, one in part.groupby("series")] if few else [])]
        for name, one in pieces if few and part.series.nunique() > 1 else pieces[:1]:
            runs = by_run(one).mean()
            lines.append(
                f"| {study} | {name} | {one.run_id.nunique()} | {one.factor.max():.3g} | {100 * runs.absolute:.2f} | "
                f"{100 * runs.bias:+.2f} | {100 * runs.inside:.0f} | {100 * by_run(one).half_width.median():.2f} | "
                f"{100 * runs.score:.1f} | {100 * (one.doubts > 0).mean():.0f} |"
            )
    lines += ["", "doubted: share of the rows whose forecast said that it should not be relied on."]
    return "\n".join(lines)


def by_cut(rows: pd.DataFrame) -> str:
    """Coverage at each cut."""
    told = rows[rows.method == "forecast"]
    table = told.groupby(["study", "cut"]).inside.mean().unstack("cut")
    lines = [
        "## Coverage by cut, %",
        "",
        f"| study | {' | '.join(table.columns)} |",
        "|---" * (len(table.columns) + 1) + "|",
    ]
    for study, row in table.iterrows():
        lines.append(f"| {study} | {' | '.join('-' if np.isnan(x) else f'{100 * x:.0f}' for x in row)} |")
    doubted = [("doubted", told[told.doubts > 0]), ("not doubted", told[told.doubts == 0])]
    said = "; ".join(
        f"{name}: coverage {100 * by_run(part).inside.mean():.0f} %, error {100 * by_run(part).absolute.mean():.2f} %"
        for name, part in doubted
        if len(part)
    )
    return "\n".join([*lines, "", f"Forecasts that said they should not be relied on, and the others. {said}."])


def against_single_laws(rows: pd.DataFrame) -> str:
    """The forecast beside each law alone, on the rows where that law is one of its laws."""
    lines = ["## Against each law alone", "",
             "On the same rows. The law's interval is that of its bootstrap for one new run, as it was before the",
             "noise model of this version.", "",
             "| law | runs | its error % | our error % | ratio | its coverage % | its score | our score |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    told = rows[rows.method == "forecast"]
    keys = ["study", "series", "cut", "run"]
    for law, alone in rows[rows.method != "forecast"].groupby("method"):
        same = told.merge(alone[keys], on=keys)
        ours, theirs = by_run(same).mean(), by_run(alone).mean()
        lines.append(
            f"| {law} | {same.run_id.nunique()} | {100 * theirs.absolute:.2f} | {100 * ours.absolute:.2f} | "
            f"{ours.absolute / theirs.absolute:.2f} | {100 * theirs.inside:.0f} | {100 * theirs.score:.1f} | "
            f"{100 * ours.score:.1f} |"
        )
    return "\n".join(lines)


def of_curves(rows: pd.DataFrame) -> str:
    """Curves with a split of their own: the published measure is the root of the mean squared log error of a series."""
    told = rows[rows.method == "forecast"]
    each = told.groupby("series").agg(
        rmsle=("error", lambda e: float(np.sqrt(np.mean(np.square(e))))),
        last=("persistence", lambda e: float(np.sqrt(np.mean(np.square(e))))),
        inside=("inside", "mean"),
        width=("log_half_width", "median"),
        score=("score", "mean"),
    )
    domain = [name.split("/")[0] for name in each.index]
    split = ", ".join(f"{name} {value:.4f}" for name, value in each.rmsle.groupby(domain).mean().items())
    lines = [
        f"## Curves: {CURVES}, {len(each)} series",
        "",
        "| what | asked | measured |",
        "|---|---|---|",
        f"| mean RMSLE | ≤ 0.0078 | {each.rmsle.mean():.4f} ± {each.rmsle.std() / np.sqrt(len(each)):.4f} ({split}) |",
        f"| of the last value seen | 0.0085 | {each['last'].mean():.4f} |",
        f"| coverage, mean over series | 85–97 % | {100 * each.inside.mean():.1f} % |",
        f"| median log half-width | ≤ 0.022 | {each.width.median():.4f} |",
        "",
        "| law alone | mean RMSLE | coverage % | score | score of the forecast |",
        "|---|---|---|---|---|",
    ]
    for law, part in rows[rows.method != "forecast"].groupby("method"):
        names = part.series.unique()
        rmsle = part.groupby("series").error.apply(lambda e: float(np.sqrt(np.mean(np.square(e))))).mean()
        inside, score = part.groupby("series").inside.mean().mean(), part.groupby("series").score.mean().mean()
        lines.append(f"| {law} | {rmsle:.4f} | {100 * inside:.0f} | {score:.4f} | {each.score[names].mean():.4f} |")
    return "\n".join(lines)
