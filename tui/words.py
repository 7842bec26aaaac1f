"""The contract's words in the user's language, and a shape for each state.

A state is told by a shape and a word first; the colour only repeats it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cngstation.language import _, mark
from tui.row_words import ROWS

if TYPE_CHECKING:
    from cngstation.rpc.contract.forecourt import NozzleFigure

WORDS = {
    **ROWS,
    # what a card is and where it stands
    "taxi": mark("taxi card"),
    "unit": mark("company card"),
    "personal": mark("personal card"),
    "crew": mark("crew card"),
    "new": mark("new card"),
    "inactive": mark("not activated"),
    "normal": mark("normal"),
    "pending": mark("unfinished"),
    "grey": mark("grey, a fill is unpaid"),
    "lost": mark("reported lost"),
    "black": mark("blacklisted"),
    "expired": mark("cylinder overdue"),
    "replaced": mark("replaced"),
    "waste": mark("broken"),
    "cancelled": mark("cancelled"),
    "blank": mark("new card"),
    "ours": mark("card of this company"),
    "torn_issue": mark("issue was cut off"),
    "foreign": mark("not a card of this company"),
    "unreadable": mark("cannot be read"),
    "unregistered": mark("not in the register"),
    # payment modes
    "prepaid_money": mark("prepaid money"),
    "prepaid_quantity": mark("prepaid gas"),
    "credit_money": mark("credit, money"),
    "credit_quantity": mark("credit, gas"),
    # ways of paying
    "cash": mark("cash"),
    "wechat": mark("WeChat"),
    "alipay": mark("Alipay"),
    "bank_card": mark("bank card"),
    "transfer": mark("bank transfer"),
    "cheque": mark("cheque"),
    "company": mark("company account"),
    # what goes in and out of a till
    "till.drop": mark("to the safe"),
    "till.pay_in": mark("from the safe"),
    "till.pay_out": mark("pay out"),
    "company_top_up": mark("company top-up"),
    "top_up.hold": mark("to a card"),
    "issue.hold": mark("to a new card"),
    "top_up.void": mark("back from a card"),
    "issue.void": mark("back from a card"),
    # fills without a card, and how a shift has ended
    "test": mark("test fill"),
    "calibration": mark("calibration"),
    "test_lost": mark("test, gas lost"),
    "list_not_carried": mark("lists not carried"),
    "fill_marked": mark("fill marked unpaid"),
    "drive_off": mark("driven off"),
    "handed_over": mark("handed over"),
    "forced": mark("by force"),
    # acts and what needs a person
    "top_up": mark("top-up"),
    "issue": mark("card issue"),
    "complete": mark("completion"),
    "settle_grey": mark("settling"),
    "settle_grey_by_hand": mark("settling by hand"),
    "clear_credit": mark("credit clearing"),
    "reverse_top_up": mark("taking back"),
    "cancel": mark("cancellation"),
    "wipe": mark("wiping"),
    "edit": mark("change of card"),
    "cylinder_date": mark("cylinder date"),
    "rewrite_price": mark("price of card"),
    "rewrite_limits": mark("limits of card"),
    "crew_issue": mark("crew card issue"),
    "crew_rewrite": mark("crew card rewritten"),
    "replace": mark("replacement"),
    "refund_waits": mark("refund from the safe"),
    "given_back": mark("money given back"),
    "scrapped": mark("given up"),
    "done": mark("done"),
    "unknown": mark("unknown"),
    # devices and links
    "online": mark("online"),
    "trouble": mark("trouble"),
    "offline": mark("offline"),
    "absent": mark("none"),
    # receipts
    "till_close": mark("till closing"),
    "two_people": mark("act of two people"),
    "digest": mark("daily digest"),
    "shift.hand_over": mark("shift handover"),
    "printed": mark("printed"),
    "failed": mark("not printed"),
    "refused": mark("refused"),
    "waiting": mark("waiting"),
    "printing": mark("printing"),
    # registers and their fields
    "of_card": mark("Card"),
    "of_vehicle": mark("vehicle"),
    "of_company": mark("Company"),
    "of_vehicle_type": mark("vehicle type"),
    "plate": mark("Plate"),
    "fleet_no": mark("Fleet no"),
    "route_no": mark("Route no"),
    "fleet_name": mark("Fleet name"),
    "company_no": mark("Company"),
    "cylinder_no": mark("Cylinder number"),
    "cylinder_due": mark("Cylinder due"),
    "certificate": mark("certificate"),
    "holder": mark("Holder"),
    "limit_per_fill_yuan": mark("limit per fill"),
    "limit_per_day_yuan": mark("limit per day"),
    "driver": mark("Driver"),
    "owner": mark("Owner"),
    "id_no": mark("ID number"),
    "phone": mark("Phone"),
    "name": mark("Name"),
    "address": mark("Address"),
    "price": mark("Price"),
    "retired": mark("Retired"),
    "blocked": mark("blocked as copied"),
    "withdrawn": mark("withdrawn"),
    "issuing": mark("being issued"),
    # operators and their levels
    "active": mark("in use"),
    "locked": mark("locked by an administrator"),
    "general": mark("general user"),
    "junior": mark("junior operator"),
    "middle": mark("middle operator"),
    "senior": mark("senior operator"),
    "administrator": mark("administrator"),
    "vendor": mark("vendor's technician"),
    "female": mark("female"),
    "male": mark("male"),
    # limits that stop a fill
    "hours": mark("at this hour"),
    "weekday": mark("on this weekday"),
    "fill": mark("per fill"),
    "day": mark("per day"),
    "week": mark("per week"),
    "month": mark("per month"),
    # balances of an old system
    "confirmed": mark("confirmed"),
    "contested": mark("contested"),
    "accepted": mark("accepted"),
    # the programs behind the screen
    "counter": mark("The card program"),
    "forecourt": mark("The monitor program"),
    "uplink": mark("The transmission program"),
    # units
    "CNY": mark("yuan"),
    "m3": "m³",
    "kg": "kg",
    "kWh": "kWh",
    "t": "t",
    # transaction types
    "collected": mark("collected later"),
    "supplementary": mark("added later"),
    "single": mark("single station"),
    "network": mark("network"),
    "networked": mark("networked station"),
}


def word(name: str) -> str:
    """Return a word of the contract for people; one that nobody knows, as it is."""
    return _(WORDS.get(name, name))


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: shape, English short word, component style."""

    shape: str
    text: str
    style: str


_LOST = Look("✖", mark("lost"), "error")
_DEBIT = Look("⏸", mark("debit"), "warning")
_FAULT = Look("!", mark("fault"), "error")
_LOCKED = Look("#", mark("lock"), "warning")
_OFF_DUTY = Look("-", mark("off"), "quiet")
_BUSY = Look("=", mark("other"), "quiet")
_BY_STATE = {
    "inoperative": Look("✖", mark("down"), "error"),
    "closed": Look("-", mark("shut"), "quiet"),
    "idle": Look("○", mark("idle"), "plain"),
    "calling": Look("?", mark("call"), "active"),
    "authorised": Look("+", mark("ready"), "active"),
    "started": Look("▷", mark("start"), "active"),
    "suspended_started": Look("⏸", mark("pause"), "warning"),
    "fuelling": Look("▶", mark("fuel"), "active"),
    "suspended_fuelling": Look("⏸", mark("pause"), "warning"),
}


def nozzle_look(nozzle: "NozzleFigure", *, stale: bool) -> Look:
    """Return how a nozzle is shown; the gravest thing about it first."""
    if stale or nozzle.link == "offline":
        return _LOST
    if nozzle.awaiting_debit:
        return _DEBIT
    if nozzle.faults:
        return _FAULT
    if nozzle.locked:
        return _LOCKED
    state = _BY_STATE.get(nozzle.state)
    if state is not None and nozzle.state != "idle":
        return state
    if nozzle.off_duty:
        return _OFF_DUTY
    if nozzle.other_side_busy:
        return _BUSY
    return state or Look("?", nozzle.state, "warning")


DEVICE_LOOKS = {
    "online": Look("●", mark("ok"), "good"),
    "trouble": Look("!", mark("trouble"), "warning"),
    "offline": Look("✖", mark("gone"), "error"),
    "absent": Look("-", mark("none"), "quiet"),
}
