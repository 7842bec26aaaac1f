"""The project file: every dependency, and every rule switched off, says why."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "pyproject.toml").read_text("utf-8")
PROJECT = tomllib.loads(TEXT)
OURS = ("cngstation", "daemons", "tui")


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


def imported() -> Iterator[str]:
    """Yield the packages of others that the product imports."""
    for path in (file for name in OURS for file in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield (node.module or "").partition(".")[0]


def test_every_package_that_is_imported_is_named() -> None:
    """What only happens to be installed here is missing at a station."""
    listed = PROJECT["project"]["dependencies"]
    listed = [*listed, *PROJECT["project"]["optional-dependencies"]["pcsc"]]
    named = {re.split(r"[><=]", wanted)[0].lower() for wanted in listed}
    # Of these a named dependency is the front.
    fronts = {
        "serial": "pyserial-asyncio",
        "rich": "textual",
        "pydantic_core": "pydantic",
    }
    owners = packages_distributions()
    missing = {
        module
        for module in set(imported()) - set(sys.stdlib_module_names) - set(OURS)
        if fronts.get(module) not in named
        and not {owner.lower() for owner in owners.get(module, [])} & named
    }
    assert missing == set()


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
