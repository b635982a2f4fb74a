"""Tables of training curves: what counts as one run, steps that stand twice, and what a law does not know of."""

import warnings

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from cases import CASES
from cases.training import HELD
from scalefit.fitting.setup import LogPrior
from scalefit.uncertainty.repeats import along_runs

STEPS = np.arange(150, 4001, 70)
ANNEALING = {"L0": 2.6, "A": 0.5, "alpha": 0.55, "C": 0.4}


def seen(names=("cosine",), *, law="lr_annealing", noise=1e-3, values=ANNEALING):
    """Rows of some schedules with the law's loss and their rates."""
    law, rng, parts = sf.get_law(law), np.random.default_rng(0), []
    for name in names:
        at = STEPS[HELD[name].steps >= STEPS]
        loss = law(values, law.derive_inputs(HELD[name].rates, at)) * np.exp(noise * rng.standard_normal(len(at)))
        parts.append(pd.DataFrame({"run": name, "step": at, "lr": HELD[name].rates[at], "loss": loss}))
    return pd.concat(parts, ignore_index=True)


def test_steps_without_the_name_of_a_run_are_one_curve():
    rows = seen()
    named, bare = sf.fit(rows, "lr_annealing"), sf.fit(rows.drop(columns="run"), "lr_annealing")
    assert (bare.n_runs, bare.n_rows) == (1, len(rows))
    assert bare.units.kind == "blocks"
    assert bare.units.block == named.units.block
    pd.testing.assert_frame_equal(bare.summary(), named.summary())
    with pytest.warns(sf.FitWarning, match="blocks of"):
        assert bare.bootstrap(4, rng=0).interval_source.startswith("bootstrap of blocks along each run")
    assert len(bare.jackknife().frame) > 1
    assert str(bare).startswith("lr_annealing on 1 run (56 rows): converged")


def test_areas_that_are_given_are_rows_of_their_own():
    law, rows = sf.get_law("lr_annealing"), seen()
    areas = rows[["loss"]].assign(**law.derive_inputs(HELD["cosine"].rates, rows["step"].to_numpy()))
    assert sf.fit(areas, "lr_annealing").n_runs == len(rows)


def test_a_step_that_stands_twice_is_warned_of_with_its_rows_and_what_to_type():
    rows = seen()
    twice = pd.concat([rows, rows.iloc[20:22]], ignore_index=True)
    with pytest.warns(sf.FitWarning) as told:
        sf.fit(twice, "lr_annealing")
    said = str(told[0].message)
    assert said.startswith("lr_annealing: rows 56 and 57 repeat a step that stands in a row before, such as step 1550")
    assert said.endswith("runs.drop_duplicates(['run', 'step'], keep='last').")
    last = twice.drop_duplicates(["run", "step"], keep="last")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sf.fit(last, "lr_annealing").n_rows == len(rows)


def test_two_rates_at_one_step_of_a_run_name_the_run():
    rows = seen()
    again = rows.iloc[20:23].assign(lr=lambda table: table["lr"] / 2)
    with pytest.raises(sf.DataError, match=r"run 'cosine' has two different rates, .* at step 1550 \(and at 2 more\)"):
        sf.fit(pd.concat([rows, again]), "lr_annealing")


def test_runs_pooled_for_want_of_a_name_are_told_which_column_tells_them_apart():
    rows = seen(["cosine", "wsd"]).rename(columns={"run": "experiment"}).assign(seed=0)
    with pytest.raises(sf.DataError, match=r"no column 'run' tells them apart: .*columns=\{'run': 'experiment'\}"):
        sf.fit(rows, "lr_annealing")
    assert sf.fit(rows, "lr_annealing", columns={"run": "experiment"}).n_runs == 2


@pytest.mark.parametrize(
    "names",
    [
        {"run": "Run ID", "step": "Step", "lr": "Learning Rate", "loss": "Loss"},
        {"run": "run_id", "step": "global_step", "lr": "train/learning_rate"},
    ],
)
def test_usual_names_of_columns_are_known(names):
    assert sf.fit(seen(["cosine", "wsd"]).rename(columns=names), "lr_annealing").n_runs == 2


def test_before_the_first_rate_there_is_no_value_and_no_warning_of_numpy():
    fit = sf.fit(seen(["cosine", "wsd"]), "lr_annealing", schedules=HELD)
    for interval in ("mean", "run"):
        with pytest.warns(sf.FitWarning, match="no value in row 0, because all learning rates up to there are") as told:
            rows = fit.predict_curve(HELD["cosine"], steps=[0, 1, 500], interval=interval)
        assert len(told) == 1
        assert rows[["estimate", "low", "high"]].isna().all(axis=1).tolist() == [True, False, False]


def test_the_end_of_a_schedule_is_told_without_the_name_of_a_run():
    fit = sf.fit(seen(), "lr_annealing", schedules=HELD)
    with pytest.raises(sf.DataError, match=r"^A row stands at step 5000, but its schedule ends at step 4000"):
        fit.predict_curve(HELD["cosine"], steps=[5000])


def test_sizes_that_the_law_does_not_take_are_a_reservation_of_the_verdict():
    rows = seen(["cosine", "wsd"])
    sizes = rows.assign(N=np.where(rows["run"] == "wsd", 2e7, 1e7))
    fit = sf.fit(sizes, "lr_annealing")
    assert fit.converged
    assert "N goes from 1e+07 to 2e+07, and lr_annealing takes all rows for alike" in fit.verdict
    assert "a law that takes params, such as " in fit.verdict
    assert "lr_annealing_n" in fit.verdict
    assert "goes from" not in sf.fit(rows.assign(params=1e7, batch_tokens=-1), "lr_annealing").verdict


def test_peak_rates_that_differ_are_a_reservation_too():
    rows = seen(["cosine", "wsd"])
    rows.loc[rows["run"] == "wsd", "lr"] *= 2
    assert "runs have peak rates from 0.001 to 0.002, and laws of curves hold for one" in (
        sf.fit(rows, "lr_annealing").verdict.replace("0.000999635", "0.001")
    )


def test_what_one_cosine_does_not_tell_of_drops_is_said_in_the_verdict():
    values = CASES["mpl"].true
    one = sf.fit(seen(law="mpl", values=values), "mpl", schedules=HELD)
    assert one.converged
    assert "C and beta are hardly identified" in one.verdict
    three = sf.fit(seen(["cosine", "wsd", "held low"], law="mpl", values=values), "mpl", schedules=HELD)
    assert "hardly" not in three.verdict


def test_the_report_says_how_alike_neighbouring_rows_err():
    rows, rng = seen(["cosine", "wsd"], noise=0.0), np.random.default_rng(1)
    drift = np.convolve(rng.standard_normal(len(rows) + 7), np.ones(8) / 8, mode="valid")
    fit = sf.fit(rows.assign(loss=rows["loss"] * np.exp(5e-3 * drift)), "lr_annealing")
    along = along_runs(fit)
    assert along.correlation > 0.6
    assert f"rows along a run correlate by {along.correlation:.2f} from one to the next" in str(fit)
    assert along.effective_rows < 0.5 * fit.n_rows


def test_the_order_of_rows_does_not_change_how_alike_they_err():
    rows = pd.concat([seen().assign(run=f"{k}", loss=lambda t, k=k: t["loss"] * (1 + 1e-4 * k)) for k in range(6)])
    rows = rows.reset_index(drop=True)
    one, other = (along_runs(sf.fit(table, "lr_annealing")) for table in (rows, rows.sample(frac=1, random_state=0)))
    assert other.correlation == pytest.approx(one.correlation, rel=1e-6)


def test_a_simultaneous_band_lies_outside_the_pointwise_one():
    fit = sf.fit(seen(["cosine", "wsd"]), "lr_annealing", schedules=HELD)
    each, whole = (fit.predict_curve(HELD["cosine"], band=band) for band in ("pointwise", "simultaneous"))
    assert ((whole.high - whole.low) / (each.high - each.low)).min() > 1.0
    assert (whole.low < whole.estimate).all()
    wider = fit.predict_curve(HELD["cosine"], band="simultaneous", interval="run")
    assert (wider.high - wider.low > whole.high - whole.low).all()
    with pytest.raises(sf.FitError, match="band must be one of pointwise or simultaneous"):
        fit.predict_curve(HELD["cosine"], band="both")


def test_a_step_without_a_value_leaves_the_rest_of_a_simultaneous_band():
    fit = sf.fit(seen(["cosine", "wsd"]), "lr_annealing", schedules=HELD)
    with pytest.warns(sf.FitWarning, match="has no value in row 0"):
        told = fit.predict_curve(HELD["cosine"], steps=[0, 500, 1500], band="simultaneous")
    assert told[["low", "high"]].isna().to_numpy().tolist() == [[True, True], [False, False], [False, False]]


def test_a_simultaneous_band_of_one_step_holds_the_pointwise_interval():
    fit = sf.fit(seen(["cosine", "wsd"]), "lr_annealing", schedules=HELD)
    each, whole = (fit.predict_curve(HELD["cosine"], steps=[1500], band=band) for band in ("pointwise", "simultaneous"))
    assert (whole.low <= each.low).all()
    assert (whole.high >= each.high).all()


@pytest.mark.slow
def test_a_simultaneous_band_holds_whole_curves_as_often_as_it_says():
    law, rng = sf.get_law("lr_annealing"), np.random.default_rng(5)
    plans = {name: HELD[name] for name in ("cosine", "wsd", "held low")}
    clean = seen(plans, noise=0.0)
    new, at = sf.Schedule.wsd(steps=6000, peak=1e-3, warmup=100, decay_start=4500), np.arange(400, 6001, 100)
    truth, held = law(ANNEALING, law.derive_inputs(new.rates, at)), []
    for _ in range(120):
        rows = clean.assign(loss=clean["loss"] * np.exp(2e-3 * rng.standard_normal(len(clean))))
        told = sf.fit(rows, "lr_annealing", schedules=plans).predict_curve(new, steps=at, band="simultaneous")
        held.append(((told.low <= truth) & (truth <= told.high)).all())
    assert 0.80 < np.mean(held) < 0.97


def test_a_prior_on_a_log_pulls_a_size_by_factors(tmp_path):
    rows = seen(["cosine", "wsd"])
    free = sf.fit(rows, "lr_annealing")
    held = sf.fit(rows, "lr_annealing", prior={"C": LogPrior(4.0, 0.01)})
    assert held.estimates["C"] > free.estimates["C"]
    assert held.estimates["C"] == pytest.approx(4.0, rel=0.2)
    assert "prior 4, its log ± 0.01" in str(held)
    held.to_json(tmp_path / "fit.json")
    again = sf.load_fit(tmp_path / "fit.json")
    assert again.constraints.prior == {"C": LogPrior(4.0, 0.01)}
    assert isinstance(again.constraints.prior["C"], LogPrior)
    with pytest.raises(sf.FitError, match="a LogPrior is for a parameter above zero"):
        sf.fit(rows, "lr_annealing", prior={"C": LogPrior(-1.0, 0.5)})


def test_a_law_in_a_unit_of_rates_comes_back_from_json(tmp_path):
    rows = seen(["cosine", "wsd"])
    fit = sf.fit(rows, sf.get_law("lr_annealing").with_settings(unit=1e-3, decay=0.99))
    fit.to_json(tmp_path / "fit.json")
    again = sf.load_fit(tmp_path / "fit.json")
    assert again.law.derive.settings == {"decay": 0.99, "warmup": "ramp", "unit": 1e-3}
    pd.testing.assert_frame_equal(again.predict(rows), fit.predict(rows))
    with pytest.raises(sf.LawError, match="unit must be a learning rate above 0"):
        sf.get_law("mpl").with_settings(unit=0.0)


def test_laws_of_curves_are_compared_under_given_schedules():
    rows = seen(["cosine", "wsd", "held low"]).drop(columns="lr")
    rows = rows[(rows["run"] == "wsd") | (rows["step"] <= 3000)]
    told = sf.compare_laws(
        rows, ["lr_annealing"], along="step", cuts=[0.7], draws=4, rng=0, schedules={n: HELD[n] for n in HELD}
    )
    assert told.frame["law"].tolist() == ["lr_annealing"]
