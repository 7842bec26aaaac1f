"""Which field of a form a refusal speaks of, so that the cursor goes there."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cngstation.hygiene import clean

if TYPE_CHECKING:
    from cngstation.errors import StationError
    from tui.screens.form_screen import Field

# By the code of the refusal: the fields that it may mean, the likeliest first.
FIELDS: dict[str, tuple[str, ...]] = {
    "refusal.plate_unusual": ("plate",),
    "refusal.id_number_unusual": ("id-no",),
    "refusal.unknown_company": ("company",),
    "refusal.reason_missing": ("reason",),
    "refusal.enrolment_office_unknown": ("fingerprint",),
    "refusal.enrolment_other_office": ("certificate",),
    "tui.no_such_paper": ("certificate", "ticket"),
    "tui.several_papers": ("certificate", "ticket"),
    "tui.file_not_made": ("path",),
    "refusal.loosened_without_reason": ("reason",),
    "refusal.pay_out_reason_missing": ("reason",),
    "refusal.second_person_missing": (
        "own_password",
        "second_login",
        "second_password",
    ),
    "refusal.own_password_missing": ("own_password",),
    "refusal.own_password": ("own_password",),
    "refusal.same_person": ("second_login",),
    "refusal.login": ("second_password", "old"),
    "refusal.login_wait": ("second_password",),
    "refusal.right": ("second_login",),
    "refusal.reference_missing": ("number",),
    "refusal.certificate_missing": ("certificate",),
    "refusal.no_amount": ("amount",),
    "refusal.amount": ("amount",),
    "refusal.more_than_in_till": ("amount",),
    "refusal.more_than_given": ("amount",),
    "refusal.above_hand_limit": ("amount",),
    "refusal.cash_not_counted": ("cash",),
    "refusal.owes_more": ("limit",),
    "refusal.limits_wrong": ("hours",),
    "refusal.no_such_card": ("key",),
    "refusal.no_company": ("key", "company"),
    "refusal.invoice_number": ("invoice",),
    "refusal.invoice_taken": ("invoice",),
    "refusal.no_receipt_for_invoice": ("receipt",),
    "refusal.rule_gives_nothing": ("percent",),
    "refusal.no_such_rule": ("number",),
    "refusal.price_in_the_past": ("from_at",),
    "refusal.price_too_far_ahead": ("from_at",),
    "refusal.price_too_fine": ("price",),
    "tui.not_a_moment": ("from_at",),
    "tui.not_a_price": ("price",),
    "refusal.unknown_role": ("role",),
    "refusal.beyond_own_rights": ("role",),
    "refusal.own_role": ("role",),
    "refusal.unknown_outlet": ("outlet",),
    "refusal.other_outlet": ("outlet",),
    "refusal.passwords_differ": ("new",),
    "refusal.password_not_new": ("new",),
    "refusal.password_weak": ("new",),
    "refusal.password_guessable": ("new",),
    "tui.not_yes_or_no": ("retired",),
    "tui.company_not_found": ("company",),
    "tui.tender_not_chosen": ("tender",),
}
# By the name under which a service knows it.
_OF_SERVICES = {
    "company_no": "company",
    "cylinder inspection date": "cylinder-due",
    "fleet number": "fleet-no",
    "full name": "full_name",
    "id number": "id-no",
    "login name": "login_name",
    "outlet_no": "outlet",
    "vehicle type": "vehicle-type",
}


def wrong_field(
    error: "StationError", fields: "Sequence[Field]", typed: Mapping[str, str]
) -> str:
    """Return the name of the field that a refusal speaks of, empty if it is of none.

    A refusal names a field by its own word or label, by its code, or it quotes what
    stands in one. Of several the first one that is empty is meant.
    """
    names = [field.name for field in fields]
    named = _named(str(error.facts.get("field", "")), fields)
    wanted = [_plain(word) for word in (named, *FIELDS.get(error.code, ()))]
    meant = [name for word in wanted for name in names if _plain(name) == word]
    if meant:
        return next((name for name in meant if not typed[name]), meant[0])
    quoted = {str(value) for value in error.facts.values()} - {""}
    return next((name for name in names if clean(typed[name]) in quoted), "")


def _plain(name: str) -> str:
    return name.replace("_", "-")


def _named(word: str, fields: "Sequence[Field]") -> str:
    if word.lower() in _OF_SERVICES:
        return _OF_SERVICES[word.lower()]
    by_label = (f.name for f in fields if word and word in {f.label, f.name})
    return next(by_label, word)


def field_of_message(part: str, fields: "Sequence[Field]") -> "Field | None":
    """Return the field from which a part of a message of the contract comes."""
    name = _plain(_OF_SERVICES.get(part, part))
    return next((f for f in fields if _plain(f.name) == name), None)
