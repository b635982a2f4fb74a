"""One law for several families: some parameters equal for all, the others one per family.

The joint law is a :class:`~scalefit.law.Law` like any other, made from the law of one family: its inputs are those of
that law and the number of the family, its values and derivatives are that law's own, put where they belong. So search,
verdict, covariance and bootstrap work on it unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalefit import formula as formulas
from scalefit.errors import FitError, listing
from scalefit.fitting.setup import Constraints
from scalefit.law import Array, Inputs, Law
from scalefit.parameter import Param

#: The input that tells the families apart: 1 for the first.
NUMBER = "family_number"
#: Where deviations from a common mean start: in logs, or in units of the parameter.
DEVIATION = 0.5


@dataclass(frozen=True, eq=False)
class Joint:
    """A joint law and where each family's parameters stand in it.

    Parameters
    ----------
    member : the law of one family, of k parameters.
    families : their names, in the order of their numbers.
    params : the P parameters of the joint law.
    linear : names of those that enter linearly.
    places : (F, k), where each family finds each of its parameters; for a pulled one, the common mean.
    deviations : (F, k), where a pulled parameter has its deviation from the mean; -1 for others.
    """

    member: Law
    families: tuple[str, ...]
    params: tuple[Param, ...]
    linear: tuple[str, ...]
    places: NDArray[np.intp]
    deviations: NDArray[np.intp]

    @cached_property
    def law(self) -> Law:
        """The joint law."""
        member, count = self.member, len(self.families)
        return Law(
            name=f"{member.name} of {count} {'family' if count == 1 else 'families'}",
            function=self.evaluate,
            inputs=(*member.inputs, NUMBER),
            output=member.output,
            params=self.params,
            linear=self.linear,
            objective=member.objective,
            source=member.source,
            verified=member.verified,
            by_hand=self.derivative,
            derive=member.derive,
            positive_inputs=member.positive_inputs,
            domain={**member.domain, NUMBER: (1.0, float(count))},
        )

    def rows_of(self, number: Array) -> list[NDArray[np.intp]]:
        """Which rows belong to each family."""
        whole = np.clip(np.rint(number), 1, len(self.families)).astype(np.intp) - 1
        return [np.flatnonzero(whole == f) for f in range(len(self.families))]

    def evaluate(self, *arguments: Any) -> Any:
        """The joint law as a function of its inputs and parameters, real or complex."""
        count = len(self.member.inputs)
        number, columns = np.atleast_1d(np.asarray(arguments[count])), arguments[count + 1 :]
        inputs = [np.broadcast_to(np.asarray(x), number.shape) for x in arguments[:count]]
        shape = np.broadcast_shapes(number.shape, *(np.shape(column) for column in columns))
        out = np.empty(shape, np.result_type(float, *(np.asarray(column).dtype for column in columns)))
        for f, rows in enumerate(self.rows_of(number)):
            own = [columns[place] for place in self.places[f]]
            for j in np.flatnonzero(self.deviations[f] >= 0):
                away = columns[self.deviations[f, j]]
                own[j] = own[j] * np.exp(away) if moves_in_log(self.member.params[j]) else own[j] + away
            if len(rows):
                out[..., rows] = self.member.function(*(x[rows] for x in inputs), *own)
        return out

    def derivative(self, theta: Array, inputs: Inputs) -> tuple[Array, Array]:
        """Values (B, n) and derivatives (B, P, n) of the joint law."""
        B, n = len(theta), len(inputs[-1])
        value, J = np.empty((B, n)), np.zeros((B, theta.shape[1], n))
        for f, rows in enumerate(self.rows_of(inputs[-1])):
            if not len(rows):
                continue
            own, D = self.member_params(theta, f)
            value[:, rows], slopes = self.member.value_and_jacobian(own, tuple(x[rows] for x in inputs[:-1]))
            for j, (place, away) in enumerate(zip(self.places[f], self.deviations[f], strict=True)):
                if away < 0:
                    J[:, place, rows] = slopes[:, j]
                else:
                    J[:, place, rows] = slopes[:, j] * D[:, j, place, None]
                    J[:, away, rows] = slopes[:, j] * D[:, j, away, None]
        return value, J

    def member_params(self, theta: Array, number: int) -> tuple[Array, Array]:
        """Parameters of one family (B, k) from joint ones (B, P), and their derivative by these (B, k, P)."""
        places, deviations = self.places[number], self.deviations[number]
        D = np.zeros((*theta.shape[:1], len(places), theta.shape[1]))
        each = np.arange(len(places))
        out = theta[:, places]
        D[:, each, places] = 1.0
        for j in np.flatnonzero(deviations >= 0):
            away, mean = theta[:, deviations[j]], theta[:, places[j]]
            if moves_in_log(self.member.params[j]):
                D[:, j, places[j]] = np.exp(away)
                out[:, j] = D[:, j, deviations[j]] = mean * np.exp(away)
            else:
                D[:, j, deviations[j]] = 1.0
                out[:, j] = mean + away
        return out, D

    def spread_out(self, members: Sequence[Array], means: Array | None = None) -> Array:
        """Joint parameters (K, P) from those of the families, (K, k) each.

        What is shared or a common mean comes from ``means`` (K, k), or from the mean over the families.
        """
        stacked = np.stack(list(members))
        middle = self.middle(stacked) if means is None else means
        theta = np.zeros((stacked.shape[1], len(self.law.params)))
        for number in range(len(self.families)):
            for j, place in enumerate(self.places[number]):
                deviation = self.deviations[number, j]
                shared = deviation >= 0 or np.all(self.places[:, j] == place)
                theta[:, place] = middle[:, j] if shared else stacked[number, :, j]
                if deviation >= 0:
                    theta[:, deviation] = self._away(stacked[number, :, j], middle[:, j], j)
        return theta

    def middle(self, stacked: Array) -> Array:
        """The mean over families (first axis), of the logs where a parameter is positive."""
        out = stacked.mean(axis=0)
        for j, param in enumerate(self.member.params):
            if moves_in_log(param) and (stacked[..., j] > 0).all():
                out[..., j] = np.exp(np.log(stacked[..., j]).mean(axis=0))
        return np.asarray(out)

    def _away(self, value: Array, mean: Array, j: int) -> Array:
        if not moves_in_log(self.member.params[j]):
            return value - mean
        with np.errstate(all="ignore"):
            return np.asarray(np.clip(np.nan_to_num(np.log(value / mean)), -DEVIATION, DEVIATION))

    def constraints(self, given: Constraints) -> Constraints:
        """What was said of the parameters of one family, said of all."""
        fixed = {there: value for name, value in given.fixed.items() for there in self.names_of(name)}
        tie: dict[str, str] = {}
        for name, text in given.tie.items():
            tree = formulas.parse_formula(text)
            for number in range(len(self.families)):
                own = {source: self._text_of(source, number) for source in formulas.names_in(tree)}
                there = self.law.param_names[self.places[number, self.member.param_names.index(name)]]
                said = formulas.to_text(tree, own)
                if tie.setdefault(there, said) != said:
                    raise FitError(
                        f"share: {name} is tied to {text}, which is not the same in every family: share "
                        f"{listing(own)} too, or leave {name} out of share."
                    )
        return Constraints(fixed=fixed, tie=tie)

    def names_of(self, name: str) -> list[str]:
        """What a parameter is called in the joint law: once if it is shared, else once a family."""
        j = self.member.param_names.index(name)
        return list(dict.fromkeys(self.law.param_names[place] for place in self.places[:, j]))

    def _text_of(self, name: str, number: int) -> str:
        j = self.member.param_names.index(name)
        here: str = self.law.param_names[self.places[number, j]]
        deviation = self.deviations[number, j]
        if deviation < 0:
            return here
        away = self.law.param_names[deviation]
        return f"({here}*exp({away}))" if moves_in_log(self.member.params[j]) else f"({here} + {away})"


def moves_in_log(param: Param) -> bool:
    """Whether families differ in a parameter by a factor: where it is positive."""
    return param.lower >= 0


def join_laws(
    law: Law, families: Sequence[str], share: Sequence[str], pulled: Sequence[str], means: Mapping[str, float]
) -> Joint:
    """The joint law: ``share`` is equal for all families, ``pulled`` varies about a common mean, the rest is own.

    Names of own parameters end in that of the family; a deviation is called ``log_alpha_lstm`` (the log of its ratio
    to the mean) or ``shift_c_lstm``. ``means`` says where a pulled parameter lies, to tell where starts are.
    """
    words, k = _words(families, law.param_names), len(law.params)
    params: list[Param] = []
    places = np.zeros((len(families), k), np.intp)
    deviations = np.full((len(families), k), -1, np.intp)
    linear: list[str] = []
    for j, param in enumerate(law.params):
        common = param.name in share or param.name in pulled
        for number, word in enumerate(words):
            if common and number:
                places[number, j] = places[0, j]
            else:
                places[number, j] = len(params)
                name = param.name if common else f"{param.name}_{word}"
                own = {source: f"{source}_{word}" for source in law.param_names if source not in (*share, *pulled)}
                params.append(replace(param, name=name, of=_renamed(param.of, own)))
                if param.name in law.linear:
                    linear.append(name)
        for number, word in enumerate(words if param.name in pulled else ()):
            deviations[number, j] = len(params)
            params.append(_deviation(param, word, means))
    return Joint(law, tuple(families), tuple(params), tuple(linear), places, deviations)


def _deviation(param: Param, word: str, means: Mapping[str, float]) -> Param:
    if moves_in_log(param):
        return Param(f"log_{param.name}_{word}", low=-DEVIATION, high=DEVIATION)
    reach = DEVIATION * max(abs(means.get(param.name, 1.0)), 1e-12)
    return Param(f"shift_{param.name}_{word}", low=-reach, high=reach, unit=param.unit)


def _words(families: Sequence[str], names: Sequence[str]) -> list[str]:
    """A word for each family that can stand in the name of a parameter, all different."""
    out: list[str] = []
    for family in families:
        word = plain = re.sub(r"\W", "_", family, flags=re.ASCII) or "_"
        count = 1
        while word in out or any(f"{name}_{word}" in names for name in names):
            count += 1
            word = f"{plain}_{count}"
        out.append(word)
    return out


def _renamed(of: str, names: Mapping[str, str]) -> str:
    return formulas.to_text(formulas.parse_formula(of), names) if of else of
