"""Booked fills as the screens show them."""

from typing import Any

from cngstation.rpc.contract.figures import SaleRow
from cngstation.storage import sales
from cngstation.storage.sqlite import Connection

CARD_NO_DIGITS = 8


def sale_row(row: dict[str, Any]) -> SaleRow:
    """Return a row of the sale table, with its entry's time, for the socket."""
    return SaleRow(
        seq=row["seq"],
        at_ms=row["at_ms"],
        dispenser_no=row["dispenser_no"],
        nozzle_no=row["nozzle_no"],
        device_seq=row["device_seq"],
        card_no=(row["card_key"] or row["wire_card_no"])[-CARD_NO_DIGITS:],
        plate=row["plate"],
        payment_mode=row["payment_mode"],
        unit=row["unit"],
        quantity_milli=row["quantity_milli"],
        price_e4=row["price_e4"],
        amount_e4=row["amount_e4"],
        balance_after_purse=row["balance_after"],
        transaction_type=row["transaction_type"],
        returned_milli=row["returned_milli"] or 0,
    )


def newest_sales(connection: Connection, limit: int) -> tuple[SaleRow, ...]:
    """Return the fills booked last, newest first."""
    return tuple(sale_row(row) for row in sales.newest(connection, limit))
