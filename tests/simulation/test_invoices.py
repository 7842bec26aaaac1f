"""Invoices: one for a receipt of money, each number once."""

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply
from cngstation.services.give_invoice import (
    InvoiceNumberWrong,
    InvoiceTaken,
    NoReceiptForInvoice,
)
from tests.simulation.money_cards import Chip
from tests.simulation.money_world import CALL, World

NUMBER = "24512000000012345678"


def _invoice(
    world: World, receipt_no: int, number: str
) -> counter.Invoice | StationError:
    request = counter.Invoice(receipt_no=receipt_no, invoice_no=number)
    return world.run(world.answers.invoices.record(request, CALL))  # type: ignore[return-value]


def test_an_invoice_is_given_once(world: World) -> None:
    """The same pair again is the same; another number or receipt is refused."""
    chip = Chip(b"\x04\x11\x22\x33")
    issued = world.issue(chip, PaymentMode.PREPAID_MONEY, 1_000)
    assert isinstance(issued, ActReply)
    first = issued.receipt_no
    topped = world.top_up(issued.card_key, chip, 500)
    assert isinstance(topped, ActReply)
    for typed in (NUMBER, f" {NUMBER[:12]} {NUMBER[12:]} "):
        given = _invoice(world, first, typed)
        assert isinstance(given, counter.Invoice)
        assert given.invoice_no == NUMBER
    taken = _invoice(world, topped.receipt_no, NUMBER)
    assert isinstance(taken, InvoiceTaken)
    assert f"receipt {first}" in taken.sentence()
    assert isinstance(_invoice(world, first, "12345678"), InvoiceTaken)
    assert isinstance(_invoice(world, topped.receipt_no, "12345678"), counter.Invoice)
    world.require_proved()


@pytest.mark.parametrize("typed", ["1234567", "1" * 21, "12A45678", ""])
def test_a_number_that_is_none_is_refused(world: World, typed: str) -> None:
    """Eight to twenty digits."""
    issued = world.issue(Chip(b"\x04\x11\x22\x33"), PaymentMode.PREPAID_MONEY, 1_000)
    assert isinstance(issued, ActReply)
    assert isinstance(_invoice(world, issued.receipt_no, typed), InvoiceNumberWrong)


def test_only_money_that_came_in_is_invoiced(world: World) -> None:
    """No receipt, and one paid by the company's account, have no invoice."""
    chip = Chip(b"\x04\x11\x22\x33")
    issued = world.issue(chip, PaymentMode.PREPAID_MONEY, 1_000)
    assert isinstance(issued, ActReply)
    paid_in = counter.CompanyTopUp(
        act_id="ACT-PAIDIN", company_no="0001", amount_fen=500, tender="cash",
        tender_ref="",
    )  # fmt: skip
    account = world.must(world.answers.companies.top_up(paid_in, CALL))
    spent = world.top_up(issued.card_key, chip, 500, tender="company")
    assert isinstance(spent, ActReply)
    assert isinstance(_invoice(world, account.receipt_no, NUMBER), counter.Invoice)
    assert isinstance(
        _invoice(world, spent.receipt_no, "12345678"), NoReceiptForInvoice
    )
    assert isinstance(_invoice(world, 404, "12345678"), NoReceiptForInvoice)
