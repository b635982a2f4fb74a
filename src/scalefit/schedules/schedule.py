"""A learning rate for each step: made from its usual description or from a log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from scalefit.errors import DataError, not_one_of
from scalefit.schedules.decays import DECAYS, DecayShape, decayed
from scalefit.schedules.logs import read_columns, read_log

Floats = npt.NDArray[np.float64]
#: A schedule holds one number a step; more steps than this are probably tokens or samples.
MOST_STEPS = 50_000_000


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

        Parameters
        ----------
        steps : int, > 0
            The last step.
        peak : float, > 0
            The rate.
        warmup : int, 0 <= warmup <= steps
            Steps of linear warm-up.

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
        return cls("cosine", _warmed(decayed("cosine", done, peak=peak, end=end), warmup, peak), peak, warmup)

    @classmethod
    def linear(cls, *, steps: int, peak: float, warmup: int = 0, end: float = 0.0) -> Schedule:
        """A straight line from the peak after warm-up to the end at the last step.

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

        Examples
        --------
        >>> Schedule.linear(steps=4, peak=0.5).rates.tolist()
        [0.5, 0.375, 0.25, 0.125, 0.0]
        """
        steps, warmup, peak = _frame_of(steps, warmup, peak)
        end = _end_of(end, peak)
        _require(warmup < steps, f"warmup must be below steps={steps}; got {warmup}.")
        done = (np.arange(steps + 1) - warmup) / (steps - warmup)
        return cls("linear", _warmed(decayed("linear", done, peak=peak, end=end), warmup, peak), peak, warmup)

    @classmethod
    def inverse_sqrt(cls, *, steps: int, peak: float, warmup: int) -> Schedule:
        """After warm-up the rate falls as one over the square root of the step, and never ends.

        Parameters
        ----------
        steps : int, > 0
            The last step.
        peak : float, > 0
            The rate at the end of the warm-up: ``peak * sqrt(warmup / step)`` follows.
        warmup : int, 1 <= warmup <= steps
            Steps of linear warm-up; they also set how fast the rate falls.

        Raises
        ------
        DataError
            If an argument is out of its range.

        Examples
        --------
        >>> Schedule.inverse_sqrt(steps=4, peak=0.5, warmup=1).rates.round(3).tolist()
        [0.0, 0.5, 0.354, 0.289, 0.25]
        """
        steps, warmup, peak = _frame_of(steps, warmup, peak)
        _require(warmup > 0, "inverse_sqrt falls with the step over the warm-up, which must be 1 or more; got 0.")
        rates = peak * np.sqrt(warmup / np.maximum(np.arange(steps + 1), warmup))
        return cls("inverse_sqrt", _warmed(rates, warmup, peak), peak, warmup)

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
        shape: DecayShape = "linear",
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
        shape : {"linear", "exp", "1-sqrt", "cosine"}
            How the rate falls: :func:`scalefit.schedules.decays.decayed` says the forms.

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
        _require(shape in DECAYS, not_one_of("shape", shape, DECAYS))
        _require(shape != "exp" or end > 0, f"shape='exp' never reaches zero: give end > 0; got end={end:g}.")
        done = np.clip((np.arange(steps + 1) - start) / (steps - start), 0, 1)
        return cls("wsd", _warmed(decayed(shape, done, peak=peak, end=end), warmup, peak), peak, warmup)

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
        log = read_log(read_columns(frame, asker="Schedule.from_log").single())
        steps, rates, notes = log.steps, log.rates, []
        check_length(int(steps[-1]))
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


def check_length(steps: int) -> None:
    """Refuse more steps than a schedule can hold.

    Raises
    ------
    DataError
        If there are more than 50 million.
    """
    _require(
        steps <= MOST_STEPS,
        f"it holds one rate a step, {MOST_STEPS:,} at most; got {steps:,} steps, probably tokens or samples: "
        "divide by the number of them in one step.",
    )


def _warmed(rates: Floats, warmup: int, peak: float) -> Floats:
    if warmup:
        rates[:warmup] = peak * np.arange(warmup) / warmup
    return rates


def _frame_of(steps: int, warmup: int, peak: float) -> tuple[int, int, float]:
    steps, warmup = _whole(steps, "steps"), _whole(warmup, "warmup")
    check_length(steps)
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
