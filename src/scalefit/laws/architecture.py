"""Loss over the parts of an architecture."""

from __future__ import annotations

from typing import Any

from scalefit.definition import define_law
from scalefit.parameter import exponent, floor, scale


@define_law(
    inputs=("params_encoder", "params_decoder"),
    params=(scale("alpha"), exponent("p_e"), exponent("p_d"), floor("L_inf")),
    linear=("alpha", "L_inf"),
    source="Ghorbani et al. 2021, arXiv:2109.07740",
    verified="memory",
    traps="Encoder and decoder must vary apart: runs off the symmetric diagonal. The paper divides each size by that "
    "of a baseline model; here the sizes are raw, so alpha absorbs both normalisers.",
)
def nmt_bivariate(N_e: Any, N_d: Any, alpha: Any, p_e: Any, p_d: Any, L_inf: Any) -> Any:
    r"""Loss of an encoder and a decoder: :math:`L = \alpha\,N_e^{-p_e} N_d^{-p_d} + L_\infty`."""
    return alpha / N_e**p_e / N_d**p_d + L_inf
