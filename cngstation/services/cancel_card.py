"""Cancels a card with its refund (注销), and wipes what is out of use (清卡).

A card is cancelled when every fill up to its own counter is in the books, and not
before the waiting time after the last one: then what it shows is what it is worth.
The bonus part of the balance goes back to the station, what the holder owes is kept.
"""

import json
from dataclasses import dataclass

from cngstation.domain import ledger
from cngstation.domain.card_life import Act, CardState
from cngstation.domain.evidence import Evidence
from cngstation.domain.ledger import move
from cngstation.domain.lots import use_lots
from cngstation.domain.payment import PaymentMode, purse_to_book
from cngstation.errors import Refusal
from cngstation.language import mark
from cngstation.moments import MS_PER_HOUR, time_text
from cngstation.services.act_kind import ActKind, Moves, only_as_found
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.services.card_on_reader import CardState as OnReader
from cngstation.services.clear_credit import FillsMissing
from cngstation.services.do_card_act import ActOrder, Planned, Sight, write_purse
from cngstation.services.pay_back import refund_postings, way_back
from cngstation.services.station_rules import StationRules
from cngstation.services.top_up_card import CardDisagrees, purse_evidence, slip_facts
from cngstation.storage import cards, facts, sales
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.database import Transaction
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection
from cngstation.units import Money, Unit, divide_down, share_of, yuan_text

KIND, WIPE = "cancel", "wipe"
_WORTH = mark("{worth} yuan paid in, {bonus} yuan bonus, {owed} yuan owed.")
_WIPED = mark("Everything on the card goes; the number stays in the register.")


class CancelTooEarly(Refusal):
    """The waiting time after the last fill is not over."""

    code = "refusal.cancel_too_early"
    text = (
        "Card {card_no} filled a short time ago: it can be cancelled from {from_when} "
        "on. Nothing was done and no money moved."
    )


class StillOwes(Refusal):
    """The holder owes more than the card is worth."""

    code = "refusal.still_owes"
    text = (
        "Card {card_no} owes {owed} yuan more than it holds. Nothing was done. Let it "
        "be paid (clear the credit, or top the card up) first."
    )


@dataclass(frozen=True, slots=True)
class CancelCard:
    """Cancels; the refund goes back the way the money came."""

    kind: ActKind
    rules: StationRules
    act: Act = Act.CANCEL
    right: str = "card.cancel"
    two_people: bool = False

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Return what the card is worth to its holder."""
        card, seen = sight.card, sight.seen
        if not sales.all_in(connection, card.card_key, seen.pseq):
            raise FillsMissing(card_no=card.card_no)
        self._require_waited(connection, card, sight.now_ms)
        booked = facts.balance(connection, f"card:{card.card_key}", str(card.unit))
        sign = -1 if card.payment_mode.prepaid else 1
        if sign * booked != purse_to_book(card.payment_mode, seen.balance):
            raise CardDisagrees(
                card_no=card.card_no, why="another balance than its account"
            )
        if not card.payment_mode.prepaid:
            worth = bonus = 0
            owed = _owed(connection, card) + (booked if card.unit is Unit.CNY else 0)
            if booked:
                raise StillOwes(card_no=card.card_no, owed=yuan_text(owed))
        else:
            worth, bonus = _worth(connection, card, -booked)
            owed = _owed(connection, card)
        if owed > worth:
            raise StillOwes(card_no=card.card_no, owed=yuan_text(owed - worth))
        # A part of a fen stays with the station: the drawer has none.
        refund = 100 * divide_down(worth - owed, 100)
        said = {
            "worth": yuan_text(worth),
            "bonus": yuan_text(bonus),
            "owed": yuan_text(owed),
        }
        return Planned(
            after=0,
            amount=-purse_to_book(card.payment_mode, seen.balance),
            refund=Money(refund),
            plan={
                "refunds": way_back(connection, card.card_key, refund),
                "owed_e4": owed,
                "bonus_e4": bonus,
            },
            notes=((_WORTH, said),),
        )

    def _require_waited(self, connection: Connection, card: Card, now_ms: int) -> None:
        last = sales.newest_of_card(connection, card.card_key, 1)
        wait_ms = self.rules.cancel_wait_hours * MS_PER_HOUR
        if last and last[0]["at_ms"] + wait_ms > now_ms:
            from_when = time_text(last[0]["at_ms"] + wait_ms)
            raise CancelTooEarly(card_no=card.card_no, from_when=from_when)


def cancel_kind() -> ActKind:
    """Return how the engine cancels: the card is emptied, then out of use."""

    async def write(port: CardPort, intent: Intent, reading: CardReading) -> None:
        await write_purse(port, intent, reading)

    def registers(tx: Transaction, intent: Intent) -> None:
        cards.change(
            tx,
            intent.card_key,
            reason=KIND,
            actor=Actor(intent.operator_no, intent.terminal),
            state=CardState.CANCELLED,
        )

    return ActKind(
        name=KIND,
        evidence=purse_evidence,
        write=write,
        registers=registers,
        undoes=lambda tx, intent: None,
        slip=slip_facts,
        moves=_moves,
        after=only_as_found,
        goes_on=frozenset({CardState.NORMAL, CardState.BLACK}),
        takes=True,
    )


def _moves(tx: Transaction, intent: Intent) -> Moves:
    plan = json.loads(intent.plan)
    mode = PaymentMode(plan["payment_mode"])
    account = ledger.card_account(intent.card_key)
    owed = ledger.receivable_account(intent.card_key)
    off = -intent.amount
    refund = sum(part["e4"] for part in plan["refunds"])
    if not mode.prepaid or not off:
        # Nothing is on the card: what goes back was owed to the holder.
        return Moves(refund_postings(intent, owed))
    if mode is PaymentMode.PREPAID_MONEY:
        paid = refund + plan["owed_e4"] + plan["bonus_e4"]
        return Moves(
            refund_postings(intent, account)
            + move(owed, account, Unit.CNY, plan["owed_e4"])
            + move(ledger.PROMOTION, account, Unit.CNY, plan["bonus_e4"])
            + move(ledger.ROUNDING, account, Unit.CNY, off - paid)
        )
    uses, _ = use_lots(sales.lots_left(tx.connection, intent.card_key), off)
    money = sum(use.money_e4 for use in uses)
    deferred = ledger.DEFERRED_REVENUE
    return Moves(
        move(ledger.GAS_OWED, account, Unit(intent.unit), off)
        + refund_postings(intent, deferred)
        + move(owed, deferred, Unit.CNY, plan["owed_e4"])
        + move(ledger.ROUNDING, deferred, Unit.CNY, money - refund - plan["owed_e4"]),
        lot_uses=tuple(use.row() for use in uses),
    )


def _worth(connection: Connection, card: Card, booked: int) -> tuple[int, int]:
    """Return the paid part of a balance in money, and the part that was a bonus."""
    if card.payment_mode.in_quantity:
        lots = sales.lots_left(connection, card.card_key)
        return sum(lot.money_e4 for lot in lots), 0
    bonus = bonus_share(connection, card, booked)
    return booked - bonus, bonus


def bonus_share(connection: Connection, card: Card, booked: int) -> int:
    """Return the part of a balance in money that was a bonus, in whole fen."""
    row = connection.execute(
        "SELECT coalesce(sum(amount + bonus), 0), coalesce(sum(bonus), 0) FROM intent"
        " WHERE card_key=? AND state IN ('DONE', 'SCRAP')"
        " AND kind IN ('top_up', 'issue', 'reverse_top_up', 'replace')",
        (card.card_key,),
    ).fetchone()
    loaded, given = row
    if loaded <= 0 or card.payment_mode.in_quantity:
        return 0
    return share_of(given, booked, loaded) // 100 * 100


def _owed(connection: Connection, card: Card) -> int:
    return facts.balance(connection, f"receivable:{card.card_key}", Unit.CNY)


@dataclass(frozen=True, slots=True)
class WipeCard:
    """Makes a new card of one that is out of use."""

    kind: ActKind
    act: Act = Act.WIPE
    right: str = "card.wipe"
    two_people: bool = False

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Return that nothing stays on the card."""
        return Planned(after=0, notes=((_WIPED, {}),))


def wipe_kind() -> ActKind:
    """Return how the engine wipes: a blank chip proves that it did."""

    async def write(port: CardPort, intent: Intent, reading: CardReading) -> None:
        await port.wipe(reading)

    return ActKind(
        name=WIPE,
        evidence=_wipe_evidence,
        write=write,
        registers=lambda tx, intent: None,
        undoes=lambda tx, intent: None,
        slip=slip_facts,
        after=lambda intent, seen: 0,
        goes_on=frozenset({CardState.REPLACED, CardState.CANCELLED}),
        takes=True,
    )


def _wipe_evidence(intent: Intent, reading: CardReading) -> Evidence | None:
    if reading.state is OnReader.BLANK:
        uid = reading.uid.hex().upper()
        wseq, pseq = intent.before_wseq + 1, intent.before_pseq
        return Evidence(uid, intent.card_key, balance=0, wseq=wseq, pseq=pseq)
    if reading.state is OnReader.TORN_ISSUE:
        # The wipe was cut off after the purse was gone: it is done again.
        found = intent.before
        return Evidence(
            found.uid,
            intent.card_key,
            balance=found.balance,
            wseq=found.wseq,
            pseq=found.pseq,
            grey=found.grey,
        )
    return purse_evidence(intent, reading)
