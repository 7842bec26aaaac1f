"""What a technician asks of the card reader's service: how the reader is."""

from cngstation.rpc.contract.figures import Word
from cngstation.rpc.method import Message, Method, Text
from cngstation.rpc.session import Nothing


class ReaderSight(Message):
    """The reader as its service sees it; times in microseconds.

    `place` is its port, or its name in the PC/SC service. `why` is the driver's own
    reason, empty while it answers; `has_card` whether a card lies on it.
    """

    kind: Word
    place: Text
    is_online: bool
    firmware: Text
    why: Text
    answer_us: int
    has_card: bool


# No right: it is asked on the station itself while nobody is logged in, and tells
# nothing of a card.
READER_SIGHT = Method("reader.sight", Nothing, ReaderSight, None, changes=False)
READER_METHODS = (READER_SIGHT,)
