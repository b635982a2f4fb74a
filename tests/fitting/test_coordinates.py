"""Coordinates: parameters with and without their derivative."""

import numpy as np
import pytest

from noisy_runs import LAW, design
from scalefit.fitting.setup import Constraints, bounded_law, make_coordinates
from scalefit.laws import get_law

INPUTS = tuple(design(6, 5)[name].to_numpy(float) for name in LAW.inputs)
CASES = [
    ("chinchilla", {}),
    ("chinchilla", {"tie": {"beta": "alpha"}}),
    ("chinchilla", {"tie": {"B": "A*2", "alpha": "exp(beta) - 1"}}),
    ("chinchilla", {"fixed": {"E": 1.7, "alpha": 0.3}}),
    ("chinchilla", {"bounds": {"E": (1.6, 1.9), "A": (100.0, None)}}),
    ("kaplan_nd", {}),
    ("gen_ces", {}),
]


@pytest.fixture(params=CASES, ids=str)
def coordinates(request):
    name, given = request.param
    constraints = Constraints(**given)
    return make_coordinates(bounded_law(get_law(name), constraints), constraints, INPUTS)


@pytest.mark.parametrize("count", [1, 7, 300])
def test_parameters_are_the_same_to_the_last_bit_without_their_derivative(coordinates, count):
    u = np.random.default_rng(0).uniform(0.1, 2.0, (count, coordinates.q))
    u[0, coordinates.term_places] = 0.0
    assert coordinates.params_of(u).tobytes() == coordinates.to_params(u)[0].tobytes()


def test_coordinates_of_parameters_lead_back_to_them(coordinates):
    u = np.random.default_rng(1).uniform(0.1, 2.0, (20, coordinates.q))
    np.testing.assert_allclose(coordinates.from_params(coordinates.params_of(u)), u, rtol=1e-9)


def test_the_derivative_is_that_of_the_parameters(coordinates):
    u = np.random.default_rng(2).uniform(0.1, 0.6, (5, coordinates.q))
    theta, T = coordinates.to_params(u)
    for k in range(coordinates.q):
        step = np.zeros_like(u)
        step[:, k] = 1e-6
        slope = (coordinates.params_of(u + step) - coordinates.params_of(u - step)) / 2e-6
        np.testing.assert_allclose(T[:, :, k], slope, rtol=1e-4, atol=1e-6 * np.abs(theta).max())
