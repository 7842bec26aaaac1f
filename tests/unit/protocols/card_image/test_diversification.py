"""Keys of cards: the published vector, and every length against an independent way."""

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from cngstation.protocols.card_image.diversification import CardKeys, diversify

MASTER = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
GIVEN = bytes.fromhex("04782E21801D803042F54E585020416275")
UID = bytes.fromhex("DEADBEEF")


def test_the_vector_of_the_application_note() -> None:
    """NXP AN10922 section 2.2.1."""
    assert diversify(MASTER, GIVEN).hex().upper() == "A8DD63A3B89D54B37CA802473FDA9175"


@pytest.mark.parametrize(
    ("length", "key"),
    [
        (1, "281049D52ECBC8F60961993D34DE3D54"),
        (15, "5A3C7F6F0687F24F82DEE7EDA0970D08"),
        (31, "21C28CD89BB3147F66C7DBD4851CAB20"),
    ],
)
def test_short_full_and_longest_inputs(length: int, key: str) -> None:
    """Vectors at the edges, of the input 00 01 02 ..., by an independent program."""
    assert diversify(MASTER, bytes(range(length))).hex().upper() == key


@pytest.mark.parametrize("length", range(16, 32))
def test_two_blocks_are_the_cmac(length: int) -> None:
    """From 16 bytes on the padded input is what CMAC pads too."""
    given = bytes(range(length))
    cmac = CMAC(AES(MASTER))
    cmac.update(b"\x01" + given)
    assert diversify(MASTER, given) == cmac.finalize()


@pytest.mark.parametrize("length", range(1, 15))
def test_shorter_inputs_are_not_the_cmac(length: int) -> None:
    """Below 16 bytes the note pads to two blocks where CMAC would use one."""
    given = bytes(range(length))
    cmac = CMAC(AES(MASTER))
    cmac.update(b"\x01" + given)
    assert diversify(MASTER, given) != cmac.finalize()


@pytest.mark.parametrize(("master", "given"), [(15, 1), (17, 1), (16, 0), (16, 32)])
def test_wrong_lengths_are_refused(master: int, given: int) -> None:
    """The master key has 16 bytes, the input 1 to 31."""
    with pytest.raises(ValueError, match="16 bytes"):
        diversify(bytes(master), bytes(given))


def test_every_key_of_a_card_is_its_own() -> None:
    """Sectors, kinds of key and cards never share a key; none is shown."""
    keys = [
        CardKeys(MASTER, uid).sector_key(sector, kind)
        for uid in (UID, b"\x01\x02\x03\x04")
        for sector in range(16)
        for kind in "AB"
    ]
    assert len(set(keys)) == 64
    assert {len(key) for key in keys} == {6}
    assert repr(CardKeys(MASTER, UID)) == "CardKeys(...)"


def test_a_mac_is_bound_to_the_card() -> None:
    """The same data on another chip has another MAC of 8 bytes."""
    first, second = CardKeys(MASTER, UID), CardKeys(MASTER, b"\x01\x02\x03\x04")
    cmac = CMAC(AES(diversify(MASTER, UID + b"CNGMAC")))
    cmac.update(UID + b"data")
    assert first.mac(b"data") == cmac.finalize()[:8]
    assert len(first.mac(b"data")) == 8
    assert first.mac(b"data") != second.mac(b"data")
    assert first.mac(b"data") != first.mac(b"datb")
