"""Puts together all that is known of the card on the reader, and says why not."""

from dataclasses import replace

from cngstation.domain import known_card
from cngstation.domain.card_life import CardState as Life
from cngstation.domain.causes import WORDS
from cngstation.domain.continuity import break_of
from cngstation.domain.diagnosis import Found, causes_of
from cngstation.domain.known_card import Known, Lies
from cngstation.domain.limits import Stopped, Verdict, Window, window_start_ms
from cngstation.domain.payment import MODE_OF_CODE
from cngstation.drivers.card_reader import CardGone
from cngstation.errors import DeviceError, DeviceUnavailable
from cngstation.moments import days_until
from cngstation.protocols.card_image.purse import (
    LAST_GEN,
    LAST_PSEQ,
    LAST_WSEQ,
    CardInfo,
    GreyMark,
    Purse,
)
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract.diagnosis import (
    CARD_WHY,
    MOST_CAUSES,
    Diagnosis,
    WhyNot,
)
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services import old_on_card
from cngstation.services.card_on_reader import CardReading, CardState, evidence_of
from cngstation.services.counter_parts import CounterParts
from cngstation.services.limit_spending import may_fill
from cngstation.services.old_on_card import acts_that_write, cylinder_due, limits_of
from cngstation.services.open_rows import facts_of
from cngstation.services.prices_now import in_force_now
from cngstation.services.tell_day import tell
from cngstation.storage import cards, customers, facts, journal, sales
from cngstation.storage import limits as kept_limits
from cngstation.storage.cards import Card
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

_LIES = {
    CardState.BLANK: Lies.BLANK,
    CardState.OURS: Lies.OURS,
    CardState.TORN_ISSUE: Lies.TORN_ISSUE,
    CardState.FOREIGN: Lies.FOREIGN,
    CardState.BOTH_BAD: Lies.BOTH_BAD,
}


class DiagnosisAnswers:
    """Answers why the card on the reader will not fill."""

    def __init__(self, parts: CounterParts) -> None:
        self._database = parts.database
        self._acts = parts.acts
        self._watch = parts.watch
        self._rules = parts.rules
        self._clock = parts.clock

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(CARD_WHY, self.why)

    async def why(self, _: Nothing, call: CallContext) -> Diagnosis:
        """Read the card and say everything that keeps it from filling.

        A reader that fails is a cause and no error.
        """
        reading = await self._read()
        if not isinstance(reading, CardReading):
            return _answer(reading, "")
        uid = reading.uid.hex().upper()
        known = await self._database.read(lambda db: self.known(db, reading))
        return _answer(known, uid)

    async def _read(self) -> CardReading | Known:
        try:
            async with self._watch.borrow() as port:
                uid = await port.find()
                if uid is None:
                    return Known(Lies.NOTHING, self._here(None))
                return await port.read(uid)
        except CardGone:
            return Known(Lies.LEFT, self._here(None))
        except DeviceUnavailable as error:
            why = error.facts.get("why", error.sentence())
            return Known(Lies.READER_AWAY, self._here(None), trouble=str(why))
        except DeviceError as error:
            trouble = error.sentence()
            return Known(Lies.READER_UNSURE, self._here(None), trouble=trouble)

    def known(self, connection: Connection, reading: CardReading) -> Known:
        """Return all that the card, the register and the books say of a card."""
        uid = reading.uid.hex().upper()
        issued_as = cards.with_uid(connection, uid)
        living = [card for card in issued_as if card.state is not Life.CANCELLED]
        intent = journal.open_for_uid(connection, uid)
        bare = Known(
            lies=_LIES[reading.state],
            station=self._here(None),
            uid=uid,
            chip_card=living[-1].card_no if living else "",
            chip_is_known=bool(issued_as),
            act=self._act(intent, reading),
        )
        if reading.state is not CardState.OURS or reading.purse is None:
            return bare
        if reading.info is None:
            return replace(bare, lies=Lies.NO_INFO)
        seen = evidence_of(reading)
        now_ms = tell(connection, self._clock.now()).ms
        known = replace(
            bare,
            reading=_of_card(reading.purse, reading.info, now_ms, whole=reading.whole),
        )
        card = cards.find(connection, seen.card_key)
        if card is None:
            return known
        mine = journal.open_for_card(connection, card.card_key) or intent
        return replace(
            known,
            station=self._here(self._price(connection, card, now_ms)),
            registered=self._registered(connection, card, reading, now_ms),
            grey=_grey(connection, card, reading.purse.grey, seen.pseq),
            act=self._act(mine, reading),
        )

    def _here(self, price_e4: int | None) -> known_card.Station:
        rules = self._rules
        return known_card.Station(
            station_no=rules.station_no,
            area_no=rules.area_no,
            issue_point_no=rules.issue_point_no,
            gas_units=tuple(sorted(str(unit) for unit in rules.sold_units)),
            price_e4=price_e4,
        )

    def _act(
        self, intent: Intent | None, reading: CardReading
    ) -> known_card.OpenAct | None:
        if intent is None:
            return None
        verdict = self._acts.verdict_on(intent, reading)
        return known_card.OpenAct(intent.kind, verdict)

    def _price(self, connection: Connection, card: Card, now_ms: int) -> int | None:
        in_force = in_force_now(connection, self._rules.gas_unit, now_ms)
        price = in_force.get(card.price_level)
        return price.e4 if price else None

    def _registered(
        self, connection: Connection, card: Card, reading: CardReading, now_ms: int
    ) -> known_card.Registered:
        due, key = cylinder_due(connection, card), card.card_key
        seen, vehicle = evidence_of(reading), None
        if card.for_customers:
            vehicle = customers.find_vehicle(connection, card.vehicle_id)
        plate = vehicle.plate if vehicle else ""
        limits = limits_of(connection, card)
        # By the clock, as limits are: a fill's booked day is that of its shift.
        began_ms = window_start_ms(
            Window.DAY, now_ms, cut_off_minute=self._rules.business_day_starts_minute
        )
        since = kept_limits.first_seq_since(connection, began_ms)
        return known_card.Registered(
            card_no=card.card_no,
            state=card.state,
            payment_mode=card.payment_mode,
            unit=str(card.unit),
            cylinder_due=due,
            cylinder_days=days_until(due, now_ms) if due else None,
            broken=break_of(card.known, seen),
            plate=plate,
            is_of_plate=old_on_card.EDIT
            not in acts_that_write(connection, card, reading, None),
            limits_yuan=None
            if limits is None
            else (limits["limit_per_fill_yuan"], limits["limit_per_day_yuan"]),
            owed_e4=facts.balance(connection, f"receivable:{key}", Unit.CNY),
            stopped=_stopped(may_fill(connection, key, now_ms, self._rules)),
            filled_today_e4=kept_limits.filled_by_card(connection, key, since).e4,
        )


def _of_card(
    purse: Purse, info: CardInfo, now_ms: int, *, whole: bool
) -> known_card.Reading:
    due = purse.cylinder_due or ""
    left = purse.gen < LAST_GEN and purse.wseq < LAST_WSEQ and purse.pseq < LAST_PSEQ
    return known_card.Reading(
        card_no=purse.card_no,
        area_no=info.area_no,
        payment_mode=MODE_OF_CODE.get(purse.payment_mode),
        balance=purse.balance,
        price_fen=info.price_fen,
        cylinder_due=due,
        cylinder_days=days_until(due, now_ms) if due else None,
        whole=whole,
        counters_left=left,
        limit_per_fill_yuan=info.limit_per_fill_yuan,
        limit_per_day_yuan=info.limit_per_day_yuan,
        plate=info.plate,
        can_be_written=purse.counted,
    )


def _stopped(verdict: Verdict) -> str:
    return verdict.reason if isinstance(verdict, Stopped) else ""


def _grey(
    connection: Connection, card: Card, grey: GreyMark | None, pseq: int
) -> known_card.Grey | None:
    if grey is None:
        return None
    fill = sales.grey_fill(connection, card.card_key, grey.trans_no, pseq)
    return known_card.Grey(
        station_no=grey.station_no,
        gun=grey.gun,
        number=grey.trans_no,
        nozzle_no=fill["nozzle_no"] if fill else 0,
        amount_e4=fill["amount_e4"] if fill else None,
    )


def _answer(known: Known, uid: str) -> Diagnosis:
    found = causes_of(known)[:MOST_CAUSES]
    card_no = known.reading.card_no if known.reading else known.chip_card
    return Diagnosis(
        uid=uid, card_no=card_no, causes=tuple(_cause(one) for one in found)
    )


def _cause(found: Found) -> WhyNot:
    words = WORDS[found.cause]
    return WhyNot(
        cause=str(found.cause),
        text=words.text,
        cure=words.cure,
        act=str(words.act),
        facts=facts_of(_named(found, words.text + words.cure)),
    )


def _named(found: Found, text: str) -> list[tuple[str, str | int]]:
    """Return the facts that the sentences name, and no more."""
    return [(name, fact) for name, fact in found.facts.items() if f"{{{name}}}" in text]
