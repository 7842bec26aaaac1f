"""What every issue of a card has in common: a free chip, a number, an intent.

The card's number is taken and its row registered with the intent, so that a card that
was cut off in its issue is known by its chip when it comes back.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cngstation.domain.card_life import CardState as Life
from cngstation.domain.payment import PaymentMode
from cngstation.errors import Refusal
from cngstation.services.act_on_card import CardActs
from cngstation.services.act_result import ActResult
from cngstation.services.card_on_reader import (
    CardPort,
    CardReading,
    CardState,
    NoCardOnReader,
)
from cngstation.services.number_card import BY_MAKER, number_of, require_mode
from cngstation.services.room_on_disk import require_disk
from cngstation.services.station_rules import StationRules
from cngstation.storage import cards, journal
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent, IntentState


class NotBlank(Refusal):
    """Only a new card can be issued."""

    code = "refusal.not_blank"
    text = (
        "The card on the reader is not a new card. Nothing was written and no money "
        "was taken. Put a new card on the reader."
    )


class ChipInRegister(Refusal):
    """The chip has the number of a card that is in the register."""

    code = "refusal.chip_in_register"
    text = (
        "This chip has the number of card {card_no}, which is in the register: it was "
        "wiped, or it is a copy. Nothing was written and no money was taken. Keep the "
        "card and call the manager."
    )


class IssueInDoubt(Refusal):
    """The chip belongs to an issue that was cut off."""

    code = "refusal.issue_in_doubt"
    text = (
        "This chip belongs to an issue that was not finished (card {card_no}). Lay it "
        "on the reader again and finish that one. No more money was taken."
    )


class NewCards:
    """Writes new cards and registers them."""

    def __init__(
        self, database: Database, acts: CardActs, *, rules: StationRules, folder: Path
    ) -> None:
        self._database = database
        self._acts = acts
        self._rules = rules
        self._folder = folder

    async def write(
        self,
        intent_id: str,
        is_of: Callable[[Intent], bool],
        mode: PaymentMode,
        hold: Callable[[Transaction, CardReading], Intent],
        port: CardPort,
    ) -> ActResult:
        """Issue the card on the reader, or say where the issue with this id stands.

        Raises:
            Refusal: a rule said no; nothing has happened.
            DeviceError: the card cannot be read; nothing has happened.
        """
        if known := await self._acts.result_of(intent_id, is_of):
            return known
        require_disk(self._folder, self._rules)
        uid = await port.find()
        if uid is None:
            raise NoCardOnReader
        reading = await port.read(uid)
        if reading.state not in {CardState.BLANK, CardState.TORN_ISSUE}:
            raise NotBlank
        require_mode(reading, mode)

        def unit(tx: Transaction) -> Intent:
            intent = hold(tx, reading)
            self._acts.hold(tx, intent)
            return intent

        return await self._acts.carry_out(await self._database.write(unit), port)

    def number(self, tx: Transaction, reading: CardReading) -> tuple[str, str]:
        """Return chip and key of a card that can be issued.

        Raises:
            IssueInDoubt, ChipInRegister, NotBlank, NumberInRegister: it cannot.
        """
        uid = reading.uid.hex().upper()
        if cut_off := journal.open_for_uid(tx.connection, uid):
            raise IssueInDoubt(card_no=cut_off.card_key)
        require_free_chip(tx, uid, reading)
        return uid, number_of(tx, reading, self._rules)

    def begin(
        self,
        tx: Transaction,
        card: Card,
        reading: CardReading,
        actor: Actor,
        *,
        intent_id: str,
        kind: str,
        plan: Mapping[str, Any],
        **figures: int,
    ) -> Intent:
        """Register a card and return the intent; figures not given are 0."""
        card = replace(card, key_version=reading.key_version)
        cards.add(tx, card, reason="an issue was begun", actor=actor)
        if reading.own_key:
            plan = {**plan, **BY_MAKER}
        nothing = {"amount": 0, "cash_e4": 0, "fee_e4": 0, "bonus": 0, "price_e4": 0}
        nothing |= {"before_balance": 0, "before_wseq": 0, "before_pseq": 0}
        nothing |= {"after_balance": 0}
        return Intent(
            intent_id=intent_id,
            kind=kind,
            card_key=card.card_key,
            uid=card.uid,
            state=IntentState.PREPARED,
            unit=str(card.unit),
            before_grey="",
            operator_no=actor.operator_no,
            terminal=actor.terminal,
            till=self._rules.till,
            plan=json.dumps(plan, ensure_ascii=False),
            **(nothing | figures),
        )


def require_free_chip(tx: Transaction, uid: str, reading: CardReading) -> None:
    """Refuse a chip that is the chip of a card.

    It is free when it is new, wiped, or when its only issue was given back.

    Raises:
        ChipInRegister, NotBlank: it is not free.
    """
    registered = cards.with_uid(tx.connection, uid)
    in_use = [card for card in registered if not _gave_its_chip_back(tx, card)]
    if in_use:
        raise ChipInRegister(card_no=in_use[0].card_no)
    if reading.state is CardState.TORN_ISSUE and not registered:
        raise NotBlank


def _gave_its_chip_back(tx: Transaction, card: Card) -> bool:
    if card.state is Life.CANCELLED:
        return True
    wiped = journal.last_done(tx.connection, card.card_key, "wipe", "%", card.pseq)
    return card.state is Life.REPLACED and wiped is not None


def plan_of(card: Card, plate: str) -> dict[str, str | int]:
    """Return what the writing of a new card needs to know of it."""
    return {
        "payment_mode": str(card.payment_mode),
        "kind": card.kind,
        "price_level": card.price_level,
        "vehicle_id": card.vehicle_id,
        "price_e4": card.price_e4,
        "card_no": card.card_no,
        "area_no": card.area_no,
        "plate": plate,
        "cylinder_due": card.cylinder_due,
    }
