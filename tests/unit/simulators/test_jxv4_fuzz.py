"""A simulated gun under any bytes: it answers with whole frames or not at all."""

import random
from pathlib import Path

import pytest

from cngstation.simulators.jxv4_frames import BUFFER_BYTES
from cngstation.simulators.jxv4_transaction import PETROCHINA
from tests.unit.simulators.bench_gun import POLL_TIME, BenchGun, host_frame
from tests.unit.simulators.cards import issue

SAMPLE, WHOLE = 60_000, 10_000_000
BODIES = {
    0x51: bytes.fromhex(POLL_TIME + "030101000701"),
    0x52: bytes.fromhex("010000000403"),
    0x53: bytes.fromhex("0100000019"),
    0x54: bytes.fromhex("01000002 03 20250601 20260601 FFFF 19000000 00" + "51" * 16),
    0x55: bytes(48),
    0x56: bytes(9),
    0x57: b"",
    0x58: bytes.fromhex("00000403"),
    0x59: b"",
    0x5A: b"\x01",
    0x5B: b"\x01",
    0x5C: bytes(9),
    0x5D: b"",
    0x5E: bytes.fromhex("0701202506010830150101 8E"),
    0x5F: b"\x01",
    0x70: bytes(5),
    0x72: b"",
}


def fuzz(bench: BenchGun, byte_count: int, seed: int) -> None:
    """Feed frames whole, changed, cut and among noise."""
    chance, fed = random.Random(seed), 0
    while fed < byte_count:
        command = chance.choice(list(BODIES))
        body = bytearray(BODIES[command])
        if body and chance.random() < 0.3:
            body[chance.randrange(len(body))] = chance.randrange(256)
        if chance.random() < 0.2:
            body = body[: chance.randrange(len(body) + 1)]
        data = host_frame(chance.choice([1, 1, 1, 2]), command, bytes(body))
        if chance.random() < 0.2:
            data = chance.randbytes(chance.randrange(260)) + data
        if chance.random() < 0.1:
            data = data[: chance.randrange(len(data))]
        fed += len(data)
        bench.gun.hear(data)
        answer = bench.tick()
        assert len(bench.gun.ear._buffer) <= BUFFER_BYTES
        assert len(answer) <= 1 + 5 + 147
        if bench.gun.memory.counters.is_off_duty:
            when = bench.gun.clock.read(bench.now)
            bench.gun.duty.begin("0000000000001001", 1, when)


def make_bench(folder: Path, variant: str) -> BenchGun:
    (folder / "cards").mkdir()
    issue(folder / "cards")
    return BenchGun(folder, variant=variant)


@pytest.mark.parametrize("variant", ["own", PETROCHINA])
def test_no_bytes_end_a_gun(tmp_path: Path, variant: str) -> None:
    """A sample of the campaign below; afterwards a good poll is answered."""
    bench = make_bench(tmp_path, variant)
    fuzz(bench, SAMPLE, seed=5)
    bench.gun.ear.hear(bytes(BUFFER_BYTES))
    assert bench.ask(0x59)[0] == 0x59


@pytest.mark.campaign
@pytest.mark.parametrize("variant", ["own", PETROCHINA])
def test_ten_million_bytes(tmp_path: Path, variant: str) -> None:
    """The whole campaign, in either dialect."""
    fuzz(make_bench(tmp_path, variant), WHOLE, seed=6)
