"""The money acts as a state machine over a whole station, with every fault we know.

The generator is biased: few amounts, mostly one card, equal amounts again and again,
because a defect hides where two acts look alike. The everyday run is small. A long
campaign of 20 000 programs is run by hand before a release:

    CNG_MONEY_PROGRAMS=20000 python -m pytest tests/property/test_money_machine.py
        --timeout=0
"""

import os

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.protocols.dispenser.canonical import TransactionType
from tests.simulation.money_cards import Chip, Fault, PowerCut
from tests.simulation.money_proof import Holder, Proof, is_open, started
from tests.simulation.money_world import World
from tests.simulation.world_parts import CommitFault

PROGRAMS = int(os.environ.get("CNG_MONEY_PROGRAMS", "0"))
# A program that fails is made shorter only on demand: that can take minutes.
SHRINKS = int(os.environ.get("CNG_MONEY_SHRINK", "0"))
STEPS = 30

# Amounts in fen or in 0.01 m3; equal ones are meant to be frequent.
AMOUNTS = st.sampled_from([5_000, 5_000, 10_000, 333])
FILLS = st.sampled_from([1_000, 1_000, 333, 4_000])
MODES = st.sampled_from(
    [
        PaymentMode.PREPAID_MONEY,
        PaymentMode.PREPAID_MONEY,
        PaymentMode.PREPAID_QUANTITY,
        PaymentMode.CREDIT_MONEY,
        PaymentMode.CREDIT_QUANTITY,
    ]
)
KINDS = st.sampled_from(
    ["settle_grey", "settle_grey", "clear_credit", "reverse_top_up"]
)
WHICH = st.sampled_from([0, 0, 0, 1])
FAULTS = st.one_of(
    st.none(),
    st.tuples(st.just("write"), st.sampled_from(Fault), st.integers(0, 3)),
    st.tuples(st.just("write"), st.sampled_from(Fault), st.integers(0, 10)),
    st.tuples(st.just("command"), st.sampled_from(Fault), st.integers(0, 40)),
    st.tuples(st.just("commit"), st.sampled_from(CommitFault), st.integers(0, 2)),
)


class MoneyMachine(RuleBasedStateMachine):
    """People, cards, dispensers and power cuts."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.proof = Proof()
        self.originals: set[int] = set()
        self.waiting: list[tuple[int, int]] = []

    def teardown(self) -> None:
        """I11: when the faults stop and every card is shown, everything is settled."""
        try:
            self._everything_settles()
        finally:
            self.world.close()

    # The counter.

    @initialize(mode=MODES, amount=AMOUNTS)
    def first_card(self, mode: PaymentMode, amount: int) -> None:
        """Most programs are about one card; it exists."""
        self._issue(mode, amount)

    @precondition(lambda self: len(self.proof.holders) < 3)
    @rule(mode=MODES, amount=AMOUNTS, fault=FAULTS)
    def issue(self, mode: PaymentMode, amount: int, fault: object) -> None:
        """Issue a card to somebody."""
        self._arm(fault)
        self._issue(mode, amount)

    @rule(which=WHICH, fault=FAULTS, amount=AMOUNTS, mode=MODES)
    def issue_same_chip(
        self, which: int, fault: object, amount: int, mode: PaymentMode
    ) -> None:
        """Try to issue on a chip again: only a given-back issue allows it."""
        holder = self._holder(which)
        act = self.world.new_id()
        self._arm(fault)
        self.world.issue(holder.chip, mode, amount if mode.prepaid else 0, act)
        self._disarm()
        if self.world.find(act).state != "unknown":
            self.proof.holders.remove(holder)
            self._hold(Holder(holder.chip, mode, act))

    @rule(which=WHICH, amount=AMOUNTS, fault=FAULTS)
    def top_up(self, which: int, amount: int, fault: object) -> None:
        """Top a card up; on a credit card or in doubt it is refused."""
        holder = self._holder(which)
        if holder.card_key:
            self._arm(fault)
            self.world.top_up(holder.card_key, holder.chip, amount)
            self._disarm()

    @rule(which=WHICH, amount=AMOUNTS, fills=FILLS)
    def top_up_answer_lost_then_fill(self, which: int, amount: int, fills: int) -> None:
        """The manual's losing case: written, not heard, and fuelled at once."""
        holder = self._holder(which)
        if holder.card_key:
            self._arm(("write", Fault.ANSWER_LOST, 2))
            self.world.top_up(holder.card_key, holder.chip, amount)
            self._disarm()
            self._fill(holder, fills, leaves=False, nozzle=0)

    @rule(which=WHICH, fault=FAULTS)
    def present(self, which: int, fault: object) -> None:
        """Lay a card on the reader."""
        holder = self._holder(which)
        self._arm(fault)
        self.world.present(holder.chip)
        self._disarm()

    @rule(which=WHICH, fault=FAULTS)
    def settle(self, which: int, fault: object) -> None:
        """Ask for the oldest open act with some card on the reader."""
        if act := self._open_act():
            self._arm(fault)
            self.world.settle(act, self._holder(which).chip)
            self._disarm()

    @rule(which=WHICH, fault=FAULTS)
    def give_back(self, which: int, fault: object) -> None:
        """Ask for the oldest open act to be undone."""
        if act := self._open_act():
            self._arm(fault)
            self.world.give_back(act, self._holder(which).chip)
            self._disarm()

    @rule(which=WHICH, amount=AMOUNTS)
    def second_screen(self, which: int, amount: int) -> None:
        """Another screen confirms the same figures that were shown before."""
        holder = self._holder(which)
        if holder.card_key:
            shown = self.world.balance_on(holder.chip)
            for _ in range(2):
                self.world.top_up(holder.card_key, holder.chip, amount, before=shown)

    @rule(which=WHICH, kind=KINDS, fault=FAULTS, amount=AMOUNTS)
    def act(self, which: int, kind: str, fault: object, amount: int) -> None:
        """Settle, clear, take back: refused unless it fits the card."""
        holder = self._holder(which)
        if not holder.card_key:
            return
        tops = [
            act["intent_id"]
            for act in self.world.intents()
            if (act["card_key"], act["kind"]) == (holder.card_key, "top_up")
        ]
        self.world.act(
            kind,
            holder.card_key,
            holder.chip,
            amount=amount,
            of=tops[-1] if tops else "",
            arm=lambda: self._arm(fault),
        )
        self._disarm()

    @rule(fault=FAULTS)
    def print_receipt(self, fault: object) -> None:
        """Print what waits; the original comes out once at most."""
        self._arm(fault)
        paper = self.world.print_next()
        self._disarm()
        if isinstance(paper, tuple) and paper[1] == 0:
            assert paper[0] not in self.originals, "two originals of one receipt"
            self.originals.add(paper[0])

    # The forecourt.

    @rule(which=WHICH, hundredths=FILLS, nozzle=st.integers(0, 1), leaves=st.booleans())
    def fill(self, which: int, hundredths: int, nozzle: int, leaves: bool) -> None:
        """Fill; now and then the customer drives away without the debit."""
        self._fill(self._holder(which), hundredths, nozzle=nozzle, leaves=leaves)

    @rule(which=WHICH, nozzle=st.integers(0, 1))
    def collect(self, which: int, nozzle: int) -> None:
        """A dispenser collects what a grey card owes."""
        self._collect(self._holder(which), nozzle)

    @precondition(lambda self: self.waiting)
    @rule(at=st.integers(0, 5), fault=FAULTS, keep=st.booleans())
    def upload(self, at: int, fault: object, keep: bool) -> None:
        """Bring in any record, perhaps again later."""
        self._upload(at % len(self.waiting), fault, keep=keep)

    @rule(nozzle=st.integers(0, 1))
    def counter_reset(self, nozzle: int) -> None:
        """A dispenser loses its counter; its old records are still uploaded."""
        self.world.dispensers[nozzle].began_anew()

    # Those who cheat.

    @rule(which=WHICH)
    def save_image(self, which: int) -> None:
        """Somebody copies a card's content."""
        holder = self._holder(which)
        holder.images.append(holder.chip.saved())

    @rule(which=WHICH)
    def restore_image(self, which: int) -> None:
        """Somebody puts an older content back."""
        holder = self._holder(which)
        if holder.images:
            holder.tainted = True
            holder.chip = Chip(holder.chip.uid, holder.images[-1])

    @rule()
    def power_cut(self) -> None:
        """The power goes while nothing is under way."""
        self.world.power_cut()

    @invariant()
    def money_is_where_it_belongs(self) -> None:
        """Check everything after each step."""
        for holder in self.proof.holders:
            self._learn_key(holder)
        self.proof.check(self.world)

    # How it is done.

    def _holder(self, which: int) -> Holder:
        return self.proof.holders[which % len(self.proof.holders)]

    def _hold(self, holder: Holder) -> None:
        self._learn_key(holder)
        self.proof.holders.append(holder)

    def _learn_key(self, holder: Holder) -> None:
        if not holder.card_key:
            holder.card_key = self.world.find(holder.act).card_key

    def _issue(self, mode: PaymentMode, amount: int) -> None:
        number = len(self.proof.holders)
        chip = Chip(bytes([0xA0, number, len(self.waiting) & 0xFF, 1]))
        act = self.world.new_id()
        self.world.issue(chip, mode, amount if mode.prepaid else 0, act)
        self._disarm()
        self._hold(Holder(chip, mode, act))

    def _fill(
        self, holder: Holder, hundredths: int, *, nozzle: int, leaves: bool
    ) -> None:
        record = self.world.fill(holder.chip, hundredths, nozzle=nozzle, leaves=leaves)
        if record is not None:
            self._keep_record(holder, nozzle, record)

    def _collect(self, holder: Holder, nozzle: int) -> None:
        greys = [
            record
            for _, record in holder.fills
            if record.transaction_type is TransactionType.GREY
        ]
        if greys:
            dispenser = self.world.dispensers[nozzle]
            made = self.world.must(dispenser.collect(holder.chip, greys[-1]))
            if made is not None:
                self._keep_record(holder, nozzle, made)

    def _keep_record(self, holder: Holder, nozzle: int, record: object) -> None:
        holder.fills.append((nozzle, record))  # type: ignore[arg-type]
        at = len(self.world.dispensers[nozzle].records) - 1
        self.waiting.append((nozzle, at))

    def _upload(self, at: int, fault: object, *, keep: bool) -> None:
        nozzle, number = self.waiting[at]
        record = self.world.dispensers[nozzle].records[number]
        self._arm(fault)
        outcome = self.world.upload(nozzle, record)
        self._disarm()
        if isinstance(outcome, PowerCut | StationError):
            # Not acknowledged: the dispenser keeps it, and sends it again.
            outcome = self.world.upload(nozzle, record)
        assert not isinstance(outcome, PowerCut | StationError), outcome
        self.proof.brought.add((nozzle, started(record)))
        if not keep:
            self.waiting.pop(at)

    def _open_act(self) -> str:
        acts = [act for act in self.world.intents() if is_open(act)]
        return acts[0]["intent_id"] if acts else ""

    def _arm(self, fault: object) -> None:
        if isinstance(fault, tuple):
            place, what, countdown = fault
            if place == "commit":
                self.world.database.fault = what
                self.world.database.countdown = countdown
            else:
                self.world.reader.arm(what, countdown, writes=place == "write")

    def _disarm(self) -> None:
        self.world.reader.arm(None, writes=True)
        self.world.database.fault = None

    def _everything_settles(self) -> None:
        self._disarm()
        for _ in range(len(self.waiting)):
            self._upload(0, None, keep=False)
        for holder in self.proof.holders:
            self.world.present(holder.chip)
            self._collect(holder, 0)
        for _ in range(len(self.waiting)):
            self._upload(0, None, keep=False)
        for holder in self.proof.holders:
            shown = self.world.present(holder.chip)
            assert not isinstance(shown, PowerCut | StationError), shown
        self.money_is_where_it_belongs()
        tainted = {holder.card_key for holder in self.proof.holders if holder.tainted}
        for act in self.world.intents():
            settled = not is_open(act) or act["card_key"] in tainted
            assert settled, f"act {act['intent_id']} never ends"


TestMoney = pytest.mark.timeout(600)(MoneyMachine.TestCase)
TestMoney.settings = settings(
    max_examples=PROGRAMS or 80,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=not PROGRAMS,
    report_multiple_bugs=False,
    phases=[Phase.explicit, Phase.reuse, Phase.generate] + [Phase.shrink] * SHRINKS,
    database=None,
    suppress_health_check=list(HealthCheck),
)
