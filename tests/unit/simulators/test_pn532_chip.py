"""The PN532's command set against recorded frames."""

from pathlib import Path

import pytest

from cngstation.simulators.card_field import CardField, Pull, TornBlock
from cngstation.simulators.pn532_chip import Answer, Pn532Chip
from cngstation.simulators.pn532_frames import Kind
from cngstation.simulators.pn532_initiator import Search
from cngstation.simulators.pn532_times import ChipTimes

UID = "deadbeef"
WAKE_LIBNFC = "5555" + "00" * 14
SAM = "0000ff03fdd414011700"
FIND = "0000ff04fcd44a0100e100"
FOUND = "0000ff0cf4d54b010100040804deadbeef9600"
AUTHENTICATE = "0000ff0ff1d440016004ffffffffffffdeadbeef5500"
AUTHENTICATED = "0000ff03fdd54100ea00"
WRITE_ZEROS = "0000ff15ebd44001a004" + "00" * 16 + "4700"
SYNTAX_ERROR = "0000ff01ff7f8100"


@pytest.fixture
def field(tmp_path: Path) -> CardField:
    """A field with a factory-new card."""
    made = CardField(tmp_path)
    made.make_blank(bytes.fromhex(UID))
    made.insert(bytes.fromhex(UID))
    return made


@pytest.fixture
def chip(field: CardField) -> Pn532Chip:
    """A chip that is awake, configured and tries once to find a card."""
    chip = Pn532Chip(field, ChipTimes(), baud=115_200)
    assert say(chip, WAKE_LIBNFC + SAM) == "0000ff02fed5151600"
    assert say(chip, "0000ff06fad43205000102f200") == "0000ff02fed533f800"
    return chip


def result(chip: Pn532Chip, frames: str) -> Answer | Search:
    """Send bytes that hold one command; return what the chip makes of it."""
    (frame,) = chip.receive(bytes.fromhex(frames))
    assert frame.kind is Kind.COMMAND
    return chip.execute(frame.command)


def say(chip: Pn532Chip, frames: str) -> str:
    """Send bytes that hold one command; return the answer's frame."""
    answer = result(chip, frames)
    assert isinstance(answer, Answer)
    assert answer.frame is not None
    return answer.frame.hex()


def ask(chip: Pn532Chip, command: str) -> str:
    """Carry out a command given without its frame; return code and data."""
    answer = chip.execute(bytes.fromhex(command))
    assert isinstance(answer, Answer)
    assert answer.frame is not None
    return answer.frame[6:-2].hex() if len(answer.frame) > 8 else "syntax"


@pytest.mark.parametrize(
    ("request_hex", "answer_hex"),
    [
        ("0000ff02fed4022a00", "0000ff06fad50332010607e800"),
        ("0000ff05fbd4140100001700", "0000ff02fed5151600"),
        ("0000ff05fbd4140100011600", "0000ff02fed5151600"),
        (
            "0000ff09f7d400006c69626e6663be00",
            "0000ff09f7d501006c69626e6663bc00",
        ),
        ("0000ff03fdd412140600", "0000ff02fed5131800"),
        ("0000ff03fdd412041600", "0000ff02fed5131800"),
        (
            "0000ff0cf4d40663026303630d6338633db000",
            "0000ff07f9d50700000000002400",
        ),
        ("0000ff03fdd410051700", "0000ff02fed5111a00"),
        ("0000ff03fdd410071500", "0000ff02fed5111a00"),
        (FIND, FOUND),
    ],
)
def test_recorded_frames(chip: Pn532Chip, request_hex: str, answer_hex: str) -> None:
    """Each frame that real hosts send gets the answer that a real chip gave."""
    assert say(chip, request_hex) == answer_hex


def test_a_card_session_byte_for_byte(chip: Pn532Chip) -> None:
    """Find, authenticate, write and read back as recorded."""
    assert say(chip, FIND) == FOUND
    assert say(chip, AUTHENTICATE) == AUTHENTICATED
    assert say(chip, WRITE_ZEROS) == AUTHENTICATED
    assert ask(chip, "40013004") == "4100" + "00" * 16


def test_a_wrong_key_halts_the_card(chip: Pn532Chip) -> None:
    """14h, then silence (01h) until the card is found again."""
    say(chip, FIND)
    wrong = "4001600400000000" + "0000" + UID
    answer = chip.execute(bytes.fromhex(wrong))
    assert isinstance(answer, Answer)
    assert answer.frame == bytes.fromhex("0000ff03fdd54114d600")
    right = "40016004" + "ff" * 6 + UID
    assert ask(chip, right) == "4101"
    assert say(chip, FIND) == FOUND
    assert ask(chip, right) == "4100"


def test_line_test_of_262_bytes_needs_extended_frames(chip: Pn532Chip) -> None:
    """nfcpy's line test comes back byte for byte in an extended frame."""
    data = bytes(x & 0xFF for x in range(262))
    body = b"\xd4\x00\x00" + data
    size = len(body).to_bytes(2, "big")
    head = b"\x00\x00\xff\xff\xff" + size + bytes([-sum(size) & 0xFF])
    answer = say(chip, (head + body + bytes([-sum(body) & 0xFF, 0])).hex())
    assert answer.startswith("0000ffffff0109f6d50100")
    assert bytes.fromhex(answer)[11:-2] == data


def test_a_sleeping_chip_hears_nothing(field: CardField) -> None:
    """Without a wake-up the first frame is lost, a preamble of ten zeros saves it."""
    chip = Pn532Chip(field, ChipTimes(), baud=115_200)
    firmware = bytes.fromhex("0000ff02fed4022a00")
    assert chip.receive(firmware[:3]) == []
    assert not chip.is_awake
    chip.power_up()
    assert chip.receive(firmware) == []
    chip.power_up()
    assert [f.command for f in chip.receive(bytes(10) + firmware)] == [b"\x02"]


def test_no_card_before_sam_configuration(field: CardField) -> None:
    """A chip that was not configured after power-up serves no card."""
    chip = Pn532Chip(field, ChipTimes(), baud=115_200)
    chip.receive(bytes.fromhex(WAKE_LIBNFC))
    assert ask(chip, "4a0100") == "syntax"
    assert ask(chip, "1401") == "15"
    assert ask(chip, "4a0100").startswith("4b01")


def test_power_down_sleeps_until_the_line_moves(chip: Pn532Chip) -> None:
    """16h with HSU wake-up answers, sleeps, wakes; the card lost its session."""
    ask(chip, "4a0100")
    assert ask(chip, "1610") == "1700"
    assert not chip.is_awake
    assert say(chip, WAKE_LIBNFC + "0000ff02fed4022a00").startswith("0000ff06fad503")
    assert ask(chip, "40013004") == "4127"


def test_power_down_without_hsu_needs_power(chip: Pn532Chip) -> None:
    """A chip told to wake by other sources does not wake by its line."""
    ask(chip, "1680")
    assert chip.receive(b"\x55" * 20) == []
    assert not chip.is_awake


def test_baud_changes_at_the_hosts_ack(chip: Pn532Chip) -> None:
    """SetSerialBaudRate is answered at the old rate; the ACK switches."""
    ask(chip, "1007")
    assert chip.baud == 115_200
    chip.acknowledged()
    assert chip.baud == 921_600
    chip.acknowledged()
    assert chip.baud == 921_600


@pytest.mark.parametrize(
    "command",
    [
        "0c", "02ff", "0009", "0006", "0663", "086302", "1009", "1201ff", "14", "1405",
        "1401000000", "16", "3201", "3209aa", "4a0300", "4a0105", "4a0100aabb", "40",
        "6001", "600000ff", "4401ff", "40016004ffffffffffff", "400130", "4001a004ff",
        "40016004ffffffffffff04deadbeef7080",
    ],
)  # fmt: skip
def test_what_the_chip_does_not_know_is_a_syntax_error(
    chip: Pn532Chip, command: str
) -> None:
    """Unknown commands and wrong lengths, as a UID of 7 bytes, get the error frame."""
    ask(chip, "4a0100")
    assert ask(chip, command) == "syntax"


def test_registers_keep_what_is_written(chip: Pn532Chip) -> None:
    """WriteRegister has no status byte, ReadRegister gives the values back."""
    assert ask(chip, "08630280630342") == "09"
    assert ask(chip, "0663026303") == "078042"


def test_only_the_wanted_card_is_found(chip: Pn532Chip) -> None:
    """A UID in InListPassiveTarget finds that card and no other."""
    assert ask(chip, "4a0100" + UID).startswith("4b0101")
    other = chip.execute(bytes.fromhex("4a010000000001"))
    assert other == Search(15_000)
    assert isinstance(chip.execute(bytes.fromhex("4a0101")), Search)
    gives_up = chip.execute(bytes.fromhex("4a010000000001"), gives_up=True)
    assert isinstance(gives_up, Answer)
    assert gives_up.frame == bytes.fromhex("0000ff03fdd54b00e000")
    assert ask(chip, "066339") == "0726"


def test_endless_retries_wait_for_a_card(chip: Pn532Chip, field: CardField) -> None:
    """With MxRtyPassiveActivation FFh the search has no end."""
    field.remove()
    ask(chip, "32050001ff")
    assert chip.execute(bytes.fromhex("4a0100")) == Search(None)
    assert chip.execute(bytes.fromhex("60ff0100")) == Search(None)
    assert chip.execute(bytes.fromhex("60020110")) == Search(300_000)
    field.insert(bytes.fromhex(UID))
    assert ask(chip, "4a0100").startswith("4b0101")


def test_auto_poll_finds_a_card(chip: Pn532Chip) -> None:
    """InAutoPoll names the kind, the length and the target."""
    assert ask(chip, "60140203100401") == "61011009" + "0100040804" + UID


def test_an_empty_communicate_thru_is_answered(chip: Pn532Chip) -> None:
    """Hosts send 42h without data; the chip reports that nobody answered."""
    assert ask(chip, "42") == "4301"


def test_communicate_thru_adds_the_cards_crc(chip: Pn532Chip) -> None:
    """With the CRC check off the card's own CRC_A comes along."""
    ask(chip, "4a0100")
    ask(chip, "40016004" + "ff" * 6 + UID)
    assert ask(chip, "423004") == "4300" + "00" * 16
    ask(chip, "08630300")
    # CRC_A of 16 zero bytes
    assert ask(chip, "423004") == "4300" + "00" * 16 + "3749"
    assert ask(chip, "425000") == "4301"


def test_a_refused_command_is_an_unexpected_frame(chip: Pn532Chip) -> None:
    """A card's NAK is 13h, and the card left its session."""
    ask(chip, "4a0100")
    assert ask(chip, "40013004") == "4113"
    assert ask(chip, "40013004") == "4101"


def test_targets_are_selected_released_and_counted(chip: Pn532Chip) -> None:
    """General status, InDeselect, InSelect and InRelease agree about the target."""
    assert ask(chip, "04") == "0500000080"
    assert ask(chip, "5401") == "5527"
    assert ask(chip, "4401") == "4527"
    ask(chip, "4a0100")
    assert ask(chip, "04") == "052701010100000080"
    assert ask(chip, "4001") == "syntax"
    assert ask(chip, "40023004") == "4127"
    assert ask(chip, "4401") == "4500"
    assert ask(chip, "40013004") == "4101"
    assert ask(chip, "5401") == "5500"
    assert ask(chip, "40016004" + "ff" * 6 + UID) == "4100"
    assert ask(chip, "5200") == "5300"
    assert ask(chip, "40013004") == "4127"


def test_field_off_ends_the_session(chip: Pn532Chip) -> None:
    """RFConfiguration 01 00 takes the card's power."""
    ask(chip, "4a0100")
    ask(chip, "40016004" + "ff" * 6 + UID)
    assert ask(chip, "320100") == "33"
    assert ask(chip, "40013004") == "4101"


def test_time_of_a_vanished_card_follows_rf_configuration(
    chip: Pn532Chip, field: CardField
) -> None:
    """A silent card costs the configured time-out, never more than a host waits."""
    ask(chip, "4a0100")
    field.remove()

    def waited_us(timeout: str) -> int:
        ask(chip, f"3202000b{timeout}")
        answer = chip.execute(bytes.fromhex("40013004"))
        assert isinstance(answer, Answer)
        return answer.chip_us

    assert waited_us("0a") == 51_200
    assert waited_us("06") == 3_200
    assert waited_us("00") == waited_us("10") == 90_000 - 300


def test_times_stay_below_what_hosts_wait() -> None:
    """A reader slower than 90 ms or from the future is refused."""
    assert ChipTimes(added_us=80_000)
    with pytest.raises(ValueError, match="exceed"):
        ChipTimes(added_us=85_000)
    with pytest.raises(ValueError, match="0 or more"):
        ChipTimes(read_us=-1)


def test_each_card_command_takes_its_time(chip: Pn532Chip) -> None:
    """Authenticate, read and write have times of their own."""
    times = {}
    for command in ("4a0100", "40016004" + "ff" * 6 + UID, "40013004"):
        answer = chip.execute(bytes.fromhex(command))
        assert isinstance(answer, Answer)
        times[command[:8]] = answer.chip_us
    assert times == {"4a0100": 5_000, "40016004": 4_000, "40013004": 2_500}


def test_a_stuck_reader_never_answers(chip: Pn532Chip, field: CardField) -> None:
    """A pull that the reader does not report leaves the command without an end."""
    ask(chip, "4a0100")
    field.arm(Pull(nth=1, block=TornBlock.BEFORE, reader_reports=False))
    assert chip.execute(bytes.fromhex("40013004")) == Answer(None, 0)


DESFIRE = "045a3bfa142880"


def test_a_desfire_is_found_with_its_ats(chip: Pn532Chip, field: CardField) -> None:
    """SAK 20 and seven bytes, by any search or with the cascade tag; APDUs go to it."""
    field.remove()
    field.make_blank(bytes.fromhex(DESFIRE))
    field.insert(bytes.fromhex(DESFIRE))
    found = "4b0101034420" + "07" + DESFIRE + "067577810280"
    assert ask(chip, "4a0100") == found
    assert ask(chip, "4a010088" + DESFIRE) == found
    assert ask(chip, "40019060000000") == "410004010101001805" + "91af"
    assert ask(chip, "400100a4040000") == "41006e00"
    assert ask(chip, "60010110") == "610120" + "12" + found[4:]
