"""A million random money operations: plain seeded programs over the money machine.

Without hypothesis between, so that many more operations run in the same time: it finds
what only long programs reach, the machine what is small. Every invariant is checked
after each `CHECK_EVERY` steps; at the end of a program all faults stop, every card is
shown, every record comes in, and the books are proved. A failure names its seed:

    python -m pytest -m campaign tests/property/test_money_campaign.py --timeout=0
    CNG_MONEY_SEED=17 python -m pytest tests/property/test_money_campaign.py
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from random import Random

import pytest

from cngstation.domain.payment import PaymentMode
from tests.property.test_money_machine import MoneyMachine
from tests.simulation.money_cards import Fault
from tests.simulation.world_parts import CommitFault

OPERATIONS = int(os.environ.get("CNG_MONEY_OPERATIONS", "1000000"))
WORKERS = int(os.environ.get("CNG_MONEY_WORKERS", "2"))
SEED = int(os.environ.get("CNG_MONEY_SEED", "3"))
STEPS, CHECK_EVERY = 150, 30
AMOUNTS, FILLS = (5_000, 5_000, 10_000, 333), (1_000, 1_000, 333, 4_000)
MODES = (PaymentMode.PREPAID_MONEY, *PaymentMode)
KINDS = ("settle_grey", "settle_grey", "clear_credit", "reverse_top_up")
# How often each step comes; those behind the line are no operations with money.
WEIGHTS = {
    "top_up": 20,
    "fill": 20,
    "upload": 22,
    "act": 8,
    "top_up_answer_lost_then_fill": 4,
    "collect": 4,
    "settle": 4,
    "give_back": 3,
    "second_screen": 3,
    "issue": 2,
    "issue_same_chip": 1,
    # --
    "present": 8,
    "print_receipt": 3,
    "power_cut": 1,
    "counter_reset": 1,
    "cheat": 1,
}
NO_MONEY = frozenset(
    {"present", "print_receipt", "power_cut", "counter_reset", "cheat"}
)
# One program in so many has somebody who copies cards: of those less can be checked.
CHEATS_IN = 10


class Driver:
    """Lets a machine do what a seed says."""

    def __init__(self, machine: MoneyMachine, random: Random) -> None:
        self.machine = machine
        self.random = random
        self.done: Counter[str] = Counter()
        self.has_cheat = not random.randrange(CHEATS_IN)

    def step(self) -> None:
        """Do something."""
        names, weights = zip(*WEIGHTS.items(), strict=True)
        name = self.random.choices(names, weights)[0]
        doing: Callable[[], bool] = getattr(self, f"_{name}", lambda: self._plain(name))
        if doing():
            self.done[name] += 1

    def _plain(self, name: str) -> bool:
        """Do a step that needs no more than a card, a figure and perhaps a fault."""
        pick, which = self.random.choice, self.random.choice((0, 0, 0, 1, 2))
        given: dict[str, object] = {"which": which}
        wanted = {
            "top_up": ("amount", "fault"),
            "fill": ("hundredths", "nozzle", "leaves"),
            "present": ("fault",),
            "act": ("kind", "amount", "fault"),
            "top_up_answer_lost_then_fill": ("amount", "fills"),
            "collect": ("nozzle",),
            "settle": ("fault",),
            "give_back": ("fault",),
            "second_screen": ("amount",),
            "issue_same_chip": ("amount", "mode", "fault"),
        }[name]
        made: dict[str, Callable[[], object]] = {
            "amount": lambda: pick(AMOUNTS),
            "hundredths": lambda: pick(FILLS),
            "fills": lambda: pick(FILLS),
            "nozzle": lambda: pick((0, 1)),
            "leaves": lambda: not self.random.randrange(4),
            "kind": lambda: pick(KINDS),
            "mode": lambda: pick(MODES),
            "fault": self._fault,
        }
        given |= {key: made[key]() for key in wanted}
        if name in {"settle", "give_back"} and not self.machine._open_act():
            return False
        records = len(self.machine.waiting)
        getattr(self.machine, name)(**given)
        return name != "collect" or len(self.machine.waiting) > records

    def _fault(self) -> object:
        """Return none mostly, and else one of the card, the reader or the disk."""
        random = self.random
        if random.randrange(3):
            return None
        place = random.choice(("write", "write", "command", "commit"))
        if place == "commit":
            return place, random.choice(list(CommitFault)), random.randrange(3)
        most = {"write": 11, "command": 41}[place]
        return place, random.choice(list(Fault)), random.randrange(most)

    def _issue(self) -> bool:
        if len(self.machine.proof.holders) >= 3:
            return False
        amount, mode = self.random.choice(AMOUNTS), self.random.choice(MODES)
        self.machine.issue(mode=mode, amount=amount, fault=self._fault())
        return True

    def _upload(self) -> bool:
        if not self.machine.waiting:
            return False
        keep = not self.random.randrange(8)
        at = self.random.randrange(6)
        self.machine.upload(at=at, fault=self._fault(), keep=keep)
        return True

    def _print_receipt(self) -> bool:
        self.machine.print_receipt(fault=self._fault())
        return True

    def _power_cut(self) -> bool:
        self.machine.power_cut()
        return True

    def _counter_reset(self) -> bool:
        self.machine.counter_reset(nozzle=self.random.randrange(2))
        return True

    def _cheat(self) -> bool:
        if not self.has_cheat:
            return False
        which = self.random.randrange(3)
        if self.random.randrange(2):
            self.machine.save_image(which=which)
        else:
            self.machine.restore_image(which=which)
        return True


def program(seed: int, steps: int = STEPS) -> Counter[str]:
    """Run a program to its proved end; return how often each step was done.

    Raises:
        AssertionError: an invariant does not hold; the seed is named.
    """
    random = Random(seed)
    machine = MoneyMachine()
    driver = Driver(machine, random)
    number = 0
    try:
        try:
            mode, amount = random.choice(MODES), random.choice(AMOUNTS)
            machine.first_card(mode=mode, amount=amount)
            for number in range(1, steps + 1):
                driver.step()
                if number % CHECK_EVERY == 0:
                    machine.money_is_where_it_belongs()
        finally:
            machine.teardown()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}, step {number}: {error}") from error
    return driver.done


def operations(done: Counter[str]) -> int:
    """Count the steps that ask to move money."""
    return sum(times for name, times in done.items() if name not in NO_MONEY)


def _seeds() -> Iterator[int]:
    return count(SEED)


def test_a_sample_of_the_million() -> None:
    """Two programs; every kind of step is among them, and all is proved."""
    done = program(SEED) + program(SEED + 1)
    assert operations(done) > STEPS
    assert set(done) >= set(WEIGHTS) - {"cheat"}, done


@pytest.mark.campaign
def test_a_million_operations() -> None:
    """Programs of many seeds, in processes beside each other, until it is enough."""
    total: Counter[str] = Counter()
    seeds = _seeds()
    with ProcessPoolExecutor(WORKERS) as pool:
        while operations(total) < OPERATIONS:
            batch = [next(seeds) for _ in range(50 * WORKERS)]
            for done in pool.map(program, batch, chunksize=5):
                total += done
            told = f"{operations(total)} operations, seeds up to {batch[-1]}"
            print(told, flush=True)
    assert operations(total) >= OPERATIONS
