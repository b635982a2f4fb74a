"""Sliders: the fitted law evaluated in the page, beside what Python said where the sliders stand at first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from scalefit.decisions.allocation.budget import allocate
from scalefit.decisions.larger import rounded
from scalefit.decisions.targets.scales import find_scale
from scalefit.errors import FitError
from scalefit.quantities import better_of
from scalefit.reports.page.javascript import to_javascript
from scalefit.reports.page.reasons import told_or_why
from scalefit.reports.page.subject import LARGER, Subject
from scalefit.wording.digits import number, si, significant

LEVEL = 0.9
#: Draws that the page holds at most, and their digits: with fewer the ends of intervals would lose their sixth.
MOST_DRAWS, DRAW_DIGITS = 1000, 10
#: How far sliders go past what was fitted: downwards and upwards, as factors; as multiples of the range where an input
#: may be zero or less.
BELOW, ABOVE, SPAN = 10.0, 1e4, 2.0
#: Up to this many times beyond the range fitted is inside it: sliders hold rounded numbers.
INSIDE = 1.01
#: Of a law of other inputs than size and tokens, the one that grows towards a target: the first.
ALONG = 0


@dataclass(frozen=True, eq=False)
class Explorer:
    """The part of a page that answers what is typed into it.

    Parameters
    ----------
    html : the sliders with their first answers.
    data : what the script reads, as JSON.
    law : the equation as JavaScript.
    """

    html: str
    data: str
    law: str


@dataclass(frozen=True)
class Slider:
    """A number to be chosen."""

    box: str
    label: str
    value: float
    low: float
    high: float
    logs: bool

    @property
    def html(self) -> str:
        """A slider and a box for the same number: what is typed need not lie on the slider."""
        ends = np.log10([self.low, self.high]) if self.logs else np.array([self.low, self.high])
        scale, named = ("log" if self.logs else "linear"), escape(self.label)
        return (
            f'<div class="slider"><label for="{self.box}">{named}</label>'
            f'<input type="range" data-box="{self.box}" data-scale="{scale}" aria-label="{named}" '
            f'min="{ends[0]:.6g}" max="{ends[1]:.6g}" step="any">'
            f'<input id="{self.box}" inputmode="decimal" size="10" value="{_typed(self.value)}"></div>'
        )


def make_explorer(subject: Subject) -> Explorer:
    """The sliders of a fit.

    Raises
    ------
    FitError
        If the page cannot evaluate the law: it is more than one line of algebra, or asks for a schedule.
    """
    law = subject.fit.law
    if law.derive is not None:
        raise FitError(f"{law.name} follows from a schedule, which no slider holds: see fit.predict_curve.")
    if law.tree is None or any(x.ndim > 1 for x in subject.fit.problem.inputs):
        raise FitError(f"{law.name} is more than one line of algebra, which no page evaluates: see fit.predict.")
    code = to_javascript(law.tree, law.inputs, law.param_names)
    plane = subject.of_size_and_tokens and {subject.setting.plane.size, "tokens"} <= set(law.inputs)
    parts = [_prediction(subject)]
    if plane:
        parts.append(told_or_why(lambda: _budget(subject)))
    parts.append(told_or_why(lambda: _target(subject, plane)))
    return Explorer("\n".join(parts), to_script_json(_told(subject, plane)), code)


def to_script_json(told: object) -> str:
    r"""JSON that may stand in a script element: nothing in it ends the element or begins a comment.

    Examples
    --------
    >>> print(to_script_json({"name": "</script><!--"}))
    {"name": "\u003c/script>\u003c!--"}
    """
    text = json.dumps(told, allow_nan=False, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def _told(subject: Subject, plane: bool) -> dict[str, Any]:
    fit = subject.fit
    names, inputs = list(fit.law.inputs), fit.problem.inputs
    told: dict[str, Any] = {
        "level": LEVEL,
        "higher": better_of(fit.law.output) == "high",
        "theta": [float(value) for value in fit.theta[0]],
        "draws": _draws(fit.draws_theta),
        "inputs": [{"low": float(x.min()), "high": float(x.max())} for x in inputs],
        "along": ALONG,
        "inside": INSIDE,
    }
    if plane:
        setting = subject.setting
        told |= {
            "size": names.index(setting.plane.size),
            "tokens": names.index("tokens"),
            "sizes": list(setting.sizes),
            "budget": {"low": float(setting.seen_cost.min()), "high": float(setting.seen_cost.max())},
        }
    return told


def _draws(theta: Any) -> list[list[float]]:
    """The draws that are numbers; none where one is not, for then there is no interval."""
    if not len(theta) or not np.isfinite(theta).all():
        return []
    picked = theta[np.unique(np.linspace(0, len(theta) - 1, min(len(theta), MOST_DRAWS)).astype(int))]
    return [[float(f"{value:.{DRAW_DIGITS}g}") for value in row] for row in picked]


def start_of(subject: Subject) -> dict[str, float]:
    """Where the sliders stand at first: at the largest run fitted."""
    fit = subject.fit
    at = int(np.argmax(subject.setting.seen_cost if subject.of_size_and_tokens else fit.problem.inputs[0]))
    return {name: rounded(float(x[at])) for name, x in zip(fit.law.inputs, fit.problem.inputs, strict=True)}


def _prediction(subject: Subject) -> str:
    fit, start = subject.fit, start_of(subject)
    row = fit.predict({name: [value] for name, value in start.items()}, level=LEVEL, columns={}).iloc[0]
    sliders = "\n".join(
        _input_slider(subject, name, f"box-{k}", value).html for k, (name, value) in enumerate(start.items())
    )
    far = _far(float(row["beyond"]))
    numbers = {"prediction": row["estimate"], "prediction-low": row["low"], "prediction-high": row["high"]}
    value, low, high = (_output(name, float(number)) for name, number in numbers.items())
    where = ", ".join(f"{escape(subject.label(name))} {si(value)}" for name, value in start.items())
    return (
        f'<div class="card"><h3>A run</h3>\n<p class="still">At {where}:</p>\n'
        f'<div class="live">{sliders}</div>\n'
        f"<p>{escape(subject.label(fit.target))}: {value} ({100 * LEVEL:g} %: {low} to {high}), "
        f'<span id="prediction-beyond">{escape(far)}</span></p></div>'
    )


def _input_slider(subject: Subject, name: str, box: str, value: float) -> Slider:
    law = subject.fit.law
    x = subject.fit.problem.inputs[law.inputs.index(name)]
    low, high = float(x.min()), float(x.max())
    ends = law.domain.get(name, (-np.inf, np.inf))
    logs = low > 0 and ends[1] > high
    width = high - low or abs(high) or 1.0
    below, above = (low / BELOW, high * ABOVE) if logs else (low - SPAN * width, high + SPAN * width)
    if law.positive_inputs and not logs:
        below = max(below, min(low, 0.0))
    return Slider(box, subject.label(name), value, max(below, ends[0]), min(above, ends[1]), logs)


def _budget(subject: Subject) -> str:
    budget = _first_budget(subject)
    told = allocate(subject.fit, flops=budget, at=subject.others or None, level=LEVEL)
    row, output = told.frame.iloc[0], subject.fit.law.output
    seen = subject.setting.seen_cost
    slider = Slider("box-budget", "budget (FLOP)", budget, float(seen.min()), float(seen.max()) * ABOVE, logs=True)
    numbers = {
        "budget-size": row["params"], "budget-tokens": row["tokens"],
        "budget-ratio": row["tokens_per_param"], "budget-value": row[output],
    }  # fmt: skip
    size, tokens, ratio, value = (_output(name, float(number)) for name, number in numbers.items())
    far = _far(float(row["beyond"]))
    return (
        f'<div class="card"><h3>A budget</h3>\n<p class="still">At {si(budget)} FLOP:</p>\n'
        f'<div class="live">{slider.html}</div>\n'
        f"<p>train {size} {escape(subject.label(subject.setting.plane.size))} on {tokens} tokens "
        f"({ratio} per parameter); {escape(subject.label(subject.fit.target))} {value}, "
        f'<span id="budget-beyond">{escape(far)}</span></p></div>'
    )


def _target(subject: Subject, plane: bool) -> str:
    fit, start = subject.fit, start_of(subject)
    names = fit.law.inputs
    along = "flops" if plane else names[ALONG]
    if plane:
        others = {name: start[name] for name in subject.others}
        goal = allocate(fit, flops=_first_budget(subject), at=subject.others or None).frame[fit.law.output].iloc[0]
    else:
        others = {name: value for name, value in start.items() if name != along}
        goal = fit.predict({**{k: [v] for k, v in start.items()}, along: [LARGER * start[along]]}, columns={})[
            "estimate"
        ].iloc[0]
    goal = rounded(float(goal), 4)
    told = find_scale(fit, goal, along=along, at=others or None, level=LEVEL).frame.iloc[0]
    y = fit.problem.target
    ends = float(np.min(y)) / 2, float(np.max(y))
    slider = Slider("box-target", subject.label(fit.target), goal, min(ends[0], goal), max(ends[1], goal), logs=False)
    scale = _output("target-scale", float(told["estimate"]))
    reached = f"{scale} FLOP, split best" if plane else f"{escape(subject.label(along))} {scale}"
    return (
        f'<div class="card"><h3>A target</h3>\n<p class="still">For {escape(subject.label(fit.target))} {goal:g}:</p>\n'
        f'<div class="live">{slider.html}</div>\n<p>reached with {reached}</p></div>'
    )


def _far(beyond: float) -> str:
    return f"{si(beyond)} times beyond what was fitted" if beyond > INSIDE else "inside what was fitted"


def _first_budget(subject: Subject) -> float:
    return rounded(LARGER * float(subject.setting.seen_cost.max()))


def _output(name: str, value: float) -> str:
    text = significant(value) if np.isfinite(value) else "no value"
    return f'<output id="{name}">{escape(text)}</output>'


def _typed(value: float) -> str:
    return number(value, digits=4)
