"""Changes of sign are found on a grid and solved, all at once."""

import numpy as np
import pytest

from scalefit.decisions.crossover.roots import find_brackets, solve_brackets


def found(*signs):
    """Brackets of one curve; None stands for a hole."""
    known = np.array([[sign is not None for sign in signs]])
    numbers = np.array([[sign or 0 for sign in signs]], np.int8)
    told = find_brackets(numbers, known)
    return list(zip(told.left.tolist(), told.right.tolist(), told.before.tolist(), strict=True))


@pytest.mark.parametrize(
    ("signs", "brackets"),
    [
        ((-1, -1, 1, 1), [(1, 2, -1)]),
        ((1, -1, 1), [(0, 1, 1), (1, 2, -1)]),
        ((-1, 0, 1), [(0, 2, -1)]),
        ((-1, 0, 0, 0, 1), [(0, 4, -1)]),
        ((-1, 0, -1), []),
        ((0, 0, 0), []),
        ((0, -1, -1), []),
        ((-1, -1, 0), []),
        ((0, -1, 1, 0), [(1, 2, -1)]),
        ((-1, None, 1), []),
        ((None, -1, 1, None), [(1, 2, -1)]),
        ((-1, None, -1, 1), [(2, 3, -1)]),
        ((-1, 0, None, 1), []),
        ((None, None), []),
        ((-1,), []),
    ],
)
def test_a_crossing_is_a_change_of_sign_that_is_seen(signs, brackets):
    assert found(*signs) == brackets


def test_brackets_know_their_curve():
    signs = np.array([[-1, 1, 1], [1, 1, 1], [1, 1, -1]], np.int8)
    told = find_brackets(signs, np.ones((3, 3), bool))
    assert told.curve.tolist() == [0, 2]
    assert told.count_by_curve(3).tolist() == [1, 0, 1]


FUNCTIONS = {
    "a line": (lambda x, c: x - c),
    "a cube, flat at its root": (lambda x, c: (x - c) ** 3),
    "a steep one": (lambda x, c: np.expm1(20 * (x - c))),
    "nearly a step": (lambda x, c: np.arctan(1e6 * (x - c))),
    "a curve of losses": (lambda x, c: np.exp(-0.3 * x) - np.exp(-0.3 * c)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_roots_are_solved_to_rounding(name):
    roots = np.random.default_rng(0).uniform(-3, 9, 200)
    function, low, high = FUNCTIONS[name], roots - 0.07, roots + 0.4
    told = solve_brackets(
        lambda x, which: function(x, roots[which]), low, high, function(low, roots), function(high, roots)
    )
    close = 1e-4 if "cube" in name else 1e-10
    assert np.abs(told - roots).max() < close


def test_few_evaluations_are_enough():
    calls = []

    def function(x, which):
        calls.append(len(x))
        return np.exp(-0.3 * x) - np.exp(-0.3 * 5.02)

    low, high = np.full(3, 5.0), np.full(3, 5.06)
    solve_brackets(function, low, high, function(low, None), function(high, None))
    assert len(calls) < 12


def test_no_brackets_have_no_roots_and_a_hole_in_a_curve_is_survived():
    assert len(solve_brackets(lambda x, which: x, *np.empty((4, 0)))) == 0
    told = solve_brackets(
        lambda x, which: np.where(np.abs(x - 0.5) < 0.2, np.nan, x - 0.6), *np.array([[0.0], [1.0], [-0.6], [0.4]])
    )
    assert np.isfinite(told).all()
