"""The `verify` command on damaged files: a verdict or a sentence, never a traceback."""

import asyncio
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cngstation.cli import verify as command
from cngstation.hygiene import is_clean
from cngstation.storage.sqlite import connect
from tests.furnished_station import furnish
from tests.unit.services.whole_books import content, tamper

Damage = Callable[[bytearray, random.Random], None]
PAGE = 4096


def _flipped(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _overwritten(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) - 64)
    data[at : at + 64] = chance.randbytes(64)


def _zeroed_page(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) // PAGE) * PAGE
    data[at : at + PAGE] = bytes(PAGE)


def _cut_short(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(100, len(data)) :]


def _swapped_pages(data: bytearray, chance: random.Random) -> None:
    first, second = (n * PAGE for n in chance.sample(range(1, len(data) // PAGE), 2))
    one, two = data[first : first + PAGE], data[second : second + PAGE]
    data[first : first + PAGE], data[second : second + PAGE] = two, one


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with some of everything, folded back into one file."""
    path = tmp_path_factory.mktemp("whole") / "s.db"
    asyncio.run(furnish(path))
    tamper(path)
    return path


def _proved_rows(path: Path) -> list[tuple[Any, ...]]:
    connection = connect(path, read_only=True)
    try:
        return list(content(connection))
    finally:
        connection.close()


def _verdict(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str | None, str]:
    """Run the command in both forms; return code, first bad row, and the sentence."""
    code = command.run(["--database", str(path), "--json", "--language", "en"])
    told = capsys.readouterr()
    assert command.run(["--database", str(path), "--language", "en"]) == code
    said = capsys.readouterr()
    assert is_clean(said.out.strip())
    assert is_clean(said.err.strip())
    if code == command.UNREACHED:
        assert told.out == said.out == ""
        assert told.err.startswith("cngstation verify: ")
        return code, None, told.err
    verdict = json.loads(told.out)
    assert verdict["verify"] == ("failed" if code else "proved")
    return code, verdict["first_bad"], said.out


@pytest.mark.parametrize(
    "damage", [_flipped, _overwritten, _zeroed_page, _cut_short, _swapped_pages]
)
def test_a_damaged_file_ends_in_a_verdict(
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Damage,
) -> None:
    """Exit 1 with the first bad row or 3 with why; 0 only where nothing was hit."""
    chance = random.Random(damage.__name__)
    right = _proved_rows(whole)
    named = 0
    for number in range(60):
        path = tmp_path / f"{number}.db"
        data = bytearray(whole.read_bytes())
        damage(data, chance)
        path.write_bytes(data)
        code, first_bad, said = _verdict(path, capsys)
        assert code in {0, command.WRONG, command.UNREACHED}
        if code == command.WRONG:
            assert first_bad
            assert "NOT proved. First bad row: " in said
        assert path.read_bytes() == data, "verify changes nothing"
        named += code != 0
        if code == 0:
            assert _proved_rows(path) == right
    assert named > 0


def test_one_changed_register_is_the_command_s_first_bad_row(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an insider changed is told by table and row, with exit 1."""
    path = Path(shutil.copy(whole, tmp_path / "s.db"))
    tamper(path, "UPDATE operator SET role = 'general'")
    code, first_bad, said = _verdict(path, capsys)
    assert (code, first_bad) == (command.WRONG, "operator 01 was changed")
    assert said == "The books are NOT proved. First bad row: operator 01 was changed.\n"
