"""Families compared along one quantity: who is ahead where, and what each needs."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from comparison_designs import POWER, SIZES, family, pair
from scalefit.decisions.comparison.compare import compare, compare_fits
from shared_data import shared

DRAWS = {"draws": 100, "rng": 0, "points": 20}
DOUBLE = pair(times=2.0)


@pytest.fixture(scope="module")
def double():
    return compare(DOUBLE, law="chinchilla", **DRAWS)


@pytest.fixture(scope="module")
def microlm():
    runs = sf.datasets.load("microlm").groupby("run", as_index=False).last()
    return runs, compare(runs, law="chinchilla", **DRAWS)


def first_line(answer):
    return repr(answer).split("\n")[0]


def test_a_family_that_needs_twice_the_compute_is_found_to(double):
    middle = double.multipliers.iloc[len(double.multipliers) // 2]
    assert middle["low"] < 2.0 < middle["high"]
    assert middle["estimate"] == pytest.approx(2.0, rel=0.15)
    assert middle["against_needs"] / middle["needs"] == pytest.approx(middle["estimate"])
    (claim,) = double.claims
    assert (claim.family, claim.against, claim.whole) == ("a", "b", "all")
    assert claim.share > 0.9


def test_the_first_line_says_who_is_ahead_where_and_by_how_much(double):
    line = first_line(double)
    assert line.startswith("a is ahead of b along flops on the best split of each budget from ")
    assert "times the compute of a for the same loss of" in line
    assert "b needs " in line


def test_the_frame_has_one_row_per_family_and_place(double):
    assert list(double.frame.columns) == ["family", "flops", "estimate", "low", "high", "beyond"]
    counts = double.frame.groupby("family").size()
    assert counts["a"] == counts["b"]
    inside = double.frame[double.frame["beyond"] == 1]
    assert (inside["low"] <= inside["estimate"]).all()
    assert (inside["estimate"] <= inside["high"]).all()
    assert double.frame["flops"].max() == pytest.approx(10 * (6 * DOUBLE.params * DOUBLE.tokens).max())


def test_curves_are_those_of_the_law_on_its_best_split(double):
    fit, part = double.fits["a"], double.frame[double.frame["family"] == "a"]
    told = fit.derive("loss_optimal", at={"flops": part["flops"].tolist()}, level=0.9)
    np.testing.assert_allclose(part["estimate"], told["estimate"], rtol=1e-12)
    # Draws are read off a cubic through nodes: its error is far below the width.
    np.testing.assert_allclose(part["low"], told["low"], rtol=1e-6)
    np.testing.assert_allclose(part["high"], told["high"], rtol=1e-6)


def test_the_place_that_reaches_a_loss_is_that_of_the_closed_form(double):
    goal = float(double.multipliers["loss"].iloc[10])
    told = {name: fit.derive("flops_for_loss", at={"loss": [goal]}) for name, fit in double.fits.items()}
    row = double.multiplier(goal).iloc[0]
    assert row["needs"] == pytest.approx(told["a"]["estimate"].item(), rel=1e-9)
    assert row["against_needs"] == pytest.approx(told["b"]["estimate"].item(), rel=1e-9)
    for name, curve in double.curves.items():
        low, high = np.quantile(curve.draws_reach(np.array([goal]))[:, 0], [0.05, 0.95])
        assert [low, high] == pytest.approx(told[name][["low", "high"]].iloc[0].tolist(), rel=1e-4)


def test_differences_are_paired_row_by_row_and_their_band_of_all_places_is_wider(double):
    table = double.differences
    inside = table["joint_low"].notna()
    assert inside.sum() > 10
    assert not inside.all()
    low, high = double.common
    assert ((table["flops"] >= low) & (table["flops"] <= high)).equals(inside)
    width = (table["high"] - table["low"])[inside]
    assert ((table["joint_high"] - table["joint_low"])[inside] > width).mean() > 0.9
    # A loss is better where it is lower: the probability is that of the difference below zero.
    assert (table["probability"][table["joint_high"] < 0] > 0.95).all()


def test_with_floor_and_exponents_shared_the_multiplier_is_the_same_at_every_loss():
    told = compare(DOUBLE, law="chinchilla", share=["E", "alpha", "beta"], **DRAWS)
    np.testing.assert_allclose(told.multipliers["estimate"], told.multipliers["estimate"].iloc[0], rtol=1e-6)
    row = told.asymptotes.iloc[0]
    assert row["constant"] == 1.0
    # Loss less its floor is R times compute to minus the power, so the multiplier is the ratio of R to 1 / power.
    a, b = (fit.estimates for fit in told.fits.values())
    g = a["alpha"] * a["beta"] / (a["alpha"] + a["beta"])
    scale = (b["A"] / a["A"]) ** (g / a["alpha"]) * (b["B"] / a["B"]) ** (g / a["beta"])
    assert row["estimate"] == pytest.approx(scale ** (1 / g), rel=1e-4)
    assert "at every loss: limits and exponents are equal for both" in repr(told)


def test_with_floors_pinned_the_multiplier_goes_on_changing():
    told = compare(DOUBLE, law="chinchilla", fixed={"E": 1.7}, **DRAWS)
    row = told.asymptotes.iloc[0]
    assert row["limit"] == pytest.approx(1.7)
    assert row["against_limit"] == pytest.approx(1.7)
    assert row["grows"] + row["falls"] == pytest.approx(1.0)
    assert "Both approach 1.7" in repr(told)


def test_a_higher_floor_is_never_got_under():
    told = compare(pair(floor=1.9), law="chinchilla", **DRAWS)
    row = told.asymptotes.iloc[0]
    assert row["grows"] > 0.9
    assert row["estimate"] == np.inf
    below = told.multiplier(1.8).iloc[0]
    assert below["against_never"] > 0.9
    assert below["never"] < 0.1
    assert below["where"] == "beyond"
    assert below["estimate"] == np.inf
    only_a = told.multiplier(1.0).iloc[0]
    assert np.isnan(only_a["estimate"])
    assert only_a["undefined"] == 1.0


def test_identical_families_cannot_be_told_apart():
    runs = pd.concat([family("a", seed=5), family("b", seed=5)], ignore_index=True)
    told = compare(runs, law="chinchilla", paired=False, **DRAWS)
    assert told.claims == ()
    assert "a and b cannot be told apart along flops" in first_line(told)
    assert told.differences["probability"].between(0.05, 0.95).all()


def test_identical_families_drawn_together_tie_in_every_draw():
    runs = pd.concat([family("a", seed=5), family("b", seed=5)], ignore_index=True)
    told = compare(runs, law="chinchilla", **DRAWS)
    assert told.pairing.startswith(
        "resamples draw partners together: 35 runs of each family match in params and tokens"
    )
    assert (told.differences["probability"] == 0.5).all()
    assert (told.best == 0.5).all().all()
    np.testing.assert_allclose(told.multipliers[["estimate", "low", "high"]], 1.0, rtol=1e-9)
    assert told.claims == ()


def test_parallel_curves_have_the_same_leader_throughout():
    told = compare(pair(times=1.5), law="chinchilla", share=["E", "alpha", "beta"], **DRAWS)
    assert {claim.whole for claim in told.claims} == {"all"}
    assert told.differences["probability"].nunique() == 1


def test_families_without_a_common_range_are_said_to_have_none():
    runs = pd.concat(
        [family("a", seed=1, sizes=SIZES / 1e3), family("b", seed=2, sizes=SIZES * 1e3)], ignore_index=True
    )
    with pytest.warns(sf.UnitWarning, match="above 30"):
        told = compare(runs, law="chinchilla", **DRAWS)
    assert told.common is None
    assert told.common_values is None
    assert told.multipliers.empty
    assert first_line(told).startswith("BY THE LAWS ALONE, since no range is covered by the runs of all")
    assert "the families share no range of flops" in repr(told)
    assert "no multiplier is reported" in repr(told)


def test_a_family_of_one_size_is_not_relied_on():
    runs = pd.concat([family("a", seed=1), family("b", seed=2, sizes=SIZES[3:4], shake=False,
                                                  ratios=np.geomspace(5, 400, 20))])  # fmt: skip
    told = compare(runs.reset_index(drop=True), law="chinchilla", **DRAWS)
    assert first_line(told).startswith("NOT TO BE RELIED ON, as the runs do not identify every law")
    assert not told.trusted
    assert any(doubt.startswith("b: chinchilla is not identified") for doubt in told.grave)


def test_of_three_families_the_leader_is_named_first():
    runs = pd.concat([DOUBLE, family("c", seed=3, times=4.0)], ignore_index=True)
    told = compare(runs, law="chinchilla", **DRAWS)
    assert first_line(told).startswith("a is ahead of b and c along flops on the best split of each budget at ")
    assert len(told.multipliers.groupby(["family", "against"])) == 3
    np.testing.assert_allclose(told.best.sum(axis=1), 1.0)
    middle = told.multiplier(told.common_values[0] ** 0.5 * told.common_values[1] ** 0.5)
    ratio = dict(zip(zip(middle["family"], middle["against"], strict=True), middle["estimate"], strict=True))
    assert ratio["a", "c"] == pytest.approx(ratio["a", "b"] * ratio["b", "c"], rel=1e-9)


def test_two_of_three_that_tie_are_said_to():
    runs = pd.concat([family("a", seed=1), family("b", seed=2), family("c", seed=3, times=3.0)], ignore_index=True)
    line = first_line(compare(runs, law="chinchilla", **DRAWS))
    assert "is the best of 3" in line
    assert "cannot be told apart there from" in line


def test_data_multipliers_are_at_a_size_that_all_families_have(double):
    size = double.data_at["params"]
    assert DOUBLE["params"].min() < size < DOUBLE["params"].max()
    goal = float(double.data_multipliers["loss"].iloc[12])
    row = double.data_multiplier(goal).iloc[0]
    needs = [fit.derive("tokens_for_loss", at={"params": [size], "loss": [goal]}).estimate.item()
             for fit in double.fits.values()]  # fmt: skip
    assert row["estimate"] == pytest.approx(needs[1] / needs[0], rel=1e-8)
    assert f"At params = {size:.2g}".replace("e+0", "e") in repr(double).replace("e+0", "e")


def test_along_tokens_the_multiplier_is_one_of_data(double):
    told = compare(DOUBLE, law="chinchilla", along="tokens", ratio=20, **DRAWS)
    assert told.where == "at 20 tokens per parameter"
    assert "times the tokens of a" in first_line(told)
    assert told.data_multipliers is None
    with pytest.raises(sf.FitError, match="no common size"):
        told.data_multiplier(2.5)


def test_an_accuracy_is_better_the_higher_it_is():
    x = np.geomspace(1e18, 1e22, 25)
    rng = np.random.default_rng(0)

    def share(top):
        return top / (1 + np.exp(-(np.log10(x) - 20))) + rng.normal(0, 0.004, len(x))

    runs = pd.concat(
        [pd.DataFrame({"family": name, "flops": x, "accuracy": share(top)}) for name, top in (("a", 0.7), ("b", 0.6))],
        ignore_index=True,
    )
    law = sf.formula_law("top / (1 + exp(-(log(x) - middle) * slope))", inputs=("x",), output="accuracy")
    told = compare(runs, law=law, **DRAWS)
    assert told.better == "high"
    (claim,) = (claim for claim in told.claims if claim.whole in ("all", "from"))
    assert claim.family == "a"
    assert (told.multipliers["estimate"] > 1).all()
    assert told.asymptotes["grows"].item() == 1.0  # b never reaches what a comes to
    assert "accuracy of" in first_line(told)
    turned = compare(runs, law=law, better="low", **DRAWS)
    assert {claim.family for claim in turned.claims} == {"b"}


def test_a_surface_of_accuracy_is_followed_along_its_highest_split():
    N, D = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e7, 1e10, 8), np.geomspace(1e9, 1e12, 8)))
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame({"family": name, "params": N, "tokens": D,
                      "accuracy": top - 4 / N**0.2 - 8 / D**0.2 + rng.normal(0, 0.002, N.size)})
        for name, top in (("a", 0.9), ("b", 0.88))
    ]  # fmt: skip
    law = sf.formula_law("top - A / params**alpha - B / tokens**beta", inputs=("params", "tokens"), output="accuracy")
    told = compare(pd.concat(frames, ignore_index=True), law=law, **DRAWS)
    part = told.frame[(told.frame["family"] == "a") & (told.frame["beyond"] == 1)]
    values = told.fits["a"].estimates
    for row in part.iloc[::4].itertuples():
        sizes = np.geomspace(1e6, 1e11, 20001)
        best = (values["top"] - values["A"] / sizes ** values["alpha"]
                - values["B"] / (row.flops / 6 / sizes) ** values["beta"]).max()  # fmt: skip
        assert row.estimate == pytest.approx(best, rel=1e-7)


def test_the_columns_that_show_families_on_other_scales_are_warned_of():
    runs = DOUBLE.assign(tokenizer=np.where(DOUBLE["family"] == "a", "gpt2", "llama"))
    with pytest.warns(sf.DataWarning, match="tokenizer differs .a has gpt2 and b has llama."):
        told = compare(runs, law="chinchilla", **DRAWS)
    assert any("tokenizer differs" in doubt for doubt in told.doubts)


def test_compute_that_is_counted_otherwise_is_said_with_what_to_type():
    flops = 6 * DOUBLE["params"] * DOUBLE["tokens"] * np.where(DOUBLE["family"] == "a", 1.0, 1.5)
    runs = DOUBLE.assign(flops=flops)
    told = compare(runs, law="chinchilla", **DRAWS)
    assert any("1.5 times that for b" in doubt and "cost='runs'" in doubt for doubt in told.doubts)
    own = compare(runs, law="chinchilla", cost="runs", **DRAWS)
    assert not any("cost='runs'" in doubt for doubt in own.doubts)
    goal = float(told.multipliers["loss"].iloc[12])
    assert own.multiplier(goal)["estimate"].item() == pytest.approx(
        1.5 * told.multiplier(goal)["estimate"].item(), rel=1e-4
    )


def test_fits_without_draws_are_compared_by_their_covariance():
    fits = {name: sf.fit(part, "chinchilla") for name, part in DOUBLE.groupby("family")}
    told = compare_fits(fits)
    assert "normal approximation" in repr(told)
    assert told.pairing == "independent draws"
    assert told.claims[0].family == "a"
    with pytest.raises(sf.FitError, match=r"sf\.compare\(runs"):
        _ = told.tests


def test_fits_of_one_plan_are_put_together_row_by_row():
    runs = DOUBLE[DOUBLE["family"] == "a"]
    one = sf.fit(runs, "chinchilla").bootstrap(60, rng=0)
    again = sf.fit(runs, "chinchilla").bootstrap(60, plan=one.plan)
    assert (compare_fits({"one": one, "again": again}).differences["probability"] == 0.5).all()
    apart = sf.fit(runs, "chinchilla").bootstrap(60, rng=0)
    other = compare_fits({"one": one, "again": apart}).differences["probability"]
    assert other.between(0.05, 0.95).all()
    assert compare_fits({"one": one, "again": again}).pairing == "draws of the same resamples"


def test_curves_in_compute_go_beside_surfaces_on_their_best_split():
    part = DOUBLE[DOUBLE["family"] == "a"]
    surface = sf.fit(part, "chinchilla").bootstrap(60, rng=0)
    flops = np.geomspace(1e19, 1e22, 12)
    best = surface.derive("loss_optimal", at={"flops": flops.tolist()})["estimate"]
    curve = sf.fit(pd.DataFrame({"flops": flops, "loss": best}), "power_offset", along="flops")
    told = compare_fits({"surface": surface, "curve": curve})
    assert told.differences["ratio"].between(0.99, 1.01).all()


def test_tests_say_which_parameters_families_share(double):
    tests = double.tests
    assert list(tests.index) == ["exponents", "floors", "exponents and floors", "one law"]
    assert tests.loc["exponents", "share"] == ("alpha", "beta")
    assert tests.loc["exponents and floors", "p"] > 0.01  # true of the design
    assert tests.loc["one law", "p"] < 1e-6  # not true of it


def test_runs_of_one_name_in_two_families_are_two_runs():
    runs = DOUBLE.assign(run=[f"r{k}" for k in range(len(DOUBLE) // 2)] * 2)
    told = compare(runs, law="chinchilla", **DRAWS)
    plain = compare(DOUBLE, law="chinchilla", **DRAWS)
    assert told.fits["a"].n_runs == plain.fits["a"].n_runs == 35
    pd.testing.assert_frame_equal(told.frame[["estimate"]], plain.frame[["estimate"]])


def test_a_table_whose_labels_repeat_gives_the_same_answer():
    twice = pd.concat([family("a", seed=1), family("b", seed=2, times=2.0)])
    told = compare(twice, law="chinchilla", **DRAWS)
    pd.testing.assert_frame_equal(told.frame, compare(DOUBLE, law="chinchilla", **DRAWS).frame)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"by": "familly"}, sf.ColumnError, "needs a column 'familly'"),
        ({"better": "small"}, sf.FitError, "better must be one of high or low"),
        ({"level": 1.5}, sf.FitError, "level"),
        ({"points": 1}, sf.FitError, "points must be a whole number from 2 on"),
        ({"beyond": 0.5}, sf.FitError, "beyond 1 or more"),
        ({"reach": [np.nan]}, sf.FitError, "reach: finite values of loss"),
        ({"paired": True}, sf.FitError, "compare cannot pair the families"),
        ({"paired": "batch"}, sf.FitError, "no column 'batch'"),
        ({"along": "colour"}, sf.FitError, "along"),
        ({"draws": 1}, sf.FitError, "at least 2"),
    ],
)
def test_what_cannot_be_honoured_is_said(given, error, words):
    with pytest.raises(error, match=words):
        compare(DOUBLE, **{"law": "chinchilla", **DRAWS, **given})


def test_one_family_is_not_compared():
    with pytest.raises(sf.DataError, match="needs two families or more in column 'family'; the table has only 'a'"):
        compare(DOUBLE[DOUBLE["family"] == "a"], law="chinchilla")
    with pytest.raises(sf.FitError, match="compare_fits needs two fits or more"):
        compare_fits({"a": sf.fit(DOUBLE, "chinchilla")})


def test_a_family_with_too_few_runs_is_named():
    runs = pd.concat([DOUBLE, family("c", seed=3).head(3)], ignore_index=True)
    with pytest.raises(sf.DataError, match="Family 'c': chinchilla has 5 free parameters"):
        compare(runs, law="chinchilla", **DRAWS)


def test_a_row_without_a_family_is_named():
    with pytest.raises(sf.DataError, match="Column 'family' names no family in row 3"):
        compare(DOUBLE.assign(family=DOUBLE["family"].where(DOUBLE.index != 3)), law="chinchilla", **DRAWS)


def test_the_same_seed_gives_the_same_answer(double):
    again = compare(DOUBLE, law="chinchilla", **DRAWS)
    pd.testing.assert_frame_equal(double.differences, again.differences)
    pd.testing.assert_frame_equal(double.multipliers, again.multipliers)


def test_html_begins_with_the_same_sentence(double):
    text = double._repr_html_()
    assert f"<strong>{first_line(double)}</strong>" in text.splitlines()[1]


def test_on_microlm_the_lstm_is_ahead_at_small_compute(microlm):
    _, told = microlm
    assert told.claims[0].family == "lstm"
    assert told.claims[0].whole == "up to"
    assert 2e12 < told.claims[0].high < 3e13
    assert first_line(told).startswith(
        "lstm is ahead of transformer along flops on the best split of each budget up to"
    )
    assert "transformer is ahead of lstm in" in repr(told)  # beyond the runs


def test_xlstm_is_ahead_of_the_transformer_on_the_compute_frontier():
    """The claim of Beck et al. 2025 (arXiv:2510.02228): its frontier stays below over the measured range."""
    runs = pd.read_csv(shared("xlstm_vs_llama/runs.csv"))
    runs = runs[runs["experiment"] == "tokenparam"]
    told = compare(runs, law="chinchilla_gamma", cost="runs", draws=200, rng=0)
    assert told.common == pytest.approx((4.5e18, 2.76e22), rel=0.01)
    assert [claim.family for claim in told.claims] == ["xlstm"]
    (claim,) = told.claims
    assert claim.low == pytest.approx(4.5e18, rel=0.01)
    assert claim.high > 1e21
    table = told.multipliers  # of the transformer first, as the table of runs begins with one or the other
    first = table["family"].iloc[0]
    speedup = table["estimate"] if first == "xlstm" else 1 / table["estimate"]
    assert speedup.between(1.2, 2.0).all()
    middle = table.iloc[len(table) // 2]
    assert middle["low"] > 1.2 if first == "xlstm" else middle["high"] < 1 / 1.2


def test_the_power_of_the_designs_is_that_of_the_law(double):
    slope = double.fits["a"].law.derived["params_exponent"]
    assert slope({"alpha": 0.34, "beta": 0.36}).item() == pytest.approx(0.36 / 0.70)
    assert pytest.approx(0.174857, rel=1e-5) == POWER


def test_a_crossover_is_looked_for_along_the_same_path(microlm):
    _, told = microlm
    found = told.crossover("transformer", "lstm")
    (row,) = found.frame.to_dict("records")
    assert 1e13 < row["location"] < 4e13
    shares = told.best["lstm"]
    assert shares[shares.index < row["location"] / 3].min() > 0.9
    with pytest.raises(sf.FitError, match="A family must be one of lstm or transformer"):
        told.crossover("lstm", "rwkv")


def few(rows, name, seed):
    """Runs of one size along tokens; families differ by their noise alone."""
    return family(name, noise=0.004, seed=seed, sizes=SIZES[3:4], ratios=np.geomspace(5, 150, rows), shake=False)


def test_with_few_spare_rows_nothing_is_claimed():
    runs = pd.concat([few(5, "a", 1), few(5, "b", 2).assign(loss=lambda b: b["loss"] * 1.2)], ignore_index=True)
    told = compare(runs, law="power_offset", along="tokens", **DRAWS)
    assert told.claims == ()
    assert not told.trusted
    assert first_line(told).startswith("NO LEAD IS CLAIMED, as the runs of a and b are too few: a and b cannot be told")
    assert "a: only 2 more rows than free parameters: intervals are too narrow" in repr(told)
    assert "too few distinct points" in repr(told)
    assert "with confidence" not in repr(told).split("In the limit")[-1]
    found = told.crossover()
    assert not found.claimed
    assert any(doubt.startswith("a: only 2 more rows than free parameters") for doubt in found.doubts)
    assert any("too few distinct points" in doubt for doubt in found.doubts)
    more = pd.concat([few(9, "a", 1), few(9, "b", 2).assign(loss=lambda b: b["loss"] * 1.2)], ignore_index=True)
    assert {claim.family for claim in compare(more, law="power_offset", along="tokens", **DRAWS).claims} == {"a"}


def test_along_what_is_better_when_small_no_multiplier_is_reported():
    rng = np.random.default_rng(0)
    runs = DOUBLE.assign(accuracy=0.25 + 0.6 / (1 + np.exp(3 * (DOUBLE["loss"] - 2.9))))
    runs["accuracy"] += 0.004 * rng.standard_normal(len(runs))
    told = compare(runs, law="accuracy_sigmoid", along="loss", target="accuracy", **DRAWS)
    assert told.multipliers.empty
    assert "No multiplier is reported: loss is not what more is needed of" in repr(told)
    assert "times the loss" not in repr(told)
    assert "Beyond the runs" not in repr(told)


def test_a_falling_law_of_a_rising_value_is_said_to_go_the_wrong_way():
    runs = DOUBLE.assign(accuracy=0.25 + 0.6 / (1 + np.exp(3 * (DOUBLE["loss"] - 2.9))))
    told = compare(runs, law="chinchilla", target="accuracy", **DRAWS)
    assert "as the law goes the wrong way" in first_line(told)
    assert "chinchilla falls along flops, though high values of accuracy are the better ones" in told.grave[0]


@pytest.mark.parametrize("ratio", [None, 20])
def test_a_law_without_a_floor_falls_to_zero(ratio):
    told = compare(DOUBLE, law="kaplan_nd", ratio=ratio, **DRAWS)
    assert (told.asymptotes[["limit", "limit_high", "against_limit", "against_limit_high"]] == 0).all().all()
    assert "Neither has a floor, both laws fall to 0" in repr(told)


def test_a_route_far_off_the_runs_in_tokens_per_parameter_is_doubted():
    far = {"ratios": np.array([400.0, 800.0, 1500.0, 3000.0])}
    runs = pd.concat([family("a", seed=1, **far), family("b", seed=2, times=2.0, **far)], ignore_index=True)
    told = compare(runs, law="chinchilla", **DRAWS)
    assert any(doubt.startswith("a: followed at") and "times off all its runs" in doubt for doubt in told.doubts)
    near = compare_fits(told.fits, along="flops", ratio=1000)
    assert not any("followed at" in doubt for doubt in near.doubts)


def test_units_are_warned_of_and_no_cost_is_advised_against_them():
    runs = DOUBLE.assign(flops=6 * DOUBLE["params"] * DOUBLE["tokens"], params=DOUBLE["params"] / 1e6)
    with pytest.warns(sf.UnitWarning, match="probably in millions"):
        told = compare(runs, law="chinchilla", **DRAWS)
    assert any("probably in millions" in doubt for doubt in told.doubts)
    assert any("is in another unit" in doubt for doubt in told.doubts)
    assert not any("cost='runs'" in doubt for doubt in told.doubts)


def test_a_setting_that_varies_within_a_family_is_named():
    told = compare(DOUBLE.assign(experts=np.arange(len(DOUBLE)) % 2 * 7 + 1), law="chinchilla", **DRAWS)
    words = "experts runs from 1 to 8 within a and from 1 to 8 within b, and chinchilla does not take it"
    assert words in told.doubts


def test_the_table_of_what_each_needs_goes_the_way_of_the_first_line():
    runs = pd.concat([family("a", seed=1, times=2.0), family("b", seed=2, floor=1.55)], ignore_index=True)
    told = compare(runs, law="chinchilla", **DRAWS)
    line = first_line(told)
    assert "a needs" in line
    assert "times the compute of b" in line
    assert " times at " in line  # what it grows from and to
    table = repr(told).split("What each needs")[1].split("\n")[3].split()
    assert (table[1], table[3]) == ("b", "a")


def test_fits_without_names_are_refused_with_what_to_type(double):
    with pytest.raises(sf.FitError, match="compare_fits needs fits by name"):
        compare_fits(list(double.fits.values()))
    with pytest.raises(sf.ColumnError, match="Did you mean by='family'"):
        compare(DOUBLE, by="famly", law="chinchilla")
