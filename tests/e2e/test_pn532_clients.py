"""Independent PN532 programs against the simulated reader: libnfc and nfcpy."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulated_devices import ROOT, SimulatedReader, card_reader

UID = "DEADBEEF"
ENDS_WITHIN_S = 120
SLUGGISH = {"added_us": 30_000}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[SimulatedReader]:
    """A reader with a factory-new card in its field."""
    with card_reader(tmp_path) as device:
        device.put_blank_card(UID)
        yield device


@pytest.fixture
def sluggish(tmp_path: Path) -> Iterator[SimulatedReader]:
    """A reader that is late and gives its bytes one per millisecond."""
    with card_reader(tmp_path, latency_us=SLUGGISH) as device:
        device.put_blank_card(UID)
        device.hand("fault", kind="slow")
        yield device


def libnfc(reader: SimulatedReader, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program of libnfc on the reader."""
    return subprocess.run(
        command,
        env={
            **os.environ,
            "LIBNFC_DEFAULT_DEVICE": f"pn532_uart:{reader.link}:115200",
        },
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )


def as_libnfc_guesses(image: bytes) -> bytes:
    """Blank every key B: without a keys file libnfc guesses key A and knows no other,
    and it does not take the key B that a factory trailer shows."""
    return b"".join(image[end - 64 : end - 6] + bytes(6) for end in range(64, 1025, 64))


def nfcpy(reader: SimulatedReader) -> dict[str, object]:
    """Run a session of nfcpy on the reader; any warning fails it."""
    module = "tests.e2e.nfcpy_session"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", module, str(reader.link)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, object] = json.loads(done.stdout)
    return seen


def personalise(file: Path) -> None:
    """Give every sector keys and content of its own and access bits 78 77 88."""
    image = bytearray(file.read_bytes())
    for sector in range(16):
        begin = sector * 64
        key_a, key_b = bytes([0xA0 + sector] * 6), bytes([0xB0 + sector] * 6)
        image[begin + 48 : begin + 64] = key_a + bytes.fromhex("78778842") + key_b
        for block in range(begin + 16 if sector == 0 else begin, begin + 48, 16):
            image[block : block + 16] = bytes([sector, block // 16]) * 8
    file.write_bytes(bytes(image))


@pytest.mark.needs("nfc-list")
def test_nfc_list_sees_the_card_and_its_absence(reader: SimulatedReader) -> None:
    """nfc-list names a MIFARE Classic 1K with its UID, and nothing when it is gone."""
    seen = libnfc(reader, "nfc-list", "-v")
    assert seen.returncode == 0, seen.stderr
    assert "de  ad  be  ef" in seen.stdout
    assert "* MIFARE Classic 1K" in seen.stdout
    reader.hand("remove")
    gone = libnfc(reader, "nfc-list")
    assert gone.returncode == 0, gone.stderr
    assert "UID" not in gone.stdout


@pytest.mark.needs("nfc-list")
def test_nfc_list_sees_a_desfire(reader: SimulatedReader) -> None:
    """A UID of seven bytes, SAK 20, and the ATS by which it names the card."""
    reader.hand("remove")
    reader.put_blank_card("045A3BFA142880")
    seen = libnfc(reader, "nfc-list", "-v")
    assert seen.returncode == 0, seen.stderr
    assert "04  5a  3b  fa  14  28  80" in seen.stdout
    assert "75  77  81  02  80" in seen.stdout
    assert "* MIFARE DESFire" in seen.stdout


@pytest.mark.needs("nfc-mfclassic")
def test_nfc_mfclassic_dumps_a_factory_card(
    reader: SimulatedReader, tmp_path: Path
) -> None:
    """The dump of a factory card is the card, byte for byte, as far as keys go."""
    image = reader.card_file(UID).read_bytes()
    dump, keys = tmp_path / "dump.mfd", tmp_path / "keys.mfd"
    done = libnfc(reader, "nfc-mfclassic", "r", "a", "u", str(dump))
    assert "64 of 64 blocks read" in done.stdout, done.stdout + done.stderr
    assert dump.read_bytes() == as_libnfc_guesses(image)
    keys.write_bytes(image)
    libnfc(reader, "nfc-mfclassic", "r", "a", "u", str(dump), str(keys))
    assert dump.read_bytes() == image


@pytest.mark.needs("nfc-mfclassic")
@pytest.mark.parametrize("key", ["a", "b"])
def test_nfc_mfclassic_dumps_a_card_with_keys_of_its_own(
    reader: SimulatedReader, tmp_path: Path, key: str
) -> None:
    """With keys per sector and access 78 77 88 the keyed dump is exact by A and B."""
    file, dump = reader.card_file(UID), tmp_path / "dump.mfd"
    personalise(file)
    keys = tmp_path / "keys.mfd"
    keys.write_bytes(file.read_bytes())
    done = libnfc(reader, "nfc-mfclassic", "r", key, "u", str(dump), str(keys))
    assert "64 of 64 blocks read" in done.stdout, done.stdout + done.stderr
    assert dump.read_bytes() == file.read_bytes()


@pytest.mark.needs("nfc-mfclassic")
def test_nfc_mfclassic_fails_without_the_keys(
    reader: SimulatedReader, tmp_path: Path
) -> None:
    """A card with keys of its own does not open to the factory's."""
    personalise(reader.card_file(UID))
    dump = tmp_path / "dump.mfd"
    done = libnfc(reader, "nfc-mfclassic", "r", "a", "u", str(dump))
    assert "block 0x3f" in done.stdout + done.stderr
    assert not dump.exists()


def test_nfcpy_reads_and_writes(reader: SimulatedReader) -> None:
    """nfcpy raises the speed to 921600, works, and leaves a reader that works again."""
    first = nfcpy(reader)
    assert first == {
        "chip": "PN532v1.6",
        "baud": 921_600,
        "uid": UID.lower(),
        "before": "00" * 16,
        "after": bytes(range(16)).hex(),
    }
    state = reader.hand("state")
    assert (state["baud"], state["is_awake"]) == (115_200, False)
    assert nfcpy(reader)["before"] == first["after"]
    assert reader.card_file(UID).read_bytes()[64:80] == bytes(range(16))


def test_nfcpy_sees_an_empty_field(reader: SimulatedReader) -> None:
    """Without a card nfcpy finds none, and does not look for another kind."""
    reader.hand("remove")
    assert nfcpy(reader) == {"uid": None}


@pytest.mark.skipif(os.geteuid() != 0, reason="a link in /dev takes root")
def test_nfcpy_connects_by_name(reader: SimulatedReader) -> None:
    """nfcpy's own front end finds the reader by a link in /dev."""
    name = f"cngpn532sim{os.getpid()}"
    link = Path("/dev") / name
    link.symlink_to(reader.link)
    code = (
        "import nfc, sys\n"
        f"with nfc.ContactlessFrontend('tty:{name}:pn532') as front:\n"
        "    target = front.sense(nfc.clf.RemoteTarget('106A'))\n"
        "    sys.stdout.write(target.sdd_res.hex())\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
            check=False,
        )
    finally:
        link.unlink()
    assert done.stdout == UID.lower(), done.stderr


@pytest.mark.needs("nfc-mfclassic")
def test_libnfc_bears_a_slow_reader(sluggish: SimulatedReader, tmp_path: Path) -> None:
    """One byte per millisecond and 30 ms of delay change nothing but the time."""
    dump = tmp_path / "dump.mfd"
    keys = str(sluggish.card_file(UID))
    libnfc(sluggish, "nfc-mfclassic", "r", "a", "u", str(dump), keys)
    assert dump.read_bytes() == sluggish.card_file(UID).read_bytes()


def test_nfcpy_bears_a_slow_reader(sluggish: SimulatedReader) -> None:
    """One byte per millisecond and 30 ms of delay change nothing but the time."""
    assert nfcpy(sluggish)["after"] == bytes(range(16)).hex()


@pytest.mark.needs("nfc-poll")
def test_nfc_poll_finds_a_card_that_comes(tmp_path: Path) -> None:
    """InAutoPoll waits for the card and finds it when it is put down."""
    with card_reader(tmp_path) as reader:
        polling = subprocess.Popen(
            ["nfc-poll"],
            env={
                **os.environ,
                "LIBNFC_DEFAULT_DEVICE": f"pn532_uart:{reader.link}:115200",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            reader.put_blank_card(UID)
            wait_for_command(reader, "60")
            reader.hand("remove")
            said, _ = polling.communicate(timeout=ENDS_WITHIN_S)
        finally:
            polling.kill()
            polling.wait()
    assert "de  ad  be  ef" in said


def wait_for_command(reader: SimulatedReader, command: str) -> None:
    """Return once the reader has answered a command of this code."""
    for _ in range(10_000):
        shown = reader.hand("exchanges")["exchanges"]
        if any(exchange["command"] == command for exchange in shown):
            return
    pytest.fail(f"command {command} was never sent")
