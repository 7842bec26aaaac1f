"""Files of the fuel trade's CPU card: known places, and what is not ours is kept."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation import hygiene
from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.fuel_card import files
from cngstation.protocols.fuel_card.files import (
    Application,
    Holder,
    Issue,
    Limits,
    Mark,
    Vehicle,
)

APPLICATION = bytes.fromhex(
    "10FFFFFFFFFFFFFF 11 01 0100 1000000000000231 20260101 20361231 01 00"
)
ISSUE = Issue(Mark.ISSUED, 3, 1, 412, 300, 7, 0x12)


def test_the_number_of_a_card() -> None:
    """Sixteen digits from their place, and how long they are valid."""
    read = Application.read(APPLICATION)
    assert read == Application(
        bytes.fromhex("1000000000000231"), "20260101", "20361231"
    )


@pytest.mark.parametrize(
    "data", [b"\xff" * 30, APPLICATION[:-1], b"", APPLICATION.replace(b"\x31", b"\x3f")]
)
def test_a_card_without_a_number_is_refused(data: bytes) -> None:
    """Keys are made from the number; without digits there are none."""
    with pytest.raises(RemoteProtocolError, match="without a number"):
        Application.read(data)


def test_the_holders_file() -> None:
    """Card type first, price level at 38; name and ID number are kept, not read."""
    data = bytes(range(41))
    assert Holder.read(data) == Holder(0, 38)
    written = Holder(1, 5).onto(data)
    assert (len(written), written[0], written[38]) == (41, 1, 5)
    assert written[1:38] + written[39:] == data[1:38] + data[39:]


def test_our_record_stands_in_reserved_bytes() -> None:
    """Of 96 bytes those from 83 to 93 are ours; the others stay."""
    data = bytes(range(96))
    written = ISSUE.onto(data)
    assert written[83:94].hex() == "a10301019c012c00070012"
    assert written[:83] + written[94:] == data[:83] + data[94:]
    assert Issue.read(written) == ISSUE
    assert Issue.read(data) is None
    assert Issue.read(files.cleared(data)) is None


@pytest.mark.parametrize("field", ["price_fen", "limit_per_fill_yuan", "first_on_line"])
def test_a_figure_that_does_not_fit_is_refused(field: str) -> None:
    """Two bytes hold no more than 65 535; nothing is cut."""
    for value in (-1, 65_536):
        with pytest.raises(LocalProtocolError, match="an issue no card holds"):
            replace(ISSUE, **{field: value}).onto(bytes(96))


def test_plate_and_daily_limit() -> None:
    """UTF-16 at 43, fen at 64; no limit is FF."""
    data = bytes(range(96))
    written = Limits("苏A12345", 90_000).onto(data)
    assert written[43:59] == "苏A12345".encode("utf-16-le").ljust(16, b"\0")
    assert written[64:68].hex() == "00015f90"
    assert written[:43] + written[59:64] + written[68:] == (
        data[:43] + data[59:64] + data[68:]
    )
    assert Limits.read(written) == Limits("苏A12345", 90_000)
    assert Limits.read(Limits("", 0).onto(data)) == Limits("", 0)
    assert Limits.read(b"\xff" * 96) == Limits("", 0)


def test_the_vehicles_file() -> None:
    """Date of eight digits first, plate after it; the cylinder's number stays."""
    data = bytes(range(64))
    written = Vehicle("2027-03-31", "苏A12345").onto(data)
    assert written[:4].hex() == "20270331"
    assert written[20:] == data[20:]
    assert Vehicle.read(written) == Vehicle("2027-03-31", "苏A12345")
    assert Vehicle.read(Vehicle(None, "").onto(data)) == Vehicle(None, "")
    with pytest.raises(LocalProtocolError):
        Vehicle("2027-02-30", "").onto(data)


def test_a_long_plate_is_cut_between_characters() -> None:
    """Eight characters have room; none is halved."""
    written = Limits("苏A1234567890", 0).onto(bytes(96))
    assert Limits.read(written).plate == "苏A123456"


@given(data=st.binary(min_size=96, max_size=96))
def test_any_bytes_of_a_card_are_read_clean(data: bytes) -> None:
    """Whatever a card holds, its texts pass a terminal and a printer."""
    assert hygiene.is_clean(Limits.read(data).plate)
    assert hygiene.is_clean(Vehicle.read(data[:64]).plate)
    issue = Issue.read(data)
    assert issue is None or Issue.read(issue.onto(data)) == issue


def test_the_password_flag() -> None:
    """00 says that nobody chose a password."""
    assert files.has_default_pin(bytes(32))
    assert not files.has_default_pin(b"\x01" + bytes(31))
