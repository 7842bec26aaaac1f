"""The conversation with a GNetPlus reader: late answers, bad ones, and none."""

from cngstation.protocols.card_reader.gnetplus import commands, frames
from cngstation.protocols.card_reader.gnetplus.dialogue import (
    CLEAR_WITHIN_MS,
    Dialogue,
    Refused,
)
from cngstation.protocols.card_reader.gnetplus.frames import Frame
from cngstation.protocols.card_reader.outcomes import Answered, Unanswered

BLOCK = bytes(range(16))
OTHER = bytes(16)


def done(data: bytes = b"") -> bytes:
    """Return what a reader says that did it."""
    return Frame(frames.DONE, data).to_bytes()


def refused(reason: int) -> bytes:
    """Return what a reader says that did not."""
    return Frame(frames.REFUSED, bytes([reason])).to_bytes()


def echo(number: int) -> bytes:
    """Return the echo command with a number."""
    return commands.echo(number.to_bytes(2, "big")).frame.to_bytes()


def cleared() -> Dialogue:
    """Return a dialogue whose line is clear."""
    talk = Dialogue()
    talk.ask(commands.version(), 0)
    assert talk.take_bytes() == echo(1)
    talk.receive(done(b"\0\1"), 1)
    assert talk.take_bytes() == commands.version().frame.to_bytes()
    talk.receive(done(b"v"), 2)
    assert talk.take_outcome() == Answered(b"v")
    return talk


def asked(talk: Dialogue, command: commands.Command, now_ms: int = 10) -> None:
    """Begin a command on a clear line."""
    talk.ask(command, now_ms)
    assert talk.take_bytes() == command.frame.to_bytes()


def test_an_answer_ends_the_command() -> None:
    """Done with data, or refused with a reason."""
    talk = cleared()
    asked(talk, commands.read_block(4))
    talk.receive(done(BLOCK), 20)
    assert talk.take_outcome() == Answered(BLOCK)
    asked(talk, commands.read_block(4))
    talk.receive(refused(commands.NO_CARD), 20)
    assert talk.take_outcome() == Refused(commands.NO_CARD)
    assert talk.deadline_ms is None


def test_a_late_answer_is_never_that_of_the_next_command() -> None:
    """The block that comes too late is dropped with all before the echo."""
    talk = cleared()
    asked(talk, commands.read_block(4))
    talk.pass_time(510)
    assert talk.take_bytes() == echo(2)
    talk.receive(done(OTHER) + done(b"\0\1") + done(b"\0\2"), 520)
    assert talk.take_bytes() == commands.read_block(4).frame.to_bytes()
    talk.receive(done(BLOCK), 530)
    assert talk.take_outcome() == Answered(BLOCK)


def test_a_reader_that_knows_no_echo_is_clear_too() -> None:
    """Only the echo can be a command that it does not know."""
    talk = cleared()
    asked(talk, commands.read_block(4))
    talk.pass_time(510)
    talk.take_bytes()
    talk.receive(refused(commands.NO_CARD) + refused(commands.BAD_COMMAND), 520)
    assert talk.take_bytes() == commands.read_block(4).frame.to_bytes()


def test_a_write_is_sent_once() -> None:
    """Silence after a write: the line is cleared, the write is not repeated."""
    talk = cleared()
    asked(talk, commands.write_block(4, BLOCK))
    talk.pass_time(510)
    assert talk.take_bytes() == echo(2)
    talk.receive(done(b"\0\2"), 520)
    assert talk.take_bytes() == b""
    assert talk.take_outcome() == Unanswered()
    assert talk.command_sent


def test_a_write_that_was_not_understood_is_told_again_once() -> None:
    """The reader's own checksum was wrong: it has done nothing."""
    talk = cleared()
    asked(talk, commands.write_block(4, BLOCK))
    talk.receive(refused(commands.BAD_CRC), 20)
    assert talk.take_bytes() == commands.write_block(4, BLOCK).frame.to_bytes()
    talk.receive(refused(commands.BAD_CRC), 30)
    assert talk.take_outcome() == Refused(commands.BAD_CRC)


def test_garbage_and_wrong_lengths_are_no_answers() -> None:
    """Fifteen bytes are no block; after two tries it is given up."""
    talk = cleared()
    asked(talk, commands.read_block(4))
    talk.receive(done(BLOCK[:15]), 20)
    assert talk.take_bytes() == echo(2)
    talk.receive(done(b"\0\2"), 30)
    talk.take_bytes()
    spoilt = bytearray(done(BLOCK))
    spoilt[-1] ^= 1
    talk.receive(bytes(spoilt), 40)
    assert talk.take_bytes() == echo(3)
    talk.receive(done(b"\0\3"), 50)
    assert talk.take_outcome() == Unanswered()


def test_a_reader_that_is_silent_for_good() -> None:
    """No answer, no echo: unanswered, and the next command clears first."""
    talk = cleared()
    asked(talk, commands.read_block(4))
    talk.pass_time(510)
    talk.take_bytes()
    talk.pass_time(510 + CLEAR_WITHIN_MS)
    assert talk.take_outcome() == Unanswered()
    talk.ask(commands.read_block(4), 5_000)
    assert talk.take_bytes() == echo(3)


def test_events_are_not_answers() -> None:
    """A card that comes is told of by the reader by itself."""
    talk = cleared()
    asked(talk, commands.request())
    talk.receive(Frame(frames.EVENT, b"I").to_bytes(), 20)
    assert talk.take_outcome() is None
    talk.receive(done(b"\x04\x00"), 30)
    assert talk.take_outcome() == Answered(b"\x04\x00")


def test_a_cancelled_command_clears_the_line() -> None:
    """Its answer may still come."""
    talk = cleared()
    asked(talk, commands.read_block(4))
    talk.abandon()
    talk.ask(commands.read_block(5), 30)
    assert talk.take_bytes() == echo(2)
    talk.receive(done(OTHER), 40)
    assert talk.take_outcome() is None


def test_what_comes_with_the_echo_does_not_answer_the_command() -> None:
    """Bytes that were there before the command was sent are not its answer."""
    talk = Dialogue()
    talk.ask(commands.read_block(4), 0)
    talk.take_bytes()
    talk.receive(done(b"\0\1") + done(OTHER), 1)
    assert talk.take_outcome() is None
