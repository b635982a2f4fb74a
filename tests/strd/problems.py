"""The 27 nonlinear regression problems of the NIST Statistical Reference Datasets, read from their original files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent / "data"

CERTIFIED_DIGITS = 11  # the files print every certified number with 11 significant digits

_GAUSS = "b1*exp(-b2*x) + b3*exp(-(x-b4)**2/b5**2) + b6*exp(-(x-b7)**2/b8**2)"
_LANCZOS = "b1*exp(-b2*x) + b3*exp(-b4*x) + b5*exp(-b6*x)"
_CHWIRUT = "exp(-b1*x)/(b2+b3*x)"
_CUBIC_OVER_CUBIC = "(b1+b2*x+b3*x**2+b4*x**3) / (1+b5*x+b6*x**2+b7*x**3)"

# Written by hand: the files print the models for people, with brackets and line breaks that no parser knows.
FORMULAS: Mapping[str, str] = {
    "Bennett5": "b1*(b2+x)**(-1/b3)",
    "BoxBOD": "b1*(1-exp(-b2*x))",
    "Chwirut1": _CHWIRUT,
    "Chwirut2": _CHWIRUT,
    "DanWood": "b1*x**b2",
    "ENSO": (
        "b1 + b2*cos(2*pi*x/12) + b3*sin(2*pi*x/12)"
        " + b5*cos(2*pi*x/b4) + b6*sin(2*pi*x/b4)"
        " + b8*cos(2*pi*x/b7) + b9*sin(2*pi*x/b7)"
    ),
    "Eckerle4": "(b1/b2)*exp(-0.5*((x-b3)/b2)**2)",
    "Gauss1": _GAUSS,
    "Gauss2": _GAUSS,
    "Gauss3": _GAUSS,
    "Hahn1": _CUBIC_OVER_CUBIC,
    "Kirby2": "(b1+b2*x+b3*x**2) / (1+b4*x+b5*x**2)",
    "Lanczos1": _LANCZOS,
    "Lanczos2": _LANCZOS,
    "Lanczos3": _LANCZOS,
    "MGH09": "b1*(x**2+x*b2) / (x**2+x*b3+b4)",
    "MGH10": "b1*exp(b2/(x+b3))",
    "MGH17": "b1 + b2*exp(-x*b4) + b3*exp(-x*b5)",
    "Misra1a": "b1*(1-exp(-b2*x))",
    "Misra1b": "b1*(1-(1+b2*x/2)**(-2))",
    "Misra1c": "b1*(1-(1+2*b2*x)**(-0.5))",
    "Misra1d": "b1*b2*x*((1+b2*x)**(-1))",
    "Nelson": "b1 - b2*x1*exp(-b3*x2)",
    "Rat42": "b1/(1+exp(b2-b3*x))",
    "Rat43": "b1/((1+exp(b2-b3*x))**(1/b4))",
    "Roszman1": "b1 - b2*x - arctan(b3/(x-b4))/pi",
    "Thurber": _CUBIC_OVER_CUBIC,
}

# Nelson's model is given for log[y], so that is what its table must hold as y.
LOGGED = frozenset({"Nelson"})


@dataclass(frozen=True, eq=False)
class StrdProblem:
    """One reference problem: a model, data, two starts, and the answer that NIST certifies.

    Attributes
    ----------
    name : The name of the dataset, for example ``"Misra1a"``.
    difficulty : ``"Lower"``, ``"Average"`` or ``"Higher"``, as NIST ranks it.
    formula : The model as text, of ``params``, ``inputs``, ``pi`` and exp, log, sqrt, sin, cos, arctan.
    inputs : The names of the predictors: ``("x",)``, or ``("x1", "x2")``.
    params : The names of the parameters: ``("b1", "b2", ...)``.
    start1, start2 : Parameter to starting value; the first is far from the answer, the second near.
    certified : Parameter to certified value, 11 digits.
    certified_se : Parameter to certified standard error, from s^2 (J'J)^-1 with s^2 = RSS/(n - p), 11 digits.
    residual_ss : The certified residual sum of squares, 11 digits.
    data : A row per observation: ``y`` and the inputs (in Nelson, ``y`` is the natural log of the printed one).
    """

    name: str
    difficulty: str
    formula: str
    inputs: tuple[str, ...]
    params: tuple[str, ...]
    start1: Mapping[str, float]
    start2: Mapping[str, float]
    certified: Mapping[str, float]
    certified_se: Mapping[str, float]
    residual_ss: float
    data: pd.DataFrame


def load_problems() -> tuple[StrdProblem, ...]:
    """Read all 27 problems, in the order of their names."""
    return tuple(load_problem(name) for name in sorted(FORMULAS))


def load_problem(name: str) -> StrdProblem:
    """Read one problem by its name."""
    lines = (FOLDER / f"{name}.dat").read_text(encoding="ascii").splitlines()
    data = _read_data(lines, name)
    table = _read_parameters(lines)
    return StrdProblem(
        name=name,
        difficulty=_find(r"^\s*(Lower|Average|Higher) Level of Difficulty", lines, name),
        formula=FORMULAS[name],
        inputs=tuple(str(column) for column in data.columns.drop("y")),
        params=tuple(table),
        start1={param: row[0] for param, row in table.items()},
        start2={param: row[1] for param, row in table.items()},
        certified={param: row[2] for param, row in table.items()},
        certified_se={param: row[3] for param, row in table.items()},
        residual_ss=float(_find(r"^Residual Sum of Squares:\s*(\S+)", lines, name)),
        data=data,
    )


def correct_digits(found: float, certified: float) -> float:
    """How many digits of a number are right: -log10 of its relative error, between 0 and 11."""
    error = abs(found - certified) / abs(certified)
    if not math.isfinite(error):
        return 0.0
    return CERTIFIED_DIGITS if error == 0 else min(max(-math.log10(error), 0.0), CERTIFIED_DIGITS)


def _find(pattern: str, lines: list[str], name: str) -> str:
    for line in lines:
        if match := re.search(pattern, line):
            return match.group(1)
    raise ValueError(f"{name}.dat has no line that matches {pattern!r}.")


def _read_parameters(lines: list[str]) -> dict[str, list[float]]:
    """Each parameter's two starting values, certified value and standard deviation."""
    table = {}
    for line in lines:
        if match := re.match(r"\s*(b\d)\s*=\s*(\S.*)", line):
            table[match.group(1)] = [float(number) for number in match.group(2).split()]
    return table


def _read_data(lines: list[str], name: str) -> pd.DataFrame:
    # The word "Data:" stands twice in each file: first over a description, last over the columns.
    head = max(number for number, line in enumerate(lines) if line.startswith("Data:"))
    columns = lines[head].removeprefix("Data:").split()
    rows = [[float(cell) for cell in line.split()] for line in lines[head + 1 :] if line.strip()]
    data = pd.DataFrame(rows, columns=columns)
    return data.assign(y=np.log(data["y"])) if name in LOGGED else data
