"""One writer a folder: a small file says who writes, and goes when the writer does."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scalefit.errors import DataError

#: Names that begin with a line are passed over by readers of Parquet folders.
LOCK = "_writing.json"
#: Seconds between signs of life, and without one after which a writer on another machine is taken for dead.
BEAT, DEAD = 20.0, 300.0


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold a folder, so that no other call writes to it.

    Raises
    ------
    DataError
        If another call holds it that is still alive.
    """
    lock = folder / LOCK
    text = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "start": started(os.getpid())})
    _take(lock, text)
    over = threading.Event()
    beat = threading.Thread(target=_beat, args=(lock, over), daemon=True)
    beat.start()
    try:
        yield
    finally:
        over.set()
        beat.join()
        with suppress(OSError):
            if lock.read_text(encoding="utf-8") == text:  # not that of a call which took this one for dead
                lock.unlink()


def writer_of(folder: Path) -> str:
    """Who is writing to a folder, in words; empty where nobody is."""
    lock = folder / LOCK
    held = _read(lock)
    if held is None or not _alive(lock, held):
        return ""
    return f"process {held.get('pid')} on {held.get('host')}"


def _take(lock: Path, text: str) -> None:
    for _ in range(2):
        try:
            with lock.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            if who := writer_of(lock.parent):
                raise DataError(
                    f"path: another call is writing to {str(lock.parent)!r} ({who}). Wait for it, or give "
                    f"another folder; sf.load_fits({str(lock.parent)!r}) reads what is there. If that call is no more, "
                    f"delete {str(lock)!r}."
                ) from None
            # Renamed first: of two calls that find the same dead writer, one gets its file.
            left = lock.with_name(f".{LOCK}.{os.getpid()}.{threading.get_ident()}")
            with suppress(FileNotFoundError):
                lock.rename(left)
                left.unlink()
        else:
            return
    raise DataError(f"path: another call has just begun to write to {str(lock.parent)!r}. Give another folder.")


def _beat(lock: Path, over: threading.Event) -> None:
    while not over.wait(BEAT):
        with suppress(OSError):
            os.utime(lock)


def _read(lock: Path) -> dict[str, Any] | None:
    try:
        held = json.loads(lock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):  # made a moment ago, and not yet written
        return {}
    return held if isinstance(held, dict) else {}


def _alive(lock: Path, held: dict[str, Any]) -> bool:
    """Whether a writer still runs: asked of this machine, or by its signs of life where it is another one."""
    pid, start = held.get("pid"), held.get("start")
    if held.get("host") == socket.gethostname() and isinstance(pid, int):
        there = started(pid)
        if start is not None:
            return bool(there == start)
        return _exists(pid) and _age(lock) < DEAD
    return _age(lock) < DEAD


def _age(lock: Path) -> float:
    """Seconds since the last sign of life, by the clock of the file system, which is that of all machines."""
    probe = lock.with_name(f".{LOCK}.{os.getpid()}.{threading.get_ident()}.now")
    try:
        probe.touch()
        age = probe.stat().st_mtime - lock.stat().st_mtime
        probe.unlink()
    except FileNotFoundError:  # given back meanwhile
        return DEAD
    except OSError:  # a folder that may only be read
        import time

        return time.time() - lock.stat().st_mtime
    return age


def started(pid: int) -> str | None:
    """When a process began, where the system tells it in /proc: a number may be given to another process later."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return None if told[0] == "Z" else told[19]  # a zombie has ended
    except (OSError, IndexError):
        return None


def _exists(pid: int) -> bool:
    if os.name == "nt":  # there os.kill ends processes
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
