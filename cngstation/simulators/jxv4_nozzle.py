"""The nozzle of a simulated JX-V4 dispenser: its card slot, its gas and its debit.

One transaction goes through accepting, ready, fuelling, awaiting_debit, debiting; each
stage is in memory before the card or the gas moves. The card is written twice: grey
when it is accepted, balance and grey cleared together when it is debited.
"""

from datetime import datetime
from pathlib import Path

from cngstation.simulators import jxv4_frames as frames
from cngstation.simulators import jxv4_memory as stages
from cngstation.simulators import jxv4_transaction as rules
from cngstation.simulators.control import HandsRefused
from cngstation.simulators.held_file import CardElsewhere
from cngstation.simulators.jxv4_frames import Decision, wire_time
from cngstation.simulators.jxv4_memory import Memory, OpenTransaction
from cngstation.simulators.jxv4_transaction import FillOrder, Flow, GunSettings, Preset
from cngstation.simulators.purse_in_slot import (
    HeldCard,
    read_info,
    read_purse,
    write_purse,
)
from cngstation.simulators.purse_on_card import (
    CardRefused,
    CardTorn,
    Grey,
    Purse,
    changed,
)
from cngstation.simulators.virtual_cards import hold_card

IDLE, FUELLING, DEBIT_DUE = 0xA1, 0xA4, 0xA5
UNLOCK, VERDICT = "unlock", "verdict"
_VERDICTS = {
    rules.CHECK: {
        1: "unknown_card",
        2: "blacklist",
        3: "balance_abnormal",
        4: "time_abnormal",
    },
    rules.BLACKLIST: {1: "blacklist"},
    rules.WHITELIST: {0: "not_on_whitelist"},
}
_STATUS_OF_STAGE = {
    stages.FUELLING: FUELLING,
    stages.AWAITING_DEBIT: DEBIT_DUE,
    stages.DEBITING: DEBIT_DUE,
}


class Nozzle:
    """The part of a gun that touches card, gas and records."""

    def __init__(
        self, settings: GunSettings, memory: Memory, cards: Path, master: bytes
    ) -> None:
        self._settings = settings
        self._memory = memory
        self._cards = cards
        self._master = master
        self._flow: Flow | None = None
        self.card: HeldCard | None = None
        self.purse: Purse | None = None
        self.waits_for = ""  # UNLOCK or VERDICT: what the host must say of the card
        self.refused = ""  # why the last card was given back
        self.preset: Preset | None = None  # of an authorisation that was not used yet
        self.blocks_before_tear: int | None = None  # of the next write, for tests

    @property
    def open(self) -> OpenTransaction | None:
        """The transaction under way, if there is one."""
        return self._memory.open

    @property
    def status(self) -> int:
        """The status byte as far as the fill decides it."""
        return _STATUS_OF_STAGE.get(self.open.stage, IDLE) if self.open else IDLE

    def insert(self, uid: bytes, when: datetime) -> Purse:
        """Read a card, and write it grey for the fill that may begin.

        Raises:
            CardRefused: the dispenser gives the card back; the code says why.
            HandsRefused: there is no such card, or it or the slot is not free.
        """
        if self.card is not None:
            raise HandsRefused("a card is already in this gun")
        card = self._into_slot(uid)
        self.refused = ""
        try:
            self.purse = self._look_at(card, when)
        except BaseException:
            card.leave()
            raise
        self.card = card
        return self.purse

    def question(self) -> tuple[int, bytes] | None:
        """Return what the host is asked about the card in the slot."""
        if self.card is None or self.purse is None or not self.waits_for:
            return None
        card = rules.printed_no(self.purse, read_info(self._master, self.card))
        if self.waits_for == UNLOCK:
            return frames.DEBIT, rules.unlock_request(self.purse, card).to_bytes()
        if self._settings.asks_about_cards == rules.CHECK:
            balance = frames.figures(self.purse.balance)
            return frames.CARD_CHECK, bytes.fromhex(card) + balance + bytes(7)
        kind = int(self._settings.asks_about_cards == rules.WHITELIST)
        return frames.LIST_CHECK, bytes.fromhex(card) + bytes([kind])

    def hear_verdict(self, command: int, body: bytes, when: datetime) -> bool:
        """Take what the host says of the card; tell whether it was waited for."""
        asked = self.question()
        if asked is None or asked[0] != command or self.waits_for != VERDICT:
            return False
        if len(body) != 9 or body[:8] != asked[1][:8]:
            return False
        assert self.card is not None
        good = self._settings.asks_about_cards == rules.WHITELIST
        self.waits_for = ""
        if body[8] != int(good):
            verdicts = _VERDICTS[self._settings.asks_about_cards]
            self._give_back(verdicts.get(body[8], "verdict_unknown"))
            return True
        try:
            self.purse = self._accept(self.card, when)
        except CardRefused as refused:
            self._give_back(refused.code)
        return True

    def unlock(self, decision: Decision, when: datetime) -> bool:
        """Collect an earlier fill, if the host has found it; tell whether it fits."""
        card, purse = self.card, self.purse
        if self.waits_for != UNLOCK or card is None or purse is None:
            return False
        if not decision.found:
            self._give_back("grey")
            return True
        opened = rules.opened(
            purse,
            read_info(self._master, card),
            uid=card.uid,
            trans_no=self._memory.counters.next_trans_no,
            price=0,
            when=when,
        )
        if not rules.decision_fits(decision, opened, kind=1):
            return False
        self.waits_for = ""
        self._memory.open = transaction = rules.unlocking(opened, decision, when)
        self._memory.save()
        after = rules.balance_after(transaction, decision.real_debit)
        paid = changed(purse, balance=after, grey=None, pseq=transaction.pseq)
        try:
            self._write(card, paid)
        except CardTorn:
            self._forget()
            self._give_back("write_failed")
            return True
        self.purse = paid
        self._store(transaction, rules.MAKE_UP)
        return True

    def begin(self, order: FillOrder, now: float) -> None:
        """Open the valve for the accepted card.

        Raises:
            HandsRefused: no accepted card waits.
        """
        transaction = self.open
        if transaction is None or transaction.stage != stages.READY:
            raise HandsRefused("no accepted card waits in this gun")
        if self._settings.variant == rules.PETROCHINA and self.preset is None:
            raise HandsRefused("the host has not authorised this fill")
        order = rules.within(order, self.preset, transaction.price)
        self.preset = None
        self._flow = rules.flow_of(order, transaction, now)
        transaction.stage = stages.FUELLING
        transaction.pressure_before = order.pressure_start
        transaction.pressure_after = order.pressure_start
        self._memory.save()

    def advance(self, now: float, when: datetime) -> None:
        """Let the gas flow up to now; the fill ends itself at its target."""
        transaction, flow = self.open, self._flow
        if transaction is None or flow is None:
            return
        quantity = flow.quantity(now)
        if quantity > transaction.quantity:
            transaction.quantity = quantity
            transaction.amount = rules.amount_fen(quantity, transaction.price)
            transaction.pressure_after = flow.pressure(quantity)
            self._memory.save()
        if quantity >= flow.target:
            self._end_flow(transaction, flow.reason_at_target, when)

    def stop(self, now: float, when: datetime) -> None:
        """Close the valve by hand.

        Raises:
            HandsRefused: no gas flows.
        """
        self.advance(now, when)
        if self.open is None or self.status == IDLE:
            raise HandsRefused("no gas flows in this gun")
        if self.status == FUELLING:
            self._end_flow(self.open, rules.STOPPED_BY_HAND, when)

    def take_out(self, now: float, when: datetime) -> bytes | None:
        """Pull the card, whatever the fill is doing; return its UID.

        Before the gas has moved the dispenser gives the card back clean, with a record
        of nothing, so that every pseq of a card has its record.
        """
        self.advance(now, when)
        transaction, card = self.open, self.card
        if transaction is not None and transaction.stage == stages.READY:
            self._settle(transaction, 0, when)
        elif transaction is not None:
            if transaction.stage == stages.FUELLING:
                self._end_flow(transaction, rules.CARD_REMOVED, when)
            self._store(transaction, rules.GREY)
        self.card = self.purse = self.preset = None
        self.waits_for = ""
        if card is None:
            return None
        card.leave()
        return card.uid

    def decide(self, decision: Decision, when: datetime) -> bool:
        """Carry out the host's decision; tell whether it fits this transaction."""
        transaction = self.open
        if transaction is None or transaction.stage != stages.AWAITING_DEBIT:
            return False
        if not rules.decision_fits(decision, transaction):
            return False
        self._settle(transaction, decision.real_debit, when)
        return True

    def power_off(self) -> None:
        """Let go of the card; memory stays as it is."""
        if self.card is not None:
            self.card.leave()
        self._memory.close()
        self.card = self.purse = self._flow = None

    def resume(self, when: datetime) -> None:
        """Settle what a power cut left open: the card itself says what was written."""
        transaction = self.open
        if transaction is None:
            return
        purse = self._look_after_power_loss(transaction)
        stage = transaction.stage
        if stage == stages.UNLOCKING:
            if rules.card_is_debited(purse, transaction):
                self._store(transaction, rules.MAKE_UP)
            else:
                self._forget()
            return
        if stage == stages.ACCEPTING and rules.card_is_untouched(purse, transaction):
            self._forget()
            return
        if stage not in (stages.AWAITING_DEBIT, stages.DEBITING):
            transaction.stop_reason = rules.POWER_LOST
            transaction.ended_at = wire_time(when).hex()
        paid = stage == stages.DEBITING and rules.card_is_debited(purse, transaction)
        self._store(transaction, rules.NORMAL if paid else rules.GREY)

    def _into_slot(self, uid: bytes) -> HeldCard:
        try:
            return hold_card(self._cards, uid)
        except FileNotFoundError:
            raise HandsRefused(f"there is no card {uid.hex()}") from None
        except CardElsewhere:
            raise HandsRefused(f"card {uid.hex()} is in another field") from None

    def _look_at(self, card: HeldCard, when: datetime) -> Purse:
        purse = read_purse(self._master, card)
        settings = rules.in_force(self._settings, self._memory.held)
        if purse.grey is not None and settings.unlocks_grey:
            self.waits_for = UNLOCK
            return purse
        if settings.asks_about_cards == rules.NOTHING:
            return self._accept(card, when)
        rules.admit(purse, read_info(self._master, card), settings, when)
        self.waits_for = VERDICT
        return purse

    def _give_back(self, why: str) -> None:
        """Let the driver take the card back without a fill."""
        assert self.card is not None
        self.card.leave()
        self.card = self.purse = None
        self.waits_for, self.refused = "", why

    def _accept(self, card: HeldCard, when: datetime) -> Purse:
        purse, info = read_purse(self._master, card), read_info(self._master, card)
        settings = rules.in_force(self._settings, self._memory.held)
        rules.admit(purse, info, settings, when)
        trans_no = self._memory.counters.next_trans_no
        self._memory.open = transaction = rules.opened(
            purse,
            info,
            uid=card.uid,
            trans_no=trans_no,
            price=settings.prices[purse.price_level],
            when=when,
        )
        self._memory.save()
        grey = Grey(settings.station_no, settings.gun, trans_no)
        locked = changed(purse, balance=purse.balance, grey=grey, pseq=transaction.pseq)
        try:
            self._write(card, locked)
        except CardTorn:
            self._forget()
            raise CardRefused("write_failed") from None
        transaction.stage = stages.READY
        self._memory.save()
        return locked

    def _end_flow(
        self, transaction: OpenTransaction, reason: int, when: datetime
    ) -> None:
        self._flow = None
        transaction.stage = stages.AWAITING_DEBIT
        transaction.stop_reason = reason
        transaction.ended_at = wire_time(when).hex()
        self._memory.save()

    def _settle(
        self, transaction: OpenTransaction, real_debit: int, when: datetime
    ) -> None:
        """Write the debit to the card, then store the record that says how it went."""
        assert self.card is not None
        assert self.purse is not None
        transaction.stage = stages.DEBITING
        transaction.real_debit = real_debit
        transaction.ended_at = transaction.ended_at or wire_time(when).hex()
        self._memory.save()
        after = rules.balance_after(transaction, real_debit)
        paid = changed(self.purse, balance=after, grey=None, pseq=self.purse.pseq)
        try:
            self._write(self.card, paid)
        except CardTorn:
            self._store(transaction, rules.GREY)
            return
        self.purse = paid
        self._store(transaction, rules.NORMAL)

    def _store(self, transaction: OpenTransaction, trans_type: int) -> None:
        """Make the record and close the transaction, in one change of the memory."""
        counters = self._memory.counters
        counters.count(transaction)
        record = rules.record_of(transaction, trans_type, self._settings, counters)
        self._memory.records.add(transaction.trans_no, record.to_bytes())
        self._flow = None
        self._forget()

    def _forget(self) -> None:
        self._memory.open = None
        self._memory.save()

    def _write(self, card: HeldCard, purse: Purse) -> None:
        tear, self.blocks_before_tear = self.blocks_before_tear, None
        write_purse(self._master, card, purse, tear_after=tear)

    def _look_after_power_loss(self, transaction: OpenTransaction) -> Purse | None:
        """Read the card that is still in the slot; None when it is gone already."""
        try:
            with self._into_slot(bytes.fromhex(transaction.uid)) as card:
                return read_purse(self._master, card)
        except (HandsRefused, CardRefused):
            return None
