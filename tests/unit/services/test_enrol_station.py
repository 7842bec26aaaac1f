"""Enrolment: only head office's newest word about this station and this key counts."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cngstation.config import StationConfig, load_config
from cngstation.domain.digest import Happened, Section, section_of
from cngstation.domain.enrolment import (
    LATEST_MS,
    Certificate,
    NotThisPaper,
    Request,
    SignatureWrong,
    fingerprint,
    public_bytes,
)
from cngstation.domain.typed_code import code_text, read_code
from cngstation.errors import Refusal
from cngstation.moments import time_text
from cngstation.services import enrol_by_two, enrol_station
from cngstation.services.approve import SecondPersonMissing
from cngstation.services.compare_edition import compare_edition
from cngstation.services.enrol_by_two import ALONE, KEY
from cngstation.services.enrol_station import (
    MS_PER_DAY,
    Identity,
    NothingRequested,
    NotValidNow,
    OfficeNotConfirmed,
    OtherKey,
    OtherOffice,
    OtherStation,
    RolledBack,
    accept,
    make_request,
    request_text,
    standing,
)
from cngstation.services.note_config import note_config
from cngstation.services.station_key import (
    NoCertificate,
    SeveralCertificates,
    certificate_in,
)
from cngstation.services.verify_books import verify_file
from cngstation.services.watch_enrolment import look_once
from cngstation.storage import findings
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database
from tests.small_station import HandClock, hire, opened

STATION = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OFFICE = Ed25519PrivateKey.from_private_bytes(bytes(range(100, 132)))
THIEF = Ed25519PrivateKey.from_private_bytes(bytes(range(50, 82)))
EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
WHO = Identity("03160002", "0316")
ACTOR = Actor("1001", "test")
COMPARED = fingerprint(public_bytes(OFFICE))


@contextlib.asynccontextmanager
async def asked(folder: Path, clock: HandClock) -> AsyncIterator[Database]:
    """Open a station that has made its request."""
    async with opened(folder / "station.db", clock) as database:
        await make_request(database, STATION, WHO, ACTOR)
        yield database


def certificate(clock: HandClock, **changes: object) -> Certificate:
    """Return what head office says, with changes."""
    now_ms = clock.now().wall_ms
    made = Certificate(
        serial=7,
        station_no=WHO.station_no,
        area_no=WHO.area_no,
        edition="networked",
        from_ms=now_ms,
        until_ms=now_ms + 365 * MS_PER_DAY,
        station_key=public_bytes(STATION),
        office_key=public_bytes(OFFICE),
        url="https://centre.example/station",
        pin=bytes(32),
    )
    return replace(made, **changes)


def text_of(made: Certificate, key: Ed25519PrivateKey = OFFICE) -> str:
    """Return a certificate as it comes."""
    return code_text(made.signed(key), ("a certificate",))


async def test_the_whole_way(tmp_path: Path) -> None:
    """Request, certificate, renewal; every step a fact, proved and audited."""
    clock = HandClock()
    async with asked(tmp_path, clock) as database:
        request = (await database.read(standing)).request
        assert request is not None
        sent = Request.read(read_code(request_text(request)))
        assert (sent.station_no, sent.area_no) == ("03160002", "0316")
        assert sent.station_key == public_bytes(STATION)
        await accept(
            database, text_of(certificate(clock)), WHO, ACTOR, compared=COMPARED
        )
        now = await database.read(standing)
        assert now.certificate == certificate(clock)
        assert now.days_left(clock.now().wall_ms) == 365
        # A renewal is signed with the key that is known now: nothing is compared.
        renewed = certificate(clock, serial=8, edition="single")
        await accept(database, text_of(renewed), WHO, ACTOR)
        assert (await database.read(standing)).certificate == renewed
        acts = await database.read(
            lambda c: c.execute("SELECT act, subject, before FROM audit").fetchall()
        )
    assert acts == [
        ("enrolment.alone", "enrolment.key", ""),
        ("enrolment.request", request.call_code, ""),
        ("enrolment.alone", "enrolment.trust", ""),
        ("enrolment.accept", "7", ""),
        ("enrolment.accept", "8", "7"),
    ]
    assert verify_file(tmp_path / "station.db").proved


HOUR = 3_600_000


@pytest.mark.parametrize(
    ("changes", "key", "refusal"),
    [
        ({"station_no": "03160003"}, OFFICE, OtherStation),
        ({"area_no": "0317"}, OFFICE, OtherStation),
        ({"station_key": public_bytes(THIEF)}, OFFICE, OtherKey),
        ({"from_ms": HOUR}, OFFICE, NotValidNow),
        ({"from_ms": -2 * HOUR, "until_ms": -1}, OFFICE, NotValidNow),
        ({"from_ms": -2 * HOUR, "until_ms": 0}, OFFICE, NotValidNow),
        ({"serial": 6}, OFFICE, RolledBack),
        ({"serial": 7}, OFFICE, RolledBack),
        ({"office_key": public_bytes(THIEF)}, THIEF, OtherOffice),
        ({}, THIEF, SignatureWrong),
    ],
)
async def test_what_is_not_for_us_is_refused(
    tmp_path: Path,
    changes: dict[str, object],
    key: Ed25519PrivateKey,
    refusal: type[Refusal],
) -> None:
    """Other station, key, time, older, or signed by somebody else: nothing changes."""
    clock = HandClock()
    now_ms = clock.now().wall_ms
    for field in ("from_ms", "until_ms"):
        if field in changes:
            changes = {**changes, field: now_ms + int(str(changes[field]))}
    async with asked(tmp_path, clock) as database:
        await accept(
            database, text_of(certificate(clock)), WHO, ACTOR, compared=COMPARED
        )
        before = await database.read(standing)
        changed = certificate(clock, **{"serial": 8, **changes})
        with pytest.raises(refusal) as caught:
            await accept(
                database, text_of(changed, key), WHO, ACTOR,
                compared=fingerprint(changed.office_key),
            )  # fmt: skip
        assert "Nothing was changed" in caught.value.sentence()
        assert await database.read(standing) == before


async def test_the_first_key_is_trusted_only_when_compared(tmp_path: Path) -> None:
    """Its fingerprint is named; another one typed, or none, is not enough."""
    clock = HandClock()
    text = text_of(certificate(clock))
    async with asked(tmp_path, clock) as database:
        for typed in ("", "0000-0000-0000-0000", COMPARED[:-1]):
            with pytest.raises(OfficeNotConfirmed) as caught:
                await accept(database, text, WHO, ACTOR, compared=typed)
            assert caught.value.facts["shown"] == COMPARED
        await accept(database, text, WHO, ACTOR, compared=COMPARED.lower())


async def test_a_pinned_key_goes_before_everything(tmp_path: Path) -> None:
    """The configuration names head office: another fingerprint helps nobody."""
    clock = HandClock()
    pinned = replace(WHO, office_key=public_bytes(OFFICE))
    async with asked(tmp_path, clock) as database:
        forged = certificate(clock, office_key=public_bytes(THIEF))
        with pytest.raises(OtherOffice):
            await accept(
                database, text_of(forged, THIEF), pinned, ACTOR,
                compared=fingerprint(public_bytes(THIEF)),
            )  # fmt: skip
        await accept(database, text_of(certificate(clock)), pinned, ACTOR)


async def test_without_a_request_nothing_is_accepted(tmp_path: Path) -> None:
    """There is no key that it could be for."""
    clock = HandClock()
    async with opened(tmp_path / "station.db", clock) as database:
        with pytest.raises(NothingRequested):
            await accept(
                database, text_of(certificate(clock)), WHO, ACTOR, compared=COMPARED
            )


async def test_the_only_operator_is_alone_once_and_never_beside_others(
    tmp_path: Path,
) -> None:
    """A key made again, or an office trusted, takes two; what is known does not."""
    clock = HandClock()
    async with asked(tmp_path, clock) as database:
        await database.write(lambda tx: hire(tx, operator_no="1"))
        await make_request(database, STATION, WHO, ACTOR)
        with pytest.raises(SecondPersonMissing):
            await make_request(database, THIEF, WHO, ACTOR)
        await database.write(lambda tx: hire(tx, operator_no="2", state="retired"))
        text = text_of(certificate(clock))
        with pytest.raises(SecondPersonMissing):
            await accept(database, text, WHO, ACTOR, compared=COMPARED)
        pinned = replace(WHO, office_key=public_bytes(OFFICE))
        await accept(database, text, pinned, ACTOR)
        renewed = certificate(clock, serial=8)
        await accept(database, text_of(renewed), WHO, ACTOR)
    row = Happened(
        seq=1, at_ms=1, act=ALONE, subject=KEY, outcome="done", operator_no="1",
        terminal="t", reason="", before="", after="",
    )  # fmt: skip
    assert section_of(row) is Section.OVERRIDDEN


async def test_a_new_request_makes_the_old_answer_worthless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a lost key, only the newest one counts."""
    clock = HandClock()
    async with asked(tmp_path, clock) as database:
        monkeypatch.setattr(enrol_by_two, "may_be_alone", lambda *_: True)
        await make_request(database, THIEF, WHO, ACTOR)
        with pytest.raises(OtherKey):
            await accept(
                database, text_of(certificate(clock)), WHO, ACTOR, compared=COMPARED
            )


async def open_kinds(database: Database, clock: HandClock) -> list[str]:
    """Return which rows are open once it was looked, twice."""
    await look_once(database, clock)
    await look_once(database, clock)
    found = await database.read(lambda c: list(findings.open_findings(c)))
    return [finding.kind for finding in found]


async def test_an_edition_that_is_not_run_opens_a_row(tmp_path: Path) -> None:
    """When it is accepted and at a start; it closes when both agree."""
    clock = HandClock()
    config = load_config(EXAMPLE)

    def runs(network: str) -> StationConfig:
        station = config.station.model_copy(update={"network": network})
        return config.model_copy(update={"station": station})

    async with asked(tmp_path, clock) as database:
        await compare_edition(database, runs("single"))
        who, text = replace(WHO, network="single"), text_of(certificate(clock))
        await accept(database, text, who, ACTOR, compared=COMPARED)
        assert await open_kinds(database, clock) == ["edition_differs"]
        await compare_edition(database, runs("single"))
        assert await open_kinds(database, clock) == ["edition_differs"]
        await compare_edition(database, runs("networked"))
        assert await open_kinds(database, clock) == []
        await note_config(database, runs("single"))
        assert await open_kinds(database, clock) == ["edition_differs"]
        other = certificate(clock, serial=8, edition="gold")
        await accept(database, text_of(other), who, ACTOR)
        assert await open_kinds(database, clock) == []
        told = await database.read(
            lambda c: c.execute(
                "SELECT before, after FROM audit WHERE act='enrolment.edition'"
            ).fetchall()
        )
        assert told == [("single", "networked")] * 2
    assert verify_file(tmp_path / "station.db").proved


def test_every_changed_bit_of_a_paper_is_seen() -> None:
    """Both papers, bit by bit, past the checks of the typed code."""
    papers = (
        (
            Request,
            Request("03160002", "0316", 1, public_bytes(STATION)).signed(STATION),
        ),
        (Certificate, certificate(HandClock()).signed(OFFICE)),
    )
    for kind, paper in papers:
        assert kind.read(paper)
        for bit in range(8 * len(paper)):
            changed = bytearray(paper)
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises((NotThisPaper, SignatureWrong)):
                kind.read(bytes(changed))
        for cut in range(len(paper)):
            with pytest.raises((NotThisPaper, SignatureWrong)):
                kind.read(paper[:cut])
        with pytest.raises((NotThisPaper, SignatureWrong)):
            kind.read(paper + b"\0")


def test_a_moment_that_no_calendar_has_is_no_paper() -> None:
    """Anybody makes a request that is signed well; the end of days is a moment."""
    last = certificate(HandClock(), until_ms=LATEST_MS)
    assert time_text(Certificate.read(last.signed(OFFICE)).until_ms)
    for at_ms in (LATEST_MS + 1, 2**64 - 1):
        request = Request("03160002", "0316", at_ms, public_bytes(STATION))
        with pytest.raises(NotThisPaper):
            Request.read(request.signed(STATION))


def test_a_paper_of_one_kind_is_none_of_the_other() -> None:
    """A request signed by the office is no certificate, whatever its bytes."""
    request = Request("03160002", "0316", 1, public_bytes(STATION)).signed(STATION)
    with pytest.raises(NotThisPaper):
        Certificate.read(request)
    with pytest.raises(NotThisPaper):
        Request.read(certificate(HandClock()).signed(OFFICE))


def test_the_bytes_that_are_signed_stay_what_they_are() -> None:
    """As the handbook writes them: a head office of another make signs the same."""
    paper = certificate(HandClock(), from_ms=1, until_ms=2, url="u").to_bytes()
    assert paper == (
        bytes.fromhex("00000007")
        + b"03160002"
        + b"0316"
        + b"\x09networked"
        + bytes(7) + b"\x01" + bytes(7) + b"\x02"
        + public_bytes(STATION)
        + public_bytes(OFFICE)
        + b"\x01u"
        + b"\x20" + bytes(32)
    )  # fmt: skip
    whole = certificate(HandClock(), from_ms=1, until_ms=2, url="u").signed(OFFICE)
    OFFICE.public_key().verify(
        whole[-64:], b"cngstation enrolment certificate 1\0" + paper
    )


async def test_the_board_warns_thirty_days_ahead(tmp_path: Path) -> None:
    """One row, another when it has ended, none once a new one is accepted."""
    clock = HandClock()

    async with asked(tmp_path, clock) as database:
        assert await open_kinds(database, clock) == []
        first = certificate(clock)
        await accept(database, text_of(first), WHO, ACTOR, compared=COMPARED)
        clock.forward(334 * MS_PER_DAY)
        assert await open_kinds(database, clock) == []
        clock.forward(2 * MS_PER_DAY)
        assert await open_kinds(database, clock) == [enrol_station.EXPIRES]
        clock.forward(30 * MS_PER_DAY)
        assert await open_kinds(database, clock) == [enrol_station.EXPIRED]
        renewed = certificate(clock, serial=8)
        await accept(database, text_of(renewed), WHO, ACTOR)
        assert await open_kinds(database, clock) == []
    assert verify_file(tmp_path / "station.db").proved


def test_a_usb_key_gives_the_one_certificate_of_this_station(tmp_path: Path) -> None:
    """Others' are passed over; two of ours, or a damaged one, are not."""
    clock = HandClock()
    with pytest.raises(NoCertificate):
        certificate_in(tmp_path, WHO)
    others = text_of(certificate(clock, station_no="03160003"))
    (tmp_path / "03160003.certificate.txt").write_text(others)
    (tmp_path / "notes.txt").write_text(text_of(certificate(clock)))
    with pytest.raises(NoCertificate):
        certificate_in(tmp_path, WHO)
    ours = text_of(certificate(clock))
    (tmp_path / "03160002.certificate.txt").write_text(ours)
    assert certificate_in(tmp_path, WHO) == ours
    (tmp_path / "new.certificate.txt").write_text(text_of(certificate(clock, serial=8)))
    with pytest.raises(SeveralCertificates):
        certificate_in(tmp_path, WHO)
