"""What must hold of a world's money after every step, whatever happened in it.

Counted here from the cards, from the dispensers' records and from the acts, and not
from the postings: the book has to come to the same figures by its own way.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from cngstation.domain.payment import PaymentMode, purse_to_book
from cngstation.protocols.dispenser.canonical import SaleRecord, TransactionType
from tests.simulation.money_cards import Chip
from tests.simulation.money_world import World


@dataclass
class Holder:
    """A card with its chip; `tainted` once there was a copy or an old image of it."""

    chip: Chip
    mode: PaymentMode
    act: str
    card_key: str = ""
    tainted: bool = False
    images: list[bytes] = field(default_factory=list)
    fills: list[tuple[int, SaleRecord]] = field(default_factory=list)


@dataclass
class Proof:
    """The holders, the records that were brought in, and what was last in the book."""

    holders: list[Holder] = field(default_factory=list)
    brought: set[tuple[int, int]] = field(default_factory=set)  # nozzle, started-clock
    counters: dict[str, tuple[int, int]] = field(default_factory=dict)

    def check(self, world: World) -> None:
        """Assert everything that must hold now."""
        world.require_proved()  # I1, I9, I10, gapless receipts, suspense of open acts
        acts = world.intents()
        self._one_open_act(acts)
        self._till(world, acts)
        self._sales(world)
        self._counters(world)
        self._receipts(world)
        for holder in self.holders:
            key = holder.card_key
            of_card = [act for act in acts if act["card_key"] == key]
            if key and not holder.tainted:
                self._account(world, holder, of_card)
                self._chip(world, holder, of_card)

    def _one_open_act(self, acts: list[dict[str, Any]]) -> None:
        """I6."""
        cards = [act["card_key"] for act in acts if is_open(act)]
        assert len(cards) == len(set(cards)), "a card has two open acts"
        uids = [act["uid"] for act in acts if is_open(act)]
        assert len(uids) == len(set(uids)), "a chip has two open acts"

    def _till(self, world: World, acts: list[dict[str, Any]]) -> None:
        """I3: what was taken is in the till, and fees are earned once.

        What an act gives back when a record ends it and nobody is there is the safe's.
        """
        taken = sum(act["cash_e4"] for act in acts if act["state"] != "VOID")
        taken -= sum(refund_of(act) for act in acts if act["state"] == "DONE")
        held = world.account("till:1:cash") + world.account("safe:cash")
        assert held == taken, "the till is not what was taken"
        ended = [act for act in acts if act["state"] in {"DONE", "SCRAP"}]
        fees = sum(act["fee_e4"] for act in ended)
        assert world.account("income:card_fee") == -fees, "fees are not what was earned"
        for act in acts:
            held = -world.account(f"suspense:{act['intent_id']}")
            assert held == (act["cash_e4"] if is_open(act) else 0), "suspense"

    def _sales(self, world: World) -> None:
        """I8: everything that was brought is booked, and booked once."""
        booked = world.view.execute("SELECT nozzle_no, device_started FROM sale")
        rows = [(nozzle - 1, int(text.split("#")[1])) for nozzle, text in booked]
        assert len(rows) == len(set(rows)), "a record is booked twice"
        assert set(rows) == self.brought, "what was brought is not what is booked"

    def _counters(self, world: World) -> None:
        """I14."""
        for key, *now in world.view.execute("SELECT card_key, wseq, pseq FROM card"):
            before = self.counters.get(key, (0, 0))
            assert min(now[0] - before[0], now[1] - before[1]) >= 0, "went back"
            self.counters[key] = (now[0], now[1])

    def _receipts(self, world: World) -> None:
        """I12: every finished act has one receipt, and none has two originals."""
        done = world.view.execute(
            "SELECT count(*) FROM intent WHERE state='DONE'"
        ).fetchone()
        # The slip that two people sign is no receipt of an act.
        made = world.view.execute(
            "SELECT count(*) FROM receipt WHERE kind<>'two_people'"
        ).fetchone()
        assert done == made, "receipts are not one for each finished act"

    def _account(
        self, world: World, holder: Holder, acts: list[dict[str, Any]]
    ) -> None:
        """The account is what was loaded less what the booked records took."""
        sign = -1 if holder.mode.prepaid else 1
        unit = "m3" if holder.mode.in_quantity else "CNY"
        booked = sign * world.account(f"card:{holder.card_key}", unit)
        ended = [act for act in acts if act["state"] in {"DONE", "SCRAP"}]
        loads = sum(act["amount"] + act["bonus"] for act in ended)
        in_book = [
            record
            for nozzle, record in holder.fills
            if (nozzle, started(record)) in self.brought
        ]
        taken = sum(_taken(holder.mode, record, in_book) for record in in_book)
        expected = loads - taken if holder.mode.prepaid else loads + taken
        assert booked == expected, f"account {booked}, acts and records say {expected}"
        if holder.mode is PaymentMode.PREPAID_QUANTITY:
            self._lots(world, holder.card_key, booked)

    def _lots(self, world: World, card_key: str, booked: int) -> None:
        """What is left in the lots is what the account has, never less than 0."""
        row = world.view.execute(
            "SELECT (SELECT coalesce(sum(quantity_milli), 0) FROM gas_lot"
            " WHERE card_key=?1) - (SELECT coalesce(sum(u.quantity_milli), 0)"
            " FROM gas_lot_use u JOIN gas_lot l ON l.seq=u.lot_seq"
            " WHERE l.card_key=?1)",
            (card_key,),
        ).fetchone()
        assert row[0] == booked >= 0, f"lots {row[0]}, account {booked}"

    def _chip(self, world: World, holder: Holder, acts: list[dict[str, Any]]) -> None:
        """I2, I5, I7, I13: each finished act is on the chip once; so is every debit."""
        if any(act["state"] == "SCRAP" for act in acts):
            return
        purse = world.reading(holder.chip).purse
        if purse is None:
            done = [act for act in acts if act["state"] == "DONE"]
            assert not done, "a finished act is not on its card"
            return
        done = [act for act in acts if act["state"] == "DONE"]
        open_acts = [act for act in acts if is_open(act)]
        ahead = purse.wseq - len(done)
        assert 0 <= ahead <= len(open_acts), f"{ahead} writes without an act"
        on_card = done + (open_acts if ahead else [])
        loads = sum(_on_chip(holder.mode, act) for act in on_card)
        taken = sum(
            purse_to_book(holder.mode, record.debited_hundredths)
            for _, record in holder.fills
        )
        expected = loads - taken if holder.mode.prepaid else loads + taken
        found = purse_to_book(holder.mode, purse.balance)
        assert found == expected, f"card {found}, acts and fills say {expected}"


def is_open(act: dict[str, Any]) -> bool:
    """Tell whether an act waits for its card."""
    return act["state"] in {"PREPARED", "INDOUBT"}


def refund_of(act: dict[str, Any]) -> int:
    """Return what an act pays out when it is done."""
    refund: int = json.loads(act["plan"]).get("refund_e4", 0)
    return refund


def _on_chip(mode: PaymentMode, act: dict[str, Any]) -> int:
    """What an act has put on its chip; a settling takes what the record has booked."""
    if act["kind"] in {"settle_grey", "settle_grey_by_hand"}:
        return purse_to_book(mode, act["after_balance"] - act["before_balance"])
    loaded: int = act["amount"] + act["bonus"]
    return loaded


def started(record: SaleRecord) -> int:
    """Return the dispenser's own count of its records, which never begins anew."""
    return int((record.started_at or "#0").split("#")[1])


def _taken(mode: PaymentMode, record: SaleRecord, booked: list[SaleRecord]) -> int:
    """What a booked record takes from the account, given what else is booked."""
    debited = purse_to_book(mode, record.debited_hundredths)
    if record.transaction_type is TransactionType.NORMAL:
        return debited
    pseq = record.card_consumption_count
    if record.transaction_type is TransactionType.MAKE_UP_DEBIT:
        fill = any(other.card_consumption_count == pseq - 1 for other in booked)
        return debited if fill else 0
    if any(other.card_consumption_count == pseq + 1 for other in booked):
        made_up = [o for o in booked if o.card_consumption_count == pseq + 1]
        if made_up[0].transaction_type is TransactionType.MAKE_UP_DEBIT:
            return 0
    owed = record.quantity_milli if mode.in_quantity else record.amount_e4
    on_card = purse_to_book(mode, record.balance_before_hundredths)
    return min(owed, on_card) if mode.prepaid else owed
