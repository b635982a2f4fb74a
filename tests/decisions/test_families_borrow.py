"""A new family from few rows and from what others tell."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from family_designs import CHINCHILLA, families, runs_of, trajectory, truth
from scalefit.decisions.families import fit_families
from scalefit.decisions.families_borrow import borrow
from scalefit.decisions.families_spread import USUAL, spread_of

TRUTHS = {"a": truth(), "b": truth(alpha=0.31, beta=0.33, size_term=0.4), "c": truth(alpha=0.37, E=1.65)}
OTHERS = fit_families(families(TRUTHS, noise=0.004), "chinchilla")
NEW = truth(alpha=0.35, beta=0.31, size_term=0.38, E=1.75)
LARGE = pd.DataFrame({"params": [3e9, 3e10], "tokens": [1e11, 1e12]})
ONE = borrow(trajectory(NEW), OTHERS)


def test_one_trajectory_tells_the_data_term_and_borrows_the_size_term():
    assert ONE.converged
    assert set(ONE.borrowed) >= {"alpha"}
    assert ONE.from_others["alpha"] > 0.9
    assert ONE.from_others["beta"] < 0.7
    assert repr(ONE).startswith("chinchilla of new on 25 rows and a, b and c: converged;")


def test_larger_sizes_are_predicted_inside_an_interval_that_is_wider_there():
    told = ONE.predict(LARGE)
    exact = CHINCHILLA(NEW, LARGE)
    assert ((told.low < exact) & (exact < told.high)).all()
    assert (abs(told.estimate / exact - 1) < 0.05).all()
    near = ONE.predict(pd.DataFrame({"params": [3e8], "tokens": [3e10]}))
    assert ((told.high - told.low) > 2 * (near.high - near.low).iloc[0]).all()
    assert told.beyond.tolist() == pytest.approx([10, 100])


def test_an_interval_for_a_run_adds_the_scatter_of_the_others():
    near = pd.DataFrame({"params": [3e8], "tokens": [3e10]})
    mean, run = ONE.predict(near), ONE.predict(near, interval="run")
    assert run.estimate.equals(mean.estimate)
    assert (run.high - run.low)[0] > (mean.high - mean.low)[0]


def test_many_rows_of_its_own_leave_nothing_to_borrow():
    own = runs_of("new", NEW, n=300, noise=0.003)
    new, alone = borrow(own, OTHERS), sf.fit(own, "chinchilla")
    assert new.borrowed == ()
    assert "its own rows tell it all" in repr(new)
    apart = (new.summary().estimate - alone.summary().estimate).abs()
    assert (apart < 1.5 * alone.summary().se).all()


def test_what_is_held_keeps_the_distribution_of_the_population():
    held = borrow(trajectory(NEW), OTHERS, hold=["beta"])
    assert held.from_others["beta"] > 0.9 > ONE.from_others["beta"]
    assert held.estimates.estimate["beta"] == pytest.approx(np.exp(held.population.centre[4]), rel=0.02)


def test_parameters_that_are_not_borrowed_are_left_to_the_rows():
    own = borrow(trajectory(NEW), OTHERS, borrowed=["A", "alpha"])
    assert own.from_others["E"] == own.from_others["beta"] == 0
    assert own.from_others["alpha"] > 0.9
    spread = {name: one.draws_theta[:, 4].std() for name, one in (("own", own.fit), ("all", ONE.fit))}
    assert spread["own"] > spread["all"]


def test_a_known_spread_between_families_sets_how_far_a_new_one_may_lie():
    near, far = (borrow(trajectory(NEW, n=8), OTHERS, spread={"alpha": s}).estimates.se["alpha"] for s in (0.02, 0.4))
    assert far > 4 * near


def test_one_row_is_enough():
    new = borrow(trajectory(NEW).tail(1), OTHERS)
    assert new.converged
    assert np.isfinite(new.predict(LARGE)[["estimate", "low", "high"]].to_numpy()).all()


def test_a_single_fit_or_a_mapping_of_fits_may_be_the_others():
    few, alone = trajectory(NEW, n=8), OTHERS.separate["a"]
    assert borrow(few, alone).others == ("chinchilla",)
    wide, narrow = (borrow(few, known).estimates.se["alpha"] for known in ({"a": alone}, dict(OTHERS.separate)))
    assert wide > narrow


def test_calls_agree_and_a_seed_changes_only_the_draws():
    again, other = borrow(trajectory(NEW), OTHERS), borrow(trajectory(NEW), OTHERS, rng=5)
    assert again.fit.draws.equals(ONE.fit.draws)
    assert not other.fit.draws.equals(ONE.fit.draws)


def test_a_fixed_parameter_stays():
    new = borrow(trajectory(NEW), OTHERS, fixed={"E": 1.75})
    assert (new.fit.draws.E == 1.75).all()
    assert new.from_others["E"] == 0


def test_the_new_family_is_a_fit_that_can_be_compared():
    assert isinstance(ONE.fit, sf.Fit)
    assert ONE.fit.law.param_names == CHINCHILLA.param_names
    assert len(ONE.fit.draws) > 475
    assert ONE.family == "new"


def test_other_columns_and_targets_are_read_as_those_of_the_others():
    renamed = trajectory(NEW).rename(columns={"params": "width_cubed"})
    new = borrow(renamed, OTHERS, columns={"params": "width_cubed"})
    assert new.estimates.estimate["E"] == pytest.approx(ONE.estimates.estimate["E"], rel=1e-6)


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(sf.FitError, match="gamma"):
        borrow(trajectory(NEW), OTHERS, hold=["gamma"])
    with pytest.raises(sf.FitError, match="one new family"):
        borrow(families(TRUTHS), OTHERS)
    with pytest.raises(sf.FitError, match="fits of one law"):
        borrow(trajectory(NEW), {"a": OTHERS.separate["a"], "b": sf.fit(families(TRUTHS), "chinchilla_gamma")})
    with pytest.raises(sf.FitError, match="interval"):
        ONE.predict(LARGE, interval="both")


def test_the_spread_of_many_families_is_found():
    rng = np.random.default_rng(0)
    values = np.exp(0.12 * rng.standard_normal(200) + 0.02 * rng.standard_normal(200))
    spread = spread_of(values, 0.02 * values, log=True)
    assert spread.expected == pytest.approx(0.12, rel=0.15)
    low, high = spread.interval()
    assert low < 0.12 < high


def test_no_spread_is_seen_where_errors_explain_it():
    rng = np.random.default_rng(0)
    values = np.exp(0.05 * rng.standard_normal(60))
    assert spread_of(values, 0.05 * values, log=True).expected < 0.03


def test_one_family_leaves_the_spread_at_what_is_usual():
    # The mean of a half-normal of scale s is s * sqrt(2 / pi).
    assert spread_of([0.3], [0.01], log=True).expected == pytest.approx(USUAL * np.sqrt(2 / np.pi), rel=0.01)
