"""A forecast puts several laws together, says how sure it is, and when not to rely on it."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.brackets import BRACKETS, bracket
from shared_data import shared

TRUE = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36}
BIG = sf.grid(params=[1e10], tokens=[2e11])
QUICK = {"draws": 60, "cuts": (0.6, 0.8), "rng": 0}


def ladder(noise=0.003, sizes=6, seed=0):
    """Sizes and five budgets of tokens, with the index labels that a user may have."""
    frame = sf.grid(params=np.geomspace(1e7, 3e9, sizes), tokens=np.geomspace(5e8, 8e10, 5))
    scatter = np.random.default_rng(seed).standard_normal(len(frame))
    frame["loss"] = sf.get_law("chinchilla")(TRUE, frame) * np.exp(noise * scatter)
    return frame.set_index(pd.Index([f"r{i}" for i in range(len(frame))]))


def curve(noise=0.002, rows=30):
    """One curve in x that levels off."""
    x = np.geomspace(1e6, 1e9, rows)
    return pd.DataFrame(
        {"x": x, "y": (0.5 + 20 * x**-0.3) * np.exp(noise * np.random.default_rng(0).standard_normal(rows))}
    )


@pytest.fixture(scope="module")
def told():
    return sf.forecast(ladder(), BIG, **QUICK)


def test_a_ladder_of_a_law_that_is_among_the_candidates_is_forecast_within_the_interval(told):
    truth = sf.get_law("chinchilla")(TRUE, BIG)[0]
    row = told.frame.iloc[0]
    assert row.low < truth < row.high
    assert row.estimate == pytest.approx(truth, rel=0.02)


def test_the_frame_is_the_points_with_the_answer_beside_them():
    points = sf.grid(params=[1e10, 3e9], tokens=[2e11]).set_index(pd.Index(["b", "a"])).assign(note="mine")
    frame = sf.forecast(ladder(), points, **QUICK).frame
    assert list(frame) == ["params", "tokens", "note", "estimate", "low", "high", "beyond", "spread"]
    assert list(frame.index) == ["b", "a"]
    assert frame.beyond.to_numpy() == pytest.approx([10 / 3, 2.5])


def test_a_target_among_the_points_is_never_read(told):
    for junk in (np.nan, -1.0, 1e9):
        frame = sf.forecast(ladder(), BIG.assign(loss=junk), **QUICK).frame
        pd.testing.assert_frame_equal(frame, told.frame)


def test_one_seed_gives_one_answer_and_another_seed_nearly_the_same(told):
    again, other = sf.forecast(ladder(), BIG, **QUICK), sf.forecast(ladder(), BIG, **{**QUICK, "rng": 1})
    pd.testing.assert_frame_equal(again.frame, told.frame)
    assert other.frame.estimate[0] == told.frame.estimate[0]
    assert other.frame.low[0] != told.frame.low[0]


def test_the_order_of_the_rows_does_not_matter_to_the_estimate(told):
    shuffled = sf.forecast(ladder().sample(frac=1, random_state=3), BIG, **QUICK)
    assert shuffled.frame.estimate[0] == pytest.approx(told.frame.estimate[0], rel=1e-9)


def test_weights_sum_to_one_and_every_law_has_a_word(told):
    assert told.laws.weight.sum() == pytest.approx(1)
    assert list(told.laws.index) == list(told.by_law.columns) == list(told.fits) == list(BRACKETS["params", "tokens"])
    assert told.laws.verdict.str.len().min() > 0


def test_lower_levels_lie_within_higher_ones():
    low = [sf.forecast(ladder(), BIG, level=level, **QUICK).frame.iloc[0] for level in (0.5, 0.8, 0.9, 0.99)]
    assert all(a.low > b.low and a.high < b.high for a, b in pairwise(low))


def test_farther_points_have_wider_intervals():
    at = sf.grid(params=[3e9, 3e10, 3e11], tokens=[8e10])
    frame = sf.forecast(ladder(), at, **QUICK).frame
    width = (frame.high / frame.low).to_numpy()
    assert width[0] < width[1] < width[2]


def test_several_laws_are_less_sure_than_one():
    one = sf.forecast(ladder(), BIG, laws=["chinchilla"], **QUICK).frame
    several = sf.forecast(ladder(), BIG, **QUICK).frame
    assert (several.high - several.low)[0] > (one.high - one.low)[0]


def test_no_set_holds_one_law_twice_and_each_has_one_with_a_floor_and_one_without():
    for inputs in BRACKETS:
        contenders = bracket(inputs)
        assert len({(one.law.equation_hash, tuple(one.fixed)) for one in contenders}) == len(contenders)
        assert "chinchilla_gamma" not in {one.law.name for one in contenders}
    assert {one.name: one.fixed for one in bracket(("params", "tokens"))}["chinchilla without floor"] == {"E": 0.0}


def test_a_curve_of_one_input_is_forecast_by_the_laws_of_curves():
    rows = curve()
    told = sf.forecast(rows.iloc[:25], rows.iloc[25:], target="y", columns={"x": "x"}, **QUICK)
    assert list(told.laws.index) == list(BRACKETS[("x",)])
    assert told.frame.estimate.to_numpy() == pytest.approx(rows.y.iloc[25:].to_numpy(), rel=0.015)
    assert {fitted.units.kind for fitted in told.fits.values()} == {"blocks"}


def test_the_only_input_that_varies_is_found():
    rows = curve().rename(columns={"x": "tokens", "y": "loss"}).assign(params=1e8)
    told = sf.forecast(rows.iloc[:20], rows.iloc[20:], **QUICK)
    assert list(told.laws.index) == list(BRACKETS[("x",)])
    assert told.fits["m3"].columns["x"] == "tokens"


def test_runs_that_repeat_data_get_the_repetition_law():
    frame = sf.grid(params=np.geomspace(1e7, 1e9, 5), tokens=np.geomspace(1e9, 6.4e10, 5)).assign(unique_tokens=4e9)
    frame["unique_tokens"] = np.minimum(frame.unique_tokens, frame.tokens)
    law = sf.get_law("data_constrained")
    values = law.published["muennighoff2023"].values
    frame["loss"] = law(values, frame) * np.exp(0.002 * np.random.default_rng(0).standard_normal(len(frame)))
    told = sf.forecast(frame, frame.tail(1).assign(params=3e9), **QUICK)
    assert list(told.laws.index) == ["data_constrained", "data_constrained without floor"]


def test_repeated_data_under_laws_that_do_not_know_it_are_doubted():
    runs = ladder().assign(epochs=3.0)
    told = sf.forecast(runs, BIG, **QUICK)
    assert not told.trusted
    assert any("no law here knows repetition" in doubt for doubt in told.doubts)


def test_three_sizes_are_too_few_and_said_to_be():
    told = sf.forecast(ladder(sizes=3), BIG, **QUICK)
    assert "3 values of params" in told.doubts[0]
    assert "DO NOT RELY ON IT" in repr(told).splitlines()[0]


def test_a_point_a_hundred_times_beyond_is_doubted():
    told = sf.forecast(ladder(), sf.grid(params=[3e11], tokens=[8e10]), **QUICK)
    assert any("100 times beyond the runs in params" in doubt for doubt in told.doubts)


def test_runs_that_no_law_describes_are_doubted():
    told = sf.forecast(ladder(noise=0.2), BIG, **QUICK)
    assert any("no law describes the runs" in doubt for doubt in told.doubts)


def test_nothing_speaks_against_a_clean_ladder_nearby():
    told = sf.forecast(ladder(), sf.grid(params=[5e9], tokens=[1e11]), **QUICK)
    assert told.doubts == ()
    assert "nothing speaks against it" in repr(told).splitlines()[0]


def test_without_a_back_test_that_is_said():
    told = sf.forecast(ladder(), BIG, draws=60, cuts=(), rng=0)
    assert np.isnan(told.held)
    assert any("too few runs for a back-test" in doubt for doubt in told.doubts)


def test_the_back_test_is_in_the_unit_of_the_target(told):
    runs = ladder()
    assert list(told.test) == ["row", "cut", "observed", "estimate", "low", "high", "factor"]
    assert told.test.observed.to_numpy() == pytest.approx(runs.loss[told.test.row].to_numpy())
    inside = (told.test.low <= told.test.observed) & (told.test.observed <= told.test.high)
    assert inside.groupby(told.test.cut).mean().mean() == pytest.approx(told.held)


def test_laws_of_your_own_and_parameters_that_are_held():
    laws = {"free": "chinchilla", "pinned": "chinchilla"}
    told = sf.forecast(ladder(), BIG, laws=laws, fixed={"pinned": {"E": 1.8}}, **QUICK)
    assert told.fits["pinned"].estimates["E"] == 1.8
    assert told.fits["free"].estimates["E"] != 1.8


def test_a_law_counted_twice_is_refused():
    with pytest.raises(sf.FitError, match="more than once: counted twice, it would outweigh"):
        sf.forecast(ladder(), BIG, laws=["chinchilla", "chinchilla"])


def test_laws_of_different_inputs_are_refused():
    with pytest.raises(sf.FitError, match="must ask for the same inputs"):
        sf.forecast(ladder(), BIG, laws=["chinchilla", "parscale"])


def test_an_unknown_parameter_that_is_held_is_named():
    with pytest.raises(sf.FitError, match="fixed names gen, not among the laws"):
        sf.forecast(ladder(), BIG, fixed={"gen": {"E": 1.0}})


def test_too_few_runs_say_what_each_law_needs():
    with pytest.raises(sf.DataError, match="no law can be fitted") as error:
        sf.forecast(ladder().iloc[[0, 7, 14, 21]], BIG)
    assert "free parameters" in str(error.value)


def test_a_table_without_known_inputs_says_what_to_type():
    with pytest.raises(sf.DataError, match="Name the laws: laws="):
        sf.forecast(pd.DataFrame({"a": [1.0, 2.0], "loss": [3.0, 2.0]}), pd.DataFrame({"a": [4.0]}))


def test_a_level_in_percent_is_not_taken():
    with pytest.raises(sf.FitError, match=r"Did you mean 0\.9"):
        sf.forecast(ladder(), BIG, level=90)


def test_training_curves_have_their_own_forecast():
    with pytest.raises(sf.FitError, match="of whole training curves"):
        sf.forecast(ladder(), BIG, laws=["lr_annealing"])


def test_the_text_shows_no_more_digits_than_the_interval_deserves(told):
    line = next(line for line in repr(told).splitlines() if line.strip().startswith("1e10"))
    assert len(line.split()[2].split(".")[1]) <= 4


def test_the_notebook_form_escapes_what_users_write():
    runs = ladder().rename(columns={"loss": "<b>"})
    text = sf.forecast(runs, BIG, target="<b>", laws=["chinchilla"], **QUICK)._repr_html_()
    assert "&lt;b&gt;" in text
    assert "<b><b>" not in text


def test_the_picture_shows_runs_laws_and_the_forecast(told):
    _, ax = plt.subplots()
    told.plot(ax=ax)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["runs", *BRACKETS["params", "tokens"], "largest run", "forecast, 90 %"]
    plt.close()


def test_sparse_models_of_four_sizes_foretell_the_largest():
    """Routed models of Clark et al. 2022, fitted up to 132M and asked for 1.3B; laws alone miss by 1 to 3 %."""
    runs = pd.read_csv(shared("moe_routing/runs.csv"))
    runs = runs[(runs.in_main_fit == 1) & runs.family.isin(["RL-R", "Dense"])]
    told = sf.forecast(runs[runs.params < 2e8], runs[runs.params > 1e9], **QUICK)
    seen = runs[runs.params > 1e9].loss
    assert (told.frame.estimate / seen - 1).abs().mean() < 0.02
    assert ((told.frame.low < seen) & (seen < told.frame.high)).mean() > 0.7


def checkpoints(runs=8, rows=10):
    """Runs of growing size, each seen ten times, with a luck of its own."""
    frame = sf.grid(params=np.geomspace(3e7, 1e9, runs), share=np.linspace(0.1, 1, rows))
    frame["tokens"] = frame.share * frame.params * np.tile([20.0, 60.0], len(frame) // 2)
    frame["run"] = [f"size {size:.0f}" for size in frame.params]
    luck = np.repeat(np.random.default_rng(0).standard_normal(runs), rows)
    return frame.assign(loss=sf.get_law("chinchilla")(TRUE, frame) * np.exp(0.003 * luck)).drop(columns="share")


def test_the_law_that_describes_checkpoints_outweighs_one_that_does_not():
    """Eight runs are few, but eighty rows tell a law with a floor from one that misses by several times as much."""
    told = sf.forecast(checkpoints(), sf.grid(params=[3e9], tokens=[1e11]), **QUICK)
    weight = told.laws.weight
    assert weight["chinchilla"] + weight["gen_ces"] > 0.75


def test_families_that_lie_apart_are_not_forecast_as_one_without_a_word():
    runs = pd.concat([ladder().assign(family="a"), ladder(seed=1).assign(family="b", loss=ladder().loss * 1.1)])
    told = sf.forecast(runs.reset_index(drop=True), BIG, **QUICK)
    assert any("2 families are fitted as one, and a and b lie apart" in doubt for doubt in told.doubts)


def test_families_that_cross_within_the_runs_are_not_forecast_as_one_without_a_word():
    """The means of their residuals agree: what differs is the slope."""
    tilted = ladder(seed=1)
    tilted["loss"] *= (tilted.params / np.exp(np.log(tilted.params).mean())) ** 0.02
    runs = pd.concat([ladder().assign(family="a"), tilted.assign(family="b")])
    told = sf.forecast(runs.reset_index(drop=True), BIG, **QUICK)
    assert any("2 families are fitted as one, and a and b lie apart" in doubt for doubt in told.doubts)


def test_a_run_that_diverged_is_named_first_among_the_doubts():
    runs = ladder()
    runs.loc["r7", "loss"] = 9.87
    told = sf.forecast(runs.assign(run=[f"exp-{k}" for k in range(len(runs))]), BIG, **QUICK)
    assert "row r7 (exp-7) lies" in told.doubts[0]
    assert "leave it out where a run diverged" in told.doubts[0]


def test_families_that_agree_raise_no_doubt():
    runs = ladder().assign(family=["a", "b"] * 15)
    assert not any("families" in doubt for doubt in sf.forecast(runs, BIG, **QUICK).doubts)


def test_copies_of_rows_are_said_to_be_counted():
    told = sf.forecast(pd.concat([ladder(), ladder().head(7)]), BIG, laws=["chinchilla", "gen_ces"], **QUICK)
    assert any("7 of 37 rows are copies of others" in doubt for doubt in told.doubts)


def test_one_law_alone_is_not_certified():
    told = sf.forecast(ladder(), BIG, laws="chinchilla", **QUICK)
    assert any("chinchilla stands alone" in doubt for doubt in told.doubts)
    assert "from 1 law: DO NOT RELY ON IT" in repr(told)


def test_points_without_an_input_that_varies_are_refused():
    with pytest.raises(sf.ColumnError, match="tokens varies among the runs and is not in the points"):
        sf.forecast(ladder(), pd.DataFrame({"params": [1e10]}))


def test_points_in_billions_are_warned_of_once():
    with pytest.warns(sf.UnitWarning, match="'params'") as caught:
        sf.forecast(ladder(), sf.grid(params=[10.0], tokens=[2e11]), laws=["chinchilla", "gen_ces"], **QUICK)
    assert [str(one.message) for one in caught if "flops" in str(one.message)] == []


def test_points_under_other_names_are_shown_under_these():
    told = sf.forecast(ladder(), pd.DataFrame({"N": [1e10], "D": [2e11]}), laws=["chinchilla", "gen_ces"], **QUICK)
    assert "1e10" in repr(told)
    assert told.inputs == ("N", "D")
