"""The audit trail, the daily digest, and the file for an auditor."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import MOST_ROWS, Facts, Word
from cngstation.rpc.contract.registers import NextPage, PageFound
from cngstation.rpc.method import Line, Message, Method, Text


class AuditQuery(NextPage):
    """Rows of the audit.

    Empty fields filter nothing. `act` is a part of an act's name or code, `outcome`
    a part of how it ended, `subject` a part of whom or what it was about.
    """

    operator_no: Word = ""
    act: Word = ""
    subject: Word = ""
    outcome: Word = ""
    day: Word = ""


class AuditRow(Message):
    """A row of the audit; `title` is English, `field` what an edit changed."""

    seq: int
    at_ms: int
    act: Line
    title: Text
    field: Word
    is_second: bool
    subject: Text
    outcome: Word
    operator_no: Word
    operator_name: Word
    terminal: Word


class AuditRows(PageFound):
    """Rows found."""

    rows: Annotated[tuple[AuditRow, ...], Field(max_length=MOST_ROWS)]


class AuditOne(Message):
    """A row, by its place in the chain."""

    seq: int


class AuditDetail(Message):
    """A row with everything that is kept of it, and its place in the chain."""

    row: AuditRow
    reason: Text
    before: Text
    after: Text
    mono_ms: int
    boot_id: Text
    first_no: Word
    first_name: Word
    second_no: Word
    second_name: Word
    epoch: int
    head_before: Text
    head: Text
    chain_rows: int


class DigestQuery(Message):
    """A business day; empty is today."""

    day: Word = ""


class DigestLine(Message):
    """A row of a digest; `times` counts refusals of one kind."""

    section: Word
    seq: int
    at_ms: int
    title: Text
    act: Line
    is_second: bool
    subject: Text
    first_no: Word
    second_no: Word
    terminal: Word
    reason: Text
    before: Text
    after: Text
    times: int


class DigestSum(Message):
    """How many rows a section has; `title` is English."""

    section: Word
    title: Text
    count: int


class DigestView(Message):
    """The digest of a day; `seq` is its place in the chain, 0 while it is not closed.

    `more` counts the rows that were left off.
    """

    business_day: Word
    seq: int
    sums: Annotated[tuple[DigestSum, ...], Field(max_length=40)]
    rows: Annotated[tuple[DigestLine, ...], Field(max_length=MOST_ROWS)]
    more: int


class DigestPrinted(Message):
    """The slip that was made, or of which a copy was asked for."""

    receipt_no: int


class AuditExportOrder(Message):
    """The business days to export; both empty: all of the books."""

    from_day: Word = ""
    to_day: Word = ""


class AuditExported(Message):
    """The file that was written, on the station's own disk.

    `first_bad` says what is wrong with the books, with `facts` in its fields.
    """

    folder: Text
    name: Text
    first: int
    last: int
    head: Line
    size: int
    is_signed: bool
    first_bad: Text
    facts: Facts = ()


AUDIT_LIST = Method("audit.list", AuditQuery, AuditRows, "audit.read", changes=False)
AUDIT_SHOW = Method("audit.show", AuditOne, AuditDetail, "audit.read", changes=False)
AUDIT_EXPORT = Method(
    "audit.export", AuditExportOrder, AuditExported, "audit.export", changes=True
)
DIGEST_SHOW = Method(
    "digest.show", DigestQuery, DigestView, "audit.read", changes=False
)
DIGEST_PRINT = Method(
    "digest.print", DigestQuery, DigestPrinted, "audit.read", changes=True
)
AUDIT_METHODS = (AUDIT_LIST, AUDIT_SHOW, AUDIT_EXPORT, DIGEST_SHOW, DIGEST_PRINT)
