"""JX-V4 bodies and their canonical meaning: every field, every code, bad input."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation import hygiene
from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.moments import CHINA, local_time
from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    CardKind,
    DebitDecision,
    DebitKind,
    DeviceKind,
    Fault,
    FuellingState,
    ListVersions,
    NozzleStatus,
    SaleRecord,
    StopReason,
    Totals,
    TransactionType,
)
from cngstation.protocols.dispenser.jxv4 import mapping, messages
from cngstation.protocols.dispenser.jxv4.frames import Frame, FrameParser
from cngstation.units import Unit
from tests.unit.protocols.dispenser.jxv4 import vectors


def frame_of(data: bytes) -> Frame:
    (frame,) = FrameParser().feed(data)
    return frame


def status_of(data: bytes) -> NozzleStatus:
    body = frame_of(data).body
    return mapping.nozzle_status(messages.Status.from_bytes(body), body)


def sale_of(data: bytes) -> SaleRecord:
    frame = frame_of(data)
    record = messages.Record.from_bytes(frame.body)
    return mapping.sale_record(record, mapping.FIRMWARE_UNITS, frame)


def changed_record(offset: int, new: bytes) -> SaleRecord:
    body = bytearray(vectors.record_body())
    body[offset : offset + len(new)] = new
    return sale_of(vectors.answer(1, 0x52, bytes(body)))


def test_the_poll_is_the_vector() -> None:
    """Time and versions are where dispensers look for them; the key version is 0."""
    clock = datetime(2025, 6, 1, 8, 30, 15, tzinfo=CHINA)
    assert messages.poll_body(clock) == vectors.POLL[7:-4]
    versions = messages.Versions(base=3, added=1, deleted=1, price=7)
    assert messages.poll_body(clock, versions) == vectors.POLL_VERSIONS[7:-4]


@given(st.integers(0, 4 * 10**12))
def test_no_poll_announces_a_key(wall_ms: int) -> None:
    """Whatever the time, a poll is 13 bytes and ends in key version 0."""
    versions = messages.Versions(255, 255, 255, 255, 255)
    body = messages.poll_body(local_time(wall_ms), versions)
    assert len(body) == 13
    assert body[-1] == 0


def test_acknowledgement_and_re_read_are_the_vectors() -> None:
    """Record numbers go out big-endian."""
    assert messages.acknowledgement_body(0, 1027) == vectors.ACKNOWLEDGEMENT[7:-4]
    assert messages.record_no_body(1027) == vectors.REREAD_ASKED[7:-4]


def test_the_fuelling_vector_is_understood() -> None:
    """12.34 units for 49.11 yuan at 3.98 and 18.50 MPa, with card and plate."""
    status = status_of(vectors.FUELLING)
    assert status == NozzleStatus(
        state=FuellingState.FUELLING,
        device_kind=DeviceKind.CNG,
        locked=False,
        off_duty=False,
        awaiting_debit=False,
        other_side_busy=False,
        faults=frozenset(),
        price_e4=39_800,
        quantity_milli=12_340,
        amount_e4=491_100,
        shift_no=2,
        employee_card="0000000000001001",
        card_no="5101000100012345",
        plate="川A12345",
        pressure_kpa=18_500,
        raw=vectors.FUELLING[7:-4],
    )


def test_the_idle_vector_has_no_card_and_no_pressure() -> None:
    """Zeros of an idle nozzle are absence, not a card 0 at pressure 0."""
    status = status_of(vectors.IDLE)
    assert (status.state, status.price_e4) == (FuellingState.IDLE, 39_800)
    assert (status.card_no, status.plate, status.pressure_kpa) == (None, None, None)


@pytest.mark.parametrize(
    ("code", "state", "overlay"),
    [
        (0xA0, FuellingState.CLOSED, "off_duty"),
        (0xA1, FuellingState.IDLE, None),
        (0xA2, FuellingState.IDLE, None),
        (0xA3, FuellingState.IDLE, None),
        (0xA4, FuellingState.FUELLING, None),
        (0xA5, FuellingState.SUSPENDED_FUELLING, "awaiting_debit"),
        (0xA6, FuellingState.CLOSED, None),
        (0xA7, FuellingState.IDLE, "other_side_busy"),
        (0xF0, FuellingState.CLOSED, "locked"),
        (0xF1, FuellingState.INOPERATIVE, None),
    ],
)
def test_every_state_has_its_place(
    code: int, state: FuellingState, overlay: str | None
) -> None:
    """Each state code is one IFSF state and at most one overlay."""
    status = status_of(vectors.status(state=code))
    overlays = ("off_duty", "awaiting_debit", "other_side_busy", "locked")
    assert status.state is state
    assert [name for name in overlays if getattr(status, name)] == (
        [overlay] if overlay else []
    )


def test_an_unknown_state_is_not_guessed() -> None:
    """A state that the protocol does not have is a protocol error."""
    with pytest.raises(RemoteProtocolError, match="33H"):
        status_of(vectors.status(state=0x33))


@pytest.mark.parametrize(
    ("alarms", "faults"),
    [
        (0x0001, {Fault.FLASH_A_CHECK}),
        (0x4000, {Fault.PRESSURE_SENSOR}),
        (0x1C00, {Fault.MEMORY_COPIES_DIFFER, Fault.FRAM, Fault.GAS_METER_SILENT}),
        (0x8000, {Fault.UNKNOWN}),
        (0xFFFFFFFF, set(Fault)),
    ],
)
def test_alarm_bits_are_faults(alarms: int, faults: set[Fault]) -> None:
    """Each bit is its fault, unknown bits are one fault."""
    body = bytes([1, 0xA1]) + bytes(78) + alarms.to_bytes(4, "little")
    assert status_of(vectors.answer(1, 0x51, body)).faults == faults


def test_the_record_vector_is_understood() -> None:
    """Record 1027 in every field."""
    assert sale_of(vectors.RECORD) == SaleRecord(
        protocol="jxv4",
        device_seq=1027,
        transaction_type=TransactionType.NORMAL,
        transaction_code=0,
        card_no="5101000100012345",
        card_kind=CardKind.STORED_VALUE,
        plate="川A12345",
        station_no="51010001",
        shift_no=2,
        employee_card="0000000000001001",
        started_at="2025-06-01 08:20:11",
        ended_at="2025-06-01 08:25:47",
        device_kind=DeviceKind.CNG,
        unit=Unit.M3,
        unit_code=0,
        quantity_milli=12_340,
        price_e4=39_800,
        amount_e4=491_100,
        debited_hundredths=4_911,
        balance_before_hundredths=50_000,
        balance_after_hundredths=45_089,
        card_top_up_count=12,
        card_top_up_total_hundredths=600_000,
        card_consumption_count=48,
        card_consumed_quantity_milli=612_340,
        card_consumed_total_hundredths=243_711,
        gun_total_quantity_milli=9_876_540,
        gun_total_amount_e4=393_086_300,
        pressure_before_kpa=4_200,
        pressure_after_kpa=19_850,
        density_e4=7_174,
        equivalent_e4=10_000,
        stop_reason=StopReason.LOW_FLOW,
        stop_code=8,
        related_grey_seq=None,
        shift_record_seq=31,
        raw_frame=vectors.RECORD,
        return_quantity_milli=0,
    )


@pytest.mark.parametrize(
    ("size", "returned"), [(123, None), (133, None), (147, 2_500), (200, None)]
)
def test_gas_that_came_back_stands_behind_the_core_of_147_bytes(
    size: int, returned: int | None
) -> None:
    """2.50 units, 0.01 each, the lowest byte first; other tails are something else."""
    body = vectors.record_body()[:123] + b"\xfa" + bytes(99)
    sale = sale_of(vectors.answer(1, 0x52, body[:size]))
    assert sale.return_quantity_milli == returned


@pytest.mark.parametrize("size", [123, 133, 147, 200])
def test_the_core_is_enough(size: int) -> None:
    """Firmwares end a record differently; the core is read, the tail is kept."""
    body = (vectors.record_body() + b"\x07" * 99)[:size]
    record = messages.Record.from_bytes(body)
    assert (record.seq, record.shift_record_seq) == (1027, 31)
    assert record.tail == body[123:]


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (0, TransactionType.NORMAL),
        (1, TransactionType.GREY),
        (0xFF, TransactionType.GREY),
        (2, TransactionType.MAKE_UP_DEBIT),
        (3, TransactionType.SUPPLEMENT),
        (9, TransactionType.UNKNOWN),
    ],
)
def test_transaction_types(code: int, meaning: TransactionType) -> None:
    """Each code has its type and is kept as it came."""
    sale = changed_record(13, bytes([code]))
    assert (sale.transaction_type, sale.transaction_code) == (meaning, code)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, StopReason.MANUAL),
        (5, StopReason.POWER_LOSS),
        (13, StopReason.DRIVE_OFF),
        (15, StopReason.SINGLE_FILL_LIMIT),
        (0xFF, StopReason.NO_FILL),
        (16, StopReason.UNKNOWN),
    ],
)
def test_stop_reasons(code: int, reason: StopReason) -> None:
    """Each code has its reason and is kept as it came."""
    sale = changed_record(114, bytes([code]))
    assert (sale.stop_reason, sale.stop_code) == (reason, code)


def test_the_unit_code_means_what_is_configured() -> None:
    """The same code is another unit under another map, and none under none."""
    frame = frame_of(vectors.RECORD)
    record = messages.Record.from_bytes(frame.body)
    by_map = mapping.sale_record(record, {0: Unit.KG}, frame)
    unknown = mapping.sale_record(replace(record, unit=7), {0: Unit.KG}, frame)
    assert (by_map.unit, unknown.unit, unknown.unit_code) == (Unit.KG, None, 7)


@pytest.mark.parametrize(
    "clock", ["00000000000000", "20251301082011", "20250230082011", "2025060108201A"]
)
def test_a_time_that_is_none_is_none(clock: str) -> None:
    """A device clock that shows no date does not stop the sale."""
    assert changed_record(36, bytes.fromhex(clock)).started_at is None


def test_a_card_number_that_is_not_decimal_stays_visible() -> None:
    """Broken BCD is shown by its digits A to F; all F is no card."""
    assert changed_record(14, b"\x51\xab" + bytes(6)).card_no == "51AB000000000000"
    assert changed_record(14, b"\xff" * 8).card_no is None


def test_a_hostile_plate_cannot_reach_a_terminal() -> None:
    """Escape sequences in a plate become replacement characters."""
    sale = changed_record(23, b"\x1b[2J\x9b\x07abc")
    assert sale.plate is not None
    assert hygiene.is_clean(sale.plate)


def test_a_make_up_record_names_its_grey_sale() -> None:
    """The related grey number is kept, 0 is none."""
    assert changed_record(115, (900).to_bytes(4, "little")).related_grey_seq == 900


@pytest.mark.parametrize(
    ("decode", "right", "name"),
    [
        (messages.Status.from_bytes, 84, "status"),
        (messages.Record.from_bytes, 123, "record"),
        (messages.DebitRequestBody.from_bytes, 31, "debit"),
        (messages.TotalsBody.from_bytes, 20, "totals"),
        (messages.IdentityBody.from_bytes, 119, "identity"),
        (messages.Reread.from_bytes, 5, "re-read"),
    ],
)
def test_a_short_body_is_their_mistake(
    decode: Callable[[bytes], object], right: int, name: str
) -> None:
    """A body of a wrong size is refused by its name, a right one is taken."""
    decode(bytes(right))
    for size in (0, right - 1):
        with pytest.raises(RemoteProtocolError, match=name):
            decode(bytes(size))


def test_a_debit_request_is_understood() -> None:
    """Kind, card, figures and the place of the sale."""
    body = messages.DebitRequestBody.from_bytes(frame_of(vectors.debit()).body)
    request = mapping.debit_request(body)
    assert (request.kind, request.card_no) == (DebitKind.DEBIT, "5101000100012345")
    assert (request.quantity_milli, request.amount_e4) == (12_340, 491_100)
    assert (request.balance_hundredths, request.card_kind) == (
        50_000,
        CardKind.STORED_VALUE,
    )
    assert (request.station_no, request.gun, request.device_seq) == (
        "51010001",
        1,
        1027,
    )


def test_a_debit_request_of_no_kind_is_refused() -> None:
    """Only debit and unlock exist."""
    body = messages.DebitRequestBody.from_bytes(frame_of(vectors.debit(kind=2)).body)
    with pytest.raises(RemoteProtocolError, match="type 2"):
        mapping.debit_request(body)


DECISION = DebitDecision(
    found=True,
    amount_e4=491_100,
    debited_hundredths=4_800,
    balance_before_hundredths=50_000,
    balance_after_hundredths=45_200,
    price_e4=39_800,
    quantity_milli=12_340,
    total_count=3,
    total_amount_e4=100,
    total_quantity_milli=20,
    related_grey_seq=1_027,
)


def decided(kind: int, decision: DebitDecision) -> bytes:
    body = messages.DebitRequestBody.from_bytes(frame_of(vectors.debit(kind=kind)).body)
    request = mapping.debit_request(body)
    return mapping.decision_body(request, body.card, decision).to_bytes()


def test_a_decision_is_big_endian_and_48_bytes() -> None:
    """Every figure of a decision is at its offset."""
    assert decided(0, DECISION).hex(" ", -4) == (
        "01005101 00010001 23450000 132f0000 12c00000 c3500000 b090018e 000004d2 "
        "00000003 00000001 00000002 00000403"
    )


def test_not_found_names_kind_and_card_alone() -> None:
    """An unlock that is not ours to give says so with zeros."""
    expected = bytes([0, 1]) + bytes.fromhex("5101000100012345") + bytes(38)
    assert decided(1, NOT_FOUND) == expected


@pytest.mark.parametrize(
    "bad",
    [
        replace(DECISION, amount_e4=491_150),
        replace(DECISION, quantity_milli=12_345),
        replace(DECISION, price_e4=100 * 65_536),
        replace(DECISION, balance_after_hundredths=-1),
        replace(DECISION, debited_hundredths=2**32),
    ],
)
def test_a_decision_that_the_frame_cannot_carry_is_our_mistake(
    bad: DebitDecision,
) -> None:
    """Nothing is rounded or cut on its way to a card."""
    with pytest.raises(LocalProtocolError):
        decided(0, bad)


def test_totals_are_understood() -> None:
    """Totals in our units."""
    body = messages.TotalsBody.from_bytes(frame_of(vectors.totals()).body)
    assert mapping.totals(body) == Totals(1_027, 2_435_670, 99_999_900, 12_340, 491_100)


def test_a_missing_record_is_understood() -> None:
    """The vector of 9999 says that the dispenser does not hold it."""
    body = frame_of(vectors.REREAD_NONE).body
    assert messages.Reread.from_bytes(body) == messages.Reread(9_999, None)


def test_a_re_read_record_must_be_the_one_named() -> None:
    """A record under another number's head is refused."""
    head = (1_028).to_bytes(4, "little") + b"\x01"
    with pytest.raises(RemoteProtocolError, match="1027"):
        messages.Reread.from_bytes(head + vectors.record_body(1_027))


def test_an_identity_is_understood_and_clean() -> None:
    """Numbers keep their zeros, texts lose what could reach a terminal."""
    name = "一号站".encode("gb2312") + b"\x1b[31m"
    body = messages.IdentityBody.from_bytes(frame_of(vectors.identity(name=name)).body)
    identity = mapping.identity(body)
    assert identity.versions == ListVersions(1, 2, 3, 4, 5, 6)
    assert (identity.gun, identity.last_device_seq) == (1, 1_027)
    assert (identity.station_no, identity.province_no) == ("51010001", "5100")
    assert (identity.city_no, identity.parent_no) == ("5101", "51010000")
    assert identity.station_name == "一号站�[31m"
    assert (identity.firmware, identity.maker) == ("V4.1", "JX")


@given(st.binary(min_size=123, max_size=256))
def test_any_record_maps(body: bytes) -> None:
    """No content of a record can stop its way to the book, and its texts are clean."""
    sale = sale_of(vectors.answer(1, 0x52, body))
    texts = (sale.plate, sale.card_no, sale.station_no, sale.employee_card)
    assert all(text is None or hygiene.is_clean(text) for text in texts)
    assert sale.device_seq == int.from_bytes(body[:4], "little")
    assert sale.raw_frame[7:-4] == body
