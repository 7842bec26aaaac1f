"""The units as systemd reads them: nothing unknown in them, little that they may do."""

import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "systemd").glob("*.service"))
EXAMPLES = sorted((ROOT / "systemd" / "examples").glob("*.conf"))
# Tenths of systemd's exposure: 0 is nothing, 100 everything; below 20 is its best.
MOST_EXPOSED = 7
# With a link or a controller, whose address is the only one that is let through.
MOST_WITH_NETWORK = 15
# The targets of the machine itself are not on the one that is made here.
OURS_ALONE = ("--man=no", "--recursive-errors=no")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return the root of a machine on which the product is installed."""
    units = tmp_path / "etc/systemd/system"
    programs = tmp_path / "opt/cngstation/.venv/bin"
    for folder in (units, programs):
        folder.mkdir(parents=True)
    for unit in (*UNITS, ROOT / "systemd/cngstation.target"):
        shutil.copy(unit, units)
    for unit in UNITS:
        program = programs / unit.stem
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    return tmp_path


def put_in(machine: Path, example: Path) -> list[str]:
    """Put an example in its place; return the units that it is for."""
    said = example.read_text("utf-8")
    wanted = re.findall(r"/etc/systemd/system/(\S+\.service)\.d/", said)
    assert wanted, "an example says where it goes"
    for unit in wanted:
        folder = machine / "etc/systemd/system" / f"{unit}.d"
        folder.mkdir()
        shutil.copy(example, folder)
    return wanted


def analyze(machine: Path, verb: str, *words: str) -> tuple[int, str]:
    """Let systemd judge; return its exit code and what it complains of."""
    done = subprocess.run(
        ["systemd-analyze", verb, f"--root={machine}", "--no-pager", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = done.stderr if verb == "verify" else done.stdout[-2000:] + done.stderr
    return done.returncode, told


def security(machine: Path, unit: str, most: int) -> None:
    """Fail where a unit may do more than so much."""
    code, told = analyze(
        machine, "security", "--offline=true", f"--threshold={most}", unit
    )
    assert code == 0, told


def test_systemd_knows_everything_in_the_units(machine: Path) -> None:
    """No key that it would pass over, no unit that is not there."""
    names = [*(unit.name for unit in UNITS), "cngstation.target"]
    assert analyze(machine, "verify", *OURS_ALONE, *names) == (0, "")


@pytest.mark.parametrize("unit", [unit.name for unit in UNITS])
def test_a_unit_may_do_little(machine: Path, unit: str) -> None:
    """Systemd's own measure, without a systemd that runs."""
    security(machine, unit, MOST_EXPOSED)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_its_units(machine: Path, example: Path) -> None:
    """Known keys, and no more is opened than what it is for."""
    for unit in put_in(machine, example):
        assert analyze(machine, "verify", *OURS_ALONE, unit) == (0, "")
        security(machine, unit, MOST_WITH_NETWORK)


def test_users_and_folders_are_known(machine: Path) -> None:
    """Each unit runs as its own user, and only what has ports is of their group."""
    users = (ROOT / "systemd/cngstation.sysusers").read_text("utf-8")
    programs = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for unit in UNITS:
        said = dict(
            line.split("=", 1)
            for line in unit.read_text("utf-8").splitlines()
            if "=" in line and not line.startswith("#")
        )
        assert said["User"] == unit.stem
        assert f"u {unit.stem} " in users
        assert unit.stem in programs["scripts"]
        has_ports = "DeviceAllow" in said
        assert has_ports == ("SupplementaryGroups" in said)
        assert has_ports != ("PrivateDevices" in said)
    done = subprocess.run(
        ["systemd-sysusers", f"--root={machine}", "--dry-run",
         str(ROOT / "systemd/cngstation.sysusers")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_nobody_takes_the_place_of_a_daemons_socket() -> None:
    """Its folder is writable for the users of the screens: only owners move files."""
    said = (ROOT / "systemd/cngstation.tmpfiles").read_text("utf-8")
    (line,) = re.findall("^d /run/cngstation .*", said, re.MULTILINE)
    assert int(line.split()[2], 8) == stat.S_ISVTX | stat.S_ISGID | 0o770
