"""The report of a fit as one HTML page: nothing from outside, plain where scripts are off."""

from __future__ import annotations

import base64
import hashlib
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from scalefit.errors import FitError, ScalefitWarning, not_one_of
from scalefit.reports.html import describe_fit
from scalefit.reports.page.explorer import Explorer, make_explorer
from scalefit.reports.page.parts import Part, Report
from scalefit.reports.page.reasons import told_or_why
from scalefit.reports.page.subject import Subject
from scalefit.result import Fit
from scalefit.wording.document import html_document

#: Resamples of what is fitted anew for the page: the ends of 90 % intervals are then known to a tenth of their width.
DRAWS = 200


def write_report(
    fit: Fit,
    path: str | Path,
    *,
    runs: Any = None,
    by: str | None = None,
    at: Any = None,
    flops: float | Sequence[float] | None = None,
    answers: Mapping[str, str] | None = None,
    skip: Sequence[str] = (),
    draws: int = DRAWS,
    rng: int | None = None,
    progress: bool = False,
) -> Path:
    """Write all that can be said of a fit into one HTML file, which opens from disk and loads nothing.

    Parameters
    ----------
    fit : Fit
        Best with draws: ``fit.bootstrap(1000)``.
    path : where to write; an older file is replaced.
    runs, by, at, flops, answers, skip, draws, rng, progress : see :func:`report_page`.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    FitError
        If an argument cannot be meant, or the file cannot be written.
    """
    page = make_page(
        fit, runs=runs, by=by, at=at, flops=flops, answers=answers, skip=skip, draws=draws, rng=rng, progress=progress
    )
    return page.write(path)


def report_page(
    fit: Fit,
    *,
    runs: Any = None,
    by: str | None = None,
    at: Any = None,
    flops: float | Sequence[float] | None = None,
    answers: Mapping[str, str] | None = None,
    skip: Sequence[str] = (),
    draws: int = DRAWS,
    rng: int | None = None,
    progress: bool = False,
) -> str:
    """All that can be said of a fit as the text of one HTML page.

    The verdict comes first, then every answer in a sentence, sliders that ask the law, the data, pictures, a back-test,
    a forecast, the best split of budgets, families compared, the checklist, and what is needed to make it again. What
    cannot be made is named with its reason.

    Parameters
    ----------
    fit : Fit
    runs : table or path with the families to compare the fit's own with; None: those among the rows fitted.
    by : column that names families; None: ``family``.
    at : table of the points to forecast; None: a run ten times larger.
    flops : budgets to split, in FLOP; None: the largest run, ten and a hundred times as much.
    answers : item of the checklist -> what only its author knows.
    skip : parts that are not made, such as ``["forecast"]``, the slowest; the page says so.
    draws : resamples of each fit made for the page, at least 2.
    rng : seed; None: one made of the fit, so that the same fit gives the same page.
    progress : whether to show a bar.

    Returns
    -------
    str
        HTML of some hundred kilobytes: no request leaves the page. Names from the data are escaped.

    Raises
    ------
    FitError
        If an argument cannot be meant.
    """
    return make_page(
        fit, runs=runs, by=by, at=at, flops=flops, answers=answers, skip=skip, draws=draws, rng=rng, progress=progress
    ).html


@dataclass(frozen=True, eq=False)
class Page:
    """A report that was made.

    Parameters
    ----------
    html : all of it.
    pooled : that one law was fitted to several families; empty where it was not.
    sentences : the first of every answer.
    """

    html: str
    pooled: str
    sentences: tuple[str, ...]

    def write(self, path: str | Path) -> Path:
        """Write it into a file.

        Raises
        ------
        FitError
            If the file cannot be written.
        """
        place = Path(path).expanduser()
        try:
            place.write_text(self.html, encoding="utf-8")
        except (OSError, ValueError) as error:
            raise FitError(f"The report cannot be written to {str(path)!r}: {error}.") from error
        return place


def make_page(
    fit: Fit,
    *,
    runs: Any = None,
    by: str | None = None,
    at: Any = None,
    flops: float | Sequence[float] | None = None,
    answers: Mapping[str, str] | None = None,
    skip: Sequence[str] = (),
    draws: int = DRAWS,
    rng: int | None = None,
    progress: bool = False,
    commands: bool = False,
) -> Page:
    """The page of :func:`report_page` with its first sentences; ``commands`` for a reader of the command line."""
    if isinstance(draws, bool) or int(draws) != draws or draws < 2:
        raise FitError(f"report needs a whole number of draws, at least 2; got {draws!r}.")
    seed = int(np.random.default_rng(fit.seed).integers(2**31)) if rng is None else _checked_seed(rng)
    subject = Subject(fit, runs, by, at, flops, int(draws), dict(answers or {}), seed, commands)
    report = Report(subject)
    parts = _without(report.parts(), skip)
    made = [_section(part) for part in _counted(parts, progress)]
    sliders, script = _explored(subject)
    title = f"{fit.law.name} on {fit.n_runs:,} run{'s' * (fit.n_runs != 1)}"
    if subject.pooled:
        title += f": {subject.pooled}"
    verdict = f'<section id="verdict">{describe_fit(fit, doubts=subject.doubts)}</section>'
    short = f'<section id="short"><h2>In short</h2>\n{_made(report.in_short)}\n</section>'
    body = "\n".join([f"<h1>{escape(title)}</h1>", _contents(parts), verdict, short, sliders, *made, script])
    page = html_document(title, body, style=_resource("page.css"), head=_policy(script))
    return Page(page, subject.pooled, report.sentences)


def _without(parts: Sequence[Part], skip: Sequence[str]) -> list[Part]:
    """The parts; in place of those to be skipped, that they were."""
    names = [part.name for part in parts]
    for name in [skip] if isinstance(skip, str) else skip:
        if name not in names:
            raise FitError(not_one_of("skip", name, names))
    return [replace(part, make=_left_out) if part.name in skip else part for part in parts]


def _left_out() -> str:
    raise FitError("left out on request (skip).")


def _checked_seed(rng: Any) -> int:
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise FitError(f"report takes a seed, a whole number from 0 on, so that the page can name it; got {rng!r}.")
    return int(rng)


def _counted(parts: Sequence[Part], progress: bool) -> Iterable[Part]:
    if not progress:
        return parts
    from tqdm.auto import tqdm

    bar: Iterable[Part] = tqdm(parts, desc="report", unit="part")
    return bar


def _section(part: Part) -> str:
    return f'<section id="{part.name}"><h2>{escape(part.title)}</h2>\n{_made(part.make)}\n</section>'


def _made(make: Callable[[], str]) -> str:
    """The HTML of a part with what was warned of on the way, or the reason why there is none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        html = told_or_why(make)
    said = dict.fromkeys(str(one.message) for one in caught if _worth_saying(one))
    return html + "".join(f'\n<p class="told">Warned: {escape(text)}</p>' for text in said)


def _worth_saying(one: warnings.WarningMessage) -> bool:
    return issubclass(one.category, ScalefitWarning)


def _explored(subject: Subject) -> tuple[str, str]:
    """The sliders, and the script that moves them; without one where the page cannot evaluate the law."""
    explorers: list[Explorer] = []

    def make() -> str:
        explorers.append(make_explorer(subject))
        return explorers[0].html

    html = f'<section id="explore"><h2>What the law says</h2>\n{_made(make)}\n</section>'
    if not explorers:
        return html, ""
    code = _resource("page.js").replace("/* the law */", explorers[0].law)
    return html, f'<script type="application/json" id="law">{explorers[0].data}</script>\n<script>{code}</script>'


def _policy(script: str) -> str:
    """Nothing may be loaded, and no script may run but the one that was written here."""
    code = script.rpartition("<script>")[2].removesuffix("</script>")
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    scripts = f"'sha256-{digest}'" if script else "'none'"
    allowed = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {scripts}"
    return f'<meta http-equiv="Content-Security-Policy" content="{allowed}">\n'


def _contents(parts: Iterable[Part]) -> str:
    links = [("verdict", "Verdict"), ("explore", "What the law says"), *((part.name, part.title) for part in parts)]
    inside = " ".join(f'<a href="#{name}">{escape(title)}</a>' for name, title in links)
    return f"<nav>{inside}</nav>"


def _resource(name: str) -> str:
    return files("scalefit.reports.page").joinpath(name).read_text(encoding="utf-8")
