"""A page of the reference for each law, made from the law itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping

import pandas as pd

from scalefit.errors import listing
from scalefit.law import Law
from scalefit.laws import list_laws
from scalefit.reports.law_examples import Example
from scalefit.reports.law_pictures import example_of, sample_runs, short
from scalefit.reports.laws import (
    MARKS,
    MATH,
    between_bounds,
    derive_call,
    domain_text,
    formulas_of_block,
    laws_by_topic,
    start_text,
    topic_title,
    trust_text,
    unit_of,
)
from scalefit.schedules import Schedule
from scalefit.wording.digits import number

#: A formula with one of these is shown as code: as LaTeX nobody reads it.
CODE_ONLY = ("log_add_exp", "maximum", "minimum", "sigmoid")
#: Tells the built documentation that the pages of the laws lie below their index.
TREE = "```{toctree}\n:hidden:\n:glob:\n\n*\n```"
#: Letters of a line of sample code.
WIDTH = 110


def law_page(law: Law) -> str:
    """The page of one law in Markdown, with its picture at ``<name>.png`` beside it.

    Examples
    --------
    >>> import scalefit as sf
    >>> print(law_page(sf.get_law("chinchilla")).splitlines()[0])
    # chinchilla
    """
    example = example_of(law)
    parts = [f"# {law.name}", _about(law), *_equation(law)]
    meaning = "[what that means](README.md#how-they-were-checked)"
    parts.append(f"**Source.** {law.source or 'None is given'}: {trust_text(law)} ({meaning}).")
    parts += [f"![{law.output} of {law.name}]({law.name}.png)", _caption(example)]
    parts += ["## What it reads", _inputs(law)]
    if law.traps:
        parts.append(f"**What it needs.** {law.traps}")
    parts += ["## Parameters", _params(law), f"**Default objective.** `{law.objective!r}`"]
    if law.published:
        parts += ["## Published constants", _published(law)]
    if law.derived:
        parts += ["## Derived quantities", _derived(law)]
    parts += ["## Use it", *_use(law, example), _place(law)]
    return "\n\n".join(parts) + "\n"


def index_page() -> str:
    """The table of all laws by topic, with links to their pages, and what the marks mean."""
    frame = list_laws()
    told = {str(name): {str(column): str(cell) for column, cell in row.items()} for name, row in frame.iterrows()}
    counts = ", ".join(f"{n} {mark}" for mark, n in frame["verified"].value_counts().items())
    parts = [
        "# Laws",
        f"{len(frame)} laws, each on a page of its own with formula, units, ranges, published constants, derived "
        "quantities and a picture. In Python `sf.list_laws()` is this table as a frame, on the command line "
        "`scalefit laws` lists them and `scalefit laws NAME` tells all about one; `sf.suggest_laws(runs)` says which "
        "of them a table of runs can identify.",
        "## How they were checked",
        f"Every law carries a mark ({counts}):",
        "\n".join(f"- **{mark}**: {meaning}." for mark, meaning in MARKS.items()),
        "A number behind *constants* counts the sets of published constants that come with a law, one behind *derived* "
        "the quantities that follow from its parameters.",
    ]
    for topic, names in laws_by_topic().items():
        title, rest = topic_title(topic)
        parts += [f"## {title}", f"`scalefit.laws.{topic}`{f': {rest}.' if rest else ''}"]
        rows = ["| law | inputs | predicts | parameters | constants | derived | source | checked |", "|---" * 8 + "|"]
        parts.append("\n".join([*rows, *(_index_row(name, told[name]) for name in names)]))
    parts.append(TREE)
    return "\n\n".join(parts) + "\n"


def _index_row(name: str, row: Mapping[str, str]) -> str:
    counts = [str(len(row[column].split(", "))) if row[column] else "" for column in ("published", "derived")]
    about = [row["inputs"], row["output"], row["params"]]
    return f"| {' | '.join([f'[{name}]({name}.md)', *about, *counts, row['source'], row['verified']])} |"


def _about(law: Law) -> str:
    """The law's docstring up to its sections, with roles and formulas as Markdown has them."""
    text = inspect.cleandoc(law.__doc__ or "").split("\n\nParameters\n")[0].split("\n\nExamples\n")[0]
    text = MATH.sub(lambda block: "".join(f"$${formula}$$\n\n" for formula in formulas_of_block(block)), text)
    text = re.sub(r":math:`([^`]*)`", r"$\1$", text)
    text = re.sub(r":\w+:`([^`]*)`", r"`\1`", text).replace("``", "`")
    return re.sub(r"::$", ":", text, flags=re.MULTILINE).strip()


def _equation(law: Law) -> list[str]:
    """The equation in the names that the code uses; laws of several lines have theirs in the docstring."""
    if law.tree is None:
        return []
    if any(name in law.formula() for name in CODE_ONLY):
        return [f"In the names of the code:\n\n```\n{law.output} = {law.formula()}\n```"]
    output = law.output.replace("_", r"\_")
    return ["In the names of the code:", rf"$$\mathrm{{{output}}} = {law.latex()}$$"]


def _caption(example: Example) -> str:
    """Which values are drawn, and where the inputs that a panel does not vary are held."""
    values = ", ".join(f"{name} {number(value, digits=5)}" for name, value in example.values.items())
    held = [f"{name} {short(middle)}" for name, (_, middle, _) in example.axes.items()]
    told = f"Drawn with {values} ({example.told})"
    return f"{told}; what a panel does not vary is held at {listing(held)}." if len(held) > 1 else f"{told}."


def _inputs(law: Law) -> str:
    rows = ["| input | unit | domain |", "|---|---|---|"]
    rows += [f"| `{name}` | {unit_of(name)} | {domain_text(law, name)} |" for name in law.inputs]
    rows.append(f"\nIt predicts `{law.output}`{f', in {unit_of(law.output)}' if unit_of(law.output) else ''}.")
    if law.derive is not None:
        settings = ", ".join(f"`{name}` = {value!r}" for name, value in law.derive.settings.items())
        rows.append(
            f"The rates come from `schedules=` or from an `lr` column. Settings, changed by `law.with_settings(…)`: "
            f"{settings}."
        )
    return "\n".join(rows)


def _params(law: Law) -> str:
    rows = ["| parameter | unit | bounds | usual range, where starts are looked for |", "|---|---|---|---|"]
    for param in law.params:
        bounds = between_bounds(param.lower, param.upper)
        rows.append(f"| `{param.name}` | {param.unit} | {bounds} | {start_text(law, param)} |")
    return "\n".join(rows)


def _derived(law: Law) -> str:
    rows = ["| what it is | unit | of a fit |", "|---|---|---|"]
    for key, quantity in law.derived.items():
        rows.append(f"| {quantity.about} | {quantity.unit} | `{derive_call(law, key)}` |")
    rows.append(
        f'\nWithout a fit: `quantity = law.derived["{next(iter(law.derived))}"]` and `quantity(values, at)`, with a '
        "mapping of parameters to values and one of what is asked."
    )
    return "\n".join(rows)


def _published(law: Law) -> str:
    rows = ["| constants | " + " | ".join(law.param_names) + " | where |", "|---" * (len(law.params) + 2) + "|"]
    for key, constants in law.published.items():
        cells = []
        for name in law.param_names:
            error = f" ± {number(constants.se[name], digits=3)}" if name in constants.se else ""
            cells.append(f"{number(constants.values[name], digits=6)}{error}")
        rows.append(f"| `{key}` | {' | '.join(cells)} | {constants.where} |")
    if not any(constants.se for constants in law.published.values()):
        rows.append("\nNo uncertainties were published with them, or none that we could read.")
    return "\n".join(rows)


def _use(law: Law, example: Example) -> list[str]:
    """A sample call that runs, with what it prints, and how to fit the law."""
    if law.derive is not None:
        return _use_along_schedules(law)
    runs = sample_runs(law, example)
    key = example.told.removeprefix("constants: ")
    if key in law.published:
        predict = [f'law = sf.get_law("{law.name}").with_constants("{key}")']
        call = "law(runs)"
    else:
        predict = [f'law = sf.get_law("{law.name}")', _in_lines("values = {", _items(example.values), "}")]
        call = "law(values, runs)"
    imports = ["import scalefit as sf"]
    if _is_grid(runs):
        table = _in_lines("runs = sf.grid(", [f"{name}={_literal(runs[name])}" for name in runs], ")")
    else:
        imports.insert(0, "import pandas as pd")
        table = _in_lines("runs = pd.DataFrame({", [f'"{name}": {_literal(runs[name])}' for name in runs], "})")
    code = "\n".join([*imports, "", *predict, table, f"print(runs.assign({law.output}={call}).to_string())"])
    shown = runs.assign(**{law.output: law(example.values, {name: runs[name] for name in law.inputs})}).to_string()
    printed = "\n".join(line.rstrip() for line in shown.splitlines())
    along = ', along="tokens"' if law.inputs == ("x",) else ""
    columns = [f"`{name}`" for name in (*(() if along else law.inputs), law.output)]
    about = ", `along=` being the column that is x," if along else ""
    return [
        f"```python\n{code}\n```",
        f"```text\n{printed}\n```",
        f'Fit it with `sf.fit("runs.csv", "{law.name}"{along})`{about} to a table with the '
        f"column{'s' * (len(columns) > 1)} {listing(columns)}.",
    ]


def _use_along_schedules(law: Law) -> list[str]:
    """How to fit a law of training curves, and how to predict with published constants."""
    assert law.derive is not None
    plain = [name for name in law.inputs if name not in law.derive.columns]
    columns = listing(f"`{name}`" for name in ("run", "step", *plain, law.output))
    lines = [
        f'Fit it with `sf.fit(runs, "{law.name}", schedules={{"a": sf.Schedule.cosine(steps=20000, peak=2e-4)}})` '
        f"to a table with the columns {columns}."
    ]
    if law.published and not plain:
        code = [
            "import scalefit as sf",
            "",
            f'law = sf.get_law("{law.name}")',
            "plan = sf.Schedule.cosine(steps=24000, peak=3e-4, warmup=2160, end=3e-5)",
            "inputs = law.derive_inputs(plan.rates, [6000, 12000, 24000])",
            f'print(law.with_constants("{next(iter(law.published))}")(inputs).round(4))',
        ]
        plan = Schedule.cosine(steps=24000, peak=3e-4, warmup=2160, end=3e-5)
        inputs = law.derive_inputs(plan.rates, [6000, 12000, 24000])
        shown = law.with_constants(next(iter(law.published)))(inputs).round(4)
        lines = ["```python\n" + "\n".join(code) + "\n```", f"```text\n{shown}\n```", *lines]
    return lines


def _is_grid(runs: pd.DataFrame) -> bool:
    """Whether one column alone varies, so that every combination of the values is the table itself."""
    return bool((runs.nunique() > 1).sum() <= 1)


def _literal(values: pd.Series[float]) -> str:
    """A column as Python: one number where all are the same."""
    texts = [short(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else f"[{', '.join(texts)}]"


def _items(values: Mapping[str, float]) -> list[str]:
    return [f'"{name}": {number(value, digits=12)}' for name, value in values.items()]


def _in_lines(head: str, items: list[str], tail: str) -> str:
    """A call or a display on one line where it fits, else filled, four spaces in."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH:
        return line
    rows = [""]
    for item in items:
        if len(rows[-1]) + len(item) > WIDTH - 6:
            rows.append("")
        rows[-1] += f"{item}, "
    return "\n".join([head, *(f"    {row.rstrip()}" for row in rows), tail])


def _place(law: Law) -> str:
    """Where the page belongs."""
    topic = next((topic for topic, names in laws_by_topic().items() if law.name in names), "")
    if not topic:
        return "[All laws](README.md)"
    others = [f"[{name}]({name}.md)" for name in laws_by_topic()[topic] if name != law.name]
    beside = f" Beside it: {', '.join(others)}." if others else ""
    return f"Topic: {topic_title(topic)[0]} (`scalefit.laws.{topic}`).{beside} [All laws](README.md)"
