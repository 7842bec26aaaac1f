"""The simulated reader as a process: line, hands and faults."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from cngstation.simulators.control import ControlClient, HandsRefused
from tests.simulated_devices import (
    ROOT,
    SimulatedReader,
    async_card_reader,
    card_reader,
)

UID, OTHER = "DEADBEEF", "01020304"
ACK, NACK = bytes.fromhex("0000ff00ff00"), bytes.fromhex("0000ffff0000")
WAKE = bytes.fromhex("5555" + "00" * 14)
FIRMWARE = bytes.fromhex("32010607")


class Host:
    """A plain PN532 host: one command, its acknowledgement, its answer."""

    def __init__(self, link: Path, baud: int = 115_200) -> None:
        self.port = serial.Serial(str(link), baud, timeout=1.0)

    def start(self) -> "Host":
        """Wake and configure the chip; let it try once to find a card."""
        self.port.write(WAKE)
        assert self.ask("1401") == b""
        assert self.ask("3205000102") == b""
        return self

    def send(self, command: str) -> None:
        """Put a command on the wire."""
        body = b"\xd4" + bytes.fromhex(command)
        head = bytes([len(body), -len(body) & 0xFF])
        self.port.write(b"\0\0\xff" + head + body + bytes([-sum(body) & 0xFF, 0]))

    def answer(self) -> bytes | None:
        """Read an answer's data; None if nothing comes in time."""
        head = self.port.read(5)
        if not head:
            return None
        rest = self.port.read(head[3] + 2)
        assert len(rest) == head[3] + 2
        assert sum(rest[:-1]) & 0xFF == 0, rest.hex()
        return rest[2:-2]

    def ask(self, command: str) -> bytes | None:
        """Send a command and return its answer's data."""
        self.send(command)
        if self.port.read(6) != ACK:
            return None
        return self.answer()

    def open_sector(self, block: int = 4) -> None:
        """Find the card and open a sector by the factory key."""
        found = self.ask("4a0100")
        assert found is not None
        assert found[:1] == b"\x01"
        uid = found[6:10].hex()
        assert self.ask(f"400160{block:02x}ffffffffffff{uid}") == b"\0"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedReader]:
    """One reader for all tests here that leave it as they found it."""
    with card_reader(tmp_path_factory.mktemp("reader")) as device:
        yield device


@pytest.fixture
def reader(process: SimulatedReader) -> Iterator[SimulatedReader]:
    """A reader with a factory-new card in its field and nothing broken."""
    process.card_file(UID).unlink(missing_ok=True)
    process.put_blank_card(UID)
    process.hand("exchanges", clear=True)
    yield process
    process.hand("fault", kind="none")
    if process.hand("state")["card"] is not None:
        process.hand("remove")


@pytest.fixture
def host(reader: SimulatedReader) -> Iterator[Host]:
    """A host that has started the reader."""
    made = Host(reader.link).start()
    yield made
    made.port.close()


def stored(reader: SimulatedReader, block: int = 4) -> str:
    """Read a block from the card's file."""
    return reader.card_file(UID).read_bytes()[block * 16 : block * 16 + 16].hex()


def test_the_log_names_bytes_and_times(reader: SimulatedReader, host: Host) -> None:
    """Bytes both ways, chip time and wire time of each command are what they were."""
    reader.hand("exchanges", clear=True)
    began = time.perf_counter()
    host.open_sector()
    host.ask("40013004")
    took_us = (time.perf_counter() - began) * 1e6
    shown = reader.hand("exchanges")
    assert shown["exchanges"] == [
        {"command": "4A", "request_bytes": 11, "answer_bytes": 25,
         "chip_us": 5_300, "wire_us": 3_125},
        {"command": "40 60", "request_bytes": 22, "answer_bytes": 16,
         "chip_us": 4_300, "wire_us": 3_298},
        {"command": "40 30", "request_bytes": 12, "answer_bytes": 32,
         "chip_us": 2_800, "wire_us": 3_819},
    ]  # fmt: skip
    totals = shown["totals"]
    assert (totals["count"], totals["request_bytes"]) == (3, 45)
    # Never faster than wire and chip.
    assert totals["chip_us"] + totals["wire_us"] <= took_us


def test_the_port_stays_when_clients_go(reader: SimulatedReader) -> None:
    """Three clients one after another find the same port and the chip as it was."""
    Host(reader.link).start().port.close()
    for _ in range(2):
        host = Host(reader.link)
        assert host.ask("02") == FIRMWARE
        host.port.close()


def test_the_chip_never_speaks_first(reader: SimulatedReader, host: Host) -> None:
    """Cards that come and go put nothing on the line."""
    reader.hand("remove")
    reader.hand("insert", uid=UID)
    host.port.timeout = 0.05
    assert host.port.read(1) == b""


def test_a_wrong_checksum_gets_no_acknowledgement(host: Host) -> None:
    """A broken frame meets silence, a senseless one the error frame."""
    host.port.timeout = 0.1
    host.port.write(bytes.fromhex("0000ff02fed4022b00"))
    assert host.port.read(1) == b""
    host.port.write(bytes.fromhex("0000ff02fed5022900"))
    assert host.port.read(14) == ACK + bytes.fromhex("0000ff01ff7f8100")


def test_nack_has_the_answer_again(host: Host) -> None:
    """NACK repeats the last answer, without running the command again."""
    assert host.ask("02") == FIRMWARE
    host.port.write(NACK)
    assert host.answer() == FIRMWARE


def test_ack_aborts_a_search(reader: SimulatedReader, host: Host) -> None:
    """A search without end is ended by the host's ACK and answers nothing more."""
    reader.hand("remove")
    host.ask("32050001ff")
    host.send("4a0100")
    assert host.port.read(6) == ACK
    host.port.write(ACK)
    host.port.timeout = 0.05
    assert host.port.read(1) == b""
    reader.hand("insert", uid=UID)
    assert host.port.read(1) == b""
    host.port.timeout = 1.0
    assert host.ask("02") == FIRMWARE


def test_a_waiting_search_ends_when_a_card_comes(
    reader: SimulatedReader, host: Host
) -> None:
    """An endless search answers once the card is put down."""
    reader.hand("remove")
    host.ask("32050001ff")
    host.send("4a0100")
    assert host.port.read(6) == ACK
    reader.hand("insert", uid=UID)
    assert (host.answer() or b"")[-4:].hex() == UID.lower()


def test_a_limited_search_gives_up(reader: SimulatedReader, host: Host) -> None:
    """With finite retries an empty field is an answer."""
    reader.hand("remove")
    assert host.ask("4a0100") == b"\x00"


def test_speed_changes_after_the_hosts_ack(reader: SimulatedReader, host: Host) -> None:
    """Answer at the old rate, ACK, then both at the new; the old is not understood."""
    assert host.ask("1006") == b""
    assert host.ask("02") == FIRMWARE
    host.port.write(ACK)
    host.port.timeout = 0.05
    assert host.ask("02") is None
    host.port.baudrate = 460_800
    host.port.timeout = 1.0
    assert host.ask("1004") == b""
    host.port.write(ACK)
    host.port.baudrate = 115_200
    assert host.ask("02") == FIRMWARE


@pytest.mark.parametrize("block", ["before", "after", "garbage"])
def test_a_card_pulled_in_a_write(
    reader: SimulatedReader, host: Host, block: str
) -> None:
    """The host hears a time-out; the block is old, new or garbage."""
    host.open_sector()
    reader.hand("tear", after_commands=2, block=block)
    host.ask("40013004")
    assert host.ask("4001a004" + "11" * 16) == b"\x01"
    left = stored(reader)
    known = {"before": "00" * 16, "after": "11" * 16}
    assert left == known.get(block, left)
    assert (left in known.values()) == (block in known)
    state = reader.hand("state")
    assert state["card"] is None
    assert state["pulled"] == {"uid": UID, "command": "A0", "block": 4}
    assert host.ask("4a0100") == b"\x00"


def test_pulled_in_the_second_write(reader: SimulatedReader, host: Host) -> None:
    """Only writes count, and a reader may stay mute about it."""
    reader.hand("pull_during_write", nth_write=2, block="after", reader_reports=False)
    host.open_sector()
    assert host.ask("4001a004" + "11" * 16) == b"\0"
    host.port.timeout = 0.15
    assert host.ask("4001a005" + "22" * 16) is None
    assert (stored(reader, 4), stored(reader, 5)) == ("11" * 16, "22" * 16)


def test_a_lost_answer_has_written(reader: SimulatedReader, host: Host) -> None:
    """The command is acknowledged and done, and the host never hears of it."""
    host.open_sector()
    reader.hand("fault", kind="answer_lost", commands=1)
    host.port.timeout = 0.1
    assert host.ask("4001a004" + "33" * 16) is None
    assert stored(reader) == "33" * 16
    assert host.ask("40013004") == b"\0" + b"\x33" * 16


def test_a_silent_reader_does_nothing(reader: SimulatedReader, host: Host) -> None:
    """No acknowledgement, no answer again, no write; afterwards it works."""
    host.open_sector()
    reader.hand("fault", kind="silent")
    host.port.timeout = 0.05
    host.port.write(NACK)
    assert host.answer() is None
    reader.hand("fault", kind="silent", commands=1)
    host.port.timeout = 0.1
    assert host.ask("4001a004" + "44" * 16) is None
    assert stored(reader) == "00" * 16
    assert host.ask("40013004") == bytes(17)


def test_garbage_then_nack(reader: SimulatedReader, host: Host) -> None:
    """A garbled answer can be had again whole."""
    reader.hand("fault", kind="garbage", commands=1)
    host.send("02")
    garbled = host.port.read(6 + 13)
    assert garbled.startswith(ACK)
    assert FIRMWARE not in garbled
    host.port.write(NACK)
    assert host.answer() == FIRMWARE


def test_slow_bytes(reader: SimulatedReader, host: Host) -> None:
    """One byte per millisecond: 19 bytes take 19 ms at least."""
    reader.hand("fault", kind="slow")
    began = time.perf_counter()
    assert host.ask("02") == FIRMWARE
    assert time.perf_counter() - began >= 0.019


def test_unplugging_hangs_up_and_forgets(tmp_path: Path) -> None:
    """The open port dies, the link leads to a new one, the chip starts anew."""
    with card_reader(tmp_path) as reader:
        reader.put_blank_card(UID)
        host = Host(reader.link).start()
        host.open_sector()
        reader.hand("fault", kind="unplugged", for_ms=20)
        with pytest.raises(serial.SerialException):
            host.ask("02")
        host.port.close()
        assert reader.hand("state")["is_awake"] is False
        again = Host(reader.link).start()
        assert again.ask("40013004") == b"\x27"
        again.open_sector()
        again.port.close()


def test_a_card_is_in_one_reader(tmp_path: Path) -> None:
    """Two readers, one folder: a card is here, there or nowhere, never in both."""
    with (
        card_reader(tmp_path, name="left") as left,
        card_reader(tmp_path, name="right") as right,
    ):
        left.put_blank_card(UID)
        with pytest.raises(HandsRefused, match="elsewhere"):
            right.hand("insert", uid=UID)
        with pytest.raises(HandsRefused, match="occupied"):
            left.hand("insert", uid=UID)
        left.hand("blank", uid=OTHER)
        left.hand("swap", uid=OTHER)
        right.hand("insert", uid=UID)
        assert left.hand("state")["card"] == OTHER
        left.process.send_signal(signal.SIGKILL)
        left.process.wait()
        with pytest.raises(HandsRefused, match="occupied"):
            right.hand("insert", uid=OTHER)
        right.hand("swap", uid=OTHER)


@pytest.mark.parametrize(
    ("request_fields", "why"),
    [
        ({"do": "dance"}, "not a request"),
        ({"do": "insert"}, "KeyError"),
        ({"do": "insert", "uid": "zz"}, "hexadecimal"),
        ({"do": "insert", "uid": "0102"}, "4 or 7 bytes"),
        ({"do": "tear", "after_commands": 0}, "number 1"),
        ({"do": "tear", "after_commands": 1, "block": "half"}, "half"),
        ({"do": "fault", "kind": "tired"}, "tired"),
        ({"do": "fault", "kind": "silent", "commands": 0}, "one command"),
        ({"do": "fault", "kind": "unplugged", "for_ms": -1}, "for_ms"),
    ],
)
def test_hands_are_told_what_is_wrong(
    process: SimulatedReader, request_fields: dict[str, object], why: str
) -> None:
    """A request that makes no sense is refused in words and breaks nothing."""
    verb = str(request_fields.pop("do"))
    with pytest.raises(HandsRefused, match=why):
        process.hand(verb, **request_fields)


async def test_the_async_fixture_and_client(tmp_path: Path) -> None:
    """The reader also serves the product's own control client."""
    async with async_card_reader(tmp_path) as reader:
        client = ControlClient(reader.control)
        await client.call("blank", uid=UID)
        await client.call("insert", uid=UID)
        assert (await client.call("state"))["card"] == UID
        await client.close()


async def test_a_cable_is_pulled_once(tmp_path: Path) -> None:
    """While the cable is out it cannot be pulled again."""
    async with async_card_reader(tmp_path) as reader:
        first, second = ControlClient(reader.control), ControlClient(reader.control)
        away = asyncio.create_task(first.call("fault", kind="unplugged", for_ms=60_000))
        while reader.link.is_symlink():
            await asyncio.sleep(0.001)
        with pytest.raises(HandsRefused, match="unplugged"):
            await second.call("fault", kind="unplugged")
        away.cancel()
        await first.close()
        await second.close()


async def test_a_long_log_fits_one_line(tmp_path: Path) -> None:
    """More commands than are kept: totals go on, the line stays readable."""
    async with async_card_reader(tmp_path, baud=921_600) as reader:
        client = ControlClient(reader.control)

        def many() -> None:
            host = Host(reader.link, 921_600).start()
            for _ in range(320):
                host.ask("02")
            host.port.close()

        await asyncio.to_thread(many)
        shown = await client.call("exchanges")
        await client.close()
    assert shown["totals"]["count"] == 322
    assert len(shown["exchanges"]) == 300


def test_it_ends_and_leaves_nothing(tmp_path: Path) -> None:
    """SIGTERM ends it with code 0; link and socket are gone, the card is free."""
    with card_reader(tmp_path) as reader:
        reader.put_blank_card(UID)
        os.kill(reader.process.pid, signal.SIGTERM)
        assert reader.process.wait(60) == 0
        assert not reader.link.is_symlink()
        assert not reader.control.exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"cards": None}, "cards"),
        ({"speed": 1}, "speed"),
        ({"baud": 1_288_000}, "baud is one of"),
        ({"latency_us": {"added_us": 95_000}}, "exceed"),
        ({"latency_us": {"nap_us": 1}}, "nap_us"),
    ],
)
def test_a_wrong_configuration_is_named(
    tmp_path: Path, change: dict[str, object], why: str
) -> None:
    """The process says what is wrong with its file and ends with code 2."""
    whole = {"link": "l", "control": "c", "cards": "d", **change}
    file = tmp_path / "reader.json"
    file.write_text(json.dumps({k: v for k, v in whole.items() if v is not None}))
    done = subprocess.run(
        [sys.executable, "-m", "cngstation.simulators.pn532_reader", "--config", file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert why in done.stderr
