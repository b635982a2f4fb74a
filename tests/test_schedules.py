"""Schedules against their formulas, a published log and the published areas."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from scalefit.errors import ColumnError, DataError
from scalefit.schedules import Schedule, annealing_area, forward_area

LOG = Path(__file__).resolve().parents[2] / "shared" / "data" / "lr_annealing_gpt" / "mpl_100m.csv"

SHORT = {"steps": 24000, "peak": 3e-4, "warmup": 2160}
LONG = {**SHORT, "steps": 72000}
PUBLISHED = {
    "constant_24000": Schedule.constant(**SHORT),
    "constant_72000": Schedule.constant(**LONG),
    "cosine_24000": Schedule.cosine(**SHORT, end=3e-5),
    "cosine_72000": Schedule.cosine(**LONG, end=3e-5),
    "wsd_20000_24000": Schedule.wsd(**SHORT, decay_start=20000, end=3e-5, shape="exp"),
    "wsdld_20000_24000": Schedule.wsd(**SHORT, decay_start=20000, end=3e-5),
    **{
        f"wsdcon_{k}": Schedule.multistep(steps=16000, peak=3e-4, warmup=2160, milestones=[8000], values=[k * 1e-5])
        for k in (3, 9, 18)
    },
}

ANY_SCHEDULE = [
    Schedule.constant(steps=50, peak=0.3, warmup=10),
    Schedule.cosine(steps=50, peak=0.3, warmup=10, end=0.03),
    Schedule.multistep(steps=50, peak=0.3, warmup=10, milestones=[20, 40], values=[0.1, 0.2]),
    Schedule.wsd(steps=50, peak=0.3, warmup=10, decay_start=40),
    Schedule.wsd(steps=50, peak=0.3, warmup=10, decay_start=40, end=0.03, shape="exp"),
    Schedule.wsd(steps=50, peak=0.3, warmup=10, decay_start=40, end=0.03, shape="1-sqrt"),
    Schedule.wsd(steps=50, peak=0.3, warmup=10, decay_start=40, end=0.03, shape="cosine"),
    Schedule.linear(steps=50, peak=0.3, warmup=10, end=0.03),
    Schedule.inverse_sqrt(steps=50, peak=0.3, warmup=10),
]


@pytest.mark.skipif(not LOG.is_file(), reason="needs the shared data")
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_log_has_the_rates_of_its_schedule(name):
    log = pd.read_csv(LOG).query("schedule == @name")
    assert len(log) > 50
    np.testing.assert_allclose(PUBLISHED[name].rates[log["step"]], log["lr"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("schedule", ANY_SCHEDULE, ids=repr)
def test_warm_up_is_a_ramp_from_zero_that_reaches_the_peak_at_its_last_step(schedule):
    assert schedule.steps == 50
    assert len(schedule.rates) == 51
    np.testing.assert_allclose(schedule.rates[:11], 0.3 * np.arange(11) / 10)
    assert schedule.rates[10] == schedule.peak == 0.3


@pytest.mark.parametrize("schedule", ANY_SCHEDULE, ids=repr)
def test_with_peak_warm_up_only_the_ramp_changes(schedule):
    peaked = schedule.with_peak_warmup()
    assert (peaked.rates[:10] == 0.3).all()
    np.testing.assert_array_equal(peaked.rates[10:], schedule.rates[10:])
    assert schedule.rates[0] == 0.0


def test_the_cosine_is_half_way_in_the_middle_and_at_its_end_last():
    rates = Schedule.cosine(steps=1100, peak=0.3, warmup=100, end=0.1).rates
    assert rates[600] == pytest.approx(0.2)
    assert rates[1100] == pytest.approx(0.1)
    assert rates[350] == pytest.approx(0.1 + 0.2 * (1 + np.sqrt(0.5)) / 2)


def test_a_milestone_is_the_first_step_at_its_absolute_rate():
    rates = Schedule.multistep(steps=10, peak=1.0, milestones=[4, 8], values=[0.5, 0.7]).rates
    assert rates.tolist() == [1.0] * 4 + [0.5] * 4 + [0.7] * 3


def test_a_decay_starts_at_the_peak_and_is_linear_or_exponential():
    linear = Schedule.wsd(steps=10, peak=0.8, decay_start=6, end=0.2).rates
    np.testing.assert_allclose(linear, [0.8] * 7 + [0.65, 0.5, 0.35, 0.2])
    fast = Schedule.wsd(steps=10, peak=0.8, decay_start=8, end=0.2, shape="exp").rates
    np.testing.assert_allclose(fast, [0.8] * 9 + [0.4, 0.2])


def test_a_root_falls_fast_at_first_and_a_wave_slowly():
    root, wave = (Schedule.wsd(steps=8, peak=1.0, decay_start=4, shape=shape).rates for shape in ("1-sqrt", "cosine"))
    np.testing.assert_allclose(root, [1.0] * 5 + [0.5, 1 - np.sqrt(0.5), 1 - np.sqrt(0.75), 0.0], atol=1e-15)
    np.testing.assert_allclose(wave[4:], (1 + np.cos(np.pi * np.arange(5) / 4)) / 2, atol=1e-15)


def test_a_line_is_a_decay_without_a_stable_phase():
    line = Schedule.linear(steps=100, peak=0.3, warmup=20, end=0.03)
    np.testing.assert_array_equal(
        line.rates, Schedule.wsd(steps=100, peak=0.3, warmup=20, decay_start=20, end=0.03).rates
    )


def test_one_over_the_square_root_is_halved_at_four_times_the_warm_up():
    rates = Schedule.inverse_sqrt(steps=400, peak=0.3, warmup=25).rates
    assert rates[[25, 100, 400]] == pytest.approx([0.3, 0.15, 0.075])


def test_whole_numbers_may_be_written_as_floats():
    assert Schedule.constant(steps=1e4, peak=0.1) == Schedule.constant(steps=10_000, peak=0.1)


def test_equal_schedules_are_equal_and_others_are_not():
    one = Schedule.cosine(steps=100, peak=0.1, warmup=5)
    assert one == Schedule.cosine(steps=100, peak=0.1, warmup=5)
    assert hash(one) == hash(Schedule.cosine(steps=100, peak=0.1, warmup=5))
    assert one != Schedule.cosine(steps=100, peak=0.1, warmup=6)
    assert one != Schedule.cosine(steps=101, peak=0.1, warmup=5)
    assert one != "cosine"


def test_a_schedule_is_short_to_read_and_cannot_be_changed():
    schedule = Schedule.wsd(steps=100, peak=3e-4, warmup=5, decay_start=80)
    assert repr(schedule) == "Schedule.wsd(steps=100, peak=0.0003, warmup=5)"
    with pytest.raises(ValueError, match="read-only"):
        schedule.rates[0] = 1.0
    with pytest.raises(AttributeError):
        schedule.peak = 1.0


def test_a_schedule_does_not_share_the_array_it_was_made_from():
    rates = np.ones(3)
    schedule = Schedule("from_log", rates, 1.0)
    rates[0] = 9.0
    assert schedule.rates[0] == 1.0


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Schedule.constant(steps=0, peak=0.1), "steps must be above 0; got 0"),
        (lambda: Schedule.constant(steps=1.5, peak=0.1), "steps must be a whole number, 0 or more; got 1.5"),
        (lambda: Schedule.constant(steps="many", peak=0.1), "steps must be a whole number, 0 or more; got 'many'"),
        (lambda: Schedule.constant(steps=float("inf"), peak=0.1), "steps must be a whole number"),
        (lambda: Schedule.constant(steps=9, peak=-0.1), "peak must be a finite rate, 0 or more; got -0.1"),
        (lambda: Schedule.constant(steps=9, peak=float("nan")), "peak must be a finite rate"),
        (lambda: Schedule.constant(steps=9, peak="high"), "peak must be a finite rate, 0 or more; got 'high'"),
        (lambda: Schedule.constant(steps=9, peak=0), "peak must be above 0"),
        (lambda: Schedule.constant(steps=9, peak=0.1, warmup=10), "warmup must be at most steps=9; got 10"),
        (lambda: Schedule.constant(steps=9, peak=0.1, warmup=-1), "warmup must be a whole number, 0 or more; got -1"),
        (lambda: Schedule.cosine(steps=9, peak=0.1, warmup=9), "warmup must be below steps=9; got 9"),
        (lambda: Schedule.cosine(steps=9, peak=0.1, end=-1), "end must be a finite rate, 0 or more; got -1"),
        (lambda: Schedule.cosine(steps=9, peak=0.1, end=0.2), "end must be at most peak=0.1; got 0.2"),
        (lambda: Schedule.wsd(steps=9, peak=0.1, decay_start=9), "decay_start must be from warmup=0 to steps=9"),
        (lambda: Schedule.wsd(steps=9, peak=0.1, warmup=5, decay_start=4), "decay_start must be from warmup=5"),
        (lambda: Schedule.wsd(steps=9, peak=0.1, decay_start=5, shape="exp"), "give end > 0; got end=0"),
        (lambda: Schedule.wsd(steps=9, peak=0.1, decay_start=5, shape="lin"), "Did you mean 'linear'?"),
        (
            lambda: Schedule.multistep(steps=9, peak=0.1, milestones=[3, 5], values=[0.01]),
            "one value for each milestone; got 2 milestones and 1 values",
        ),
        (
            lambda: Schedule.multistep(steps=9, peak=0.1, milestones=[5, 3], values=[0.1, 0.1]),
            "milestones must rise; got [5, 3]",
        ),
        (
            lambda: Schedule.multistep(steps=9, peak=0.1, milestones=[10], values=[0.1]),
            "milestones must lie after warmup=0 and at most at steps=9; got [10]",
        ),
        (
            lambda: Schedule.multistep(steps=9, peak=0.1, warmup=4, milestones=[4], values=[0.1]),
            "milestones must lie after warmup=4",
        ),
        (
            lambda: Schedule.multistep(steps=9, peak=0.1, milestones=[4], values=[-0.1]),
            "a value of multistep must be a finite rate, 0 or more; got -0.1",
        ),
        (lambda: Schedule.linear(steps=9, peak=0.1, warmup=9), "warmup must be below steps=9; got 9"),
        (lambda: Schedule.inverse_sqrt(steps=9, peak=0.1, warmup=0), "must be 1 or more; got 0"),
        (lambda: Schedule.constant(steps=10**12, peak=0.1), "probably tokens or samples"),
        (lambda: Schedule.from_log({"step": [0, 10**12], "lr": [0.1, 0.1]}), "probably tokens or samples"),
        (lambda: Schedule("from_log", np.array([0.1, -0.1]), 0.1), "rates must be finite and not negative"),
        (lambda: Schedule("from_log", np.ones((2, 2)), 0.1), "got shape (2, 2)"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(make, complaint):
    with pytest.raises(DataError) as raised:
        make()
    assert complaint in str(raised.value)


@pytest.mark.parametrize("schedule", ANY_SCHEDULE, ids=repr)
@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_a_log_of_every_step_gives_the_schedule_back(schedule, table):
    log = table({"step": np.arange(51)[::-1], "lr": schedule.rates[::-1].copy()})
    again = Schedule.from_log(log)
    np.testing.assert_array_equal(again.rates, schedule.rates)
    assert (again.peak, again.warmup, again.notes) == (0.3, 10, ())


def test_gaps_of_a_log_are_interpolated_and_its_start_held_and_both_are_said():
    schedule = Schedule.from_log(pd.DataFrame({"step": [4, 8, 12], "lr": [0.4, 0.4, 0.0]}))
    np.testing.assert_allclose(schedule.rates, [0.4] * 9 + [0.3, 0.2, 0.1, 0.0])
    held, interpolated = schedule.notes
    assert "step 4" in held
    assert "held" in held
    assert "6 steps" in interpolated
    assert "interpolated linearly" in interpolated


def test_the_warm_up_of_a_sparse_log_ends_where_its_rates_stop_rising():
    schedule = Schedule.from_log({"step": [10, 20, 30, 40, 50], "lr": [0.1, 0.2, 0.3, 0.3, 0.1]})
    assert schedule.warmup == 30
    assert (schedule.with_peak_warmup().rates[:41] == 0.3).all()


def test_a_log_may_repeat_a_step_with_the_same_rate_only():
    assert Schedule.from_log({"step": [0, 1, 1], "lr": [0.1, 0.2, 0.2]}).steps == 1
    with pytest.raises(DataError, match="step 1 has two different rates"):
        Schedule.from_log({"step": [0, 1, 1], "lr": [0.1, 0.2, 0.3]})


@pytest.mark.parametrize(
    ("log", "complaint"),
    [
        ({"step": [], "lr": []}, "at least one row"),
        ({"step": [0.5, 1.0], "lr": [0.1, 0.1]}, "whole numbers"),
        ({"step": [-1, 0], "lr": [0.1, 0.1]}, "column 'step' must be finite and not negative; it is not in row 0"),
        ({"step": [0, 1], "lr": [0.1, -0.1]}, "column 'lr' must be finite and not negative; it is not in row 1"),
        ({"step": [0, 1], "lr": [0.1, np.nan]}, "log.dropna(subset=['step', 'lr'])"),
        ({"step": [0, 1], "lr": [0.1, "warm"]}, "column 'lr' must hold numbers"),
        ({"step": [0, 1], "lr": [0.1, 0.1], "run": ["a", "b"]}, "takes one run; the table has 2"),
    ],
)
def test_a_log_that_cannot_be_used_is_refused(log, complaint):
    with pytest.raises(DataError) as raised:
        Schedule.from_log(pd.DataFrame(log))
    assert complaint in str(raised.value)


def test_rows_of_a_log_are_named_by_their_labels():
    log = pd.DataFrame({"step": [0, 1], "lr": [0.1, np.nan]}, index=["first", "second"])
    with pytest.raises(DataError, match="row second"):
        Schedule.from_log(log)


def test_a_log_without_a_rate_names_the_missing_column():
    with pytest.raises(ColumnError, match=r"Schedule.from_log needs a column 'lr'; the table has step, loss"):
        Schedule.from_log(pd.DataFrame({"step": [0], "loss": [3.0]}))


PAPER = {"steps": 20000, "peak": 2e-4, "warmup": 500}  # the example of the law's authors, warm-up taken at the peak


def test_the_areas_are_those_of_the_published_example():
    cosine, constant = (make(**PAPER).with_peak_warmup().rates for make in (Schedule.cosine, Schedule.constant))
    assert forward_area(cosine)[-1] == pytest.approx(2.0501, abs=5e-5)
    assert forward_area(constant)[-1] == pytest.approx(4.0002, abs=5e-5)
    assert annealing_area(cosine)[-1] == pytest.approx(0.197474, abs=5e-7)
    assert (annealing_area(constant) == 0).all()


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array),
    st.sampled_from([0.0, 0.5, 0.99, 0.999]),
)
def test_the_areas_are_the_sums_of_their_definition(rates, decay):
    momentum, area, forward = 0.0, 0.0, rates[0]
    expected = [(forward, area)]
    for before, now in pairwise(rates):
        momentum = decay * momentum + before - now
        area += momentum
        forward += now
        expected.append((forward, area))
    found = np.column_stack([forward_area(rates), annealing_area(rates, decay=decay)])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_the_real_ramp_lowers_the_annealing_area():
    ramped = Schedule.cosine(**PAPER)
    assert annealing_area(ramped.rates)[-1] < annealing_area(ramped.with_peak_warmup().rates)[-1]


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_a_decay_outside_its_range_is_refused(decay):
    with pytest.raises(DataError, match="decay must be at least 0 and below 1"):
        annealing_area([1.0, 0.5], decay=decay)


def test_no_rates_have_no_area():
    assert annealing_area([]).size == forward_area([]).size == 0
