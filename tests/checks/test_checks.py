"""A check says first whether the table can be fitted, in text, JSON and HTML, whatever the table holds."""

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import scalefit as sf
from scalefit.checks import check_runs
from scalefit.errors import DataError, ScalefitError
from shared_data import shared


@pytest.fixture
def bad(ladder):
    """A table with problems of all severities."""
    loss = ladder.loss.where(ladder.index != 3, -1.0)
    return ladder.assign(loss=loss, accuracy=50.0, tokenizer=ladder.family.map({"gpt": "a", "lstm": "b"}))


def test_the_status_counts_problems_and_remarks(ladder, bad):
    assert check_runs(ladder, laws=False).status == "Can be fitted as it is: no problems, no remarks."
    told = check_runs(bad, laws=False)
    assert told.status == (
        "Cannot be fitted as it is: 1 problem that a fit refuses, 1 that would mislead it; 1 remark."
    )
    misled = check_runs(bad[bad.loss > 0], laws=False)
    assert misled.status == "Can be fitted as it is, but 1 problem would mislead the fit; 1 remark."


def test_the_status_is_the_first_line(bad):
    told = check_runs(bad, laws=False)
    assert str(told).splitlines()[0] == told.status


@pytest.mark.parametrize("column", ["loss", "params", "tokens"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0])
def test_what_is_refused_by_a_fit_is_refused_by_the_check(ladder, column, value):
    table = ladder.assign(**{column: ladder[column].where(ladder.index != 4, value)})
    with pytest.raises((DataError, sf.UnitWarning)):  # a loss below zero is warned of first
        sf.fit(table, "chinchilla")
    told = check_runs(table, laws=False)
    assert not told.can_be_fitted
    with pytest.raises(DataError, match="cannot be fitted as it is"):
        told.raise_problems()


def test_what_can_be_fitted_raises_nothing(ladder):
    told = check_runs(ladder.assign(accuracy=50.0), laws=False)
    assert told.can_be_fitted
    told.raise_problems()
    sf.fit(ladder, "chinchilla")


def test_families_have_their_ranges(ladder):
    gpt, lstm = check_runs(ladder, laws=False).families
    assert (gpt.family, gpt.runs, gpt.rows) == ("gpt", 25, 25)
    assert gpt.ranges["params"] == (1e7, 3e9)
    assert gpt.ranges["flops"] == pytest.approx((6 * 1e7 * 5e7, 6 * 3e9 * 2.4e11))
    assert gpt.ranges["tokens_per_param"] == pytest.approx((5, 80))
    assert lstm.ranges["loss"][0] == ladder.loss[ladder.family == "lstm"].min()


def test_ranges_of_logs_are_of_the_last_row_of_each_run(logs):
    (told,) = check_runs(logs, laws=False).families
    last = logs.groupby("run").last()
    assert (told.runs, told.rows) == (8, 800)
    assert told.ranges["tokens"] == (last.tokens.min(), last.tokens.max())


def test_the_last_row_is_the_last_with_a_loss_in_any_order_of_rows(logs):
    gaps = logs.assign(loss=logs.loss.where(logs.step % 400 == 0)).sample(frac=1, random_state=1)
    (told,) = check_runs(gaps, laws=False).families
    last = logs[logs.step % 400 == 0].groupby("run").last()
    assert told.ranges["loss"] == (last.loss.min(), last.loss.max())


def test_the_findings_are_a_table_with_the_worst_first(bad):
    frame = check_runs(bad, laws=False).frame
    assert frame.columns.tolist() == ["kind", "severity", "text", "repair", "rows"]
    assert frame.severity.tolist() == ["refused", "misleading", "remark"]
    assert frame.rows.tolist() == [1, 50, 0]


def test_a_check_and_its_findings_are_frozen(bad):
    told = check_runs(bad, laws=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        told.rows = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        told.findings[0].text = ""
    with pytest.raises(ValueError, match="read-only"):
        told.findings[0].rows[0] = 7


def test_the_table_given_is_not_touched(bad):
    before = bad.copy()
    check_runs(bad, laws=False)
    pd.testing.assert_frame_equal(bad, before)


def long_names(ladder):
    return ladder.assign(run="a very long name of a run " * 8 + ladder.run, family="family " * 30 + ladder.family)


def test_the_text_is_read_in_100_columns(bad, logs, ladder):
    wide = pd.concat([bad, pd.DataFrame(1, index=bad.index, columns=[f"unknown_{k}" for k in range(300)])], axis=1)
    for table in (bad, logs.drop(columns="run"), long_names(ladder), wide):
        text = str(check_runs(table, laws=False))
        assert max(map(len, text.splitlines())) <= 100


def test_text_for_the_command_line_speaks_of_options_and_of_the_file(logs, ladder, tmp_path):
    told = check_runs(logs.rename(columns={"run": "job id"}), laws=False).text(commands=True)
    assert "--column 'run=job id'" in told
    assert "columns={" not in told
    path = tmp_path / "runs.csv"
    ladder.assign(loss=ladder.loss.where(ladder.index != 3, -1.0)).to_csv(path, index=False)
    assert "Drop the rows of the file where loss <= 0." in check_runs(path, laws=False).text(commands=True)


def test_json_says_the_same(bad):
    told = check_runs(bad, laws=False)
    plain = json.loads(told.to_json())
    assert (plain["format"], plain["schema"], plain["can_be_fitted"]) == ("scalefit.check", 1, False)
    assert [one["text"] for one in plain["findings"]] == [one.text for one in told.findings]
    assert plain["findings"][0]["rows"] == [3]
    assert plain["findings"][1]["n_rows"] == 50
    assert plain["findings"][1]["rows"] == list(range(10))
    assert plain["families"][0]["ranges"]["params"] == [1e7, 3e9]
    assert plain["laws"] is None


@pytest.mark.slow
def test_laws_that_the_runs_can_identify_are_told_by_family(ladder):
    told = check_runs(ladder[["run", "family", "params", "tokens", "loss"]])
    assert set(told.laws.identified) == {"gpt", "lstm"}
    assert "chinchilla" in told.laws.identified["gpt"]
    assert told.laws.judged_on == "all 50 rows"
    groups = {name: group.why for group in told.laws.others for name in group.laws}
    assert "say which column it is" in groups["power"]
    assert "need columns that are not there" in groups["parscale"]
    text = told.text(commands=True)
    assert "--column x=flops" in text
    assert len([line for line in text.splitlines() if "not there" in line or "parscale" in line]) <= 2
    assert json.loads(told.to_json())["laws"]["identified"]["gpt"] == list(told.laws.identified["gpt"])


def test_laws_of_one_size_are_not_identified_and_told_why(ladder):
    told = check_runs(ladder[(ladder.params == 1e7) & (ladder.family == "gpt")].drop(columns="family"))
    reasons = {name: group.why for group in told.laws.others for name in group.laws}
    assert "every row has params = 1e+07" in reasons["chinchilla"]
    assert "power" in told.laws.identified[""]  # along the tokens, the only input that varies


def test_laws_are_judged_on_one_row_a_run(logs):
    plain = logs.drop(columns=["lr", "batch_tokens"])
    assert check_runs(plain).laws.judged_on == "the last row of each of 8 runs"


def test_every_law_is_told_of_once(ladder):
    told = check_runs(ladder.drop(columns="family"))
    names = [name for group in told.laws.others for name in group.laws] + list(told.laws.identified[""])
    assert sorted(names) == sorted(sf.list_laws().index)


def test_the_page_needs_nothing_from_outside(logs, tmp_path):
    path = tmp_path / "check.html"
    page = check_runs(logs, laws=False).to_html(path)
    assert path.read_text(encoding="utf-8") == page
    assert "<svg" in page
    links = re.findall(r"(?:href|src)=[\"']([^\"']*)", page)
    assert [link for link in links if not link.startswith("#")] == []
    assert "url(http" not in page
    assert "@import" not in page
    assert "<script" not in page


EVIL = "<script>alert(1)</script>"


def test_names_from_the_data_stay_text(ladder):
    names = {"gpt": EVIL, "lstm": "$\\frac{$ </svg> & --> \U0001f980 日本"}
    table = ladder.assign(family=ladder.family.map(names), tokenizer=ladder.family.map({"gpt": EVIL, "lstm": "b"}))
    table = table.assign(run=table.run.where(table.index != 3, EVIL), loss=table.loss.where(table.index != 3, -1.0))
    table = table.assign(**{EVIL: 1}).rename(columns={"params": "N"})
    told = check_runs(table, laws=False)
    for html in (told.to_html(), told._repr_html_()):
        assert "<script" not in html
        assert html.count("&lt;script&gt;") >= 3
        assert html.count("</svg>") == html.count("<svg")


def test_the_page_takes_the_colours_of_light_and_dark(ladder):
    page = check_runs(ladder, laws=False).to_html()
    assert "prefers-color-scheme: dark" in page
    assert "currentColor" in page
    assert "#0b0c0d" not in page


def test_the_page_of_a_table_that_cannot_be_drawn_has_no_picture(ladder):
    assert "<svg" not in check_runs(ladder[["run"]].assign(colour="red"), laws=False).to_html()


def test_a_page_that_cannot_be_written_is_an_error_of_ours(ladder, tmp_path):
    with pytest.raises(DataError, match="The report cannot be written"):
        check_runs(ladder, laws=False).to_html(tmp_path / "no" / "check.html")


def test_a_notebook_gets_the_same_without_pictures(bad):
    html = check_runs(bad, laws=False)._repr_html_()
    assert "Cannot be fitted as it is" in html
    assert "<svg" not in html


def test_a_folder_is_checked_as_one_table(logs, tmp_path):
    for name, log in logs.drop(columns="run").groupby(logs.run):
        log.to_csv(tmp_path / f"{name}.csv", index=False)
    told = check_runs(str(tmp_path), laws=False)
    assert (told.runs, told.rows) == (8, 800)


def test_a_file_of_hugging_face_is_checked(tmp_path):
    history = [{"step": 10 * k, "loss": 5.0 / k, "learning_rate": 1e-4, "epoch": k / 10} for k in range(1, 31)]
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps({"log_history": history, "max_steps": 1000, "global_step": 300}))
    told = check_runs(path, laws=False)
    assert told.rows == 30


@pytest.mark.parametrize(
    "name",
    ["chinchilla_besiroglu/runs.csv", "data_constrained/runs.csv", "moe_routing/runs.csv"],
)
def test_published_runs_have_remarks_at_most(name):
    told = check_runs(shared(name), laws=False)
    assert told.can_be_fitted
    assert [one.text for one in told.findings if one.severity != "remark"] == []


def test_three_published_runs_that_ended_at_the_loss_of_a_guess_would_mislead():
    runs = sf.read_runs(shared("xlstm_vs_llama/runs.csv"))
    told = [one for one in check_runs(runs, laws=False).findings if one.severity != "remark"]
    assert [one.kind for one in told] == ["odd_losses"]
    assert runs.loss.iloc[told[0].rows].between(7, 11).all()
    assert len(told[0].rows) == 3


def test_tasks_of_the_olmo_ladder_are_told_apart():
    told = check_runs(shared("olmo_ladder/checkpoints.parquet"), laws=False)
    assert [one.kind for one in told.findings if one.severity == "misleading"] == ["several_rows_a_step"]
    assert "another task" in told.findings[0].text


def test_the_diverged_runs_of_xlstm_are_found():
    told = check_runs(shared("xlstm_vs_llama/train_curves.parquet"), columns={"loss": "train_loss"}, laws=False)
    kinds = {one.kind: one for one in told.findings}
    # Both end near 10.8, the log of the 50,304 words of the vocabulary: they have learnt nothing.
    assert "oantrap7 and 8sfzhgv2" in kinds["diverged"].text
    assert "in ihp79346 the cosine ends at step 8,400 and the run at step 5,400" in kinds["schedule_mismatch"].text


CELLS = st.one_of(
    st.none(), st.booleans(), st.text(max_size=5), st.integers(-(10**20), 10**20), st.floats(allow_nan=True),
    st.sampled_from([float("inf"), 1e-300, 1e300, pd.NaT, pd.NA, "nan", "1e9", "<b>", pd.Timestamp("2024-01-01")]),
    st.lists(st.integers(), max_size=2), st.complex_numbers(max_magnitude=9),
)  # fmt: skip
NUMBERS = st.sampled_from([0.0, 1.0, 2.0, 2.5, 1e3, 1e6, 1e9, 3e-4, -1.0, float("nan"), float("inf")])
NAMES = st.sampled_from(
    ["run", "family", "params", "tokens", "flops", "loss", "train_loss", "step", "lr", "seed", "batch_tokens",
     "accuracy", "split", "params_kind", "vocab_size", "perplexity", "max_steps", "task", "name", "unique_tokens", "x",
     "epochs", "params_active", "c4_loss", "c4_bpb", "flop_budget", "sparsity"]
)  # fmt: skip


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 24))
    columns = draw(st.lists(NAMES, min_size=1, max_size=9, unique=True))
    cells = {}
    for name in columns:
        kind = draw(st.sampled_from(["numbers", "numbers", "words", "anything"]))
        values = {"numbers": NUMBERS, "words": st.sampled_from(["a", "b", "c"]), "anything": CELLS}[kind]
        cells[name] = draw(st.lists(values, min_size=rows, max_size=rows))
        if kind == "numbers" and draw(st.booleans()):
            cells[name] = sorted(cells[name])
    table = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in cells.items()})
    return draw(st.sampled_from([pd.DataFrame.copy, pd.DataFrame.convert_dtypes, pd.DataFrame.infer_objects]))(table)


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(tables())
def test_any_table_gives_a_check_or_an_error_of_ours(table):
    try:
        told = check_runs(table, laws=False)
    except ScalefitError:
        return
    json.loads(told.to_json())
    assert max(map(len, str(told).splitlines())) <= 100
    assert told._repr_html_()


@pytest.mark.parametrize(
    "table",
    [
        {"loss": [3.0]},
        {"params": [1e6], "tokens": [1e9], "loss": [3.0]},
        {"loss": [np.nan, np.nan]},
        {0: [1, 2], 1: [3, 4]},
        {"run": ["a", "a"], "step": [1, 1], "loss": [None, None]},
        {"params": [], "loss": []},
    ],
    ids=str,
)
def test_tiny_tables_give_a_check_or_an_error_of_ours(table):
    try:
        told = check_runs(pd.DataFrame(table))
    except ScalefitError:
        return
    assert str(told)
    assert told.to_html()
