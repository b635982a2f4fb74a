"""How well laws of the learning rate, fitted on two or three training curves, predict others, and how fast.

``python benchmarks/curves.py DATA`` where DATA is the folder of ``mpl_100m.csv``: nine runs of one model of 1e8
parameters (Luo et al. 2025, arXiv:2503.12811; columns ``run``, ``schedule``, ``step``, ``lr``, ``loss``).
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from threads import one_thread

one_thread()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import scalefit as sf  # noqa: E402

PEAK, END, WARMUP = 3e-4, 3e-5, 2160
FITTED = ("cosine_24000", "constant_24000")
#: What the authors of the Multi-Power Law fitted it on.
THREE = (*FITTED, "wsdcon_9")
#: Curves that neither this benchmark nor the published law was fitted on.
UNSEEN = ("constant_72000", "cosine_72000", "wsd_20000_24000", "wsdld_20000_24000", "wsdcon_3", "wsdcon_18")
PREDICTED = (*UNSEEN, "wsdcon_9")
METRICS = ("R2", "MAE", "RMSE", "PredE", "WorstE")
DEFAULT_DECAY = 0.999
#: Decays looked at: momenta that last from 50 to 20,000 steps.
DECAYS = tuple(1 - 1 / np.geomspace(50, 20_000, 40))
#: The Multi-Power Law of seven parameters as its authors' log states it; it was fitted on wsdcon_9 as well.
PUBLISHED = {
    "constant_72000": (0.99796, 0.00478, 0.00567, 0.00158, 0.00664),
    "cosine_72000": (0.99699, 0.00727, 0.00821, 0.00245, 0.00455),
    "wsd_20000_24000": (0.99867, 0.00375, 0.00592, 0.00123, 0.00523),
    "wsdld_20000_24000": (0.99904, 0.00325, 0.00492, 0.00106, 0.00572),
    "wsdcon_3": (0.99728, 0.00567, 0.00890, 0.00181, 0.01034),
    "wsdcon_18": (0.99987, 0.00138, 0.00190, 0.00043, 0.00251),
    "wsdcon_9": (0.99864, 0.00493, 0.00634, 0.00158, 0.00547),
}


@dataclass(frozen=True)
class Way:
    """One way to fit: its name, settings and errors; ``errors`` has one row a curve, one column a metric.

    ``seconds`` are those of a fit from no guess and of 1,000 refits, CPU time of this process.
    """

    name: str
    errors: pd.DataFrame
    fit: sf.Fit | None = None
    seconds: tuple[float, float] | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of mpl_100m.csv, or the file")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this file")
    choices = parser.parse_args()
    curves = pd.read_csv(choices.data / "mpl_100m.csv" if choices.data.is_dir() else choices.data)
    schedules = {str(run): schedule_of(name) for run, name in curves.groupby("run")["schedule"].first().items()}
    check_rates(curves, schedules)
    fitted = curves[curves["schedule"].isin(FITTED)]
    law = sf.get_law("lr_annealing")
    profile = {
        decay: sf.fit(fitted, law.with_settings(decay=decay), schedules=schedules) for decay in (DEFAULT_DECAY, *DECAYS)
    }
    best = min(profile, key=lambda decay: profile[decay].objective)
    at_peak = sf.fit(fitted, law.with_settings(warmup="peak"), schedules=schedules)
    ways = [
        judge(f"decay {DEFAULT_DECAY}, warm-up as it was", profile[DEFAULT_DECAY], curves, schedules),
        judge(f"decay {DEFAULT_DECAY}, warm-up at the peak rate", at_peak, curves, schedules),
        judge(f"decay {best:.5g}, profiled on the fitted curves alone", profile[best], curves, schedules),
        *(timed(name, curves, schedules) for name in ("lr_annealing", "mpl", "fsl")),
        Way("Multi-Power Law, published", pd.DataFrame.from_dict(PUBLISHED, orient="index", columns=list(METRICS))),
    ]
    print_ways(ways)
    if choices.json:
        written = {way.name: way.errors.to_dict(orient="index") for way in ways}
        Path(choices.json).write_text(json.dumps(written, indent=1) + "\n")


def schedule_of(name: str) -> sf.Schedule:
    """The schedule that a name such as ``wsd_20000_24000`` stands for."""
    kind, *numbers = name.split("_")
    steps = [int(number) for number in numbers]
    if kind == "constant":
        return sf.Schedule.constant(steps=steps[0], peak=PEAK, warmup=WARMUP)
    if kind == "cosine":
        return sf.Schedule.cosine(steps=steps[0], peak=PEAK, warmup=WARMUP, end=END)
    if kind == "wsdcon":
        return sf.Schedule.multistep(steps=16000, peak=PEAK, warmup=WARMUP, milestones=[8000], values=[steps[0] * 1e-5])
    shape = "exp" if kind == "wsd" else "linear"
    return sf.Schedule.wsd(steps=steps[1], peak=PEAK, warmup=WARMUP, decay_start=steps[0], end=END, shape=shape)


def check_rates(curves: pd.DataFrame, schedules: dict[str, sf.Schedule]) -> None:
    """Stop where a schedule is not the one that the log shows."""
    for run, rows in curves.groupby("run"):
        gap = np.abs(schedules[str(run)].rates[rows["step"]] - rows["lr"]).max()
        if gap > 1e-12:
            raise ValueError(f"The schedule of {run} differs from its logged rates by up to {gap:.1e}.")


def judge(name: str, fit: sf.Fit, curves: pd.DataFrame, schedules: dict[str, sf.Schedule]) -> Way:
    """Errors of a fit on the curves that it has not seen."""
    unseen = curves[curves["schedule"].isin(PREDICTED)]
    predicted = fit.predict(unseen, schedules=schedules)
    errors = {curve: errors_of(rows) for curve, rows in predicted.groupby("schedule")}
    return Way(name, pd.DataFrame.from_dict(errors, orient="index", columns=list(METRICS)), fit)


def timed(name: str, curves: pd.DataFrame, schedules: dict[str, sf.Schedule]) -> Way:
    """A law fitted on the three curves from no guess, as often as it takes to time it, and refitted 1,000 times."""
    three = curves[curves["schedule"].isin(THREE)]
    seconds = []
    for _ in range(4):  # the first one warms up
        start = time.process_time()
        fit = sf.fit(three, name, schedules=schedules)
        seconds.append(time.process_time() - start)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.FitWarning)  # of few runs
        fit.bootstrap(1000, rng=0)
    refits = time.process_time() - start
    way = judge(f"{name} on {' and '.join(THREE)}", fit, curves, schedules)
    return Way(way.name, way.errors, way.fit, (sorted(seconds[1:])[1], refits))


def errors_of(rows: pd.DataFrame) -> list[float]:
    """R2, mean absolute, root mean squared, mean relative and largest relative error of one curve."""
    seen, gap = rows["loss"].to_numpy(), (rows["estimate"] - rows["loss"]).to_numpy()
    share = np.abs(gap) / seen
    r2 = 1 - np.sum(gap**2) / np.sum((seen - seen.mean()) ** 2)
    return [float(v) for v in (r2, np.abs(gap).mean(), np.sqrt(np.mean(gap**2)), share.mean(), share.max())]


def print_ways(ways: list[Way]) -> None:
    print(f"lr_annealing, 4 parameters, fitted on {' and '.join(FITTED)} unless said otherwise; the Multi-Power Law,")
    print("7 parameters, on these and wsdcon_9, which counts as predicted for the others only.")
    for way in ways:
        values = "" if way.fit is None else ": " + ", ".join(f"{k} {v:.5g}" for k, v in way.fit.estimates.items())
        print(f"\n{way.name}{values}")
        if way.fit is not None:
            print(f"  {way.fit.verdict}; objective {way.fit.objective:.5e}")
        if way.seconds is not None:
            print(f"  from no guess {way.seconds[0]:.2f} s, 1,000 refits {way.seconds[1]:.0f} s (CPU time)")
        print("  " + "curve".ljust(20) + "".join(metric.rjust(10) for metric in METRICS))
        table = way.errors.loc[list(PREDICTED)]
        lines = [
            *table.iterrows(),
            ("mean of the first 6", table.loc[list(UNSEEN)].mean()),
            ("mean of 7", table.mean()),
        ]
        for curve, errors in lines:
            print("  " + str(curve).ljust(20) + "".join(f"{value:10.5f}" for value in errors))


if __name__ == "__main__":
    main()
