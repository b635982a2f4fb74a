"""Schedules recognised in tables: columns, runs, and ends that do not match those of the runs."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from known_schedules import KNOWN, evenly, log_of
from scalefit.errors import ColumnError, DataError
from scalefit.schedules import recognize_schedule, recognize_schedules


@pytest.mark.parametrize(
    ("log", "complaint"),
    [
        ({"step": [0, 1, 1], "lr": [0.1, 0.2, 0.3]}, "step 1 has two different rates, 0.2 and 0.3"),
        ({"step": [0, 1, 1], "lr": [0.1, 0.2, 0.3]}, "log.drop_duplicates('step', keep='last')"),
        ({"step": [0, 1], "lr": [0.0, 0.0]}, "every rate is 0"),
        ({"step": [0, 1], "lr": [0.1, -0.1]}, "column 'lr' must be finite and not negative; it is not in row 1"),
        ({"step": [0, 1], "lr": [0.1, float("inf")]}, "column 'lr' must be finite"),
        ({"step": [0, 1], "lr": [None, None]}, "needs at least one row with a rate; the table has none"),
        ({"step": [0, 1.5], "lr": [0.1, 0.1]}, "column 'step' must hold whole numbers; it does not in row 1"),
        ({"step": [0, 1], "lr": [0.1, 0.1], "run": ["a", "b"]}, "takes one run; the table has 2"),
    ],
)
def test_a_log_that_makes_no_sense_is_refused(log, complaint):
    with pytest.raises(DataError) as raised:
        recognize_schedule(pd.DataFrame(log))
    assert complaint in str(raised.value)


def test_columns_are_found_by_their_usual_names_or_as_the_caller_says():
    log = log_of(KNOWN["cosine"], evenly(100))
    assert recognize_schedule(log.rename(columns={"step": "global_step", "lr": "learning_rate"})).kind == "cosine"
    mine = log.rename(columns={"lr": "eta"})
    assert recognize_schedule(mine, columns={"lr": "eta"}).kind == "cosine"
    with pytest.raises(ColumnError, match=r"recognize_schedule needs a column 'lr'; the table has step, eta"):
        recognize_schedule(mine)
    with pytest.raises(ColumnError, match=r"read 'lr' from a column 'rate', which is missing; the table has step and"):
        recognize_schedule(mine, columns={"lr": "rate"})
    with pytest.raises(ColumnError, match="could each be it"):
        recognize_schedule(log.rename(columns={"step": "iteration"}).assign(global_step=0))


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_any_table_will_do(table):
    steps = evenly(100)
    log = table({"run": ["a"] * len(steps), "step": steps, "lr": KNOWN["cosine"].rates[steps]})
    assert recognize_schedule(log).kind == "cosine"
    assert recognize_schedules(log).kind.to_dict() == {"a": "cosine"}


def test_many_runs_are_one_row_each_and_one_bad_log_does_not_stop_them():
    runs = pd.concat([log_of(known, evenly(100)).assign(run=name) for name, known in KNOWN.items()])
    bad = pd.DataFrame({"run": "bad", "step": [0, 0], "lr": [0.1, 0.2]})
    found = recognize_schedules(pd.concat([runs, bad]))
    assert found.kind.to_dict() == {name: known.kind for name, known in KNOWN.items()} | {"bad": "unknown"}
    assert "two different rates" in found.notes["bad"][0]
    assert found.mismatch["constant"].startswith("the rate is never lowered")
    assert pd.isna(found.mismatch["cosine"])
    assert found.decay_start["wsd exp"] == 8000
    assert pd.isna(found.decay_start["constant"])


def test_a_schedule_longer_than_its_run_is_a_mismatch():
    early = recognize_schedule(log_of(KNOWN["cosine"], evenly(100, last=5000)))
    assert early.mismatch() == (
        "the cosine ends at step 10,000 and the run at step 5,000, where the rate is still 54 % of the peak"
    )
    assert early.mismatch(steps=9900) is None
    late = recognize_schedule(log_of(KNOWN["wsd linear"], evenly(100)))
    assert late.mismatch() is None
    assert late.mismatch(steps=12_000) == (
        "the decay ends at step 10,000 and the run at step 12,000: the rate is held at 0 in between"
    )
    assert recognize_schedule({"step": [0], "lr": [0.1]}).mismatch() is None


def test_what_one_knows_better_can_be_put_in():
    hidden = recognize_schedule(log_of(KNOWN["constant"], evenly(500, start=500)))
    assert hidden.warmup == 0
    np.testing.assert_array_equal(replace(hidden, warmup=500).schedule().rates, KNOWN["constant"].rates)
    with pytest.raises(FrozenInstanceError):
        hidden.warmup = 500
