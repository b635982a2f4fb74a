"""Smoothed losses: what the methods promise, on curves whose truth is known and on real ones."""

import numpy as np
import pandas as pd
import pytest

from scalefit import datasets
from scalefit.errors import ColumnError, DataError
from scalefit.runs.notes import notes_of
from scalefit.runs.smoothing import smooth_loss

STEPS = np.arange(1, 2001)


def curve(loss, steps=STEPS):
    return pd.DataFrame({"run": "a", "step": steps, "loss": loss})


def noisy(rng, sigma=0.02):
    return curve(3 * np.exp(rng.normal(0, sigma, len(STEPS))))


def scatter(loss):
    """The scatter from row to row, which a trend hardly moves."""
    return np.std(np.diff(loss, 2)) / np.sqrt(6)


@pytest.mark.parametrize("said", [{}, {"method": "median"}, {"method": "ema", "halflife": 50}])
def test_the_raw_loss_is_kept_and_a_constant_one_stays_what_it_is(said):
    smooth = smooth_loss(curve(3.0), **said)
    assert (smooth.loss == 3.0).all()
    assert smooth.loss_smooth.to_numpy() == pytest.approx(3.0, rel=1e-14)


@pytest.mark.parametrize(("ratio", "exponent"), [(1.1, 0.3), (1.5, 0.3), (2.0, 1.0)])
def test_a_log_window_lowers_a_power_law_by_the_share_that_the_docstring_says(ratio, exponent):
    smooth = smooth_loss(curve(STEPS**-exponent), ratio=ratio)
    middle = smooth[(smooth.step > 400) & (smooth.step < 1400)]
    share = 1 - middle.loss_smooth / middle.loss
    assert np.mean(share) == pytest.approx(exponent * (1 - exponent / 2) * np.log(ratio) ** 2 / 12, rel=0.1)


def test_a_log_window_takes_away_noise_by_the_root_of_its_rows():
    smooth = smooth_loss(noisy(np.random.default_rng(0)), ratio=1.2)
    last = smooth[(smooth.step > 1000) & (smooth.step < 1800)]
    rows = 0.18 * last.step.mean()  # from x / 1.095 to 1.095 x
    assert last.loss_smooth.std() == pytest.approx(3 * 0.02 / np.sqrt(rows), rel=0.4)


def test_a_median_leaves_a_falling_curve_as_it_is_up_to_both_ends():
    falling = curve(1.5 + 8 / STEPS)
    assert smooth_loss(falling, method="median", window=51).loss_smooth.tolist() == falling.loss.tolist()


def test_a_median_does_not_see_a_spike_and_a_mean_does():
    spiked = curve(3.0)
    spiked.loc[1000:1003, "loss"] = 9.0
    assert (smooth_loss(spiked, method="median").loss_smooth == 3.0).all()
    assert smooth_loss(spiked).loss_smooth.max() > 3.02


def test_an_exponential_average_is_that_of_pandas_with_uneven_steps():
    rng = np.random.default_rng(1)
    steps = np.sort(rng.choice(100_000, 300, replace=False))
    log = curve(rng.lognormal(size=300), steps)
    told = log.loss.ewm(halflife=pd.Timedelta(700), times=pd.to_datetime(steps)).mean()
    smooth = smooth_loss(log, method="ema", halflife=700)
    assert smooth.loss_smooth.to_numpy() == pytest.approx(told.to_numpy(), rel=1e-10)


def test_an_exponential_average_begins_at_the_first_loss_and_not_at_zero():
    assert (
        smooth_loss(noisy(np.random.default_rng(0)), method="ema", halflife=1e6).loss_smooth[0]
        == (noisy(np.random.default_rng(0)).loss[0])
    )


def test_the_half_life_counts_steps_and_not_rows():
    sparse = curve([4.0, 2.0], np.array([0, 100]))
    # The first row is one half-life old: it counts half as much as the second.
    assert smooth_loss(sparse, method="ema", halflife=100).loss_smooth[1] == pytest.approx((0.5 * 4 + 2) / 1.5)


@pytest.mark.parametrize("said", [{}, {"method": "median"}, {"method": "ema", "halflife": 50}])
def test_runs_do_not_touch_each_other(said):
    rng = np.random.default_rng(2)
    runs = [noisy(rng).head(n).assign(run=name) for name, n in (("a", 1), ("b", 7), ("c", 400))]
    together = smooth_loss(pd.concat(runs), **said)
    alone = pd.concat([smooth_loss(run, **said) for run in runs])
    assert together.loss_smooth.to_numpy() == pytest.approx(alone.loss_smooth.to_numpy(), rel=1e-12)


def test_a_smoothed_column_is_named_by_its_target_and_others_may_follow():
    log = noisy(np.random.default_rng(0)).assign(train_loss=4.0)
    smooth = smooth_loss(smooth_loss(log), target="train_loss", method="median")
    assert list(smooth) == ["run", "step", "loss", "train_loss", "loss_smooth", "train_loss_smooth"]
    assert len(notes_of(smooth)) == 2


def test_rows_without_a_loss_have_no_smoothed_one():
    log = curve(3.0)
    log.loc[10, "loss"] = np.nan
    assert smooth_loss(log).loss_smooth.isna().to_numpy().nonzero()[0].tolist() == [10]


def test_smoothing_along_tokens_needs_no_step():
    log = curve(STEPS**-0.3).rename(columns={"step": "tokens"})
    assert smooth_loss(log, along="tokens").loss_smooth.equals(smooth_loss(curve(STEPS**-0.3)).loss_smooth)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({}, "loss_smooth is the mean of loss over a window of ratio 1.1 in step, in 2000 rows of 1 run"),
        ({"method": "median", "window": 5}, "loss_smooth is the median of loss over 5 rows around"),
        ({"method": "ema", "halflife": 20}, "exponential moving average of loss with a half-life of 20 in step"),
    ],
)
def test_the_note_says_the_rule(said, rule):
    assert rule in notes_of(smooth_loss(curve(3.0), **said))[-1]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"method": "emma"}, r"method must be one of ema, log_window or median; got 'emma'\. Did you mean 'ema'\?"),
        ({"method": "ema"}, r"halflife must be a number above 0; got None\. Such as halflife=20, a hundredth of a run"),
        ({"method": "ema", "halflife": 0}, "halflife must be a number above 0; got 0"),
        ({"method": "median", "window": 10}, r"window must be odd, to have a middle; got 10\. Take 11"),
        ({"method": "median", "window": 1}, "window must be a whole number of at least 3; got 1"),
        ({"ratio": 1.0}, r"ratio must be a number above 1; got 1\.0"),
        ({"halflife": 10}, r"halflife= is for method='ema'; 'log_window' takes ratio="),
        ({"method": "median", "ratio": 2}, r"ratio= is for method='log_window'; 'median' takes window="),
    ],
)
def test_a_method_without_its_number_is_told_what_to_type(said, message):
    with pytest.raises(DataError, match=message):
        smooth_loss(curve(3.0), **said)


def test_a_table_that_is_smoothed_already_is_refused():
    with pytest.raises(ColumnError, match=r"smooth_loss appends 'loss_smooth'.* Rename"):
        smooth_loss(smooth_loss(curve(3.0)))


@pytest.mark.parametrize(
    ("said", "lag"),
    [({"ratio": 1.2}, 0.004), ({"method": "median", "window": 9}, 0.004), ({"method": "ema", "halflife": 40}, 0.03)],
)
def test_on_real_runs_smoothing_takes_away_scatter_and_keeps_the_course(said, lag):
    smooth = smooth_loss(datasets.load("microlm", part="schedules"), target="train_loss", **said)
    late = smooth[smooth.step > 500].groupby("run")
    ratios = [scatter(run.train_loss_smooth) / scatter(run.train_loss) for _, run in late]
    assert max(ratios) < 0.6
    assert (late.train_loss_smooth.mean() / late.train_loss.mean() - 1).abs().max() < lag
