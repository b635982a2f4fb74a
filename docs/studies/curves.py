"""How well other schedules are forecast from a few curves, and how often the intervals hold.

    python docs/studies/curves.py [--data PATH] [--only PART …] [--simulations 200] [--report]

Parts: ``evaluation`` (the three fitted 100M curves, judged on the six others), ``triples`` (every three of the seven
shorter 100M curves, judged on the other six), ``microlm`` (every two of the seven schedules of each size, judged on the
others) and ``simulation``. The first two need ``--data``, a folder of public studies with
``lr_annealing_gpt/mpl_100m.csv``. Every case is stored in ``curves.csv`` beside this file as it is done, so a run that
was stopped goes on where it was. ``--report`` writes the tables of ``curves.md`` from what is stored.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from curves_tables import write_report

import scalefit as sf

HERE = Path(__file__).parent
STORE = HERE / "curves.csv"
PEAK, WARMUP = 3e-4, 2160
#: Luo et al. 2025, published code: fitted on the three curves of split "fit".
PUBLISHED = "luo2025_100M"


@dataclass(frozen=True)
class Case:
    """Curves to fit and curves to judge."""

    part: str
    name: str
    fitted: pd.DataFrame
    judged: pd.DataFrame
    schedules: Mapping[str, sf.Schedule]


def schedule_100m(name: str, steps: int) -> sf.Schedule:
    """The published schedule of a 100M curve, by its name."""
    kind = name.split("_", maxsplit=1)[0]
    common = {"steps": steps, "peak": PEAK, "warmup": WARMUP}
    if kind == "constant":
        return sf.Schedule.constant(**common)
    if kind == "cosine":
        return sf.Schedule.cosine(**common, end=3e-5)
    if kind == "wsdcon":
        return sf.Schedule.multistep(**common, milestones=[8000], values=[int(name.split("_")[1]) * 1e-5])
    shape = "exp" if kind == "wsd" else "linear"
    return sf.Schedule.wsd(**common, decay_start=20000, end=3e-5, shape=shape)


def read_100m(data: Path) -> tuple[pd.DataFrame, dict[str, sf.Schedule]]:
    """The nine 100M curves and their schedules."""
    rows = pd.read_csv(data / "lr_annealing_gpt/mpl_100m.csv")
    rows["run"] = rows.run.str.removeprefix("mpl100m_")
    plans = {run: schedule_100m(str(run), int(part.total_steps.iloc[0])) for run, part in rows.groupby("run")}
    return rows, plans


def cases_100m(data: Path, parts: list[str]) -> Iterator[Case]:
    """The three fitted curves against the six others, and every three of the seven shorter."""
    rows, plans = read_100m(data)
    if "evaluation" in parts:
        yield Case("evaluation", "fit", rows[rows.split == "fit"], rows[rows.split == "eval"], plans)
    if "triples" in parts:
        short = [run for run in rows.run.unique() if not run.endswith("72000")]
        for three in itertools.combinations(short, 3):
            fitted = rows.run.isin(three)
            yield Case("triples", "+".join(three), rows[fitted], rows[~fitted], plans)


def cases_microlm() -> Iterator[Case]:
    """Every two schedules of a size against the others; the rates are those of the logs."""
    logs = sf.datasets.load("microlm", part="schedules")
    for width, curves in logs.groupby("width"):
        curves = curves.assign(run=curves.schedule)
        peak = curves.lr.max()
        plans = schedules_microlm(peak)
        for pair in itertools.combinations(plans, 2):
            fitted = curves.run.isin(pair)
            yield Case("microlm", f"w{width} {'+'.join(pair)}", curves[fitted], curves[~fitted], plans)


def schedules_microlm(peak: float) -> dict[str, sf.Schedule]:
    """The seven schedules of microlm."""
    common = {"peak": peak, "warmup": 64}
    return {
        "constant": sf.Schedule.constant(steps=2000, **common),
        "cosine": sf.Schedule.cosine(steps=2000, end=0.1 * peak, **common),
        "cosine-half": sf.Schedule.cosine(steps=1000, end=0.1 * peak, **common),
        "linear": sf.Schedule.linear(steps=2000, **common),
        "step": sf.Schedule.multistep(steps=2000, milestones=[1001], values=[0.3 * peak], **common),
        "wsd-60": sf.Schedule.wsd(steps=2000, decay_start=1200, **common),
        "wsd-80": sf.Schedule.wsd(steps=2000, decay_start=1600, **common),
    }


#: Of simulated curves: scatter of a row that fades within a few rows, and of a run, as shares of the loss.
ROW, FADES, RUN = 1e-3, 0.7, 2e-3


def cases_simulated(count: int) -> Iterator[Case]:
    """Three curves of a law against three other schedules: ``count`` of our two laws, half as many of fsl."""
    plans = {
        "constant": sf.Schedule.constant(steps=24000, peak=PEAK, warmup=WARMUP),
        "cosine": sf.Schedule.cosine(steps=24000, peak=PEAK, warmup=WARMUP, end=3e-5),
        "two-stage": sf.Schedule.multistep(steps=16000, peak=PEAK, warmup=WARMUP, milestones=[8000], values=[9e-5]),
        "wsd": sf.Schedule.wsd(steps=24000, peak=PEAK, warmup=WARMUP, decay_start=20000, end=3e-5),
        "linear": sf.Schedule.linear(steps=24000, peak=PEAK, warmup=WARMUP),
        "long cosine": sf.Schedule.cosine(steps=48000, peak=PEAK, warmup=WARMUP, end=3e-5),
    }
    for seed in range(count + count // 2):
        rng = np.random.default_rng([20262, seed])
        law, values = drawn_law("fsl" if seed >= count else ("mpl", "lr_annealing")[seed % 2], rng)
        curves = []
        for run, plan in plans.items():
            steps = np.unique(np.linspace(WARMUP + 80, plan.steps, 80).round().astype(int))
            columns = law.derive.function(plan.rates, steps, **law.derive.settings)
            loss = law.value(np.array([values]), tuple(columns[name] for name in law.inputs))[0]
            noise = np.empty(len(steps))
            noise[0] = rng.standard_normal()
            for k in range(1, len(noise)):
                noise[k] = FADES * noise[k - 1] + np.sqrt(1 - FADES**2) * rng.standard_normal()
            loss = loss * np.exp(ROW * noise + RUN * rng.standard_normal())
            curves.append(pd.DataFrame({"run": run, "step": steps, "loss": loss}))
        table = pd.concat(curves, ignore_index=True)
        fitted = table.run.isin(["constant", "cosine", "two-stage"])
        yield Case("simulation", f"{law.name} {seed}", table[fitted], table[~fitted], plans)


def drawn_law(name: str, rng: np.random.Generator) -> tuple[sf.Law, list[float]]:
    """The Multi-Power Law near its published constants, or annealing or fsl near their fits of three 100M curves."""
    if name == "mpl":
        law = sf.get_law("mpl")
        middle = [law.published[PUBLISHED].values[name] for name in law.param_names]
        spread = [0.05, 0.1, 0.1, 0.2, 0.7, 0.25, 0.15]
    elif name == "fsl":
        law = sf.get_law("fsl")
        middle, spread = [2.624, 27.4, 0.451, 7.9e5, 1.366, 4557.0], [0.05, 0.1, 0.03, 0.2, 0.05, 0.3]
    else:
        law = sf.get_law("lr_annealing").with_settings(decay=1 - 1 / (600 * np.exp(0.4 * rng.standard_normal())))
        middle, spread = [2.68, 0.565, 0.496, 0.727], [0.05, 0.1, 0.1, 0.2]
    return law, [value * float(np.exp(sd * rng.standard_normal())) for value, sd in zip(middle, spread, strict=True)]


def judge(case: Case) -> pd.DataFrame:
    """One row per curve judged: errors of the forecast and of each law, and whether the intervals held."""
    started = time.process_time()
    points = case.judged[["run", "step"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = sf.forecast_curves(
            case.fitted[["run", "step", "loss"]], points, schedules=case.schedules, at_schedules=case.schedules, rng=0
        )
    seconds = time.process_time() - started
    frame = told.frame.assign(loss=case.judged.loss, **told.by_law.add_prefix("law_"))
    first = told.curves.step.min()
    out = []
    for run, part in frame[frame.step >= first].groupby("run", sort=False):
        held = (part.low < part.loss) & (part.loss < part.high)
        last = part.iloc[-1]
        out.append(
            {
                "part": case.part,
                "case": case.name,
                "run": run,
                **scores(part.estimate, part.loss),
                **{f"rmse_{name}": scores(part[f"law_{name}"], part.loss)["rmse"] for name in told.by_law},
                "final": last.loss,
                "error": last.estimate / last.loss - 1,
                "half_width": (last.high - last.low) / 2 / last.estimate,
                "held": bool(held.iloc[-1]),
                "rows_held": held.mean(),
                "apart": told.deviations.apart[told.points.index.get_loc(last.name)],
                "slow": told.deviations.slow,
                "params": told.deviations.params[told.points.index.get_loc(last.name)],
                "row": told.deviations.rows,
                "doubts": len(told.doubts),
                "delay": np.nan if told.delay is None else told.delay.best,
                "seconds": seconds,
            }
        )
    return pd.DataFrame(out)


def scores(told: pd.Series, seen: pd.Series) -> dict[str, float]:
    """What the published table gives of a curve."""
    error, size = told - seen, (told - seen).abs()
    return {
        "r2": 1 - float((error**2).sum() / ((seen - seen.mean()) ** 2).sum()),
        "mae": float(size.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "prede": float((size / seen).mean()),
        "worste": float((size / seen).max()),
    }


def published_scores(data: Path) -> pd.DataFrame:
    """The published constants of the Multi-Power Law on every 100M curve."""
    rows, plans = read_100m(data)
    law = sf.get_law("mpl")
    values, out = law.published[PUBLISHED].values, []
    for run, part in rows.groupby("run", sort=False):
        columns = law.derive.function(plans[run].rates, part.step.to_numpy(), **law.derive.settings)
        theta = np.array([[values[name] for name in law.param_names]])
        told = pd.Series(law.value(theta, tuple(columns[name] for name in law.inputs))[0], index=part.index)
        out.append({"part": "published", "case": PUBLISHED, "run": run, **scores(told, part.loss)})
    return pd.DataFrame(out)


def main() -> None:
    """Judge what is not yet stored; with ``--report`` write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", default=["evaluation", "triples", "microlm", "simulation"])
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--store", type=Path, default=STORE)
    asked = parser.parse_args()
    stored = pd.read_csv(asked.store) if asked.store.exists() else pd.DataFrame({"part": [], "case": []})
    done = set(zip(stored.part, stored.case, strict=True))
    cases: list[Iterator[Case]] = []
    if asked.data is not None:
        if ("published", PUBLISHED) not in done:
            stored = pd.concat([stored, published_scores(asked.data)], ignore_index=True)
        cases.append(cases_100m(asked.data, asked.only))
    if "microlm" in asked.only:
        cases.append(cases_microlm())
    if "simulation" in asked.only:
        cases.append(cases_simulated(asked.simulations))
    for case in itertools.chain(*cases):
        if (case.part, case.name) not in done:
            stored = pd.concat([stored, judge(case)], ignore_index=True)
            stored.to_csv(asked.store, index=False, float_format="%.6g")
    if asked.report:
        write_report(stored, HERE / "curves.md")


if __name__ == "__main__":
    main()
