"""Answers the counter's socket: each area of its contract has a module of its own."""

from cngstation.rpc.dialogue import Handlers
from cngstation.services.answer_acts import ActAnswers
from cngstation.services.answer_audit import AuditAnswers
from cngstation.services.answer_card_acts import CardActAnswers
from cngstation.services.answer_cards import CardAnswers
from cngstation.services.answer_companies import CompanyAnswers
from cngstation.services.answer_enrolment import EnrolmentAnswers
from cngstation.services.answer_invoices import InvoiceAnswers
from cngstation.services.answer_limits import LimitAnswers
from cngstation.services.answer_marks import MarkAnswers
from cngstation.services.answer_openings import OpeningAnswers
from cngstation.services.answer_operators import OperatorAnswers
from cngstation.services.answer_parameters import ParameterAnswers
from cngstation.services.answer_prices import PriceAnswers
from cngstation.services.answer_reader import ReaderAnswers
from cngstation.services.answer_receipts import ReceiptAnswers
from cngstation.services.answer_registers import RegisterAnswers
from cngstation.services.answer_rows import RowAnswers
from cngstation.services.answer_staff_cards import StaffCardAnswers
from cngstation.services.answer_till import TillAnswers
from cngstation.services.answer_vendor import VendorAnswers
from cngstation.services.counter_parts import CounterParts
from cngstation.services.diagnose_card import DiagnosisAnswers


class CounterAnswers:
    """The handlers of the counter's contract."""

    def __init__(self, parts: CounterParts) -> None:
        self.registers = RegisterAnswers(parts)
        self.prices = PriceAnswers(parts)
        self.cards = CardAnswers(parts)
        self.acts = ActAnswers(parts)
        self.card_acts = CardActAnswers(parts)
        self.marks = MarkAnswers(parts)
        self.openings = OpeningAnswers(parts)
        self.rows = RowAnswers(parts)
        self.receipts = ReceiptAnswers(parts)
        self.till = TillAnswers(parts)
        self.diagnosis = DiagnosisAnswers(parts)
        self.companies = CompanyAnswers(parts)
        self.limits = LimitAnswers(parts)
        self.invoices = InvoiceAnswers(parts)
        self.operators = OperatorAnswers(parts)
        self.staff_cards = StaffCardAnswers(parts)
        self.parameters = ParameterAnswers(parts)
        self.enrolment = EnrolmentAnswers(parts)
        self.vendor = VendorAnswers(parts)
        self.audit = AuditAnswers(parts)
        self.reader = ReaderAnswers(parts)

    def handlers(self) -> Handlers:
        """Return a handler for each method of the contract."""
        made = Handlers()
        for area in vars(self).values():
            area.handle(made)
        return made
