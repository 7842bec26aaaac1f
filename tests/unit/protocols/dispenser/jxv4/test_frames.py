"""JX-V4 frames: constructed vectors, resynchronisation, bounds."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.jxv4.frames import (
    Command,
    Frame,
    FrameParser,
    Sender,
)
from tests.unit.protocols.dispenser.jxv4 import vectors

frames = st.builds(
    Frame,
    sender=st.sampled_from(Sender),
    gun=st.integers(1, 255),
    command=st.integers(0, 255),
    body=st.binary(max_size=256),
    host=st.just(0),
)


def parse(data: bytes) -> list[Frame]:
    return FrameParser().feed(data)


@pytest.mark.parametrize("name", vectors.EVERY)
def test_every_vector_parses_and_encodes_again(name: str) -> None:
    """Each constructed vector is one frame, and is made again byte for byte."""
    data, command = vectors.EVERY[name]
    (frame,) = parse(data)
    by_host = name in vectors.FROM_HOST
    assert frame.sender is (Sender.HOST if by_host else Sender.DISPENSER)
    assert (frame.gun, frame.host, frame.command) == (1, 0, command)
    assert frame.body == data[7:-4]
    assert frame.to_bytes() == data


def test_a_host_frame_is_written_as_the_vector() -> None:
    """An acknowledgement made from its parts is the constructed one."""
    frame = Frame(Sender.HOST, 1, Command.RECORD, bytes.fromhex("010000000403"))
    assert frame.to_bytes() == vectors.ACKNOWLEDGEMENT


def test_a_body_too_long_is_our_mistake() -> None:
    """The host never sends what every reader of the family would reject."""
    with pytest.raises(LocalProtocolError, match="257"):
        Frame(Sender.HOST, 1, Command.LIST_BLOCK, bytes(257)).to_bytes()


@given(st.lists(frames, max_size=4), st.lists(st.integers(1, 300), max_size=20))
def test_chunking_changes_nothing(sent: list[Frame], cuts: list[int]) -> None:
    """However the wire cuts the stream, the same frames come out."""
    data = b"".join(frame.to_bytes() for frame in sent)
    parser, received = FrameParser(), []
    for cut in [*cuts, len(data)]:
        chunk, data = data[:cut], data[cut:]
        received += parser.feed(chunk)
    assert received == sent
    assert not parser.faults.total()


@given(st.sampled_from(sorted(vectors.EVERY)), st.data())
def test_one_flipped_bit_gives_no_frame(name: str, data: st.DataObject) -> None:
    """No single bit error passes as a frame."""
    good = vectors.EVERY[name][0]
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    assert parse(bytes(bad)) == []


@given(st.lists(st.binary(max_size=3_000), max_size=6))
def test_nothing_makes_the_parser_raise_or_grow(chunks: list[bytes]) -> None:
    """Any stream is taken with less than 4 KiB held between and during chunks."""
    parser = FrameParser()
    for chunk in chunks:
        parser.feed(chunk)
        assert len(parser._buffer) < 300


@given(st.integers(0, 300))
def test_a_flood_of_starts_is_bounded(length: int) -> None:
    """Starts that claim bodies and never end do not pile up."""
    parser = FrameParser()
    for _ in range(50):
        parser.feed(b"\xbb\xee\x00\x01\x51" + length.to_bytes(2, "big"))
        assert len(parser._buffer) < 300


@given(st.binary(max_size=60), frames)
def test_it_finds_its_feet_within_one_good_frame(noise: bytes, good: Frame) -> None:
    """After any garbage at most one exchange is lost."""
    parser = FrameParser()
    parser.feed(noise)
    parser.feed(good.to_bytes())
    parser.reset()
    assert parser.feed(good.to_bytes()) == [good]


def test_a_half_frame_before_a_good_one_is_passed_over() -> None:
    """A truncated frame costs itself alone when more bytes follow."""
    parser = FrameParser()
    found = parser.feed(vectors.IDLE[:40] + vectors.FUELLING + vectors.IDLE)
    assert [frame.body[1] for frame in found] == [0xA4, 0xA1]


@pytest.mark.parametrize(
    ("data", "kind", "count"),
    [
        (b"\x00\x11\x22", FaultKind.NOISE, 3),
        (vectors.IDLE[:-4] + b"\x00\x00\xdd\xee", FaultKind.BAD_CRC, 1),
        (vectors.IDLE[:-2] + b"\xcc\xff", FaultKind.BAD_TRAILER, 1),
        (bytes.fromhex("BBEE000151 0101"), FaultKind.TOO_LONG, 1),
    ],
)
def test_faults_are_named_and_counted(data: bytes, kind: FaultKind, count: int) -> None:
    """Each way of not being a frame has its name."""
    parser = FrameParser()
    assert parser.feed(data) == []
    assert parser.faults[kind] == count


def test_a_frame_that_stays_half_is_counted_once() -> None:
    """Giving up a frame that has begun is a fault, giving up nothing is none."""
    parser = FrameParser()
    parser.reset()
    assert parser.faults == Counter()
    parser.feed(vectors.IDLE[:50])
    parser.reset()
    assert parser.faults == {FaultKind.HALF_FRAME: 1}
    assert len(parser.feed(vectors.IDLE)) == 1


def test_the_longest_body_is_taken() -> None:
    """A body of 256 bytes is still a frame."""
    (frame,) = parse(vectors.answer(7, 0x54, bytes(256)))
    assert (frame.gun, len(frame.body)) == (7, 256)


def test_a_long_read_is_taken_whole() -> None:
    """A backlog read in one piece loses no frame."""
    backlog = vectors.RECORD * 50
    assert len(parse(backlog)) == 50
