"""Chains: what one stage takes from another, and draws that run through all of them."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf

EXPONENTIAL = sf.formula_law("a - b*exp(-c*loss)", inputs=["loss"], output="error")
TRUE_LOSS = {"E": 1.7, "A": 400.0, "alpha": 0.35, "B": 2000.0, "beta": 0.37}
POINT = {"params": [1e9], "tokens": [1e11]}


def loss_of(table):
    return sf.get_law("chinchilla")(TRUE_LOSS, table)


def error_of(loss):
    return 0.9 - 3.0 * np.exp(-0.6 * loss)


@pytest.fixture(scope="module")
def table():
    """Sixteen runs with a loss and a task error, both with a little noise."""
    rng = np.random.default_rng(0)
    runs = sf.grid(params=[1e7, 3e7, 1e8, 3e8], tokens=[1e9, 3e9, 1e10, 3e10])
    runs["loss"] = loss_of(runs) * np.exp(0.003 * rng.standard_normal(len(runs)))
    runs["error"] = error_of(runs.loss) + 0.003 * rng.standard_normal(len(runs))
    return runs


@pytest.fixture(scope="module")
def two_steps(table):
    return sf.chain(table, [sf.Stage("chinchilla"), sf.Stage(EXPONENTIAL, name="task")], draws=100, rng=0)


@pytest.fixture(scope="module")
def nested():
    """Noise-free losses of ensembles of models of several sizes on several amounts of data."""
    runs = sf.grid(tokens=[2e8, 4e8, 8e8, 1.6e9], params=[0.15, 0.3, 0.6, 1.4], members=[1, 2, 3, 5, 8, 12])
    runs["loss"] = 1.9 + 900 / runs.tokens**0.3 + 0.05 / runs.params + 0.2 / runs.members
    return runs


ASYMPTOTES = (
    sf.Stage("power_offset", name="members", by=("tokens", "params"), along="members"),
    sf.Stage("power_offset", name="params", of="E", by=("tokens",), along="params"),
    sf.Stage("power_offset", name="data", of="E", along="tokens"),
)


def test_the_second_law_is_fed_the_loss_that_the_first_predicts(two_steps):
    told = two_steps.predict(pd.DataFrame(POINT))
    first, second = two_steps.fits[0][()], two_steps.fits[1][()]
    loss = first.predict(pd.DataFrame(POINT)).estimate[0]
    assert told.loss[0] == pytest.approx(loss, rel=1e-12)
    assert told.estimate[0] == pytest.approx(second.predict(pd.DataFrame({"loss": [loss]})).estimate[0], rel=1e-12)


def test_the_interval_is_wider_than_that_of_the_last_stage_alone(two_steps):
    told = two_steps.predict(pd.DataFrame(POINT))
    known = two_steps.predict(pd.DataFrame({"loss": told.loss}))
    assert known.high[0] - known.low[0] < told.high[0] - told.low[0]


@pytest.mark.slow
def test_nine_intervals_of_ten_hold_the_truth(table):
    """Of 20 with a chance of 0.9 each, fewer than 14 hold once in 400 times."""
    truth = error_of(loss_of(pd.DataFrame(POINT)))[0]
    held = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        runs = table.assign(loss=loss_of(table) * np.exp(0.003 * rng.standard_normal(len(table))))
        runs["error"] = error_of(runs.loss) + 0.003 * rng.standard_normal(len(runs))
        told = sf.chain(runs, [sf.Stage("chinchilla"), sf.Stage(EXPONENTIAL)], draws=60, rng=seed)
        told = told.predict(pd.DataFrame(POINT))
        held += told.low[0] < truth < told.high[0]
    assert held >= 14


def test_a_new_run_is_less_sure_than_the_mean(two_steps):
    inside = pd.DataFrame({"params": [1e8], "tokens": [1e10]})
    mean = two_steps.predict(inside)
    run = two_steps.predict(inside, interval="run")
    assert run.high[0] - run.low[0] > mean.high[0] - mean.low[0]


def test_asymptotes_of_asymptotes_reach_the_floor_of_the_data(nested):
    told = sf.chain(nested, ASYMPTOTES, draws=10, rng=0)
    assert [len(fits) for fits in told.fits] == [16, 4, 1]
    assert told.fits[-1][()].estimates == pytest.approx({"E": 1.9, "A": 900.0, "alpha": 0.3}, rel=1e-4)


def test_the_scatter_of_the_first_stage_reaches_the_last(nested):
    noisy = nested.assign(loss=nested.loss * np.exp(0.0005 * np.random.default_rng(1).standard_normal(len(nested))))
    told = sf.chain(noisy, ASYMPTOTES, draws=40, rng=0)
    data = told.summary().loc["data"].droplevel(0)
    assert (data.low < data.high).all()
    assert data.se["E"] > 0.01


def test_parameters_can_be_held_at_those_of_the_stage_before(table):
    stages = [sf.Stage("chinchilla"), sf.Stage("chinchilla_gamma", fixes=("E", "alpha"), fixed={"gamma": 1.0})]
    told = sf.chain(table, stages, draws=20, rng=0)
    for name, place in (("E", 0), ("alpha", 2)):
        assert told.fits[1][()].estimates[name] == told.fits[0][()].estimates[name]
        np.testing.assert_array_equal(told.draws[1][()][:, place], told.draws[0][()][:, place])


def test_rows_of_a_stage_can_be_chosen(table):
    few = sf.chain(table, [sf.Stage("chinchilla", where=lambda runs: runs.tokens < 2e10)], draws=10, rng=0)
    assert few.fits[0][()].n_rows == 12


def test_equal_seeds_give_equal_draws(table, two_steps):
    again = sf.chain(table, two_steps.stages, draws=100, rng=0)
    np.testing.assert_array_equal(again.draws[1][()], two_steps.draws[1][()])


def test_checkpoints_of_one_run_are_weighed_together(table):
    logs = pd.concat([table.assign(run=table.index), table.assign(run=table.index, tokens=table.tokens * 2)])
    logs["loss"] = loss_of(logs)
    told = sf.chain(logs, [sf.Stage("chinchilla")], draws=10, rng=0)
    assert told.fits[0][()].n_runs == 16
    assert told.n_failed == 0


def test_the_first_line_says_whether_to_believe_it(two_steps):
    assert repr(two_steps).startswith("chain of chinchilla -> task: converged in every stage")


def test_a_stage_that_did_not_converge_is_named():
    one_size = sf.grid(params=[1e8], tokens=np.geomspace(1e9, 1e11, 8))
    one_size["loss"] = loss_of(one_size)
    told = sf.chain(one_size, [sf.Stage("chinchilla", fixed={"alpha": 0.3})], draws=5, rng=0)
    assert not told.converged
    assert told.verdict.startswith("chinchilla: not identified")


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], "chain needs at least one stage"),
        ([sf.Stage("chinchilla", fixes=("E",))], "is the first: it has no stage before it"),
        (
            [sf.Stage("chinchilla"), sf.Stage("power_offset", of="E", along="params")],
            "which has a single fit: give it by",
        ),
        ([sf.Stage("chinchilla"), sf.Stage("chinchilla_gamma", fixes=("F",))], "a parameter of chinchilla"),
        ([sf.Stage("chinchilla", by=("colour",))], "needs a column 'colour'"),
    ],
)
def test_what_a_stage_cannot_take_is_said(table, stages, message):
    with pytest.raises(sf.ScalefitError, match=message):
        sf.chain(table, stages, draws=5, rng=0)


def test_a_chain_fitted_by_group_says_where_to_predict(nested):
    told = sf.chain(nested, ASYMPTOTES[:1], draws=5, rng=0)
    with pytest.raises(sf.FitError, match=r"predict with its fits, chain\.fits\[0\]"):
        told.predict(pd.DataFrame({"members": [10]}))


def test_a_missing_input_is_named(two_steps):
    with pytest.raises(sf.ColumnError, match="stage chinchilla needs a column 'tokens'"):
        two_steps.predict(pd.DataFrame({"params": [1e9]}))
