"""A session of libfreefare with a DESFire card: `python -m tests.e2e.freefare_session`.

Arguments: application (3 bytes), key number, key, and what is debited or, below zero,
credited; bytes in hexadecimal. The reader is that of LIBNFC_DEFAULT_DEVICE. Prints what
it saw as one JSON line. It runs in a process of its own because the library keeps the
port.
"""

import ctypes
import json
import sys
from typing import Any

VALUE_FILE, RECORD_FILE, RECORD_BYTES = 1, 2, 48
MACED = 1


class Freefare:
    """The library, with the first card that it finds."""

    def __init__(self) -> None:
        self._nfc = ctypes.CDLL("libnfc.so.6")
        self._lib = ctypes.CDLL("libfreefare.so.0")
        for name in ("freefare_get_tags", "mifare_desfire_aid_new",
                     "mifare_desfire_aes_key_new_with_version"):  # fmt: skip
            getattr(self._lib, name).restype = ctypes.c_void_p
        self._nfc.nfc_open.restype = ctypes.c_void_p
        self._lib.freefare_get_tag_uid.restype = ctypes.c_char_p
        self._lib.freefare_get_tag_friendly_name.restype = ctypes.c_char_p
        context = ctypes.c_void_p()
        self._nfc.nfc_init(ctypes.byref(context))
        self._device = ctypes.c_void_p(self._nfc.nfc_open(context, None))
        tags = self._lib.freefare_get_tags(self._device)
        self.tag = ctypes.c_void_p(ctypes.c_void_p.from_address(tags).value)

    def text(self, name: str) -> str:
        """Return a text about the card."""
        found: bytes = getattr(self._lib, name)(self.tag)
        return found.decode()

    def made(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        """Return a new object of the library."""
        return ctypes.c_void_p(getattr(self._lib, name)(*arguments))

    def do(self, name: str, *arguments: Any) -> int:
        """Do something with the card.

        Raises:
            ChildProcessError: the library says that it failed.
        """
        answer: int = getattr(self._lib, "mifare_desfire_" + name)(self.tag, *arguments)
        if answer < 0:
            code = self._lib.mifare_desfire_last_picc_error(self.tag)
            raise ChildProcessError(f"{name}: {code & 0xFF:02x}")
        return answer

    def close(self) -> None:
        """Let go of the reader."""
        self._nfc.nfc_close(self._device)


def session(application: bytes, key_no: int, key: bytes, debit: int) -> dict[str, Any]:
    """Show a key, read value and record, move the value and commit, read it again."""
    card = Freefare()
    try:
        card.do("connect")
        number = ctypes.c_uint32(int.from_bytes(application, "little"))
        card.do("select_application", card.made("mifare_desfire_aid_new", number))
        made = card.made(
            "mifare_desfire_aes_key_new_with_version", key, ctypes.c_uint8(1)
        )
        card.do("authenticate_aes", ctypes.c_uint8(key_no), made)
        value, record = ctypes.c_int32(), ctypes.create_string_buffer(RECORD_BYTES + 9)
        file, size = ctypes.c_uint8(RECORD_FILE), ctypes.c_size_t(RECORD_BYTES)
        start = ctypes.c_long(0)
        seen: dict[str, Any] = {
            "uid": card.text("freefare_get_tag_uid"),
            "name": card.text("freefare_get_tag_friendly_name"),
        }
        of_value = ctypes.c_uint8(VALUE_FILE)
        card.do("get_value_ex", of_value, ctypes.byref(value), MACED)
        card.do("read_data_ex", file, start, size, record, MACED)
        seen |= {"value": value.value, "record": record.raw[:RECORD_BYTES].hex()}
        card.do("write_data_ex", file, start, size, record, MACED)
        move = "debit_ex" if debit > 0 else "credit_ex"
        card.do(move, of_value, ctypes.c_int32(abs(debit)), MACED)
        card.do("commit_transaction")
        card.do("get_value_ex", of_value, ctypes.byref(value), MACED)
        seen["value_after"] = value.value
    finally:
        card.close()
    return seen


if __name__ == "__main__":
    given = sys.argv[1:]
    try:
        said: dict[str, Any] = session(
            bytes.fromhex(given[0]),
            int(given[1]),
            bytes.fromhex(given[2]),
            int(given[3]),
        )
    except ChildProcessError as error:
        said = {"error": str(error)}
    sys.stdout.write(json.dumps(said) + "\n")
