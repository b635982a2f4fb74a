"""What a run costs: compute as a function of its size and its tokens, and the tokens that a budget buys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scalefit.errors import DataError, FitError, listing
from scalefit.fitting.problem import Array
from scalefit.formula import evaluate, names_in, parse_formula, to_text
from scalefit.runs.checking import no_reserved_columns
from scalefit.runs.columns import find_column
from scalefit.runs.frame import as_frame

#: Fewest sizes that show how the cost of a token bends with size.
BENDS = 4
#: Two counts of tokens at which a cost is tried, to see whether it grows evenly with them.
_TRIED = np.array([1e6, 1e10])
#: Halvings of a bracket in log tokens: 70 decades down to rounding.
_HALVINGS = 70


@dataclass(frozen=True, eq=False, repr=False)
class Cost:
    """What it costs to train a model of so many parameters on so many tokens, in FLOP or any other unit.

    Parameters
    ----------
    function : callable
        Parameters and tokens, as arrays that broadcast, to cost. It must grow with tokens.
    text : str
        The cost in words or as a formula, for answers to repeat.

    Examples
    --------
    >>> import scalefit as sf
    >>> with_inference = sf.Cost.of("6 * params * tokens + 2 * params * 1e12")
    >>> float(with_inference(7e9, 1e12)) == 6 * 7e9 * 1e12 + 2 * 7e9 * 1e12
    True
    """

    function: Callable[[Any, Any], Any]
    text: str

    def __repr__(self) -> str:
        return f"Cost({self.text})"

    def __call__(self, params: Any, tokens: Any) -> Array:
        """The cost of runs, in the unit of the function.

        Parameters
        ----------
        params, tokens : numbers or arrays that broadcast, > 0.

        Returns
        -------
        array of the shape of both
        """
        with np.errstate(all="ignore"):
            return np.asarray(self.function(params, tokens), float)

    @classmethod
    def of(cls, cost: Cost | str | Callable[[Any, Any], Any] | None) -> Cost:
        """A cost from a formula of ``params`` and ``tokens``, from a function of both, or 6 N D from None.

        Parameters
        ----------
        cost : str, callable, Cost or None
            Such as ``"6 * params * tokens + 2 * params * 1e12"``; a Cost is returned as it is.

        Raises
        ------
        FitError
            If a formula names anything else, or what is given is none of these.
        FormulaError
            If the text is not a formula.
        """
        if cost is None:
            return SIX_ND
        if isinstance(cost, Cost):
            return cost
        if isinstance(cost, str):
            tree = parse_formula(cost)
            strange = [name for name in names_in(tree) if name not in ("params", "tokens")]
            if strange:
                raise FitError(
                    f"A cost is a formula of params and tokens; got {listing(strange)} in {cost!r}. "
                    "Such as '6 * params * tokens + 2 * params * 1e12'."
                )
            plain = to_text(tree)
            return cls(
                lambda params, tokens: evaluate(tree, {"params": params, "tokens": tokens}),
                plain if plain == SIX_ND.text else " ".join(cost.split()),  # 1e12 as it was typed
            )
        if callable(cost):
            return cls(cost, getattr(cost, "__name__", "a function of params and tokens"))
        raise FitError(
            f"cost: a formula such as '6 * params * tokens', a function of params and tokens, or None for that "
            f"formula; got {type(cost).__name__}."
        )

    @classmethod
    def from_runs(cls, runs: Any, *, columns: dict[str, str] | None = None) -> Cost:
        """The cost that the ``flops`` column of some runs shows, smoothed: FLOP per token as a function of size.

        For families whose compute is counted by their own formulae, as with attention or without embeddings. The log of
        FLOP per token is a parabola in the log of params (a line below four sizes), and goes on straight beyond the
        sizes seen.

        Parameters
        ----------
        runs : table with ``params, tokens, flops``, one row a run; of one family.
        columns : mapping of known name to column, optional.

        Returns
        -------
        Cost
            Whose ``text`` says how far the runs lie from it.

        Raises
        ------
        ColumnError
            If a column is missing.
        DataError
            If a value is not above zero.
        """
        frame = as_frame(runs)
        no_reserved_columns(frame, needed_by="Cost.from_runs")
        found = {
            name: frame[find_column(frame, name, needed_by="Cost.from_runs", columns=columns)].to_numpy(float)
            for name in ("params", "tokens", "flops")
        }
        for name, values in found.items():
            if not (len(values) and np.isfinite(values).all() and (values > 0).all()):
                raise DataError(f"Cost.from_runs: {name} must be above zero in every row, and there must be rows.")
        size, per_token = np.log(found["params"]), np.log(found["flops"] / found["tokens"])
        sizes = np.unique(size)
        middle, degree = float(size.mean()), 2 if len(sizes) >= BENDS else min(len(sizes), 2) - 1
        if degree < 1:  # one size: in proportion to it
            shape = np.polynomial.Polynomial([float(per_token.mean()), 1.0])
        else:
            shape = np.polynomial.Polynomial.fit(size - middle, per_token, degree).convert()
        curve = _Straightened(shape, middle, float(sizes[0]), float(sizes[-1]))
        error = float(np.abs(np.expm1(per_token - curve(size))).max())
        text = f"FLOP per token as in {len(frame)} runs of {len(sizes)} sizes, to {100 * error:.2g} %"
        return cls(lambda params, tokens: tokens * np.exp(curve(np.log(params))), text)

    def tokens_for(self, params: Array, budget: Array) -> Array:
        """The tokens that a budget buys for a size.

        Parameters
        ----------
        params, budget : arrays that broadcast, > 0; the budget in the unit of the cost.

        Returns
        -------
        array of the shape of both
            NaN where the size costs more without any tokens.
        """
        params, budget = np.broadcast_arrays(np.asarray(params, float), np.asarray(budget, float))
        start = self(params, 0.0)
        low, high = self(params, _TRIED[0]), self(params, _TRIED[1])
        slope = (high - start) / _TRIED[1]
        with np.errstate(all="ignore"):
            if np.allclose(low - start, slope * _TRIED[0], rtol=1e-6, atol=0) or np.allclose(
                (low - start) / (high - start), _TRIED[0] / _TRIED[1], rtol=1e-6
            ):
                tokens = (budget - start) / slope
            else:
                tokens = self._bisected(params, budget)
            return np.where(tokens > 0, tokens, np.nan)

    def params_for(self, tokens: Array, budget: Array) -> Array:
        """The size whose training on so many tokens takes a budget, for a cost that grows with size.

        Parameters
        ----------
        tokens, budget : arrays that broadcast, > 0; the budget in the unit of the cost.

        Returns
        -------
        array of the shape of both
            NaN where the tokens cost more for any size.
        """
        tokens, budget = np.broadcast_arrays(np.asarray(tokens, float), np.asarray(budget, float))
        if self.six_nd:
            return np.asarray(budget / 6 / tokens)
        low, high = np.full(tokens.shape, -20.0), np.full(tokens.shape, 140.0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = self(np.exp(middle), tokens) <= budget
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(low > -20.0, np.exp((low + high) / 2), np.nan)

    def _bisected(self, params: Array, budget: Array) -> Array:
        """For a cost that bends with tokens."""
        low, high = np.full(params.shape, -20.0), np.full(params.shape, 140.0)
        reached = self(params, np.exp(low)) <= budget
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = self(params, np.exp(middle)) <= budget
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(reached, np.exp((low + high) / 2), np.nan)

    @property
    def six_nd(self) -> bool:
        """Whether it is six operations per parameter and token, for which closed forms hold."""
        tried = np.array([1e3, 1e8, 1e12])
        return bool(np.allclose(self(tried[:, None], tried), 6 * tried[:, None] * tried, rtol=1e-12))


@dataclass(frozen=True, eq=False)
class _Straightened:
    """A polynomial in the log of a size, straight beyond the sizes it was fitted to."""

    shape: np.polynomial.Polynomial
    middle: float
    low: float
    high: float

    def __call__(self, size: Any) -> Array:
        held = np.clip(size, self.low, self.high) - self.middle
        beyond = np.asarray(size) - self.middle - held
        return np.asarray(self.shape(held) + beyond * self.shape.deriv()(held))


#: Six operations per parameter and token: two forward, four backward (Kaplan et al. 2020, section 2.1).
SIX_ND = Cost(lambda params, tokens: 6 * params * tokens, "6 * params * tokens")
