"""Answers in a real browser: readable in the light and the dark of whatever page they stand in."""

import pandas as pd
import pytest

from browsers import open_browser, open_page
from page_widths import A4, OUTSIDE, WIDTHS
from scalefit.wording.document import html_document
from scalefit.wording.page import as_html
from scalefit.wording.said import Said

DESKTOP = {"width": 900, "height": 600}
TABLE = pd.DataFrame({"flops": ["1e21"], "params": ["7e9 (6e9 to 8e9)"]})
DOUBTS = ("few runs", "far beyond the data")


def answer(state="doubtful"):
    return as_html(Said(state, "A is ahead", doubts=DOUBTS, parts=(TABLE, "a line"), notes=("a note",)), kind="sample")


#: What the PyData theme of Sphinx does with the output of a cell: a light ground in the dark, except under tables of
#: pandas.
PYDATA = """
html[data-theme="light"] { --base: #222832; --on: #ffffff; --ground: #ffffff }
html[data-theme="dark"] { --base: #ced6dd; --on: #222832; --ground: #14181e }
html { color: var(--base); background: var(--ground) }
html[data-theme="dark"] .bd-content div.cell_output .text_html:not(:has(table.dataframe)) {
  background-color: var(--base); color: var(--on); padding: .5rem }
"""
#: JupyterLab sets variables by the attribute, and the ink of rendered HTML and the rows of tables from them.
JUPYTER = """
body[data-jp-theme-light="true"] { --ink: rgba(0,0,0,.87); --ground: white; --row: #f5f5f5 }
body[data-jp-theme-light="false"] { --ink: white; --ground: #111; --row: #212121 }
body { background: var(--ground) } .jp-RenderedHTMLCommon { color: var(--ink) }
.jp-RenderedHTMLCommon tbody tr:nth-child(odd) { background: var(--row) }
"""
VSCODE = """
body { color: var(--vscode-editor-foreground); background: var(--vscode-editor-background) }
body.vscode-light { --vscode-editor-foreground: #3b3b3b; --vscode-editor-background: #ffffff }
body.vscode-dark { --vscode-editor-foreground: #cccccc; --vscode-editor-background: #1f1f1f }
"""


def host(kind, theme):
    """A page of another maker with an answer in it."""
    if kind == "pydata":
        output = f'<div class="cell_output"><div class="output text_html">{answer()}</div></div>'
        body = f'<body><div class="bd-content">{output}</div></body>'
        return f'<html data-theme="{theme}"><head><style>{PYDATA}</style></head>{body}</html>'
    if kind == "jupyter":
        output = f'<div class="jp-RenderedHTMLCommon">{answer()}</div>'
        body = f'<body data-jp-theme-light="{"false" if theme == "dark" else "true"}">{output}</body>'
        return f"<html><head><style>{JUPYTER}</style></head>{body}</html>"
    if kind == "vscode":
        return f'<html><head><style>{VSCODE}</style></head><body class="vscode-{theme}">{answer()}</body></html>'
    return html_document("A page", answer())


#: The ground behind each element that shows text, and how far its ink stands out from it (WCAG 2).
LOOK = """() => {
  const light = ([r, g, b]) => {
    const part = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour[3] !== 0) return light(colour);
    }
    return 1;
  };
  const shown = document.querySelectorAll("strong, li, td, th, [class^=scalefit-] > div");
  return [...shown].map((one) => {
    const paper = ground(one), ink = light(numbers(getComputedStyle(one).color));
    return [paper, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)];
  });
}"""


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


def look(browser, place, text, **settings):
    place.write_text(text, encoding="utf-8")
    with open_page(browser, place, viewport=DESKTOP, **settings) as (page, heard):
        seen = page.evaluate(LOOK)
    assert heard == []
    assert len(seen) >= 8
    return seen


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["pydata", "jupyter", "vscode"])
def test_an_answer_follows_its_page_whatever_the_system_prefers(browser, tmp_path, kind, theme, system):
    seen = look(browser, tmp_path / "page.html", host(kind, theme), color_scheme=system)
    dark = {paper < 0.2 for paper, _ in seen}
    assert dark == {theme == "dark"}
    assert min(contrast for _, contrast in seen) > 4.5  # the least that WCAG 2 asks of text


@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_page_of_ours_follows_the_system(browser, tmp_path, system):
    seen = look(browser, tmp_path / "page.html", host("own", None), color_scheme=system)
    assert {paper < 0.2 for paper, _ in seen} == {system == "dark"}
    assert min(contrast for _, contrast in seen) > 4.5


WIDE = pd.DataFrame(
    {f"column {k}": ["1.234e21 (1.2e21 to 1.3e21)", "a_long_name_without_any_space" * 2] for k in range(9)}
)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_wide_table_scrolls_in_its_own_box(browser, tmp_path, width):
    page_text = html_document("Wide", as_html(Said("good", "Wide", parts=(WIDE,)), kind="sample"))
    (tmp_path / "page.html").write_text(page_text, encoding="utf-8")
    with open_page(browser, tmp_path / "page.html", viewport={"width": width, "height": 800}) as (page, _):
        seen = page.evaluate(OUTSIDE)
    assert (seen["out"], seen["page"]) == ([], 0)
    assert seen["held"] == 1


def test_a_wide_table_is_whole_on_paper(browser, tmp_path):
    page_text = html_document("Wide", as_html(Said("good", "Wide", parts=(WIDE,)), kind="sample"))
    (tmp_path / "page.html").write_text(page_text, encoding="utf-8")
    with open_page(browser, tmp_path / "page.html", viewport={"width": A4, "height": 1000}) as (page, _):
        page.emulate_media(media="print")
        seen = page.evaluate(OUTSIDE)
    assert seen == {"out": [], "held": 0, "page": 0}
