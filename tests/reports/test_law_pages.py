"""Each law has a page and a picture that say what it is, with values that make sense; the pages stand in docs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from documents import ROOT, differences
from scalefit.laws import catalogue
from scalefit.reports.law_examples import EXAMPLES
from scalefit.reports.law_pages import index_page, law_page
from scalefit.reports.law_pictures import draw_law, example_of, law_paths, sample_runs
from scalefit.reports.laws import MARKS, describe_law, describe_laws, laws_by_topic, topic_title

PAGES = ROOT / "docs" / "reference" / "laws"
ALL = pytest.mark.parametrize("law", catalogue().values(), ids=catalogue())
#: Predictions that are shares, and those that are losses.
SHARES = ("accuracy", "error", "coverage", "pass_rate", "success_rate", "reconstruction_error")


@sf.define_law(inputs=["tokens"], params=[sf.floor("E"), sf.scale("A"), sf.exponent("beta")])
def own_law(D, E, A, beta):
    """A law of my own."""
    return E + A / D**beta


# Pictures.


@ALL
def test_every_line_of_a_picture_is_a_curve_and_not_flat(law):
    for name, path in law_paths(law, example_of(law)).items():
        assert np.isfinite(path["value"]).all()
        steepest = max(np.ptp(line["value"]) / np.abs(line["value"]).max() for _, line in path.groupby("line"))
        assert steepest > 0.005, f"{law.name} along {name}"


@ALL
def test_a_picture_shows_values_that_can_be(law):
    shown = pd.concat([path["value"] for path in law_paths(law, example_of(law)).values()])
    if law.output in SHARES:
        assert shown.between(0, 1).all()
    if law.output == "loss":
        assert shown.between(0.1, 30).all()
    if law.output == "lr":
        assert shown.between(1e-7, 0.1).all()


def test_a_picture_says_which_constants_it_draws():
    published, own = draw_law(sf.get_law("chinchilla")), draw_law(sf.get_law("err_exp"))
    assert published.get_suptitle() == "chinchilla · constants: besiroglu2024"
    assert own.get_suptitle() == "err_exp · illustrative values"


def test_the_lines_of_a_picture_are_those_of_the_law():
    law = sf.get_law("chinchilla")
    ax = draw_law(law).axes[1]  # along tokens
    line = ax.lines[0]
    at = {"params": 1e8, "tokens": line.get_xdata()}
    np.testing.assert_allclose(line.get_ydata(), law.with_constants("besiroglu2024")(at))
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "params"
    assert [text.get_text() for text in legend.get_texts()] == ["1e8", "1e9", "1e11"]


@pytest.mark.parametrize("name", ["mix_exp", "mix_additive", "mix_joint", "data_filtering_pools"])
def test_shares_in_an_example_are_those_of_a_mixture(name):
    law = sf.get_law(name)
    shares = sample_runs(law, example_of(law)).filter(like="share_").sum(axis=1)
    assert (shares <= 1).all()
    if name != "mix_exp":  # where the share of the last domain is no input
        assert np.allclose(shares, 1)


def test_no_model_of_an_example_has_fewer_parameters_than_are_active():
    law = sf.get_law("upcycling_sum")
    runs = sample_runs(law, example_of(law))
    assert (runs["params_total"] >= runs["params_active"]).all()


def test_a_training_curve_is_drawn_along_steps_for_three_schedules():
    ax = draw_law(sf.get_law("lr_annealing")).axes[0]
    assert ax.get_xlabel() == "training step"
    ends = {line.get_label(): line.get_ydata()[-1] for line in ax.lines}
    # Check values of Tissue et al. 2024's constants: a constant rate of 2e-4 over 20000 steps ends at 2.828.
    assert ends["constant rate"] == pytest.approx(2.828312, rel=1e-4)
    assert ends["decay over the last fifth"] < ends["constant rate"]


def test_examples_are_of_laws_and_of_their_parameters_and_inputs():
    for name, example in EXAMPLES.items():
        law = catalogue()[name]
        assert not example.values or set(example.values) == set(law.param_names), name
        if law.derive is not None:
            assert set(example.axes) == set(law.inputs) - set(law.derive.columns), name
        elif example.axes:
            assert set(sample_runs(law, example)) == set(law.inputs), name


def test_a_law_without_an_example_is_drawn_too():
    figure = draw_law(own_law)
    assert figure.get_suptitle() == "own_law · illustrative values"
    assert len(figure.axes) == 1


def test_a_law_of_ones_own_with_a_known_name_is_drawn_with_its_own_parameters():
    other = replace(own_law, name="chinchilla")
    assert set(example_of(other).values) == {"E", "A", "beta"}


# Pages.


@ALL
def test_the_page_in_the_documentation_is_that_of_the_law(law):
    page = (PAGES / f"{law.name}.md").read_text()
    wrong = list(differences(page, law_page(law)))
    assert wrong == [], "python docs/reference/make_laws.py writes the pages again"
    assert (PAGES / f"{law.name}.png").exists()


def test_the_table_in_the_documentation_is_that_of_the_laws_and_no_page_is_left_over():
    assert list(differences((PAGES / "README.md").read_text(), index_page())) == []
    assert {path.stem for path in PAGES.glob("*.md")} == {*catalogue(), "README"}
    assert {path.stem for path in PAGES.glob("*.png")} == set(catalogue())


@ALL
def test_a_page_tells_all_that_the_law_declares(law):
    page = law_page(law)
    told = [law.source, law.traps, *(f"`{param.name}`" for param in law.params), *(f"`{name}`" for name in law.inputs)]
    told += [f"`{key}`" for key in law.published] + [quantity.about for quantity in law.derived.values()]
    told += [f'fit.derive("{key}"' for key in law.derived] + [f'"{law.name}"', f"{law.name}.png", "README.md"]
    assert [text for text in told if text not in page] == []
    assert ":math:" not in page
    assert ".. math" not in page


def test_constants_stand_with_their_uncertainties():
    assert "| 1.8172 ± 0.0257 | 482.01 ± 125 |" in law_page(sf.get_law("chinchilla"))


def test_a_domain_and_a_trap_are_on_the_page():
    page = law_page(sf.get_law("moe_clark"))
    assert "| `experts` |  | at least 1 |" in page
    assert "**What it needs.** E_start and E_max need one expert" in page


def test_a_formula_that_latex_would_hide_is_shown_as_code():
    assert "```\naccuracy = 1 + a * log_add_exp(0, k * (loss - L_0))\n```" in law_page(
        sf.get_law("accuracy_log_sigmoid")
    )


def test_a_page_can_be_made_for_a_law_of_ones_own():
    page = law_page(own_law)
    assert "# own_law\n\nA law of my own." in page
    assert "[All laws](README.md)" in page


@pytest.mark.parametrize(("name", "options"), [("chinchilla", {}), ("power_offset", {"along": "tokens"})])
def test_the_call_to_fit_is_one_that_works(name, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    law = sf.get_law(name)
    runs = sf.grid(params=np.geomspace(1e8, 1e10, 5), tokens=np.geomspace(1e9, 1e12, 5))
    values = example_of(law).values
    inputs = {"x": runs["tokens"]} if options else runs
    runs.assign(loss=law(values, inputs)).to_csv("runs.csv", index=False)
    written = ", ".join([f'"{name}"', *(f'{key}="{value}"' for key, value in options.items())])
    assert f'`sf.fit("runs.csv", {written})`' in law_page(law)
    assert sf.fit("runs.csv", name, **options).estimates == pytest.approx(values, rel=1e-6)


# The list.


def test_every_law_has_a_topic_that_a_reader_understands():
    listed = sf.list_laws()
    assert listed.loc["chinchilla", "topic"] == "surfaces"
    assert listed.loc["observational", "topic"] == "downstream"  # made from a formula in another module
    titles = {topic: topic_title(topic)[0] for topic in laws_by_topic()}
    assert titles["surfaces"] == "Loss over model size and data"
    assert len(set(titles.values())) == len(titles)


def test_the_list_names_constants_and_derived_quantities():
    row = sf.list_laws().loc["err_exp"]
    assert row[["inputs", "output", "params", "derived"]].tolist() == [
        "loss", "error", "epsilon, k, gamma", "loss_for_error"]  # fmt: skip
    assert sf.list_laws().loc["kaplan_ns", "published"] == "kaplan2020"


def test_the_topics_hold_each_law_once():
    held = [name for names in laws_by_topic().values() for name in names]
    assert sorted(held) == sorted(catalogue())


def test_the_index_explains_every_mark_and_counts_the_laws():
    page = index_page()
    assert page.startswith(f"# Laws\n\n{len(catalogue())} laws")
    assert {law.verified for law in catalogue().values()} <= set(MARKS)
    assert [mark for mark in MARKS if f"- **{mark}**: " not in page] == []


# As text.


@ALL
def test_a_law_is_described_in_lines_that_fit(law):
    lines = describe_law(law).splitlines()[1:]  # the first is the equation, and what is to be typed is not broken
    assert [line for line in lines if len(line) > 100 and "fit.derive(" not in line and "sf.get_law(" not in line] == []


def test_the_list_fits_in_a_hundred_columns():
    assert max(map(len, describe_laws().splitlines())) <= 100


def test_a_law_is_described_with_all_that_comes_with_it():
    told = describe_law("chinchilla")
    assert told.splitlines()[1] == "Loss of N parameters trained on D tokens"
    assert "needs: Runs on one ray of tokens per parameter" in told
    assert "standard errors: E 0.02566, A 124.5" in told
    assert 'fit.derive("params_optimal", at={"flops": …}), in parameters' in told
    assert "default objective: Huber(delta=0.001, on='log')" in told
    assert told.endswith("(checked against the paper)")


def test_a_law_of_several_lines_is_described_by_its_formulas():
    told = describe_law("data_constrained").splitlines()
    assert told[0] == "data_constrained: loss of params, tokens and unique_tokens"
    assert "  L = E + A\\,N'^{-\\alpha} + B\\,D'^{-\\beta}" in told


def test_domains_are_described():
    assert "experts              at least 1" in describe_law("moe_clark")
    assert "share_1    0 to 1" in describe_law("mix_exp")
    assert "S1    follows from the learning rates of the run" in describe_law("lr_annealing")
