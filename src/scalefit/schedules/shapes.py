"""What a log's learning rates were recognised as: a closed form, how far it is off, and what to know about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from scalefit.errors import DataError
from scalefit.schedules.decays import DecayShape, decayed
from scalefit.schedules.schedule import Schedule, check_length

Floats = npt.NDArray[np.float64]
Kind = Literal["constant", "linear", "cosine", "wsd", "multistep", "inverse_sqrt", "unknown"]
#: A run that ends within this share of its schedule's end is matched to it.
MATCHED_WITHIN = 0.02
#: A rate below this share of the peak is told as zero.
_NOTHING = 2e-4
#: How a decay of each form is told.
FALLS = {
    "linear": "in a straight line",
    "cosine": "as a cosine",
    "exp": "exponentially",
    "1-sqrt": "as 1 - sqrt",
    "inverse_sqrt": "as one over the square root of the step",
}


@dataclass(frozen=True, kw_only=True)
class ScheduleShape:
    """A learning-rate schedule as a log shows it; made by :func:`scalefit.recognize_schedule`.

    Attributes
    ----------
    kind : {"constant", "linear", "cosine", "wsd", "multistep", "inverse_sqrt", "unknown"}
        ``"wsd"`` is a stable phase, which may be empty, and then a decay of the form ``shape``.
    steps : int
        The last step: that of the schedule, or of the log where it goes on for longer.
    peak, end : float
        The rates at the end of the warm-up and at ``steps``.
    warmup : int
        The step at which the linear warm-up reaches the peak; 0 without one.
    start : float
        The rate at which the line of the warm-up begins, at step 0; below 0 where the first steps have no rate.
    shape : {"linear", "cosine", "exp", "1-sqrt"} or None
        How the rate falls, if it does.
    decay_start, decay_end : int or None
        The steps between which it falls. Later rates are held.
    milestones, values : tuple
        For ``"multistep"``: the first step at each new rate, and the rates.
    offset : float
        For ``"inverse_sqrt"``: the rate falls as 1 / sqrt(step + offset).
    rows, first_logged, last_logged : int
        How many rates the log has, and between which steps.
    finished : bool or None
        Whether the log reaches the end of the schedule; None where the schedule has no end of its own.
    end_between : (int, int) or None
        Where the log stops early: the ends of the decay that its rates allow, where they do not fix it within 2 %.
    deviation : float
        The largest distance of the closed form from a logged rate, as a share of the peak.
    notes : tuple of str
        What was put in order, assumed, or could not be told.
    """

    kind: Kind
    steps: int
    peak: float
    end: float
    warmup: int = 0
    start: float = 0.0
    shape: DecayShape | None = None
    decay_start: int | None = None
    decay_end: int | None = None
    milestones: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    offset: float = 0.0
    rows: int = 0
    first_logged: int = 0
    last_logged: int = 0
    finished: bool | None = None
    end_between: tuple[int, int] | None = None
    deviation: float = np.nan
    notes: tuple[str, ...] = ()

    def rates_at(self, steps: npt.ArrayLike) -> Floats:
        """The closed form at some steps.

        Parameters
        ----------
        steps : array (n,)
            Steps, >= 0.

        Returns
        -------
        array (n,)

        Raises
        ------
        DataError
            If the kind is unknown.
        """
        if self.kind == "unknown":
            raise DataError(
                "This schedule was not recognised, so it has no closed form. Take the logged rates themselves, "
                "interpolated: Schedule.from_log(log)."
            )
        at = np.asarray(steps, dtype=np.float64)
        rates = self._after_warmup(at)
        if self.warmup:
            top = float(self._after_warmup(np.array([float(self.warmup)]))[0])
            ramp = np.maximum(self.start + (top - self.start) * at / self.warmup, 0.0)
            rates = np.where(at < self.warmup, ramp, rates)
        return rates

    def schedule(self) -> Schedule:
        """The rate of every step from 0 on, those that were not logged too, by the closed form.

        Raises
        ------
        DataError
            If the kind is unknown, or there are more than 50 million steps.

        Examples
        --------
        >>> ScheduleShape(kind="constant", steps=4, peak=0.5, end=0.5, warmup=2).schedule().rates.tolist()
        [0.0, 0.25, 0.5, 0.5, 0.5]
        """
        check_length(self.steps)
        rates = self.rates_at(np.arange(self.steps + 1))
        missing = self.steps + 1 - self.rows
        filled = (f"the rates of {missing:,} steps that the log does not have follow the closed form",)
        return Schedule(self.kind, rates, self.peak, self.warmup, filled if missing > 0 else ())

    def times(self, factor: float) -> ScheduleShape:
        """The same schedule with every rate multiplied by a number.

        Parameters
        ----------
        factor : float, > 0
        """
        values = tuple(factor * rate for rate in self.values)
        return replace(self, peak=factor * self.peak, end=factor * self.end, start=factor * self.start, values=values)

    def mismatch(self, *, steps: int | None = None) -> str | None:
        """Say whether the schedule ends elsewhere than the run: its last loss is then not that of a full decay.

        A cosine that is much longer than the run leaves the model short of what its budget allows.

        Parameters
        ----------
        steps : int, optional
            The last step of the run; None: that of the log.

        Returns
        -------
        str or None
            One sentence; None if the two ends are within 2 % of each other, or the schedule has no end or is unknown.

        References
        ----------
        Hoffmann et al. 2022, appendix B: optimal cosine cycle length, arXiv:2203.15556.

        Examples
        --------
        >>> plan = ScheduleShape(kind="cosine", steps=2000, peak=0.5, end=0.0, shape="cosine", decay_start=0,
        ...                      decay_end=2000, last_logged=1000)
        >>> plan.mismatch()
        'the cosine ends at step 2,000 and the run at step 1,000, where the rate is still 50 % of the peak'
        """
        last = self.last_logged if steps is None else int(steps)
        if self.kind == "constant":
            return f"the rate is never lowered: at step {last:,}, the run's last, the model is not annealed"
        if self.decay_end is None:
            return None
        what = f"the {'cosine' if self.shape == 'cosine' else 'decay'} ends at step {self.decay_end:,}"
        if last < (1 - MATCHED_WITHIN) * self.decay_end:
            left = float(self.rates_at([last])[0]) / self.peak
            return f"{what} and the run at step {last:,}, where the rate is still {percent(left)} of the peak"
        if last > (1 + MATCHED_WITHIN) * self.decay_end:
            return f"{what} and the run at step {last:,}: the rate is held at {self.end:g} in between"
        return None

    def __str__(self) -> str:
        lines = [self.sentence()]
        if self.kind != "unknown":
            lines.append(
                f"  {self.rows:,} logged rates, steps {self.first_logged:,} to {self.last_logged:,}: "
                f"none is further than {percent(max(self.deviation, 1e-8))} of the peak from the closed form"
            )
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def sentence(self) -> str:
        """The schedule in one plain sentence."""
        if self.kind == "unknown":
            return f"The rates of steps {self.first_logged:,} to {self.last_logged:,} follow no known schedule."
        rise = f"The rate rises to {self.peak:g} in {self.warmup:,} steps" if self.warmup else ""
        parts = [rise or f"The rate begins at {self.peak:g}"]
        stays = self.decay_start is None or self.decay_start > self.warmup
        if stays and self.kind not in ("cosine", "linear"):
            parts.append("stays there" if self.decay_start is None else f"stays there until step {self.decay_start:,}")
        if self.kind == "multistep":
            changes = zip(self.values, self.milestones, strict=True)
            parts[-1:] = ["changes in steps: " + ", ".join(f"{rate:g} from step {step:,}" for rate, step in changes)]
        elif self.kind == "inverse_sqrt":
            parts.append(f"falls {FALLS[self.kind]} to {self.end:g} at step {self.steps:,}")
        elif self.shape is not None and self.decay_end is not None:
            low = 0.0 if self.end < _NOTHING * self.peak else self.end
            parts.append(f"falls {FALLS[self.shape]} to {low:g} at step {self.decay_end:,}")
            if self.steps > self.decay_end:
                parts.append(f"is held until step {self.steps:,}")
        stop = f" The log stops before that, at step {self.last_logged:,}." if self.finished is False else ""
        return f"{_enumerated(parts)}.{stop}"

    def _after_warmup(self, at: Floats) -> Floats:
        if self.kind == "multistep":
            levels = np.array([self.peak, *self.values])
            return levels[np.searchsorted(np.array(self.milestones), at, side="right")]
        if self.decay_start is None:
            return np.full(at.shape, self.peak)
        if self.kind == "inverse_sqrt":
            began = self.decay_start + self.offset
            return self.peak * np.sqrt(began / np.maximum(at + self.offset, began))
        assert self.shape is not None
        assert self.decay_end is not None
        done = np.clip((at - self.decay_start) / (self.decay_end - self.decay_start), 0, 1)
        return decayed(self.shape, done, peak=self.peak, end=self.end)


def percent(share: float) -> str:
    """A share as text.

    Examples
    --------
    >>> percent(0.0312), percent(0.0)
    ('3.1 %', '0 %')
    """
    return f"{100 * share:.2g} %"


def _enumerated(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
