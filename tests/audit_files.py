"""Audit files for tests: made from a station's file, changed, hashed anew, checked."""

import hashlib
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cngstation import audit_checker
from cngstation.services.export_audit import Exported, Wanted, export_file
from cngstation.services.new_file import HeldFile, held_file
from cngstation.services.take_out import take_out
from cngstation.storage.database import Database
from tests.small_station import CASHIER, MORNING

SIGNED_AS = b"cngstation audit export 1\n"


class Key:
    """A station's key."""

    def __init__(self, seed: int = 7) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign."""
        return self._key.sign(message)


KEY = Key()


async def export(
    db: Database, path: Path, target: Path, *, key: Key | None = None, **days: str
) -> Exported:
    """Export as the station does it, with the row in the audit."""
    target.unlink(missing_ok=True)
    wanted = Wanted("51010001", "试验站", MORNING, **days)

    async def write(held: HeldFile) -> Exported:
        return export_file(path, held, wanted, key)

    return await take_out(db, target, CASHIER, write)


def written(
    path: Path, target: Path, wanted: Wanted, key: Key | None = None
) -> Exported:
    """Write the file without a row."""
    with held_file(target) as held:
        made = export_file(path, held, wanted, key)
        held.give_name()
    return made


def found_wrong(
    text: bytes, *, anchors: list[tuple[int, str]] | None = None, key: bytes = b""
) -> audit_checker.Wrong | None:
    """Check the lines of a file; return what is wrong."""
    try:
        checked(text, anchors=anchors, key=key)
    except audit_checker.Wrong as wrong:
        found = wrong
    else:
        return None
    assert found.sentence(chinese=True) != found.sentence(chinese=False)
    return found


def checked(
    text: bytes, *, anchors: list[tuple[int, str]] | None = None, key: bytes = b""
) -> audit_checker.Checker:
    """Check the lines of a file; return what was counted."""
    checker = audit_checker.Checker(anchors or [], key)
    checker.check(io.BytesIO(text))
    return checker


def canonical(content: object) -> bytes:
    """Write JSON as the chain writes it."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


Lines = list[bytes]
Fact = dict[str, Any]


def anew(
    text: bytes,
    change: Callable[[list[Fact]], list[Fact]],
    *,
    balances: bool = False,
    papers: bool = True,
) -> bytes:
    """Do what an insider does who has the program: change facts, hash all of it again.

    With `balances` the statements at the end are made to fit, with `papers` the heads
    that stand on slips. The signature stays.
    """
    lines = text.splitlines(keepends=True)
    header, end = json.loads(lines[0]), json.loads(lines[-1])
    facts = []
    for one in lines:
        if one.startswith(b'{"fact"'):
            link = json.loads(one)
            facts.append({**link["fact"], "was": link["head"][:16]})
    rest = [one for one in lines[1:-1] if not one.startswith(b'{"fact"')]
    opening = [one for one in rest if one.startswith(b'{"opening"')]
    stated = [one for one in rest if not one.startswith(b'{"opening"')]
    head = bytes.fromhex(header["before"])
    seq = header["first"]
    made: Lines = []
    kept = change(facts)
    heads: dict[str, str] = {}
    for body in kept:
        body["seq"] = seq
        was = body.pop("was")
        if papers and body["fact"] == "receipt":
            for old, new in heads.items():
                body["content"] = body["content"].replace(old, new)
        seq += 1
        head = hashlib.sha256(b"\0" + head + canonical(body)).digest()
        heads[was] = head.hex()[:16]
        made.append(canonical({"fact": body, "head": head.hex()}) + b"\n")
    header |= {"last": seq - 1, "head": head.hex()}
    if balances:
        stated = _stated(opening, kept) + [s for s in stated if s[2:6] == b"card"]
    whole = b"".join([canonical(header) + b"\n", *opening, *made, *stated])
    end["end"] |= {"facts": len(made), "sha256": hashlib.sha256(whole).hexdigest()}
    return whole + canonical(end) + b"\n"


def _stated(opening: Lines, facts: list[Fact]) -> Lines:
    sums: dict[tuple[str, str], int] = {}
    for line in opening:
        account, unit, amount = json.loads(line)["opening"]
        sums[account, unit] = amount
    for body in facts:
        for account, unit, amount in body.get("postings", ()):
            sums[account, unit] = sums.get((account, unit), 0) + amount
    return [
        canonical({"balance": [*key, amount]}) + b"\n"
        for key, amount in sorted(sums.items())
        if amount
    ]


# Changes of the bytes, each a class of damage; what is changed is told by chance.
def _value(lines: Lines, chance: random.Random) -> Lines:
    at = chance.choice([n for n, one in enumerate(lines) if b'"fact"' in one])
    line = lines[at]
    digits = [n for n, byte in enumerate(line[:-80]) if chr(byte).isdigit()]
    place = chance.choice(digits)
    other = b"%d" % ((line[place] - ord("0") + chance.randint(1, 9)) % 10)
    lines[at] = line[:place] + other + line[place + 1 :]
    return lines


def _bit(lines: Lines, chance: random.Random) -> Lines:
    text = bytearray(b"".join(lines))
    text[chance.randrange(len(text))] ^= 1 << chance.randrange(8)
    return [bytes(text)]


def _deleted(lines: Lines, chance: random.Random) -> Lines:
    del lines[chance.randrange(len(lines))]
    return lines


def _inserted(lines: Lines, chance: random.Random) -> Lines:
    at = chance.randrange(1, len(lines))
    other = json.loads(lines[at - 1])
    name = next(iter(other))
    lines.insert(at, canonical({name: other[name], "head": "00" * 32}) + b"\n")
    return lines


def _swapped(lines: Lines, chance: random.Random) -> Lines:
    one, two = chance.sample(range(len(lines)), 2)
    lines[one], lines[two] = lines[two], lines[one]
    return lines


def _doubled(lines: Lines, chance: random.Random) -> Lines:
    at = chance.randrange(len(lines))
    lines.insert(at, lines[at])
    return lines


def _cut(lines: Lines, chance: random.Random) -> Lines:
    text = b"".join(lines)
    return [text[: chance.randrange(len(text))]]


def _header(lines: Lines, chance: random.Random) -> Lines:
    header = json.loads(lines[0])
    name = chance.choice([n for n in header if n != "audit_export"])
    value = header[name]
    header[name] = not value if isinstance(value, bool) else _other(value)
    lines[0] = canonical(header) + b"\n"
    return lines


def _other(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    return "0" + value[1:] if value and value[0] != "0" else "1" + value[1:]


def _statement(lines: Lines, chance: random.Random) -> Lines:
    places = [n for n, one in enumerate(lines) if one[2:6] in {b"bala", b"card"}]
    if not places:
        return _header(lines, chance)
    content = json.loads(lines[at := chance.choice(places)])
    if "card" in content:
        content["card"]["seen_balance"] += 1
    else:
        content["balance"][2] += 1
    lines[at] = canonical(content) + b"\n"
    return lines


def _signature(lines: Lines, chance: random.Random) -> Lines:
    end = json.loads(lines[-1])
    name = chance.choice(["signature", "sha256", "facts"])
    end["end"][name] = _other(end["end"][name])
    lines[-1] = canonical(end) + b"\n"
    return lines


def _behind(lines: Lines, chance: random.Random) -> Lines:
    return [*lines, chance.choice([b"\n", b"{}\n", lines[1]])]


DAMAGES: dict[str, Callable[[Lines, random.Random], Lines]] = {
    "value": _value,
    "bit": _bit,
    "deleted": _deleted,
    "inserted": _inserted,
    "swapped": _swapped,
    "doubled": _doubled,
    "cut": _cut,
    "header": _header,
    "statement": _statement,
    "signature": _signature,
    "behind": _behind,
}


def damaged(text: bytes, damage: str, chance: random.Random) -> bytes:
    """Return a file's lines with one damage; never the lines as they were."""
    while True:
        made = b"".join(DAMAGES[damage](text.splitlines(keepends=True), chance))
        if made != text:
            return made
