"""Commands of the fuel trade's CPU card byte by byte, and answers of every shape."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.fuel_card import commands, status
from cngstation.protocols.fuel_card.answers import (
    BeganLoad,
    BeganLock,
    BeganUnlock,
    Locked,
    LockProof,
    LogRecord,
    TransactionProof,
)
from cngstation.protocols.fuel_card.commands import Command
from cngstation.protocols.fuel_card.status import FuelCardReported

TERMINAL = bytes.fromhex("143200000001")
MOMENT = bytes.fromhex("20150313124500")
MAC = bytes.fromhex("A1A2A3A4")
RANDOM = bytes.fromhex("B1B2B3B4")

SENT: list[tuple[Command[object], str]] = [
    (commands.Select(), "00A404000D A000000003 3836393830373031"),
    (commands.Verify(), "0020000003 999999"),
    (commands.GetChallenge(), "0084000004"),
    (commands.ReadFile(0x15, 30), "00B095001E"),
    (commands.ReadFile(0x0D, 64), "00B08D0040"),
    (commands.UpdateFile(0x16, bytes(3), MAC), "04D6960007 000000 A1A2A3A4"),
    (commands.ReadLog(2), "00B202C417"),
    (commands.GetBalance(), "805C000104"),
    (commands.BeginLoad(10_000, TERMINAL), "805000010B 01 00002710 143200000001 10"),
    (commands.BeginUnload(10_000, TERMINAL), "805005010B 01 00002710 143200000001 10"),
    (commands.Load(MOMENT, MAC), "805200000B 20150313124500 A1A2A3A4 04"),
    (commands.Unload(MOMENT, MAC), "805403000B 20150313124500 A1A2A3A4 04"),
    (commands.GetTransactionProof(1, 7), "805A000102 0007 08"),
    (commands.GetLockProof(), "E0CA00001E"),
    (commands.ClearLockProof(), "E0CA010000"),
    (commands.BeginLock(TERMINAL), "E07A080107 01 143200000001 0F"),
    (
        commands.Lock(0x1234, RANDOM, MOMENT, MAC),
        "E07C080013 00001234 B1B2B3B4 20150313124500 A1A2A3A4 08",
    ),
    (
        commands.DebitForUnlock(2_500, 0x12, TERMINAL, 0x1234, MOMENT, MAC),
        "E07E08011B 000009C4 0012 143200000001 00001234 20150313124500 A1A2A3A4 04",
    ),
    (commands.BeginUnlock(TERMINAL), "E07A090107 01 143200000001 12"),
    (
        commands.Unlock(2_500, MOMENT, MAC),
        "E07E09000F 000009C4 20150313124500 A1A2A3A4 04",
    ),
]
CHANGING = {"04D6", "8052", "8054", "E07C", "E07E"}


@pytest.mark.parametrize(("command", "sent"), SENT)
def test_each_command_is_as_the_trade_writes_it(
    command: Command[object], sent: str
) -> None:
    """Every byte stands where the programs of the trade put it."""
    assert command.apdu() == bytes.fromhex(sent)


def test_what_changes_the_card_says_so() -> None:
    """A lost answer to one of these is a doubt, to any other nothing."""
    for command, sent in SENT:
        clears = sent.startswith("E0CA01")
        assert command.changes_card is (sent[:4] in CHANGING or clears)


READ = [
    (
        commands.BeginLoad(1, TERMINAL),
        "00003039 0007 0100 A1B2C3D4 A32D5FDA",
        BeganLoad(
            12_345, 7, bytes.fromhex("A1B2C3D4"), bytes.fromhex("A32D5FDA")
        ),
    ),
    (
        commands.BeginLock(TERMINAL),
        "00003039 0012 000005 0100 A1B2C3D4",
        BeganLock(12_345, 0x12, 5, bytes.fromhex("A1B2C3D4")),
    ),
    (
        commands.BeginUnlock(TERMINAL),
        "00003039 0012 0007 0100 A1B2C3D4 7A3E56A9",
        BeganUnlock(
            12_345, 0x12, 7, bytes.fromhex("A1B2C3D4"), bytes.fromhex("7A3E56A9")
        ),
    ),
    (commands.Lock(1, RANDOM, MOMENT, MAC), "B1B2B3B4 A1A2A3A4", Locked(RANDOM, MAC)),
    (
        commands.GetLockProof(),
        "01 91 01 00003039 0012 143200000001 20150313124500 A1A2A3A4 B1B2B3B4",
        LockProof(1, 0x91, 1, 12_345, 0x12, TERMINAL, MOMENT, MAC, RANDOM),
    ),
    (
        commands.ReadLog(),
        "0007 000000 00002710 01 143200000001 20150313124500",
        LogRecord(7, 0, 10_000, 1, TERMINAL, MOMENT),
    ),
    (commands.GetTransactionProof(1, 7), "A1A2A3A4 B1B2B3B4",
     TransactionProof(MAC, RANDOM)),
    (commands.GetBalance(), "00003039", 12_345),
    (commands.Load(MOMENT, MAC), "A1A2A3A4", MAC),
    (commands.GetChallenge(), "B1B2B3B4", RANDOM),
    (commands.Verify(), "", None),
    (commands.Select(), "6F00", b"\x6f\x00"),
    (commands.ReadFile(0x15, 2), "1000", b"\x10\x00"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "data", "said"), READ)
def test_each_answer_is_read_field_by_field(
    command: Command[object], data: str, said: object
) -> None:
    """What the card says stands in its place."""
    assert command.read_answer(bytes.fromhex(data) + b"\x90\x00") == said


@pytest.mark.parametrize(("command", "data", "_"), READ[:10])
def test_an_answer_of_another_length_is_refused(
    command: Command[object], data: str, _: object
) -> None:
    """A byte less or more is no figure of money: nothing is read out of it."""
    whole = bytes.fromhex(data)
    for wrong in (whole[:-1], whole + b"\0", b""):
        with pytest.raises(RemoteProtocolError):
            command.read_answer(wrong + b"\x90\x00")


@pytest.mark.parametrize(("command", "data", "_"), READ)
@given(answer=st.binary(max_size=64))
def test_any_other_answer_is_an_error_in_words(
    command: Command[object], data: str, _: object, answer: bytes
) -> None:
    """Random bytes are read, or end in one of two errors; nothing else comes out."""
    with contextlib.suppress(RemoteProtocolError, FuelCardReported):
        command.read_answer(answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("6985", "6985h: its state does not allow this"),
        ("9302", "9302h: the code is wrong"),
        ("63C2", "the password is wrong, 2 tries are left"),
        ("6F42", "6F42h: a code that no table has"),
    ],
)
def test_a_refusal_of_the_card_is_told_in_words(answer: str, words: str) -> None:
    """The status is named, whether it is known or not."""
    with pytest.raises(FuelCardReported, match=words):
        commands.GetBalance().read_answer(bytes.fromhex(answer))


def test_a_lock_state_that_no_table_has_is_refused() -> None:
    """A card in an unknown state is not taken for one that is free."""
    proof = bytes([0x02]) + bytes(29)
    with pytest.raises(RemoteProtocolError, match="lock state 02"):
        commands.GetLockProof().read_data(proof)


@pytest.mark.parametrize(("state", "is_grey"), [(0, False), (1, True), (0x10, False)])
def test_grey_is_one_state_of_three(state: int, is_grey: bool) -> None:
    """A debited card whose TAC nobody fetched owes nothing."""
    proof = commands.GetLockProof().read_data(bytes([state]) + bytes(29))
    assert proof.is_grey is is_grey


def test_a_command_shows_no_password() -> None:
    """What may be logged of a command does not hold the holder's password."""
    assert "123456" not in repr(commands.Verify(b"123456"))
    assert status.MEANINGS[status.NO_SUCH_RECORD] == "it has no such record"
