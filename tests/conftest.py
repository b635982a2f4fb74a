"""What holds for every test."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _no_figure_outlives_its_test():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
