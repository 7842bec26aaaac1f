"""Modbus frames: constructed vectors, resynchronisation, bounds."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.compac.modbus import (
    Answer,
    AnswerParser,
    Refused,
    Registers,
    Written,
    read_answer_bytes,
    read_request,
    write_request,
)
from tests.unit.protocols.dispenser.compac import vectors

CAMPAIGN_BYTES = 10_000_000
SAMPLE_BYTES = 100_000
GOOD = (
    vectors.registers(vectors.live()),
    vectors.registers([0, 398], device=3),
    vectors.LOCK,
    vectors.EXCEPTION,
)


def parse(data: bytes) -> list[Answer]:
    return AnswerParser().feed(data)


def test_requests_are_the_constructed_ones() -> None:
    """Register 100 is 99 on the wire with the offset that is usual."""
    assert read_request(1, 99, 32) == vectors.READ_LIVE
    assert write_request(1, 199, 1) == vectors.LOCK


def test_what_no_frame_can_carry_is_our_mistake() -> None:
    """A register holds 16 bits, an answer 125 registers."""
    for bad in (-1, 0x1_0000):
        with pytest.raises(LocalProtocolError, match="does not fit"):
            write_request(1, 199, bad)
    with pytest.raises(LocalProtocolError, match="Modbus request"):
        read_request(1, 99, 126)


def test_answers_mean_what_they_say() -> None:
    """Registers, a confirmed write, and a refusal with its reason."""
    data = vectors.registers([1, 0xFFFF], device=7)
    assert parse(data) == [Answer(7, 3, Registers((1, 0xFFFF)), data)]
    assert len(data) == read_answer_bytes(2)
    assert parse(vectors.LOCK) == [Answer(1, 6, Written(199, 1), vectors.LOCK)]
    (refused,) = parse(vectors.EXCEPTION)
    assert (refused.function, refused.content) == (3, Refused(2))


@given(
    st.lists(st.sampled_from(GOOD), max_size=4),
    st.lists(st.integers(1, 100), max_size=20),
)
def test_chunking_changes_nothing(sent: list[bytes], cuts: list[int]) -> None:
    """However the wire cuts the stream, the same answers come out."""
    data = b"".join(sent)
    parser, received = AnswerParser(), []
    for cut in [*cuts, len(data)]:
        chunk, data = data[:cut], data[cut:]
        received += parser.feed(chunk)
    assert [answer.raw for answer in received] == sent
    assert not parser.faults.total()


@given(st.sampled_from(GOOD), st.data())
def test_one_flipped_bit_gives_no_answer(good: bytes, data: st.DataObject) -> None:
    """No single bit error passes."""
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    assert parse(bytes(bad)) == []


@given(st.binary(max_size=60), st.sampled_from(GOOD))
def test_it_finds_its_feet_within_one_good_frame(noise: bytes, good: bytes) -> None:
    """The very first good answer behind any garbage is found."""
    assert good in [answer.raw for answer in parse(noise + good)]


@pytest.mark.parametrize(
    ("data", "kind", "count"),
    [
        (b"\x00\xfe\x00", FaultKind.NOISE, 3),
        (vectors.READ_LIVE, FaultKind.NOISE, 8),
        (vectors.EXCEPTION[:-1] + b"\x00", FaultKind.BAD_CRC, 1),
        (b"\x01\x03\x03abcde", FaultKind.NOISE, 8),
        (b"\x01\x03\xfc", FaultKind.NOISE, 3),
    ],
)
def test_faults_are_named_and_counted(data: bytes, kind: FaultKind, count: int) -> None:
    """Each way of not being an answer has its name; a request is none."""
    parser = AnswerParser()
    assert parser.feed(data + b"\x00" * 10) == []
    assert parser.faults[kind] >= count


def test_a_promise_of_a_long_answer_does_not_hide_a_good_one() -> None:
    """Noise that looks like a head waits for its end; what is whole is taken."""
    parser = AnswerParser()
    assert parser.feed(b"\x05\x03\xf0") == []
    assert len(parser.feed(vectors.EXCEPTION)) == 1
    assert parser.faults[FaultKind.NOISE] == 3
    parser.feed(b"\x05\x03\xf0")
    parser.reset()
    parser.reset()
    assert parser.faults[FaultKind.HALF_FRAME] == 1
    assert len(parser.feed(vectors.LOCK)) == 1


def fuzz(seed: int, size: int) -> Counter[FaultKind]:
    """Feed noise, heads of answers and good answers, cut anywhere."""
    chance, parser = random.Random(seed), AnswerParser()
    parts = (*GOOD, b"\x01\x03\x40", b"\x01\x03\xfa", b"\x01\x86", vectors.READ_LIVE)
    fed = 0
    while fed < size:
        chunk = chance.randbytes(chance.randrange(64)) + chance.choice(parts)
        cut = chance.randrange(len(chunk))
        parser.feed(chunk[:cut])
        parser.feed(chunk[cut:])
        fed += len(chunk)
        assert len(parser._buffer) < 512
    return parser.faults


def test_no_bytes_make_the_parser_raise_or_grow() -> None:
    """A sample of the campaign below."""
    assert fuzz(seed=1, size=SAMPLE_BYTES)[FaultKind.BAD_CRC] > 0


@pytest.mark.campaign
def test_no_bytes_make_the_parser_raise_or_grow_in_a_long_run() -> None:
    """Ten million bytes, without an exception and without memory."""
    assert fuzz(seed=2, size=CAMPAIGN_BYTES)[FaultKind.BAD_CRC] > 0
