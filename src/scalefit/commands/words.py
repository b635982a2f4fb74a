"""Messages of the library in the words of the command line."""

from __future__ import annotations

import re

#: How Python is told something, and how the command line is.
_OPTIONS = (
    (re.compile(r"\bat=\{'(\w+)': ([^{}]*)\}"), r"--at \1=\2"),
    (re.compile(r"\bfixed=\{'(\w+)': ([^{}]*)\}"), r"--fix \1=\2"),
    (re.compile(r"\bpaired=False\b"), "--independent"),
    (re.compile(r"\bpaired=True\b"), "--paired"),
    (re.compile(r"\brng=(…|\w+)"), r"--seed \1"),
    (re.compile(r"\bsf\.list_laws\(\)"), "`scalefit laws`"),
    (re.compile(r"\b(ratio|along|target|budget|method|level|by|draws|cost|law|noise)='?(…|[\w.]+)'?"), r"--\1 \2"),
)


def one_line(text: str) -> str:
    """The text without line breaks, in the words of the command line.

    Examples
    --------
    >>> one_line("chinchilla leaves params open: give at={'params': …}, or ratio=… for tokens per parameter.")
    'chinchilla leaves params open: give --at params=…, or --ratio … for tokens per parameter.'
    """
    from scalefit.checks.finding import in_options

    text = in_options(" ".join(text.split()).removeprefix("runs: "))
    for python, option in _OPTIONS:
        text = python.sub(option, text)
    return text
