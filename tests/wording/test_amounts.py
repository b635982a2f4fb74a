"""Estimates keep the digits that their intervals leave them; shares and counts read as people say them."""

import numpy as np

from scalefit.wording.amounts import count_of, percent, with_ends, with_interval

INF, NAN = float("inf"), float("nan")


def test_digits_follow_the_width():
    assert with_interval(2.345678, 2.312, 2.399, 0.9) == "2.346 (90 %: 2.312 to 2.399)"
    assert with_interval(2.3, 1.0, INF, 0.8, infinite="without end") == "2.3 (80 %: 1 to without end)"
    assert with_ends(7.31e10, 3.1e10, 1.2e11) == "7.3e10 (3.1e10 to 1.2e11)"


def test_a_number_is_not_rounded_onto_the_end_of_its_interval():
    assert with_interval(1.63, 1.58, 1.8, 0.9) == "1.63 (90 %: 1.58 to 1.8)"


def test_what_is_not_known_is_a_dash_or_has_no_interval():
    assert with_interval(NAN, NAN, NAN, 0.9) == with_ends(NAN, 1.0, 2.0) == "-"
    assert with_interval(2.795, NAN, NAN, 0.9) == with_ends(2.795, NAN, NAN) == "2.795 (no interval)"


def test_what_every_draw_has_stands_alone():
    assert with_interval(3.0, 3.0, 3.0, 0.9) == with_ends(3.0, 3.0, 3.0 + 1e-12) == "3"


def test_a_share_is_not_rounded_to_all_of_the_draws():
    assert [percent(share) for share in (1.0, 0.9995, 0.97, 0.0, 0.0001, np.nan)] == [
        "100 %", "99.9 %", "97 %", "0 %", "0.1 %", "an unknown share",
    ]  # fmt: skip


def test_one_thing_has_no_plural():
    assert [count_of(n, "budget") for n in (0, 1, 2, 1234)] == ["0 budgets", "1 budget", "2 budgets", "1,234 budgets"]
