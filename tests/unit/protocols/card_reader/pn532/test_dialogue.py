"""The dialogue with a PN532 on a clock that the test moves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.card_reader.outcomes import Answered, Unanswered
from cngstation.protocols.card_reader.pn532.commands import (
    Authenticate,
    Command,
    ConfigureRetries,
    ConfigureSam,
    Diagnose,
    FindCard,
    GetFirmwareVersion,
    ReadBlock,
    WriteBlock,
)
from cngstation.protocols.card_reader.pn532.dialogue import (
    WAKE_UP,
    Dialogue,
    NotUnderstood,
)
from cngstation.protocols.card_reader.pn532.frames import Frame
from tests.unit.protocols.card_reader.pn532.vectors import ACK, ERROR, NACK

SAM, RETRIES = ConfigureSam().to_bytes(), ConfigureRetries().to_bytes()
READ, WRITE = ReadBlock(1, 4), WriteBlock(1, 4, bytes(16))
BLOCK = b"\x00" + bytes(range(16))


def answer_to(command: Command[Any], data: bytes) -> bytes:
    """Return the chip's frame that answers a command."""
    return Frame(0xD5, command.code + 1, data).to_bytes()


def garbled(frame: bytes) -> bytes:
    """Return a frame with a wrong data checksum."""
    return frame[:-2] + bytes([frame[-2] ^ 1, 0])


class Bench:
    """A dialogue, its clock, and what it has sent."""

    def __init__(self, *, awake: bool = True) -> None:
        self.dialogue = Dialogue()
        self.now_ms = 1000
        if awake:
            self.ask(GetFirmwareVersion())
            self.wake_up()
            self.hear(ACK, answer_to(GetFirmwareVersion(), b"\x32\x01\x06\x07"))
            self.dialogue.take_bytes()
            assert isinstance(self.dialogue.take_outcome(), Answered)

    def ask(self, command: Command[Any]) -> bytes:
        """Begin a command; return what goes out."""
        self.dialogue.ask(command, self.now_ms)
        return self.dialogue.take_bytes()

    def wake_up(self) -> None:
        """Answer the two steps that follow a wake-up."""
        for step in (ConfigureSam(), ConfigureRetries()):
            self.hear(ACK, answer_to(step, b""))

    def hear(self, *chunks: bytes) -> None:
        """Let the chip say something now."""
        for chunk in chunks:
            self.dialogue.receive(chunk, self.now_ms)

    def wait(self) -> bytes:
        """Let time pass up to the deadline; return what goes out then."""
        deadline_ms = self.dialogue.deadline_ms
        assert deadline_ms is not None
        self.dialogue.pass_time(deadline_ms - 1)
        assert self.dialogue.take_bytes() == b""
        self.now_ms = deadline_ms
        self.dialogue.pass_time(self.now_ms)
        return self.dialogue.take_bytes()

    def waited_ms(self) -> int:
        """Return how long the dialogue would wait from now."""
        assert self.dialogue.deadline_ms is not None
        return self.dialogue.deadline_ms - self.now_ms


def test_the_first_command_wakes_the_chip() -> None:
    """Wake-up bytes, SAM, bounded retries, then the command; later ones go alone."""
    bench = Bench(awake=False)
    assert bench.ask(READ) == WAKE_UP + SAM
    assert WAKE_UP.hex() == "5555" + "00" * 14
    bench.hear(ACK, answer_to(ConfigureSam(), b""))
    assert bench.dialogue.take_bytes() == RETRIES
    assert not bench.dialogue.command_sent
    bench.hear(ACK, answer_to(ConfigureRetries(), b""))
    assert bench.dialogue.take_bytes() == READ.to_bytes()
    assert bench.dialogue.command_sent
    bench.hear(ACK, answer_to(READ, BLOCK))
    assert bench.dialogue.take_outcome() == Answered(BLOCK)
    assert bench.dialogue.take_outcome() is None
    assert bench.dialogue.deadline_ms is None
    assert bench.ask(READ) == READ.to_bytes()


@pytest.mark.parametrize(
    ("command", "within_ms"),
    [
        (GetFirmwareVersion(), 250),
        (Diagnose(b"x"), 1000),
        (FindCard(), 1000),
        (Authenticate(1, 4, bytes(6), "A", bytes(4)), 500),
        (READ, 500),
        (WRITE, 500),
    ],
)
def test_waits(command: Command[Any], within_ms: int) -> None:
    """100 ms for an ACK, then as long as the command may take, from the ACK on."""
    bench = Bench()
    bench.ask(command)
    assert bench.waited_ms() == 100
    bench.now_ms += 99
    bench.hear(ACK)
    assert bench.waited_ms() == within_ms


def test_a_try_without_ack_is_aborted_and_made_again() -> None:
    """ACK from us, 10 ms of silence, the command once more, then no answer."""
    bench = Bench()
    bench.ask(READ)
    assert bench.wait() == ACK
    assert bench.waited_ms() == 10
    assert bench.wait() == READ.to_bytes()
    assert bench.wait() == ACK
    assert bench.wait() == b""
    assert bench.dialogue.take_outcome() == Unanswered()
    assert bench.dialogue.deadline_ms is None


def test_a_second_try_can_succeed() -> None:
    """The answer to the repeated command is the outcome."""
    bench = Bench()
    bench.ask(READ)
    bench.hear(ACK)
    bench.wait()
    bench.wait()
    bench.hear(ACK, answer_to(READ, BLOCK))
    assert bench.dialogue.take_outcome() == Answered(BLOCK)


@pytest.mark.parametrize("heard", [b"", ACK])
def test_a_write_is_sent_once(heard: bytes) -> None:
    """Without ACK or without answer a write is aborted and never repeated."""
    bench = Bench()
    assert bench.ask(WRITE) == WRITE.to_bytes()
    bench.hear(heard)
    assert bench.wait() == ACK
    assert bench.wait() == b""
    assert bench.dialogue.take_outcome() == Unanswered()
    assert bench.dialogue.command_sent


def test_a_write_to_a_silent_chip_is_not_sent_at_all() -> None:
    """When the wake-up before it fails, the write has not left."""
    bench = Bench(awake=False)
    sent = bench.ask(WRITE)
    while bench.dialogue.deadline_ms is not None:
        sent += bench.wait()
    assert bench.dialogue.take_outcome() == Unanswered()
    assert not bench.dialogue.command_sent
    assert WRITE.to_bytes() not in sent


def test_three_failures_bring_the_wake_up_back() -> None:
    """Two commands of two tries: the fourth try begins with the wake-up."""
    bench = Bench()
    bench.ask(READ)
    for _ in range(4):
        bench.wait()
    assert bench.dialogue.take_outcome() == Unanswered()
    assert bench.ask(READ) == READ.to_bytes()
    assert bench.wait() == ACK
    assert bench.wait() == WAKE_UP + SAM


def test_an_answer_clears_the_count_of_failures() -> None:
    """Failures in a row are counted, not failures in all."""
    bench = Bench()
    for _ in range(5):
        bench.ask(READ)
        bench.wait()
        assert bench.wait() == READ.to_bytes()
        bench.hear(ACK, answer_to(READ, BLOCK))
        assert bench.dialogue.take_outcome() == Answered(BLOCK)


def test_an_error_frame_brings_the_wake_up_back() -> None:
    """A chip that was reset understands no card command until it is set up again."""
    bench = Bench()
    bench.ask(READ)
    bench.hear(ACK, ERROR)
    assert bench.dialogue.take_outcome() == NotUnderstood()
    assert bench.ask(READ) == WAKE_UP + SAM


@pytest.mark.parametrize("command", [READ, WRITE])
def test_a_garbled_answer_is_asked_for_again(command: Command[Any]) -> None:
    """NACK after a silence: it repeats the answer, not the act, so a write too."""
    bench = Bench()
    bench.ask(command)
    good = answer_to(command, BLOCK if command is READ else b"\0")
    bench.hear(ACK, garbled(good))
    assert bench.dialogue.take_bytes() == b""
    assert bench.waited_ms() == 10
    assert bench.wait() == NACK
    assert bench.waited_ms() == 100
    bench.hear(good)
    assert isinstance(bench.dialogue.take_outcome(), Answered)


def test_two_garbled_answers_are_a_failed_try() -> None:
    """After one NACK the try is given up; a write then ends unanswered."""
    bench = Bench()
    bench.ask(WRITE)
    bad = garbled(answer_to(WRITE, b"\0"))
    bench.hear(ACK, bad)
    assert bench.wait() == NACK
    bench.hear(bad)
    assert bench.dialogue.take_bytes() == ACK
    bench.wait()
    assert bench.dialogue.take_outcome() == Unanswered()


def test_what_comes_while_settling_is_dropped() -> None:
    """The late answer to a command that was given up is not that of the next try."""
    bench = Bench()
    bench.ask(READ)
    bench.wait()
    bench.hear(ACK, answer_to(READ, b"\0" + b"\xee" * 16))
    bench.wait()
    bench.hear(answer_to(READ, b"\0" + b"\xee" * 16))
    assert bench.dialogue.take_outcome() is None
    bench.hear(ACK, answer_to(READ, BLOCK))
    assert bench.dialogue.take_outcome() == Answered(BLOCK)


def test_the_tail_of_a_spoilt_answer_does_not_eat_the_repeated_one() -> None:
    """What looks like a long frame in the silence before a NACK is forgotten."""
    bench = Bench()
    bench.ask(READ)
    good = answer_to(READ, BLOCK)
    bench.hear(ACK, garbled(good) + ERROR)
    bench.hear(ERROR, bytes.fromhex("0000fff010"))
    assert bench.wait() == NACK
    bench.hear(good)
    assert bench.dialogue.take_outcome() == Answered(BLOCK)


def test_what_follows_an_answer_does_not_change_it() -> None:
    """The first answer counts, even when an error frame is in the same chunk."""
    bench = Bench()
    bench.ask(READ)
    bench.hear(ACK + answer_to(READ, BLOCK) + ERROR)
    assert bench.dialogue.take_outcome() == Answered(BLOCK)


def test_an_answer_to_another_command_is_not_taken() -> None:
    """Only the code that belongs to the command ends it, and only from the chip."""
    bench = Bench()
    bench.ask(READ)
    bench.hear(ACK, answer_to(FindCard(), b"\0"))
    bench.hear(Frame(0xD4, READ.code + 1, BLOCK).to_bytes())
    assert bench.dialogue.take_outcome() is None
    bench.hear(answer_to(READ, BLOCK))
    assert bench.dialogue.take_outcome() == Answered(BLOCK)


def test_an_abandoned_command_is_aborted_before_the_next() -> None:
    """ACK, settle, then the next command; the old answer is not its answer."""
    bench = Bench()
    bench.ask(READ)
    bench.dialogue.abandon()
    assert bench.dialogue.deadline_ms is None
    bench.hear(ACK, answer_to(READ, b"\0" + b"\xee" * 16))
    assert bench.ask(READ) == ACK
    bench.hear(answer_to(READ, b"\0" + b"\xee" * 16))
    assert bench.wait() == READ.to_bytes()
    bench.hear(ACK, answer_to(READ, BLOCK))
    assert bench.dialogue.take_outcome() == Answered(BLOCK)


def test_abandoning_nothing_changes_nothing() -> None:
    """After a finished command there is nothing to abort."""
    bench = Bench()
    bench.dialogue.abandon()
    assert bench.ask(READ) == READ.to_bytes()


def test_one_command_at_a_time() -> None:
    """A second command is our own bug and says so."""
    bench = Bench()
    bench.ask(READ)
    with pytest.raises(LocalProtocolError, match="at once"):
        bench.ask(READ)


@given(st.lists(st.one_of(st.binary(max_size=40), st.integers(1, 700)), max_size=40))
def test_no_noise_keeps_a_write_waiting_or_sends_it_twice(
    events: list[bytes | int],
) -> None:
    """Whatever arrives and whenever: one write, and an end within two seconds."""
    bench = Bench()
    sent, began_ms = bench.ask(WRITE), bench.now_ms
    for event in events:
        if isinstance(event, bytes):
            bench.hear(event)
        else:
            bench.now_ms += event
            bench.dialogue.pass_time(bench.now_ms)
        sent += bench.dialogue.take_bytes()
    while bench.dialogue.deadline_ms is not None:
        bench.now_ms = bench.dialogue.deadline_ms
        bench.dialogue.pass_time(bench.now_ms)
        sent += bench.dialogue.take_bytes()
    assert sent.count(WRITE.to_bytes()) == 1
    slack_ms = sum(event for event in events if isinstance(event, int))
    assert bench.now_ms - began_ms <= 2000 + slack_ms
    assert bench.dialogue.take_outcome() is not None
