"""The page of the command line is what its commands print."""

import importlib.util
from pathlib import Path

import pytest

from documents import ROOT, differences

SCRIPT = ROOT / "docs" / "reference" / "make_transcript.py"


@pytest.mark.slow
def test_the_page_of_the_command_line_is_what_its_commands_print():
    spec = importlib.util.spec_from_file_location("make_transcript", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wrong = list(differences(Path(module.PAGE).read_text(encoding="utf-8"), module.page()))
    assert wrong == [], "python docs/reference/make_transcript.py writes it again"
