"""Receipts as bytes: golden job, and no text that becomes a command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.receipt.escpos_bytes import (
    BOLD_OFF,
    BOLD_ON,
    CHINESE_ON,
    CUT,
    INIT,
    LARGEST_SLIP_BYTES,
    LEFT,
    LINE_FEED,
    REPORT_WHEN_PRINTED,
    Ask,
    slip_bytes,
    status_request,
    text_bytes,
)
from cngstation.protocols.receipt.slip import Line, Row, Slip, render

ATTACKS = {
    "drawer kick": "\x1bp\x00\x32\x32",
    "drawer kick in real time": "\x10\x14\x01\x00\x01",
    "cut": "\x1dV\x00",
    "reset": "\x1b@",
    "second currency": "\x1c.",
    "C1 as control": "\x9bp",
    "line feed": "a\nb",
    "status": "\x10\x04\x01",
    "delete": "\x7f",
    "halves of a character": "\udc1b\udc70",
}
FRAMING = (INIT, CHINESE_ON, LEFT, BOLD_ON, BOLD_OFF, LINE_FEED, CUT)


def _text_of(job: bytes) -> bytes:
    """Strip the commands that a slip consists of; what is left came from texts."""
    for command in (CUT, INIT, CHINESE_ON, LEFT, BOLD_ON, BOLD_OFF, LINE_FEED):
        job = job.replace(command, b"")
    return job


def test_golden_job() -> None:
    """A slip of two lines is these bytes."""
    job = slip_bytes([Line("金额 1.00  ", bold=True), Line("end")])
    assert job == bytes.fromhex(
        "1b40 1c26 1b6100 1b4500"  # init, Chinese, left, not bold
        "1b4501 bdf0b6ee20312e3030 0a"  # bold, 金额 1.00
        "1b4500 656e64 0a"
        "1b4500 0a0a0a0a0a 1d5601"  # feed, cut
    )


def test_golden_requests() -> None:
    """State is asked for by DLE EOT 1 to 4, the end of a slip by GS r 1."""
    asked = b"".join(status_request(ask) for ask in Ask)
    assert asked == bytes.fromhex("100401 100402 100403 100404")
    assert bytes.fromhex("1d7201") == REPORT_WHEN_PRINTED


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize(
    "place", ["title", "issuer", "part", "copy_mark", "label", "value", "footer"]
)
def test_no_field_carries_a_command(place: str, attack: str) -> None:
    """A control sequence in any field of a slip reaches the printer as signs."""
    texts = dict.fromkeys(("title", "issuer", "part", "copy_mark"), "")
    row = {"label": "l", "value": "v"}
    footer = ("f",)
    if place in texts:
        texts[place] = attack
    elif place in row:
        row[place] = attack
    else:
        footer = (attack,)
    slip = Slip(rows=(Row(**row),), footer=footer, **texts)
    left = _text_of(slip_bytes(render(slip, 32)))
    assert all(byte >= 0x20 and byte != 0x7F for byte in left)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_line_that_was_not_rendered_is_cleaned_too(attack: str) -> None:
    """The byte stage does not trust the rendering before it."""
    left = _text_of(slip_bytes([Line(attack)]))
    assert all(byte >= 0x20 and byte != 0x7F for byte in left)


@given(st.text())
def test_no_text_has_a_control_byte(text: str) -> None:
    """Whatever the text, each of its bytes is printable to an ESC/POS printer."""
    assert all(byte >= 0x20 and byte != 0x7F for byte in text_bytes(text))


def test_no_character_at_all_has_a_control_byte() -> None:
    """Every code point of Unicode encodes without a control byte."""
    for start in range(0, 0x110000, 128):
        encoded = text_bytes("".join(map(chr, range(start, start + 128))))
        assert min(encoded) >= 0x20
        assert 0x7F not in encoded


def test_a_slip_of_any_size_is_not_sent() -> None:
    """A slip beyond the bound is a fault of ours, not a metre of paper."""
    with pytest.raises(LocalProtocolError):
        slip_bytes([Line("x" * 200)] * (LARGEST_SLIP_BYTES // 200))
