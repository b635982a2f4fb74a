"""Links that are right when a page is read as a file are made right in the built pages too.

A page may link to files outside ``docs``, and ``docs/about`` includes whole pages from there. Such a link goes to the
built page of that file where there is one; any other file becomes a download.
"""

import os
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
#: Files outside docs -> their page.
PAGES = {
    ROOT / "README.md": DOCS / "index.md",
    ROOT / "CHANGELOG.md": DOCS / "about" / "changelog.md",
    ROOT / "CONTRIBUTING.md": DOCS / "about" / "contributing.md",
    ROOT / "ARCHITECTURE.md": DOCS / "about" / "architecture.md",
    ROOT / "benchmarks/README.md": DOCS / "studies" / "published.md",
    ROOT / "examples/GALLERY_HEADER.rst": DOCS / "gallery" / "index.rst",
    ROOT / "src/scalefit/datasets/microlm/CARD.md": DOCS / "about" / "data-card.md",
}
LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#\s])")


def pointed(text, folder, page):
    """The text of a file in ``folder`` with its links as they must be on ``page``, both of them paths."""

    def place(match):
        file = Path(os.path.normpath(folder / match[1]))
        file = PAGES.get(file, file)
        return Path(os.path.relpath(file, page.parent)).as_posix() if file.exists() else match[1]

    return LINK.sub(place, text)


def on_page(app, docname, source):
    """Mend the links of a page."""
    page = Path(app.env.doc2path(docname))
    if page.suffix == ".md":
        source[0] = pointed(source[0], page.parent, page)


def on_included(app, included, _, source):
    """Mend the links of a page that another includes; its name is that of the page that is being read."""
    file = Path(app.srcdir) / included
    source[0] = pointed(source[0], file.parent, Path(app.env.doc2path(app.env.docname)))


def setup(app):
    """Listen for pages."""
    app.connect("source-read", on_page)
    app.connect("include-read", on_included)
    return {"parallel_read_safe": True}
