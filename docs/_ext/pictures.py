"""The gallery shows the picture that an example writes: ``python examples/plot_x.py FILE``."""

import tempfile
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst

FOLDER = Path(tempfile.mkdtemp(prefix="scalefit-gallery-"))


def _file(script):
    return FOLDER / Path(script).with_suffix(".png").name


def ask_for_a_file(gallery_conf, script_vars):
    """What to write on the command line after the name of the example."""
    # The examples are scripts that know where they lie, which the gallery does not tell them.
    script_vars["example_globals"]["__file__"] = script_vars["src_file"]
    return [str(_file(script_vars["src_file"]))]


def saved(block, block_vars, gallery_conf):
    """Take the file that the example has written, once."""
    file = _file(block_vars["src_file"])
    if not file.exists():
        return ""
    picture = Path(next(block_vars["image_path_iterator"]))
    picture.write_bytes(file.read_bytes())
    file.unlink()
    return figure_rst([str(picture)], gallery_conf["src_dir"])


def setup(app):
    """Nothing to add: the gallery's settings name the two functions."""
    return {"parallel_read_safe": True}
