"""Formulas given as text: what may stand in them, which names are linear, how they are printed."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import scalefit as sf
from scalefit.formula import evaluate, linear_names, names_in, parse_formula, to_latex, to_text

REFUSED = {
    "an attribute": "x.__class__",
    "an attribute of a call": "exp(x).real",
    "an unknown function": "open(x)",
    "a call of a call": "exp(x)(y)",
    "a builtin": "__import__('os')",
    "a text": "'x' + y",
    "an f-string": "f'{x}'",
    "a lambda": "(lambda v: v)(x)",
    "a comprehension": "[v for v in x]",
    "a generator": "sum(v for v in x)",
    "an index": "x[0]",
    "a comparison": "x < y",
    "a logical operator": "x and y",
    "a conditional": "x if y else z",
    "a keyword argument": "exp(x=y)",
    "unpacked arguments": "exp(*x)",
    "an assignment": "(x := 3)",
    "a tuple": "x, y",
    "a dictionary": "{x: y}",
    "a truth value": "True",
    "nothing": "None",
    "an ellipsis": "...",
    "a complex number": "2j * x",
    "bytes": "b'x'",
    "whole division": "x // y",
    "a remainder": "x % y",
    "a shift": "x << y",
    "a matrix product": "x @ y",
    "a negation": "not x",
    "an inversion": "~x",
    "an await": "await x",
}
BROKEN = {
    "empty": "",
    "spaces": "   ",
    "half": "E + A/",
    "two statements": "x; y",
    "an import": "import os",
    "an equation": "y = x",
    "a null byte": "x\x00",
}


@pytest.mark.parametrize("what", REFUSED)
def test_anything_but_arithmetic_is_refused(what):
    with pytest.raises(sf.FormulaError):
        parse_formula(REFUSED[what])


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_expression_is_refused_as_such(what):
    with pytest.raises(sf.FormulaError, match="is not an expression"):
        parse_formula(BROKEN[what])


@pytest.mark.parametrize("text", [None, 3, b"x", ["x"]])
def test_a_formula_must_be_a_text(text):
    with pytest.raises(sf.FormulaError, match="A formula is a text such as"):
        parse_formula(text)


def test_a_caret_comes_with_the_operator_that_is_meant():
    with pytest.raises(sf.FormulaError, match=r"'\^' is not a power: write \*\*"):
        parse_formula("E + A/x^alpha")


def test_an_unknown_function_comes_with_the_closest_known_one():
    with pytest.raises(sf.FormulaError, match=r"calls 'expp'; known functions are exp, .*Did you mean 'exp'\?"):
        parse_formula("expp(x)")


def test_a_function_without_its_argument_is_an_error_that_says_how_to_write_it():
    with pytest.raises(sf.FormulaError, match=r"'exp' is a function: write exp\(...\)"):
        parse_formula("exp * x")


@pytest.mark.parametrize(
    "text",
    [
        "-" * 9000 + "x",
        "(" * 4000 + "x" + ")" * 4000,
        "exp(" * 1500 + "x" + ")" * 1500,
        "x" + "+x" * 4900,
        "2**" * 3000 + "x",
        "[" * 5000,
    ],
    ids=["minus signs", "parentheses", "calls", "a sum", "powers", "open brackets"],
)
def test_huge_nesting_is_refused_and_does_not_crash(text):
    with pytest.raises(sf.FormulaError):
        parse_formula(text)


def test_a_deep_formula_is_refused_with_the_depth_that_is_read():
    with pytest.raises(sf.FormulaError, match="nested more than 200 deep"):
        parse_formula("-" * 250 + "x")


def test_a_very_long_formula_is_refused_with_the_length_that_is_read():
    with pytest.raises(sf.FormulaError, match="has 10001 characters; at most 10000 are read"):
        parse_formula("x" * 10_001)


def test_a_huge_power_of_whole_numbers_is_arithmetic_of_floats():
    with np.errstate(over="ignore"):
        assert evaluate(parse_formula("9**9**9 + x"), {"x": 1.0}) == np.inf


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("exp(x)", np.exp(0.7)),
        ("log(x)", np.log(0.7)),
        ("sqrt(x)", np.sqrt(0.7)),
        ("sin(x)", np.sin(0.7)),
        ("cos(x)", np.cos(0.7)),
        ("arctan(x)", np.arctan(0.7)),
        ("pi*x", np.pi * 0.7),
        ("-x**2", -0.49),
        ("+x", 0.7),
        ("2**-x", 2**-0.7),
        ("1 - (x - 2)/4", 1 - (0.7 - 2) / 4),
        ("minimum(x, 0.5) + maximum(x, 0.5)", 1.2),
    ],
)
def test_known_functions_and_operators_have_their_usual_values(function, expected):
    assert float(evaluate(parse_formula(function), {"x": 0.7})) == pytest.approx(expected, rel=1e-15)


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Two formulas with an operator between them, in parentheses."""
    return st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.recursive(st.sampled_from(["x", "y", "2.5", "0.3"]), combined, max_leaves=12))
def test_printing_a_formula_and_reading_it_again_changes_no_value(text):
    tree = parse_formula(text)
    values = {"x": 1.7, "y": 0.9}
    with np.errstate(all="ignore"):
        before, after = evaluate(tree, values), evaluate(parse_formula(to_text(tree)), values)
    assert before == after or (np.isnan(before) and np.isnan(after))


# Names.


def test_names_stand_in_the_order_in_which_they_appear():
    assert names_in(parse_formula("E + A/x**alpha + exp(E)*pi")) == ("E", "A", "x", "alpha")


@pytest.mark.parametrize(
    ("text", "linear"),
    [
        ("E + A/N**a + B/D**b", ("E", "A", "B")),
        ("A*B/x", ("A",)),
        ("E + (A/N**a)**g", ("E",)),
        ("exp(A)*x + B", ("B",)),
        ("A*x/(1 + B*x)", ("A",)),
        ("(A + B*x)*2 - C", ("A", "B", "C")),
        ("A**2 + B", ("B",)),
        ("x/A", ()),
        ("-A*(B - x)", ("A",)),
        ("A*x**A", ()),
        ("minimum(A, x) + B", ("B",)),
    ],
)
def test_linear_parameters_are_found(text, linear):
    names = tuple(name for name in names_in(parse_formula(text)) if name not in ("x", "N", "D"))
    assert linear_names(parse_formula(text), names) == linear


@pytest.mark.parametrize("text", ["E + A/N**a + B/D**b", "A*x/(1 + B*x)", "(A + B*x)*2 - C", "-A*(B - x)"])
def test_parameters_found_linear_are_linear_together(text):
    tree = parse_formula(text)
    linear = linear_names(tree, tuple(name for name in names_in(tree) if name not in ("x", "N", "D")))
    base = dict(zip(names_in(tree), np.random.default_rng(0).uniform(0.5, 2, len(names_in(tree))), strict=True))
    u, v = np.random.default_rng(1).uniform(0.5, 2, (2, len(linear)))

    def at(values) -> float:
        return float(evaluate(tree, base | dict(zip(linear, values, strict=True))))

    rest = at(np.zeros(len(linear)))
    assert at(2 * u - 3 * v) - rest == pytest.approx(2 * (at(u) - rest) - 3 * (at(v) - rest), rel=1e-12)


# As text and LaTeX.


def test_numbers_take_the_place_of_names_in_text():
    tree = parse_formula("E + A/x**alpha")
    assert to_text(tree, {"E": "1.7", "A": "25.0", "alpha": "-0.5"}) == "1.7 + 25.0 / x ** (-0.5)"


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("E + A/N**alpha", r"E + \frac{A}{N^{\alpha}}"),
        ("(A/N)**gamma", r"\left(\frac{A}{N}\right)^{\gamma}"),
        ("L_inf*x", r"L_{inf} \, x"),
        ("S1 - C*S2", r"S_{1} - C \, S_{2}"),
        ("exp(b*x)", r"\exp\left(b \, x\right)"),
        ("sqrt(x)", r"\sqrt{x}"),
        ("(a + b)*c", r"\left(a + b\right) \, c"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("-(a + b)", r"-\left(a + b\right)"),
        ("pi*x", r"\pi \, x"),
        ("tokens**beta", r"\mathrm{tokens}^{\beta}"),
    ],
)
def test_formulas_are_printed_as_latex(text, latex):
    assert to_latex(parse_formula(text)) == latex


# Laws made of formulas.


def test_a_formula_makes_a_law_whose_fit_needs_no_guess():
    law = sf.formula_law("E + A/params**alpha", inputs=["params"], output="loss")
    params = np.geomspace(1e6, 1e9, 12)
    fit = sf.fit({"params": params, "loss": 1.5 + 60.0 / params**0.3}, law)
    assert law.linear == ("E", "A")
    assert fit.estimates == pytest.approx({"E": 1.5, "A": 60.0, "alpha": 0.3}, rel=1e-6)


def test_a_law_of_a_formula_has_unbounded_parameters_and_plain_squares_unless_said():
    law = sf.formula_law("a + b*x", inputs=["x"])
    assert (law.output, law.objective) == ("y", sf.Square(on="raw"))
    assert [(p.name, p.lower, p.upper) for p in law.params] == [("a", -np.inf, np.inf), ("b", -np.inf, np.inf)]


def test_a_formula_may_be_given_bounds_for_some_parameters_and_an_objective():
    law = sf.formula_law("a + b*x", inputs=["x"], params=[sf.Param("b", lower=0.0)], objective=sf.Huber(0.1, on="raw"))
    assert [p.lower for p in law.params] == [-np.inf, 0.0]
    assert law.objective == sf.Huber(0.1, on="raw")


def test_inputs_of_a_formula_may_be_negative():
    x = np.linspace(-3, 3, 9)
    fit = sf.fit({"x": x, "y": 2.0 - 0.5 * x}, sf.formula_law("a + b*x", inputs=["x"]))
    assert fit.estimates == pytest.approx({"a": 2.0, "b": -0.5}, rel=1e-9)


def test_an_input_that_the_formula_lacks_is_an_error():
    with pytest.raises(sf.FormulaError, match="does not hold the input tokens; it holds E, A, x and alpha"):
        sf.formula_law("E + A/x**alpha", inputs=["x", "tokens"])


def test_a_formula_without_parameters_is_an_error():
    with pytest.raises(sf.FormulaError, match="has no parameters besides the inputs x"):
        sf.formula_law("2*x", inputs=["x"])


def test_bounds_for_a_parameter_that_the_formula_lacks_are_an_error():
    with pytest.raises(sf.LawError, match=r"A parameter of the formula .* must be one of a or b; got 'c'"):
        sf.formula_law("a + b*x", inputs=["x"], params=[sf.Param("c")])


@pytest.mark.parametrize("text", ["log(x, y)", "minimum(x)", "exp()"])
def test_a_function_with_the_wrong_number_of_arguments_is_refused_when_read(text):
    with pytest.raises(sf.FormulaError, match="argument"):
        parse_formula(text)
