"""Were the NIST problems read and written down rightly? Judged by their certified sums of squares, without scalefit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, localcontext
from operator import attrgetter

import numpy as np
import pytest

from .problems import FOLDER, FORMULAS, StrdProblem, correct_digits, load_problem, load_problems

PROBLEMS = load_problems()
FUNCTIONS = {name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "arctan", "pi")}

each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=attrgetter("name"))


def model_at(problem: StrdProblem, parameters: Mapping[str, complex]) -> np.ndarray:
    """The model (n,) by Python's own reading of the formula, so that no parser of ours can hide its mistake here."""
    columns = {name: problem.data[name].to_numpy() for name in problem.inputs}
    return eval(problem.formula, {"__builtins__": {}}, {**FUNCTIONS, **columns, **parameters})


def residuals_at(problem: StrdProblem, parameters: Mapping[str, float]) -> np.ndarray:
    return problem.data["y"].to_numpy() - model_at(problem, parameters)


def jacobian_at(problem: StrdProblem, parameters: Mapping[str, float]) -> np.ndarray:
    """The model's derivatives (n, p) by the complex step."""
    nudge = 1e-30
    columns = [model_at(problem, {**parameters, name: parameters[name] + nudge * 1j}).imag for name in problem.params]
    return np.column_stack(columns) / nudge


def rounding_of(number: float) -> float:
    """Half a unit in the eleventh digit: how far a certified number may lie from the true one."""
    return 0.5 * 10.0 ** (np.floor(np.log10(abs(number))) - 10)


def test_there_are_27_problems_and_each_has_its_file() -> None:
    assert len(PROBLEMS) == 27
    assert {path.stem for path in FOLDER.glob("*.dat")} == set(FORMULAS)


def test_nist_ranks_8_problems_lower_11_average_and_8_higher() -> None:
    ranks = [problem.difficulty for problem in PROBLEMS]
    assert [ranks.count(rank) for rank in ("Lower", "Average", "Higher")] == [8, 11, 8]


@each_problem
def test_the_tables_have_the_size_that_the_file_announces(problem: StrdProblem) -> None:
    text = (FOLDER / f"{problem.name}.dat").read_text(encoding="ascii")
    announced = [int(re.search(pattern, text)[1]) for pattern in (r"(\d+) Observations", r"(\d+) Pred", r"(\d) Param")]
    assert [len(problem.data), len(problem.inputs), len(problem.params)] == announced
    assert np.isfinite(problem.data.to_numpy()).all()


@each_problem
def test_the_formula_names_exactly_the_inputs_and_the_parameters(problem: StrdProblem) -> None:
    names = set(re.findall(r"[a-z]\w*", problem.formula)) - set(FUNCTIONS)
    assert names == {*problem.inputs, *problem.params}


@each_problem
def test_the_certified_parameters_give_the_certified_sum_of_squares(problem: StrdProblem) -> None:
    found = float(np.sum(residuals_at(problem, problem.certified) ** 2))
    if problem.name == "Lanczos1":
        # Its certified sum, 1.43e-25, is below what parameters of 11 digits can give: their rounding alone moves each
        # residual by up to 6e-11. So only that bound can be asked of them; a test below reaches the sum itself.
        rounding = np.array([rounding_of(value) for value in problem.certified.values()])
        reach = np.abs(jacobian_at(problem, problem.certified)) @ rounding
        assert problem.residual_ss < found < float(np.sum((reach + 1e-13) ** 2))
    else:
        assert correct_digits(found, problem.residual_ss) >= 8


@each_problem
def test_the_certified_sum_and_the_formula_give_the_certified_standard_errors(problem: StrdProblem) -> None:
    jacobian = jacobian_at(problem, problem.certified)
    size = np.linalg.norm(jacobian, axis=0)
    inverse = np.linalg.inv(np.linalg.qr(jacobian / size, mode="r"))
    variance = problem.residual_ss / (len(problem.data) - len(problem.params))
    found = np.sqrt(variance * np.sum(inverse**2, axis=1)) / size
    digits = [correct_digits(*pair) for pair in zip(found, problem.certified_se.values(), strict=True)]
    assert min(digits) >= 6


def test_lanczos1_reaches_its_certified_sum_once_its_parameters_carry_more_digits() -> None:
    problem = load_problem("Lanczos1")
    jacobian = jacobian_at(problem, problem.certified)
    theta = [Decimal(repr(value)) for value in problem.certified.values()]
    with localcontext(prec=40):
        for _ in range(3):
            residuals = lanczos_residuals(problem, theta)
            step = np.linalg.lstsq(jacobian, np.array(residuals, dtype=float), rcond=None)[0]
            theta = [value + Decimal(float(change)) for value, change in zip(theta, step, strict=True)]
        found = float(sum(residual**2 for residual in lanczos_residuals(problem, theta)))
    assert correct_digits(found, problem.residual_ss) >= 8
    digits = [
        correct_digits(float(value), problem.certified[name]) for name, value in zip(problem.params, theta, strict=True)
    ]
    assert min(digits) >= 10


def lanczos_residuals(problem: StrdProblem, theta: list[Decimal]) -> list[Decimal]:
    """Residuals with 40 digits, from the numbers as they are printed in the file."""
    terms = list(zip(theta[::2], theta[1::2], strict=True))
    rows = zip(problem.data["x"], problem.data["y"], strict=True)
    return [Decimal(repr(y)) - sum(b * (-rate * Decimal(repr(x))).exp() for b, rate in terms) for x, y in rows]


@pytest.mark.parametrize(("found", "digits"), [(1.001, 3), (2.0, 0), (-50.0, 0), (1.0, 11), (np.nan, 0), (np.inf, 0)])
def test_digits_are_counted_from_the_relative_error(found: float, digits: float) -> None:
    assert correct_digits(found, 1.0) == pytest.approx(digits, abs=1e-9)
