"""A session of nfcpy with a PN532: `python -m tests.e2e.nfcpy_session PORT`.

It runs in a process of its own because nfcpy keeps module-wide locks and threads.
Prints what it saw as one JSON line.
"""

import json
import sys

import nfc.clf
import nfc.clf.pn532
import nfc.clf.transport

ANSWER_WITHIN_S = 1.0
KEY = b"\xff" * 6
TEXT = bytes(range(16))


def session(port: str) -> dict[str, object]:
    """Find a card, open sector 1 by key A, read, write and read block 4."""
    device = nfc.clf.pn532.init(nfc.clf.transport.TTY(port))
    try:
        target = device.sense_tta(nfc.clf.RemoteTarget("106A"))
        if target is None:
            return {"uid": None}

        def exchange(command: bytes) -> str:
            data, _more = device.chipset.in_data_exchange(command, ANSWER_WITHIN_S)
            return bytes(data).hex()

        exchange(b"\x60\x04" + KEY + bytes(target.sdd_res))
        before = exchange(b"\x30\x04")
        exchange(b"\xa0\x04" + TEXT)
        return {
            "chip": device.chipset_name,
            "baud": device.chipset.transport.baudrate,
            "uid": bytes(target.sdd_res).hex(),
            "before": before,
            "after": exchange(b"\x30\x04"),
        }
    finally:
        device.close()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(session(sys.argv[1])) + "\n")
