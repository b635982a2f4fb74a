"""The lowest point of each budget is where it is known to be, and edges are not taken for one."""

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import Akima1DInterpolator

from isoflop_designs import BUDGETS, EXPONENT, best_size, isoflop_runs
from scalefit.decisions.isoflop.analysis import isoflop
from scalefit.decisions.isoflop.vertices import find_vertices
from shared_data import shared

#: Parabola in log10 N through the runs of each budget: Beck et al. 2025 (arXiv:2510.02228), notebook
#: isoflop_ctx_plots.ipynb, cell 8, and the exponents of optimal_flop_param_token_tables.ipynb, cell 5.
PUBLISHED = {
    ("transformer", 2048): ([1.758161e8, 2.209757e8, 4.222195e8], [3.141170, 3.062585, 2.894061], 0.553549),
    ("transformer", 8192): (
        [1.438397e8, 1.904880e8, 3.614962e8, 7.180537e8],
        [3.240993, 3.134498, 2.959118, 2.776128],
        0.574909,
    ),
    ("transformer", 16384): ([1.248056e8, 1.608860e8, 3.090534e8], [3.322554, 3.208236, 3.008520], 0.569337),
    ("xlstm", 16384): ([2.136701e8, 2.877336e8, 5.305896e8], [3.126739, 3.030105, 2.862506], 0.566040),
}
#: The same vertices over tokens: exponents of D_opt.
PUBLISHED_TOKENS = {
    ("transformer", 2048): 0.422606,
    ("transformer", 8192): 0.424271,
    ("transformer", 16384): 0.432544,
    ("xlstm", 16384): 0.385230,
}


@pytest.fixture(scope="module")
def studied():
    runs = pd.read_csv(shared("xlstm_vs_llama/runs.csv"))
    return runs[(runs.in_paper_fit == 1) & (runs.experiment == "isoflop")]


@pytest.fixture(scope="module")
def parabolas(studied):
    return isoflop(studied, budget="flop_budget", method="parabola", by=["family", "context_length"], draws=100)


@pytest.mark.parametrize("group", PUBLISHED, ids=str)
def test_published_vertices_and_losses_come_out_in_all_digits(parabolas, group):
    params, losses, _ = PUBLISHED[group]
    frame = parabolas[group].frame
    assert frame.params.to_numpy() == pytest.approx(params, rel=7e-7)  # one unit of the last digit printed
    assert frame.loss.to_numpy() == pytest.approx(losses, abs=1.01e-6)


@pytest.mark.parametrize("group", PUBLISHED, ids=str)
def test_published_exponents_are_those_of_plain_lines_and_lie_in_our_intervals(parabolas, group):
    told = parabolas[group]
    published = PUBLISHED[group][2]
    assert told.growth.unweighted["params"] == pytest.approx(published, abs=1e-6)
    assert told.exponent.low < published < told.exponent.high


@pytest.mark.parametrize("group", PUBLISHED_TOKENS, ids=str)
def test_published_exponents_of_tokens_come_out_where_params_and_tokens_change_places(studied, group):
    family, context = group
    runs = studied[(studied.family == family) & (studied.context_length == context)]
    told = isoflop(runs, method="parabola", columns={"params": "tokens", "tokens": "params"}, draws=50)
    assert told.growth.unweighted["params"] == pytest.approx(PUBLISHED_TOKENS[group], abs=1e-6)


def test_without_noise_akima_finds_the_true_optimum():
    told = isoflop(isoflop_runs(), noise=0.001, draws=50)
    assert told.frame.params.to_numpy() == pytest.approx(best_size(np.array(BUDGETS)), rel=0.01)
    assert told.exponent.estimate == pytest.approx(EXPONENT, abs=0.002)
    assert told.tokens_exponent.estimate == pytest.approx(1 - EXPONENT, abs=0.002)
    assert (told.frame.params * told.frame.tokens * 6).to_numpy() == pytest.approx(told.frame.flops)


def test_the_akima_minimum_is_that_of_the_spline_on_a_grid_but_exact():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 3, 9))
    losses = np.exp(0.2 * (x[:, None] - 1.4) ** 2 + 0.05 * rng.standard_normal((9, 40)))
    found = find_vertices("akima", x, losses, np.ones(9))
    grid = np.linspace(x[0], x[-1], 20001)
    values = np.exp(Akima1DInterpolator(x, np.log(losses))(grid))
    assert (found.height <= values.min(axis=0) + 1e-12).all()
    assert found.height == pytest.approx(values.min(axis=0), abs=1e-6)
    assert found.place == pytest.approx(grid[values.argmin(axis=0)], abs=2e-3)


def test_a_parabola_is_found_exactly_whatever_its_width():
    x = np.log(np.array([1e7, 3e7, 5e7, 2e8, 9e8]))
    losses = 3 + 0.2 * (x - np.log(6e7)) ** 2
    found = find_vertices("parabola", x, losses[:, None], np.ones(5))
    assert np.exp(found.place[0]) == pytest.approx(6e7, rel=1e-9)
    assert found.height[0] == pytest.approx(3.0, rel=1e-12)


def test_seeds_of_one_size_weigh_a_parabola_as_rows_of_their_own():
    runs = isoflop_runs(noise=0.01)
    more = pd.concat([runs, runs.iloc[[2, 2, 9]].assign(loss=lambda rows: rows.loss + 0.02)])
    by_rows = isoflop(more, method="parabola", noise=0.01, draws=20).frame
    part = more[more.flop_budget == BUDGETS[0]]
    a, b, c = np.polyfit(np.log10(part.params), part.loss, 2)
    assert by_rows.params[0] == pytest.approx(10 ** (-b / 2 / a), rel=1e-6)
    assert by_rows.loss[0] == pytest.approx(c - b**2 / 4 / a, rel=1e-9)
    assert by_rows[["sizes", "runs"]].to_numpy()[:2].tolist() == [[7, 9], [7, 8]]


def test_seeds_of_one_size_are_averaged_for_akima():
    runs = isoflop_runs()
    twice = pd.concat([runs.assign(loss=runs.loss + 0.01), runs.assign(loss=runs.loss - 0.01)])
    once, both = (isoflop(one, noise=0.001, draws=20).frame for one in (runs, twice))
    assert both.params.to_numpy() == pytest.approx(once.params.to_numpy(), rel=1e-9)


@pytest.mark.parametrize("method", ["akima", "parabola"])
@pytest.mark.parametrize(("low", "high", "word"), [(1.3, 20, "smallest"), (0.05, 0.8, "largest")])
def test_a_budget_that_is_lowest_at_an_edge_is_refused_and_listed(method, low, high, word):
    runs = pd.concat([isoflop_runs(), isoflop_runs(low=low, high=high, budgets=[4e21])])
    told = isoflop(runs, method=method, noise=0.002, draws=50)
    assert told.frame.flops.tolist() == list(BUDGETS)
    assert told.refused.flops.tolist() == [4e21]
    assert word in told.refused.reason[0]
    assert f"4e21 FLOP refused: its lowest loss is its {word} of 7 sizes" in repr(told)
    assert "from 4 of 5 budgets" in repr(told).splitlines()[0]


def test_a_budget_whose_parabola_opens_downwards_is_refused():
    runs = isoflop_runs(sizes=5)
    odd = runs.flop_budget == BUDGETS[1]
    runs.loc[odd, "loss"] = [3.0, 2.99, 3.3, 3.4, 3.0]
    told = isoflop(runs, method="parabola", noise=0.005, draws=20)
    assert told.refused.flops.tolist() == [BUDGETS[1]]
    assert "no lowest point" in told.refused.reason[0]
    assert "method='akima'" in told.refused.reason[0]


def test_draws_that_are_lowest_at_an_edge_count_and_are_told():
    told = isoflop(isoflop_runs(low=0.7, high=1.4, noise=0.002, seed=3), noise=0.01, draws=200)
    assert (told.frame.edge > 0.05).any()
    assert "in many draws of the noise" in told.doubts[0]
    smallest = isoflop_runs(low=0.7).groupby("flop_budget").params.min()
    assert (told.draws.min() >= smallest[told.draws.columns] * (1 - 1e-12)).all()


def test_the_order_of_rows_and_their_index_do_not_matter():
    runs = isoflop_runs(noise=0.004)
    shuffled = runs.sample(frac=1, random_state=1).set_index(np.arange(len(runs)) + 100)
    pd.testing.assert_frame_equal(isoflop(runs, draws=50).frame, isoflop(shuffled, draws=50).frame)


def test_the_same_runs_give_the_same_draws_and_rng_others():
    runs = isoflop_runs(noise=0.004)
    first, again, other = isoflop(runs, draws=50), isoflop(runs, draws=50), isoflop(runs, draws=50, rng=1)
    pd.testing.assert_frame_equal(first.draws, again.draws)
    assert not np.allclose(first.draws, other.draws)
