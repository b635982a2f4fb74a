"""Every step reads a table in the same way, leaves it as it is, and says what to type where it cannot be read."""

import contextlib

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from scalefit.errors import ColumnError, DataError, ScalefitError
from scalefit.runs.cutting import cut_warmup
from scalefit.runs.divergence import find_divergence
from scalefit.runs.envelope import compute_envelope
from scalefit.runs.extraction import extract_final_losses
from scalefit.runs.histories import check_count, check_number, read_histories, read_numbers
from scalefit.runs.interpolation import interpolate_losses
from scalefit.runs.notes import add_note, notes_of
from scalefit.runs.slices import slice_isoflops
from scalefit.runs.smoothing import smooth_loss
from scalefit.runs.spikes import find_spikes
from scalefit.runs.thinning import thin_log

#: Every step, with what it needs besides the table.
STEPS = {
    "smooth_loss": smooth_loss,
    "cut_warmup": lambda runs, **said: cut_warmup(runs, share=0.1, **said),
    "find_spikes": find_spikes,
    "find_divergence": find_divergence,
    "extract_final_losses": extract_final_losses,
    "interpolate_losses": lambda runs, **said: interpolate_losses(runs, [2e6, 3e6], **said),
    "thin_log": lambda runs, **said: thin_log(runs, points=10, **said),
    "compute_envelope": compute_envelope,
    "slice_isoflops": lambda runs, **said: slice_isoflops(runs, [1e13], **said),
}
#: Those that look at a loss, and at one run after the other.
OF_LOSSES = [name for name in STEPS if name != "cut_warmup"]
OF_RUNS = [name for name in STEPS if name != "compute_envelope"]
IN_ORDER = [name for name in OF_RUNS if name != "cut_warmup"]
step_by_name = pytest.mark.parametrize("name", STEPS)


def curves(**columns):
    """Two sizes, 40 rows each."""
    steps = np.tile(np.arange(1, 41), 2) * 100
    params = np.repeat([1e6, 4e6], 40)
    loss = 1.5 + 4 / steps**0.3 + 300 / params**0.4
    runs = pd.DataFrame({"run": np.repeat(["small", "large"], 40), "params": params, "step": steps})
    return runs.assign(tokens=steps * 1000, loss=loss, text="kept", **columns)


def read(runs, **said):
    given = {"needed_by": "smooth_loss", "target": "loss", "along": "step", "by": "run", "columns": None}
    return read_histories(runs, **(given | said))


@step_by_name
def test_the_table_that_is_passed_is_not_changed(name):
    runs = add_note(curves(), "read")
    before = runs.copy(deep=True)
    STEPS[name](runs)
    pd.testing.assert_frame_equal(runs, before)
    assert notes_of(runs) == ("read",)


@step_by_name
def test_every_step_adds_one_note_that_begins_with_its_name(name):
    notes = notes_of(STEPS[name](add_note(curves(), "read")))
    assert notes[0] == "read"
    assert len(notes) == 2
    assert notes[1].startswith(name)


@step_by_name
def test_a_polars_table_and_a_mapping_give_the_same_as_a_pandas_table(name):
    runs = curves()
    plain = STEPS[name](runs)
    for other in (pl.DataFrame(runs.to_dict("list")), runs.to_dict("list")):
        pd.testing.assert_frame_equal(STEPS[name](other), plain, check_dtype=False)


@step_by_name
def test_a_table_without_rows_is_refused(name):
    with pytest.raises(DataError, match=rf"{name}(: no row is left| needs at least one row)"):
        STEPS[name](curves().iloc[:0])


@pytest.mark.parametrize("name", OF_RUNS)
def test_without_a_column_of_runs_the_error_says_what_to_type(name):
    with pytest.raises(ColumnError, match=r"needs a column 'run'.* by='…', or by=None for one single curve"):
        STEPS[name](curves().drop(columns="run"))


@pytest.mark.parametrize("name", OF_RUNS)
def test_a_table_that_is_one_curve_needs_no_column_of_runs(name):
    one = curves().query("run == 'small'").drop(columns="run")
    assert len(STEPS[name](one, by=None)) > 0


@pytest.mark.parametrize("name", OF_RUNS)
def test_a_row_without_the_name_of_a_run_is_named(name):
    runs = curves()
    runs.loc[[3, 7], "run"] = None
    with pytest.raises(DataError, match=r"column 'run' has no name of a run in rows 3 and 7\. Drop such rows"):
        STEPS[name](runs)


@pytest.mark.parametrize("name", OF_LOSSES)
def test_a_missing_loss_is_named_with_what_to_type(name):
    with pytest.raises(ColumnError, match=rf"{name} needs a column 'loss'.*columns=\{{'loss': 'losses'\}}"):
        STEPS[name](curves().rename(columns={"loss": "losses"}))
    assert len(STEPS[name](curves().rename(columns={"loss": "losses"}), columns={"loss": "losses"})) > 0


@pytest.mark.parametrize("name", OF_LOSSES)
def test_text_in_place_of_a_loss_is_named_with_its_row(name):
    runs = curves().astype({"loss": object})
    runs.loc[5, "loss"] = "crashed"
    with pytest.raises(DataError, match=rf"{name}: column 'loss' has text .*'crashed' in row 5"):
        STEPS[name](runs)


@pytest.mark.parametrize("name", OF_LOSSES)
def test_a_table_without_any_finite_loss_is_refused(name):
    with pytest.raises(DataError, match=rf"{name}: no row has a finite"):
        STEPS[name](curves().assign(loss=np.nan))


@pytest.mark.parametrize("name", OF_LOSSES)
def test_rows_without_a_finite_loss_are_left_out_and_counted(name):
    runs = curves()
    runs.loc[[2, 50], "loss"] = np.nan
    runs.loc[60, "loss"] = np.inf
    clean = STEPS[name](runs.dropna().query("loss < inf"))
    result = STEPS[name](runs)
    assert "3 rows without a finite loss" in notes_of(result)[-1]
    if name in ("smooth_loss", "find_spikes"):  # which keep every row
        assert result.loc[clean.index].equals(clean)
        assert len(result) == len(runs)
    elif name != "find_divergence":
        assert result.equals(clean)


@pytest.mark.parametrize("name", STEPS)
def test_the_order_of_rows_does_not_matter(name):
    runs = curves()
    runs.loc[runs.step == 3000, "loss"] *= 1.3
    plain = STEPS[name](runs)
    shuffled = STEPS[name](runs.sample(frac=1, random_state=1))
    keys = [key for key in ("run", "tokens") if key in plain]
    both = [frame.sort_values(keys, ignore_index=True)[list(plain)] for frame in (plain, shuffled)]
    pd.testing.assert_frame_equal(*both)


@pytest.mark.parametrize("name", IN_ORDER)
def test_rows_out_of_order_are_said(name):
    shuffled = curves().sample(frac=1, random_state=1)
    assert "the rows of 2 runs were not in the order of" in notes_of(STEPS[name](shuffled))[-1]


@pytest.mark.parametrize("name", ["smooth_loss", "cut_warmup", "find_spikes"])
def test_kept_rows_keep_their_order_and_index(name):
    runs = curves().sample(frac=1, random_state=1)
    result = STEPS[name](runs)
    assert result.index.tolist() == [label for label in runs.index if label in result.index]


@pytest.mark.parametrize("name", IN_ORDER)
def test_two_rows_of_a_run_at_one_step_are_refused_unless_the_last_is_asked_for(name):
    runs = curves()
    twice = pd.concat([runs.iloc[[4]].assign(loss=2.9), runs], ignore_index=True)
    with pytest.raises(DataError, match=r"row 0 and a later row of the same 'run' .* duplicates='last'"):
        STEPS[name](twice)
    result = STEPS[name](twice, duplicates="last")
    assert "1 row at a repeated" in notes_of(result)[-1]
    plain = STEPS[name](runs)
    last, plain = (frame.tail(len(plain)).reset_index(drop=True) for frame in (result, plain))
    pd.testing.assert_frame_equal(last, plain)


@st.composite
def untidy_tables(draw):
    """Few or many rows with everything that a log may hold."""
    rows = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    loss = rng.lognormal(1, draw(st.sampled_from([0.0, 0.01, 3.0])), rows)
    for word, share in ((np.nan, 0.3), (np.inf, 0.1), (1e300, 0.05), (1e-300, 0.05)):
        loss[rng.random(rows) < draw(st.sampled_from([0.0, share, 1.0]))] = word
    steps = rng.integers(0, draw(st.sampled_from([3, 1000, 10**15])), rows).astype(float)
    runs = pd.DataFrame({"run": rng.integers(0, draw(st.integers(1, 8)), rows), "step": steps, "loss": loss})
    runs = runs.assign(params=10.0 ** (3 + runs.run), tokens=steps * 512, lr=rng.choice([0.0, 1e-3, np.nan], rows))
    return runs.set_index(rng.integers(0, 5, rows))


@given(untidy_tables(), st.sampled_from(["step", "tokens", "flops"]), st.sampled_from(["error", "last"]))
@settings(max_examples=40, deadline=None)
def test_an_untidy_table_gives_a_result_or_an_error_of_our_own(runs, along, duplicates):
    before = runs.copy(deep=True)
    said = {"along": along, "duplicates": duplicates}
    for step in (
        lambda: smooth_loss(runs, **said),
        lambda: smooth_loss(runs, method="median", **said),
        lambda: smooth_loss(runs, method="ema", halflife=10, **said),
        lambda: cut_warmup(runs, from_lr=True, along=along),
        lambda: find_spikes(runs, **said),
        lambda: find_divergence(runs, **said),
        lambda: extract_final_losses(runs, rule="mean_last", k=3, **said),
        lambda: interpolate_losses(runs, [1.0, 1e6], **said),
        lambda: thin_log(runs, points=5, **said),
        lambda: thin_log(runs, points=5, method="mean", **said),
        lambda: compute_envelope(runs, along=along),
        lambda: slice_isoflops(runs, [1e9, 1e15], duplicates=duplicates),
    ):
        with contextlib.suppress(ScalefitError):
            assert notes_of(step())
    pd.testing.assert_frame_equal(runs, before)


def test_two_runs_taken_for_one_curve_are_told_to_name_the_column():
    with pytest.raises(DataError, match=r"have the same 'step'.*Or name the column of the runs: by='run'"):
        smooth_loss(curves(), by=None)


def test_what_to_do_with_duplicates_is_one_of_two_words():
    with pytest.raises(DataError, match=r"duplicates must be one of error or last; got 'first'"):
        smooth_loss(curves(), duplicates="first")


def test_runs_may_be_named_by_any_column():
    runs = curves().rename(columns={"run": "model"})
    assert smooth_loss(runs, by="model").loss_smooth.equals(smooth_loss(curves()).loss_smooth)


def test_an_alias_is_read_and_said():
    runs = curves().rename(columns={"run": "run_name", "loss": "val_loss", "step": "global_step"})
    result = smooth_loss(runs)
    assert result.loss_smooth.equals(smooth_loss(curves()).loss_smooth)
    note = notes_of(result)[-1]
    for text in ("loss read from column 'val_loss'", "step read from column 'global_step'", "'run_name'"):
        assert text in note


def test_flops_are_derived_from_sizes_and_said():
    result = smooth_loss(curves(), along="flops")
    assert result.flops.tolist() == (6 * result.params * result.tokens).tolist()
    assert "flops derived as 6 * params * tokens" in notes_of(result)[-1]


def test_flops_that_are_there_are_not_derived():
    runs = curves(flops=curves().step * 1e12)
    assert smooth_loss(runs, along="flops").flops.equals(runs.flops)


def test_flops_that_cannot_be_derived_are_asked_for():
    with pytest.raises(ColumnError, match="With 'params' and 'tokens' it is derived"):
        smooth_loss(curves().drop(columns="params"), along="flops")


def test_a_missing_axis_is_answered_with_another_that_is_there():
    with pytest.raises(ColumnError, match=r"needs a column 'step'.* Or pass along='tokens'"):
        smooth_loss(curves().drop(columns="step"))


def test_a_row_that_has_a_loss_must_say_where_it_stands():
    runs = curves().astype({"step": float})
    runs.loc[3, "step"] = np.nan
    with pytest.raises(DataError, match="column 'step' has no value in row 3"):
        smooth_loss(runs)
    runs.loc[3, "loss"] = np.nan
    assert smooth_loss(runs).loss_smooth.notna().sum() == 79


def test_a_negative_step_is_refused():
    with pytest.raises(DataError, match="column 'step' is negative in rows 0 and 40; step counts from 0"):
        smooth_loss(curves().assign(step=curves().step - 101))


@pytest.mark.parametrize("name", ["find_spikes", "find_divergence", "interpolate_losses", "slice_isoflops"])
def test_a_loss_without_a_log_is_named_where_the_log_is_taken(name):
    runs = curves()
    runs.loc[[0, 41], "loss"] = [0.0, -1.0]
    with pytest.raises(DataError, match=r"log of column 'loss', which is not above zero in rows 0 and 41"):
        STEPS[name](runs)


@pytest.mark.parametrize("kind", ["Float64", "float32", object, "category"])
def test_numbers_of_any_type_are_read(kind):
    runs = curves()
    told = smooth_loss(runs.assign(loss=runs.loss.astype("float32").astype(float))).loss_smooth
    converted = runs.loss.astype("float32").astype(float).astype(kind)
    assert smooth_loss(runs.assign(loss=converted)).loss_smooth.tolist() == pytest.approx(told.tolist())


def test_words_for_no_number_are_read_as_exports_spell_them():
    frame = pd.DataFrame({"loss": [3.5, "NaN", "Infinity", "-inf", None, " inf "]})
    numbers = read_numbers(frame, "loss", name="loss", needed_by="smooth_loss")
    assert numbers.tolist() == pytest.approx([3.5, np.nan, np.inf, -np.inf, np.nan, np.inf], nan_ok=True)


def test_numbers_written_as_text_are_refused_with_what_to_type():
    with pytest.raises(
        DataError, match=r"text where a number is expected: '3\.5' in row 0\. Convert it: pd\.to_numeric"
    ):
        smooth_loss(curves().astype({"loss": object}).replace({"loss": {curves().loss[0]: "3.5"}}))


@pytest.mark.parametrize("values", [[True, False], pd.to_datetime(["2024-01-01", "2024-01-02"]), [1 + 2j, 3.0]])
def test_what_is_no_number_is_refused(values):
    with pytest.raises(DataError, match="column 'loss' holds"):
        read_numbers(pd.DataFrame({"loss": values}), "loss", name="loss", needed_by="smooth_loss")


def test_runs_are_numbered_as_they_appear_and_runs_without_a_loss_are_kept_in_the_count():
    runs = pd.DataFrame({"run": ["b", "a", "b", "c"], "step": [2, 1, 1, 1], "loss": [3.0, 2.0, 4.0, np.nan]})
    histories = read(runs)
    assert histories.names.tolist() == ["b", "a", "c"]
    assert histories.counts.tolist() == [2, 1, 0]
    assert histories.rows.tolist() == [2, 0, 1]
    assert histories.values.tolist() == [4.0, 3.0, 2.0]


def test_a_run_named_by_a_number_and_a_category_is_a_run_like_any_other():
    runs = curves()
    numbered = runs.assign(run=runs.run.map({"small": 7, "large": 3}))
    assert read(numbered).names.tolist() == [7, 3]
    assert read(runs.astype({"run": "category"})).names.tolist() == ["small", "large"]


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, "3", True, None])
def test_an_argument_that_is_no_positive_number_is_refused(value):
    with pytest.raises(DataError, match="halflife must be a number above 0; got"):
        check_number("halflife", value, needed_by="smooth_loss", above=0)


@pytest.mark.parametrize("value", [1, 2.0, "3", True, None])
def test_an_argument_that_is_no_count_is_refused(value):
    with pytest.raises(DataError, match="points must be a whole number of at least 2; got"):
        check_count("points", value, needed_by="thin_log", least=2)
