"""Speed and objective of scalefit and of other ways to fit the same law, in one run on one machine.

``python benchmarks/speed.py DATA`` where DATA is ``runs.csv`` of the Chinchilla runs or its folder; columns ``params``,
``tokens``, ``loss`` and ``outlier``. The table has three parts, and "ratio" is the time over ours in the same part.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from threads import one_thread

if TYPE_CHECKING:
    import chinchilla_peers as peers
    import numpy as np
    import pandas as pd

    import scalefit as sf

HERE = Path(__file__).parent
#: Rounds of the bootstrap part: each holds one whole bootstrap of ours and a share of every other tool's refits.
ROUNDS = 4
REFITS = 4000
GRID_STARTS = 4500


@dataclass(frozen=True)
class Row:
    """One line of the table; ``excess`` is how far the objective lies above the best of its part, relative."""

    part: str
    what: str
    seconds: float
    objective: float
    excess: float
    ratio: float
    note: str = ""


@dataclass(frozen=True)
class Contender:
    """One way to fit: how often it is timed, and by what its time is multiplied where only a share was run."""

    what: str
    call: Callable[[], Iterable[float]]
    repeats: int
    factor: float = 1.0
    note: str = ""


def main() -> None:
    choices = parse_arguments()
    one_thread()
    runs = read_runs(choices.data)
    print(machine(), flush=True)
    rows = compare_fits(runs, choices)
    bootstrap_rows, excess = compare_bootstraps(runs, choices)
    rows += bootstrap_rows
    if choices.rows:
        rows += compare_many_rows(choices.rows)
    print_table(rows)
    print(f"\nOn every resample that others refitted, ours is at most {excess:.1e} above the best of them (relative).")
    if choices.json:
        written = {"machine": machine(), "rows": [asdict(row) for row in rows], "bootstrap_excess": excess}
        Path(choices.json).write_text(json.dumps(written, indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="runs.csv of the Chinchilla runs, or its folder")
    parser.add_argument("--repeats", type=int, default=15, help="timings of each fast fit; their median is shown")
    parser.add_argument("--starts", type=int, default=GRID_STARTS, help="starts of the published grid that are run")
    parser.add_argument("--refits", type=int, default=400, help="refits by least_squares; by BFGS a quarter of them")
    parser.add_argument("--full", action="store_true", help=f"all {REFITS} refits by every tool: several minutes")
    parser.add_argument("--rows", type=int, default=1_000_000, help="checkpoint rows of the last part; 0 leaves it out")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this file")
    return parser.parse_args()


def read_runs(path: Path) -> pd.DataFrame:
    """The runs that the published fit uses."""
    import pandas as pd

    table = pd.read_csv(path / "runs.csv" if path.is_dir() else path)
    return table[table["outlier"] == 0].reset_index(drop=True)


def machine() -> str:
    names = ("scalefit", "numpy", "scipy", "pandas", "lmfit")
    installed = ", ".join(f"{name} {import_module(name).__version__}" for name in names)
    return f"{_processor()}, {platform.system()}, Python {platform.python_version()}, {installed}; one thread"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def points_of(runs: pd.DataFrame) -> peers.Points:
    import chinchilla_peers as peers
    import numpy as np

    return peers.Points(*(np.log(runs[name].to_numpy()) for name in ("params", "tokens", "loss")))


def compare_fits(runs: pd.DataFrame, choices: argparse.Namespace) -> list[Row]:
    """The fit of the runs as they are."""
    import chinchilla_peers as peers
    import numpy as np

    points, grid, repeats = points_of(runs), peers.published_grid(), choices.repeats
    shuffled = np.random.default_rng(0).permutation(grid)
    share = GRID_STARTS / choices.starts
    contenders = [
        Contender("scalefit, no guess", partial(fit_without_guess, runs), max(15, repeats)),
        Contender(
            "scipy least_squares huber, exact Jacobian, one good start",
            partial(peers.by_least_squares, points),
            repeats,
        ),
        Contender(
            "  the same from 64 starts of the grid", partial(peers.by_least_squares_from, points, shuffled[:64]), 2
        ),
        Contender(
            "lmfit, default (leastsq)",
            partial(peers.by_lmfit_leastsq, points),
            repeats,
            note="minimises the sum of squares, another objective",
        ),
        Contender("lmfit least_squares huber", partial(peers.by_lmfit_huber, points), repeats),
        Contender("scipy BFGS, exact gradient, one good start", partial(peers.by_bfgs, points), repeats),
        Contender(
            "scipy L-BFGS-B, exact gradient, one good start",
            partial(peers.by_lbfgsb, points),
            repeats,
            note="reports success: its ftol is absolute for objectives below 1",
        ),
        Contender(
            f"published grid, {GRID_STARTS} L-BFGS-B starts, finite differences",
            partial(peers.by_grid, points, grid if share == 1 else shuffled[: choices.starts]),
            1,
            share,
            note="" if share == 1 else f"time extrapolated from {choices.starts} starts",
        ),
    ]
    seconds, answers = race(contenders)
    scores = [float(peers.score(np.array([answer]), points)[0]) for answer in answers]
    return as_rows("fit", contenders, seconds, scores, [score / min(scores) - 1 for score in scores])


def fit_without_guess(runs: pd.DataFrame) -> list[float]:
    import scalefit as sf

    return list(sf.fit(runs, "chinchilla").estimates.values())


def race(contenders: list[Contender]) -> tuple[list[float], list[list[float]]]:
    """Median seconds and answer of each; their calls alternate, so that a slow minute of the machine hits all."""
    import statistics

    answers = [list(contender.call()) if contender.repeats > 1 else [] for contender in contenders]  # the warm-up
    taken: list[list[float]] = [[] for _ in contenders]
    for turn in range(max(contender.repeats for contender in contenders)):
        for k, contender in enumerate(contenders):
            if turn < contender.repeats:
                start = time.perf_counter()
                answers[k] = list(contender.call())
                taken[k].append(time.perf_counter() - start)
    return [statistics.median(t) * c.factor for t, c in zip(taken, contenders, strict=True)], answers


def as_rows(
    part: str, contenders: list[Contender], seconds: list[float], scores: list[float], excesses: list[float]
) -> list[Row]:
    """Lines of the table; ours comes first and is what ratios are taken to."""
    return [
        Row(part, c.what, s, o, e, s / seconds[0], c.note)
        for c, s, o, e in zip(contenders, seconds, scores, excesses, strict=True)
    ]


def compare_bootstraps(runs: pd.DataFrame, choices: argparse.Namespace) -> tuple[list[Row], float]:
    """Refits of the same resamples by each tool, and how far ours lie above the best of the others at most."""
    import numpy as np

    import scalefit as sf

    fit, points = sf.fit(runs, "chinchilla"), points_of(runs)
    first = fit.bootstrap(REFITS, rng=0)
    assert first.plan is not None
    counts = first.plan.counts
    tools = refitters(fit, REFITS if choices.full else choices.refits)
    ours: list[float] = []
    seconds: list[list[float]] = [[] for _ in tools]
    ends = np.full((len(tools) + 1, REFITS, 5), np.nan)
    for turn in range(ROUNDS):
        start = time.perf_counter()
        draws = fit.bootstrap(REFITS, rng=0).draws
        ours.append(time.perf_counter() - start)
        for k, tool in enumerate(tools):
            for draw in range(tool.repeats * turn // ROUNDS, tool.repeats * (turn + 1) // ROUNDS):
                resample = points.take(np.repeat(np.arange(len(runs)), counts[draw]))
                start = time.perf_counter()
                ends[k + 1, draw] = tool.refit(resample)
                seconds[k].append(time.perf_counter() - start)
    ends[0, draws.index] = draws.to_numpy()
    totals = [float(np.median(ours)), *(float(np.sum(s)) * REFITS / len(s) for s in seconds)]
    return bootstrap_rows(tools, totals, ends, points, counts)


@dataclass(frozen=True)
class Refitter:
    """One way to refit a resample, and how many it is given."""

    what: str
    refit: Callable[[peers.Points], Iterable[float]]
    repeats: int


def refitters(fit: sf.Fit, refits: int) -> list[Refitter]:
    """The other tools, each with its share of the refits."""
    import chinchilla_peers as peers

    best = peers.from_theta(fit.theta[0])
    fewer = refits if refits == REFITS else max(refits // 4, 4)
    tools = [
        Refitter(
            "scipy least_squares huber, exact Jacobian, warm start", lambda p: peers.by_least_squares(p, best), refits
        ),
        Refitter("published refit (scipy BFGS from Hoffmann), gradient by hand", peers.by_bfgs, fewer),
    ]
    if find_spec("autograd"):
        what = "  the same, gradient by autograd, as published"
        tools.append(Refitter(what, peers.by_bfgs_with_autograd, fewer if refits == REFITS else max(fewer // 4, 4)))
    return tools


def bootstrap_rows(
    tools: list[Refitter], totals: list[float], ends: np.ndarray, points: peers.Points, counts: np.ndarray
) -> tuple[list[Row], float]:
    """Lines of the table; objectives are means over the resamples that every tool refitted."""
    import chinchilla_peers as peers
    import numpy as np

    with np.errstate(invalid="ignore"):
        scores = np.array([peers.score(theta, points, counts) for theta in ends])  # (tools, refits)
    tried = np.isfinite(scores)
    best_of_others = np.where(tried[1:], scores[1:], np.inf).min(axis=0)
    best = np.minimum(best_of_others, np.where(tried[0], scores[0], np.inf))
    shared = tried.all(axis=0)
    contenders = [Contender(f"scalefit, {REFITS} refits", list, 1, note=_failed_note(int((~tried[0]).sum())))]
    for tool in tools:
        note = "" if tool.repeats == REFITS else f"time extrapolated from {tool.repeats} refits"
        contenders.append(Contender(tool.what, list, 1, note=note))
    means = [float(row[shared].mean()) for row in scores]
    excesses = [float(np.max((row / best - 1)[there])) for row, there in zip(scores, tried, strict=True)]
    judged = tried[0] & np.isfinite(best_of_others)
    ours_above = float(np.max((scores[0] / best_of_others - 1)[judged]))
    return as_rows("bootstrap", contenders, totals, means, excesses), ours_above


def _failed_note(failed: int) -> str:
    return f"{failed} resamples reached no minimum and were left out" if failed else ""


def compare_many_rows(rows: int) -> list[Row]:
    """A fit of many checkpoints, each tool in a process of its own."""
    runs, checkpoints = max(2, rows // 500), min(500, rows // 2)
    names = {
        "scalefit": f"scalefit, {runs * checkpoints:,} checkpoint rows, no guess",
        "least_squares": "scipy least_squares huber, exact Jacobian, from the truth",
    }
    contenders, measured = [], []
    for name, what in names.items():
        command = [sys.executable, str(HERE / "many_rows.py"), name, str(runs), str(checkpoints)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        measured.append(json.loads(done.stdout))
        memory = f"peak {measured[-1]['mib_peak']:.0f} MiB, of which {measured[-1]['mib_with_data']:.0f} before the fit"
        contenders.append(Contender(what, list, 1, note=memory))
    scores = [m["objective"] for m in measured]
    return as_rows("rows", contenders, [m["seconds"] for m in measured], scores, [s / min(scores) - 1 for s in scores])


def print_table(rows: list[Row]) -> None:
    heads = ("part", "what", "seconds", "objective", "excess", "ratio")
    lines = [
        (r.part, r.what, f"{r.seconds:.4g}", f"{r.objective:.12e}", f"{r.excess:.1e}", f"{r.ratio:.1f}") for r in rows
    ]
    widths = [max(len(line[j]) for line in (heads, *lines)) for j in range(len(heads))]
    for line, note in zip((heads, *lines), ("", *(r.note for r in rows)), strict=True):
        cells = [c.ljust(w) if j < 2 else c.rjust(w) for j, (c, w) in enumerate(zip(line, widths, strict=True))]
        print("  ".join([*cells, note]).rstrip())


if __name__ == "__main__":
    main()
