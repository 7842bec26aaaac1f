"""Lists, prices and station data: their bytes, who fetches them and when."""

from dataclasses import replace
from itertools import pairwise

import pytest

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.dialogue import (
    DownloadAdvanced,
    DownloadAsked,
    ProtocolFault,
)
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    DownloadKind,
    Downloads,
    ListKind,
    PriceTable,
    StationData,
)
from cngstation.protocols.dispenser.sinopec.decisions import REFUSED_REST_US
from cngstation.protocols.dispenser.sinopec.downloads import (
    MOST_SEGMENTS,
    Place,
    card_number,
    list_part,
    price_part,
    station_part,
)
from tests.unit.protocols.dispenser.sinopec import vectors
from tests.unit.protocols.dispenser.sinopec.talk import IDLE, INFO, Talk

CARDS = tuple(f"51010000{number:04d}" for number in range(25))
BASE = CardList(ListKind.BASE, 258, CARDS, "2025-06-01", "2026-05-31")
PRICES = PriceTable(9, (45_000, 39_800), "2025-06-01 08:00:00")
STATION = StationData(3, 51, 1, 5101, 51010001)
PLACE = Place(bytes.fromhex("5101"), "01005555", bytes.fromhex("1010"), 7, 4)


def asks(kind: int, offset: int, count: int) -> bytes:
    """Return a dispenser's question for segments."""
    return bytes([0x34, kind]) + offset.to_bytes(2, "big") + bytes([count])


def test_a_list_is_a_head_and_its_cards() -> None:
    """Our numbers get our mark; the last segment is padded."""
    part = list_part(replace(BASE, cards=CARDS[:2]), PLACE)
    assert part.data == bytes.fromhex(
        "0102 20250601 20260531 5101 0000000201005555510100000000 01005555510100000001"
    )
    assert (part.segment_count, part.count) == (3, 2)
    assert b"".join(part.segments(0, 9)) == part.data + bytes(12)
    assert part.segments(2, 9) == [part.data[32:] + bytes(12)]
    assert part.segments(3, 1) == []
    assert len(list_part(BASE, PLACE).segments(0, 30)) == 10


@pytest.mark.parametrize(
    ("listed", "sent"),
    [
        ("510100000001", "01005555510100000001"),
        ("0000510100000001", "01005555510100000001"),
        ("9999510100000001", "01009999510100000001"),
        ("02009999510100000001", "02009999510100000001"),
    ],
)
def test_numbers_of_cards(listed: str, sent: str) -> None:
    """A card of ours by its key, another one as it is."""
    assert card_number(listed, "01005555").hex() == sent


def test_prices_are_two_blocks() -> None:
    """Those in force and those to come; every nozzle has the same levels."""
    following = PriceTable(10, (46_000, 40_000), "2025-07-01 00:00:00")
    part = price_part(PRICES, following, [1, 2], PLACE)
    nozzle = "1010 00000007 02 01C2 018E"
    later = "1010 00000007 02 01CC 0190"
    assert part.data == bytes.fromhex(
        f"09 202506010800 02 01{nozzle} 02{nozzle}"
        f"0A 202507010000 02 01{later} 02{later}"
    )
    assert (part.version, part.count) == (10, 2)


def test_station_data() -> None:
    """Codes, the terminal, the nozzles."""
    part = station_part(STATION, [1, 2], PLACE)
    assert part.data == bytes.fromhex("03 33 01 000013ED 030A59D1 04 02 0102")


@pytest.mark.parametrize(
    "downloads",
    [
        Downloads({ListKind.BASE: replace(BASE, version=0)}),
        Downloads({ListKind.BASE: replace(BASE, version=65_536)}),
        Downloads({ListKind.BASE: replace(BASE, cards=("12x",))}),
        Downloads({ListKind.BASE: replace(BASE, cards=("1" * 17,))}),
        Downloads({ListKind.BASE: replace(BASE, cards=("",))}),
        Downloads({ListKind.BASE: replace(BASE, valid_from="2025-6-1")}),
        Downloads({ListKind.ADDED: CardList(ListKind.ADDED, 1, CARDS * 9, "", "")}),
        Downloads(prices=replace(PRICES, version=256)),
        Downloads(prices=replace(PRICES, prices_e4=())),
        Downloads(prices=replace(PRICES, prices_e4=(1,))),
        Downloads(prices=replace(PRICES, prices_e4=(6_553_600,))),
        Downloads(prices=replace(PRICES, effective_at="soon")),
        Downloads(station=replace(STATION, province_no=256)),
    ],
)
def test_what_does_not_fit_is_refused_whole(downloads: Downloads) -> None:
    """Nothing of it is announced."""
    talk = Talk()
    with pytest.raises(LocalProtocolError):
        talk.dialogue.offer(downloads)
    talk.settle()
    assert talk.answer(IDLE).data == vectors.POLL[6:-2]


def test_a_list_is_fetched_and_found_in_force() -> None:
    """Version, length, segments; the identity says that it is held."""
    talk = Talk((101, 102))
    talk.settle()
    talk.dialogue.offer(Downloads({ListKind.BASE: BASE}))
    poll = talk.answer(bytes.fromhex("33 00 0003"))
    assert poll.data[8:10] == bytes.fromhex("0102")
    answer = talk.next_frame()
    size = 16 + 10 * len(CARDS)
    assert answer.data == b"\x33" + size.to_bytes(4, "big") + b"\x00"
    assert answer.number == poll.number
    fetched, offset = b"", 0
    for count in (1, 10, 30):
        talk.answer(asks(0, offset, count))
        block = talk.next_frame().data
        assert block[:4] == asks(0, offset, 0)[:4]
        assert block[4] <= MOST_SEGMENTS
        fetched, offset = fetched + block[5:], offset + block[4]
    assert fetched[:size] == list_part(BASE, Place()).data
    frame = talk.next_frame()
    assert frame.command == 0x3A
    talk.say(INFO[:-7] + bytes.fromhex("0102 01 01 00 07 02"), frame)
    last = talk.of(DownloadAdvanced)[-1]
    assert last == DownloadAdvanced(
        102, DownloadKind.BASE, 258, 25, 25, is_in_force=True
    )
    steps = [e.sent for e in talk.of(DownloadAdvanced) if e.gun == 101]
    assert steps == [0, 1, 16, 25, 25]


def test_nothing_goes_out_before_it_is_noted() -> None:
    """One note for all nozzles of a dispenser; the station's data need none."""
    talk = Talk((101, 102))
    talk.notes = False
    talk.settle()
    talk.dialogue.offer(Downloads({ListKind.BASE: BASE}, PRICES, station=STATION))
    for question, kind in (("33 00 0003", "base"), (asks(4, 0, 1).hex(), "prices")):
        talk.events.clear()
        poll = talk.answer(bytes.fromhex(question))
        (asked,) = talk.of(DownloadAsked)
        assert (asked.guns, str(asked.kind)) == ((101, 102), kind)
        assert talk.next_frame().command not in {0x33, 0x34}
        talk.dialogue.answer_download(asked, talk.clock, accepted=False)
        poll = talk.answer(bytes.fromhex(question))
        (_, asked) = talk.of(DownloadAsked)
        talk.dialogue.answer_download(asked, talk.clock, accepted=True)
        answer = talk.next_frame()
        assert (answer.command, answer.number) == (int(question[:2], 16), poll.number)
        talk.answer(bytes.fromhex(question))
        assert talk.next_frame().command == int(question[:2], 16)
    talk.events.clear()
    talk.answer(asks(5, 0, 1))
    assert talk.next_frame().command == 0x34
    assert not talk.of(DownloadAsked)


def test_what_cannot_be_noted_does_not_go_out() -> None:
    """Refused in its very turn, it is asked for once more when it comes again."""
    talk = Talk()
    talk.notes = False
    talk.settle()
    talk.dialogue.offer(Downloads({ListKind.BASE: BASE}))
    for count in (1, 2):
        talk.answer(bytes.fromhex("33000003"))
        asked = talk.of(DownloadAsked)
        assert len(asked) == count
        refused_us = talk.clock
        talk.dialogue.answer_download(asked[-1], refused_us, accepted=False)
        assert talk.next_frame().command != 0x33
        assert talk.starts[-1] - refused_us >= REFUSED_REST_US


def test_other_content_is_noted_anew() -> None:
    """Under its old number, or prices that begin by the clock alone."""
    talk = Talk()
    talk.settle()
    talk.dialogue.offer(Downloads({ListKind.BASE: BASE}))
    for cards in (CARDS[:9], CARDS[9:]):
        talk.dialogue.offer(Downloads({ListKind.BASE: replace(BASE, cards=cards)}))
        talk.events.clear()
        for _ in range(2):
            talk.answer(bytes.fromhex("33000003"))
        assert [e.version for e in talk.of(DownloadAsked)] == [BASE.version]
    talk.dialogue.offer(Downloads(prices=PRICES))
    talk.answer(asks(4, 0, 1))
    soon = replace(PRICES, version=10, effective_at="2025-06-01 08:45:00")
    later = replace(PRICES, version=11, effective_at="2025-06-01 09:00:00")
    talk.dialogue.offer(Downloads(prices=soon, coming=later))
    talk.events.clear()
    for wall_ms in (talk.wall_ms, talk.wall_ms + 1_800_000):
        talk.wall_ms = wall_ms
        for _ in range(2):
            talk.answer(asks(4, 0, 1))
    assert [e.version for e in talk.of(DownloadAsked)] == [10, 11]


def test_what_a_dispenser_holds_already_is_in_force_at_once() -> None:
    """Its identity at the beginning tells, and another one when the offer changes."""
    talk = Talk()
    talk.dialogue.offer(Downloads({ListKind.BASE: replace(BASE, version=3)}))
    talk.say(INFO, talk.next_frame())
    assert [e.is_in_force for e in talk.of(DownloadAdvanced)] == [True]
    talk.answer(IDLE)
    talk.dialogue.offer(Downloads(prices=replace(PRICES, version=7)))
    frame = talk.next_frame()
    assert frame.command == 0x3A
    talk.say(INFO, frame)
    held = [e.kind for e in talk.of(DownloadAdvanced) if e.is_in_force]
    assert held == [DownloadKind.BASE, DownloadKind.PRICES]


def test_a_dispenser_that_fetches_again_and_again_refuses() -> None:
    """All of its nozzles, until its identity names the version."""
    talk = Talk((101, 102))
    talk.settle()
    talk.dialogue.offer(Downloads(prices=PRICES))
    for count in range(5):
        talk.events.clear()
        talk.answer(asks(4, 0, 10))
        assert talk.next_frame().command == 0x34
        told = {(e.gun, e.refused) for e in talk.of(DownloadAdvanced)}
        why = "asks_again" if count >= 3 else ""
        assert told == {(101, why), (102, why)}
    talk.events.clear()
    frame = talk.next_frame()
    assert frame.command == 0x3A
    talk.say(INFO[:-7] + bytes.fromhex("0003 01 01 00 09 02"), frame)
    assert {(e.is_in_force, e.refused) for e in talk.of(DownloadAdvanced)} == {
        (True, "")
    }


def test_what_is_not_offered_is_not_answered() -> None:
    """A length of 0 would erase its list."""
    talk = Talk()
    talk.settle()
    talk.answer(bytes.fromhex("33 00 0003"))
    assert talk.next_frame().command == 0x30
    talk.answer(asks(3, 0, 1))
    assert talk.next_frame().command == 0x30


def test_a_block_never_delays_a_poll_by_more_than_one_exchange() -> None:
    """Two dispensers fetch at once, one of them unasked: between blocks is a poll."""
    talk = Talk((101, 201))
    talk.settle()
    many = replace(BASE, cards=CARDS * 8)
    talk.dialogue.offer(Downloads({ListKind.BASE: many}))
    for _ in range(40):
        frame = talk.next_frame()
        if frame.command in (0x30, 0x3A):
            answer = INFO if frame.command == 0x3A else asks(0, 0, 10)
            talk.say(answer, frame)
            other = 3 - frame.receiver
            talk.say(asks(0, 10, 10), frame, sender=other, number=0x80)
    commands = [frame.command for frame in talk.sent]
    pairs = list(pairwise(commands))
    assert (0x34, 0x30) in pairs
    assert (0x34, 0x34) not in pairs


def test_prices_are_not_fetched_while_gas_flows() -> None:
    """The question stays open until the nozzle is idle."""
    talk = Talk()
    talk.settle()
    talk.dialogue.offer(Downloads(prices=PRICES))
    talk.answer(b"\x31\x01" + vectors.FUELLING[8:-2])
    talk.answer(asks(4, 0, 10))
    assert talk.next_frame().command == 0x30
    talk.say(IDLE, talk.sent[-1])
    talk.answer(asks(4, 0, 10))
    assert talk.next_frame().command == 0x34


def test_prices_to_come_wait_for_prices_in_force() -> None:
    """Without such they are announced when their time has come; beside such at once."""
    talk = Talk()
    talk.settle()
    talk.dialogue.offer(
        Downloads(prices=replace(PRICES, effective_at="2025-06-01 08:30:20"))
    )
    assert talk.answer(IDLE).data[13] == 7
    talk.wall_ms += 5_000
    assert talk.answer(IDLE).data[13] == 9
    talk.dialogue.offer(
        Downloads(prices=PriceTable(10, (46_000,), "2025-06-02 00:00:00"))
    )
    assert talk.answer(asks(4, 0, 10)).data[13] == 10
    block = talk.next_frame().data
    assert block[5:12] == bytes.fromhex("09 202506010830")
    assert bytes.fromhex("0A 202506020000") in block


def test_prices_that_follow_are_the_second_block() -> None:
    """Under their version; in force at their time without another fetch."""
    talk = Talk()
    talk.settle()
    following = replace(PRICES, version=10, effective_at="2025-06-01 08:31:01")
    talk.dialogue.offer(Downloads(prices=PRICES, coming=following))
    assert talk.answer(asks(4, 0, 10)).data[13] == 10
    data = talk.next_frame().data[5:]
    later = replace(following, effective_at="2025-06-01 08:32:00")
    whole = price_part(PRICES, later, [1], Place()).data
    assert data.startswith(whole)
    # Its time has minutes alone: it begins with the next one, never too early.
    assert bytes.fromhex("202506010832") in whole
    talk.wall_ms += 60_000
    talk.answer(asks(4, 0, 10))
    alone = talk.next_frame().data[5:]
    assert alone.startswith(price_part(following, None, [1], Place()).data)
    talk.dialogue.offer(Downloads(prices=replace(PRICES, version=11)))
    assert talk.answer(IDLE).data[13] == 11


def test_station_data_are_fetched() -> None:
    """In one go."""
    talk = Talk((101, 102), terminal=4)
    talk.settle()
    talk.dialogue.offer(Downloads(station=STATION))
    assert talk.answer(asks(5, 0, 10)).data[14] == 3
    block = talk.next_frame().data
    assert block[4:] == b"\x01" + bytes.fromhex(
        "03 33 01 000013ED 030A59D1 04 02 0102 00"
    )


def test_a_download_of_an_unknown_kind_is_without_sense() -> None:
    """There are six."""
    talk = Talk()
    talk.settle()
    talk.answer(asks(6, 0, 1))
    talk.next_frame()
    assert [f.kind for f in talk.of(ProtocolFault)] == [FaultKind.BAD_BODY]
