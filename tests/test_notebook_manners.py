"""What a person sees in a notebook: the status first, short tracebacks, quick completion, bars that never fail."""

import warnings
from html.parser import HTMLParser

import pytest

import scalefit as sf

LAST = sf.datasets.load("microlm").groupby("run", as_index=False).last()
FITS = {name: sf.fit(rows, "chinchilla") for name, rows in LAST.groupby("family")}
FIT = FITS["transformer"]

ANSWERS = {
    "fit": lambda: FIT,
    "fit that is not identified": lambda: sf.fit(LAST[LAST.params == 788736], "chinchilla"),
    "check_runs": lambda: sf.check_runs(LAST, laws=False),
    "backtest": lambda: sf.backtest(LAST[LAST.family == "lstm"], "chinchilla", along="flops", draws=10, rng=0),
    "compare": lambda: sf.compare_fits(FITS, along="flops"),
    "find_crossover": lambda: sf.find_crossover(FITS["lstm"], FIT, along="flops"),
    "find_raw_crossover": lambda: sf.find_raw_crossover(
        LAST, along="tokens", at={"params": 3.5e5}, tolerance=1.5, draws=10, rng=0
    ),
    "allocate": lambda: sf.allocate(FIT, flops=1e13),
    "allocate_inference": lambda: sf.allocate_inference(FIT, loss=1.2, inference_tokens=1e8),
    "compare_sizes": lambda: sf.compare_sizes(FIT, flops=1e13, factors=[0.5, 1]),
    "iso_loss": lambda: sf.iso_loss(FIT, loss=1.3),
    "smallest_model": lambda: sf.smallest_model(FIT, loss=1.2, flops=1e14),
    "find_scale": lambda: sf.find_scale(FIT, 1.2),
    "find_saturation": lambda: sf.find_saturation(FIT, gain=0.1, per=10),
    "checklist": lambda: FIT.checklist(),
}


class _Page(HTMLParser):
    """The classes of the outermost element of a piece of HTML, and its first words."""

    def __init__(self, text):
        super().__init__()
        self.outermost, self.words = None, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if self.outermost is None:
            self.outermost = (dict(attrs).get("class") or "").split()

    def handle_data(self, data):
        if data.strip():
            self.words.append(" ".join(data.split()))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_shows_its_status_first_in_a_notebook_as_it_does_in_text(name):
    answer = ANSWERS[name]()
    first = " ".join(repr(answer).split("\n")[0].split())
    page = _Page(answer._repr_html_())
    assert page.words[0].rstrip(":") in first
    assert first.startswith(page.words[0].rstrip(":"))


@pytest.mark.parametrize("name", [name for name in ANSWERS if name != "checklist"])
def test_the_frame_of_an_answer_says_in_which_of_three_states_it_is(name):
    states = {"scalefit-good", "scalefit-doubtful", "scalefit-bad"}
    assert len(states & set(_Page(ANSWERS[name]()._repr_html_()).outermost)) == 1


@pytest.mark.parametrize("use_jedi", [False, True])
def test_completing_a_fit_offers_its_public_names_and_computes_none_of_them(use_jedi):
    completer = pytest.importorskip("IPython.core.completer", reason="IPython is not installed: pip install '.[docs]'")
    fit = sf.fit(LAST[LAST.family == "lstm"], "chinchilla")
    before = set(vars(fit))
    ours = completer.IPCompleter(shell=None, namespace={"fit": fit, "sf": sf}, global_namespace={}, parent=None)
    ours.use_jedi = use_jedi
    with completer.provisionalcompleter(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {one.text.lstrip(".") for one in ours.completions("fit.", 4)}
        names = {one.text.lstrip(".") for one in ours.completions("sf.", 3)}
    assert {"bootstrap", "predict", "summary", "plot", "estimates", "missed"} <= found
    assert [name for name in found if name.startswith("_")] == []
    assert set(vars(fit)) == before
    assert set(sf.__all__) <= names


@pytest.fixture
def cells(tmp_path):
    """A function that runs cells in a kernel and gives the outputs of each."""
    for name in ("nbformat", "nbclient", "ipykernel"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install '.[docs]'")
    from running_notebooks import run_cells

    def run(*sources):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return run_cells(*sources, folder=tmp_path, allow_errors=True)

    return run


def test_an_error_in_a_cell_shows_the_cell_and_the_whole_message_and_not_the_inside_of_scalefit(cells):
    from running_notebooks import plain

    wrong, unknown, own = cells(
        'import scalefit as sf\nruns = {"params": [1e6], "tokns": [1e8], "loss": [3.0]}\nsf.fit(runs, "chinchilla")',
        'sf.get_law("chinchila")',
        'def pick(name):\n    return sf.get_law(name)\n\npick("nothing")',
    )
    lines = plain(wrong[-1].traceback)
    assert lines[-1].startswith("ColumnError: chinchilla needs a column 'tokens'; the table has params, tokns, loss.")
    assert lines[-1].endswith("pass columns={'tokens': 'tokns'}.")
    assert any("----> 3 sf.fit(runs" in line for line in lines)
    assert not any("scalefit/estimation" in line for line in lines)
    assert any("more inside scalefit; %debug leads there" in line for line in lines)
    assert plain(unknown[-1].traceback)[-1].startswith(
        "LawError: No law is called 'chinchila'. Did you mean 'chinchilla'?"
    )
    assert any("return sf.get_law(name)" in line for line in plain(own[-1].traceback))


def test_a_notebook_without_widgets_reads_tables_silently_and_shows_bars_as_text(cells):
    read, drawn, strict = cells(
        'import sys\nsys.modules["ipywidgets"] = None\nimport scalefit as sf\n'
        'runs = sf.datasets.load("microlm").groupby("run").last()',
        'fit = sf.fit(runs[runs.family == "lstm"], "chinchilla").bootstrap(20, rng=0, progress=True)\nfit',
        'import warnings\nwarnings.simplefilter("error")\nfit.bootstrap(20, rng=0, progress=True).n_failed',
    )
    assert read == []
    assert any("bootstrap" in output.get("text", "") for output in drawn)
    shown = drawn[-1].data
    assert shown["text/plain"].startswith("chinchilla on 55 runs: converged")
    assert "scalefit-good" in shown["text/html"]
    assert strict[-1].data["text/plain"] == "0"
