"""The picture of a law: its curves along each input, with the values of :mod:`scalefit.reports.law_examples`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.law import Law
from scalefit.laws import catalogue
from scalefit.reports.law_examples import EXAMPLES, ILLUSTRATIVE, Example
from scalefit.typical import typical_runs, typical_values
from scalefit.wording.digits import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
#: Points of a line.
POINTS = 200
#: An axis that spans more is logarithmic.
WIDE = 8.0
#: Steps and peak rate of the schedules that a law of training curves is drawn along, and the first step shown.
STEPS, PEAK, FIRST = 20_000, 2e-4, 8000
#: Every so many of them are drawn.
EVERY = 20


def example_of(law: Law) -> Example:
    """What a law is shown on, with every value and axis filled in.

    Examples
    --------
    >>> import scalefit as sf
    >>> example_of(sf.get_law("chinchilla")).told
    'constants: besiroglu2024'
    """
    known = catalogue().get(law.name)
    same = known is not None and (known.inputs, known.param_names) == (law.inputs, law.param_names)
    example = EXAMPLES.get(law.name, Example()) if same else Example()  # a law of one's own may bear a known name
    if not example.axes and law.derive is None:
        runs = typical_runs(law)
        example = replace(example, axes={name: _ends_and_middle(runs[name]) for name in law.inputs})
    if example.values:
        return replace(example, told=example.told or ILLUSTRATIVE)
    if law.published:
        key = example.told or next(iter(law.published))
        return replace(example, values=dict(law.published[key].values), told=f"constants: {key}")
    runs = typical_runs(law)
    values = typical_values(law, tuple(runs[name].to_numpy(float) for name in law.inputs))
    return replace(example, values=values, told=ILLUSTRATIVE)


def sample_runs(law: Law, example: Example) -> pd.DataFrame:
    """Three rows for a sample call: the first axis at its ends and middle, the others held."""
    axes = example.axes
    first = next(iter(axes))
    table = pd.DataFrame({name: list(axes[name]) if name == first else [axes[name][1]] * 3 for name in axes})
    if example.follows is not None:
        table = example.follows(table)
    rounded: pd.DataFrame = table[list(law.inputs)].map(lambda value: float(f"{value:.4g}"))
    return rounded.drop_duplicates(ignore_index=True)


def draw_law(law: Law) -> Figure:
    """The law along each of its inputs, three at most, or along the steps of three schedules.

    Parameters
    ----------
    law : Law
        With an example of its own if it is built in; else with published constants or values from the ranges of its
        parameters, over the usual ranges of its inputs.

    Returns
    -------
    Figure
        Its title says which constants are drawn. Not registered with pyplot: save it.
    """
    from scalefit.plots.laws import MOST, plot_law

    example = example_of(law)
    paths = dict(list(law_paths(law, example).items())[:MOST])
    seen = pd.concat([path["value"] for path in paths.values()])
    return plot_law(
        paths,
        output=law.output,
        title=f"{law.name} · {example.told}",
        labels=example.labels,
        log_inputs=tuple(name for name in paths if name != "step" and _is_wide(example, name)),
        log_output=bool((seen > 0).all()) and law.objective.on == "log",
    )


def law_paths(law: Law, example: Example) -> dict[str, pd.DataFrame]:
    """The law along each axis of its example, or along the steps of three schedules.

    Returns
    -------
    dict of axis to DataFrame
        With the axis, ``value``, ``line`` (what tells the lines apart) and ``of`` (what that is a value of).
    """
    if law.derive is not None:
        return {"step": _along_schedules(law, example)}
    return {name: _path(law, example, name) for name in example.axes}


def _ends_and_middle(values: pd.Series[float]) -> tuple[float, float, float]:
    known = sorted({float(f"{value:.2g}") for value in values})
    return known[0], known[len(known) // 2], known[-1]


def _is_wide(example: Example, name: str) -> bool:
    low, _, high = example.axes[name]
    return name not in example.linear and low > 0 and high > WIDE * low


def _path(law: Law, example: Example, along: str) -> pd.DataFrame:
    """The law along one axis: a line for each value of another one, the rest held at their middle."""
    axes = example.axes
    low, middle, high = axes[along]
    x: Array = (np.geomspace if _is_wide(example, along) else np.linspace)(low, high, POINTS)
    several = example.lines.get(along) or next((name for name in axes if name != along), "")
    parts = []
    for value in dict.fromkeys(axes[several] if several else (middle,)):
        held = {name: value if name == several else axes[name][1] for name in axes if name != along}
        parts.append(pd.DataFrame({along: x, **held}).assign(told=short(value) if several else ""))
    table = pd.concat(parts, ignore_index=True)
    told = table.pop("told")
    inputs = table if example.follows is None else example.follows(table)
    with np.errstate(all="ignore"):
        output = law(example.values, {name: inputs[name] for name in law.inputs})
    path = pd.DataFrame({along: table[along], "value": output, "line": told, "of": several})
    finite: pd.DataFrame = path.loc[np.isfinite(output)]
    return finite


def short(value: float) -> str:
    """Four digits at most: 3e10 for a size, 0.5 for a share."""
    return number(float(value), digits=4)


def _along_schedules(law: Law, example: Example) -> pd.DataFrame:
    """The loss at each step of a run at a constant rate, one whose rate falls as a cosine and one that decays late.

    Other inputs, such as the size of the model, are held at their middle.
    """
    assert law.derive is not None
    steps = np.arange(STEPS + 1)
    held = {name: middle for name, (_, middle, _) in example.axes.items()}
    shown = steps[FIRST::EVERY]
    done = steps / STEPS
    shapes = {
        "constant rate": np.ones_like(done),
        "cosine to a tenth": 0.55 + 0.45 * np.cos(np.pi * done),
        "decay over the last fifth": np.minimum(1.0, 5 * (1 - done)),
    }
    parts = []
    for told, shape in shapes.items():
        areas = law.derive_inputs(PEAK * shape, shown)
        path = pd.DataFrame({"step": shown, "value": law(example.values, {**held, **areas}), "line": told, "of": ""})
        parts.append(path)
    return pd.concat(parts, ignore_index=True)
