"""What a printer says of itself, bit by bit."""

import pytest

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.receipt.printer_status import (
    PrinterStatus,
    decode_status,
    is_printed_report,
    is_state_byte,
)

WELL = PrinterStatus(
    offline=False, cover_open=False, paper_near_end=False, paper_out=False, error=False
)


@pytest.mark.parametrize(
    ("answers", "true"),
    [
        ("12121212", set()),
        ("16121212", set()),  # the drawer's contact is nobody's business
        ("1a121212", {"offline"}),
        ("1a161212", {"offline", "cover_open"}),
        ("1a321212", {"offline", "paper_out"}),
        ("1212121e", {"paper_near_end"}),
        ("1232127e", {"paper_near_end", "paper_out"}),
        ("12521212", {"error"}),
        ("12121612", {"error"}),  # jam
        ("12121a12", {"error"}),  # knife
        ("12123212", {"error"}),  # not to be mended
        ("12125212", {"error"}),  # too hot
    ],
)
def test_answers(answers: str, true: set[str]) -> None:
    """Each documented bit sets its claim and no other."""
    status = decode_status(*bytes.fromhex(answers))
    assert {name for name in WELL.__slots__ if getattr(status, name)} == true
    assert status.can_print is not bool(true - {"paper_near_end"})


@pytest.mark.parametrize("value", [0x00, 0x11, 0x13, 0x92, 0xFF])
def test_other_bytes_are_no_state(value: int) -> None:
    """A byte without the fixed bits is refused in every place."""
    assert not is_state_byte(value)
    for place in range(4):
        answers = [0x12] * 4
        answers[place] = value
        with pytest.raises(RemoteProtocolError):
            decode_status(*answers)


def test_the_three_kinds_of_bytes_are_told_apart() -> None:
    """State, report and flow control never look like each other."""
    for value in range(256):
        assert not (is_state_byte(value) and is_printed_report(value))
    assert is_printed_report(0x00)
    assert is_printed_report(0x0F)
    assert not is_printed_report(0x11)
    assert not is_printed_report(0x13)
