"""Acts by card number, with no card on the reader: loss, blacklist, activation."""

from cngstation.rpc.contract.cards import CardRows
from cngstation.rpc.contract.figures import Facts, Word
from cngstation.rpc.contract.registers import Search
from cngstation.rpc.method import LOGGED_IN, Line, Message, Method, Text
from cngstation.rpc.session import Nothing, Secret


class Approval(Message):
    """The second person of an act that takes two; `by_card` also lays a staff card.

    `own_password` is that of whoever is logged in, given again for this act. Without it
    nothing is approved.
    """

    login_name: Line
    password: Secret
    by_card: bool = False
    own_password: Secret | None = None


class SecondCard(Message):
    """The staff card that a second person laid down, and whose it is."""

    card_no: Word
    operator_no: Word
    name: Line


class MarkOrder(Message):
    """What is to be said of a card; some marks want a reason or a second person."""

    card_key: Word
    reason: Text
    approval: Approval | None


class Marked(Message):
    """A card as it is after a mark."""

    card_key: Word
    card_no: Word
    state: Word
    takes_effect_at_ms: int
    text: Text
    facts: Facts


def _mark(name: str) -> Method[MarkOrder, Marked]:
    return Method(f"card.{name}", MarkOrder, Marked, f"card.{name}", changes=True)


CARD_SEARCH = Method("card.search", Search, CardRows, LOGGED_IN, changes=False)
CARD_REPORT_LOSS = _mark("report_loss")
CARD_WITHDRAW_LOSS = _mark("withdraw_loss")
CARD_BLACKLIST = _mark("blacklist")
CARD_UNBLACKLIST = _mark("unblacklist")
CARD_ACTIVATE = _mark("activate")
CARD_SUSPEND = _mark("suspend")
# Whoever began the act asks for it: what it is for was asked at that terminal.
APPROVAL_CARD = Method("approval.card", Nothing, SecondCard, LOGGED_IN, changes=True)

MARK_METHODS = (
    CARD_SEARCH,
    CARD_REPORT_LOSS,
    CARD_WITHDRAW_LOSS,
    CARD_BLACKLIST,
    CARD_UNBLACKLIST,
    CARD_ACTIVATE,
    CARD_SUSPEND,
    APPROVAL_CARD,
)
