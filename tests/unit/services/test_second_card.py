"""The second person of an act of two, with the own staff card on the reader."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from pydantic import SecretStr

from cngstation.domain.two_people import Approval as Kept
from cngstation.errors import Refusal
from cngstation.language import use_language
from cngstation.services.approve import (
    Approval,
    Approvals,
    Approved,
    ApprovedOtherwise,
    SamePerson,
    Wish,
    record,
)
from cngstation.services.keep_operators import add_operator
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.services.read_staff_card import (
    NotStaffCard,
    StaffCardMissing,
    StaffCardOfOther,
)
from cngstation.services.second_card import NoCardAsked, SecondCards
from cngstation.services.second_step import GOOD_FOR_MS, SecondCardMissing
from cngstation.services.verify_books import verify
from cngstation.storage import approvals, receipts
from cngstation.storage.audit import Actor
from cngstation.storage.staff_cards import StaffCardEnded
from tests.small_station import CASHIER, somebody
from tests.unit.services.gate_door import RIGHT, Door
from tests.unit.services.test_second_step import CHIEF, Desk, Field, needs

WISH = Wish("price.override", "level 0")
OTHER = Wish("price.override", "level 1")
GIVEN = Approval("boss", SecretStr(RIGHT), own_password=SecretStr(RIGHT))
BY_CARD = replace(GIVEN, by_card=True)


@pytest.fixture
async def desk(door: Door) -> Desk:
    """Return two administrators and a cashier; all show cards; the second has one."""
    for number, name in (("02", "chief"), ("03", "boss")):
        person = somebody(
            number, login_name=name, role="administrator", full_name=f"Name {number}"
        )
        await add_operator(door.db, door.passwords, person, RIGHT, CASHIER)
    made = Desk(door)
    await made.cards.issue("03", CHIEF)
    needs(made, door.gate, "all")
    return made


async def approve(
    desk: Desk, given: Approval = GIVEN, wish: Wish = WISH, first: Actor = CHIEF
) -> Approved:
    """Ask who stands behind an act."""
    return await Approvals(desk.door.gate).approve(given, wish, first, "because")


async def read(desk: Desk, first: Actor = CHIEF) -> str:
    """Read the card on the reader for what was asked."""
    door = desk.door
    if desk.reader is not None and desk.reader.breaks_at is None:
        desk.reader.calm()
    cards = SecondCards(door.db, desk, door.gate, door.clock)
    return (await cards.read(first)).card_no


async def done(
    desk: Desk, approved: Approved, wish: Wish = WISH, first: Actor = CHIEF
) -> None:
    """Do the act."""
    await desk.door.db.write(lambda tx: record(tx, approved, wish, first))


async def approved_ones(desk: Desk) -> tuple[Kept, ...]:
    """Return what two people did."""
    return await desk.door.db.read(lambda c: approvals.between(c, 0, 10**15))


async def test_without_the_card_nobody_stands_behind_an_act(desk: Desk) -> None:
    """Password alone is refused, by card it is done once; audit and slip say so."""
    with pytest.raises(SecondCardMissing) as asked:
        await approve(desk)
    assert "Name 03" in asked.value.sentence()
    assert await read(desk) == "00000001"
    approved = await approve(desk)
    await done(desk, approved)
    with pytest.raises(ApprovedOtherwise):
        await done(desk, approved)
    with pytest.raises(SecondCardMissing):
        await approve(desk)
    (one,) = await approved_ones(desk)
    assert (one.first_no, one.second_no) == ("02", "03")
    assert one.proof == "password + card 00000001"
    slip = await desk.door.db.read(lambda c: receipts.find(c, one.slip_no))
    assert slip is not None
    for language, known in (
        ("en", "password, staff card 00000001"),
        ("zh_CN", "密码, 员工卡 00000001"),
    ):
        use_language(language)
        (paper,) = slips(slip, PaperSettings("公司", "站", "1", 32, two_copies=False))
        assert known in [getattr(row, "value", "") for row in paper.rows]
    use_language("en")
    acts = await desk.door.acts()
    assert ("approval.card", "done", "03") in acts
    assert (await desk.door.db.read(verify)).first_bad is None


async def test_who_needs_no_card_may_show_one(desk: Desk) -> None:
    """Not required: the password is enough and named; the card is taken if offered."""
    needs(desk, desk.door.gate, "off")
    await done(desk, await approve(desk))
    with pytest.raises(SecondCardMissing):
        await approve(desk, BY_CARD)
    await read(desk)
    await done(desk, await approve(desk, BY_CARD))
    proofs = [one.proof for one in await approved_ones(desk)]
    assert proofs == ["password", "password + card 00000001"]


OTHERWISE: dict[str, tuple[Wish, Actor]] = {
    "another act": (Wish("row.explain", "level 0"), CHIEF),
    "another subject": (OTHER, CHIEF),
    "another first person": (WISH, Actor("04", "till-1")),
    "another terminal": (WISH, Actor("02", "till-2")),
}


@pytest.mark.parametrize("how", sorted(OTHERWISE))
async def test_a_card_is_shown_for_one_act_of_one_person(desk: Desk, how: str) -> None:
    """Read for one, it opens no other, not even by handing the approval on."""
    more = somebody("04", login_name="x", role="administrator", full_name="Name 04")
    await add_operator(desk.door.db, desk.door.passwords, more, RIGHT, CASHIER)
    with pytest.raises(SecondCardMissing):
        await approve(desk)
    await read(desk)
    approved = await approve(desk)
    wish, first = OTHERWISE[how]
    with pytest.raises(ApprovedOtherwise):
        await done(desk, approved, wish, first)
    with pytest.raises(SecondCardMissing):
        await approve(desk, wish=wish, first=first)
    assert await approved_ones(desk) == ()


async def test_a_card_is_shown_for_a_short_while(desk: Desk) -> None:
    """Read too late, or used too late, it must be read again."""
    with pytest.raises(SecondCardMissing):
        await approve(desk)
    desk.door.clock.forward(GOOD_FOR_MS)
    with pytest.raises(NoCardAsked):
        await read(desk)
    with pytest.raises(SecondCardMissing):
        await approve(desk)
    await read(desk)
    approved = await approve(desk)
    desk.door.clock.forward(GOOD_FOR_MS)
    with pytest.raises(ApprovedOtherwise):
        await done(desk, approved)
    with pytest.raises(SecondCardMissing):
        await approve(desk)


async def _lost(desk: Desk) -> None:
    await desk.cards.end("00000001", "lost", "in a taxi", CHIEF)


async def _away(desk: Desk) -> None:
    desk.field.present = False


async def _customers(desk: Desk) -> None:
    desk.reader = Field()


def _of(operator_no: str) -> Callable[[Desk], Awaitable[None]]:
    async def lay(desk: Desk) -> None:
        await desk.cards.end("00000001", "withdrawn", "another's now", CHIEF)
        await desk.cards.issue(operator_no, CHIEF)

    return lay


WRONG_CARDS: dict[str, tuple[Callable[[Desk], Awaitable[None]], type[Refusal]]] = {
    "lost": (_lost, StaffCardEnded),
    "none": (_away, StaffCardMissing),
    "a customer's": (_customers, NotStaffCard),
    "the first person's": (_of("02"), SamePerson),
    "a third person's": (_of("01"), StaffCardOfOther),
}


@pytest.mark.parametrize("which", sorted(WRONG_CARDS))
async def test_a_wrong_card_is_refused_and_written_down(desk: Desk, which: str) -> None:
    """Whoever lays it down is named in the audit; the act stays undone."""
    lay, why = WRONG_CARDS[which]
    with pytest.raises(SecondCardMissing):
        await approve(desk)
    await lay(desk)
    with pytest.raises(why):
        await read(desk)
    with pytest.raises(SecondCardMissing):
        await approve(desk)
    assert ("approval.card", "refused", "03") in await desk.door.acts()
    assert await approved_ones(desk) == ()


async def test_a_card_lost_after_it_was_shown_approves_nothing(desk: Desk) -> None:
    """Asked once more in the transaction of the act."""
    with pytest.raises(SecondCardMissing):
        await approve(desk)
    await read(desk)
    approved = await approve(desk)
    await _lost(desk)
    with pytest.raises(StaffCardEnded):
        await done(desk, approved)
    assert await approved_ones(desk) == ()
