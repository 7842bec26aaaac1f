"""PN532 frames from the host's end: golden bytes, chunks, noise, bounds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.card_reader.pn532.frames import (
    LARGEST_BODY,
    Frame,
    FrameParser,
    Received,
    Signal,
)
from tests.unit.protocols.card_reader.pn532.vectors import ACK, ERROR, FRAMES, NACK

frames = st.builds(
    Frame,
    st.sampled_from([0xD4, 0xD5]),
    st.integers(0, 255),
    st.binary(max_size=LARGEST_BODY - 2),
)
signals = st.sampled_from(
    [(ACK, Signal.ACK), (NACK, Signal.NACK), (ERROR, Signal.ERROR)]
)
whole = st.one_of(frames.map(lambda frame: (frame.to_bytes(), frame)), signals)


def parsed(*chunks: bytes) -> list[Received]:
    """Return what a new parser finds in chunks."""
    parser = FrameParser()
    return [one for chunk in chunks for one in parser.receive(chunk)]


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """Cut bytes at these places, modulo their number."""
    places = sorted({place % (len(data) + 1) for place in at} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@pytest.mark.parametrize(("frame", "direction", "code", "data"), FRAMES)
def test_golden_frames_both_ways(
    frame: bytes, direction: int, code: int, data: str
) -> None:
    """Every published frame is written as it stands and read back."""
    meant = Frame(direction, code, bytes.fromhex(data))
    assert meant.to_bytes() == frame
    assert parsed(frame) == [meant]


def test_signals_are_told_apart() -> None:
    """ACK, NACK and error frame are no frames of data with odd lengths."""
    assert parsed(ACK + NACK + ERROR) == [Signal.ACK, Signal.NACK, Signal.ERROR]


def test_an_extended_frame_bit_by_bit() -> None:
    """262 bytes of a line test need the long head: FF FF, length, its sum."""
    frame = Frame(0xD4, 0x00, bytes(260)).to_bytes()
    assert frame[:8].hex() == "0000ffffff0106f9"
    assert parsed(frame) == [Frame(0xD4, 0x00, bytes(260))]


def test_the_short_head_is_used_as_far_as_it_goes() -> None:
    """255 bytes of body go into a normal frame, 256 into an extended one."""
    assert Frame(0xD4, 0, bytes(253)).to_bytes()[3:5].hex() == "ff01"
    assert Frame(0xD4, 0, bytes(254)).to_bytes()[3:8].hex() == "ffff0100ff"


def test_a_body_that_the_chip_cannot_hold_is_not_sent() -> None:
    """265 bytes with TFI is the most."""
    Frame(0xD4, 0, bytes(LARGEST_BODY - 2)).to_bytes()
    with pytest.raises(LocalProtocolError, match="266 bytes"):
        Frame(0xD4, 0, bytes(LARGEST_BODY - 1)).to_bytes()


def test_preambles_of_any_length_are_skipped() -> None:
    """Zeros and 55 before a start are the wake-up of other drivers and no data."""
    firmware = FRAMES[1][0]
    assert parsed(b"\x55\x55" + bytes(40) + firmware) == parsed(firmware)


@pytest.mark.parametrize(
    "head",
    [
        "00ff0300",  # LEN + LCS
        "00ff0000",  # no body and no ACK
        "00ffffff0106f8",  # LENhi + LENlo + LCS
        "00ffffff010af5",  # 266 bytes: more than the chip can send
        "00ffffff000000",  # an extended nothing
    ],
)
def test_a_bad_head_is_garbled_and_costs_only_itself(head: str) -> None:
    """A head whose sums do not fit hides no good frame behind it."""
    firmware = FRAMES[1][0]
    for behind in (firmware, firmware.removeprefix(b"\x00")):
        found = parsed(bytes.fromhex(head) + behind)
        assert found[0] is Signal.GARBLED
        assert found[-1:] == parsed(firmware)


@pytest.mark.parametrize("body", ["d5", "00"])
def test_a_body_of_one_byte_is_no_frame(body: str) -> None:
    """A frame has a direction and a code; one byte is only the error frame's."""
    data = bytes.fromhex(body)
    frame = b"\x00\x00\xff\x01\xff" + data + bytes([-sum(data) & 0xFF, 0])
    assert parsed(frame) == [Signal.GARBLED]


def test_a_frame_inside_a_spoilt_one_is_never_read() -> None:
    """Card data that looks like a frame stays data when its frame's sum is wrong."""
    inner = Frame(0xD5, 0x41, b"\x00").to_bytes()
    spoilt = bytearray(Frame(0xD5, 0x41, b"\x00" + inner).to_bytes())
    spoilt[-2] ^= 1
    assert parsed(bytes(spoilt)) == [Signal.GARBLED]


@given(st.lists(whole, max_size=5), st.lists(st.integers(0, 5000), max_size=20))
def test_chunks_change_nothing(
    sent: list[tuple[bytes, Received]], places: list[int]
) -> None:
    """However a line cuts the bytes, the same comes out in the same order."""
    data = b"".join(written for written, _ in sent)
    assert parsed(*cut(data, places)) == [meant for _, meant in sent]


@given(frames, st.data())
def test_one_flipped_bit_is_never_another_frame(
    frame: Frame, data: st.DataObject
) -> None:
    """A single wrong bit gives the frame itself (postamble) or no frame at all."""
    written = bytearray(frame.to_bytes())
    bit = data.draw(st.integers(0, 8 * len(written) - 1))
    written[bit // 8] ^= 1 << bit % 8
    found = [one for one in parsed(bytes(written)) if isinstance(one, Frame)]
    harmless = bit // 8 in (0, len(written) - 1)
    assert found == ([frame] if harmless else [])


@given(st.lists(st.binary(max_size=600), max_size=8))
def test_noise_is_bounded_and_never_raises(chunks: list[bytes]) -> None:
    """Whatever arrives, the parser keeps less than one frame of it."""
    parser = FrameParser()
    for chunk in chunks:
        parser.receive(chunk)
        assert len(parser) <= 7 + LARGEST_BODY


@given(st.binary(max_size=40).filter(lambda b: b"\x00\xff" not in b), frames)
def test_noise_without_a_start_hides_no_frame(noise: bytes, frame: Frame) -> None:
    """Bytes that hold no start of frame cost nothing behind them."""
    assert parsed(noise + b"\x01" + frame.to_bytes()) == [frame]
