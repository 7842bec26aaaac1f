"""The driver of PC/SC readers over a service that fails in every way."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from cngstation.drivers import pcsc_reader
from cngstation.drivers.card_reader import (
    CardGone,
    CardSaidNo,
    CardTraits,
    KeyRefused,
    ReaderMakesNoSense,
)
from cngstation.drivers.one_thread import OneThread
from cngstation.drivers.pcsc_reader import PcscFailed, PcscReader, Trouble
from cngstation.errors import (
    DeviceReported,
    DeviceUnavailable,
    LocalProtocolError,
    OutcomeUnknown,
)

UID = bytes.fromhex("04A1B2C3D4E5F6")
CPU = bytes.fromhex("3B848001434E473141")
MIFARE = bytes.fromhex("3B8F8001804F0CA000000306030001000000006A")
DONE = b"\x90\x00"
NUMBER = "ffca000000"


class Link:
    """A service with a card; `answers` by the first bytes of what is sent."""

    made: list["Link"]

    def __init__(self) -> None:
        self.atr: bytes | None = CPU
        self.speaks_t0 = False
        self.answers: dict[str, Any] = {NUMBER: UID + DONE}
        self.sent: list[str] = []
        self.failing: dict[str, PcscFailed] = {}
        self.resets = 0
        self.is_open = False
        self.present = True

    def _fail(self, where: str) -> None:
        if where in self.failing:
            raise self.failing[where]

    def open(self) -> None:
        self._fail("open")
        self.is_open = True

    def connect(self) -> bytes | None:
        self._fail("connect")
        return self.atr

    def is_present(self) -> bool:
        self._fail("is_present")
        return self.present

    def reset(self) -> bytes | None:
        self._fail("reset")
        self.resets += 1
        return self.atr

    def transmit(self, apdu: bytes) -> bytes:
        self.sent.append(apdu.hex())
        for head in sorted(self.answers, key=len, reverse=True):
            if apdu.hex().startswith(head):
                answer = self.answers[head]
                if isinstance(answer, list):
                    answer = answer.pop(0)
                if isinstance(answer, Exception):
                    raise answer
                if callable(answer):
                    return bytes(answer())
                return bytes(answer)
        return DONE

    def leave(self) -> None:
        self._fail("leave")

    def close(self) -> None:
        self._fail("close")
        self.is_open = False


@pytest.fixture
def link() -> Link:
    """A service with a contactless CPU card."""
    return Link()


@pytest_asyncio.fixture
async def reader(link: Link) -> AsyncIterator[PcscReader]:
    """The driver, open, with the card selected."""
    reader = PcscReader(lambda: link)
    await reader.open()
    assert await reader.find_card() == UID
    yield reader
    await reader.close()
    assert not link.is_open


def failed(trouble: Trouble) -> PcscFailed:
    """Return a failure of the service."""
    return PcscFailed(trouble, "the service's words")


async def test_a_card_is_named_by_its_number(reader: PcscReader, link: Link) -> None:
    """Found once it is not asked again while it stays."""
    assert reader.traits == CardTraits(
        has_sectors=False, takes_apdus=True, historical=b"CNG1"
    )
    assert [await reader.find_card() for _ in range(3)] == [UID] * 3
    assert link.sent == [NUMBER]
    link.present, link.atr = False, None
    assert await reader.find_card() is None
    with pytest.raises(CardGone):
        await reader.transmit(b"\0\x84\0\0\4")
    assert link.sent == [NUMBER]


async def test_a_card_on_contacts_is_named_by_its_application(link: Link) -> None:
    """By whoever knows it; by its ATR when nobody does."""
    link.answers = {NUMBER: b"\x6e\x00", "00b0": b"\x12\x34" + DONE}

    async def identify(transmit: Callable[[bytes], Any]) -> bytes | None:
        answer: bytes = await transmit(bytes.fromhex("00B0950002"))
        return answer[:-2]

    for who, name in ((identify, b"\x12\x34"), (None, CPU)):
        reader = PcscReader(lambda: link, *([who] if who else []))
        await reader.open()
        assert await reader.find_card() == name[:10]
        await reader.close()


async def test_another_card_is_not_the_one_selected(
    reader: PcscReader, link: Link
) -> None:
    """A reselected card loses its power, and must have the same number."""
    await reader.reselect(UID)
    assert link.resets == 1
    link.answers[NUMBER] = b"\x01\x02\x03\x04" + DONE
    with pytest.raises(CardGone):
        await reader.reselect(UID)
    with pytest.raises(CardGone):
        await reader.transmit(b"\0\x84\0\0\4")


@pytest.mark.parametrize(
    ("trouble", "asked", "changed"),
    [
        (Trouble.NO_CARD, CardGone, CardGone),
        (Trouble.RESET, CardGone, CardGone),
        (Trouble.MUTE, CardGone, OutcomeUnknown),
        (Trouble.NOT_TRANSACTED, CardGone, OutcomeUnknown),
        (Trouble.SERVICE, DeviceUnavailable, OutcomeUnknown),
        (Trouble.NO_READER, DeviceUnavailable, OutcomeUnknown),
        (Trouble.NOT_SENT, DeviceUnavailable, DeviceUnavailable),
    ],
)
async def test_what_was_not_sent_is_no_doubt_and_all_else_is(
    reader: PcscReader,
    link: Link,
    trouble: Trouble,
    asked: type[Exception],
    changed: type[Exception],
) -> None:
    """After any failure the card must be selected again."""
    link.answers["80"] = failed(trouble)
    for changes_card, error in ((False, asked), (True, changed)):
        await reader.reselect(UID)
        with pytest.raises(error):
            await reader.transmit(b"\x80\x52\0\0", changes_card=changes_card)
        with pytest.raises(CardGone):
            await reader.transmit(b"\x80\x52\0\0", changes_card=changes_card)


@pytest.mark.parametrize("answer", [b"", b"\x90"])
async def test_a_card_that_leaves_in_its_answer(
    reader: PcscReader, link: Link, answer: bytes
) -> None:
    """The service says success and gives nothing."""
    link.answers["80"] = answer
    with pytest.raises(OutcomeUnknown):
        await reader.transmit(b"\x80\x52\0\0")
    await reader.reselect(UID)
    with pytest.raises(CardGone):
        await reader.transmit(b"\x80\x5c\0\0", changes_card=False)


async def test_t0_gets_its_answer_in_parts(reader: PcscReader, link: Link) -> None:
    """The data waits, or the length was wrong; a loss between them is a doubt."""
    link.speaks_t0 = True
    link.answers |= {
        "80": b"\x61\x04",
        "00c0": b"ABCD" + DONE,
        "00b095001e": b"\x6c\x10",
        "00b0950010": b"data" + DONE,
    }
    assert await reader.transmit(b"\x80\x52\0\0\1\2\4") == b"ABCD" + DONE
    assert link.sent[-2:] == ["805200000102", "00c0000004"]
    assert await reader.transmit(bytes.fromhex("00B095001E")) == b"data" + DONE
    link.answers["00c0"] = failed(Trouble.NO_CARD)
    with pytest.raises(OutcomeUnknown):
        await reader.transmit(b"\x80\x52\0\0\1\2\4")
    await reader.reselect(UID)
    link.answers["00c0"] = b"\x61\x04"
    with pytest.raises(ReaderMakesNoSense, match="without end"):
        await reader.transmit(b"\x80\x52\0\0\1\2\4", changes_card=False)


async def test_an_answer_too_long_makes_no_sense(
    reader: PcscReader, link: Link
) -> None:
    """More than a short APDU can have."""
    link.answers["80"] = bytes(257) + DONE
    with pytest.raises(ReaderMakesNoSense):
        await reader.transmit(b"\x80\x5c\0\0", changes_card=False)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Trouble.MUTE, DeviceReported),
        (Trouble.SHARED, DeviceReported),
        (Trouble.NO_READER, DeviceUnavailable),
        (Trouble.SERVICE, DeviceUnavailable),
    ],
)
async def test_a_reader_in_trouble_says_why(
    reader: PcscReader, link: Link, trouble: Trouble, error: type[Exception]
) -> None:
    """Words of the service reach the screen; a card upside down loses no reader."""
    link.present = False
    link.failing["connect"] = failed(trouble)
    with pytest.raises(error, match="the service's words"):
        await reader.find_card()
    assert reader.health.online is (error is DeviceReported)
    if error is DeviceUnavailable:
        assert "the service's words" in reader.health.last_fault


async def test_a_card_that_leaves_while_it_is_named_is_none(
    reader: PcscReader, link: Link
) -> None:
    """The service has not seen yet that it left."""
    link.present = False
    link.answers[NUMBER] = failed(Trouble.NOT_TRANSACTED)
    assert await reader.find_card() is None
    with pytest.raises(CardGone):
        await reader.reselect(UID)


async def test_a_service_that_is_not_there(link: Link) -> None:
    """It says so, and the next try is a new one."""
    link.failing["open"] = failed(Trouble.SERVICE)
    reader = PcscReader(lambda: link)
    with pytest.raises(DeviceUnavailable, match="the service's words"):
        await reader.open()
    with pytest.raises(DeviceUnavailable, match="not open"):
        await reader.find_card()
    link.failing.clear()
    await reader.open()
    assert reader.health.online
    await reader.close()


async def test_a_service_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The act is in doubt, and a new link works beside the one that hangs."""
    monkeypatch.setattr(pcsc_reader, "ANSWER_WITHIN_MS", 50)
    monkeypatch.setattr(pcsc_reader, "CLOSES_WITHIN_MS", 50)
    may_go = threading.Event()
    links: list[Link] = []

    def make() -> Link:
        links.append(Link())
        return links[-1]

    reader = PcscReader(make)
    await reader.open()
    await reader.find_card()
    hanging = links[-1]
    hanging.answers["80"] = lambda: may_go.wait(60) and DONE
    with pytest.raises(OutcomeUnknown):
        await reader.transmit(b"\x80\x52\0\0")
    await reader.close()
    await reader.open()
    assert links[-1] is not hanging
    assert await reader.find_card() == UID
    may_go.set()
    await reader.close()


async def test_sectors_are_opened_by_the_readers_commands(
    reader: PcscReader, link: Link
) -> None:
    """Key, sector, block; what the card refuses has its own word."""
    link.atr = MIFARE
    await reader.reselect(UID)
    assert reader.traits.has_sectors
    assert not reader.traits.takes_apdus
    with pytest.raises(LocalProtocolError, match="takes none"):
        await reader.transmit(b"\0\x84\0\0\4")
    link.sent.clear()
    link.answers |= {"ffb0": bytes(range(16)) + DONE}
    await reader.authenticate(4, b"\xff" * 6, "B")
    assert await reader.read_block(4) == bytes(range(16))
    await reader.write_block(5, bytes(16))
    assert link.sent == [
        "ff82000006" + "ff" * 6, "ff860000050100046100", "ffb0000410",
        "ffd6000510" + "00" * 16,
    ]  # fmt: skip
    refusals: list[tuple[str, type[Exception], Callable[[], Any]]] = [
        ("ff82", KeyRefused, lambda: reader.authenticate(4, bytes(6), "A")),
        ("ff86", KeyRefused, lambda: reader.authenticate(4, bytes(6), "A")),
        ("ffb0", CardSaidNo, lambda: reader.read_block(4)),
        ("ffd6", OutcomeUnknown, lambda: reader.write_block(4, bytes(16))),
    ]
    for head, error, ask in refusals:
        await reader.reselect(UID)
        kept, link.answers[head] = link.answers.get(head, DONE), b"\x63\x00"
        with pytest.raises(error):
            await ask()
        with pytest.raises(CardGone):
            await ask()
        link.answers[head] = kept
    await reader.reselect(UID)
    link.answers["ffb0"] = b"short" + DONE
    with pytest.raises(ReaderMakesNoSense, match="5 bytes"):
        await reader.read_block(4)


async def test_a_card_without_sectors_refuses_every_key(
    reader: PcscReader, link: Link
) -> None:
    """Nothing is sent to it."""
    link.sent.clear()
    with pytest.raises(KeyRefused):
        await reader.authenticate(4, bytes(6), "A")
    assert link.sent == []


async def test_a_released_card_is_gone(reader: PcscReader, link: Link) -> None:
    """It must be found again; a service that fails there says so."""
    await reader.release()
    with pytest.raises(CardGone):
        await reader.read_block(4)
    link.failing["leave"] = failed(Trouble.SERVICE)
    with pytest.raises(DeviceUnavailable):
        await reader.release()


async def test_the_thread_calls_one_after_the_other() -> None:
    """In the order asked, in one thread, and what a cancelled one asked is done."""
    thread = OneThread("test")
    may_go, done = threading.Event(), []

    def slow() -> int:
        may_go.wait(60)
        done.append("slow")
        return threading.get_ident()

    def fails() -> None:
        done.append("fails")
        raise ValueError("its own words")

    first = asyncio.create_task(thread.call(slow))
    second = asyncio.create_task(thread.call(fails))
    await asyncio.sleep(0)
    first.cancel()
    may_go.set()
    with pytest.raises(ValueError, match="its own words"):
        await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert done == ["slow", "fails"]
    assert await thread.call(threading.get_ident) != threading.get_ident()
    thread.end()
