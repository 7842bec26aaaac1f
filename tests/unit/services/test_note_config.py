"""The configuration is in the books: its digest, and each key that is another."""

import asyncio
from pathlib import Path

from cngstation.config import load_config
from cngstation.config.sections import StationConfig
from cngstation.domain.digest import Happened, Section, section_of
from cngstation.services.note_config import (
    digest_of,
    note_config,
    noted_digest,
    said_by,
)
from cngstation.services.open_rows import open_rows
from cngstation.services.verify_books import verify_file
from cngstation.storage import findings
from cngstation.storage.database import Database
from cngstation.storage.sqlite import Connection
from cngstation.units import Money
from tests.small_station import opened

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def changed(section: str, **values: object) -> StationConfig:
    """Return the example's configuration with other values in a section."""
    config = load_config(EXAMPLE)
    old = getattr(config, section)
    return config.model_copy(update={section: old.model_copy(update=values)})


async def rows(db: Database, since: int = 0) -> list[tuple[str, str, str, str]]:
    """Return what is written down of the configuration."""

    def question(connection: Connection) -> list[tuple[str, str, str, str]]:
        return connection.execute(
            "SELECT act, subject, before, after FROM audit WHERE seq > ? ORDER BY seq",
            (since,),
        ).fetchall()

    return await db.read(question)


async def test_what_another_file_says_is_a_row_with_before_and_after(
    tmp_path: Path,
) -> None:
    """Once, whichever program starts first; what is not named has its default."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        await note_config(db, load_config(EXAMPLE))
        first = await rows(db)
        said = dict(said_by(load_config(EXAMPLE)))
        assert {(f"config.{key}", value) for key, value in said.items()} | {
            ("config.read", digest_of(said))
        } == {(subject, after) for _, subject, _, after in first}
        assert said["lines.east.baud"] == "38400"
        assert said["lines.east.nozzles.2.unit"] == "m3"
        seq = len(first)
        await note_config(db, load_config(EXAMPLE))
        assert len(await rows(db)) == seq
        loose = changed("security", require_staff_card="all", wrong_tries=9)
        await asyncio.gather(*(note_config(db, loose) for _ in range(3)))
        told = await rows(db, seq)
        assert told == [
            ("config.set", "config.security.require_staff_card", "", "all"),
            ("config.set", "config.security.wrong_tries", "", "9"),
            ("config.read", "config.read", "", digest_of(said_by(loose))),
        ]
        await note_config(db, load_config(EXAMPLE))
        back = await rows(db, seq + 3)
        assert ("config.set", "config.security.wrong_tries", "9", "") in back
        assert await db.read(noted_digest) == digest_of(said)
    assert verify_file(path).proved


async def test_a_file_that_holds_back_less_opens_a_row_each(tmp_path: Path) -> None:
    """From what the books know, the default of a key included; tighter ones do not."""
    async with opened(tmp_path / "s.db") as db:
        await note_config(db, changed("limits", by_hand_yuan=Money.from_fen(30_000)))
        await note_config(db, changed("limits", by_hand_yuan=Money.from_fen(10_000)))
        assert not await db.read(findings.open_findings)
        loose = changed("security", wrong_tries=9, idle_lock_minutes=5)
        loose = loose.model_copy(
            update={"shifts": loose.shifts.model_copy(update={"blind_count": False})}
        )
        await note_config(db, loose)
        rows = await db.read(open_rows)
        told = {
            (fact["key"], fact["before"], fact["after"])
            for fact in ({f.name: f.value for f in row.facts} for row in rows)
        }
        assert told == {
            ("limits.by_hand_yuan", "1000000", "2000000"),
            ("security.wrong_tries", "3", "9"),
            ("shifts.blind_count", "true", "false"),
        }
        assert {row.people for row in rows} == {1}


def test_a_change_of_the_file_stands_in_the_digest_of_the_day() -> None:
    """It may loosen what the counter holds."""
    row = Happened(
        seq=1, at_ms=1, act="config.set", subject="config.security.wrong_tries",
        outcome="done", operator_no="", terminal="station", reason="", before="3",
        after="9",
    )  # fmt: skip
    assert section_of(row) is Section.STATION
