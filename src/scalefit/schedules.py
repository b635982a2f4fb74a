"""A learning rate for each step, and the areas under it that laws of whole training curves use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import DataError, missing_column, not_one_of, rows_text

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """A learning rate for each step 0…steps; made by one of the constructors below.

    In all of them warm-up is linear: ``peak * step / warmup`` for ``step < warmup``.

    Attributes
    ----------
    kind : str
        Which constructor made it; ``"from_log"`` for a log.
    rates : array (steps + 1,)
        The rate of each step, >= 0, read-only.
    peak : float
        The rate after warm-up; for a log its highest rate.
    warmup : int
        Number of steps before the rate stops rising for the first time.
    notes : tuple of str
        What was assumed where a log has gaps.

    Examples
    --------
    >>> schedule = Schedule.cosine(steps=1000, peak=3e-4, warmup=100, end=3e-5)
    >>> schedule
    Schedule.cosine(steps=1000, peak=0.0003, warmup=100)
    >>> [float(round(schedule.rates[step], 9)) for step in (0, 50, 100, 550, 1000)]
    [0.0, 0.00015, 0.0003, 0.000165, 3e-05]
    """

    kind: str
    rates: Floats
    peak: float
    warmup: int = 0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rates = np.array(self.rates, dtype=np.float64)
        if rates.ndim != 1 or not rates.size:
            raise DataError(f"Schedule: rates must be one row of numbers, one for each step; got shape {rates.shape}.")
        if not (np.isfinite(rates) & (rates >= 0)).all():
            raise DataError("Schedule: rates must be finite and not negative.")
        rates.flags.writeable = False
        object.__setattr__(self, "rates", rates)

    @property
    def steps(self) -> int:
        """The last step."""
        return len(self.rates) - 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return self.kind == other.kind and self.warmup == other.warmup and np.array_equal(self.rates, other.rates)

    def __hash__(self) -> int:
        return hash((self.kind, self.warmup, self.rates.tobytes()))

    def __repr__(self) -> str:
        return f"Schedule.{self.kind}(steps={self.steps}, peak={self.peak:g}, warmup={self.warmup})"

    @classmethod
    def constant(cls, *, steps: int, peak: float, warmup: int = 0) -> Schedule:
        """The same rate at every step after warm-up.

        ``steps`` (> 0) is the last step, ``peak`` (> 0) the rate, ``warmup`` (0 to ``steps``) the ramp's length.

        Raises
        ------
        DataError
            If an argument is out of its range.
        """
        steps, warmup, peak = _frame_of(steps, warmup, peak)
        return cls("constant", _warmed(np.full(steps + 1, peak), warmup, peak), peak, warmup)

    @classmethod
    def cosine(cls, *, steps: int, peak: float, warmup: int = 0, end: float = 0.0) -> Schedule:
        """Half a cosine wave from the peak after warm-up to the end at the last step.

        Parameters
        ----------
        steps : int, > 0
            The last step.
        peak : float, > 0
            The highest rate.
        warmup : int, 0 <= warmup < steps
            Steps of linear warm-up.
        end : float, 0 <= end <= peak
            The rate of the last step.

        Raises
        ------
        DataError
            If an argument is out of its range.
        """
        steps, warmup, peak = _frame_of(steps, warmup, peak)
        end = _end_of(end, peak)
        _require(warmup < steps, f"warmup must be below steps={steps}; got {warmup}.")
        done = (np.arange(steps + 1) - warmup) / (steps - warmup)
        rates = np.minimum(end + (peak - end) * (1 + np.cos(np.pi * done)) / 2, peak)  # rounding may pass the peak
        return cls("cosine", _warmed(rates, warmup, peak), peak, warmup)

    @classmethod
    def multistep(
        cls, *, steps: int, peak: float, warmup: int = 0, milestones: Sequence[int], values: Sequence[float]
    ) -> Schedule:
        """The peak rate after warm-up, then a new constant rate from each milestone on.

        Parameters
        ----------
        steps : int, > 0
            The last step.
        peak : float, > 0
            The rate until the first milestone.
        warmup : int, 0 <= warmup < the first milestone
            Steps of linear warm-up.
        milestones : sequence of int, rising, at most ``steps``
            The first step at each new rate.
        values : sequence of float, >= 0
            The rate from each milestone on; not a factor.

        Raises
        ------
        DataError
            If an argument is out of its range, or there is not one value for each milestone.
        """
        steps, warmup, peak = _frame_of(steps, warmup, peak)
        starts = [_whole(milestone, "a milestone") for milestone in milestones]
        _require(
            len(starts) == len(values),
            f"multistep needs one value for each milestone; got {len(starts)} milestones and {len(values)} values.",
        )
        rising = all(left < right for left, right in pairwise(starts))
        _require(rising, f"milestones must rise; got {starts}.")
        inside = not starts or (warmup < starts[0] and starts[-1] <= steps)
        _require(inside, f"milestones must lie after warmup={warmup} and at most at steps={steps}; got {starts}.")
        rates = np.full(steps + 1, peak)
        for start, value in zip(starts, values, strict=True):
            rates[start:] = _rate(value, "a value of multistep")
        return cls("multistep", _warmed(rates, warmup, peak), peak, warmup)

    @classmethod
    def wsd(
        cls,
        *,
        steps: int,
        peak: float,
        warmup: int = 0,
        decay_start: int,
        end: float = 0.0,
        shape: Literal["linear", "exp"] = "linear",
    ) -> Schedule:
        """Warm-up, a stable phase at the peak, then a decay to the end at the last step.

        Parameters
        ----------
        steps : int, > 0
            The last step.
        peak : float, > 0
            The rate of the stable phase.
        warmup : int, >= 0
            Steps of linear warm-up.
        decay_start : int, warmup <= decay_start < steps
            The last step at the peak.
        end : float, 0 <= end <= peak
            The rate of the last step; above 0 for ``"exp"``.
        shape : {"linear", "exp"}
            How the rate falls.

        Raises
        ------
        DataError
            If an argument is out of its range.
        """
        steps, warmup, peak = _frame_of(steps, warmup, peak)
        end, start = _end_of(end, peak), _whole(decay_start, "decay_start")
        _require(
            warmup <= start < steps, f"decay_start must be from warmup={warmup} to steps={steps} less one; got {start}."
        )
        _require(shape in ("linear", "exp"), not_one_of("shape", shape, ("linear", "exp")))
        _require(shape == "linear" or end > 0, f"shape='exp' never reaches zero: give end > 0; got end={end:g}.")
        done = np.clip((np.arange(steps + 1) - start) / (steps - start), 0, 1)
        rates = peak + (end - peak) * done if shape == "linear" else peak * (end / peak) ** done
        return cls("wsd", _warmed(rates, warmup, peak), peak, warmup)

    @classmethod
    def from_log(cls, frame: Any) -> Schedule:
        """The rates that the log of one run shows; gaps are filled and that is said in ``notes``.

        Between logged steps rates are interpolated linearly; before the first one its rate is held.

        Parameters
        ----------
        frame : table
            Columns ``step`` (whole numbers, >= 0, in any order) and ``lr`` (>= 0) of one run.

        Raises
        ------
        ColumnError
            If ``step`` or ``lr`` is missing.
        DataError
            If there are no rows, several runs, a step with two rates, or numbers that cannot be used.

        Examples
        --------
        >>> schedule = Schedule.from_log({"step": [2, 3, 5], "lr": [0.4, 0.4, 0.2]})
        >>> schedule.rates.round(3).tolist()
        [0.4, 0.4, 0.4, 0.4, 0.3, 0.2]
        >>> print(*schedule.notes, sep=chr(10))
        the rate of step 2, the first one logged, is held for the steps before it
        the rates of 1 step between logged ones are interpolated linearly
        """
        steps, rates = _logged(frame)
        notes = []
        if steps[0] > 0:
            notes.append(f"the rate of step {steps[0]}, the first one logged, is held for the steps before it")
        gaps = int(steps[-1] - steps[0]) + 1 - len(steps)
        if gaps:
            word = "step" if gaps == 1 else "steps"
            notes.append(f"the rates of {gaps} {word} between logged ones are interpolated linearly")
        filled = np.interp(np.arange(steps[-1] + 1), steps, rates)
        top = int(np.argmax(np.append(np.diff(rates) <= 0, True)))  # where logged rates stop rising for the first time
        return cls("from_log", filled, float(rates.max()), int(steps[top]) if top else 0, tuple(notes))

    def with_peak_warmup(self) -> Schedule:
        """The same schedule with every step of the warm-up at the rate that the warm-up reaches.

        Published sums of learning rates often leave the ramp out in this way.

        Examples
        --------
        >>> Schedule.constant(steps=4, peak=0.5, warmup=2).with_peak_warmup().rates.tolist()
        [0.5, 0.5, 0.5, 0.5, 0.5]
        """
        rates = self.rates.copy()
        rates[: self.warmup] = rates[self.warmup]
        return replace(self, rates=rates, warmup=0)


def forward_area(rates: npt.ArrayLike) -> Floats:
    """The sum of learning rates up to and including each step: S1.

    Parameters
    ----------
    rates : array (steps + 1,)
        A rate for each step from 0 on.

    Returns
    -------
    array (steps + 1,)
        ``S1[s] = sum of rates[0..s]``.

    Examples
    --------
    >>> forward_area([0.5, 0.5, 0.25]).tolist()
    [0.5, 1.0, 1.25]
    """
    return np.cumsum(np.asarray(rates, dtype=np.float64))


def annealing_area(rates: npt.ArrayLike, *, decay: float = 0.999) -> Floats:
    """The sum of delayed drops of the learning rate up to each step: S2.

    Each drop of the rate starts a momentum that fades by ``decay`` a step:
    ``m[0] = 0``, ``m[i] = decay * m[i-1] + rates[i-1] - rates[i]``; S2 is the running sum of m. It is zero while the
    rate is constant and falls while it rises.

    Parameters
    ----------
    rates : array (steps + 1,)
        A rate for each step from 0 on.
    decay : float in [0, 1)
        How much of the momentum is left after a step.

    Returns
    -------
    array (steps + 1,)
        S2 at each step.

    Raises
    ------
    DataError
        If ``decay`` is out of its range.

    References
    ----------
    Tissue, Wang, Wang 2024, Scaling Law with Learning Rate Annealing, arXiv:2408.11029.

    Examples
    --------
    >>> annealing_area([1.0, 1.0, 0.0, 0.0], decay=0.5).tolist()
    [0.0, 0.0, 1.0, 1.5]
    """
    from scipy.signal import lfilter  # here: `import scalefit` must not load scipy

    _require(0 <= decay < 1, f"decay must be at least 0 and below 1; got {decay!r}.")
    rates = np.asarray(rates, dtype=np.float64)
    drops = -np.diff(rates, prepend=rates[:1])
    momentum: Floats = lfilter([1.0], [1.0, -decay], drops)
    return np.cumsum(momentum)


def _warmed(rates: Floats, warmup: int, peak: float) -> Floats:
    if warmup:
        rates[:warmup] = peak * np.arange(warmup) / warmup
    return rates


def _frame_of(steps: int, warmup: int, peak: float) -> tuple[int, int, float]:
    steps, warmup = _whole(steps, "steps"), _whole(warmup, "warmup")
    _require(steps > 0, f"steps must be above 0; got {steps}.")
    _require(warmup <= steps, f"warmup must be at most steps={steps}; got {warmup}.")
    peak = _rate(peak, "peak")
    _require(peak > 0, "peak must be above 0; got 0.")
    return steps, warmup, peak


def _end_of(end: float, peak: float) -> float:
    end = _rate(end, "end")
    _require(end <= peak, f"end must be at most peak={peak:g}; got {end:g}.")
    return end


def _whole(value: Any, what: str) -> int:
    try:
        whole = int(value)
        _require(whole == value and whole >= 0, f"{what} must be a whole number, 0 or more; got {value!r}.")
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"Schedule: {what} must be a whole number, 0 or more; got {value!r}.") from None
    return whole


def _rate(value: Any, what: str) -> float:
    try:
        rate = float(value)
    except (TypeError, ValueError):
        rate = math.nan
    _require(math.isfinite(rate) and rate >= 0, f"{what} must be a finite rate, 0 or more; got {value!r}.")
    return rate


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise DataError(f"Schedule: {message}")


def _logged(frame: Any) -> tuple[npt.NDArray[np.int64], Floats]:
    """Logged steps, sorted and distinct, and their rates."""
    names = [str(name) for name in getattr(frame, "column_names", getattr(frame, "columns", frame))]
    for name in ("step", "lr"):
        if name not in names:
            raise missing_column(name, "Schedule.from_log", names)
    if "run" in names and len(runs := sorted({str(run) for run in frame["run"]})) > 1:
        raise DataError(
            f"Schedule.from_log takes one run; the table has {len(runs)}: give runs[runs['run'] == {runs[0]!r}]."
        )
    steps, rates = _column(frame, "step"), _column(frame, "lr")
    _require(len(steps) > 0, "from_log needs at least one row; the table has none.")
    _require(bool((steps == np.floor(steps)).all()), "from_log: column 'step' must hold whole numbers.")
    order = np.argsort(steps, kind="stable")
    steps, rates = steps[order], rates[order]
    repeated = np.diff(steps) == 0
    clash = repeated & (np.diff(rates) != 0)
    _require(not clash.any(), f"from_log: step {steps[1:][clash][:1].tolist()} has two different rates; keep one row.")
    kept = np.append(True, ~repeated)
    return steps[kept].astype(np.int64), rates[kept]


def _column(frame: Any, name: str) -> Floats:
    column = frame[name]
    try:
        numbers = np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"Schedule: from_log: column {name!r} must hold numbers.") from None
    bad = ~(np.isfinite(numbers) & (numbers >= 0))
    if bad.any():
        labels = column.index if isinstance(column, pd.Series) else np.arange(len(numbers))
        raise DataError(
            f"Schedule: from_log: column {name!r} must be finite and not negative; it is not in "
            f"{rows_text(list(labels[bad]))}. Drop rows without a rate: log.dropna(subset=['step', 'lr'])."
        )
    return numbers
