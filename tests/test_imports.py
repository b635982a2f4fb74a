"""The arrows between modules are those that ARCHITECTURE.md allows, and a plain import stays light."""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "scalefit"
HEAVY = ("scipy", "matplotlib", "lmfit", "typer")


@dataclass(frozen=True)
class Arrow:
    """One import: from a top-level module of scalefit to another one or to another library."""

    module: str
    target: str
    later: bool  # when a function runs, or only when types are checked
    own: bool  # the target is part of scalefit
    place: str


def arrows_of(source, path, *, modules):
    """Every import of one file, with the place to look at."""
    package = path.with_suffix("").parts
    module = package[0] if package != ("__init__",) else "scalefit"
    tree = ast.parse(source)
    later = {id(node) for block in ast.walk(tree) if runs_later(block) for node in ast.walk(block)}
    arrows = []
    for node in ast.walk(tree):
        for name in imported_names(node, package, modules):
            own = name.split(".")[0] == "scalefit"
            target = (name.split(".")[1:] or ["scalefit"])[0] if own else name.split(".")[0]
            if target != module:
                arrows.append(Arrow(module, target, id(node) in later, own, f"{path}:{node.lineno}"))
    return arrows


def runs_later(node):
    """Whether what stands inside does not run when the module is loaded."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def imported_names(node, package, modules):
    """Dotted names that one statement imports; a name out of scalefit itself counts as its module, if it is one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    here = ("scalefit", *package)[: -node.level] if node.level else ()
    base = ".".join((*here, *filter(None, [node.module])))
    if base != "scalefit":
        return [base]
    return [f"scalefit.{alias.name}" if alias.name in modules else "scalefit" for alias in node.names]


def allowed_arrows(text, block):
    """The lines ``module: allowed allowed`` of a fenced block of ARCHITECTURE.md."""
    found = re.search(rf"^```{block}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert found, f"ARCHITECTURE.md has no block ```{block}"
    lines = [line.partition("#")[0].partition(":") for line in found[1].splitlines()]
    return {name.strip(): set(rest.split()) for name, _, rest in lines if name.strip()}


def complaints(arrows, imports, lazy):
    """What is wrong with some arrows, each in one line."""
    wrong = []
    for arrow in arrows:
        if arrow.later:
            fine = arrow.target in lazy.get(arrow.module, set()) or arrow.target in sys.stdlib_module_names
            rule = "lazy-imports"
        else:
            fine = not arrow.own or arrow.target in imports.get(arrow.module, set())
            rule = "imports"
        if not fine:
            wrong.append(f"{arrow.place}: {arrow.module} -> {arrow.target} is not in the block {rule}")
    return wrong


def all_modules():
    return {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} - {
        "__init__"
    }


@pytest.fixture(scope="module")
def architecture():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    return allowed_arrows(text, "imports"), allowed_arrows(text, "lazy-imports")


@pytest.fixture(scope="module")
def arrows():
    modules = all_modules()
    files = sorted(SOURCE.rglob("*.py"))
    return [arrow for path in files for arrow in arrows_of(path.read_text(), path.relative_to(SOURCE), modules=modules)]


def test_no_import_goes_against_the_architecture(arrows, architecture):
    assert complaints(arrows, *architecture) == []


def test_every_module_has_a_line_in_the_architecture(architecture):
    imports, _ = architecture
    assert all_modules() <= set(imports)


def test_the_architecture_names_only_modules_that_exist(architecture):
    imports, _ = architecture
    assert set(imports) | set().union(*imports.values()) <= all_modules() | {"scalefit"}


def test_the_allowed_arrows_have_no_circle(architecture):
    left = {name: set(targets) for name, targets in architecture[0].items()}
    while left:
        free = {name for name, targets in left.items() if not targets & set(left)}
        assert free, f"a circle among {sorted(left)}"
        left = {name: targets for name, targets in left.items() if name not in free}


def test_only_plots_imports_matplotlib_when_it_is_loaded(arrows):
    assert [a.place for a in arrows if a.target == "matplotlib" and not a.later and a.module != "plots"] == []


@pytest.mark.parametrize(
    ("path", "line", "complaint"),
    [
        ("errors.py", "import scalefit.law", "errors -> law is not in the block imports"),
        ("errors.py", "from scalefit import law", "errors -> law is not in the block imports"),
        ("errors.py", "from scalefit import fit", "errors -> scalefit is not in the block imports"),
        ("runs/frame.py", "from ..law import Law", "runs -> law is not in the block imports"),
        ("law.py", "def f():\n    import scipy.stats", "law -> scipy is not in the block lazy-imports"),
        ("law.py", "def f():\n    from .errors import DataError", "law -> errors is not in the block lazy-imports"),
        ("law.py", "if TYPE_CHECKING:\n    import scalefit.runs", "law -> runs is not in the block lazy-imports"),
    ],
)
def test_a_wrong_arrow_is_found(path, line, complaint):
    arrows = arrows_of(line, Path(path), modules={"law", "errors", "runs"})
    (found,) = complaints(arrows, {"law": {"errors"}, "runs": {"errors"}}, {})
    assert found.endswith(complaint)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("law.py", "from scalefit.errors import LawError"),
        ("law.py", "import numpy as np"),
        ("runs/frame.py", "from .columns import find_column"),
        ("runs/frame.py", "from scalefit.runs import columns"),
        ("law.py", "def f():\n    import json\n    import sympy"),
        ("law.py", "if TYPE_CHECKING:\n    import sympy"),
    ],
)
def test_an_allowed_arrow_passes(path, line):
    arrows = arrows_of(line, Path(path), modules={"law", "errors", "runs"})
    assert complaints(arrows, {"law": {"errors"}}, {"law": {"sympy"}}) == []


def test_importing_scalefit_loads_no_slow_library():
    code = f"import sys, scalefit; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
