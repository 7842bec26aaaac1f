"""When a list goes to a JX-V4 nozzle: after its records, and after it is noted."""

import pytest

from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    DownloadAsked,
    Transmission,
)
from cngstation.protocols.dispenser.jxv4.holding import MOST_AHEAD
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import (
    SECOND,
    Bus,
    idle,
    of_kind,
    silent,
)
from tests.unit.protocols.dispenser.jxv4.keeper import Keeper
from tests.unit.protocols.dispenser.jxv4.test_downloads import (
    PRICES,
    card_list,
    far_end,
    offer_of,
)


def announced(bus: Bus) -> int:
    """Return the version of the base that the next poll announces."""
    return bus.poll()[14]


def test_records_go_before_lists() -> None:
    """No version is announced until a nozzle is at rest, nor while a fill is owed."""
    bus = Bus()
    bus.dialogue.offer(offer_of(card_list(60)))
    for answer in (vectors.record(), vectors.record(seq=1028), vectors.status()):
        assert announced(bus) == 0
        bus.hear(answer)
    assert announced(bus) == 3
    bus.hear(vectors.LIST_ASKED)
    assert bus.send().data[4] == 0x53
    bus.hear(vectors.block_asked(count=20))
    assert bus.send().data[4] == 0x54
    assert announced(bus) == 3
    bus.hear(vectors.status(1, 0xA4))
    for answer in (vectors.debit(), vectors.record(seq=1029), vectors.status()):
        assert announced(bus) == 0
        bus.hear(answer)
    assert announced(bus) == 3
    bus.hear(vectors.block_asked(count=20, offset=20))
    block = bus.send().data
    assert (block[4], block[8:10]) == (0x54, b"\x00\x14")


def test_a_hundred_records_let_the_lists_pass() -> None:
    """What was alone for long still hears whom it must refuse."""
    bus = Bus()
    bus.dialogue.offer(offer_of(card_list()))
    for seq in range(MOST_AHEAD):
        assert announced(bus) == 0
        bus.hear(vectors.record(seq=seq))
        bus.dialogue.answer_record(1, seq, bus.now_us, accepted=True)
    assert announced(bus) == 3


def test_a_nozzle_that_is_not_heard_may_fill_meanwhile() -> None:
    """It hears of lists when it is at rest again, also behind a port that fell."""
    bus = Bus()
    bus.dialogue.offer(offer_of(card_list()))
    bus.run(bus.now_us + 3 * SECOND, idle)
    bus.run(bus.now_us + 6 * SECOND, silent)
    polls = [sent.data[14] for _, sent in bus.sent if sent.data[4] == 0x51]
    assert polls[-1] == 0
    assert polls.count(3) >= 3
    bus.run(bus.now_us + 3 * SECOND, idle)
    assert announced(bus) == 3
    bus.dialogue.line_closed(bus.now_us)
    bus.dialogue.line_opened(bus.now_us)
    assert announced(bus) == 0


def test_a_list_that_is_saved_in_silence_is_no_lost_frame() -> None:
    """One silence for each list; the next one is a loss."""
    bus, keeper = Bus(), Keeper()
    bus.dialogue.offer(offer_of(card_list()))
    bus.run(bus.now_us + 5 * SECOND, far_end(keeper))
    assert keeper.versions[0] == 3
    assert not of_kind(bus.events, AnswerMissed)
    bus.run(bus.now_us + 2 * SECOND, silent)
    assert of_kind(bus.events, AnswerMissed)


def test_nothing_goes_out_before_it_is_noted() -> None:
    """Not while the service works, and not when it cannot; the nozzle asks again."""
    for asked_for, part in (
        (vectors.LIST_ASKED, vectors.LIST_COUNT),
        (vectors.PRICES_ASKED, vectors.PRICES),
    ):
        bus = Bus()
        bus.notes = False
        bus.dialogue.offer(offer_of(card_list(), prices=PRICES))
        bus.exchange(asked_for)
        (asked,) = of_kind(bus.events, DownloadAsked)
        assert bus.now_us < SECOND + SECOND
        assert bus.send().data != part
        bus.dialogue.answer_download(asked, bus.now_us, accepted=False)
        bus.exchange(asked_for)
        (_, asked) = of_kind(bus.events, DownloadAsked)
        bus.dialogue.answer_download(asked, bus.now_us, accepted=True)
        assert bus.send().data == part


def test_each_version_is_noted_once() -> None:
    """Not each block; what is offered anew is asked for once more."""
    bus, keeper = Bus(), Keeper()
    bus.dialogue.offer(offer_of(card_list(60), prices=PRICES))
    bus.run(bus.now_us + 8 * SECOND, far_end(keeper))
    bus.dialogue.offer(offer_of(card_list(60, 4), prices=PRICES))
    bus.run(bus.now_us + 8 * SECOND, far_end(keeper))
    asked = [
        (e.guns, str(e.kind), e.version) for e in of_kind(bus.events, DownloadAsked)
    ]
    assert asked == [((1,), "base", 3), ((1,), "prices", 7), ((1,), "base", 4)]
    assert keeper.versions[0] == 4


@pytest.mark.parametrize(("offset", "is_late"), [(0, False), (20, False), (20, True)])
def test_a_list_that_another_program_began_begins_again(
    offset: int,
    is_late: bool,
) -> None:
    """What a nozzle has of it may be of another version: its blocks are not mixed.

    It did not hear the length of ours; what comes instead is late, or nothing.
    """
    bus, keeper = Bus(), Keeper()
    keeper.count, keeper.fetched = 40, [bytes(8)] * offset
    lost: list[bytes] = []

    def answers(sent: Transmission) -> bytes:
        if sent.data[4] == 0x53 and not lost:
            lost.append(sent.data)
            return vectors.block_asked(offset=offset) if is_late else b""
        return keeper.answer(sent)

    bus.dialogue.offer(offer_of(card_list(60)))
    bus.run(bus.now_us + 15 * SECOND, answers)
    assert lost
    assert [card.hex() for card in keeper.lists[1]] == list(card_list(60).cards)
