"""How much memory it takes to read a file, measured in a process of its own, as Linux counts it."""

import subprocess
import sys

import pytest

#: What reading a file of a megabyte may take, libraries and all, in MiB.
MOST_MIB = 1024

_CODE = """
import re, sys
from pathlib import Path
from scalefit.errors import ScalefitError
from scalefit.runs.reading import read_file
try:
    said = read_file(Path(sys.argv[1]), progress=False).frame.shape
except ScalefitError as error:
    said = str(error)[:200]
# Not getrusage: there a process begins with the peak of the one that started it.
kib = re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]
print(int(kib) // 1024, said)
"""


def peak_mib(path):
    """MiB, and what came out: the shape of the table, or the error."""
    if sys.platform != "linux":
        pytest.skip("peak memory is asked of Linux")
    command = [sys.executable, "-W", "error", "-c", _CODE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    peak, said = done.stdout.strip().split(" ", 1)
    return int(peak), said


_CALL = """
import re
from pathlib import Path
{call}
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def peak_of(call):
    """MiB that a few lines of Python take in a process of their own, libraries and all."""
    if sys.platform != "linux":
        pytest.skip("peak memory is asked of Linux")
    command = [sys.executable, "-W", "error", "-c", _CALL.format(call=call)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return int(done.stdout)
