"""The slip of a handover (交接班单): the nozzles, the money, the head of the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cngstation.domain.fill_marks import MARK_WORDS
from cngstation.domain.tenders import Tender
from cngstation.language import _, mark
from cngstation.moments import local_time, time_text
from cngstation.protocols.receipt.slip import Row, Ruler, Slip
from cngstation.services.shift_sheet import NozzleSheet, sheets_of
from cngstation.services.take_payment import WORDS
from cngstation.storage.receipts import Receipt
from cngstation.units import Unit, quantity_text, yuan_text

UNIT_SIGNS = {Unit.M3: "m3", Unit.KG: "kg", Unit.KWH: "kWh", Unit.TONNE: "t"}
NOZZLES_A_SLIP = 6
TITLE = mark("Shift handover")
_NOT_MARKED = mark("not marked yet")


def handover_slips(receipt: Receipt, station: str, copy_mark: str) -> list[Slip]:
    """Return the slips of a handover: nozzles in parts, the money on the last."""
    facts = receipt.content
    sheets = sheets_of(facts)
    firsts = range(0, max(len(sheets), 1), NOZZLES_A_SLIP)
    parts = [sheets[first : first + NOZZLES_A_SLIP] for first in firsts]
    slips = []
    for number, nozzles in enumerate(parts, 1):
        rows = [*_head(receipt, station), *_nozzles(nozzles)]
        if number == len(parts):
            rows += [Ruler(), *_money(facts), *_marks(facts), Ruler(), *_foot(facts)]
        slips.append(
            Slip(
                title=_(TITLE),
                part=f"{number}/{len(parts)}" if len(parts) > 1 else "",
                copy_mark=copy_mark,
                rows=tuple(rows),
                footer=(_("Handed over by ........  taken over by ........"),)
                if number == len(parts)
                else (),
            )
        )
    return slips


def _head(receipt: Receipt, station: str) -> list[Row | Ruler]:
    facts = receipt.content
    return [
        Row(_("Station"), station),
        Row(_("Receipt no."), f"{receipt.receipt_no:08d}"),
        Row(_("Shift"), f"{facts['shift_no']}  {facts['business_day']}"),
        Row(_("Crew"), str(facts["crew"])),
        Row(_("On duty"), time_text(int(facts["opened_at_ms"]))),
        Row(_("Handed over at"), time_text(int(facts["at_ms"]))),
    ]


def _nozzles(sheets: Sequence[NozzleSheet]) -> Iterator[Row | Ruler]:
    for sheet in sheets:
        sign = UNIT_SIGNS[Unit(sheet.unit)]
        yield Ruler()
        fills = _("{count} fills").format(count=sheet.fills)
        price = _("several prices") if sheet.has_prices else yuan_text(sheet.price_e4)
        yield Row(
            _("Nozzle {nozzle}").format(nozzle=sheet.nozzle_no),
            f"{fills}  {price}" if sheet.fills else fills,
            strong=True,
        )
        if sheet.on_at_ms:
            times = f"{_time(sheet.on_at_ms)} - {_time(sheet.off_at_ms)}"
            yield Row(_("On, off"), times)
        if sheet.staff_card:
            yield Row(_("Staff card"), sheet.staff_card)
        if not sheet.is_further_unit:
            taken_over = _total(sheet.taken_over_milli, sheet.taken_over_e4)
            yield Row(_("Taken over"), taken_over)
            yield Row(_("Handed over"), _total(sheet.off_milli or 0, sheet.off_e4))
        for name, milli, amount in (
            (_("Sold"), sheet.quantity_milli, sheet.amount_e4),
            (_("By card"), sheet.card_milli, sheet.card_e4),
            (_("Cash"), sheet.cash_milli, sheet.cash_e4),
            (_("Credit, driven off"), sheet.other_milli, sheet.other_e4),
        ):
            if milli or amount:
                yield Row(name, f"{quantity_text(milli)} {sign}  {yuan_text(amount)}")
        if sheet.zero_fills:
            yield Row(_("Zero fills"), str(sheet.zero_fills))
        for name, milli in (
            (_("Tests, returned"), sheet.test_milli),
            (_("Nobody on duty"), sheet.alone_milli),
        ):
            if milli:
                yield Row(name, f"{quantity_text(milli)} {sign}")
        if sheet.unexplained_milli or sheet.unexplained_e4:
            gas = f"{quantity_text(sheet.unexplained_milli)} {sign}"
            money = yuan_text(sheet.unexplained_e4) if sheet.unexplained_e4 else ""
            yield Row(_("Unexplained"), f"{gas}  {money}".rstrip())


def _time(at_ms: int) -> str:
    return local_time(at_ms).strftime("%m-%d %H:%M")


def _total(milli: int, amount_e4: int) -> str:
    money = f"  {yuan_text(amount_e4)}" if amount_e4 else ""
    return f"{quantity_text(milli)}{money}"


def _money(facts: Mapping[str, Any]) -> Iterator[Row | Ruler]:
    due, brought = _("due"), _("handed over")
    for count in facts["counts"]:
        tender, expected = _(WORDS[Tender(count["tender"])]), count["expected_e4"]
        yield Row(f"{tender} {due}", yuan_text(expected))
        counted = count.get("counted_e4")
        if counted is None:
            yield Row(f"{tender} {brought}", _("not yet"), strong=True)
            continue
        yield Row(f"{tender} {brought}", yuan_text(counted), strong=True)
        if over := counted - expected:
            way = _("over") if over > 0 else _("short")
            yield Row(way, yuan_text(abs(over)), strong=True)
    if not facts["counts"]:
        yield Row(_("Due"), yuan_text(0), strong=True)


def _marks(facts: Mapping[str, Any]) -> Iterator[Row | Ruler]:
    """Say which fills were not paid in cash, and who looked at them.

    Those of nobody stand apart. A slip of an earlier version lacks them.
    """
    if marks := facts.get("marks", ()):
        yield Ruler()
        yield from _by_kind(marks)
    if marks := facts.get("nobody", ()):
        yield Ruler()
        fills = sum(each["fills"] for each in marks)
        count = _("{count} fills").format(count=fills)
        yield Row(_("Nobody on duty"), count, strong=True)
        yield from _by_kind(marks)


def _by_kind(marks: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for each in marks:
        count = _("{count} fills").format(count=each["fills"])
        what = MARK_WORDS[each["mark"]] if each["mark"] else _NOT_MARKED
        yield Row(_(what), f"{count}  {yuan_text(each['amount_e4'])}")
        if each["by"]:
            yield Row(_("Confirmed by"), ", ".join(each["by"]))
        if each["alone"]:
            yield Row(_("By one person"), str(each["alone"]))


def _foot(facts: Mapping[str, Any]) -> Iterator[Row | Ruler]:
    if facts["reason"]:
        yield Row(_("Closed by force"), str(facts["reason"]))
    if "seen" in facts and any("counted_e4" in each for each in facts["counts"]):
        told = _("after the fills were seen") if facts["seen"] else _("blind")
        yield Row(_("Counted"), told)
    yield Row(_("Operator"), str(facts["operator_no"]))
    # A slip of an earlier version has the head alone.
    place = f"{facts['books_seq']} " if "books_seq" in facts else ""
    head = facts["books_head"] if place else facts["head"]
    yield Row(_("Ledger head"), f"{place}{head}")
    if config := facts.get("config"):
        yield Row(_("Configuration"), str(config))
