"""Every path to an effect that takes two people, walked up to the last step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr

from cngstation.domain.payment import PaymentMode
from cngstation.domain.sealing import PersonalDataSeal
from cngstation.errors import StationError
from cngstation.rpc.contract.counter import ActReply
from cngstation.rpc.contract.downloads import NumberOrder
from cngstation.rpc.contract.marks import Approval as AsApproval
from cngstation.rpc.contract.marks import MarkOrder
from cngstation.rpc.contract.openings import OpeningAccept
from cngstation.rpc.contract.prices import PriceCancel, PricePlan
from cngstation.rpc.contract.rows import RowExplanation
from cngstation.services import keep_sealed
from cngstation.services.answer_lists import ListAnswers
from cngstation.services.answer_marks import approval_of
from cngstation.services.approve import Approvals
from cngstation.services.card_keys import MASTER, KeySet, note_keys
from cngstation.services.enrolment_desk import EnrolmentDesk
from cngstation.services.import_customers import CustomerImport, source_of, wish_of
from cngstation.services.list_numbers import NumberLists
from cngstation.services.log_in import Gate
from cngstation.services.plan_prices import AHEAD_MS
from cngstation.services.register_customers import CustomerDesk
from cngstation.services.station_rules import GateRules
from cngstation.services.take_list_file import ListFiles
from cngstation.storage import findings, opening_balances, prices
from cngstation.storage.audit import Actor
from cngstation.storage.opening_balances import OpeningVerdict
from cngstation.units import Price, Unit
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, RULES, World
from tests.simulation.world_parts import PASSWORD, PASSWORDS
from tests.unit.services.test_enrol_station import (
    COMPARED,
    STATION,
    WHO,
    certificate,
    text_of,
)
from tests.unit.services.test_import_customers import ROW, write_sheet
from tests.unit.services.test_register_customers import SEAL

FIRST = Actor("01", "till")


@dataclass(frozen=True)
class Second:
    """Who is said to stand behind an act; `own` is what the first person gives."""

    number: str = "02"
    password: str = PASSWORD
    own: str | None = PASSWORD

    @property
    def given(self) -> AsApproval | None:
        """As the contract carries it."""
        if not self.number:
            return None
        return AsApproval(
            login_name=f"name{self.number}",
            password=SecretStr(self.password),
            own_password=SecretStr(self.own) if self.own else None,
        )


def a_card(world: World) -> tuple[Chip, str]:
    chip = Chip(bytes.fromhex("04a1b2c3"))
    issued = world.issue(chip, PaymentMode.PREPAID_MONEY, 10_000)
    assert isinstance(issued, ActReply)
    return chip, issued.card_key


def mark(world: World, name: str, key: str, second: Second | None = None) -> Any:
    approval = second.given if second else None
    order = MarkOrder(card_key=key, reason="because", approval=approval)
    return world.run(world.answers.marks.marking(name)(order, CALL))


def gate_of(world: World) -> Gate:
    return Gate(world.database, PASSWORDS, world.clock, GateRules(3, 12, 15))


Walk = Callable[[World, Second], Iterator[Any]]


def _unblacklist(world: World, second: Second) -> Iterator[Any]:
    _, key = a_card(world)
    mark(world, "blacklist", key)
    yield
    yield mark(world, "unblacklist", key, second)


def _said(second: Second) -> dict[str, str]:
    own = second.own or ""
    return {"second": second.number, "password": second.password, "own": own}


def _reverse(world: World, second: Second) -> Iterator[Any]:
    chip, key = a_card(world)
    world.top_up(key, chip, 5_000, act="THE-TOP-UP")
    given = {"of": "THE-TOP-UP", "amount": 100, **_said(second)}
    yield
    yield world.act("reverse_top_up", key, chip, **given)


def _by_hand(world: World, second: Second) -> Iterator[Any]:
    chip, key = a_card(world)
    world.fill(chip, 1_000, leaves=True)
    yield
    yield world.act("settle_grey_by_hand", key, chip, amount=100, **_said(second))


def _replaced(world: World, key: str, second: Second, **given: Any) -> Any:
    new = Chip(bytes.fromhex("05a1b2c3"))
    return world.act("replace", key, new, **given, **_said(second))


def _typed(world: World, second: Second) -> Iterator[Any]:
    _, key = a_card(world)
    mark(world, "report_loss", key)
    yield
    yield _replaced(world, key, second, fields={"typed": "1"}, amount=99)


def _unproved(world: World, second: Second) -> Iterator[Any]:
    made = world.answers.card_acts._parts.replacements
    nozzles = tuple(d.setting.key for d in world.dispensers)
    made._rules = replace(made._rules, nozzles=nozzles)
    _, key = a_card(world)
    mark(world, "report_loss", key)
    yield
    yield _replaced(world, key, second)


def _given_up(world: World, second: Second) -> Iterator[Any]:
    """A top-up that was cut off, whose card is then said to be lost."""
    chip, key = a_card(world)
    world.reader.put(chip)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, 5_000, act="THE-CUT-OFF", before=10_000)
    mark(world, "report_loss", key)
    yield
    yield _replaced(world, key, second)


def _explained(world: World, second: Second) -> Iterator[Any]:
    opened = world.must(
        world.database.write(
            lambda tx: findings.open_finding(tx, "card_disagrees", "a card", {})
        )
    )
    wanted = RowExplanation(row_id=str(opened), reason="because", approval=second.given)
    yield
    yield world.run(world.answers.rows.explain(wanted, CALL))


def _another_card_key(world: World, second: Second) -> Iterator[Any]:
    for key in (bytes(16), b"1" * 16):
        world.run(note_keys(world.database, [KeySet(MASTER, (key,))]))
    rows = findings.open_findings(world.view)
    (row,) = [row for row in rows if row.kind == "card_key_waits"]
    wanted = RowExplanation(
        row_id=str(row.seq), reason="because", approval=second.given
    )
    yield
    yield world.run(world.answers.rows.explain(wanted, CALL))


def _asked_with_a_new_key(world: World, second: Second) -> Iterator[Any]:
    desk = EnrolmentDesk(world.database, Approvals(gate_of(world)))
    given = approval_of(second.given)
    yield
    yield world.run(desk.request(STATION, WHO, FIRST, "because", given))


def _office_trusted(world: World, second: Second) -> Iterator[Any]:
    desk = EnrolmentDesk(world.database, Approvals(gate_of(world)))
    behind = approval_of(Second().given)
    world.must(desk.request(STATION, WHO, FIRST, "because", behind))
    text = text_of(certificate(world.clock))
    given = approval_of(second.given)
    yield
    yield world.run(
        desk.accept(
            text, WHO, FIRST, compared=COMPARED, reason="because", approval=given
        )
    )


class _NoDispensers:
    async def look(self) -> None:
        """Nobody is told."""

    async def board(self) -> str:
        """There is none."""
        return "listed"


def _unlisted(world: World, second: Second) -> Iterator[Any]:
    gate = Approvals(gate_of(world))
    numbers = NumberLists(world.database, gate, RULES.area_no)
    nobody: Any = _NoDispensers()
    answers = ListAnswers(nobody, nobody, numbers)

    def order(on: str, behind: AsApproval | None) -> Any:
        wanted = NumberOrder(
            card_no="99887766", list=on, reason="because", approval=behind
        )
        return world.run(answers.number(wanted, CALL))

    order("black", None)
    yield
    yield order("none", second.given)


def _import(world: World, second: Second, *, balance: str) -> Any:
    path = world.path.parent / "old.xlsx"
    write_sheet(path, [ROW | {"余额": balance, "车牌号": "川A54321"}])
    desk = CustomerDesk(world.database, SEAL)

    async def run() -> Any:
        behind = None
        if second.number:
            given = approval_of(second.given)
            wish, gate = wish_of(source_of(path)), Approvals(gate_of(world))
            behind = await gate.approve(given, wish, FIRST, "because")
        importing = CustomerImport(world.database, desk, RULES, FIRST, behind)
        return await importing.run(path, dry=False)

    return world.run(run())


def _imported(world: World, second: Second) -> Iterator[Any]:
    yield
    told = _import(world, second, balance="123.45")
    if not isinstance(told, StationError) and told[0].reasons:
        assert "two people" in told[0].reasons[0]
        told = _MISSING
    yield told


_MISSING = type("Missing", (StationError,), {"code": "x.missing", "text": "missing"})()


def _accepted(world: World, second: Second) -> Iterator[Any]:
    _import(world, Second(), balance="123.45")
    key = "002802000001"
    told = OpeningVerdict(key, "contested", "", "CAFE0001", 12_345, 999, 17, "", "t")
    world.must(world.database.write(lambda tx: opening_balances.judge(tx, told)))
    yield
    request = OpeningAccept(card_key=key, reason="because", approval=second.given)
    yield world.run(world.answers.openings.accept(request, CALL))


def _by_file(world: World, second: Second) -> Iterator[Any]:
    gate = Approvals(gate_of(world))
    files = ListFiles(world.database, gate, RULES.area_no, world.path.parent)
    path = world.path.parent / "list.txt"

    def take(text: str, behind: AsApproval | None) -> Any:
        path.write_text(text, "utf-8")
        given = approval_of(behind)
        return world.run(
            files.take(path, whole=True, reason="because", actor=FIRST, approval=given)
        )

    take("99887766\n99887765\ntotal 2", None)
    yield
    yield take("99887766\ntotal 1", second.given)


def _price_now(world: World, second: Second) -> Iterator[Any]:
    plan = PricePlan(level=0, price_e4=35_000, reason="because", approval=second.given)
    yield
    yield world.run(world.answers.prices.plan(plan, CALL))


def _cancelled_late(world: World, second: Second) -> Iterator[Any]:
    seq = world.must(
        world.database.write(
            lambda tx: prices.plan(
                tx, level=0, price=Price(35_000), unit=Unit.M3,
                from_ms=tx.now.wall_ms + AHEAD_MS - 1, operator_no="01",
            )
        )
    )  # fmt: skip
    order = PriceCancel(price_id=str(seq), reason="because", approval=second.given)
    yield
    yield world.run(world.answers.prices.cancel(order, CALL))


def _resealed(world: World, second: Second) -> Iterator[Any]:
    new = PersonalDataSeal(bytes(32))

    async def run() -> int:
        given = approval_of(second.given)
        gate = Approvals(gate_of(world))
        behind = await gate.approve(given, keep_sealed.wish_of(new), FIRST, "because")
        return await world.database.write(
            lambda tx: keep_sealed.reseal(tx, SEAL, new, FIRST, behind)
        )

    yield
    yield world.run(run())


PATHS: dict[str, tuple[str, Walk]] = {
    "another key": ("personal.reseal", _resealed),
    "unblacklist": ("card.unblacklist", _unblacklist),
    "reverse_top_up": ("card.reverse_top_up", _reverse),
    "settle_grey_by_hand": ("card.settle_grey_by_hand", _by_hand),
    "replace, typed": ("card.replace", _typed),
    "replace, not proved": ("card.replace", _unproved),
    "replace, an act given up": ("card.replace", _given_up),
    "a new key of the station": ("enrolment.key", _asked_with_a_new_key),
    "head office's key trusted": ("enrolment.trust", _office_trusted),
    "row explained": ("row.explain", _explained),
    "another key of cards": ("card_key.confirm", _another_card_key),
    "off the dispensers' blacklist": ("lists.number", _unlisted),
    "sheet with balances": ("register.import", _imported),
    "a file that makes the blacklist shorter": ("lists.file", _by_file),
    "a price changed at once": ("price.override", _price_now),
    "a price to come taken back": ("price.cancel_late", _cancelled_late),
    "old balance accepted": ("opening.accept", _accepted),
}
