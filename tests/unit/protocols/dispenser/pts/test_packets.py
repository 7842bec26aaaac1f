"""jsonPTS messages: requests as printed, figures as decimals, JSON of any shape."""

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.pts import messages
from cngstation.protocols.dispenser.pts.packets import (
    LONGEST_ANSWER,
    LONGEST_MESSAGE,
    MOST_PACKETS,
    PacketError,
    read_message,
    scaled,
    write_message,
)

CAMPAIGN_BYTES = 10_000_000
SAMPLE_BYTES = 200_000


def answer(*packets: object) -> bytes:
    return json.dumps({"Protocol": "jsonPTS", "Packets": packets}).encode()


def test_a_request_is_the_printed_one() -> None:
    """Protocol, Packets, Id, Type and Data, as the specification prints them."""
    sent = write_message({1: messages.get_status(1)})
    assert sent == (
        b'{"Protocol":"jsonPTS","Packets":'
        b'[{"Id":1,"Type":"PumpGetStatus","Data":{"Pump":1}}]}'
    )


@pytest.mark.parametrize(
    ("request_", "data"),
    [
        (messages.close_transaction(3, 65_535), '{"Pump":3,"Transaction":65535}'),
        (messages.set_prices(2, [39_800]), '{"Pump":2,"Prices":[3.98]}'),
        (
            messages.authorise(1, 1, quantity_milli=12_345, amount_e4=0),
            '{"Pump":1,"Nozzle":1,"Type":"Volume","Dose":12.345}',
        ),
        (
            messages.authorise(1, 2, quantity_milli=0, amount_e4=1_000_000),
            '{"Pump":1,"Nozzle":2,"Type":"Amount","Dose":100}',
        ),
        (
            messages.authorise(1, 1, quantity_milli=0, amount_e4=0),
            '{"Pump":1,"Nozzle":1,"Type":"FullTank"}',
        ),
    ],
)
def test_figures_go_out_as_decimals(request_: Any, data: str) -> None:
    """No figure passes through a binary fraction."""
    assert f'"Data":{data}'.encode() in write_message({1: request_})


def test_a_message_that_the_controller_cannot_read_is_our_mistake() -> None:
    """Its buffer and its tokens are bounded; a full message of ours fits."""
    request = messages.authorise(120, 6, quantity_milli=99_999_999, amount_e4=0)
    full = write_message(dict.fromkeys(range(65_000, 65_000 + MOST_PACKETS), request))
    assert len(full) < LONGEST_MESSAGE
    assert sum(full.count(mark) for mark in b'{[:,"') < 600 * 3
    with pytest.raises(LocalProtocolError):
        write_message(dict.fromkeys(range(1, MOST_PACKETS + 2), request))


def test_an_error_is_read_with_its_code() -> None:
    """A packet of an error has no data, and its text is clean."""
    (packet,) = read_message(
        answer(
            {
                "Id": 4,
                "Type": "PumpStop",
                "Error": True,
                "Code": 43,
                "Message": "JSONPTS\x1b[2J",
            }
        )
    )
    assert packet.error is not None
    assert (packet.id, packet.error.code) == (4, 43)
    assert "\x1b" not in packet.error.message


def test_the_raw_packet_keeps_every_digit() -> None:
    """The book keeps the figures as they came, without the other pumps'."""
    body = (
        b'{"Protocol":"jsonPTS","Packets":[{"Id":1,"Type":"A","Data":'
        b'{"Volume":12.300,"Pump":1}},{"Id":2,"Type":"B"}]}'
    )
    first, second = read_message(body)
    assert first.raw == b'{"Id":1,"Type":"A","Data":{"Volume":12.300,"Pump":1}}'
    assert (second.data, second.error) == ({}, None)


@pytest.mark.parametrize(
    "packet",
    [
        None,
        [],
        7,
        {},
        {"Id": 1},
        {"Id": 0, "Type": "A"},
        {"Id": 65_536, "Type": "A"},
        {"Id": True, "Type": "A"},
        {"Id": "1", "Type": "A"},
        {"Id": 1, "Type": 2},
        {"Id": 1, "Type": "A", "Data": []},
    ],
)
def test_what_is_no_packet_is_left_out(packet: object) -> None:
    """The packets beside it are read."""
    found = read_message(answer(packet, {"Id": 9, "Type": "A"}))
    assert [one.id for one in found] == [9]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"Protocol":"other","Packets":[]}',
        b'{"Protocol":"jsonPTS","Packets":{}}',
        b'{"Protocol":"jsonPTS"}',
        b'{"Protocol":"jsonPTS","Packets":[NaN]}',
        b'{"Protocol":"jsonPTS","Packets":[-Infinity]}',
        b"[" * 100_000,
        b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
        b"1" * 10_000,
        b" " * (LONGEST_ANSWER + 1),
    ],
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    """Half a body, other JSON, endless depth, figures without end."""
    with pytest.raises(RemoteProtocolError):
        read_message(body)


@pytest.mark.parametrize(
    ("value", "milli"),
    [
        (12, 12_000),
        (Decimal("12.3456"), 12_346),
        (Decimal("0.0005"), 1),
        (Decimal("-1.5"), -1_500),
        (Decimal("0E-400000"), 0),
        (Decimal("1E-99999"), None),
        (Decimal("1E99999999"), None),
        (Decimal("1E+12"), 10**15),
        (10**15, None),
        (True, None),
        ("12", None),
        (None, None),
        ([1], None),
    ],
)
def test_figures_become_whole_units(value: object, milli: int | None) -> None:
    """To the nearest; what is no figure or beyond any totaliser is unknown."""
    assert scaled(value, 3) == milli


plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "Finished", "PumpLock", "2026-04-12T10:02:30", "é\x1b"])
)
json_values = plain | st.lists(plain, max_size=3) | st.just([{"Price": [1]}, {}])
NAMES = (
    "Pump", "Transaction", "Volume", "Price", "Amount", "State", "Nozzle", "NozzleUp",
    "NozzlePrices", "Request", "LastTransaction", "TotalVolume", "DateTime", "Pressure",
)  # fmt: skip
TYPES = (
    "PumpIdleStatus", "PumpFillingStatus", "PumpEndOfTransactionStatus",
    "PumpOfflineStatus", "PumpTotals", "PumpPrices", "PumpTransactionInformation",
    "PumpAdditionalMeasurements", "X",
)  # fmt: skip
READERS: tuple[Callable[[Any], object], ...] = (
    messages.read_status,
    messages.read_transaction,
    messages.read_measurements,
)


def read_all(body: bytes) -> int:
    """Read a body in every way; return how many messages came out."""
    read = 0
    for packet in read_message(body):
        for reader in READERS:
            try:
                reader(packet)
            except RemoteProtocolError:
                continue
            read += 1
    return read


@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(NAMES), json_values, max_size=8),
)
def test_any_data_is_read_or_refused(kind: str, data: dict[str, Any]) -> None:
    """Values of any shape in the known places raise nothing but the known error."""
    read_all(answer({"Id": 1, "Type": kind, "Data": data}))


def fuzz(seed: int, size: int) -> int:
    """Read damaged and nested messages; return how many packets could be read."""
    chance, fed, read = random.Random(seed), 0, 0
    values = (
        "1",
        "1",
        "1.5",
        "-2e9",
        "1e999",
        "null",
        '"Finished"',
        "[1,2]",
        "{}",
        "true",
    )
    while fed < size:
        fields = ",".join(
            f'"{chance.choice(NAMES)}":{chance.choice(values)}'
            for _ in range(chance.randrange(24))
        )
        packet = f'{{"Id":7,"Type":"{chance.choice(TYPES)}","Data":{{{fields}}}}}'
        body = bytearray(b'{"Protocol":"jsonPTS","Packets":[' + packet.encode() + b"]}")
        for _ in range(chance.choice((0, 0, 1, 3))):
            body[chance.randrange(len(body))] = chance.randrange(256)
        if chance.random() < 0.02:
            body += b'[{"a":' * chance.randrange(2_000)
        fed += len(body)
        try:
            read += read_all(bytes(body))
        except RemoteProtocolError:
            continue
    return read


def test_no_body_makes_the_reader_raise() -> None:
    """A sample of the campaign below."""
    assert fuzz(seed=1, size=SAMPLE_BYTES) > 20


@pytest.mark.campaign
def test_no_body_makes_the_reader_raise_in_a_long_run() -> None:
    """Ten million bytes of JSON of any shape, damaged or whole."""
    assert fuzz(seed=2, size=CAMPAIGN_BYTES) > 1_000


def test_a_packet_error_is_a_value() -> None:
    """Code 0 where the controller gives none."""
    (packet,) = read_message(answer({"Id": 1, "Type": "A", "Error": True}))
    assert packet.error == PacketError(0, "")
