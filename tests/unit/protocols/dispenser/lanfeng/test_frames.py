"""Lanfeng frames against the check bytes that the maker prints."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.lanfeng import frames
from cngstation.protocols.dispenser.lanfeng.frames import Command, FrameParser, Shown

PRINTED_CHECKS = {
    0xB8: 0x48,
    0xA0: 0x60,
    0xB0: 0x50,
    0xA1: 0x5F,
    0xB1: 0x4F,
    0xA8: 0x58,
    0xA9: 0x57,
    0xAC: 0x54,
    0xAD: 0x53,
}
STATUS = bytes.fromhex("01 00 03 98 00 49 11 00 12 34 C2")
SAMPLE_BYTES, CAMPAIGN_BYTES = 200_000, 10_000_000


def checked(body: bytes) -> bytes:
    return body + bytes([-sum(body[1:]) & 0xFF])


@pytest.mark.parametrize(("command", "check"), PRINTED_CHECKS.items())
def test_printed_check_bytes(command: int, check: int) -> None:
    body = bytes([1, 0, command]) + bytes(8)
    assert checked(body)[-1] == check
    if command in set(Command):
        assert frames.request(1, Command(command)) == body + bytes([check])
    assert FrameParser([1]).feed(body + bytes([check])) == [body + bytes([check])]


def test_constructed_requests() -> None:
    status = "01 00 B8 00 00 00 00 00 00 00 00 48"
    assert frames.request(1, Command.STATUS) == bytes.fromhex(status)
    preset = "01 00 A2 01 00 00 00 00 00 00 00 5D"
    made = frames.request(1, Command.PRESET_AMOUNT, 10_000, 3)
    assert made == bytes.fromhex(preset)


def test_a_status_has_price_amount_volume_and_state() -> None:
    assert frames.status(checked(STATUS)) == Shown(
        price=398,
        amount=4_911,
        volume=1_234,
        is_out=True,
        is_controlled=True,
        is_filling=True,
    )


@pytest.mark.parametrize(
    ("state", "out", "controlled", "filling"),
    [
        (0x41, False, True, False),
        (0xC1, True, True, False),
        (0xC2, True, True, True),
        (0x01, False, False, False),
        (0x82, True, False, True),
    ],
)
def test_states(state: int, out: bool, controlled: bool, filling: bool) -> None:
    shown = frames.status(checked(STATUS[:10] + bytes([state])))
    assert (shown.is_out, shown.is_controlled, shown.is_filling) == (
        out,
        controlled,
        filling,
    )


def test_a_total_has_twelve_digits() -> None:
    frame = checked(bytes.fromhex("01 00 00 00 00 12 34 56 78 90 12"))
    assert frames.total(frame) == 123_456_789_012


@pytest.mark.parametrize(
    "body",
    [
        "01 00 03 9A 00 49 11 00 12 34 C2",
        "01 00 03 98 00 49 11 00 12 34 C5",
        "01 00 00 00 00 00 00 00 12 38 41",  # the totaliser 1238.41, late
    ],
)
def test_what_makes_no_sense_is_said_to(body: str) -> None:
    with pytest.raises(RemoteProtocolError):
        frames.status(checked(bytes.fromhex(body)))


def test_a_figure_with_too_many_digits_is_our_own_fault() -> None:
    with pytest.raises(LocalProtocolError):
        frames.request(1, Command.PRICE, 10_000, 2)


@pytest.mark.parametrize("noise", ["FF", "01", "01 00", "00 01 00 03", "01 00" * 5])
def test_a_frame_behind_noise_is_found(noise: str) -> None:
    parser = FrameParser([1])
    assert parser.feed(bytes.fromhex(noise) + checked(STATUS)) == [checked(STATUS)]


def test_frames_of_guns_that_are_not_here_are_noise() -> None:
    parser = FrameParser([2])
    assert parser.feed(checked(STATUS) * 2) == []
    assert parser.faults[FaultKind.NOISE] > 0


@given(st.integers(0, 11), st.integers(0, 7), st.integers(0, 12))
def test_one_flipped_bit_gives_no_other_frame(at: int, bit: int, cut: int) -> None:
    """The gun's own byte is not under the check: another gun's frame is not ours."""
    wire = bytearray(checked(STATUS))
    wire[at] ^= 1 << bit
    parser = FrameParser([1])
    assert parser.feed(bytes(wire[:cut])) + parser.feed(bytes(wire[cut:])) == []


def fuzz(seed: int, size: int) -> int:
    chance = random.Random(seed)
    parser = FrameParser(range(1, 17))
    found = fed = 0
    while fed < size:
        wire = bytearray(checked(STATUS))
        wire[chance.randrange(12)] ^= chance.choice([0, 1 << chance.randrange(8)])
        piece = chance.randbytes(chance.randrange(32)) + bytes(wire)
        for frame in parser.feed(piece):
            found += 1
            try:
                frames.status(frame)
            except RemoteProtocolError:
                continue
        fed += len(piece)
        assert len(parser._buffer) < 12
    return found


def test_no_bytes_make_the_parser_raise_or_grow() -> None:
    """A sample of the campaign below."""
    assert fuzz(seed=1, size=SAMPLE_BYTES) > 100


@pytest.mark.campaign
@pytest.mark.timeout(1_800)
def test_no_bytes_make_the_parser_raise_or_grow_in_a_long_run() -> None:
    """Ten million bytes."""
    assert fuzz(seed=2, size=CAMPAIGN_BYTES) > 10_000
