"""The PN532's own error codes, in words, and what each says about a card.

Source: the error table of the public driver nfcpy; the chip manual was not compared
(UNVERIFIED).
"""

from cngstation.errors import DeviceReported

ERROR_BITS = 0x3F
MORE_FOLLOWS = 0x40

TIMEOUT = 0x01
CARD_SAID_NO = 0x13
AUTHENTICATION = 0x14
SYNTAX = 0x7F

MEANINGS = {
    0x01: "the card did not answer in time",
    0x02: "checksum error between reader and card",
    0x03: "parity error between reader and card",
    0x04: "wrong number of bits from the card",
    0x05: "framing error of the MIFARE card",
    0x06: "several cards answered at once",
    0x07: "the reader's buffer is too small",
    0x09: "the reader's radio buffer overflowed",
    0x0A: "the radio field was not switched on in time",
    0x0B: "radio protocol error",
    0x0D: "the reader is too hot and has switched its field off",
    0x0E: "the reader's internal buffer overflowed",
    0x10: "invalid parameter",
    0x12: "command not supported in data exchange",
    0x13: "format error in data exchange, as when the card says no",
    0x14: "the card refused the key",
    0x23: "check byte of the card's number is wrong",
    0x25: "wrong state for data exchange",
    0x26: "operation not allowed in this configuration",
    0x27: "command not acceptable now: no card is selected",
    0x29: "the card has been released",
    0x2A: "the card's number has changed",
    0x2B: "the card has disappeared",
    0x2C: "the card's long number does not fit",
    0x2D: "over-current in the reader",
    0x2E: "the card's node address is missing",
    0x7F: "the reader did not understand the command",
}

# The card does not answer any more, or none is selected.
CARD_IS_GONE = frozenset({0x01, 0x0A, 0x27, 0x29, 0x2B})

# The chip refuses these before it uses its field. After any other code the card
# may have stored a block although its acknowledgement was lost.
REFUSED_BEFORE_FIELD = frozenset({0x10, 0x26, 0x27, 0x7F})


class ChipReported(DeviceReported):
    """The PN532 answered with an error code."""

    code = "pn532.reported"

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(
            device="The card reader",
            reported=f"{status:02X}h",
            meaning=MEANINGS.get(status, "a code that no table has"),
        )


def check_status(status: int) -> None:
    """Accept a status byte that says that all went well.

    Raises:
        ChipReported: it says anything else.
    """
    if status & ERROR_BITS:
        raise ChipReported(status & ERROR_BITS)
