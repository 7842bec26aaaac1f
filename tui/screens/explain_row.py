"""Closing an open row with a reason, by one person or by two."""

from collections.abc import Sequence

from cngstation.language import mark
from cngstation.rpc.contract.counter import ROW_EXPLAIN, RowExplanation
from cngstation.rpc.contract.figures import OpenRow
from tui.desk import Desk
from tui.screens.form_screen import Field, FormScreen
from tui.screens.mark_card import BOTH_PEOPLE, REASON, approval_of, hide_passwords
from tui.texts import sentence


class ExplainRowScreen(FormScreen):
    """Enter at the last field closes the row."""

    HELP = mark(
        "Write down what was found and done; Enter at the last field closes the row. "
        "A row on which two people decide wants a second operator with this right."
    )
    TITLE_TEXT = mark("Close a row with a reason")

    def __init__(self, desk: Desk, row: OpenRow) -> None:
        super().__init__(desk)
        self._row = row
        self._two = row.people > 1
        fields: Sequence[Field] = (REASON,)
        if self._two:
            fields = (REASON, *BOTH_PEOPLE)
        self.FIELDS = fields  # type: ignore[misc]  # by row, not by class

    def on_mount(self) -> None:
        """Say which row it is, and hide what is secret."""
        self.say(sentence(self._row.text, self._row.facts))
        hide_passwords(self)

    async def save(self) -> str:
        """Close it; say what was done."""
        wanted = RowExplanation.model_construct(
            row_id=self._row.row_id,
            reason=self.value("reason"),
            approval=approval_of(self) if self._two else None,
        )
        checked = RowExplanation.model_validate(dict(wanted))
        done = await self.desk.link.call(ROW_EXPLAIN, checked)
        return sentence(done.text, done.facts)
