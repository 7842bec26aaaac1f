"""What the acts of the audit are called by people; the codes stay in the books."""

from collections.abc import Mapping

from cngstation.domain.two_people import ACTS, ONE_HAND, UNVOUCHED, VOUCH
from cngstation.language import _, mark

APPROVED = ".approve"

NAMES: Mapping[str, str] = {
    "others": mark("Several calls"),
    "act.void": mark("Act on a card given up"),
    "alarm.see": mark("Alarm marked as seen"),
    ONE_HAND: mark("Both passwords are in one hand"),
    UNVOUCHED: mark("Nobody has vouched for"),
    VOUCH: mark("Vouched for an operator"),
    "approval.refused": mark("Act of two people refused"),
    "approval.card": mark("Staff card of a second person read"),
    "audit.export": mark("Audit file exported"),
    "audit.left": mark("Audit file was broken off, rest removed"),
    "audit.unnamed": mark("Audit file was not made after all"),
    "card.activate": mark("Card activated"),
    "card.blacklist": mark("Card put on the blacklist"),
    "card.cancel": mark("Card cancelled"),
    "card.clear_credit": mark("Credit of a card cleared"),
    "card.crew_issue": mark("Crew card issued"),
    "card.crew_rewrite": mark("Crew card written again"),
    "card.cylinder_date": mark("Cylinder date changed"),
    "card.edit": mark("Card edited"),
    "card.issue": mark("Card issued"),
    "card.replace": mark("Card replaced"),
    "card.report_loss": mark("Card reported lost"),
    "card.reverse_top_up": mark("Top-up taken back"),
    "card.rewrite_limits": mark("Limits written on a card"),
    "card.rewrite_price": mark("Price written on a card"),
    "card.settle_grey": mark("Grey card settled"),
    "card.settle_grey_by_hand": mark("Grey card settled by hand"),
    "card.suspend": mark("Card suspended"),
    "card.unblacklist": mark("Card taken off the blacklist"),
    "card.wipe": mark("Card wiped"),
    "card.withdraw_loss": mark("Loss of a card withdrawn"),
    "card_key.changed": mark("Another key of cards was found"),
    "card_key.confirm": mark("Another key of cards taken"),
    "card_key.first": mark("First key of cards noted"),
    "card_key.left": mark("A key that waited is gone from its file"),
    "vendor.accept": mark("Technician of the vendor let in"),
    "vendor.ended": mark("Access of the vendor ended"),
    "company.edit": mark("Company changed"),
    "company.register": mark("Company registered"),
    "company.terms": mark("What a company may owe changed"),
    "company.top_up": mark("Company account topped up"),
    "crew.staff": mark("Staff card put into a crew"),
    "crew.write": mark("Crew registered or changed"),
    "device_epoch.began": mark("Numbers of a nozzle began anew"),
    "digest.print": mark("Daily digest printed"),
    "discount.add": mark("Discount rule added"),
    "discount.end": mark("Discount rule ended"),
    "enrolment.accept": mark("Certificate of head office accepted"),
    "enrolment.edition": mark("Edition and configuration differ"),
    "enrolment.alone": mark("Done by the only operator, alone"),
    "enrolment.request": mark("Enrolment requested"),
    "fill.list": mark("Cash fills listed before the count"),
    "fill.mark": mark("Fill without a card marked"),
    "invoice.record": mark("Invoice recorded"),
    "limit.set": mark("Limit set"),
    "lists.number": mark("Card number listed by hand"),
    "nozzle.authorise": mark("Nozzle authorised"),
    "nozzle.end_shift": mark("Shift of a dispenser ended"),
    "nozzle.lock": mark("Nozzle locked"),
    "nozzle.stop": mark("Nozzle stopped"),
    "nozzle.unlock": mark("Nozzle unlocked"),
    "opening.accept": mark("Balance of an old card accepted"),
    "operator.add": mark("Operator registered"),
    "operator.change_password": mark("Own password changed"),
    "operator.edit": mark("Operator changed"),
    "operator.lock": mark("Operator locked"),
    "operator.reset_password": mark("Password reset"),
    "operator.retire": mark("Operator retired"),
    "operator.unlock": mark("Operator unlocked"),
    "outlet.add": mark("Outlet added"),
    "outlet.edit": mark("Outlet changed"),
    "personal.forget": mark("Personal data cleared"),
    "config.read": mark("Configuration read anew"),
    "config.set": mark("Configuration changed in its file"),
    "record.refetch": mark("Fetch records again"),
    "parameter.set": mark("Parameter of the station changed"),
    "personal.reveal": mark("Personal number shown in full"),
    "price.cancel": mark("Planned price cancelled"),
    "price.cancel_late": mark("Planned price taken back just before its time"),
    "price.override": mark("Price changed at once"),
    "price.plan": mark("Price planned"),
    "receipt.print": mark("Receipt printed again"),
    "register.import": mark("Balances imported from a sheet"),
    "role.add": mark("Role added"),
    "role.edit": mark("Role changed"),
    "role.retire": mark("Role retired"),
    "row.explain": mark("Row closed by words"),
    "session.lock": mark("Screen locked"),
    "session.login": mark("Log-in"),
    "session.logout": mark("Log-out"),
    "session.release": mark("Log-in without the staff card allowed"),
    "session.unlock": mark("Screen unlocked"),
    "shift.force": mark("Shift closed by force"),
    "shift.hand_over": mark("Shift handed over"),
    "shift.off_duty": mark("Off duty"),
    "shift.on_duty": mark("On duty"),
    "shift.settle": mark("Money of a shift brought later"),
    "staff_card.blocked": mark("Staff card blocked"),
    "staff_card.issue": mark("Staff card issued"),
    "staff_card.lost": mark("Staff card reported lost"),
    "staff_card.withdrawn": mark("Staff card withdrawn"),
    "station.found": mark("Station set up"),
    "station.initialise": mark("New books begun"),
    "till.close": mark("Till closed"),
    "till.drop": mark("Cash brought to the safe"),
    "till.open": mark("Till opened"),
    "till.pay_in": mark("Change brought from the safe"),
    "till.pay_out": mark("Cash paid out of the till"),
    "vehicle.edit": mark("Vehicle changed"),
    "vehicle.register": mark("Vehicle registered"),
    "vehicle_type.edit": mark("Vehicle type changed"),
    "vehicle_type.register": mark("Vehicle type added"),
}
# An act whose last word names what it was about: `card.edit.plate`.
PREFIXES = tuple(
    sorted(
        {
            "act.void",
            "card.crew_rewrite",
            "card.cylinder_date",
            "card.edit",
            "card.rewrite_limits",
            "card.rewrite_price",
            "company.edit",
            "operator.edit",
            "personal.reveal",
            "vehicle.edit",
            "vehicle_type.edit",
        }
    )
)


def title_of(act: str) -> str:
    """Return the name of an act, in English, or its code where it has none."""
    bare = act.removesuffix(APPROVED)
    named = NAMES.get(bare) or NAMES.get(_without_field(bare))
    if named is None and bare in ACTS:
        return ACTS[bare].title
    return named or act


def is_named(act: str) -> bool:
    """Tell whether an act has a name."""
    return title_of(act) != act


def name_of(act: str) -> str:
    """Return what an act is called in the language of now."""
    title = title_of(act)
    if title == act:
        # A refused call is written down under the name by which it was asked.
        return _("Call {act}").replace("{act}", act)
    if act.endswith(APPROVED):
        return _("{act}: second person").replace("{act}", _(title))
    return _(title)


def field_of(act: str) -> str:
    """Return what the act's last word names; empty where it names nothing."""
    bare = act.removesuffix(APPROVED)
    before = _without_field(bare)
    return bare[len(before) + 1 :] if before != bare else ""


def _without_field(act: str) -> str:
    for prefix in PREFIXES:
        if act.startswith(f"{prefix}."):
            return prefix
    return act


def takes_two_people(act: str) -> bool:
    """Tell whether an act is one of those that two people do."""
    return act.removesuffix(APPROVED) in ACTS
