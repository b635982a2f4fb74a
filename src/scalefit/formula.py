"""Equations as text: parsed from a whitelist of syntax-tree nodes, evaluated node by node, never by ``eval``."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from scalefit import law_math
from scalefit.errors import FormulaError, did_you_mean, listing

#: Functions that a formula given as text may call.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "arctan": np.arctan,
    "minimum": law_math.minimum,
    "maximum": law_math.maximum,
    "log_add_exp": law_math.log_add_exp,
    "sigmoid": law_math.sigmoid,
}
TWO_ARGUMENTS = ("minimum", "maximum", "log_add_exp")
CONSTANTS: Mapping[str, float] = {"pi": float(np.pi)}
OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.Pow: np.power,
}
LONGEST = 10_000  # characters; deeper trees than such a text can hold would overflow the stack
DEEPEST = 200


def parse_formula(text: str) -> ast.expr:
    """The syntax tree of a formula, with every node checked against the whitelist.

    Raises
    ------
    FormulaError
        If the text is no expression, or holds anything but numbers, names, ``+ - * / **``, parentheses and the known
        functions.
    """
    if not isinstance(text, str):
        raise FormulaError(f"A formula is a text such as 'E + A/x**alpha'; got {type(text).__name__}.")
    if len(text) > LONGEST:
        raise FormulaError(f"The formula has {len(text)} characters; at most {LONGEST} are read.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"The formula {text!r} is not an expression: {error}.") from None
    _check(tree, text, depth=0)
    return tree


def _check(node: ast.expr, text: str, depth: int) -> None:
    if depth > DEEPEST:
        raise FormulaError(f"The formula is nested more than {DEEPEST} deep.")
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            return None
        case ast.Name(id=name):
            if name in FUNCTIONS:
                raise FormulaError(f"{name!r} is a function: write {name}(...) in {text!r}.")
            return None
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
            return _check(inner, text, depth + 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            _check(left, text, depth + 1)
            return _check(right, text, depth + 1)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            if name not in FUNCTIONS:
                known = f"known functions are {listing(FUNCTIONS)}.{did_you_mean(name, FUNCTIONS)}"
                raise FormulaError(f"The formula calls {name!r}; {known}")
            wanted = 2 if name in TWO_ARGUMENTS else 1
            if len(args) != wanted:
                raise FormulaError(f"{name} takes {wanted} argument{'s' * (wanted > 1)}; got {ast.unparse(node)!r}.")
            for argument in args:
                _check(argument, text, depth + 1)
            return None
        case ast.BinOp(op=ast.BitXor()):
            raise FormulaError(f"'^' is not a power: write ** in {text!r}.")
    raise FormulaError(
        f"A formula holds numbers, names, + - * / **, and {listing(FUNCTIONS)}; got {ast.unparse(node)!r}."
    )


def names_in(tree: ast.expr) -> tuple[str, ...]:
    """The names of a formula in the order they appear, functions and constants left out."""
    found: dict[str, None] = {}
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in calls]
    for node in sorted(names, key=lambda n: (n.lineno, n.col_offset)):
        if node.id not in CONSTANTS:
            found[node.id] = None
    return tuple(found)


def evaluate(tree: ast.expr, values: Mapping[str, Any]) -> Any:
    """The value of a checked formula for arrays by name."""
    match tree:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return values[name] if name in values else CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=inner):
            return -evaluate(inner, values) if isinstance(op, ast.USub) else evaluate(inner, values)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](evaluate(left, values), evaluate(right, values))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*[evaluate(argument, values) for argument in args])
    raise FormulaError(f"Cannot evaluate {ast.unparse(tree)!r}.")


def linear_names(tree: ast.expr, names: tuple[str, ...]) -> tuple[str, ...]:
    """A largest set, taken greedily in the given order, of names in which the formula is jointly linear."""
    chosen: tuple[str, ...] = ()
    for name in names:
        if _degree(tree, {*chosen, name}) <= 1:
            chosen += (name,)
    return chosen


def _degree(node: ast.expr, names: set[str]) -> float:
    """Degree of the formula as a polynomial in the names taken together; infinite where it is none."""
    match node:
        case ast.Name(id=name):
            return float(name in names)
        case ast.UnaryOp(operand=inner):
            return _degree(inner, names)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return max(_degree(left, names), _degree(right, names))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _degree(left, names) + _degree(right, names)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _degree(left, names) if _degree(right, names) == 0 else np.inf
        case ast.BinOp(left=left, right=right):
            return 0.0 if _degree(left, names) == _degree(right, names) == 0 else np.inf
        case ast.Call(args=args):
            return 0.0 if all(_degree(argument, names) == 0 for argument in args) else np.inf
    return 0.0


def to_text(tree: ast.expr, values: Mapping[str, str] | None = None) -> str:
    """The formula as plain text, with names replaced by ``values`` where given."""
    return ast.unparse(_replace(tree, values or {}))


class _Replacer(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.values:
            return node
        return ast.parse(self.values[node.id], mode="eval").body


def _replace(tree: ast.expr, values: Mapping[str, str]) -> ast.expr:
    return ast.parse(
        ast.unparse(_Replacer(values).visit(ast.parse(ast.unparse(tree), mode="eval").body)), mode="eval"
    ).body


GREEK = {
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho"),
    *("sigma", "tau", "phi", "chi", "psi", "omega", "pi"),
}
#: Functions that LaTeX knows by name.
UPRIGHT = ("exp", "log", "sin", "cos", "arctan")


def symbol(name: str) -> str:
    """A name as LaTeX: Greek letters by name, what follows an underscore as an index."""
    head, _, index = name.partition("_")
    if not index and len(head) > 1 and head[0].isalpha() and head[1:].isdigit():
        head, index = head[0], head[1:]
    text = f"\\{head}" if head in GREEK else head if len(head) == 1 else f"\\mathrm{{{head}}}"
    return text if not index else f"{text}_{{{index.replace('_', ',')}}}"


def to_latex(node: ast.expr, values: Mapping[str, str] | None = None) -> str:
    """The formula as LaTeX, with names replaced by ``values`` (themselves LaTeX) where given."""
    values = values or {}
    match node:
        case ast.Constant(value=value):
            return str(value)
        case ast.Name(id=name):
            return values.get(name, symbol(name))
        case ast.UnaryOp(op=op, operand=inner):
            return ("-" if isinstance(op, ast.USub) else "") + _wrapped(inner, values, (ast.Add, ast.Sub))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return f"\\frac{{{to_latex(left, values)}}}{{{to_latex(right, values)}}}"
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base = _wrapped(left, values, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow))
            return f"{base}^{{{to_latex(right, values)}}}"
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            sums = (ast.Add, ast.Sub)
            return f"{_wrapped(left, values, sums)} \\, {_wrapped(right, values, sums)}"
        case ast.BinOp(left=left, op=op, right=right):
            sign = "+" if isinstance(op, ast.Add) else "-"
            tail = _wrapped(right, values, (ast.Add, ast.Sub)) if sign == "-" else to_latex(right, values)
            return f"{to_latex(left, values)} {sign} {tail}"
        case ast.Call(func=ast.Name(id=name), args=args):
            inside = ", ".join(to_latex(argument, values) for argument in args)
            if name == "sqrt":
                return f"\\sqrt{{{inside}}}"
            shown = name if name in UPRIGHT else f"mathrm{{{name}}}"
            return f"\\{shown}\\left({inside}\\right)"
    return ast.unparse(node)


def _wrapped(node: ast.expr, values: Mapping[str, str], weaker: tuple[type[ast.operator], ...]) -> str:
    text = to_latex(node, values)
    loose = (isinstance(node, ast.BinOp) and isinstance(node.op, weaker)) or isinstance(node, ast.UnaryOp)
    fraction = isinstance(node, ast.Name) and " " in text
    return f"\\left({text}\\right)" if loose or fraction else text


def source_of(function: Callable[..., Any]) -> str:
    """The source of a function, without comments and docstring; empty where there is none to read."""
    definition = _definition(function)
    if definition is None:
        return ""
    definition.body = _statements(definition) or definition.body
    definition.decorator_list = []
    try:
        around = inspect.getclosurevars(function)
    except TypeError:
        return ast.unparse(definition)
    plain = {k: v for k, v in {**around.nonlocals, **around.globals}.items() if isinstance(v, int | float | str)}
    return f"{ast.unparse(definition)} {sorted(plain.items())}"


def tree_of_function(function: Callable[..., Any], names: Sequence[str]) -> ast.expr | None:
    """The one returned expression of a function, its arguments renamed; None if there is more to it."""
    definition = _definition(function)
    body = _statements(definition) if definition is not None else []
    if definition is None or len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return None
    arguments = [*definition.args.posonlyargs, *definition.args.args]
    if len(arguments) != len(names):
        return None
    renamed = {a.arg: ast.Name(n, ast.Load()) for a, n in zip(arguments, names, strict=True)}
    try:
        tree = parse_formula(ast.unparse(_Plain(renamed).visit(body[0].value)))
    except FormulaError:
        return None
    return tree if set(names_in(tree)) <= set(names) else None  # a name from around the function stays with it


def _definition(function: Callable[..., Any]) -> ast.FunctionDef | None:
    try:
        first = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    return first if isinstance(first, ast.FunctionDef) else None


def _statements(definition: ast.FunctionDef) -> list[ast.stmt]:
    """The body without its docstring."""
    return [
        line for line in definition.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
    ]


class _Plain(ast.NodeTransformer):
    """Rename arguments to inputs and parameters, and ``np.exp`` to ``exp``."""

    def __init__(self, renamed: Mapping[str, ast.Name]) -> None:
        self.renamed = renamed

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.renamed.get(node.id, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(node.attr, ast.Load())
