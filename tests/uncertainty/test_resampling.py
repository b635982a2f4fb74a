"""Plans: each unit has a name of its own, and a plan serves only the runs it was drawn for."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES

LAW = sf.get_law("power_offset")
RUNS = CASES["power_offset"].runs(LAW, noise=0.01, seed=5)


def fitted(runs):
    return sf.fit(runs, LAW, columns=CASES["power_offset"].columns)


def test_rows_of_equal_labels_are_told_apart():
    twice = pd.concat([RUNS, RUNS.assign(loss=RUNS.loss * 1.01)])
    fit = fitted(twice).bootstrap(50, rng=0)
    assert len(set(fit.plan.names)) == len(twice)
    assert (fit.plan.counts.sum(axis=1) == len(twice)).all()


def test_a_plan_of_other_rows_is_refused():
    others = CASES["power_offset"].runs(LAW, noise=0.01, seed=5)
    column = CASES["power_offset"].columns["x"] if CASES["power_offset"].columns else "x"
    others[column] = others[column] * 2
    plan = fitted(RUNS).bootstrap(20, rng=0).plan
    with pytest.raises(sf.FitError, match="drawn for other runs"):
        fitted(others).bootstrap(plan=plan)


def test_a_plan_serves_the_same_rows_in_another_order_and_with_another_target():
    first = fitted(RUNS).bootstrap(40, rng=0)
    other = fitted(RUNS.sample(frac=1, random_state=1).assign(loss=lambda t: t.loss * 1.1)).bootstrap(plan=first.plan)
    left, right = sf.joint_draws(first, other)
    assert np.corrcoef(left.alpha, right.alpha)[0, 1] > 0.999


def test_a_row_that_counts_twice_is_drawn_twice_as_often():
    weights = np.where(np.arange(len(RUNS)) == 0, 2.0, 1.0)
    counts = (
        sf.fit(RUNS, LAW, columns=CASES["power_offset"].columns, weights=weights).bootstrap(2000, rng=0).plan.counts
    )
    # The mean of 2,000 binomial counts near 2 has a standard error of 0.03.
    assert counts[:, 0].mean() == pytest.approx(2.0, abs=0.12)
    assert (counts.sum(axis=1) == len(RUNS) + 1).all()
