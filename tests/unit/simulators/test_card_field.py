"""Cards put into a field and pulled out of it."""

from pathlib import Path

import pytest

from cngstation.simulators.card_field import CardField, Pull, ReaderStuck, TornBlock
from cngstation.simulators.control import HandsRefused
from cngstation.simulators.mifare_classic import CardSilent

UID, OTHER = bytes.fromhex("deadbeef"), bytes.fromhex("01020304")
OPEN = b"\x60\x04" + b"\xff" * 6 + UID
NEW = bytes(range(16))
WRITE = b"\xa0\x04" + NEW
OLD = bytes(16)


@pytest.fixture
def field(tmp_path: Path) -> CardField:
    """A field over a folder with two cards, one of them in the field."""
    made = CardField(tmp_path)
    made.make_blank(UID)
    made.make_blank(OTHER)
    made.insert(UID)
    return made


def stored(tmp_path: Path, block: int = 4) -> bytes:
    """Read a block from the card's file."""
    return (tmp_path / "DEADBEEF.mfd").read_bytes()[block * 16 : block * 16 + 16]


def test_one_card_at_a_time(field: CardField) -> None:
    """A second card is refused, an absent one cannot be taken."""
    with pytest.raises(HandsRefused, match=r"^occupied"):
        field.insert(OTHER)
    field.remove()
    for act in (field.remove, lambda: field.swap(UID)):
        with pytest.raises(HandsRefused, match=r"^empty"):
            act()
    with pytest.raises(HandsRefused, match=r"^unknown"):
        field.insert(b"\0\0\0\0")


def test_a_card_is_in_one_place(field: CardField, tmp_path: Path) -> None:
    """A card in one field cannot come into another until it left the first."""
    elsewhere = CardField(tmp_path)
    with pytest.raises(HandsRefused, match=r"^elsewhere"):
        elsewhere.insert(UID)
    field.swap(OTHER)
    elsewhere.insert(UID)
    with pytest.raises(HandsRefused, match=r"^elsewhere"):
        field.swap(UID)
    found = field.find()
    assert found is not None
    assert found.uid == OTHER


@pytest.mark.parametrize("block", TornBlock)
def test_a_torn_write_leaves_what_was_asked(
    field: CardField, tmp_path: Path, block: TornBlock
) -> None:
    """The block is old, new or garbage; the card is out and its lock is free."""
    field.arm(Pull(nth=2, block=block))
    field.find()
    field.exchange(OPEN)
    with pytest.raises(CardSilent):
        field.exchange(WRITE)
    left = stored(tmp_path)
    if block is TornBlock.GARBAGE:
        assert left not in (OLD, NEW)
    else:
        assert left == (OLD if block is TornBlock.BEFORE else NEW)
    assert field.card is None
    assert field.pulled == {"uid": "DEADBEEF", "command": "A0", "block": 4}
    CardField(tmp_path).insert(UID)


def test_garbage_repeats_with_its_seed(tmp_path: Path) -> None:
    """The same seed tears the same way."""
    seen = []
    for folder in (tmp_path / "1", tmp_path / "2"):
        field = CardField(folder, seed=7)
        field.make_blank(UID)
        field.insert(UID)
        field.arm(Pull(nth=2, block=TornBlock.GARBAGE))
        field.find()
        field.exchange(OPEN)
        with pytest.raises(CardSilent):
            field.exchange(WRITE)
        seen.append(stored(folder))
    assert seen[0] == seen[1]


def test_only_writes_are_counted_when_asked(field: CardField, tmp_path: Path) -> None:
    """Reads and authentications pass; the second write is torn."""
    field.arm(Pull(nth=2, block=TornBlock.BEFORE, only_writes=True))
    field.find()
    for command in (OPEN, b"\x30\x04", WRITE, b"\x30\x04"):
        field.exchange(command)
    with pytest.raises(CardSilent):
        field.exchange(b"\xa0\x05" + NEW)
    assert stored(tmp_path, 4) == NEW
    assert stored(tmp_path, 5) == OLD


@pytest.mark.parametrize("block", [TornBlock.AFTER, TornBlock.GARBAGE])
def test_a_tear_writes_nothing_that_the_card_refuses(
    field: CardField, tmp_path: Path, block: TornBlock
) -> None:
    """Pulling the card during a forbidden write changes nothing."""
    before = stored(tmp_path, 8)
    field.arm(Pull(nth=2, block=block))
    field.find()
    field.exchange(OPEN)
    with pytest.raises(CardSilent):
        field.exchange(b"\xa0\x08" + NEW)
    assert stored(tmp_path, 8) == before


def test_a_tear_in_a_read_only_takes_the_card(field: CardField) -> None:
    """The pull happens in any command; a mute reader does not report it."""
    field.arm(Pull(nth=1, block=TornBlock.AFTER, reader_reports=False))
    field.find()
    with pytest.raises(ReaderStuck):
        field.exchange(OPEN)
    with pytest.raises(CardSilent):
        field.exchange(OPEN)


def test_a_pull_happens_once(field: CardField) -> None:
    """Back in the field, the card works; arming nothing takes a pull back."""
    field.arm(Pull(nth=1, block=TornBlock.BEFORE))
    field.find()
    with pytest.raises(CardSilent):
        field.exchange(OPEN)
    field.insert(UID)
    field.find()
    field.exchange(OPEN)
    field.arm(Pull(nth=1, block=TornBlock.BEFORE))
    field.arm(None)
    field.exchange(OPEN)
    with pytest.raises(ValueError, match="number 1"):
        Pull(nth=0, block=TornBlock.BEFORE)
