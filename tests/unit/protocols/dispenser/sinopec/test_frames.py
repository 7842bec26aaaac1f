"""Sinopec frames: constructed vectors, doubling, resynchronisation, bounds."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.sinopec.frames import Frame, FrameParser
from tests.unit.protocols.dispenser.sinopec import vectors

header = st.integers(0, 255).filter(lambda byte: byte != 0xFA)
# FA is as likely as all the rest, so that every place of it is met.
doubled = st.lists(st.sampled_from([0xFA, 0xFA, 0, 1, 0x31]), min_size=1, max_size=240)
frames = st.builds(
    Frame,
    receiver=header,
    sender=header,
    number=header,
    data=doubled.map(bytes) | st.binary(min_size=1, max_size=240),
)


def parse(data: bytes) -> list[Frame]:
    return FrameParser().feed(data)


@pytest.mark.parametrize("name", vectors.EVERY)
def test_every_vector_parses_and_encodes_again(name: str) -> None:
    """Each constructed vector is one frame, and is made again byte for byte."""
    data, command = vectors.EVERY[name]
    (frame,) = parse(data)
    to, by = (1, 0) if name in vectors.FROM_HOST else (0, 1)
    assert (frame.receiver, frame.sender, frame.number) == (to, by, 1)
    assert frame.command == command
    assert frame.to_bytes() == data


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


@given(frames, st.integers(1, 600))
def test_a_frame_cut_short_does_not_cost_the_next_one(frame: Frame, cut: int) -> None:
    """A lone FA begins a frame, wherever the one before it ended."""
    whole = frame.to_bytes()
    begun = whole[: min(cut, len(whole) - 1)]
    # What ends in half a doubled byte takes the next start for its other half.
    odd = (len(begun) - len(begun.rstrip(b"\xfa"))) % 2
    if len(begun) > 6 and odd:
        return
    found = parse(begun + vectors.IDLE + vectors.FUELLING)
    assert found[-1].to_bytes() == vectors.FUELLING


@given(st.sampled_from(sorted(vectors.EVERY)), st.data())
def test_one_flipped_bit_gives_no_frame(name: str, data: st.DataObject) -> None:
    """No single bit error passes as another frame."""
    good = vectors.EVERY[name][0]
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    assert parse(bytes(bad)) == []


@given(st.lists(st.binary(max_size=3_000) | doubled.map(bytes), max_size=6))
def test_nothing_makes_the_parser_raise_or_grow(chunks: list[bytes]) -> None:
    """Any stream is taken with less than 1 KiB held between chunks."""
    parser = FrameParser()
    for chunk in chunks:
        parser.feed(chunk)
        assert len(parser._buffer) < 500


def fuzz(byte_count: int, seed: int) -> None:
    """Feed broken frames among noise; every good frame behind them is found."""
    chance = random.Random(seed)
    good = [data for data, _ in vectors.EVERY.values()]
    parser, fed = FrameParser(), 0
    while fed < byte_count:
        broken = bytearray(chance.choice(good))
        for _ in range(chance.randrange(1, 4)):
            broken[chance.randrange(len(broken))] = chance.choice([0xFA, 0, 0x31, 0x96])
        noise = chance.randbytes(chance.randrange(40))
        # Two good ones: a broken one may reach into the first.
        data = noise + bytes(broken) + bytes(500) + vectors.IDLE + vectors.RECORD
        found = parser.feed(data)
        assert found
        assert found[-1].to_bytes() == vectors.RECORD
        assert len(parser._buffer) < 500
        fed += len(data)


def test_resynchronises_behind_anything() -> None:
    """A sample of the campaign below."""
    fuzz(200_000, seed=7)


@pytest.mark.campaign
def test_ten_million_bytes() -> None:
    """The whole campaign."""
    fuzz(10_000_000, seed=11)


def test_what_was_passed_over_is_counted() -> None:
    """Noise, a bad length, a bad CRC, half a frame."""
    parser = FrameParser()
    bad_crc = vectors.IDLE[:-1] + b"\x00"
    parser.feed(b"\x01\x02" + vectors.IDLE)
    assert parser.faults == Counter({FaultKind.NOISE: 2})
    parser.faults.clear()
    parser.feed(bytes.fromhex("FA0001010241") + vectors.IDLE)
    assert parser.faults[FaultKind.TOO_LONG] == 1
    parser.faults.clear()
    parser.feed(bad_crc + vectors.IDLE)
    assert parser.faults[FaultKind.BAD_CRC] == 1
    parser.faults.clear()
    assert parser.feed(vectors.RECORD[:50] + vectors.IDLE)
    assert parser.faults == Counter({FaultKind.HALF_FRAME: 1})
    parser.feed(vectors.IDLE[:7])
    parser.reset()
    assert parser.faults[FaultKind.HALF_FRAME] == 2


@pytest.mark.parametrize(
    "frame",
    [
        Frame(0xFA, 0, 1, b"\x30"),
        Frame(1, 0, 0xFA, b"\x30"),
        Frame(1, 0, 1, b""),
        Frame(1, 0, 1, bytes(241)),
    ],
)
def test_what_no_dispenser_would_read_is_not_sent(frame: Frame) -> None:
    """FA in a header, no data, too many data."""
    with pytest.raises(LocalProtocolError):
        frame.to_bytes()
