"""What can be allowed at a station, and the ready-made roles: one table.

A right is a line here: its name, who has it from which level up, its group and its
title. A ready-made role is a level of the trade and has what stands at or below it; a
new version of the program brings new rights to these. Roles made at the station are
rows, see `cngstation.storage.roles`. Nobody gives the vendor's level (厂家维护): a
signed ticket does, for some time, with rights of `TECHNICIAN` alone.
"""

from dataclasses import dataclass
from enum import IntEnum

from cngstation.language import mark


class Level(IntEnum):
    """The five levels that a station can give, the lowest first."""

    GENERAL = 0  # 普通用户
    JUNIOR = 1  # 初级操作员
    MIDDLE = 2  # 中级操作员
    SENIOR = 3  # 高级操作员
    ADMINISTRATOR = 4  # 系统管理员


@dataclass(frozen=True, slots=True)
class Right:
    """A right: its name, the lowest level that has it, its group, its English title."""

    name: str
    level: Level
    group: str
    title: str


GROUPS = {
    "card": mark("Cards"),
    "card_upkeep": mark("Cards: states and losses"),
    "money": mark("Till and accounts"),
    "registers": mark("Basic registers"),
    "shifts": mark("Crews and shifts"),
    "forecourt": mark("Forecourt"),
    "settings": mark("Prices and settings"),
    "operators": mark("Operators"),
}

_GENERAL, _JUNIOR, _MIDDLE = Level.GENERAL, Level.JUNIOR, Level.MIDDLE
_SENIOR, _ADMIN = Level.SENIOR, Level.ADMINISTRATOR

RIGHTS = (
    Right("card.read", _GENERAL, "card", mark("Read a card, and why it will not fill")),
    Right("card.issue", _JUNIOR, "card", mark("Issue a card")),
    Right("card.top_up", _JUNIOR, "card", mark("Top up a card")),
    Right("card.clear_credit", _MIDDLE, "card", mark("Clear a credit card")),
    Right("card.edit", _MIDDLE, "card", mark("Change what stands on a card")),
    Right("card.settle_grey", _MIDDLE, "card", mark("Settle a grey card")),
    Right("card.replace", _MIDDLE, "card", mark("Replace a lost card")),
    Right("card.crew", _SENIOR, "card", mark("Issue and rewrite crew cards")),
    Right("card.wipe", _SENIOR, "card", mark("Wipe a card for re-use")),
    Right("card.cancel", _ADMIN, "card", mark("Cancel a card")),
    Right("card.reverse_top_up", _ADMIN, "card", mark("Take a top-up back")),
    Right(
        "card.settle_grey_by_hand", _ADMIN, "card", mark("Settle a grey card by hand")
    ),
    Right("card.report_loss", _JUNIOR, "card_upkeep", mark("Report a card lost")),
    Right("card.withdraw_loss", _MIDDLE, "card_upkeep", mark("Withdraw a loss")),
    Right(
        "card.replace_unproved",
        _SENIOR,
        "card_upkeep",
        mark("Replace a card whose balance is not proved"),
    ),
    Right("card.activate", _SENIOR, "card_upkeep", mark("Activate a card")),
    Right("card.suspend", _SENIOR, "card_upkeep", mark("Suspend a card")),
    Right(
        "card.unblacklist",
        _SENIOR,
        "card_upkeep",
        mark("Take a card off the blacklist"),
    ),
    Right("card.blacklist", _ADMIN, "card_upkeep", mark("Put a card on the blacklist")),
    Right("receipt.print", _JUNIOR, "money", mark("Print a receipt again")),
    Right("till.keep", _JUNIOR, "money", mark("Open and close the till")),
    Right("till.pay_out", _MIDDLE, "money", mark("Pay cash out of the till")),
    Right("company.top_up", _MIDDLE, "money", mark("Top up a company account")),
    Right("invoice.write", _JUNIOR, "money", mark("Record an invoice")),
    Right("row.explain", _SENIOR, "money", mark("Explain what is open in the books")),
    Right("company.terms", _ADMIN, "money", mark("Set what a company may owe")),
    Right("opening.accept", _ADMIN, "money", mark("Accept the balance of an old card")),
    Right(
        "register.write", _JUNIOR, "registers", mark("Register vehicles and companies")
    ),
    Right("register.edit", _MIDDLE, "registers", mark("Change vehicles and companies")),
    Right("vehicle_type.write", _ADMIN, "registers", mark("Keep the vehicle types")),
    Right("personal.forget", _ADMIN, "registers", mark("Clear data of who left")),
    Right("personal.reveal", _ADMIN, "registers", mark("See ID numbers and phones")),
    Right(
        "personal.reseal", _ADMIN, "settings", mark("Change the key of personal data")
    ),
    Right("register.import", _ADMIN, "registers", mark("Import an old system's lists")),
    Right("shift.keep", _JUNIOR, "shifts", mark("Keep and hand over shifts")),
    Right("fill.mark", _MIDDLE, "shifts", mark("Mark fills without a card")),
    Right("crew.write", _SENIOR, "shifts", mark("Keep crews and staff cards")),
    Right("shift.force", _SENIOR, "shifts", mark("Close a shift by force")),
    Right("alarm.see", _JUNIOR, "forecourt", mark("Mark an alarm as seen")),
    Right("nozzle.stop", _JUNIOR, "forecourt", mark("Stop nozzles")),
    Right("nozzle.authorise", _MIDDLE, "forecourt", mark("Authorise nozzles")),
    Right("nozzle.lock", _MIDDLE, "forecourt", mark("Lock nozzles")),
    Right("nozzle.unlock", _SENIOR, "forecourt", mark("Unlock nozzles")),
    Right(
        "nozzle.end_shift", _SENIOR, "forecourt", mark("End a shift at the dispenser")
    ),
    Right("record.refetch", _MIDDLE, "forecourt", mark("Fetch records again")),
    Right("lists.send", _SENIOR, "forecourt", mark("Send lists to dispensers")),
    Right("lists.number", _ADMIN, "forecourt", mark("List a card number by hand")),
    Right("line.frames", _ADMIN, "forecourt", mark("See the frames of a line")),
    Right("price.plan", _ADMIN, "settings", mark("Set prices")),
    Right("price.override", _ADMIN, "settings", mark("Change a price at once")),
    Right("discount.write", _ADMIN, "settings", mark("Set top-up discounts")),
    Right(
        "limits.write", _ADMIN, "settings", mark("Set limits of cards and companies")
    ),
    Right(
        "station.parameters", _ADMIN, "settings", mark("Set the station's parameters")
    ),
    Right("station.enrol", _ADMIN, "settings", mark("Enrol with head office")),
    Right("card_key.confirm", _ADMIN, "settings", mark("Confirm another key of cards")),
    Right(
        "enrolment.confirm",
        _ADMIN,
        "settings",
        mark("Stand behind keys of station and head office"),
    ),
    Right("audit.read", _SENIOR, "operators", mark("Read the audit trail")),
    Right("audit.export", _ADMIN, "operators", mark("Export the books for an auditor")),
    Right("station.initialise", _ADMIN, "settings", mark("Begin new books")),
    Right("operator.read", _SENIOR, "operators", mark("See operators and roles")),
    Right("operator.vouch", _SENIOR, "operators", mark("Vouch for another operator")),
    Right("operator.write", _ADMIN, "operators", mark("Keep operators")),
    Right("role.write", _ADMIN, "operators", mark("Make roles")),
    Right("vendor.admit", _ADMIN, "operators", mark("Let the vendor's technician in")),
    Right("outlet.write", _ADMIN, "operators", mark("Keep outlets")),
    Right("outlet.all", _ADMIN, "operators", mark("Work for every outlet")),
)
BY_NAME = {right.name: right for right in RIGHTS}
# What is done at a till and its card reader, which belong to an outlet.
OF_OUTLET = frozenset(
    {
        "card.issue",
        "card.top_up",
        "card.clear_credit",
        "card.edit",
        "card.settle_grey",
        "card.settle_grey_by_hand",
        "card.replace",
        "card.replace_unproved",
        "card.crew",
        "card.wipe",
        "card.cancel",
        "card.reverse_top_up",
        "till.keep",
        "till.pay_out",
        "company.top_up",
        "shift.keep",
        "shift.force",
    }
)
EVERY_OUTLET = "outlet.all"
VENDOR = "vendor"
# All that a vendor's ticket can give: no money, no gas, no price, nobody's data.
TECHNICIAN = frozenset(
    {
        "alarm.see",
        "card.read",
        "line.frames",
        "lists.send",
        "nozzle.lock",
        "nozzle.stop",
        "record.refetch",
    }
)

ROLES: dict[str, frozenset[str]] = {
    level.name.lower(): frozenset(r.name for r in RIGHTS if r.level <= level)
    for level in Level
}
ADMINISTRATOR = Level.ADMINISTRATOR.name.lower()


def rights_of(role: str) -> frozenset[str]:
    """Return the rights of a ready-made role; an unknown role has none."""
    return ROLES.get(role, frozenset())
