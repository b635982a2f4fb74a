"""How the documentation is built: ``pip install ".[docs]" && sphinx-build -W docs build``.

Nothing is fetched: formulas become MathML, the theme's fonts and scripts are copied, and examples and notebooks run on
the bundled data. Code blocks of plain pages are not run here; ``tests/test_docs.py`` does that.
"""

import datetime as dt
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads only wait for each other
os.environ.pop("MPLBACKEND", None)  # the kernels of the notebooks choose one that shows pictures in the page
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from pygments.lexers.special import TextLexer

import scalefit

project = "scalefit"
author = "the scalefit authors"
version = release = scalefit.__version__
project_copyright = f"{dt.datetime.now(dt.UTC).year}, {author}"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_gallery.gen_gallery",
    # in docs/_ext
    "formulas",
    "links",
    "pictures",
]
exclude_patterns = ["**/.ipynb_checkpoints"]
templates_path = ["_templates"]
highlight_language = "text"

# -- pages in Markdown, and notebooks among them --

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "auto"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_ipywidgets_js = {}  # the default fetches them from elsewhere
html_math_renderer = "mathml"

# -- the reference, from docstrings --

autosummary_generate = True
autosummary_generate_overwrite = True
# A class and a function may differ by a capital only, which some file systems do not tell apart.
autosummary_filename_map = {
    f"scalefit.{name}": f"scalefit.{name}-class" for name in scalefit.__all__ if name[0].isupper()
}
autodoc_typehints = "none"  # the docstrings give types, shapes and units
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the template of a class shows them
numpydoc_xref_param_type = False

# -- the gallery --

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"[\\/]plot_",
    "image_scrapers": ("pictures.saved",),
    "reset_argv": "pictures.ask_for_a_file",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "notebook_extensions": set(),
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1_000_000,
}

# -- how it looks --

html_theme = "pydata_sphinx_theme"
html_title = "scalefit"
html_static_path = ["_static"]
html_css_files = ["scalefit.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "logo": {"text": "scalefit"},
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "navigation_depth": 3,
    "show_nav_level": 1,
}
html_sidebars = {"tutorial": [], "index": []}
pygments_style = "default"


def without_call(app, what, name, obj, options, signature, annotation):
    """Show how a class is called only where its docstring names parameters: other classes are made by functions."""
    if what == "class" and "Parameters\n" not in (obj.__doc__ or ""):
        return "", None
    return None


def setup(app):
    """Classes without calls; blocks of languages of our own, which tests read, as they are."""
    app.connect("autodoc-process-signature", without_call)
    for language in ("imports", "lazy-imports"):
        app.add_lexer(language, TextLexer)
