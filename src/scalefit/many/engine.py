"""One way to run a call for many pieces: in this process, or shared out by joblib to whatever workers it is given."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from scalefit.errors import ColumnError, LawError
from scalefit.law import Law
from scalefit.many.transport import pack, pack_laws, run_packed, unpack

#: Pieces that are run first, here, to learn what one costs; and what a chunk should take, in seconds.
FIRST = 3
CHUNK_SECONDS = 1.5
LARGEST_CHUNK = 500
#: Pieces that are looked at together, where what is done with them has a part in common.
LOT = 32
#: Chunks for each worker at the least, so that none waits long for the last.
SHARE = 4
#: Deaths of workers that had a piece after which it runs alone; its chunk is taken apart at the first.
ALONE = 2
#: How often workers may die before what is left is given up.
MOST_DEATHS = 30
#: What joblib's engines raise when a worker is gone: loky and concurrent.futures, dask, ray.
DEATHS = frozenset({"BrokenExecutor", "KilledWorker", "WorkerCrashedError", "RayActorError", "OutOfMemoryError"})


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one piece.

    Parameters
    ----------
    position : of the piece.
    result : what the call returned; None where it failed.
    reason : why it failed; empty where it did not.
    row : what a table says of it.
    warned : texts of the warnings that it gave.
    lost : whether it is not known what would have come of it: its workers died.
    """

    position: int
    result: Any = None
    reason: str = ""
    row: Mapping[str, Any] = field(default_factory=dict)
    warned: tuple[str, ...] = ()
    lost: bool = False


#: What is done with a piece: it returns the result and the row of a table.
Work = Callable[[Any], tuple[Any, Mapping[str, Any]]]
Keep = Callable[[Sequence[Outcome]], None]


@dataclass(frozen=True, eq=False)
class Job:
    """The same work for many pieces.

    Parameters
    ----------
    work : what is done with one.
    load : position -> the piece, made when it is its turn.
    sizes : position -> how large it is: rows.
    laws : laws that results may hold.
    name : what it is called beside a progress bar.
    """

    work: Work
    load: Callable[[int], Any]
    sizes: Sequence[int]
    laws: tuple[Law, ...] = ()
    name: str = "groups"


@dataclass(frozen=True)
class _Chunk:
    """Positions that go to a worker together, and how often one died that may have had them."""

    positions: tuple[int, ...]
    deaths: int = 0


def run(job: Job, positions: Sequence[int], keep: Keep, *, progress: bool = False) -> None:
    """Run a job for some pieces; what came of each chunk goes to ``keep`` as soon as it is there.

    Chunks, workers and engines change no bit of a result: whatever a piece needs, its random numbers among it, is in
    the piece.
    """
    with _bar(len(positions), job.name, progress) as tick:

        def done(outcomes: Sequence[Outcome]) -> None:
            keep(outcomes)
            tick(len(outcomes))

        workers = _workers()
        if workers == 1:
            _run_here(job, positions, done)
            return
        rate = _run_here(job, positions[:FIRST], done)
        chunks = _chunks(job, positions[FIRST:], rate, workers)
        _Shared(job, done).run(chunks)


def attempt(work: Work, position: int, piece: Any) -> Outcome:
    """Do the work for one piece: what goes wrong is said, not raised."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result, row = work(piece)
        except Exception as error:  # noqa: BLE001 a group that fails is a row with its reason
            return Outcome(position, error, reason_of(error), warned=_texts(caught))
    return Outcome(position, result, "", row, _texts(caught))


def _attempts(work: Work, pieces: Sequence[tuple[int, Any]]) -> Iterator[Outcome]:
    """Do the work for some pieces, with what they have in common done for all at once where the work can."""
    together = getattr(work, "together", None)
    loaded = [piece for _, piece in pieces]
    if together is not None:
        loaded = together(loaded)
    for (position, _), piece in zip(pieces, loaded, strict=True):
        yield attempt(work, position, piece)


def reason_of(error: Exception) -> str:
    """Why something failed, in a line: errors of other libraries with their kind."""
    known = type(error).__module__.startswith("scalefit")
    return str(error) if known else f"{type(error).__name__}: {error}"


def _texts(caught: Sequence[warnings.WarningMessage]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(one.message) for one in caught))


def _run_here(job: Job, positions: Sequence[int], keep: Keep) -> float:
    """Run pieces in this process; returns seconds for each unit of size.

    Raises
    ------
    ColumnError, LawError
        If the first piece lacks a column or what the law needs: so do all others.
    """
    held: list[Outcome] = []
    spent, size, since = 0.0, 0, time.perf_counter()
    for first in range(0, len(positions), LOT):
        lot = positions[first : first + LOT]
        start = time.perf_counter()
        for outcome in _attempts(job.work, [(position, job.load(position)) for position in lot]):
            if outcome.position == 0 and isinstance(outcome.result, ColumnError | LawError):
                raise outcome.result
            held.append(_without_error(outcome))
            if time.perf_counter() - since > CHUNK_SECONDS or len(held) >= LARGEST_CHUNK:
                keep(held)
                held, since = [], time.perf_counter()
        spent, size = spent + time.perf_counter() - start, size + sum(_weight(job, position) for position in lot)
    if held:
        keep(held)
    return spent / max(size, 1)


def _without_error(outcome: Outcome) -> Outcome:
    return replace(outcome, result=None) if outcome.reason else outcome


def _weight(job: Job, position: int) -> int:
    """What a piece costs beside others: part of it does not depend on its rows."""
    return job.sizes[position] + 20


def _chunks(job: Job, positions: Sequence[int], rate: float, workers: int) -> list[_Chunk]:
    """Positions in order, in chunks of about a second and a half, or fewer where there is less to do."""
    total = rate * sum(_weight(job, position) for position in positions)
    wanted = min(CHUNK_SECONDS, max(total / (workers * SHARE), 1e-9))
    chunks: list[_Chunk] = []
    held: list[int] = []
    cost = 0.0
    for position in positions:
        held.append(position)
        cost += rate * _weight(job, position)
        if cost >= wanted or len(held) >= LARGEST_CHUNK:
            chunks.append(_Chunk(tuple(held)))
            held, cost = [], 0.0
    return [*chunks, *([_Chunk(tuple(held))] if held else [])]


@dataclass(frozen=True)
class _ChunkWork:
    """What a worker does with a chunk."""

    work: Work

    def __call__(self, pieces: Sequence[tuple[int, Any]]) -> list[Outcome]:
        lots = (pieces[first : first + LOT] for first in range(0, len(pieces), LOT))
        return [_without_error(outcome) for lot in lots for outcome in _attempts(self.work, lot)]


class _Shared:
    """Chunks on workers; those of workers that die are run again."""

    def __init__(self, job: Job, keep: Keep) -> None:
        self.job, self.keep, self.laws, self.deaths = job, keep, pack_laws(job.laws), 0

    def run(self, chunks: list[_Chunk]) -> None:
        alone: list[_Chunk] = []
        while chunks:
            chunks = self._round(chunks)
            alone += [chunk for chunk in chunks if chunk.deaths >= ALONE]
            chunks = [chunk for chunk in chunks if chunk.deaths < ALONE]
            if self.deaths >= MOST_DEATHS:
                self._give_up([*alone, *chunks])
                return
        for chunk in alone:
            if self._round([chunk]):
                self._give_up([chunk])

    def _round(self, chunks: list[_Chunk]) -> list[_Chunk]:
        """Run chunks until all are done or a worker dies; returns what is left, with suspects marked."""
        sent: set[int] = set()
        done: set[int] = set()

        def calls() -> Iterator[tuple[int, bytes]]:
            for place, chunk in enumerate(chunks):
                sent.add(place)
                pieces = [(position, self.job.load(position)) for position in chunk.positions]
                yield place, pack((_ChunkWork(self.job.work), pieces), self.job.laws)

        try:
            for place, packed in _parallel(self.laws, calls()):
                self.keep(unpack(packed, self.job.laws))
                done.add(place)
        except Exception as error:
            if not DEATHS & {kind.__name__ for kind in type(error).__mro__}:
                raise
            self.deaths += 1
        left: list[_Chunk] = []
        for place, chunk in enumerate(chunks):
            if place not in done:
                left += _suspected(chunk) if place in sent else [chunk]
        return left

    def _give_up(self, chunks: Sequence[_Chunk]) -> None:
        reason = "every worker that was given it died (out of memory, or stopped from outside)"
        if self.deaths >= MOST_DEATHS:
            reason = (
                f"workers died {self.deaths} times (out of memory, or stopped from outside), and it was left undone"
            )
        self.keep([Outcome(position, reason=reason, lost=True) for chunk in chunks for position in chunk.positions])


def _suspected(chunk: _Chunk) -> list[_Chunk]:
    """The pieces of a chunk that a worker may have died of."""
    return [_Chunk((position,), chunk.deaths + 1) for position in chunk.positions]


def _call(place: int, laws: bytes, packed: bytes) -> tuple[int, bytes]:
    return place, run_packed(laws, packed)


def _parallel(laws: bytes, calls: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Joblib's answers as they come; whatever ends the loop leaves no call running."""
    import joblib
    from joblib.parallel import get_active_backend

    backend = get_active_backend()[0]
    as_they_come = bool(getattr(backend, "supports_return_generator", False))
    with _one_thread(backend):
        parallel = joblib.Parallel(
            batch_size=1, pre_dispatch="2*n_jobs", return_as="generator_unordered" if as_they_come else "list"
        )
        delayed = joblib.delayed(_call)
        if not as_they_come:
            for wave in _waves(calls, 4 * _workers()):
                yield from parallel(delayed(place, laws, packed) for place, packed in wave)
            return
        answers = parallel(delayed(place, laws, packed) for place, packed in calls)
        try:
            yield from answers
        finally:
            answers.close()


def _waves(calls: Iterable[tuple[int, bytes]], size: int) -> Iterator[list[tuple[int, bytes]]]:
    wave: list[tuple[int, bytes]] = []
    for call in calls:
        wave.append(call)
        if len(wave) == size:
            yield wave
            wave = []
    if wave:
        yield wave


@contextmanager
def _one_thread(backend: Any) -> Iterator[None]:
    """Workers with one thread of linear algebra each, unless the user asked for another number."""
    settable = getattr(backend, "supports_inner_max_num_threads", False) and backend.inner_max_num_threads is None
    if settable:
        backend.inner_max_num_threads = 1
    try:
        yield
    finally:
        if settable:
            backend.inner_max_num_threads = None


def _workers() -> int:
    """How many workers joblib was told to use: one unless a ``joblib.parallel_config`` is active."""
    import joblib

    return int(joblib.effective_n_jobs(None))


@contextmanager
def _bar(total: int, name: str, shown: bool) -> Iterator[Callable[[int], None]]:
    if not shown:
        yield lambda count: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=name, unit="group") as bar:

        def tick(count: int) -> None:
            bar.update(count)

        yield tick
