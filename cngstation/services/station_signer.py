"""Signs with the station's own key, where the station has one."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cngstation.services.read_credentials import read_credential
from cngstation.services.station_key import KEY_FILE_BYTES


@dataclass(frozen=True, slots=True)
class StationSigner:
    """The key of a station, for this signature and the next."""

    key: Ed25519PrivateKey

    @property
    def public_key(self) -> bytes:
        """The half that everybody may know; 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message; 64 bytes."""
        return self.key.sign(message)


def signer_in(key_file: Path | None) -> StationSigner | None:
    """Return who signs; None for a station without a key.

    Raises:
        ConfigError: there is a file, and no key in it.
    """
    if key_file is None or not key_file.exists():
        return None
    seed = read_credential(key_file, KEY_FILE_BYTES)
    return StationSigner(Ed25519PrivateKey.from_private_bytes(seed))
