"""The purse on our DESFire card, as a dispenser reads and writes it.

Application 434E47, key 2 is the dispenser's: AN10922 of UID, 434E47, "CNG" and 02.
File 1 is a value, file 2 a record of 48 bytes as in a MIFARE slot, file 3 the info of
48 bytes; 1 and 2 change in one transaction. The value is the balance of the record,
below zero where a fill adds to what is owed: a dispenser can debit and never credit.
This is the layout's second, independent reading.
"""

from typing import Any

from cngstation.simulators.purse_on_card import (
    CardInfo,
    CardRefused,
    CardTorn,
    Purse,
    decode_info,
    decode_purse,
    diversify,
    encode_purse,
)
from cngstation.simulators.virtual_desfire import DesfireInField, Image

APPLICATION = "434e47"
_DISPENSER = 2
_VALUE, _RECORD, _INFO = "1", "2", "3"


def application_key(master: bytes, uid: bytes, key_no: int) -> bytes:
    """Return a key of our application on a card."""
    return diversify(
        master, uid + bytes.fromhex(APPLICATION) + b"CNG" + bytes([key_no])
    )


def read_purse(master: bytes, card: DesfireInField) -> Purse:
    """Return the purse of a card.

    Raises:
        CardRefused: `not_ours` without our key, `mac` when the record is none of ours,
            `value` when it says another balance than the value file.
    """
    files = _opened(master, card, card.image)
    purse = decode_purse(master, card.uid, _blocks(files[_RECORD]), 0)
    if purse is None:
        raise CardRefused("mac")
    if files[_VALUE]["value"] != _value_of(purse):
        raise CardRefused("value")
    return purse


def read_info(master: bytes, card: DesfireInField) -> CardInfo:
    """Return whose card it is.

    Raises:
        CardRefused: `not_ours` without our key, `info_mac` when its MAC is wrong.
    """
    files = _opened(master, card, card.image)
    return decode_info(master, card.uid, _blocks(files[_INFO]))


def write_purse(
    master: bytes, card: DesfireInField, purse: Purse, *, tear_after: int | None = None
) -> None:
    """Debit the value and write the record in one transaction; read it back.

    Raises:
        CardTorn: the card left before the commit, or reads back otherwise.
        CardRefused: `credit` where a dispenser would have to add.
    """
    blocks = encode_purse(master, card.uid, purse)
    if tear_after is not None and tear_after < len(blocks):
        raise CardTorn
    image = card.changed()
    files = _opened(master, card, image)
    if _value_of(purse) > files[_VALUE]["value"]:
        raise CardRefused("credit")
    files[_VALUE]["value"] = _value_of(purse)
    files[_RECORD]["data"] = b"".join(blocks).hex()
    card.store(image)
    written = _opened(master, card, card.image)
    if _blocks(written[_RECORD]) != blocks:
        raise CardTorn


def _value_of(purse: Purse) -> int:
    return purse.balance if purse.is_stored_value else -purse.balance


def _opened(master: bytes, card: DesfireInField, image: Image) -> dict[str, Any]:
    """Return the files of our application, when the dispenser's key is ours."""
    application = image["applications"].get(APPLICATION)
    keys = application["keys"] if application else []
    ours = application_key(master, card.uid, _DISPENSER).hex()
    if len(keys) <= _DISPENSER or keys[_DISPENSER][0] != ours:
        raise CardRefused("not_ours")
    files: dict[str, Any] = application["files"]
    return files


def _blocks(file: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    data = bytes.fromhex(file["data"])
    return data[:16], data[16:32], data[32:]
