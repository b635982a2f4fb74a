"""The report in a real browser: it asks for nothing, its sliders say what Python says, and everyone can read it."""

import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from browsers import open_browser, open_page
from page_widths import A4, OUTSIDE, WIDTHS
from scalefit.laws import catalogue
from scalefit.reports.page.explorer import DRAW_DIGITS, MOST_DRAWS
from scalefit.reports.page.javascript import to_javascript
from scalefit.typical import typical_runs, typical_values

DESKTOP, PHONE = {"width": 1100, "height": 800}, {"width": 390, "height": 844}
#: A formula with branches, so that the functions of the page's own are used.
FORMULA = sf.formula_law(
    "E + maximum(A / N**alpha, 1e-9) + B*sigmoid(2 - 0.2*log(D)) + 0*log_add_exp(1, log(N)) + 0*minimum(N, D)",
    inputs=["N", "D"], output="loss",
)  # fmt: skip
#: Chinchilla's law without what Python knows of it in closed form.
SEARCHED = sf.formula_law("E + A / params**alpha + B / tokens**beta", inputs=["params", "tokens"], output="loss")
QUICK = ["backtest", "forecast", "comparison"]
PARTS = [*QUICK, "data", "pictures", "allocation", "checklist", "runs", "reproduce"]


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def ladder():
    """Runs of several sizes with a name that would be a script."""
    runs = sf.datasets.load("microlm").groupby("run", as_index=False).last()
    runs = runs[runs.family == "lstm"]
    return runs.assign(run="<script>document.title = 'owned'</script>" + runs.run)


@pytest.fixture(scope="module")
def chinchilla(ladder):
    return sf.fit(ladder, "chinchilla").bootstrap(40, rng=0)


@pytest.fixture(scope="module")
def power(ladder):
    return sf.fit(ladder, "power_offset", along="flops").bootstrap(40, rng=0)


@pytest.fixture(scope="module")
def own(ladder):
    return sf.fit(ladder, FORMULA, columns={"N": "params", "D": "tokens"}).bootstrap(40, rng=0)


@pytest.fixture(scope="module")
def fits(ladder, chinchilla, power, own):
    """Also one whose best splits Python searches, and one with the thousand draws of its covariance."""
    more = {"searched": sf.fit(ladder, SEARCHED).bootstrap(40, rng=0), "normal": sf.fit(ladder, "chinchilla")}
    return {"chinchilla": chinchilla, "power": power, "own": own, **more}


@pytest.fixture(scope="module")
def paths(fits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    skipped = {name: PARTS if name in ("searched", "normal") else QUICK for name in fits}
    return {name: fit.report(folder / f"{name}.html", skip=skipped[name], draws=20) for name, fit in fits.items()}


def answers(page, **typed):
    """The numbers of the page after some are typed, as it shows them, with the ends of their intervals."""
    for box, value in typed.items():
        page.fill(f"#box-{box.lstrip('_')}", repr(value))
    page.wait_for_selector(".ends[aria-busy=true]", state="detached")
    texts = {place.get_attribute("id"): place.inner_text() for place in page.query_selector_all("output")}
    told = {name: float(text.split()[0]) for name, text in texts.items() if text[0].isdigit()}
    for place in page.query_selector_all(".ends"):
        ends = re.findall(r"(?:: |to )(no amount|[-\d.e]+)", place.inner_text().partition(";")[0])
        name = place.get_attribute("id").removesuffix("-ends")
        ends = [np.inf if end == "no amount" else float(end) for end in ends]
        told |= dict(zip((f"{name}-low", f"{name}-high"), (ends * 2)[: 2 * bool(ends)], strict=False))
    return told


def six(value):
    return pytest.approx(float(value), rel=6e-6)


def four(value):
    """The ends of an interval are shown with four digits."""
    return pytest.approx(float(value), rel=6e-4)


def held(fit):
    """The fit with the draws that its page holds: those in it, with their digits."""
    picked = np.unique(np.linspace(0, len(fit.draws_theta) - 1, min(len(fit.draws_theta), MOST_DRAWS)).astype(int))
    draws = [[float(f"{value:.{DRAW_DIGITS}g}") for value in row] for row in fit.draws_theta[picked]]
    return replace(fit, draws=pd.DataFrame(draws, columns=list(fit.law.param_names)))


@pytest.mark.parametrize("name", ["chinchilla", "power", "own"])
def test_the_page_complains_of_nothing_and_asks_for_nothing(browser, paths, name):
    with open_page(browser, paths[name], viewport=DESKTOP) as (page, heard):
        page.locator("input[type=range]").first.press("ArrowRight")
        page.locator("input[type=range]").last.press("ArrowLeft")
        assert heard == []
        assert "owned" not in page.title()


@pytest.mark.parametrize("name", ["chinchilla", "power", "own"])
def test_what_stands_without_scripts_is_what_the_script_says_first(browser, paths, name):
    with open_page(browser, paths[name], viewport=DESKTOP) as (page, _):
        told = answers(page)
    with open_page(browser, paths[name], viewport=DESKTOP, java_script_enabled=False) as (page, _):
        still = answers(page)
        assert not page.locator("input[type=range]").first.is_visible()
        assert page.locator(".still").first.is_visible()
    assert told.keys() == still.keys()
    assert len(told) >= 6
    for output, value in told.items():
        digits = four if output.endswith(("-low", "-high")) else six
        assert value == digits(still[output]), output


@pytest.mark.parametrize(("params", "tokens"), [(1e5, 1e7), (3.21e7, 4.56e9), (2345.0, 1e6)])
def test_a_run_of_chinchilla_is_what_python_predicts(browser, paths, chinchilla, params, tokens):
    with open_page(browser, paths["chinchilla"], viewport=DESKTOP) as (page, _):
        told = answers(page, _0=params, _1=tokens)
    row = chinchilla.predict(sf.grid(params=[params], tokens=[tokens])).iloc[0]
    assert told["prediction"] == six(row.estimate)
    assert told["prediction-low"] == four(row.low)
    assert told["prediction-high"] == four(row.high)


@pytest.mark.parametrize("x", [1e11, 2.5e14, 1e17])
def test_a_run_of_a_power_law_is_what_python_predicts(browser, paths, power, x):
    with open_page(browser, paths["power"], viewport=DESKTOP) as (page, _):
        told = answers(page, _0=x)
    row = power.predict(pd.DataFrame({"flops": [x]})).iloc[0]
    assert told["prediction"] == six(row.estimate)
    assert (told["prediction-low"], told["prediction-high"]) == (four(row.low), four(row.high))


def test_a_run_of_a_formula_is_what_python_predicts(browser, paths, own):
    with open_page(browser, paths["own"], viewport=DESKTOP) as (page, _):
        told = answers(page, _0=54321.0, _1=3.3e6)
    row = own.predict(sf.grid(params=[54321.0], tokens=[3.3e6])).iloc[0]
    assert told["prediction"] == six(row.estimate)


@pytest.mark.parametrize("name", ["chinchilla", "searched", "normal"])
@pytest.mark.parametrize("budget", [1e12, 5.83e14, 7.7e17])
def test_the_best_split_of_a_budget_is_what_python_finds(browser, paths, fits, name, budget):
    with open_page(browser, paths[name], viewport=DESKTOP) as (page, _):
        told = answers(page, budget=budget)
    row = sf.allocate(held(fits[name]), flops=budget).frame.iloc[0]
    columns = {"size": "params", "tokens": "tokens", "ratio": "tokens_per_param", "value": "loss"}
    for place, column in columns.items():
        assert told[f"budget-{place}"] == six(row[column])
        assert told[f"budget-{place}-low"] == four(row[f"{column}_low"])
        assert told[f"budget-{place}-high"] == four(row[f"{column}_high"])


@pytest.mark.parametrize("name", ["chinchilla", "power", "searched", "normal"])
@pytest.mark.parametrize("goal", [2.5, 1.5, 1.2, 1.05, 0.99])
def test_what_a_target_takes_is_what_python_finds(browser, paths, fits, name, goal):
    with open_page(browser, paths[name], viewport=DESKTOP) as (page, _):
        told = answers(page, target=goal)
        words = page.inner_text("#target-scale-ends")
    row = sf.find_scale(held(fits[name]), goal).frame.iloc[0]
    assert told.get("target-scale", np.inf) == six(row.estimate)
    assert told["target-scale-low"] == four(row.low)
    assert told["target-scale-high"] == four(row.high)
    missed = re.search(r"no amount reaches it in (\S+) % of the draws", words)
    assert float(missed[1] if missed else 0) == pytest.approx(100 * (1 - row.probability), abs=0.51)


def test_a_third_input_is_held_where_its_slider_stands(browser, tmp_path):
    law = sf.get_law("precision_weights")
    runs = typical_runs(law)
    inputs = tuple(runs[one].to_numpy(float) for one in law.inputs)
    loss = law(typical_values(law, inputs), runs) * (1 + 0.01 * np.sin(7.0 * np.arange(len(runs)) ** 2))
    fit = sf.fit(runs.assign(loss=loss), law).bootstrap(20, rng=0)
    bits, budget = float(runs.bits_weights.min()), 10 * float((6 * runs.params * runs.tokens).max())
    at = {"bits_weights": bits}
    goal = float(sf.allocate(fit, flops=budget / 3, at=at).frame.loss.iloc[0])
    path = fit.report(tmp_path / "page.html", skip=PARTS, draws=20)
    with open_page(browser, path, viewport=DESKTOP) as (page, _):
        told = answers(page, _2=bits, budget=budget, target=goal)
    row = sf.allocate(held(fit), flops=budget, at=at).frame.iloc[0]
    assert told["budget-size"] == six(row.params)
    assert (told["budget-size-low"], told["budget-size-high"]) == (four(row.params_low), four(row.params_high))
    row = sf.find_scale(held(fit), goal, along="flops", at=at).frame.iloc[0]
    assert told["target-scale"] == six(row.estimate)
    assert (told["target-scale-low"], told["target-scale-high"]) == (four(row.low), four(row.high))


def test_draws_that_never_reach_a_target_are_told(browser, paths, fits):
    goal = float(np.quantile(fits["chinchilla"].draws_theta[:, 0], 0.7))  # under the floor of 30 % of the draws
    with open_page(browser, paths["chinchilla"], viewport=DESKTOP) as (page, _):
        answers(page, target=goal)
        words = page.inner_text("#target-scale-ends")
    assert "to no amount; no amount reaches it in 30 % of the draws" in words


def test_a_slider_that_moves_while_intervals_are_made_gets_those_of_where_it_ends(browser, paths, fits):
    with open_page(browser, paths["normal"], viewport=DESKTOP) as (page, _):
        for budget in (1e13, 1e14):
            page.fill("#box-budget", repr(budget))
            assert page.inner_text("#budget-size-ends") == "90 %: …"
        told = answers(page, budget=1e15)
    row = sf.allocate(held(fits["normal"]), flops=1e15).frame.iloc[0]
    assert (told["budget-size-low"], told["budget-size-high"]) == (four(row.params_low), four(row.params_high))


def test_a_fit_without_usable_draws_says_so_and_has_no_intervals(browser, ladder, tmp_path):
    rows = ladder[ladder.seed == 0].iloc[::9].head(5)
    fit = sf.fit(rows, "chinchilla", objective=sf.Square())
    path = fit.report(tmp_path / "few.html", skip=PARTS, draws=20)
    with open_page(browser, path, viewport=DESKTOP) as (page, heard):
        answers(page, budget=1e14)
        assert {place.inner_text() for place in page.query_selector_all(".ends")} == {"no interval"}
        assert "No intervals: the fit has no draws" in page.inner_text("#explore")
        assert heard == []


def test_a_target_under_the_floor_is_never_reached(browser, paths):
    with open_page(browser, paths["chinchilla"], viewport=DESKTOP) as (page, _):
        page.fill("#box-target", "0.01")
        assert page.inner_text("#target-scale") == "no amount, by this law"


def test_a_slider_moves_its_box_and_the_answer(browser, paths, chinchilla):
    with open_page(browser, paths["chinchilla"], viewport=DESKTOP) as (page, _):
        before = page.inner_text("#prediction")
        slider = page.locator("input[type=range]").first
        slider.evaluate("one => { one.value = 5.5; one.dispatchEvent(new Event('input')); }")
        assert page.input_value("#box-0") == "3.16e5"
        assert page.inner_text("#prediction") != before
        told = answers(page)["prediction"]
        row = {"params": [3.16e5], "tokens": [float(page.input_value("#box-1"))]}
    assert told == six(chinchilla.predict(row).estimate.iloc[0])


def test_every_law_of_one_line_is_the_same_in_the_browser_as_in_python(browser):
    script = files("scalefit.reports.page").joinpath("page.js").read_text(encoding="utf-8")
    own = script[script.index("const smaller") : script.index("const LAW")]
    context = browser.new_context()
    page, wrong, checked = context.new_page(), [], 0
    for name, law in catalogue().items():
        runs = typical_runs(law) if law.tree is not None and law.derive is None else None
        if runs is None:
            continue
        inputs = tuple(runs[one].to_numpy(float) for one in law.inputs)
        values = typical_values(law, inputs)
        theta = [values[one] for one in law.param_names]
        code = to_javascript(law.tree, law.inputs, law.param_names)
        rows = [list(map(float, row)) for row in zip(*inputs, strict=True)]
        told = page.evaluate(
            f"([rows, p]) => {{ {own} const law = {code}; return rows.map((x) => law(x, p)); }}", [rows, theta]
        )
        if not np.allclose(told, law(values, runs), rtol=1e-9, atol=0):
            wrong.append(name)
        checked += 1
    context.close()
    assert wrong == []
    assert checked >= 70


@pytest.mark.parametrize("name", ["chinchilla", "power", "own"])
def test_a_phone_scrolls_in_one_direction_only(browser, paths, name):
    with open_page(browser, paths[name], viewport=PHONE, device_scale_factor=2) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        sizes = (
            "[...document.querySelectorAll('p, td, th, li, code')].map(e => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(page.evaluate(sizes)) >= 12


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_reaches_past_the_window(browser, paths, width):
    with open_page(browser, paths["chinchilla"], viewport={"width": width, "height": 900}) as (page, _):
        seen = page.evaluate(OUTSIDE)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        opened = page.evaluate(OUTSIDE)
    assert (seen["out"], seen["page"]) == (opened["out"], opened["page"]) == ([], 0)
    assert (seen["held"] == 0) == (width >= 1200)  # a phone and a tablet scroll in boxes of wide tables


def test_nothing_is_cut_on_paper(browser, paths):
    with open_page(browser, paths["chinchilla"], viewport={"width": A4, "height": 1000}) as (page, _):
        page.emulate_media(media="print")
        assert page.evaluate(OUTSIDE) == {"out": [], "held": 0, "page": 0}


def test_a_printed_page_has_the_numbers_and_no_sliders(browser, paths):
    with open_page(browser, paths["chinchilla"], viewport=DESKTOP) as (page, _):
        pdf = page.pdf(format="A4")
        page.emulate_media(media="print")
        assert not page.locator("input[type=range]").first.is_visible()
        assert page.locator("#prediction").is_visible()
        assert page.locator("nav").is_hidden()
        page.emulate_media(media="screen")
        answers(page, budget=1.5e13)
        page.emulate_media(media="print")
        assert "At 15000000000000.0 FLOP" in page.inner_text("#explore")  # what was typed is what the numbers answer
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3


CONTRAST = """() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (one) => {
    const ink = light(getComputedStyle(one).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  };
  return Math.min(...[...document.querySelectorAll('p, td, th, li, a, strong, figcaption, output, h2')].map(ratio));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_background_in_both_themes(browser, paths, scheme):
    with open_page(browser, paths["chinchilla"], viewport=DESKTOP, color_scheme=scheme) as (page, _):
        assert page.evaluate(CONTRAST) > 4.5  # the least that WCAG 2 asks of text
        shown = ["light", "dark"].index(scheme)
        assert [page.locator(f"figure .{name}").first.is_visible() for name in ("light", "dark")] == [
            shown == 0,
            shown == 1,
        ]
        ink = page.evaluate("getComputedStyle(document.querySelector('figure svg')).color")
        assert ink == page.evaluate("getComputedStyle(document.body).color")


def test_a_pointer_on_a_run_shows_its_name_as_text(browser, paths):
    with open_page(browser, paths["chinchilla"], viewport=DESKTOP) as (page, _):
        spot = page.locator("figure circle title").first
        assert spot.text_content().startswith("<script>document.title = 'owned'</script>")
        assert page.locator("figure script").count() == 0


def test_the_fit_can_be_downloaded(browser, paths, chinchilla, tmp_path):
    with open_page(browser, paths["chinchilla"], viewport=DESKTOP) as (page, _):
        with page.expect_download() as waiting:
            page.click("a[download]")
        waiting.value.save_as(tmp_path / "fit.json")
    assert sf.load_fit(tmp_path / "fit.json").estimates == chinchilla.estimates
