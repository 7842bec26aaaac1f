"""The second step of a login: one's own staff card, and what a copy of it does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.drivers.card_reader import CardGone
from cngstation.drivers.purse_card import WriteNotConfirmed
from cngstation.errors import DeviceUnavailable, NotLoggedIn
from cngstation.rpc.method import LOGGED_IN
from cngstation.rpc.session import Login, Release
from cngstation.services.approve import ReasonMissing, SamePerson
from cngstation.services.card_on_reader import NoCardOnReader
from cngstation.services.check_rights import RightMissing
from cngstation.services.keep_operators import add_operator
from cngstation.services.keep_staff_cards import (
    HasStaffCard,
    NameNotForCard,
    NoSuchStaffCard,
    NotForStaff,
    StaffCardDesk,
    StaffCardInUse,
)
from cngstation.services.log_in import Gate, LoginRefused, StaffSession
from cngstation.services.read_staff_card import (
    NotStaffCard,
    StaffCardCopied,
    StaffCardMissing,
    StaffCardOfOther,
)
from cngstation.services.second_step import CardReaderElsewhere, SecondStep
from cngstation.services.station_rules import StaffCardRules
from cngstation.services.verify_books import verify
from cngstation.services.watch_reader import BorrowedForStaff
from cngstation.storage import findings, operators, staff_cards
from cngstation.storage.audit import Actor
from cngstation.storage.staff_cards import StaffCardEnded, StaffCardRow
from tests.small_station import CASHIER, somebody
from tests.unit.drivers.fake_mifare import AFTER, BEFORE, GARBAGE, MASTER, FakeReader
from tests.unit.services.gate_door import PEER, READ, RIGHT, WRONG, Door, a_gate

CHIEF = Actor("02", "till-1")


class Field(FakeReader):
    """The reader's field; a card may be away, and the reader too."""

    present = True

    async def find_card(self) -> bytes | None:
        """Select the card, if there is one."""
        return await super().find_card() if self.present else None


@dataclass
class Desk:
    """A door that takes a card, the reader beside it, and a card on the reader."""

    door: Door
    reader: Field | None = field(default_factory=Field)

    @asynccontextmanager
    async def borrow_for_staff(self) -> AsyncIterator[BorrowedForStaff]:
        """Lend the reader."""
        if self.reader is None:
            raise DeviceUnavailable(device="The card reader", why="gone")
        yield BorrowedForStaff(self.reader, (MASTER,))

    @property
    def cards(self) -> StaffCardDesk:
        """Who keeps the cards."""
        return StaffCardDesk(self.door.db, self)

    @property
    def field(self) -> Field:
        """The reader, which is there."""
        assert self.reader is not None
        self.reader.calm()
        return self.reader

    def image(self) -> list[bytes]:
        """Return what is on the card."""
        return [bytes(block) for block in self.field.blocks]

    def lay(self, image: list[bytes]) -> None:
        """Lay a card on the reader that holds this."""
        self.field.blocks = [bytearray(block) for block in image]

    async def login(
        self, name: str = "op01", release: Release | None = None
    ) -> StaffSession:
        """Give the right password, with whatever lies on the reader."""
        if self.reader is not None and self.reader.breaks_at is None:
            self.reader.calm()
        asked = Login(
            login_name=name, password=SecretStr(RIGHT), terminal="till-1",
            release=release,
        )  # fmt: skip
        return await self.door.gate.login(asked, PEER)

    async def refused(self, why: type[Exception], name: str = "op01") -> None:
        """Expect a refusal."""
        with pytest.raises(why):
            await self.login(name)

    async def card(self, card_no: str = "00000001") -> StaffCardRow:
        """Return a card of the register."""
        found = await self.door.db.read(lambda c: staff_cards.find(c, card_no))
        assert found is not None
        return found

    async def set_name(self, name: str) -> None:
        """Give the first operator another name."""
        await self.door.db.write(
            lambda tx: operators.change(tx, "01", reason="x", full_name=name)
        )


@pytest.fixture
async def desk(door: Door) -> Desk:
    """Return a door where all logins take a card, with a new card on the reader."""
    chief = somebody("02", login_name="chief", role="administrator")
    await add_operator(door.db, door.passwords, chief, RIGHT, CASHIER)
    made = Desk(door)
    needs(made, door.gate, "all")
    return made


def needs(desk: Desk, gate: Gate, whose: str, *also: str) -> None:
    """Say whose logins take a card."""
    rules = StaffCardRules(whose, frozenset(also))
    gate.second = SecondStep(desk.door.db, gate, rules, lambda: desk)


async def test_a_login_takes_the_own_card_and_gives_it_the_next_token(
    desk: Desk,
) -> None:
    """Without a card nobody comes in; each login changes the card, never two alike."""
    desk.field.present = False
    await desk.refused(StaffCardMissing)
    desk.field.present = True
    await desk.refused(NotStaffCard)
    await desk.cards.issue("01", CHIEF)
    tokens = {(await desk.card()).token_hash}
    for _ in range(3):
        session = await desk.login()
        await desk.door.gate.allowed(session, LOGGED_IN, READ)
        card = await desk.card()
        assert (card.state, card.holder, card.pending_hash) == (
            "active", "Wang Fang", "",
        )  # fmt: skip
        tokens.add(card.token_hash)
    assert len(tokens) == 4
    assert verify_now(await desk.door.db.read(verify))


def verify_now(proof: Any) -> bool:
    """Tell whether the books hold."""
    return proof.first_bad is None


async def test_the_card_is_not_asked_for_before_the_password_was_right(
    desk: Desk,
) -> None:
    """A wrong password tells nothing of cards, and touches none."""
    await desk.cards.issue("01", CHIEF)
    before = desk.image()
    asked = Login(login_name="op01", password=SecretStr(WRONG), terminal="t")
    with pytest.raises(LoginRefused):
        await desk.door.gate.login(asked, PEER)
    assert desk.image() == before


async def test_whose_login_takes_a_card(desk: Desk) -> None:
    """Nobody's, administrators', named operators', everybody's."""
    gate = desk.door.gate
    for whose, also, cashier, chief in (
        ("off", (), False, False),
        ("off", ("01",), True, False),
        ("administrators", (), False, True),
        ("all", (), True, True),
    ):
        needs(desk, gate, whose, *also)
        for name, takes in (("op01", cashier), ("chief", chief)):
            if takes:
                await desk.refused(NotStaffCard, name)
            else:
                await desk.login(name)


async def test_the_name_on_the_card_is_the_operators_full_name(desk: Desk) -> None:
    """Exactly, in whichever form it is typed; another's card opens nothing."""
    await desk.set_name("e\u0301Wang")
    await desk.cards.issue("01", CHIEF)
    await desk.login()
    await desk.set_name("\u00e9Wang")
    await desk.login()
    await desk.refused(StaffCardOfOther, "chief")
    for other in ("\u00e9wang", "\u00e9Wan", "\u00e9Wang "):
        await desk.set_name(other)
        await desk.refused(StaffCardOfOther)


async def test_an_older_copy_is_refused_and_blocks_both(desk: Desk) -> None:
    """Whichever of the two comes second shows itself; the sessions end at once."""
    await desk.cards.issue("01", CHIEF)
    copy = desk.image()
    session = await desk.login()
    original = desk.image()
    desk.lay(copy)
    await desk.refused(StaffCardCopied)
    with pytest.raises(NotLoggedIn):
        await desk.door.gate.allowed(session, LOGGED_IN, READ)
    desk.lay(original)
    await desk.refused(StaffCardEnded)
    rows = await desk.door.db.read(findings.open_findings)
    assert [(row.kind, row.subject) for row in rows] == [
        ("staff_card_copied", "00000001")
    ]
    # An administrator acts: the card is withdrawn, and another one issued on the chip.
    await desk.cards.end("00000001", "withdrawn", "copied", CHIEF)
    assert not await desk.door.db.read(findings.open_findings)
    made = await desk.cards.issue("01", CHIEF)
    assert made.card_no == "00000002"
    await desk.login()
    desk.lay(original)
    await desk.refused(StaffCardEnded)


async def test_a_copy_that_is_used_first_is_shown_by_the_original(desk: Desk) -> None:
    """The copy took the next token along: now the original is the older one."""
    await desk.cards.issue("01", CHIEF)
    original = desk.image()
    thief = await desk.login()
    desk.lay(original)
    await desk.refused(StaffCardCopied)
    with pytest.raises(NotLoggedIn):
        await desk.door.gate.allowed(thief, LOGGED_IN, READ)


@pytest.mark.parametrize("torn", [BEFORE, AFTER, GARBAGE])
async def test_a_card_pulled_in_mid_login_locks_nobody_out(
    desk: Desk, torn: str
) -> None:
    """Whatever it then holds, old token or new, it is let in and nothing alarms."""
    await desk.cards.issue("01", CHIEF)
    await desk.login()
    desk.field.calm()
    await desk.login()
    commands = desk.reader.commands if desk.reader else 0
    failed = 0
    for nth in range(1, commands + 1):
        reader = desk.field
        reader.breaks_at, reader.torn = nth, torn
        try:
            await desk.login()
        except (CardGone, WriteNotConfirmed, NotStaffCard):
            failed += 1
        reader.calm()
        await desk.login()
    assert failed == commands
    assert not await desk.door.db.read(findings.open_findings)


async def test_a_daemon_killed_between_card_and_book_locks_nobody_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card has the new token, the book has it as sent: the next login settles."""
    await desk.cards.issue("01", CHIEF)
    real = BorrowedForStaff.renew_staff

    async def killed(self: BorrowedForStaff, *given: Any) -> None:
        await real(self, *given)
        raise KeyboardInterrupt

    monkeypatch.setattr(BorrowedForStaff, "renew_staff", killed)
    old = desk.image()
    with pytest.raises(KeyboardInterrupt):
        await desk.login()
    monkeypatch.undo()
    new = desk.image()
    assert (await desk.card()).pending_hash
    await desk.login()
    assert not (await desk.card()).pending_hash
    for image in (old, new):
        assert desk.image() != image
    desk.lay(new)
    await desk.refused(StaffCardCopied)


@pytest.mark.parametrize("state", ["lost", "withdrawn"])
async def test_a_card_that_ends_takes_its_sessions_along(
    desk: Desk, state: str
) -> None:
    """At the next call on every daemon; other sessions of the operator stay."""
    await desk.cards.issue("01", CHIEF)
    session = await desk.login()
    needs(desk, desk.door.gate, "off")
    without = await desk.login()
    needs(desk, desk.door.gate, "all")
    elsewhere = a_gate(desk.door.db, desk.door.passwords, desk.door.clock)
    there = await elsewhere.resume(session.token, PEER)
    await elsewhere.allowed(there, LOGGED_IN, READ)
    await desk.cards.end("00000001", state, "left in a taxi", CHIEF)
    for gate in (desk.door.gate, elsewhere):
        with pytest.raises(NotLoggedIn):
            await gate.allowed(there, LOGGED_IN, READ)
        with pytest.raises(NotLoggedIn):
            await gate.resume(session.token, PEER)
        await gate.allowed(without, LOGGED_IN, READ)
    await desk.refused(StaffCardEnded)
    assert (await desk.door.acts())[-2][0] == f"staff_card.{state}"
    with pytest.raises(NoSuchStaffCard):
        await desk.cards.end("00000001", state, "again", CHIEF)


async def test_a_card_reported_lost_while_it_logs_in_begins_no_session(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction that begins the session asks once more."""
    await desk.cards.issue("01", CHIEF)
    real = SecondStep.passed

    async def slow(self: SecondStep, *given: Any) -> str:
        card_no = await real(self, *given)
        await desk.cards.end(card_no, "lost", "just now", CHIEF)
        return card_no

    monkeypatch.setattr(SecondStep, "passed", slow)
    await desk.refused(StaffCardEnded)


async def test_one_card_each_and_one_holder_a_chip(desk: Desk) -> None:
    """A second card, another's chip, a lost chip found again: refused by name."""
    desk.field.present = False
    with pytest.raises(NoCardOnReader):
        await desk.cards.issue("01", CHIEF)
    desk.field.present = True
    await desk.cards.issue("01", CHIEF)
    with pytest.raises(HasStaffCard):
        await desk.cards.issue("01", CHIEF)
    with pytest.raises(StaffCardInUse):
        await desk.cards.issue("02", CHIEF)
    await desk.cards.end("00000001", "lost", "gone", CHIEF)
    with pytest.raises(StaffCardInUse):
        await desk.cards.issue("01", CHIEF)
    await desk.cards.end("00000001", "withdrawn", "found again", CHIEF)
    assert (await desk.cards.issue("02", CHIEF)).card_no == "00000002"
    await desk.login("chief")


async def test_what_cannot_become_a_staff_card_leaves_no_card_behind(
    desk: Desk,
) -> None:
    """A card of somebody else, and a name that does not fit on one."""
    desk.field.blocks[7][:] = bytes(16)
    with pytest.raises(NotForStaff):
        await desk.cards.issue("01", CHIEF)
    desk.reader = Field()
    await desk.set_name("𠮷" * 30)
    with pytest.raises(NameNotForCard):
        await desk.cards.issue("01", CHIEF)
    await desk.set_name("王芳")
    assert (await desk.cards.issue("01", CHIEF)).card_no == "00000003"
    states = [card.state for card in await desk.cards.every(CHIEF)]
    assert states == ["active", "withdrawn", "withdrawn"]


async def test_an_issue_that_was_cut_off_goes_on_under_its_number(desk: Desk) -> None:
    """A card has one number however often it is tried."""
    reader = desk.field
    reader.breaks_at, reader.torn = 40, GARBAGE
    with pytest.raises((WriteNotConfirmed, CardGone)):
        await desk.cards.issue("01", CHIEF)
    assert (await desk.card()).state == "issuing"
    desk.field.calm()
    assert (await desk.cards.issue("01", CHIEF)).card_no == "00000001"
    await desk.login()


async def test_an_administrator_lets_somebody_in_once(desk: Desk) -> None:
    """When the reader is down: two people, a reason, a row; and no second time."""
    desk.reader = None
    await desk.refused(DeviceUnavailable)
    release = release_by("chief")
    session = await desk.login(release=release)
    await desk.door.gate.allowed(session, LOGGED_IN, READ)
    assert ("session.release", "done", "02") in await desk.door.acts()
    await desk.refused(DeviceUnavailable)
    for given, why in (
        (release_by("op01"), SamePerson),
        (release_by("chief", password=WRONG), LoginRefused),
        (release_by("chief", reason=" "), ReasonMissing),
    ):
        with pytest.raises(why):
            await desk.login(release=given)
    with pytest.raises(RightMissing):
        await desk.login("chief", release_by("op01"))


def release_by(
    name: str, password: str = RIGHT, reason: str = "reader broken"
) -> Release:
    """Return a release as it is typed."""
    return Release(login_name=name, password=SecretStr(password), reason=reason)


async def test_a_daemon_without_reader_begins_no_such_session(desk: Desk) -> None:
    """The card is at the counter; but the session is good everywhere."""
    await desk.cards.issue("01", CHIEF)
    monitor = a_gate(desk.door.db, desk.door.passwords, desk.door.clock)
    monitor.second = SecondStep(desk.door.db, monitor, StaffCardRules("all"))
    asked = Login(login_name="op01", password=SecretStr(RIGHT), terminal="t")
    with pytest.raises(CardReaderElsewhere):
        await monitor.login(asked, PEER)
    session = await desk.login()
    await monitor.allowed(await monitor.resume(session.token, PEER), LOGGED_IN, READ)


async def test_the_token_and_its_hash_are_on_card_and_in_book_alone(
    desk: Desk,
) -> None:
    """The file knows the hash only, and refusals by card are in the audit."""
    await desk.cards.issue("01", CHIEF)
    await desk.refused(StaffCardOfOther, "chief")
    secrets = {block for block in desk.image() if any(block)}
    dump = await desk.door.db.read(
        lambda c: " ".join(str(row) for row in c.execute("SELECT body FROM chain"))
    )
    assert not [block for block in secrets if block.hex() in dump]
    assert ("session.login", "refused", "02") in await desk.door.acts()
