"""The Python blocks of a Markdown page, run as one program, and what each printed.

A block of ``text`` that follows a block of ``python`` is what that block prints. ``python tests/documents.py`` writes
the printed text into README and docs again.
"""

import contextlib
import importlib.util
import io
import itertools
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(?P<kind>[^`\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
#: The first line of a page that needs libraries which not everybody has.
NEEDS = re.compile(r"<!-- needs: (?P<names>[\w, ]+) -->\n")
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
#: What may differ between machines: which start ends in which minimum.
LOOSE = re.compile(r"\d+ of \d+ starts|minimum found lies \S+ %")
#: How far a printed number may lie from the one on the page: other versions of NumPy round in another order.
CLOSE = 0.02


@dataclass(frozen=True)
class Block:
    """One Python block: its source, the line it begins on, and where the text it should print stands, if anywhere."""

    source: str
    line: int
    printed: slice | None


def needs(page):
    """The libraries without which the blocks of a page cannot run."""
    found = NEEDS.match(page)
    return [name.strip() for name in found["names"].split(",")] if found else []


def blocks_of(page):
    """The Python blocks of a page, each with the block of text right after it."""
    fences = list(FENCE.finditer(page))
    for fence, after in itertools.zip_longest(fences, fences[1:]):
        if fence["kind"] != "python":
            continue
        told = after is not None and after["kind"] == "text" and not page[fence.end() : after.start()].strip()
        line = page.count("\n", 0, fence.start("body"))
        yield Block(fence["body"], line, slice(*after.span("body")) if told else None)


def run_page(page, folder):
    """Run the blocks in order in one namespace; what each printed."""
    file = Path(folder) / "page.py"
    # A real file, at the lines of the page: laws read the source of their functions, and errors point to the page.
    lines = [""] * page.count("\n")
    blocks = list(blocks_of(page))
    for block in blocks:
        lines[block.line : block.line + block.source.count("\n")] = block.source.splitlines()
    file.write_text("\n".join(lines) + "\n")
    names = {"__name__": "page"}
    printed = []
    for block in blocks:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * block.line + block.source, str(file), "exec"), names)
        printed.append(out.getvalue())
    return list(zip(blocks, printed, strict=True))


def differences(told, printed):
    """Where a printed text differs from the one on the page: in a word, or in a number by more than rounding."""
    told, printed = LOOSE.sub("", told), LOOSE.sub("", printed)
    for told_line, line in zip(told.split("\n"), printed.split("\n"), strict=False):
        words = [" ".join(NUMBER.sub("0", text).split()) for text in (told_line, line)]
        numbers = [[float(n) for n in NUMBER.findall(text)] for text in (told_line, line)]
        far = any(abs(a - b) > CLOSE * max(abs(a), abs(b)) + 1e-12 for a, b in zip(*numbers, strict=False))
        if words[0] != words[1] or far:
            yield f"the page has {told_line!r}, printed was {line!r}"
    if told.count("\n") != printed.count("\n"):
        yield f"the page has {told.count(chr(10))} lines, printed were {printed.count(chr(10))}"


def rewrite(path, folder):
    """Put what the blocks print into the page."""
    page = path.read_text()
    for block, printed in reversed(run_page(page, folder)):
        if block.printed is not None:
            text = "".join(line.rstrip() + "\n" for line in printed.rstrip("\n").split("\n"))
            page = page[: block.printed.start] + text + page[block.printed.stop :]
    path.write_text(page)


if __name__ == "__main__":
    import os
    import tempfile

    import matplotlib as mpl

    mpl.use("agg")
    chosen = [Path(name).resolve() for name in sys.argv[1:]] or PAGES
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for path in chosen:
            if all(importlib.util.find_spec(name) for name in needs(path.read_text())):
                rewrite(path, folder)
