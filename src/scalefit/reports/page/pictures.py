"""The pictures of a report as SVG: light and dark, and runs that say their name under a pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from scalefit.reports.page.subject import Subject
from scalefit.wording.digits import number, si

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from scalefit.plots.vector import Spots

Draw = Callable[["Figure"], "Sequence[Spots]"]
WIDE, HIGH = 6.4, 4.2  # inches
#: Parameters whose draws are shown: more pairs could not be read.
MOST_PARAMS = 6


def picture(
    name: str, told: str, draw: Draw, *, width: float = WIDE, height: float = HIGH, shades: bool = False
) -> str:
    """A picture with what it shows in words.

    Parameters
    ----------
    name : what the names inside begin with: one of its own for each picture of a page.
    told : a sentence, for readers who cannot see it and under the picture.
    draw : draws into a figure and returns the places that say something.
    width, height : inches.
    shades : whether its colours follow from what is light: it is then drawn once for each theme.
    """
    if not shades:
        inside = _svg(name, draw, width, height, dark=False)
    else:
        light, dark = (_svg(f"{name}-{k}", draw, width, height, dark=bool(k)) for k in (0, 1))
        inside = f'<div class="light">{light}</div><div class="dark">{dark}</div>'
    wide = ' class="wide"' if width > WIDE else ""
    return (
        f'<figure{wide}><div role="img" aria-label="{escape(told)}">{inside}</div>'
        f"<figcaption>{escape(told)}</figcaption></figure>"
    )


def _svg(name: str, draw: Draw, width: float, height: float, *, dark: bool) -> str:
    from scalefit.plots.vector import as_svg, page_colours, page_figure

    with page_colours(dark=dark):
        figure = page_figure(width, height)
        spots = draw(figure)
        return as_svg(figure, prefix=name, spots=spots)


def draw_axes(plot: Callable[..., Any]) -> Draw:
    """What draws into one pair of axes, such as ``answer.plot``."""

    def draw(figure: Figure) -> list[Spots]:
        plot(ax=figure.subplots())
        return []

    return draw


def fit_pictures(subject: Subject) -> dict[str, Callable[[], str]]:
    """What can be drawn of a fit, by name."""
    fit = subject.fit
    out = {"fit": lambda: _fit(subject)}
    if subject.of_size_and_tokens:
        out["contours"] = lambda: _contours(subject)
    out["residuals"] = lambda: _residuals(subject)
    if len(fit.law.params) > 1:
        out["draws"] = lambda: _draws(subject)
    return out


def run_texts(subject: Subject) -> list[str]:
    """Each row fitted in one line: its name, what was seen and fitted, its inputs."""
    fit, rows = subject.fit, subject.fit.residuals
    names = rows["run"].astype(str) if "run" in rows else pd.Series([str(label) for label in rows.index])
    inputs = [name for name in fit.law.inputs if name in rows]
    texts = []
    for name, (_, row) in zip(names, rows.iterrows(), strict=True):
        at = ", ".join(f"{fit.columns.get(one, one)} {si(float(row[one]))}" for one in inputs)
        seen, fitted = number(float(row[subject.seen]), digits=5), number(float(row["fitted"]), digits=5)
        texts.append(f"{name}: {subject.seen} {seen}, fitted {fitted}; {at}")
    return texts


def _fit(subject: Subject) -> str:
    from scalefit.plots.fits import is_of_curves, plot_fit
    from scalefit.plots.vector import Spots

    fit = subject.fit
    if is_of_curves(fit):
        told = "Training curves: seen and fitted values, residuals and learning rates."
        return picture("fit", told, draw_axes(lambda ax: plot_fit(fit, ax=ax)), height=6.0)
    inputs = fit.law.inputs
    along = "tokens" if "tokens" in inputs else inputs[min(1, len(inputs) - 1)]

    def draw(figure: Figure) -> list[Spots]:
        ax = plot_fit(fit, along=along, ax=figure.subplots())
        return [Spots(ax, fit.data[along], fit.data[subject.seen], run_texts(subject))]

    return picture("fit", "The runs, the fitted law with its 90 % band, dashed beyond the runs.", draw)


def _contours(subject: Subject) -> str:
    from scalefit.plots.contours import plot_contours
    from scalefit.plots.vector import Spots

    def draw(figure: Figure) -> list[Spots]:
        ax = plot_contours(subject.fit, at=subject.others or None, ax=figure.subplots())
        return [Spots(ax, *subject.setting.seen, run_texts(subject))]

    return picture("contours", "Lines of equal loss, the runs, and the best split of each budget.", draw, shades=True)


def _residuals(subject: Subject) -> str:
    from scalefit.plots.fits import is_of_curves
    from scalefit.plots.residuals import COLUMNS, PANEL, plot_residuals
    from scalefit.plots.vector import Spots

    fit, by = subject.fit, subject.by or "family"
    rows = fit.residuals
    across = ["step"] if is_of_curves(fit) else [name for name in fit.law.inputs if name in rows]
    count = len(across) + 1 + int(by in rows and rows[by].nunique() > 1)
    lines = -(-count // COLUMNS)

    def draw(figure: Figure) -> list[Spots]:
        plot_residuals(fit, by=by, figure=figure)
        if across == ["step"]:
            return []
        texts = run_texts(subject)
        return [Spots(ax, rows[name], rows["residual"], texts) for ax, name in zip(figure.axes, across, strict=False)]

    told = "Residuals against each input, and in order beside those of a normal scatter."
    return picture("residuals", told, draw, width=PANEL[0] * min(count, COLUMNS), height=PANEL[1] * lines)


def _draws(subject: Subject) -> str:
    from scalefit.plots.draws import PANEL, plot_draws

    fit = subject.fit
    free = [name for name in fit.law.param_names if name not in fit.constraints.fixed][:MOST_PARAMS]
    size = PANEL * len(free) + 0.6

    def draw(figure: Figure) -> list[Spots]:
        plot_draws(fit, free, figure=figure)
        return []

    told = f"The draws of {', '.join(free)}, pair by pair."
    return picture("draws", told, draw, width=size, height=size)


def answer_picture(name: str, told: str, plot: Callable[..., Axes]) -> str:
    """The picture that an answer draws of itself."""
    return picture(name, told, draw_axes(plot))
