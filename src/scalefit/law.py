"""Law: an equation, its inputs and its parameters, made from one function; evaluation and exact derivatives in batches.

Arrays of values are (B, n): B parameter vectors, n rows. Jacobians are (B, p, n), one contiguous row a parameter.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scalefit import formula as formulas
from scalefit.errors import FormulaError, LawError, listing, missing_column, not_one_of
from scalefit.objectives import Huber, Objective, Square

Array = NDArray[np.float64]
Inputs = tuple[Array, ...]
Equation = Callable[..., Any]
#: A value and Jacobian by hand: theta (B, p), inputs of (n,) each -> (B, n) and (B, p, n).
Derivative = Callable[[Array, Inputs], tuple[Array, Array]]
Verified = Literal["paper", "second source", "memory", "ours"]

STEP = 1e-25  # of a complex step, relative to the parameter: no difference is taken, so nothing cancels


@dataclass(frozen=True)
class Param:
    """A parameter of a law.

    Parameters
    ----------
    name : str
    lower, upper : float
        Bounds that hold for any data; a fit may end on them.
    low, high : float
        Where starting values are looked for; of the size of its term where ``of`` is given. Never a bound.
    unit : str
    of : str
        What the parameter multiplies, as a formula of inputs and other parameters (``"params**-alpha"``): its starting
        values then follow the data and any unit.
    coordinate : {"raw", "log"}
        How a fit moves it where it does not enter linearly.
    """

    name: str
    lower: float = -np.inf
    upper: float = np.inf
    low: float = -3.0
    high: float = 3.0
    unit: str = ""
    of: str = ""
    coordinate: Literal["raw", "log"] = "raw"

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise LawError(f"Parameter {self.name!r}: the lower bound {self.lower} must lie below the upper {self.upper}.")
        if self.coordinate == "log" and self.lower < 0:
            raise LawError(f"Parameter {self.name!r} moves in its log, so its lower bound must be 0 or more.")


def floor(name: str, *, unit: str = "nats/token") -> Param:
    """A value that the curve approaches and that is not negative."""
    return Param(name, lower=0.0, low=0.1, high=5.0, unit=unit)


def scale(name: str, *, unit: str = "", of: str = "", low: float = 0.01, high: float = 100.0) -> Param:
    """The size of a term: not negative."""
    return Param(name, lower=0.0, low=low, high=high, unit=unit, of=of, coordinate="log")


def exponent(name: str, *, low: float = 0.05, high: float = 1.2, upper: float = np.inf) -> Param:
    """A power: not negative, usually below one."""
    return Param(name, lower=0.0, upper=upper, low=low, high=high)


def real(name: str, *, low: float = -3.0, high: float = 3.0, unit: str = "") -> Param:
    """A number without bounds."""
    return Param(name, low=low, high=high, unit=unit)


@dataclass(frozen=True)
class Published:
    """Constants of a law as a paper prints them: values, standard errors where given, and the place."""

    values: Mapping[str, float]
    where: str
    se: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Derive:
    """Columns computed once per run from its learning rates.

    ``function(rates, **settings)`` takes the rate of each step 0…S and returns one array of S + 1 values per column.
    """

    columns: tuple[str, ...]
    function: Callable[..., Mapping[str, Array]]
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Law:
    """What could be true: an equation with its inputs, parameters, default objective and source.

    Call it with values and runs to evaluate it: ``law({"E": 1.7, …}, runs)``. Laws are made by :func:`define_law` or
    :func:`formula_law`, and found by name with :func:`scalefit.get_law`.

    Examples
    --------
    >>> import scalefit as sf
    >>> law = sf.get_law("power")
    >>> law.inputs, law.param_names
    (('x',), ('A', 'alpha'))
    >>> float(law({"A": 2.0, "alpha": 1.0}, {"x": [4.0]})[0])
    0.5
    """

    name: str
    function: Equation
    inputs: tuple[str, ...]
    output: str
    params: tuple[Param, ...]
    linear: tuple[str, ...] = ()
    objective: Objective = field(default_factory=Huber)
    source: str = ""
    verified: Verified = "ours"
    published: Mapping[str, Published] = field(default_factory=dict)
    traps: str = ""
    by_hand: Derivative | None = None
    derive: Derive | None = None
    text: str = ""
    positive_inputs: bool = True

    def __post_init__(self) -> None:
        names = self.param_names
        if len(set(names)) != len(names) or set(names) & set(self.inputs):
            raise LawError(f"Law {self.name!r}: names of inputs and parameters must differ; got {listing((*self.inputs, *names))}.")
        unknown = [name for name in self.linear if name not in names]
        if unknown:
            raise LawError(f"Law {self.name!r}: linear names {listing(unknown)}, but the parameters are {listing(names)}.")

    def __repr__(self) -> str:
        equation = f": {self.output} = {self.formula()}" if self.tree is not None else ""
        return f"<Law {self.name}{equation}>"

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters in the order of the equation."""
        return tuple(param.name for param in self.params)

    @cached_property
    def tree(self) -> ast.expr | None:
        """The equation as a syntax tree in the names of inputs and parameters; None where it is more than one line."""
        if self.text:
            return formulas.parse_formula(self.text)
        return _tree_of_function(self.function, (*self.inputs, *self.param_names))

    def formula(self, values: Mapping[str, str] | None = None) -> str:
        """The equation as plain text, with numbers in place of names where given."""
        return self.function.__name__ + "(…)" if self.tree is None else formulas.to_text(self.tree, values)

    def latex(self, values: Mapping[str, str] | None = None) -> str:
        """The equation as LaTeX."""
        if self.tree is None:
            return rf"\mathrm{{{self.name}}}"
        return formulas.to_latex(self.tree, values)

    @cached_property
    def equation_hash(self) -> str:
        """A hash that changes when the equation, the order of its names or its settings change."""
        body = ast.unparse(self.tree) if self.tree is not None else _source(self.function) or self.function.__qualname__
        settings = sorted(self.derive.settings.items()) if self.derive else []
        text = repr((body, self.inputs, self.param_names, settings))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def param(self, name: str) -> Param:
        """The parameter of that name."""
        if name not in self.param_names:
            raise LawError(not_one_of(f"A parameter of {self.name}", name, self.param_names))
        return self.params[self.param_names.index(name)]

    def with_settings(self, **settings: Any) -> Law:
        """The same law with other settings of its derived columns, such as ``decay`` of ``lr_annealing``."""
        known = dict(self.derive.settings) if self.derive else {}
        for name in settings:
            if name not in known:
                raise LawError(not_one_of(f"A setting of {self.name}", name, known) if known else f"{self.name} has no settings.")
        assert self.derive is not None
        return replace(self, derive=replace(self.derive, settings={**known, **settings}))

    def with_constants(self, name: str) -> Callable[[Mapping[str, Any]], Array]:
        """A prediction with published constants, without a fit: ``law.with_constants("hoffmann2022")(runs)``."""
        if name not in self.published:
            raise LawError(not_one_of(f"Published constants of {self.name}", name, self.published))
        values = self.published[name].values
        return lambda runs: self(values, runs)

    def __call__(self, values: Mapping[str, float], runs: Mapping[str, Any]) -> Array:
        """The law at each row, for one set of parameter values; ``runs`` has a column per input."""
        missing = [name for name in self.param_names if name not in values]
        if missing:
            raise LawError(f"{self.name} needs a value for {listing(missing)}; got {listing(values) or 'none'}.")
        for name in self.inputs:
            if name not in runs:
                raise missing_column(name, self.name, list(runs))
        inputs = tuple(np.atleast_1d(np.asarray(runs[name], float)) for name in self.inputs)
        theta = np.array([[float(values[name]) for name in self.param_names]])
        return self.value(theta, inputs)[0]

    def value(self, theta: Array, inputs: Inputs) -> Array:
        """The law for B parameter vectors: theta (B, p), inputs of (n,) each -> (B, n)."""
        columns = [theta[:, j, None] for j in range(theta.shape[1])]
        out = np.asarray(self.function(*inputs, *columns), float)
        return np.ascontiguousarray(np.broadcast_to(out, (len(theta), len(inputs[0]))))

    def value_and_jacobian(self, theta: Array, inputs: Inputs) -> tuple[Array, Array]:
        """The law and its derivative by each parameter: (B, n) and (B, p, n)."""
        if self.by_hand is not None:
            return self.by_hand(theta, inputs)
        return self.complex_step(theta, inputs)

    def complex_step(self, theta: Array, inputs: Inputs) -> tuple[Array, Array]:
        """Value and Jacobian by complex step, exact to rounding (Squire & Trapp 1998); linear ones from real values."""
        B, p = theta.shape
        value, J = self.value(theta, inputs), np.empty((B, p, len(inputs[0])))
        terms = self.terms(theta, inputs, self.linear_index)
        for k, j in enumerate(self.linear_index):
            J[:, j] = terms[:, k]
        for j in self.nonlinear_index:
            J[:, j] = self._slope(theta, inputs, j)
        return value, J

    def _slope(self, theta: Array, inputs: Inputs, j: int) -> Array:
        """The derivative by parameter j: only that one is complex."""
        h = STEP * np.where(theta[:, j] == 0, 1.0, np.abs(theta[:, j]))[:, None]
        columns: list[NDArray[Any]] = [theta[:, i, None] for i in range(theta.shape[1])]
        columns[j] = columns[j] + 1j * h
        moved = np.asarray(self.function(*inputs, *columns))
        return np.ascontiguousarray(np.broadcast_to(moved.imag, (len(theta), len(inputs[0]))) / h)

    @cached_property
    def linear_index(self) -> tuple[int, ...]:
        """Places of the linear parameters."""
        return tuple(self.param_names.index(name) for name in self.linear)

    @cached_property
    def nonlinear_index(self) -> tuple[int, ...]:
        """Places of the other parameters."""
        return tuple(j for j in range(len(self.params)) if j not in self.linear_index)

    def terms(self, theta: Array, inputs: Inputs, places: Sequence[int]) -> Array:
        """What each of the linear parameters at ``places`` multiplies, (B, k, n), given the others."""
        units, index = np.array(theta), list(places)
        units[:, index] = 0.0
        rest = self.value(units, inputs)
        out = np.empty((len(theta), len(index), len(inputs[0])))
        for k, j in enumerate(index):
            units[:, j] = 1.0
            np.subtract(self.value(units, inputs), rest, out=out[:, k])
            units[:, j] = 0.0
        return out


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
    by_hand : value and Jacobian in one call, for laws that are fitted very often.
    derive : columns computed from a schedule.

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
        raise FormulaError(f"The formula {text!r} does not hold the input {listing(absent)}; it holds {listing(names)}.")
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


def _source(function: Equation) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""


def _tree_of_function(function: Equation, names: Sequence[str]) -> ast.expr | None:
    """The one returned expression of a function, its arguments renamed; None if there is more to it."""
    try:
        definition = ast.parse(_source(function)).body[0]
    except (SyntaxError, IndexError):
        return None
    if not isinstance(definition, ast.FunctionDef):
        return None
    body = [line for line in definition.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return None
    renamed = {a.arg: ast.Name(n, ast.Load()) for a, n in zip(definition.args.args, names, strict=False)}
    tree = _Plain(renamed).visit(body[0].value)
    try:
        return formulas.parse_formula(ast.unparse(tree))
    except FormulaError:
        return None


class _Plain(ast.NodeTransformer):
    """Rename arguments to inputs and parameters, and ``np.exp`` to ``exp``."""

    def __init__(self, renamed: Mapping[str, ast.Name]) -> None:
        self.renamed = renamed

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.renamed.get(node.id, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(node.attr, ast.Load())
