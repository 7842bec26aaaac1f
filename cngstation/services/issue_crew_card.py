"""Issues and rewrites crew cards (班组卡): a number and a holder, never any money.

A crew card says who works; no act that moves money or gas takes one.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from cngstation.domain.card_kinds import CREW, CREW_REWRITE, NotCrewCard
from cngstation.domain.card_life import Act
from cngstation.domain.card_life import CardState as Life
from cngstation.domain.numbers import without_personal
from cngstation.domain.payment import PaymentMode
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.services.act_kind import ActKind
from cngstation.services.act_on_card import CardActs
from cngstation.services.act_result import ActResult
from cngstation.services.card_on_reader import (
    CardPort,
    CardReading,
)
from cngstation.services.do_card_act import ActOrder, Planned, Sight
from cngstation.services.new_card import NewCards, plan_of
from cngstation.services.register_customers import FieldEmpty
from cngstation.services.station_rules import StationRules
from cngstation.storage import audit
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

KIND, REWRITE = "crew_issue", CREW_REWRITE
LONGEST_HOLDER = 40
# What its image says of money: prepaid, and nothing is.
_MODE, _UNIT = PaymentMode.PREPAID_MONEY, Unit.CNY
_HOLDER = mark("The holder {old} becomes {new}.")
_SAME = mark("The same data are written again; the holder stays {old}.")


@dataclass(frozen=True, slots=True)
class CrewOrder:
    """A crew card as it was confirmed."""

    intent_id: str
    holder: str
    remark: str = ""

    def is_of(self, intent: Intent) -> bool:
        """Return whether an act is this order, tried before."""
        planned = json.loads(intent.plan).get("holder")
        return (intent.kind, planned) == (KIND, holder_of(self.holder))


class CrewIssue:
    """Issues crew cards."""

    def __init__(
        self, database: Database, acts: CardActs, *, rules: StationRules, folder: Path
    ) -> None:
        self._cards = NewCards(database, acts, rules=rules, folder=folder)

    async def issue(self, order: CrewOrder, port: CardPort, actor: Actor) -> ActResult:
        """Issue a crew card, or say where the issue with this id stands.

        Raises:
            Refusal: a rule said no; nothing has happened.
            DeviceError: the card cannot be read; nothing has happened.
        """
        if not holder_of(order.holder):
            raise FieldEmpty(field="holder")
        return await self._cards.write(
            order.intent_id,
            order.is_of,
            _MODE,
            lambda tx, reading: self._hold(tx, order, reading, actor),
            port,
        )

    def _hold(
        self, tx: Transaction, order: CrewOrder, reading: CardReading, actor: Actor
    ) -> Intent:
        uid, key = self._cards.number(tx, reading)
        card = _new_card(order, key, uid, tx.now.wall_ms)
        intent = self._cards.begin(
            tx,
            card,
            reading,
            actor,
            intent_id=order.intent_id,
            kind=KIND,
            plan={**plan_of(card, ""), "holder": card.holder},
        )
        audit.record(tx, actor, "card.crew_issue", key, after=card.holder)
        return intent


@dataclass(frozen=True, slots=True)
class RewriteCrewCard:
    """Writes a crew card again, and changes its holder where one is typed."""

    kind: ActKind
    act: Act = Act.EDIT
    right: str = "card.crew"
    two_people: bool = False

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Return old and new holder; refuse a customer's card."""
        card = sight.card
        if card.for_customers:
            raise NotCrewCard(card_no=card.card_no)
        holder = holder_of(order.fields.get("holder", "")) or card.holder
        changed = holder != card.holder
        told = [["holder", card.holder, holder]] if changed else []
        names = {"old": card.holder, "new": holder}
        return Planned(
            after=sight.seen.balance,
            plan={
                "vehicle": {},
                "card": {"holder": holder} if changed else {},
                "info": {"plate": "", "price_fen": 0},
                "told": told,
            },
            notes=((_HOLDER if changed else _SAME, names),),
        )


def holder_of(typed: str) -> str:
    """Return a holder's name as the register keeps it."""
    return clean(typed, limit=LONGEST_HOLDER).strip()


def _new_card(order: CrewOrder, key: str, uid: str, now_ms: int) -> Card:
    return Card(
        card_key=key,
        area_no=key[:4],
        card_no=key[4:],
        uid=uid,
        kind=CREW.name,
        payment_mode=_MODE,
        unit=_UNIT,
        price_level=0,
        price_e4=0,
        vehicle_id=0,
        state=Life.INACTIVE,
        issued_at_ms=now_ms,
        cylinder_due="",
        remark=without_personal(clean(order.remark, limit=200).strip()),
        wseq=0,
        pseq=0,
        seen_balance=0,
        seen_wseq=0,
        seen_pseq=0,
        seen_grey="",
        seen_at_ms=0,
        holder=holder_of(order.holder),
    )
