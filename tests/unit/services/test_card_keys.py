"""Another key of cards is noted at start, waits for two people, and is never told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.domain.digest import Happened, Section, section_of
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.versioned_cards import NamedKeys, VersionedCards
from cngstation.protocols.card_image.purse import CardState
from cngstation.services.card_keys import (
    FUEL,
    MASTER,
    CardKeyWaits,
    KeySet,
    check_value,
    confirm,
    note_keys,
    require_keys,
)
from cngstation.services.read_credentials import read_keys
from cngstation.services.verify_books import verify_file
from cngstation.storage import card_keys, findings
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database
from tests.small_station import opened
from tests.unit.drivers.fake_mifare import INFO, PURSE, UID, issued
from tests.unit.drivers.fake_mifare import MASTER as CARD_KEY

OLD, NEW, THIRD = bytes(range(16)), b"\x01" * 16, b"\x02" * 16
BOSS = Actor("01", "test")


async def noted(database: Database, *keys: bytes) -> tuple[int, ...]:
    """Start with a file of these keys, the one in force first."""
    return (await note_keys(database, [KeySet(MASTER, keys)]))[MASTER]


async def waits(database: Database) -> Sequence[str]:
    """Return what the open rows are about, and hold the guard to it."""
    rows = await database.read(findings.open_findings)
    found = [row.subject for row in rows if row.kind == "card_key_waits"]
    if found:
        with pytest.raises(CardKeyWaits):
            await database.read(require_keys)
    else:
        await database.read(require_keys)
    return found


async def confirmed(database: Database) -> None:
    """Close the rows as two people do."""
    for row in await database.read(findings.open_findings):
        await database.write(lambda tx, r=row: confirm(tx, r.subject, "new", BOSS))
        await database.write(
            lambda tx, r=row: findings.close_finding(tx, r.seq, "new", "01")
        )


async def states(database: Database) -> dict[int, str]:
    """Return each version's state."""
    known = await database.read(card_keys.every)
    return {one.version: one.state for one in known}


async def test_another_key_waits_for_two_and_leaves_a_row(tmp_path: Path) -> None:
    """The first is taken as it is; a swapped one is named with both check values."""
    path = tmp_path / "s.db"
    before, after = (f"1 {check_value(MASTER, OLD)}", f"2 {check_value(MASTER, NEW)}")
    async with opened(path) as database:
        assert await noted(database, OLD) == (1,)
        assert await noted(database, OLD) == (1,)
        assert await waits(database) == []
        for _ in range(2):
            assert await noted(database, NEW) == (2,)
            assert await waits(database) == [f"{MASTER} {after}"]
        acts = await database.read(
            lambda c: c.execute("SELECT act, before, after FROM audit").fetchall()
        )
        assert acts == [
            ("card_key.first", "", before),
            ("card_key.changed", before, after),
        ]
        await confirmed(database)
        assert await waits(database) == []
        assert await noted(database, NEW) == (2,)
        assert await states(database) == {1: "old", 2: "in_force"}
        assert await noted(database, OLD) == (1,)
        assert await waits(database) == [f"{MASTER} {before}"]
    assert verify_file(path).proved
    for key in (OLD, NEW):
        assert key not in path.read_bytes()
        assert key.hex() not in path.read_bytes().decode("latin-1").lower()


async def test_a_key_that_is_put_back_leaves_nothing_to_confirm(tmp_path: Path) -> None:
    """And waits again when it comes a second time."""
    async with opened(tmp_path / "s.db") as database:
        await noted(database, OLD)
        await noted(database, NEW)
        await noted(database, OLD)
        assert await waits(database) == []
        assert await states(database) == {1: "in_force", 2: "gone"}
        await noted(database, NEW)
        assert len(await waits(database)) == 1


async def test_a_file_that_is_named_no_more_holds_nothing_up(tmp_path: Path) -> None:
    """Its key waited; cards of the other keys are written again, the row is gone."""
    async with opened(tmp_path / "s.db") as database:
        master = KeySet(MASTER, (OLD,))
        await note_keys(database, [master, KeySet(FUEL, (OLD,))])
        await note_keys(database, [master, KeySet(FUEL, (NEW,))])
        assert len(await waits(database)) == 1
        await note_keys(database, [master])
        assert await waits(database) == []


async def test_older_keys_in_the_file_are_versions_too(tmp_path: Path) -> None:
    """One that is known needs nobody; one that never was in force waits like any."""
    async with opened(tmp_path / "s.db") as database:
        assert await noted(database, NEW, OLD) == (2, 1)
        assert await states(database) == {1: "old", 2: "in_force"}
        assert await noted(database, NEW, THIRD) == (2, 3)
        assert len(await waits(database)) == 1
        await confirmed(database)
        assert await states(database) == {1: "old", 2: "in_force", 3: "old"}


def test_a_check_value_tells_keys_apart_and_nothing_of_them() -> None:
    """Equal keys of two files are not seen to be equal."""
    checks = {check_value(name, key) for name in ("a", "b") for key in (OLD, NEW)}
    assert len(checks) == 4
    assert all(len(check) == 16 for check in checks)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (OLD.hex(), (OLD,)),
        (f"{NEW.hex()}\n{OLD.hex()}\n", (NEW, OLD)),
        (f"{NEW.hex()}\n\n{NEW.hex()}", (NEW,)),
        (OLD.hex(" ", 8).replace(" ", "\n"), (OLD,)),
        (OLD.hex() + "ffff", (OLD,)),
    ],
)
def test_a_key_file_has_the_key_in_force_first(
    tmp_path: Path, text: str, keys: tuple[bytes, ...]
) -> None:
    """Older ones follow, a line each; files of one key stay what they were."""
    path = tmp_path / "key"
    path.write_text(text, "ascii")
    assert read_keys(path, 16) == keys


async def test_cards_are_read_and_written_with_their_own_version() -> None:
    """A card of an older key is known as such; nothing is written while one waits."""
    reader, _ = await issued()
    allowed: list[bool] = []

    async def may_write() -> None:
        if not allowed:
            raise CardKeyWaits(name="key", check="x")

    made = [
        NamedKeys(MifarePurseCard(reader, key), f"key {2 - place}")
        for place, key in enumerate((NEW, CARD_KEY))
    ]
    card = VersionedCards(made, may_write)
    found = await card.read(UID)
    assert (found.state, found.key_version) == (CardState.OURS, "key 1")
    assert found.purse is not None
    more = replace(found.purse, balance=7, wseq=found.purse.wseq + 1)
    for write in (
        lambda: card.write_purse(found, more),
        lambda: card.write_info(UID, INFO),
        lambda: card.personalise(UID, PURSE, INFO),
        lambda: card.wipe(found),
    ):
        with pytest.raises(CardKeyWaits):
            await write()
    assert await card.read(UID) == found
    allowed.append(True)
    await card.write_purse(found, more)
    again = await card.read(UID)
    assert again.purse is not None
    assert (again.purse.balance, again.key_version) == (7, "key 1")
    await card.wipe(again)
    blank = await card.read(UID)
    assert (blank.state, blank.key_version) == (CardState.BLANK, "key 2")
    alone = VersionedCards(made[:1], may_write)
    await card.personalise(UID, PURSE, INFO)
    assert (await alone.read(UID)).key_version == "key 2"


def test_a_changed_key_stands_in_the_digest() -> None:
    """Under the station's own."""
    row = Happened(
        seq=1, at_ms=1, act="card_key.changed", subject=MASTER, outcome="done",
        operator_no="", terminal="station", reason="", before="1", after="2",
    )  # fmt: skip
    assert section_of(row) is Section.STATION
