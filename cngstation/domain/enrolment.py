"""Papers between a station and head office: request, certificate, vendor's ticket.

What is signed, by Ed25519 (RFC 8032):

    "cngstation enrolment request 1" 00 | station_no(8) area_no(4) made_at(8) key(32)
    "cngstation enrolment certificate 1" 00 | serial(4) station_no(8) area_no(4)
        edition(1+n) from(8) until(8) station_key(32) office_key(32) url(1+n) pin(1+n)
    "cngstation vendor ticket 1" 00 | ticket_id(16) station_no(8) holder(1+n)
        rights(1+n) from(8) until(8) reason(1+n) office_key(32)

Numbers are big-endian, moments UTC milliseconds, texts UTF-8 behind a byte of length,
`station_no` and `area_no` ASCII digits. A paper is one byte of kind, these fields and
the signature (64). There is no secret in it: the station proves itself by its key.
"""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from cngstation.errors import Refusal
from cngstation.hygiene import is_clean
from cngstation.language import mark

KEY_BYTES, SIGNATURE_BYTES = 32, 64
LONGEST_EDITION, LONGEST_URL = 20, 120
LATEST_MS = 253_402_214_400_000  # 9999-12-31: no later one can be told as a date
TICKET_ID_BYTES, LONGEST_HOLDER, LONGEST_RIGHTS, LONGEST_WHY = 16, 40, 255, 120


class NotThisPaper(Refusal):
    """The code is none, or not the one that belongs here."""

    code = "refusal.enrolment_paper"
    text = (
        "This is not a {wanted} of an enrolment, or of another version. Nothing was "
        "changed. Ask head office for the right one."
    )


class SignatureWrong(Refusal):
    """Somebody changed the paper, or another key signed it."""

    code = "refusal.enrolment_signature"
    text = (
        "The signature of this {wanted} is wrong: it was changed, or another key "
        "signed it. Nothing was changed. Ask head office for a new one."
    )


class _Paper(ABC):
    """Fields that are signed by a key that stands among them."""

    __slots__ = ()
    KIND: ClassVar[bytes]
    CONTEXT: ClassVar[bytes]
    NAME: ClassVar[str]

    @property
    @abstractmethod
    def signer(self) -> bytes:
        """The public key whose signature it has."""

    @abstractmethod
    def to_bytes(self) -> bytes:
        """Return the fields as they are signed."""

    @classmethod
    @abstractmethod
    def _taken(cls, fields: "_Fields") -> Self:
        """Take the fields in their order."""

    def signed(self, key: Ed25519PrivateKey) -> bytes:
        """Return the paper, signed by its signer's private key."""
        fields = self.to_bytes()
        return self.KIND + fields + key.sign(self.CONTEXT + fields)

    @classmethod
    def read(cls, paper: bytes) -> Self:
        """Return a paper that the key named in it signed, whoever that is.

        Raises:
            NotThisPaper, SignatureWrong: it is none.
        """
        fields = _Fields(paper, cls.KIND, cls.NAME)
        made = cls._taken(fields)
        fields.end(made.signer, cls.CONTEXT)
        return made


@dataclass(frozen=True, slots=True)
class Request(_Paper):
    """What a station asks head office to sign."""

    KIND = b"R"
    CONTEXT = b"cngstation enrolment request 1\0"
    NAME = mark("request")

    station_no: str
    area_no: str
    made_at_ms: int
    station_key: bytes

    @property
    def signer(self) -> bytes:
        """The station's own key."""
        return self.station_key

    def to_bytes(self) -> bytes:
        """Return the fields as they are signed."""
        return (
            self.station_no.encode("ascii")
            + self.area_no.encode("ascii")
            + self.made_at_ms.to_bytes(8, "big")
            + self.station_key
        )

    @classmethod
    def _taken(cls, fields: "_Fields") -> Self:
        return cls(fields.digits(8), fields.digits(4), fields.moment(), fields.key())


@dataclass(frozen=True, slots=True)
class Certificate(_Paper):
    """What head office says of a station; `pin` is the SHA-256 of its TLS certificate.

    `edition` is "single", "networked" or what head office calls it.
    """

    KIND = b"C"
    CONTEXT = b"cngstation enrolment certificate 1\0"
    NAME = mark("certificate")

    serial: int
    station_no: str
    area_no: str
    edition: str
    from_ms: int
    until_ms: int
    station_key: bytes
    office_key: bytes
    url: str = ""
    pin: bytes = b""

    @property
    def signer(self) -> bytes:
        """Head office's key."""
        return self.office_key

    def to_bytes(self) -> bytes:
        """Return the fields as they are signed."""
        return (
            self.serial.to_bytes(4, "big")
            + self.station_no.encode("ascii")
            + self.area_no.encode("ascii")
            + _text(self.edition, LONGEST_EDITION)
            + self.from_ms.to_bytes(8, "big")
            + self.until_ms.to_bytes(8, "big")
            + self.station_key
            + self.office_key
            + _text(self.url, LONGEST_URL)
            + bytes([len(self.pin)])
            + self.pin
        )

    @classmethod
    def _taken(cls, fields: "_Fields") -> Self:
        return cls(
            serial=fields.number(4),
            station_no=fields.digits(8),
            area_no=fields.digits(4),
            edition=fields.text(LONGEST_EDITION),
            from_ms=fields.moment(),
            until_ms=fields.moment(),
            station_key=fields.key(),
            office_key=fields.key(),
            url=fields.text(LONGEST_URL),
            pin=fields.short(KEY_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Ticket(_Paper):
    """Whom of the vendor head office lets in, where, until when, for what and why.

    `rights` are names with spaces between.
    """

    KIND = b"V"
    CONTEXT = b"cngstation vendor ticket 1\0"
    NAME = mark("vendor's ticket")

    ticket_id: bytes
    station_no: str
    holder: str
    rights: str
    from_ms: int
    until_ms: int
    reason: str
    office_key: bytes

    @property
    def signer(self) -> bytes:
        """Head office's key."""
        return self.office_key

    def to_bytes(self) -> bytes:
        """Return the fields as they are signed."""
        return (
            self.ticket_id
            + self.station_no.encode("ascii")
            + _text(self.holder, LONGEST_HOLDER)
            + _text(self.rights, LONGEST_RIGHTS)
            + self.from_ms.to_bytes(8, "big")
            + self.until_ms.to_bytes(8, "big")
            + _text(self.reason, LONGEST_WHY)
            + self.office_key
        )

    @classmethod
    def _taken(cls, fields: "_Fields") -> Self:
        return cls(
            ticket_id=fields.raw(TICKET_ID_BYTES),
            station_no=fields.digits(8),
            holder=fields.text(LONGEST_HOLDER),
            rights=fields.text(LONGEST_RIGHTS),
            from_ms=fields.moment(),
            until_ms=fields.moment(),
            reason=fields.text(LONGEST_WHY),
            office_key=fields.key(),
        )


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the public half of a key."""
    return key.public_key().public_bytes_raw()


def fingerprint(key: bytes) -> str:
    """Return what two people compare of a public key: 16 letters in fours."""
    digits = hashlib.sha256(key).hexdigest()[:16].upper()
    return "-".join(digits[at : at + 4] for at in range(0, 16, 4))


def call_code(paper: bytes) -> str:
    """Return what is read out over the phone to compare a request: 8 letters."""
    digits = hashlib.sha256(b"call" + paper).hexdigest()[:8].upper()
    return f"{digits[:4]}-{digits[4:]}"


def _text(text: str, most: int) -> bytes:
    data = text.encode()
    if len(data) > most:
        raise ValueError(f"more than {most} bytes")
    return bytes([len(data)]) + data


class _Fields:
    """Reads the fields of a paper, front to back."""

    def __init__(self, paper: bytes, kind: bytes, wanted: str) -> None:
        self._wanted = wanted
        self._fields, self._signature = (
            paper[1:-SIGNATURE_BYTES],
            paper[-SIGNATURE_BYTES:],
        )
        self._at = 0
        if paper[:1] != kind or len(paper) <= SIGNATURE_BYTES:
            raise self._wrong()

    def number(self, width: int) -> int:
        """Return an unsigned number."""
        return int.from_bytes(self._take(width), "big")

    def moment(self) -> int:
        """Return a moment that can be told as a date."""
        ms = self.number(8)
        if ms > LATEST_MS:
            raise self._wrong()
        return ms

    def digits(self, width: int) -> str:
        """Return a text of ASCII digits."""
        data = self._take(width)
        if not data.isdigit():
            raise self._wrong()
        return data.decode("ascii")

    def key(self) -> bytes:
        """Return a public key."""
        return self._take(KEY_BYTES)

    def raw(self, width: int) -> bytes:
        """Return bytes as they are."""
        return self._take(width)

    def short(self, *lengths: int) -> bytes:
        """Return bytes behind their count, which is 0 or one of these."""
        length = self.number(1)
        if length not in (0, *lengths):
            raise self._wrong()
        return self._take(length)

    def text(self, most: int) -> str:
        """Return a text behind its length."""
        length = self.number(1)
        try:
            text = self._take(length).decode()
        except UnicodeDecodeError:
            raise self._wrong() from None
        if length > most or not is_clean(text):
            raise self._wrong()
        return text

    def end(self, key: bytes, context: bytes) -> None:
        """Refuse what is left over, and a signature that is not this key's."""
        if self._at != len(self._fields):
            raise self._wrong()
        try:
            public = Ed25519PublicKey.from_public_bytes(key)
            public.verify(self._signature, context + self._fields)
        except (InvalidSignature, ValueError):
            raise SignatureWrong(wanted=self._wanted) from None

    def _take(self, count: int) -> bytes:
        data = self._fields[self._at : self._at + count]
        if len(data) != count:
            raise self._wrong()
        self._at += count
        return data

    def _wrong(self) -> NotThisPaper:
        return NotThisPaper(wanted=self._wanted)
