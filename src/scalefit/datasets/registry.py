"""What data sets there are: the bundled runs, and public studies with the home of each table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from scalefit.datasets import converters

_HOME = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Origin:
    """A file that a study published.

    Attributes
    ----------
    url : str
        Where it is, pinned to a commit.
    sha256 : str or None
        That of its bytes; None where it is not known, so that the commit alone vouches for them.
    """

    url: str
    sha256: str | None = None

    @property
    def file(self) -> str:
        """The name under which it is kept."""
        return "-".join(self.url.rsplit("/", 2)[1:])


@dataclass(frozen=True)
class Part:
    """One table of a data set.

    Attributes
    ----------
    name : str
        What :func:`scalefit.datasets.load` is asked for.
    file : str
        The tidy table inside the folder of the data set.
    rows : int
    about : str
        What was measured, in one sentence.
    sha256 : str
        That of the tidy file; of a ``.csv.gz``, that of the text inside.
    origins : tuple of Origin
        The published files that it is made from; empty if it cannot be fetched.
    convert : function of one frame for each origin, or None
        What makes the tidy frame.
    kept : str
        Why there is no origin to fetch.
    """

    name: str
    file: str
    rows: int
    about: str
    sha256: str
    origins: tuple[Origin, ...] = ()
    convert: Callable[..., pd.DataFrame] | None = None
    kept: str = ""


@dataclass(frozen=True)
class Study:
    """A data set: who measured it and how it may be used.

    Attributes
    ----------
    name : str
    parts : tuple of Part
        The first is the one that ``part=None`` means.
    licence, citation, home : str
    bundled : bool
        Whether the tables come with the package.
    """

    name: str
    parts: tuple[Part, ...]
    licence: str
    citation: str
    home: str
    bundled: bool = False


def _at(repository: str, commit: str, path: str, sha256: str | None = None) -> Origin:
    return Origin(f"{_HOME}/{repository}/{commit}/{path}", sha256)


def _scalebench(task: str) -> tuple[Origin, ...]:
    commit = "e0a58ffde4f6fdfb20880d47d6d180fdbcb1440d"
    folder = f"benchmark/dataset/{task}_scaling_law"
    return tuple(
        _at("PlanarG/active-sl", commit, f"{folder}/{split}-00000-of-00001.parquet") for split in ("train", "test")
    )


_NOTEBOOK = "its numbers stand in a notebook"
_PICKLE = "its home holds a pickle, and scalefit never unpickles"
_NO_LICENCE = "none stated in its repository"

MICROLM = Study(
    "microlm",
    (
        Part(
            "ladder", "ladder.csv.gz", 5516,
            "byte-level language models of Python source: a Transformer and an LSTM, 8 sizes, 5 budgets, some with "
            "4 seeds",
            "53eb30020278354be9021df714d26bc5d5481ea5ebf74233a925912f68bf67b7",
        ),
        Part(
            "schedules", "schedules.csv.gz", 2872,
            "the Transformer at two sizes under 7 learning-rate schedules, 200 checkpoints each",
            "7ea7a16af7b673fdac8ac29a1d8ff877473e29178e287bf7a9df0e83605451cf",
        ),
        Part(
            "encoder_decoder", "encoder_decoder.csv.gz", 1140,
            "from a line of Python to its operations: 4 sizes of the encoder by 4 of the decoder",
            "fe4c012c7e8405c78e7650ecaf518b1e4c7b9862d3a44d14e709398b64aad253",
        ),
        Part(
            "repetition", "repetition.csv.gz", 980,
            "the LSTM at two sizes on two subsets of the text, 1 to 16 epochs",
            "c093dd3b6f6a8625d521c212318d1965fc8591346c5fcfff942a85153c46ea2e",
        ),
    ),
    "BSD-3-Clause", "scalefit's own runs; see CARD.md beside them", "comes with scalefit", bundled=True,
)  # fmt: skip

CHINCHILLA = Study(
    "chinchilla_besiroglu",
    (
        Part(
            "runs", "runs.csv", 245,
            "final losses of Chinchilla's runs, read off a figure: sizes by tokens, one row a run",
            "84207c03a5b7e158034ab8d0c27d3ba5be6334d3bf8737b9d2b135a256338210",
            (
                _at(
                    "epoch-research/analyzing-chinchilla", "92258837425e1b5f2851d624287f0120583a3d0e",
                    "data/svg_extracted_data.csv", "193478df4e90f040016431996c45682659306840ecdadf83cfb9cd5ca0aa1b30",
                ),
            ),
            converters.chinchilla_besiroglu,
        ),
    ),
    _NO_LICENCE,
    "Hoffmann et al. 2022, arXiv:2203.15556 (runs); Besiroglu, Erdil, Barnett, You 2024, arXiv:2404.10102 (extraction)",
    "github.com/epoch-research/analyzing-chinchilla",
)  # fmt: skip

DATA_CONSTRAINED = Study(
    "data_constrained",
    (
        Part(
            "runs", "runs.csv", 306, "final losses of language models trained on repeated data",
            "dcb75105a79c70953ca8a9984968b66d7e89d7ac03263f2ed7fb8a9c4e165539", kept=_NOTEBOOK,
        ),
    ),
    "Apache-2.0", "Muennighoff et al. 2023, arXiv:2305.16264", "github.com/huggingface/datablations",
)  # fmt: skip

LR_ANNEALING = Study(
    "lr_annealing_gpt",
    (
        Part(
            "mpl_100m", "mpl_100m.csv", 2103,
            "loss curves of a 100M model under 9 learning-rate schedules, a row every 128 steps",
            "fdb0b629190741b10a19235c7f5b53e14f06e9d6d488736fd9b77b3dcb7348ed",
            tuple(
                _at(
                    "Morphorxz/dlt25-final", "055a79bdca66d0c0b17ad31fa0a7e16b12de7070",
                    f"loss_curve_repo/csv_100/{schedule}.csv",
                )
                for schedule in converters.ANNEALED
            ),
            converters.lr_annealing_mpl,
        ),
        Part(
            "gpt100m_20b", "gpt100m_20b.parquet", 101722,
            "training losses of a 100M model under 3 learning-rate schedules, every step",
            "234e7aa6e55003701a1847105e83d1ca214674e72d0e981d63f96c2487c07ab5", kept=_PICKLE,
        ),
    ),
    "mpl_100m: MIT; gpt100m_20b: none stated in its repository",
    "Luo et al. 2025, arXiv:2503.12811 (mpl_100m); Tissue, Wang, Wang 2024, arXiv:2408.11029 (gpt100m_20b)",
    "github.com/Morphorxz/dlt25-final and github.com/zkshan2002/ScalingLaw",
)  # fmt: skip

_ROUTED = (
    _at(
        "google-deepmind/scaling_laws_for_routing", "42da0c392b127df2c01fa7b705f72396050d05e5", "data/curves.csv.gz"
    ),
)  # fmt: skip
MOE_ROUTING = Study(
    "moe_routing",
    (
        Part(
            "runs", "runs.csv", 223, "final losses of dense and routed language models: sizes by numbers of experts",
            "b87c85da9c02b100e20b52ae86e940a79beb56124eb3faf55b306b05143c07d6", _ROUTED, converters.moe_routing_runs,
        ),
        Part(
            "checkpoints", "checkpoints.csv.gz", 5799, "losses of the same models every 10,000 steps",
            "e54c9dbf1239c4073070d4ad012d5244306a1593531fdb123dc00788756cf335", _ROUTED,
            converters.moe_routing_checkpoints,
        ),
    ),
    "CC-BY-4.0", "Clark et al. 2022, arXiv:2202.01169", "github.com/google-deepmind/scaling_laws_for_routing",
)  # fmt: skip

OLMO_LADDER = Study(
    "olmo_ladder",
    (
        Part(
            "runs", "runs.csv", 320, "task loss and accuracy of a ladder of models at the end of training, and of two "
            "targets", "768a3e27ca020ef82ce946e3eb2ae2941f2d1667f8346f49f490112b851f5b35",
            kept="its home holds one file a run",
        ),
        Part(
            "checkpoints", "checkpoints.parquet", 38600, "the same at every checkpoint",
            "9e74791ee063f25b69643bd4bbee2218ce8a342b3b2ef4dbcbd3e085e87db5a6", kept="its home holds one file a run",
        ),
    ),
    "Apache-2.0", "Bhagia et al. 2024, arXiv:2412.04403", "github.com/allenai/OLMo-ladder",
)  # fmt: skip

PARSCALE = Study(
    "parscale",
    (
        Part(
            "runs", "runs.csv", 48, "final losses of models that run in several streams, two corpora",
            "90a8331a231c9aa96699a7bf1d9f28b5effb0c7ef82572229b21517b8b2d1715", kept="its numbers stand in a script",
        ),
    ),
    _NO_LICENCE, "Chen et al. 2025, arXiv:2505.10475", "github.com/QwenLM/ParScale",
)  # fmt: skip

REVISITING = Study(
    "revisiting_lang",
    (
        Part(
            "series", "series.csv", 712, "20 learning curves of language tasks, each with a split to extrapolate",
            "a09b89ea893e2ec80998a59491aa28b7770ef1fb63b110af10621dc1f05c3e1d",
            (
                _at(
                    "google-research/google-research", "9853680c781781bd8d3de20aa61c7373ce059913",
                    "revisiting_neural_scaling_laws/data/benchmark.lang.csv",
                    "63c346db00a66b692e1ea9a0f71a2f2b267e55f74be5b863a92e199dffbf0983",
                ),
            ),
            converters.revisiting_lang,
        ),
    ),
    "Apache-2.0", "Alabdulmohsin, Neyshabur, Zhai 2022, arXiv:2209.06640",
    "github.com/google-research/google-research, revisiting_neural_scaling_laws",
)  # fmt: skip

SCALEBENCH = Study(
    "scalebench",
    (
        Part(
            "parallel", "parallel.csv", 48, "models in several streams, split to extrapolate to 8 streams",
            "46f8bb574581537242001f8cbdc98ef280ff27b82ab10563fea1ed016817d470", _scalebench("parallel"),
            converters.scalebench_parallel,
        ),
        Part(
            "data_constrained", "data_constrained.csv", 182, "models on repeated data, split to the largest runs",
            "8e3cd9263eb0f023a2e12e8d7db6eac11646870de02c47d91b2da5e62c45a4ac", _scalebench("data_constrained"),
            converters.scalebench_data_constrained,
        ),
        Part(
            "moe", "moe.csv", 221, "models with routed experts, split to the largest size",
            "bf4d0c91120e62a1e526dcd0f6a56c081e8af04f7a8b0545c99146a04eae7a18", _scalebench("moe"),
            converters.scalebench_moe,
        ),
    ),
    "CC-BY-4.0 by its data card; repository MIT",
    "Li et al. 2026, arXiv:2604.22753; tasks of Lin et al. 2025, arXiv:2507.21184", "github.com/PlanarG/active-sl",
)  # fmt: skip

XLSTM = Study(
    "xlstm_vs_llama",
    (
        Part(
            "runs", "runs.csv", 479, "final losses of two families, xLSTM and Transformer: ladders and isoFLOP slices",
            "07e55df6e4883a7a8d30c6d2a0c60ac222b946e58a2583bbe16e8107dcf81a0b", kept=_PICKLE,
        ),
        Part(
            "val_checkpoints", "val_checkpoints.csv", 3595, "validation losses along the runs",
            "2b2f1d976ab632d94cf835c24623e966cac7befe3f88c7624d01b99eb240f5ed", kept=_PICKLE,
        ),
        Part(
            "train_curves", "train_curves.parquet", 69028, "training losses and rates along the runs, every 50 steps",
            "83ecb79da10f7f9107641202d070ffad1fab873bec7904ba8fc5df4fe0878708", kept=_PICKLE,
        ),
    ),
    _NO_LICENCE, "Beck et al. 2025, arXiv:2510.02228", "github.com/NX-AI/xlstm_scaling_laws",
)  # fmt: skip

#: Every data set by its name, the bundled one first.
STUDIES = {
    study.name: study
    for study in (
        MICROLM,
        CHINCHILLA,
        DATA_CONSTRAINED,
        LR_ANNEALING,
        MOE_ROUTING,
        OLMO_LADDER,
        PARSCALE,
        REVISITING,
        SCALEBENCH,
        XLSTM,
    )
}
