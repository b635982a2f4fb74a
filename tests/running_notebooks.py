"""Notebooks run in a real Jupyter kernel, where nbclient and ipykernel are installed."""

import os
import re
import sys

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def run_notebook(notebook, folder, *, allow_errors=False):
    """Run all cells in a kernel of their own, that of this Python; the notebook with its outputs."""
    from nbclient import NotebookClient

    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        allow_errors=allow_errors,
        resources={"metadata": {"path": folder}},
    )
    own = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # the kernel draws inline
    return client.execute(env=own | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))})


def run_cells(*sources, folder, allow_errors=False):
    """The outputs of cells of code, one list a cell."""
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    return [cell.outputs for cell in run_notebook(notebook, folder, allow_errors=allow_errors).cells]


def plain(traceback):
    """The lines of a traceback without colours."""
    return COLOURS.sub("", "\n".join(traceback)).splitlines()
