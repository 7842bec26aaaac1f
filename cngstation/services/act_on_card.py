"""The engine of every act that writes a card and moves money for it.

    hold     COMMIT 1: the intent, the money into its suspense account
    carry    the same card again, its evidence equal to what the intent found; write
    finish   COMMIT 2: the intent done, suspense to where the money belongs, receipt

Whatever cuts this off leaves an intent that says what was meant. At the next tap the
card proves whether the write happened, and `settle` goes on from there. The engine
never guesses: what the card cannot prove is held for two people.
"""

from collections.abc import Callable

from cngstation.domain import ledger
from cngstation.domain.card_life import OUT_OF_USE, CardState
from cngstation.domain.evidence import Evidence, Verdict, same_card_state
from cngstation.domain.ledger import Entry, move
from cngstation.drivers.purse_card import CardBroken
from cngstation.errors import DeviceError, ProtocolError, Refusal
from cngstation.services.act_kind import ActKind
from cngstation.services.act_result import (
    ActIdTaken,
    ActResult,
    finish_id,
    standing_of_act,
    told,
)
from cngstation.services.card_keys import CardKeyWaits, require_keys
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.services.drawn_from_safe import from_where_it_is
from cngstation.services.judge_card import verdict_of
from cngstation.services.tell_day import today
from cngstation.services.till_state import require_open, require_open_for
from cngstation.storage import cards, facts, findings, journal, receipts
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent, IntentState
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit


class CardActs:
    """Holds, carries out, finishes and settles acts on cards."""

    def __init__(
        self,
        database: Database,
        kinds: dict[str, ActKind],
        *,
        cut_off_minute: int,
        prints_wanted: int,
    ) -> None:
        self._database = database
        self._kinds = kinds
        self._cut_off_minute = cut_off_minute
        self._prints_wanted = prints_wanted

    async def result_of(
        self, intent_id: str, is_wanted: Callable[[Intent], bool] = lambda _: True
    ) -> ActResult | None:
        """Return where an act stands, or None if it was never accepted.

        Raises:
            ActIdTaken: the act with this id is not the wanted one.
        """

        def question(connection: Connection) -> ActResult | None:
            intent = journal.find(connection, intent_id)
            if intent is None:
                return None
            if not is_wanted(intent):
                raise ActIdTaken
            return standing_of_act(connection, intent)

        return await self._database.read(question)

    def hold(self, tx: Transaction, intent: Intent) -> None:
        """COMMIT 1: accept the money and promise the card.

        Raises:
            CardKeyWaits: nothing may be written with the keys that there are.
        """
        require_keys(tx.connection)
        require_open_for(tx.connection, intent)
        journal.hold(tx, intent)
        postings = move(
            ledger.suspense_account(intent.intent_id),
            intent.payment.account(intent.till),
            Unit.CNY,
            intent.cash_e4,
        )
        facts.post(tx, self._entry(tx, intent, "hold", postings))

    async def carry_out(self, intent: Intent, port: CardPort) -> ActResult:
        """Write the card of a prepared intent and finish, or leave it in doubt."""
        kind = self._kinds[intent.kind]
        try:
            reading = await port.read(bytes.fromhex(intent.uid))
            seen = kind.evidence(intent, reading)
            if seen is None or not same_card_state(intent.before, seen):
                return await self._doubt(intent, "the card changed before the write")
            await kind.write(port, intent, reading)
        except CardBroken as error:
            return await self._scrap(intent, error.sentence())
        except (DeviceError, ProtocolError, Refusal) as error:
            # The money is held: whatever went wrong here, the act is open now.
            return await self._doubt(intent, error.sentence())
        return await self._finish(intent, "written and read back")

    def verdict_on(self, intent: Intent, reading: CardReading) -> Verdict:
        """Say what a card proves of an open act."""
        seen = self._kinds[intent.kind].evidence(intent, reading)
        return verdict_of(intent, reading, seen)

    async def settle(
        self, intent: Intent, reading: CardReading, port: CardPort
    ) -> ActResult:
        """Go on with an open act from what its card proves."""
        kind = self._kinds[intent.kind]
        seen = kind.evidence(intent, reading)
        verdict = verdict_of(intent, reading, seen)
        match verdict:
            case Verdict.APPLIED:
                return await self._finish(intent, "the card proves the write")
            case Verdict.GREY_SINCE if seen is not None and kind.overtaken(
                intent, seen
            ):
                return await self._void(intent, "it was done by somebody else")
            case Verdict.NOT_APPLIED if seen is not None:
                return await self._write_again(intent, seen, port)
            case Verdict.UNREADABLE:
                return await self._scrap(intent, "the card cannot be read")
        return await self._leave(intent, verdict)

    async def give_back(
        self, intent: Intent, reading: CardReading, operator_no: str
    ) -> ActResult:
        """Undo an act whose card proves that it was not written; it is paid back.

        The reader must stay borrowed from the reading to the end: a card that is
        written in between would carry money that was given back.
        """
        seen = self._kinds[intent.kind].evidence(intent, reading)
        verdict = verdict_of(intent, reading, seen)
        if verdict is Verdict.APPLIED:
            return await self._finish(intent, "the card proves the write")
        if verdict is Verdict.UNREADABLE:
            return await self._scrap(intent, "the card cannot be read")
        if verdict in {Verdict.HOLD, Verdict.NO_FENCE}:
            return await self._leave(intent, verdict)
        return await self._void(intent, f"given back by {operator_no}", at_till=True)

    async def doubt_all_prepared(self, till: str) -> int:
        """At start: an act that was under way when the program ended is in doubt."""

        def unit(tx: Transaction) -> int:
            cut = [
                intent
                for intent in journal.open_intents(tx.connection)
                if intent.state is IntentState.PREPARED and intent.till == till
            ]
            for intent in cut:
                journal.change(
                    tx, intent, "the program ended", state=IntentState.INDOUBT
                )
            return len(cut)

        return await self._database.write(unit)

    async def _write_again(
        self, intent: Intent, seen: Evidence, port: CardPort
    ) -> ActResult:
        kind = self._kinds[intent.kind]
        after = kind.after(intent, seen)
        if after is None:
            return await self._void(intent, "the card is not as the act needs it")
        try:
            await self._database.read(require_keys)
        except CardKeyWaits as waits:
            why = waits.sentence()
            return await self._database.read(lambda c: told(c, intent, trouble=why))

        def unit(tx: Transaction) -> Intent | None:
            current = _unmoved(tx, intent)
            if current is None or not _goes_on(tx, kind, intent):
                return None
            return journal.change(
                tx,
                current,
                "prepared again",
                state=IntentState.PREPARED,
                before_balance=seen.balance,
                before_wseq=seen.wseq,
                before_pseq=seen.pseq,
                before_grey=seen.grey,
                after_balance=after,
                attempts=intent.attempts + 1,
            )

        prepared = await self._database.write(unit)
        if prepared is None:
            return await self._leave(intent, Verdict.HOLD)
        return await self.carry_out(prepared, port)

    async def _finish(self, intent: Intent, reason: str) -> ActResult:
        return await self._database.write(lambda tx: self.finish(tx, intent, reason))

    def finish(
        self, tx: Transaction, intent: Intent, reason: str, *, attended: bool = True
    ) -> ActResult:
        """COMMIT 2: the card has it; once only, at the counter if attended."""
        current = journal.find(tx.connection, intent.intent_id)
        if current is None or current.state not in journal.OPEN_STATES:
            return standing_of_act(tx.connection, intent)
        kind = self._kinds[intent.kind]
        done = journal.change(tx, current, reason, state=IntentState.DONE)
        self._post_finish(tx, done, "finish", attended=attended)
        cards.written(tx, done.card_key, done.before_wseq + 1)
        kind.registers(tx, done)
        number = receipts.make(
            tx,
            finish_id(done.intent_id),
            done.kind,
            kind.slip(tx, done),
            wanted=self._prints_wanted,
        )
        return told(tx.connection, done, number)

    def _post_finish(
        self, tx: Transaction, intent: Intent, step: str, *, attended: bool = True
    ) -> None:
        moves = self._kinds[intent.kind].moves(tx, intent)
        suspense = ledger.suspense_account(intent.intent_id)
        fee = move(ledger.CARD_FEES, suspense, Unit.CNY, intent.fee_e4)
        postings = fee + moves.postings
        postings = from_where_it_is(tx, intent, postings, attended=attended)
        entry = self._entry(tx, intent, step, postings)
        facts.post(
            tx,
            entry._replace(corrects=moves.corrects),
            lots=moves.lots[:1],
            lot_uses=moves.lot_uses,
        )
        # A lot is the lot of one entry.
        for number, lot in enumerate(moves.lots[1:], 2):
            facts.post(tx, self._entry(tx, intent, f"lot{number}", ()), lots=[lot])

    async def _void(
        self, intent: Intent, reason: str, *, at_till: bool = False
    ) -> ActResult:
        def unit(tx: Transaction) -> ActResult:
            current = _unmoved(tx, intent)
            if current is None:
                return standing_of_act(tx.connection, intent)
            if at_till and current.cash_e4:
                require_open(tx.connection, current.till, current.payment.tender)
            return told(tx.connection, self.undo(tx, current, reason))

        return await self._database.write(unit)

    def undo(self, tx: Transaction, intent: Intent, reason: str) -> Intent:
        """Give back what an open act has taken; its card was not written."""
        void = journal.change(tx, intent, reason, state=IntentState.VOID)
        postings = move(
            intent.payment.account(intent.till),
            ledger.suspense_account(intent.intent_id),
            Unit.CNY,
            intent.cash_e4,
        )
        postings = from_where_it_is(tx, void, postings)
        facts.post(tx, self._entry(tx, void, "void", postings))
        self._kinds[intent.kind].undoes(tx, void)
        return void

    def would_book(self, intent: Intent) -> int:
        """Return what giving an open act up adds to its card's account."""
        is_kept = not self._kinds[intent.kind].takes
        return intent.amount + intent.bonus if is_kept else 0

    def give_up(self, tx: Transaction, intent: Intent, reason: str) -> Intent:
        """End an open act whose card will not come back, on the side of its money.

        What was paid in is booked to the card, what was to be taken off stays.
        """
        if self._kinds[intent.kind].takes:
            return self.undo(tx, intent, reason)
        scrapped = journal.change(tx, intent, reason, state=IntentState.SCRAP)
        self._post_finish(tx, scrapped, "scrap")
        return scrapped

    async def _doubt(self, intent: Intent, reason: str) -> ActResult:
        def unit(tx: Transaction) -> ActResult:
            current = _unmoved(tx, intent)
            if current is None:
                return standing_of_act(tx.connection, intent)
            doubt = journal.change(tx, current, reason, state=IntentState.INDOUBT)
            return told(tx.connection, doubt, trouble=reason)

        return await self._database.write(unit)

    async def _scrap(self, intent: Intent, reason: str) -> ActResult:
        """The chip is dead: its money is in the book and a new card will carry it."""

        def unit(tx: Transaction) -> ActResult:
            current = _unmoved(tx, intent)
            if current is None:
                return standing_of_act(tx.connection, intent)
            scrapped = self.give_up(tx, current, reason)
            card = cards.find(tx.connection, intent.card_key)
            if card and card.state not in OUT_OF_USE | {CardState.LOST}:
                cards.change(tx, intent.card_key, reason=reason, state=CardState.WASTE)
                findings.open_once(
                    tx, "waste_card", intent.card_key, {"intent": intent.intent_id}
                )
            return told(tx.connection, scrapped)

        return await self._database.write(unit)

    async def _leave(self, intent: Intent, verdict: Verdict) -> ActResult:
        def unit(tx: Transaction) -> ActResult:
            current = _unmoved(tx, intent)
            if current is None:
                return standing_of_act(tx.connection, intent)
            if current.state is IntentState.PREPARED:
                current = journal.change(
                    tx, current, str(verdict), state=IntentState.INDOUBT
                )
            findings.open_once(
                tx, f"intent_{verdict}", intent.card_key, {"intent": intent.intent_id}
            )
            return told(tx.connection, current, trouble=str(verdict))

        return await self._database.write(unit)

    def _entry(
        self,
        tx: Transaction,
        intent: Intent,
        step: str,
        postings: tuple[ledger.Posting, ...],
    ) -> Entry:
        return Entry(
            entry_id=f"{intent.intent_id}.{step}",
            kind=f"{intent.kind}.{step}",
            business_day=today(tx, cut_off_minute=self._cut_off_minute),
            operator_no=intent.operator_no,
            terminal=intent.terminal,
            postings=postings,
            intent_id=intent.intent_id,
        )


def _unmoved(tx: Transaction, intent: Intent) -> Intent | None:
    """Return the act if it still is open and as it was judged.

    Between a reading and its commit another daemon, or another screen, may have gone
    on with the same act.
    """
    current = journal.find(tx.connection, intent.intent_id)
    if current is None or current.state not in journal.OPEN_STATES:
        return None
    as_judged = (intent.attempts, intent.before)
    return current if (current.attempts, current.before) == as_judged else None


def _goes_on(tx: Transaction, kind: ActKind, intent: Intent) -> bool:
    card = cards.find(tx.connection, intent.card_key)
    return card is not None and card.state in kind.goes_on
