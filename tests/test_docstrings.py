"""Every public name says what it is, what it takes, what comes back and what it raises."""

import inspect
import re

import pytest

import scalefit as sf
from docstrings import (
    Thing,
    described,
    entries,
    members,
    pointed_to,
    raised_by,
    says_something,
    sections,
    things,
)
from scalefit.errors import ScalefitError

THINGS = list(things())
FUNCTIONS = [thing for thing in THINGS if thing.function and not thing.is_property]
CLASSES = [thing for thing in THINGS if inspect.isclass(thing.value)]
#: What comes back needs no section where the first sentence says it: one value, or a record with a page of its own.
PLAIN = r"str( \| None)?|bool|int|float|Axes|Figure|Self|Said|[A-Z]\w+Estimate|lmfit\.Parameters"
#: A table, a law and what may be refused.
REFUSABLE = {"runs", "frame", "law", "laws", "columns", "path", "level", "at", "along", "budgets", "table"}
#: Functions without an example: both read from a server that a doctest has not.
SERVERS = {"read_mlflow", "read_wandb"}


def unsaid_parameters(thing):
    """Parameters that neither the docstring nor one that it points to describes."""
    said = {name: text for other in [*pointed_to(thing), thing] for name, text in described(other.doc).items()}
    return [name for name in thing.parameters if not says_something(said.get(name, ""))]


def returned(thing):
    return str(thing.function.__annotations__.get("return", "None")).strip("'")


def unsaid_return(thing):
    """Whether something comes back of which nothing is said."""
    records = {name for name in sf.__all__ if inspect.isclass(getattr(sf, name))}
    kind = returned(thing)
    if kind == "None" or {"Returns", "Yields"} & sections(thing.doc).keys():
        return False
    if thing.owner and (re.fullmatch(PLAIN, kind) or kind in records):
        return False
    return not any({"Returns", "Yields"} & sections(other.doc).keys() for other in pointed_to(thing))


def unsaid_errors(thing):
    """Errors that it raises and does not tell of; None among them stands for a table or option that may be refused."""
    own, called = raised_by(thing)
    told = [name for other in [thing, *pointed_to(thing)] for name in entries(sections(other.doc).get("Raises", ""))]
    classes = tuple(getattr(sf, name) for name in told if name in sf.__all__)
    missing = {error.__name__ for error in own if not issubclass(error, classes)}
    refusable = not thing.owner and REFUSABLE & set(thing.parameters)
    return sorted(missing or ({"Raises"} if (called or refusable) and not told else set()))


def test_every_public_name_begins_with_a_plain_sentence():
    first = {thing.name: thing.doc.partition("\n\n")[0] for thing in THINGS}
    bad = [name for name, line in first.items() if "\n" in line or not re.search(r"\w+ \w+.*[.:]$|\w+ \w+\.", line)]
    assert bad == []


def test_every_parameter_is_described():
    found = {thing.name: unsaid_parameters(thing) for thing in FUNCTIONS}
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_every_field_of_a_record_is_described():
    found = {}
    for thing in CLASSES:
        said = described(thing.doc)
        found[thing.name] = [name for name in thing.fields if not says_something(said.get(name, ""))]
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_nothing_is_described_that_is_not_there():
    wrong = {}
    for thing in FUNCTIONS:
        wrong[thing.name] = sorted(entries(sections(thing.doc).get("Parameters", "")).keys() - set(thing.parameters))
    for thing in CLASSES:
        there = {*thing.fields, *(member.name.partition(".")[2] for member in members(thing.value))}
        there |= set(inspect.signature(thing.value).parameters) if not issubclass(thing.value, Exception) else set()
        wrong[thing.name] = sorted(described(thing.doc).keys() - there)
    assert {name: words for name, words in wrong.items() if words} == {}


def test_what_comes_back_is_described():
    assert [f"{thing.name} -> {returned(thing)}" for thing in FUNCTIONS if unsaid_return(thing)] == []


def test_what_is_raised_is_told():
    found = {thing.name: unsaid_errors(thing) for thing in [*FUNCTIONS, *(t for t in THINGS if t.is_property)]}
    for thing in CLASSES:
        made = vars(thing.value).get("__post_init__") or vars(thing.value).get("__init__")
        if inspect.isfunction(made) and "Parameters" in sections(thing.doc):
            own, _ = raised_by(Thing(thing.name, made, thing.value))
            told = entries(sections(thing.doc).get("Raises", ""))
            found[thing.name] = sorted({error.__name__ for error in own} - told.keys())
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_what_is_said_to_be_raised_is_an_error_and_says_when():
    wrong = []
    for thing in THINGS:
        for name, text in entries(sections(thing.doc).get("Raises", "")).items():
            error = getattr(sf, name, getattr(__builtins__, name, None) or vars(__import__("builtins")).get(name))
            if not (inspect.isclass(error) and issubclass(error, Exception) and len(text.split()) > 2):
                wrong.append(f"{thing.name}: {name}")
    assert wrong == []


def test_every_function_shows_an_example():
    functions = {thing.name for thing in FUNCTIONS if not thing.owner and ">>>" not in thing.doc}
    assert functions == SERVERS


def test_every_class_that_users_make_shows_an_example():
    made = [thing for thing in CLASSES if "Parameters" in sections(thing.doc)]
    assert [thing.name for thing in made if ">>>" not in thing.doc] == []
