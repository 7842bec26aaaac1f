"""Tells whether an audit file is one that this station made, and where it differs."""

import gzip
import hashlib
import re
import zlib
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, cast

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cngstation.errors import StorageError
from cngstation.language import mark
from cngstation.services.export_audit import ACT, SIGNED_AS
from cngstation.services.tell_wrong import Wrong, wrong
from cngstation.storage.sqlite import FAILURES, Connection, connect

_PACKED = b"\x1f\x8b"
_LONGEST_LINE = 1 << 26
_RECORD = mark("record {seq} ({kind}) is not in the books as the file has it")
_FACT = re.compile(
    rb'\{"fact":(\{.*"seq":([0-9]{1,18}).*\}),"head":"([0-9a-f]{64})"\}\n',
    re.DOTALL,
)


def first_difference(database: Path, path: Path) -> Wrong | None:
    """Say how a file differs from what the station exported; None for not at all.

    Raises:
        StorageError: the books, or the file, cannot be read.
    """
    try:
        with closing(connect(database, read_only=True)) as connection:
            connection.execute("BEGIN")
            with _opened(path) as file:
                return _difference(connection, file)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return wrong(mark("the compressed file is damaged"))
    except (*FAILURES, OSError) as error:
        raise StorageError(why=str(error)) from error


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(len(_PACKED)) == _PACKED
    return cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")


def _difference(connection: Connection, file: BinaryIO) -> Wrong | None:
    digest, before = hashlib.sha256(), hashlib.sha256()
    facts, line, header = 0, b"", b""
    for line in iter(lambda: file.readline(_LONGEST_LINE), b""):
        header = header or line
        before = digest.copy()
        digest.update(line)
        if found := _FACT.fullmatch(line):
            facts += 1
            seq, head = int(found[2]), bytes.fromhex(found[3].decode())
            row = connection.execute(
                "SELECT CAST(body AS BLOB), head, kind FROM chain WHERE seq=?", (seq,)
            ).fetchone()
            if row is None or row[:2] != (found[1], head):
                kind = "-" if row is None else str(row[2])
                return wrong(_RECORD, seq=seq, kind=kind)
    known = connection.execute(
        "SELECT 1 FROM audit WHERE act=? AND after=?", (ACT, before.hexdigest())
    ).fetchone()
    if known is None:
        return wrong(mark("the station made no file with these lines"))
    key = bytes.fromhex(orjson.loads(header)["key"])
    return _end_difference(line, facts, before, key)


def _end_difference(
    line: bytes, facts: int, digest: "hashlib._Hash", key: bytes
) -> Wrong | None:
    sha256 = digest.hexdigest()
    try:
        signature = orjson.loads(line)["end"]["signature"]
        signed = bytes.fromhex(signature)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return wrong(mark("the last line is not one of an audit file"))
    told = {"facts": facts, "sha256": sha256, "signature": signature}
    option = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    if line != orjson.dumps({"end": told}, option=option):
        return wrong(mark("the last line differs"))
    if not key:
        return wrong(mark("an unsigned file has a signature")) if signed else None
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(
            signed, SIGNED_AS + digest.digest()
        )
    except InvalidSignature:
        return wrong(mark("the signature is wrong"))
    return None
