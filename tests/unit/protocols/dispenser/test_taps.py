"""Every protocol overheard: who speaks, in words and figures, through all noise."""

import random
import struct
import sys

import pytest

from cngstation.language import _, use_language
from cngstation.protocols.dispenser.overheard import Overheard, Speaker
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.overhear_line import Ear, heard_protocols
from tests.unit.protocols.dispenser.compac import vectors as compac
from tests.unit.protocols.dispenser.jxv4 import vectors as jxv4
from tests.unit.protocols.dispenser.sinopec import vectors as sinopec
from tests.unit.protocols.dispenser.unipump import vectors as unipump

HOST, DISPENSER = Speaker.HOST, Speaker.DISPENSER


def _packet(kind: str, rest: str = '"Data":{"Pump":3}') -> bytes:
    packet = f'{{"Id":7,"Type":"{kind}",{rest}}}'
    return f'{{"Protocol":"jsonPTS","Packets":[{packet}]}}'.encode()


def _data(kind: str, figures: str) -> bytes:
    return _packet(kind, f'"Data":{{"Pump":3,{figures}}}')


def _checked(text: str) -> bytes:
    body = bytes.fromhex(text)
    return body + bytes([-sum(body[1:]) & 0xFF])


DART_POLL, DART_EOT = bytes.fromhex("5220FA"), bytes.fromhex("5270FA")
DART_REPORT = bytes.fromhex("5239030401050012 4DE503FA")
DART_ACK = bytes.fromhex("52C9FA")
DART_ORDER = bytes.fromhex("5030 020101 040400010000 010106 5A2D03FA".replace(" ", ""))
LANFENG_POLL = _checked("01 00 B8 00 00 00 00 00 00 00 00")
LANFENG_STATUS = _checked("01 00 03 98 00 49 11 00 12 34 C2")
LANFENG_ASKED = _checked("01 00 AD 00 00 00 00 00 00 00 00")
LANFENG_TOTAL = _checked("01 00 00 00 00 00 00 00 12 34 56")
COMPAC_LIVE = compac.registers(compac.live())

TALKS: dict[str, list[tuple[bytes, Speaker, str, dict[str, str]]]] = {
    "jxv4": [
        (jxv4.POLL, HOST, "poll", {"time": "2025-06-01 08:30:15"}),
        (
            jxv4.FUELLING,
            DISPENSER,
            "status",
            {"state": "A4H", "price": "3.98", "quantity": "12.34", "amount": "49.11"},
        ),
        (
            jxv4.RECORD,
            DISPENSER,
            "record of a fill",
            {
                "sequence": "1027",
                "quantity": "12.34",
                "started at": "2025-06-01 08:20:11",
            },
        ),
        (jxv4.ACKNOWLEDGEMENT, HOST, "record acknowledged", {"sequence": "1027"}),
        (jxv4.BLOCK_ASKED, DISPENSER, "block of a list asked", {"count": "20"}),
        (jxv4.BLOCK, HOST, "block of a list", {"count": "2", "version": "3"}),
        (jxv4.PRICES, HOST, "prices", {"version": "7", "price": "3.98"}),
        (jxv4.LOCK, HOST, "lock or unlock ordered", {"answer": "01"}),
        (jxv4.LOCKED, DISPENSER, "lock answered", {"answer": "01"}),
        (
            jxv4.identity(),
            DISPENSER,
            "identity",
            {
                "maker": "JX",
                "firmware": "V4.1",
                "province": "5100",
                "city": "5101",
                "head office": "51010000",
                "added": "2",
                "white list": "4",
                "station data": "6",
            },
        ),
        (jxv4.REREAD_NONE, DISPENSER, "record read again", {"sequence": "9999"}),
    ],
    "sinopec": [
        (sinopec.POLL, HOST, "poll", {"time": "2025-06-01 08:30:15"}),
        (sinopec.IDLE, DISPENSER, "status", {}),
        (
            sinopec.FUELLING_FA,
            DISPENSER,
            "status",
            {"nozzle": "1", "amount": "640.16", "price": "3.98"},
        ),
        (sinopec.RECORD, DISPENSER, "record of a fill", {"sequence": "1027"}),
        (sinopec.ACKNOWLEDGEMENT, HOST, "record acknowledged", {}),
    ],
    "dart": [
        (DART_POLL, HOST, "poll", {}),
        (DART_REPORT, DISPENSER, "report", {"price": "10500", "nozzle": "2"}),
        (DART_ACK, HOST, "acknowledged", {}),
        (DART_POLL, HOST, "poll", {}),
        (DART_EOT, DISPENSER, "nothing to say", {}),
    ],
    "lanfeng": [
        (LANFENG_POLL, HOST, "poll", {}),
        (
            LANFENG_STATUS,
            DISPENSER,
            "status",
            {"price": "3.98", "amount": "49.11", "quantity": "12.34"},
        ),
        (LANFENG_ASKED, HOST, "totals asked", {}),
        (LANFENG_TOTAL, DISPENSER, "totals", {"total quantity": "1234.56"}),
    ],
    "unipump": [
        (unipump.STATUS, HOST, "poll", {}),
        (unipump.NOZZLE_UP, DISPENSER, "status", {"nozzle": "1", "state": "03H"}),
        (unipump.AUTHORISE, HOST, "authorise ordered", {}),
        (unipump.AMOUNT, DISPENSER, "fuelling", {"quantity": "12.34"}),
        (unipump.TOTALS, HOST, "totals asked", {"value": "1"}),
        (unipump.EXTENDED, DISPENSER, "fill complete", {"amount": "49.11"}),
        (unipump.CLOSE, HOST, "transaction closed", {"value": "07"}),
        (unipump.VERSION, HOST, "identity asked", {}),
    ],
    "compac": [
        (compac.READ_LIVE, HOST, "registers asked", {"from": "99", "count": "32"}),
        (COMPAC_LIVE, DISPENSER, "registers", {"price": "3.98", "quantity": "12.345"}),
        (compac.LOCK, HOST, "register write ordered", {"number": "199"}),
        (compac.LOCK, DISPENSER, "register written", {"value": "1"}),
        (compac.EXCEPTION, DISPENSER, "refused", {"code": "2"}),
    ],
}


TALKS["pts"] = [
    (_packet("PumpGetStatus"), HOST, "poll", {}),
    (
        _data(
            "PumpFillingStatus",
            '"Nozzle":1,"Volume":12.34,"Price":3.98,"Amount":49.11,"Transaction":1027',
        ),
        DISPENSER,
        "fuelling",
        {"quantity": "12.34", "price": "3.98", "amount": "49.11", "sequence": "1027"},
    ),
    (_packet("PumpStop"), HOST, "stop ordered", {}),
    (_packet("PumpStop", '"Message":"OK"'), DISPENSER, "done", {}),
    (
        _packet("PumpLock", '"Error":true,"Code":42'),
        DISPENSER,
        "refused",
        {"code": "42"},
    ),
    (
        _data("PumpIdleStatus", '"NozzlePrices":[3.98,0]'),
        DISPENSER,
        "idle",
        {"price": "3.98 0"},
    ),
    (_data("PumpSetPrices", '"Prices":[4.5]'), HOST, "prices", {"price": "4.5"}),
]


def test_packets_are_read_out_of_a_whole_connection() -> None:
    """Headers are passed over; of a message that was cut the whole packets are told."""
    two = _packet("PumpGetStatus")[:-2] + b", " + _packet("PumpGetTotals")[33:]
    http = b"POST /jsonPTS HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\n\r\n"
    told = _tapped("pts", http + two + http + two[:-30])
    commands = [one.command for one in told]
    assert commands == ["poll", "totals asked", "poll"]
    assert [one.address for one in told] == [3, 3, 3]
    assert not any(b"c2Vj" in one.raw for one in told)


def _tapped(protocol: str, data: bytes) -> list[Overheard]:
    make = PROTOCOLS[protocol].tap
    assert make is not None
    return make().feed(data)


@pytest.mark.parametrize("protocol", TALKS)
def test_both_directions_in_words(protocol: str) -> None:
    """Each frame of a talk is told with its side, its command and its figures."""
    talk = TALKS[protocol]
    told = _tapped(protocol, b"".join(wire for wire, *_rest in talk))
    assert [one.raw for one in told] == [wire for wire, *_rest in talk]
    assert [one.speaker for one in told] == [who for _wire, who, *_rest in talk]
    assert [one.command for one in told] == [name for _w, _s, name, _f in talk]
    for one, (_wire, _who, _name, expected) in zip(told, talk, strict=True):
        figures = {figure.name: figure.value for figure in one.figures}
        assert figures.items() >= expected.items()
        assert not one.is_odd


@pytest.mark.parametrize("protocol", TALKS)
def test_a_line_is_known_by_its_checksums(protocol: str) -> None:
    """Among all protocols the one that is spoken wins, noise between the frames."""
    ear = Ear(heard_protocols())
    noise = random.Random(4)
    for _round in range(8):
        for wire, *_rest in TALKS[protocol]:
            ear.hear(noise.randbytes(2) + wire)
    assert ear.verdict() == protocol
    assert ear.scores()[0].protocol == protocol


def test_noise_and_silence_are_no_protocol() -> None:
    """Random bytes and zeros convince of nothing, however many they are."""
    ear = Ear(heard_protocols())
    assert ear.verdict() is None
    noise = random.Random(5)
    for _block in range(60):
        ear.hear(noise.randbytes(512) + bytes(128))
        assert ear.verdict() is None


def test_rows_of_zeros_are_no_pump() -> None:
    """A byte and eleven zeros have a sound sum; they prove nothing."""
    ear = Ear(heard_protocols())
    ear.hear((b"\x01" + bytes(11)) * 40)
    assert ear.verdict() is None


@pytest.mark.parametrize("protocol", TALKS)
def test_no_bytes_break_a_tap(protocol: str) -> None:
    """Damaged frames are passed over, counted, and the next sound one is told."""
    damage = random.Random(6)
    make = PROTOCOLS[protocol].tap
    assert make is not None
    tap = make()
    wires = [wire for wire, *_rest in TALKS[protocol]]
    for _block in range(1_500):
        spoiled = bytearray(damage.choice(wires))
        for _flip in range(damage.randrange(4)):
            spoiled[damage.randrange(len(spoiled))] ^= 1 << damage.randrange(8)
        tap.feed(bytes(spoiled[damage.randrange(3) :]))
    assert tap.faults
    tap.feed(bytes(600))
    tap.reset()
    assert [one.raw for one in tap.feed(wires[0])][-1] == wires[0]


def test_a_key_is_never_shown() -> None:
    """A key that a foreign host sends in clear is in no figure and no raw bytes."""
    key = bytes(range(0x41, 0x51))
    checked = bytes([1, 0, 0x53, 0, 21, 6]) + bytes(4) + key
    crc = int.from_bytes(compac.sealed(checked)[-2:], "little").to_bytes(2, "big")
    (told,) = _tapped("jxv4", b"\xaa\xff" + checked + crc + b"\xcc\xff")
    assert key not in told.raw
    assert "414243" not in repr(told)
    assert [figure.word for figure in told.figures] == ["hidden"]


def test_meters_and_alarms_of_a_status_are_told() -> None:
    """Five figures of each meter that measures something, and each alarm in words."""
    body = bytearray(jxv4.FUELLING[7:-4])
    body[60:80] = struct.pack("<5f", 1.25, -3.5, 1000.0, 0.717, float("nan"))
    body[80:84] = (1 << 12 | 1 << 20).to_bytes(4, "little")
    (told,) = _tapped("jxv4", jxv4.answer(1, 0x51, bytes(body)))
    shown = [(one.name, one.value, one.word) for one in told.figures]
    assert ("device", "01H", "CNG dispenser") in shown
    assert shown[-8:] == [
        ("type", "", "return"),
        ("flow", "1.250", ""),
        ("temperature", "-3.500", ""),
        ("mass", "1000.000", ""),
        ("density", "0.717", ""),
        ("drive gain", "0.000", ""),
        ("alarms", "12", "gas meter does not answer"),
        ("alarms", "100000H", ""),
    ]


def test_text_from_the_wire_is_clean() -> None:
    """A plate that would drive the terminal arrives as replacement characters."""
    body = bytearray(jxv4.FUELLING[7:-4])
    body[29:38] = b"\x00\x00\x1b[31m\x07A"
    (told,) = _tapped("jxv4", jxv4.answer(1, 0x51, bytes(body)))
    plate = next(figure.value for figure in told.figures if figure.name == "plate")
    assert "\x1b" not in plate
    assert plate.endswith("A")


def test_what_is_told_can_be_told_in_chinese() -> None:
    """Commands, names of figures and words of codes are texts of the catalogue."""
    use_language("zh_CN")
    try:
        for protocol, talk in TALKS.items():
            for told in _tapped(protocol, b"".join(wire for wire, *_rest in talk)):
                texts = [told.command, *(figure.name for figure in told.figures)]
                texts += [figure.word for figure in told.figures if figure.word]
                assert all(_(text) != text for text in texts), texts
    finally:
        use_language("en")


@pytest.mark.parametrize("protocol", TALKS)
def test_a_piece_that_is_repeated_without_end_is_heard_to_its_end(
    protocol: str,
) -> None:
    """A stuck sender says some bytes for ever; they are passed over in a loop."""
    said = TALKS[protocol][0][0][:24]
    pieces = [said[:length] for length in (1, 2, 3, 5, 8, 13, 21)]
    count = 2 * sys.getrecursionlimit()
    for piece in (*pieces, *(said[at : at + 9] for at in range(len(said)))):
        assert len(_tapped(protocol, piece * count)) <= count
