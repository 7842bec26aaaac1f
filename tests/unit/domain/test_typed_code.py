"""A code that people type: each mistake is seen, and the group is named."""

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.domain.typed_code import (
    LETTERS,
    MOST_LETTERS,
    CodeIncomplete,
    CodeMistyped,
    CodeTooLong,
    code_text,
    read_code,
)
from cngstation.errors import Refusal

PAPER = bytes(range(7, 120))


def groups_of(data: bytes) -> list[str]:
    """Return the groups of a code."""
    return code_text(data).split()


@given(st.binary(max_size=300))
def test_what_is_written_is_read(data: bytes) -> None:
    """Any bytes, with remarks, in any case, with dashes and anywhere broken."""
    text = code_text(data, ("remark", "another"))
    assert read_code(text) == data
    assert read_code(text.lower().replace(" ", "-").replace("# R", "# r")) == data


def test_letters_that_look_alike_are_the_same() -> None:
    """O is 0, I and L are 1."""
    text = code_text(bytes(200))
    assert "0" in text
    assert read_code(text.replace("0", "o").replace("1", "l")) == bytes(200)


def test_the_bytes_of_a_code_stay_what_they_are() -> None:
    """A paper of today is read by every later version."""
    assert code_text(b"CNG").split() == ["001M6V", "KJ7008"]
    assert read_code(code_text(b"CNG")) == b"CNG"


def test_every_wrong_letter_is_seen_and_its_group_named() -> None:
    """Every letter at every place of every group."""
    groups = groups_of(PAPER)
    for number, group in enumerate(groups, 1):
        for at, right in enumerate(group):
            for letter in LETTERS.replace(right, ""):
                typed = [*groups]
                typed[number - 1] = group[:at] + letter + group[at + 1 :]
                with pytest.raises(CodeMistyped) as caught:
                    read_code(" ".join(typed))
                assert caught.value.facts["number"] == number


def test_exchanged_letters_are_seen() -> None:
    """Two neighbours in a group, in every group."""
    groups = groups_of(random.Random(5).randbytes(150))
    tried = 0
    for number, group in enumerate(groups, 1):
        for at in range(5):
            swapped = group[:at] + group[at + 1] + group[at] + group[at + 2 :]
            if swapped == group:
                continue
            typed = [*groups]
            typed[number - 1] = swapped
            with pytest.raises(CodeMistyped) as caught:
                read_code(" ".join(typed))
            assert caught.value.facts["number"] == number
            tried += 1
    assert tried > 200


def test_exchanged_groups_are_seen() -> None:
    """A line read in the wrong order."""
    groups = groups_of(PAPER)
    for one in range(len(groups) - 1):
        typed = [*groups]
        typed[one], typed[one + 1] = typed[one + 1], typed[one]
        with pytest.raises(CodeMistyped) as caught:
            read_code(" ".join(typed))
        assert caught.value.facts["number"] == one + 1


def test_groups_that_are_missing_or_too_many_are_counted() -> None:
    """The end left out, a line typed twice, nothing at all."""
    groups = groups_of(PAPER)
    with pytest.raises(CodeIncomplete) as caught:
        read_code(" ".join(groups[:-1]))
    assert caught.value.facts == {"found": len(groups) - 1, "wanted": len(groups)}
    with pytest.raises((CodeIncomplete, CodeMistyped)):
        read_code(" ".join([*groups, groups[-1]]))
    for empty in ("", "\n", "# a remark\n"):
        with pytest.raises(CodeIncomplete):
            read_code(empty)
    with pytest.raises(CodeMistyped) as cut:
        read_code(" ".join(groups)[:-3])
    assert cut.value.facts["number"] == len(groups)


@given(st.text(max_size=400))
def test_any_text_is_refused_with_a_sentence(text: str) -> None:
    """Whatever stands in a file from a USB key."""
    with contextlib.suppress(Refusal):
        assert isinstance(read_code(text), bytes)


def test_nobody_types_a_book() -> None:
    """A file of any size costs nothing."""
    with pytest.raises(CodeTooLong):
        read_code("0" * (MOST_LETTERS + 1))
