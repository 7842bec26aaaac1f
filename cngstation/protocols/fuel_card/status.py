"""Status words with which the fuel trade's CPU card ends an answer."""

from cngstation.errors import DeviceReported

DONE = 0x9000
CONDITIONS = 0x6985
NO_SUCH_FILE = 0x6A82
NO_SUCH_RECORD = 0x6A83
CODE_REFUSED = 0x9302
NOT_AVAILABLE = 0x9406
_TRIES_LEFT = 0x63C0

MEANINGS = {
    0x6581: "its memory failed",
    0x6700: "the length of the command is wrong",
    0x6981: "the command does not fit the file",
    0x6982: "the password was not given",
    0x6983: "its password is blocked",
    CONDITIONS: "its state does not allow this, as when it is grey",
    0x6988: "the code of the command is wrong: another key",
    0x6A80: "the data of the command is wrong",
    0x6A81: "it does not know this function",
    NO_SUCH_FILE: "it has no such file or application",
    NO_SUCH_RECORD: "it has no such record",
    0x6A86: "the parameters are wrong",
    0x6D00: "it does not know this command",
    0x6E00: "it does not know this class of commands",
    CODE_REFUSED: "the code is wrong: another key",
    0x9303: "its application is blocked for ever",
    0x9401: "its balance is too small",
    0x9402: "its counter is at its end",
    0x9403: "it has no such key",
    NOT_AVAILABLE: "it has no proof of that transaction",
}


class FuelCardReported(DeviceReported):
    """The card answered with an error; it carried nothing out."""

    code = "fuel_card.reported"

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(
            device="The card", reported=f"{status:04X}h", meaning=_meaning(status)
        )


def _meaning(status: int) -> str:
    if status & 0xFFF0 == _TRIES_LEFT:
        return f"the password is wrong, {status & 0xF} tries are left"
    return MEANINGS.get(status, "a code that no table has")
