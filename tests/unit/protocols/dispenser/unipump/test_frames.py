"""UniPump frames: constructed vectors, stuffing, resynchronisation, bounds."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.unipump.frames import Frame, FrameParser
from tests.unit.protocols.dispenser.unipump import vectors

CAMPAIGN_BYTES = 10_000_000
SAMPLE_BYTES = 200_000

frames = st.builds(
    Frame,
    address=st.integers(0, 255),
    code=st.integers(0, 255),
    data=st.binary(max_size=100).map(lambda data: data.replace(b"\x10", b"\x11")),
)


def parse(data: bytes) -> list[Frame]:
    return FrameParser().feed(data)


@pytest.mark.parametrize("name", vectors.EVERY)
def test_every_vector_parses_and_encodes_again(name: str) -> None:
    """Each constructed vector is one frame, and is made again byte for byte."""
    (frame,) = parse(vectors.EVERY[name])
    assert frame.to_bytes() == vectors.EVERY[name]
    assert (frame.address, frame.point) in {(0x31, 1), (0x00, None)}


def test_a_stuffed_byte_is_one_byte() -> None:
    """A doubled 10H in address, data or CRC is read as one."""
    (frame,) = parse(vectors.STUFFED)
    assert frame.data == b"1P000020030398"
    doubled = Frame(0x10, 0x10, b"\x10\x02\x10\x03\x10")
    assert parse(doubled.to_bytes()) == [doubled]


def test_a_frame_too_long_is_our_mistake() -> None:
    """Nothing is sent that the controller does not take."""
    with pytest.raises(LocalProtocolError, match="of 256 bytes"):
        Frame(0x31, 0x41, bytes(248)).to_bytes()
    assert len(Frame(0x31, 0x41, bytes(247)).to_bytes()) == 255


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
    good = vectors.EVERY[name]
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    assert parse(bytes(bad)) == []


@given(st.binary(max_size=60), frames)
def test_it_finds_its_feet_within_one_good_frame(noise: bytes, good: Frame) -> None:
    """After any garbage at most one exchange is lost."""
    parser = FrameParser()
    parser.feed(noise)
    parser.feed(good.to_bytes())
    parser.reset()
    assert parser.feed(good.to_bytes()) == [good]


@pytest.mark.parametrize(
    ("data", "kind", "count"),
    [
        (b"\x00\x11\x22", FaultKind.NOISE, 3),
        (b"\x10\x10\x10\x05", FaultKind.NOISE, 4),
        (vectors.STATUS[:-4] + b"\x00\x00\x10\x03", FaultKind.BAD_CRC, 1),
        (b"\x10\x02\x31\x10\x03", FaultKind.BAD_CRC, 1),
        (vectors.STATUS[:-1] + b"\x05", FaultKind.BAD_TRAILER, 1),
        (b"\x10\x02" + bytes(252), FaultKind.TOO_LONG, 1),
        (b"\x10\x02" + b"\x10\x10" * 126, FaultKind.TOO_LONG, 1),
    ],
)
def test_faults_are_named_and_counted(data: bytes, kind: FaultKind, count: int) -> None:
    """Each way of not being a frame has its name."""
    parser = FrameParser()
    assert parser.feed(data) == []
    assert parser.faults == {kind: count}


def test_a_start_behind_noise_of_the_same_byte_is_a_start() -> None:
    """10H in front of a frame does not swallow it; half a frame costs itself."""
    parser = FrameParser()
    found = parser.feed(b"\x10" + vectors.STATUS[:5] + vectors.LOCK)
    assert [frame.code for frame in found] == [0x4C]
    assert parser.faults[FaultKind.HALF_FRAME] == 1
    parser.feed(vectors.STATUS[:5])
    parser.reset()
    parser.reset()
    assert parser.faults[FaultKind.HALF_FRAME] == 2
    assert len(parser.feed(vectors.STATUS)) == 1


def fuzz(seed: int, size: int) -> Counter[FaultKind]:
    """Feed bytes of which every eighth is of a frame's own marks."""
    chance, parser = random.Random(seed), FrameParser()
    marks = (b"\x10\x02", b"\x10\x03", b"\x10\x10", *vectors.EVERY.values())
    fed = 0
    while fed < size:
        chunk = chance.randbytes(chance.randrange(64)) + chance.choice(marks)
        cut = chance.randrange(len(chunk))
        parser.feed(chunk[:cut])
        parser.feed(chunk[cut:])
        fed += len(chunk)
        assert len(parser._checked) < 256
    return parser.faults


def test_no_bytes_make_the_parser_raise_or_grow() -> None:
    """A sample of the campaign below."""
    assert len(fuzz(seed=1, size=SAMPLE_BYTES)) >= 4


@pytest.mark.campaign
def test_no_bytes_make_the_parser_raise_or_grow_in_a_long_run() -> None:
    """Ten million bytes, without an exception and without memory."""
    assert len(fuzz(seed=2, size=CAMPAIGN_BYTES)) >= 4
