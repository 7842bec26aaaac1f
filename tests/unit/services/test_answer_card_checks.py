"""What a dispenser is told of the card in it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cngstation.domain.card_life import CardState
from cngstation.domain.ledger import Entry, move
from cngstation.domain.limits import Stopped
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardQuestion,
    CardVerdict,
)
from cngstation.services.answer_card_checks import CardChecks
from cngstation.storage import cards, customers, downloads, facts
from cngstation.storage.database import Database, Transaction
from cngstation.units import Unit
from tests.simulation.money_world import RULES
from tests.small_station import CARD, HandClock, opened, register_card

ON_THE_WIRE = CARD.rjust(16, "0")
FOREIGN = "0000999900000001"
BALANCE_FEN = 12_345


NOT_READ = [None, "", "0" * 16]


@dataclass
class Station:
    """A file with one card that has some money."""

    db: Database
    checks: CardChecks

    async def verdict(
        self,
        question: CardQuestion = CardQuestion.CHECK,
        card_no: str | None = ON_THE_WIRE,
        balance: int | None = BALANCE_FEN,
    ) -> CardVerdict:
        """Ask as a dispenser."""
        return await self.checks.answer(
            CardCheck(question, card_no, balance, None, b"")
        )


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """Return a station with one card."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as db:
        await db.write(register_card)
        entry = Entry(
            "first", "test", "2026-11-21", "01", "till-1",
            move(f"card:{CARD}", "till:till-1:cash", Unit.CNY, 100 * BALANCE_FEN),
        )  # fmt: skip
        await db.write(lambda tx: facts.post(tx, entry))
        yield Station(db, CardChecks(db, clock, RULES))


async def test_a_sound_card_may_fill(station: Station) -> None:
    """Ours, another station's, and one whose balance was not said."""
    assert await station.verdict() is CardVerdict.MAY_FILL
    assert await station.verdict(balance=None) is CardVerdict.MAY_FILL
    assert await station.verdict(card_no=FOREIGN) is CardVerdict.MAY_FILL
    assert await station.verdict(balance=BALANCE_FEN - 1) is CardVerdict.MAY_FILL


async def test_more_than_the_account_has_is_refused(station: Station) -> None:
    """By one fen: an old image of the card, or an invented balance."""
    verdict = await station.verdict(balance=BALANCE_FEN + 1)
    assert verdict is CardVerdict.BALANCE_DIFFERS


@pytest.mark.parametrize(
    ("on_card", "of_vehicle", "verdict"),
    [
        ("2028-01-31", "2026-11-20", CardVerdict.TIME_DIFFERS),
        ("2026-11-20", "2028-01-31", CardVerdict.MAY_FILL),
        ("2026-11-20", "", CardVerdict.TIME_DIFFERS),
        ("2028-01-31", "2026-11-21", CardVerdict.MAY_FILL),
    ],
)
async def test_the_cylinder_is_the_vehicles_whichever_card_is_shown(
    station: Station, on_card: str, of_vehicle: str, verdict: CardVerdict
) -> None:
    """Its date was written on another card of the vehicle."""

    def unit(tx: Transaction) -> None:
        cards.change(tx, CARD, reason="a test", cylinder_due=on_card)
        card = cards.find(tx.connection, CARD)
        assert card is not None
        customers.change_vehicle(
            tx, card.vehicle_id, reason="a test", cylinder_due=of_vehicle
        )

    await station.db.write(unit)
    assert await station.verdict() is verdict


@pytest.mark.parametrize("state", downloads.REFUSED_STATES)
async def test_a_card_that_may_not_fill_is_black(
    station: Station, state: CardState
) -> None:
    """To each of the questions, at this moment, whatever lists the dispenser has."""
    await station.db.write(
        lambda tx: cards.change(tx, CARD, reason="a test", state=state)
    )
    assert await station.verdict() is CardVerdict.BLACKLISTED
    assert await station.verdict(CardQuestion.BLACKLIST) is CardVerdict.LISTED
    assert await station.verdict(CardQuestion.WHITELIST) is CardVerdict.NOT_LISTED


async def test_numbers_by_hand_count(station: Station) -> None:
    """On the list that they are on."""
    for number, on in ((FOREIGN, "black"), (ON_THE_WIRE, "white")):
        await station.db.write(
            lambda tx, number=number, on=on: downloads.list_number(
                tx, number, on, source="hand", reason="a test"
            )
        )
    assert await station.verdict(card_no=FOREIGN) is CardVerdict.BLACKLISTED
    assert await station.verdict(CardQuestion.WHITELIST) is CardVerdict.LISTED
    listed = await station.verdict(CardQuestion.WHITELIST, FOREIGN)
    assert listed is CardVerdict.NOT_LISTED
    assert await station.verdict(CardQuestion.BLACKLIST) is CardVerdict.NOT_LISTED


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("hours", CardVerdict.TIME_DIFFERS),
        ("weekday", CardVerdict.TIME_DIFFERS),
        ("day", CardVerdict.BALANCE_DIFFERS),
        ("crew", CardVerdict.UNKNOWN_CARD),
    ],
)
async def test_limits_stop_a_card(
    station: Station,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    expected: CardVerdict,
) -> None:
    """Each reason in the word that a dispenser has for it."""
    stopped = Stopped(reason)
    monkeypatch.setattr(
        "cngstation.services.answer_card_checks.may_fill", lambda *_: stopped
    )
    assert await station.verdict() is expected


@pytest.mark.parametrize(
    ("listed", "on_the_wire"),
    [
        (FOREIGN, FOREIGN),
        (FOREIGN, "0100" + FOREIGN),
        ("0000" + FOREIGN[4:], "0100" + FOREIGN),
    ],
)
async def test_a_listed_number_is_known_by_its_twenty_digits_too(
    station: Station, listed: str, on_the_wire: str
) -> None:
    """A CPU card says the trade's mark before the digits that our lists have."""
    for on, question, verdict in (
        ("black", CardQuestion.BLACKLIST, CardVerdict.LISTED),
        ("black", CardQuestion.CHECK, CardVerdict.BLACKLISTED),
        ("white", CardQuestion.WHITELIST, CardVerdict.LISTED),
    ):
        await station.db.write(
            lambda tx, on=on: downloads.list_number(
                tx, listed, on, source="hand", reason="a test"
            )
        )
        assert await station.verdict(question, on_the_wire) is verdict
    other = on_the_wire[:-1] + "2"
    assert await station.verdict(CardQuestion.BLACKLIST, other) is (
        CardVerdict.NOT_LISTED
    )


@pytest.mark.parametrize("card_no", NOT_READ)
@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        (CardQuestion.CHECK, CardVerdict.UNKNOWN_CARD),
        (CardQuestion.BLACKLIST, CardVerdict.LISTED),
        (CardQuestion.WHITELIST, CardVerdict.NOT_LISTED),
    ],
)
async def test_a_card_whose_number_was_not_read_fills_nothing(
    station: Station, question: CardQuestion, verdict: CardVerdict, card_no: str | None
) -> None:
    """Nobody could be asked for its money."""
    assert await station.verdict(question, card_no) is verdict
