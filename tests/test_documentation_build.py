"""What can be checked of the documentation without building it; ``.ci/run`` builds it, with warnings as errors."""

import fnmatch
import inspect
import re
from collections import Counter
from urllib.parse import urlsplit

import pytest

import scalefit as sf
from documents import FENCE, PAGES, ROOT

DOCS = ROOT / "docs"
OUTSIDE = [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "benchmarks/README.md")]
CARD = ROOT / "src/scalefit/datasets/microlm/CARD.md"
TEXTS = [*PAGES, *OUTSIDE, CARD]
#: Pages that a build writes: what its gallery and its reference are made of.
BUILT = {"gallery/index"}
LINK = re.compile(r"\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)?)\)")
TREE = re.compile(r"^(?:```\{toctree\}|\.\. toctree::)\n(?P<body>.*?)(?:^```$|\Z)", re.MULTILINE | re.DOTALL)
INCLUDE = re.compile(r"^```\{include\} (\S+)\n", re.MULTILINE)

ALL = pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def prose(path):
    """A page without its blocks of code and its code in lines."""
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", path.read_text()))


def anchors(path):
    """The places of a page that a link can name: its headings, as GitHub and the built pages write them."""
    found = Counter()
    for heading in re.findall(r"^#{1,4} (.+)$", FENCE.sub("", path.read_text()), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        yield f"{slug}-{found[slug]}" if found[slug] else slug
        found[slug] += 1


def pages():
    """All pages under docs by name, as toctrees name them."""
    sources = [*DOCS.rglob("*.md"), *DOCS.rglob("*.rst")]
    names = [path.relative_to(DOCS).with_suffix("").as_posix() for path in sources]
    return {name for name in names if not re.match(r"(gallery|reference/api/generated|_templates)/", name)}


def entries(name):
    """The pages that the toctrees of a page list."""
    path = next(DOCS / f"{name}{suffix}" for suffix in (".md", ".rst") if (DOCS / f"{name}{suffix}").exists())
    folder = path.parent.relative_to(DOCS)
    for tree in TREE.finditer(path.read_text()):
        for line in map(str.strip, tree["body"].splitlines()):
            entry = (folder / re.sub(r".*<(.+)>", r"\1", line)).as_posix()
            if "*" in line:
                yield from fnmatch.filter(sorted(pages() - {name}), entry)
            elif line and not line.startswith(":"):
                yield entry


def reference():
    """The names that the pages of the reference list, with the module that each stands under."""
    for path in sorted((DOCS / "reference/api").glob("*.rst")):
        module = None
        for line in path.read_text().splitlines():
            if line.startswith(".. currentmodule::"):
                module = line.split()[-1]
            elif re.fullmatch(r"   \w+", line) and path.stem != "index":
                yield module, line.strip()


@ALL
def test_links_to_places_on_a_page_name_a_heading(path):
    wrong = []
    for target in LINK.findall(prose(path)):
        file, _, place = target.partition("#")
        page = (path.parent / file).resolve() if file else path
        if place and "://" not in target and page.suffix == ".md" and place not in set(anchors(page)):
            wrong.append(target)
    assert wrong == []


@ALL
def test_links_to_files_lead_somewhere(path):
    targets = [target.partition("#")[0] for target in LINK.findall(prose(path)) if "://" not in target]
    assert [target for target in targets if target and not (path.parent / target).exists()] == []


@ALL
def test_links_to_other_sites_are_addresses(path):
    found = [target for target in LINK.findall(prose(path)) if "://" in target]
    found += re.findall(r"<(https?:[^>]*)>", prose(path))
    for target in found:
        parts = urlsplit(target)
        assert parts.scheme == "https", target
        assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc), target


def test_every_page_stands_in_exactly_one_tree():
    listed = Counter(entry for name in pages() for entry in entries(name))
    known = pages() - {"index"}
    assert sorted(known - listed.keys()) == [], "pages that no toctree lists"
    assert sorted(listed.keys() - known - BUILT) == [], "toctrees list pages that are not there"
    assert [name for name, times in listed.items() if times > 1] == []


def test_every_page_begins_with_a_title():
    def begins(path):
        included = INCLUDE.match(path.read_text())
        text = re.sub(r"\A---\n.*?^---\n", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
        return begins((path.parent / included[1]).resolve()) if included else re.match(r"\s*(<!--.*-->\s*)?# \w", text)

    assert [path.name for path in PAGES if not begins(path)] == []


def test_the_reference_has_every_public_name_once():
    listed = Counter(name for module, name in reference() if module == "scalefit")
    again = [name for name, times in listed.items() if times > 1]
    missing = sorted(set(sf.__all__) - listed.keys())
    gone = sorted(listed.keys() - set(sf.__all__))
    assert (missing, gone, again) == ([], [], []), "missing, gone, listed twice in docs/reference/api/*.rst"


def test_the_list_of_laws_links_every_page_of_a_law():
    folder = DOCS / "reference/laws"
    linked = {target for target in LINK.findall((folder / "README.md").read_text()) if target.endswith(".md")}
    assert {path.name for path in folder.glob("*.md")} - {"README.md"} == linked


def test_the_first_line_on_an_argument_ends_outside_code():
    # The line is the argument's type on the built page: code that goes on in the next line is broken there.
    broken = []
    for name in sf.__all__:
        value = getattr(sf, name)
        for what in [value, *(vars(value).values() if inspect.isclass(value) else ())]:
            lines = (inspect.getdoc(what) or "").splitlines() if callable(what) or isinstance(what, property) else []
            broken += [f"{name}: {line}" for line in lines if re.match(r"[\w, *]+ : ", line) and line.count("``") % 2]
    assert broken == []


def test_a_heading_becomes_the_name_that_links_use(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A law: `fit(x)`\n## Twice\n## Twice\n```python\n# no heading\n```\n### [Link](x.md) – and–so\n")
    assert list(anchors(page)) == ["a-law-fitx", "twice", "twice-1", "link--andso"]
