"""The hash chain over every proved row, and the numbers that come from its tip.

    h(n) = SHA-256( 0x00 | h(n-1) | body(n) )

A body is the row as JSON: sorted keys, integers, strings and lists of them only, no
spaces, UTF-8. Verifying makes each body again from the tables.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from cngstation.storage.sqlite import Connection

Body = Mapping[str, Any]


@dataclass(slots=True)  # one is made with every fact, and frozen costs twice as much
class Tip:
    """Where the chain and the gapless numbers stand; never changed in place."""

    epoch: int
    seq: int
    head: bytes
    outbox_seq: int
    receipt_no: int
    card_serial: int


def read_tip(connection: Connection) -> Tip:
    """Read the tip; inside a write transaction it is the truth until commit."""
    row = connection.execute(
        "SELECT epoch, seq, head, outbox_seq, receipt_no, card_serial FROM tip"
    ).fetchone()
    return Tip(*row)


def write_tip(connection: Connection, tip: Tip) -> None:
    """Store the tip."""
    connection.execute(
        "UPDATE tip SET epoch=?, seq=?, head=?, outbox_seq=?, receipt_no=?,"
        " card_serial=?",
        (
            tip.epoch, tip.seq, tip.head, tip.outbox_seq, tip.receipt_no,
            tip.card_serial,
        ),
    )  # fmt: skip


def canonical(body: Body) -> str:
    """Write a body in the one form that is hashed.

    Raises:
        TypeError: something in it is no integer, text or list of them.
    """
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()


def fact_text(
    kind: str, ref: str, epoch: int, seq: int, body: Body, *, with_life: bool = True
) -> bytes:
    """Write a fact with its place in the chain, as it is hashed.

    The `epoch` of a row is the life of a device's numbers; the fact has it as `life`,
    except where earlier versions wrote it.
    """
    placed = {**body, "fact": kind, "ref": ref, "epoch": epoch, "seq": seq}
    if with_life and "epoch" in body:
        placed["life"] = body["epoch"]
    return orjson.dumps(placed, option=orjson.OPT_SORT_KEYS)


def link(previous: bytes, text: bytes) -> bytes:
    """Return the head after a body."""
    return hashlib.sha256(b"\0" + previous + text).digest()


def append(connection: Connection, tip: Tip, kind: str, ref: str, body: Body) -> Tip:
    """Add a fact to the chain and to the outbox; return the new tip.

    The new tip's `seq` is the key under which the fact's own row is stored.
    """
    seq = tip.seq + 1
    outbox_seq = tip.outbox_seq + 1
    text = fact_text(kind, ref, tip.epoch, seq, body)
    head = link(tip.head, text)
    connection.execute(
        "INSERT INTO chain VALUES (?,?,?,?,CAST(? AS TEXT),?)",
        (seq, tip.epoch, kind, ref, text, head),
    )
    connection.execute(
        "INSERT INTO outbox VALUES (?,?,?,NULL)", (outbox_seq, seq, kind)
    )
    return Tip(tip.epoch, seq, head, outbox_seq, tip.receipt_no, tip.card_serial)
