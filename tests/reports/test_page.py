"""The report of a fit as one page: what it holds, what it escapes, and that no part takes it down."""

import base64
import json
import re
import warnings

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.formula import parse_formula
from scalefit.reports.page.javascript import to_javascript
from scalefit.reports.page.report import report_page
from scalefit.wording.digits import significant

#: Names as nobody should call a run: each would end an element or begin a script, were it not escaped.
EVIL = "<script>alert(1)</script>"
WORSE = "</script><!--<b onmouseover=alert(2)>\u2028'\"&amp;"
PARTS = ["data", "pictures", "backtest", "forecast", "allocation", "comparison", "checklist", "runs", "reproduce"]


def part(page, name):
    return re.search(rf'<section id="{name}">(.*?)</section>', page, re.DOTALL)[1]


def reasons(page, name):
    return re.findall(r'<p class="absent">Not made: (.*?)</p>', part(page, name))


def power_runs(n=12):
    x = np.geomspace(1e18, 1e21, n)
    scatter = 1 + 0.01 * np.sin(7.0 * np.arange(n) ** 2)
    return pd.DataFrame({"flops": x, "loss": (1.5 + 60 * (x / 1e12) ** -0.3) * scatter})


@pytest.fixture(scope="module")
def evil_page():
    """Two families and runs with evil names, and every part but the slowest."""
    runs = sf.datasets.load("microlm").groupby("run", as_index=False).last()
    runs = runs[runs.seed == 0].assign(run=lambda rows: EVIL + rows.run)
    runs["family"] = runs["family"].map({"lstm": WORSE, "transformer": EVIL})
    fit = sf.fit(runs, "chinchilla", objective=sf.Square())
    return report_page(fit, skip=["forecast"], draws=20)


@pytest.fixture(scope="module")
def power_page():
    fit = sf.fit(power_runs(), "power_offset", along="flops").bootstrap(20, rng=0)
    return fit, report_page(fit, skip=["forecast", "backtest"], draws=20)


def test_every_part_is_there_in_order(evil_page):
    assert re.findall(r'<section id="(\w+)">', evil_page) == ["verdict", "short", "explore", *PARTS]


def test_the_verdict_comes_before_anything_else(evil_page):
    assert evil_page.index('id="verdict"') < evil_page.index("<table") < evil_page.index('id="explore"')


def test_names_from_the_data_stay_text(evil_page):
    assert "alert(1)" in evil_page
    assert "<script>alert" not in evil_page
    assert "<b onmouseover" not in evil_page
    assert len(re.findall(r"<script", evil_page)) == 2  # the numbers of the law, and the script that reads them


def test_a_name_in_the_numbers_of_the_script_cannot_end_it():
    from scalefit.reports.page.explorer import to_script_json

    text = to_script_json({"name": WORSE})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"name": WORSE}


def test_nothing_is_loaded_from_elsewhere(evil_page):
    addresses = re.findall(r'(?:src|href|action)="([^"]{0,40})', evil_page)
    assert [address for address in addresses if not address.startswith(("#", "data:"))] == []
    assert "default-src 'none'" in evil_page


def test_the_verdict_has_the_colour_of_its_first_sentence_and_lists_what_it_counts(evil_page):
    verdict = part(evil_page, "verdict")
    assert 'class="scalefit-fit scalefit-doubtful"' in verdict
    assert 'aria-label="doubtful"' in verdict
    count = int(re.search(r"converged, .*?, with (\d+) doubts?</strong>", verdict)[1])
    assert count == verdict.count("<li>") >= 1
    assert "2 families are fitted as one" in verdict


def test_a_fit_with_nothing_against_it_has_a_green_verdict(runs):
    noise = np.random.default_rng(3).standard_normal(len(runs))
    fit = sf.fit(runs.assign(loss=runs.loss * np.exp(0.01 * noise)), "chinchilla", objective=sf.Square())
    verdict = part(report_page(fit, skip=PARTS, draws=20), "verdict")
    assert 'class="scalefit-fit scalefit-good"' in verdict
    assert "doubt" not in verdict


def test_the_html_of_a_fit_is_doubtful_where_only_the_rows_speak_against_it():
    runs = sf.datasets.load("microlm").groupby("run", as_index=False).last()
    fit = sf.fit(runs, "chinchilla", objective=sf.Square())
    assert fit.converged
    assert fit.judgement.reasons == ()
    assert "scalefit-doubtful" in fit._repr_html_()


def test_answers_stand_beside_their_intervals_and_say_what_those_cover(power_page):
    fit, page = power_page
    words = part(page, "explore")
    row = fit.predict(pd.DataFrame({"flops": [float(re.search(r'id="box-0"[^>]*value="([^"]+)"', words)[1])]})).iloc[0]
    low, high = re.search(r'id="prediction-ends">90 %: (\S+) to ([^<]+)<', words).groups()
    assert (float(low), float(high)) == (pytest.approx(row.low, rel=6e-4), pytest.approx(row.high, rel=6e-4))
    goal = float(re.search(r'id="box-target"[^>]*value="([^"]+)"', words)[1])
    told = sf.find_scale(fit, goal).frame.iloc[0]
    assert f"{significant(told.low, digits=4)} to " in words
    assert "bootstrap of rows, 20 draws. They cover how firmly the runs fix the parameters of this one law" in words
    assert '<a href="#forecast">' in words


def test_a_fit_that_is_not_believed_says_so_above_its_sliders(runs):
    ray = runs.assign(tokens=20 * runs.params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.ScalefitWarning)
        page = report_page(sf.fit(ray, "chinchilla", objective=sf.Square()), skip=PARTS, draws=20)
    assert "Not to be relied on: chinchilla is not identified" in part(page, "explore")


def test_the_families_are_compared_and_their_crossing_looked_for(evil_page):
    assert reasons(evil_page, "comparison") == []
    assert part(evil_page, "comparison").count("<figure") == 2


def test_runs_say_their_name_under_a_pointer(evil_page):
    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;" in part(evil_page, "pictures")


def test_what_cannot_be_made_is_named_with_its_reason(power_page):
    _, page = power_page
    assert "needs a law of params and tokens" in reasons(page, "allocation")[0]
    assert "no column &#x27;family&#x27;" in reasons(page, "comparison")[0]
    assert reasons(page, "backtest") == ["left out on request (skip)."]


def test_a_fault_in_one_part_is_told_in_its_place(power_page, monkeypatch):
    def fail(*given, **named):
        raise ZeroDivisionError("nothing left")

    monkeypatch.setattr("scalefit.reports.page.parts.make_checklist", fail)
    page = report_page(power_page[0], skip=["forecast", "backtest", "pictures"], draws=20)
    assert reasons(page, "checklist") == ["ZeroDivisionError: nothing left"]
    assert reasons(page, "reproduce") == []


def test_the_fit_can_be_taken_out_of_the_page_again(power_page):
    fit, page = power_page
    data = re.search(r'href="data:application/json;base64,([^"]+)"', page)[1]
    text = base64.b64decode(data).decode()
    assert text == fit.to_json()


def test_the_same_fit_gives_the_same_page(power_page):
    fit, page = power_page
    assert report_page(fit, skip=["forecast", "backtest"], draws=20) == page


def test_a_law_that_the_page_cannot_evaluate_has_no_sliders_and_says_why(monkeypatch):
    rows = sf.grid(params=[1e7, 1e8, 1e9], tokens=[1e8, 1e9, 1e10])
    law = sf.get_law("chinchilla")
    rows["loss"] = law({"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 410.0, "beta": 0.28}, rows)
    fit = sf.fit(rows, law, objective=sf.Square())
    monkeypatch.setitem(fit.law.__dict__, "tree", None)
    page = report_page(fit, skip=PARTS, draws=20)
    assert "more than one line of algebra" in reasons(page, "explore")[0]
    assert "<script" not in page
    assert "script-src 'none'" in page


def test_a_slider_that_cannot_be_made_leaves_the_others():
    x = np.linspace(-1.0, 1.0, 9)
    law = sf.formula_law("a + b*x", inputs=["x"], output="loss")
    runs = pd.DataFrame({"x": x, "loss": 2 + x + 0.01 * np.sin(np.arange(9) ** 2)})
    page = report_page(sf.fit(runs, law, objective=sf.Square(on="raw")), skip=PARTS, draws=20)
    assert "starts at -1 in the runs" in reasons(page, "explore")[0]
    assert 'id="prediction"' in part(page, "explore")
    assert 'id="target-scale"' not in page


def test_the_call_can_be_typed_again(power_page):
    _, page = power_page
    assert "sf.fit(runs, &#x27;power_offset&#x27;, columns={&#x27;x&#x27;: &#x27;flops&#x27;})" in part(
        page, "reproduce"
    )


def test_the_page_is_written_where_it_is_wanted(power_page, tmp_path):
    place = power_page[0].report(tmp_path / "out.html", skip=["forecast", "backtest", "pictures"], draws=20)
    assert place == tmp_path / "out.html"
    assert place.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"skip": ["forcast"]}, "forecast"), ({"draws": 1}, "at least 2"), ({"rng": "seed"}, "a whole number")],
)
def test_arguments_that_cannot_be_meant_are_refused(power_page, wrong, said):
    with pytest.raises(sf.FitError, match=said):
        report_page(power_page[0], **wrong)


def test_a_folder_that_is_not_there_is_named(power_page, tmp_path):
    with pytest.raises(sf.FitError, match="no_such_folder"):
        power_page[0].report(tmp_path / "no_such_folder" / "out.html", skip=PARTS, draws=20)


def test_a_formula_becomes_javascript_without_its_names():
    tree = parse_formula("-a*exp(alert) + minimum(b, 2**x) - pi")
    code = to_javascript(tree, ["alert", "x"], ["a", "b"])
    assert code == ("(x, p) => ((((-p[0]) * Math.exp(x[0])) + smaller(p[1], Math.pow(2.0, x[1]))) - 3.141592653589793)")


def test_what_is_not_on_the_whitelist_does_not_become_javascript():
    import ast

    for text in ("f(x)", "x[0]", "x if x else 1", "'a'", "True and x", "unknown"):
        with pytest.raises(sf.FormulaError, match="not known to the page"):
            to_javascript(ast.parse(text, mode="eval").body, ["x"], [])
