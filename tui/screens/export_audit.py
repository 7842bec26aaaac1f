"""The file for an auditor: from which day to which, written on the station's disk."""

from collections.abc import Sequence
from typing import ClassVar

from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.audit import AUDIT_EXPORT, AuditExportOrder
from tui.screens.form_screen import Field, FormScreen
from tui.texts import filled, sentence

_TIMEOUT_S = 600  # a year of rows is proved and packed
_WRITTEN = mark(
    "Written: {folder}/{name}, records {first} to {last}, head {head}. {signed}"
)
_NOT_PROVED = mark("{name} was written, but the books do not hold: {first_bad}")


class ExportAuditScreen(FormScreen):
    """Two days, both empty for all of the books."""

    TITLE_TEXT = mark("File for an auditor")
    HELP = mark(
        "Writes the books into one file in the station's export folder. An auditor "
        "checks it with one small program (cngstation export checker) on any computer. "
        "Both days empty: all of the books, which proves most. No ID number and no "
        "phone number is in it."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("from_day", mark("From day"), mark("2026-11-21; empty: all"), 10),
        Field("to_day", mark("To day"), mark("empty: the same day"), 10),
    )

    def on_mount(self) -> None:
        """Say that it takes a while."""
        super().on_mount()
        self.say(_("A large file takes minutes; the counter goes on meanwhile."))

    async def save(self) -> str:
        """Have it written."""
        order = AuditExportOrder(
            from_day=self.value("from_day"), to_day=self.value("to_day")
        )
        made = await self.desk.link.call(AUDIT_EXPORT, order, timeout_s=_TIMEOUT_S)
        if made.first_bad:
            self.outcome = "failed"
            first_bad = sentence(made.first_bad, made.facts)
            return filled(_NOT_PROVED, name=clean(made.name), first_bad=first_bad)
        signed = _("Signed.") if made.is_signed else _("Not signed.")
        return filled(
            _WRITTEN,
            folder=clean(made.folder),
            name=clean(made.name),
            first=made.first,
            last=made.last,
            head=made.head,
            signed=signed,
        )
