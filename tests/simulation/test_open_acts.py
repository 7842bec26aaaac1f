"""What an act that was left open meets: fills, records, other images, dead chips."""

from dataclasses import replace

import pytest

from cngstation.domain.card_life import CardState as Life
from cngstation.errors import StationError
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import LAST_GEN, encode_slot
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.storage import cards, journal
from cngstation.storage.database import Transaction
from tests.simulation.money_cards import GARBAGE, MASTER_KEY, Chip, Fault, PowerCut
from tests.simulation.money_proof import Holder, Proof, started
from tests.simulation.money_world import FEE, World
from tests.simulation.prepaid_card import (
    ACT,
    ADDED,
    FIRST,
    GAS,
    MONEY,
    new_card,
    require,
)


def test_fill_between_a_lost_answer_and_the_next_tap(world: World) -> None:
    """Equal balances do not deceive: 100, 50 added unheard, 50 filled, reads 100."""
    chip, key = new_card(world, GAS)
    world.reader.arm(Fault.ANSWER_LOST, 2, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    record = world.fill(chip, ADDED)
    assert world.balance_on(chip) == FIRST
    world.present(chip)
    assert world.find(ACT).state is ActState.DONE
    assert world.balance_on(chip) == FIRST
    world.upload(0, record)
    require(world, chip, GAS, [record])


def test_customer_leaves_and_the_record_proves_the_write(world: World) -> None:
    """A fill with the new counter ends an act in doubt; the tap changes nothing."""
    chip, key = new_card(world, MONEY)
    world.reader.arm(Fault.ANSWER_LOST, 2, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    record = world.fill(chip, 333)
    world.upload(0, record)
    end = world.find(ACT)
    assert (end.state, end.receipt_no) == (ActState.DONE, 2)
    before = world.balance_on(chip)
    world.present(chip)
    assert world.balance_on(chip) == before
    require(world, chip, MONEY, [record])


def test_record_overtakes_the_counter(world: World) -> None:
    """A fill ends the act before the counter says that it is in doubt: it stays ended.

    The card was written, nobody heard it, and the driver filled while the reader was
    still waiting; reopening the act here would load the card twice.
    """
    chip, key = new_card(world, MONEY)
    database, brought = world.database, []

    async def fill_and_upload() -> None:
        record = await world.dispensers[0].fill(chip, 333)
        await world.book.book(world.dispensers[0].setting, record, "poll")
        brought.append(record)

    async def next_commit() -> None:
        database.meanwhile = fill_and_upload

    database.meanwhile = next_commit
    world.reader.arm(Fault.ANSWER_LOST, 2, writes=True)
    told = world.top_up(key, chip, ADDED, act=ACT)
    assert isinstance(told, ActReply)
    assert (told.state, told.receipt_no) == (ActState.DONE, 2)
    world.present(chip)
    require(world, chip, MONEY, brought)


def test_grey_while_open_waits_for_the_collection(world: World) -> None:
    """A card that became grey takes no write: the act goes on after the collection."""
    chip, key = new_card(world, MONEY)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    grey = world.fill(chip, 1_000, leaves=True)
    world.present(chip)
    assert world.find(ACT).state is ActState.PENDING
    made_up = world.must(world.dispensers[1].collect(chip, grey))
    world.upload(1, made_up)  # out of order: the collection comes before its fill
    world.upload(0, grey)
    world.present(chip)
    assert world.find(ACT).state is ActState.DONE
    open_rows = world.view.execute(
        "SELECT kind FROM finding f WHERE kind='grey_card' AND NOT EXISTS"
        " (SELECT 1 FROM finding_closed c WHERE c.finding_seq=f.seq)"
    ).fetchall()
    assert open_rows == []
    holder = Holder(chip, MONEY, ACT, key)
    holder.fills += [(0, grey), (1, made_up)]
    proof = Proof([holder], {(0, started(grey)), (1, started(made_up))})
    proof.check(world)


def test_give_back_while_the_card_is_being_written(world: World) -> None:
    """Cash goes back only for a card that stays unwritten: the settling wins."""
    chip, key = new_card(world, MONEY)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    world.reader.put(chip)
    database = world.database

    async def settled_meanwhile() -> None:
        # Another screen settled between the reading of give_back and its commit.
        database.meanwhile = None
        await world._presented(chip)

    database.meanwhile = settled_meanwhile
    world.must(_give_back_with_old_reading(world, chip))
    assert world.find(ACT).state is ActState.DONE
    assert world.balance_on(chip) == FIRST + ADDED
    require(world, chip, MONEY)


async def _give_back_with_old_reading(world: World, chip: Chip) -> None:
    async with world.watch.borrow() as port:
        reading = await port.read(chip.uid)
    intent = await world.database.read(lambda c: journal.find(c, ACT))
    assert intent is not None
    await world.acts.give_back(intent, reading, "02")


def test_give_back_needs_the_proof_of_both_copies(world: World) -> None:
    """A copy that does not open may be the written one: no cash on the other's word."""
    chip, key = new_card(world, MONEY)
    world.reader.arm(Fault.ANSWER_LOST, 2, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    world.reader.refuses_sector = 2  # slot B, which holds the top-up
    told = world.give_back(ACT, chip)
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING
    world.reader.refuses_sector = None
    world.present(chip)
    assert world.find(ACT).state is ActState.DONE
    assert world.account("till:1:cash") == 100 * (FIRST + ADDED) + FEE.e4


def test_given_back_issue_frees_the_chip(world: World) -> None:
    """After a torn issue is given back, the same chip can be issued anew."""
    chip = Chip(bytes.fromhex("04a1b2c3"))
    world.reader.arm(Fault.PULLED, 5, writes=True)
    world.issue(chip, MONEY, FIRST, ACT)
    told = world.give_back(ACT, chip)
    assert isinstance(told, ActReply)
    assert told.state is ActState.GIVEN_BACK
    assert "give {cash} yuan" in told.text
    assert world.account("till:1:cash") == 0
    again = world.issue(chip, GAS, FIRST)
    assert isinstance(again, ActReply)
    assert again.state is ActState.DONE
    require(world, chip, GAS)


def test_wiped_chip_of_a_card_is_not_issued_again(world: World) -> None:
    """A blank chip with a registered card's number is a copy: refused, no cash."""
    chip, _ = new_card(world, MONEY)
    refused = world.issue(Chip(chip.uid), MONEY, FIRST)
    assert isinstance(refused, StationError)
    assert refused.code == "refusal.chip_in_register"
    world.require_proved()


def test_blank_copy_does_not_end_an_open_act(world: World) -> None:
    """A blank chip with the number of a card in doubt proves nothing."""
    chip, key = new_card(world, MONEY)
    world.reader.arm(Fault.ANSWER_LOST, 2, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    world.present(Chip(chip.uid))
    assert world.find(ACT).state is ActState.PENDING
    told = world.give_back(ACT, Chip(chip.uid))
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING


def test_both_copies_garbage_is_scrapped(world: World) -> None:
    """A card neither before nor after is waste: its money stays in the books."""
    chip, key = new_card(world, MONEY)
    world.present(chip)
    world.reader.arm(Fault.TORN, 1, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    chip.write_block(6, GARBAGE)
    chip.write_block(10, GARBAGE)
    world.present(chip)
    end = world.find(ACT)
    assert end.state is ActState.SCRAPPED
    assert world.account(f"card:{key}") == -100 * (FIRST + ADDED)
    world.require_proved()


def test_damaged_info_does_not_stop_an_act(world: World) -> None:
    """The purse proves an act by itself; the card without its info is only shown."""
    chip, key = new_card(world, MONEY)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    chip.write_block(12, GARBAGE)
    shown = world.present(chip)
    assert not isinstance(shown, StationError | PowerCut)
    assert shown[1].on_reader == "unreadable"
    assert world.find(ACT).state is ActState.DONE


@pytest.mark.parametrize("trailer", [15, 11, 7])
def test_access_bits_gone_bad_end_in_scrap(world: World, trailer: int) -> None:
    """A sector that lets its key in and then refuses everything is dead."""
    chip = Chip(bytes.fromhex("04a1b2c3"))
    writes = {15: 4, 11: 5, 7: 6}[trailer]
    world.reader.arm(Fault.PULLED, writes, writes=True)
    world.issue(chip, MONEY, FIRST, ACT)
    whole = bytearray(chip.read_block(trailer))
    whole[6:9] = bytes(3)
    chip.write_block(trailer, bytes(whole))
    world.present(chip)
    assert world.find(ACT).state is ActState.SCRAPPED
    world.require_proved()


def test_card_at_the_end_of_a_counter_is_refused_before_cash(world: World) -> None:
    """What the card could not hold is refused before money is taken, not after."""
    chip, key = new_card(world, MONEY)
    purse = world.reading(chip).purse
    assert purse is not None
    keys = CardKeys(MASTER_KEY, chip.uid)
    image = encode_slot(replace(purse, gen=LAST_GEN), keys)
    for block in range(3):
        chip.write_block(4 + block, image[16 * block : 16 * block + 16])
    refused = world.top_up(key, chip, ADDED, act=ACT)
    assert isinstance(refused, StationError)
    assert refused.code == "refusal.counter_exhausted"
    assert world.find(ACT).state is ActState.UNKNOWN


def test_lost_card_is_not_loaded_by_its_open_act(world: World) -> None:
    """I15: an act that is open when its card is taken out of use waits for people."""
    chip, key = new_card(world, MONEY)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)

    def lost(tx: Transaction) -> None:
        cards.change(tx, key, reason="reported lost", state=Life.LOST)

    world.must(world.database.write(lost))
    world.present(chip)
    assert world.find(ACT).state is ActState.PENDING
    assert world.balance_on(chip) == FIRST
