"""The 27 nonlinear problems of NIST's Statistical Reference Datasets, from both published starts.

    python docs/studies/strd.py

The problems and NIST's files are those of ``tests/strd``. Writes ``strd.md`` beside this file.
"""

from __future__ import annotations

import datetime as dt
import platform
import sys
from pathlib import Path

import numpy as np
import scipy

import scalefit as sf

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

from strd.problems import correct_digits, load_problems  # noqa: E402

STARTS = ("start1", "start2")
HEAD = """# NIST's reference problems

{about}

The Statistical Reference Datasets of the US National Institute of Standards and Technology hold 27 nonlinear regression
problems with two starts each, one far from the answer and one nearer, and answers certified to 11 digits. Each start is
followed alone: no start of ours beside it. The models are given as formulas in text; derivatives follow from them.

A number in the table is how many digits of the worst parameter, of the worst standard error and of the residual sum of
squares agree with NIST, 11 at most. Six digits are what NIST's own papers ask of a good program.

{summary}

| problem | level | parameters | rows | from the far start | | | from the near start | | |
|---|---|---|---|---|---|---|---|---|---|
| | | | | parameters | errors | squares | parameters | errors | squares |
{rows}

`Lanczos1` was made with residuals of 1e-13: in double precision they keep about three digits, and so do their sum of
squares and the standard errors that rest on it. `pytest tests/strd` asks for six digits of every parameter, four of
every standard error (two of `Lanczos1`), and that no fit says "converged" where it is wrong.
"""


def fitted(problem, start):
    """The worst digits of parameters, standard errors and the sum of squares, and whether the fit says it converged."""
    law = sf.formula_law(problem.formula, inputs=problem.inputs, output="y")
    fit = sf.fit(problem.data, law, starts=sf.Starts(given=[dict(getattr(problem, start))], own=0))
    errors = fit.summary()["se"]
    squares = float(np.sum((fit.predict(problem.data)["estimate"] - problem.data["y"]) ** 2))
    return (
        min(correct_digits(fit.estimates[name], problem.certified[name]) for name in problem.params),
        min(correct_digits(errors[name], problem.certified_se[name]) for name in problem.params),
        correct_digits(squares, problem.residual_ss),
        fit.converged,
    )


def main():
    """Fit all, write the page."""
    problems = load_problems()
    rows, told = [], []
    for problem in problems:
        answers = [fitted(problem, start) for start in STARTS]
        told += answers
        cells = [f"{value:.1f}" for answer in answers for value in answer[:3]]
        rows.append([problem.name, problem.difficulty.lower(), len(problem.params), len(problem.data), *cells])
    about = (
        f"{dt.datetime.now(dt.UTC).date()}, scalefit {sf.__version__}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, SciPy {scipy.__version__}. Made by `python docs/studies/strd.py`."
    )
    good = sum(answer[0] >= 6 for answer in told)
    wrong = sum(answer[3] and answer[0] < 6 for answer in told)
    summary = (
        f"**{good} of {len(told)}** fits find every parameter to six digits or more, the worst to "
        f"{min(answer[0] for answer in told):.1f}; {sum(answer[3] for answer in told)} say that they converged,\n"
        f"{wrong} of them wrongly."
    )
    lines = "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
    (HERE / "strd.md").write_text(HEAD.format(about=about, summary=summary, rows=lines), encoding="utf-8")


if __name__ == "__main__":
    main()
