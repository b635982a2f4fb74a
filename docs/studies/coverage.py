"""How often do nominal 90 % intervals hold? Right and wrong laws, four kinds of noise, 12 to 240 runs.

    python docs/studies/coverage.py --sims 1000 --out docs/studies/coverage.md

Each cell is one call of ``sf.coverage``. Simulations are stored in parts as they are done (``--store``), so a study
that was stopped goes on; the table is written beside a CSV with every number (``coverage.csv``). Delete the store when
the library has changed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import fnmatch
import json
import platform
import shlex
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial, reduce
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from coverage_cells import (
    CELLS,
    FACTORS,
    GRIDS,
    HIDDEN_POWER,
    HIDDEN_SHARE,
    NOISE_WORDS,
    RATIO,
    RATIOS,
    RIGHT,
    SIZES,
    Cell,
)

import scalefit as sf

#: Simulations stored together.
PART = 50
#: Cells of too few runs to ask much of.
FEW = {cell.name for cell in RIGHT if cell.n == min(GRIDS)}
#: Where a quantity stands in the tables.
ORDER = ("E", "A", "alpha", "B", "beta")


def parts_of(sims: int) -> list[tuple[int, int]]:
    """First simulation and count of each part."""
    return [(first, min(PART, sims - first)) for first in range(0, sims, PART)]


def simulate_part(task: tuple[str, int, int], draws: int, store: Path) -> str:
    """Simulate and store one part, unless it is there."""
    name, first, count = task
    folder = store / f"{name}-{draws}"
    done = folder / f"{first:05d}-{count}.json"
    if not done.exists():
        begun = time.process_time()
        told = CELLS[name].simulate(first, count, draws)
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "law": told.law,
            "about": told.about,
            "level": told.level,
            "wanted": told.wanted,
            "problems": told.problems,
            "simulations": told.simulations.to_dict("list"),
            "quantities": told.quantities.reset_index().to_dict("list"),
            "alarms": told.alarms.to_dict("list"),
            "seconds": time.process_time() - begun,
        }
        unfinished = done.with_suffix(".part")
        unfinished.write_text(json.dumps(content))
        unfinished.replace(done)
    return f"{name} {first + count}"


def load_part(path: Path) -> tuple[sf.Coverage, float]:
    """A stored part and the seconds it took."""
    content = json.loads(path.read_text())
    told = sf.Coverage(
        law=content["law"],
        about=content["about"],
        level=content["level"],
        wanted=tuple(content["wanted"]),
        simulations=pd.DataFrame(content["simulations"]),
        quantities=pd.DataFrame(content["quantities"]).set_index("quantity"),
        alarms=pd.DataFrame(content["alarms"]),
        problems=tuple(content["problems"]),
    )
    return told, float(content["seconds"])


def load_cell(name: str, sims: int, draws: int, store: Path) -> tuple[sf.Coverage, float]:
    """All parts of a cell as one, and the seconds of all."""
    files = [store / f"{name}-{draws}" / f"{first:05d}-{count}.json" for first, count in parts_of(sims)]
    loaded = [load_part(path) for path in files]
    return reduce(sf.Coverage.join, (told for told, _ in loaded)), sum(seconds for _, seconds in loaded)


def run_cells(sims: Mapping[str, int], draws: int, workers: int, store: Path) -> None:
    """Everything that is not stored yet, part by part."""
    tasks = [(name, first, count) for name, wanted in sims.items() for first, count in parts_of(wanted)]
    work = partial(simulate_part, draws=draws, store=store)
    if workers == 1:
        announce(map(work, tasks), len(tasks))
        return
    with ProcessPoolExecutor(workers) as pool:
        announce(pool.map(work, tasks), len(tasks))


def announce(done: Iterable[str], count: int) -> None:
    """A line for each part."""
    begun = time.perf_counter()
    for k, what in enumerate(done, start=1):
        print(f"{what} ({k} of {count} parts, {time.perf_counter() - begun:.0f} s)", flush=True)


def order_of(quantity: str) -> int:
    """Parameters first, then the loss, then what is derived."""
    return ORDER.index(quantity) if quantity in ORDER else len(ORDER) + (not quantity.startswith("loss"))


def cell_text(row: pd.Series) -> str:
    """Coverage with its interval, and width and score in oracles' widths."""
    text = f"{100 * row['coverage']:.1f} ({100 * row['low99']:.1f}–{100 * row['high99']:.1f})"
    return text if row["meets"] else f"**{text}**"


def ratio_text(value: float) -> str:
    """Two digits, and powers of ten where a few intervals are endless."""
    return "-" if not np.isfinite(value) else f"{value:.2f}" if value < 100 else f"{value:.1e}"


def right_tables(frame: pd.DataFrame) -> list[str]:
    """One table a noise and number of runs, one row a quantity, three columns a method."""
    lines = []
    for noise, words in NOISE_WORDS.items():
        for n in GRIDS:
            part = frame[(frame["cell"] == f"right-{noise}-{n}")]
            if not len(part):
                continue
            lines += [f"### {words}; {n} runs", "", cost_line(part), "", *method_table(part, oracle=True), ""]
    return lines


def wrong_tables(frame: pd.DataFrame) -> list[str]:
    """The wrong law: one table a cell."""
    lines = []
    for cell in (cell for cell in CELLS.values() if not cell.right):
        part = frame[frame["cell"] == cell.name]
        if len(part) and not cell.alarms:
            what = ", with the library's forecast" if cell.forecasts else ""
            head = f"### {NOISE_WORDS[cell.noise]}; {cell.n} runs{what}"
            lines += [head, "", cost_line(part), "", *method_table(part, oracle=False), ""]
    return lines


def cost_line(part: pd.DataFrame) -> str:
    """How many simulations, what failed, how long it took."""
    first = part.iloc[0]
    lost = part.groupby("method", sort=False)["failures"].max()
    failed = ", ".join(f"{name} {count}" for name, count in lost.items() if count) or "none"
    return (
        f"{first['sims']:.0f} simulations, {100 * first['not_converged']:.1f} % of fits not converged, "
        f"intervals missing: {failed}; {1000 * first['seconds'] / first['sims']:.0f} ms a simulation."
    )


def method_table(part: pd.DataFrame, *, oracle: bool) -> list[str]:
    """Rows of quantities: coverage, width and score of each method."""
    methods = list(dict.fromkeys(part["method"]))
    width = "width / oracle" if oracle else "width"
    head = ["quantity", *(f"{method} {what}" for method in methods for what in ("coverage %", width, "score"))]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    names = sorted(dict.fromkeys(part["quantity"]), key=order_of)
    for name in names:
        cells = [name]
        for method in methods:
            row = part[(part["quantity"] == name) & (part["method"] == method)]
            if not len(row):
                cells += ["-"] * 3
                continue
            one = row.iloc[0]
            scale = one["width"] / one["over_oracle"] if oracle else 1.0
            shown = one["over_oracle"] if oracle else one["width"]
            texts = [ratio_text(value) if oracle else f"{value:.3g}" for value in (shown, one["score"] / scale)]
            cells += [cell_text(one), *texts]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def verdict_lines(frame: pd.DataFrame) -> list[str]:
    """What the issue asks, answered from the numbers."""
    lines = []
    right = frame[frame["right"] & (frame["n"] >= 40) & (frame["method"] == "bootstrap")]
    if len(right):
        missed = right[~right["meets"]]
        names = ", ".join(f"{row.quantity} ({row.cell})" for row in missed.itertuples()) or "none"
        lines.append(
            f"- Right law, 40 runs and more, bootstrap: {len(right) - len(missed)} of {len(right)} coverages meet "
            f"86–97 %; {100 * right['coverage'].min():.1f} to {100 * right['coverage'].max():.1f} %. Missed: {names}."
        )
    wrong = frame[~frame["right"] & frame["quantity"].str.contains("x$")]
    for (cell, method), part in wrong.groupby(["cell", "method"], sort=False):
        shares = ", ".join(
            f"{name} {100 * share:.1f} %" for name, share in zip(part["quantity"], part["coverage"], strict=True)
        )
        lines.append(f"- Wrong law, {cell}, {method}: {shares}.")
    return lines


def alarm_lines(rates: pd.DataFrame) -> list[str]:
    """Hit and false-alarm rates."""
    if not len(rates):
        return []
    lines = ["## The lack-of-fit warning", "", "| cell | law | simulations | raised % |", "|---|---|---|---|"]
    for row in rates.itertuples():
        share = f"{100 * row.share:.1f} ({100 * row.low99:.1f}–{100 * row.high99:.1f})"
        law = "right: a false alarm" if row.right else "wrong: a hit"
        lines.append(f"| {row.cell.removesuffix('-alarms')} | {law} | {row.sims} | {share} |")
    return [*lines, ""]


def about_lines(draws: int) -> list[str]:
    """What was simulated and how it was judged."""
    low, high = (f"{end:.0e}".replace("e+0", "e").replace("e+", "e") for end in SIZES)
    grids = ", ".join(f"{n} = {sizes} × {ratios}" for n, (sizes, ratios) in GRIDS.items())
    factors = ", ".join(map(str, FACTORS))
    return [
        f"Designs: sizes {low} to {high} on {RATIOS[0]:g} to {RATIOS[1]:g} tokens per parameter, {grids}. Law:",
        "chinchilla with the constants of Besiroglu et al. 2024, or, where it is wrong, with a third term in params",
        f"that is {100 * HIDDEN_SHARE:g} % of the reducible loss in the middle of the design and falls with the power",
        f"{HIDDEN_POWER:g}.",
        "",
        f"Judged: parameters; the loss of models with {RATIO:g} tokens per parameter and {factors} times the",
        f"compute of the largest run; the best size for {FACTORS[0]} times that compute. `new run` adds the scatter of",
        "one run.",
        "",
        f"Fits: the default objective, Huber 1e-3 on the log. `bootstrap`: percentiles of {draws} resamples, of whole",
        "runs where checkpoints share a seed. `bca`: the same draws, corrected. `covariance`: no resamples.",
        "",
        "Coverage in percent with its exact 99 % binomial interval, **bold** where that misses 86–97 %. Width: the",
        "mean over simulations, divided by that of an oracle that knows the noise and the law (Fisher information at",
        "the truth; the median, which Huber 1e-3 nearly is, would have 1.25 under Gaussian noise). Score: the mean",
        "interval score in the same unit. Widths of losses and of the best size are on the log; with a wrong law",
        "there is no oracle, and widths and scores are shares of the loss.",
    ]


def summary(sims: Mapping[str, int], draws: int, store: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every number of every cell, and the rates of alarms."""
    frames, rates = [], []
    for name, wanted in sims.items():
        told, seconds = load_cell(name, wanted, draws, store)
        cell: Cell = CELLS[name]
        what = {"cell": name, "right": cell.right, "noise": cell.noise, "n": cell.n}
        if cell.alarms:
            rates.append(told.rates.assign(**what, sims=told.n_sims))
        else:
            frames.append(told.frame.assign(**what, sims=told.n_sims, seconds=seconds))
    told = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return told, pd.concat(rates, ignore_index=True) if rates else pd.DataFrame()


def page(frame: pd.DataFrame, rates: pd.DataFrame, command: str, draws: int) -> str:
    """The whole page."""
    made = f"{dt.datetime.now(tz=dt.UTC).date()}, scalefit {sf.__version__}, Python {platform.python_version()}"
    versions = f"{made}, NumPy {np.__version__}, SciPy {scipy.__version__}. Made by"
    parts = ["# Coverage of 90 % intervals", "", versions, f"`{command}`.", "", *about_lines(draws), ""]
    if len(frame):
        parts += ["## In short", "", *verdict_lines(frame), ""]
        for title, lines in (("Right law", right_tables(frame)), ("Wrong law", wrong_tables(frame))):
            if lines:
                parts += [f"## {title}", "", *lines]
    return "\n".join([*parts, *alarm_lines(rates)]).rstrip() + "\n"


def chosen(patterns: Sequence[str]) -> list[str]:
    """Names of cells that match any of the patterns."""
    names = [name for name in CELLS if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    if not names:
        sys.exit(f"No cell matches {' '.join(patterns)}; there are {', '.join(CELLS)}.")
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from a shell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sims", type=int, default=1000, help="simulations of each cell")
    parser.add_argument("--few-sims", type=int, default=300, help="simulations of each right cell with 12 runs")
    parser.add_argument("--forecast-sims", type=int, default=150, help="simulations of each cell with forecasts")
    parser.add_argument("--alarm-sims", type=int, default=300, help="simulations of each cell with warnings")
    parser.add_argument("--draws", type=int, default=200, help="resamples of each bootstrap")
    parser.add_argument("--cells", nargs="+", default=["*"], help="names or patterns, such as 'right-*-40'")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--store", type=Path, default=Path("build/coverage"), help="where simulations are kept")
    parser.add_argument("--out", type=Path, help="where the page goes; without it, to the screen")
    options = parser.parse_args(arguments)
    counts = {"": options.sims, "-forecast": options.forecast_sims, "-alarms": options.alarm_sims}
    sims = {name: counts[CELLS[name].suffix] for name in chosen(options.cells)}
    sims |= {name: options.few_sims for name in sims if name in FEW}
    run_cells(sims, options.draws, options.workers, options.store)
    told, rates = summary(sims, options.draws, options.store)
    shown = ["--sims", str(options.sims), "--few-sims", str(options.few_sims)]
    shown += ["--forecast-sims", str(options.forecast_sims)]
    shown += ["--alarm-sims", str(options.alarm_sims), "--draws", str(options.draws)]
    shown += [] if options.cells == ["*"] else ["--cells", *options.cells]
    text = page(told, rates, shlex.join(["python", "docs/studies/coverage.py", *shown]), options.draws)
    if options.out is None:
        sys.stdout.write(text)
        return
    options.out.write_text(text, encoding="utf-8")
    told.drop(columns="seconds", errors="ignore").to_csv(
        options.out.with_suffix(".csv"), index=False, float_format="%.6g"
    )


if __name__ == "__main__":
    main()
