"""A law whose rows have histories goes wherever other laws go: intervals, forecasts, files, pictures, back-tests."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

import scalefit as sf
from cases.training import HELD, MULTI
from scalefit.testing import check_law

STEPS = np.arange(200, 4001, 200)
FITTED = ("cosine", "held low", "wsd")


def rows_of(names, *, noise=1e-4, seed=0, prefix=""):
    law, rng = sf.get_law("mpl"), np.random.default_rng(seed)
    parts = []
    for name in names:
        loss = law(MULTI, law.derive_inputs(HELD[name].rates, STEPS)) * np.exp(noise * rng.standard_normal(len(STEPS)))
        lr = HELD[name].rates[STEPS]
        parts.append(pd.DataFrame({"run": prefix + name, "step": STEPS, "lr": lr, "loss": loss}))
    return pd.concat(parts, ignore_index=True)


ROWS = rows_of(FITTED)
OTHERS = rows_of(["held lower", "constant"])


@pytest.fixture(scope="module")
def fit():
    return sf.fit(ROWS, "mpl", schedules=HELD)


def test_the_data_of_a_fit_are_numbers_of_each_row_without_its_history(fit):
    assert list(fit.data.columns) == ["S1", "loss", "run", "step", "lr"]
    assert len(fit.data) == len(ROWS)
    said = [line for line in repr(fit).splitlines() if "fitted range" in line]
    assert said == ["  fitted range: S1 0.15 to 3.46"], said


def test_blocks_along_few_runs_are_drawn_and_refitted(fit):
    with pytest.warns(sf.FitWarning, match=r"Only 3 run\(s\): blocks"):
        drawn = fit.bootstrap(30, rng=0)
    assert drawn.interval_source.startswith("bootstrap of blocks along each run")
    told = drawn.predict(OTHERS[["run", "step"]], schedules=HELD)
    assert ((told["low"] <= told["estimate"]) & (told["estimate"] <= told["high"])).all()
    assert np.abs(told["estimate"] / OTHERS["loss"] - 1).max() < 0.02


def test_whole_runs_are_drawn_where_there_are_six():
    copies = [rows_of(FITTED, seed=k, prefix=f"{k} ") for k in range(2)]
    plans = {f"{k} {name}": HELD[name] for k in range(2) for name in FITTED}
    drawn = sf.fit(pd.concat(copies), "mpl", schedules=plans).bootstrap(20, rng=0)
    assert drawn.interval_source.startswith("bootstrap of whole runs")


def test_an_interval_of_one_new_run_is_wider_than_that_of_the_law_where_that_is_well_known(fit):
    known = ROWS[ROWS["step"] > 2000]
    mean, run = (fit.predict(known, schedules=HELD, interval=kind) for kind in ("mean", "run"))
    assert ((run["high"] - run["low"]) > mean["high"] - mean["low"]).all()


def test_a_fit_comes_back_from_json_and_predicts_the_same(fit, tmp_path):
    fit.to_json(tmp_path / "fit.json")
    again = sf.load_fit(tmp_path / "fit.json")
    assert again.estimates == fit.estimates
    told = [one.predict(OTHERS[["run", "step"]], schedules=HELD)["estimate"] for one in (fit, again)]
    np.testing.assert_array_equal(*told)


def test_another_width_is_another_law_to_a_file(fit, tmp_path):
    wide = sf.fit(ROWS, sf.get_law("mpl").with_settings(width=0.4), schedules=HELD)
    wide.to_json(tmp_path / "fit.json")
    assert sf.load_fit(tmp_path / "fit.json").law.derive.settings == {"width": 0.4}
    assert wide.objective == pytest.approx(fit.objective, rel=0.05)


def test_rows_of_another_length_of_history_are_predicted_one_by_one_as_together(fit):
    together = fit.predict(OTHERS, schedules=HELD)["estimate"]
    alone = [fit.predict(OTHERS.iloc[[k]], schedules=HELD)["estimate"].iloc[0] for k in range(0, len(OTHERS), 9)]
    np.testing.assert_array_equal(together.iloc[::9], alone)


def test_a_plot_has_the_rows_and_the_curve(fit):
    ax = fit.plot()
    assert ax.has_data()
    plt.close("all")


def test_a_page_of_the_fit_can_be_made(fit):
    assert "mpl" in fit._repr_html_()


def test_a_back_test_along_the_steps_judges_later_rows():
    short = rows_of(HELD)
    short["run"] += ", short"
    short = short[short["step"] <= 2600]
    long = rows_of(["cosine", "held lower"], seed=1)
    plans = HELD | {f"{name}, short": plan for name, plan in HELD.items()}
    runs = pd.concat([short, long])
    with pytest.warns(sf.FitWarning, match="blocks"):
        told = sf.backtest(runs, "mpl", along="step", schedules=plans, cuts=[0.6], draws=20, rng=0)
    assert len(told.frame)
    assert np.abs(told.frame["estimate"] / told.frame["observed"] - 1).max() < 0.05


def test_a_setting_is_profiled(fit):
    told = sf.profile_setting(ROWS, "mpl", "width", [0.2, 0.3], schedules=HELD)
    assert told.frame["converged"].all()
    assert told.frame["excess"].max() < 0.1


def test_a_table_of_curves_is_checked_and_told_of():
    assert repr(sf.check_runs(ROWS))
    assert "mpl" in sf.suggest_laws(ROWS).index


def test_influence_identifiability_and_jackknife_take_a_history(fit):
    assert len(sf.influence(fit))
    assert "mpl on 3 runs" in repr(sf.identifiability(fit))
    assert fit.jackknife() is not None


def test_the_law_passes_what_laws_of_users_must_pass():
    checked = check_law("mpl", values=MULTI, runs=rows_of(HELD)[["run", "step", "lr"]], schedules=HELD)
    assert checked.passed, checked
