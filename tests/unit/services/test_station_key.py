"""The station's own key: a credential before a file, and a row where it is not read."""

from pathlib import Path

import pytest

from cngstation.config import StationConfig, load_config
from cngstation.services.station_key import signer_of, station_key_file, tell_key
from cngstation.storage import findings
from cngstation.storage.database import Database
from tests.small_station import opened

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def with_key(path: Path) -> StationConfig:
    """Return the example's configuration with its key in a file."""
    config = load_config(EXAMPLE)
    enrolment = config.enrolment.model_copy(update={"station_key": path})
    return config.model_copy(update={"enrolment": enrolment})


async def kinds(db: Database) -> list[str]:
    """Return the rows that are open about the station."""
    found = await db.read(lambda c: findings.open_findings(c, "station"))
    return [row.kind for row in found]


def test_a_credential_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file belongs to its maker; a directory without the key is none."""
    config = with_key(tmp_path / "own")
    assert station_key_file(config) == tmp_path / "own"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert station_key_file(config) == tmp_path / "own"
    (tmp_path / "station-key").write_text("00" * 32)
    assert station_key_file(config) == tmp_path / "station-key"
    assert signer_of(config) is not None


async def test_a_key_that_is_not_read_is_a_row_until_it_is(tmp_path: Path) -> None:
    """Once; a station without a key has none."""
    path = tmp_path / "own"
    config = with_key(path)
    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: tell_key(tx, config))
        assert await kinds(db) == []
        path.write_text("no key")
        for _ in range(2):
            await db.write(lambda tx: tell_key(tx, config))
        assert await kinds(db) == ["station_key_unread"]
        path.write_text("00" * 32)
        await db.write(lambda tx: tell_key(tx, config))
        assert await kinds(db) == []
