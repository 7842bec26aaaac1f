"""What a DESFire card says of a command, in words.

Source: the table of libfreefare and the short data sheet MF3ICDX21_41_81.
"""

from cngstation.errors import DeviceReported

OK = 0x00
KEY_NO_UNKNOWN = 0x40
ILLEGAL_COMMAND = 0x1C
APPLICATION_NOT_FOUND = 0xA0
AUTHENTICATION = 0xAE
MORE_FRAMES = 0xAF

MEANINGS = {
    0x0C: "no change was made since the last commit",
    0x0E: "its memory is full",
    0x1C: "it does not know the command",
    0x1E: "the check of what it was sent does not fit",
    0x40: "it has no key of that number",
    0x7E: "the command has the wrong length",
    0x9D: "its settings do not permit this",
    0x9E: "a value in the command is not allowed",
    0xA0: "it has no such application",
    0xA1: "the application is damaged and cannot be used any more",
    0xAE: "it refused the key, or no key was shown",
    0xAF: "it expects more",
    0xBE: "the end of a file or of a limit would be passed",
    0xC1: "the chip is damaged and switched itself off",
    0xCA: "the command before was not finished",
    0xCD: "the chip has switched itself off",
    0xCE: "it has no room for one more application",
    0xDE: "that file or application is there already",
    0xEE: "its memory failed while it was written",
    0xF0: "it has no such file",
    0xF1: "the file is damaged and cannot be used any more",
}


class CardReported(DeviceReported):
    """The card answered with an error; what it had authenticated is over."""

    code = "desfire.reported"

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(
            device="The card",
            reported=f"{status:02X}h",
            meaning=MEANINGS.get(status, "a code that no table has"),
        )


class CardAnswersWrongly(DeviceReported):
    """The answer is not one that a genuine card with our key gives."""

    code = "desfire.answers_wrongly"
    text = (
        "The card's answer cannot be trusted: {why}. Lay it on the reader again; if it "
        "stays so, keep the card and call the manager."
    )
