"""A fit as plain text: status, equation, parameters, then what to know before using them."""

from __future__ import annotations

import re

from scalefit import formula as formulas
from scalefit.reports.content import content_of
from scalefit.result import Fit
from scalefit.wording.digits import significant
from scalefit.wording.tables import columns_text

#: Characters that LaTeX would not print as they are.
LATEX_SPECIAL = re.compile(r"[\\{}_^&%$#~]")


def describe_fit(fit: Fit) -> str:
    """A fit in a form that is read in ten seconds: the first line says whether to believe the others.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    str
        Status, equation, a table of parameters (two digits of the standard error set those of the estimate), how well
        the law fits, the range fitted, and cautions. Intervals are left out where the fit failed.
    """
    content = content_of(fit, formula_of(fit, latex=False))
    table = columns_text([list(row) for row in (content.header, *content.rows)], gap="   ")
    parts = [f"  {content.equation}", table, _indented(content.facts), _indented(content.cautions)]
    return "\n".join([content.head, *(part for part in parts if part.strip())])


def _indented(lines: tuple[str, ...]) -> str:
    return "\n".join(f"  {line}" for line in lines)


def formula_of(fit: Fit, *, latex: bool) -> str:
    r"""The equation of a fit with its numbers, six significant digits each.

    Parameters
    ----------
    fit : Fit
    latex : bool
        LaTeX, with powers of ten as ``\times 10^{13}``; else text that Python can read.

    Returns
    -------
    str
        A law that is more than one line of algebra is shown as its name with its parameters.
    """
    values = {name: significant(value) for name, value in fit.estimates.items()}
    if fit.law.tree is None:
        return _as_call(fit, values, latex=latex)
    numbers = {f"value_{j}_": text.lstrip("-") for j, text in enumerate(values.values())}
    # Names stand for the numbers until the end: a number that passes through a syntax tree loses its last zeros.
    signed = zip(values.items(), numbers, strict=True)
    places = {name: f"-{place}" if text.startswith("-") else place for (name, text), place in signed}
    text = fit.law.formula(places)
    if latex:
        latex_numbers = {place: _latex_number(digits) for place, digits in numbers.items()}
        equation = _without_double_signs(formulas.to_latex(formulas.parse_formula(text), latex_numbers))
        return f"{_latex_name(fit.target)} = {equation}"
    filled = re.sub(r"value_\d+_", lambda found: numbers[found[0]], _without_double_signs(text))
    return f"{fit.target} = {filled}"


def _as_call(fit: Fit, values: dict[str, str], *, latex: bool) -> str:
    inputs = ", ".join(fit.law.inputs)
    if not latex:
        numbers = ", ".join(f"{name}={text}" for name, text in values.items())
        return f"{fit.target} = {fit.law.name}({inputs}; {numbers})"
    symbols = ", ".join(formulas.symbol(name) for name in fit.law.inputs)
    numbers = r",\; ".join(f"{formulas.symbol(name)} = {_latex_number(text)}" for name, text in values.items())
    return rf"{_latex_name(fit.target)} = {_latex_name(fit.law.name)}\left({symbols}\right),\; {numbers}"


def _without_double_signs(text: str) -> str:
    """``a + -b`` as ``a - b``: a sign before a product or a power is that of the whole term."""
    return text.replace("+ -", "- ").replace("- -", "+ ")


def _latex_number(text: str) -> str:
    digits, _, power = text.partition("e")
    return rf"{digits} \times 10^{{{power}}}" if power else digits


def _latex_name(name: str) -> str:
    """A column or law, whose name may hold anything, upright and with LaTeX's own characters escaped."""
    escaped = {"\\": r"\backslash ", "^": r"\hat{}", "~": r"\sim "}
    return rf"\mathrm{{{LATEX_SPECIAL.sub(lambda found: escaped.get(found[0], chr(92) + found[0]), name)}}}"
