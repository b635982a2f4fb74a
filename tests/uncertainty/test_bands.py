"""Intervals for one new run: as wide as runs scatter there, and as sure as the rows left over allow."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from noisy_runs import design, fitted, redrawn, with_scatter
from scalefit.uncertainty.run_noise import run_noise

RUNS = design(8, 5)


def scattered(size, seed=0, frame=RUNS):
    return with_scatter(frame, size * np.random.default_rng(seed).standard_normal(len(frame)))


@pytest.fixture(scope="module")
def exact():
    return fitted(with_scatter(RUNS, 0.0))


@pytest.fixture(scope="module")
def uneven():
    """Scatter that falls from 4 % at the smallest size to 1 % at the largest."""
    frame = design(16, 10)
    return fitted(scattered(0.04 * (frame.params / 1e7) ** -0.2, seed=3, frame=frame))


def test_few_rows_know_their_own_scatter_less_well(exact):
    few = fitted(scattered(0.01, frame=design(4, 3)))
    many = redrawn(exact, 0.01 * np.random.default_rng(0).standard_normal(len(RUNS)))
    for fit, freedom in ((few, 7), (many, 35)):
        noise = run_noise(fit)
        luck = noise.luck(200_000, np.random.default_rng(0))
        # a residual over the root of chi-squared by its freedom: its variance is larger by freedom / (freedom - 2)
        assert noise.freedom == freedom
        assert luck.std() == pytest.approx(noise.scatter * np.sqrt(freedom / (freedom - 2)), rel=0.03)


def test_the_scatter_of_new_runs_allows_for_the_parameters_fitted():
    fit = fitted(scattered(0.01, frame=design(4, 3)))
    assert run_noise(fit).scatter == pytest.approx(fit.rms * np.sqrt(12 / 7))


def test_a_new_run_of_twelve_is_held_as_often_as_the_level_says():
    frame = pd.DataFrame({"x": np.geomspace(1e6, 1e9, 12)})
    law, truth = sf.get_law("power"), {"A": 30.0, "alpha": 0.1}
    point, held = pd.DataFrame({"x": [3e7]}), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        runs = frame.assign(loss=law(truth, frame) * np.exp(0.01 * rng.standard_normal(12)))
        told = sf.fit(runs, law, columns={"x": "x"}, objective=sf.Square()).predict(point, interval="run")
        new = law(truth, point)[0] * np.exp(0.01 * rng.standard_normal(500))
        held.append(np.mean((told.low[0] < new) & (new < told.high[0])))
    # Residuals drawn again without their own uncertainty hold 86 %.
    assert 0.88 < np.mean(held) < 0.93


def test_tails_stay_as_heavy_as_they_are(exact):
    scatter = 0.01 * np.random.default_rng(1).standard_normal(len(RUNS))
    scatter[3] = 0.2
    luck = run_noise(redrawn(exact, scatter)).luck(20_000, np.random.default_rng(0))
    assert np.mean(np.abs(luck) > 0.1) == pytest.approx(1 / 40, rel=0.15)


def test_a_row_without_weight_lends_no_residual(exact):
    runs = scattered(0.01)
    runs.loc[3, "loss"] *= 3
    weights = np.where(RUNS.index == 3, 0.0, 1.0)
    noise = run_noise(fitted(runs, weights=weights))
    assert np.abs(noise.luck(20_000, np.random.default_rng(0))).max() < 0.2
    assert noise.freedom == 39 - 5


def test_a_prior_counts_as_what_it_holds():
    runs = scattered(0.01, frame=design(3, 2))
    prior = {"alpha": (0.35, 0.05), "beta": (0.37, 0.05)}
    assert run_noise(fitted(runs, prior=prior)).freedom == 3


def test_the_band_of_a_new_run_follows_an_uneven_scatter(uneven):
    points = pd.DataFrame({"params": [1e7, 1e10], "tokens": [2e8, 2e11]})
    told = uneven.predict(points, interval="run")
    width = np.log(told.high / told.low)
    assert (run_noise(uneven).scale(points)) == pytest.approx([0.04, 0.01], rel=0.25)
    assert width[0] / width[1] == pytest.approx(4, rel=0.35)


def test_beyond_the_data_scatter_does_not_vanish(uneven):
    noise = run_noise(uneven)
    inside = noise.scale(uneven.data)
    far = noise.scale(sf.grid(params=[1e13], tokens=[1e15]))
    assert noise.trend.kept
    assert far[0] == pytest.approx(inside.min())
    # where it grows it goes on growing
    assert noise.scale(sf.grid(params=[1e5], tokens=[2e10]))[0] > 1.5 * inside.max()


def test_an_even_scatter_is_the_same_everywhere(exact):
    noise = run_noise(redrawn(exact, 0.01 * np.random.default_rng(2).standard_normal(len(RUNS))))
    assert not noise.trend.kept
    assert noise.scale(sf.grid(params=[1e6, 1e13], tokens=[1e8])).tolist() == [noise.scatter] * 2


def test_rows_of_few_runs_say_less_of_the_scatter_than_they_are_many():
    frame = pd.DataFrame(
        {
            "run": np.repeat([f"run{i}" for i in range(10)], 20),
            "params": np.repeat(np.geomspace(1e7, 1e10, 10), 20),
            "tokens": np.tile(np.geomspace(2e9, 2e11, 20), 10),
        }
    )
    luck = 0.01 * np.random.default_rng(3).standard_normal(10)
    exact = fitted(with_scatter(frame, 0.0))
    assert run_noise(redrawn(exact, np.repeat(luck, 20))).freedom < 20
    assert run_noise(redrawn(exact, 0.01 * np.random.default_rng(3).standard_normal(200))).freedom > 120


def test_the_same_points_have_the_same_band_whichever_others_are_asked(uneven):
    points = sf.grid(params=[1e8, 1e11], tokens=[2e10])
    both, one = uneven.predict(points, interval="run"), uneven.predict(points.iloc[1:], interval="run")
    assert one.low.iloc[0] == both.low.iloc[1]


def test_an_unknown_interval_is_named():
    with pytest.raises(sf.FitError, match="interval must be one of mean or run; got 'new'"):
        fitted(scattered(0.01)).predict(RUNS[["params", "tokens"]], interval="new")
