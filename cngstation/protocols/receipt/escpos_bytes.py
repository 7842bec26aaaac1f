"""Lines of a slip as ESC/POS bytes, and the requests for a printer's state.

    ESC @ | FS & | ESC a 0 | ESC E n, text, LF ... | LF x 5 | GS V 1 | GS r 1
    init    GB18030 left     bold off/on             feed     cut      report

DLE EOT n is answered at once, whatever is still to be printed; GS r n waits its
turn behind the text, so that its answer says that the slip was printed.

Nothing of a line can be a command: `paper_text` lets no control character pass,
and no byte of a GB18030 character is below 0x30. A drawer cannot be opened by a name.

Source: Epson ESC/POS command reference (ESC @, ESC E, ESC a, GS V, GS r, DLE EOT);
FS & and GB18030 text: programmer's manuals of SPRT and other Chinese makes.
UNVERIFIED: that every clone answers GS r in turn.
"""

from collections.abc import Iterable
from enum import IntEnum

from escpos import constants

from cngstation.errors import LocalProtocolError
from cngstation.protocols.receipt.paper import paper_text
from cngstation.protocols.receipt.slip import Line

# Ten times the longest slip in use (a day's closing, 60 rows); more is our fault.
LARGEST_SLIP_BYTES = 32 * 1024

INIT: bytes = constants.HW_INIT
CHINESE_ON: bytes = constants.FS + b"&"
LEFT: bytes = constants.TXT_STYLE["align"]["left"]
BOLD_ON: bytes = constants.TXT_STYLE["bold"][True]
BOLD_OFF: bytes = constants.TXT_STYLE["bold"][False]
LINE_FEED: bytes = constants.CTL_LF
# The knife stands about 4 lines behind the head: feed first, or it cuts the footer.
CUT: bytes = LINE_FEED * 5 + constants.PAPER_PART_CUT
REPORT_WHEN_PRINTED: bytes = constants.GS + b"r\x01"


class Ask(IntEnum):
    """The n of DLE EOT n."""

    PRINTER = 1
    OFFLINE_CAUSE = 2
    ERROR_CAUSE = 3
    PAPER = 4


def status_request(ask: Ask) -> bytes:
    """Return the bytes that ask for one state byte, answered out of turn."""
    request: bytes = constants.RT_STATUS + bytes([ask])
    return request


def text_bytes(text: str) -> bytes:
    """Encode text for paper; whatever could be a command has become a sign."""
    return paper_text(text).encode("gb18030")


def slip_bytes(lines: Iterable[Line]) -> bytes:
    """Return what prints and cuts one slip.

    Raises:
        LocalProtocolError: the slip is larger than any slip can be.
    """
    job = bytearray(INIT + CHINESE_ON + LEFT + BOLD_OFF)
    bold = False
    for line in lines:
        if line.bold is not bold:
            bold = line.bold
            job += BOLD_ON if bold else BOLD_OFF
        # Padding is left out: a full line feeds twice on some makes.
        job += text_bytes(line.text).rstrip(b" ") + LINE_FEED
    job += BOLD_OFF + CUT
    if len(job) > LARGEST_SLIP_BYTES:
        raise LocalProtocolError(why=f"a slip of {len(job)} bytes")
    return bytes(job)
