"""What is trained: sizes, token budgets, rates. Everything that decides a run stands here."""

from dataclasses import dataclass

BATCH = 8  # windows a step
WINDOW = 128
STEP_TOKENS = BATCH * WINDOW
WARMUP = 64  # steps of linear warm-up
DECAY_SHARE = 0.2  # of each budget: linear to zero, branched off the constant-rate trunk
BUDGETS = (332_800, 788_480, 1_868_800, 4_431_872, 10_500_096)  # tokens, 1.5 decades, whole steps

#: (width, layers) by family: about 3e3 to 3e5 parameters outside the embeddings.
SIZES = {
    "transformer": ((16, 1), (24, 1), (32, 2), (48, 2), (64, 3), (80, 4)),
    "lstm": ((20, 1), (32, 1), (52, 1), (56, 2), (88, 2), (136, 2)),
}
#: Adam's peak rate at width 48 and its power of width, tuned once a family (tune.csv) and taken about 0.7 of the best
#: there, because longer budgets than the tuned one want lower rates.
RATES = {"transformer": (3.5e-3, -0.8), "lstm": (12e-3, -0.75)}

#: Measured on one server core at 2.5 GHz, tokens a second by number of parameters: only to print a plan.
SPEED = {"transformer": 1.2e9, "lstm": 2.6e9}


@dataclass(frozen=True)
class Job:
    """One trunk and the decays branched off it: one model, one seed, several token budgets."""

    family: str
    width: int
    layers: int
    seed: int
    peak: float
    budgets: tuple[int, ...]

    @property
    def name(self):
        return f"{self.family}-w{self.width}-l{self.layers}-seed{self.seed}"

    @property
    def tokens(self):
        """Tokens processed in all: the trunk once, each decay once."""
        return (1 - DECAY_SHARE) * max(self.budgets) + DECAY_SHARE * sum(self.budgets)


def peak_rate(family, width):
    reference, power = RATES[family]
    return float(f"{reference * (width / 48) ** power:.3g}")


def ladder():
    """The jobs of the ladder, dearest first, so that two workers end together."""
    jobs = [
        Job(family, width, layers, 0, peak_rate(family, width), BUDGETS)
        for family, sizes in SIZES.items()
        for width, layers in sizes
    ]
    return sorted(jobs, key=lambda job: -job.width * job.layers * (2 if job.family == "transformer" else 1))


#: Rates tried (factor 2) for the smallest, a middle and the largest size.
TUNED = {
    "transformer": {
        (16, 1): (4e-3, 8e-3, 16e-3, 32e-3),
        (48, 2): (2e-3, 4e-3, 8e-3, 16e-3),
        (80, 4): (2e-3, 4e-3, 8e-3),
    },
    "lstm": {(20, 1): (4e-3, 8e-3, 16e-3, 32e-3), (56, 2): (2e-3, 4e-3, 8e-3, 16e-3), (136, 2): (4e-3, 8e-3, 16e-3)},
}


def tuning():
    """One job per family, size and rate, at the second budget."""
    return [
        Job(family, width, layers, 0, peak, BUDGETS[1:2])
        for family, sizes in TUNED.items()
        for (width, layers), peaks in sizes.items()
        for peak in peaks
    ]
