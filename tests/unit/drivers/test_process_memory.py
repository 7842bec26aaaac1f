"""No dump of a process that holds keys and personal numbers."""

import subprocess
import sys

_LOOK = """
import resource
from cngstation.drivers.process_memory import is_dumpable, keep_memory_private
print(is_dumpable())
keep_memory_private()
print(is_dumpable(), resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_a_process_is_not_dumped() -> None:
    """Neither by the limit nor by a handler that the kernel pipes dumps to."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["True", "False (0, 0)"]
