"""How a command to a card reader can end, whatever protocol it speaks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """The reader carried the command out; `data` is what it says, unread."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No good answer after all tries; the command may have been carried out."""
