"""Every row that needs a person, in words: what it is and the act that cures it."""

import json
from collections.abc import Iterable

from cngstation.domain.fill_marks import MARK_WORDS
from cngstation.domain.totaliser import CAUSE_TEXTS, Cause
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.rpc.contract.figures import MOST_ROWS, Fact, OpenRow
from cngstation.services.compare_duty import shown_of
from cngstation.services.explain_row import people_of
from cngstation.services.fill_row_words import FILL_ROWS
from cngstation.services.station_row_words import STATION_ROWS
from cngstation.services.tell_unasked import UNASKED, UNASKED_WORDS, told_of
from cngstation.storage import findings, journal
from cngstation.storage.sqlite import Connection
from cngstation.units import decimal_text, quantity_text, yuan_text

LONGEST_TEXT = 200  # of the contract's texts

_LAY_AGAIN = mark("Lay the same card on the reader again; it is finished by itself.")
_TWO_PEOPLE = mark("Keep the card. Two people decide, the manager being one.")
_NOTE_IT = mark("Nothing to do now; the manager looks at it with the handover.")

# Of a row whose totalisers tell what is missing; "-" is a figure that is not known.
_GAP_WITH_FIGURES = mark(
    "{subject}: fills {first} to {last} have not come; its totaliser moved "
    "{quantity}, {amount} yuan meanwhile."
)

# Kind of row: what is said of it, and what cures it. {fields} are facts of the row.
WORDS: dict[str, tuple[str, str]] = {
    **FILL_ROWS,
    **UNASKED_WORDS,
    "top_up": (
        mark("Top-up of {cash} yuan to card {card} is not finished."),
        _LAY_AGAIN,
    ),
    "issue": (
        mark("Issue of card {card}, {cash} yuan taken, is not finished."),
        _LAY_AGAIN,
    ),
    **dict.fromkeys(
        (
            "settle_grey",
            "settle_grey_by_hand",
            "clear_credit",
            "reverse_top_up",
            "cancel",
            "wipe",
            "edit",
            "cylinder_date",
            "rewrite_price",
            "replace",
            "rewrite_limits",
            "crew_issue",
            "crew_rewrite",
        ),
        (
            mark("An act with card {card} is not finished; {cash} yuan are taken."),
            _LAY_AGAIN,
        ),
    ),
    "grey_card": (
        mark(
            "Card {subject} left nozzle {nozzle} unpaid, fill {number}: {amount} yuan"
        ),
        mark("Settle the grey card when it is tapped; until then it cannot fill."),
    ),
    "waste_card": (
        mark("Card {subject} cannot be read any more; its money is in the books."),
        mark("Report the card lost and replace it; the balance moves to the new card."),
    ),
    "intent_hold": (
        mark("Card {subject} does not fit the act that was begun with it."),
        _TWO_PEOPLE,
    ),
    "intent_no_fence": (
        mark("Card {subject} was used since an act with it began; it has no counters."),
        _TWO_PEOPLE,
    ),
    "intent_grey_since": (
        mark("Card {subject} became grey while an act with it was open."),
        mark("Settle the grey card first; the open act goes on after that."),
    ),
    "card_disagrees": (
        mark("Card {subject} does not continue what the books know of it."),
        _TWO_PEOPLE,
    ),
    "staff_card_copied": (
        mark(
            "Staff card {subject} of {name} was copied; it and its copies are blocked."
        ),
        mark("Withdraw the card, then issue another one to {name}."),
    ),
    "card_rolled_back": (
        mark("Card {subject} filled with an old or copied image, fill {number}."),
        _TWO_PEOPLE,
    ),
    "ungrey_without_record": (
        mark("Card {subject} was settled by hand; fill {number} has no record yet."),
        mark("Bring the dispenser on line: the record settles it when it comes."),
    ),
    "grey_collected_twice": (
        mark("Card {subject}: fill {grey} was collected here and at a dispenser."),
        _TWO_PEOPLE,
    ),
    "personal_numbers_read": (
        mark("Operator {operator} was shown {most} whole numbers in an hour."),
        mark("Look at the audit, whose and why; then two people close this row (E)."),
    ),
    "refund_waits": (
        mark("Card {subject}: {amount} yuan are to be given back out of the safe."),
        mark(
            "Its till was closed, or nobody stood at it. Give the money the way it "
            "came ({tender}), then close this row with E."
        ),
    ),
    "fill_of_replaced_card": (
        mark("Card {subject} was replaced and filled again: {amount} yuan are lost."),
        _NOTE_IT,
    ),
    "price_differs": (
        mark("Nozzle {nozzle} shows {shown} yuan, the posted price is {posted}."),
        mark(
            "Look whether it fetched the price (lists and prices); else set it there."
        ),
    ),
    "list_too_long": (
        mark(
            "{count} numbers are refused and dispensers can hold {most}: {out} are "
            "left out, {first} to {last}; {dangerous} of them can still fill."
        ),
        mark(
            "Cards that were taken back are left out first, then the lowest numbers. "
            "Take off what is long out of use; the row closes when all fit."
        ),
    ),
    "list_not_carried": (
        mark("Line {line} cannot carry {what}: {why}"),
        mark("Its dispensers keep what they had; correct the list or the price."),
    ),
    "card_balance_differs": (
        mark("Card {subject} filled with {card} where its account had {book}."),
        mark("Tap the card at the counter and compare; the manager explains it."),
    ),
    "opening_differs": (
        mark("Card {subject}: the old system said {imported}, the card says {card}."),
        mark("Keep the card's holder waiting; the manager decides which is right."),
    ),
    "unknown_card": (
        mark("Card {subject} filled at nozzle {nozzle} and is in no register."),
        mark("Ask head office whose card it is; the sale is in suspense."),
    ),
    "device_counter_reset": (
        mark("Nozzle {nozzle} began its numbers anew at {number}."),
        _NOTE_IT,
    ),
    "unit_differs": (
        mark("{subject} reports another unit than the configuration says."),
        mark("Compare the display and correct unit_code in the configuration."),
    ),
    "unusual_record": (
        mark("Nozzle {nozzle} sent an unusual record, fill {number}."),
        _NOTE_IT,
    ),
    "fill_marked": (
        mark(
            "Fill {number} of nozzle {nozzle}, {amount} yuan: operator {operator} "
            "marked it as {mark} {company}. {reason}"
        ),
        mark(
            "Another operator looks whether it is so, and whether the gas of a test "
            "went back; then closes this row with E. If not: mark it anew (F8 U)."
        ),
    ),
    "shift_short": (
        mark("Shift {shift}, {tender}: {difference} short, {counted} counted."),
        mark("The manager explains it; the books have {expected}."),
    ),
    "shift_over": (
        mark("Shift {shift}, {tender}: {difference} over, {counted} counted."),
        mark("The manager explains it; the books have {expected}."),
    ),
    "shift_owes": (
        mark(
            "Shift {shift} has ended and owes {amount} yuan that were not handed over."
        ),
        mark("Let the crew bring it (F8, past handovers, choose the shift, S)."),
    ),
    "shift_open_long": (
        mark("Shift {shift} of crew {crew} is open for more than {hours} hours."),
        mark("Hand it over (F8), or close it by force with a reason."),
    ),
    "unknown_staff_card": (
        mark("Staff card {card} went on duty at nozzle {nozzle}; no crew has it."),
        mark("Say which crew the card belongs to (F8), and close this row with E."),
    ),
    "parameter_changed": (
        mark(
            "Nozzle {nozzle}: setting {parameter} was changed from {before} to "
            "{after} at the dispenser, by card {card}."
        ),
        mark("Ask who did it and why, then close this row with E."),
    ),
    "device_clock_back": (
        mark("The clock of nozzle {nozzle} went back from {before} to {after}."),
        mark(
            "Set it at the dispenser, or let the station set it. The order of fills "
            "does not come from it."
        ),
    ),
    "older_books": (
        mark(
            "The books are not those of the anchors: row {seq} with head {head} was "
            "there, now they ended at row {last} at the start."
        ),
        mark(
            "Take no money on cards. Put the newest backup back, or have two people "
            "say why these books go on (E); compare paper and head office."
        ),
    ),
    "anchors_unread": (
        mark("The books could not be compared with their anchors in {file}: {why}."),
        mark(
            "Look for the file and put it back. Take no money on cards until the books "
            "agree with head office or a slip; then two people say why (E)."
        ),
    ),
    "clock_went_back": (
        mark("The clock of this machine went back by {minutes} minutes."),
        mark(
            "Set it right; this row closes then, and days go on without it meanwhile. "
            "If it is right now, two people say so (E)."
        ),
    ),
    "clock_went_forward": (
        mark("The clock of this machine went forward by {minutes} minutes."),
        mark(
            "Set it right; this row closes then, and days go on without it meanwhile. "
            "If it is right now, two people say so (E)."
        ),
    ),
    "clock_crept": (
        mark(
            "The clock of this machine was moved by {seconds} s in all since {since}, "
            "by little at a time."
        ),
        mark(
            "Ask who moved it, and set it right; this row closes then. If it is right "
            "now, two people say so (E)."
        ),
    ),
    "clock_off_dispensers": (
        mark(
            "By the clocks of {dispensers} dispensers that of this machine is "
            "{seconds} s off: above 0 it is fast, below it is slow."
        ),
        mark(
            "Compare it with a telephone, and set what is wrong; this row closes then."
        ),
    ),
    "cash_without_crew": (
        mark("Nozzle {nozzle} sold without a card while nobody was on duty."),
        mark("Put the crew on duty (F8) and say whose shift owes these fills."),
    ),
    "till_short": (
        mark("Till {subject}, {tender}: {difference} short, {counted} counted."),
        mark("The manager explains it; the books have {expected}."),
    ),
    "till_over": (
        mark("Till {subject}, {tender}: {difference} over, {counted} counted."),
        mark("The manager explains it; the books have {expected}."),
    ),
    **STATION_ROWS,
}
_OTHER = (mark("{subject} needs a look."), _NOTE_IT)


def open_rows(connection: Connection) -> tuple[OpenRow, ...]:
    """Return the open acts and findings, oldest first."""
    acts = [_act_row(intent, connection) for intent in journal.open_intents(connection)]
    open_now = findings.open_findings(connection)
    found = [finding_row(row, connection) for row in open_now]
    return tuple([*acts, *found][:MOST_ROWS])


def facts_of(values: Iterable[tuple[str, str | int]]) -> tuple[Fact, ...]:
    """Return facts as the contract carries them.

    They are cut and cleaned: a row that the contract refuses would be met again at
    every start.
    """
    return tuple(
        Fact(name=name, value=clean(str(value), limit=LONGEST_TEXT))
        for name, value in values
    )


def _act_row(intent: journal.Intent, connection: Connection) -> OpenRow:
    text, cure = WORDS.get(intent.kind, _OTHER)
    row = connection.execute(
        "SELECT min(at_ms) FROM intent_change WHERE intent_id=?", (intent.intent_id,)
    ).fetchone()
    return OpenRow(
        row_id=intent.intent_id,
        kind=intent.kind,
        subject=intent.card_key,
        text=text,
        cure=cure,
        facts=facts_of(
            {"card": intent.card_key[-8:], "cash": yuan_text(intent.cash_e4)}.items()
        ),
        at_ms=row[0],
        intent_id=intent.intent_id,
    )


def finding_row(
    finding: findings.Finding, connection: Connection | None = None
) -> OpenRow:
    """Return a row in words, with what the books say of it now."""
    text, cure = WORDS.get(finding.kind, _OTHER)
    values: dict[str, str | int] = json.loads(finding.facts)
    if finding.kind == UNASKED and connection is not None:
        text, booked = told_of(finding, connection)
        values |= booked
    shown = dict(values)
    for name in ("amount", "shown", "posted"):
        if f"{name}_e4" in values:
            shown[name] = yuan_text(int(values[f"{name}_e4"]))
    if finding.kind == "totaliser_break":
        moved = int(values["found"]) - int(values["expected"])
        first: dict[str, str | int] = {"cause": CAUSE_TEXTS[Cause.FELL]}
        first |= {"after": int(values["number"]) - 1}
        shown = {**first, **values, "size": quantity_text(moved)}
    if finding.kind == "duty_differs":
        shown |= shown_of(values)
    if finding.kind == "amount_break":
        shown |= {"size": yuan_text(int(values["size_e4"]))}
    if "quantity_milli" in values:
        shown["quantity"] = quantity_text(int(values["quantity_milli"]))
    if finding.kind == "sequence_gap" and "quantity" in shown:
        text = _GAP_WITH_FIGURES
        shown.setdefault("amount", "-")
    if finding.kind == "fill_marked":
        shown["mark"] = MARK_WORDS[str(values["mark"])]
    for name in ("imported", "card"):
        if f"{name}_purse" in values:
            shown[name] = decimal_text(int(values[f"{name}_purse"]), 2, 2)
    return OpenRow(
        row_id=str(finding.seq),
        kind=finding.kind,
        subject=clean(finding.subject),
        text=text,
        cure=cure,
        facts=facts_of({**shown, "subject": finding.subject}.items()),
        at_ms=finding.at_ms,
        people=people_of(finding.kind),
        intent_id=str(values.get("intent", "")),
    )
