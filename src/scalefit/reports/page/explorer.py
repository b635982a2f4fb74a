"""Sliders: the fitted law evaluated in the page, beside what Python said where the sliders stand at first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from scalefit.decisions.allocation.budget import allocate
from scalefit.decisions.frontier import BEYOND, has_closed_form
from scalefit.decisions.larger import rounded
from scalefit.decisions.spending import SIX_ND
from scalefit.decisions.targets.curves import follow
from scalefit.decisions.targets.scales import find_scale
from scalefit.decisions.targets.solving import places_to_search
from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.quantities import better_of
from scalefit.reports.page.javascript import to_javascript
from scalefit.reports.page.reasons import told_or_why
from scalefit.reports.page.subject import LARGER, Subject
from scalefit.uncertainty.derivations import MOST_UNDEFINED
from scalefit.wording.amounts import percent
from scalefit.wording.digits import number, si, significant

LEVEL = 0.9
#: Digits of numbers, and of the ends of their intervals.
DIGITS, END_DIGITS = 6, 4
#: Draws that the page holds at most, and their digits: with fewer the ends of intervals would lose their sixth.
MOST_DRAWS, DRAW_DIGITS = 1000, 10
#: How far sliders go past what was fitted: downwards and upwards, as factors; as multiples of the range where an input
#: may be zero or less.
BELOW, ABOVE, SPAN = 10.0, 1e4, 2.0
#: Up to this many times beyond the range fitted is inside it: sliders hold rounded numbers.
INSIDE = 1.01
#: Of a law of other inputs than size and tokens, the one that grows towards a target: the first.
ALONG = 0
#: How far past the sizes fitted the page looks for the best one where Python has it in closed form, which knows no end.
FARTHEST = 1e30


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

    @property
    def said(self) -> str:
        """The number in a sentence, for paper and where scripts are off; it follows what is typed."""
        return f'<span data-of="{self.box}">{si(self.value)}</span>'


@dataclass(frozen=True)
class Line:
    """A number that a card answers with: its name in the page, what it is, and the ends of its interval.

    Parameters
    ----------
    first : the smallest scale looked at, at which what is asked for may be there already.
    more : what is said behind the interval.
    """

    name: str
    label: str
    value: float
    low: float
    high: float
    first: float = np.nan
    more: str = ""

    @property
    def html(self) -> str:
        """A row of a table."""
        value = significant(self.value, digits=DIGITS) if np.isfinite(self.value) else "no value"
        if np.isposinf(self.value):
            value = "no amount, by this law"
        elif self.value == self.first:
            value += " or less"
        return (
            f'<tr><th scope="row">{escape(self.label)}</th><td><output id="{self.name}">{escape(value)}</output></td>'
            f'<td><span class="ends" id="{self.name}-ends">{escape(self._ends() + self.more)}</span></td></tr>'
        )

    def _ends(self) -> str:
        if np.isnan(self.low):
            return "no interval"
        alone = np.isposinf(self.low) or self.low == self.high
        ends = self._end(self.low) if alone else f"{self._end(self.low)} to {self._end(self.high)}"
        return f"{100 * LEVEL:g} %: {ends}"

    def _end(self, value: float) -> str:
        if np.isposinf(value):
            return "no amount"
        return significant(value, digits=END_DIGITS) + (" or less" if value == self.first else "")


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
    told = _told(subject)
    parts = [_believed(subject), _prediction(subject)]
    if plane:
        told["split"] = _split(subject)
        parts.append(told_or_why(lambda: _budget(subject)))
    parts.append(told_or_why(lambda: _target(subject, plane, told)))
    parts.append(f'<p class="told">{_covers(subject, len(told["draws"]))}</p>')
    return Explorer("\n".join(part for part in parts if part), to_script_json(told), code)


def to_script_json(told: object) -> str:
    r"""JSON that may stand in a script element: nothing in it ends the element or begins a comment.

    Examples
    --------
    >>> print(to_script_json({"name": "</script><!--"}))
    {"name": "\u003c/script>\u003c!--"}
    """
    text = json.dumps(told, allow_nan=False, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def _told(subject: Subject) -> dict[str, Any]:
    """What the script knows of the law."""
    fit = subject.fit
    return {
        "level": LEVEL,
        "digits": DIGITS,
        "most_undefined": MOST_UNDEFINED,
        "higher": better_of(fit.law.output) == "high",
        "theta": [float(value) for value in fit.theta[0]],
        "draws": _draws(fit.draws_theta),
        "inputs": [_range(x) for x in fit.problem.inputs],
        "along": ALONG,
        "inside": INSIDE,
    }


def _split(subject: Subject) -> dict[str, Any]:
    """What the script knows of the best split of a budget."""
    fit, setting = subject.fit, subject.setting
    closed = has_closed_form(fit.law, SIX_ND) and not setting.higher
    return {
        "size": fit.law.inputs.index(setting.plane.size),
        "tokens": fit.law.inputs.index("tokens"),
        "sizes": list(setting.sizes),
        "closed": closed,
        "reach": [*BEYOND, *([FARTHEST] if closed else [])],
        "budget": _range(setting.seen_cost),
    }


def _range(x: Array) -> dict[str, float]:
    return {"low": float(x.min()), "high": float(x.max())}


def _draws(theta: Any) -> list[list[float]]:
    """The draws that are numbers; none where one is not, for then there is no interval."""
    if not len(theta) or not np.isfinite(theta).all():
        return []
    picked = theta[np.unique(np.linspace(0, len(theta) - 1, min(len(theta), MOST_DRAWS)).astype(int))]
    return [[float(f"{value:.{DRAW_DIGITS}g}") for value in row] for row in picked]


def _covers(subject: Subject, draws: int) -> str:
    """What the intervals cover, and what they do not."""
    fit = subject.fit
    forecast = '<a href="#forecast">the forecast</a>'
    if not draws:
        return (
            "No intervals: the fit has no draws of its parameters that could be used. Add runs, or fix or tie "
            f"parameters. How far other laws lie apart, {forecast} says."
        )
    held = f", {draws:,} of them in this page" if draws < len(fit.draws_theta) else ""
    return (
        f"Intervals of {100 * LEVEL:g} %: {escape(fit.interval_source)}{held}. They cover how firmly the runs fix the "
        "parameters of this one law, as if it held wherever it is asked. They do not cover that another law may be the "
        f"right one: {forecast} puts several together."
    )


def _believed(subject: Subject) -> str:
    """That the fit is not to be relied on; nothing where it is."""
    fit = subject.fit
    if fit.converged:
        return ""
    return f"<p><strong>Not to be relied on: {escape(fit.law.name)} is {escape(fit.verdict)}.</strong></p>"


def start_of(subject: Subject) -> dict[str, float]:
    """Where the sliders stand at first: at the largest run fitted."""
    fit = subject.fit
    at = int(np.argmax(subject.setting.seen_cost if subject.of_size_and_tokens else fit.problem.inputs[0]))
    return {name: rounded(float(x[at])) for name, x in zip(fit.law.inputs, fit.problem.inputs, strict=True)}


def _prediction(subject: Subject) -> str:
    fit, start = subject.fit, start_of(subject)
    row = fit.predict({name: [value] for name, value in start.items()}, level=LEVEL, columns={}).iloc[0]
    sliders = [_input_slider(subject, name, f"box-{k}", value) for k, (name, value) in enumerate(start.items())]
    where = ", ".join(f"{escape(slider.label)} {slider.said}" for slider in sliders)
    line = Line("prediction", subject.label(fit.target), row["estimate"], row["low"], row["high"])
    return _card("A run", f"At {where}:", sliders, [line], "prediction", row["beyond"])


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
    budget, size = _first_budget(subject), subject.label(subject.setting.plane.size)
    row = allocate(subject.fit, flops=budget, at=_others(subject), level=LEVEL).frame.iloc[0]
    seen = subject.setting.seen_cost
    slider = Slider("box-budget", "budget (FLOP)", budget, float(seen.min()), float(seen.max()) * ABOVE, logs=True)
    lost = float(row["undefined"])
    few = f"; no best size in {percent(lost)} of the draws" if lost else ""
    lines = [
        Line(f"budget-{name}", label, row[column], row[f"{column}_low"], row[f"{column}_high"], more=more)
        for name, label, column, more in (
            ("size", size, "params", few),
            ("tokens", subject.label("tokens"), "tokens", ""),
            ("ratio", "tokens per parameter", "tokens_per_param", ""),
            ("value", subject.label(subject.fit.target), subject.fit.law.output, ""),
        )
    ]
    return _card("A budget", f"At {slider.said} FLOP, split best:", [slider], lines, "budget", row["beyond"])


def _target(subject: Subject, plane: bool, told: dict[str, Any]) -> str:
    """The card of a target; what the script must know of it goes into ``told``."""
    fit, start = subject.fit, start_of(subject)
    along = "flops" if plane else fit.law.inputs[ALONG]
    others = _others(subject) if plane else {name: value for name, value in start.items() if name != along}
    if plane:
        goal = allocate(fit, flops=_first_budget(subject), at=others).frame[fit.law.output].iloc[0]
    else:
        there = {name: [value] for name, value in start.items()} | {along: [LARGER * start[along]]}
        goal = fit.predict(there, columns={})["estimate"].iloc[0]
    goal = rounded(float(goal), 4)
    answer = find_scale(fit, goal, along=along, at=others or None, level=LEVEL)
    curve = follow(fit, along, at=others or None)
    told["target"] = {"places": places_to_search(curve, None).tolist(), "grows": curve.grows}
    row, y = answer.frame.iloc[0], fit.problem.target
    ends = float(np.min(y)) / 2, float(np.max(y))
    slider = Slider("box-target", subject.label(fit.target), goal, min(ends[0], goal), max(ends[1], goal), logs=False)
    what = "compute, split best (FLOP)" if plane else subject.label(along)
    missed = 1 - float(row["probability"])
    never = f"; no amount reaches it in {percent(missed)} of the draws" if missed > 0 else ""
    line = Line("target-scale", what, row["estimate"], row["low"], row["high"], answer.ends[0], never)
    head = f"For {escape(slider.label)} {slider.said}:"
    return _card("A target", head, [slider], [line], "target", float(row["beyond"]))


def _card(title: str, still: str, sliders: Sequence[Slider], lines: Sequence[Line], name: str, beyond: float) -> str:
    """What can be asked, and the answers with their intervals; ``still`` is HTML that says the same without sliders."""
    asked, answers = "\n".join(slider.html for slider in sliders), "\n".join(line.html for line in lines)
    return (
        f'<div class="card"><h3>{escape(title)}</h3>\n<p class="still">{still}</p>\n'
        f'<div class="live">{asked}</div>\n<table class="answers">\n{answers}\n</table>\n'
        f'<p id="{name}-beyond">{escape(_far(beyond))}</p></div>'
    )


def _others(subject: Subject) -> dict[str, float] | None:
    """Inputs other than size and tokens, where their sliders stand at first."""
    start = start_of(subject)
    return {name: start[name] for name in subject.others} or None


def _far(beyond: float) -> str:
    if np.isnan(beyond):
        return ""
    return f"{si(beyond)} times beyond what was fitted" if beyond > INSIDE else "inside what was fitted"


def _first_budget(subject: Subject) -> float:
    return rounded(LARGER * float(subject.setting.seen_cost.max()))


def _typed(value: float) -> str:
    return number(value, digits=4)
