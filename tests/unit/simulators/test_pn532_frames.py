"""The chip's side of PN532 framing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.simulators.pn532_frames import (
    ACK,
    NACK,
    SYNTAX_ERROR,
    FrameCutter,
    HostFrame,
    Kind,
    answer_frame,
    rising_edges,
)

GET_FIRMWARE = bytes.fromhex("0000ff02fed4022a00")


def host_frame(command: bytes) -> bytes:
    """Turn the chip's frame builder round: same sums, TFI D4 in place of D5."""
    frame = bytearray(answer_frame(command))
    extended = frame[3:5] == b"\xff\xff"
    frame[8 if extended else 5] = 0xD4
    frame[-2] = (frame[-2] + 1) & 0xFF
    return bytes(frame)


@pytest.mark.parametrize(
    ("raw", "kind", "command"),
    [
        (ACK, Kind.ACK, ""),
        (NACK, Kind.NACK, ""),
        (GET_FIRMWARE, Kind.COMMAND, "02"),
        (SYNTAX_ERROR, Kind.MALFORMED, ""),
        (bytes.fromhex("0000fffffff7"), None, ""),
        (bytes.fromhex("0000ff02fed5022900"), Kind.MALFORMED, "02"),
    ],
)
def test_frames_are_told_apart(raw: bytes, kind: Kind | None, command: str) -> None:
    """ACK, NACK, command and nonsense are each what they are."""
    frames = FrameCutter().feed(raw)
    expected = [] if kind is None else [(kind, bytes.fromhex(command), len(raw))]
    assert [(f.kind, f.command, f.wire_bytes) for f in frames] == expected


@given(st.binary(min_size=1, max_size=264), st.data())
def test_any_chunking_gives_the_same_frame(command: bytes, data: st.DataObject) -> None:
    """A normal or extended frame comes through whole however the wire cuts it."""
    raw = b"\x55\x55\x00" + host_frame(command)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    cutter, frames = FrameCutter(), []
    for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        frames += cutter.feed(raw[begin:end])
    assert [(f.kind, f.command) for f in frames] == [(Kind.COMMAND, command)]


@given(st.binary(min_size=1, max_size=264), st.data())
def test_one_flipped_bit_gives_no_command(command: bytes, data: st.DataObject) -> None:
    """No single wrong bit between start code and checksum makes another command."""
    raw = bytearray(host_frame(command))
    at = data.draw(st.integers(3, len(raw) - 2))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    frames = FrameCutter().feed(bytes(raw))
    assert [f.command for f in frames if f.kind is Kind.COMMAND] == []


@given(st.binary(max_size=600))
def test_noise_is_bounded(noise: bytes) -> None:
    """Noise never raises and never keeps more than one longest frame."""
    cutter = FrameCutter()
    for _ in range(4):
        cutter.feed(noise)
    assert len(cutter._buffer) <= 7 + 266


def test_the_next_try_after_a_lost_byte_is_found() -> None:
    """A frame that lost a byte does not swallow the one sent after it."""
    cut_short = host_frame(bytes.fromhex("400130"))[:-3]
    frames = FrameCutter().feed(cut_short + GET_FIRMWARE)
    assert [f.command for f in frames] == [b"\x02"]


@pytest.mark.parametrize("head", ["0000ff0000", "0000ffffff010af5", "0000ffffff000000"])
def test_an_impossible_length_is_not_awaited(head: str) -> None:
    """A length of 0 or above 265 is noise, even with a right checksum."""
    frames = FrameCutter().feed(bytes.fromhex(head) + GET_FIRMWARE)
    assert [f.command for f in frames] == [b"\x02"]


def test_noise_before_a_frame_counts_as_wire() -> None:
    """The bytes of a long preamble took wire time, so they are counted."""
    frames = FrameCutter().feed(bytes(10) + GET_FIRMWARE)
    assert frames == [HostFrame(Kind.COMMAND, 19, b"\x02")]


def test_an_answer_too_long_for_a_frame_is_refused() -> None:
    """265 bytes with TFI is the most that a PN532 frame carries."""
    assert len(answer_frame(bytes(264))) == 265 + 10
    with pytest.raises(ValueError, match="265"):
        answer_frame(bytes(265))


@pytest.mark.parametrize(("byte", "edges"), [(0x55, 5), (0x00, 1), (0xFF, 1)])
def test_edges_of_a_byte(byte: int, edges: int) -> None:
    """One 55h wakes a chip; zeros need five."""
    assert rising_edges(byte) == edges
