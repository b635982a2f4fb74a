"""Write the page of the command line by running its commands on the runs that come with the package.

python docs/reference/make_transcript.py
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import scalefit as sf
from scalefit.commands import app

PAGE = Path(__file__).with_name("command-line.md")

BEGIN = """# The command line

<!-- docs/reference/make_transcript.py runs the commands and writes this page. -->

Every command calls one function of the library and prints what it returns. `scalefit COMMAND --help` tells its options
with examples. Options are named as in Python: `--along`, `--by`, `--target`, `--level`, `--draws`; a mapping is an
option that may be repeated, `--column loss=val_loss`, `--fix E=1.7`, `--at params=1e9`; `--seed` is `rng`.

"""

FORMS = """
## Pipes

A file called `-` is standard input, for tables (CSV, JSON, JSON lines and Parquet are told apart by their content) and
for saved fits; `--out -` writes a fit to standard output. Only one file of a command can be `-`.

{pipe}

## JSON

With `--json` a command prints one JSON object and nothing else. Numbers have all their digits; what is not finite is
null.

{json}

| key | what it holds |
|---|---|
| `format`, `schema` | `"scalefit.COMMAND"` and a number that rises where a key changes its meaning |
| `status` | `"good"`, `"doubtful"` (usable, with reservations), `"bad"` (not to be relied on) or `"error"` |
| `headline` | the answer in one line; of an error what is wrong |
| `doubts` | list of text: what speaks against relying on it, gravest first |
| `notes` | list of text: where the numbers come from |
| `warnings` | list of text: the warnings, which stand on stderr too |
| `frames` | name of a table -> list of its rows, each an object; the columns are those of the record in Python |

`fit` adds `law, equation, target, rows`; `check` adds `name, rows, runs, run_column, can_be_fitted, unknown, laws`. A
saved fit, which `load_fit` reads, is what `--out` writes.

## How a command ends

| code | meaning |
|---|---|
| 0 | an answer; doubts, if there are any, stand in it |
| 1 | a fault of the program, with a traceback: please report it |
| 2 | no answer: options or data are wrong; one line on stderr says what to type |
| 3 | an answer whose first line says not to rely on it; of `check`: something would mislead the fit |
| 130 | interrupted by Ctrl-C |
| 141 | whoever read the answer went away, such as `head` |

{codes}

Warnings are one line each on stderr. Where stderr is a terminal, long work shows how far it is there; nothing of that
reaches a file or a pipe.

## Completion

`scalefit --install-completion` teaches the shell that is running (bash, zsh, fish or PowerShell) the names of commands
and options, and of laws after `--law` and `laws`; `scalefit --show-completion` prints what it would install.
"""


def write_tables(folder: Path) -> None:
    """The tables that the commands read: runs of two families, curves, and rows to predict."""
    logs = sf.datasets.load("microlm")
    logs.groupby("run", as_index=False).last().to_csv(folder / "runs.csv", index=False)
    curves = sf.datasets.load("microlm", part="schedules")
    curves = curves[curves["width"] == 24]
    curves[curves["schedule"].isin(["constant", "cosine"])].to_csv(folder / "curves.csv", index=False)
    curves[curves["schedule"] == "wsd-80"].drop(columns="loss").to_csv(folder / "planned.csv", index=False)


def run_line(line: str, folder: Path) -> str:
    """What a line of the shell printed, with a last line for its code where that is not 0."""
    environment = {**os.environ, "COLUMNS": "100", "PYTHONWARNINGS": "ignore::DeprecationWarning"}
    program = f"{shlex.quote(sys.executable)} -m scalefit"
    told = subprocess.run(
        ["bash", "-c", line.replace("scalefit ", f"{program} ")], cwd=folder, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if told.returncode not in (0, 2, 3):
        raise RuntimeError(f"{line} ended with {told.returncode}:\n{told.stdout}")
    return told.stdout.rstrip("\n") + (f"\n[code {told.returncode}]" if told.returncode else "")


def told(*lines: str, folder: Path) -> str:
    """Lines of the shell with what they printed, as a block of the page."""
    blocks = [f"$ {line}\n{run_line(line, folder)}" for line in lines]
    return "```console\n" + "\n\n".join(blocks) + "\n```"


#: A heading, a sentence, and what to type.
SECTIONS = (
    ("Look at a table first", "", ["scalefit check runs.csv --no-laws"]),
    (
        "Fit a law, and predict",
        "`scalefit laws` lists all laws, `scalefit laws NAME` tells all about one, and `scalefit suggest-laws FILE` "
        "says which of them the runs can identify.",
        [
            "scalefit fit runs.csv --law chinchilla --family transformer --bootstrap 200 --out transformer.json",
            "scalefit fit runs.csv --law chinchilla --family lstm --bootstrap 200 --out lstm.json",
            "scalefit predict transformer.json --at params=1e6 --at tokens=1e7,1e8",
        ],
    ),
    (
        "Ask",
        "",
        [
            "scalefit crossover transformer.json lstm.json --along flops",
            "scalefit allocate transformer.json --flops 1e13,1e14",
            "scalefit find-scale transformer.json 1.2 0.5",
            "scalefit forecast-curves curves.csv --points planned.csv --draws 10",
        ],
    ),
    (
        "Choose a law",
        "`scalefit backtest` tells more about one law, and `scalefit forecast` predicts with several together.",
        ["scalefit compare-laws runs.csv --family transformer --law chinchilla --law kaplan_nd --cuts 0.7 --draws 20"],
    ),
)


def command_table() -> str:
    """Every command with the first sentence of its help."""
    rows = [f"| `{one.name}` | {one.callback.__doc__.partition(chr(10))[0]} |" for one in app.registered_commands]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def page() -> str:
    """The whole page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tables(folder)
        parts = [BEGIN, command_table(), "\n"]
        for heading, sentence, lines in SECTIONS:
            said = f"{sentence}\n\n" if sentence else ""
            parts.append(f"\n## {heading}\n\n{said}{told(*lines, folder=folder)}\n")
        forms = FORMS.format(
            pipe=told(
                "cat runs.csv | scalefit fit - --law chinchilla --family lstm --out - "
                "| scalefit allocate - --flops 1e13",
                folder=folder,
            ),
            json=told("scalefit predict lstm.json --at params=1e6 --at tokens=1e7 --json", folder=folder),
            codes=told(
                "scalefit fit runs.csv --law chinchila",
                "scalefit crossover runs.csv --law chinchilla --along tokens",
                folder=folder,
            ),
        )
    return "".join([*parts, forms])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
