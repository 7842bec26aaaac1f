"""How an act is paid: the tender with its number, or the account of a company."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cngstation.domain.tenders import IN_TILL, WANTS_REFERENCE, Payment, Tender
from cngstation.errors import Refusal
from cngstation.language import mark
from cngstation.rpc.contract.registers import TenderOffer
from cngstation.services.open_rows import facts_of
from cngstation.storage import company_money, customers
from cngstation.storage.sqlite import Connection
from cngstation.units import Money, yuan_text

WORDS = {
    Tender.CASH: mark("cash"),
    Tender.WECHAT: mark("WeChat"),
    Tender.ALIPAY: mark("Alipay"),
    Tender.BANK_CARD: mark("bank card"),
    Tender.TRANSFER: mark("bank transfer"),
    Tender.CHEQUE: mark("cheque"),
    Tender.COMPANY: mark("company account"),
}


class UnknownTender(Refusal):
    """There is no such way of paying."""

    code = "refusal.unknown_tender"
    text = (
        "{tender} is no way of paying here. Nothing was done and no money was taken. "
        "Choose another one."
    )


class ReferenceMissing(Refusal):
    """This way of paying is only taken with its number."""

    code = "refusal.reference_missing"
    text = (
        "A payment of this kind is taken with its number: the one on the slip, the "
        "phone or the cheque. Nothing was done. Type the number and confirm again."
    )


class CompanyFundsShort(Refusal):
    """The account of the company does not cover the amount."""

    code = "refusal.company_funds"
    text = (
        "The account of {company} has {left} yuan left; {wanted} are wanted. Nothing "
        "was done and no money moved. Top the company up first, or pay another way."
    )


class NoCompany(Refusal):
    """There is no company behind the card."""

    code = "refusal.no_company"
    text = (
        "There is no such company in the register. Nothing was done. Pay another way."
    )


class VehicleOfNoCompany(Refusal):
    """The vehicle of the card belongs to no company."""

    code = "refusal.vehicle_of_no_company"
    text = (
        "The vehicle of this card belongs to no company, so no company account pays "
        "for it. Nothing was done and no money moved. Pay another way."
    )


@dataclass(frozen=True, slots=True)
class Way:
    """A way of paying one act, or why it is not taken for it."""

    tender: Tender
    refused: Refusal | None = None


CASHIERS_WAYS = tuple(Way(tender) for tender in IN_TILL)


def payment_of(word: str, reference: str) -> Payment:
    """Return a payment as it was confirmed.

    Raises:
        UnknownTender: there is no such way of paying.
        ReferenceMissing: it is only taken with a number.
    """
    try:
        tender = Tender(word)
    except ValueError as error:
        raise UnknownTender(tender=word) from error
    number = " ".join(reference.split())
    if not WANTS_REFERENCE[tender]:
        return Payment(tender)
    if not number:
        raise ReferenceMissing
    return Payment(tender, number)


def tender_offers(ways: Iterable[Way]) -> tuple[TenderOffer, ...]:
    """Return ways of paying as the contract carries them."""
    return tuple(
        TenderOffer(
            tender=way.tender,
            wants_reference=WANTS_REFERENCE[way.tender],
            refused=way.refused.text if way.refused else "",
            facts=facts_of(way.refused.facts.items() if way.refused else ()),
        )
        for way in ways
    )


def ways_for(connection: Connection, vehicle_id: int, amount: Money) -> tuple[Way, ...]:
    """Return how an act for a vehicle can be paid, and why not by its company."""
    company = Way(Tender.COMPANY)
    try:
        paying(connection, Payment(Tender.COMPANY), vehicle_id, amount)
    except Refusal as refused:
        company = replace(company, refused=refused)
    return (*CASHIERS_WAYS, company)


def same_payment(ordered: Payment, found: Payment) -> bool:
    """Return whether an act was paid as ordered; whose account it was, it knows."""
    return ordered == replace(found, company_no=ordered.company_no)


def paying(
    connection: Connection, payment: Payment, vehicle_id: int, amount: Money
) -> Payment:
    """Return who pays for a vehicle; inside the unit of work that takes the money.

    Raises:
        NoCompany, VehicleOfNoCompany: a company is to pay, and there is none.
        CompanyFundsShort: its account does not cover the amount.
    """
    if payment.tender is not Tender.COMPANY:
        return payment
    vehicle = customers.find_vehicle(connection, vehicle_id)
    if vehicle is None:
        raise NoCompany
    if not vehicle.company_no:
        raise VehicleOfNoCompany
    company = customers.find_company(connection, vehicle.company_no)
    if company is None:
        raise NoCompany
    left = company_money.balance(connection, company.company_no)
    left += company_money.credit_limit(connection, company.company_no)
    if amount > left:
        raise CompanyFundsShort(
            company=company.name, left=yuan_text(left.e4), wanted=yuan_text(amount.e4)
        )
    return replace(payment, company_no=company.company_no)
