"""What the scatter of runs is made of: seeds, size, neighbours along a run; and what follows from it for weights."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from noisy_runs import design, fitted, redrawn, with_scatter
from scalefit.uncertainty.noise import estimate_noise
from scalefit.uncertainty.repeats import scatter_interval
from scalefit.uncertainty.run_noise import run_noise
from shared_data import shared


def normal(seed, n):
    return np.random.default_rng(seed).standard_normal(n)


def falling(frame, slope):
    """Scatter of 2 % at the middle size, which changes with size by a power."""
    return 0.02 * (frame.params.to_numpy() / 3e8) ** slope * normal(4, len(frame))


@pytest.fixture(scope="module")
def wide():
    """240 settings, without scatter."""
    return fitted(with_scatter(design(24, 10), 0.0))


def test_the_scatter_of_seeds_is_pooled_within_settings():
    runs = pd.concat([design(5, 3), design(5, 3).iloc[[0, 0, 7]]], ignore_index=True)
    fit = fitted(with_scatter(runs, 0.01 * normal(0, len(runs))))
    told = estimate_noise(fit).repeats
    log = np.log(fit.data.loss.to_numpy())
    first, second = log[[0, 15, 16]], log[[7, 17]]
    squares = np.sum((first - first.mean()) ** 2) + np.sum((second - second.mean()) ** 2)
    assert told.scatter == pytest.approx(np.sqrt(squares / 3))
    assert (told.freedom, told.settings) == (3, 2)
    assert set(np.flatnonzero(told.label >= 0)) == {0, 7, 15, 16, 17}
    assert told.low < told.scatter < told.high


def test_the_interval_of_a_scatter_is_that_of_chi_squared():
    # 5 % and 95 % points of chi-squared with 10 degrees of freedom: 3.940 and 18.307 (Pearson & Hartley, table 8)
    assert scatter_interval(1.0, 10, 0.0) == pytest.approx((np.sqrt(10 / 18.307), np.sqrt(10 / 3.940)), rel=1e-3)
    # tails with a kurtosis of 3 more than normal: ten squares say as much as four
    assert scatter_interval(1.0, 10, 3.0) == pytest.approx(scatter_interval(1.0, 4, 0.0))


def test_without_repeats_nothing_is_said_of_seeds(wide):
    noise = estimate_noise(redrawn(wide, 0.01 * normal(1, 240)))
    assert noise.repeats is None
    assert "repeats" not in noise.frame.part.tolist()


def test_seeds_of_logged_runs_count_as_runs_and_not_as_rows():
    steps = pd.DataFrame({"tokens": np.geomspace(1e9, 1e11, 12)})
    frame = pd.concat(
        [steps.assign(run=f"{i}-{seed}", params=10.0 ** (7 + i / 3)) for i in range(8) for seed in range(3)],
        ignore_index=True,
    )
    luck = np.repeat(0.01 * normal(2, 24), 12) + 0.001 * normal(3, len(frame))
    told = estimate_noise(redrawn(fitted(with_scatter(frame, 0.0)), luck)).repeats
    assert told.settings == 96
    assert told.freedom == 192
    # 16 runs beyond the first of their setting: hi / lo of 16 numbers is 1.82, of 192 it would be 1.18
    assert told.high / told.low > 1.7
    assert told.low < 0.01 < told.high


@pytest.mark.parametrize(("slope", "words"), [(-0.30103, "halves"), (0.30103, "doubles")])
def test_a_scatter_that_changes_with_size_is_said_in_words(wide, slope, words):
    noise = estimate_noise(redrawn(wide, falling(wide.data, slope)))
    assert noise.trend.slopes[0] == pytest.approx(slope, abs=0.09)
    assert noise.trend.slopes[1] == 0
    assert f"scatter {words} with each tenfold of params" in repr(noise) or "of itself with each" in repr(noise)


def test_an_even_scatter_is_seldom_taken_for_an_uneven_one(wide):
    few = fitted(with_scatter(design(8, 5), 0.0))
    for fit, draw in ((wide, "standard_normal"), (few, "standard_normal"), (few, lambda g, n: g.standard_t(3, n))):
        kept = 0
        for seed in range(100):
            rng = np.random.default_rng(seed)
            n = fit.problem.n
            scatter = getattr(rng, draw)(n) if isinstance(draw, str) else draw(rng, n)
            kept += run_noise(redrawn(fit, 0.01 * scatter)).trend.kept
        # at 1 %: more than 5 of 100 in 1 of 2,000 times
        assert kept <= 5


def test_too_few_rows_say_nothing_of_a_trend():
    fit = redrawn(fitted(with_scatter(design(4, 4), 0.0)), falling(design(4, 4), -1.0))
    noise = estimate_noise(fit)
    assert not noise.trend.kept
    assert np.isnan(noise.trend.p_values).all()
    assert "too few rows to see whether scatter is even" in repr(noise)


def test_weights_of_squares_are_one_over_the_variance(wide):
    noise = estimate_noise(redrawn(wide, falling(wide.data, -0.3)))
    weights, scale = noise.weights(wide.data), noise.scale(wide.data)
    assert weights.mean() == pytest.approx(1)
    assert (weights * scale**2) == pytest.approx(np.full(240, (weights * scale**2)[0]))


def test_weights_of_an_absolute_loss_are_one_over_the_deviation():
    runs = with_scatter(design(24, 10), 0.0)
    fit = redrawn(fitted(runs, objective=sf.Huber(1e-7)), falling(runs, -0.3))
    noise = estimate_noise(fit)
    weights, scale = noise.weights(runs), noise.scale(runs)
    assert (weights * scale) == pytest.approx(np.full(240, (weights * scale)[0]), rel=1e-3)


def test_weights_make_a_fit_to_uneven_runs_more_certain():
    law, truth = sf.get_law("power"), {"A": 30.0, "alpha": 0.1}
    frame = pd.DataFrame({"x": np.geomspace(1e6, 1e9, 60)})
    off = []
    for seed in range(15):
        scatter = 0.03 * (frame.x / 1e6) ** -0.4 * normal(seed, 60)
        runs = frame.assign(loss=law(truth, frame) * np.exp(scatter))
        plain = sf.fit(runs, law, columns={"x": "x"}, objective=sf.Square())
        again = sf.fit(
            runs, law, columns={"x": "x"}, objective=sf.Square(), weights=estimate_noise(plain).weights(runs)
        )
        off.append([one.estimates["alpha"] - 0.1 for one in (plain, again)])
    plain, again = np.std(off, axis=0)
    assert again < 0.75 * plain


def rows_along(runs, rows, scatter):
    frame = pd.DataFrame(
        {
            "run": np.repeat([f"run{i}" for i in range(runs)], rows),
            "params": np.repeat(np.geomspace(1e7, 1e10, runs), rows),
            "tokens": np.tile(np.geomspace(2e9, 2e11, rows), runs),
        }
    )
    return estimate_noise(redrawn(fitted(with_scatter(frame, 0.0)), scatter))


def test_correlation_along_a_run_is_that_of_its_noise():
    noise = normal(5, (8, 400))
    for step in range(1, 400):
        noise[:, step] = 0.8 * noise[:, step - 1] + 0.6 * noise[:, step]
    told = rows_along(8, 400, 0.01 * noise.ravel()).along
    assert told.correlation == pytest.approx(0.8, abs=0.04)
    # (1 + rho) / (1 - rho) = 9
    assert told.time == pytest.approx(9, rel=0.25)
    assert told.effective_rows == pytest.approx(3200 / told.time)


def test_rows_of_runs_that_keep_their_luck_count_as_runs():
    told = rows_along(30, 20, np.repeat(0.01 * normal(6, 30), 20)).along
    assert told.effective_rows == pytest.approx(30, rel=0.1)


def test_independent_rows_of_a_run_count_each():
    noise = rows_along(10, 30, 0.01 * normal(7, 300))
    assert noise.along.effective_rows > 250
    assert noise.along.correlation == pytest.approx(0, abs=0.12)


def test_rows_without_runs_have_no_neighbours(wide):
    assert estimate_noise(redrawn(wide, 0.01 * normal(8, 240))).along is None


def test_the_order_of_rows_does_not_matter():
    runs = with_scatter(design(8, 5), 0.01 * normal(9, 40))
    one, other = estimate_noise(fitted(runs)), estimate_noise(fitted(runs.sample(frac=1, random_state=0)))
    assert one.scatter == pytest.approx(other.scatter)
    assert one.lack_of_fit.statistic == pytest.approx(other.lack_of_fit.statistic, rel=1e-6)


def test_the_first_line_says_whether_the_law_misses_something(wide):
    even = repr(estimate_noise(redrawn(wide, 0.01 * normal(11, 240)))).splitlines()
    assert even[0] == "noise of chinchilla on 240 rows: no sign of a miss"
    bent = 0.05 * (wide.data.params.to_numpy() / 1e7) ** -1.0
    missed = repr(estimate_noise(redrawn(wide, bent + 0.005 * normal(11, 240)))).splitlines()
    assert missed[0] == "noise of chinchilla on 240 rows: THE LAW MISSES SOMETHING"
    assert "bend along params" in missed[-1]


def test_the_frame_says_the_same_as_the_text(wide):
    noise = estimate_noise(redrawn(wide, 0.01 * normal(11, 240)))
    assert noise.frame.words.iloc[0] in repr(noise)
    assert noise.frame.part.tolist() == ["about the law", "lack of fit", "trend along params", "trend along tokens"]
    assert noise.frame.set_index("part").estimate["about the law"] == noise.scatter


def test_draws_are_those_of_their_seed_and_as_wide_as_the_scatter(wide):
    noise = estimate_noise(redrawn(wide, falling(wide.data, -0.3)))
    points = sf.grid(params=[1e7, 1e10], tokens=[1e10])
    drawn = noise.draw(points, 4000, rng=1)
    assert drawn.shape == (4000, 2)
    assert (drawn == noise.draw(points, 4000, rng=1)).all()
    assert drawn.std(axis=0) == pytest.approx(noise.scale(points), rel=0.03)
    with pytest.raises(sf.FitError, match="whole number of draws"):
        noise.draw(points, 0)


def test_a_missing_input_is_named(wide):
    noise = estimate_noise(redrawn(wide, 0.01 * normal(12, 240)))
    with pytest.raises(sf.ColumnError, match="the noise of a fit needs a column 'tokens'"):
        noise.scale({"params": [1e9]})


def test_columns_of_other_names_are_read_as_the_fit_read_them():
    runs = with_scatter(design(8, 5), 0.01 * normal(13, 40)).rename(columns={"params": "size"})
    fit = fitted(runs, columns={"params": "size"})
    assert estimate_noise(fit).scale(runs).shape == (40,)


def test_a_curve_through_every_row_has_no_scatter():
    runs = with_scatter(design(3, 2).iloc[:5], 0.01 * normal(14, 5))
    with pytest.raises(sf.FitError, match="goes through every one"):
        estimate_noise(fitted(runs))


def test_microlm_seeds_scatter_less_than_runs_about_the_law():
    runs = sf.datasets.load("microlm").groupby("run", as_index=False).last()
    noise = estimate_noise(sf.fit(runs[runs.family == "lstm"], "chinchilla"))
    assert noise.repeats.settings == 5
    # Seeds of microlm's lstm runs differ by 0.2 to 0.6 % of the loss; chinchilla fits its 55 runs to 2 %.
    assert 0.002 < noise.repeats.scatter < 0.006
    assert noise.scatter > 0.015
    assert noise.lack_of_fit.test == "repeats"
    assert noise.lack_of_fit.warns


def test_repeated_settings_of_published_runs_scatter_less_than_a_percent():
    runs = pd.read_csv(shared("data_constrained/runs.csv"))
    once = runs[(runs.epochs <= 1) & (runs.loss < 8)]
    noise = estimate_noise(sf.fit(once, "chinchilla"))
    assert 0.001 < noise.repeats.scatter < 0.01
    assert noise.lack_of_fit.warns
