"""What the counter's answers are made with, and who asks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cngstation.config import StationConfig
from cngstation.errors import NotLoggedIn
from cngstation.moments import Clock
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.services.act_on_card import CardActs
from cngstation.services.approve import Approvals
from cngstation.services.do_card_act import CounterActs
from cngstation.services.edit_registers import RegisterEdits
from cngstation.services.explain_row import ExplainRows
from cngstation.services.forget_customer import ForgetCustomers
from cngstation.services.issue_card import CardIssue
from cngstation.services.issue_crew_card import CrewIssue
from cngstation.services.log_in import StaffSession
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
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database


@dataclass(frozen=True, slots=True)
class CounterParts:
    """What the counter's answers are made with."""

    database: Database
    path: Path
    acts: CardActs
    top_ups: TopUps
    issues: CardIssue
    crew_issues: CrewIssue
    customers: CustomerDesk
    edits: RegisterEdits
    openings: OpeningBalances
    explained: ExplainRows
    registers: Registers
    personal: PersonalNumbers
    forgetting: ForgetCustomers
    cards: CardService
    watch: ReaderWatch
    rules: StationRules
    clock: Clock
    second_cards: SecondCards
    marks: CardMarks
    prices: PriceDesk
    card_acts: CounterActs
    replacements: Replacements
    approvals: Approvals
    verified: Callable[[counter.BooksVerdict], None]
    prints_wanted: int = 0
    people: People | None = None
    file: StationConfig | None = None


def actor_of(call: CallContext) -> Actor:
    """Return who acts, from the session of a call."""
    session = call.session
    if not isinstance(session, StaffSession):
        raise NotLoggedIn
    return Actor(session.operator_no, session.terminal)
