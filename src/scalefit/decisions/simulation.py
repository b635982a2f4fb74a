"""Runs that were never trained: losses of a law at a design, with a scatter that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit import tables
from scalefit.errors import DataError, FitError, LawError, listing, missing_column, not_one_of
from scalefit.fitting.problem import rescale, restore
from scalefit.law import Law
from scalefit.laws import get_law
from scalefit.objectives import Scale
from scalefit.runs.frame import as_frame
from scalefit.runs.notes import add_note

Array = NDArray[np.float64]
#: A scatter of one's own: a table of n runs and a generator -> (n,) on the scale of the law's objective.
NoiseFunction = Callable[[pd.DataFrame, np.random.Generator], Array]
#: The mean of runs where it is no law: a table of n runs -> (n,).
MeanFunction = Callable[[pd.DataFrame], Any]

#: Student's t with fewer degrees of freedom has no standard deviation.
FEWEST_DEGREES = 2.0


@dataclass(frozen=True)
class Noise:
    """How runs scatter about their law: how much, how evenly, and which rows share it.

    The parts combine. On the log scale, where most laws of a loss are fitted, a standard deviation is a share of the
    loss: 0.01 is 1 %.

    Parameters
    ----------
    sd : float
        Standard deviation of a row about its run, or of a run where each row is one; 0 or more.
    degrees : float
        Degrees of freedom of Student's t, above 2: 3 has heavy tails, infinity (the default) is Gaussian. The
        standard deviation stays ``sd``.
    shared : float
        Standard deviation of what all rows with the same ``by`` have in common, such as the luck of a seed.
    correlation : float
        Of a row with the next one of the same ``by``, in the order of ``step`` where it stands there, else of the
        table; from 0 to below 1.
    by : str
        The column that says which rows belong together: ``"run"``, ``"seed"``, ``"params"`` for one luck a size.
    along, sd_end : str and float
        A column > 0 along which the standard deviation changes as a power of it, from ``sd`` at its smallest value in
        the design to ``sd_end`` at its largest. Beyond the design it stays as at the end.

    Raises
    ------
    FitError
        If a number is out of its range, or one of ``along`` and ``sd_end`` is given without the other.

    Examples
    --------
    >>> Noise(0.01)
    Gaussian noise of 0.01
    >>> Noise(0.002, shared=0.01)
    Gaussian noise of 0.002 and 0.01 shared by rows of one run
    >>> Noise(0.02, degrees=3, along="params", sd_end=0.005)
    heavy-tailed noise (Student's t, 3 degrees) of 0.02 at the smallest params to 0.005 at the largest
    """

    sd: float = 0.01
    degrees: float = np.inf
    shared: float = 0.0
    correlation: float = 0.0
    by: str = "run"
    along: str | None = None
    sd_end: float | None = None

    def __post_init__(self) -> None:
        for name in ("sd", "shared", "sd_end"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value >= 0):
                raise FitError(f"Noise: {name} is a standard deviation, 0 or more; got {value!r}.")
        if not self.degrees > FEWEST_DEGREES:
            raise FitError(f"Noise: degrees must be above 2, where a standard deviation exists; got {self.degrees!r}.")
        if not 0 <= self.correlation < 1:
            raise FitError(f"Noise: correlation must be from 0 to below 1; got {self.correlation!r}.")
        if (self.along is None) != (self.sd_end is None):
            raise FitError("Noise: along and sd_end go together, such as along='params', sd_end=0.005.")
        if self.along is not None and not (self.sd > 0 and self.sd_end):
            raise FitError("Noise: a standard deviation that changes as a power is above 0 at both ends.")

    def __repr__(self) -> str:
        tails = "Gaussian" if np.isinf(self.degrees) else "heavy-tailed"
        which = "" if np.isinf(self.degrees) else f" (Student's t, {self.degrees:g} degrees)"
        text = f"{tails} noise{which} of {self.sd:g}"
        if self.along is not None:
            text += f" at the smallest {self.along} to {self.sd_end:g} at the largest"
        if self.correlation:
            text += f", correlation {self.correlation:g} along each {self.by}"
        return text + (f" and {self.shared:g} shared by rows of one {self.by}" if self.shared else "")

    def deviations(self, frame: pd.DataFrame, design: pd.DataFrame | None = None) -> Array:
        """The standard deviation of each row, without what rows share.

        Parameters
        ----------
        frame : DataFrame of n rows; with the column ``along`` where there is one, above 0.
        design : DataFrame, optional
            The rows that set the ends of ``along``; None: those of ``frame``.

        Returns
        -------
        array (n,)

        Raises
        ------
        ColumnError
            If the column ``along`` is missing.
        DataError
            If it holds a value that is not above 0.
        """
        if self.along is None or self.sd_end is None:
            return np.full(len(frame), float(self.sd))
        ends, place = (_positive(one, self.along) for one in (frame if design is None else design, frame))
        low, high = np.log(ends.min()), np.log(ends.max())
        share = np.clip((np.log(place) - low) / (high - low), 0, 1) if high > low else np.zeros(len(frame))
        return np.asarray(self.sd * (self.sd_end / self.sd) ** share)

    def draw(self, frame: pd.DataFrame, rng: np.random.Generator) -> Array:
        """One scatter of the rows of a design, rows that belong together included.

        Parameters
        ----------
        frame : DataFrame of n rows; with the columns ``by`` and ``along`` where the noise needs them.
        rng : Generator

        Returns
        -------
        array (n,)
            What is added to the law, on the scale of the noise.

        Raises
        ------
        ColumnError
            If a column that the noise needs is missing.
        """
        own = self._standard(len(frame), rng)
        common = np.zeros(len(frame))
        if self.correlation or self.shared:
            luck = rng.standard_normal(len(frame))
            for k, rows in enumerate(self._groups(frame)):
                own[rows] = _chained(own[rows], self.correlation)
                common[rows] = luck[k]
        return self.deviations(frame) * own + self.shared * common

    def draw_new(self, frame: pd.DataFrame, design: pd.DataFrame, rng: np.random.Generator) -> Array:
        """One scatter, (n,), of rows that are each a new run of its own: see :meth:`deviations`.

        Parameters
        ----------
        rng : Generator
        """
        own = self._standard(len(frame), rng)
        return self.deviations(frame, design) * own + self.shared * rng.standard_normal(len(frame))

    def new_deviation(self, frame: pd.DataFrame, design: pd.DataFrame) -> Array:
        """Standard deviation of new runs about the law, luck of the run included: see :meth:`deviations`."""
        return np.asarray(np.hypot(self.deviations(frame, design), self.shared))

    def information(self, slopes: Array, frame: pd.DataFrame) -> Array:
        """What the rows of a design say of p parameters to one who knows the noise (Fisher's information).

        For Student's t it is that of the likelihood, which is more than the variance would give.

        Parameters
        ----------
        slopes : array (n, p), the derivatives of the mean by each parameter.
        frame : DataFrame of n rows; with the columns ``by`` and ``along`` where the noise needs them.

        Returns
        -------
        array (p, p)

        Raises
        ------
        ColumnError
            If a column that the noise needs is missing.
        """
        sd = self.deviations(frame) * np.sqrt(self._efficient_variance())
        if not (self.correlation or self.shared):
            return np.asarray((slopes / sd[:, None] ** 2).T @ slopes)
        total = np.zeros((slopes.shape[1],) * 2)
        for rows in self._groups(frame):
            distance = np.abs(np.subtract.outer(np.arange(len(rows)), np.arange(len(rows))))
            variance = np.outer(sd[rows], sd[rows]) * self.correlation**distance + self.shared**2
            total += slopes[rows].T @ np.linalg.solve(variance, slopes[rows])
        return total

    def _standard(self, n: int, rng: np.random.Generator) -> Array:
        """(n,) numbers of variance one."""
        if np.isinf(self.degrees):
            return rng.standard_normal(n)
        return np.asarray(rng.standard_t(self.degrees, n) * np.sqrt((self.degrees - 2) / self.degrees))

    def _efficient_variance(self) -> float:
        """The variance that a Gaussian with the same information on its centre would have, for one of variance one."""
        if np.isinf(self.degrees):
            return 1.0
        return float((self.degrees - 2) / self.degrees * (self.degrees + 3) / (self.degrees + 1))

    def _groups(self, frame: pd.DataFrame) -> Iterator[NDArray[np.intp]]:
        """The rows that belong together, in their order along the run."""
        if self.by not in frame.columns:
            raise missing_column(self.by, "noise that rows share", list(frame.columns))
        place = frame["step"].to_numpy(float) if "step" in frame.columns else np.arange(len(frame), dtype=float)
        member = pd.factorize(frame[self.by])[0]
        for group in range(int(member.max()) + 1):
            rows = np.flatnonzero(member == group)
            yield rows[np.argsort(place[rows], kind="stable")]


def _chained(own: Array, correlation: float) -> Array:
    """Independent numbers of variance one as a chain of the same variance (autoregressive of order one)."""
    if not correlation:
        return own
    out, fresh = own.copy(), np.sqrt(1 - correlation**2)
    for k in range(1, len(out)):
        out[k] = correlation * out[k - 1] + fresh * own[k]
    return out


def _positive(frame: pd.DataFrame, column: str) -> Array:
    if column not in frame.columns:
        raise missing_column(column, "noise that changes along it", list(frame.columns))
    values = frame[column].to_numpy(float)
    if not (values > 0).all():
        raise DataError(f"Noise along {column!r} needs values above 0 in every row.")
    return values


def as_noise(noise: Noise | NoiseFunction | float) -> Noise | NoiseFunction:
    """A number as Gaussian noise; anything else as it is."""
    if isinstance(noise, Noise) or callable(noise):
        return noise
    if isinstance(noise, bool) or not isinstance(noise, int | float | np.number):
        raise FitError(f"noise must be a standard deviation, sf.Noise(…) or a function of runs and rng; got {noise!r}.")
    return Noise(float(noise))


@dataclass(frozen=True, eq=False)
class Truth:
    """Where runs really lie: a law with values, or any function of the table.

    Parameters
    ----------
    law : Law or None, where the mean is a function.
    values : parameter -> value.
    function : table -> (n,), in place of a law.
    output : what is simulated.
    on : the scale on which noise is added.
    """

    law: Law | None
    values: Mapping[str, float]
    function: MeanFunction | None
    output: str
    on: Scale

    def mean(
        self, frame: pd.DataFrame, columns: Mapping[str, str] | None = None, schedules: tables.Schedules | None = None
    ) -> Array:
        """(n,) the mean of each row on the scale of the noise."""
        if self.law is None:
            assert self.function is not None
            value = np.broadcast_to(np.asarray(self.function(frame), float), len(frame))
        else:
            known = tables.univariate_columns(frame, self.law, columns, None, inputs_besides(self.output))
            read = tables.read_inputs(frame, self.law, columns=known, schedules=schedules, warn_units=False)
            value = self.law(self.values, dict(zip(self.law.inputs, read.inputs, strict=True)))
        return to_scale(value, self.on, self.output)


def inputs_besides(target: str) -> list[str]:
    """Columns that the one variable of a law may stand for."""
    return [name for name in ("flops", "tokens", "params", "step") if name != target]


def to_scale(value: Array, on: Scale, what: str) -> Array:
    """Values on a scale.

    Raises
    ------
    DataError
        If there are values that the scale does not have, such as a negative loss on the log scale.
    """
    bad = ~np.isfinite(value)
    if on != "raw":
        bad |= value <= 0
    if on == "logit":
        bad |= value >= 1
    if bad.any():
        raise DataError(
            f"The true {what} is {value[bad][0]:g} in {bad.sum()} of {len(value)} rows, which the {on} scale does not "
            "have: give other parameter values, or a law with another objective."
        )
    return np.asarray(rescale(value, on))


def resolve_truth(law: Law | str | MeanFunction, values: Mapping[str, float] | str | None, like: Law | None) -> Truth:
    """The truth that is meant; ``values`` may be the name of published constants. ``like`` is the law to be fitted."""
    if isinstance(law, Law | str):
        law = get_law(law)
        if isinstance(values, str):
            if values not in law.published:
                raise LawError(not_one_of(f"Published constants of {law.name}", values, law.published or ("none",)))
            values = law.published[values].values
        if values is None:
            raise LawError(f"{law.name} needs a value for {listing(law.param_names)}; pass them as a mapping.")
        if missing := [name for name in law.param_names if name not in values]:
            raise LawError(f"{law.name} needs a value for {listing(missing)} too; got {listing(values)}.")
        return Truth(law, dict(values), None, law.output, (like or law).objective.on)
    if not callable(law):
        raise LawError(f"law must be a Law, its name or a function of the table; got {law!r}.")
    if values is not None:
        raise LawError("A function of the table takes no values of parameters: pass None for them.")
    return Truth(None, {}, law, like.output if like else "loss", like.objective.on if like else "log")


def simulate_runs(
    law: Law | str | MeanFunction,
    values: Mapping[str, float] | str | None,
    design: Any,
    *,
    noise: Noise | NoiseFunction | float = 0.01,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    schedules: tables.Schedules | None = None,
    rng: np.random.Generator | int | None = None,
) -> pd.DataFrame:
    """Make up runs: the losses that a law gives at a design, with noise whose size and kind are known.

    Parameters
    ----------
    law : Law or name, or a function of the table that gives the mean of each row.
    values : parameter -> value, or the name of published constants such as ``"besiroglu2024"``; None for a function.
    design : table or path
        The inputs, one row per run or checkpoint. Real runs may be given: their losses are replaced.
    noise : a standard deviation, :class:`Noise`, or a function of the table and a generator that gives (n,) numbers.
        Added on the scale of the law's objective: on the log of the loss for most, so 0.01 is 1 %.
    target : name of the column that is made; None is the law's own output (``loss`` for most, and for functions).
    columns : input of the law -> column of ``design``, where names differ.
    schedules : run -> Schedule, for laws of training curves.
    rng : Generator, seed or None.

    Returns
    -------
    DataFrame
        ``design`` with the target in it, and a note that it was simulated: see :func:`scalefit.notes_of`.

    Raises
    ------
    ColumnError
        If an input of the law is missing, or a column that the noise needs.
    DataError
        If the law gives values that its scale does not have; usually a sign in ``values``.

    Examples
    --------
    >>> import scalefit as sf
    >>> design = sf.grid(params=[1e8, 1e9], tokens=[1e10, 1e11])
    >>> runs = sf.simulate_runs("chinchilla", "besiroglu2024", design, noise=0.005, rng=0)
    >>> runs.loss.round(3).tolist()
    [3.073, 2.808, 2.641, 2.373]
    """
    truth, noise = resolve_truth(law, values, None), as_noise(noise)
    frame = as_frame(design, what="the design")
    rng = np.random.default_rng(rng)
    losses = restore(truth.mean(frame, columns, schedules) + scatter(noise, frame, rng), truth.on)
    name = truth.law.name if truth.law is not None else "a function"
    about = repr(noise) if isinstance(noise, Noise) else "noise of a function"
    target = target or truth.output
    return add_note(frame.assign(**{target: losses}), f"{target} simulated from {name} with {about}", after=frame)


def scatter(noise: Noise | NoiseFunction, frame: pd.DataFrame, rng: np.random.Generator) -> Array:
    """(n,) one scatter of the rows of a design."""
    if isinstance(noise, Noise):
        return noise.draw(frame, rng)
    drawn = np.asarray(noise(frame, rng), float)
    if drawn.shape != (len(frame),):
        raise DataError(f"The noise function must give one number a row, ({len(frame)},); got shape {drawn.shape}.")
    return drawn
