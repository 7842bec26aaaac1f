"""The project file: every dependency, and every rule switched off, says why."""

import re
import tomllib
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
PROJECT = tomllib.loads(TEXT)


def lines_of(*requirements: str) -> dict[str, str]:
    """Return the line of the file on which each requirement stands."""
    return {
        wanted: next(line for line in TEXT.splitlines() if f'"{wanted}"' in line)
        for wanted in requirements
    }


def test_every_dependency_says_what_it_is_for() -> None:
    """A package that nobody can give a reason for is not installed at a station."""
    needed = PROJECT["project"]["dependencies"]
    bare = [
        wanted
        for wanted, line in lines_of(*needed).items()
        if len(line.partition("#")[2].split()) < 2
    ]
    assert bare == []


def test_every_dependency_has_an_oldest_version() -> None:
    """What was tested is the least that is installed."""
    needed = PROJECT["project"]["dependencies"]
    assert [
        n for n in needed if not re.fullmatch(r"[\w-]+(>=|==)[\d.]+(,<[\d.]+)?", n)
    ] == []


def test_every_rule_switched_off_has_its_reason() -> None:
    """An ignored lint rule without a comment is a rule forgotten."""
    ignored = PROJECT["tool"]["ruff"]["lint"]["ignore"]
    assert all("#" in line for line in lines_of(*ignored).values())


@pytest.mark.parametrize("setting", ["strict", "warn_unreachable"])
def test_types_are_checked_strictly(setting: str) -> None:
    """The settings that find most are not switched off quietly."""
    assert PROJECT["tool"]["mypy"][setting] is True


def test_warnings_are_errors() -> None:
    """A warning nobody reads is a failure nobody sees."""
    assert PROJECT["tool"]["pytest"]["ini_options"]["filterwarnings"] == ["error"]
