"""Lines of JSON: bounds, faults, and no exception on any bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.protocols.ndjson import (
    DEEPEST,
    LONGEST_LINE,
    Fault,
    LineSplitter,
    decode_object,
)


def lines_of(splitter: LineSplitter) -> list[bytes | Fault]:
    """Take all that is there."""
    found = []
    while (line := splitter.next_line()) is not None:
        found.append(line)
    return found


@given(
    st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=8),
    st.lists(st.integers(1, 9), min_size=1),
)
def test_lines_survive_any_chunking(wanted: list[bytes], steps: list[int]) -> None:
    """However the stream is cut into pieces, the same lines come out."""
    stream = b"".join(line + b"\n" for line in wanted)
    splitter, found, at = LineSplitter(), [], 0
    while at < len(stream):
        step = steps[at % len(steps)]
        splitter.feed(stream[at : at + step])
        found += lines_of(splitter)
        at += step
    assert found == wanted
    assert splitter.buffered == 0


def test_the_longest_line_passes_and_one_more_byte_does_not() -> None:
    """A line of 65,536 bytes with its end is a line; one byte more is a fault."""
    splitter = LineSplitter()
    splitter.feed(b"x" * (LONGEST_LINE - 1) + b"\n" + b"y" * LONGEST_LINE + b"\nz\n")
    assert lines_of(splitter) == [b"x" * (LONGEST_LINE - 1), Fault.TOO_LONG, b"z"]


def test_a_line_without_end_is_told_once_and_not_kept() -> None:
    """A megabyte without a line end is one fault, holds no memory, and is skipped."""
    splitter = LineSplitter()
    found: list[bytes | Fault] = []
    for _ in range(256):
        splitter.feed(b"x" * 4_096)
        found += lines_of(splitter)
        assert splitter.buffered < LONGEST_LINE
    splitter.feed(b"tail\nnext\n")
    assert [*found, *lines_of(splitter)] == [Fault.TOO_LONG, b"next"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"a":"\xff"}', Fault.NOT_UTF8),
        (b'\xff\xfe{\x00"\x00', Fault.NOT_UTF8),
        (b"", Fault.NOT_JSON),
        (b"{", Fault.NOT_JSON),
        (b'\xef\xbb\xbf{"a":1}', Fault.NOT_JSON),
        (b"[1]", Fault.NOT_OBJECT),
        (b"7", Fault.NOT_OBJECT),
        (b'{"a":1,"a":2}', Fault.REPEATED_KEY),
        (b'{"a":{"b":1,"b":1}}', Fault.REPEATED_KEY),
        (b'{"a":1.0}', Fault.NOT_WHOLE),
        (b'{"a":1e3}', Fault.NOT_WHOLE),
        (b'{"a":NaN}', Fault.NOT_WHOLE),
        (b'{"a":-Infinity}', Fault.NOT_WHOLE),
        (b'{"a":' + b"9" * 19 + b"}", Fault.HUGE_NUMBER),
        (b'{"a":-' + b"9" * 60_000 + b"}", Fault.HUGE_NUMBER),
    ],
)
def test_what_is_no_message_has_a_name(line: bytes, fault: Fault) -> None:
    """Each way in which a line can be wrong is its own fault."""
    assert decode_object(line) is fault


def test_the_largest_number_passes() -> None:
    """18 digits are a number, of either sign."""
    assert decode_object(b'{"a":-999999999999999999}') == {"a": -(10**18 - 1)}


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused_before_it_is_parsed(pair: tuple[bytes, bytes]) -> None:
    """One level too many is a fault, as are 10,000 levels."""
    opening, closing = pair

    def nested(depth: int) -> bytes:
        inner = opening * (depth - 1) + b"0" + closing * (depth - 1)
        return b'{"a":' + inner + b"}"

    assert isinstance(decode_object(nested(DEEPEST)), dict)
    assert decode_object(nested(DEEPEST + 1)) is Fault.TOO_DEEP
    assert decode_object(nested(10_000)) is Fault.TOO_DEEP


def test_brackets_in_text_are_not_nesting() -> None:
    """Brackets, escaped quotes and backslashes inside a string do not count."""
    value = {"a": "[{" * 500 + '"[' * 50 + "\\"}
    assert decode_object(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "hard", [b'"\\' * 32_000, b'\\"' * 32_000, b"[" + b'"' * 64_000]
)
def test_hostile_quotes_cost_no_more_than_their_length(hard: bytes) -> None:
    """A line made to make a pattern backtrack is judged at once."""
    assert isinstance(decode_object(b"[" * 20 + hard), Fault)


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_no_bytes_raise(data: bytes) -> None:
    """Whatever comes, the answer is an object or a fault."""
    splitter = LineSplitter()
    splitter.feed(data)
    for line in lines_of(splitter):
        if isinstance(line, bytes):
            assert isinstance(decode_object(line), dict | Fault)
    assert isinstance(decode_object(data), dict | Fault)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), _JSON, max_size=4))
def test_an_object_comes_back_as_it_was(value: dict[str, object]) -> None:
    """Encoding and decoding are inverse for everything that a message can hold."""
    line = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert decode_object(line) in (value, Fault.TOO_DEEP)
