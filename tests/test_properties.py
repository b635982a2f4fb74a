"""What must not matter: the order of rows, units, copies against weights, blocks of the solver, threads."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import scalefit as sf
from cases import CASES
from scalefit.fitting.solver import solve
from scalefit.uncertainty.bootstrap import refit

quick = settings(max_examples=6, deadline=None, derandomize=True)

RUNS = CASES["chinchilla"].runs(sf.get_law("chinchilla"), noise=0.01, seed=2)
FIT = sf.fit(RUNS, "chinchilla")
SE = FIT.summary()["se"]
COUNTS = st.lists(st.integers(1, 3), min_size=len(RUNS), max_size=len(RUNS))


def moved(fit: sf.Fit, other: sf.Fit = FIT) -> float:
    """The largest change of an estimate, in standard errors."""
    change = pd.Series(fit.estimates) - pd.Series(other.estimates)
    return float((change.abs() / SE).max())


def fit_in_any_unit(runs: pd.DataFrame) -> sf.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.UnitWarning)
        return sf.fit(runs, "chinchilla")


@quick
@given(st.permutations(range(len(RUNS))))
def test_the_order_of_rows_does_not_matter(order):
    shuffled = sf.fit(RUNS.iloc[order], "chinchilla")
    assert moved(shuffled) < 1e-9
    assert shuffled.objective == pytest.approx(FIT.objective, rel=1e-12)


@quick
@given(st.floats(-9, 9), st.floats(-9, 9))
def test_units_of_sizes_change_only_the_coefficients(of_params, of_tokens):
    scaled = RUNS.assign(params=RUNS["params"] / 10**of_params, tokens=RUNS["tokens"] / 10**of_tokens)
    fit = fit_in_any_unit(scaled)
    assert fit.converged
    assert fit.objective == pytest.approx(FIT.objective, rel=1e-10)
    back = {
        "A": fit.estimates["A"] * 10 ** (of_params * fit.estimates["alpha"]),
        "B": fit.estimates["B"] * 10 ** (of_tokens * fit.estimates["beta"]),
    }
    change = pd.Series(fit.estimates | back) - pd.Series(FIT.estimates)
    assert (change.abs() < 1e-7 * SE).all()


@quick
@given(st.floats(-3, 3))
def test_a_unit_of_the_loss_changes_only_the_terms_on_the_log_scale(factor):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.UnitWarning)
        fit = sf.fit(RUNS.assign(loss=RUNS["loss"] * 10**factor), "chinchilla")
    change = (
        pd.Series({name: fit.estimates[name] / 10**factor for name in "EAB"}) - pd.Series(FIT.estimates)[list("EAB")]
    )
    assert (change.abs() < 1e-7 * SE[list("EAB")]).all()
    assert fit.estimates["alpha"] == pytest.approx(FIT.estimates["alpha"], abs=1e-7 * SE["alpha"])


@quick
@given(COUNTS)
def test_copies_of_rows_are_integer_weights(counts):
    copies = sf.fit(RUNS.loc[np.repeat(RUNS.index, counts)].reset_index(drop=True), "chinchilla")
    weighted = sf.fit(RUNS, "chinchilla", weights=[float(count) for count in counts])
    assert moved(copies, weighted) < 1e-9
    assert copies.objective == pytest.approx(weighted.objective, rel=1e-12)
    assert copies.converged == weighted.converged


@quick
@given(COUNTS)
def test_copies_of_rows_have_the_covariance_of_integer_weights(counts):
    options = {"objective": sf.Square()}
    copies = sf.fit(RUNS.loc[np.repeat(RUNS.index, counts)].reset_index(drop=True), "chinchilla", **options)
    weighted = sf.fit(RUNS, "chinchilla", weights=[float(count) for count in counts], **options)
    np.testing.assert_allclose(copies.covariance, weighted.covariance, rtol=1e-6)


@quick
@given(st.sets(st.integers(0, len(RUNS) - 1), min_size=1, max_size=8))
def test_a_row_of_weight_zero_is_a_row_left_out(left_out):
    keep = ~RUNS.index.isin(left_out)
    weighted = sf.fit(RUNS, "chinchilla", weights=keep.astype(float))
    assert moved(weighted, sf.fit(RUNS[keep], "chinchilla")) < 1e-9


@quick
@given(st.integers(1, 45))
def test_the_block_of_the_solver_does_not_change_a_bit(block):
    weights = np.random.default_rng(0).multinomial(36, np.full(36, 1 / 36), 40).astype(float)
    starts = FIT.u + 0.05 * np.random.default_rng(1).standard_normal((40, 5)) * np.abs(FIT.u)
    whole = solve(FIT.problem, FIT.coordinates, starts, weights)
    parts = solve(FIT.problem, FIT.coordinates, starts, weights, block=block)
    assert parts.theta.tobytes() == whole.theta.tobytes()
    assert parts.objective.tobytes() == whole.objective.tobytes()
    np.testing.assert_array_equal(parts.steps, whole.steps)


@quick
@given(st.integers(1, 45))
def test_the_block_of_a_bootstrap_does_not_change_a_bit(block):
    weights = np.random.default_rng(0).multinomial(36, np.full(36, 1 / 36), 50).astype(float)
    whole = refit(FIT.problem, FIT.coordinates, FIT.basins, weights.__getitem__, 50)
    parts = refit(FIT.problem, FIT.coordinates, FIT.basins, weights.__getitem__, 50, block=block)
    assert parts.theta.tobytes() == whole.theta.tobytes()


def test_a_refit_does_not_depend_on_how_many_are_solved_with_it():
    weights = np.random.default_rng(0).multinomial(36, np.full(36, 1 / 36), 100).astype(float)
    many = solve(FIT.problem, FIT.coordinates, np.tile(FIT.u, (100, 1)), weights)
    few = solve(FIT.problem, FIT.coordinates, np.tile(FIT.u, (3, 1)), weights[:3])
    assert many.theta[:3].tobytes() == few.theta.tobytes()


def test_chunks_of_many_rows_add_up_to_the_same_fit_in_any_order():
    law, rng = sf.get_law("power_offset"), np.random.default_rng(0)
    x = rng.uniform(1e6, 1e9, 3000)
    runs = pd.DataFrame({"x": x, "loss": law({"E": 1.5, "A": 60.0, "alpha": 0.3}, {"x": x})})
    runs["loss"] *= np.exp(0.01 * rng.standard_normal(3000))
    fit = sf.fit(runs, law)
    turned = sf.fit(runs.iloc[::-1], law)
    change = pd.Series(turned.estimates) - pd.Series(fit.estimates)
    assert (change.abs() < 1e-9 * fit.summary()["se"]).all()


THREADED = """
import hashlib
import scalefit as sf
from cases import CASES
law = sf.get_law("chinchilla_gamma")
fit = sf.fit(CASES["chinchilla_gamma"].runs(law, noise=0.01, seed=2), law).bootstrap(30, rng=0)
text = fit.u.tobytes() + fit.draws.to_numpy().tobytes() + fit.summary().to_csv().encode()
print(hashlib.sha256(text).hexdigest())
"""


@pytest.mark.slow
def test_the_number_of_threads_does_not_change_a_bit():
    package, tests = Path(sf.__file__).resolve().parents[1], Path(__file__).resolve().parent
    digests = set()
    for threads in ("1", "2"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads) | {"PYTHONPATH": f"{package}{os.pathsep}{tests}"}
        done = subprocess.run(
            [sys.executable, "-c", THREADED], env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1
