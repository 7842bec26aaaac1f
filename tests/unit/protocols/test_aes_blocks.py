"""AES by the published vectors, and the chain that no library offers."""

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from cngstation.protocols import aes_blocks

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)


def test_subkeys_of_rfc_4493() -> None:
    """Section 4: the two subkeys of the example key."""
    assert [key.hex() for key in aes_blocks.subkeys(KEY)] == [
        "fbeed618357133667c85e08f7236a8de",
        "f7ddac306ae266ccf90bc11ee46d513b",
    ]


@pytest.mark.parametrize(
    ("length", "code"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_codes_of_rfc_4493(length: int, code: str) -> None:
    """Section 4: the four examples."""
    assert aes_blocks.cmac(KEY, TEXT[:length]).hex() == code


@given(st.binary(min_size=16, max_size=16), st.binary(max_size=100))
def test_the_code_agrees_with_the_library(key: bytes, data: bytes) -> None:
    """From the zero block it is the CMAC of `cryptography`."""
    library = CMAC(AES(key))
    library.update(data)
    assert aes_blocks.cmac(key, data) == library.finalize()


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=64))
def test_an_initial_block_is_as_if_the_first_were_changed(
    initial: bytes, data: bytes
) -> None:
    """CBC: what it starts with is added to the first block."""
    if len(data) == 16:
        data += b"\0"
    changed = aes_blocks.xor(data[:16], initial) + data[16:]
    assert aes_blocks.cmac(KEY, data, initial) == aes_blocks.cmac(KEY, changed)


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(0, 4).flatmap(lambda n: st.binary(min_size=16 * n, max_size=16 * n)),
)
def test_what_is_encrypted_is_decrypted(initial: bytes, data: bytes) -> None:
    """Both ways with the same first block."""
    sent = aes_blocks.encrypt(KEY, data, initial)
    assert aes_blocks.decrypt(KEY, sent, initial) == data
