"""The parts of a report: each a title and how its HTML is made."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from itertools import combinations, groupby
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.allocation.budget import allocate
from scalefit.decisions.backtest import backtest
from scalefit.decisions.backtest_result import Backtest
from scalefit.decisions.comparison.compare import compare
from scalefit.decisions.comparison.record import Comparison
from scalefit.decisions.forecast import forecast
from scalefit.decisions.forecast_result import Forecast
from scalefit.errors import FitError
from scalefit.fitting.problem import Array
from scalefit.reports.checklist import Checklist, Entry, Who, make_checklist
from scalefit.reports.json import write_fit
from scalefit.reports.page.pictures import answer_picture, fit_pictures
from scalefit.reports.page.reasons import told_or_why
from scalefit.reports.page.subject import Subject
from scalefit.result import Fit
from scalefit.wording.amounts import digits_for, plain
from scalefit.wording.digits import number, si
from scalefit.wording.page import badge, cells_table, lines
from scalefit.wording.said import State

#: Rows of the table of runs; of more, so many at even distances.
MOST_ROWS = 300
#: Training curves that are left out one by one.
MOST_LEFT_OUT = 12
#: Pairs of families whose crossing is looked for.
MOST_PAIRS = 3
#: Bytes of the fit as JSON, above which its draws are left out of the page.
MOST_JSON = 600_000
#: Beside an item of the checklist.
SIGNS: Mapping[Who, str] = {"known": "✓", "author": "✓", "partly": "~", "add": "○"}


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a report.

    Parameters
    ----------
    name : of the element, for links.
    title : its heading.
    make : its HTML; what it raises is told in its place.
    """

    name: str
    title: str
    make: Callable[[], str]


class Report:
    """The parts of the report of one fit; answers that two parts need are made once."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._backtest: Backtest | None = None
        self._answers: list[Any] = []

    def parts(self) -> list[Part]:
        """Every part in the order of the page, after the verdict and the sliders."""
        drawn = fit_pictures(self.subject)
        return [
            Part("data", "The data", self.data),
            Part("pictures", "The fit in pictures", lambda: "\n".join(told_or_why(make) for make in drawn.values())),
            Part("backtest", "Back-test", self.backtest),
            Part("forecast", "Forecast", self.forecast),
            Part("allocation", "How large, how long", self.allocation),
            Part("comparison", "Families compared", self.comparison),
            Part("checklist", "What a report must state", self.checklist),
            Part("runs", "The rows fitted", self.runs),
            Part("reproduce", "To make it again", self.reproduce),
        ]

    def in_short(self) -> str:
        """The first sentence of every answer that was made: last to be made, first to be read."""
        if not self._answers:
            raise FitError("none of the answers below could be made of this fit; each says why.")
        return "\n".join(lines([said]) if state is None else badge(state, said) for state, said in self._sentences())

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same as text, one line for each answer."""
        return tuple(said for _, said in self._sentences())

    def _sentences(self) -> list[tuple[State | None, str]]:
        return [sentence(answer) for answer in self._answers]

    def _told(self, answer: Any) -> str:
        self._answers.append(answer)
        return answer_html(answer)

    def data(self) -> str:
        """What was fitted."""
        fit = self.subject.fit
        rows = [["rows", f"{fit.n_rows:,}"], ["runs", f"{fit.n_runs:,}"]]
        rows += [[self.subject.label(name), span] for name, span in self._ranges()]
        if self.subject.families is not None:
            counts = self.subject.families.value_counts()
            shown = ", ".join(f"{name} {count}" for name, count in counts.head(12).items())
            more = f" and {len(counts) - 12} more" if len(counts) > 12 else ""
            rows.append([str(self.subject.families.name), shown + more])
        dropped = fit.provenance.get("rows_dropped", {})
        if dropped:
            rows.append(["left out", "; ".join(f"{where}: {why}" for where, why in dropped.items())])
        told = [f"{note}" for note in (*fit.provenance.get("history", ()), *fit.notes)]
        return _table(["", ""], rows) + lines(told)

    def _ranges(self) -> Iterator[tuple[str, str]]:
        fit = self.subject.fit
        for name, x in zip(fit.law.inputs, fit.problem.inputs, strict=True):
            if x.ndim == 1:  # a history has no range
                yield name, _span(x)
        yield fit.target, _span(fit.data[self.subject.seen].to_numpy(float))

    def backtest(self) -> str:
        """The small runs fitted, the large ones judged."""
        fit, one = self.subject.fit, self.subject
        if fit.law.derive is not None and "run" not in fit.data:
            raise FitError("The rows are of one training curve: there are no other runs to judge it by.")
        # Runs of one length tie along their steps: each is left out in turn instead.
        by = "run" if fit.law.derive is not None and fit.n_runs <= MOST_LEFT_OUT else None
        told = backtest(one.fitted, fit.law, along=one.along, by=by, draws=one.draws, rng=one.seed, **one.call)
        self._backtest = told
        text = "Predicted against seen, by how far beyond the runs fitted."
        return self._told(told) + told_or_why(lambda: answer_picture("backtest", text, told.plot))

    def forecast(self) -> str:
        """Several laws at the points asked for."""
        one, call = self.subject, self.subject.call
        columns = {**call["columns"]}
        told = forecast(one.fitted, one.points, target=call["target"], columns=columns, draws=one.draws, rng=one.seed)
        asked = "" if one.at is not None else lines(["No points were asked for: this is a run ten times larger."])
        text = "What was seen, each law on its way beyond it, and the forecast."
        return asked + self._told(told) + told_or_why(lambda: answer_picture("forecast", text, told.plot))

    def allocation(self) -> str:
        """The best split of budgets."""
        one = self.subject
        told = allocate(one.fit, flops=one.budgets, at={**one.others} or None)
        where = ", ".join(f"{name} {si(value)}" for name, value in one.others.items())
        note = lines([f"At the median of the runs: {where}."]) if where else ""
        text = "The best size and tokens along compute."
        return note + self._told(told) + told_or_why(lambda: answer_picture("allocation", text, told.plot))

    def comparison(self) -> str:
        """The families, and where one overtakes another."""
        one = self.subject
        table, by = one.family_table
        call = {name: value for name, value in one.call.items() if name != "columns"}
        columns = {name: column for name, column in one.fit.columns.items() if column in table.columns}
        along = "flops" if one.of_size_and_tokens else one.fit.law.inputs[0]
        told = compare(
            table, by=by, law=one.fit.law, draws=one.draws, rng=one.seed, columns=columns, along=along, **call
        )
        text = "Each family with its runs, how far apart they are, and which is ahead."
        parts = [self._told(told), told_or_why(lambda: answer_picture("comparison", text, told.plot))]
        pairs = list(combinations(told.families, 2))
        for k, (a, b) in enumerate(pairs[:MOST_PAIRS]):
            parts += [f"<h3>{escape(a)} and {escape(b)}</h3>", told_or_why(partial(self._crossing, told, a, b, k))]
        if len(pairs) > MOST_PAIRS:
            parts.append(lines([f"{len(pairs) - MOST_PAIRS} more pairs of families: comparison.crossover(a, b)."]))
        return "\n".join(parts)

    def _crossing(self, told: Comparison, a: str, b: str, k: int) -> str:
        found = told.crossover(a, b)
        text = f"The difference of {a} and {b}, and where they cross."
        return self._told(found) + told_or_why(lambda: answer_picture(f"crossing-{k}", text, found.plot))

    def checklist(self) -> str:
        """The checklist of the fit, with the back-test if there is one."""
        return _checklist(make_checklist(self.subject.fit, answers=self.subject.answers, backtest=self._backtest))

    def runs(self) -> str:
        """Every row with what was seen and fitted."""
        fit, one = self.subject.fit, self.subject
        rows = fit.residuals
        names = rows["run"].astype(str) if "run" in rows else pd.Series([str(label) for label in rows.index])
        columns = [name for name in ("family", "step") if name in rows and name not in fit.law.inputs]
        columns += [name for name in fit.law.inputs if name in rows]
        shown = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(int))
        head = ["run", *(fit.columns.get(name, name) for name in columns), one.seen, "fitted", "residual"]
        digits = {one.seen: 6, "fitted": 6, "residual": 3}
        cells = [
            [names.iloc[k]]
            + [_cell(rows[name].iloc[k]) for name in columns]
            + [number(float(rows[name].iloc[k]), digits=count) for name, count in digits.items()]
            for k in shown
        ]
        few = "" if len(shown) == len(rows) else lines([f"{len(shown)} of {len(rows):,} rows, at even distances."])
        return f"{few}<details><summary>{len(shown):,} rows</summary>{_table(head, cells)}</details>"

    def reproduce(self) -> str:
        """The call, the versions, and the fit itself."""
        fit = self.subject.fit
        told = fit.provenance
        call = {name: value for name, value in told["call"].items() if value not in ({}, "", None)}
        rows = [["data", f"{told['rows_used']:,} rows, hash {told['data_hash']}"]]
        rows += [
            [name, value if isinstance(value, str) else json.dumps(value, default=str)] for name, value in call.items()
        ]
        rows.append(["versions", ", ".join(f"{name} {version}" for name, version in told["versions"].items())])
        rows.append(["seed", f"{self.subject.seed}, {self.subject.draws} draws of what was fitted for this page"])
        return _table(["", ""], rows) + _code(_call_text(self.subject)) + _document(fit)


def _span(x: Array) -> str:
    low, high = float(x.min()), float(x.max())
    return si(low) if low == high else f"{si(low)} to {si(high)}"


def _call_text(subject: Subject) -> str:
    """The call as one would type it."""
    fit = subject.fit
    said = {"objective": f"sf.{fit.problem.objective!r}"} if fit.problem.objective != fit.law.objective else {}
    if fit.target != fit.law.output:
        said["target"] = repr(fit.target)
    columns = {name: column for name, column in fit.columns.items() if name != column}
    if columns:
        said["columns"] = repr(columns)
    for name, value in vars(fit.constraints).items():
        if value:
            said[name] = repr(dict(value))
    given = "".join(f", {name}={value}" for name, value in said.items())
    drawn = "" if fit.draws is None else f".bootstrap({len(fit.draws) + fit.n_failed}, rng=seed)"
    return (
        "import scalefit as sf\n\n"
        f"fit = sf.fit(runs, {fit.law.name!r}{given}){drawn}\n"
        f'fit.report("report.html", draws={subject.draws}, rng={subject.seed})\n\n'
        'fit = sf.load_fit("fit.json")  # the same fit, from the file below'
    )


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _document(fit: Fit) -> str:
    """The fit as JSON, to be saved from the page itself."""
    text, note = write_fit(fit), ""
    if len(text) > MOST_JSON and fit.draws is not None:
        without: Fit = replace(fit, draws=None, plan=None, drawn=None, n_failed=0)
        text, note = (
            write_fit(without),
            " without its draws, which are too many for a page",
        )
    data = base64.b64encode(text.encode()).decode()
    link = f'<a download="fit.json" href="data:application/json;base64,{data}">fit.json</a>'
    return f"<p>{link} ({len(text) / 1000:,.0f} kB){note}</p>"


def answer_html(answer: Any) -> str:
    """An answer as HTML; as text where it has no other form."""
    if hasattr(answer, "_repr_html_"):
        return str(answer._repr_html_())
    return _code(repr(answer))


def sentence(answer: Any) -> tuple[State | None, str]:
    """The first sentence of an answer and its state; a forecast says its number, and a doubt is spelt out."""
    if not hasattr(answer, "said"):
        return None, repr(answer).partition("\n")[0]
    said = answer.said()
    told = said.headline
    if told.endswith(":") and said.doubts:
        told = f"{told} {said.doubts[0]}"
    if isinstance(answer, Forecast):
        told = f"{_first_point(answer)}. {told}"
    return said.state, told


def _first_point(told: Forecast) -> str:
    """What a forecast says of its first point."""
    first = told.frame.iloc[0]
    where = ", ".join(f"{name} {si(float(first[name]))}" for name in told.inputs)
    digits = digits_for(*(float(first[name]) for name in ("estimate", "low", "high")))
    value, low, high = (plain(float(first[name]), digits) for name in ("estimate", "low", "high"))
    return f"{told.target} {value} ({100 * told.level:g} %: {low} to {high}) at {where}"


def _checklist(told: Checklist) -> str:
    parts = [f"<p>{escape(told.head)}</p>"]
    for group, entries in groupby(told.entries, key=lambda entry: entry.group):
        parts.append(
            f'<h3>{escape(group)}</h3>\n<ul class="checklist">{"".join(_item(entry) for entry in entries)}</ul>'
        )
    return "\n".join(parts)


def _item(entry: Entry) -> str:
    to_add = f' <em class="add">to be added: {escape(entry.to_add)}</em>' if entry.to_add else ""
    return (
        f'<li><span class="mark">{SIGNS[entry.who]}</span> {escape(entry.title)}: {escape(entry.answer)}{to_add}</li>'
    )


def _cell(value: Any) -> str:
    is_number = isinstance(value, int | float | np.integer | np.floating)
    return number(float(value), digits=5) if is_number else str(value)


def _table(head: list[str], rows: list[list[str]]) -> str:
    return cells_table(head, rows)


def _code(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"
