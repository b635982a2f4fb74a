"""What a law that is a little wrong is allowed to claim of schedules that were not run."""

import itertools

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from known_curves import LAW, PEAK, STEPS, WARMUP, plans, simulated
from scalefit.decisions.schedules.comparison import compare_schedules
from scalefit.decisions.schedules.law_error import law_error, parted

FRAME = {"steps": STEPS, "peak": PEAK, "warmup": WARMUP}


def fitted(*names):
    known = {name: plans()[name] for name in names}
    return sf.fit(simulated(known), LAW, schedules=known)


@pytest.fixture(scope="module")
def fit():
    return fitted("constant", "cosine")


def test_curves_that_met_again_have_still_parted():
    assert parted(np.array([[0.0, 1.0, 3.0, 1.0]]), np.array([[np.nan, 1.5, 1.0, 1.0]])).tolist() == [[0, 0.5, 2, 2]]


def test_a_schedule_that_was_fitted_has_next_to_no_error_and_one_far_from_it_a_fifth_of_the_distance(fit):
    wrong = law_error(fit, [plans()["cosine"], plans()["wsd"]], {})
    near, far = np.sqrt(np.diag(wrong.joint))
    assert near < 5e-4
    assert 0.2 * 0.03 < far < 0.2 * 0.2
    assert wrong.share == 0.2  # two curves: none may be left out
    assert wrong.left_out == 0


def test_schedules_alike_err_alike(fit):
    late, later = (sf.Schedule.wsd(**FRAME, decay_start=start) for start in (1600, 1605))
    wrong = law_error(fit, [late, later], {})
    each = np.diag(wrong.joint)
    assert each.sum() - 2 * wrong.joint[0, 1] < 0.01 * each.sum()


def test_draws_have_the_covariance_that_is_said(fit):
    wrong = law_error(fit, list(plans().values()), {})
    drawn = wrong.draws(200_000, 0)
    spread = np.sqrt(np.diag(wrong.joint))
    assert np.allclose(drawn.std(axis=0), spread, rtol=0.1, atol=1e-4)
    assert np.allclose(np.cov(drawn.T), wrong.joint, atol=0.12 * spread.max() ** 2)


def test_curves_left_out_bring_the_share_down_where_the_law_is_right():
    wrong = law_error(fitted("constant", "cosine", "linear", "wsd"), list(plans().values()), {})
    assert wrong.left_out == 4
    assert wrong.share < 0.16
    assert "4 curves left out in turn, and 20 % on other runs" in wrong.source


def test_a_longer_run_errs_by_what_it_gains_after_the_fitted_ones(fit):
    longer = [sf.Schedule.cosine(steps=steps, peak=PEAK, warmup=WARMUP, end=PEAK / 10) for steps in (2500, 4000)]
    spread = [float(np.sqrt(law_error(fit, [one], {}).joint[0, 0])) for one in longer]
    assert 0 < spread[0] < spread[1]


def test_what_is_not_told_apart_is_not_claimed(fit):
    near = {f"from {start}": sf.Schedule.wsd(**FRAME, decay_start=start) for start in (1150, 1200)}
    told = compare_schedules(fit, near)
    assert set(told.tied) == set(near)
    assert "are not told apart as the lowest of 2" in repr(told).splitlines()[0]
    far = compare_schedules(fit, {"wsd": plans()["wsd"], "constant": plans()["constant"]})
    assert far.tied == ("wsd",)
    assert "wsd ends lowest of 2" in repr(far).splitlines()[0]


def curves_of_another_law(rng, run_scatter=0.0005):
    """Logs whose truth is the Multi-Power Law, and the final loss of each schedule."""
    law, steps = sf.get_law("mpl"), np.arange(200, STEPS + 1, 40)
    values = {"L0": 2.6, "A": 0.6, "alpha": 0.45, "B": 60.0, "C": 2.0, "beta": 0.6, "gamma": 0.65}
    values = {name: value * np.exp(0.1 * rng.standard_normal()) for name, value in values.items()}
    known = plans() | {
        "early": sf.Schedule.wsd(**FRAME, decay_start=1000, end=PEAK / 10),
        "late": sf.Schedule.wsd(**FRAME, decay_start=1800, end=PEAK / 10),
    }
    rows, ends = [], {}
    for run, plan in known.items():
        loss = law(values, law.derive.function(np.maximum(plan.rates, 1e-9), steps, **law.derive.settings))
        noise = 0.002 * rng.standard_normal(len(steps)) + run_scatter * rng.standard_normal()
        rows.append(pd.DataFrame({"run": run, "step": steps, "loss": loss * np.exp(noise)}))
        ends[run] = float(loss[-1])
    return pd.concat(rows, ignore_index=True), known, ends


@pytest.mark.slow
def test_orders_claimed_by_a_wrong_law_are_seldom_wrong():
    rng, wrong, claims = np.random.default_rng(0), 0, 0
    for _ in range(15):
        logs, known, ends = curves_of_another_law(rng)
        few = ["constant", "cosine"]
        fit = sf.fit(logs[logs.run.isin(few)], LAW, schedules={run: known[run] for run in few})
        others = {run: plan for run, plan in known.items() if run not in few}
        for one, two in itertools.combinations(others, 2):
            told = compare_schedules(fit, {one: others[one], two: others[two]})
            if len(told.tied) == 1:
                claims += 1
                wrong += ends[told.best] > min(ends[one], ends[two])
    assert claims > 20
    assert wrong <= 0.05 * claims
