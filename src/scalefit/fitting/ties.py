"""Parameters that are formulas of other parameters."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from scalefit import formula as formulas
from scalefit.errors import FitError, listing, not_one_of
from scalefit.fitting.problem import Array


@dataclass(frozen=True)
class Tie:
    """Parameter ``place`` equals a formula of the parameters ``names`` at ``sources``."""

    place: int
    tree: ast.expr
    names: tuple[str, ...]
    sources: tuple[int, ...]

    def put(self, theta: Array) -> dict[str, Array]:
        """Write the tied value into theta (B, p); returns the values that it is made of."""
        values = {name: theta[:, j] for name, j in zip(self.names, self.sources, strict=True)}
        theta[:, self.place] = formulas.evaluate(self.tree, values)
        return values

    def apply(self, theta: Array, T: Array) -> None:
        """Write the tied value into theta (B, p) and its derivative into T (B, p, q)."""
        values = self.put(theta)
        T[:, self.place] = 0.0
        for name, j in zip(self.names, self.sources, strict=True):
            h = 1e-25 * np.where(values[name] == 0, 1.0, np.abs(values[name]))
            moved = np.asarray(formulas.evaluate(self.tree, {**values, name: values[name] + 1j * h}))
            T[:, self.place] += (moved.imag / h)[:, None] * T[:, j]


def make_ties(expressions: dict[str, str], names: tuple[str, ...]) -> tuple[Tie, ...]:
    """Ties in an order in which each only needs those before it.

    Raises
    ------
    FitError
        If an expression names something that is no parameter, or ties go round in a circle.
    """
    trees = {name: formulas.parse_formula(str(text)) for name, text in expressions.items()}
    needs = {name: formulas.names_in(tree) for name, tree in trees.items()}
    for name, sources in needs.items():
        if name not in names:
            raise FitError(not_one_of("A tied parameter", name, names))
        for source in sources:
            if source not in names:
                raise FitError(not_one_of(f"A name in the tie {name} = {expressions[name]}", source, names))
    ordered: list[str] = []
    while len(ordered) < len(trees):
        ready = [
            name for name in trees if name not in ordered and all(s in ordered or s not in trees for s in needs[name])
        ]
        if not ready:
            circle = [name for name in trees if name not in ordered]
            raise FitError(f"The ties of {listing(circle)} go round in a circle: leave one of them free.")
        ordered += ready
    return tuple(
        Tie(names.index(name), trees[name], needs[name], tuple(names.index(s) for s in needs[name])) for name in ordered
    )
