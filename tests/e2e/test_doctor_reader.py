"""The doctor and the card reader: scripted faults, each with its likely cause first."""

import asyncio
import contextlib
import json
import os
import pty
import threading
import tty
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cngstation.cli import doctor
from cngstation.config import StationConfig, load_config
from cngstation.drivers.serial_link import SerialSettings
from cngstation.errors import DeviceUnavailable
from cngstation.language import _, use_language
from cngstation.rpc.contract.reader import READER_SIGHT
from cngstation.services import examine_reader
from cngstation.services.examine_reader import evidence_of, findings, look
from cngstation.services.examine_station import Finding
from cngstation.services.watch_reader import NOT_YET
from tests.simulated_devices import async_card_reader
from tests.unit.daemons.test_process import write_config
from tests.unit.protocols.dispenser.jxv4 import vectors


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing here waits for seconds; no adapter of this machine is told of."""
    monkeypatch.setattr(examine_reader, "LISTEN_S", 0.2)
    monkeypatch.setattr(examine_reader, "PORTS", tmp_path / "by-id")
    yield
    use_language("en")


def station(folder: Path, **reader: object) -> StationConfig:
    config = load_config(write_config(folder))
    changed = config.reader.model_copy(update=reader)
    return config.model_copy(update={"reader": changed})


async def likely(config: StationConfig) -> list[Finding]:
    """Look as `doctor --probe` does; return what is likely wrong."""
    sight = await look(config)
    seen = await evidence_of(config, sight, asks_port=True)
    return list(findings(config, sight, seen))


def codes(found: list[Finding]) -> list[str]:
    return [one.code for one in found]


@contextlib.asynccontextmanager
async def quiet_port() -> AsyncIterator[tuple[int, str]]:
    """A port at which nobody answers; its far end, and its name."""
    far, near = pty.openpty()
    tty.setraw(near)
    try:
        yield far, os.ttyname(near)
    finally:
        os.close(far)
        with contextlib.suppress(OSError):
            os.close(near)


async def test_a_reader_that_is_there_tells_firmware_card_and_time(
    tmp_path: Path,
) -> None:
    """Of another kind it answers too, and that is what is told."""
    async with async_card_reader(tmp_path) as device:
        config = station(tmp_path, port=str(device.link))
        sight = await look(config)
        assert (sight.is_online, sight.firmware) == (True, "PN532 1.6")
        assert sight.answer_us > 0
        assert not sight.has_card
        assert await likely(config) == []
        await asyncio.to_thread(device.put_blank_card, "A1B2C3D4")
        assert (await look(config)).has_card
        found = await likely(station(tmp_path, port=str(device.link), kind="gnetplus"))
        assert (codes(found), found[0].facts["found_kind"]) == (
            ["reader_other_kind"],
            "pn532",
        )


async def test_a_port_without_a_reader_and_ports_that_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is power or cable first; a free adapter is named behind it."""
    monkeypatch.setattr(examine_reader, "ASK_S", 0.1)
    async with quiet_port() as (_far, port):
        config = station(tmp_path, port=port)
        assert codes(await likely(config)) == ["reader_silent"]
        examine_reader.PORTS.mkdir()
        (examine_reader.PORTS / "usb-other").symlink_to("/dev/zero")
        (examine_reader.PORTS / "usb-own").symlink_to(port)
        found = await likely(config)
        assert codes(found) == ["reader_silent", "reader_other_port"]
        assert str(found[1].facts["ports"]).endswith("usb-other")


async def test_a_port_at_which_dispensers_talk(tmp_path: Path) -> None:
    """Somebody polls there: it is a line's port."""
    async with quiet_port() as (far, port):
        stop = threading.Event()
        os.set_blocking(far, False)

        def talk() -> None:
            while not stop.wait(0.02):
                with contextlib.suppress(BlockingIOError):
                    os.write(far, vectors.POLL + vectors.FUELLING)

        speaker = threading.Thread(target=talk)
        speaker.start()
        try:
            found = await likely(station(tmp_path, port=port))
        finally:
            stop.set()
            speaker.join()
        assert codes(found)[0] == "reader_on_a_line"
        assert found[0].facts["protocol"] == "JX-V4"


async def test_ports_that_are_missing_held_or_no_ports(tmp_path: Path) -> None:
    """Each by what the system says."""
    gone = await likely(station(tmp_path, port="/dev/ttyUSB97"))
    assert codes(gone)[0] == "reader_port_missing"
    none = await likely(station(tmp_path, port="/dev/null"))
    assert codes(none) == ["reader_port_unusable"]
    async with quiet_port() as (_far, port):
        held = await SerialSettings(port, 115_200).open()
        try:
            assert codes(await likely(station(tmp_path, port=port))) == [
                "reader_port_held"
            ]
        finally:
            await held.close()


async def test_a_cable_that_is_pulled(tmp_path: Path) -> None:
    """The port's other end goes away while the reader is asked."""
    far, near = pty.openpty()
    tty.setraw(near)
    port = os.ttyname(near)
    os.close(near)
    asyncio.get_running_loop().call_later(0.05, os.close, far)
    found = await likely(station(tmp_path, port=port))
    assert codes(found)[0] == "reader_cable_out"


@dataclass
class Script:
    """A reason of a driver, and the cause that it shows."""

    why: str
    code: str
    reader: dict[str, Any] = field(default_factory=dict)


PCSC = {"kind": "pcsc", "port": "", "name": "ACS 00"}
SCRIPTS = [
    Script(
        "this program has no permission to open the port",
        "reader_port_forbidden",
        {"port": "/dev/ttyUSB1"},
    ),
    Script(
        "the port is there but its device is not",
        "reader_cable_out",
        {"port": "/dev/ttyUSB1"},
    ),
    Script("Service not available. (8010001Dh)", "pcscd_down", PCSC),
    Script("Access denied. (8010006Ah)", "pcscd_forbids", PCSC),
    Script(
        "the service has no reader ACS 00 (it has: ACS 01, HID)",
        "reader_other_name",
        PCSC,
    ),
    Script("the service has no reader ACS 00 (it has: none)", "reader_unplugged", PCSC),
    Script("No readers available. (8010002Eh)", "reader_unplugged", PCSC),
    Script("Sharing violation. (8010000Bh)", "reader_port_held", PCSC),
    Script(
        "pyscard is not installed; install cngstation[pcsc]",
        "pcsc_not_installed",
        PCSC,
    ),
    Script("Unknown error. (80100013h)", "pcscd_trouble", PCSC),
    Script("the antenna is broken", "reader_reports", {"port": "/dev/ttyUSB1"}),
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.why[:24])
async def test_what_drivers_say_names_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Script
) -> None:
    """Its sentence and its cure are told in Chinese too."""

    async def refused(_settings: object) -> None:
        raise DeviceUnavailable(device="The card reader", why=script.why)

    monkeypatch.setattr(examine_reader, "open_reader", refused)
    first = (await likely(station(tmp_path, **script.reader)))[0]
    assert first.code == script.code
    use_language("zh_CN")
    assert _(first.text) != first.text
    assert _(first.cure) != first.cure
    assert "{" not in _(first.text).format_map(first.facts)


async def test_a_reader_at_another_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hears nothing at the file's speed; the speed that it has is found."""
    monkeypatch.setattr(examine_reader, "_KINDS", {"pn532": 115_200})
    async with async_card_reader(tmp_path, baud=9_600) as device:
        found = await likely(station(tmp_path, port=str(device.link)))
    assert codes(found) == ["reader_other_speed"]
    assert found[0].facts["baud"] == 9_600


async def test_one_port_for_two_devices(tmp_path: Path) -> None:
    """The file itself is wrong: that comes before what the port says."""
    config = station(tmp_path, port="/dev/ttyUSB97")
    printer = config.printer.model_copy(update={"port": "/dev/ttyUSB97"})
    found = await likely(config.model_copy(update={"printer": printer}))
    assert codes(found)[:2] == ["reader_port_shared", "reader_port_missing"]
    assert found[0].facts["other"] == "printer"


def test_a_service_that_has_just_begun_is_no_fault(tmp_path: Path) -> None:
    """Nothing is known yet; the method needs no login."""
    config = station(tmp_path)
    sight = asyncio.run(look(config)).model_copy(update={"why": NOT_YET})
    seen = asyncio.run(evidence_of(config, sight, asks_port=False))
    assert list(findings(config, sight, seen)) == []
    assert READER_SIGHT.right is None


def test_the_doctor_prints_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line of how it is, and the cause with its cure; the same in JSON."""
    monkeypatch.setattr(doctor, "examine", lambda _config, _clock: [])
    given = ["--config", str(write_config(tmp_path)), "--probe", "--language", "en"]
    assert doctor.run(given) == 1
    shown = capsys.readouterr().out
    assert "Card reader: pn532, /dev/null: not there (it cannot be set up" in shown
    assert "! reader: The port /dev/null of the card reader cannot be used" in shown
    assert "Do: Take the plug out and in" in shown
    assert doctor.run([*given, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["reader"]["kind"] == "pn532"
    assert [one["code"] for one in told["findings"]] == ["reader_port_unusable"]
