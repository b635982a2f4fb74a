"""What the docstrings of the public names say, and what they should: the parts of ``test_docstrings.py``."""

import ast
import contextlib
import dataclasses
import functools
import inspect
import linecache
import pkgutil
import re
import textwrap
from typing import Any, NamedTuple

import scalefit as sf
from scalefit import testing
from scalefit.errors import ScalefitError

#: Words of types that tell neither shape nor unit nor meaning.
BARE = {"str", "int", "float", "bool", "dict", "list", "tuple", "array", "DataFrame", "Series", "number", "numbers",
        "of", "or", "None", "optional"}  # fmt: skip
POINTER = re.compile(r"\b(?:see|as|as for|as in|as of|what) :(?:func|meth|class):`~?([\w.]+)`", re.IGNORECASE)
ROLE = re.compile(r":(?:func|meth|class|attr|mod):`~?([\w.]+)`")
TITLES = "Parameters|Attributes|Returns|Yields|Raises|Warns|Examples|Notes|References|See Also"


#: For authors of laws; not among the names of the package, for it asks for what a fit does not need.
TESTING = {"testing.check_law": testing.check_law, "testing.LawCheck": testing.LawCheck}


class Thing(NamedTuple):
    """A public function, class, method or property; ``owner`` is the class of the last two."""

    name: str
    value: Any
    owner: type | None = None

    @property
    def doc(self):
        return inspect.getdoc(self.value) or ""

    @property
    def function(self):
        """The function behind it; None for a class, and for one that is not written in Python."""
        inner = self.value
        for name in ("fget", "func", "__func__", "__wrapped__"):
            inner = getattr(inner, name, None) or inner
        return inner if inspect.isfunction(inner) else None

    @property
    def is_property(self):
        return isinstance(self.value, property | functools.cached_property)

    @property
    def parameters(self):
        """Names of what it is called with."""
        if self.function is None or self.is_property:
            return []
        names = list(inspect.signature(self.function).parameters.values())
        bound = self.owner is not None and not isinstance(vars(self.owner).get(self.function.__name__), staticmethod)
        return [p.name for p in names[bound:] if not p.name.startswith("_")]

    @property
    def fields(self):
        """Names of the fields of a record."""
        record = inspect.isclass(self.value) and dataclasses.is_dataclass(self.value)
        return [f.name for f in dataclasses.fields(self.value) if not f.name.startswith("_")] if record else []


def members(cls):
    """Methods, properties and the call of a class that are written in this library, its own and those it inherits."""
    seen = set()
    for base in cls.__mro__:
        if not base.__module__.startswith("scalefit"):
            continue
        for name, value in vars(base).items():
            thing = Thing(f"{cls.__name__}.{name}", value, base)
            public = not name.startswith("_") or name == "__call__"
            if public and name not in seen and (thing.function or thing.is_property):
                yield thing
            seen.add(name)


def things():
    """Every public function and class, and the methods and properties of the classes."""
    for name, value in {**{name: getattr(sf, name) for name in sf.__all__}, **TESTING}.items():
        if inspect.ismodule(value):
            yield from (Thing(f"{name}.{inner}", getattr(value, inner)) for inner in functions_of(value))
            continue
        yield Thing(name, value)
        if inspect.isclass(value):
            yield from members(value)


def functions_of(module):
    """Names of the functions that a public module offers; the equations of laws have pages of their own."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    own = {n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__}
    return sorted(name for name in own - set(sf.__all__) if not name.startswith("_"))


def sections(doc):
    """The sections of a docstring by title; the text before the first under an empty title."""
    parts = re.split(rf"^({TITLES})\n-+\n", doc, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(section):
    """Name -> what a section says of it; names that share a line share what it says."""
    found = {}
    for block in re.split(r"^(?=\S)", section, flags=re.MULTILINE):
        head, _, rest = block.partition("\n")
        match = re.fullmatch(r"(\**\w+(?:, \**\w+)*)(?: : ?(.*))?", head.rstrip())
        if match:
            text = " ".join([match[2] or "", *rest.split()]).strip()
            found |= {name.strip(" *"): text for name in match[1].split(",")}
    return found


def says_something(text):
    """Whether a description is more than a bare type."""
    return bool(set(re.findall(r"[^\W\d_]+|[<>=∈{]", text)) - BARE)


def shows_something(doc):
    """Whether an example is run: more than imports, and not skipped."""
    return bool(re.search(r"^\s*>>> (?!import |from )(?!.*doctest: \+SKIP)", doc, re.MULTILINE))


def described(doc):
    """Name -> text of all parameters and attributes in a docstring."""
    parts = sections(doc)
    return entries(parts.get("Parameters", "")) | entries(parts.get("Attributes", ""))


def pointed_to(thing, *titles):
    """The functions and classes that a docstring names, before its sections or in some, as where more is said."""
    text = " ".join(sections(thing.doc).get(title, "") for title in ("", *titles))
    paths = POINTER.findall(" ".join(text.split()))
    return [Thing(path, value) for path in paths if (value := find(path, thing)) is not None]


def find(path, thing):
    """What a name in a docstring leads to, in the class of the docstring or in the library; None if to nothing."""
    path = path.removeprefix("scalefit.")
    for start in (f"{thing.name.split('.')[0]}.{path}", path):
        with contextlib.suppress(ImportError, AttributeError):
            return pkgutil.resolve_name(f"scalefit.{start}")
    return None


@functools.cache
def raised_in(function):
    """Our errors that the body of a function raises, by its ``raise`` statements."""
    found = set()
    for node in ast.walk(tree_of(function)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            value = named(node.exc.func, function)
            if inspect.isfunction(value):  # a helper that words the error and returns it
                value = value.__globals__.get(str(value.__annotations__.get("return")))
            if inspect.isclass(value) and issubclass(value, ScalefitError):
                found.add(value)
    return frozenset(found)


def raised_by(thing):
    """What it raises itself, and what the functions that it calls by name raise."""
    own = set(raised_in(thing.function)) if thing.function else set()
    called = set()
    for node in ast.walk(tree_of(thing.function)) if thing.function else ():
        value = named(node.func, thing.function) if isinstance(node, ast.Call) else None
        value = getattr(value, "__wrapped__", value)
        if inspect.isfunction(value) and value.__module__.startswith("scalefit"):
            called |= raised_in(value)
    return own, called


@functools.cache
def tree_of(function):
    """The function as a syntax tree."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename)  # inspect.getsource does the same and takes several times as long
    last = max(end for _, end, _, _ in code.co_positions() if end)
    return ast.parse(textwrap.dedent("".join(lines[code.co_firstlineno - 1 : last])))


def named(node, function):
    """The value that a name, or a name in a module, has in a function; None if that cannot be said."""
    if isinstance(node, ast.Name):
        return function.__globals__.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        holder = function.__globals__.get(node.value.id)
        return getattr(holder, node.attr, None) if inspect.ismodule(holder) else None
    return None
