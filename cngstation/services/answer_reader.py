"""Answers how the card reader is."""

from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract.reader import READER_SIGHT, ReaderSight
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.counter_parts import CounterParts


class ReaderAnswers:
    """The handler of the reader's part of the contract."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, handlers: Handlers) -> None:
        """Add a handler for each method."""
        handlers.add(READER_SIGHT, self.sight)

    async def sight(self, _: Nothing, call: CallContext) -> ReaderSight:
        """Return the reader as the watch saw it last."""
        file, seen = self._parts.file, self._parts.watch.seen
        return ReaderSight(
            kind=file.reader.kind if file else "",
            place=(file.reader.port or file.reader.name) if file else "",
            is_online=seen.is_online,
            firmware=seen.firmware,
            why=seen.why,
            answer_us=seen.answer_us,
            has_card=seen.has_card,
        )
