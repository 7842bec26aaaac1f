"""Lists and prices on a JX-V4 bus: fetched in blocks, in force, never in the way."""

import itertools
from dataclasses import replace

import pytest

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.dialogue import (
    DownloadAdvanced,
    IdentityReceived,
    NoticeReceived,
    Transmission,
)
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    Downloads,
    ListKind,
    PriceTable,
)
from cngstation.protocols.dispenser.jxv4.readers import FETCH_POLL_US
from cngstation.protocols.dispenser.turns import BUSY_POLL_US
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import (
    SECOND,
    Answers,
    Bus,
    of_kind,
)
from tests.unit.protocols.dispenser.jxv4.keeper import Keeper

PRICES = PriceTable(7, (39_800,), "2025-06-01 08:30:15")


def card_list(
    count: int = 25, version: int = 3, kind: ListKind = ListKind.BASE
) -> CardList:
    cards = tuple(f"51010001{n:08}" for n in range(11, 11 + count))
    return CardList(kind, version, cards, "2025-06-01", "2026-06-01")


def offer_of(*lists: CardList, prices: PriceTable | None = None) -> Downloads:
    return Downloads({one.kind: one for one in lists}, prices)


def progress(bus: Bus, gun: int = 1) -> list[tuple[str, int, int, int, bool]]:
    return [
        (e.kind.value, e.version, e.sent, e.count, e.is_in_force)
        for e in of_kind(bus.events, DownloadAdvanced)
        if e.gun == gun
    ]


def far_end(*keepers: Keeper) -> Answers:
    by_gun = {keeper.gun: keeper for keeper in keepers}
    return lambda sent: by_gun[sent.gun].answer(sent)


def test_the_poll_announces_the_versions() -> None:
    """Base 3, added 1, deleted 1, prices 7; the key never."""
    bus = Bus()
    lists = [card_list()]
    lists += [card_list(1, 1, kind) for kind in (ListKind.ADDED, ListKind.DELETED)]
    bus.exchange(vectors.status())
    bus.dialogue.offer(offer_of(*lists, prices=PRICES))
    assert bus.poll() == vectors.POLL_VERSIONS


def test_a_list_goes_in_blocks_of_twenty_and_is_in_force() -> None:
    """25 cards are two blocks; the identity names the version."""
    bus, keeper = Bus(), Keeper()
    bus.dialogue.offer(offer_of(card_list()))
    bus.run(bus.now_us + 5 * SECOND, far_end(keeper))
    cards = [card.hex() for card in keeper.lists[1]]
    assert cards == list(card_list().cards)
    assert keeper.versions[0] == 3
    downloaded = [step for step in progress(bus) if step[0] == "base" and step[1]]
    assert downloaded == [
        ("base", 3, 0, 25, False),
        ("base", 3, 20, 25, False),
        ("base", 3, 25, 25, False),
        ("base", 3, 25, 25, True),
    ]


def test_the_frames_are_the_vectors() -> None:
    """Count, info with its little-endian count, offset and cards, byte by byte."""
    bus = Bus()
    bus.dialogue.offer(offer_of(card_list()))
    bus.exchange(vectors.LIST_ASKED)
    assert bus.send().data == vectors.LIST_COUNT
    bus.hear(vectors.block_asked(count=2))
    assert bus.send().data == vectors.BLOCK


def test_the_prices_are_the_vector() -> None:
    """Version 7, CNG, one level of 3.98 yuan, big-endian."""
    bus = Bus()
    bus.dialogue.offer(offer_of(prices=PRICES))
    bus.exchange(vectors.PRICES_ASKED)
    assert bus.send().data == vectors.PRICES


def test_an_lng_dispenser_gets_its_device_code() -> None:
    """What said that it is LNG is answered as LNG."""
    bus = Bus()
    bus.exchange(vectors.answer(1, 0x51, bytes([0, 0xA4]) + bytes(82)))
    bus.dialogue.offer(offer_of(prices=PRICES))
    while bus.send().data[4] != 0x5E:
        bus.hear(vectors.PRICES_ASKED)
    assert bus.sent[-1][1].data[8] == 0


def test_prices_are_in_force_by_level() -> None:
    """Twenty levels; a nozzle that no longer asks names its version."""
    bus, keeper = Bus(), Keeper()
    prices = tuple(39_800 - 100 * level for level in range(20))
    bus.dialogue.offer(offer_of(prices=PriceTable(9, prices, "2025-06-01 00:00:00")))
    bus.run(bus.now_us + 4 * SECOND, far_end(keeper))
    assert keeper.prices[9] == 20
    sent = [keeper.prices[n : n + 2] for n in range(10, 50, 2)]
    assert [int.from_bytes(p, "big") for p in sent] == [p // 100 for p in prices]
    downloaded = [step for step in progress(bus) if step[0] == "prices" and step[1]]
    assert downloaded == [("prices", 9, 20, 20, False), ("prices", 9, 20, 20, True)]


def test_a_dispenser_that_asks_again_and_again_refuses() -> None:
    """Told until it takes the version; a list likewise; once or twice says nothing."""
    bus, keeper = Bus(), Keeper()
    bus.dialogue.offer(offer_of(card_list(1), prices=PRICES))
    bus.run(bus.now_us + 5 * SECOND, far_end(keeper))
    assert not any(e.refused for e in of_kind(bus.events, DownloadAdvanced))
    keeper.takes_prices = False
    bus.dialogue.offer(offer_of(card_list(1), prices=replace(PRICES, version=8)))
    bus.events.clear()
    bus.run(bus.now_us + 10 * SECOND, far_end(keeper))
    told = [e.refused for e in of_kind(bus.events, DownloadAdvanced) if e.version == 8]
    assert told[:3] == ["", "", ""]
    assert set(told[3:]) == {"asks_again"}
    keeper.takes_prices = True
    bus.run(bus.now_us + 5 * SECOND, far_end(keeper))
    last = of_kind(bus.events, DownloadAdvanced)[-1]
    assert (last.version, last.is_in_force, last.refused) == (8, True, "")
    bus.events.clear()
    for _ in range(5):  # it loses its memory, and takes it each time
        keeper.versions[4] = 0
        bus.run(bus.now_us + 5 * SECOND, far_end(keeper))
    assert len(of_kind(bus.events, DownloadAdvanced)) >= 5
    assert not any(e.refused for e in of_kind(bus.events, DownloadAdvanced))


def test_every_kind_comes_in_its_order() -> None:
    """Base, added, deleted, white, prices; each is in force once."""
    bus, keeper = Bus(), Keeper()
    lists = [card_list(3, n, kind) for n, kind in enumerate(ListKind, start=1)]
    bus.dialogue.offer(offer_of(*lists, prices=PRICES))
    bus.run(bus.now_us + 12 * SECOND, far_end(keeper))
    assert keeper.versions == bytes([1, 2, 3, 4, 7, 0])
    in_force = [step for step in progress(bus) if step[4] and step[1]]
    assert sorted(in_force) == sorted(
        [
            ("base", 1, 3, 3, True),
            ("added", 2, 3, 3, True),
            ("deleted", 3, 3, 3, True),
            ("white", 4, 3, 3, True),
            ("prices", 7, 1, 1, True),
        ]
    )


def test_an_empty_list_is_a_list() -> None:
    """A new base leaves an added list without cards."""
    bus, keeper = Bus(), Keeper()
    bus.dialogue.offer(offer_of(card_list(0, 5, ListKind.ADDED)))
    bus.run(bus.now_us + 4 * SECOND, far_end(keeper))
    assert keeper.lists[2] == []
    assert ("added", 5, 0, 0, True) in progress(bus)


def test_what_a_nozzle_held_before_is_reported_at_link_up() -> None:
    """Its own versions, also those that are not offered."""
    bus, keeper = Bus(), Keeper(versions=bytearray([3, 9, 0, 0, 6, 0]))
    bus.dialogue.offer(offer_of(card_list()))
    bus.run(bus.now_us + 2 * SECOND, far_end(keeper))
    assert progress(bus) == [
        ("base", 3, 25, 25, True),
        ("added", 9, 0, 0, True),
        ("deleted", 0, 0, 0, True),
        ("white", 0, 0, 0, True),
        ("prices", 6, 0, 0, True),
    ]


def test_nothing_is_read_where_nothing_is_offered() -> None:
    """A station without lists does not ask for identities."""
    bus, keeper = Bus(), Keeper()
    bus.run(bus.now_us + 3 * SECOND, far_end(keeper))
    assert set(bus.commands()) == {0x51}


def test_the_same_offer_again_asks_nothing() -> None:
    """A service may repeat itself."""
    bus, keeper = Bus(), Keeper()
    bus.dialogue.offer(offer_of(card_list()))
    bus.run(bus.now_us + 5 * SECOND, far_end(keeper))
    known = len(of_kind(bus.events, IdentityReceived))
    bus.dialogue.offer(offer_of(card_list()))
    bus.run(bus.now_us + 3 * SECOND, far_end(keeper))
    assert len(of_kind(bus.events, IdentityReceived)) == known


def test_without_an_identity_what_is_no_longer_asked_for_counts() -> None:
    """A firmware that does not know 59H is believed by its polls."""
    bus, keeper = Bus(), Keeper(knows_identity=False)
    bus.dialogue.offer(offer_of(card_list(), prices=PRICES))
    bus.run(bus.now_us + 8 * SECOND, far_end(keeper))
    in_force = [step[:2] for step in progress(bus) if step[4]]
    assert in_force == [("base", 3), ("prices", 7)]


def test_the_last_block_alone_is_not_in_force() -> None:
    """Whoever has all cards and is away before it saved does not hold the list."""
    bus, keeper = Bus(), Keeper()
    bus.dialogue.offer(offer_of(card_list()))
    answer = far_end(keeper)
    while len(keeper.fetched) < 25:
        if data := answer(bus.send()):
            bus.hear(data)
    bus.run(bus.now_us + 9 * SECOND, lambda _sent: b"")
    assert not [step for step in progress(bus) if step[1] == 3 and step[4]]


def test_a_dispenser_that_contradicts_is_reported_as_it_says() -> None:
    """It asks no more, yet names another version: that one is shown, once."""
    bus = Bus()
    bus.dialogue.offer(offer_of(card_list()))

    def stubborn(sent: Transmission) -> bytes:
        if sent.data[4] == 0x59:
            return vectors.held(1, "020000000000")
        return vectors.status(1)

    bus.run(bus.now_us + 20 * SECOND, stubborn)
    base = [step for step in progress(bus) if step[0] == "base"]
    assert base == [("base", 2, 0, 0, True)]
    assert bus.commands().count(0x59) <= 2


def test_a_lost_block_is_sent_again() -> None:
    """The dispenser repeats its question and gets the same cards."""
    bus, keeper = Bus(), Keeper()
    bus.dialogue.offer(offer_of(card_list()))
    answer, lost = far_end(keeper), itertools.count()

    def lossy(sent: Transmission) -> bytes:
        if sent.data[4] == 0x54 and next(lost) < 2:
            return b""
        return answer(sent)

    bus.run(bus.now_us + 8 * SECOND, lossy)
    assert [card.hex() for card in keeper.lists[1]] == list(card_list().cards)
    assert bus.commands().count(0x54) == 4


def test_a_new_version_never_mixes_with_one_under_way() -> None:
    """What has begun is finished as it began, then the new one is fetched."""
    bus, keeper = Bus(), Keeper()
    old, new = card_list(45, 3), card_list(30, 4)
    bus.dialogue.offer(offer_of(old))
    answer = far_end(keeper)
    while len(keeper.fetched) < 20:
        if data := answer(bus.send()):
            bus.hear(data)
    bus.dialogue.offer(offer_of(new))
    while keeper.versions[0] != 3:
        if data := answer(bus.send()):
            bus.hear(data)
    assert [card.hex() for card in keeper.lists[1]] == list(old.cards)
    assert keeper.infos[1][0] == 3
    bus.run(bus.now_us + 6 * SECOND, answer)
    assert [card.hex() for card in keeper.lists[1]] == list(new.cards)
    assert keeper.infos[1][0] == keeper.versions[0] == 4


def test_a_dispenser_in_the_middle_begins_again_after_our_restart() -> None:
    """We do not know with which version it began: it gets the length first."""
    bus = Bus()
    bus.dialogue.offer(offer_of(card_list(45)))
    bus.exchange(vectors.block_asked(offset=20))
    assert bus.send().data[4] == 0x53
    bus.hear(vectors.block_asked(offset=0))
    assert bus.send().data[4] == 0x54


def test_a_nozzle_that_fuels_gets_no_block() -> None:
    """What it asked for before is dropped; it asks again when it is idle."""
    bus = Bus(guns=2)
    bus.dialogue.offer(offer_of(card_list()))
    bus.exchange(vectors.status(1, 0xA4))
    bus.exchange(vectors.list_asked(2))
    bus.run(bus.now_us + SECOND, lambda s: vectors.status(s.gun, 0xA4))
    assert bus.commands().count(0x53) <= 1
    assert 0x54 not in bus.commands()


def test_a_block_that_waits_is_dropped_when_its_nozzle_begins_a_fill() -> None:
    """It asks again when it is idle; until then nothing is written into its memory."""
    bus = Bus(guns=2)
    bus.dialogue.offer(offer_of(card_list()))
    bus.exchange(vectors.status(1, 0xA4))
    while bus.send().data[4] != 0x53:
        bus.hear(vectors.list_asked(2))
    bus.hear(vectors.block_asked(2))
    bus.now_us += 4 * SECOND
    bus.run(bus.now_us + 2 * SECOND, lambda s: vectors.status(s.gun, 0xA4))
    assert 0x54 not in bus.commands()


@pytest.mark.parametrize("baud", [9_600, 38_400])
def test_eight_lists_take_little_more_than_one_after_another(baud: int) -> None:
    """Fetching uses the free wire: eight at once against one alone, times eight."""
    took: list[int] = []
    for guns in (1, 8):
        bus = Bus(guns=guns, baud=baud)
        keepers = [Keeper(gun) for gun in range(1, guns + 1)]
        bus.dialogue.offer(offer_of(card_list(400)))
        began_us, answer = bus.now_us, far_end(*keepers)
        while not all(keeper.versions[0] for keeper in keepers):
            if data := answer(bus.send()):
                wire_us = (24 + len(data)) * 10 * SECOND // baud
                bus.hear(data, wire_us + 50_000)
        took.append(bus.now_us - began_us)
    assert took[1] < 1.25 * 8 * took[0]


def test_a_fill_says_nothing_about_lists() -> None:
    """A dispenser that fuels does not ask, whatever it lacks."""
    bus, keeper = Bus(), Keeper(state=0xA4, knows_identity=False)
    bus.dialogue.offer(offer_of(card_list(), prices=PRICES))
    bus.run(bus.now_us + 5 * SECOND, far_end(keeper))
    assert progress(bus) == []


def test_a_block_has_twenty_cards_at_most() -> None:
    """A dispenser that asks for more has a buffer for no more."""
    bus = Bus()
    bus.dialogue.offer(offer_of(card_list(45)))
    bus.exchange(vectors.LIST_ASKED)
    bus.send()
    bus.hear(vectors.block_asked(count=200))
    sent = bus.send()
    assert (sent.data[4], sent.data[10], len(sent.data)) == (0x54, 20, 191)


def test_a_key_is_never_sent_and_never_shown() -> None:
    """A question for a key gets no answer, and its notice only its type."""
    bus = Bus()
    bus.dialogue.offer(offer_of(card_list(), prices=PRICES))
    asked = vectors.answer(1, 0x53, b"\x06" + b"secret")
    (notice,) = of_kind(bus.exchange(asked), NoticeReceived)
    assert notice.body == b"\x06"
    bus.run(bus.now_us + 3 * SECOND, lambda s: asked if s.data[4] == 0x51 else b"")
    assert set(bus.commands()) <= {0x51, 0x59}
    assert all(sent.data[19] == 0 for _, sent in bus.sent if sent.data[4] == 0x51)


@pytest.mark.parametrize(
    "downloads",
    [
        offer_of(card_list(version=0)),
        offer_of(card_list(version=256)),
        offer_of(CardList(ListKind.BASE, 1, ("123",), "2025-06-01", "2026-06-01")),
        offer_of(CardList(ListKind.BASE, 1, ("٣" * 16,), "2025-06-01", "2026-06-01")),
        offer_of(CardList(ListKind.BASE, 1, (), "tomorrow", "2026-06-01")),
        offer_of(card_list(0x1_0014)),
        offer_of(prices=PriceTable(1, (), "2025-06-01 00:00:00")),
        offer_of(prices=PriceTable(1, (39_800,) * 21, "2025-06-01 00:00:00")),
        offer_of(prices=PriceTable(1, (39_850,), "2025-06-01 00:00:00")),
        offer_of(prices=PriceTable(1, (0,), "2025-06-01 00:00:00")),
        offer_of(prices=PriceTable(1, (6_553_600,), "2025-06-01 00:00:00")),
        offer_of(prices=PriceTable(1, (39_800,), "soon")),
        offer_of(prices=PriceTable(0, (39_800,), "2025-06-01 00:00:00")),
    ],
)
def test_what_the_frames_cannot_carry_is_not_offered(downloads: Downloads) -> None:
    """It is said at once, and what was offered before stays."""
    bus = Bus()
    bus.dialogue.offer(offer_of(card_list(version=3)))
    with pytest.raises(LocalProtocolError):
        bus.dialogue.offer(downloads)
    bus.exchange(vectors.status())
    assert bus.poll()[14] == 3


def delays_of_polls(bus: Bus, gun: int, period_us: int) -> list[int]:
    """Return, for each poll of a nozzle, how many parts went while it was due."""
    ends = [at for at, _ in bus.sent[1:]]
    parts = [
        (at, end)
        for (at, sent), end in zip(bus.sent, ends, strict=False)
        if sent.data[4] in (0x53, 0x54, 0x5E)
    ]
    polls = [at for at, s in bus.sent if (s.gun, s.data[4]) == (gun, 0x51)]
    return [
        sum(begin < poll and end > before + period_us for begin, end in parts)
        for before, poll in itertools.pairwise(polls)
    ]


@pytest.mark.parametrize(("busy", "baud"), [(7, 9_600), (4, 38_400), (1, 9_600)])
def test_a_block_delays_a_live_poll_by_one_exchange_at_most(
    busy: int, baud: int
) -> None:
    """Eight guns; fills are polled with at most one block between, and lists come."""
    bus = Bus(guns=8, baud=baud)
    keepers = [Keeper(gun, 0xA4 if gun <= busy else 0xA1) for gun in range(1, 9)]
    bus.dialogue.offer(offer_of(card_list(100), prices=PRICES))
    bus.run(bus.now_us + 90 * SECOND, far_end(*keepers))
    for gun in range(1, busy + 1):
        assert max(delays_of_polls(bus, gun, BUSY_POLL_US)) == 1
    assert all(keeper.versions[0] == 3 for keeper in keepers[busy:])
    assert all(keeper.polls > 25 for keeper in keepers[:busy])


def test_eight_idle_guns_fetch_at_once_and_are_all_looked_at() -> None:
    """All of them fetch by turns; none goes longer than 5 s without a poll."""
    bus = Bus(guns=8)
    keepers = [Keeper(gun) for gun in range(1, 9)]
    bus.dialogue.offer(offer_of(card_list(60)))
    bus.run(bus.now_us + 60 * SECOND, far_end(*keepers))
    assert all(len(keeper.lists[1]) == 60 for keeper in keepers)
    for gun in range(1, 9):
        assert max(delays_of_polls(bus, gun, FETCH_POLL_US)) <= 1
        at = [when for when, s in bus.sent if (s.gun, s.data[4]) == (gun, 0x51)]
        assert max(b - a for a, b in itertools.pairwise(at)) < 5 * SECOND
