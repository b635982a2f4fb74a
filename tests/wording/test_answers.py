"""Every answer says its state, its first sentence and what it is of, alike in text and in HTML."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from isoflop_designs import isoflop_runs
from scalefit.wording.page import COLOURS
from scalefit.wording.said import Answer

BELIEVED = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 410.0, "beta": 0.28}
NAMES = ("<script>a", "b&c")
#: Answers about training curves are tested with them.
OF_CURVES = {"Annealing", "CurveForecast", "DecayChoice", "OptimizedSchedule", "RestForecast", "ScheduleComparison"}
#: And those about many groups and about runs not made yet.
ELSEWHERE = {"DesignPower", "GroupAnswers", "ManyFits", "RunPlan", "StopOrGo"}
SHOUTS = ("NOT RELY", "RELIED ON", "NOT IDENTIFIED", "NOT CONVERGED", "Do not believe", "Do not rely", "DOES NOT HOLD")


@cache
def runs():
    """Two families on a grid of sizes and tokens, with names that a page must escape."""
    rng = np.random.default_rng(0)
    parts = []
    for name, factor in zip(NAMES, (1.0, 1.04), strict=True):
        grid = sf.grid(params=[1e7, 3e7, 1e8, 3e8], tokens=[1e9, 3e9, 1e10, 3e10])
        loss = sf.get_law("chinchilla")(BELIEVED | {"A": 400.0 * factor**4}, grid)
        parts.append(grid.assign(family=name, loss=loss * np.exp(0.003 * rng.standard_normal(len(grid)))))
    return pd.concat(parts, ignore_index=True).assign(task=lambda frame: 1 - np.exp(-frame.loss))


@cache
def one():
    return runs()[runs().family == NAMES[0]].reset_index(drop=True)


@cache
def fit():
    return sf.fit(one(), "chinchilla").bootstrap(40, rng=0)


@cache
def few():
    """Sizes and tokens on one ray, which do not tell the terms of the law apart."""
    size = np.geomspace(1e7, 1e9, 7)
    frame = pd.DataFrame({"params": size, "tokens": 20 * size, "family": NAMES[0]})
    return sf.fit(frame.assign(loss=2 + 30 / size**0.2), "chinchilla")


@cache
def backtest():
    return sf.backtest(one(), "chinchilla", cuts=[0.6, 0.8], draws=20, rng=0)


@cache
def budgets():
    return isoflop_runs(noise=1e-3)


@cache
def families():
    return sf.fit_families(runs(), "chinchilla")


def frontiers():
    flops = np.geomspace(1e18, 1e21, 14)
    parts = [
        pd.DataFrame({"family": name, "flops": flops, "loss": 1.5 + scale * flops**-0.1})
        for name, scale in zip(NAMES, (120.0, 130.0), strict=True)
    ]
    scatter = 1 + 0.002 * np.sin(np.arange(28) ** 2)
    return pd.concat(parts, ignore_index=True).assign(loss=lambda frame: frame.loss * scatter)


def curve():
    x = np.geomspace(1e6, 1e10, 12)
    return sf.fit(pd.DataFrame({"x": x, "loss": 1.7 + 30 / x**0.2 + 1e-3 * np.sin(np.arange(12) ** 2)}), "power_offset")


def setting():
    steps = [100, 200, 400, 600, 800, 1000]
    law, plan = sf.get_law("lr_annealing"), sf.Schedule.cosine(steps=1000, peak=1e-3)
    areas = law.derive.function(plan.rates, steps, decay=0.99, warmup="ramp")
    table = {"run": ["a"] * 6, "step": steps, "loss": law({"L0": 2.0, "A": 0.3, "alpha": 0.5, "C": 0.5}, areas)}
    return sf.profile_setting(table, law, "decay", [0.9, 0.99, 0.999], schedules={"a": plan})


#: Answer -> how one is made in a second or so.
MADE = {
    "Allocation": lambda: sf.allocate(fit(), flops=[1e20, 1e21]),
    "Allocation not identified": lambda: sf.allocate(few(), flops=1e20),
    "ApproachComparison": lambda: sf.compare_approaches(budgets(), draws=20, rng=0),
    "Backtest": backtest,
    "BacktestComparison": lambda: sf.compare_backtests({NAMES[0]: backtest(), NAMES[1]: backtest()}),
    "BestInputs": lambda: sf.best_inputs(fit(), free=("params", "tokens"), cost="6 * params * tokens", budget=1e20),
    "BorrowedFit": lambda: sf.borrow(one().head(9).assign(family="<b>new"), families()),
    "Chain": lambda: sf.chain(
        one(), [sf.Stage("chinchilla"), sf.Stage("power", target="task", columns={"x": "loss"})], draws=20, rng=0
    ),
    "Checklist": lambda: fit().checklist(answers={"tokenizer": "<script>"}),
    "Comparison": lambda: sf.compare(runs(), law="chinchilla", draws=40, rng=0),
    "Comparison not identified": lambda: sf.compare(
        few().data.assign(family=NAMES[1]).pipe(lambda more: pd.concat([few().data, more], ignore_index=True)),
        law="chinchilla", draws=20, rng=0,
    ),
    "Coverage": lambda: sf.coverage("power", pd.DataFrame({"x": np.geomspace(1, 1e3, 12)}), 0.01,
                                    truth={"A": 3.0, "alpha": 0.2}, n_sims=6, rng=0),
    "Crossover": lambda: sf.find_crossover(*families().fits.values(), along="flops", ratio=20, names=NAMES),
    "EnvelopeFit": lambda: sf.fit_envelope(one(), draws=20, rng=0),
    "FamilyBacktest": lambda: sf.backtest_families(runs(), "chinchilla", cuts=[0.6]),
    "FamilyFit": families,
    "Forecast": lambda: sf.forecast(one(), sf.grid(params=[1e9], tokens=[6e10]), laws=["chinchilla"], draws=20, rng=0),
    "Identifiability": lambda: sf.identifiability(fit()),
    "Identifiability not identified": lambda: sf.identifiability(few()),
    "InferenceAllocation": lambda: sf.allocate_inference(fit(), flops=1e21, inference_tokens=[1e11]),
    "IsoFlop": lambda: sf.isoflop(budgets(), rng=0),
    "IsoFlops": lambda: sf.isoflop(pd.concat([budgets().assign(family=name) for name in NAMES]), by="family", rng=0),
    "IsoLoss": lambda: sf.iso_loss(fit(), loss=2.6, params=[1e8, 3e8]),
    "Jackknife": lambda: fit().jackknife(),
    "LackOfFit": lambda: fit().missed,
    "LawComparison": lambda: sf.compare_laws(one(), ["chinchilla", "kaplan_nd"], cuts=[0.7], draws=5, rng=0),
    "NoiseEstimate": lambda: sf.estimate_noise(fit()),
    "Profile": lambda: sf.profile(fit(), "alpha", points=5),
    "ProtocolComparison": lambda: sf.compare_protocol(
        frontiers(), metrics=["loss"], law="power_offset", draws=20, rng=0
    ),
    "RawCrossover": lambda: sf.find_raw_crossover(frontiers(), along="flops", draws=10),
    "Saturation": lambda: sf.find_saturation(curve(), gain=0.01),
    "Sensitivity": lambda: sf.sensitivity(fit()),
    "SettingProfile": setting,
    "SharingTest": lambda: families().test,
    "SizeComparison": lambda: sf.compare_sizes(fit(), flops=1e20, params=1e8),
    "SmallestModel": lambda: sf.smallest_model(fit(), loss=2.6),
    "TargetScale": lambda: sf.find_scale(curve(), [2.0, 1.9]),
    "TargetScale never": lambda: sf.find_scale(curve(), 1.2),
}  # fmt: skip


@cache
def made(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.ScalefitWarning)  # what they warn of is tested where they are
        return MADE[name]()


@pytest.mark.parametrize("name", MADE)
def test_every_answer_says_its_state_first_in_text_and_html(name):
    answer = made(name)
    assert type(answer).__name__ == name.split()[0]
    said, page = answer.said(), answer._repr_html_()
    assert repr(answer).splitlines()[0] == said.headline
    assert str(answer) == repr(answer)
    first = page.splitlines()[1]
    assert pd.Series([said.headline]).str.replace("&", "&amp;").str.replace("<", "&lt;")[0] in unquoted(first)
    assert [state for state, colour in COLOURS.items() if colour in page.splitlines()[0]] == [said.state]


@pytest.mark.parametrize("name", MADE)
def test_state_headline_and_trust_agree(name):
    answer = made(name)
    said = answer.said()
    assert answer.trusted == (said.state == "good")
    if any(word in said.headline for word in SHOUTS):
        assert said.state == "bad"
    if said.doubts:
        assert said.state != "good"
    if not getattr(answer, "converged", True):
        assert said.state == "bad"


@pytest.mark.parametrize("name", MADE)
def test_names_from_the_data_stay_text(name):
    page = made(name)._repr_html_()
    assert "<script" not in page
    assert "<b>new" not in page
    assert "&c" not in page


def test_answers_of_a_fit_that_is_not_identified_are_bad():
    for name in MADE:
        if name.endswith("not identified"):
            assert made(name).said().state == "bad", name


def test_the_table_holds_every_answer():
    public = {name for name in sf.__all__ if isinstance(kind := getattr(sf, name), type) and issubclass(kind, Answer)}
    assert public - OF_CURVES - ELSEWHERE == {name.split()[0] for name in MADE}


def unquoted(page):
    return page.replace("&#x27;", "'").replace("&quot;", '"').replace("&gt;", ">")
