"""Puts the services of the counter together from what a daemon has opened."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cngstation.config import StationConfig
from cngstation.moments import Clock
from cngstation.rpc.contract import counter
from cngstation.services.act_on_card import CardActs
from cngstation.services.approve import Approvals, Gatekeeper, Paper
from cngstation.services.card_act_kinds import every_act
from cngstation.services.counter_parts import CounterParts
from cngstation.services.do_card_act import CounterActs
from cngstation.services.edit_registers import RegisterEdits
from cngstation.services.explain_row import ExplainRows
from cngstation.services.forget_customer import ForgetCustomers
from cngstation.services.issue_card import CardIssue
from cngstation.services.issue_crew_card import CrewIssue
from cngstation.services.mark_card import CardMarks
from cngstation.services.opening_balances import OpeningBalances
from cngstation.services.people import People
from cngstation.services.plan_prices import PriceDesk
from cngstation.services.register_customers import CustomerDesk
from cngstation.services.replace_card import Replacements
from cngstation.services.reveal_personal import PersonalNumbers
from cngstation.services.second_card import SecondCards
from cngstation.services.serve_card import CardService
from cngstation.services.show_registers import Registers
from cngstation.services.station_rules import StationRules
from cngstation.services.top_up_card import TopUps
from cngstation.services.watch_reader import ReaderWatch
from cngstation.storage.database import Database


@dataclass(frozen=True, slots=True)
class CounterNeeds:
    """What the services of the counter are made from."""

    database: Database
    path: Path
    acts: CardActs
    cards: CardService
    watch: ReaderWatch
    rules: StationRules
    clock: Clock
    desk: CustomerDesk
    gate: Gatekeeper
    verified: Callable[[counter.BooksVerdict], None]
    prints_wanted: int = 0
    people: People | None = None
    file: StationConfig | None = None


def put_together(needs: CounterNeeds) -> CounterParts:
    """Return the services of the counter."""
    database, acts, rules = needs.database, needs.acts, needs.rules
    clock, folder = needs.clock, needs.path.parent
    paper = Paper(rules.business_day_starts_minute, needs.prints_wanted)
    approvals = Approvals(needs.gate, paper)
    return CounterParts(
        database=database,
        path=needs.path,
        acts=acts,
        top_ups=TopUps(database, acts, rules=rules, folder=folder, clock=clock),
        issues=CardIssue(database, acts, rules=rules, folder=folder),
        crew_issues=CrewIssue(database, acts, rules=rules, folder=folder),
        customers=needs.desk,
        edits=RegisterEdits(database, needs.desk),
        openings=OpeningBalances(
            database, approvals, cut_off_minute=rules.business_day_starts_minute
        ),
        explained=ExplainRows(database, approvals),
        registers=Registers(database, needs.desk, rules, clock),
        personal=PersonalNumbers(database, needs.desk),
        forgetting=ForgetCustomers(database),
        cards=needs.cards,
        watch=needs.watch,
        rules=rules,
        clock=clock,
        second_cards=SecondCards(database, needs.watch, needs.gate, clock),
        marks=CardMarks(database, approvals, rules),
        prices=PriceDesk(database, approvals, rules, clock),
        card_acts=CounterActs(
            database,
            acts,
            every_act(rules),
            approvals=approvals,
            rules=rules,
            folder=folder,
            clock=clock,
        ),
        replacements=Replacements(
            database,
            acts,
            approvals=approvals,
            rules=rules,
            folder=folder,
            clock=clock,
        ),
        approvals=approvals,
        verified=needs.verified,
        prints_wanted=needs.prints_wanted,
        people=needs.people,
        file=needs.file,
    )
