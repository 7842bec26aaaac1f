"""The station's own key, and who the station is by its configuration.

The private half is a file of the owner alone; it is in no table, paper or log.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cngstation.config import StationConfig
from cngstation.domain.enrolment import Certificate, NotThisPaper
from cngstation.domain.typed_code import MOST_LETTERS, read_code
from cngstation.errors import ConfigError, Refusal
from cngstation.hygiene import clean
from cngstation.services.enrol_station import Identity
from cngstation.services.read_credentials import read_credential
from cngstation.storage import findings
from cngstation.storage.database import Transaction

KEY_FILE_BYTES = 32
KEY_FILE = "station-key"
CERTIFICATE_SUFFIX = ".certificate.txt"
MOST_FILES = 200
KEY_UNREAD = "station_key_unread"
_CREDENTIALS = "CREDENTIALS_DIRECTORY"
_SUBJECT = "station"


class SeveralCertificates(Refusal):
    """Nobody can tell which file is meant."""

    code = "refusal.enrolment_several"
    text = (
        "There are {count} certificates of this station in {folder}. Nothing was "
        "changed. Name the one file."
    )


class NoCertificate(Refusal):
    """No file there is a certificate of this station."""

    code = "refusal.enrolment_none"
    text = (
        "There is no certificate of this station in {folder} (files *{suffix}). "
        "Nothing was changed."
    )


def station_key_file(config: StationConfig) -> Path:
    """Return where the station's own key is.

    A daemon that was given it as a credential has it there: the file is its maker's.
    """
    given = Path(os.environ.get(_CREDENTIALS, ""), KEY_FILE)
    if os.environ.get(_CREDENTIALS) and given.is_file():
        return given
    named = config.enrolment.station_key
    return named or config.paths.database.with_name(KEY_FILE)


def station_key(config: StationConfig) -> Ed25519PrivateKey:
    """Return the station's own key.

    Raises:
        ConfigError: there is no such file.
    """
    seed = read_credential(station_key_file(config), KEY_FILE_BYTES)
    return Ed25519PrivateKey.from_private_bytes(seed)


def signer_of(config: StationConfig) -> Ed25519PrivateKey | None:
    """Return the key that signs checkpoints; None before a station has one."""
    try:
        return station_key(config)
    except ConfigError:
        return None


def tell_key(tx: Transaction, config: StationConfig) -> None:
    """Open a row where there is a key that this program cannot read; else close it."""
    path = station_key_file(config)
    if path.exists() and signer_of(config) is None:
        findings.open_once(tx, KEY_UNREAD, _SUBJECT, {"file": clean(str(path))})
        return
    for row in findings.open_findings(tx.connection, _SUBJECT):
        if row.kind == KEY_UNREAD:
            findings.close_finding(tx, row.seq, "the key is read", "")


def identity_of(config: StationConfig) -> Identity:
    """Return who the station is and whose certificates it takes."""
    station = config.station
    pinned = bytes.fromhex(config.enrolment.head_office_key)
    return Identity(station.station_no, station.area_no, pinned, station.network)


def certificate_in(folder: Path, who: Identity) -> str:
    """Return the text of the one certificate of this station in a folder.

    Raises:
        NoCertificate, SeveralCertificates: there is not just one.
    """
    found = []
    named = sorted(folder.glob(f"*{CERTIFICATE_SUFFIX}"))
    for path in named[:MOST_FILES]:
        with path.open("rb") as file:
            text = file.read(MOST_LETTERS + 1).decode("utf-8", "replace")
        if _is_for(text, who):
            found.append(text)
    if not found:
        raise NoCertificate(folder=str(folder), suffix=CERTIFICATE_SUFFIX)
    if len(set(found)) > 1:
        raise SeveralCertificates(count=len(found), folder=str(folder))
    return found[0]


def _is_for(text: str, who: Identity) -> bool:
    """Tell whether a file is a certificate of this station, well made or not."""
    try:
        certificate = Certificate.read(read_code(text))
    except NotThisPaper:
        return False
    except Refusal:
        # Damaged: to pass it over would hide what is wrong with it.
        return True
    return certificate.station_no == who.station_no
