"""Laws compared by what they predict, on ladders whose law is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scalefit as sf

LAWS = ["power", "power_offset", "chinchilla"]


@pytest.fixture(scope="module")
def runs():
    """Thirty-six runs of chinchilla with a little noise."""
    table = sf.grid(params=np.geomspace(1e7, 1e9, 6), tokens=np.geomspace(1e9, 1e11, 6))
    law = sf.get_law("chinchilla")
    loss = law({"E": 1.7, "A": 400.0, "alpha": 0.35, "B": 2000.0, "beta": 0.37}, table)
    return table.assign(loss=loss * np.exp(0.003 * np.random.default_rng(0).standard_normal(len(table))))


@pytest.fixture(scope="module")
def compared(runs):
    return sf.compare_laws(runs, LAWS, rng=0, draws=20)


@pytest.fixture(scope="module")
def few():
    """Ten runs of chinchilla: too few for its five parameters below the lowest cuts."""
    table = sf.grid(params=np.geomspace(1e7, 1e9, 4), tokens=np.geomspace(1e9, 3e11, 4))
    table = table.iloc[[0, 1, 3, 4, 6, 9, 11, 12, 14, 15]]
    loss = 1.7 + 400 / table.params**0.35 + 2000 / table.tokens**0.37
    return table.assign(loss=loss * np.exp(0.001 * np.random.default_rng(1).standard_normal(len(table))))


def curve(n=12, floor=1.7, seed=3):
    """Runs along compute."""
    flops = np.geomspace(1e18, 1e22, n)
    noise = np.random.default_rng(seed).standard_normal(n)
    return pd.DataFrame({"flops": flops, "loss": (floor + 2e4 * flops**-0.2) * np.exp(0.002 * noise)})


def test_the_law_that_made_the_runs_is_best(compared):
    assert compared.best == "chinchilla"
    assert compared.frame.law.iloc[0] == "chinchilla"
    assert compared.frame.error.is_monotonic_increasing


def test_every_law_that_can_be_is_judged_at_every_cut(compared):
    assert (compared.frame.n_cuts == 3).all()  # two of the four cuts split the grid alike
    assert (compared.frame.n_points == compared.points.groupby("law").size()[compared.frame.law].to_numpy()).all()
    errors = [test.summary.error.mean() for test in (compared.backtests[law] for law in compared.frame.law)]
    assert compared.frame.error.tolist() == pytest.approx(errors)


def test_held_out_error_comes_before_the_fit_to_what_is_known():
    """A polynomial in the log of compute fits the known points closely and extrapolates badly."""
    wiggly = sf.formula_law("c0 + c1*log(x/1e19) + c2*log(x/1e19)**2 + c3*log(x/1e19)**3", inputs=["x"], output="loss")
    told = sf.compare_laws(curve(), [wiggly, "power_offset"], cuts=(0.6, 0.7), rng=0, draws=10)
    by_law = told.frame.set_index("law")
    assert by_law.rms[wiggly.name] < by_law.rms["power_offset"]
    assert told.best == "power_offset"


def test_a_law_of_many_parameters_takes_no_cut_from_the_others(few):
    """Below the lowest cut there are four rows for its five parameters; the others are judged there all the same."""
    cuts = (0.4, 0.6, 0.7)
    told = sf.compare_laws(few, ["power", "power_offset", "chinchilla"], cuts=cuts, rng=0, draws=2)
    by_law = told.frame.set_index("law")
    assert told.best == "chinchilla"
    assert by_law.n_cuts.to_dict() == {"power": 3, "power_offset": 3, "chinchilla": 2}
    for law in ("power", "power_offset"):
        assert by_law.error[law] == pytest.approx(told.backtests[law].summary.error.mean())
    assert any(
        note.startswith("chinchilla was not judged at cut 0.4: chinchilla has 5 free par") for note in told.notes
    )
    assert "≈" in repr(told)


def test_a_law_judged_at_fewer_than_half_of_the_cuts_comes_last_and_says_so(few):
    told = sf.compare_laws(few, ["power", "chinchilla"], cuts=(0.3, 0.4, 0.7), rng=0, draws=2)
    assert told.frame.law.tolist() == ["power", "chinchilla"]
    assert told.frame.error[1] < told.frame.error[0]
    assert told.frame.doubt.tolist() == ["", "judged at 1 of 3 cuts"]
    assert "chinchilla is doubtful: judged at 1 of 3 cuts" in repr(told)


def test_a_law_that_all_runs_do_not_identify_comes_last_whatever_its_error():
    """The last runs are far above the others: the best falling curve through all of them does not fall."""
    risen = curve(10)
    risen.loc[8:, "loss"] = 30.0
    level = sf.formula_law("c0 - 0*x", inputs=["x"], output="loss")
    told = sf.compare_laws(risen, ["power_offset", level], objective=sf.Square(), cuts=(0.6, 0.7), rng=0, draws=20)
    assert told.frame.law.tolist() == ["formula", "power_offset"]
    assert told.frame.doubt.tolist() == ["", "not identified on all runs"]
    assert repr(told).startswith("formula is first because every other law is doubtful")
    assert "power_offset is doubtful: not identified on all runs" in repr(told)
    alone = sf.compare_laws(risen, ["power_offset"], objective=sf.Square(), cuts=(0.6, 0.7), rng=0, draws=20)
    assert "the only law that could be judged. It is doubtful: not identified on all runs." in repr(alone)


def test_where_every_law_is_doubtful_the_first_line_says_not_to_believe(compared):
    doubtful = replace(compared, frame=compared.frame.assign(doubt="not converged on all runs"))
    assert repr(doubtful).startswith("Do not believe this ranking: every law is doubtful; chinchilla is not converged")
    assert not doubtful.clear


def test_a_law_that_cannot_be_resampled_is_judged_without_intervals(few):
    """Below the lower cut power_offset goes through all of three rows, so no resample says anything."""
    told = sf.compare_laws(few, ["power", "power_offset"], cuts=(0.3, 0.7), rng=0, draws=5)
    assert told.frame.set_index("law").n_cuts["power_offset"] == 2
    mine = told.points[told.points.law == "power_offset"]
    assert mine[mine.cut == 0.3][["low", "high"]].isna().all(axis=None)
    assert mine[["estimate", "observed"]].notna().all(axis=None)
    assert mine[mine.cut == 0.7][["low", "high"]].notna().all(axis=None)
    assert list(told.backtests["power_offset"].fits) == [0.7]
    assert told.frame.set_index("law").coverage["power_offset"] == told.backtests["power_offset"].summary.coverage[0]
    assert "power_offset has no intervals at cut 0.3: power_offset has 3 free parameters and 3 rows" in repr(told)


def test_a_law_with_a_parameter_that_is_not_needed_is_not_told_apart():
    told = sf.compare_laws(curve(floor=0.0), ["power", "power_offset"], rng=0, draws=50)
    assert not told.clear
    assert repr(told).startswith("The lead is within the noise: ")
    assert "so either may be the better law" in repr(told)


def test_a_lead_far_larger_than_the_noise_is_called_so():
    told = sf.compare_laws(curve(16), ["power", "power_offset"], rng=0, draws=30)
    assert told.best == "power_offset"
    assert told.clear
    assert told.frame.behind[1] > 0.95
    assert repr(told).startswith("The first place can be believed: power_offset predicts better than each other law")
    assert "<strong>The first place can be believed: power_offset" in told._repr_html_()


def test_few_held_out_runs_cannot_tell_a_lead_from_noise():
    told = sf.compare_laws(curve(), ["power", "power_offset"], cuts=(0.7,), rng=0, draws=30)
    assert told.n_held_out == 4
    assert told.frame.behind.isna().all()
    assert repr(told).startswith("Do not rely on the order: 4 held-out runs cannot tell a lead from noise.")


def test_few_resamples_leave_the_noise_unknown(runs):
    told = sf.compare_laws(runs, ["power_offset", "chinchilla"], rng=0, draws=5)
    assert not told.clear
    assert repr(told).startswith("Do not rely on the order: the noise of the lead over power_offset is not known")


def test_checkpoints_of_one_run_are_drawn_together(runs):
    """Ten copies of each run are no more evidence than one: each counts as a run, not as ten rows."""
    copies = pd.concat([runs.assign(run=[f"r{i}" for i in range(len(runs))])] * 3, ignore_index=True)
    told = sf.compare_laws(copies, ["power_offset", "chinchilla"], cuts=(0.7,), rng=0, draws=20)
    assert told.n_held_out == told.points["run"].nunique()
    assert told.n_held_out < told.frame.n_points[0] / 2


def test_parameters_are_fixed_and_tied_law_by_law(runs):
    told = sf.compare_laws(
        runs, LAWS, fixed={"chinchilla": {"E": 1.7}}, tie={"chinchilla": {"beta": "alpha"}}, cuts=(0.7,), rng=0, draws=5
    )
    assert told.fits["chinchilla"].estimates["E"] == 1.7
    below = told.backtests["chinchilla"].fits[0.7].estimates
    assert below["E"] == 1.7
    assert below["beta"] == below["alpha"]
    assert told.frame.set_index("law").n_params.to_dict() == {"chinchilla": 3, "power_offset": 3, "power": 2}


def test_what_is_fixed_of_a_law_that_is_not_compared_is_an_error(runs):
    with pytest.raises(sf.FitError, match=r"fixed: a law that is compared must be one of .*Did you mean 'chinchilla'"):
        sf.compare_laws(runs, LAWS, fixed={"chinchila": {"E": 1.7}})
    with pytest.raises(sf.FitError, match=r"tie: a parameter of chinchilla must be one of .* got 'gamma'"):
        sf.compare_laws(runs, LAWS, tie={"chinchilla": {"gamma": "alpha"}})
    with pytest.raises(sf.FitError, match=r"fixed is law -> parameter -> what to take; 'chinchilla' has 1\.7"):
        sf.compare_laws(runs, LAWS, fixed={"chinchilla": 1.7})


def test_formulas_go_by_their_text_where_there_are_two():
    a, b = (sf.formula_law(text, inputs=["x"], output="loss") for text in ("a + b*x**-0.2", "a - b*log(x)"))
    told = sf.compare_laws(curve(), [a, b], cuts=(0.6,), rng=0, draws=5)
    assert set(told.frame.law) == {"a + b*x**-0.2", "a - b*log(x)"}
    with pytest.raises(sf.FitError, match="laws holds power more than once"):
        sf.compare_laws(curve(), ["power", "power"])


def test_rows_under_one_label_are_rows_of_their_own(runs, compared):
    again = sf.compare_laws(runs.set_axis(np.zeros(len(runs), int), axis=0), LAWS, rng=0, draws=2)
    assert again.frame.error.tolist() == pytest.approx(compared.frame.error.tolist())


def test_labels_of_several_levels_are_kept(runs, compared):
    again = sf.compare_laws(runs.set_index(["params", "tokens"], drop=False), LAWS, rng=0, draws=2)
    assert again.points.row[0] in list(zip(runs.params, runs.tokens, strict=True))
    assert again.frame.error.tolist() == pytest.approx(compared.frame.error.tolist())


def test_what_orders_the_runs_may_have_another_name():
    renamed = curve().rename(columns={"flops": "cost"})
    told = sf.compare_laws(renamed, ["power_offset"], along="flops", columns={"flops": "cost"}, rng=0, draws=5)
    same = sf.compare_laws(renamed, ["power_offset"], along="cost", rng=0, draws=5)
    assert told.frame.error[0] == same.frame.error[0]


def test_arguments_that_cannot_be_meant_are_errors(runs):
    with pytest.raises(sf.FitError, match=r"cuts are shares of the runs between 0 and 1.*got \(0\.5, 1\.5\)"):
        sf.compare_laws(runs, LAWS, cuts=(0.5, 1.5))
    with pytest.raises(sf.FitError, match="at least 2; got 1"):
        sf.compare_laws(runs, LAWS, draws=1)
    with pytest.raises(sf.FitError, match="laws must be a list of laws or names"):
        sf.compare_laws(runs, "chinchilla")


def test_a_law_that_cannot_be_judged_is_left_out_with_its_reason(runs):
    told = sf.compare_laws(runs, ["chinchilla", "nmt_bivariate"], rng=0, draws=10)
    assert list(told.fits) == ["chinchilla"]
    assert "params_encoder" in told.left_out["nmt_bivariate"]
    assert "nmt_bivariate left out" in repr(told)
    assert repr(told).startswith("No ranking: chinchilla is the only law that could be judged.")


def test_where_no_law_can_be_judged_each_reason_is_given(runs):
    with pytest.raises(sf.DataError, match=r"no law could be judged along 'flops'\. nmt_bivariate: "):
        sf.compare_laws(runs, ["nmt_bivariate"], rng=0, draws=10)


def test_equal_seeds_give_equal_comparisons(runs, compared):
    again = sf.compare_laws(runs, LAWS, rng=0, draws=20)
    pd.testing.assert_frame_equal(again.frame, compared.frame)
