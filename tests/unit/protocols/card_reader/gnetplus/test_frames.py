"""GNetPlus frames: golden bytes, noise, halves, and what is none."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.card_reader.gnetplus import commands
from cngstation.protocols.card_reader.gnetplus.frames import (
    DONE,
    EVENT,
    REFUSED,
    Frame,
    FrameParser,
    Garbled,
)

UID = bytes.fromhex("deadbeef")
# Written by mifarepy 3.0.0, an implementation of somebody else.
GOLDEN = {
    "010001005070": commands.version(),
    "01002f00f06d": commands.request(),
    "01002204deadbeefa777": commands.select(UID),
    "01002b086001ffffffffffffcc06": commands.save_key(1, b"\xff" * 6, "A"),
    "01002511000102030405060708090a0b0c0d0e0f10e2a0": commands.write_block(
        4, bytes(range(1, 17))
    ),
    "01002401027ec0": commands.read_block(6),
    "01001b020001e442": commands.echo(b"\0\1"),
}


@pytest.mark.parametrize(("wire", "command"), GOLDEN.items(), ids=list(GOLDEN))
def test_golden_commands(wire: str, command: commands.Command) -> None:
    """Our bytes are those of an independent driver."""
    assert command.frame.to_bytes().hex() == wire


def test_golden_answers() -> None:
    """A block of zeros, and a refused key."""
    wire = bytes.fromhex("010006100000000000000000000000000000000068c9")
    refused = bytes.fromhex("010015010573d0")
    assert FrameParser().receive(wire + refused) == [
        Frame(DONE, bytes(16)),
        Frame(REFUSED, b"\x05"),
    ]


def test_a_frame_takes_no_more_than_its_length_can_say() -> None:
    """256 bytes of data cannot be written."""
    with pytest.raises(LocalProtocolError):
        Frame(DONE, bytes(256)).to_bytes()


@given(
    data=st.binary(max_size=255),
    function=st.sampled_from([DONE, REFUSED, EVENT]),
    cuts=st.lists(st.integers(0, 260), max_size=6),
)
def test_any_chunking_gives_the_frame(
    data: bytes, function: int, cuts: list[int]
) -> None:
    """Bytes may come one by one."""
    wire = Frame(function, data).to_bytes()
    parser, found = FrameParser(), []
    edges = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    for begin, end in itertools.pairwise(edges):
        found += parser.receive(wire[begin:end])
    assert found == [Frame(function, data)]


@given(data=st.binary(max_size=40), bit=st.integers(0, 8 * 46 - 1))
def test_one_turned_bit_gives_no_frame(data: bytes, bit: int) -> None:
    """No frame comes out of one that was hurt, however short it was made."""
    wire = bytearray(Frame(DONE, data).to_bytes())
    place = bit % (8 * len(wire))
    wire[place // 8] ^= 1 << place % 8
    found = FrameParser().receive(bytes(wire))
    assert [one for one in found if isinstance(one, Frame) and one.data == data] == []


@given(noise=st.binary(max_size=30).filter(lambda noise: 1 not in noise))
def test_noise_before_a_frame_is_passed_over(noise: bytes) -> None:
    """What does not begin as a frame is none."""
    wire = noise + Frame(DONE, b"ok").to_bytes()
    assert FrameParser().receive(wire) == [Frame(DONE, b"ok")]


def test_a_frame_behind_a_false_start_is_found() -> None:
    """The bytes of a start that was none are looked through again."""
    false = b"\x01\x00\x06\x02"
    found = FrameParser().receive(false + Frame(DONE, b"x").to_bytes())
    assert found == [Garbled.CRC, Frame(DONE, b"x")]
