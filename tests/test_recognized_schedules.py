"""Known schedules recognised from logs of every sort, and logs that are no schedule."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from known_schedules import KNOWN, LONG, digits, evenly, log_of
from scalefit.errors import DataError
from scalefit.schedules import Schedule, ScheduleShape, recognize_schedule
from scalefit.schedules.phases import rounding

every_known = pytest.mark.parametrize("name", KNOWN)


def unevenly(rows, *, last=10_000):
    drawn = np.random.default_rng(0).choice(last, rows, replace=False)
    return np.unique([*drawn, 100, 200, last])


WRITTEN = {
    "every step": (evenly(1), {}),
    "every 100 steps": (evenly(100), {}),
    "every 100 steps, the first not": (evenly(100, start=100), {}),
    "40 steps at random": (unevenly(40), {}),
    "single precision": (evenly(100), {"write": lambda rate: float(np.float32(rate))}),
    "five digits": (evenly(100), {"write": digits(5)}),
}


@every_known
@pytest.mark.parametrize("written", WRITTEN)
def test_a_known_schedule_is_recognised_however_its_log_was_written(name, written):
    steps, how = WRITTEN[written]
    known = KNOWN[name]
    found = recognize_schedule(log_of(known, steps, **how))
    assert found.kind == known.kind
    if found.kind == "wsd":
        assert found.shape == name.removeprefix("wsd ")
    exact = written not in ("single precision", "five digits")
    assert found.deviation < (1e-7 if exact else 5e-5 if written == "five digits" else 2e-7)
    assert (found.warmup, found.steps) == (known.warmup, known.steps)
    # Where a rate changes is known to within a gap of the log, and where it ends to the digits written.
    near = np.abs(found.schedule().rates - known.rates) < 3e-4 * known.peak
    assert near[steps].all()
    assert near.all() or found.kind == "multistep"


@every_known
def test_a_log_every_500_steps_hides_the_warm_up_but_not_the_schedule(name):
    known = KNOWN[name]
    found = recognize_schedule(log_of(known, evenly(500, start=500)))
    assert (found.kind, found.steps) == (known.kind, 10_000)
    np.testing.assert_allclose(found.rates_at(evenly(500, start=500)), known.rates[500::500], rtol=0, atol=1e-12)
    if name in ("cosine", "cosine to a tenth"):
        assert found.warmup == 500
        assert "no row lies in the warm-up; it is taken to end at step 500, where the cosine begins" in found.notes
    elif name != "cosine without warm-up":
        assert found.warmup == 0
        assert "no row lies in a warm-up; one that ended by step 500 would not show" in found.notes


def test_the_record_tells_where_each_phase_begins_and_ends():
    found = recognize_schedule(log_of(KNOWN["wsd exp"], evenly(100)))
    assert (found.warmup, found.decay_start, found.decay_end, found.shape) == (500, 8000, 10_000, "exp")
    assert (found.peak, found.end) == pytest.approx((3e-4, 3e-6))
    assert (found.rows, found.first_logged, found.last_logged, found.finished) == (101, 0, 10_000, True)


def test_the_first_line_is_a_sentence_and_the_rest_what_to_know():
    found = recognize_schedule(log_of(KNOWN["cosine to a tenth"], evenly(100)))
    sentence, deviation, gaps = str(found).splitlines()
    assert sentence == "The rate rises to 0.0003 in 500 steps and falls as a cosine to 3e-05 at step 10,000."
    assert deviation.strip().startswith("101 logged rates, steps 0 to 10,000: none is further than 1e-06 % of the peak")
    assert gaps.strip().startswith("9,900 of its 10,001 steps are not in the log; .schedule() takes their rates from")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("constant", "The rate rises to 0.0003 in 500 steps and stays there."),
        ("linear", "The rate rises to 0.0003 in 500 steps and falls in a straight line to 0 at step 10,000."),
        (
            "wsd 1-sqrt",
            "The rate rises to 0.0003 in 500 steps, stays there until step 8,000 and falls as 1 - sqrt to 0 at step "
            "10,000.",
        ),
        (
            "multistep",
            "The rate rises to 0.0003 in 500 steps and changes in steps: 0.0001 from step 8,000, 3e-05 from step "
            "9,000.",
        ),
        (
            "inverse_sqrt",
            "The rate rises to 0.0003 in 500 steps and falls as one over the square root of the step to 6.7082e-05 "
            "at step 10,000.",
        ),
        ("cosine without warm-up", "The rate begins at 0.0003 and falls as a cosine to 0 at step 10,000."),
    ],
)
def test_every_kind_has_its_sentence(name, sentence):
    assert recognize_schedule(log_of(KNOWN[name], evenly(50))).sentence() == sentence


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("name", ["cosine", "cosine to a tenth"])
def test_a_cosine_that_the_log_leaves_early_tells_its_end(name, share):
    last = int(10_000 * share)
    found = recognize_schedule(log_of(KNOWN[name], evenly(100, last=last)))
    assert (found.kind, found.decay_end, found.steps, found.finished) == ("cosine", 10_000, 10_000, False)
    assert found.end == pytest.approx(KNOWN[name].rates[-1], abs=1e-9)
    assert f"The log stops before that, at step {last:,}." in str(found)
    np.testing.assert_allclose(found.schedule().rates, KNOWN[name].rates, rtol=0, atol=1e-9)


def test_an_end_that_the_log_does_not_fix_is_given_as_a_range():
    early = log_of(KNOWN["cosine"], evenly(10, last=900), write=lambda rate: float(np.float32(rate)))
    found = recognize_schedule(early)
    low, high = found.end_between
    assert low <= 10_000 <= high
    assert f"any step from {low:,} to {high:,} fits the log" in found.notes[-1]
    whole = recognize_schedule(log_of(KNOWN["cosine"], evenly(10)))
    assert whole.end_between is None


def test_a_line_that_the_log_leaves_early_is_taken_to_go_to_zero():
    found = recognize_schedule(log_of(KNOWN["linear"], evenly(100, last=4000)))
    assert (found.kind, found.decay_end, found.finished) == ("linear", 10_000, False)
    assert "the decay is taken to go on to zero; if it ends at another rate, it ends before step 10,000" in found.notes


def test_a_line_that_stops_at_a_tenth_is_taken_to_end_there():
    found = recognize_schedule(log_of(KNOWN["linear to a tenth"], evenly(100)))
    assert (found.decay_end, found.finished) == (10_000, True)
    assert "the decay is taken to end with the log, at 10 % of the peak; else it would reach zero at step 11,056" in (
        found.notes
    )


def test_the_last_step_decides_where_a_line_ends():
    log = log_of(KNOWN["linear to a tenth"], evenly(100, last=9900))
    assert recognize_schedule(log).decay_end == 11_055
    found = recognize_schedule(log, steps=10_000)
    assert found.decay_end == 10_000
    assert found.end == pytest.approx(3e-5)
    with pytest.raises(DataError, match="steps=9,000 lies before the log's last step, 9,900"):
        recognize_schedule(log, steps=9000)


def test_a_stable_phase_without_its_decay_is_a_constant_rate():
    found = recognize_schedule(log_of(KNOWN["wsd linear"], evenly(100, last=7000)))
    assert (found.kind, found.finished) == ("constant", None)


def test_a_decay_of_one_row_is_not_given_a_form():
    found = recognize_schedule(log_of(KNOWN["wsd linear"], evenly(100, last=8100)))
    assert found.kind == "unknown"
    assert "1 row lies between the top and the end of the log, too few to tell the form of the decay" in found.notes


def test_two_rows_of_a_decay_leave_its_form_open_and_that_is_said():
    found = recognize_schedule(log_of(KNOWN["wsd linear"], evenly(1000, start=1000)))
    assert (found.kind, found.shape, found.decay_start, found.decay_end) == ("wsd", "linear", 8000, 10_000)
    steps = [*range(0, 500, 50), *range(500, 8000, 500), 8000, 8060, 8100]
    found = recognize_schedule(log_of(KNOWN["wsd linear"], steps, write=digits(3)))
    assert "too few rows lie in the decay to tell its form: linear, exp or 1-sqrt" in found.notes


def test_a_rate_that_is_held_after_its_decay_is_told():
    cosine = Schedule.cosine(steps=4000, peak=0.1, warmup=100, end=0.01)
    rates = np.append(cosine.rates, np.full(1000, 0.01))
    found = recognize_schedule({"step": np.arange(0, 5001, 50), "lr": rates[::50]})
    assert (found.kind, found.decay_end, found.steps, found.finished) == ("cosine", 4000, 5000, True)
    assert str(found).startswith(
        "The rate rises to 0.1 in 100 steps, falls as a cosine to 0.01 at step 4,000 and is held until step 5,000."
    )
    np.testing.assert_allclose(found.schedule().rates, rates, atol=1e-9)


def test_a_warm_up_need_not_begin_at_zero():
    steps = np.arange(0, 1001, 10)
    rates = np.minimum((steps + 1) / 101, 1.0) * 3e-4  # the first step has a rate already
    found = recognize_schedule({"step": steps, "lr": rates})
    assert (found.kind, found.warmup) == ("constant", 100)
    assert found.start == pytest.approx(3e-4 / 101)
    late = np.clip((steps - 20) / 100, 0, 1) * 3e-4  # no rate for the first 20 steps
    found = recognize_schedule({"step": steps, "lr": late})
    assert found.warmup == 120
    np.testing.assert_allclose(found.rates_at(steps), late, atol=1e-12)


def test_a_warm_up_that_is_no_line_is_said():
    steps = np.arange(0, 1001, 10)
    rates = np.where(steps < 200, np.sin(np.pi / 2 * steps / 200) ** 2, 1.0)
    found = recognize_schedule({"step": steps, "lr": rates})
    assert found.kind == "constant"
    assert any(note.startswith("the warm-up is not a straight line") for note in found.notes)
    assert found.deviation > 0.05


def test_a_form_that_is_nearly_right_is_called_rough_and_a_wrong_one_unknown():
    known = KNOWN["cosine"]
    wavy = known.rates * (1 + 2e-3 * np.sin(np.arange(10_001) / 700))
    rough = recognize_schedule({"step": evenly(100), "lr": wavy[::100]})
    assert rough.kind == "cosine"
    assert any(note.startswith("the form is rough") for note in rough.notes)
    squared = recognize_schedule({"step": evenly(100), "lr": (1 - evenly(100) / 10_000) ** 2})
    assert squared.kind == "unknown"
    assert squared.notes[-1].startswith("the nearest form, ")
    with pytest.raises(DataError, match=r"interpolated: Schedule\.from_log\(log\)"):
        squared.schedule()


def test_rates_of_few_digits_are_believed_to_their_last_digit():
    found = recognize_schedule(log_of(KNOWN["cosine"], evenly(100), write=digits(3)))
    assert (found.kind, found.warmup, found.finished) == ("cosine", 500, True)
    assert abs(found.decay_end - 10_000) < 20
    assert found.notes[-1] == "the rates were written with few digits, to within 0.17 % of the peak"


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (digits(3), 0.5e-6),
        (lambda rate: round(rate, 6), 0.5e-6),
        (lambda rate: float(np.float32(rate)), 0.0),
        (lambda rate: rate, 0.0),
    ],
)
def test_how_finely_a_log_was_written_is_seen(write, error):
    rates = np.array([write(rate) for rate in KNOWN["cosine"].rates[600:5000:100]])
    assert rounding(rates)[0] == pytest.approx(error)


def test_rates_of_half_precision_are_seen_as_such():
    single = KNOWN["cosine"].rates[600:5000:100].astype(np.float32)
    halved = (single.view(np.uint32) & 0xFFFF0000).view(np.float32).astype(float)
    assert rounding(halved)[0] == pytest.approx(halved[0] / 512)


def test_a_restart_is_named_with_its_step():
    parts = [Schedule.cosine(steps=99, peak=0.1).rates, Schedule.cosine(steps=99, peak=0.1).rates]
    found = recognize_schedule({"step": np.arange(200), "lr": np.concatenate(parts)})
    assert found.kind == "unknown"
    assert "rises again at step 100: a restart" in found.notes[0]
    assert "log[log['step'] < 100]" in found.notes[0]
    assert recognize_schedule({"step": np.arange(100), "lr": parts[0]}).kind == "cosine"


def test_a_stray_zero_is_not_a_restart():
    log = log_of(KNOWN["cosine"], evenly(100)).assign(lr=lambda frame: frame.lr.where(frame.step != 3000, 0.0))
    found = recognize_schedule(log)
    assert found.kind == "unknown"
    assert "the rate is 0 at step 3,000 and above it later" in found.notes[0]
    assert recognize_schedule(log[log.lr > 0]).kind == "cosine"


def test_a_last_piece_of_its_own_is_described():
    first = Schedule.cosine(steps=8000, peak=0.1, warmup=400, end=0.01).rates
    rates = np.append(first, np.linspace(0.01, 0, 1001)[1:])
    found = recognize_schedule({"step": np.arange(0, 9001, 50), "lr": rates[::50]})
    assert found.kind == "unknown"
    assert found.notes[-1].startswith("two parts: until step 7,950 the rate falls as a cosine, and from step 8,000 on")
    assert found.notes[-1].endswith("in a straight line to 0 % of the peak")


def test_a_log_that_ends_in_the_warm_up_says_so():
    found = recognize_schedule(log_of(KNOWN["cosine"], evenly(100, last=400)))
    assert (found.kind, found.notes[-1]) == (
        "unknown",
        "the log ends while the rate still rises: it shows the warm-up only",
    )


def test_one_row_is_no_schedule():
    assert recognize_schedule({"step": [7], "lr": [0.1]}).notes == ("one rate alone shows no schedule",)


def test_disorder_repeats_and_holes_are_put_right_and_said():
    log = log_of(KNOWN["cosine"], evenly(100))
    shuffled = pd.concat(
        [log.sample(frac=1, random_state=0), log.iloc[:3], pd.DataFrame({"step": [150], "lr": [float("nan")]})]
    )
    found = recognize_schedule(shuffled.astype({"lr": float}))
    assert found.kind == "cosine"
    assert found.notes[:3] == (
        "1 row without a step or a rate left out",
        "the rows were not in the order of their steps and have been sorted",
        "3 rows repeat a step with the same rate; kept once",
    )
    assert "the log is uneven: no rate from step 2,000 to 5,000" in (
        recognize_schedule(log[(log.step <= 2000) | (log.step >= 5000)]).notes
    )


def test_a_schedule_of_the_closed_form_says_what_it_filled_in():
    schedule = recognize_schedule(log_of(KNOWN["cosine"], evenly(100))).schedule()
    assert schedule.notes == ("the rates of 9,900 steps that the log does not have follow the closed form",)
    assert (schedule.kind, schedule.warmup, schedule.steps) == ("cosine", 500, 10_000)


def test_a_change_between_two_rows_is_put_at_the_roundest_step_and_that_is_said():
    steps = evenly(128)
    found = recognize_schedule(log_of(Schedule.multistep(**LONG, milestones=[8000], values=[1e-4]), steps))
    assert found.milestones == (8000,)
    assert any("one of the steps 7,937 to 8,064; 8,000 is taken" in note for note in found.notes)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 1e300)), min_size=1, max_size=12, unique_by=lambda row: row[0])
)
def test_no_log_of_numbers_breaks_it(rows):
    log = pd.DataFrame(rows, columns=["step", "lr"])
    try:
        found = recognize_schedule(log)
    except DataError:
        assert not log.lr.any()
        return
    assert isinstance(found, ScheduleShape)
    if found.kind != "unknown":
        assert np.isfinite(found.rates_at(log.step)).all()
        assert np.isfinite(found.deviation)
    assert str(found)
