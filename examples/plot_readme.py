"""The README's picture: a law fitted to the small runs of microlm, and the large ones it had not seen.

python examples/plot_readme.py [FILE]
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

import scalefit as sf

CUT = 0.8  # the share of the runs, by compute, that is fitted
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "readme.png"


def draw(runs):
    """One panel a family, on a common axis."""
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    panels = figure.subplots(1, 2)
    for ax, (family, group) in zip(panels, runs.groupby("family"), strict=True):
        test = sf.backtest(group, "chinchilla", along="flops", cuts=[CUT], rng=0)
        sf.plot_fit(test.fits[CUT], ax=ax)
        unseen = group.loc[test.frame.row]
        ax.plot(unseen.tokens, unseen.loss, "o", ms=9, mfc="none", mec="black", label="not fitted")
        held = ((test.frame.low <= test.frame.observed) & (test.frame.observed <= test.frame.high)).sum()
        ax.set_title(f"{family}: {held} of {len(unseen)} unseen runs inside their 90 % interval", fontsize="medium")
        ax.legend(title="parameters", loc="upper right", ncols=2, fontsize="small", title_fontsize="small")
        ax.set_xlim(runs.tokens.min() / 1.4, runs.tokens.max() * 4)
    low, high = runs.loss.min(), runs.loss.max()
    for ax in panels:
        ax.set_ylim(low * 0.93, high * (high / low) ** 0.3)
    return figure


if __name__ == "__main__":
    final = sf.datasets.load("microlm").groupby("run").last()
    PICTURE.parent.mkdir(exist_ok=True)
    draw(final).savefig(sys.argv[1] if len(sys.argv) > 1 else PICTURE, dpi=130)
