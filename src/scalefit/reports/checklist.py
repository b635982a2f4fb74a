"""What a report of a fit must state, filled in as far as the fit knows it, with a mark where the author must add."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import pandas as pd

from scalefit.errors import FitError, not_one_of
from scalefit.reports.checklist_answers import Answer as Known, answers_of
from scalefit.reports.checklist_items import ITEMS
from scalefit.result import Fit
from scalefit.wording.page import badge, framed, lines
from scalefit.wording.said import Answer, Said, state_of

if TYPE_CHECKING:
    from scalefit.decisions.backtest_result import Backtest

Who = Literal["known", "partly", "add", "author"]
MARKS: Mapping[Who, str] = {"known": "[x]", "author": "[x]", "partly": "[~]", "add": "[ ]"}
WIDTH = 116
ADD = "AUTHOR: "
SOURCE = "Items after Li, Kudugunta and Zettlemoyer 2025, (Mis)Fitting: A Survey of Scaling Laws, arXiv:2502.18969"


@dataclass(frozen=True)
class Entry:
    """One item with its answer.

    Parameters
    ----------
    group : what it belongs to, such as "Fitting".
    item : the key under which ``answers=`` fills it in.
    title : the item in a few words.
    known : what the fit says; empty where it says nothing.
    missing : what the author must add; empty where nothing is missing.
    given : what the author said.
    math : LaTeX that stands in place of ``known``.
    """

    group: str
    item: str
    title: str
    known: str
    missing: str
    given: str = ""
    math: str = ""

    @property
    def who(self) -> Who:
        """Who answers: the fit ("known"), the author ("author"), the fit in part ("partly"), or nobody yet ("add")."""
        if self.given:
            return "author"
        return "add" if not self.known else "partly" if self.missing else "known"

    @property
    def answer(self) -> str:
        """The answer as far as there is one."""
        return "; ".join(part for part in (self.known, self.given) if part)

    @property
    def to_add(self) -> str:
        """What the author must still add."""
        return "" if self.given else self.missing


@dataclass(frozen=True, eq=False, repr=False)
class Checklist(Answer):
    """What a report of a fit must state, so that a reader can judge it and repeat it.

    Made by ``fit.checklist()``; never changed.

    Attributes
    ----------
    head : str. The fit, and how much of the list is filled in.
    entries : tuple of Entry. Every item in its order.
    converged : bool. Whether the fit can be believed.
    """

    head: str
    entries: tuple[Entry, ...]
    converged: bool = True

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row an item: ``group, item, title, answer, who, to_add``.

        ``who`` is "known" (the fit says it), "partly", "add" (the author must) or "author" (who has).
        """
        rows = [(e.group, e.item, e.title, e.answer, e.who, e.to_add) for e in self.entries]
        return pd.DataFrame(rows, columns=["group", "item", "title", "answer", "who", "to_add"])

    def said(self) -> Said:
        """The list as lines; doubtful while something is left to add, bad where the fit is not to be believed."""
        left = [entry for entry in self.entries if entry.to_add]
        groups = groupby(self.entries, key=lambda entry: entry.group)
        parts = ["\n".join([group, *(_line(entry) for entry in entries)]) for group, entries in groups]
        return Said(state_of(left, believed=self.converged), self.head, (), tuple(parts), (f"{SOURCE}.",))

    def _repr_html_(self) -> str:
        """Items as lists, which lines broken for a terminal are not."""
        said = self.said()
        inside = [badge(said.state, said.headline)]
        for group, entries in groupby(self.entries, key=lambda entry: entry.group):
            inside += [lines([group], weight="bold"), f"<ul>{''.join(_html_item(entry) for entry in entries)}</ul>"]
        return framed(said.state, [*inside, lines(said.notes)], kind="checklist")

    def to_markdown(self) -> str:
        """The list as Markdown, for a readme or an appendix."""
        from scalefit.reports.checklist_markup import markdown_of

        return markdown_of(self)

    def to_latex(self) -> str:
        """The list as LaTeX that needs no package, to be put into an appendix."""
        from scalefit.reports.checklist_markup import latex_of

        return latex_of(self)


def make_checklist(
    fit: Fit, *, answers: Mapping[str, str] | None = None, backtest: Backtest | None = None
) -> Checklist:
    """Fill in what a report of a fit must state: see :meth:`scalefit.Fit.checklist`.

    Parameters
    ----------
    fit : Fit
    answers : item -> what the author says, such as ``{"tokenizer": "GPT-2 BPE, 50,257 entries"}``.
    backtest : of the same law, for the items on validation.

    Returns
    -------
    Checklist
        Nothing in it is guessed: what the fit does not hold is marked for the author to add.

    Raises
    ------
    FitError
        If an answer is for no item of the list, or the back-test is of another law.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.grid(x=[1e6, 1e7, 1e8, 1e9]).assign(loss=[4.1, 3.5, 3.0, 2.6])
    >>> told = make_checklist(sf.fit(runs, "power"), answers={"tokenizer": "bytes"})
    >>> told.frame.set_index("item").loc[["tokenizer", "free_params", "optimizer"], ["answer", "who"]].values.tolist()
    [['bytes', 'author'], ['2 free parameters, 4 rows', 'known'], ['', 'add']]
    """
    if backtest is not None and backtest.law != fit.law.name:
        raise FitError(f"The back-test is of {backtest.law}, the fit of {fit.law.name}: back-test the law of the fit.")
    given = dict(answers or {})
    for name in given:
        if name not in ITEMS:
            raise FitError(not_one_of("An answer's item", name, ITEMS))
    known = answers_of(fit, backtest)
    entries = []
    for name, item in ITEMS.items():
        answer = known.get(name, Known())
        missing = item.asks if not answer.text else answer.missing
        entry = Entry(item.group, name, item.title, answer.text, missing, math=answer.math)
        entries.append(replace(entry, given=str(given[name]).strip()) if name in given else entry)
    return Checklist(_head(fit, entries), tuple(entries), fit.converged)


def _head(fit: Fit, entries: list[Entry]) -> str:
    count = {who: sum(entry.who == who for entry in entries) for who in MARKS}
    filled = count["known"] + count["author"]
    runs = f"{fit.n_runs} run{'s' if fit.n_runs != 1 else ''}"
    return (
        f"{fit.law.name} on {runs}, {fit.judgement.status}: {filled} of {len(entries)} items filled in, "
        f"{count['partly']} in part, {count['add']} for the author to add"
    )


def _text(entry: Entry) -> str:
    to_add = f"{ADD}{entry.to_add}" if entry.to_add else ""
    return ". ".join(part for part in (entry.answer, to_add) if part)


def _line(entry: Entry) -> str:
    return textwrap.fill(
        f"{MARKS[entry.who]} {entry.title}: {_text(entry)}", WIDTH, initial_indent="  ", subsequent_indent="      ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _html_item(entry: Entry) -> str:
    to_add = f" <b>{ADD}</b>{escape(entry.to_add)}" if entry.to_add else ""
    return f"<li>{escape(entry.title)}: {escape(entry.answer)}{to_add}</li>"
