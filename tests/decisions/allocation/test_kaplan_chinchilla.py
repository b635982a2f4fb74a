"""The gallery's picture of Kaplan against Chinchilla: its numbers are those of the paper that reconciles them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import scalefit as sf

SCRIPT = Path(__file__).resolve().parents[3] / "examples" / "plot_kaplan_chinchilla.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("plot_kaplan_chinchilla", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def published_compute(sizes, values):
    """C of the best size outside the embeddings, Pearce and Song 2024, arXiv:2406.12907, in closed form."""
    gamma, alpha, beta = 47491.0, values["alpha"], values["beta"]
    ratio = (beta * values["B"] / (alpha * values["A"])) ** (1 / beta)
    third = np.cbrt(sizes)
    return (
        6 * sizes * (sizes + gamma / 3 * third) ** (-1 / beta) * (sizes + gamma * third) ** ((1 + alpha) / beta) * ratio
    )


@pytest.mark.parametrize("constants", ["besiroglu2024", "hoffmann2022"])
def test_the_best_sizes_without_embeddings_are_those_of_the_published_relation(script, constants):
    flops, _, outside = script.frontiers(constants)
    values = sf.get_law("chinchilla").published[constants].values
    assert published_compute(outside, values) == pytest.approx(flops, rel=1e-6)


def test_over_the_sizes_of_kaplan_the_power_is_between_the_published_ones_to_a_hundredth(script):
    """Pearce and Song 2024 give 0.74 to 0.78, Kaplan et al. 0.73."""
    for constants in script.CONSTANTS.values():
        flops, _, outside = script.frontiers(constants)
        assert 0.73 < script.mean_slope(flops, outside) < 0.79


def test_at_large_sizes_both_ways_to_count_have_the_power_of_chinchilla(script):
    flops, total, outside = script.frontiers("besiroglu2024")
    values = sf.get_law("chinchilla").published["besiroglu2024"].values
    expected = values["beta"] / (values["alpha"] + values["beta"])
    assert script.local_slope(flops, total) == pytest.approx(expected, abs=1e-6)
    assert script.local_slope(flops, outside)[-5:] == pytest.approx(expected, abs=2e-3)


def test_the_picture_has_both_ways_to_count_with_both_constants(script):
    left, right = script.draw().axes
    assert len(left.get_lines()) == 4
    assert left.get_xscale() == right.get_xscale() == "log"
