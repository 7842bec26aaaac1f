"""Two JX-V4 codecs written apart, ours and the simulator's, mean the same bytes."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from cngstation.moments import CHINA
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    CardQuestion,
    CardVerdict,
    ListKind,
    PriceTable,
)
from cngstation.protocols.dispenser.jxv4 import duty_messages, mapping
from cngstation.protocols.dispenser.jxv4.frames import Frame, Sender
from cngstation.protocols.dispenser.jxv4.list_messages import (
    BlockAsked,
    PackedList,
    PackedPrices,
    list_asked,
)
from cngstation.protocols.dispenser.jxv4.messages import (
    BIG_ENDIAN,
    LITTLE_ENDIAN,
    IdentityBody,
    Record,
    acknowledgement_body,
)
from cngstation.protocols.dispenser.jxv4.variant import ifsf_status
from cngstation.simulators import jxv4_frames as theirs
from cngstation.simulators.jxv4_lists import Fetching, Holdings
from cngstation.units import Unit

u8, u16, u32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
version = st.integers(1, 255)
digits16 = st.text("0123456789", min_size=16, max_size=16)
moment = st.integers(1_000_000_000, 4_000_000_000).map(
    lambda second: datetime.fromtimestamp(second, CHINA)
)
levels = st.lists(st.integers(1, 65_535), min_size=1, max_size=20)


def written(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


@given(st.sampled_from(list(ListKind)), version, st.lists(digits16, max_size=70))
def test_a_list_arrives_as_it_was_offered(
    kind: ListKind, number: int, cards: list[str]
) -> None:
    """Block by block, with its version and its count in the info."""
    packed = PackedList.of(
        CardList(kind, number, tuple(cards), "2025-06-01", "2026-06-01")
    )
    held = Holdings()
    fetching = Fetching(held)
    announced = bytearray(6)
    code = list(ListKind).index(kind)
    announced[code] = number
    asked = fetching.ask(bytes(announced))
    assert asked is not None
    assert list_asked(asked[1]) is kind
    asked = fetching.take_count(packed.count_body())
    while not fetching.is_whole(bytes(announced)):
        assert asked is not None
        assert fetching.take_block(packed.block_body(BlockAsked.from_bytes(asked[1])))
        asked = fetching.ask(bytes(announced))
    assert held.lists[code + 1] == cards
    info = bytes.fromhex(held.infos[code + 1]) if held.infos else packed.info
    assert (info[0], int.from_bytes(info[11:15], "little")) == (number, len(cards))


@given(
    version,
    moment,
    st.lists(st.integers(1, 65_535), min_size=1, max_size=20),
    st.booleans(),
)
def test_prices_arrive_as_they_were_offered(
    number: int, at: datetime, fen: list[int], little: bool
) -> None:
    """By level, in either byte order, with their time."""
    table = PriceTable(number, tuple(100 * one for one in fen), written(at))
    order = LITTLE_ENDIAN if little else BIG_ENDIAN
    body = PackedPrices.of(table).to_bytes(is_lng=False, order=order)
    held = Holdings()
    byte_order = theirs.LITTLE if little else theirs.BIG
    assert Fetching(held).take_prices(body, byte_order)
    assert (held.price_version, held.next_prices) == (number, fen)
    assert held.next_from == f"{at:%Y%m%d%H%M%S}"


@given(st.tuples(u32, u8, u8), digits16, moment, moment, st.tuples(*[u32] * 6))
def test_a_shift_record_is_read_as_it_was_written(
    head: tuple[int, int, int],
    employee: str,
    began: datetime,
    ended: datetime,
    figures: tuple[int, ...],
) -> None:
    """Every figure, in our units."""
    number, kind, shift = head
    body = theirs.ShiftRecord(
        record_id=number,
        kind=kind,
        shift=shift,
        employee=bytes.fromhex(employee),
        started_at=theirs.wire_time(began),
        ended_at=theirs.wire_time(ended),
        gun_quantity=figures[0],
        gun_amount=figures[1],
        shift_quantity=figures[2],
        shift_amount=figures[3],
        fills=figures[4],
        device_type=1,
        unit_code=1,
        on_duty_record_id=figures[5],
    ).to_bytes()
    read = duty_messages.shift_record(body, {1: Unit.KG})
    assert (read.device_seq, read.is_off_duty, read.shift_no) == (
        number,
        kind == 1,
        shift,
    )
    assert (read.started_at, read.ended_at) == (written(began), written(ended))
    assert read.gun_total_quantity_milli == 10 * figures[0]
    assert read.gun_total_amount_e4 == 100 * figures[1]
    assert read.shift_quantity_milli == 10 * figures[2]
    assert read.shift_amount_e4 == 100 * figures[3]
    assert (read.fills, read.on_duty_seq) == (figures[4], figures[5] or None)


@given(st.tuples(u32, u8, u16, u8, u32, u32), digits16, moment)
def test_a_changed_setting_is_read_as_it_was_written(
    fields: tuple[int, int, int, int, int, int], card: str, at: datetime
) -> None:
    """Number, shift, index, decimals, before and after."""
    number, shift, index, decimals, before, after = fields
    body = theirs.parameter_body(
        number,
        shift,
        bytes.fromhex(card),
        (index, decimals, before, after),
        theirs.wire_time(at),
    )
    read = duty_messages.parameter_change(body)
    assert (read.device_seq, read.shift_no, read.parameter) == (number, shift, index)
    assert (read.decimals, read.before, read.after) == (decimals, before, after)
    assert read.changed_at == written(at)


@given(digits16, u32, st.sampled_from(list(CardVerdict)))
def test_a_verdict_repeats_the_card(
    card: str, balance: int, verdict: CardVerdict
) -> None:
    """Whatever card was asked about comes back in the answer."""
    body = bytes.fromhex(card) + theirs.figures(balance) + bytes(7)
    check = duty_messages.card_check(body)
    assert (check.balance_hundredths, check.last_used_at) == (balance, None)
    is_list = verdict in (CardVerdict.LISTED, CardVerdict.NOT_LISTED)
    if is_list:
        check = duty_messages.list_check(bytes.fromhex(card) + b"\x01")
        assert check.question is CardQuestion.WHITELIST
    assert duty_messages.verdict_body(check, verdict)[:8].hex() == card


@given(st.binary(min_size=6, max_size=6), u32)
def test_an_identity_names_the_versions(versions: bytes, last: int) -> None:
    """Base to common, in their order."""
    body = theirs.identity_body(3, last, bytes.fromhex("51010001"), versions)
    named = mapping.identity(IdentityBody.from_bytes(body)).versions
    assert (
        bytes(
            [
                named.base_blacklist,
                named.added_blacklist,
                named.deleted_blacklist,
                named.whitelist,
                named.price,
                named.common,
            ]
        )
        == versions
    )


@given(st.integers(1, 9), st.tuples(u16, u32, u32, u16, u32), digits16)
def test_the_adapters_status_is_read_as_it_was_written(
    state: int, fields: tuple[int, int, int, int, int], card: str
) -> None:
    """Price, quantity, amount, pressure and card."""
    price, quantity, amount, pressure, unpaid = fields
    status = theirs.Status(
        device_type=1,
        status=state,
        price=price,
        quantity=quantity,
        amount=amount,
        shift=0,
        employee=b"",
        card=bytes.fromhex(card),
        plate=b"",
        pressure=pressure,
    )
    read = ifsf_status(theirs.adapter_status_body(status, unpaid=unpaid))
    assert (read.state, read.price_e4) == (state, 100 * price)
    assert (read.quantity_milli, read.amount_e4) == (10 * quantity, 100 * amount)
    assert read.pressure_kpa == (10 * pressure or None)
    assert read.card_no == (f"0000{card}" if int(card) else None)


@given(u32, u8, st.booleans())
def test_an_acknowledgement_names_its_record(seq: int, kind: int, little: bool) -> None:
    """In either byte order."""
    order = LITTLE_ENDIAN if little else BIG_ENDIAN
    body = acknowledgement_body(kind, seq, order)
    byte_order = theirs.LITTLE if little else theirs.BIG
    assert (body[0], body[1]) == (1, kind)
    assert theirs.host_int(body[2:], byte_order) == seq


@given(st.binary(min_size=147, max_size=147))
def test_any_record_of_theirs_is_read_by_us(body: bytes) -> None:
    """The number, the amount and the raw frame survive."""
    their = theirs.Record.from_bytes(body)
    frame = Frame(Sender.DISPENSER, 1, theirs.RECORD, body)
    ours = mapping.sale_record(Record.from_bytes(body), {}, frame)
    assert ours.device_seq == their.trans_no
    assert ours.amount_e4 == 100 * their.amount
    assert ours.debited_hundredths == their.real_debit
    assert ours.raw_frame == theirs.answer_frame(1, theirs.RECORD, body)
