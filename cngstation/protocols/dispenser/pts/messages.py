"""jsonPTS: what a pump is asked and told, and what its packets mean.

    PumpGetStatus      -> PumpIdleStatus, PumpFillingStatus, PumpOfflineStatus
                          PumpEndOfTransactionStatus, until PumpCloseTransaction
                          PumpTotals, PumpPrices once after they were asked for
    PumpGetTransactionInformation -> PumpTransactionInformation, of the last 1000
    PumpGetAdditionalMeasurements -> pressure in psi, temperature, density, mass
    PumpAuthorize      -> PumpAuthorizeConfirmation
    PumpStop, PumpLock, PumpUnlock, PumpSetPrices, PumpGetTotals -> Message "OK"

Volumes are in 1/1000, prices and amounts in 1/10 000 here; an answer's own figures
may have fewer decimals. A transaction's number runs from 1 to 65 535 for each pump.

Source: the controller's protocol specification as public programs use it; UNVERIFIED
against a controller. Names of the measurements follow the specification's terms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.pts.packets import (
    Fraction,
    Packet,
    PacketReader,
    Request,
    scaled,
)

LAST_TRANSACTION = 65_535
KEPT_TRANSACTIONS = 1_000
LAST_POINT = 120
NOZZLES = 6
MILLI, E4 = 3, 4
# Codes that the controller answers with instead of doing what it was asked.
TRANSACTION_NOT_FOUND = 22
_NOT_END_OF_TRANSACTION = 69
# What the closing of a transaction is answered with that is closed already.
NOT_OPEN = frozenset({TRANSACTION_NOT_FOUND, _NOT_END_OF_TRANSACTION})
_LOCKED_REQUEST = "PumpLock"
# 1 psi is 6.894757 kPa.
_NANO_MPA_PER_PSI = 6_894_757


class TransactionState(StrEnum):
    """How far a transaction is; NOT_FOUND is one that moved no gas, or is too old."""

    WAITING = "WaitingNozzleUpForAuthorization"
    AUTHORISED = "Authorized"
    FILLING = "Filling"
    ENDED = "EndOfTransaction"
    FINISHED = "Finished"
    NOT_FOUND = "Not found"


@dataclass(frozen=True, slots=True)
class Idle:
    """PumpIdleStatus; `last_transaction` is 0 where the pump has had none."""

    point: int
    nozzle_up: bool
    is_locked: bool
    request: str
    last_transaction: int | None
    prices_e4: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Filling:
    """PumpFillingStatus."""

    point: int
    transaction: int
    is_suspended: bool
    quantity_milli: int
    price_e4: int
    amount_e4: int


@dataclass(frozen=True, slots=True)
class Sale:
    """A finished fill, by PumpEndOfTransactionStatus or PumpTransactionInformation."""

    point: int
    transaction: int
    nozzle: int
    quantity_milli: int
    price_e4: int
    amount_e4: int
    total_quantity_milli: int | None
    total_amount_e4: int | None
    started_at: str | None
    ended_at: str | None
    is_offline: bool = False


@dataclass(frozen=True, slots=True)
class Offline:
    """PumpOfflineStatus: the controller does not hear the pump."""

    point: int
    last_transaction: int | None


@dataclass(frozen=True, slots=True)
class TotalsReport:
    """PumpTotals."""

    point: int
    nozzle: int
    quantity_milli: int
    amount_e4: int


@dataclass(frozen=True, slots=True)
class OtherReport:
    """PumpPrices, PumpTag, PumpDisplayData: in place of a status, once."""

    point: int


@dataclass(frozen=True, slots=True)
class TransactionReport:
    """PumpTransactionInformation; a sale only where the fill has ended."""

    point: int
    transaction: int
    state: TransactionState
    sale: Sale | None


@dataclass(frozen=True, slots=True)
class Measurements:
    """What a pump measures beside the sale."""

    point: int
    pressure_kpa: int | None
    temperature_milli: int | None


StatusReport = Idle | Filling | Sale | Offline | TotalsReport | OtherReport


def read_status(packet: Packet) -> StatusReport:
    """Read an answer to PumpGetStatus.

    Raises:
        RemoteProtocolError: it is none, or a figure is missing.
    """
    reader = PacketReader(packet.data)
    point = reader.must("Pump")
    match packet.type:
        case "PumpIdleStatus":
            return Idle(
                point,
                nozzle_up=bool(reader.number("NozzleUp") or reader.number("Nozzle")),
                is_locked=reader.text("Request") == _LOCKED_REQUEST,
                request=reader.text("Request") or "",
                last_transaction=_transaction(reader, "LastTransaction"),
                prices_e4=_prices(reader),
            )
        case "PumpFillingStatus":
            return Filling(
                point,
                transaction=reader.must("Transaction"),
                is_suspended=reader.flag("IsSuspended"),
                quantity_milli=reader.must("Volume", MILLI),
                price_e4=reader.must("Price", E4),
                amount_e4=reader.must("Amount", E4),
            )
        case "PumpEndOfTransactionStatus":
            return _sale(point, reader)
        case "PumpOfflineStatus":
            return Offline(point, _transaction(reader, "LastTransaction"))
        case "PumpTotals":
            return TotalsReport(
                point,
                nozzle=reader.number("Nozzle") or 1,
                quantity_milli=reader.must("Volume", MILLI),
                amount_e4=reader.scaled("Amount", E4) or 0,
            )
        case "PumpPrices" | "PumpTag" | "PumpDisplayData":
            return OtherReport(point)
        case _:
            raise RemoteProtocolError(why="no status of a pump")


def read_transaction(packet: Packet) -> TransactionReport:
    """Read an answer to PumpGetTransactionInformation.

    Raises:
        RemoteProtocolError: it is none, or a figure is missing.
    """
    reader = PacketReader(packet.data)
    try:
        state = TransactionState(reader.text("State") or "")
    except ValueError:
        raise RemoteProtocolError(why="a transaction without a state") from None
    point, number = reader.must("Pump"), reader.must("Transaction")
    has_ended = state in {TransactionState.ENDED, TransactionState.FINISHED}
    sale = _sale(point, reader) if has_ended else None
    return TransactionReport(point, number, state, sale)


def sale_of(packet: Packet, point: int, transaction: int) -> Sale | None:
    """Read the sale that was asked for; None where no gas flowed or none is kept.

    Raises:
        RemoteProtocolError: it is another one, or another error than "not found".
    """
    if packet.error is not None:
        if packet.error.code == TRANSACTION_NOT_FOUND:
            return None
        raise RemoteProtocolError(why=f"error {packet.error.code}")
    report = read_transaction(packet)
    if (report.point, report.transaction) != (point, transaction):
        raise RemoteProtocolError(why=f"transaction {report.transaction}")
    if report.sale is None and report.state is not TransactionState.NOT_FOUND:
        raise RemoteProtocolError(why="a transaction that goes on")
    return report.sale


def is_transaction(number: int) -> bool:
    """Tell whether a transaction can have this number."""
    return 0 < number <= LAST_TRANSACTION


def read_measurements(packet: Packet) -> Measurements:
    """Read an answer to PumpGetAdditionalMeasurements.

    Raises:
        RemoteProtocolError: it names no pump.
    """
    reader = PacketReader(packet.data)
    psi_milli = reader.scaled("Pressure", MILLI)
    known = psi_milli is not None and 0 <= psi_milli < 100_000_000
    return Measurements(
        reader.must("Pump"),
        pressure_kpa=kpa_of_psi_milli(psi_milli) if known and psi_milli else None,
        temperature_milli=reader.scaled("Temperature", MILLI),
    )


def kpa_of_psi_milli(psi_milli: int) -> int:
    """Turn 1/1000 psi into whole kPa, to the nearest."""
    return (psi_milli * _NANO_MPA_PER_PSI + 500_000_000) // 1_000_000_000


def _sale(point: int, reader: PacketReader) -> Sale:
    transaction = reader.must("Transaction")
    if not 0 < transaction <= LAST_TRANSACTION:
        raise RemoteProtocolError(why=f"transaction {transaction}")
    return Sale(
        point,
        transaction,
        nozzle=reader.number("Nozzle") or 1,
        quantity_milli=reader.must("Volume", MILLI),
        price_e4=reader.must("Price", E4),
        amount_e4=reader.must("Amount", E4),
        total_quantity_milli=reader.scaled("TotalVolume", MILLI),
        total_amount_e4=reader.scaled("TotalAmount", E4),
        started_at=_time(reader.text("DateTimeStart")),
        ended_at=_time(reader.text("DateTime")),
        is_offline=reader.flag("IsOffline"),
    )


def _transaction(reader: PacketReader, name: str) -> int | None:
    number = reader.number(name)
    return number if number is not None and 0 <= number <= LAST_TRANSACTION else None


def _prices(reader: PacketReader) -> tuple[int, ...]:
    """Prices stand alone, or each in an object with its nozzle."""
    prices = []
    for one in reader.sequence("NozzlePrices")[:NOZZLES]:
        value = one.get("Price") if isinstance(one, dict) else one
        prices.append(max(scaled(value, E4) or 0, 0))
    return tuple(prices)


def _time(text: str | None) -> str | None:
    """Turn `2026-04-12T10:02:30` into the model's form; None if it is no time."""
    if text is None or len(text) != len("2026-04-12T10:02:30"):
        return None
    digits = text[:10].replace("-", "") + text[11:].replace(":", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) == 14):
        return None
    return f"{text[:10]} {text[11:]}"


# Requests


def get_status(point: int) -> Request:
    """Ask how a pump is."""
    return Request("PumpGetStatus", {"Pump": point})


def get_measurements(point: int) -> Request:
    """Ask what a pump measures beside the sale."""
    return Request("PumpGetAdditionalMeasurements", {"Pump": point})


def get_transaction(point: int, transaction: int) -> Request:
    """Ask for a transaction by its number."""
    return Request(
        "PumpGetTransactionInformation", {"Pump": point, "Transaction": transaction}
    )


def close_transaction(point: int, transaction: int) -> Request:
    """Say that a transaction is booked."""
    return Request("PumpCloseTransaction", {"Pump": point, "Transaction": transaction})


def get_totals(point: int, nozzle: int) -> Request:
    """Have a nozzle's totals read; they come in place of a status."""
    return Request("PumpGetTotals", {"Pump": point, "Nozzle": nozzle})


def set_prices(point: int, prices_e4: Sequence[int]) -> Request:
    """Set the prices of a pump's first nozzles."""
    prices = [Fraction(price_e4, E4) for price_e4 in prices_e4]
    return Request("PumpSetPrices", {"Pump": point, "Prices": prices})


def authorise(
    point: int, nozzle: int, *, quantity_milli: int, amount_e4: int
) -> Request:
    """Allow a fill up to a quantity or an amount, or as much as goes in."""
    data: dict[str, Any] = {"Pump": point, "Nozzle": nozzle, "Type": "FullTank"}
    if quantity_milli:
        data |= {"Type": "Volume", "Dose": Fraction(quantity_milli, MILLI)}
    elif amount_e4:
        data |= {"Type": "Amount", "Dose": Fraction(amount_e4, E4)}
    return Request("PumpAuthorize", data)


def command(kind: str, point: int) -> Request:
    """Give a command that has no figures."""
    data: Mapping[str, int] = {"Pump": point}
    return Request(kind, data)
