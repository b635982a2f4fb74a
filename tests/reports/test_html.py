"""A fit as HTML: three colours, escaped names, nothing from outside."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from scalefit.wording.page import COLOURS

VOID = {"br"}


class Balance(HTMLParser):
    """Tags that are open, and the text seen."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(html):
    parser = Balance()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return " ".join(parser.text)


def test_a_converged_fit_looks_as_stored(believed, same_as_stored):
    same_as_stored("converged.html", believed._repr_html_())


def test_a_doubtful_fit_looks_as_stored(doubtful, same_as_stored):
    same_as_stored("doubtful.html", doubtful._repr_html_())


def test_an_unidentified_fit_looks_as_stored(unidentified, same_as_stored):
    same_as_stored("not_identified.html", unidentified._repr_html_())


@pytest.mark.parametrize(("name", "state"), [("believed", "good"), ("doubtful", "doubtful"), ("unidentified", "bad")])
def test_each_state_has_its_own_colour(request, name, state):
    html = request.getfixturevalue(name)._repr_html_()
    shown = [other for other, colour in COLOURS.items() if colour in html]
    assert shown == [state]


def test_the_state_can_be_told_without_colours(unidentified):
    html = unidentified._repr_html_()
    assert 'aria-label="not to be believed"' in html
    assert "NOT IDENTIFIED" in read(html)


@pytest.mark.parametrize("name", ["believed", "doubtful", "unidentified"])
def test_html_says_what_the_text_says(request, name):
    fit = request.getfixturevalue(name)
    words = read(fit._repr_html_()).split()
    assert [word for word in str(fit).split() if word not in words] == []


def test_names_from_the_data_cannot_become_markup(doubtful):
    evil = "<script>alert('x')</script>"
    html = replace(doubtful, target=evil, notes=(evil,), columns={"params": evil})._repr_html_()
    assert "<script" not in html
    assert read(html).count(evil) >= 3


def test_nothing_is_fetched_and_no_colour_of_text_or_ground_is_set(believed):
    html = believed._repr_html_()
    assert not re.search(r"https?:|url\(|<link|<script|<img", html)
    assert set(re.findall(r"(?<!-)\bcolor: ([a-z#0-9]+)", html)) == {"inherit"}
    assert "currentColor" not in html  # inherited, never repeated
