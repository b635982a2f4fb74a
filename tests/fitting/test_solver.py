"""The solver: every end that claims to be a minimum is one, wherever it started."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES
from scalefit.fitting.solver import solve
from scalefit.fitting.starts import find_starts


@pytest.fixture(scope="module")
def surface():
    """A fit of chinchilla to 60 runs with 1 % noise."""
    law = sf.get_law("chinchilla")
    return sf.fit(CASES["chinchilla"].runs(law, noise=0.01, seed=3), law)


@pytest.mark.parametrize("damping", [1e-6, 1e-4, 0.01, 1.0, 100.0])
def test_an_end_that_claims_a_minimum_is_the_minimum_at_any_first_damping(surface, damping):
    starts = find_starts(surface.problem, surface.law, surface.coordinates, surface.weights[None], 8)
    ends = solve(surface.problem, surface.coordinates, starts, surface.weights[None], damping=damping)
    assert ends.converged.all()
    assert ends.objective == pytest.approx(surface.objective, rel=1e-9)


def test_a_term_that_is_tiny_at_the_start_wakes_up(surface):
    values = {"E": 2.5, "A": 1.0, "alpha": 2.0, "B": 1.0, "beta": 2.0}  # both terms below 1e-14
    theta = np.array([[values[name] for name in surface.law.param_names]])
    starts = surface.coordinates.from_params(theta)
    ends = solve(surface.problem, surface.coordinates, starts, surface.weights[None])
    assert ends.objective == pytest.approx(surface.objective, rel=1e-9)


def test_a_step_that_a_bound_cuts_off_is_not_taken_for_the_end():
    rng = np.random.default_rng(0)
    plans = {
        f"r{n}": sf.Schedule.wsd(steps=n, peak=0.005, warmup=64, decay_start=n * 4 // 5) for n in (1000, 2000, 8000)
    }
    steps = np.geomspace(200, 8000, 40).round().astype(int)
    tables = []
    for run, plan in plans.items():
        at = steps[steps <= plan.steps]
        loss = (3 / at**0.12 + 20 * plan.rates[at]) * np.exp(0.004 * rng.standard_normal(len(at)))
        tables.append(pd.DataFrame({"run": run, "step": at, "loss": loss}))
    fit = sf.fit(pd.concat(tables, ignore_index=True), "lr_annealing", schedules=plans)
    assert fit.judgement.at_bound == ("L0",)
    assert fit.judgement.agreeing == fit.judgement.starts


def test_a_prior_is_all_that_is_known_of_a_parameter_that_the_rows_do_not_fix():
    rng = np.random.default_rng(1)
    runs = pd.DataFrame({"x": np.full(12, 1e6), "loss": 3.0 * np.exp(0.01 * rng.standard_normal(12))})
    fit = sf.fit(runs, "power", prior={"alpha": (0.34, 0.05)}, objective=sf.Square())
    assert fit.converged, fit.verdict
    assert fit.estimates["alpha"] == pytest.approx(0.34, abs=1e-6)
    # Standard errors of 1,000 draws scatter by 2 %.
    assert fit.summary()["se"]["alpha"] == pytest.approx(0.05, rel=0.02)
    assert fit.bootstrap(1000, rng=0).summary()["se"]["alpha"] == pytest.approx(0.05, rel=0.1)


@pytest.mark.slow
def test_five_runs_with_a_prior_hold_the_truth_as_often_as_they_say():
    law = sf.get_law("chinchilla")
    truth = {"E": 1.8, "A": 480.0, "alpha": 0.347, "B": 2085.0, "beta": 0.366}
    design = sf.grid(params=[1e7, 1e8, 1e9], tokens=[1e9, 1e10]).iloc[:5]
    held = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        runs = design.assign(loss=law(truth, design) * np.exp(0.005 * rng.standard_normal(5)))
        prior = {name: (truth[name] + 0.05 * rng.standard_normal(), 0.05) for name in ("alpha", "beta")}
        table = sf.fit(runs, law, prior=prior).summary()
        held += sum(table.low[name] <= truth[name] <= table.high[name] for name in ("alpha", "beta", "E"))
    # 75 intervals of 90 %, three of each fit dependent: the 99 % range of 25 independent ones starts at 72 %.
    assert held / 75 > 0.72


def test_on_many_rows_each_start_is_counted_once():
    rng = np.random.default_rng(0)
    law, truth = sf.get_law("chinchilla"), CASES["chinchilla"].true
    runs = pd.DataFrame({"params": 10 ** rng.uniform(7, 10, 25_000), "tokens": 10 ** rng.uniform(9, 12, 25_000)})
    runs["loss"] = law(truth, runs) * np.exp(0.01 * rng.standard_normal(len(runs)))
    fit = sf.fit(runs, law)
    assert fit.judgement.starts == 8
    assert fit.judgement.agreeing == 8
    # 25,000 rows fix alpha to about 0.0005.
    assert fit.estimates["alpha"] == pytest.approx(truth["alpha"], abs=0.003)
