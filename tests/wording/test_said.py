"""Answers are said once: status first, as text and as HTML that shows names as they are."""

import pandas as pd
import pytest

from scalefit.wording.page import COLOURS, as_html
from scalefit.wording.said import Answer, Said, as_text, state_of

TABLE = pd.DataFrame({"flops": ["1e21"], "params": ["7e9"]})


class Small(Answer):
    def said(self):
        doubts = ("one <b>doubt</b>",)
        return Said("bad", "DO NOT RELY ON IT", doubts=doubts, parts=(TABLE, "a line"), notes=("a note",))


def test_text_and_html_lead_with_the_headline():
    answer = Small()
    assert repr(answer).splitlines()[0] == "DO NOT RELY ON IT"
    assert answer._repr_html_().index("DO NOT RELY ON IT") < answer._repr_html_().index("7e9")


def test_text_holds_everything_that_is_said():
    for words in ("one <b>doubt</b>", "7e9", "a line", "a note"):
        assert words in repr(Small())


def test_html_escapes_what_comes_from_the_data():
    page = Small()._repr_html_()
    assert "&lt;b&gt;doubt&lt;/b&gt;" in page
    assert "<b>doubt" not in page


def test_html_names_its_kind_and_its_state():
    assert 'class="scalefit-small scalefit-bad"' in Small()._repr_html_()


@pytest.mark.parametrize("state", ["good", "doubtful", "bad"])
def test_each_state_has_its_colour(state):
    page = as_html(Said(state, "said"), kind="x")
    assert [one for one, colour in COLOURS.items() if colour in page] == [state]


def test_rows_with_names_keep_them_and_others_are_not_numbered():
    named = TABLE.set_axis(["chinchilla"])
    assert "chinchilla" in as_text(Said("good", "said", parts=(named,)))
    assert "chinchilla" in as_html(Said("good", "said", parts=(named,)), kind="x")
    assert as_text(Said("good", "said", parts=(TABLE,))).splitlines()[-1].split() == ["1e21", "7e9"]


def test_nothing_is_said_of_what_is_empty():
    assert as_text(Said("good", "said", parts=(pd.DataFrame(), ""))) == "said"


def test_doubts_make_an_answer_doubtful_and_disbelief_bad():
    assert state_of([]) == "good"
    assert state_of(["few runs"]) == "doubtful"
    assert state_of([], believed=False) == "bad"
