"""Law: an equation, its inputs and its parameters, made from one function; evaluation and exact derivatives in batches.

Arrays of values are (B, n): B parameter vectors, n rows. Jacobians are (B, p, n), one contiguous row a parameter.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scalefit import formula as formulas
from scalefit.derived import Derived as DerivedQuantity
from scalefit.errors import LawError, listing, missing_column, not_one_of
from scalefit.objectives import Huber, Objective
from scalefit.parameter import Param

Array = NDArray[np.float64]
Inputs = tuple[Array, ...]
Equation = Callable[..., Any]
#: A value and Jacobian by hand: theta (B, p), inputs of (n,) each -> (B, n) and (B, p, n).
Derivative = Callable[[Array, Inputs], tuple[Array, Array]]
Verified = Literal["paper", "second source", "memory", "ours"]

STEP = 1e-25  # of a complex step, relative to the parameter: no difference is taken, so nothing cancels


@dataclass(frozen=True)
class Published:
    """Constants of a law as a paper prints them: values, standard errors where given, and the place.

    Attributes
    ----------
    values, se : mapping of parameter to float, in the units of the law; ``se`` is empty where no errors are printed.
    where : str, the paper and the place in it.
    """

    values: Mapping[str, float]
    where: str
    se: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Derive:
    """Columns computed once per run from its learning rates.

    Attributes
    ----------
    columns, seen_in_decay : tuple of str, the inputs computed, and the parameters of which only a falling rate tells.
    function : callable
        ``function(rates, steps, **settings)`` takes the rate of each step 0…S and the steps of the rows, and returns
        per column one value a row, or one row of numbers a row where a step looks back on many.
    settings : mapping of name to value, passed on as keywords; :meth:`Law.with_settings` changes them.
    """

    columns: tuple[str, ...]
    function: Callable[..., Mapping[str, Array]]
    settings: Mapping[str, Any]
    seen_in_decay: tuple[str, ...] = ()


@dataclass(frozen=True)
class InUnit:
    """Columns from rates that are divided by a unit of theirs first; ``function`` is that of a :class:`Derive`."""

    function: Callable[..., Mapping[str, Array]]

    def __call__(self, rates: Array, steps: NDArray[np.intp], *, unit: float, **settings: Any) -> Mapping[str, Array]:
        """The columns at some steps."""
        return self.function(np.asarray(rates, float) / unit, steps, **settings)


@dataclass(frozen=True, eq=False)
class Law:
    """What could be true: an equation with its inputs, parameters, default objective and source.

    Call it with values and runs to evaluate it: ``law({"E": 1.7, …}, runs)``. Laws are made by :func:`define_law` or
    :func:`formula_law`, and found by name with :func:`scalefit.get_law`.

    Attributes
    ----------
    name, output : str, what it is called, and the quantity predicted.
    function : callable, the equation: inputs first, then parameters.
    inputs, params : tuple of str (names of columns) and of Param, in the order of the equation.
    linear : tuple of str, the parameters that enter linearly once the others are fixed.
    objective : Objective, what a fit minimises where it is told nothing else.
    source, traps : str, where the equation comes from, and what is easily taken wrong in it.
    verified : {"paper", "second source", "memory", "ours"}, what the equation was checked against.
    published : mapping of name to Published, constants for :meth:`with_constants`.
    by_hand, derive : value and Jacobian in one call, and the Derive of inputs that follow from a schedule; or None.
    text : str, the formula of a law that was given as text.
    domain, positive_inputs : input -> (lowest, highest value that it can have), and whether the others are above 0.
    derived : mapping of name to Derived, what follows from the parameters in closed form.

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
    domain: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    derived: Mapping[str, DerivedQuantity] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.param_names
        if len(set(names)) != len(names) or set(names) & set(self.inputs):
            raise LawError(
                f"Law {self.name!r}: names of inputs and parameters must differ; got {listing((*self.inputs, *names))}."
            )
        unknown = [name for name in self.linear if name not in names]
        if unknown:
            raise LawError(
                f"Law {self.name!r}: linear names {listing(unknown)}, but the parameters are {listing(names)}."
            )
        for param in self.params:
            known = (*self.inputs, *names)
            strange = [name for name in formulas.names_in(formulas.parse_formula(param.of or "0")) if name not in known]
            if strange:
                raise LawError(
                    f"Law {self.name!r}: {param.name} has of={param.of!r}, but {listing(strange)} is neither an input "
                    f"nor a parameter: those are {listing(known)}."
                )
        for name in self.domain:
            if name not in self.inputs:
                raise LawError(not_one_of(f"Law {self.name!r}: an input with a domain", name, self.inputs))
        for quantity in self.derived.values():
            if absent := [name for name in quantity.params if name not in names]:
                raise LawError(
                    f"Law {self.name!r}: {quantity.name} follows from {listing(absent)}, but the parameters are "
                    f"{listing(names)}; what is asked and is no parameter stands after a * in its arguments."
                )

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
        return formulas.tree_of_function(self.function, (*self.inputs, *self.param_names))

    def formula(self, values: Mapping[str, str] | None = None) -> str:
        """The equation as plain text, with numbers in place of names where given.

        Parameters
        ----------
        values : mapping of parameter to text, such as ``{"alpha": "0.34"}``; names without one stay.
        """
        return self.function.__name__ + "(…)" if self.tree is None else formulas.to_text(self.tree, values)

    def latex(self, values: Mapping[str, str] | None = None) -> str:
        """The equation as LaTeX, with numbers in place of names where given: see :meth:`formula`."""
        if self.tree is None:
            return rf"\mathrm{{{self.name}}}"
        return formulas.to_latex(self.tree, values)

    @cached_property
    def equation_hash(self) -> str:
        """A hash that changes when the equation, the order of its names or its settings change."""
        if self.tree is not None:
            body = ast.unparse(self.tree)
        else:
            body = formulas.source_of(self.function) or self.function.__qualname__
        settings = sorted(self.derive.settings.items()) if self.derive else []
        text = repr((body, self.inputs, self.param_names, settings))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def param(self, name: str) -> Param:
        """The parameter of that name.

        Parameters
        ----------
        name : str, one of ``param_names``.

        Raises
        ------
        LawError
            If the law has no such parameter.
        """
        if name not in self.param_names:
            raise LawError(not_one_of(f"A parameter of {self.name}", name, self.param_names))
        return self.params[self.param_names.index(name)]

    def with_settings(self, **settings: Any) -> Law:
        """The same law with other settings of its derived columns, such as ``decay`` of ``lr_annealing``.

        All laws of training curves take ``unit``, a rate by which others are divided: areas, and the parameters that
        go with them, are then the same for logs in any unit.

        Parameters
        ----------
        settings : name=value, of those that ``law.derive.settings`` names, or ``unit``.

        Raises
        ------
        LawError
            If the law has no such setting, or none at all: usually it is not one of training curves.
        """
        if self.derive is None:
            raise LawError(f"{self.name} has no settings.")
        if "unit" in settings and "unit" not in self.derive.settings:
            if not settings["unit"] > 0:
                raise LawError(f"unit must be a learning rate above 0; got {settings['unit']!r}.")
            derive = replace(
                self.derive, function=InUnit(self.derive.function), settings={**self.derive.settings, "unit": 1.0}
            )
            return replace(self, derive=derive).with_settings(**settings)
        known = dict(self.derive.settings)
        for name in settings:
            if name not in known:
                raise LawError(not_one_of(f"A setting of {self.name}", name, known))
        plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in settings.items()}
        return replace(self, derive=replace(self.derive, settings={**known, **plain}))

    def with_constants(self, name: str) -> Callable[[Mapping[str, Any]], Array]:
        """A prediction with published constants, without a fit: ``law.with_constants("hoffmann2022")(runs)``.

        Parameters
        ----------
        name : str, one of ``law.published``.

        Returns
        -------
        callable, from a table of n rows with the inputs to what is predicted, (n,)

        Raises
        ------
        LawError
            If no constants are called that.
        """
        if name not in self.published:
            raise LawError(not_one_of(f"Published constants of {self.name}", name, self.published))
        values = self.published[name].values
        return lambda runs: self(values, runs)

    def __call__(self, values: Mapping[str, float], runs: Mapping[str, Any]) -> Array:
        """The law at each row, for one set of parameter values.

        Parameters
        ----------
        values : mapping of parameter to float.
        runs : table or mapping, n values per input; :meth:`derive_inputs` gives those that follow from a schedule.

        Returns
        -------
        array (n,)

        Raises
        ------
        LawError
            If a parameter has no value.
        ColumnError
            If an input is missing.
        """
        missing = [name for name in self.param_names if name not in values]
        if missing:
            raise LawError(f"{self.name} needs a value for {listing(missing)}; got {listing(values) or 'none'}.")
        for name in self.inputs:
            if name not in runs:
                raise missing_column(name, self.name, list(runs))
        inputs = _alike([np.atleast_1d(np.asarray(runs[name], float)) for name in self.inputs])
        theta = np.array([[float(values[name]) for name in self.param_names]])
        return np.asarray(self.value(theta, inputs)[0])

    def derive_inputs(self, rates: Array, steps: Sequence[int] | NDArray[np.intp]) -> Mapping[str, Array]:
        """The inputs that follow from a schedule, at some of its steps.

        Parameters
        ----------
        rates : array (S + 1,), the learning rate of each step 0…S: of a :class:`Schedule` its ``rates``.
        steps : sequence of n whole numbers from 0 to S.

        Returns
        -------
        mapping of input to array, (n,), or (n, k) where a step looks back on many

        Raises
        ------
        LawError
            If the law reads nothing from a schedule.

        Examples
        --------
        >>> import scalefit as sf
        >>> law = sf.get_law("lr_annealing")
        >>> law.derive_inputs([1.0, 1.0, 0.5], [1, 2])["S1"].tolist()
        [2.0, 2.5]
        """
        if self.derive is None:
            raise LawError(f"{self.name} derives no input from a schedule; it reads {listing(self.inputs)}.")
        return self.derive.function(np.asarray(rates, float), np.asarray(steps, np.intp), **self.derive.settings)

    def value(self, theta: Array, inputs: Inputs) -> Array:
        """The law for B parameter vectors at once.

        Parameters
        ----------
        theta : array (B, p), one parameter vector a row, in the order of ``params``.
        inputs : tuple of arrays, (n,) each, in the order of ``inputs``.

        Returns
        -------
        array (B, n)
        """
        columns = [theta[:, j, None] for j in range(theta.shape[1])]
        out = np.asarray(self.function(*inputs, *columns), float)
        return np.ascontiguousarray(np.broadcast_to(out, (len(theta), len(inputs[0]))))

    def value_and_jacobian(self, theta: Array, inputs: Inputs) -> tuple[Array, Array]:
        """The law, (B, n), and its derivative by each parameter, (B, p, n), from what :meth:`value` takes."""
        if self.by_hand is not None:
            return self.by_hand(theta, inputs)
        return self.complex_step(theta, inputs)

    def complex_step(self, theta: Array, inputs: Inputs) -> tuple[Array, Array]:
        """Value, (B, n), and Jacobian, (B, p, n), by complex step (Squire & Trapp 1998): see :meth:`value`."""
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
        """What each of some linear parameters multiplies, (B, k, n), given the others: see :meth:`value`.

        Parameters
        ----------
        places : sequence of k ints, their places among ``params``.
        """
        units, index = np.array(theta), list(places)
        if self.by_hand is not None and any(x.ndim > 1 for x in inputs):  # where rows are dear, one look for all terms
            return np.ascontiguousarray(self.by_hand(units, inputs)[1][:, index])
        units[:, index] = 0.0
        rest = self.value(units, inputs)
        out = np.empty((len(theta), len(index), len(inputs[0])))
        for k, j in enumerate(index):
            units[:, j] = 1.0
            np.subtract(self.value(units, inputs), rest, out=out[:, k])
            units[:, j] = 0.0
        return out


def _alike(columns: Sequence[Array]) -> Inputs:
    """Columns with one value, or one history, for each of the same rows."""
    rows = np.broadcast_shapes(*(x.shape[:1] for x in columns))
    return tuple(np.broadcast_to(x, rows + x.shape[1:]) for x in columns)
