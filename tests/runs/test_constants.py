"""What is the same in all rows of a run is told from what changes."""

import numpy as np
import pandas as pd

from scalefit.runs.constants import append_flops, constancy, constant_columns

GROUPS = np.array([0, 0, 1, 1, 2])


def test_missing_values_do_not_make_a_column_vary():
    found = constancy(pd.Series([np.nan, 4.0, 5.0, 6.0, np.nan]), GROUPS, 3)
    assert found.varies.tolist() == [False, True, False]
    assert found.places.tolist() == [1, 2, 4]


def test_only_columns_with_one_value_in_every_group_are_kept_with_their_type():
    frame = pd.DataFrame(
        {
            "params": [7, 7, 8, 8, 9],
            "family": ["a", "a", "b", "b", None],
            "loss": [3.0, 2.0, 1.0, 1.0, 1.0],
            "held_back": [True, True, False, False, True],
            "config": [{"a": 1}] * 5,
            "seed": pd.array([1, None, 2, 2, None], dtype="Int64"),
        }
    )
    kept, varying = constant_columns(frame, GROUPS, 3, without=["held_back"])
    assert list(kept) == ["params", "family", "seed"]
    assert varying == ["loss", "config"]
    assert kept.params.tolist() == [7, 8, 9]
    assert kept.params.dtype == np.dtype("int64")
    assert kept.seed.tolist()[:2] == [1, 2]
    assert kept.index.tolist() == [0, 1, 2]


def test_flops_are_appended_where_sizes_allow_and_nothing_else_is_an_error():
    sizes = pd.DataFrame({"N": [1e6], "tokens": [2e7]})
    frame, said = append_flops(sizes, columns=None)
    assert frame.flops.tolist() == [1.2e14]
    assert said == "flops derived as 6 * params * tokens"
    for other in (sizes.assign(flops=1.0), sizes.drop(columns="N"), sizes.assign(N=-1), sizes.assign(N="small")):
        frame, said = append_flops(other, columns=None)
        assert frame.equals(other)
        assert said == ""
