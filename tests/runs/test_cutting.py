"""Warm-ups and first tokens are left out by a rule that is said, never by a guess."""

import numpy as np
import pandas as pd
import pytest

from scalefit import Schedule, datasets
from scalefit.errors import ColumnError, DataError
from scalefit.runs.cutting import cut_warmup
from scalefit.runs.notes import notes_of


def log_of(schedule, run="a", every=1):
    rates = np.asarray(schedule.rates)[::every]
    return pd.DataFrame({"run": run, "step": np.arange(len(rates)) * every, "lr": rates}).assign(loss=3.0)


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule.cosine(steps=1000, peak=3e-4, warmup=50),
        Schedule.constant(steps=1000, peak=3e-4, warmup=50),
        Schedule.wsd(steps=1000, peak=3e-4, warmup=50, decay_start=800),
        Schedule.multistep(steps=1000, peak=3e-4, warmup=50, milestones=[500], values=[1e-4]),
    ],
)
def test_the_warm_up_of_every_schedule_ends_at_its_first_peak(schedule):
    assert cut_warmup(log_of(schedule), from_lr=True).step.min() == 50


def test_a_run_without_a_warm_up_is_kept_whole():
    assert len(cut_warmup(log_of(Schedule.constant(steps=100, peak=1e-3)), from_lr=True)) == 101


def test_rates_that_a_log_has_rounded_do_not_hide_the_peak():
    log = log_of(Schedule.constant(steps=200, peak=1e-3, warmup=20))
    log["lr"] *= 1 + 1e-8 * np.random.default_rng(0).normal(size=len(log))
    assert cut_warmup(log, from_lr=True).step.min() == 20


def test_every_run_has_its_own_warm_up():
    logs = pd.concat(
        [log_of(Schedule.cosine(steps=400, peak=1e-3, warmup=warmup), run=f"w{warmup}") for warmup in (10, 40)]
    )
    assert cut_warmup(logs, from_lr=True).groupby("run").step.min().to_dict() == {"w10": 10, "w40": 40}


def test_the_warm_up_of_the_real_runs_is_found():
    logs = datasets.load("microlm", part="schedules")
    cut = cut_warmup(logs, from_lr=True)
    assert cut.groupby("run").step.min().between(64, 70).all()  # 64 steps, says their card; logged every 5
    left = logs.drop(index=cut.index)
    assert (left.lr < left.run.map(logs.groupby("run").lr.max())).all()
    assert notes_of(cut)[-1] == (
        f"cut_warmup: rows before the first peak of lr left out, {len(left)} of {len(logs)} rows"
    )


def test_rows_without_a_rate_go_by_their_place_and_runs_without_one_are_kept():
    warm = log_of(Schedule.constant(steps=100, peak=1e-3, warmup=10))
    warm.loc[warm.step % 2 == 1, "lr"] = np.nan
    logs = pd.concat([warm, warm.assign(run="b", lr=np.nan)], ignore_index=True)
    cut = cut_warmup(logs, from_lr=True)
    assert cut.groupby("run").step.min().to_dict() == {"a": 10, "b": 0}
    assert "1 run without a number in lr kept whole: b" in notes_of(cut)[-1]


def test_a_peak_that_comes_late_is_said():
    logs = pd.concat(
        [log_of(Schedule.cosine(steps=400, peak=1e-3, warmup=warmup), run=f"w{warmup}") for warmup in (10, 300)]
    )
    assert "more than a quarter left out of 1 run: w300" in notes_of(cut_warmup(logs, from_lr=True))[-1]


@pytest.mark.parametrize(
    ("said", "first"), [({"steps": 30}, 30), ({"tokens": 25_000}, 25), ({"share": 0.25}, 50), ({"share": 0.001}, 1)]
)
def test_rows_from_the_bound_on_are_kept(said, first):
    log = log_of(Schedule.constant(steps=200, peak=1e-3)).assign(tokens=lambda log: log.step * 1000)
    cut = cut_warmup(log, **said)
    assert cut.step.tolist() == list(range(first, 201))
    assert cut.index.tolist() == cut.step.tolist()


def test_a_share_is_that_of_the_run():
    logs = pd.concat([log_of(Schedule.constant(steps=n, peak=1e-3), run=f"n{n}") for n in (100, 300)])
    assert cut_warmup(logs, share=0.1).groupby("run").step.min().to_dict() == {"n100": 10, "n300": 30}


def test_steps_and_tokens_need_no_column_of_runs():
    log = log_of(Schedule.constant(steps=100, peak=1e-3)).drop(columns="run")
    assert cut_warmup(log, steps=10).step.min() == 10


def test_a_table_without_losses_can_be_cut():
    log = log_of(Schedule.constant(steps=100, peak=1e-3, warmup=10)).drop(columns="loss")
    assert len(cut_warmup(log, from_lr=True)) == 91


def test_runs_that_lose_all_their_rows_are_named():
    logs = pd.concat([log_of(Schedule.constant(steps=n, peak=1e-3), run=f"n{n}") for n in (20, 300)])
    cut = cut_warmup(logs, steps=50)
    assert cut.run.unique().tolist() == ["n300"]
    assert "no row is left of 1 run: n20" in notes_of(cut)[-1]


def test_rows_that_do_not_say_where_they_stand_are_left_out_and_counted():
    log = log_of(Schedule.constant(steps=100, peak=1e-3)).astype({"step": float})
    log.loc[[60, 70], "step"] = np.nan
    cut = cut_warmup(log, steps=50)
    assert len(cut) == 49
    assert "2 rows without step left out" in notes_of(cut)[-1]


def test_a_cut_that_leaves_nothing_is_an_error():
    with pytest.raises(DataError, match=r"no row is left \(rows before step 500 left out\)"):
        cut_warmup(log_of(Schedule.constant(steps=100, peak=1e-3)), steps=500)


@pytest.mark.parametrize(
    ("said", "got"),
    [({}, "none is given"), ({"steps": 3, "share": 0.1}, "got steps and share"), ({"from_lr": False}, "none")],
)
def test_exactly_one_rule_is_taken(said, got):
    with pytest.raises(
        DataError, match=rf"exactly one of steps, tokens, share and from_lr; {got}.*Such as from_lr=True"
    ):
        cut_warmup(log_of(Schedule.constant(steps=100, peak=1e-3)), **said)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"steps": -1}, "steps must be a number above 0; got -1"),
        ({"tokens": "1B"}, "tokens must be a number above 0; got '1B'"),
        ({"share": 5}, r"share must be a number above 0 and below 1; got 5\. Such as share=0\.05"),
    ],
)
def test_a_bound_that_is_no_number_is_refused(said, message):
    log = log_of(Schedule.constant(steps=100, peak=1e-3)).assign(tokens=1.0)
    with pytest.raises(DataError, match=message):
        cut_warmup(log, **said)


def test_a_log_without_rates_is_told_so():
    with pytest.raises(ColumnError, match="cut_warmup needs a column 'lr'"):
        cut_warmup(log_of(Schedule.constant(steps=100, peak=1e-3)).drop(columns="lr"), from_lr=True)
