"""Sinopec FA in the registry of protocols.

Options: `area` 4 digits, `product` 4 hexadecimal digits, `density` and `terminal`
numbers: what lists, prices and station data name beside their figures. `card_mark` are
the eight digits before the key in the numbers of our own cards.
"""

import re
from collections.abc import Mapping

from cngstation.protocols.dispenser.entry import LineSetup, ProtocolEntry
from cngstation.protocols.dispenser.sinopec.dialogue import CAPABILITIES, LineDialogue
from cngstation.protocols.dispenser.sinopec.dispensers import (
    LARGEST_ADDRESS,
    NOZZLES_PER_ADDRESS,
)
from cngstation.protocols.dispenser.sinopec.downloads import OWN_CARD_MARK, Place
from cngstation.protocols.dispenser.sinopec.frames import START
from cngstation.protocols.dispenser.sinopec.tap import sinopec_tap
from cngstation.protocols.dispenser.sinopec.timing import LineSpeed

_LARGEST_DENSITY = 0xFFFFFFFF


def _dialogue(line: LineSetup) -> LineDialogue:
    return LineDialogue(line.nozzles, LineSpeed(line.baud), _place(line.options))


def _place(options: Mapping[str, int | str]) -> Place:
    unknown = options.keys() - {"area", "card_mark", "product", "density", "terminal"}
    if unknown:
        raise ValueError(f"this protocol has no option {min(unknown)}")
    density, terminal = options.get("density", 0), options.get("terminal", 1)
    if not isinstance(density, int) or not 0 <= density <= _LARGEST_DENSITY:
        raise ValueError("density is a number of 4 bytes")
    if not isinstance(terminal, int) or not 1 <= terminal <= 0xFF:
        raise ValueError("terminal is a number of 1 to 255")
    mark = options.get("card_mark", OWN_CARD_MARK)
    if not (isinstance(mark, str) and re.fullmatch("[0-9]{8}", mark)):
        raise ValueError("card_mark is a text of 8 digits")
    area = _two_bytes("area", options.get("area", "0000"))
    product = _two_bytes("product", options.get("product", "0000"))
    return Place(area, mark, product, density, terminal)


def _two_bytes(name: str, digits: int | str) -> bytes:
    try:
        two = bytes.fromhex(digits) if isinstance(digits, str) else b""
    except ValueError:
        two = b""
    if len(two) != 2:
        raise ValueError(f"{name} is a text of 4 digits")
    return two


def _answer_head(gun: int) -> bytes:
    return bytes([START, 0, gun // NOZZLES_PER_ADDRESS])


ENTRY = ProtocolEntry(
    "Sinopec FA",
    CAPABILITIES,
    _dialogue,
    bauds=(9600, 19200, 38400),
    numbered_by=lambda gun: gun // NOZZLES_PER_ADDRESS,
    guns=range(NOZZLES_PER_ADDRESS + 1, (LARGEST_ADDRESS + 1) * NOZZLES_PER_ADDRESS),
    tap=sinopec_tap,
    answer_head=_answer_head,
)
