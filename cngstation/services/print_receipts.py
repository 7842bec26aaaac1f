"""Prints the receipts that wait, one by one; paper never holds up a sale.

A print is counted before the paper is touched. Where it is certain that nothing was
printed the count is given back; where it is not, the next print says COPY (补打).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from cngstation.domain.payment import PaymentMode
from cngstation.domain.tenders import Payment
from cngstation.drivers.receipt_printer import SlipOutcomeUnknown
from cngstation.errors import DeviceError
from cngstation.language import _, mark
from cngstation.moments import seconds, time_text
from cngstation.protocols.receipt.escpos_bytes import slip_bytes
from cngstation.protocols.receipt.slip import Columns, Row, Ruler, Slip, render
from cngstation.services import digest_slip, till_slip, two_people_slip
from cngstation.services.hand_over_shift import KIND as HAND_OVER
from cngstation.services.handover_slip import UNIT_SIGNS, handover_slips
from cngstation.services.keep_company_money import KIND as COMPANY_TOP_UP
from cngstation.services.take_payment import WORDS
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import receipts
from cngstation.storage.database import Database, Transaction
from cngstation.storage.receipts import Receipt
from cngstation.units import Unit, decimal_text, yuan_text

T = TypeVar("T")

LOOK_MS = 150
# An idle printer is asked this often, so that the status line tells before a sale.
STATUS_EVERY_LOOKS = 20
RETRY_MS = 2_000

TITLES = {
    "top_up": mark("Top-up receipt"),
    "issue": mark("Card issue receipt"),
    "settle_grey": mark("Grey card settled"),
    "settle_grey_by_hand": mark("Grey card settled by hand"),
    "clear_credit": mark("Credit clearing receipt"),
    "reverse_top_up": mark("Top-up taken back"),
    "cancel": mark("Card cancellation"),
    "wipe": mark("Card wiped"),
    "edit": mark("Card changed"),
    "cylinder_date": mark("Cylinder date changed"),
    "rewrite_price": mark("Price of card changed"),
    "rewrite_limits": mark("Limits of card changed"),
    "crew_issue": mark("Crew card issued"),
    "crew_rewrite": mark("Crew card written again"),
    "replace": mark("Card replacement receipt"),
    COMPANY_TOP_UP: mark("Company top-up receipt"),
    HAND_OVER: mark("Shift handover"),
    till_slip.KIND: till_slip.TITLE,
    two_people_slip.KIND: two_people_slip.TITLE,
    digest_slip.KIND: digest_slip.TITLE,
}
# Slips of their own layout, in parts where they are long.
LONG_SLIPS = {
    HAND_OVER: handover_slips,
    digest_slip.KIND: digest_slip.digest_slips,
}
# Slips of the station's own: one part, with lines to sign.
OWN_SLIPS = {
    till_slip.KIND: (till_slip.rows_of, till_slip.footer),
    two_people_slip.KIND: (two_people_slip.rows_of, two_people_slip.footer),
}
MODES = {
    PaymentMode.PREPAID_MONEY: mark("Prepaid money"),
    PaymentMode.PREPAID_QUANTITY: mark("Prepaid gas"),
    PaymentMode.CREDIT_MONEY: mark("Credit, money"),
    PaymentMode.CREDIT_QUANTITY: mark("Credit, gas"),
}


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """What every slip shows and how it is laid out."""

    company_name: str
    station_name: str
    till: str
    columns: Columns
    two_copies: bool


class Printer(Protocol):
    """What prints; the driver fits."""

    async def status(self) -> object: ...
    async def print_slip(self, job: bytes) -> None: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PrintOutcome:
    """How one print ended; no trouble means that it is on paper."""

    receipt_no: int
    trouble: DeviceError | None


def slips(receipt: Receipt, settings: PaperSettings) -> list[Slip]:
    """Return the slips of one print: one, or customer's copy and stub."""
    copy_mark = (
        _("COPY {count}").format(count=receipt.copies + 1) if receipt.originals else ""
    )
    if long := LONG_SLIPS.get(receipt.kind):
        station = f"{settings.station_name} {settings.till}"
        heads = long(receipt, station, copy_mark)
        return [replace(slip, issuer=settings.company_name) for slip in heads]
    own = OWN_SLIPS.get(receipt.kind)
    two = settings.two_copies and own is None
    parts = [_("Customer copy"), _("Stub")] if two else [""]
    keep = (_("Keep this receipt until the next fill."),)
    return [
        Slip(
            title=_(TITLES.get(receipt.kind, mark("Receipt"))),
            issuer=settings.company_name,
            part=part,
            copy_mark=copy_mark,
            rows=tuple(_rows(receipt, settings)),
            footer=own[1]() if own else keep,
        )
        for part in parts
    ]


def _rows(receipt: Receipt, settings: PaperSettings) -> list[Row | Ruler]:
    facts = receipt.content
    head: list[Row | Ruler] = [
        Row(_("Station"), f"{settings.station_name} {settings.till}"),
        Row(_("Receipt no."), f"{receipt.receipt_no:08d}"),
    ]
    if own := OWN_SLIPS.get(receipt.kind):
        return [*head, *own[0](facts)]
    if receipt.kind == COMPANY_TOP_UP:
        head.append(Row(_("Company"), f"{facts['company_no']} {facts['company']}"))
        figures = _company_figures(facts)
    else:
        mode = PaymentMode(facts["payment_mode"])
        head += [
            Row(_("Card no."), str(facts["card_no"])),
            *_old_card(facts),
            Row(_("Plate"), str(facts["plate"])),
            Row(_("Company"), str(facts["company"])),
            Row(_("Payment mode"), _(MODES[mode])),
        ]
        figures = _figures(facts, mode)
    foot = [
        Row(_("Operator"), _operators(facts)),
        Row(_("Time"), time_text(int(facts["at_ms"]))),
    ]
    if "books_seq" in facts:
        anchor = f"{facts['books_seq']} {facts['books_head']}"
        foot.append(Row(_("Ledger head"), anchor))
    return [*head, Ruler(), *figures, Ruler(), *foot]


def _old_card(facts: Mapping[str, Any]) -> list[Row | Ruler]:
    number = facts.get("old_card_no", "")
    return [Row(_("Old card no."), str(number))] if number else []


def _operators(facts: Mapping[str, Any]) -> str:
    people = (facts["operator_no"], facts.get("second_operator_no", ""))
    return " + ".join(str(number) for number in people if number)


def _company_figures(facts: Mapping[str, Any]) -> list[Row | Ruler]:
    def yuan(name: str) -> str:
        return f"{yuan_text(int(facts[name]))} {_('yuan')}"

    return [
        Row(_("Before"), yuan("before_e4")),
        Row(_("Received"), yuan("cash_e4"), strong=True),
        Row(_("After"), yuan("after_e4"), strong=True),
        *_paid_by(facts),
    ]


def _figures(facts: Mapping[str, Any], mode: PaymentMode) -> list[Row | Ruler]:
    unit = Unit(facts["unit"])
    sign = _("yuan") if unit is Unit.CNY else UNIT_SIGNS[unit]

    def purse(name: str) -> str:
        return f"{decimal_text(int(facts[name]), 2, 2)} {sign}"

    change, taken = int(facts["change_purse"]), int(facts["cash_e4"])
    rows: list[Row | Ruler] = [
        Row(_("Before"), purse("before_purse")),
        Row(_("After"), purse("after_purse"), strong=True),
    ]
    if change:
        word = _("Change") if change < 0 else _("Added")
        rows.insert(1, Row(word, purse("change_purse"), strong=True))
    if int(facts.get("bonus_purse", 0)):
        rows.insert(2, Row(_("Bonus"), purse("bonus_purse"), strong=True))
    if mode.in_quantity:
        rows.append(Row(_("Price"), yuan_text(int(facts["price_e4"]))))
    if int(facts["fee_e4"]):
        rows.append(Row(_("Card fee"), yuan_text(int(facts["fee_e4"]))))
    if taken:
        rows.append(Row(_("Received"), f"{yuan_text(taken)} {_('yuan')}", strong=True))
    if refund := int(facts.get("refund_e4", 0)):
        rows.append(
            Row(_("Paid back"), f"{yuan_text(refund)} {_('yuan')}", strong=True)
        )
    return [*rows, *(_paid_by(facts) if taken else ())]


def _paid_by(facts: Mapping[str, Any]) -> list[Row | Ruler]:
    """A receipt from before there were tenders says what it said then."""
    if "tender" not in facts:
        return []
    payment = Payment.of_plan(facts)
    rows: list[Row | Ruler] = [Row(_("Paid by"), _(WORDS[payment.tender]))]
    if payment.reference:
        rows.append(Row(_("Payment no."), payment.reference))
    return rows


class PrintDesk:
    """Takes waiting receipts to the printer."""

    def __init__(
        self,
        database: Database,
        printer: Printer,
        settings: PaperSettings,
        *,
        changed: Callable[[DeviceError | None], Awaitable[None]],
        printed: Callable[[PrintOutcome], Awaitable[None]],
    ) -> None:
        self._database = database
        self._printer = printer
        self._settings = settings
        self._changed = changed
        self._printed = printed
        self._told: str | None = None

    async def run(self) -> None:
        """Print what waits, for ever; a printer in trouble is asked again later."""
        await self._write(receipts.doubt_printing)
        looks = 0
        while True:
            waiting = await while_busy(
                lambda: self._database.read(receipts.oldest_wanted)
            )
            if waiting is None:
                if looks % STATUS_EVERY_LOOKS == 0:
                    await self._ask_status()
                looks += 1
                await asyncio.sleep(seconds(LOOK_MS))
                continue
            outcome = await self._print(waiting.receipt_no)
            if outcome is not None:
                await self._printed(outcome)
                await self._tell(outcome.trouble)
                if outcome.trouble is not None:
                    await asyncio.sleep(seconds(RETRY_MS))

    async def _print(self, receipt_no: int) -> PrintOutcome | None:
        begun = await self._write(lambda tx: receipts.begin_print(tx, receipt_no))
        if begun is None:
            return None
        job = b"".join(
            slip_bytes(render(slip, self._settings.columns))
            for slip in slips(begun, self._settings)
        )
        try:
            await self._printer.print_slip(job)
        except SlipOutcomeUnknown as unknown:
            await self._write(lambda tx: receipts.end_print(tx, receipt_no, "unknown"))
            return PrintOutcome(receipt_no, unknown)
        except DeviceError as trouble:
            await self._write(lambda tx: receipts.give_back(tx, begun))
            return PrintOutcome(receipt_no, trouble)
        await self._write(lambda tx: receipts.end_print(tx, receipt_no, "printed"))
        return PrintOutcome(receipt_no, None)

    async def _write(self, unit: Callable[[Transaction], T]) -> T:
        return await while_busy(lambda: self._database.write(unit))

    async def _ask_status(self) -> None:
        try:
            await self._printer.status()
        except DeviceError as trouble:
            await self._tell(trouble)
        else:
            await self._tell(None)

    async def _tell(self, trouble: DeviceError | None) -> None:
        told = trouble.sentence() if trouble else ""
        if told != self._told:
            self._told = told
            await self._changed(trouble)
