"""Frames and receive buffer of the simulated JX-V4 dispenser."""

from hypothesis import given
from hypothesis import strategies as st

from cngstation.simulators.jxv4_frames import (
    POLL,
    RECORD,
    RECORD_AGAIN,
    Decision,
    Ear,
    Record,
    Request,
    Status,
    answer_frame,
    figures,
)

POLL_1 = bytes.fromhex("aaff01005100 0d 20250601083015 000000000000 f24c ccff")
ACK_1027 = bytes.fromhex("aaff010052 0006 010000000403 6bc2 ccff")
IDLE = bytes.fromhex(
    "bbee0001510054 01a1 8e01"
    + "00" * 8
    + "02 0000000000001001"
    + "00" * 63
    + "ad78ddee"
)
FUELLING = bytes.fromhex(
    "bbee0001510054 01a4 8e01 d2040000 2f130000 02 0000000000001001 5101000100012345"
    "00b4a8413132333435 3a07" + "00" * 44 + "659bddee"
)
RECORD_1027 = bytes.fromhex(
    "bbee0001520093 03040000 02 0000000000001001 00 5101000100012345 01"
    "00b4a8413132333435 51010001 20250601082011 20250601082547 8e01 d2040000 2f130000"
    "2f130000 50c30000 21b00000 0c000000 c0270900 30000000 32ef0000 ffb70300 06120f00"
    "effa3b00 a401 c107 061c0000 10270000 01 00 08 00000000 1f000000"
    + "00" * 24
    + "68c8ddee"
)
NO_RECORD_9999 = bytes.fromhex("bbee0001580005 0f270000 00 ed27 ddee")

EMPLOYEE = bytes.fromhex("0000000000001001")
CARD = bytes.fromhex("5101000100012345")
PLATE = b"\x00" + "川A12345".encode("gb2312")


def status(**fields: int | bytes) -> Status:
    figures_of_idle = {
        "device_type": 1,
        "status": 0xA1,
        "price": 398,
        "quantity": 0,
        "amount": 0,
        "shift": 2,
        "employee": EMPLOYEE,
        "card": b"",
        "plate": b"",
        "pressure": 0,
    }
    return Status(**{**figures_of_idle, **fields})  # type: ignore[arg-type]


def test_idle_answer_is_the_golden_one() -> None:
    """95 bytes of an idle gun."""
    assert answer_frame(1, POLL, status().to_bytes()) == IDLE


def test_fuelling_answer_is_the_golden_one() -> None:
    """12.34 units for 49.11 yuan at 18.50 MPa."""
    fuelling = status(
        status=0xA4, quantity=1234, amount=4911, card=CARD, plate=PLATE, pressure=1850
    )
    assert answer_frame(1, POLL, fuelling.to_bytes()) == FUELLING


def test_record_is_the_golden_one_and_reads_back() -> None:
    """Every field of record 1027 stands at its offset."""
    record = Record(
        trans_no=1027,
        shift=2,
        employee=EMPLOYEE,
        trans_type=0,
        card=CARD,
        card_type=1,
        plate=PLATE,
        station=bytes.fromhex("51010001"),
        started_at=bytes.fromhex("20250601082011"),
        ended_at=bytes.fromhex("20250601082547"),
        price=398,
        quantity=1234,
        amount=4911,
        real_debit=4911,
        balance_before=50_000,
        balance_after=45_089,
        top_up_count=12,
        topped_up=600_000,
        consumption_count=48,
        consumed_quantity=61_234,
        consumed_money=243_711,
        gun_total_quantity=987_654,
        gun_total_amount=3_930_863,
        pressure_before=420,
        pressure_after=1985,
        density=7174,
        equivalent=10_000,
        device_type=1,
        unit_code=0,
        stop_reason=8,
        related_grey_id=0,
        shift_record_id=31,
    )
    assert answer_frame(1, RECORD, record.to_bytes()) == RECORD_1027
    assert Record.from_bytes(RECORD_1027[7:-4]) == record


def test_no_record_is_the_golden_one() -> None:
    """58H for a number that is not in memory."""
    body = figures(9999) + b"\x00"
    assert answer_frame(1, RECORD_AGAIN, body) == NO_RECORD_9999


def test_decision_takes_48_bytes_big_endian() -> None:
    """The host's answer to 55H; any other length is none."""
    body = bytes.fromhex("0100 5101000100012345 0000132f 00001300 0000c350 0000b050")
    body = body.ljust(48, b"\x00")
    assert Decision.from_bytes(body) == Decision(1, 0, CARD, 4911, 4864, 50000, 45136)
    assert Decision.from_bytes(body[:-1]) is None


def heard(gun: int, *pieces: bytes) -> Ear:
    ear = Ear(gun)
    for piece in pieces:
        ear.hear(piece)
    return ear


def test_a_poll_is_heard_behind_noise() -> None:
    """Bytes before AA are dropped, and the frame is given once."""
    ear = heard(1, b"\x00\x55\xff" + POLL_1[:5], POLL_1[5:])
    assert ear.at_tick() == Request(1, POLL, POLL_1[7:20])
    assert ear.at_tick() is None


def test_start_and_trailer_are_not_looked_at() -> None:
    """As in the firmware: the second byte and the trailer may be anything."""
    assert heard(1, b"\xaa\x00" + POLL_1[2:-2]).at_tick() is not None


def test_an_unfinished_frame_waits_for_the_next_tick() -> None:
    """A tick in the middle of a frame wipes nothing."""
    ear = heard(1, POLL_1[:21])
    assert ear.at_tick() is None
    ear.hear(POLL_1[21:])
    assert ear.at_tick() is not None


def test_a_frame_appended_before_the_wipe_is_lost() -> None:
    """Ack and next poll within one tick: the poll is gone, and counted."""
    ear = heard(1, ACK_1027, POLL_1)
    assert ear.at_tick() == Request(1, RECORD, ACK_1027[7:13])
    assert ear.at_tick() is None
    assert ear.ignored == {"glued": 1}


def test_a_frame_for_another_gun_wipes_the_buffer_too() -> None:
    """Gun 2 loses its own poll behind one for gun 1."""
    poll_2 = bytes.fromhex("aaff0200")
    ear = heard(2, POLL_1, poll_2)
    assert ear.at_tick() is None
    assert ear.ignored == {"glued": 1}
    ear.hear(POLL_1)
    assert ear.at_tick() is None
    assert ear.ignored == {"glued": 1}


def test_200_bytes_without_a_frame_are_thrown_away() -> None:
    """An AA in a neighbour's answer deafens a gun until its buffer is full."""
    ear = heard(1, b"\xaa" + b"\xff" * 198, POLL_1[:1])
    assert ear.ignored == {"overflow": 1}
    ear.hear(POLL_1)
    assert ear.at_tick() is not None


@given(st.integers(2, 21), st.integers(0, 7))
def test_no_flipped_bit_passes_the_crc(byte: int, bit: int) -> None:
    """One wrong bit between address and crc gives no request."""
    broken = bytearray(POLL_1)
    broken[byte] ^= 1 << bit
    assert heard(1, bytes(broken)).at_tick() is None


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_any_bytes_are_survived_in_bounded_room(pieces: list[bytes]) -> None:
    """No input raises, and a good frame is understood after at most 200 bytes."""
    ear = Ear(1)
    for piece in pieces:
        ear.hear(piece)
        ear.at_tick()
    ear.hear(b"\x00" * 400)
    ear.at_tick()
    ear.hear(POLL_1)
    assert ear.at_tick() is not None
