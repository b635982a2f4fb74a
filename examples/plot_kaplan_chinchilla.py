"""
Kaplan against Chinchilla
=========================

Kaplan against Chinchilla on one plot: the same law, counted with embeddings and without.

Kaplan et al. 2020 found that the best size grows as compute to the power 0.73, Hoffmann et al. 2022 that it grows as
compute to the power 0.50. Pearce and Song 2024 (arXiv:2406.12907) showed that most of the difference is what is
counted: take Chinchilla's law of all parameters, count size and compute without embeddings as Kaplan did, at the sizes
that Kaplan trained, and the power comes out between 0.74 and 0.78, depending on whose constants are taken.

python examples/plot_kaplan_chinchilla.py [FILE]
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.decisions.frontier import best_split
from scalefit.plots.axes import COLOURS

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "kaplan_chinchilla.png"
LAW = sf.get_law("chinchilla")
#: Published constants of the law of all parameters.
CONSTANTS = {"Besiroglu et al. 2024": "besiroglu2024", "Hoffmann et al. 2022": "hoffmann2022"}
#: Parameters outside the embeddings of the models of Kaplan et al. 2020, section 3: 768 to 1.5 billion.
KAPLAN_SIZES = (768, 1.5e9)
#: N* in compute: Kaplan et al. 2020, equation 1.7, and Hoffmann et al. 2022, table 2, approach 1.
KAPLAN_EXPONENT, HOFFMANN_EXPONENT = 0.73, 0.50
SMALLEST, LARGEST = 1e3, 1e13


def flops_without_embeddings(params, tokens):
    """Compute as Kaplan et al. count it, for a model of so many parameters in all."""
    return 6 * sf.estimate_non_embedding_params(params) * tokens


def best_sizes(flops, constants, cost=None):
    """The best size for budgets, in all parameters."""
    theta = np.array([[LAW.published[constants].values[name] for name in LAW.param_names]])
    return best_split(LAW, theta, flops, cost=sf.Cost.of(cost), sizes=(SMALLEST, LARGEST)).params[0]


def frontiers(constants):
    """Budgets with the best size: counted in all, and without embeddings."""
    flops = np.geomspace(1e12, 1e27, 151)
    total = best_sizes(flops, constants)
    return flops, total, sf.estimate_non_embedding_params(best_sizes(flops, constants, flops_without_embeddings))


def local_slope(x, y):
    """The power with which y grows in x, between places."""
    return np.gradient(np.log(y), np.log(x))


def mean_slope(flops, sizes, within=KAPLAN_SIZES):
    """The power over a range of sizes, from a line in the logs."""
    inside = (sizes >= within[0]) & (sizes <= within[1])
    return float(np.polyfit(np.log(flops[inside]), np.log(sizes[inside]), 1)[0])


def draw():
    """The best size in compute under both ways of counting, and the local power of each."""
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (author, constants), style in zip(CONSTANTS.items(), ("-", "--"), strict=True):
        flops, total, outside = frontiers(constants)
        slope = mean_slope(flops, outside)
        for sizes, colour, label in (
            (total, COLOURS[0], f"with embeddings, {author}"),
            (outside, COLOURS[1], f"without: power {slope:.2f} over Kaplan's sizes"),
        ):
            left.plot(flops, sizes, style, color=colour, lw=1.6, label=label)
            right.plot(sizes, local_slope(flops, sizes), style, color=colour, lw=1.6)
    right.axvspan(*KAPLAN_SIZES, color="0.92", zorder=0, label="sizes that Kaplan et al. trained")
    right.axhline(KAPLAN_EXPONENT, ls=":", color=COLOURS[1], lw=1.4, label="Kaplan et al.: 0.73")
    right.axhline(HOFFMANN_EXPONENT, ls=":", color=COLOURS[0], lw=1.4, label="Hoffmann et al.: 0.50")
    left.set(xscale="log", yscale="log", xlabel="compute (FLOP), counted as sizes are", ylabel="best size (parameters)")
    right.set(xscale="log", xlabel="best size (parameters)", ylabel="local power of compute")
    right.set(xlim=(500, LARGEST), ylim=(0.4, 1.05))
    left.set_title("one law, two ways to count", fontsize="medium")
    right.set_title("the exponent depends on the sizes one looks at", fontsize="medium")
    for ax, place in ((left, "upper left"), (right, "upper right")):
        ax.legend(fontsize="small", loc=place)
    return figure


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    draw().savefig(sys.argv[1] if len(sys.argv) > 1 else PICTURE, dpi=110)
