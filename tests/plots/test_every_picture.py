"""Every picture on light and dark paper: drawn without a warning, axes named, nothing hidden, no style changed."""

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import scalefit as sf
from scalefit.plots import (
    allocations,
    backtests,
    comparisons,
    contours,
    crossovers,
    draws,
    fits,
    forecasts,
    isoflops,
    profiles,
    residuals,
    runs,
    scales,
    schedule_plans,
    starts,
    targets,
)  # fmt: skip
from scalefit.plots.axes import is_dark

TRUE = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36}
FLOPS = [1e20, 1e23]
PEAK = 0.004


def ladder(seed=0, better=0.0):
    frame = sf.grid(params=np.geomspace(1e7, 3e9, 6), tokens=np.geomspace(5e8, 8e10, 5))
    scatter = np.random.default_rng(seed).standard_normal(len(frame))
    loss = sf.get_law("chinchilla")({**TRUE, "A": 400.0 * (1 + better)}, frame) * np.exp(0.004 * scatter)
    return frame.assign(loss=loss, flops=6 * frame.params * frame.tokens)


def training_logs():
    logs = sf.datasets.load("microlm", part="schedules")
    return logs[(logs.width == 48) & (logs.step > 200) & logs.schedule.isin(["constant", "cosine", "wsd-80"])]


@pytest.fixture(scope="module")
def known():
    """Answers by name, each made once, the fits that others need first."""
    fit = sf.fit(ladder(), "chinchilla").bootstrap(40, rng=0)
    families = pd.concat([ladder().assign(family="a"), ladder(1, 0.2).assign(family="b")], ignore_index=True)
    other = sf.fit(ladder(1, 0.2), "chinchilla").bootstrap(40, rng=0)
    logs = training_logs()
    curve_fit = sf.fit(logs, sf.get_law("lr_annealing").with_settings(decay=0.98))
    slices = sf.datasets.load("microlm")
    slices = sf.slice_isoflops(slices[slices.family == "lstm"], [1e11, 5e11, 2e12])
    plans = {
        "cosine": sf.Schedule.cosine(steps=2000, peak=PEAK, warmup=64),
        "linear": sf.Schedule.linear(steps=2000, peak=PEAK, warmup=64),
    }
    cosine = logs[logs.schedule == "cosine"]
    live = logs[(logs.schedule == "constant") & (logs.step <= 1200)]
    makers = {
        "fit": lambda: fit,
        "families": lambda: sf.fit(families, "chinchilla"),
        "curve_fit": lambda: curve_fit,
        "table": lambda: families,
        "told": lambda: fit.predict(ladder(2).head(8)),
        "allocation": lambda: sf.allocate(fit, flops=FLOPS),
        "iso": lambda: sf.iso_loss(fit, loss=[3.0, 2.5]),
        "inference": lambda: sf.allocate_inference(fit, inference_tokens=[0, 1e11, 1e12], loss=2.4),
        "sizes": lambda: sf.compare_sizes(fit, flops=1e22),
        "scale": lambda: sf.find_scale(fit, [2.5, 0.1]),
        "saturation": lambda: sf.find_saturation(fit, gain=0.02, per=2),
        "backtest": lambda: sf.backtest(ladder(), "chinchilla", cuts=(0.5, 0.7), draws=10, rng=0),
        "comparison": lambda: sf.compare(families, law="chinchilla", draws=30, rng=0, points=12),
        "crossover": lambda: sf.find_crossover(fit, other, along="flops"),
        "forecast": lambda: sf.forecast(
            ladder(), sf.grid(params=[1e10], tokens=[2e11]), draws=10, cuts=(), rng=0
        ),
        "isoflop": lambda: sf.isoflop(slices, draws=20),
        "profile": lambda: sf.profile(fit, "alpha"),
        "schedules": lambda: sf.compare_schedules(curve_fit, plans),
        "decay": lambda: sf.best_decay(curve_fit, steps=2000, peak=PEAK, warmup=64, fractions=[0.1, 0.2, 0.4]),
        "annealing": lambda: sf.anneal_now(curve_fit, live, steps=[200, 400]),
        "rest": lambda: sf.forecast_rest(cosine[cosine.step <= 1000], plans["cosine"], fit=curve_fit),
    }  # fmt: skip
    made = {}

    def get(name):
        if name not in made:
            made[name] = makers[name]()
        return made[name]

    return get


#: Picture -> the answer that it draws, and how.
TABLE = {
    "fit": ("fit", fits.plot_fit),
    "fit along compute": ("fit", lambda told, **at: fits.plot_fit(told, along="flops", **at)),
    "training curves": ("curve_fit", fits.plot_fit),
    "contours": ("fit", contours.plot_contours),
    "starts": ("fit", starts.plot_starts),
    "residuals": ("families", residuals.plot_residuals),
    "residuals along steps": ("curve_fit", residuals.plot_residuals),
    "draws": ("fit", draws.plot_draws),
    "points": ("table", lambda told, **at: runs.plot_points(told, along="params", against="tokens", **at)),
    "targets": ("told", lambda told, **at: targets.plot_targets(told, along="tokens", by="params", **at)),
    "allocation": ("allocation", allocations.plot_allocation),
    "contours of loss": ("iso", allocations.plot_iso_loss),
    "inference": ("inference", allocations.plot_inference),
    "sizes": ("sizes", allocations.plot_sizes),
    "scale": ("scale", scales.plot_target_scale),
    "saturation": ("saturation", scales.plot_saturation),
    "back-test": ("backtest", backtests.plot_backtest),
    "comparison": ("comparison", comparisons.plot_comparison),
    "crossover": ("crossover", crossovers.plot_crossover),
    "difference": ("crossover", lambda told, **at: crossovers.plot_crossover(told, show="difference", **at)),
    "forecast": ("forecast", forecasts.plot_forecast),
    "isoFLOP": ("isoflop", isoflops.plot_isoflop),
    "best sizes": ("isoflop", lambda told, **at: isoflops.plot_isoflop(told, kind="params", **at)),
    "profile": ("profile", profiles.plot_profile),
    "schedules": ("schedules", schedule_plans.plot_schedules),
    "decay": ("decay", schedule_plans.plot_decay_choice),
    "annealing": ("annealing", schedule_plans.plot_annealing),
    "rest": ("rest", schedule_plans.plot_rest),
}
#: Pictures of several panels, which fill a figure.
FIGURES = {"residuals", "residuals along steps", "draws"}


def drawn(known, name, size=(6.4, 4.8), layout=None):
    answer, plot = TABLE[name]
    figure = Figure(figsize=size, layout=layout)
    out = plot(known(answer), figure=figure) if name in FIGURES else plot(known(answer), ax=figure.subplots())
    assert (out if name in FIGURES else out.figure) is figure
    figure.draw_without_rendering()
    return figure


def panels(figure):
    """All axes, those under others among them, that are not bare histograms."""
    return [panel for ax in figure.axes for panel in (ax, *ax.child_axes)]


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("name", TABLE)
def test_a_picture_is_drawn_on_any_paper_and_names_its_axes(known, name, style):
    known(TABLE[name][0])
    before = dict(mpl.rcParams)
    with plt.style.context(style):
        inside = dict(mpl.rcParams)
        figure = drawn(known, name)
        assert dict(mpl.rcParams) == inside
    assert dict(mpl.rcParams) == before
    assert {is_dark(ax) for ax in figure.axes} == {style == "dark_background"}
    edges = panels(figure)
    assert any(ax.get_xlabel() for ax in edges)
    assert any(ax.get_ylabel() for ax in edges)
    for ax in edges:
        paper = np.array(to_rgb(ax.get_facecolor()))
        for line in ax.lines:
            if line.get_linestyle() != "None":
                assert np.abs(np.array(to_rgb(line.get_color())) - paper).max() > 0.25, line.get_label()


@pytest.mark.parametrize("name", [name for name in TABLE if name != "draws"])
def test_no_number_on_an_axis_runs_into_its_neighbour(known, name):
    for ax in panels(drawn(known, name)):
        if not ax.xaxis.get_tick_params().get("labelbottom", True):
            continue
        shown = [t for t in ax.get_xticklabels(which="both") if t.get_visible() and t.get_text()]
        low, high = sorted(ax.get_xlim())
        boxes = sorted(
            (t.get_window_extent().x0, t.get_window_extent().x1) for t in shown if low <= t.get_position()[0] <= high
        )
        assert all(left[1] <= right[0] for left, right in itertools.pairwise(boxes))


def texts_of(figure):
    """What is written beside the data, with its box: names of axes, titles, and the numbers on both axes."""
    out = []
    for ax in panels(figure):
        names = [ax.xaxis.label, ax.yaxis.label, ax.title]
        numbers = []
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            seen = (tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)
            numbers += [tick.label1 for tick in seen if not tick.label1.get_rotation()]
        shown = [text for text in (*names, *numbers) if text.get_visible() and text.get_text()]
        out += [(text.get_text(), text.get_window_extent()) for text in shown]
        if ax.get_legend() is not None and not ax.get_legend().get_frame_on():
            out.append(("legend", ax.get_legend().get_window_extent()))
    return out


@pytest.fixture(scope="module")
def small(known):
    """Pictures at half the usual size, each drawn once."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = drawn(known, name, (5.6, 4.4) if name in FIGURES else (3.4, 2.7), "constrained")
        return made[name]

    return get


@pytest.mark.parametrize("name", TABLE)
def test_at_half_the_size_no_text_runs_into_another_or_out_of_the_picture(small, name):
    figure = small(name)
    told = texts_of(figure)
    for (first, one), (second, other) in itertools.combinations(told, 2):
        wide = min(one.x1, other.x1) - max(one.x0, other.x0)
        high = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert not (wide > 1 and high > 1), (first, second, wide, high)
    width, height = figure.bbox.size
    for text, box in told:
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -1, (text, box)


@pytest.mark.parametrize("name", TABLE)
def test_at_half_the_size_every_letter_can_be_read(small, name):
    for ax in panels(small(name)):
        legend = ax.get_legend()
        texts = [ax.xaxis.label, ax.yaxis.label, ax.title, *ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels()]
        texts += legend.get_texts() if legend is not None else []
        assert min(text.get_fontsize() for text in texts) >= 6


@pytest.mark.parametrize("name", [name for name in TABLE if name not in FIGURES])
def test_curves_are_told_apart_without_colour(small, name):
    for ax in panels(small(name)):
        entries = ax.get_legend_handles_labels()[0] if ax.get_legend() is not None else []
        lines = [line for line in entries if isinstance(line, Line2D)]
        for one, other in itertools.combinations(lines, 2):
            shades = [sum(to_rgb(line.get_color())) / 3 for line in (one, other)]
            told = looks_of(ax, one) != looks_of(ax, other) or abs(shades[0] - shades[1]) > 0.25
            assert told or to_hex(one.get_color()) == to_hex(other.get_color()), (one, other)


def looks_of(ax, line):
    """By what a curve is known without its colour: its dashes, and the marks of all that has its colour."""
    own = to_hex(line.get_color())
    marks = {one.get_marker() for one in ax.lines if to_hex(one.get_color()) == own}
    return line.get_linestyle(), marks - {"None", "", None}


@pytest.mark.parametrize("name", ["fit", "training curves", "allocation", "best sizes", "comparison"])
def test_a_picture_drawn_twice_stands_in_two_figures(known, name):
    answer, plot = TABLE[name]
    plt.close("all")
    first, second = plot(known(answer)), plot(known(answer))
    assert first.figure is not second.figure
    assert len(first.lines) == len(second.lines)
    plt.close("all")
