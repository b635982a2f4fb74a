"""The catalogue of laws and one law as text."""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np

from scalefit.errors import listing
from scalefit.law import Law, Published
from scalefit.laws import get_law, list_laws
from scalefit.parameter import Param
from scalefit.quantities import QUANTITIES
from scalefit.wording.digits import number
from scalefit.wording.tables import columns_text

WIDTH = 100
#: What a verification mark means, and as words behind a source.
MARKS = {
    "paper": "the formula was read in the paper itself or in its authors' code",
    "second source": "the formula was read in a second text or in code of others, not in the paper",
    "memory": "the formula was written from memory: check it before you rely on it (a fit warns)",
    "ours": "the formula, or this form of it, is our own, with the reason on its page",
}
TRUST = {
    "paper": "checked against the paper",
    "second source": "checked against a second source",
    "memory": "written from memory: check it before you rely on it",
    "ours": "our own",
}
#: A block of formulas in a docstring, on the line of its directive or indented under it.
MATH = re.compile(r"^\.\. math::(.*\n?(?:[ \t]*\n| +.*\n?)*)", flags=re.MULTILINE)
#: Topics in the order in which they are read; others follow.
ORDER = (
    "power", "curves", "broken", "estimators", "surfaces", "grids", "frontier", "training", "multi_power",
    "functional", "batches",
    "hyperparameters", "architecture", "experts", "compression", "repetition", "mixtures", "data", "downstream",
    "post_training", "inference",
)  # fmt: skip


def describe_laws() -> str:
    """All built-in laws by topic: name, equation and how well the equation was checked.

    Examples
    --------
    >>> any(line.startswith("  chinchilla ") for line in describe_laws().splitlines())
    True
    """
    frame = list_laws()
    parts = [f"{len(frame)} laws"]
    for topic, names in laws_by_topic().items():
        rows = [[name, equation_text(get_law(name)), str(frame.loc[name, "verified"])] for name in names]
        room = WIDTH - 2 - sum(max(len(row[k]) for row in rows) + 2 for k in (0, 2))
        rows = [[name, textwrap.shorten(equation, room, placeholder=" …"), mark] for name, equation, mark in rows]
        parts.append(f"{_wrapped(topic_title(topic)[0])}\n{columns_text(rows)}")
    parts.append(columns_text([[mark, meaning] for mark, meaning in MARKS.items()], indent=""))
    parts.append("All about one of them: scalefit laws NAME")
    return "\n\n".join(parts)


def describe_law(name: str | Law) -> str:
    """All about one law: equation, inputs, parameters, what it needs, published constants, derived quantities, source.

    Examples
    --------
    >>> print(describe_law("power").splitlines()[0])
    power: loss = A / x ** alpha
    """
    law = get_law(name)
    lines = [f"{law.name}: {equation_text(law)}", *_about(law)]
    lines += ["inputs:", columns_text([_input_cells(law, name) for name in law.inputs])]
    lines += ["parameters:", columns_text([_param_cells(law, param) for param in law.params])]
    lines.append(f"default objective: {law.objective!r}")
    if law.traps:
        lines.append(_wrapped(f"needs: {law.traps}"))
    lines += [_wrapped(_published_text(key, constants)) for key, constants in law.published.items()]
    if law.published:
        lines.append(f'predict with them: sf.get_law("{law.name}").with_constants("{next(iter(law.published))}")(runs)')
    if law.derived:
        lines.append("derived quantities, of a fit:")
        for key, quantity in law.derived.items():
            unit = f", in {quantity.unit}" if quantity.unit else ""
            lines += [f"  {derive_call(law, key)}{unit}", _wrapped(quantity.about, indent="      ")]
    lines.append(_wrapped(f"source: {law.source} ({trust_text(law)})"))
    return "\n".join(lines)


def equation_text(law: Law) -> str:
    """The equation in the names of the code, or only what it reads where that is more than one line.

    Examples
    --------
    >>> equation_text(get_law("power")), equation_text(get_law("moe_clark"))
    ('loss = A / x ** alpha', 'loss of params and experts')
    """
    return f"{law.output} of {listing(law.inputs)}" if law.tree is None else f"{law.output} = {law.formula()}"


@cache
def laws_by_topic() -> Mapping[str, tuple[str, ...]]:
    """The names of the built-in laws by topic, in the order in which they are read.

    Examples
    --------
    >>> laws_by_topic()["training"]
    ('forward_momentum', 'lr_annealing', 'lr_annealing_n')
    """
    topics = list_laws()["topic"]
    ranked = sorted(set(topics), key=lambda topic: (ORDER.index(topic) if topic in ORDER else len(ORDER), topic))
    return MappingProxyType({topic: tuple(sorted(topics.index[topics == topic])) for topic in ranked})


def topic_title(topic: str) -> tuple[str, str]:
    """What a topic is called, and what else its laws have in common: the first line of its module, cut at the colon.

    Examples
    --------
    >>> topic_title("inference")[0]
    'Compute spent on answers'
    """
    about = inspect.getdoc(importlib.import_module(f"scalefit.laws.{topic}")) or topic
    title, _, rest = about.split("\n")[0].rstrip(".").partition(": ")
    return title, rest


def trust_text(law: Law) -> str:
    """How well the formula of a law was checked, in words."""
    return TRUST[law.verified]


def derive_call(law: Law, name: str) -> str:
    """What to type for a derived quantity of a fit.

    Examples
    --------
    >>> derive_call(get_law("power_offset"), "x_for_loss")
    'fit.derive("x_for_loss", at={"loss": …})'
    """
    asks = ", ".join(f'"{asked}": …' for asked in law.derived[name].asks)
    return f'fit.derive("{name}", at={{{asks}}})' if asks else f'fit.derive("{name}")'


def domain_text(law: Law, name: str) -> str:
    """Which numbers an input may have."""
    if law.derive is not None and name in law.derive.columns:
        return "follows from the learning rates of the run"
    if name not in law.domain:
        return "above 0" if law.positive_inputs else "any number"
    return between_bounds(*law.domain[name])


def between_bounds(lower: float, upper: float) -> str:
    """A range in words, open where a bound is infinite."""
    low, high = ("" if np.isinf(bound) else number(bound) for bound in (lower, upper))
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else "any number"


def unit_of(name: str) -> str:
    """The unit of a known column, else nothing."""
    known = QUANTITIES.get(name)
    return known.unit if known else ""


def start_text(law: Law, param: Param) -> str:
    """Where starting values of a parameter are looked for, which is its usual range."""
    if param.name in law.linear:
        return "linear: solved for"
    usual = f"{number(param.low, digits=3)} to {number(param.high, digits=3)}"
    return f"{usual}, over {param.of}" if param.of else usual


def _input_cells(law: Law, name: str) -> list[str]:
    return [name, unit_of(name), domain_text(law, name)]


def _param_cells(law: Law, param: Param) -> list[str]:
    linear = param.name in law.linear
    starts = "enters linearly" if linear else f"usually {start_text(law, param)}"
    return [param.name, between_bounds(param.lower, param.upper), param.unit, starts]


def _published_text(key: str, constants: Published) -> str:
    values = ", ".join(f"{name}={number(value, digits=8)}" for name, value in constants.values.items())
    errors = ", ".join(f"{name} {number(value, digits=4)}" for name, value in constants.se.items())
    return f"published {key}: {values} ({constants.where}){f'; standard errors: {errors}' if errors else ''}"


def _about(law: Law) -> list[str]:
    """What the law is, in words, and the formulas of its docstring where its code is more than one line."""
    about = inspect.cleandoc(law.__doc__ or "")
    summary = about.split("\n\n")[0]
    words = re.sub(r":math:`([^`]*)`", r"\1", re.split(r":\s*:math:", summary)[0])
    words = " ".join(words.split()).rstrip(" :.").replace("``", "")
    lines = [_wrapped(words)] if words else []
    if law.tree is not None:
        return lines
    shown = re.findall(r":math:`([^`]*)`", summary)
    blocks = [formula for block in MATH.finditer(about) for formula in formulas_of_block(block)]
    return [*lines, *(_wrapped(formula, indent="  ") for formula in (*shown, *blocks))]


def formulas_of_block(block: re.Match[str]) -> list[str]:
    """The formulas of a ``.. math::`` block of a docstring, one line each."""
    formulas = (" ".join(part.split()) for part in block[1].split("\n\n"))
    return [formula for formula in formulas if formula]


def _wrapped(text: str, *, indent: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent or "  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
