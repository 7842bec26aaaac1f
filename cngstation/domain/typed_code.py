"""Bytes as groups of letters that a person types, each with a check of its own.

    group = five letters | check          letters: 0-9 A-Z without I L O U

The check is a sum over GF(32), x^5+x^2+1: one wrong letter, two letters exchanged or a
group in another's place are always seen, and the group is named. The bytes begin with
their count in two bytes; what is left over at the end is zero.
"""

from collections.abc import Iterator

from cngstation.errors import Refusal

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TAKEN_FOR = str.maketrans("ILO", "110")
_VALUES = {letter: value for value, letter in enumerate(LETTERS)}
GROUP = 5
GROUPS_A_LINE = 6
MOST_BYTES = 2_000
MOST_LETTERS = 16_000


class CodeMistyped(Refusal):
    """A group of a typed code does not fit its check."""

    code = "refusal.code_mistyped"
    text = (
        "Group {number} of the code ({group}) is mistyped. Nothing was changed. "
        "Compare it with the paper and type it again."
    )


class CodeIncomplete(Refusal):
    """A typed code ends too early, or something stands behind its end."""

    code = "refusal.code_incomplete"
    text = (
        "The code has {found} groups where {wanted} belong. Nothing was changed. Look "
        "for a line that is missing or there twice."
    )


class CodeTooLong(Refusal):
    """Nobody types so much."""

    code = "refusal.code_too_long"
    text = "This is too long for a code: {size} characters. Nothing was changed."


def code_text(data: bytes, remarks: tuple[str, ...] = ()) -> str:
    """Write bytes as lines of groups under remark lines."""
    groups = list(_groups(data))
    lines = [f"# {remark}" for remark in remarks]
    for at in range(0, len(groups), GROUPS_A_LINE):
        lines.append(" ".join(groups[at : at + GROUPS_A_LINE]))
    return "\n".join(lines) + "\n"


def read_code(text: str) -> bytes:
    """Return the bytes of a code; lower case, spaces, dashes and remarks are free.

    Raises:
        CodeMistyped: a group is wrong, and which.
        CodeIncomplete, CodeTooLong: it is not one whole code.
    """
    if len(text) > MOST_LETTERS:
        raise CodeTooLong(size=len(text))
    typed = "".join(line for line in text.splitlines() if not line.startswith("#"))
    typed = "".join(typed.split()).replace("-", "").upper().translate(_TAKEN_FOR)
    whole = GROUP + 1
    values: list[int] = []
    groups = [typed[at : at + whole] for at in range(0, len(typed), whole)]
    for number, group in enumerate(groups, 1):
        read = [_VALUES.get(letter, -1) for letter in group]
        wrong = len(read) != whole or -1 in read
        if wrong or _check(number, read[:GROUP]) != read[GROUP]:
            raise CodeMistyped(number=number, group=group[:whole])
        values += read[:GROUP]
    return _unpacked(values, len(groups))


def _unpacked(values: list[int], groups: int) -> bytes:
    bits = 5 * len(values)
    number = 0
    for value in values:
        number = number << 5 | value
    whole = bits // 8
    data = (number >> (bits - 8 * whole)).to_bytes(whole, "big")
    count = int.from_bytes(data[:2], "big")
    wanted = -(-(8 * (2 + count)) // (5 * GROUP))
    if groups != wanted or groups == 0:
        raise CodeIncomplete(found=groups, wanted=wanted)
    body = data[2 : 2 + count]
    if list(_letters(body)) != values:
        raise CodeMistyped(number=groups, group="")
    return body


def _groups(data: bytes) -> Iterator[str]:
    values = list(_letters(data))
    for at in range(0, len(values), GROUP):
        group = values[at : at + GROUP]
        check = _check(at // GROUP + 1, group)
        yield "".join(LETTERS[value] for value in (*group, check))


def _letters(data: bytes) -> Iterator[int]:
    """Yield the values of count, bytes and the zeros behind them."""
    if len(data) > MOST_BYTES:
        raise ValueError("nobody types so much")
    placed = len(data).to_bytes(2, "big") + data
    groups = -(-(8 * len(placed)) // (5 * GROUP))
    bits = 5 * GROUP * groups
    number = int.from_bytes(placed, "big") << (bits - 8 * len(placed))
    for shift in range(bits - 5, -1, -5):
        yield number >> shift & 31


def _check(number: int, values: list[int]) -> int:
    """Return the sum of a^i times letter i, the group's number behind them."""
    total = 0
    for value in (number & 31, *reversed(values)):
        total = _times_a(total) ^ value
    return _times_a(total)


def _times_a(value: int) -> int:
    doubled = value << 1
    return doubled ^ 0b100101 if doubled & 32 else doubled
