"""While another key of cards waits for two people nothing is written or taken."""

from dataclasses import replace

from cngstation.domain.payment import PaymentMode
from cngstation.rpc.contract.counter import ActReply
from cngstation.services.card_keys import (
    CONFIRM,
    MASTER,
    CardKeyWaits,
    KeySet,
    confirm,
    note_keys,
)
from cngstation.storage import card_keys, cards
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import World
from tests.simulation.two_people_paths import FIRST, a_card

MONEY = PaymentMode.PREPAID_MONEY
KEYS = (bytes(16), b"1" * 16)


def started(world: World, key: bytes) -> None:
    """Start with a key file of this key."""
    world.must(note_keys(world.database, [KeySet(MASTER, (key,))]))


def test_nothing_is_written_or_taken_until_the_key_is_confirmed(world: World) -> None:
    """Neither issued nor topped up, nor an act that was cut off gone on with."""
    started(world, KEYS[0])
    other = Chip(b"\x04\x11\x22\x44")
    second = world.issue(other, MONEY, 1_000)
    assert isinstance(second, ActReply)
    chip, key = a_card(world)
    world.reader.put(chip)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, 5_000, act="THE-CUT-OFF", before=10_000)
    till, image = world.account("till:1:cash"), chip.saved()
    started(world, KEYS[1])
    for done in (
        world.top_up(second.card_key, other, 1_000),
        world.issue(Chip(b"\x04\x11\x22\x33"), MONEY, 1_000),
    ):
        assert isinstance(done, CardKeyWaits)
    shown = world.present(chip)
    assert isinstance(shown, tuple)
    settled, view = shown
    assert settled is not None
    assert settled.state == "pending"
    assert view.open_intent_id == "THE-CUT-OFF"
    assert (world.account("till:1:cash"), chip.saved()) == (till, image)
    waiting = card_keys.waiting(world.view)
    assert waiting is not None
    world.must(
        world.database.write(lambda tx: confirm(tx, waiting.subject, "new", FIRST))
    )
    shown = world.present(chip)
    assert isinstance(shown, tuple)
    assert shown[0] is not None
    assert shown[0].state == "done"
    assert isinstance(world.top_up(key, chip, 1_000), ActReply)
    sql = "SELECT act, before, after FROM audit WHERE act=?"
    (row,) = world.view.execute(sql, (CONFIRM,)).fetchall()
    assert row[1].startswith("1 ")
    assert row[2] == waiting.shown
    world.require_proved()


def test_a_card_of_an_older_program_is_known_once_it_is_seen(world: World) -> None:
    """Its row says nothing until then; the sight is a fact, once."""
    chip, key = a_card(world)
    reading = world.reading(chip)
    world.must(world.cards.remember(reading))
    before = cards.find(world.view, key)
    assert before is not None
    assert before.key_version == ""
    sql = "SELECT count(*) FROM register_change WHERE register='card'"
    told = world.view.execute(sql).fetchone()[0]
    seen = replace(reading, key_version=f"{MASTER} 1")
    for _ in range(2):
        world.must(world.cards.remember(seen))
    after = cards.find(world.view, key)
    assert after is not None
    assert after.key_version == f"{MASTER} 1"
    assert world.view.execute(sql).fetchone()[0] == told + 1
    world.require_proved()
