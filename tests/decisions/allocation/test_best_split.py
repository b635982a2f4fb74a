"""The best size and tokens for a budget: every law of size and tokens, closed forms against the search."""

import numpy as np
import pytest

import scalefit as sf
from cases import CASES
from scalefit.decisions.frontier import SIZES, best_split, has_closed_form, plane_of
from scalefit.decisions.minimum import lowest
from scalefit.decisions.spending import Cost
from scalefit.laws import catalogue
from scalefit.quantities import better_of

SIX = Cost.of(None)
#: Six N D for all purposes, but not to the eye: the search is taken.
NEARLY = Cost.of(lambda params, tokens: 6 * params * tokens * (1 + 1e-11))
#: Laws of size and tokens that are monotone along a budget: what they predict is no loss of a trained model.
ONE_WAY = {"quantization_increase", "step_law_lr"}


def surfaces():
    """Name -> law of size and tokens."""
    for name, law in catalogue().items():
        taken = set(law.inputs)
        if law.derive is None and (
            {"flops", "tokens_per_param"} <= taken or ("tokens" in taken and taken & set(SIZES))
        ):
            yield name, law


class Ground:
    """One law at the parameters of its case, between and beyond the runs of its design."""

    def __init__(self, law):
        case, self.law = CASES[law.name], law
        table = case.design()
        moved = {*SIZES, "tokens", "flops", "tokens_per_param"}
        self.at = {name: float(table[name].median()) for name in law.inputs if name not in moved}
        self.theta = np.array([[case.true[name] for name in law.param_names]])
        self.plane = plane_of(law, self.at)
        N, D = self.plane.seen(tuple(table[name].to_numpy(float) for name in law.inputs))
        self.sizes = float(N.min()), float(N.max())
        self.served = float(np.exp(np.log(D).mean()))
        self.budgets = np.geomspace((6 * N * D).min(), 10 * (6 * N * D).max(), 4)
        if law.name == "data_constrained":
            self.budgets = self.budgets[:3]  # beyond, its data can use no more
        self.higher = better_of(law.output) == "high"

    def best(self, cost=SIX, budgets=None, theta=None):
        return best_split(
            self.law,
            self.theta if theta is None else theta,
            self.budgets if budgets is None else budgets,
            cost=cost,
            sizes=self.sizes,
            at=self.at,
            higher=self.higher,
        )

    def along(self, log_params, cost=SIX, budgets=None):
        """The law along budgets, the lower the better."""
        params = np.exp(log_params)
        tokens = cost.tokens_for(params, self.budgets if budgets is None else budgets)
        return (-1 if self.higher else 1) * self.plane.value(self.theta, params, tokens)


LAWS = [pytest.param(law, id=name) for name, law in surfaces() if name not in ONE_WAY]


def test_the_catalogue_has_twenty_surfaces_or_more():
    assert len(LAWS) >= 19


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("served", [False, True], ids=["six", "served"])
def test_at_the_best_split_of_every_law_the_slope_is_zero(law, served):
    ground = Ground(law)
    cost = Cost.of(f"6*params*tokens + 2*params*{ground.served!r}") if served else SIX
    best = ground.best(cost)
    assert (best.edge == 0).all()
    assert cost(best.params, best.tokens) == pytest.approx(np.broadcast_to(ground.budgets, best.params.shape), rel=1e-9)
    # The vertex of a parabola over a step that rounding does not blur.
    h, x = 1e-3, np.log(best.params)
    low, middle, high = (ground.along(x + step, cost) for step in (-h, 0, h))
    assert (middle < low).all()
    assert (middle < high).all()
    # On one pass the optimum of data_constrained lies where its slope jumps: known to the step.
    close = 5e-4 if law.name == "data_constrained" else 2e-5
    assert np.abs(0.5 * h * (low - high) / (low - 2 * middle + high)).max() < close


@pytest.mark.parametrize("law", [law for law in LAWS if has_closed_form(law.values[0], SIX)])
def test_closed_forms_and_the_search_agree_to_eight_digits(law):
    ground = Ground(law)
    closed, searched = ground.best(), ground.best(NEARLY)
    assert searched.params == pytest.approx(closed.params, rel=1e-8)
    assert searched.tokens == pytest.approx(closed.tokens, rel=1e-8)
    assert searched.loss == pytest.approx(closed.loss, rel=1e-10)


@pytest.mark.parametrize("name", sorted(ONE_WAY))
def test_a_law_that_goes_one_way_along_a_budget_has_no_best_split_and_says_which_way(name):
    best = Ground(catalogue()[name]).best()
    assert np.isnan(best.params).all()
    assert (best.edge == 1).all()


@pytest.mark.parametrize("cost", [NEARLY, Cost.of(lambda n, d: 6 * n * d**1.05 + 1e9 * n)], ids=["even", "bent"])
def test_each_draw_has_the_optimum_that_it_has_alone(cost):
    ground = Ground(sf.get_law("kaplan_nd"))
    theta = ground.theta * np.random.default_rng(0).uniform(0.97, 1.03, (30, ground.theta.shape[1]))
    budgets = np.exp(np.random.default_rng(1).uniform(45, 50, (30, 2)))
    together = ground.best(cost, budgets, theta)
    for k in range(30):
        alone = ground.best(cost, budgets[k], theta[k : k + 1])
        assert together.params[k] == pytest.approx(alone.params[0], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "constants", "flops"), [("farseer", "li2025", 1e22), ("farseer", "li2025_rounded", 1e22)]
)
def test_far_from_the_data_a_law_may_do_as_it_pleases(name, constants, flops):
    # At 1e16 parameters and almost no data Farseer's constants give a lower loss still: that is not where to train.
    law = sf.get_law(name)
    theta = np.array([[law.published[constants].values[p] for p in law.param_names]])
    best = best_split(law, theta, np.array([flops]), cost=SIX, sizes=(1e8, 6e9))
    assert (best.edge == 0).all()
    assert 1e9 < best.params[0, 0] < 1e11
    assert law.value(theta, (np.array([1e16]), np.array([flops / 6e16])))[0, 0] < best.loss[0, 0]


@pytest.mark.parametrize(
    ("change", "edge"),
    [({"A": 0.0}, -1), ({"B": 0.0}, 1), ({"alpha": 0.0}, -1), ({"beta": 0.0}, 1), ({"alpha": np.nan}, 2)],
)
def test_a_term_that_is_gone_leaves_no_best_split_in_closed_form_or_by_search(change, edge):
    law = sf.get_law("chinchilla")
    values = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37} | change
    theta = np.array([[values[name] for name in law.param_names]])
    for cost in (SIX, NEARLY):
        best = best_split(law, theta, np.array([1e21]), cost=cost, sizes=(1e8, 1e10))
        assert np.isnan([best.params, best.tokens, best.loss]).all()
        assert best.edge.tolist() == [[edge]]


def test_where_repeated_data_can_use_no_more_compute_no_size_is_best():
    law = sf.get_law("data_constrained")
    values = law.published["muennighoff2023"].values
    theta = np.array([[values[name] for name in law.param_names]])
    sizes, at = (1e8, 1e10), {"unique_tokens": 1e9}
    best = best_split(law, theta, np.array([1e20, 1e26]), cost=SIX, sizes=sizes, at=at)
    assert best.edge.tolist() == [[0, 3]]
    assert np.isnan(best.params[0, 1])


def test_an_optimum_far_above_the_sizes_seen_is_found():
    law = sf.get_law("chinchilla")
    theta = np.array([[CASES["chinchilla"].true[name] for name in law.param_names]])
    budget = np.array([1e33])
    closed = best_split(law, theta, budget, cost=SIX, sizes=(1e5, 1e6))
    searched = best_split(law, theta, budget, cost=NEARLY, sizes=(1e5, 1e6))
    assert closed.params[0, 0] > 1e5 * 1e6
    assert searched.params == pytest.approx(closed.params, rel=1e-7)


def test_a_law_of_something_else_has_no_split():
    with pytest.raises(sf.FitError, match="parscale takes params and streams"):
        plane_of(sf.get_law("parscale"), {})
    with pytest.raises(sf.FitError, match=r"also takes unique_tokens: give at=\{'unique_tokens': …\}"):
        plane_of(sf.get_law("data_constrained"), {})


def test_of_two_valleys_the_one_near_the_data_counts_though_the_other_is_deeper():
    grid = np.linspace(-10, 10, 81)

    def two(x, rows):
        return np.minimum((x + 7) ** 2 - 5, (x - 2.1) ** 2)

    found = lowest(two, grid, shape=(1, 1), near=(1.0, 3.0))
    assert found.place[0, 0] == pytest.approx(2.1, abs=1e-9)
    assert lowest(two, grid, shape=(1, 1), near=(-8.0, 3.0)).place[0, 0] == pytest.approx(-7, abs=1e-9)


def test_the_end_of_what_can_be_had_is_no_valley():
    grid = np.linspace(-10, 10, 81)
    wall = lowest(lambda x, rows: np.where(x < 1.03, -x, np.nan), grid, shape=(1, 1), near=(0.0, 1.0))
    assert np.isnan(wall.place).all()
    assert wall.edge.tolist() == [[1]]
    nothing = lowest(lambda x, rows: np.full_like(x, np.nan), grid, shape=(1, 1), near=(0.0, 1.0))
    assert nothing.edge.tolist() == [[2]]
    falling = lowest(lambda x, rows: x, grid, shape=(1, 1), near=(0.0, 1.0))
    assert falling.edge.tolist() == [[-1]]
