"""What a receipt printer says of itself: the four answers to DLE EOT, decoded.

    bit        7   6      5         4   3        2      1   0
    all        0   .      .         1   .        .      1   0     marks a state byte
    n=1            button waiting       offline  drawer           printer
    n=2            error  paper end     button   cover            why off line
    n=3            heat   fatal         knife    jam              errors
    n=4            out    out           near     near             paper sensors

Source: Epson ESC/POS command reference, DLE EOT.
"""

from dataclasses import dataclass

from cngstation.errors import RemoteProtocolError

_MARK_MASK, _MARK = 0b1001_0011, 0b0001_0010
_REPORT_MASK = 0b1001_0000  # the answer to GS r has neither bit; XON and XOFF have one

_OFFLINE = 0b0000_1000
_COVER_OPEN = 0b0000_0100
_STOPPED_BY_PAPER_END = 0b0010_0000
_STOPPED_BY_ERROR = 0b0100_0000
_ANY_ERROR = 0b0110_1100
_NEAR_END = 0b0000_1100
_PAPER_OUT = 0b0110_0000


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """The state of a printer at one moment."""

    offline: bool
    cover_open: bool
    paper_near_end: bool
    paper_out: bool
    error: bool

    @property
    def can_print(self) -> bool:
        """Tell whether a slip sent now would come out."""
        return not (self.offline or self.cover_open or self.paper_out or self.error)


def is_state_byte(value: int) -> bool:
    """Tell an answer to DLE EOT from anything else that a printer may send."""
    return value & _MARK_MASK == _MARK


def is_printed_report(value: int) -> bool:
    """Tell an answer to GS r 1, which comes in turn behind what was printed."""
    return value & _REPORT_MASK == 0


def decode_status(
    printer: int, offline_cause: int, error_cause: int, paper: int
) -> PrinterStatus:
    """Read the answers to DLE EOT 1 to 4.

    Raises:
        RemoteProtocolError: one of them is no state byte.
    """
    for value in (printer, offline_cause, error_cause, paper):
        if not is_state_byte(value):
            raise RemoteProtocolError(why=f"{value:02X}h as the printer's state")
    return PrinterStatus(
        offline=bool(printer & _OFFLINE),
        cover_open=bool(offline_cause & _COVER_OPEN),
        paper_near_end=bool(paper & _NEAR_END),
        paper_out=bool(paper & _PAPER_OUT or offline_cause & _STOPPED_BY_PAPER_END),
        error=bool(offline_cause & _STOPPED_BY_ERROR or error_cause & _ANY_ERROR),
    )
