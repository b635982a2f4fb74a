"""The envelope finds what is best along logs, and three approaches are held against each other."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from isoflop_designs import BUDGETS, EXPONENT, LAW, TRUTH, best_size, isoflop_runs
from scalefit.decisions.isoflop.analysis import isoflop
from scalefit.decisions.isoflop.approaches import compare_approaches
from scalefit.decisions.isoflop.envelope import fit_envelope


def logs(rows=60, sizes=9):
    """Logs whose rows lie on the surface itself, as with a constant learning rate."""
    parts = []
    for params in np.geomspace(3e7, 3e10, sizes):
        tokens = np.geomspace(0.5 * params, 500 * params, rows)
        parts.append(pd.DataFrame({"run": f"{params:.3g}", "params": params, "tokens": tokens}))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(loss=LAW(TRUTH, frame))


@pytest.fixture(scope="module")
def envelope():
    return fit_envelope(logs(sizes=15), draws=60, rng=0)


@pytest.fixture(scope="module")
def compared():
    return compare_approaches(isoflop_runs(noise=0.002), draws=60, rng=0)


def test_the_envelope_of_a_surface_grows_with_its_exponent(envelope):
    assert envelope.exponent.estimate == pytest.approx(EXPONENT, abs=0.03)
    assert envelope.exponent.low < EXPONENT < envelope.exponent.high
    assert envelope.predict(1e21).params[0] == pytest.approx(float(best_size(1e21)), rel=0.15)
    assert (6 * envelope.frame.params * envelope.frame.tokens).to_numpy() == pytest.approx(
        envelope.frame.flops, rel=1e-6
    )


def test_places_where_the_smallest_or_largest_size_is_best_are_left_out(envelope):
    sizes = np.unique(envelope.curves.params)
    assert envelope.frame.params.min() > sizes[0] * 1.01
    assert envelope.frame.params.max() < sizes[-1] / 1.01
    assert "left out because the best there is the smallest or largest" in repr(envelope)


def test_finished_runs_of_several_lengths_make_a_curve_a_size():
    runs = logs(rows=8, sizes=15).drop(columns="run")
    told = fit_envelope(runs, draws=40)
    assert told.unit == "size"
    assert told.n_units == len(runs)
    assert told.exponent.estimate == pytest.approx(EXPONENT, abs=0.06)
    assert repr(told).startswith("On the envelope the best number of parameters grows as flops^0.")


def test_sizes_too_few_for_one_between_others_give_no_exponent():
    runs = logs(sizes=3)
    told = fit_envelope(runs, draws=20)
    assert np.isnan(told.exponent.estimate)
    assert repr(told).startswith("No exponent from the envelope: 0 sizes are best somewhere")


def test_approaches_that_see_the_same_surface_agree(compared):
    assert compared.agree
    assert list(compared.exponents.index) == ["isoFLOP, akima", "isoFLOP, parabola", "law, chinchilla"]
    assert compared.exponents.params.to_numpy() == pytest.approx(EXPONENT, abs=0.06)
    assert "envelope" in compared.left_out
    assert repr(compared).startswith("3 approaches agree within their intervals")
    assert compared.frame.flops.unique() == pytest.approx([BUDGETS[-1], 10 * BUDGETS[-1]])
    assert (compared.frame.tokens_per_param * compared.frame.params).to_numpy() == pytest.approx(compared.frame.tokens)


def test_the_law_is_asked_for_its_closed_form(compared):
    row = compared.frame[compared.frame.approach == "law, chinchilla"].iloc[0]
    fit = compared.fit
    assert row.params == pytest.approx(fit.derive("params_optimal", at={"flops": row.flops}).estimate[0], rel=1e-9)
    exponent = compared.exponents.loc["law, chinchilla"]
    assert exponent.params == pytest.approx(fit.derive("params_exponent").estimate[0], rel=1e-9)


def test_compute_that_is_not_six_n_d_is_taken_as_the_table_counts_it():
    runs = isoflop_runs(noise=0.001)
    runs["flops"] = runs.flop_budget = 1.7 * runs.flop_budget
    told = compare_approaches(runs, draws=40, rng=0)
    assert told.agree
    row = told.frame[told.frame.approach == "law, chinchilla"].iloc[0]
    assert row.params == pytest.approx(float(best_size(row.flops / 1.7)), rel=0.1)
    assert any("compute as the table counts it" in note for note in told.notes)


def test_the_bias_of_parabolas_off_centre_is_found_and_akima_has_none():
    """Fixed sizes for all budgets: the window lies too high for small budgets and too low for large ones."""
    truth = dict(LAW.published["hoffmann2022"].values)
    params = np.geomspace(1e8, 1e10, 9)
    runs = pd.concat(
        [pd.DataFrame({"flop_budget": c, "params": params, "tokens": c / 6 / params}) for c in (3e19, 3e20, 3e21)]
    )
    runs["loss"] = LAW(truth, runs)
    exact = sf.fit(runs, "chinchilla")
    told = compare_approaches(runs, exact, draws=40)
    optimum = LAW.derived["params_optimal"](truth, {"flops": told.bias.flops.to_numpy()})
    assert told.bias.params.to_numpy() == pytest.approx(optimum, rel=1e-3)
    assert told.bias.akima.to_numpy() == pytest.approx(1, abs=0.02)
    assert (told.bias.parabola - 1).abs().max() > 0.05
    assert abs(told.exponent_bias["parabola"]) > 5 * abs(told.exponent_bias["akima"])
    plain = isoflop(runs, method="parabola", noise=0.001, draws=20).frame
    assert told.bias.parabola.to_numpy() == pytest.approx(plain.params.to_numpy() / optimum, rel=1e-3)
    assert "parabola alone puts the best size up to 5 % too low and moves its exponent by -0.016" in repr(told)


def test_approaches_that_disagree_say_so_and_where():
    runs = isoflop_runs(noise=0.001)
    wrong = sf.fit(runs.assign(loss=runs.loss + 0.1 * np.log(runs.params / 1e8)), "chinchilla").bootstrap(40, rng=0)
    told = compare_approaches(runs, wrong, draws=40, rng=0)
    assert not told.agree
    assert repr(told).startswith("THE APPROACHES DISAGREE in ")
    assert any("isoFLOP, parabola says" in one and "law, chinchilla" in one for one in told.disagreements)


def test_logs_are_sliced_at_budgets_for_the_second_approach():
    frame = logs(sizes=15)
    ends = frame.groupby("run").tokens.transform("max") * np.where(frame.params.rank(method="dense") % 2, 1, 0.3)
    told = compare_approaches(frame[frame.tokens <= ends], budget=[1e20, 1e21, 1e22], draws=40, rng=0)
    assert len(told.approaches) == 4
    assert told.isoflops["akima"].frame.flops.tolist() == [1e20, 1e21, 1e22]
    assert told.fit.n_runs == 15
    assert any("last row of each run" in note for note in told.notes)


def test_a_law_that_the_runs_cannot_identify_is_left_out():
    told = compare_approaches(logs(), budget=[1e20, 1e21, 1e22], draws=40, rng=0)  # all end at one ratio
    assert "law, chinchilla" not in told.approaches
    assert "NOT IDENTIFIED" in told.left_out["law, chinchilla"].upper()
    assert told.bias.empty
    assert "law, chinchilla left out" in repr(told)


def test_runs_that_suit_no_approach_are_an_error():
    runs = sf.grid(params=np.geomspace(1e8, 1e9, 6)).assign(tokens=lambda rows: 20 * rows.params)
    runs["loss"] = LAW(TRUTH, runs)
    with pytest.raises(sf.DataError, match="no approach suits these runs"):
        compare_approaches(runs, draws=20, rng=0)


def hollow(ax):
    """Points without a face."""
    marks = [line for line in ax.lines if line.get_marker() not in ("None", "", None)]
    return [line for line in marks if str(line.get_markerfacecolor()) == "none"]


def test_pictures_show_vertices_refused_budgets_and_every_approach(compared):
    runs = pd.concat([isoflop_runs(noise=0.002), isoflop_runs(low=1.3, high=20, budgets=[4e21])])
    told = isoflop(runs, draws=50)
    ax = plt.figure().add_subplot()
    assert told.plot(ax=ax) is ax
    assert ax.get_xscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("parameters N", "loss (nats per token)")
    assert "4e21 FLOP, refused" in [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(hollow(ax)) == 1
    ax = plt.figure().add_subplot()
    told.plot(kind="params", ax=ax)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    (refused,) = hollow(ax)
    assert refused.get_xdata().tolist() == [4e21]
    ax = plt.figure().add_subplot()
    assert told.plot(kind="tokens", ax=ax).get_ylabel() == "best number of training tokens"
    ax = plt.figure().add_subplot()
    compared.plot(ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(compared.approaches)
    plt.close("all")


def test_pictures_of_groups_and_envelopes_are_drawn(envelope):
    runs = pd.concat([isoflop_runs(noise=0.002, seed=k).assign(family=name) for k, name in enumerate("ab")])
    figure = isoflop(runs, by="family", draws=20).plot()
    assert [ax.get_title() for ax in figure.axes] == ["a", "b"]
    for kind in ("curves", "params", "tokens"):
        ax = plt.figure().add_subplot()
        assert envelope.plot(kind=kind, ax=ax) is ax
        assert ax.get_xlabel() == "training compute C (FLOP)"
    plt.close("all")


def test_answers_have_html(compared, envelope):
    for told in (compared, envelope, isoflop(isoflop_runs(), noise=0.002, draws=20)):
        assert "<strong>" in told._repr_html_().splitlines()[1]
