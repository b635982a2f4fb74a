"""A fit as text: the status first, digits by the error, nothing shown that cannot be trusted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.formula import evaluate, parse_formula


@sf.define_law(inputs=["x"], params=[sf.scale("A"), sf.exponent("alpha")], linear=["A"])
def two_lines(x, A, alpha):
    power = x**-alpha
    return A * power


@pytest.fixture(scope="session")
def line():
    """A law with a negative and a huge parameter, fitted without scatter to speak of."""
    x = np.linspace(1.0, 9.0, 12)
    y = -3.0 + 2.5e13 * x**-0.5 + 1e9 * np.sin(x**2)
    return sf.fit(pd.DataFrame({"x": x, "y": y}), sf.formula_law("a - b*x**c", inputs=["x"]))


def test_a_converged_fit_reads_as_stored(believed, same_as_stored):
    same_as_stored("converged.txt", str(believed))


def test_a_doubtful_fit_reads_as_stored(doubtful, same_as_stored):
    same_as_stored("doubtful.txt", str(doubtful))


def test_an_unidentified_fit_reads_as_stored(unidentified, same_as_stored):
    same_as_stored("not_identified.txt", str(unidentified))


def test_the_first_line_says_that_the_fit_converged(believed):
    assert str(believed).splitlines()[0] == "chinchilla on 16 runs: converged, 8 of 8 starts agree"


def test_the_first_line_says_what_is_free_and_what_would_fix_it():
    runs = pd.DataFrame({"params": 1e9, "tokens": np.geomspace(1e9, 1e11, 30)})
    runs["loss"] = 1.7 + 410 / runs["tokens"] ** 0.28 * (1 + 0.01 * np.sin(np.arange(30.0) ** 2))
    first = repr(sf.fit(runs, "chinchilla")).splitlines()[0]
    assert first.startswith("chinchilla on 30 runs: NOT IDENTIFIED — A and alpha act only together on these rows; ")
    assert first.endswith("every row has params = 1e+09: add runs with other params")


@pytest.mark.parametrize("status", ["not identified", "not converged"])
def test_a_failed_fit_shows_no_interval(believed, status):
    text = str(replace(believed, judgement=replace(believed.judgement, status=status, reasons=("why",))))
    assert "±" not in text
    assert "90 %" not in text
    assert f"no intervals are shown: the fit is {status}" in text


def test_a_believed_fit_points_to_backtest(believed):
    assert str(believed).endswith("intervals are of this law only; beyond the data check sf.backtest")


def test_failed_resamples_are_counted(believed):
    assert "1 of 100 resamples reached no minimum and were left out" in str(believed)
    assert "resamples" not in str(replace(believed, n_failed=0))


def test_fixed_tied_and_given_parameters_are_marked(runs):
    text = str(sf.fit(runs, "chinchilla", fixed={"E": 1.7}, tie={"beta": "alpha"}, prior={"A": (400.0, 50.0)}))
    marks = {line.split()[0]: line for line in text.splitlines() if line.startswith("  ")}
    assert marks["E"].endswith("fixed")
    assert "±" not in marks["E"]
    assert marks["beta"].endswith("tied: alpha")
    assert marks["A"].endswith("prior 400 ± 50")
    assert "prior" not in marks["alpha"]


def test_rows_are_counted_apart_where_runs_repeat(runs):
    table = pd.concat([runs, runs], ignore_index=True).assign(run=[f"r{i}" for i in range(16)] * 2)
    table["loss"] *= 1 + 0.003 * np.cos(np.arange(32.0) ** 2)
    assert str(sf.fit(table, "chinchilla")).startswith("chinchilla on 16 runs (32 rows): ")


def test_a_column_of_another_name_is_said(runs):
    text = str(sf.fit(runs.rename(columns={"params": "N"}), "chinchilla"))
    assert "note: params read from column 'N'" in text


def test_as_many_parameters_as_rows_leave_the_intervals_unknown(runs):
    bare = sf.fit(runs.iloc[[0, 3, 6, 9, 12]], "chinchilla", objective=sf.Square())
    assert "intervals are unknown: there are as many free parameters as rows" in str(bare)
    assert " ± ?" in str(bare)


def test_the_error_is_in_the_scale_of_the_objective(runs):
    assert "in the unit of loss" in str(sf.fit(runs, "chinchilla", objective=sf.Square(on="raw")))


def test_the_equation_has_six_digits(believed):
    assert believed.formula().startswith("loss = ")
    for value in believed.estimates.values():
        assert f"{value:#.6g}" in believed.formula()


def test_signs_and_powers_of_ten_fit_into_the_equation(line):
    text = line.formula()
    assert text.startswith("y = ")
    assert "+ -" not in text
    assert "- -" not in text
    value = evaluate(parse_formula(text.removeprefix("y = ")), {"x": 2.0})
    assert value == pytest.approx(float(line.law(line.estimates, {"x": [2.0]})[0]), rel=1e-4)


def test_latex_writes_powers_of_ten_as_such(line):
    assert r" \times 10^{13}" in line.formula(latex=True)
    assert "e13" not in line.formula(latex=True)


def test_latex_of_a_chinchilla_fit_has_its_fractions(believed):
    text = believed.formula(latex=True)
    assert text.startswith(r"\mathrm{loss} = ")
    assert text.count(r"\frac{") == 2
    assert r"{\mathrm{params}^{" in text


def test_a_target_with_odd_characters_is_escaped_in_latex(believed):
    assert replace(believed, target="val_loss %").formula(latex=True).startswith(r"\mathrm{val\_loss \%} = ")


def test_a_law_of_several_lines_is_shown_with_its_parameters(runs):
    x = np.geomspace(1, 100, 12)
    table = pd.DataFrame({"x": x, "loss": 3.0 * x**-0.25 * (1 + 0.001 * np.sin(np.arange(12.0) ** 2))})
    fit = sf.fit(table, two_lines)
    assert fit.formula().startswith("loss = two_lines(x; A=2.99982, ")
    assert r"\alpha = 0.25" in fit.formula(latex=True)
