"""Checkpoints in an audit file: where the chain stood, signed by the station."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cngstation import audit_checker
from cngstation.services.anchor_books import EVERY_MS, AnchorKeeper
from cngstation.services.check_anchors import file_of
from cngstation.services.recognise_export import first_difference
from cngstation.storage import audit
from cngstation.storage.database import Database
from tests import audit_files
from tests.audit_files import KEY, Fact, Key, anew, found_wrong
from tests.small_station import CASHIER, HandClock, opened

STATION_NO = "51010001"
NEW_KEY = Key(8)


async def _anchored(
    db: Database, path: Path, clock: HandClock, key: Key | None
) -> None:
    keeper = AnchorKeeper(db, file_of(path), STATION_NO, clock, key)
    await db.write(lambda tx: audit.record(tx, CASHIER, "test", "加气站"))
    clock.forward(EVERY_MS)
    assert await keeper.look_once() is not None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the books are."""
    return tmp_path / "s.db"


async def _text(path: Path, *keys: Key | None, signer: Key | None = KEY) -> bytes:
    """Return the export of books with a checkpoint by each key."""
    clock, target = HandClock(), path.with_name("e.jsonl")
    async with opened(path, clock) as db:
        for key in keys:
            await _anchored(db, path, clock, key)
        await audit_files.export(db, path, target, key=signer)
    assert first_difference(path, target) is None
    return target.read_bytes()


def _checkpoint(
    change: Callable[[Fact], dict[str, Any]],
) -> Callable[[list[Fact]], list[Fact]]:
    """Change the first checkpoint."""

    def made(facts: list[Fact]) -> list[Fact]:
        found = next(fact for fact in facts if fact["fact"] == "checkpoint")
        found |= change(found)
        return facts

    return made


def _counts(text: bytes, *old_keys: bytes, key: bytes = b"") -> tuple[int, int]:
    checker = audit_checker.Checker([], key, old_keys)
    checker.check(io.BytesIO(text))
    return checker.counts["checkpoints"], checker.counts["checkpoints_signed"]


async def test_each_checkpoint_is_proved(path: Path) -> None:
    """By the chain that comes out, and by the key of the file or the one given."""
    text = await _text(path, None, KEY, KEY)
    assert _counts(text) == (3, 2)
    assert _counts(text, key=KEY.public_key) == (3, 2)


async def test_a_changed_checkpoint_is_named(path: Path) -> None:
    """The link of it as it is; hashed anew its head, its place or its signature."""
    text = await _text(path, KEY, KEY)
    at = next(
        json.loads(line)["fact"]["seq"]
        for line in text.splitlines()
        if b'"fact":"checkpoint"' in line
    )
    changed = text.replace(b'"cause":"time"', b'"cause":"rows"', 1)
    wrong = found_wrong(changed)
    assert (wrong.code, wrong.seq) == ("link", at)
    assert "checkpoint" in wrong.sentence(chinese=False)
    cases: dict[str, Callable[[Fact], dict[str, Any]]] = {
        "checkpoint": lambda _: {"of_head": "ab" * 32},
        "checkpoint_signature": lambda was: {"signature": was["signature"][::-1]},
    }
    for code, change in cases.items():
        wrong = found_wrong(anew(text, _checkpoint(change)))
        assert (wrong.code, wrong.seq) == (code, at)
    wrong = found_wrong(anew(text, _checkpoint(lambda _: {"of_seq": at - 2})))
    assert wrong.code == "checkpoint"
    for name, value in (("station_no", "51010002"), ("at_ms", 1), ("boot_id", "b")):
        moved = anew(text, _checkpoint(lambda _, n=name, v=value: {n: v}))
        assert found_wrong(moved).code == "checkpoint_signature", name


async def test_what_is_before_a_checkpoint_was_changed(path: Path) -> None:
    """Who hashes everything anew has no head that the checkpoint names."""
    text = await _text(path, KEY)

    def change(facts: list[Fact]) -> list[Fact]:
        facts[0]["subject"] = "x"
        return facts

    assert found_wrong(anew(text, change)).code == "checkpoint"


async def test_a_key_that_the_station_had_before(path: Path) -> None:
    """Its checkpoints are not the new key's; given, or in the books, it is known."""
    text = await _text(path, KEY, NEW_KEY, signer=NEW_KEY)
    assert found_wrong(text).code == "checkpoint_signature"
    assert _counts(text, KEY.public_key, key=NEW_KEY.public_key) == (2, 2)


async def test_without_any_key_signatures_are_not_counted(path: Path) -> None:
    """The chain alone is proved; with the key given, the file has to be signed."""
    text = await _text(path, KEY, signer=None)
    assert _counts(text) == (1, 0)
    assert found_wrong(text, key=KEY.public_key).code == "unsigned"


async def test_a_station_does_not_know_a_changed_checkpoint(path: Path) -> None:
    """It is named, though the file has its head as it was."""
    text = await _text(path, KEY)
    changed = path.with_name("c.jsonl")
    changed.write_bytes(text.replace(b'"cause":"time"', b'"cause":"rows"', 1))
    said = first_difference(path, changed)
    assert said is not None
    assert "(checkpoint) is not in the books" in str(said)
