"""How long a command has been at work, on stderr, where a person is watching."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def watched() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def working(what: str, *, after: float = 1.0, every: float = 1.0) -> Iterator[None]:
    """Count the seconds of work that has no bar of its own; nothing is left behind, and nothing written to a file.

    Parameters
    ----------
    what : what is being done, such as ``"comparing families"``.
    after, every : seconds until the first line and between two.
    """
    if not watched():
        yield
        return
    done = threading.Event()

    def count() -> None:
        shown, seconds = 0, after
        while not done.wait(after if not shown else every):
            line = f"{what}: {seconds:.0f} s"
            sys.stderr.write(f"\r{line}")
            sys.stderr.flush()
            shown, seconds = len(line), seconds + every
        sys.stderr.write(f"\r{' ' * shown}\r" if shown else "")
        sys.stderr.flush()

    counter = threading.Thread(target=count, daemon=True)
    counter.start()
    try:
        yield
    finally:
        done.set()
        counter.join()
