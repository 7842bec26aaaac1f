"""The PN532 driver and a chip that answers as told: codes, nonsense, APDUs."""

import pytest

from cngstation.drivers.card_reader import (
    CardGone,
    CardSaidNo,
    CardTraits,
    KeyRefused,
    ReaderMakesNoSense,
)
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.errors import DeviceUnavailable, LocalProtocolError, OutcomeUnknown
from cngstation.protocols.card_image.purse import CardState
from cngstation.protocols.card_reader.pn532.status import ChipReported
from tests.unit.drivers.scripted_readers import (
    ACK,
    FOUND,
    NOT_UNDERSTOOD,
    UID,
    ScriptedChip,
    answer_to,
    scripted,
)

OTHER = bytes.fromhex("01020304")
FACTORY = b"\xff" * 6
DATA = bytes(range(16))
CPU_CARD = bytes.fromhex("0101034420") + b"\x04" + UID + bytes.fromhex("067577810280")
SELECT = bytes.fromhex("00a40000023f00")
FIELD_OFF = bytes.fromhex("d4320100")
NO_ANSWER, NOT_SELECTED, INVALID = b"\x01", b"\x27", b"\x10"


class CountingLink(ScriptedChip):
    """Counts what is written to a chip."""

    writes = 0
    fields_off = 0

    def write(self, data: bytes) -> None:
        self.writes += SELECT in data
        self.fields_off += FIELD_OFF in data
        super().write(data)


async def test_what_came_before_a_command_is_not_its_answer() -> None:
    """A late acknowledgement with a late answer is that of an earlier command."""
    reader, chip = await scripted(FOUND, b"\x00" + DATA)
    await reader.find_card()
    chip.pending = ACK + answer_to(0x40, bytes(17))
    assert await reader.read_block(4) == DATA


async def test_a_search_that_fails_leaves_no_card_selected() -> None:
    """After a failed search the card of the search before it is not written."""
    reader, chip = await scripted(FOUND, b"\x01")
    await reader.find_card()
    with pytest.raises(ReaderMakesNoSense):
        await reader.find_card()
    with pytest.raises(CardGone):
        await reader.write_block(4, DATA)
    assert len(chip.commands) == 2


async def test_a_write_that_the_wake_up_kept_back_is_not_in_doubt() -> None:
    """A chip that was reset and then fell silent never saw the write."""
    reader, chip = await scripted(FOUND, NOT_UNDERSTOOD)
    await reader.find_card()
    with pytest.raises(ChipReported, match="7Fh"):
        await reader.read_block(4)
    chip.is_deaf = True
    with pytest.raises(DeviceUnavailable):
        await reader.write_block(4, DATA)


async def test_a_card_without_sectors_is_not_asked_for_keys() -> None:
    """A bank card or a telephone is not one of ours; its chip never hears 60h."""
    reader, chip = await scripted(bytes.fromhex("0101034420") + b"\x04" + UID)
    await reader.find_card()
    with pytest.raises(KeyRefused):
        await reader.authenticate(4, FACTORY, "A")
    assert len(chip.commands) == 1


async def test_a_card_with_a_number_of_ten_bytes_is_only_foreign() -> None:
    """Its number cannot be asked for; it is found as any and ends nothing."""
    uid = bytes(range(10))
    found = bytes.fromhex("0101034420") + b"\x0a" + uid
    reader, chip = await scripted(*[found] * 20)
    assert await reader.find_card() == uid
    reading = await MifarePurseCard(reader, bytes(16)).read(uid, selected=True)
    assert reading.state is CardState.FOREIGN
    assert set(chip.commands) == {bytes.fromhex("d44a0100")}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (0x01, OutcomeUnknown),
        (0x02, OutcomeUnknown),
        (0x0A, OutcomeUnknown),
        (0x13, OutcomeUnknown),
        (0x14, OutcomeUnknown),
        (0x2B, OutcomeUnknown),
        (0x3F, OutcomeUnknown),
        (0x40, OutcomeUnknown),
        (0x10, ChipReported),
        (0x26, ChipReported),
        (0x27, CardGone),
    ],
)
async def test_what_each_code_says_of_a_write(
    code: int, error: type[Exception]
) -> None:
    """Only what the chip refuses before it uses its field is known not to be done."""
    reader, _ = await scripted(FOUND, bytes([code]))
    await reader.find_card()
    with pytest.raises(error):
        await reader.write_block(4, DATA)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"\x01", CardGone),
        (b"\x27", CardGone),
        (b"\x2b", CardGone),
        (b"\x13", CardSaidNo),
        (b"\x02", ChipReported),
        (b"\x0d", ChipReported),
        (b"\x00\x01", ReaderMakesNoSense),
    ],
)
async def test_what_each_code_says_of_a_read(
    answer: bytes, error: type[Exception]
) -> None:
    """Gone, refused, noise and nonsense are different things to a cashier."""
    reader, _ = await scripted(FOUND, answer)
    await reader.find_card()
    with pytest.raises(error):
        await reader.read_block(4)
    assert reader.health.online


async def test_nonsense_after_a_write_is_in_doubt() -> None:
    """An answer without sense does not say that nothing was written."""
    reader, _ = await scripted(FOUND, b"\x00\x00")
    await reader.find_card()
    with pytest.raises(OutcomeUnknown):
        await reader.write_block(4, DATA)


async def test_another_card_than_the_one_asked_for() -> None:
    """A chip that selects another card than it was told to has not found this one."""
    reader, _ = await scripted(FOUND)
    with pytest.raises(CardGone):
        await reader.reselect(OTHER)


async def test_what_a_card_takes_is_known_from_its_selection() -> None:
    """SAK says sectors or APDUs, the ATS its historical bytes."""
    bad_length = CPU_CARD + b"\0"
    reader, _ = await scripted(FOUND, CPU_CARD, bad_length, b"\x00")
    shown = []
    for _ in range(3):
        await reader.find_card()
        shown.append(reader.traits)
    assert shown == [
        CardTraits(has_sectors=True, takes_apdus=False),
        CardTraits(has_sectors=False, takes_apdus=True, historical=b"\x80"),
        CardTraits(has_sectors=False, takes_apdus=True),
    ]
    await reader.find_card()
    with pytest.raises(CardGone):
        assert reader.traits


async def test_an_apdu_goes_to_the_card_as_it_is() -> None:
    """Tg and APDU; the parts of a long answer are fetched with nothing behind Tg."""
    reader, chip = await scripted(
        CPU_CARD, b"\x00\x90\x00", b"\x40" + DATA, b"\x40", b"\x00\x90\x00"
    )
    await reader.find_card()
    assert await reader.transmit(SELECT) == b"\x90\x00"
    assert await reader.transmit(SELECT) == DATA + b"\x90\x00"
    sent = b"\xd4\x40\x01"
    assert chip.commands[1:] == [sent + SELECT, sent + SELECT, sent, sent]


async def test_an_apdu_needs_a_card_that_takes_one() -> None:
    """To a card with sectors, or too long for the chip, it is a bug of ours."""
    reader, chip = await scripted(FOUND, CPU_CARD)
    await reader.find_card()
    with pytest.raises(LocalProtocolError):
        await reader.transmit(SELECT)
    await reader.find_card()
    with pytest.raises(LocalProtocolError):
        await reader.transmit(bytes(263))
    assert len(chip.commands) == 2


@pytest.mark.parametrize(
    ("answers", "reading", "writing"),
    [
        ([NO_ANSWER], CardGone, OutcomeUnknown),
        ([b"\x2b"], CardGone, OutcomeUnknown),
        ([b"\x02"], ChipReported, OutcomeUnknown),
        ([b"\x40" + DATA, NOT_SELECTED], CardGone, OutcomeUnknown),
        ([b"\x40" + bytes(200)] * 9, ReaderMakesNoSense, OutcomeUnknown),
        ([NOT_SELECTED], CardGone, CardGone),
        ([INVALID], ChipReported, ChipReported),
        ([NOT_UNDERSTOOD], ChipReported, ChipReported),
        ([], DeviceUnavailable, OutcomeUnknown),
    ],
)
async def test_an_apdu_without_an_answer(
    answers: list[bytes], reading: type[Exception], writing: type[Exception]
) -> None:
    """Sent and not answered is in doubt when it changes the card; never sent twice."""
    for changes_card, error in ((False, reading), (True, writing)):
        reader, chip = await scripted(CPU_CARD, *answers)
        await reader.find_card()
        chip.is_deaf = not answers
        with pytest.raises(error) as failed:
            await reader.transmit(SELECT, changes_card=changes_card)
        assert type(failed.value) is error
        assert len([c for c in chip.commands if SELECT in c]) == (1 if answers else 0)
        with pytest.raises(CardGone):
            await reader.transmit(SELECT)


async def test_an_unanswered_apdu_is_not_sent_again() -> None:
    """The card may have carried it out: only a person's next act sends one again."""
    chip = CountingLink(CPU_CARD)

    async def open_link() -> ScriptedChip:
        return chip

    reader = Pn532Reader(open_link)
    await reader.open()
    await reader.find_card()
    chip.is_deaf = True
    with pytest.raises(DeviceUnavailable):
        await reader.transmit(SELECT, changes_card=False)
    assert chip.writes == 1


async def test_a_card_that_took_apdus_is_searched_in_a_field_that_was_off() -> None:
    """Also after its answer was lost; a card with sectors keeps its power."""
    chip = CountingLink(FOUND, FOUND, CPU_CARD, CPU_CARD, NO_ANSWER, FOUND, FOUND)

    async def open_link() -> ScriptedChip:
        return chip

    reader = Pn532Reader(open_link)
    await reader.open()
    for _ in range(3):
        await reader.find_card()
    assert chip.fields_off == 0
    await reader.reselect(UID)
    assert chip.fields_off == 1
    with pytest.raises(CardGone):
        await reader.transmit(SELECT, changes_card=False)
    await reader.reselect(UID)
    assert chip.fields_off == 2
    await reader.find_card()
    assert chip.fields_off == 2
