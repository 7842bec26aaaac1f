"""How a receiver with wrong settings reads: against the simulators' own reckoning."""

import random

import pytest

from cngstation.protocols.wave import Format, read_as
from cngstation.simulators.uart import UartSetting, delivered

NAMES = {"N": "none", "E": "even", "O": "odd"}


def _pair(baud: int, parity: str) -> tuple[Format, UartSetting]:
    return Format(baud, parity), UartSetting(baud, NAMES[parity])


@pytest.mark.parametrize("parity", "NEO")
def test_the_right_settings_read_what_was_sent(parity: str) -> None:
    """All but the last bytes, whose end depends on what follows."""
    same, _setting = _pair(9_600, parity)
    data = bytes(range(256))
    assert data.startswith(read_as(data, same, same))
    assert len(read_as(data, same, same)) >= 255


@pytest.mark.parametrize(
    ("sent", "read", "swapped"),
    [
        ((9_600, "N"), (38_400, "N"), False),
        ((38_400, "N"), (9_600, "N"), False),
        ((19_200, "N"), (9_600, "N"), False),
        ((9_600, "E"), (9_600, "N"), False),
        ((9_600, "O"), (9_600, "N"), False),
        ((9_600, "N"), (9_600, "N"), True),
    ],
)
def test_wrong_settings_read_alike_in_two_reckonings(
    sent: tuple[int, str], read: tuple[int, str], swapped: bool
) -> None:
    """The beginning of an answer is the same in ours and in the simulators'."""
    (our_sent, their_sent), (our_read, their_read) = _pair(*sent), _pair(*read)
    chance, misread = random.Random(8), 0
    for _answer in range(300):
        data = chance.randbytes(8)
        ours = read_as(data, our_sent, our_read, swapped=swapped)
        theirs = delivered(data, their_sent, their_read, swapped=swapped)
        assert theirs.startswith(ours)
        misread += ours != data[: len(ours)]
    assert misread > 100
