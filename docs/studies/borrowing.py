"""What other families tell of a new one: leave one family out, keep one trajectory of it, predict the rest.

    SCALEFIT_DATA=<folder> python docs/studies/borrowing.py --out docs/studies/borrowing.md

For each family of a data set, and each of its sizes in turn, only the rows of one size are kept: the final losses of
that size at several token counts, or the checkpoints of its longest run. The rest of the family is predicted from these
and from the other family. microlm is bundled; xlstm_vs_llama is read from ``SCALEFIT_DATA`` and left out without it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import platform
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

import scalefit as sf

LAW = "chinchilla"
LEVEL = 0.9
#: The share of a trajectory's beginning that is left out: checkpoints under warm-up follow no law (Choshen et al.).
WARMUP = 0.1
FEWEST = 4
#: The largest runs: this share of the compute.
LARGEST = 0.2


@dataclass(frozen=True)
class Case:
    """One family left out but for one size."""

    data: str
    family: str
    size: float
    kept: pd.DataFrame
    others: pd.DataFrame
    rest: pd.DataFrame


def microlm_finals() -> Iterator[Case]:
    """Final losses of one size of microlm, at each token count."""
    runs = sf.datasets.load("microlm")
    finals = runs[~runs.held_back].groupby("run", as_index=False).last()
    yield from one_size_each("microlm, finals of one size", finals)


def microlm_checkpoints() -> Iterator[Case]:
    """Checkpoints of the longest run of one size of microlm."""
    runs = sf.datasets.load("microlm")
    runs = runs[~runs.held_back]
    finals = runs.groupby("run", as_index=False).last()
    yield from one_run_each("microlm, checkpoints of one run", finals, runs)


def xlstm_finals() -> Iterator[Case]:
    """Final losses of one size of the token/parameter ladders."""
    runs = sf.datasets.load("xlstm_vs_llama")
    yield from one_size_each("xlstm_vs_llama, finals of one size", runs[runs.experiment == "tokenparam"])


def xlstm_checkpoints() -> Iterator[Case]:
    """Validation losses along one isoFLOP run at a context of 16,384; every fourth run with ten or more of them."""
    runs = sf.datasets.load("xlstm_vs_llama")
    finals = runs[(runs.experiment == "isoflop") & (runs.context_length == 16384) & (runs.in_paper_fit == 1)]
    logged = sf.datasets.load("xlstm_vs_llama", part="val_checkpoints")[["run", "step", "loss"]]
    along = logged.merge(finals.drop(columns="loss"), on="run")
    along = along.assign(tokens=along.tokens * along.step / along.steps)
    long = along.groupby("run")["step"].transform("size") >= 10
    order = along[long].groupby("run")["params"].first().sort_values(kind="stable").index[::4]
    yield from one_run_each("xlstm_vs_llama, checkpoints of one run", finals, along[along.run.isin(order)])


def one_size_each(data: str, finals: pd.DataFrame) -> Iterator[Case]:
    """Each size with enough rows, but for the two largest: nothing larger would be left to predict."""
    for family, own in finals.groupby("family"):
        others = finals[finals.family != family]
        for size in np.sort(own.params.unique())[:-2]:
            kept = own[own.params == size]
            if kept.tokens.nunique() >= FEWEST:
                yield Case(data, str(family), float(size), kept, others, own[own.params != size])


def one_run_each(data: str, finals: pd.DataFrame, along: pd.DataFrame) -> Iterator[Case]:
    """The longest run of each size, without its beginning; the two largest sizes of the family are left out."""
    for family, own in finals.groupby("family"):
        mine = along[along.family == family]
        last = mine.groupby("run", as_index=False).agg(params=("params", "first"), tokens=("tokens", "max"))
        longest = last.sort_values(["params", "tokens"], kind="stable").groupby("params").last()
        for size, run in longest["run"].items():
            if float(size) >= np.sort(own.params.unique())[-2]:
                continue
            kept = mine[mine.run == run]
            kept = kept[kept.tokens > WARMUP * kept.tokens.max()]
            rest = own[(own.run != run) & (own.params != size)]
            yield Case(data, str(family), float(size), kept, finals[finals.family != family], rest)


Predict = Callable[[Case, sf.Fit, sf.FamilyFit], pd.DataFrame]


def without_others(case: Case, one: sf.Fit, families: sf.FamilyFit) -> pd.DataFrame:
    """The law of one size: a floor and the data term, since one size says nothing of the others."""
    return alone(case, {"A": 0.0, "alpha": 0.3})


def other_family(case: Case, one: sf.Fit, families: sf.FamilyFit) -> pd.DataFrame:
    """The other family's law as it is."""
    return one.predict(case.rest, interval="run", level=LEVEL)


def exponents_held(case: Case, one: sf.Fit, families: sf.FamilyFit) -> pd.DataFrame:
    """Exponents and the size term equal to the other family's; floor and data coefficient fitted."""
    return alone(case, {name: one.estimates[name] for name in ("A", "alpha", "beta")})


def size_term_held(case: Case, one: sf.Fit, families: sf.FamilyFit) -> pd.DataFrame:
    """The size term equal to the other family's (Choshen et al. 2024)."""
    return alone(case, {name: one.estimates[name] for name in ("A", "alpha")})


def alone(case: Case, fixed: dict[str, float]) -> pd.DataFrame:
    """A plain fit of the kept rows with some parameters fixed; its intervals take these for exact."""
    return sf.fit(case.kept, LAW, fixed=fixed).predict(case.rest, interval="run", level=LEVEL)


def borrowed(case: Case, one: sf.Fit, families: sf.FamilyFit) -> pd.DataFrame:
    """Every parameter a draw of the population: the defaults of ``sf.borrow``."""
    return sf.borrow(case.kept, families).predict(case.rest, interval="run", level=LEVEL)


def borrowed_size_term(case: Case, one: sf.Fit, families: sf.FamilyFit) -> pd.DataFrame:
    """Only the size term borrowed, as a draw of the population."""
    new = sf.borrow(case.kept, families, borrowed=("A", "alpha"))
    return new.predict(case.rest, interval="run", level=LEVEL)


def borrowed_held(case: Case, one: sf.Fit, families: sf.FamilyFit) -> pd.DataFrame:
    """Exponents that the kept rows may not move."""
    return sf.borrow(case.kept, families, hold=("alpha", "beta")).predict(case.rest, interval="run", level=LEVEL)


METHODS: dict[str, Predict] = {
    "no other family": without_others,
    "the other family as it is": other_family,
    "A, alpha fixed at the other's": size_term_held,
    "A, alpha, beta fixed at the other's": exponents_held,
    "borrow, A and alpha": borrowed_size_term,
    "borrow, exponents held": borrowed_held,
    "borrow (default)": borrowed,
}


def judge(case: Case, known: dict[tuple[str, str], sf.FamilyFit]) -> list[dict[str, object]]:
    """Every method on one case; ``known`` keeps fits of the other family."""
    key = (case.data, case.family)
    if key not in known:
        known[key] = sf.fit_families(case.others, LAW)
    families = known[key]
    one = next(iter(families.separate.values()))
    compute = (case.rest.params * case.rest.tokens).to_numpy()
    large = compute >= np.quantile(compute, 1 - LARGEST)
    seen = case.rest.loss.to_numpy()
    out = []
    for name, predict in METHODS.items():
        told = predict(case, one, families)
        error = np.abs(told.estimate.to_numpy() / seen - 1)
        held = (told.low.to_numpy() <= seen) & (seen <= told.high.to_numpy())
        out.append(
            {
                "data": case.data,
                "family": case.family,
                "size": case.size,
                "method": name,
                "error": error.mean(),
                "error_large": error[large].mean(),
                "coverage": held.mean(),
                "coverage_large": held[large].mean(),
                "half_width": ((told.high - told.low).to_numpy() / 2 / seen).mean(),
            }
        )
    return out


READING = (
    "",
    "## How to read it",
    "",
    "A fit with parameters fixed at another family's takes them for exact: its error may be small, its intervals",
    "are not intervals. `sf.borrow` adds the spread between families, which with a single other family is a prior",
    "(a half-normal of 25 %); where two families happen to be nearly alike, as in xlstm_vs_llama, its intervals are",
    "wider than they need be, and the other family as it is predicts best, which nobody could know beforehand.",
    "Checkpoints of a run whose rate had not yet decayed lie above the losses of runs that ended there: this bias",
    "is in no interval, and final losses of one size serve better.",
)


def report(scores: pd.DataFrame, command: str) -> str:
    """The page."""
    lines = [
        "# A new family from one trajectory",
        "",
        f"{dt.datetime.now(tz=dt.UTC).date()}, scalefit {sf.__version__}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, SciPy {scipy.__version__}. Made by",
        f"`{command}`.",
        "",
        f"Two families each; law: {LAW}. One family is left out but for the rows of one size, and the other family is "
        "known in",
        "full. What is predicted: final losses of all other sizes of the family left out. Each figure is a mean over "
        "cases (a",
        "family and the size kept; every size but the two largest); **large** are the "
        f"{100 * LARGEST:.0f} % of rows with most compute.",
        f"Errors are relative, intervals are for one new run at {100 * LEVEL:.0f} %. The spread of `sf.borrow` "
        "before any is",
        "seen is from published exponents, not from these scores. Two trajectories of microlm were looked at while the",
        "code was written; after that, only the number of draws was changed, for speed.",
    ]
    for data, part in scores.groupby("data", sort=False):
        cases = part.groupby(["family", "size"]).ngroups
        lines += ["", f"## {data}", "", f"{cases} cases.", ""]
        lines.append("| method | error | error, large | coverage | coverage, large | half-width |")
        lines.append("|---|---|---|---|---|---|")
        for method in METHODS:
            row = part[part.method == method].mean(numeric_only=True)
            cells = [f"{row.error:.1%}", f"{row.error_large:.1%}", f"{row.coverage:.0%}", f"{row.coverage_large:.0%}"]
            lines.append(f"| {method} | {' | '.join(cells)} | {row.half_width:.1%} |")
    return "\n".join([*lines, *READING, ""])


def main(arguments: list[str] | None = None) -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where the page goes; without it, to the screen")
    parser.add_argument("--only", choices=["microlm", "xlstm"], help="one data set")
    parser.add_argument("--scores", type=Path, help="a CSV of every case")
    options = parser.parse_args(arguments)
    sources = {"microlm": (microlm_finals, microlm_checkpoints), "xlstm": (xlstm_finals, xlstm_checkpoints)}
    rows: list[dict[str, object]] = []
    known: dict[tuple[str, str], sf.FamilyFit] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.FitWarning)  # a law that one size cannot fix is what this is about
        for name, parts in sources.items():
            if options.only in (None, name):
                for part in parts:
                    for case in part():
                        rows += judge(case, known)
    scores = pd.DataFrame(rows)
    if options.scores is not None:
        scores.to_csv(options.scores, index=False)
    shown = [] if options.only is None else ["--only", options.only]
    text = report(scores, shlex.join(["python", "docs/studies/borrowing.py", *shown]))
    if options.out is None:
        sys.stdout.write(text)
    else:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
