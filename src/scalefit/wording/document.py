"""One HTML page that opens from disk: its frame and the style that all pages share."""

from __future__ import annotations

from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1d2127; --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --paper: #16181d } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em;
       color: var(--ink); background: var(--paper) }
h1 { font-size: 1.4em; margin: 0 } h2 { font-size: 1.1em; margin: 1.6em 0 0.4em }
code { font: 0.92em ui-monospace, monospace; overflow-wrap: anywhere }
td, th { white-space: nowrap } svg { max-width: 100%; height: auto } .scroll { overflow-x: auto }
@media screen and (min-width: 60em) { td, th { white-space: normal } }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff } body { max-width: none }
  div { overflow: visible !important }
  td, th { white-space: normal; overflow-wrap: anywhere; padding-right: 0.5em !important } }
"""


def html_document(title: str, body: str, *, style: str = "", head: str = "") -> str:
    """A page with a title and a body that is HTML already.

    Parameters
    ----------
    title : text, escaped here.
    body : HTML.
    style : CSS that follows what all pages share.
    head : HTML for the head, such as a policy for what may be loaded.
    """
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{head}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
