"""How often do intervals hold the truth? Coverage and width of 90 % intervals, by simulation.

    python docs/studies/coverage.py --sims 1000 --out docs/studies/coverage.md

Each simulation adds 1 % Gaussian noise to the log loss of a fixed design, fits it with the law's default objective
(Huber 1e-3 on the log, which is nearly the median there) and asks for 90 % intervals of every parameter, of the curve
inside the design and ten times beyond it, and of one new run. Widths are divided by those of an oracle that knows the
noise to be Gaussian and of 1 %: ``2 * 1.645 * sqrt(diag((J'J)^-1)) * 0.01`` with J the Jacobian of the log loss at the
truth. An interval of the median, made perfectly, would be 1.25 times as wide.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import shlex
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from scipy import stats

import scalefit as sf
from scalefit.schedules import annealing_area, forward_area

Array = NDArray[np.float64]

NOISE = 0.01
LEVEL = 0.9
METHODS = ("bootstrap", "bca", "covariance")
#: The range that the coverage of nominal 90 % intervals is asked to meet.
WANTED = (0.86, 0.97)
SAVED_EVERY = 25


@dataclass(frozen=True)
class Design:
    """Runs without noise, and points at which predictions are judged.

    Parameters
    ----------
    law : name in the catalogue.
    truth : parameter -> value.
    runs : the inputs of the law, one row per run or checkpoint.
    points : the inputs at two places: the first inside the design, the second ten times beyond it.
    about : what the design stands for, for the table.
    """

    law: str
    truth: Mapping[str, float]
    runs: pd.DataFrame
    points: pd.DataFrame
    about: str

    def mean(self, frame: pd.DataFrame) -> Array:
        """The true log loss."""
        return np.log(sf.get_law(self.law)(self.truth, frame))

    def slopes(self, frame: pd.DataFrame) -> Array:
        """Derivatives of the true log loss by the parameters, (n, p)."""
        law = sf.get_law(self.law)
        theta = np.array([[self.truth[name] for name in law.param_names]])
        inputs = tuple(frame[name].to_numpy(float) for name in law.inputs)
        value, jacobian = law.value_and_jacobian(theta, inputs)
        return (jacobian[0] / value[0]).T

    @property
    def quantities(self) -> list[str]:
        """What intervals are judged for."""
        return [*sf.get_law(self.law).param_names, "curve inside", "curve 10x beyond", "new run inside"]

    def oracle(self) -> Array:
        """Widths of the intervals of one who knows the noise: of parameters raw, of predictions on the log."""
        J, at = self.slopes(self.runs), self.slopes(self.points)
        covariance = np.linalg.inv(J.T @ J) * NOISE**2
        curve = np.einsum("ij,jk,ik->i", at, covariance, at)
        return _two_sided() * np.sqrt(np.concatenate([np.diag(covariance), curve, [curve[0] + NOISE**2]]))

    def simulate(self, number: int) -> tuple[pd.DataFrame, float]:
        """Runs with their losses, and the log loss of one new run at the first point; the same for the same number."""
        rng = np.random.default_rng([20240, number])
        loss = np.exp(self.mean(self.runs) + NOISE * rng.standard_normal(len(self.runs)))
        return self.runs.assign(loss=loss), float(self.mean(self.points)[0] + NOISE * rng.standard_normal())


def _two_sided() -> float:
    return float(2 * stats.norm.ppf(0.5 + LEVEL / 2))


def power_offset() -> Design:
    """Forty runs over three decades."""
    runs = pd.DataFrame({"x": np.geomspace(1e6, 1e9, 40)})
    points = pd.DataFrame({"x": [3e7, 1e10]})
    return Design("power_offset", {"E": 1.7, "A": 400.0, "alpha": 0.34}, runs, points, "40 runs, x from 1e6 to 1e9")


def nmt_bivariate() -> Design:
    """A full grid of encoder and decoder sizes, so that both move apart."""
    sizes = np.geomspace(1e6, 1e9, 6)
    encoder, decoder = (axis.ravel() for axis in np.meshgrid(sizes, sizes))
    runs = pd.DataFrame({"params_encoder": encoder, "params_decoder": decoder})
    points = pd.DataFrame({"params_encoder": [3e7, 1e10], "params_decoder": [3e7, 1e10]})
    truth = {"alpha": 3000.0, "p_e": 0.18, "p_d": 0.31, "L_inf": 1.2}
    return Design(
        "nmt_bivariate", truth, runs, points, "36 runs, encoder and decoder 1e6 to 1e9, every pair of 6 sizes"
    )


def chinchilla() -> Design:
    """Eight sizes, each on five token budgets."""
    sizes, ratios = np.geomspace(1e7, 1e10, 8), np.geomspace(2, 200, 5)
    params, ratio = (axis.ravel() for axis in np.meshgrid(sizes, ratios))
    runs = pd.DataFrame({"params": params, "tokens": params * ratio})
    points = pd.DataFrame({"params": [3e8, 1e11], "tokens": [6e9, 2e13]})
    truth = {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658}
    return Design("chinchilla", truth, runs, points, "40 runs, 8 sizes 1e7 to 1e10 on 2 to 200 tokens per parameter")


def lr_annealing(*, named: bool) -> Design:
    """Two curves of 40 log points. The noise of each row is independent, so without names each row is its own run."""
    steps = np.linspace(500, 20_000, 40).round().astype(int)
    constant = sf.Schedule.constant(steps=20_000, peak=2e-4, warmup=500)
    cosine = sf.Schedule.cosine(steps=20_000, peak=2e-4, warmup=500)
    longer = sf.Schedule.cosine(steps=200_000, peak=2e-4, warmup=500)
    runs = pd.concat([_areas(constant, steps), _areas(cosine, steps)], ignore_index=True)
    if named:
        runs["run"] = np.repeat(["constant", "cosine"], len(steps))
        runs["step"] = np.tile(steps, 2)
    points = pd.concat([_areas(cosine, np.array([10_000])), _areas(longer, np.array([200_000]))], ignore_index=True)
    truth = {"L0": 2.628, "A": 0.43, "alpha": 0.55, "C": 0.411}
    how = "2 named runs: blocks along each are resampled" if named else "each row a run of its own"
    return Design("lr_annealing", truth, runs, points, f"constant and cosine, 20,000 steps, 40 points each; {how}")


def _areas(schedule: sf.Schedule, steps: NDArray[np.int_]) -> pd.DataFrame:
    return pd.DataFrame({"S1": forward_area(schedule.rates)[steps], "S2": annealing_area(schedule.rates)[steps]})


DESIGNS: Mapping[str, Callable[[], Design]] = {
    "power_offset": power_offset,
    "nmt_bivariate": nmt_bivariate,
    "lr_annealing": lambda: lr_annealing(named=False),
    "lr_annealing_blocks": lambda: lr_annealing(named=True),
    "chinchilla": chinchilla,
}


@dataclass
class Tally:
    """Whether intervals held the truth and how wide they were: method -> a row a simulation, a column a quantity."""

    hits: dict[str, list[list[int]]] = field(default_factory=dict)
    widths: dict[str, list[list[float]]] = field(default_factory=dict)
    errors: list[list[float]] = field(default_factory=list)
    not_converged: int = 0
    failed_draws: int = 0
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """Simulations so far."""
        return len(self.errors)


def judge(design: Design, number: int, draws: int, methods: Sequence[str], tally: Tally) -> None:
    """One simulation, written into the tally."""
    runs, new = design.simulate(number)
    truth = np.array([design.truth[name] for name in sf.get_law(design.law).param_names])
    right = np.concatenate([truth, design.mean(design.points), [new]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.FitWarning)  # blocks, and the source of nmt_bivariate: both are meant here
        fit = sf.fit(runs, design.law)
        drawn = fit.bootstrap(draws, rng=number) if {"bootstrap", "bca"} & set(methods) else fit
        for method in methods:
            low, high = intervals(design, fit if method == "covariance" else drawn, method)
            tally.hits.setdefault(method, []).append(((low <= right) & (right <= high)).astype(int).tolist())
            tally.widths.setdefault(method, []).append((high - low).tolist())
    tally.errors.append((np.array([fit.estimates[name] for name in design.truth]) - truth).tolist())
    tally.not_converged += not fit.converged
    tally.failed_draws += drawn.n_failed


def intervals(design: Design, fit: sf.Fit, method: str) -> tuple[Array, Array]:
    """Low and high of every quantity; predictions on the log, NaN where a method has none."""
    table = fit.summary(LEVEL, kind="bca" if method == "bca" else "percentile")
    ends = []
    for end in ("low", "high"):
        if method == "bca":
            beyond = np.full(3, np.nan)
        else:
            curve = fit.predict(design.points, level=LEVEL)[end]
            run = fit.predict(design.points.iloc[:1], level=LEVEL, interval="run")[end]
            beyond = np.log(np.concatenate([curve, run]))
        ends.append(np.concatenate([table[end], beyond]))
    return ends[0], ends[1]


def run_design(name: str, sims: int, draws: int, methods: Sequence[str], store: Path | None) -> Tally:
    """All simulations of a design; what is stored already is not done again."""
    design, path = DESIGNS[name](), None if store is None else store / f"{name}.json"
    tally = Tally(**json.loads(path.read_text())) if path is not None and path.exists() else Tally()
    begun, before = time.perf_counter(), tally.seconds
    for number in range(tally.count, sims):
        judge(design, number, draws, methods, tally)
        tally.seconds = before + time.perf_counter() - begun
        if path is not None and (tally.count % SAVED_EVERY == 0 or tally.count == sims):
            path.write_text(json.dumps(vars(tally)))
            print(f"{name}: {tally.count} of {sims}, {tally.seconds:.0f} s", flush=True)
    return tally


def coverage_interval(hits: int, count: int) -> tuple[float, float]:
    """The exact (Clopper-Pearson) 99 % interval of a share."""
    ends = stats.binomtest(hits, count).proportion_ci(0.99, method="exact")
    return float(ends.low), float(ends.high)


def table_of(name: str, tally: Tally) -> str:
    """One design as Markdown."""
    design = DESIGNS[name]()
    methods = list(tally.hits)
    head = ["quantity", "oracle width", *(f"{method} {what}" for method in methods for what in ("coverage %", "width"))]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    hits = {method: np.array(rows) for method, rows in tally.hits.items()}
    widths = {method: np.array(rows, float) for method, rows in tally.widths.items()}
    for j, (quantity, oracle) in enumerate(zip(design.quantities, design.oracle(), strict=True)):
        cells = [quantity, f"{oracle:.3g}"]
        for method in methods:
            ratio = widths[method][:, j].mean() / oracle
            cells += ["-", "-"] if np.isnan(ratio) else [_coverage_cell(hits[method][:, j]), f"{ratio:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    foot = (
        f"{tally.count} simulations, {tally.not_converged} fits not converged, {tally.failed_draws} resamples failed."
    )
    return "\n".join([f"### {name}", "", f"{design.about}. {foot}", "", *lines, ""])


def _coverage_cell(hits: NDArray[np.int_]) -> str:
    low, high = coverage_interval(int(hits.sum()), len(hits))
    missed = "" if low <= WANTED[1] and high >= WANTED[0] else " **misses**"
    return f"{100 * hits.mean():.1f} ({100 * low:.1f}–{100 * high:.1f}){missed}"


def report(tallies: Mapping[str, Tally], command: str, draws: int) -> str:
    """The whole page."""
    made = f"{dt.datetime.now(tz=dt.UTC).date()}, scalefit {sf.__version__}, Python {platform.python_version()}"
    low, high = (f"{100 * end:.0f}" for end in WANTED)
    about = [
        "Noise: 1 % Gaussian on the log loss, independent between rows. Fits: the default objective, Huber 1e-3 on",
        "the log.",
        f"`bootstrap`: percentiles of {draws} resamples; `bca`: the same, corrected; `covariance`: no resamples.",
        "Coverage in percent with its exact 99 % binomial interval; **misses** where that interval lies outside",
        f"{low}–{high} %. Width: mean over simulations, divided by the width of an oracle that knows the noise",
        "(least squares, Gaussian, 1 %). A perfect interval around the median would have 1.25. Widths of predictions",
        "are on the log.",
    ]
    head = [f"{made}, NumPy {np.__version__}, SciPy {scipy.__version__}. Made by", f"`{command}`."]
    tables = [table_of(name, tally) for name, tally in tallies.items()]
    return "\n".join(["# Coverage of 90 % intervals", "", *head, "", *about, "", *tables])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from a shell."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sims", type=int, default=1000, help="simulations of each design")
    parser.add_argument("--draws", type=int, default=200, help="resamples of each bootstrap")
    parser.add_argument("--laws", nargs="+", choices=list(DESIGNS), default=list(DESIGNS), help="which designs")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--out", type=Path, help="where the table goes; without it, to the screen")
    parser.add_argument(
        "--store", type=Path, help="a folder for results so far: a run that was stopped goes on from there"
    )
    options = parser.parse_args(arguments)
    if options.store is not None:
        options.store.mkdir(parents=True, exist_ok=True)
    shown = ["--sims", str(options.sims), "--draws", str(options.draws), "--laws", *options.laws]
    command = shlex.join(["python", "docs/studies/coverage.py", *shown])
    tallies = {}
    for name in options.laws:
        tallies[name] = run_design(name, options.sims, options.draws, options.methods, options.store)
    text = report(tallies, command, options.draws)
    if options.out is None:
        sys.stdout.write(text)
    else:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
