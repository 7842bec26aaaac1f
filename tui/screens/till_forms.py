"""Opening the till, moving its cash, and closing it: a form each."""

from collections.abc import Sequence
from typing import ClassVar

from cngstation.language import mark
from cngstation.rpc.contract.counter import (
    TILL_CLOSE,
    TILL_DROP,
    TILL_OPEN,
    TILL_PAY_IN,
    TILL_PAY_OUT,
    TenderCount,
    TillCash,
    TillClosing,
    TillOpening,
    TillView,
)
from cngstation.rpc.method import Method
from tui.act_form import ActForm
from tui.figures import fen_text, price_text
from tui.screens.form_screen import Field
from tui.texts import filled
from tui.words import word

_OPENED = mark("The till is open with a float of {amount} yuan.")
_DROPPED = mark("{amount} yuan went from the till to the safe.")
_PAID_IN = mark("{amount} yuan came from the safe into the till.")
_PAID_OUT = mark("{amount} yuan were paid out of the till.")
_CLOSED = mark("The till is closed; the counts agree with the books.")
_DIFFERS = mark("The till is closed. {tender}: {amount} yuan {way}; it is a row now.")
_AMOUNT = Field("amount", mark("Amount"), mark("yuan"), longest=12)


class OpenTillScreen(ActForm):
    """Counts the float."""

    TITLE_TEXT = mark("Open the till")
    HELP = mark(
        "Count the float in the drawer and type it; Enter opens the till with it. "
        "From then on what goes in and out is counted at the closing."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("float", mark("Counted float"), mark("yuan"), longest=12),
    )

    async def save(self) -> str:
        """Open the till."""
        opening = TillOpening(act_id=self.act_id, float_fen=self.typed_fen("float"))
        view = await self.desk.link.call(TILL_OPEN, opening)
        return filled(_OPENED, amount=price_text(view.float_e4))


class _CashScreen(ActForm):
    METHOD: ClassVar[Method[TillCash, TillView]]
    DONE: ClassVar[str]

    async def save(self) -> str:
        """Move the cash."""
        fen = self.fen("amount")
        wanted = TillCash(
            act_id=self.act_id, amount_fen=fen, reason=self.value("reason")
        )
        await self.desk.link.call(self.METHOD, wanted)
        return filled(self.DONE, amount=fen_text(fen))


class DropScreen(_CashScreen):
    """Cash to the safe."""

    TITLE_TEXT = mark("Bring cash to the safe")
    HELP = mark("Type what is taken out of the drawer and put into the safe.")
    METHOD, DONE = TILL_DROP, _DROPPED
    FIELDS: ClassVar[Sequence[Field]] = (
        _AMOUNT,
        Field("reason", mark("Note"), longest=60),
    )


class PayInScreen(_CashScreen):
    """Change from the safe."""

    TITLE_TEXT = mark("Bring change from the safe")
    HELP = mark("Type what is taken out of the safe and put into the drawer.")
    METHOD, DONE = TILL_PAY_IN, _PAID_IN
    FIELDS: ClassVar[Sequence[Field]] = (
        _AMOUNT,
        Field("reason", mark("Note"), longest=60),
    )


class PayOutScreen(_CashScreen):
    """Cash that leaves the business."""

    TITLE_TEXT = mark("Pay cash out of the till")
    HELP = mark(
        "Type what is paid out of the drawer, and for what: it is an expense with its "
        "reason."
    )
    METHOD, DONE = TILL_PAY_OUT, _PAID_OUT
    FIELDS: ClassVar[Sequence[Field]] = (
        _AMOUNT,
        Field("reason", mark("Reason"), mark("must be filled in"), longest=60),
    )


class CloseTillScreen(ActForm):
    """Counts each way of paying; what is left empty is not compared."""

    TITLE_TEXT = mark("Close the till")
    HELP = mark(
        "Count the cash and type it; type the sums of the other ways of paying from "
        "their own lists. What is left empty is taken as the books have it. What is "
        "over or short becomes a row for the manager."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("cash", mark("Counted cash"), mark("yuan, must be counted"), longest=12),
        Field("wechat", mark("WeChat"), mark("sum of its list"), longest=12),
        Field("alipay", mark("Alipay"), mark("sum of its list"), longest=12),
        Field("bank_card", mark("bank card"), mark("sum of the slips"), longest=12),
        Field("transfer", mark("bank transfer"), mark("sum of its list"), longest=12),
        Field("cheque", mark("cheque"), mark("sum of the cheques"), longest=12),
    )

    async def save(self) -> str:
        """Close the till."""
        counts = tuple(
            TenderCount(tender=field.name, counted_fen=self.fen(field.name))
            for field in self.FIELDS
            if self.value(field.name)
        )
        closing = TillClosing(act_id=self.act_id, counts=counts)
        view = await self.desk.link.call(TILL_CLOSE, closing)
        for count in view.counts:
            if count.over_e4:
                way = mark("over") if count.over_e4 > 0 else mark("short")
                amount = price_text(abs(count.over_e4))
                return filled(
                    _DIFFERS, tender=word(count.tender), amount=amount, way=way
                )
        return filled(_CLOSED)
