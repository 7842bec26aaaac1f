"""PN532 commands and answers: golden frames, refusals, answers that do not fit."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.card_reader.pn532 import status
from cngstation.protocols.card_reader.pn532.commands import (
    Authenticate,
    Command,
    ConfigureRetries,
    ConfigureSam,
    Diagnose,
    FindCard,
    Firmware,
    GetFirmwareVersion,
    ReadBlock,
    Release,
    SwitchFieldOff,
    Target,
    WriteBlock,
)
from cngstation.protocols.card_reader.pn532.status import ChipReported
from tests.unit.protocols.card_reader.pn532 import vectors

UID = bytes.fromhex("deadbeef")
KEY = b"\xff" * 6
AUTHENTICATE = Authenticate(1, 4, KEY, "A", UID)
WRITE = WriteBlock(1, 4, bytes(16))
READ = ReadBlock(1, 4)


@pytest.mark.parametrize(
    ("command", "frame"),
    [
        (GetFirmwareVersion(), vectors.FIRMWARE),
        (ConfigureSam(0), vectors.SAM_NO_IRQ),
        (ConfigureSam(0, use_irq=True), vectors.SAM_IRQ),
        (Diagnose(b"libnfc"), vectors.DIAGNOSE),
        (ConfigureRetries(2), vectors.RETRIES),
        (FindCard(), vectors.FIND),
        (AUTHENTICATE, vectors.AUTHENTICATE),
        (WRITE, vectors.WRITE_ZEROS),
    ],
)
def test_golden_requests(command: Command[Any], frame: bytes) -> None:
    """Every published request is what the command writes."""
    assert command.to_bytes() == frame


@pytest.mark.parametrize(
    ("command", "body"),
    [
        (FindCard(UID), "d44a0100deadbeef"),
        (FindCard(bytes.fromhex("043318ea703280")), "d44a010088043318ea703280"),
        (Authenticate(1, 4, KEY, "B", UID), "d440016104ffffffffffffdeadbeef"),
        (
            Authenticate(
                1, 4, bytes.fromhex("a73f5dc1d333"), "A",
                bytes.fromhex("043318ea703280"),
            ),
            "d440016004a73f5dc1d333ea703280",
        ),
        (READ, "d440013004"),
        (Release(), "d45200"),
        (SwitchFieldOff(), "d4320100"),
    ],
)  # fmt: skip
def test_request_bodies(command: Command[Any], body: str) -> None:
    """A UID of seven bytes gets its cascade tag in a search, its last four in a key."""
    assert command.to_bytes()[5:-2].hex() == body


def test_golden_answers() -> None:
    """Every published answer reads as what it says."""
    firmware = GetFirmwareVersion().read_answer(vectors.FIRMWARE_ANSWER[7:-2])
    assert firmware == Firmware(0x32, 1, 6, 7)
    assert str(firmware) == "PN532 1.6"
    found = FindCard().read_answer(vectors.FOUND[7:-2])
    assert found == Target(1, bytes.fromhex("0004"), 0x08, UID)
    Diagnose(b"libnfc").read_answer(vectors.DIAGNOSE_ANSWER[7:-2])
    AUTHENTICATE.read_answer(vectors.DONE[7:-2])
    with pytest.raises(ChipReported, match="14h: the card refused the key"):
        AUTHENTICATE.read_answer(vectors.KEY_REFUSED[7:-2])


def test_a_found_card_of_another_kind() -> None:
    """A DESFire brings seven bytes of UID and its ATS, and has no MIFARE sectors."""
    answer = bytes.fromhex("0101034420070401020304050606757781028000")
    found = FindCard().read_answer(answer)
    assert found is not None
    assert found.uid.hex() == "04010203040506"
    assert not found.speaks_mifare_classic
    assert Target(1, b"\0\4", 0x18, UID).speaks_mifare_classic


def test_an_empty_field_is_an_answer() -> None:
    """No card is None, not an error."""
    assert FindCard().read_answer(b"\x00") is None


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (GetFirmwareVersion(), "320106"),
        (ConfigureSam(), "00"),
        (ConfigureRetries(), "00"),
        (Diagnose(b"abc"), "00616264"),
        (FindCard(), ""),
        (FindCard(), "02010004080" + "4deadbeef"),
        (FindCard(), "010100040804deadbe"),
        (FindCard(), "010100040805deadbeef01"),
        (AUTHENTICATE, ""),
        (AUTHENTICATE, "0000"),
        (AUTHENTICATE, "40"),
        (WRITE, "40"),
        (WRITE, "0001"),
        (READ, "00" + "00" * 15),
        (READ, "00" + "00" * 17),
        (READ, "40" + "00" * 16),
        (READ, ""),
        (Release(), "80"),
    ],
)
def test_answers_that_do_not_fit(command: Command[Any], answer: str) -> None:
    """A wrong length or a promise of more is an error and never a success."""
    with pytest.raises(RemoteProtocolError):
        command.read_answer(bytes.fromhex(answer))


@pytest.mark.parametrize("command", [AUTHENTICATE, WRITE, READ, Release()])
@given(code=st.integers(1, 0x3F))
def test_every_error_code_is_reported(command: Command[Any], code: int) -> None:
    """No error code of the chip passes for success, known or not."""
    with pytest.raises(ChipReported) as reported:
        command.read_answer(bytes([code]))
    assert reported.value.status == code


@pytest.mark.parametrize(
    "command",
    [
        FindCard(b"\x01\x02\x03"),
        Authenticate(1, 4, b"\xff" * 5, "A", UID),
        WriteBlock(1, 4, bytes(15)),
        ConfigureRetries(0xFF),
    ],
)
def test_commands_that_are_not_sent(command: Command[Any]) -> None:
    """Odd UIDs, keys and blocks, and a search without end, do not reach the line."""
    with pytest.raises(LocalProtocolError):
        command.to_bytes()


@given(st.binary(max_size=40))
def test_any_answer_reads_or_is_refused(answer: bytes) -> None:
    """An answer of any bytes is a value, a report of the chip or a protocol error."""
    for command in (AUTHENTICATE, READ, WRITE, FindCard(), GetFirmwareVersion()):
        with suppress(ChipReported, RemoteProtocolError):
            command.read_answer(answer)


def test_keys_and_blocks_are_not_shown() -> None:
    """What stands in a log of commands holds neither key nor card content."""
    shown = repr(Authenticate(1, 4, b"secret", "A", UID)) + repr(WRITE)
    assert "secret" not in shown
    assert "\\x00" not in shown


def test_only_a_write_changes_a_card() -> None:
    """Nothing but a write is barred from being repeated."""
    changing = [c for c in (AUTHENTICATE, READ, WRITE, FindCard()) if c.changes_card]
    assert changing == [WRITE]


def test_sets_of_codes_have_meanings() -> None:
    """Every code that decides something is in the table of meanings."""
    deciding = status.CARD_IS_GONE | status.REFUSED_BEFORE_FIELD
    assert deciding | {status.AUTHENTICATION, status.CARD_SAID_NO} <= set(
        status.MEANINGS
    )
