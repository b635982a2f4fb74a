"""Draws of a law however few its runs are, against what is known in closed form."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.planning import beliefs
from scalefit.decisions.planning.beliefs import Places, believe, kernel, make_luck
from scalefit.decisions.planning.prior import make_prior

LAW = sf.get_law("chinchilla")


def places_of(frame: pd.DataFrame, law: sf.Law = LAW, group: int = 0) -> Places:
    return Places(tuple(frame[name].to_numpy(float) for name in law.inputs), np.full(len(frame), group))


def belief_of(n: int, *, noise: float | None = 0.005, seed: int = 0, draws: int = 200):
    """What is believed of chinchilla after n of its runs; the last place is far beyond them."""
    design = sf.grid(params=[1e7, 1e8, 1e9], tokens=[1e9, 1e10, 1e11])
    runs = sf.simulate_runs(LAW, "besiroglu2024", design, noise=0.005, rng=seed).iloc[:n]
    far = sf.grid(params=[1e10], tokens=[1e12])
    places = places_of(pd.concat([runs[["params", "tokens"]], far]))
    y = np.log(runs["loss"].to_numpy(float))
    levels = np.array([runs["loss"].min() if n else 3.0])
    prior = make_prior(LAW, {}, levels, places.inputs)
    luck = make_luck(draws, 1, prior.size, len(places), n, np.random.default_rng(seed))
    return believe(prior, places, y, luck, noise), y, float(np.log(LAW(LAW.published["besiroglu2024"].values, far)[0]))


@pytest.mark.parametrize(
    "name", ["chinchilla", "gen_ces", "kaplan_nd", "data_constrained", "moe_clark", "moe_clark_floor", "parscale", "m3",
             "m4", "bnsl", "power_shift_offset"]
)  # fmt: skip
def test_before_any_run_every_documented_law_gives_losses_of_a_usual_size(name):
    from scalefit.typical import typical_runs

    law = sf.get_law(name)
    frame = typical_runs(law)
    prior = make_prior(law, {}, np.array([3.0]), places_of(frame, law).inputs)
    values = prior.values(np.random.default_rng(0).standard_normal((300, prior.size)), places_of(frame, law).inputs)
    assert np.isfinite(values).all()
    middle = np.median(values)
    assert np.log(0.3) < middle < np.log(60)


def test_theta_of_a_prior_stays_within_the_bounds_of_the_law():
    for name in ("chinchilla", "data_constrained", "moe_clark_saturated_floor"):
        law = sf.get_law(name)
        from scalefit.typical import typical_runs

        prior = make_prior(law, {}, np.array([2.0]), places_of(typical_runs(law), law).inputs)
        theta = prior.theta(3 * np.random.default_rng(1).standard_normal((200, prior.size)))
        for j, param in enumerate(law.params):
            assert (theta[:, j] >= param.lower).all()
            assert (theta[:, j] <= param.upper).all()


def test_what_is_held_is_held():
    prior = make_prior(LAW, {"E": 0.0}, np.array([2.0]), (np.array([1e8, 1e9]), np.array([1e10, 1e11])))
    assert prior.size == 4
    assert (prior.theta(np.zeros((3, 4)))[:, 0] == 0).all()


def test_more_runs_make_the_far_point_more_certain():
    spreads = [float(np.std(belief_of(n)[0].values[:, -1])) for n in (0, 2, 5, 9)]
    assert spreads[0] > spreads[1] > spreads[2] > spreads[3]
    assert spreads[3] < 0.1 * spreads[0]


def test_the_truth_lies_among_the_draws():
    for seed in range(3):
        told, _, truth = belief_of(9, seed=seed)
        low, high = np.quantile(told.values[:, -1], [0.005, 0.995])
        assert low < truth < high


def test_draws_pass_near_the_runs_that_are_known():
    told, y, _ = belief_of(9)
    away = told.values[:, :9] - y
    assert np.sqrt(np.mean(away**2)) < 3 * 0.005


def test_the_scatter_is_found_from_the_runs():
    runs = sf.simulate_runs(
        LAW,
        "besiroglu2024",
        sf.grid(params=np.geomspace(1e7, 1e9, 8), tokens=np.geomspace(1e9, 1e11, 8)),
        noise=0.03,
        rng=3,
    )
    places = places_of(runs)
    prior = make_prior(LAW, {}, np.array([runs.loss.min()]), places.inputs)
    luck = make_luck(20, 1, prior.size, len(places), len(runs), np.random.default_rng(0))
    told = believe(prior, places, np.log(runs.loss.to_numpy()), luck, None)
    assert told.noise == pytest.approx(0.03, rel=0.3)


def test_draws_of_a_linear_problem_have_the_variance_of_the_textbook(monkeypatch):
    """A law that is linear in its numbers on the log scale: a power law whose exponent is held."""
    monkeypatch.setattr(beliefs, "MISS", 1e-9)
    law = sf.get_law("power")
    x = np.array([1.0, 2.0, 4.0])
    places = Places((x,), np.zeros(3, int))
    y, noise = np.log(3.0 / x**0.5), 0.1
    prior = make_prior(law, {"alpha": 0.5}, np.array([1.5]), places.inputs)
    luck = make_luck(4000, 1, 1, 3, 3, np.random.default_rng(0))
    told = believe(prior, places, y, luck, noise)
    expected = 1 / (1 / prior.spread[0] ** 2 + 1.0 / (noise**2 / 3))
    # Outcomes that lie on the law count a little more than the noise says: the tails of Student's law.
    assert expected * 0.6 < np.var(told.values[:, 0]) < expected * 1.2


def test_what_a_law_misses_is_alike_nearby_and_strange_far_away_and_in_another_family():
    places = Places((np.array([1e8, 1.2e8, 1e12, 1e8]),), np.array([0, 0, 0, 1]))
    K = kernel(places)
    assert K[0, 1] > 0.95
    assert K[0, 2] < 1e-3
    assert K[0, 3] == 0


def test_families_lend_each_other_what_they_know():
    """Of the second family nothing is known but that it is alike."""
    design = sf.grid(params=[1e7, 1e8, 1e9], tokens=[1e9, 1e10, 1e11])
    runs = sf.simulate_runs(LAW, "besiroglu2024", design, noise=0.005, rng=0)
    both = Places(
        tuple(
            np.concatenate([runs[name], [1e9]]) if name == "params" else np.concatenate([runs[name], [1e11]])
            for name in LAW.inputs
        ),
        np.concatenate([np.zeros(9, int), [1]]),
    )
    prior = make_prior(LAW, {}, np.full(2, runs.loss.min()), both.inputs)
    luck = make_luck(300, 2, prior.size, 10, 9, np.random.default_rng(0))
    after = believe(prior, both, np.log(runs.loss.to_numpy()), luck, 0.005)
    before = believe(prior, both, np.empty(0), make_luck(300, 2, prior.size, 10, 0, np.random.default_rng(0)), 0.005)
    assert np.std(after.values[:, -1]) < 0.8 * np.std(before.values[:, -1])
