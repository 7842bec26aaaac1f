"""Totalisers of money at a handover: what fills do not explain, somebody does."""

import re
from dataclasses import replace

import pytest

from cngstation.protocols.receipt.slip import render
from cngstation.services.hand_over_shift import Unexplained
from cngstation.services.open_rows import finding_row
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.storage import findings
from tests.shift_world import ONE, ShiftWorld
from tests.unit.services.test_hand_over_shift import sold, world

__all__ = ["world"]


async def test_money_that_fills_do_not_explain_stands_against_a_handover(
    world: ShiftWorld,
) -> None:
    """Until somebody says why; the slip has it beside the gas."""
    number = await world.on_duty("1")
    await sold(world)
    await sold(world, gun_total_amount_e4=world.money[ONE.key] + 11_0000)
    await world.off_duty(number)
    with pytest.raises(Unexplained):
        await world.hand_over(number, cash=1_800)
    (row,) = await world.db.read(findings.open_findings)
    told = finding_row(row)
    facts = {fact.name: fact.value for fact in told.facts}
    assert (told.kind, facts["size"], told.people) == ("amount_break", "2.00", 1)
    await world.db.write(
        lambda tx: findings.close_finding(tx, row.seq, "a price at the pump", "01")
    )
    receipt = await world.hand_over(number, cash=1_800)
    assert receipt.content["nozzles"][0]["unexplained_e4"] == 2_0000
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", 48, two_copies=False)
    (slip,) = slips(replace(receipt, originals=1), paper)
    text = "\n".join(line.text for line in render(slip, 48))
    assert re.search(r"Unexplained +0.00 m3  2.00", text)
