"""Lines of JSON on a byte stream: finds them, bounds them, decodes one object each.

    {"jsonrpc":"2.0","id":7,"method":"card.top_up","params":{...}}\\n
    '------------ one JSON object, UTF-8, at most 65,536 bytes ----'

Source: RFC 8259 (JSON), RFC 3629 (UTF-8), ndjson.org (one value a line). Stricter
than they are: no part of a number, no number above 18 digits, no key twice, no deep
nesting. Whatever the bytes are, the answer is an object or a `Fault`, never an
exception.
"""

import json
import re
from collections.abc import Callable
from enum import StrEnum

LONGEST_LINE = 64 * 1024  # the longest message is a page of 100 rows, below 40 KiB
DEEPEST = 16  # the deepest message of the contract nests 6 levels
LONGEST_NUMBER = 18  # digits: everything below 10**18 fits a column of 64 bits

_BRACKETS = re.compile(rb"[\[\]{}]")
# Possessive, with an optional closing quote: linear on any bytes whatever.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


class Fault(StrEnum):
    """Why a line is no message; the value completes "The line ..."."""

    TOO_LONG = "is longer than 64 KiB"
    NOT_UTF8 = "is not UTF-8"
    TOO_DEEP = "nests too deeply"
    NOT_JSON = "is not JSON"
    NOT_OBJECT = "is not a JSON object"
    REPEATED_KEY = "has a key twice"
    NOT_WHOLE = "has a number with a part"
    HUGE_NUMBER = "has a number of more than 18 digits"


class LineSplitter:
    """Cuts a stream of bytes into lines, one at a time, as the caller asks for them.

    It holds at most one longest line and what was fed since; whoever feeds it stops
    reading while `buffered` is above `LONGEST_LINE`.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._skipping = False

    @property
    def buffered(self) -> int:
        """The number of bytes that wait, in whole lines or the begin of one."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._buffer += data

    def next_line(self) -> bytes | Fault | None:
        """Return the next line without its end, a fault, or None for "need more".

        A line that is too long is reported once, as soon as that is known, and its
        rest is skipped.
        """
        while True:
            end = self._buffer.find(b"\n", self._searched)
            if end < 0:
                return self._unfinished()
            line = bytes(self._buffer[:end]) if end < LONGEST_LINE else None
            del self._buffer[: end + 1]
            self._searched = 0
            if not self._skipping:
                return Fault.TOO_LONG if line is None else line
            self._skipping = False

    def _unfinished(self) -> Fault | None:
        self._searched = len(self._buffer)
        if not self._skipping and self._searched < LONGEST_LINE:
            return None
        told = self._skipping
        self._skipping = True
        self._buffer.clear()
        self._searched = 0
        return None if told else Fault.TOO_LONG


def decode_object(line: bytes) -> dict[str, object] | Fault:
    """Decode a line into its JSON object, or say what is wrong with it."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return Fault.NOT_UTF8
    if _too_deep(line):
        return Fault.TOO_DEEP
    try:
        value = _DECODER.decode(text)
    except _Found as found:
        return found.fault
    except ValueError:
        return Fault.NOT_JSON
    return value if isinstance(value, dict) else Fault.NOT_OBJECT


def id_beside_huge_number(line: bytes) -> int | None:
    """Return the id of a request that is wrong in nothing but a number too large.

    None where the id itself is the number, or is none.
    """
    try:
        value = _ANY_SIZE.decode(line.decode("utf-8"))
    except (_Found, ValueError):
        return None
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, int) else None


class _Found(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def _too_deep(line: bytes) -> bool:
    if line.count(b"{") + line.count(b"[") <= DEEPEST:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", line)):
        depth += 1 if bracket in b"{[" else -1
        if depth > DEEPEST:
            return True
    return False


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Found(Fault.REPEATED_KEY)
    return found


def _bounded(digits: str) -> int:
    if len(digits.lstrip("-")) > LONGEST_NUMBER:
        raise _Found(Fault.HUGE_NUMBER)
    return int(digits)


def _any_size(digits: str) -> int | None:
    return int(digits) if len(digits) <= LONGEST_NUMBER else None


def _no_part(_: str) -> int:
    raise _Found(Fault.NOT_WHOLE)


def _decoder(parse_int: Callable[[str], object]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_without_repeats,
        parse_int=parse_int,
        parse_float=_no_part,
        parse_constant=_no_part,
    )


_DECODER = _decoder(_bounded)
_ANY_SIZE = _decoder(_any_size)
