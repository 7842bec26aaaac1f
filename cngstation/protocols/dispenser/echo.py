"""An adapter on a two-wire line may hand back what we send: told and taken off here.

An answer can be the request byte for byte (a register written, a command confirmed).
Whether the line echoes is therefore learned where no answer repeats its request.
"""


class EchoFilter:
    """Takes our own bytes off the front of what is heard after a transmission."""

    def __init__(self) -> None:
        self._expected = b""
        self._held = bytearray()
        self._may_be_answer = False
        self._line_echoes = False
        self._count = 0

    def sent(self, data: bytes, *, may_be_answer: bool) -> None:
        """Expect these bytes back; `may_be_answer` if an answer may equal them."""
        self._expected = data
        self._held.clear()
        self._may_be_answer = may_be_answer

    def strip(self, data: bytes) -> bytes:
        """Return what is not our own echo, as soon as that can be told."""
        if not self._expected:
            return data
        self._held += data
        size = min(len(self._held), len(self._expected))
        if self._held[:size] != self._expected[:size]:
            if not self._may_be_answer:
                self._line_echoes = False
            return self._release(0)
        if size < len(self._expected):
            return b""
        if self._may_be_answer and not self._line_echoes:
            return self._release(0)
        self._line_echoes = True
        self._count += 1
        return self._release(size)

    def take_count(self) -> int:
        """Return how many echoes were taken off since the last call."""
        count, self._count = self._count, 0
        return count

    def _release(self, start: int) -> bytes:
        heard = bytes(self._held[start:])
        self._held.clear()
        self._expected = b""
        return heard
