"""Files to be read, written in one line."""

import pytest

from scalefit.runs.reading import read_file


@pytest.fixture
def reading_of(tmp_path):
    """What is read from some text or bytes in a file of that name."""

    def read(content, name="runs.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_file(path)

    return read


@pytest.fixture
def frame_of(reading_of):
    return lambda content, name="runs.csv": reading_of(content, name).frame


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file below an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)

    def write(path, content="step,loss\n1,3\n2,2.5\n"):
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
