"""How often forecasts hold on real runs: fitted on the smaller part of each study, judged on the larger.

    python docs/studies/real_extrapolation.py --data PATH [--out FOLDER] [--workers 2] [--only NAME …]

``--data`` is a folder of public studies in the layout that ``scalefit.datasets`` names; without it microlm alone is
judged. Every series and cut is stored in ``--out`` as it is done, so a run that was stopped goes on where it was. The
tables are written to ``real_extrapolation.md`` beside this file by ``--report``.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from real_extrapolation_tables import write_report

import scalefit as sf

CUTS = (0.5, 0.6, 0.7, 0.8)
HERE = Path(__file__).parent
#: The commit that fixed the rule and its constants, before any score was read.
METHOD = "5c495ca"


@dataclass(frozen=True)
class Series:
    """Runs that one forecast is made of."""

    study: str
    name: str
    runs: pd.DataFrame
    along: str = "flops"
    target: str = "loss"
    columns: dict[str, str] = field(default_factory=dict)
    #: Names of the physical runs, where a run stands in several series.
    run: str = "run"
    #: True where the fit and the judged rows are given by the study.
    given: bool = False

    def divisions(self) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
        """Cut, runs to fit and runs to judge; cuts that divide alike are one."""
        if self.given:
            fitted = self.runs.split == "train"
            yield "given", self.runs[fitted], self.runs[~fitted]
            return
        place = self.runs[self.along].to_numpy(float)
        sizes = set()
        for cut in CUTS:
            edge = np.sort(place)[max(int(cut * len(place)) - 1, 0)]
            fitted = place <= edge
            if 6 <= fitted.sum() < len(place) and fitted.sum() not in sizes:
                sizes.add(fitted.sum())
                yield f"{cut:g}", self.runs[fitted], self.runs[~fitted]


def microlm() -> Iterator[Series]:
    """Our own runs; those of repeated data are a part of them."""
    ladder = sf.datasets.load("microlm").groupby("run", as_index=False).last()
    for family, runs in ladder.groupby("family"):
        yield Series("microlm", str(family), runs)
    repeated = sf.datasets.load("microlm", part="repetition").groupby("run", as_index=False).last()
    yield Series("microlm", "repetition", repeated)


def public(data: Path) -> Iterator[Series]:
    """Every public study with an axis of scale."""
    runs = pd.read_csv(data / "chinchilla_besiroglu/runs.csv")
    yield Series("chinchilla_besiroglu", "all", named(runs[runs.outlier == 0]))
    runs = pd.read_csv(data / "xlstm_vs_llama/runs.csv")
    for key, part in runs[runs.in_paper_fit == 1].groupby(["family", "experiment", "context_length"]):
        if part.flops.nunique() >= 12 and key[1] != "isoflop_batch256":
            yield Series("xlstm_vs_llama", f"{key[1]} {key[0]} {key[2]}", named(part))
    runs = pd.read_csv(data / "data_constrained/runs.csv")
    runs["flops"] = 6 * runs.params * runs.tokens
    fresh = runs[(runs.epochs <= 1) & (runs.deduplicated == 0)].drop(columns="unique_tokens")
    yield Series("data_constrained", "one pass", named(fresh))
    yield Series("data_constrained", "repeated", named(runs[runs.in_fit == 1]))
    runs = pd.read_csv(data / "parscale/runs.csv")
    for family, part in runs.groupby("family"):
        yield Series("parscale", str(family), named(part), along="params")
    runs = pd.read_csv(data / "moe_routing/runs.csv")
    runs = runs[runs.in_main_fit == 1]
    for family in ("S-Base", "RL-R", "Hash"):
        yield Series("moe_routing", family, named(runs[runs.family.isin([family, "Dense"])]), along="params")
    runs = pd.read_csv(data / "olmo_ladder/runs.csv")
    runs = runs[runs.role.isin(["fit", "target"])]
    runs["physical"] = [f"{size:g}-{tokens:g}" for size, tokens in zip(runs.params, runs.tokens, strict=True)]
    for task, part in runs.groupby("task"):
        yield Series("olmo_ladder", f"{task} bits per byte", part.assign(loss=part.bpb), run="physical")
    part = runs[runs.task == "mmlu_avg_test"]
    yield Series("olmo_ladder", "c4", part.assign(loss=part.c4_loss), run="physical")
    runs = pd.read_csv(data / "revisiting_lang/series.csv")
    for name, part in runs.groupby("series"):
        curve = part.sort_values("x").reset_index(drop=True)
        yield Series(
            "revisiting_lang", str(name), curve.assign(point=curve.index), "x", "y", {"x": "x"}, "point", given=True
        )


def named(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs with a name each, where the table has none."""
    return runs if "run" in runs.columns and runs.run.is_unique else runs.assign(run=runs.index.astype(str))


def judge(series: Series, cut: str, fitted: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """The forecast and each single law beside what was seen, a row per run judged and method."""
    wanted = ["params", "tokens", "unique_tokens", "experts", "streams", "flops", "x", series.target]
    here = [name for name in dict.fromkeys(wanted) if name in fitted.columns]
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = sf.forecast(
            fitted[here], judged[here], target=series.target, columns=series.columns, along=series.along, rng=0
        )
        seconds = time.perf_counter() - started
        methods = {"forecast": told.frame} | singles(told, judged[here].drop(columns=series.target), series)
    seen = judged[series.target].to_numpy(float)
    rows = [
        pd.DataFrame(
            {
                "run": judged[series.run].astype(str).to_numpy(),
                "method": method,
                "factor": judged[series.along].to_numpy(float) / float(fitted[series.along].max()),
                "error": np.log(frame.estimate.to_numpy(float) / seen),
                "low": np.log(frame.low.to_numpy(float) / seen),
                "high": np.log(frame.high.to_numpy(float) / seen),
            }
        )
        for method, frame in methods.items()
    ]
    last = np.log(float(fitted.sort_values(series.along)[series.target].iloc[-1]) / seen)
    return pd.concat(rows).assign(
        study=series.study, series=series.name, cut=cut, n_fitted=len(fitted), doubts=len(told.doubts), seconds=seconds,
        persistence=np.tile(last, len(methods)),
    )  # fmt: skip


def singles(told: sf.Forecast, points: pd.DataFrame, series: Series) -> dict[str, pd.DataFrame]:
    """Each law alone, with its own interval for a new run: from a bootstrap, of curves from the covariance."""
    out = {}
    for name, fitted in told.fits.items():
        try:
            drawn = fitted if series.given else fitted.bootstrap(200, rng=0)
            out[name] = drawn.predict(points, interval="run")
        except sf.ScalefitError:  # as many runs as parameters: there is no interval of this law
            continue
    return out


def store(task: tuple[Series, str, pd.DataFrame, pd.DataFrame, Path]) -> str:
    """One series and cut, unless it is there."""
    series, cut, fitted, judged, out = task
    key = hashlib.sha256(f"{series.study}|{series.name}|{cut}".encode()).hexdigest()[:16]
    path = out / f"{key}.csv"
    if not path.exists():
        judge(series, cut, fitted, judged).to_csv(path, index=False)
    return f"{series.study} {series.name} {cut}"


def main() -> None:
    """Judge what is missing, and write the tables if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "real_extrapolation_results")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="studies")
    parser.add_argument("--report", action="store_true")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    every = [*microlm(), *(public(asked.data) if asked.data else ())]
    tasks = [
        (series, *division, asked.out)
        for series in every
        if not asked.only or series.study in asked.only
        for division in series.divisions()
    ]
    with multiprocessing.Pool(asked.workers) as pool:
        for done, name in enumerate(pool.imap_unordered(store, tasks), start=1):
            print(f"{done}/{len(tasks)} {name}", flush=True)
    if asked.report:
        rows = pd.concat(
            [pd.read_csv(path, dtype={"run": str, "cut": str}) for path in sorted(asked.out.glob("*.csv"))]
        )
        write_report(rows, HERE / "real_extrapolation.md", METHOD)


if __name__ == "__main__":
    main()
