"""Every block of Python in README and docs runs, in order, and prints what the page says."""

import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

import scalefit as sf
from documents import PAGES, ROOT, blocks_of, differences, needs, run_page


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    yield
    plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_code_of_a_page_runs_and_prints_what_the_page_says(path, tmp_path):
    page = path.read_text()
    for name in needs(page):
        pytest.importorskip(name)
    for block, printed in run_page(page, tmp_path):
        if block.printed is not None:
            wrong = list(differences(page[block.printed].rstrip("\n"), printed.rstrip("\n")))
            assert wrong == [], f"{path.name}, block at line {block.line}: python tests/documents.py writes it again"


def test_public_names_that_pages_use_exist():
    names = {name for path in PAGES for name in re.findall(r"\bsf\.(\w+)", path.read_text())}
    assert [name for name in sorted(names) if not hasattr(sf, name)] == []


def test_the_readme_has_its_two_commands_in_a_block_of_their_own():
    block = '```\npip install . && scalefit demo\npip install ".[test]" && pytest\n```'
    assert block in (ROOT / "README.md").read_text()


def test_the_readme_begins_with_ten_lines_of_code_and_then_decides_in_five():
    lines = [
        len([line for line in block.source.splitlines() if line.strip()])
        for block in blocks_of((ROOT / "README.md").read_text())
    ]
    assert lines == [10, 5]


def test_a_wrong_word_a_wrong_number_and_a_missing_line_are_seen():
    assert list(differences("alpha 0.35", "alpha 0.3501")) == []
    assert list(differences("alpha 0.35", "alpha 0.39")) != []
    assert list(differences("alpha 0.35", "beta 0.35")) != []
    assert list(differences("alpha 0.35", "alpha 0.35\nbeta 0.3")) != []


def test_only_text_right_after_code_is_what_it_prints():
    page = "```python\nprint(1)\n```\n\n```text\n1\n```\nand\n```python\nprint(2)\n```\nsaid\n```text\n2\n```\n"
    told = [block.printed and page[block.printed] for block in blocks_of(page)]
    assert told == ["1\n", None]


def test_a_page_names_the_libraries_it_needs_in_its_first_line():
    assert needs("<!-- needs: wandb, tensorboard -->\n# Read logs\n") == ["wandb", "tensorboard"]
    assert needs("# Read logs\n<!-- needs: wandb -->\n") == []
