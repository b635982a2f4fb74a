"""The notebooks of the documentation run from first cell to last in a real kernel, and draw what they talk of."""

import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(path for path in FOLDER.glob("*.md") if path.name != "index.md")
CELL = re.compile(r"^```\{code-cell\} ipython3\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def named(path):
    return path.stem


@pytest.fixture
def kernel():
    """A function that runs cells in a kernel of their own and gives them back with their outputs."""
    for name in ("nbformat", "nbclient", "ipykernel", "jupytext"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install '.[docs]'")
    from running_notebooks import run_notebook

    return run_notebook


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_runs_and_draws_and_warns_of_nothing_unsaid(path, kernel, tmp_path):
    import jupytext

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        notebook = kernel(jupytext.read(path), tmp_path)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    said = [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    assert 1 <= len(pictures) <= 3
    assert [text for text in said if "DataWarning" not in text] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_is_short_and_ends_with_what_its_answer_does_not_say(path):
    page = path.read_text()
    assert 5 <= len(CELL.findall(page)) <= 9
    assert re.findall(r"^## (.*)$", page, re.MULTILINE)[-1] == "What this does not say"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_opens_in_jupyter(path):
    header = path.read_text().split("---\n")[1]
    assert "format_name: myst" in header
    assert "name: python3" in header


def test_the_index_lists_every_notebook_once_with_a_line_and_in_the_tree():
    index = (FOLDER / "index.md").read_text()
    linked = re.findall(r"^- \[.*?\]\((.*?)\.md\): \w", index, re.MULTILINE)
    in_tree = re.search(r"```\{toctree\}\n(?::.*\n)*\n(.*?)```", index, re.DOTALL)[1].split()
    assert sorted(linked) == sorted(map(named, NOTEBOOKS))
    assert in_tree == linked
