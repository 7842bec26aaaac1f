"""One hand of the old books is one hand of the new ones."""

from pathlib import Path

import pytest

from cngstation.domain.digest import digest_rows
from cngstation.services.approve import Approved, Paper, Wish, record
from cngstation.services.one_hand import OneHand
from cngstation.services.verify_books import verify_file
from cngstation.storage import audit, digests, operators
from cngstation.storage.database import Transaction
from tests.simulation.test_initialise import BOSS, DAY_MS, begin, trial
from tests.small_station import HandClock, hire, opened


async def _acted(folder: Path, clock: HandClock, second: str) -> None:
    """Let 01 and another do an act of two people in the books of now."""
    async with opened(folder / "station.db", clock) as database:

        def unit(tx: Transaction) -> None:
            person = operators.find(tx.connection, second)
            first = operators.find(tx.connection, "01")
            assert person is not None
            assert first is not None
            wish = Wish("row.explain", "row 7")
            approved = Approved(person, wish, first, "because", Paper())
            record(tx, approved, wish, BOSS)

        await database.write(unit)


def _made_by_01(tx: Transaction) -> None:
    """03 is made by 01 now, and 04, who was there, sent away."""
    hire(tx, operator_no="03", role="administrator")
    audit.record(tx, BOSS, "operator.add", "03")
    audit.record(tx, BOSS, "operator.retire", "04", before="active")
    operators.change(tx, "04", reason="x", state="retired")


async def test_one_hand_stays_one_in_new_books(tmp_path: Path) -> None:
    """Who was given a password before is no second person after, for a day anew.

    Also not where the only other one was sent away before.
    """
    clock = HandClock()
    async with trial(tmp_path) as database:
        await database.write(
            lambda tx: hire(tx, operator_no="04", role="administrator")
        )
    clock.forward(DAY_MS)
    async with opened(tmp_path / "station.db", clock) as database:
        await database.write(_made_by_01)
    await begin(tmp_path, clock=clock)
    with pytest.raises(OneHand):
        await _acted(tmp_path, clock, "03")
    await _acted(tmp_path, clock, "02")

    def gone(tx: Transaction) -> None:
        # Without a row of it: 04's alone is left to tell.
        operators.change(tx, "02", reason="x", state="retired")

    async with opened(tmp_path / "station.db", clock) as database:
        await database.write(gone)
        assert not [
            row
            for row in digest_rows(
                await database.read(lambda c: list(digests.happened(c, 0, 10**6))),
                wrong_tries=3,
            )
            if row.act in {"operator.add", "operator.retire"}
        ]
    with pytest.raises(OneHand):
        await _acted(tmp_path, clock, "03")
    clock.forward(DAY_MS)
    await _acted(tmp_path, clock, "03")
    assert verify_file(tmp_path / "station.db").proved
