"""Every cut of a top-up and of an issue: what is on the disk, said, and recovered.

The rows are those of the sequence hold, write, read back, finish. Each case reaches its
cut, lays the card on the reader again and requires that the money is there once.
"""

from dataclasses import dataclass, replace

import pytest

from cngstation.domain.card_life import CardState as Life
from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import LAST_GEN, CardState, encode_slot
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.storage import cards, journal
from cngstation.storage.database import Transaction
from tests.simulation.money_cards import GARBAGE, MASTER_KEY, Chip, Fault, PowerCut
from tests.simulation.money_proof import Holder, Proof, started
from tests.simulation.money_world import FEE, CommitFault, World, price_of

MONEY, GAS = PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY
PREPAID = [MONEY, GAS]
FIRST, ADDED = 10_000, 5_000
ACT = "ACT-UNDER-TEST"


@dataclass(frozen=True)
class Cut:
    """Where a top-up is cut off, and what has to be found then."""

    name: str
    place: str  # commit, write or command
    fault: Fault | CommitFault
    countdown: int
    disk: str | None  # the act's state after the cut; None: it was never accepted
    said: type  # what the cashier gets
    on_card: str  # before, after or torn
    again: ActState  # how the act stands after the card was laid on again


_POWER, _TOLD, _ERROR = PowerCut, ActReply, StationError
CUTS = [
    Cut("before S2: the card is pulled at the first look", "command", Fault.PULLED, 3,
        None, _ERROR, "before", ActState.UNKNOWN),
    Cut("before S2: the power goes at the first look", "command", Fault.CUT_BEFORE, 3,
        None, _POWER, "before", ActState.UNKNOWN),
    Cut("S2: the power goes before COMMIT 1", "commit", CommitFault.CUT_BEFORE, 0,
        None, _POWER, "before", ActState.UNKNOWN),
    Cut("S2: COMMIT 1 raises and is not durable", "commit", CommitFault.ERROR_LOST, 0,
        None, _ERROR, "before", ActState.UNKNOWN),
    Cut("S2: COMMIT 1 raises and is durable", "commit", CommitFault.ERROR_DURABLE, 0,
        "INDOUBT", _ERROR, "before", ActState.DONE),
    Cut("S2-S4: the power goes after COMMIT 1", "commit", CommitFault.CUT_AFTER, 0,
        "INDOUBT", _POWER, "before", ActState.DONE),
    Cut("S3: the card is gone at the second look", "command", Fault.PULLED, 18,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S3: the reader dies at the second look", "command", Fault.READER_DIES, 20,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S3: the reader talks nonsense", "command", Fault.NONSENSE, 20,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: the card is pulled before a block", "write", Fault.PULLED, 0,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: torn in the first block", "write", Fault.TORN, 0,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: torn in the second block", "write", Fault.TORN, 1,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: torn in the last block", "write", Fault.TORN, 2,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: pulled between the blocks", "write", Fault.ANSWER_LOST, 1,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: the power goes in the last block", "write", Fault.CUT_INSIDE, 2,
        "INDOUBT", _POWER, "before", ActState.DONE),
    Cut("S4: the power goes before the last block", "write", Fault.CUT_BEFORE, 2,
        "INDOUBT", _POWER, "before", ActState.DONE),
    Cut("S4-S6: written, the answer is lost", "write", Fault.ANSWER_LOST, 2,
        "INDOUBT", _TOLD, "after", ActState.DONE),
    Cut("S4-S6: written, the power goes", "write", Fault.CUT_AFTER, 2,
        "INDOUBT", _POWER, "after", ActState.DONE),
    Cut("S5: the card is gone at the reading back", "command", Fault.PULLED, 32,
        "INDOUBT", _TOLD, "after", ActState.DONE),
    Cut("S5: the card stays and did not take it", "write", Fault.NOT_HEARD, 2,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S6: the power goes before COMMIT 2", "commit", CommitFault.CUT_BEFORE, 1,
        "INDOUBT", _POWER, "after", ActState.DONE),
    Cut("S6: COMMIT 2 raises and is not durable", "commit", CommitFault.ERROR_LOST, 1,
        "INDOUBT", _ERROR, "after", ActState.DONE),
    Cut("S6: COMMIT 2 raises and is durable", "commit", CommitFault.ERROR_DURABLE, 1,
        "DONE", _ERROR, "after", ActState.DONE),
    Cut("S6-S8: the power goes after COMMIT 2", "commit", CommitFault.CUT_AFTER, 1,
        "DONE", _POWER, "after", ActState.DONE),
]  # fmt: skip


@pytest.mark.parametrize("mode", PREPAID)
@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
def test_top_up_cut_off_anywhere(world: World, cut: Cut, mode: PaymentMode) -> None:
    """Wherever a top-up is cut, the next tap ends it and the money is there once."""
    chip, key = _card(world, mode)
    _arm(world, cut)
    told = world.top_up(key, chip, ADDED, act=ACT)

    assert isinstance(told, cut.said), told
    if isinstance(told, ActReply):
        assert told.state is ActState.PENDING
        assert "not finished" in told.text
        assert "Lay the same card on the reader again" in told.text
    state = {act["intent_id"]: act["state"] for act in world.intents()}.get(ACT)
    assert state == cut.disk
    wanted = {"before": FIRST, "after": FIRST + ADDED}[cut.on_card]
    assert world.balance_on(chip) == wanted
    cash = price_of(mode, ADDED).e4
    taken = world.account("till:1:cash") - (price_of(mode, FIRST) + FEE).e4
    assert taken == (cash if cut.disk else 0)
    _require(world, chip, mode)

    shown = world.present(chip)
    assert not isinstance(shown, StationError | PowerCut), shown
    assert world.find(ACT).state is cut.again
    done = cut.again is ActState.DONE
    assert world.balance_on(chip) == FIRST + (ADDED if done else 0)
    _require(world, chip, mode)

    # The screen asks again with the same id: it gets the same act, or makes it now.
    repeated = world.top_up(key, chip, ADDED, before=FIRST, act=ACT)
    assert isinstance(repeated, ActReply)
    assert repeated.state is ActState.DONE
    assert repeated.receipt_no > 0
    assert world.balance_on(chip) == FIRST + ADDED
    _require(world, chip, mode)


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.REFUSED])
@pytest.mark.parametrize("kind", ["issue", "top_up"])
def test_every_block_write_can_fail(kind: str, fault: Fault) -> None:
    """At every block write a fault leaves money that is found again.

    A chip that a tear has killed is scrapped; its money stays in the books.
    """
    writes = {"issue": 9, "top_up": 3}[kind]
    struck = [_fails_at(kind, fault, "write", at) for at in range(writes + 1)]
    assert struck == [True] * writes + [False]


@pytest.mark.parametrize(
    "fault",
    [Fault.PULLED, Fault.READER_DIES, Fault.NONSENSE, Fault.REFUSED, Fault.CUT_BEFORE],
)
@pytest.mark.parametrize("kind", ["issue", "top_up"])
def test_every_part_of_an_act_can_fail(kind: str, fault: Fault) -> None:
    """Looking, opening, reading and reading back may fail: the next tap goes on."""
    at = 0
    while _fails_at(kind, fault, "command", at):
        at += 3
    assert at > 30


def _fails_at(kind: str, fault: Fault, place: str, countdown: int) -> bool:
    world = World()
    try:
        return _ends_well(world, kind, fault, place, countdown)
    finally:
        world.close()


def _ends_well(
    world: World, kind: str, fault: Fault, place: str, countdown: int
) -> bool:
    chip = Chip(bytes.fromhex("04a1b2c3"))
    key = ""
    if kind == "top_up":
        chip, key = _card(world, MONEY)
    world.reader.arm(fault, countdown, writes=place == "write")
    if kind == "issue":
        world.issue(chip, MONEY, FIRST, ACT)
    else:
        world.top_up(key, chip, ADDED, act=ACT)
    struck = world.reader.fault is None or world.starts > 1
    world.reader.arm(None, writes=True)
    world.require_proved()
    shown = world.present(chip)
    assert not isinstance(shown, StationError | PowerCut), shown
    end = world.find(ACT)
    assert end.state in {ActState.DONE, ActState.UNKNOWN, ActState.SCRAPPED}
    if end.state is ActState.SCRAPPED:
        assert "Report it lost and replace it" in end.text
        assert fault in {Fault.TORN, Fault.CUT_INSIDE}
        assert kind == "issue"
        assert world.account(f"card:{end.card_key}") == -100 * FIRST
    elif end.state is ActState.DONE:
        wanted = FIRST if kind == "issue" else FIRST + ADDED
        assert world.balance_on(chip) == wanted
        assert world.account(f"card:{end.card_key}") == -100 * wanted
    world.require_proved()
    return struck


@pytest.mark.parametrize("fault", list(CommitFault))
@pytest.mark.parametrize("countdown", [0, 1])
@pytest.mark.parametrize("mode", list(PaymentMode))
def test_issue_cut_off_at_its_commits(
    world: World, mode: PaymentMode, countdown: int, fault: CommitFault
) -> None:
    """An issue that is cut at a commit is finished by the same chip, in every mode."""
    chip = Chip(bytes.fromhex("04a1b2c3"))
    amount = FIRST if mode.prepaid else 0
    world.database.fault, world.database.countdown = fault, countdown
    told = world.issue(chip, mode, amount, ACT)
    assert isinstance(told, PowerCut | StationError)
    world.present(chip)
    if world.find(ACT).state is ActState.UNKNOWN:
        assert world.account("till:1:cash") == 0
        world.issue(chip, mode, amount, ACT)
    assert world.find(ACT).state is ActState.DONE
    assert world.reading(chip).state is CardState.OURS
    _require(world, chip, mode)


def test_fill_between_a_lost_answer_and_the_next_tap(world: World) -> None:
    """Equal balances do not deceive: 100, 50 added unheard, 50 filled, reads 100."""
    chip, key = _card(world, GAS)
    world.reader.arm(Fault.ANSWER_LOST, 2, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    record = world.fill(chip, ADDED)
    assert world.balance_on(chip) == FIRST
    world.present(chip)
    assert world.find(ACT).state is ActState.DONE
    assert world.balance_on(chip) == FIRST
    world.upload(0, record)
    _require(world, chip, GAS, [record])


def test_customer_leaves_and_the_record_proves_the_write(world: World) -> None:
    """A fill with the new counter ends an act in doubt; the tap changes nothing."""
    chip, key = _card(world, MONEY)
    world.reader.arm(Fault.ANSWER_LOST, 2, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    record = world.fill(chip, 333)
    world.upload(0, record)
    end = world.find(ACT)
    assert (end.state, end.receipt_no) == (ActState.DONE, 2)
    before = world.balance_on(chip)
    world.present(chip)
    assert world.balance_on(chip) == before
    _require(world, chip, MONEY, [record])


def test_record_overtakes_the_counter(world: World) -> None:
    """A fill ends the act before the counter says that it is in doubt: it stays ended.

    The card was written, nobody heard it, and the driver filled while the reader was
    still waiting; reopening the act here would load the card twice.
    """
    chip, key = _card(world, MONEY)
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
    _require(world, chip, MONEY, brought)


def test_grey_while_open_waits_for_the_collection(world: World) -> None:
    """A card that became grey takes no write: the act goes on after the collection."""
    chip, key = _card(world, MONEY)
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
    chip, key = _card(world, MONEY)
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
    _require(world, chip, MONEY)


async def _give_back_with_old_reading(world: World, chip: Chip) -> None:
    async with world.watch.borrow() as port:
        reading = await port.read(chip.uid)
    intent = await world.database.read(lambda c: journal.find(c, ACT))
    assert intent is not None
    await world.acts.give_back(intent, reading, "02")


def test_give_back_needs_the_proof_of_both_copies(world: World) -> None:
    """A copy that does not open may be the written one: no cash on the other's word."""
    chip, key = _card(world, MONEY)
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
    _require(world, chip, GAS)


def test_wiped_chip_of_a_card_is_not_issued_again(world: World) -> None:
    """A blank chip with a registered card's number is a copy: refused, no cash."""
    chip, _ = _card(world, MONEY)
    refused = world.issue(Chip(chip.uid), MONEY, FIRST)
    assert isinstance(refused, StationError)
    assert refused.code == "refusal.chip_in_register"
    world.require_proved()


def test_blank_copy_does_not_end_an_open_act(world: World) -> None:
    """A blank chip with the number of a card in doubt proves nothing."""
    chip, key = _card(world, MONEY)
    world.reader.arm(Fault.ANSWER_LOST, 2, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)
    world.present(Chip(chip.uid))
    assert world.find(ACT).state is ActState.PENDING
    told = world.give_back(ACT, Chip(chip.uid))
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING


def test_both_copies_garbage_is_scrapped(world: World) -> None:
    """A card neither before nor after is waste: its money stays in the books."""
    chip, key = _card(world, MONEY)
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
    chip, key = _card(world, MONEY)
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
    chip, key = _card(world, MONEY)
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
    chip, key = _card(world, MONEY)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, ADDED, act=ACT)

    def lost(tx: Transaction) -> None:
        cards.change(tx, key, reason="reported lost", state=Life.LOST)

    world.must(world.database.write(lost))
    world.present(chip)
    assert world.find(ACT).state is ActState.PENDING
    assert world.balance_on(chip) == FIRST


def _card(world: World, mode: PaymentMode) -> tuple[Chip, str]:
    chip = Chip(bytes.fromhex("04a1b2c3"))
    issued = world.issue(chip, mode, FIRST)
    assert isinstance(issued, ActReply)
    assert issued.state is ActState.DONE
    return chip, issued.card_key


def _arm(world: World, cut: Cut) -> None:
    if isinstance(cut.fault, CommitFault):
        world.database.fault = cut.fault
        world.database.countdown = cut.countdown
    else:
        world.reader.arm(cut.fault, cut.countdown, writes=cut.place == "write")


def _require(
    world: World, chip: Chip, mode: PaymentMode, records: list[object] | None = None
) -> None:
    acts = world.intents()
    key = acts[-1]["card_key"] if acts else ""
    holder = Holder(chip, mode, ACT, key)
    proof = Proof([holder])
    for record in records or []:
        holder.fills.append((0, record))  # type: ignore[arg-type]
        proof.brought.add((0, started(record)))  # type: ignore[arg-type]
    proof.check(world)
