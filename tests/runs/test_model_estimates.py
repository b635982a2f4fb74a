"""From parameters outside the embeddings to all of them and back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from scalefit.errors import DataError
from scalefit.runs.models.estimates import CHINCHILLA_ASPECT, estimate_non_embedding_params, estimate_total_params

#: Hoffmann et al. 2022, arXiv:2203.15556, table A9: millions of parameters and width, 32,000 tokens in the table.
HOFFMANN = [
    (44, 512), (74, 640), (140, 768), (217, 896), (306, 1024), (489, 1280), (724, 1536), (1143, 1792), (1593, 2048),
    (2283, 2304), (2980, 2560), (3802, 2816), (4516, 3072), (6796, 3584), (9293, 4096), (11452, 4352),
]  # fmt: skip


def test_the_default_is_the_fit_of_pearce_and_song():
    # Pearce and Song 2024, arXiv:2406.12907: N_T = N + 47491 N**(1/3), from an aspect of 39.2 and 32,000 tokens.
    assert round(CHINCHILLA_ASPECT, 1) == 39.2
    assert estimate_total_params(1e6) == pytest.approx(1e6 + 47491 * 1e2, rel=1e-12)
    assert estimate_total_params(1e9) == pytest.approx(1e9 + 47491 * 1e3, rel=1e-12)


@pytest.mark.parametrize(("millions", "width"), HOFFMANN)
def test_the_models_it_was_fitted_to_are_met_within_five_percent(millions, width):
    total, table = millions * 1e6, 32_000 * width
    assert estimate_total_params(total - table) == pytest.approx(total, rel=0.05)
    assert estimate_non_embedding_params(total) == pytest.approx(total - table, rel=0.1)


@pytest.mark.parametrize(
    ("layers", "width", "vocabulary"), [(2, 128, 50_257), (12, 768, 50_257), (96, 12_288, 250_000)]
)
def test_a_model_of_the_assumed_shape_is_exact(layers, width, vocabulary):
    inside = 12 * layers * width**2
    total = estimate_total_params(inside, vocabulary=vocabulary, aspect=width / layers)
    assert total == pytest.approx(inside + vocabulary * width, rel=1e-12)


@given(params=st.floats(0, 1e15), vocabulary=st.floats(1e2, 1e6), aspect=st.floats(1, 1e3))
def test_there_and_back_is_where_one_was(params, vocabulary, aspect):
    there = estimate_total_params(params, vocabulary=vocabulary, aspect=aspect)
    assert there >= params
    assert estimate_non_embedding_params(there, vocabulary=vocabulary, aspect=aspect) == pytest.approx(params, rel=1e-9)


def test_columns_keep_their_labels_and_numbers_stay_numbers():
    runs = pd.Series([1e6, 1e9], index=["small", "large"])
    total = estimate_total_params(runs)
    assert total.index.tolist() == ["small", "large"]
    assert total["small"] == estimate_total_params(1e6)
    assert estimate_non_embedding_params(total).tolist() == pytest.approx([1e6, 1e9])
    assert isinstance(estimate_total_params(10**9), float)
    assert isinstance(estimate_non_embedding_params(10**9), float)
    assert estimate_total_params(np.array([0.0])).tolist() == [0.0]


@pytest.mark.parametrize("estimate", [estimate_total_params, estimate_non_embedding_params])
def test_what_is_no_size_is_refused(estimate):
    with pytest.raises(DataError, match=rf"{estimate.__name__}: params must not be negative; got -1\.0"):
        estimate(-1)
    with pytest.raises(DataError, match=rf"{estimate.__name__}: params must be numbers; got '1B'"):
        estimate("1B")
    with pytest.raises(DataError, match=rf"{estimate.__name__}: vocabulary must be above zero; got 0\.0"):
        estimate(1e9, vocabulary=0)
    with pytest.raises(DataError, match=rf"{estimate.__name__}: aspect must be one finite number; got nan"):
        estimate(1e9, aspect=float("nan"))
