"""UniPump messages: the constructed vectors' meaning, both forms, refused nonsense."""

import random

import pytest

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.unipump.frames import Frame, FrameParser
from cngstation.protocols.dispenser.unipump.messages import (
    Answer,
    Filling,
    Prices,
    Requests,
    State,
    Status,
    TotalsBody,
    Transaction,
    Version,
    read_answer,
)
from tests.unit.protocols.dispenser.unipump import vectors

POINT = Requests(1)


@pytest.mark.parametrize(
    ("frame", "vector"),
    [
        (POINT.status(), vectors.STATUS),
        (POINT.lock(), vectors.LOCK),
        (POINT.authorise(1, volume=0, amount=10_000, price=398), vectors.AUTHORISE),
        (POINT.authorise(1, volume=0, amount=2_003, price=398), vectors.STUFFED),
        (POINT.halt(), vectors.HALT),
        (POINT.close(7), vectors.CLOSE),
        (POINT.unlock(), vectors.UNLOCK),
        (POINT.totals(1), vectors.TOTALS),
        (POINT.version(), vectors.VERSION),
    ],
)
def test_requests_are_the_constructed_ones(frame: Frame, vector: bytes) -> None:
    """Each request is the vector byte for byte."""
    assert frame.to_bytes() == vector


def answer(data: bytes) -> Answer:
    (frame,) = FrameParser().feed(data)
    return read_answer(frame)


@pytest.mark.parametrize(
    ("data", "meaning"),
    [
        (vectors.NOZZLE_UP, Status(True, 1, State.NOZZLE_UP, "")),
        (vectors.AMOUNT, Filling(7, 1, 1_234)),
        (vectors.TRANSACTION, Transaction(7, 1, 1_234, 398, 4_911)),
        (vectors.EXTENDED, Transaction(7, 1, 1_234, 398, 4_911)),
        (Frame(0x31, 0x55, b"11A").to_bytes(), Status(False, 1, State.IDLE, "A")),
        (
            Frame(0x31, 0x43, b"07100000491110000001234").to_bytes(),
            TotalsBody(7, 1, 49_111, 1_234),
        ),
        (
            Frame(0x31, 0x45, b"C7;1;98765432109876;123456789012;").to_bytes(),
            TotalsBody(7, 1, 98_765_432_109_876, 123_456_789_012),
        ),
        (Frame(0x31, 0x50, b"0398" * 6).to_bytes(), Prices((398,) * 6)),
        (
            Frame(0x31, 0x45, b"P1;2;3;4;5;12345;").to_bytes(),
            Prices((1, 2, 3, 4, 5, 12_345)),
        ),
        (Frame(0x00, 0x56, b"1.02").to_bytes(), Version(b"1.02")),
    ],
)
def test_answers_mean_what_the_tables_say(data: bytes, meaning: Answer) -> None:
    """Both forms of an answer give the same message."""
    assert answer(data) == meaning


def test_the_extended_form_has_no_widths() -> None:
    """What does not fit the plain form is our mistake there, and goes in the other."""
    with pytest.raises(LocalProtocolError, match="too large"):
        POINT.set_prices((12_345,))
    with pytest.raises(LocalProtocolError, match="too large"):
        POINT.authorise(1, volume=10**8, amount=0, price=1)
    extended = Requests(1, is_extended=True)
    assert extended.set_prices((12_345, 1)).data == b"p12345;1;"
    order = extended.authorise(2, volume=10**8, amount=0, price=398)
    assert (order.code, order.data) == (0x45, b"A2;L;100000000;398;")


@pytest.mark.parametrize(
    "frame",
    [
        Frame(0x31, 0x53, b"13"),
        Frame(0x31, 0x53, b"x30"),
        Frame(0x31, 0x53, b"120"),
        Frame(0x31, 0x41, b"0710000123"),
        Frame(0x31, 0x41, b"07100001x34"),
        Frame(0x31, 0x54, b""),
        Frame(0x31, 0x45, b""),
        Frame(0x31, 0x45, b"T7;1;1234;398;"),
        Frame(0x31, 0x45, b"T7;1;;398;4911;"),
        Frame(0x31, 0x45, b"T7;1;-4;398;4911;"),
        Frame(0x31, 0x45, b"T7;1;" + b"9" * 19 + b";398;4911;"),
        Frame(0x31, 0x45, b"S1;1;0;"),
        Frame(0x31, 0x50, b"0398"),
        Frame(0x31, 0x7A, b"0"),
    ],
)
def test_what_is_no_answer_is_refused(frame: Frame) -> None:
    """A wrong length, a letter for a digit, an unknown code or state."""
    with pytest.raises(RemoteProtocolError):
        read_answer(frame)


def test_any_data_is_an_answer_or_refused() -> None:
    """Nothing but the protocol's own error comes out of any code and data."""
    chance = random.Random(3)
    read = 0
    for _ in range(20_000):
        code = chance.choice(b"SUATCPVE\x00\xff")
        alphabet = b"0123456789" if chance.random() < 0.8 else bytes(range(256))
        size = chance.choice((0, 3, 11, 23, 24, chance.randrange(60)))
        data = bytes(chance.choice(alphabet) for _ in range(size))
        try:
            read_answer(Frame(0x31, code, data))
        except RemoteProtocolError:
            continue
        read += 1
    assert read > 1_000
