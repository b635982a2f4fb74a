"""A crossover is found where it is, with its interval, and refused where there is none."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from crossing_fits import BASE, STEEPER, X, curve, ladder, surface
from scalefit.decisions.crossover.find import find_crossover
from scalefit.decisions.frontier import best_split
from scalefit.decisions.spending import Cost
from shared_data import shared

COLUMNS = ["location", "low", "high", "probability", "direction", "where"]


@pytest.fixture(scope="module")
def one():
    """Flat and ahead early, steep and ahead late; they cross at 3e7."""
    return curve(0.0, 30, 0.2), curve(0.0, 30 * 3e7**0.1, 0.3, seed=1)


@pytest.fixture(scope="module")
def told(one):
    return find_crossover(*one, along="x", names=("flat", "steep"))


@pytest.fixture(scope="module")
def surfaces():
    return surface(BASE, family="base"), surface(STEEPER, seed=1, family="steeper")


def test_two_power_laws_cross_where_their_formula_says(one):
    a, b = (sf.fit(fit.data, "power", objective=sf.Square()) for fit in one)
    told = find_crossover(a, b, along="x")
    ratio = a.estimates["A"] / b.estimates["A"]
    exact = ratio ** (1 / (a.estimates["alpha"] - b.estimates["alpha"]))
    assert told.frame.location[0] == pytest.approx(exact, rel=1e-9)


def test_a_crossing_inside_the_data_is_found_with_its_interval(told):
    assert list(told.frame) == COLUMNS
    (row,) = told.frame.itertuples(index=False)
    assert row.location == pytest.approx(3e7, rel=0.05)
    assert row.low < 3e7 < row.high
    assert row.low < row.location < row.high
    assert row.probability == 1
    assert row.direction == "flat ahead before, steep after"
    assert row.where == "data"
    assert told.claimed
    assert told.doubts == ()


def test_the_interval_holds_the_share_of_the_draws_that_it_says(one, told):
    a, b = sf.joint_draws(*one)
    places = np.geomspace(1e7, 1e8, 40_001)
    lead = [fit.law.value(draws.to_numpy(), (places,)) for fit, draws in zip(one, (a, b), strict=True)]
    where = places[np.argmax(lead[0] > lead[1], axis=1)]
    low, high = np.quantile(where, [0.05, 0.95])
    assert told.frame.low[0] == pytest.approx(low, rel=1e-3)
    assert told.frame.high[0] == pytest.approx(high, rel=1e-3)
    wider = find_crossover(*one, along="x", level=0.99).frame
    assert wider.low[0] < told.frame.low[0] < told.frame.high[0] < wider.high[0]


def test_the_other_way_round_is_the_same_place_with_the_names_exchanged(one, told):
    turned = find_crossover(one[1], one[0], along="x", names=("steep", "flat"))
    assert turned.frame.location[0] == pytest.approx(told.frame.location[0], rel=1e-9)
    assert turned.frame.direction[0] == "flat ahead before, steep after"
    assert turned.curve.a_ahead.to_numpy() == pytest.approx(1 - told.curve.a_ahead.to_numpy(), abs=0.03)


def test_repeated_calls_agree(one, told):
    pd.testing.assert_frame_equal(find_crossover(*one, along="x", names=("flat", "steep")).frame, told.frame)


def test_high_values_are_ahead_where_high_is_better(one, told):
    high = find_crossover(*one, along="x", names=("flat", "steep"), better="high")
    assert high.frame.direction[0] == "steep ahead before, flat after"
    assert high.frame.location[0] == pytest.approx(told.frame.location[0])
    assert told.better == "low"


def test_accuracies_are_ahead_where_they_are_high():
    def accuracy(slope, seed):
        values = 0.2 + slope * np.log10(X / 3e7) + 0.002 * np.random.default_rng(seed).standard_normal(len(X))
        law = sf.formula_law("a + b*log(x)", inputs=["x"], output="accuracy")
        return sf.fit(pd.DataFrame({"x": X, "accuracy": values}), law).bootstrap(100, rng=seed)

    told = find_crossover(accuracy(0.05, 0), accuracy(0.1, 1), along="x", names=("slow", "fast"))
    assert told.better == "high"
    assert told.frame.direction.tolist() == ["slow ahead before, fast after"]
    assert told.frame.location[0] == pytest.approx(3e7, rel=0.1)


def test_a_higher_floor_loses_in_the_end_and_beyond_the_data_it_is_the_laws_that_say_so():
    # 2 + 30 x^-0.3 against 2.02 + 20 x^-0.3 cross where 10 x^-0.3 = 0.02
    low, high = curve(2.0, 30, 0.3, noise=2e-5), curve(2.02, 20, 0.3, noise=2e-5, seed=1)
    told = find_crossover(low, high, along="x", names=("low", "high"))
    assert told.frame.location[0] == pytest.approx(500 ** (1 / 0.3), rel=0.05)
    assert told.frame.direction.tolist() == ["high ahead before, low after"]
    early = find_crossover(
        curve(2.0, 30, 0.3, noise=2e-5, x=X[X < 3e7]), curve(2.02, 20, 0.3, noise=2e-5, seed=1, x=X[X < 3e7]),
        along="x", names=("low", "high"),
    )  # fmt: skip
    assert early.frame["where"].tolist() == ["beyond"]
    assert repr(early).startswith("By the laws alone, a factor of 3")
    assert "an interval of one law is too narrow there" in early.doubts[0]


def test_two_crossings_are_two_rows_each_with_its_own_draws():
    # A flatter curve through two points of 2 + 30 x^-0.3.
    places = np.array([3e6, 3e8])
    (high, low), (u, v) = 2 + 30 * places**-0.3, places**-0.1
    A = (high - low) / (u - v)
    told = find_crossover(
        curve(2.0, 30, 0.3, noise=5e-5), curve(high - A * u, A, 0.1, noise=5e-5, seed=1), along="x", names=("a", "b")
    )
    assert told.frame.location.to_numpy() == pytest.approx(places, rel=0.05)
    assert told.frame.direction.tolist() == ["b ahead before, a after", "a ahead before, b after"]
    assert (told.frame.probability > 0.95).all()
    assert told.frame.high[0] < told.frame.low[1]
    assert told.claims.claimed.all()
    assert told.shares.between["twice or more"] > 0.95
    assert repr(told).startswith("2 crossovers along x: b before and a after x = ")


def test_identical_families_cannot_be_told_apart():
    told = find_crossover(curve(2.0, 30, 0.3, noise=0.005), curve(2.0, 30, 0.3, noise=0.005, seed=1), along="x")
    assert not told.claimed
    assert repr(told).startswith("No evidence of a crossover along x: a and b cannot be told apart (")


def test_the_same_curve_twice_does_not_cross(one):
    told = find_crossover(one[0], one[0], along="x")
    assert told.frame.empty
    assert told.shares.between["alike throughout"] == 1
    assert repr(told).startswith("No evidence of a crossover along x: a and b are the same curve")
    assert list(told.frame) == COLUMNS


def test_parallel_curves_do_not_cross():
    told = find_crossover(curve(2.0, 30, 0.3), curve(2.1, 30, 0.3, seed=1), along="x", names=("low", "high"))
    assert not told.claimed
    assert told.shares.data["low ahead throughout"] == 1
    assert "No evidence of a crossover along x: low is ahead throughout the data in 100 % of draws" in repr(told)


def test_curves_that_touch_are_not_said_to_cross():
    def bowl(height, depth, seed):
        """In log x: the first bends more, and both are lowest at 3e7, at the same value."""
        law = sf.formula_law("a + b*(log(x) - 17.2)**2", inputs=["x"], output="loss")
        values = height + depth * (np.log(X) - 17.2) ** 2 + 0.003 * np.random.default_rng(seed).standard_normal(len(X))
        return sf.fit(pd.DataFrame({"x": X, "loss": values}), law).bootstrap(200, rng=seed)

    told = find_crossover(bowl(2.0, 0.02, 0), bowl(2.0, 0.01, 1), along="x")
    assert not told.claimed
    exact = find_crossover(bowl(2.0, 0.02, 0), bowl(1.9, 0.01, 1), along="x")
    assert exact.frame.empty
    assert exact.shares.between["b ahead throughout"] == 1


def test_overlapping_bands_give_a_perhaps_or_nothing():
    told = find_crossover(
        curve(2.0, 30, 0.3, noise=0.02), curve(2.02, 28.5, 0.3, noise=0.02, seed=3), along="x", names=("a", "b")
    )
    assert not told.claimed
    assert repr(told).split()[0] in ("Perhaps:", "No")


def test_a_crossing_with_evidence_on_one_side_is_a_perhaps():
    # The second is clearly ahead late, and by less than can be seen early.
    told = find_crossover(
        curve(2.0, 30, 0.3, noise=0.005), curve(1.98, 31.6, 0.3, noise=0.005, seed=1), along="x", names=("a", "b")
    )
    assert told.frame["where"].tolist() == ["data"]
    assert told.claims.ahead_after[0] == 1
    assert told.claims.ahead_before[0] < 0.95
    assert repr(told).startswith("Perhaps: a is ahead below x = ")
    assert "not enough" in repr(told)


def test_data_that_do_not_overlap_are_named():
    a, b = (
        curve(0.0, A, alpha, x=x, law="power", seed=seed)
        for A, alpha, x, seed in ((30, 0.2, X[:15], 0), (30 * 3e7**0.1, 0.3, X[25:], 1))
    )
    told = find_crossover(a, b, along="x", names=("early", "late"))
    assert told.overlap is None
    assert told.shares.data.isna().all()
    said = "the data of the two do not overlap along x: early from 1e6 to 1.2e7, late from 8.4e7 to 1e9"
    assert told.doubts[0] == said
    assert "beyond" in told.frame["where"].tolist()
    assert told.doubts[0] in repr(told)


def test_a_family_of_one_size_is_not_identified_and_that_comes_first(surfaces):
    runs = ladder(STEEPER, seed=1)
    single = sf.fit(runs[np.isclose(runs.params, 1e7)], "chinchilla")
    told = find_crossover(surfaces[0], single, along="tokens", at={"params": 1e7}, names=("many", "one"))
    assert repr(told).startswith("Not to be relied on, the fit of one is not identified: ")
    assert told.doubts[0].startswith("one: not identified")
    assert not told.claimed


def test_a_law_without_values_gives_no_answer(one):
    law = sf.formula_law("a + b*log(log(x/1e12))", inputs=["x"], output="loss")
    values = pd.DataFrame({"x": np.geomspace(1e13, 1e15, 20)})
    far = sf.fit(values.assign(loss=3 - 0.1 * np.log(np.log(values.x / 1e12))), law)
    told = find_crossover(one[0], far, along="x", between=(1e6, 1e9), names=("a", "b"))
    assert told.frame.empty
    assert repr(told).startswith("No answer along x: in no draw do both laws have a value there")


def test_where_a_law_has_no_value_nothing_crosses_and_what_lies_beside_is_found(one):
    law = sf.formula_law("a + b*log(x) + 0*sqrt(1e8 - x)", inputs=["x"], output="loss")

    def holed(crosses_at):
        x = X[X < 1e8]
        height = 30 * crosses_at**-0.2 + 0.3 * np.log(crosses_at)
        noise = 1e-3 * np.random.default_rng(5).standard_normal(len(x))
        return sf.fit(pd.DataFrame({"x": x, "loss": height - 0.3 * np.log(x) + noise}), law).bootstrap(100, rng=5)

    inside = find_crossover(one[0], holed(2e7), along="x", names=("a", "b"), between=(1e7, 1e10))
    assert inside.frame.location.tolist() == [pytest.approx(2e7, rel=0.05)]
    assert inside.curve.a_ahead[inside.curve.x > 1.1e8].isna().all()
    beyond = find_crossover(one[0], holed(5e8), along="x", names=("a", "b"), between=(1e8 / 3, 1e10))
    assert beyond.frame.empty
    assert not beyond.claimed


def test_between_says_where_to_look(one, told):
    low, high = told.between
    assert low == pytest.approx(X[0] / 2)
    assert high == pytest.approx(100 * X[-1])
    assert find_crossover(*one, along="x", between=(1e8, 1e10)).frame.empty
    far = find_crossover(*one, along="x", between=(2e9, 1e10), names=("flat", "steep"))
    assert far.doubts == ()
    assert repr(far).startswith("No evidence of a crossover along x: steep is ahead throughout in 100 % of draws")
    near = find_crossover(*one, along="x", between=(2e7, 5e7), names=("flat", "steep"))
    assert near.frame.location[0] == pytest.approx(told.frame.location[0])
    assert (near.curve.x.iloc[0], near.curve.x.iloc[-1]) == pytest.approx((2e7, 5e7))


@pytest.mark.parametrize("between", [(1e9, 1e6), (0, 1e6), (1e6, np.inf), 5, ("a", "b"), (1, 2, 3)])
def test_between_that_is_no_range_is_refused(one, between):
    with pytest.raises(sf.FitError, match=r"between is two numbers above zero, the smaller one first"):
        find_crossover(*one, along="x", between=between)


def test_on_the_best_split_two_surfaces_cross_where_their_frontiers_do(surfaces):
    told = find_crossover(*surfaces, along="flops")
    assert told.names == ("base", "steeper")
    assert told.frame.direction.tolist() == ["base ahead before, steeper after"]
    assert told.claimed
    place = told.frame.location.to_numpy()
    losses = [
        best_split(fit.law, fit.theta, place, cost=Cost.of(None), sizes=(1e7, 1e9)).loss[0, 0] for fit in surfaces
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-10)
    assert told.frame["where"].tolist() == ["data"]


def test_a_cost_of_each_moves_the_crossing(surfaces):
    plain = find_crossover(*surfaces, along="flops").frame.location[0]
    for cost in (("6 * params * tokens", "9 * params * tokens"), {"base": None, "steeper": "9 * params * tokens"}):
        told = find_crossover(*surfaces, along="flops", cost=cost)
        assert told.frame.location[0] > 1.2 * plain
        assert "steeper: on the best split of each budget, with compute 9 * params * tokens" in repr(told)
    both = find_crossover(*surfaces, along="flops", cost="9 * params * tokens").frame.location[0]
    assert both == pytest.approx(1.5 * plain, rel=1e-6)


def test_a_curve_in_compute_is_compared_with_a_surface(surfaces):
    flops = np.geomspace(1e16, 1e20, 30)
    best = best_split(surfaces[1].law, surfaces[1].theta, flops, cost=Cost.of(None), sizes=(1e7, 1e9)).loss[0]
    frontier = sf.fit(pd.DataFrame({"flops": flops, "loss": best}), "power_offset", columns={"x": "flops"})
    told = find_crossover(surfaces[0], frontier, along="flops")
    straight = find_crossover(*surfaces, along="flops")
    assert told.frame.location[0] == pytest.approx(straight.frame.location[0], rel=0.3)
    assert told.where == "on the best split of each budget"
    fixed = find_crossover(surfaces[0], frontier, along="flops", ratio=20)
    assert fixed.where == "at 20 tokens per parameter"


def test_members_of_one_joint_fit_are_compared_draw_by_draw():
    runs = pd.concat([ladder(BASE, family="base"), ladder(STEEPER, seed=1, family="steeper")], ignore_index=True)
    families = sf.fit_families(runs, "chinchilla", share=["E"])
    a, b = families.fits.values()
    with pytest.raises(sf.FitError, match=r"choose two of its \.fits; got FamilyFit"):
        find_crossover(families, b, along="flops")
    told = find_crossover(a, b, along="flops")
    assert told.names == ("base", "steeper")
    assert told.pairing == "paired: both are of one joint fit"
    drawn = families.bootstrap(50, rng=0)
    told = find_crossover(*drawn.fits.values(), along="flops")
    assert told.pairing == "paired: both were made of the same resamples"
    assert told.draws == 50
    assert told.frame.direction.tolist() == ["base ahead before, steeper after"]


def test_fits_of_one_seed_are_not_paired(surfaces):
    other = sf.fit(ladder(STEEPER, seed=2), "chinchilla").bootstrap(200, rng=0)
    assert find_crossover(surfaces[0], other, along="flops").pairing == "independent"


def test_without_a_bootstrap_draws_come_from_the_covariance(one):
    plain = [sf.fit(fit.data, "power_offset", objective=sf.Square()) for fit in one]
    told = find_crossover(*plain, along="x")
    assert told.draws == 1000
    assert "normal approximation, 1000 draws of the covariance" in repr(told)
    mixed = find_crossover(one[0], plain[1], along="x", names=("drawn", "plain"))
    assert mixed.draws == 200
    assert "drawn: bootstrap of rows, 200 draws; plain: normal approximation" in repr(mixed)


def test_names_are_families_else_laws_else_letters(one, surfaces):
    assert find_crossover(*surfaces, along="flops").names == ("base", "steeper")
    assert find_crossover(*one, along="x").names == ("a", "b")
    other = sf.fit(one[1].data, "power", objective=sf.Square())
    assert find_crossover(one[0], other, along="x").names == ("power_offset", "power")


@pytest.mark.parametrize("names", ["ab", ("a",), ("a", "a"), ("a", "b", "c")])
def test_names_must_be_two(one, names):
    with pytest.raises(sf.FitError, match="names are two different ones"):
        find_crossover(*one, along="x", names=names)


def test_other_bad_arguments_are_named(one):
    with pytest.raises(sf.FitError, match="better must be 'low' or 'high'"):
        find_crossover(*one, along="x", better="lowest")
    with pytest.raises(sf.FitError, match=r"level must lie between 0 and 1; got 90. Did you mean 0.9"):
        find_crossover(*one, along="x", level=90)
    with pytest.raises(sf.FitError, match="along, for power_offset must be one of x"):
        find_crossover(*one, along="tokens")
    shares = one[1].data.assign(accuracy=one[1].data.loss / 4)
    with pytest.raises(sf.FitError, match=r"between two fits, as sf\.fit.* makes them; got DataFrame"):
        find_crossover(one[0].data, one[1], along="x")
    score = sf.fit(shares, "power_offset", target="accuracy", objective=sf.Square())
    with pytest.raises(sf.FitError, match="a is fitted to 'loss' and b to 'accuracy': curves of two quantities"):
        find_crossover(one[0], score, along="x")


def test_two_columns_of_strange_names_are_taken_for_one_quantity_and_that_is_said(one):
    mine = sf.fit(one[1].data.rename(columns={"loss": "mine"}), "power_offset", target="mine", objective=sf.Square())
    told = find_crossover(one[0], mine, along="x")
    assert "a is fitted to 'loss' and b to 'mine': taken for one quantity" in repr(told)


def test_data_at_zero_need_a_range():
    law = sf.formula_law("a + b*x", inputs=["x"], output="loss")
    frame = pd.DataFrame({"x": np.arange(10.0), "loss": 3 - 0.1 * np.arange(10.0)})
    a, b = sf.fit(frame, law), sf.fit(frame.assign(loss=2.5 + 0 * frame.x + 0.001 * frame.x), law)
    with pytest.raises(sf.FitError, match=r"'x' comes from 0 in the data.*between=\(low, 9\)"):
        find_crossover(a, b, along="x")
    told = find_crossover(a, b, along="x", between=(1, 9))
    assert told.frame.location[0] == pytest.approx(0.5 / 0.101, rel=1e-6)


def test_shares_add_up_and_the_curve_agrees_with_the_fits(one, told):
    assert told.shares.sum().to_numpy() == pytest.approx([1, 1])
    frame = told.curve
    assert frame.difference.to_numpy() == pytest.approx((frame.estimate_a - frame.estimate_b).to_numpy())
    expected = one[0].predict(pd.DataFrame({"x": frame.x}), level=0.9)
    assert frame.estimate_a.to_numpy() == pytest.approx(expected.estimate.to_numpy())
    assert frame.low_a.to_numpy() == pytest.approx(expected.low.to_numpy())
    assert frame.high_a.to_numpy() == pytest.approx(expected.high.to_numpy())
    assert frame.a_ahead.iloc[0] == 1
    assert frame.a_ahead.iloc[-1] == 0
    assert (frame.beyond[frame.x.between(X[0], X[-1])] == 1).all()


def test_who_is_ahead_at_a_place_is_read_off(told):
    ahead = told.ahead([1e6, 3e7, 1e9])
    assert ahead.flat.tolist()[::2] == [1, 0]
    assert 0.1 < ahead.flat[1] < 0.9
    assert (ahead.flat + ahead.steep).to_numpy() == pytest.approx([1, 1, 1])
    assert np.isnan(told.ahead(1e20).flat[0])


def test_text_and_html_begin_with_the_answer(told):
    text, html = repr(told), told._repr_html_()
    assert text.splitlines()[0].startswith("flat is ahead below x = 3")
    assert text.splitlines()[0].endswith("steep above; in 100 % of draws")
    assert "<strong>flat is ahead below x = 3" in html.splitlines()[1]
    assert "draws of the two are independent" in text


def test_records_are_frozen(told):
    with pytest.raises(AttributeError):
        told.level = 0.5


def test_a_law_that_misses_something_is_said_in_the_words_of_a_comparison():
    rng = np.random.default_rng(0)
    bend = pd.DataFrame({"x": X, "loss": 2 + 0.05 * np.sin(1.2 * np.log(X)) + 30 / X**0.2 + 1e-3 * rng.normal(size=40)})
    fits = {"bend": sf.fit(bend, "power_offset"), "law": curve(0.0, 30, 0.2)}
    told = find_crossover(*fits.values(), along="x", names=tuple(fits))
    words = [doubt for doubt in told.doubts if doubt.startswith("bend: the law misses something")]
    assert words
    assert words[0] in sf.compare_fits(fits, along="x").doubts


def test_a_claim_says_by_what_rule(told):
    assert "Claimed since at some place on each side 95 % of the draws agree" in repr(told)
    assert not any("place by place" in doubt for doubt in told.doubts)


def test_a_claim_that_a_band_over_all_places_does_not_show_is_doubted():
    runs = pd.read_csv(shared("xlstm_vs_llama/runs.csv"))
    runs = runs[(runs["experiment"] == "tokenparam") & (runs["in_paper_fit"] == 1)]
    compared = sf.compare(runs, law="chinchilla_gamma", draws=100, rng=0)
    one_size = {"along": "tokens", "at": {"params": 1.6e8}}
    found = find_crossover(compared.fits["transformer"], compared.fits["xlstm"], **one_size)
    assert found.claimed
    assert any("claimed place by place; a band that holds over the data at once" in doubt for doubt in found.doubts)
    assert "xlstm" not in {claim.family for claim in sf.compare_fits(compared.fits, **one_size).claims}
