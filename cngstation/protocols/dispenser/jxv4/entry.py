"""JX-V4 in the registry of protocols.

variant                  "own" (default) or "petrochina": the adapter to IFSF
preset_quantity_code     0 to 255: how the adapter's 70H names a quantity
preset_amount_code       0 to 255: how it names an amount
price_ahead              1: it keeps a price table until the table's time; 0 (default):
                         it is sent one when its time has come. UNVERIFIED what a
                         firmware does with a table that lies ahead: ask its maker
"""

from collections.abc import Mapping
from dataclasses import replace

from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.entry import LineSetup, ProtocolEntry
from cngstation.protocols.dispenser.jxv4.dialogue import BusDialogue
from cngstation.protocols.dispenser.jxv4.frames import Command, Sender, conceal
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.tap import jx_tap
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from cngstation.protocols.dispenser.jxv4.variant import (
    OWN,
    PresetCodes,
    Variant,
    petrochina,
)

CAPABILITIES = frozenset(
    {
        Capability.POLL,
        Capability.LOCK,
        Capability.PRICE,
        Capability.PRICE_LEVELS,
        Capability.LISTS,
        Capability.GREY,
        Capability.REREAD,
        Capability.SHIFT,
        Capability.TOTALS,
        Capability.IDENTITY,
        Capability.PARAMETER_AUDIT,
        Capability.CARD_CHECK,
    }
)
PETROCHINA = "petrochina"
PETROCHINA_CAPABILITIES = CAPABILITIES - {Capability.LISTS} | {
    Capability.AUTHORISE,
    Capability.PRESET,
    Capability.STOP,
}
_AHEAD = "price_ahead"
_PRESET_CODES = {
    "preset_quantity_code": "quantity",
    "preset_amount_code": "amount",
}


def _dialogue(line: LineSetup) -> BusDialogue:
    nozzles = [NozzleSettings(n.gun, {n.unit_code: n.unit}) for n in line.nozzles]
    return BusDialogue(nozzles, LineSpeed(line.baud), _variant(line.options))


def _variant(options: Mapping[str, int | str]) -> Variant:
    name = options.get("variant", "own")
    if name not in ("own", PETROCHINA):
        raise ValueError(f"variant {name!r} is neither 'own' nor 'petrochina'")
    ahead = options.get(_AHEAD, 0)
    if ahead not in (0, 1):
        raise ValueError(f"{_AHEAD} is 0 or 1")
    codes: dict[str, int] = {}
    for option, value in options.items():
        if option in ("variant", _AHEAD):
            continue
        if option not in _PRESET_CODES or name != PETROCHINA:
            raise ValueError(f"{option!r} is no option of JX-V4 {name}")
        if not isinstance(value, int) or not 0 <= value <= 255:
            raise ValueError(f"{option} is 0 to 255")
        codes[_PRESET_CODES[option]] = value
    variant = OWN
    if name == PETROCHINA:
        variant = petrochina(_distinct(PresetCodes(**codes)))
    return replace(variant, keeps_prices=ahead == 1)


def _distinct(codes: PresetCodes) -> PresetCodes:
    if len({codes.none, codes.quantity, codes.amount}) < 3:
        raise ValueError("the codes of a preset are 0, one and another one")
    return codes


def _answer_head(gun: int) -> bytes:
    return Sender.DISPENSER.start + bytes([0, gun, Command.STATUS])


ENTRY = ProtocolEntry(
    "JX-V4",
    CAPABILITIES,
    _dialogue,
    variants={PETROCHINA: PETROCHINA_CAPABILITIES},
    switches={_AHEAD: Capability.PRICE_AHEAD},
    conceal=conceal,
    tap=jx_tap,
    answer_head=_answer_head,
)
