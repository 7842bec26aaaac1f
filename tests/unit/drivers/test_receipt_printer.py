"""The receipt printer's driver against the simulated device over a real pty."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cngstation.drivers.receipt_printer import (
    Patience,
    PrinterCoverOpen,
    PrinterNotReady,
    PrinterOffline,
    PrinterOutOfPaper,
    ReceiptPrinter,
    SlipOutcomeUnknown,
)
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.errors import (
    DeviceTimeout,
    DeviceUnavailable,
    LocalProtocolError,
    MoneyMoved,
    OutcomeUnknown,
)
from cngstation.protocols.receipt.escpos_bytes import LARGEST_SLIP_BYTES, slip_bytes
from cngstation.protocols.receipt.slip import Line, Slip, render
from cngstation.simulators.control import ControlClient
from cngstation.simulators.escpos_paper import CUT_MARK
from cngstation.simulators.escpos_printer import PrinterConfig, SimulatedPrinter
from tests.patience import allowed_s
from tests.receipts import GAS_TOP_UP, SLIPS, TOP_UP

BAUD = 115_200
QUICK = Patience(open_ms=500, answer_ms=100, slip_ms=600)
Hands = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def hands(tmp_path: Path) -> AsyncIterator[Hands]:
    """A printer that is plugged in; call it to do what hands do."""
    config = PrinterConfig(
        tmp_path / "port", tmp_path / "control", tmp_path / "paper", BAUD, columns=32
    )
    with config.paper.open("a", encoding="utf-8") as paper:
        device = SimulatedPrinter(config, paper)
        await device.start()
        client = ControlClient(config.control)
        yield client.call
        await client.close()
        await device.stop()


@pytest.fixture
async def printer(tmp_path: Path, hands: Hands) -> AsyncIterator[ReceiptPrinter]:
    """The driver, on the port of that printer."""
    del hands
    settings = SerialSettings(str(tmp_path / "port"), BAUD)
    driver = ReceiptPrinter(settings, open_serial, QUICK)
    yield driver
    await driver.close()


def job(slip: Slip = TOP_UP) -> bytes:
    return slip_bytes(render(slip, 32))


def paper_of(slip: Slip) -> str:
    lines = [line.text.rstrip() + "\n" for line in render(slip, 32)]
    return "".join(lines) + "\n" * 5 + CUT_MARK + "\n"


async def nothing_printed(hands: Hands) -> bool:
    return (await hands("printed"))["text"] == ""


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS.keys())
async def test_the_paper_shows_the_slip(
    printer: ReceiptPrinter, hands: Hands, slip: Slip, tmp_path: Path
) -> None:
    """What the device put on paper is what was rendered, in Chinese, and one cut."""
    await printer.print_slip(job(slip))
    printed = await hands("printed")
    assert printed == {
        "text": paper_of(slip), "cuts": 1, "kicks": 0, "unknown": 0, "lost_bytes": 0,
    }  # fmt: skip
    assert (tmp_path / "paper").read_text("utf-8") == paper_of(slip)


async def test_two_slips_at_once_come_one_behind_the_other(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """Two callers never mix their lines."""
    await asyncio.gather(
        printer.print_slip(job(TOP_UP)), printer.print_slip(job(GAS_TOP_UP))
    )
    text = (await hands("printed"))["text"]
    assert text == paper_of(TOP_UP) + paper_of(GAS_TOP_UP)


async def test_a_well_printer_says_so(printer: ReceiptPrinter) -> None:
    """Nothing is wrong with a printer that was just switched on."""
    status = await printer.status()
    assert status.can_print
    assert not status.paper_near_end


async def test_paper_near_its_end_is_told_and_printed_on(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """A roll with a few turns left is a notice, not a refusal."""
    await hands("paper_out", lines=200)
    assert (await printer.status()).paper_near_end
    await printer.print_slip(job())


async def test_without_paper_nothing_is_sent(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """A printer without paper refuses, and prints nothing when paper comes."""
    await hands("paper_out")
    with pytest.raises(PrinterOutOfPaper) as refused:
        await printer.print_slip(job())
    assert refused.value.money is MoneyMoved.NO
    await hands("paper_in")
    assert await nothing_printed(hands)
    await printer.print_slip(job())


async def test_with_its_cover_open_nothing_is_sent(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """An open cover refuses, and nothing comes out when it is closed."""
    await hands("cover")
    with pytest.raises(PrinterCoverOpen):
        await printer.print_slip(job())
    await hands("cover", open=False)
    assert await nothing_printed(hands)
    assert (await printer.status()).can_print


async def test_paper_that_ends_in_the_middle_is_an_unknown_outcome(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """Half a slip is told at once, with its cause, not after the whole time-out."""
    await hands("paper_out", lines=5)
    with pytest.raises(SlipOutcomeUnknown, match="the paper ran out"):
        await printer.print_slip(job())
    assert (await hands("printed"))["text"].count("\n") == 5
    with pytest.raises(PrinterOutOfPaper):
        await printer.print_slip(job())


async def test_an_unplugged_printer_is_unavailable(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """No port: nothing was sent. Plugged in again, it prints without a restart."""
    await printer.status()
    await hands("unplug")
    with pytest.raises(DeviceUnavailable):
        await printer.print_slip(job())
    await hands("plug")
    await printer.print_slip(job())
    assert (await hands("printed"))["text"] == paper_of(TOP_UP)


async def test_a_port_that_came_back_is_opened_again(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """Unplugged and plugged in between two slips, the second is printed."""
    await printer.status()
    await hands("unplug")
    await hands("plug")
    await printer.print_slip(job())
    assert (await hands("printed"))["cuts"] == 1


async def test_unplugged_in_the_middle_is_an_unknown_outcome(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """A port that goes while a slip is on its way leaves the outcome unknown."""
    await hands("paper_out", lines=300)
    long = job(GAS_TOP_UP) * 8
    printing = asyncio.create_task(printer.print_slip(long))
    while await nothing_printed(hands):
        await asyncio.sleep(0.01)
    await hands("unplug")
    with pytest.raises(OutcomeUnknown):
        await printing


async def test_a_printer_that_does_not_listen_is_a_time_out_before_sending(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """A deaf printer costs one answer's wait, and nothing of a slip was sent."""
    await hands("stall")
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(DeviceTimeout):
        await printer.print_slip(job())
    assert loop.time() - began < allowed_s(0.4)
    await hands("stall", on=False)
    await printer.status()
    assert await nothing_printed(hands)


async def test_a_printer_that_stops_listening_never_blocks(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """Stalled in the middle of a slip, the call ends within its stated limit."""
    long = job(GAS_TOP_UP) * 15
    loop = asyncio.get_running_loop()
    began = loop.time()
    printing = asyncio.create_task(printer.print_slip(long))
    while await nothing_printed(hands):
        await asyncio.sleep(0.01)
    await hands("stall")
    with pytest.raises(SlipOutcomeUnknown, match="no longer answers"):
        await printing
    wire_s = len(long) * 10 / BAUD
    stated_s = wire_s + (QUICK.slip_ms + 6 * QUICK.answer_ms) / 1000
    assert loop.time() - began < allowed_s(stated_s)


async def test_a_slip_larger_than_any_is_not_sent(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """The driver bounds what it hands to the port."""
    with pytest.raises(LocalProtocolError):
        await printer.print_slip(b"x" * (LARGEST_SLIP_BYTES + 1))
    assert await nothing_printed(hands)


async def test_hostile_fields_open_no_drawer(
    printer: ReceiptPrinter, hands: Hands
) -> None:
    """Commands in a line's text come out as signs: no pulse, no second cut."""
    await printer.print_slip(slip_bytes([Line("\x1bp\x00\x32\x32\x1dV\x00\x10\x14")]))
    printed = await hands("printed")
    assert (printed["kicks"], printed["cuts"], printed["unknown"]) == (0, 1, 0)
    assert printed["text"].startswith("?p?22?V???")


class FakeLink:
    """A line whose far end answers DLE EOT by a table and reports some slips."""

    def __init__(self, answers: str, *, noise: bytes = b"", reports: int = 0) -> None:
        self.answers = bytes.fromhex(answers)
        self.answers_afterwards = self.answers
        self.reports = reports
        self._noise = noise
        self._heard = asyncio.Queue[bytes]()
        self.sent = b""
        self.closed = 0

    def write(self, data: bytes) -> None:
        self.sent += data
        if data[:2] == b"\x10\x04":
            self.hear(self._noise + self.answers[data[2] - 1 : data[2]])
        elif self.reports:
            self.reports -= 1
            self.answers = self.answers_afterwards
            self.hear(b"\x00")

    def hear(self, data: bytes) -> None:
        self._heard.put_nowait(data)

    async def read(self) -> bytes:
        return await self._heard.get()

    def discard_input(self) -> None:
        while not self._heard.empty():
            self._heard.get_nowait()

    async def close(self) -> None:
        self.closed += 1


def driver_on(link: FakeLink) -> ReceiptPrinter:
    async def opener(_: SerialSettings) -> FakeLink:
        return link

    return ReceiptPrinter(SerialSettings("port", BAUD), opener, QUICK)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ("1a121212", PrinterOffline),
        ("1a521212", PrinterNotReady),
        ("1a123212", PrinterNotReady),
    ],
)
async def test_other_states_refuse_too(
    answers: str, error: type[PrinterNotReady]
) -> None:
    """Off line and broken printers are refused by name before a byte of the slip."""
    link = FakeLink(answers)
    with pytest.raises(error) as refused:
        await driver_on(link).print_slip(job())
    assert type(refused.value) is error
    assert job() not in link.sent


async def test_noise_between_answers_is_no_answer() -> None:
    """Flow control and stray bytes are not taken for a state."""
    link = FakeLink("12121212", noise=b"\x11\x13\xff\x00")
    assert (await driver_on(link).status()).can_print


async def test_a_slip_that_is_never_reported_is_unknown() -> None:
    """A printer that answers well but never reports the slip ends at the limit."""
    link = FakeLink("12121212")
    with pytest.raises(SlipOutcomeUnknown, match="too long"):
        await driver_on(link).print_slip(job())
    assert link.closed == 1


async def test_the_report_of_one_slip_is_not_the_next_ones() -> None:
    """A second slip needs a report of its own."""
    link = FakeLink("12121212", reports=1)
    printer = driver_on(link)
    await printer.print_slip(job())
    with pytest.raises(SlipOutcomeUnknown, match="too long"):
        await printer.print_slip(job())


async def test_a_printer_that_reports_and_then_fails_is_unknown() -> None:
    """The state after a slip counts: a jam at its end is not a printed slip."""
    link = FakeLink("12121212", reports=1)
    link.answers_afterwards = bytes.fromhex("1a521212")
    with pytest.raises(SlipOutcomeUnknown, match="it stopped"):
        await driver_on(link).print_slip(job())


async def test_an_old_answer_is_not_taken_for_a_new_one() -> None:
    """What lies unread on the line before a question is thrown away."""
    link = FakeLink("12121212")
    link.hear(b"\x1a")
    assert (await driver_on(link).status()).can_print


async def test_a_printer_that_does_not_answer_is_let_go() -> None:
    """After a time-out the next call begins on a fresh port."""
    link = FakeLink("")
    with pytest.raises(DeviceTimeout):
        await driver_on(link).status()
    assert link.closed == 1


async def test_a_cancelled_slip_lets_go_of_the_port() -> None:
    """Whoever gives up waiting leaves no half slip to come out later."""
    link = FakeLink("12121212")
    printing = asyncio.create_task(driver_on(link).print_slip(job()))
    while job() not in link.sent:
        await asyncio.sleep(0)
    printing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await printing
    assert link.closed == 1


async def test_a_port_that_does_not_open_is_given_up() -> None:
    """Opening that hangs ends at its limit, as a missing device."""

    async def opener(_: SerialSettings) -> FakeLink:
        await asyncio.Event().wait()
        raise AssertionError

    printer = ReceiptPrinter(SerialSettings("port", BAUD), opener, QUICK)
    with pytest.raises(DeviceUnavailable, match="does not open"):
        await printer.status()
