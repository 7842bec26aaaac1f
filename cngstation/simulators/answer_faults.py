"""Answers in another device's name, whole and with a check that holds."""

from collections.abc import Callable

from cngstation.simulators import (
    compac_dispenser,
    dart_frames,
    sinopec_frames,
    unipump_controller,
)

WRONG_GUN = "wrong_gun"


def of_another(protocol: str, frame: bytes) -> bytes:
    """Return an answer as the device with the next number would have given it."""
    return _REWRITTEN[protocol](frame)


def _dart(frame: bytes) -> bytes:
    other = frame[0] ^ 1
    data = dart_frames.unpack(frame) if len(frame) > 3 else None
    if data is None:
        return bytes([other]) + frame[1:]
    return dart_frames.data_block(other, frame[1] & 0xF, data)


def _lanfeng(frame: bytes) -> bytes:
    return bytes([frame[0] % 255 + 1]) + frame[1:]  # the check leaves it out


def _sinopec(frame: bytes) -> bytes:
    head = bytearray(frame[:6])
    head[2] = head[2] % 0xF0 + 1
    return sinopec_frames.sealed(bytes(head), frame)


def _compac(frame: bytes) -> bytes:
    return compac_dispenser.sealed(bytes([frame[0] % 247 + 1]) + frame[1:-2])


def _unipump(frame: bytes) -> bytes:
    body = unipump_controller.unframed(frame)
    return unipump_controller.framed(bytes([body[0] + 1]) + body[1:])


_REWRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "dart": _dart,
    "lanfeng": _lanfeng,
    "sinopec": _sinopec,
    "compac": _compac,
    "unipump": _unipump,
}
