"""JX-V4 under any bytes: the parser finds its feet, the dialogue keeps its rules."""

import itertools
import random

import pytest

from cngstation.protocols.dispenser.canonical import NOT_FOUND
from cngstation.protocols.dispenser.dialogue import (
    CardCheckRequested,
    DebitRequested,
    Event,
    ParameterReceived,
    RecordReceived,
    ShiftReceived,
)
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    CardQuestion,
    CardVerdict,
    Downloads,
    ListKind,
    Order,
    OrderKind,
    PriceTable,
)
from cngstation.protocols.dispenser.jxv4.frames import FrameParser
from cngstation.protocols.dispenser.jxv4.variant import (
    OWN,
    PresetCodes,
    Variant,
    petrochina,
)
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import MS, Bus

SAMPLE, WHOLE = 150_000, 10_000_000
FRAMES = [data for data, _ in vectors.EVERY.values()]
FRAMES += [
    vectors.shift(),
    vectors.parameter(),
    vectors.card_check(),
    vectors.list_check(),
    vectors.debit(kind=1),
    vectors.totals(),
    vectors.identity(),
    vectors.list_asked(code=6),
    vectors.block_asked(offset=20),
    vectors.record(2),
    vectors.status(2, 0xA4),
    vectors.answer(1, 0x51, bytes([1, 3]) + bytes(30)),
]
OFFERED = Downloads(
    {
        kind: CardList(
            kind, 3, tuple(f"{n:016}" for n in range(45)), "2025-06-01", "2026-06-01"
        )
        for kind in ListKind
    },
    PriceTable(7, (39_800,), "2025-06-01 08:30:15"),
)


def disturbed(chance: random.Random, frame: bytes) -> bytes:
    """Return a frame as a bad line brings it: whole, cut, changed, among noise."""
    kind = chance.randrange(6)
    if kind == 0:
        return frame[: chance.randrange(len(frame) + 1)]
    if kind == 1:
        return chance.randbytes(chance.randrange(60)) + frame
    if kind == 2:
        return frame + chance.choice(FRAMES)
    if kind == 3:
        # A body changed under a good CRC: what another firmware might send.
        body = bytearray(frame[7:-4])
        for _ in range(min(3, len(body))):
            body[chance.randrange(len(body))] = chance.randrange(256)
        cut = chance.choice([len(body), chance.randrange(len(body) + 1)])
        return vectors.answer(chance.randrange(1, 4), frame[4], bytes(body[:cut]))
    if kind == 4:
        return bytes([0xBB, 0xEE, 0xAA, 0xFF] * chance.randrange(1, 80))
    return frame


def fuzz_parser(byte_count: int, seed: int) -> None:
    """Feed broken frames among noise; the second good frame is always found."""
    chance, parser, fed = random.Random(seed), FrameParser(), 0
    while fed < byte_count:
        data = disturbed(chance, chance.choice(FRAMES))
        data += bytes(300) + vectors.IDLE + vectors.RECORD
        found = parser.feed(data)
        assert found[-1].to_bytes() == vectors.RECORD
        assert len(parser._buffer) < 2_048
        fed += len(data)


def answer(bus: Bus, event: Event, chance: random.Random) -> int:
    """Do what a service may do; return how many acknowledgements that allows."""
    accepted = chance.random() < 0.7
    dialogue, now_us = bus.dialogue, bus.now_us
    match event:
        case RecordReceived(gun, record):
            seq = record.device_seq
            dialogue.answer_record(gun, seq, now_us, accepted=accepted)
            return accepted
        case ShiftReceived(gun, shift):
            dialogue.answer_shift(gun, shift.device_seq, now_us, accepted=accepted)
        case ParameterReceived(gun, change):
            dialogue.answer_parameter(gun, change.device_seq, now_us, accepted=accepted)
        case DebitRequested(gun, request):
            dialogue.answer_debit(gun, request, NOT_FOUND, now_us)
        case CardCheckRequested(gun, check):
            is_check = check.question is CardQuestion.CHECK
            verdict = CardVerdict.MAY_FILL if is_check else CardVerdict.LISTED
            dialogue.answer_card_check(gun, check, verdict, now_us)
    return 0


def fuzz_dialogue(byte_count: int, seed: int, variant: Variant) -> None:
    """Whatever arrives: spacing, orders once, no unasked acknowledgement, no key."""
    chance = random.Random(seed)
    fed = 0
    while fed < byte_count:
        bus, allowed, orders = Bus(guns=3, variant=variant), 0, 0
        bus.dialogue.offer(OFFERED)
        for _ in range(60):
            if chance.random() < 0.1:
                kind = chance.choice([OrderKind.LOCK, OrderKind.UNLOCK])
                bus.dialogue.order(Order(chance.randrange(1, 4), kind))
                orders += 1
            bus.send()
            data = disturbed(chance, chance.choice(FRAMES))
            fed += len(data)
            for event in bus.hear(data, chance.randrange(400 * MS)):
                allowed += answer(bus, event, chance)
        starts = [at for at, _ in bus.sent]
        assert all(b - a >= 110 * MS for a, b in itertools.pairwise(starts))
        commands = bus.commands()
        assert commands.count(0x52) <= allowed
        assert commands.count(0x5F) <= orders
        keys = [
            s.data for _, s in bus.sent if (s.data[4], s.data[7:8]) == (0x53, b"\6")
        ]
        assert not keys
        assert all(len(sent.data) <= 191 for _, sent in bus.sent)


def test_the_parser_finds_its_feet_behind_anything() -> None:
    """A sample of the campaign below."""
    fuzz_parser(SAMPLE, seed=7)


@pytest.mark.parametrize("variant", [OWN, petrochina(PresetCodes())])
def test_the_dialogue_keeps_its_rules_under_anything(variant: Variant) -> None:
    """A sample of the campaign below."""
    fuzz_dialogue(SAMPLE, seed=8, variant=variant)


@pytest.mark.campaign
def test_ten_million_bytes_at_the_parser() -> None:
    """The whole campaign."""
    fuzz_parser(WHOLE, seed=11)


@pytest.mark.campaign
@pytest.mark.parametrize("variant", [OWN, petrochina(PresetCodes())])
def test_ten_million_bytes_at_the_dialogue(variant: Variant) -> None:
    """The whole campaign, in either dialect."""
    fuzz_dialogue(WHOLE, seed=12, variant=variant)
