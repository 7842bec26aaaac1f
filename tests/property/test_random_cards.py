"""Any bytes on a card: a named state, a cause, and never a balance that is not so."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract.counter import ActReply, CardOnReaderState
from cngstation.rpc.session import Nothing
from tests.simulation.money_cards import Chip
from tests.simulation.money_world import CALL, World

UID = bytes.fromhex("04a1b2c3")
PREPAID = 10_000
SECTORS = (1, 2, 3)
NAMED = set(CardOnReaderState)

block = st.one_of(st.binary(min_size=16, max_size=16), st.just(bytes(16)))
# Which blocks of our three sectors are overwritten, trailers among them, and with what.
damage = st.dictionaries(
    st.sampled_from([4 * sector + n for sector in SECTORS for n in range(4)]),
    block,
    min_size=1,
)
copied = st.dictionaries(  # blocks of one slot over the other
    st.sampled_from([4, 5, 6, 8, 9, 10]), st.sampled_from([4, 5, 6, 8, 9, 10])
)
flips = st.lists(st.integers(64 * 8, 256 * 8 - 1), max_size=6)


@settings(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
@given(overwritten=damage, moved=copied, bits=flips, topped_up=st.booleans())
def test_random_damage_never_makes_money(
    overwritten: dict[int, bytes], moved: dict[int, int], bits: list[int],
    *, topped_up: bool,
) -> None:  # fmt: skip
    """The card is shown as something, asked about and topped up at, without money."""
    world = World()
    try:
        _hurt_and_ask(world, overwritten, moved, bits, topped_up=topped_up)
    finally:
        world.close()


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(image=st.binary(min_size=1008, max_size=1008))
def test_a_card_of_random_bytes_is_nobodys(image: bytes) -> None:
    """A thousand random bytes open with no key of ours."""
    world = World()
    try:
        chip = Chip(UID, UID + bytes(12) + image)
        outcome = world.present(chip)
        assert not isinstance(outcome, BaseException)
        assert outcome[1].on_reader is CardOnReaderState.FOREIGN
        assert _why(world, chip).causes[0].cause == "foreign"
    finally:
        world.close()


def _hurt_and_ask(
    world: World,
    overwritten: dict[int, bytes],
    moved: dict[int, int],
    bits: list[int],
    *,
    topped_up: bool,
) -> None:
    chip = Chip(UID)
    issued = world.issue(chip, PaymentMode.PREPAID_MONEY, PREPAID)
    assert isinstance(issued, ActReply)
    key, held = issued.card_key, PREPAID
    possible = {0, PREPAID}
    if topped_up:
        world.top_up(key, chip, 5_000)
        held += 5_000
        possible.add(held)
    whole = chip.saved()
    for target, source in moved.items():
        chip.write_block(target, whole[16 * source : 16 * source + 16])
    for number, data in overwritten.items():
        chip.write_block(number, data)
    for bit in bits:
        chip.image[bit // 8] ^= 1 << bit % 8
    spoilt = chip.saved()
    outcome = world.present(chip)
    assert not isinstance(outcome, BaseException), outcome
    view = outcome[1]
    assert view.on_reader in NAMED
    assert view.balance_purse in possible
    said = _why(world, chip)
    assert said.causes or spoilt == whole or view.balance_purse == held
    till = world.account("till:1:cash")
    reply = world.top_up(key, chip, 1_000, before=view.balance_purse)
    if isinstance(reply, StationError):
        assert chip.saved() == spoilt
        assert world.account("till:1:cash") == till
    else:
        assert view.balance_purse == held
        assert world.balance_on(chip) == held + 1_000
    world.require_proved()


def _why(world: World, chip: Chip) -> Any:
    world.reader.put(chip)
    return world.must(world.answers.diagnosis.why(Nothing(), CALL))
