"""Partners among runs of families, and resamples that draw them together."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from comparison_designs import family
from scalefit.decisions.comparison.compare import compare
from scalefit.decisions.comparison.drawing import draws_together
from scalefit.decisions.comparison.matching import match_families, matched_plan


def twins(**other):
    """Two families of equal sizes and tokens, whose runs share a deviation: as with one seed and one order of data."""
    rng = np.random.default_rng(0)
    a, b = family("a", noise=0.0, seed=9), family("b", noise=0.0, seed=9, times=1.1)
    shared = np.exp(rng.normal(0, 0.02, len(a)))
    own = rng.normal(0, 0.001, (2, len(a)))
    return a.assign(loss=a["loss"] * shared * np.exp(own[0])), b.assign(loss=b["loss"] * shared * np.exp(own[1]))


def fitted(*parts):
    return {part["family"].iloc[0]: sf.fit(part, "chinchilla") for part in parts}


def matching_of(*parts, paired=None):
    return match_families(fitted(*parts), {part["family"].iloc[0]: part for part in parts}, paired)


def test_runs_of_equal_size_tokens_and_seed_are_partners():
    a, b = twins()
    b = b.sample(frac=1, random_state=0).set_index(np.arange(100, 100 + len(b)))
    found = matching_of(a.assign(seed=0), b.assign(seed=0))
    assert found.order is not None
    assert found.text.endswith("match in params, tokens and seed")
    np.testing.assert_array_equal(b["params"].to_numpy(), a["params"].to_numpy()[found.order["b"]])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda b: b.assign(seed=1), "70 runs of a and b have no partner of equal params, tokens and seed"),
        (lambda b: b.iloc[1:], "1 runs of a and b have no partner"),
        (
            lambda b: pd.concat([b, b.iloc[:1].rename({0: 99})]),
            "several runs of b are alike in params, tokens and seed",
        ),
    ],
)
def test_where_one_run_has_no_partner_families_are_drawn_independently(change, why):
    a, b = (part.assign(seed=0) for part in twins())
    found = matching_of(a, change(b))
    assert found.order is None
    assert why in found.text
    with pytest.raises(sf.FitError, match="Give each run and its partner a common name in a column 'pair'"):
        matching_of(a, change(b), paired=True)


def test_a_column_pair_says_who_belongs_together_whatever_the_sizes():
    a, b = twins()
    b = b.assign(params=b["params"] * 1.3, pair=np.arange(len(b))[::-1])
    found = matching_of(a.assign(pair=np.arange(len(a))), b)
    assert found.text.endswith("match in pair")
    np.testing.assert_array_equal(found.order["b"], np.arange(len(b))[::-1])


def test_a_column_that_is_named_pairs_runs():
    a, b = twins()
    found = matching_of(a.assign(data=np.arange(len(a))), b.assign(data=np.arange(len(b)), params=b.params * 2),
                        paired="data")  # fmt: skip
    assert found.order is not None


def test_partners_stand_in_each_resample_as_often_as_one_another():
    a, b = twins()
    b = b.set_index(np.arange(100, 100 + len(b)))
    fits = fitted(a, b)
    plan = matched_plan(fits, match_families(fits, {"a": a, "b": b}, None), 50, np.random.default_rng(0))
    counts = {name: plan.counts[:, plan.places_of(fit.unit_names)] for name, fit in fits.items()}
    np.testing.assert_array_equal(counts["a"], counts["b"])
    assert (counts["a"].sum(axis=1) == len(a)).all()
    assert len(np.unique(counts["a"], axis=0)) == 50


def test_whole_runs_of_checkpoints_are_partners():
    a, b = twins()
    a, b = (part.assign(run=[f"{part['family'].iloc[0]}{k // 5}" for k in range(len(part))]) for part in (a, b))
    a, b = a.assign(seed=0), b.assign(seed=0)
    found = matching_of(a, b.set_index(b.index + 100))
    assert found.order is not None
    assert found.text.startswith("resamples draw partners together: 7 runs of each family")
    told = compare(pd.concat([a, b], ignore_index=True), law="chinchilla", draws=40, rng=0, points=10)
    assert told.fits["a"].plan.token == told.fits["b"].plan.token
    assert told.fits["a"].plan.counts.shape == (40, 14)


def test_pairs_make_the_interval_of_the_ratio_narrower_where_deviations_are_shared():
    runs = pd.concat(twins(), ignore_index=True)
    asked = {"law": "chinchilla", "draws": 200, "rng": 0, "points": 10}
    paired, alone = compare(runs, **asked), compare(runs, paired=False, **asked)
    assert "partners together" in paired.pairing
    assert "as asked" in alone.pairing

    def width(told):
        inside = told.differences[told.differences["joint_low"].notna()]
        return float((inside["ratio_high"] - inside["ratio_low"]).median())

    assert width(paired) < 0.5 * width(alone)


def test_pairs_also_hold_where_parameters_are_shared():
    runs = pd.concat(twins(), ignore_index=True)
    told = compare(runs, law="chinchilla", share=["E"], draws=40, rng=0, points=10)
    assert told.pairing.endswith("match in params and tokens; E equal for all")
    plan = told.fits["a"].plan
    half = plan.counts.shape[1] // 2
    np.testing.assert_array_equal(plan.counts[:, :half], plan.counts[:, half:])


def test_draws_that_failed_in_one_family_are_left_out_of_all():
    a, b = twins()
    fits = fitted(a, b.set_index(b.index + 100))
    plan = matched_plan(fits, match_families(fits, {"a": a, "b": b}, None), 30, np.random.default_rng(0))
    drawn = {name: fit.bootstrap(plan=plan) for name, fit in fits.items()}
    object.__setattr__(drawn["a"], "draws", drawn["a"].draws.drop(index=[3, 7]))
    together = draws_together(drawn)
    assert len(together["a"]) == len(together["b"]) == 28
    np.testing.assert_array_equal(together["b"], drawn["b"].draws.drop(index=[3, 7]).to_numpy())


def test_fits_to_the_same_data_without_draws_are_independent():
    a, _ = twins()
    fit = sf.fit(a, "chinchilla")
    one, two = draws_together({"one": fit, "two": fit}).values()
    assert abs(np.corrcoef(one[:, 2], two[:, 2])[0, 1]) < 0.15


def test_members_of_one_joint_fit_belong_together_even_without_a_bootstrap():
    runs = pd.concat(twins(), ignore_index=True)
    joint = sf.fit_families(runs, "chinchilla", share=["E"])
    one, two = draws_together(joint.fits).values()
    np.testing.assert_array_equal(one[:, 0], two[:, 0])


def test_few_runs_of_many_checkpoints_are_not_paired():
    a, b = twins()
    a, b = (part.assign(run=[f"{part['family'].iloc[0]}{k // 12}" for k in range(len(part))]) for part in (a, b))
    found = matching_of(a, b)
    assert found.order is None
    assert "fewer than six runs" in found.text


def test_of_few_runs_equal_inputs_alone_make_no_pairs():
    a, b = (part.iloc[:10] for part in twins())
    found = matching_of(a, b)
    assert found.order is None
    assert "10 runs match in params and tokens alone: paired=True if each has a partner" in found.text
    for said in (
        {"a": a.assign(seed=0), "b": b.assign(seed=0)},
        {"a": a.assign(pair=range(10)), "b": b.assign(pair=range(10))},
    ):
        assert match_families(fitted(*said.values()), said, None).order is not None
    assert matching_of(a, b, paired=True).order is not None
