"""Between two rows the loss is read on the line through their logs, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from scalefit import datasets
from scalefit.errors import ColumnError, DataError
from scalefit.runs.interpolation import interpolate_losses
from scalefit.runs.notes import notes_of


def power_law(run="a", low=1e6, high=1e8, rows=30, **columns):
    tokens = np.geomspace(low, high, rows)
    return pd.DataFrame({"run": run, "tokens": tokens, "loss": 40 * tokens**-0.15}).assign(**columns)


def test_a_power_law_is_read_exactly_between_its_rows():
    at = np.geomspace(1e6 * 1.0001, 1e8 * 0.9999, 57)
    told = interpolate_losses(power_law(rows=5), at)
    assert told.tokens.tolist() == at.tolist()
    assert told.loss.to_numpy() == pytest.approx(40 * at**-0.15, rel=1e-12)


def test_at_a_row_its_very_loss_is_read_first_and_last_row_too():
    log = power_law().assign(loss=np.random.default_rng(0).uniform(2, 3, 30))
    assert interpolate_losses(log, log.tokens.to_list()).loss.tolist() == log.loss.tolist()


def test_outside_the_range_of_a_run_nothing_is_read_and_that_is_said():
    logs = pd.concat([power_law("a", high=1e7), power_law("b", low=5e6)])
    told = interpolate_losses(logs, [2e6, 6e6, 5e7])
    assert told.loss.isna().tolist() == [False, False, True, True, False, False]
    assert "2 points outside the range of the run, NaN: a and b" in notes_of(told)[-1]


def test_a_point_just_beyond_the_end_is_not_read_either_but_said_to_be_close():
    told = interpolate_losses(power_law(), [1.005e8, 2e8])
    assert told.loss.isna().all()
    assert "2 points outside the range of the run, 1 of them by less than 1 %" in notes_of(told)[-1]


def test_a_run_without_any_loss_is_read_nowhere():
    logs = pd.concat([power_law("a", loss=np.nan), power_law("b")])
    told = interpolate_losses(logs, 3e6)
    assert told.run.tolist() == ["a", "b"]
    assert told.loss.isna().tolist() == [True, False]


def test_what_is_constant_in_a_run_is_kept_and_what_varies_is_said():
    logs = pd.concat([power_law("a", params=1e6, seed=1), power_law("b", params=2e6, seed=2)])
    told = interpolate_losses(logs.assign(lr=logs.tokens / 1e12), [3e6, 4e6])
    assert list(told) == ["run", "tokens", "params", "seed", "loss", "flops"]
    assert told.params.tolist() == [1e6, 1e6, 2e6, 2e6]
    assert "columns that vary within a run left out: lr" in notes_of(told)[-1]


def test_the_other_axes_are_read_on_the_line():
    logs = power_law(rows=4, params=2e6)
    logs = logs.assign(step=logs.tokens / 1000 + 7, flops=6 * 2e6 * logs.tokens)
    told = interpolate_losses(logs, [3e6, 4e6])
    assert told.step.tolist() == pytest.approx([3007, 4007])
    assert told.flops.tolist() == pytest.approx([3.6e13, 4.8e13])
    assert interpolate_losses(logs, [3.6e13], along="flops").tokens.tolist() == pytest.approx([3e6])


def test_losses_are_read_at_flops_that_are_derived():
    told = interpolate_losses(power_law(params=1e6), 6e13, along="flops")
    assert told.loss.tolist() == pytest.approx([40 * 1e7**-0.15])
    assert told.tokens.tolist() == pytest.approx([1e7])


def test_a_table_of_points_keeps_its_rows_order_and_index():
    logs = pd.concat([power_law("a", params=1e6), power_law("b", params=2e6)])
    at = pd.DataFrame({"run": ["b", "a", "b"], "tokens": [2e6, 3e6, 9e9], "why": list("xyz")}, index=[5, 3, 9])
    told = interpolate_losses(logs, at)
    assert told.index.tolist() == [5, 3, 9]
    assert told.why.tolist() == ["x", "y", "z"]
    assert told.params.tolist() == [2e6, 1e6, 2e6]
    assert told.loss.tolist() == pytest.approx([40 * 2e6**-0.15, 40 * 3e6**-0.15, np.nan], nan_ok=True)
    assert list(at) == ["run", "tokens", "why"]


def test_a_point_of_an_unknown_run_is_named():
    at = pd.DataFrame({"run": ["a", "c"], "tokens": [2e6, 2e6]})
    with pytest.raises(DataError, match=r"row 1 of at= is of no run in the table: c\."):
        interpolate_losses(power_law(), at)


def test_a_table_of_points_needs_its_two_columns_and_no_loss():
    with pytest.raises(ColumnError, match="the table at= needs 'run' and 'tokens'; it has tokens"):
        interpolate_losses(power_law(), pd.DataFrame({"tokens": [2e6]}))
    with pytest.raises(ColumnError, match="interpolate_losses appends 'loss'"):
        interpolate_losses(power_law(), pd.DataFrame({"run": ["a"], "tokens": [2e6], "loss": [3.0]}))


def test_a_row_at_zero_tokens_has_no_log_and_is_left_out():
    log = pd.concat([power_law().head(1).assign(tokens=0.0, loss=11.0), power_law()])
    told = interpolate_losses(log, [5e5, 2e6])
    assert told.loss.isna().tolist() == [True, False]
    assert "1 row at tokens 0 left out" in notes_of(told)[-1]


def test_a_table_of_rows_at_zero_tokens_is_refused():
    with pytest.raises(DataError, match="interpolate_losses: no row with a loss has a tokens above zero"):
        interpolate_losses(power_law().assign(tokens=0.0).head(1), 2e6)


def test_the_widest_gap_that_was_bridged_is_said():
    log = pd.DataFrame({"run": "a", "tokens": [1e6, 2e6, 2e7], "loss": [3.0, 2.9, 2.5]})
    assert "the widest gap is a factor 2 in tokens" in notes_of(interpolate_losses(log, 1.5e6))[-1]
    assert "the widest gap is a factor 10 in tokens" in notes_of(interpolate_losses(log, 3e6))[-1]
    assert "gap" not in notes_of(interpolate_losses(log, 2e6))[-1]


@pytest.mark.parametrize("at", [0, -1e6, [1e6, np.nan], ["1e6"], [True]])
def test_a_point_that_is_no_positive_number_is_refused(at):
    with pytest.raises(DataError, match="at must be a number above 0; got"):
        interpolate_losses(power_law(), at)


def test_no_point_at_all_is_refused():
    with pytest.raises(DataError, match=r"at has no number\. Such as at="):
        interpolate_losses(power_law(), [])


def test_a_real_curve_of_which_every_other_row_is_hidden_is_found_again():
    logs = datasets.load("microlm", part="schedules").query("step > 200")
    number = logs.groupby("run").cumcount()
    hidden = logs[number % 2 == 1]
    told = interpolate_losses(logs[number % 2 == 0], hidden[["run", "tokens"]])
    errors = np.log(told.loss / hidden.loss).dropna()
    assert len(errors) > 1100
    assert errors.abs().mean() < 0.005  # their own scatter from row to row
    assert abs(errors.mean()) < 0.0005
