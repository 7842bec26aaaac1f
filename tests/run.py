"""Runs every check of the project on a bare Debian machine; needs python3 with venv.

    python3 tests/run.py              lint, types, imports, all tests, campaign samples
    python3 tests/run.py --campaigns  the long campaigns, whole
    python3 tests/run.py --bench      the figures, each a ratio

Makes `.venv` in the clone and installs what the tests drive from Debian's packages.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BIN = VENV / "bin"
# Program that a test drives, or file that its build needs, and the Debian package
# that has it. pyscard comes as source alone.
PROGRAMS = {
    "gcc": "gcc",
    "pcscd": "pcscd",
    "swig": "swig",
    "vpcd-config": "vsmartcard-vpcd",
    "/usr/include/PCSC/winscard.h": "libpcsclite-dev",
    "/usr/include/stdlib.h": "libc6-dev",
    f"{sysconfig.get_path('include')}/Python.h": "python3-dev",
    "mifare-desfire-info": "libfreefare-bin",
    "nfc-list": "libnfc-bin",
    "nfc-mfclassic": "libnfc-bin",
    "nfc-poll": "libnfc-examples",
    "strace": "strace",
    "systemd-analyze": "systemd",
    "tmux": "tmux",
}
MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 << 30
CHECKS = (
    ("lint", ["ruff", "check", "."]),
    ("format", ["ruff", "format", "--check", "."]),
    ("types", ["mypy"]),
    ("imports", ["lint-imports"]),
)
# Tests that rely on wire time run alone, after the others.
TESTS = (
    ("tests", ["pytest", "-n", "2", "-m", "not serial_timing and not campaign"]),
    ("tests of wire time", ["pytest", "-m", "serial_timing and not campaign"]),
)
CAMPAIGNS = (("campaigns", ["pytest", "-m", "campaign", "--timeout=7200"]),)
BENCH = (("bench", ["python", "-m", "tests.bench"]),)


def main() -> int:
    """Prepare, run every step, say which failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaigns", action="store_true")
    parser.add_argument("--bench", action="store_true")
    given = parser.parse_args()
    install_programs()
    install_product()
    steps = [*CHECKS, *TESTS]
    if given.campaigns:
        steps = list(CAMPAIGNS)
    elif given.bench:
        steps = list(BENCH)
    failed = [name for name, command in steps if not passes(name, command)]
    print(f"failed: {', '.join(failed)}" if failed else "every step passed", flush=True)
    return 1 if failed else 0


def passes(name: str, command: list[str]) -> bool:
    """Run one step; return whether it passed."""
    print(f"== {name}: {' '.join(command)}", flush=True)
    began = time.monotonic()
    program, *rest = command
    with folder_in_memory() if program == "pytest" else nullcontext("") as folder:
        rest += [f"--basetemp={folder}/t"] if folder else []
        done = subprocess.run(
            [str(BIN / program), *rest], cwd=ROOT, env=environment(folder), check=False
        )
    took = time.monotonic() - began
    verdict = "passed" if done.returncode == 0 else f"FAILED ({done.returncode})"
    print(f"== {name}: {verdict} in {took:.0f} s", flush=True)
    return done.returncode == 0


def environment(folder: str) -> dict[str, str]:
    """Return what every step runs in; `folder` is for what is thrown away, if any."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    made = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV)}
    # Programs of the product are started hundreds of times: compile them once.
    made.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**made, "TMPDIR": folder} if folder else made


@contextmanager
def folder_in_memory() -> Iterator[str]:
    """Make a folder that waits for no disk; none where there is little room for it.

    No test can cut the power, so that none learns anything from waiting. Those that
    measure a disk have a folder of their own in the clone.
    """
    has_room = False
    if MEMORY.is_dir():
        of = os.statvfs(MEMORY)
        has_room = of.f_bavail * of.f_frsize >= ROOM_BYTES
        has_room &= not of.f_flag & os.ST_NOEXEC
    if not has_room:
        yield ""
        return
    with tempfile.TemporaryDirectory(
        prefix="cng-", dir=MEMORY, ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o711)  # another local user gets through, as through /tmp
        yield folder


def install_programs() -> None:
    """Install the Debian packages of the programs that are missing."""
    missing = sorted({p for name, p in PROGRAMS.items() if not is_there(name)})
    if not missing:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
    ):
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def is_there(name: str) -> bool:
    """Tell whether this machine has a program, or a file by its path."""
    return Path(name).exists() if name.startswith("/") else bool(shutil.which(name))


def install_product() -> None:
    """Make `.venv` with the product and the development tools, once per version."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = VENV / "installed"
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    subprocess.run(
        [str(BIN / "pip"), "install", "-q", "--disable-pip-version-check",
         "-e", f"{ROOT}[dev,pcsc]"],
        check=True,
    )  # fmt: skip
    stamp.write_text(wanted, "ascii")


if __name__ == "__main__":
    sys.exit(main())
