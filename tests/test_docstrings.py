"""Every public name says what it is, what it takes, what comes back and what it raises."""

import builtins
import inspect
import re

import scalefit as sf
from docstrings import (
    ROLE,
    Thing,
    described,
    entries,
    find,
    members,
    pointed_to,
    raised_by,
    says_something,
    sections,
    shows_something,
    things,
)

THINGS = list(things())
FUNCTIONS = [thing for thing in THINGS if thing.function and not thing.is_property]
CLASSES = [thing for thing in THINGS if inspect.isclass(thing.value)]
#: What comes back needs no section where the first sentence says it: one value, or a record with a page of its own.
PLAIN = r"str( \| None)?|bool|int|float|Axes|Figure|Self|Said|[A-Z]\w+Estimate|lmfit\.Parameters"
#: A table, a law and what may be refused.
REFUSABLE = {"runs", "law", "laws", "columns", "path", "level", "at", "along", "budgets", "table"}
#: Functions whose example cannot run: they read from a server.
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
    """Errors that it raises and does not tell of; ``something`` where it calls what raises or takes what is checked."""
    own, called = raised_by(thing)
    documented = [thing, *pointed_to(thing, "Raises")]
    told = [name for other in documented for name in entries(sections(other.doc).get("Raises", ""))]
    classes = tuple(getattr(sf, name) for name in told if name in sf.__all__)
    missing = {error.__name__ for error in own if not issubclass(error, classes)}
    some = (called and not thing.is_property) or (not thing.owner and REFUSABLE & set(thing.parameters))
    return sorted(missing or ({"something"} if some and not told else set()))


def test_every_public_name_begins_with_a_plain_sentence():
    first = {thing.name: thing.doc.partition("\n\n")[0] for thing in THINGS}
    sentence = re.compile(r"[^\s>]+( (?!->)\S+){2,}(?<=[.:])")  # in one line, three words or more
    assert {name: line for name, line in first.items() if not sentence.fullmatch(line)} == {}


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
            error = getattr(sf, name, vars(builtins).get(name))
            if not (inspect.isclass(error) and issubclass(error, Exception) and text[:3] in ("If ", "As ")):
                wrong.append(f"{thing.name}: {name}")
    assert wrong == []


def test_every_function_shows_an_example_that_runs():
    assert {thing.name for thing in FUNCTIONS if not thing.owner and not shows_something(thing.doc)} == SERVERS


def test_every_class_that_users_make_shows_an_example_that_runs():
    made = [thing for thing in CLASSES if "Parameters" in sections(thing.doc)]
    assert [thing.name for thing in made if not shows_something(thing.doc)] == []


def test_every_name_in_a_docstring_leads_somewhere():
    found = {(thing.name, path) for thing in THINGS for path in ROLE.findall(thing.doc) if find(path, thing) is None}
    assert found == set()


def test_what_a_docstring_leaves_out_is_found():
    def careless(runs, ratio, *, level=0.9) -> list[str]:
        """Choose the runs near a ratio.

        Parameters
        ----------
        runs : DataFrame
        ratio : float, > 0
            Tokens per parameter.
        """
        if ratio <= 0:
            raise sf.DataError("ratio must be above 0.")
        return [name for name in runs if level]

    thing = Thing("careless", careless)
    assert unsaid_parameters(thing) == ["runs", "level"]
    assert unsaid_return(thing)
    assert unsaid_errors(thing) == ["DataError"]
    assert not shows_something(thing.doc)


def test_a_docstring_may_say_where_more_is_said():
    def plot(self, *, ax=None):
        """Draw it: see :func:`scalefit.plot_backtest`."""

    assert unsaid_parameters(Thing("Backtest.plot", plot, sf.Backtest)) == []
    assert unsaid_parameters(Thing("Backtest.plot", lambda self, colour: colour, sf.Backtest)) == ["colour"]


def test_names_that_share_a_line_share_what_it_says():
    said = entries("low, high : float\n    Ends of the interval.\nlevel : float in (0, 1).\nfit\n    The fit.\n")
    assert said == {"low": "float Ends of the interval.", "high": "float Ends of the interval.",
                    "level": "float in (0, 1).", "fit": "The fit."}  # fmt: skip
