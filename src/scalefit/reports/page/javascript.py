"""The equation of a law as JavaScript, made from its syntax tree: no name from the user's data enters the code."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence

from scalefit import formula as formulas
from scalefit.errors import FormulaError

#: The functions of formulas; those that ``Math`` lacks stand in the page's own script.
FUNCTIONS: Mapping[str, str] = {
    "exp": "Math.exp",
    "log": "Math.log",
    "sqrt": "Math.sqrt",
    "sin": "Math.sin",
    "cos": "Math.cos",
    "arctan": "Math.atan",
    "minimum": "smaller",
    "maximum": "larger",
    "log_add_exp": "logAddExp",
    "sigmoid": "sigmoid",
}
OPERATORS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def to_javascript(tree: ast.expr, inputs: Sequence[str], params: Sequence[str]) -> str:
    """A function of two arrays: of the inputs ``x`` and of the parameters ``p``, in the order given.

    Parameters
    ----------
    tree : a checked formula, such as ``law.tree``.
    inputs, params : the names in it.

    Raises
    ------
    FormulaError
        If the formula holds what JavaScript is not told how to evaluate.

    Examples
    --------
    >>> to_javascript(formulas.parse_formula("E + A / N**alpha"), ["N"], ["E", "A", "alpha"])
    '(x, p) => (p[0] + (p[1] / Math.pow(x[0], p[2])))'
    """
    places = {name: f"x[{k}]" for k, name in enumerate(inputs)}
    places |= {name: f"p[{k}]" for k, name in enumerate(params)}
    return f"(x, p) => {_expression(tree, places)}"


def _expression(node: ast.expr, places: Mapping[str, str]) -> str:
    match node:
        case ast.Constant(value=int() | float() as value):
            return _number(float(value))
        case ast.Name(id=name) if name in places:
            return places[name]
        case ast.Name(id=name) if name in formulas.CONSTANTS:
            return _number(formulas.CONSTANTS[name])
        case ast.UnaryOp(op=op, operand=inner):
            return f"({'-' if isinstance(op, ast.USub) else '+'}{_expression(inner, places)})"
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return f"Math.pow({_expression(left, places)}, {_expression(right, places)})"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return f"({_expression(left, places)} {OPERATORS[type(op)]} {_expression(right, places)})"
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return f"{FUNCTIONS[name]}({', '.join(_expression(argument, places) for argument in args)})"
    raise FormulaError(f"{ast.unparse(node)!r} is not known to the page's script.")


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else "Infinity"
