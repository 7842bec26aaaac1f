"""DART frames and transactions against captured and constructed ones."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.dart import transactions
from cngstation.protocols.dispenser.dart.frames import (
    LONGEST_DATA,
    Control,
    Frame,
    FrameParser,
)
from cngstation.protocols.dispenser.dart.transactions import (
    Command,
    Filled,
    NozzlePlace,
    SideTotals,
    Status,
)

CAPTURED_CONTROL = [
    ("52 20 FA", Frame(0x52, Control.POLL)),
    ("52 70 FA", Frame(0x52, Control.EOT)),
    ("50 70 FA", Frame(0x50, Control.EOT)),
    ("52 C0 FA", Frame(0x52, Control.ACK)),
]
CAPTURED_DATA = [
    ("52 39 03 04 01 05 00 12 4D E5 03 FA", 9, "03 04 01 05 00 12"),
    ("52 30 01 01 04 E7 5F 03 FA", 0, "01 01 04"),
    ("52 30 01 01 05 26 9F 03 FA", 0, "01 01 05"),
]
CAPTURED_BROKEN = (
    "52 3A 02 08 00 00 05 00 00 05 25 00 03 04 01 05 00 02 01 01 06 46 65 03 FA"
)
CONSTRUCTED = [
    (
        0x50,
        1,
        transactions.command(Command.RETURN_STATUS),
        "50 31 01 01 00 9E A0 03 FA",
    ),
    (0x50, 2, transactions.command(Command.RESET), "50 32 01 01 05 5E E7 03 FA"),
    (
        0x50,
        3,
        transactions.allow(1)
        + transactions.preset_amount(10_000)
        + transactions.command(Command.AUTHORISE),
        "50 33 02 01 01 04 04 00 01 00 00 01 01 06 5A 2D 03 FA",
    ),
    (0x50, 4, transactions.prices(398, 1), "50 34 05 03 00 03 98 99 6F 03 FA"),
    (0x50, 5, transactions.ask_totals(1), "50 35 65 01 01 1F 8F 03 FA"),
    (0x52, 0, transactions.command(Command.STOP), "52 30 01 01 08 E7 5A 03 FA"),
    (
        0x50,
        1,
        bytes.fromhex("02 08 00 00 00 44 00 00 49 11"),
        "50 31 02 08 00 00 00 44 00 00 49 11 10 FA A5 03 FA",
    ),
]
FUELLING = "50 37 02 08 00 00 12 34 00 00 49 11 03 04 00 03 98 11 83 24 03 FA"
SAMPLE_BYTES, CAMPAIGN_BYTES = 200_000, 10_000_000


def parsed(wire: str) -> list[Frame]:
    return FrameParser().feed(bytes.fromhex(wire))


@pytest.mark.parametrize(("wire", "frame"), CAPTURED_CONTROL)
def test_captured_control_frames(wire: str, frame: Frame) -> None:
    assert frame.to_bytes() == bytes.fromhex(wire)
    assert parsed(wire) == ([] if frame.control is Control.POLL else [frame])


@pytest.mark.parametrize(("wire", "block", "data"), CAPTURED_DATA)
def test_captured_data_frames(wire: str, block: int, data: str) -> None:
    frame = Frame(0x52, Control.DATA, block, bytes.fromhex(data))
    assert parsed(wire) == [frame]
    assert frame.to_bytes() == bytes.fromhex(wire)


def test_the_captured_frame_with_a_wrong_checksum_is_no_frame() -> None:
    parser = FrameParser()
    assert parser.feed(bytes.fromhex(CAPTURED_BROKEN)) == []
    assert parser.faults[FaultKind.BAD_CRC] == 1


@pytest.mark.parametrize(("address", "block", "data", "wire"), CONSTRUCTED)
def test_constructed_frames(address: int, block: int, data: bytes, wire: str) -> None:
    frame = Frame(address, Control.DATA, block, data)
    assert frame.to_bytes() == bytes.fromhex(wire)
    assert parsed(wire) == [frame]


def test_a_fuelling_pump_says_figures_price_and_nozzle() -> None:
    (frame,) = parsed(FUELLING)
    assert transactions.said(frame.data) == [
        Filled(1_234, 4_911),
        NozzlePlace(398, 1, is_out=True),
    ]


def test_the_captured_nozzle_is_up_at_its_price() -> None:
    (frame,) = parsed(CAPTURED_DATA[0][0])
    assert transactions.said(frame.data) == [NozzlePlace(10_500, 2, is_out=True)]


@pytest.mark.parametrize("noise", ["B8", "FF FF", "DC", "98 BE", "F8 00 FA 03"])
def test_captured_noise_before_a_frame_is_passed_over(noise: str) -> None:
    parser = FrameParser()
    assert parser.feed(bytes.fromhex(noise + "52 70 FA")) == [Frame(0x52, Control.EOT)]
    assert parser.faults[FaultKind.NOISE] == len(bytes.fromhex(noise))


def test_noise_that_looks_like_an_address_costs_no_frame() -> None:
    """A whole frame behind a false start is found."""
    assert parsed("55 31 " + CAPTURED_DATA[1][0]) == parsed(CAPTURED_DATA[1][0])
    assert parsed("55 " + CAPTURED_DATA[1][0]) == parsed(CAPTURED_DATA[1][0])


def test_our_own_poll_handed_back_is_not_heard() -> None:
    parser = FrameParser()
    assert parser.feed(bytes.fromhex("52 20 FA 52 70 FA")) == [Frame(0x52, Control.EOT)]
    assert parser.faults == {FaultKind.OWN_ECHO: 1}


def test_a_frame_without_an_end_is_given_up() -> None:
    parser = FrameParser()
    parser.feed(b"\x50\x31" + b"\x00" * 2_000)
    assert parser.faults[FaultKind.TOO_LONG] >= 1
    assert parser.feed(b"\x50\x70\xfa") == [Frame(0x50, Control.EOT)]


@given(
    st.integers(0x50, 0x6F),
    st.integers(0, 15),
    st.binary(max_size=LONGEST_DATA),
    st.data(),
)
def test_every_frame_comes_back_in_any_pieces(
    address: int, block: int, data: bytes, draw: st.DataObject
) -> None:
    frame = Frame(address, Control.DATA, block, data)
    wire = frame.to_bytes()
    cut = draw.draw(st.integers(0, len(wire)))
    parser = FrameParser()
    assert parser.feed(wire[:cut]) + parser.feed(wire[cut:]) == [frame]
    assert not parser.faults


@given(st.binary(min_size=1, max_size=40), st.data())
def test_one_flipped_bit_gives_no_other_block(data: bytes, draw: st.DataObject) -> None:
    wire = bytearray(Frame(0x50, Control.DATA, 3, data).to_bytes())
    at = draw.draw(st.integers(0, len(wire) - 1))
    wire[at] ^= 1 << draw.draw(st.integers(0, 7))
    blocks = [f for f in FrameParser().feed(bytes(wire)) if f.control is Control.DATA]
    assert blocks == []


@pytest.mark.parametrize(
    "data",
    ["02 08 00 00 12 3A 00 00 49 11", "01 01 03", "01 01 FF", "02 07 00 00 00 00 00 00",
     "03 04 00 03", "65 04 01 00 00 00", "01"],
)  # fmt: skip
def test_what_makes_no_sense_is_said_to(data: str) -> None:
    with pytest.raises(RemoteProtocolError):
        transactions.said(bytes.fromhex(data))


@pytest.mark.parametrize("tail", ["", "00 00", "00 00 00 00 00"])
def test_totals_of_every_known_length(tail: str) -> None:
    body = bytes.fromhex("01 00 00 12 34 56 00 00 49 13 55" + tail)
    read = transactions.said(bytes([0x65, len(body)]) + body)
    assert read == [SideTotals(1, 123_456, 491_355)]


def test_transactions_that_nobody_needs_are_passed_over() -> None:
    data = bytes.fromhex("09 02 AA BB 01 01 04")
    assert transactions.said(data) == [Status.FILLING]


def test_figures_and_frames_that_do_not_fit_are_our_own_fault() -> None:
    for wrong in (
        lambda: transactions.preset_amount(10**8),
        lambda: transactions.prices(10**6, 1),
        lambda: Frame(0x70, Control.POLL).to_bytes(),
        lambda: Frame(0x50, Control.DATA, 0, bytes(LONGEST_DATA + 1)).to_bytes(),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()


def fuzz(seed: int, size: int) -> int:
    """Feed noise with pieces of frames in it; return how many frames were found."""
    chance = random.Random(seed)
    parser = FrameParser()
    wires = [bytes.fromhex(wire) for _, _, _, wire in CONSTRUCTED]
    fed = found = 0
    tracemalloc.start()
    try:
        while fed < size:
            wire = bytearray(chance.choice(wires))
            if chance.random() < 0.5:
                wire[chance.randrange(len(wire))] ^= 1 << chance.randrange(8)
            piece = chance.randbytes(chance.randrange(64)) + bytes(wire)
            for frame in parser.feed(piece):
                found += 1
                try:
                    transactions.said(frame.data)
                except RemoteProtocolError:
                    continue
            fed += len(piece)
            assert len(parser._buffer) <= 2_048
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    return found


def test_no_bytes_make_the_parser_raise_or_grow() -> None:
    """A sample of the campaign below."""
    assert fuzz(seed=1, size=SAMPLE_BYTES) > 100


@pytest.mark.campaign
@pytest.mark.timeout(1_800)
def test_no_bytes_make_the_parser_raise_or_grow_in_a_long_run() -> None:
    """Ten million bytes."""
    assert fuzz(seed=2, size=CAMPAIGN_BYTES) > 10_000
