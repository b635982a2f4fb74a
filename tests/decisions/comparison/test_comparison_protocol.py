"""The protocol: one frontier for each, large points predicted first, a conclusion only if all metrics agree."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.comparison.protocol import compare_protocol

DRAWS = {"draws": 60, "rng": 0}


def frontiers(times=3.0, noise=0.002, accuracy_of="a"):
    """Points on two frontiers in compute, with a loss, another that is off it by a constant, and an accuracy."""
    rng = np.random.default_rng(0)
    parts = []
    for name, scale in (("a", 1.0), ("b", times**0.1)):
        flops = np.geomspace(1e18, 1e22, 24)
        loss = 1.5 + scale * 120 * flops**-0.1
        better = accuracy_of == name
        error = 0.2 + (1.0 if better else 1.15) * 40 * flops**-0.1
        parts.append(
            pd.DataFrame({"family": name, "flops": flops, "loss": loss * np.exp(rng.normal(0, noise, 24)),
                          "other": (loss + 0.2) * np.exp(rng.normal(0, noise, 24)),
                          "accuracy": 1 - error * np.exp(rng.normal(0, noise, 24))})
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def first_line(answer):
    return repr(answer).split("\n")[0]


@pytest.fixture(scope="module")
def agreed():
    return compare_protocol(frontiers(), metrics=["loss", "other", "accuracy"], law="power_offset", **DRAWS)


def test_where_all_metrics_agree_there_is_a_conclusion(agreed):
    assert agreed.concluded
    assert agreed.leader == "a"
    assert first_line(agreed).startswith("a leads on all 3 metrics, in the runs and 10 times beyond them (in ")
    assert agreed.frame["decided"].all()
    assert (agreed.frame["error"] < agreed.frame["gap"]).all()


def test_points_of_large_compute_are_predicted_by_the_smaller_ones(agreed):
    table = agreed.held_out
    assert list(table.columns) == ["metric", "family", "fitted", "held", "cut", "factor", "error", "bias", "inside"]
    assert len(table) == 6
    assert (table["held"] == 6).all()
    assert (table["fitted"] == 18).all()
    assert (table.groupby("metric")["cut"].nunique() == 1).all()
    assert (table["error"] < 0.02).all()
    assert table["factor"].iloc[0] == pytest.approx(1e22 / table["cut"].iloc[0])


def test_the_speed_up_is_given_where_the_truth_lies(agreed):
    row = agreed.frame.set_index("metric").loc["loss"]
    assert row["low"] < 3.0 < row["high"]


def test_an_accuracy_is_turned_round_and_told_as_an_accuracy(agreed):
    row = agreed.frame.set_index("metric").loc["accuracy"]
    assert row["better"] == "high"
    assert row["leader"] == "a"
    runs = frontiers()
    assert runs["accuracy"].min() < row["value"] < runs["accuracy"].max()


def test_where_metrics_disagree_there_is_none():
    told = compare_protocol(frontiers(accuracy_of="b"), metrics=["loss", "accuracy"], law="power_offset", **DRAWS)
    assert not told.concluded
    assert told.leader is None
    assert first_line(told).startswith("No conclusion: metrics disagree on who leads beyond the runs, a on loss")


def test_families_that_are_alike_give_no_conclusion():
    told = compare_protocol(frontiers(times=1.0), metrics=["loss"], law="power_offset", **DRAWS)
    assert not told.concluded
    assert first_line(told).startswith("No conclusion")
    assert "of draws only" in repr(told) or "the families lie" in repr(told)


def test_the_same_bins_are_taken_for_every_family():
    told = compare_protocol(frontiers(), bins=12, law="power_offset", held_out=0.2, **DRAWS)
    counts = told.held_out.set_index("family")
    assert (counts["fitted"] + counts["held"]).tolist() == [12, 12]
    shifted = frontiers()
    late = shifted["family"] == "b"
    shifted = shifted[~late | (shifted["flops"] > 1e20)]
    told = compare_protocol(shifted, bins=24, law="power_offset", held_out=0.2, **DRAWS)
    assert told.comparisons["loss"].common[0] > 1e20


def test_a_law_of_size_and_tokens_is_fitted_to_all_rows():
    runs = sf.datasets.load("microlm").groupby("run", as_index=False).last()
    told = compare_protocol(runs, law="chinchilla", **DRAWS)
    counts = told.held_out
    assert (counts["fitted"] + counts["held"]).tolist() == [55, 55]
    assert not told.concluded  # smaller runs name the other one


def test_without_a_law_the_wider_one_is_taken_only_if_it_is_identified():
    few = compare_protocol(frontiers().groupby("family").head(10), held_out=0.2, **DRAWS)
    (told,) = few.comparisons.values()
    assert {fit.law.name for fit in told.fits.values()} == {"power_offset"}
    rng = np.random.default_rng(1)
    flops = np.geomspace(1e17, 1e23, 60)
    parts = [
        pd.DataFrame({"family": name, "flops": flops,
                      "loss": (1.5 + scale * 300 * (flops + 3e18) ** -0.12) * np.exp(rng.normal(0, 5e-4, 60))})
        for name, scale in (("a", 1.0), ("b", 1.1))
    ]  # fmt: skip
    bent = compare_protocol(pd.concat(parts, ignore_index=True), bins=None, held_out=0.1, **DRAWS)
    (told,) = bent.comparisons.values()
    assert {fit.law.name for fit in told.fits.values()} == {"power_shift_offset"}


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"metrics": ["lss"]}, sf.ColumnError, "lss"),
        ({"metrics": []}, sf.FitError, "metrics names no column"),
        ({"metrics": {"loss": "small"}}, sf.FitError, "must be one of high or low"),
        ({"metrics": {"loss": "high"}}, sf.DataError, "must be a share between 0 and 1"),
        ({"held_out": 1.0}, sf.FitError, "held_out is a share between 0 and 1"),
        ({"bins": 4}, sf.DataError, "too few for the 3 parameters of power_offset"),
        ({"by": "kind"}, sf.ColumnError, "kind"),
    ],
)
def test_what_cannot_be_honoured_is_said(given, error, words):
    with pytest.raises(error, match=words):
        compare_protocol(frontiers(), **{"law": "power_offset", **DRAWS, **given})


def test_html_begins_with_the_same_sentence(agreed):
    assert f"<strong>{first_line(agreed)}</strong>" in agreed._repr_html_()
