"""Style as a test: sizes, banned floats, banned clocks, banned names, bare units."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = [
    p for top in ("cngstation", "daemons", "tui") for p in (ROOT / top).rglob("*.py")
]
TESTS = list((ROOT / "tests").rglob("*.py"))
INTEGER_ONLY = ("units", "domain", "protocols", "storage", "rpc")
# In lines.
LONGEST_MODULE = 400
LONGEST_TEST_MODULE = 450
LONGEST_FUNCTION = 60
LONGEST_DAEMON = 150
# An auditor takes it along as one file.
LONGEST_CHECKER = 1000
CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "now", "utcnow", "today"}
BANNED_NAMES = {
    "mgr", "manager", "util", "utils", "helper", "helpers", "misc", "data2", "tmp",
    "recharge", "pump", "amt", "qty", "bal", "txn", "cfg", "msg", "cnt", "idx",
}  # fmt: skip


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in PRODUCT:
        yield path, ast.parse(path.read_text("utf-8"))


def _inside(path: Path, *parts: str) -> bool:
    relative = (
        path.relative_to(ROOT / "cngstation") if "cngstation" in path.parts else None
    )
    return relative is not None and relative.parts[0].removesuffix(".py") in parts


def test_modules_and_functions_stay_small() -> None:
    """Modules, daemons and functions keep to the sizes above."""
    long = []
    for path, tree in _trees():
        lines = len(path.read_text("utf-8").splitlines())
        limit = LONGEST_DAEMON if path.parent.name == "daemons" else LONGEST_MODULE
        if path.name == "audit_checker.py":
            limit = LONGEST_CHECKER
        if lines > limit:
            long.append(f"{_named(path)}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                if size > LONGEST_FUNCTION:
                    long.append(f"{_named(path)}:{node.lineno} {node.name}: {size}")
    assert not long, "\n".join(long)


def test_each_version_of_the_schema_has_its_own_number() -> None:
    """Two that were made at the same time would be one version to every file."""
    folder = ROOT / "cngstation/storage/migrations"
    numbers = sorted(int(path.name[:4]) for path in folder.glob("*.sql"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_test_modules_stay_small() -> None:
    """What is longer is split by what it asks."""
    sizes = {_named(path): len(path.read_text("utf-8").splitlines()) for path in TESTS}
    long = {name: size for name, size in sizes.items() if size > LONGEST_TEST_MODULE}
    assert not long, long


def test_every_module_says_what_it_is() -> None:
    """The first line of every module is a sentence."""
    bare = [_named(p) for p, tree in _trees() if not ast.get_docstring(tree)]
    assert not bare, bare


def test_money_is_never_a_float() -> None:
    """No float literal, name or true division where money and quantity are handled."""
    found = []
    for path, tree in _trees():
        if not _inside(path, *INTEGER_ONLY):
            continue
        for node in ast.walk(tree):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            name = isinstance(node, ast.Name) and node.id == "float"
            division = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(
                node.op, ast.Div
            )
            on_paths = division and "Path" in ast.dump(node)
            if literal or name or (division and not on_paths):
                found.append(f"{_named(path)}:{getattr(node, 'lineno', 0)}")
    assert not found, found


def test_only_moments_reads_the_clock() -> None:
    """Wall and monotonic time are read in cngstation/moments.py and nowhere else."""
    found = []
    for path, tree in _trees():
        if path.name == "moments.py":
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(
                node.func, ast.Attribute
            ):
                continue
            owner = node.func.value
            if (
                isinstance(owner, ast.Name)
                and owner.id in {"time", "datetime", "date"}
                and node.func.attr in CLOCKS
            ):
                found.append(f"{_named(path)}:{node.lineno}")
    assert not found, found


def test_names_are_the_trades_words() -> None:
    """No module, function, argument or variable has a name that the glossary bans."""
    found = []
    for path, tree in _trees():
        names = {path.stem: 1}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names[node.name] = node.lineno
            elif isinstance(node, ast.arg):
                names[node.arg] = node.lineno
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names[node.id] = node.lineno
        for name, line in names.items():
            words = set(re.split(r"_|(?<=[a-z])(?=[A-Z])", name.strip("_")))
            if BANNED_NAMES & {w.lower() for w in words}:
                found.append(f"{_named(path)}:{line} {name}")
    assert not found, "\n".join(found)


def test_nothing_is_left_for_later() -> None:
    """No marker of unfinished work stands in the product."""
    # Two halves, so that this line does not find itself.
    pattern = re.compile(
        r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|NotImplemented" r"Error"
    )
    found = [
        f"{_named(p)}:{n}"
        for p in PRODUCT
        for n, line in enumerate(p.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, found


def test_the_tree_names_no_machine() -> None:
    """No committed file carries an absolute path of somebody's machine."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.fail("the tidy test reads the list of files from git: run it in a clone")
    pattern = re.compile(rb"/(?:ho" rb"me|wo" rb"rk|Us" rb"ers)/[a-z]")
    found = [
        name.decode()
        for name in listed.stdout.split(b"\0")
        if name
        and (ROOT / name.decode()).is_file()
        and pattern.search((ROOT / name.decode()).read_bytes())
    ]
    assert not found, found
