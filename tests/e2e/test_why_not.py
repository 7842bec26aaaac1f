"""Why a card will not fill: scripted faults on a real reader, each with its cause."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation.errors import StationError
from cngstation.language import use_language
from cngstation.rpc.contract.diagnosis import Diagnosis
from cngstation.services.verify_books import verify_file
from tests.e2e.card_faults import FAULTS, Fault, sound
from tests.e2e.fault_bench import FaultBench, fault_bench
from tests.issued_cards import AT_ONCE, UID
from tests.simulated_devices import SimulatedReader, card_reader
from tui.texts import sentence


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedReader]:
    """One reader for all cases; each has cards of its own."""
    folder = tmp_path_factory.mktemp("reader")
    with card_reader(folder, latency_us=AT_ONCE, baud=921_600) as process:
        yield process


@pytest.fixture(autouse=True)
def fresh_cards(device: SimulatedReader) -> None:
    """Throw the last case's cards away."""
    for file in device.cards.glob("*.mfd"):
        file.unlink()


def test_there_are_enough_scripts() -> None:
    """Every case has a name of its own, and most causes have one."""
    assert len(FAULTS) >= 25
    assert len({fault.cause for fault in FAULTS.values()}) >= 35


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_the_first_line_names_the_true_cause(
    device: SimulatedReader, tmp_path: Path, fault: Fault
) -> None:
    """Each fault ends in a named state, and no balance becomes wrong by asking."""
    async with fault_bench(device, tmp_path, **fault.rules) as bench:
        await fault.script(bench)
        if fault.page is None:
            said = await bench.why()
        else:
            said = await _shown_and_asked(bench, fault)
        assert _causes(said)[:1] == [str(fault.cause)]
        _is_said_in_both_languages(said)
    proof = verify_file(tmp_path / "station.db")
    assert proof.proved, proof.first_bad


async def _shown_and_asked(bench: FaultBench, fault: Fault) -> Diagnosis:
    view = bench.stage._card or await bench.laid(fault.uid)
    assert view.on_reader is fault.page
    assert view.balance_purse == fault.balance
    before, till = bytes(bench.image(fault.uid)), await bench.cash()
    said = await bench.why()
    assert said.uid == fault.uid.upper()
    if fault.blocks:
        with pytest.raises(StationError):
            await bench.top_up(view.card_key or "002801000001", fault.balance, 5_000)
        assert bytes(bench.image(fault.uid)) == before
        assert await bench.cash() == till
    return said


async def test_a_sound_card_has_nothing_against_it(
    device: SimulatedReader, tmp_path: Path
) -> None:
    """No cause is invented."""
    async with fault_bench(device, tmp_path) as bench:
        await sound(bench)
        await bench.laid(UID.hex())
        said = await bench.why()
        assert said.causes == ()
        assert said.card_no == "01000001"


def _causes(said: Diagnosis) -> list[str]:
    return [one.cause for one in said.causes]


def _is_said_in_both_languages(said: Diagnosis) -> None:
    try:
        for one in said.causes:
            spoken = []
            for language in ("en", "zh_CN"):
                use_language(language)
                text = sentence(one.text, one.facts), sentence(one.cure, one.facts)
                assert all(text)
                assert "{" not in "".join(text), text
                spoken.append(text)
            assert spoken[0] != spoken[1], "it has no Chinese"
    finally:
        use_language("en")
