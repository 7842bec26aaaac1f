"""A card made ready for an act at a station, with its records."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cngstation.domain.limits import Amount, SpendingLimits
from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.storage import limits, prices
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.units import Price, Unit
from tests.simulation.money_cards import Chip
from tests.simulation.money_proof import Holder, Proof, started
from tests.simulation.money_world import World

MONEY, GAS = PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY
LENT, LENT_GAS = PaymentMode.CREDIT_MONEY, PaymentMode.CREDIT_QUANTITY
FIRST, FILL = 10_000, 1_000
ACT = "ACT-UNDER-TEST"


@dataclass
class Case:
    """A card made ready for an act, with its records."""

    world: World
    mode: PaymentMode = MONEY
    amount: int = FIRST
    uid: str = "04a1b2c3"
    given: dict[str, Any] = field(default_factory=dict)
    records: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chip = Chip(bytes.fromhex(self.uid))
        amount = self.amount if self.mode.prepaid else 0
        issued = self.world.issue(self.chip, self.mode, amount)
        assert isinstance(issued, ActReply)
        assert issued.state is ActState.DONE
        self.key = issued.card_key

    def fill(self, *, leaves: bool = False, upload: bool = True) -> Any:
        """Fill, and bring the record in."""
        record = self.world.fill(self.chip, FILL, leaves=leaves)
        if upload:
            self.bring(record)
        else:
            self.records.append(record)
        return record

    def bring(self, record: Any) -> None:
        """Bring a record in."""
        if record not in self.records:
            self.records.append(record)
        self.world.upload(0, record)
        self.given.setdefault("brought", []).append(record)

    def do(self, kind: str, **given: Any) -> Any:
        """Do an act and return its reply."""
        return self.world.act(kind, self.key, self.chip, **{**self.given, **given})

    def done(self, kind: str, **given: Any) -> ActReply:
        """Do an act that is not refused."""
        told = self.do(kind, **given)
        assert isinstance(told, ActReply), told
        assert told.state is ActState.DONE
        self.check()
        return told

    def refused(self, kind: str, **given: Any) -> str:
        """Do an act that is refused; return why."""
        told = self.do(kind, **given)
        assert isinstance(told, StationError), told
        self.check()
        return told.code

    @property
    def balance(self) -> int:
        """What the chip shows."""
        return self.world.balance_on(self.chip)

    def check(self) -> None:
        """Prove everything."""
        holder = Holder(self.chip, self.mode, ACT, self.key)
        holder.fills = [(0, record) for record in self.records]
        brought = self.given.get("brought", [])
        proof = Proof([holder], {(0, started(record)) for record in brought})
        proof.check(self.world)


def bound(world: World, holder: Any, key: str, fill: int, day: int) -> None:
    """Set the limits of a card or a company, in yuan; 0 is none."""
    amounts = {"fill": Amount(fill * 10_000, 0), "day": Amount(day * 10_000, 0)}
    world.must(
        world.database.write(
            lambda tx: limits.set_limits(
                tx, holder, key, SpendingLimits(**amounts), Actor("01", "till")
            )
        )
    )


def plan_dearer(world: World) -> None:
    """Let the price of level 0 be 4.50 yuan from now on."""

    def dearer(tx: Transaction) -> None:
        price = Price(45_000)
        prices.plan(tx, level=0, price=price, unit=Unit.M3, from_ms=1, operator_no="1")

    world.must(world.database.write(dearer))


def _limited(case: Case) -> dict[str, Any]:
    bound(case.world, limits.Holder.CARD, case.key, 200, 900)
    return {}


def _grey(case: Case) -> dict[str, Any]:
    case.fill(leaves=True)
    return {}


def _grey_without(case: Case) -> dict[str, Any]:
    case.fill(leaves=True, upload=False)
    return {"amount": 500}


def _filled(case: Case) -> dict[str, Any]:
    case.fill()
    return {}


def _topped_up(case: Case) -> dict[str, Any]:
    case.world.top_up(case.key, case.chip, 5_000, act="TOP-UP-BEFORE")
    return {"of": "TOP-UP-BEFORE", "amount": 2_000}


def _cancelled(case: Case) -> dict[str, Any]:
    case.done("cancel")
    return {}


KINDS: dict[str, tuple[PaymentMode, Callable[[Case], dict[str, Any]]]] = {
    "settle_grey": (MONEY, _grey),
    "settle_grey_by_hand": (GAS, _grey_without),
    "clear_credit": (LENT, _filled),
    "reverse_top_up": (GAS, _topped_up),
    "cancel": (GAS, _filled),
    "wipe": (MONEY, _cancelled),
    "rewrite_limits": (MONEY, _limited),
    "edit": (MONEY, lambda case: {"fields": {"plate": "川B54321"}}),
    "cylinder_date": (
        MONEY,
        lambda case: {
            "fields": {"cylinder_due": "2030-01-31", "certificate": "CERT-0042"}
        },
    ),
}


def ready(world: World, kind: str) -> Case:
    """Return a card for which this act can be done."""
    mode, prepare = KINDS[kind]
    case = Case(world, mode)
    case.given |= prepare(case)
    return case


def armed(world: World, place: str, fault: Any, countdown: int) -> Callable[[], None]:
    """Return what makes a write, a command or a commit fail after so many."""

    def arm() -> None:
        if place == "commit":
            world.database.fault, world.database.countdown = fault, countdown
        else:
            world.reader.arm(fault, countdown, writes=place == "write")

    return arm


def open_rows(world: World, kind: str) -> int:
    """Count the rows of this kind that wait for somebody."""
    row = world.view.execute(
        "SELECT count(*) FROM finding f WHERE kind=? AND NOT EXISTS"
        " (SELECT 1 FROM finding_closed c WHERE c.finding_seq=f.seq)",
        (kind,),
    ).fetchone()
    return int(row[0])
