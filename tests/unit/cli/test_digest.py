"""`cngstation digest`: a day in words, in both languages."""

import asyncio
from pathlib import Path

import pytest

from cngstation.cli import digest
from cngstation.config import load_config
from cngstation.language import use_language
from cngstation.storage import audit
from cngstation.storage.database import Transaction
from tests.small_station import CASHIER, HandClock, hire, opened
from tests.unit.daemons.test_process import write_config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the configuration of a station that closed a shift by force."""
    path = write_config(tmp_path)

    def unit(tx: Transaction) -> None:
        hire(tx)
        audit.record(tx, CASHIER, "shift.force", "shift 7", reason="crew\x1b[2J left")

    async def make() -> None:
        async with opened(load_config(path).paths.database, HandClock()) as db:
            await db.write(unit)

    asyncio.run(make())
    return path


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Rules overridden: 1", "Shift closed by force  shift 7"]),
        ("zh_CN", ["日报摘要 2026-11-21", "越过规则的操作: 1", "强制结班  shift 7"]),
    ],
)
def test_a_day_is_shown(
    config: Path, capsys: pytest.CaptureFixture[str], language: str, words: list[str]
) -> None:
    """Sums, then rows; nothing that steers the terminal."""
    given = ["--config", str(config), "--day", "2026-11-21", "--lang", language]
    try:
        assert digest.run(given) == 0
    finally:
        use_language("en")
    said = capsys.readouterr().out
    for word in words:
        assert word in said
    assert "\x1b" not in said


def test_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No configuration, no day, no file."""
    assert digest.run(["--config", str(tmp_path / "none")]) == 2
    with pytest.raises(SystemExit) as ended:
        digest.run(["--day", "yesterday"])
    assert ended.value.code == 2
    config = write_config(tmp_path)
    assert digest.run(["--config", str(config)]) == 3
    assert "cngstation digest" in capsys.readouterr().err
