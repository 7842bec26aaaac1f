"""Personal numbers: sealed, found by digest, never opened wrongly."""

import pytest

from cngstation.domain.sealing import PersonalDataSeal, SealBroken, SealedByOtherKey

SEAL = PersonalDataSeal(bytes(range(32)))
OTHER = PersonalDataSeal(bytes(32))


def test_what_is_sealed_is_opened() -> None:
    """Equal texts seal to different bytes, and nothing of the text is in them."""
    first, second = SEAL.seal("13800001234", "phone"), SEAL.seal("13800001234", "phone")
    assert first != second
    assert b"1380" not in first
    assert SEAL.open(first, "phone") == SEAL.open(second, "phone") == "13800001234"


def test_nothing_seals_to_nothing() -> None:
    """An empty field has neither seal nor digest: it is found by no search."""
    assert SEAL.seal("", "phone") == SEAL.digest("", "phone") == b""
    assert SEAL.open(b"", "phone") == ""


def test_every_changed_byte_is_refused() -> None:
    """Any flipped byte, any cut, another key or another column does not open."""
    sealed = SEAL.seal("13800001234", "phone")
    for at in range(len(sealed)):
        changed = bytes(b ^ (i == at) for i, b in enumerate(sealed))
        with pytest.raises(SealBroken):
            SEAL.open(changed, "phone")
    for length in range(1, len(sealed)):
        with pytest.raises(SealBroken):
            SEAL.open(sealed[:length], "phone")
    with pytest.raises(SealBroken):
        OTHER.open(sealed, "phone")
    with pytest.raises(SealBroken):
        SEAL.open(sealed, "id_no")


def test_digests_find_equal_texts_of_one_column() -> None:
    """The same number in another column, or under another key, is not the same."""
    digest = SEAL.digest("1234", "phone")
    assert digest == SEAL.digest("1234", "phone")
    assert (
        len({digest, SEAL.digest("1234", "id_no"), OTHER.digest("1234", "phone")}) == 3
    )
    assert SEAL.digest("b", "a") != SEAL.digest("", "a\0b")


def test_a_short_key_is_refused() -> None:
    """31 bytes are no key."""
    with pytest.raises(ValueError, match="32 bytes"):
        PersonalDataSeal(bytes(31))


def test_a_value_names_its_key() -> None:
    """Another key is told by name, and no key is the beginning of another's id."""
    sealed = SEAL.seal("13800001234", "phone")
    assert SEAL.id_of(sealed) == SEAL.key_id != OTHER.key_id
    with pytest.raises(SealedByOtherKey) as refused:
        OTHER.open(sealed, "phone")
    said = refused.value.sentence()
    assert SEAL.key_id in said
    assert OTHER.key_id in said


def test_a_value_from_before_there_were_ids_opens() -> None:
    """It begins with its nonce, even where that looks like a name of a key."""
    old = SEAL.seal("13800001234", "phone")[6:]
    assert SEAL.open(old, "phone") == "13800001234"
    with pytest.raises(SealBroken):
        OTHER.open(old, "phone")
