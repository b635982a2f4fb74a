"""The checklist: every item is there, nothing is invented, and what the fit knows follows the fit."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.reports.checklist import make_checklist
from scalefit.reports.checklist_items import ITEMS
from scalefit.reports.checklist_markup import escape_latex, escape_markdown

#: What only the author can know of this design: a table of params, tokens and loss.
AUTHORS = {
    "purpose", "alternatives", "flops_counted", "tokenizer", "architecture", "optimizer", "schedule", "tuning",
    "data_source", "seeds", "checkpoints", "processing", "left_out", "source_of_losses", "seed_noise", "held_out",
    "error_metric", "baseline", "code",
}  # fmt: skip


def told(fit, **how):
    return make_checklist(fit, **how).frame.set_index("item")


def test_every_item_of_the_published_list_is_there(fit):
    # Section 12.1 of the survey's list as we word it: eight groups, each with what it must state.
    groups = told(fit).groupby("group", sort=False).size()
    assert groups.to_dict() == {
        "Form of the law": 6, "Variables and units": 5, "Training": 8, "From runs to rows": 4, "Fitting": 6,
        "Uncertainty": 4, "Validation": 4, "Reproducibility": 5,
    }  # fmt: skip
    for word in ("tokenizer", "architecture", "optimizer", "seeds", "starts", "correlations", "held_out", "versions"):
        assert word in ITEMS


def test_what_a_fit_cannot_know_is_left_to_the_author(fit):
    frame = told(fit)
    assert set(frame.index[frame.who == "add"]) == AUTHORS
    assert (frame.answer[list(AUTHORS)] == "").all()
    assert (frame.to_add[list(AUTHORS)] != "").all()
    assert (frame.to_add[frame.who == "known"] == "").all()
    assert (frame.answer[frame.who == "partly"] != "").all()
    assert (frame.to_add[frame.who == "partly"] != "").all()


def test_raw_parameters_have_at_least_five_significant_digits(fit):
    text = told(fit).answer["estimates"]
    for name, value in fit.estimates.items():
        written = re.search(rf"\b{name} = (\S+?)(,|$)", text)[1]
        assert float(written) == pytest.approx(value, rel=1e-7)
        assert len(re.sub(r"e.*|\D", "", written).lstrip("0")) >= 5


def test_ranges_and_counts_are_those_of_the_runs(fit, runs):
    frame = told(fit)
    values = f"4 values of params and {runs.tokens.nunique()} values of tokens"
    assert frame.answer["models"] == f"16 rows, no column names runs; {values}"
    assert "params 1e7 to 1e10" in frame.answer["ranges"]
    assert "D/N 5 to 320" in frame.answer["ranges"]
    assert frame.answer["free_params"] == "5 free parameters, 16 rows"


def test_the_answers_change_when_the_fit_changes(runs):
    plain = told(sf.fit(runs, "chinchilla", objective=sf.Square()))
    held = told(
        sf.fit(
            runs, "chinchilla", fixed={"E": 1.7}, tie={"beta": "alpha"}, bounds={"alpha": (0.1, 0.9)},
            prior={"A": (400.0, 50.0)}, weights=np.linspace(0.5, 1.5, len(runs)),
        )
    )  # fmt: skip
    assert plain.answer["constraints"] == "none besides the bounds"
    for part in ("E fixed at 1.7", "beta = alpha", "bounds of alpha", "prior on A: 400 ± 50"):
        assert part in held.answer["constraints"]
    assert "alpha from 0.1 to 0.9" in held.answer["bounds"]
    assert "E" not in held.answer["bounds"].split()
    assert "rows weigh 0.5 to 1.5" in held.answer["objective"]
    assert "Huber(delta=0.001" in held.answer["objective"]
    assert "Square(" in plain.answer["objective"]
    assert held.answer["free_params"].startswith("3 free")
    for item in ("formula", "estimates", "goodness", "correlations", "intervals"):
        assert plain.answer[item] != held.answer[item], item


def test_a_bootstrap_is_told_with_its_unit_its_count_and_its_plan(fit):
    drawn = fit.bootstrap(40, rng=0)
    frame = told(drawn)
    assert "bootstrap of rows, 40 draws, 0 resamples failed" in frame.answer["intervals"]
    assert drawn.plan.token in frame.answer["random_seeds"]
    assert "normal approximation" in told(fit).answer["intervals"]
    assert str(fit.seed) in told(fit).answer["random_seeds"]


def test_the_most_correlated_parameters_come_first(believed):
    first = told(believed).answer["correlations"].split(", ")[0]
    draws = believed.draws.corr().abs()
    pairs = draws.where(np.triu(np.ones(draws.shape, bool), 1)).stack()
    assert abs(float(first.split()[-1])) == pytest.approx(pairs.max(), abs=1e-3)


def test_history_and_refused_rows_are_told_with_counts(runs):
    table = runs.assign(note="x")
    table.attrs = {
        "scalefit_notes": ("loss smoothed with a window of 5 rows",),
        "scalefit_refused": (("row 3", "no loss"), ("row 9", "no loss"), ("b.csv", "not a table")),
    }
    frame = told(sf.fit(table, "chinchilla"))
    assert "window of 5 rows" in frame.answer["processing"]
    assert frame.answer["left_out"].startswith("3 rows or files refused")
    assert "2: no loss; 1: not a table" in frame.answer["left_out"]


def test_noise_between_seeds_is_that_of_repeated_rows():
    x = np.repeat([1e6, 1e7, 1e8, 1e9], 3)
    runs = pd.DataFrame({"x": x, "loss": 3 * x**-0.05 * np.exp(np.tile([-0.01, 0.0, 0.01], 4))})
    frame = told(sf.fit(runs, "power"))
    assert "standard deviation 0.01 on the log scale, from 8 repeats of 4 configurations" in frame.answer["seed_noise"]
    assert frame.who["seed_noise"] == "partly"
    seeded = told(sf.fit(runs.assign(seed=np.tile([0, 1, 2], 4)), "power"))
    assert seeded.who["seed_noise"] == "known"
    assert seeded.answer["seeds"].startswith("3 different values")


def test_runs_with_checkpoints_are_counted_by_run():
    x = np.tile([1e6, 1e7, 1e8], 7)
    runs = pd.DataFrame({"x": x, "loss": 3 * x**-0.05, "run": np.repeat(list("abcdefg"), 3)})
    runs["loss"] *= 1 + 0.01 * np.sin(np.arange(21))
    frame = told(sf.fit(runs, "power"))
    assert "21 rows, 7 runs" in frame.answer["models"]
    assert frame.answer["checkpoints"] == "3 rows a run"


def test_a_back_test_fills_in_the_validation(runs):
    # 60 runs of the law that is fitted, so that every cut can be judged.
    wide = pd.concat([runs.assign(params=runs.params * k, tokens=runs.tokens * k) for k in (1, 2, 3, 4)])
    wide["loss"] = sf.get_law("chinchilla")(sf.get_law("chinchilla").published["besiroglu2024"].values, wide)
    wide["loss"] *= 1 + 0.01 * np.sin(7.0 * np.arange(len(wide)) ** 2)
    wide = wide.reset_index(drop=True)
    test = sf.backtest(wide, "chinchilla", cuts=(0.6, 0.8), draws=20, rng=0)
    frame = told(sf.fit(wide, "chinchilla"), backtest=test)
    assert "beyond cuts 0.6, 0.8 along flops" in frame.answer["held_out"]
    share = re.search(r"relative error (\S+) %", frame.answer["error_metric"])[1]
    assert float(share) == pytest.approx(100 * test.summary.error.mean(), rel=0.01)
    other = sf.fit(wide, "power_offset", along="tokens")
    with pytest.raises(sf.FitError, match="The back-test is of chinchilla, the fit of power_offset"):
        make_checklist(other, backtest=test)


def test_the_author_adds_to_what_is_known(fit):
    frame = told(fit, answers={"tokenizer": "GPT-2 BPE", "predicts": "on C4, 10M tokens"})
    assert frame.loc["tokenizer", ["answer", "who", "to_add"]].tolist() == ["GPT-2 BPE", "author", ""]
    assert frame.answer["predicts"] == "column 'loss' as loss; on C4, 10M tokens"
    with pytest.raises(sf.FitError, match="Did you mean 'tokenizer'"):
        told(fit, answers={"tokeniser": "GPT-2 BPE"})


def test_the_first_line_counts_what_is_missing(fit, unidentified):
    frame = told(fit)
    first = repr(make_checklist(fit)).splitlines()[0]
    assert first.startswith("chinchilla on 16 runs, converged: ")
    assert f"{(frame.who == 'known').sum()} of {len(ITEMS)} items" in first
    assert f"{len(AUTHORS)} for the author to add" in first
    assert "NOT IDENTIFIED" in repr(make_checklist(unidentified)).splitlines()[0].upper()


def test_text_marks_what_the_author_must_add_and_keeps_its_width(fit):
    text = repr(make_checklist(fit))
    assert text.count("[ ]") == len(AUTHORS)
    assert re.search(r"\[ \] tokenizer: AUTHOR: which tokenizer", text)
    assert max(map(len, text.splitlines())) <= 120


NASTY = r"50 % of {x} & _y_ #1 $z$ ^a ~b \c <d> |e| *f* `g` [h] “±×–…"


def test_markdown_shows_what_the_author_typed(fit):
    page = make_checklist(fit, answers={"tokenizer": NASTY}).to_markdown()
    line = next(line for line in page.splitlines() if "tokenizer" in line)
    assert line.startswith("- [x] *tokenizer:* ")
    shown = re.sub(r"\\([\\`*_\[\]<>|#~$])", r"\1", line.removeprefix("- [x] *tokenizer:* "))
    assert shown == NASTY
    assert not re.search(r"(?<!\\)[`*_|<>#~$\[\]]", escape_markdown(NASTY))
    assert page.count("\n### ") == 8
    assert page.count("- [ ] ") == page.count("**Author:**")


def braces_match(text):
    """Whether every brace that is not escaped closes, in order."""
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def test_latex_escapes_and_closes_everything(fit, believed, doubtful):
    for one in (fit, believed, doubtful, replace(fit, target="eval_loss 90%")):
        text = make_checklist(one, answers={"tokenizer": NASTY, "code": "https://example.org/a_b#c%20d"}).to_latex()
        assert braces_match(text)
        assert text.count(r"\begin{description}") == text.count(r"\end{description}") == 8
        assert text.count(r"\item[{") == len(ITEMS)
        plain = re.sub(r"\\\(.*?\\\)|\$\\\w+\$", "", text)  # without mathematics
        assert not re.search(r"(?<!\\)[&#%_$^~]", plain)
        assert text.replace("“", "").isascii()  # the author's own quotation mark, which utf8 LaTeX knows


def test_escaped_latex_has_no_special_character_left():
    assert escape_latex("a_b & 5 % {c} \\d ~ ^") == (
        r"a\_b \& 5 \% \{c\} \textbackslash{}d \textasciitilde{} \textasciicircum{}"
    )
    assert escape_latex("1 ± 2 × 3 … –") == r"1 $\pm$ 2 $\times$ 3 \ldots{} --"


def test_the_formula_is_mathematics_in_latex(fit):
    line = next(line for line in make_checklist(fit).to_latex().splitlines() if "exact formula" in line)
    assert line.count(r"\(") == line.count(r"\)") == 2
    assert r"\frac" in line


def test_a_notebook_escapes_what_the_user_typed(fit):
    page = make_checklist(fit, answers={"tokenizer": "<script>"})._repr_html_()
    assert "<script>" not in page
    assert page.count("<li>") == len(ITEMS)


def test_a_law_without_one_line_of_algebra_and_curve_laws_have_their_list_too():
    steps = [100, 200, 400, 600, 800, 1000]
    law = sf.get_law("lr_annealing")
    plan = sf.Schedule.cosine(steps=1000, peak=1e-3)
    areas = law.derive_inputs(plan.rates, steps)
    loss = law({"L0": 2.0, "A": 0.3, "alpha": 0.5, "C": 0.5}, areas)
    runs = pd.DataFrame({"run": "a", "step": steps, "loss": loss * (1 + 1e-3 * np.cos(np.arange(6)))})
    checklist = make_checklist(sf.fit(runs, "lr_annealing", schedules={"a": plan}))
    assert "S1 and S2 from the learning rate" in checklist.frame.set_index("item").answer["schedule"]
    assert braces_match(checklist.to_latex())
