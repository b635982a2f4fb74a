"""Quantities that follow from the parameters of a law in closed form: a half-life, an inverse, a saturation point."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalefit.errors import LawError, listing, not_one_of


@dataclass(frozen=True, eq=False)
class Derived:
    """A quantity that follows from the parameters of a law, and from a question where it takes one.

    Made by :func:`define_derived` and found in ``law.derived``.

    Parameters
    ----------
    name : str, by which ``fit.derive`` finds it.
    function : callable
        Parameters of the law first, by their names; after ``*`` what is asked, such as ``loss``.
    unit : str, of what it returns; empty for a plain number.
    params, asks : tuple of str
        The parameters that it needs, and what must be asked.
    about : str
        What it is, in one sentence.

    Examples
    --------
    >>> from scalefit.laws.power import power_offset
    >>> inverse = power_offset.derived["x_for_loss"]
    >>> inverse.asks
    ('loss',)
    >>> round(float(inverse({"E": 1.0, "A": 10.0, "alpha": 0.5}, {"loss": 2.0})), 9)
    100.0
    """

    name: str
    function: Callable[..., Any]
    unit: str
    params: tuple[str, ...]
    asks: tuple[str, ...]
    about: str

    def __call__(
        self, values: Mapping[str, float | NDArray[np.float64]], at: Mapping[str, Any] | None = None
    ) -> NDArray[np.float64]:
        """The quantity for parameter values and an answer to what it asks.

        Parameters
        ----------
        values : mapping of parameter to float or array.
        at : mapping of what it asks to float or array; arrays are broadcast.

        Returns
        -------
        array of the shape of all
            NaN outside its domain.

        Raises
        ------
        LawError
            If a parameter has no value, or ``at`` lacks what is asked or names anything else.
        """
        given = dict(at or {})
        for name in given:
            if name not in self.asks:
                raise LawError(not_one_of(f"What {self.name} asks", name, self.asks or ("nothing",)))
        missing = [name for name in self.asks if name not in given]
        if missing:
            raise LawError(f"{self.name} asks for {listing(missing)}; pass at={{{missing[0]!r}: …}}.")
        absent = [name for name in self.params if name not in values]
        if absent:
            raise LawError(f"{self.name} needs a value for {listing(absent)}; got {listing(values) or 'none'}.")
        arrays = {name: np.asarray(value, float) for name, value in given.items()}
        with np.errstate(all="ignore"):
            return np.asarray(self.function(*(np.asarray(values[name], float) for name in self.params), **arrays))


def define_derived(*, unit: str) -> Callable[[Callable[..., Any]], Derived]:
    """Make a derived quantity of a function, for ``define_law(..., derived=(...))``.

    The function takes parameters of the law, by their names, and after ``*`` what is asked. Outside its domain it
    returns NaN. The first sentence of its docstring says what it is.

    Parameters
    ----------
    unit : str
        Of what it returns; ``""`` for a plain number.

    Returns
    -------
    decorator
        Turns the function into a :class:`Derived`.

    Raises
    ------
    LawError
        If the function has no docstring.

    Examples
    --------
    >>> @define_derived(unit="epochs")
    ... def half_life(R_D_star):
    ...     "Epochs after which repeating the data is worth half."
    ...     return R_D_star * np.log(2)
    >>> half_life.params, half_life.about
    (('R_D_star',), 'Epochs after which repeating the data is worth half.')
    """

    def decorate(function: Callable[..., Any]) -> Derived:
        about = (inspect.getdoc(function) or "").split("\n")[0]
        if not about:
            raise LawError(f"Derived quantity {function.__name__!r} needs a docstring that says what it is.")
        kinds = {name: argument.kind for name, argument in inspect.signature(function).parameters.items()}
        asks = tuple(name for name, kind in kinds.items() if kind is inspect.Parameter.KEYWORD_ONLY)
        params = tuple(name for name in kinds if name not in asks)
        return Derived(function.__name__, function, unit, params, asks, about)

    return decorate
