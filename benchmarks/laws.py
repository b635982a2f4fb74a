"""Whether every law of the catalogue finds its own parameters again from no guess, and how long it takes.

``python benchmarks/laws.py [NAME ...]``: noise-free runs of each law, 200 rows or as many as its design has, fitted
without a guess. The designs and true values are those of the tests.
"""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from threads import one_thread

one_thread()
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import scalefit as sf  # noqa: E402
from cases import CASES  # noqa: E402

ROWS = 200
REPEATS = 3
#: Asked of laws of at most so many parameters, in seconds; relative error asked of every parameter.
MOST_PARAMS, SECONDS, ERROR = 7, 0.5, 1e-6


@dataclass(frozen=True)
class Row:
    """One law: the median time of its fits, and the largest relative error of a parameter."""

    law: str
    parameters: int
    rows: int
    seconds: float
    error: float
    verdict: str


def enough_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs repeated up to 200 rows; training curves as they are."""
    if "run" in runs or len(runs) >= ROWS:
        return runs
    return pd.concat([runs] * -(-ROWS // len(runs)), ignore_index=True).iloc[:ROWS]


def fit_once(name: str) -> Row:
    law, case = sf.get_law(name), CASES[name]
    runs = enough_rows(case.runs(law))
    seconds = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        fit = case.fit(law, runs)
        seconds.append(time.perf_counter() - begin)
    true = np.array([case.true[param] for param in law.param_names])
    error = np.max(np.abs(np.array([fit.estimates[param] for param in law.param_names]) / true - 1))
    return Row(name, len(law.params), len(runs), float(np.median(seconds)), float(error), fit.verdict.split(",")[0])


def main() -> None:
    warnings.simplefilter("ignore", sf.ScalefitWarning)
    rows = [fit_once(name) for name in (sys.argv[1:] or CASES)]
    print("| law | parameters | rows | seconds | largest error | verdict |\n|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda row: -row.seconds):
        print(f"| {row.law} | {row.parameters} | {row.rows} | {row.seconds:.2f} | {row.error:.0e} | {row.verdict} |")
    late = [row.law for row in rows if row.parameters <= MOST_PARAMS and row.seconds > SECONDS]
    wrong = [row.law for row in rows if not row.error < ERROR]
    print(f"\n{len(rows)} laws, {sum(row.seconds for row in rows):.1f} s for one fit of each")
    print(f"slower than {SECONDS} s with {MOST_PARAMS} parameters or fewer: {', '.join(late) or 'none'}")
    print(f"not found again to {ERROR:g}: {', '.join(wrong) or 'none'}")


if __name__ == "__main__":
    main()
