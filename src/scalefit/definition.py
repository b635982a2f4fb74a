"""Making laws: from a Python function, or from a formula given as text."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from scalefit import formula as formulas
from scalefit.derived import Derived
from scalefit.errors import FormulaError, LawError, listing, not_one_of
from scalefit.law import Derivative, Derive, Equation, Law, Published, Verified
from scalefit.objectives import Huber, Objective, Square
from scalefit.parameter import Param


def define_law(
    *,
    inputs: Sequence[str],
    output: str = "loss",
    params: Sequence[Param] | None = None,
    linear: Sequence[str] | None = None,
    objective: Objective | None = None,
    source: str = "",
    verified: Verified = "ours",
    published: Mapping[str, Published] | None = None,
    traps: str = "",
    by_hand: Derivative | None = None,
    derive: Derive | None = None,
    domain: Mapping[str, tuple[float, float]] | None = None,
    derived: Sequence[Derived] = (),
) -> Callable[[Equation], Law]:
    """Make a law of a Python function: the inputs first, then the parameters, returning the value.

    Parameters
    ----------
    inputs : names of columns, in the order of the function's first arguments.
    output : the quantity predicted.
    params : one :class:`Param` per remaining argument, in order. None: unbounded, named as the arguments.
    linear : names of the parameters that enter linearly once the others are fixed. None: read off the equation.
    objective : None is Huber 1e-3 of the log, the usual one for a loss.
    source, verified, published, traps : where the equation comes from and how well it was checked.
    by_hand : value and Jacobian in one call, for laws that are fitted very often; else by complex step.
    derive : columns computed from a schedule, for laws of training curves.
    domain : input -> lowest and highest value that it can have; without one an input is positive. Rows outside are
        refused.
    derived : quantities that follow from the parameters in closed form, made by :func:`scalefit.define_derived`.

    Returns
    -------
    decorator
        Turns the function into a :class:`Law` of its name.

    Raises
    ------
    LawError
        If names and arguments do not match: usually a parameter was left out of ``params``.

    Notes
    -----
    Use functions of NumPy that take complex numbers (not ``abs``, ``maximum``, ``logaddexp``) or those of
    :mod:`scalefit.law_math`: derivatives are taken by complex step.

    Examples
    --------
    >>> import scalefit as sf
    >>> @sf.define_law(inputs=["tokens"], params=[sf.floor("E"), sf.scale("A"), sf.exponent("beta")])
    ... def data_law(D, E, A, beta):
    ...     return E + A / D**beta
    >>> data_law.param_names
    ('E', 'A', 'beta')
    """

    def decorate(function: Equation) -> Law:
        arguments = tuple(inspect.signature(function).parameters)
        rest = arguments[len(inputs) :]
        chosen = tuple(params) if params is not None else tuple(Param(name) for name in rest)
        if len(arguments) != len(inputs) + len(chosen):
            raise LawError(
                f"Law {function.__name__!r} takes {listing(arguments)}: {len(inputs)} inputs and {len(chosen)} params "
                f"were declared, {len(arguments)} arguments are needed."
            )
        names = tuple(param.name for param in chosen)
        law = Law(
            name=function.__name__,
            function=function,
            inputs=tuple(inputs),
            output=output,
            params=chosen,
            linear=tuple(linear or ()),
            objective=objective or Huber(),
            source=source,
            verified=verified,
            published=MappingProxyType(dict(published or {})),
            traps=traps,
            by_hand=by_hand,
            derive=derive,
            domain=MappingProxyType(dict(domain or {})),
            derived=MappingProxyType({quantity.name: quantity for quantity in derived}),
        )
        if linear is None and law.tree is not None:
            law = replace(law, linear=formulas.linear_names(law.tree, names))
        object.__setattr__(law, "__doc__", function.__doc__)
        return law

    return decorate


def formula_law(
    text: str,
    *,
    inputs: Sequence[str],
    output: str = "y",
    params: Sequence[Param] | None = None,
    objective: Objective | None = None,
) -> Law:
    """A law from a formula given as text, such as ``"E + A/params**alpha"``; the text is parsed, never executed.

    Parameters
    ----------
    text : numbers, names, ``+ - * / **``, parentheses, ``exp log sqrt sin cos arctan`` and ``pi``.
    inputs : which names are columns; the others are parameters, in the order they appear.
    output : the quantity predicted.
    params : bounds and ranges for some or all parameters; the others are unbounded.
    objective : None is ``Square(on="raw")``.

    Returns
    -------
    Law
        Called ``"formula"`` and ready for :func:`scalefit.fit`, its linear parameters found.

    Raises
    ------
    FormulaError
        If the text holds anything else, or lacks an input.

    Examples
    --------
    >>> law = formula_law("b1*(1 - exp(-b2*x))", inputs=["x"])
    >>> law.param_names, law.linear
    (('b1', 'b2'), ('b1',))
    """
    tree = formulas.parse_formula(text)
    names = formulas.names_in(tree)
    absent = [name for name in inputs if name not in names]
    if absent:
        raise FormulaError(
            f"The formula {text!r} does not hold the input {listing(absent)}; it holds {listing(names)}."
        )
    free = tuple(name for name in names if name not in inputs)
    if not free:
        raise FormulaError(f"The formula {text!r} has no parameters besides the inputs {listing(inputs)}.")
    given = {param.name: param for param in params or ()}
    for name in given:
        if name not in free:
            raise FormulaError(not_one_of(f"A parameter of the formula {text!r}", name, free))

    def function(*values: Any) -> Any:
        return formulas.evaluate(tree, dict(zip((*inputs, *free), values, strict=True)))

    return Law(
        name="formula",
        function=function,
        inputs=tuple(inputs),
        output=output,
        params=tuple(given.get(name, Param(name)) for name in free),
        linear=formulas.linear_names(tree, free),
        objective=objective or Square(on="raw"),
        source="a formula given as text",
        text=text,
        positive_inputs=False,
    )
