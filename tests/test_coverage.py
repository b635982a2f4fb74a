"""Intervals hold the truth about as often as they say, and are not bought by width: a small simulation, fixed seeds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import scalefit as sf

pytestmark = pytest.mark.slow

LAW = sf.get_law("power_offset")
TRUTH = {"E": 1.7, "A": 400.0, "alpha": 0.34}
RUNS = pd.DataFrame({"x": np.geomspace(1e6, 1e9, 40)})
INSIDE = pd.DataFrame({"x": [3e7]})
NOISE, LEVEL = 0.01, 0.9
SIMULATIONS, BOOTSTRAPPED = 120, 24
#: What nominal 90 % intervals may truly hold: Huber 1e-3 under 1 % noise is nearly a median, which over-covers a bit.
LOWEST, HIGHEST = 0.86, 0.97


@dataclass(frozen=True)
class Ends:
    """Both ends of the intervals of all simulations, (simulations, quantities)."""

    low: np.ndarray
    high: np.ndarray

    def hits(self, right: np.ndarray) -> np.ndarray:
        return ((self.low <= right) & (right <= self.high)).sum(axis=0)

    @property
    def width(self) -> np.ndarray:
        return (self.high - self.low).mean(axis=0)


def simulated_fit(number: int) -> sf.Fit:
    """A fit to the design with 1 % Gaussian noise; started at the truth, which only saves time."""
    noise = NOISE * np.random.default_rng([8, number]).standard_normal(len(RUNS))
    runs = RUNS.assign(loss=LAW(TRUTH, RUNS) * np.exp(noise))
    return sf.fit(runs, LAW, starts=sf.Starts(own=0, given=(TRUTH,)))


def ends_of(tables: list[pd.DataFrame]) -> Ends:
    return Ends(np.array([table["low"] for table in tables]), np.array([table["high"] for table in tables]))


def could_hold_the_wanted_share(hits: int, count: int) -> bool:
    """Whether the exact 99 % binomial interval of the share of hits meets the wanted range.

    With 120 simulations it fails below 77 %: what an interval three quarters as wide as it should be would hold.
    """
    ends = stats.binomtest(int(hits), count).proportion_ci(0.99, method="exact")
    return bool(ends.low <= HIGHEST and ends.high >= LOWEST)


def oracle_width() -> np.ndarray:
    """Width of the intervals of least squares by one who knows the noise: nothing unbiased can be narrower."""
    theta = np.array([[TRUTH[name] for name in LAW.param_names]])
    value, jacobian = LAW.value_and_jacobian(theta, (RUNS["x"].to_numpy(),))
    slopes = jacobian[0] / value[0]
    return 2 * stats.norm.ppf(0.5 + LEVEL / 2) * NOISE * np.sqrt(np.diag(np.linalg.inv(slopes @ slopes.T)))


@pytest.fixture(scope="module")
def fits() -> list[sf.Fit]:
    return [simulated_fit(number) for number in range(SIMULATIONS)]


@pytest.fixture(scope="module")
def normal(fits) -> Ends:
    return ends_of([fit.summary(LEVEL) for fit in fits])


@pytest.fixture(scope="module")
def resampled(fits) -> Ends:
    return ends_of([fit.bootstrap(100, rng=i).summary(LEVEL) for i, fit in enumerate(fits[:BOOTSTRAPPED])])


def test_intervals_of_the_covariance_hold_the_parameters_as_often_as_they_say(normal):
    for hits in normal.hits(np.array(list(TRUTH.values()))):
        assert could_hold_the_wanted_share(hits, SIMULATIONS)


def test_intervals_of_the_bootstrap_hold_the_parameters_as_often_as_they_say(resampled):
    for hits in resampled.hits(np.array(list(TRUTH.values()))):
        assert could_hold_the_wanted_share(hits, BOOTSTRAPPED)


def test_bands_hold_the_curve_and_a_new_run_as_often_as_they_say(fits):
    curve = float(LAW(TRUTH, INSIDE)[0])
    scatter = NOISE * np.random.default_rng(9).standard_normal((SIMULATIONS, 1))
    for interval, right in (("mean", curve), ("run", curve * np.exp(scatter))):
        band = ends_of([fit.predict(INSIDE, level=LEVEL, interval=interval) for fit in fits])
        assert could_hold_the_wanted_share(band.hits(right)[0], SIMULATIONS), interval


def test_intervals_are_not_bought_by_width(normal, resampled):
    # A perfect interval of a median is 1.25 oracles wide. The mean over 24 simulations is known to about 0.05.
    for ends in (normal, resampled):
        ratio = ends.width / oracle_width()
        assert (ratio > 1.05).all()
        assert (ratio < 1.9).all()


def test_intervals_of_covariance_and_bootstrap_are_alike(normal, resampled):
    same = Ends(normal.low[:BOOTSTRAPPED], normal.high[:BOOTSTRAPPED])
    assert (np.abs(np.log(same.width / resampled.width)) < np.log(1.35)).all()


def test_the_check_notices_intervals_that_are_too_narrow(normal):
    middle, reach = (normal.low + normal.high) / 2, 0.4 * (normal.high - normal.low) / 2
    for hits in Ends(middle - reach, middle + reach).hits(np.array(list(TRUTH.values()))):
        assert not could_hold_the_wanted_share(hits, SIMULATIONS)
