"""The simulated Sinopec dispenser against frames written out by hand."""

import asyncio
import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

import pytest
from fastcrc import crc16

from cngstation.moments import CHINA
from cngstation.simulators.control import ControlClient, HandsRefused
from cngstation.simulators.sinopec_dispenser import Dispenser, Traits
from cngstation.simulators.sinopec_frames import Ear, Entry, frame
from cngstation.simulators.sinopec_memory import Figures, Memory
from cngstation.simulators.sinopec_nozzle import Nozzle

CARD = "01000000510100000001"
POLL = bytes.fromhex("FA0100010015302025060108301500030101000702F167")
MORNING = datetime(2025, 6, 1, 8, 30, 15, tzinfo=CHINA)


def host(data: str, number: int = 1) -> bytes:
    """Return a frame of the host for dispenser 1, doubled by hand."""
    plain = bytes.fromhex(data)
    head = bytes([1, 0, number]) + bytes.fromhex(f"{len(plain):04d}")
    crc = crc16.arc(head + plain).to_bytes(2, "big")
    return b"\xfa" + head + (plain + crc).replace(b"\xfa", b"\xfa\xfa")


class One:
    """One dispenser with one nozzle and a memory file."""

    def __init__(self, folder: Path, **traits: object) -> None:
        self.path = folder / "dispenser.json"
        self.traits = Traits(**traits)  # type: ignore[arg-type]
        self.now = 100.0
        self.start()

    def start(self) -> None:
        """Switch it on."""
        fresh = Figures(prices={"1": [398]}, versions=[3, 1, 1, 0, 7, 2])
        memory = Memory.load(self.path, fresh)
        self.nozzle = Nozzle(1, memory, bytes(6), lambda _: (0, MORNING))
        self.dispenser = Dispenser(
            1, memory, {1: self.nozzle}, self.traits, now=self.now, reading=MORNING
        )
        self.nozzle.power_returns(self.now)

    def say(self, data: bytes) -> list[bytes]:
        """Let it hear bytes; return its answers."""
        self.now += 0.01
        return list(self.dispenser.hear(data, self.now))

    def data(self, said: bytes) -> bytes:
        """Return the data of its one answer."""
        (answer,) = self.say(said)
        return answer[6:].replace(b"\xfa\xfa", b"\xfa")[:-2]

    def polled(self, command: int, tries: int = 8) -> bytes:
        """Poll until it says something of a kind; return that."""
        for _ in range(tries):
            said = self.data(POLL)
            if said[0] == command:
                return said
        raise AssertionError(f"it did not say {command:02X}")

    def fill(self, quantity: int = 1234) -> None:
        """Sell gas at once."""
        self.nozzle.begin(quantity, 1e9, self.now)
        self.now += 1
        self.dispenser.advance(self.now)


@pytest.fixture
def one(tmp_path: Path) -> One:
    return One(tmp_path)


def test_its_frames_are_the_constructed_ones() -> None:
    """Idle, fuelling, fuelling with FA in its figures, a card."""
    assert frame(1, 1, b"\x31\x00").hex() == "fa0001010002310041" + "88"
    fuelling = bytes.fromhex("3101020100 00FA10 0016FA 018E")
    assert frame(1, 1, fuelling).hex() == (
        "fa00010100133101020100" + "00fafa10" + "0016fafa" + "018e0e9b"
    )


def test_its_record_has_ninety_five_bytes() -> None:
    """Every figure in its place."""
    entry = Entry(
        0x403, 0, bytes.fromhex("20250601082547"),
        card=bytes.fromhex("01005101000100012345"), balance=0xB021, amount=0x132F,
        count=0x30, gmac=bytes.fromhex("55667788"),
        terminal=bytes.fromhex("510100000001"), terminal_count=0x4D, nozzle=1,
        quantity=0x4D2, price=0x18E, employee=1, total=0xF1206,
    )  # fmt: skip
    body = entry.to_bytes()
    assert len(body) == 95
    assert body[:31].hex() == (
        "0000040300" + "20250601082547" + "01005101000100012345" + "0000b02100132f0030"
    )
    assert body[35:39].hex() == "55667788"
    assert body[53:63].hex() == "5101000000010000004d"
    assert body[67:80].hex() == "01" + "0000" + "0004d2" + "018e" + "01" + "000f1206"


def test_the_ear_finds_frames_among_anything() -> None:
    """Noise, half a frame, a frame for another, a bad CRC, doubled bytes in pieces."""
    ear = Ear(1)
    other = bytes([0xFA, 2]) + POLL[2:]
    bad = POLL[:-1] + b"\x00"
    stream = b"\x01\x02" + POLL[:9] + other + bad + host("3EFAFAFAFA", 9)
    heard = [found for byte in stream for found in ear.hear(bytes([byte]))]
    assert [(one.number, one.data.hex()) for one in heard] == [(9, "3efafafafa")]
    assert ear.ignored == {"bad_crc": 2}


def test_it_answers_a_poll_with_its_state(one: One) -> None:
    """Nothing goes on: idle, with the number of the poll."""
    assert one.say(POLL) == [bytes.fromhex("FA000101000231004188")]


def test_a_record_is_said_again_until_it_is_acknowledged(one: One) -> None:
    """After the time for it; an acknowledgement ends it, a refusal does not."""
    one.fill()
    said = one.polled(0x32)
    assert len(said) == 96
    assert one.polled(0x31) == b"\x31\x00"
    one.now += 8
    assert one.polled(0x32) == said
    one.say(host("3201"))
    one.now += 8
    assert one.polled(0x32) == said
    one.say(host("3200"))
    one.now += 9
    with pytest.raises(AssertionError):
        one.polled(0x32)
    assert one.data(host("3E00000001")) == said
    assert one.data(host("3E00000009")) == bytes.fromhex("3F00000009")


def test_numbers_wrap_and_totals_too(one: One) -> None:
    """Behind the largest u32 comes 0."""
    figures = one.dispenser.memory.figures
    figures.last_seq, figures.totals["1"] = 0xFFFFFFFF, 0xFFFFFFFF
    one.fill(2)
    body = one.polled(0x32)[1:]
    assert (body[:4], body[76:80]) == (bytes(4), bytes.fromhex("00000001"))
    assert one.data(host("38")) == bytes.fromhex("38 01 01 00000001")


def test_a_power_cut_leaves_memory(one: One) -> None:
    """Records, totals and the fill under way are there when the power returns."""
    one.fill()
    one.nozzle.begin(1_000, 100, one.now)
    one.now += 2
    one.dispenser.advance(one.now)
    with one.path.open("ab") as file:
        file.write(b'{"figures": {"last_s')
    one.dispenser.memory.close()
    one.start()
    assert one.dispenser.memory.figures.last_seq == 2
    assert one.data(host("38")) == bytes.fromhex("38 01 01") + (1434).to_bytes(4, "big")


def test_lists_are_fetched_in_segments(one: One) -> None:
    """Length, segment 0 alone, then ten at most; the card is black after it."""
    poll = host("30 20250601083015 0004 01 01 00 07 02")
    assert one.data(poll) == bytes.fromhex("33 00 0003")
    one.say(host("33 00000024 00"))
    assert one.data(poll) == bytes.fromhex("34 00 0000 01")
    head = "0004 20250601 20260601 0000 00000002"
    one.say(host(f"34 00 0000 01 {head}"))
    assert one.data(poll) == bytes.fromhex("34 00 0001 02")
    cards = f"{CARD} 01000000510100000002" + "00" * 12
    one.say(host(f"34 00 0001 02 {cards}"))
    assert one.data(poll) == b"\x31\x00"
    with pytest.raises(HandsRefused, match="blacklist"):
        one.nozzle.insert(CARD, 1_000, 0)
    assert one.data(host("3A"))[-7:].hex() == "00040101000702"
    one.fill(1)
    one.dispenser.memory.close()
    one.start()
    with pytest.raises(HandsRefused, match="blacklist"):
        one.nozzle.insert(CARD, 1_000, 0)


def test_hands_are_told_what_cannot_be(one: One) -> None:
    """No gas twice, no card into a full reader, nothing to stop."""
    with pytest.raises(HandsRefused, match="no gas"):
        one.nozzle.end(one.now)
    one.nozzle.insert(CARD, 1_000, 0)
    with pytest.raises(HandsRefused, match="not free"):
        one.nozzle.insert(CARD, 1_000, 0)
    one.nozzle.begin(100, 1, one.now)
    with pytest.raises(HandsRefused, match="already"):
        one.nozzle.begin(100, 1, one.now)


def test_unknown_commands_and_odd_lengths_are_counted(one: One) -> None:
    """It stays silent."""
    for said in ("40", "3000", "3E00", "3299"):
        assert one.say(host(said)) == []
    assert one.dispenser.ear.ignored == {
        "unknown_command": 1, "bad_length": 2, "ack_unfit": 1,
    }  # fmt: skip


async def test_the_line_is_one_program_with_the_others(tmp_path: Path) -> None:
    """Chosen by its protocol; ready line, verbs, SIGTERM."""
    config = {
        "protocol": "sinopec",
        "link": str(tmp_path / "line"),
        "control": str(tmp_path / "line.control"),
        "memory": str(tmp_path / "memory"),
        "baud": 38_400,
        "dispensers": [{"address": 1, "nozzles": [1, 2]}],
    }
    (tmp_path / "line.json").write_text(json.dumps(config))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cngstation.simulators.dispenser_line",
        "--config", str(tmp_path / "line.json"), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    assert (ready["ready"], ready["dispensers"]) == (True, [1])
    hands = ControlClient(tmp_path / "line.control")
    assert (await hands.call("state", gun=102))["price"] == 398
    with pytest.raises(HandsRefused, match="no such nozzle"):
        await hands.call("state", gun=103)
    with pytest.raises(HandsRefused, match="not a share"):
        await hands.call("fault", wrong_address=2)
    port = os.open(tmp_path / "line", os.O_RDWR | os.O_NOCTTY)
    os.write(port, POLL)
    assert await asyncio.to_thread(os.read, port, 100)
    os.close(port)
    await hands.close()
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 60) == 0
    process._transport.close()  # type: ignore[attr-defined]
