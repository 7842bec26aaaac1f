"""The alarm list: what is open, and what dispensers report, each with what to do."""

from typing import Any

from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import board as contract
from cngstation.rpc.contract.board import MOST_EVENTS, AlarmRow
from cngstation.rpc.contract.figures import OpenRow
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.counter_parts import actor_of
from cngstation.services.open_rows import facts_of, open_rows
from cngstation.storage import alarms, audit, device_events
from cngstation.storage.alarms import Seen
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

RIGHT = "alarm.see"
_LONGEST_SEQ = 18
_NOTHING = mark("Nothing to do.")

# Event of a dispenser: what is said of it, and what to do.
EVENTS: dict[str, tuple[str, str]] = {
    "price_received": (
        mark("Nozzle {nozzle} took new prices."),
        mark("Compare the price that its display shows."),
    ),
    "grey_cleared": (
        mark("Nozzle {nozzle} cleared grey card {card}."),
        _NOTHING,
    ),
    "card_error": (
        mark("Nozzle {nozzle} could not read or write card {card}."),
        mark("If it happens with other cards too, its card reader is to be looked at."),
    ),
    "authorisation_cancelled": (
        mark("Nozzle {nozzle}: a fill was let go and taken back, card {card}."),
        _NOTHING,
    ),
    "text": (
        mark("Nozzle {nozzle} says: {text}"),
        mark("Look the text up in the dispenser's manual."),
    ),
}
_OTHER = (
    mark("Nozzle {nozzle} reports code {code}, card {card}."),
    mark("Look the code up in the dispenser's manual."),
)


class NoSuchAlarm(Refusal):
    """There is nothing under this number that could be seen."""

    code = "refusal.no_such_alarm"
    text = "There is no such row or event. Nothing was marked."


class AlarmAnswers:
    """The handlers of this area."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.ALARM_LIST, self.alarms)
        made.add(contract.ALARM_SEE, self.see)

    async def alarms(self, _: Nothing, call: CallContext) -> contract.Alarms:
        """Return open rows and the last events, newest first."""
        return await self._database.read(listed)

    async def see(
        self, request: contract.AlarmSeen, call: CallContext
    ) -> contract.Alarms:
        """Mark an alarm as seen; the first who does so stays named.

        Raises:
            NoSuchAlarm: nothing was marked.
        """
        actor = actor_of(call)
        text = request.alarm_id
        is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_SEQ
        of_seq = int(text) if is_number else 0

        def unit(tx: Transaction) -> None:
            if not alarms.exists(tx.connection, of_seq):
                raise NoSuchAlarm
            if alarms.mark_seen(tx, of_seq, actor):
                audit.record(tx, actor, RIGHT, text)

        await self._database.write(unit)
        return await self._database.read(listed)


def listed(connection: Connection) -> contract.Alarms:
    """Return open rows and the last events, newest first."""
    rows = open_rows(connection)
    events = device_events.newest(connection, MOST_EVENTS)
    seqs = [int(row.row_id) for row in rows if row.row_id.isdigit()]
    seen = alarms.seen_by(connection, [*seqs, *(event["seq"] for event in events)])
    listed_rows = [_of_row(row, seen) for row in rows]
    listed_rows += [_of_event(event, seen) for event in events]
    listed_rows.sort(key=lambda row: row.at_ms, reverse=True)
    return contract.Alarms(rows=tuple(listed_rows))


def _of_row(row: OpenRow, seen: dict[int, Seen]) -> AlarmRow:
    can_be_seen = row.row_id.isdigit()
    by = seen.get(int(row.row_id)) if can_be_seen else None
    facts = {fact.name: fact.value for fact in row.facts}
    nozzle = facts.get("nozzle", "")
    if not nozzle and row.subject.startswith("nozzle "):
        nozzle = row.subject.removeprefix("nozzle ")
    return AlarmRow(
        alarm_id=row.row_id if can_be_seen else "",
        source="row" if can_be_seen else "act",
        kind=row.kind,
        nozzle_no=int(nozzle) if nozzle.isdigit() else 0,
        text=row.text,
        cure=row.cure,
        facts=row.facts,
        at_ms=row.at_ms,
        device_at="",
        people=row.people,
        seen_by=_name(by),
        seen_at_ms=by.at_ms if by else 0,
    )


def _of_event(event: dict[str, Any], seen: dict[int, Seen]) -> AlarmRow:
    text, cure = EVENTS.get(event["name"], _OTHER)
    by = seen.get(event["seq"])
    facts = {
        "nozzle": event["nozzle_no"],
        "card": event["card_no"] or "-",
        "code": event["code"],
        "text": event["text"] or "-",
    }
    return AlarmRow(
        alarm_id=str(event["seq"]),
        source="event",
        kind=clean(event["name"], limit=40),
        nozzle_no=event["nozzle_no"],
        text=text,
        cure=cure,
        facts=facts_of(facts.items()),
        at_ms=event["at_ms"],
        device_at=clean(event["device_at"], limit=40),
        people=0,
        seen_by=_name(by),
        seen_at_ms=by.at_ms if by else 0,
    )


def _name(seen: Seen | None) -> str:
    return clean(seen.name or seen.operator_no, limit=40) if seen else ""
