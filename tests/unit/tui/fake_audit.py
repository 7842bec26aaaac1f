"""What the audit of a station in memory shows."""

from typing import Any

from cngstation.rpc.contract import audit as a
from cngstation.rpc.contract.figures import Fact
from tests.unit.tui.fake_rows import NOW_MS

ROWS = 250


class FakeAudit:
    """Two hundred and fifty acts, a digest, and an export folder."""

    first_bad = ""

    async def _audit_list(self, asked: Any) -> Any:
        last = min(asked.before_seq or ROWS + 1, ROWS + 1)
        found = [_row(seq) for seq in range(last - 1, 0, -1)]
        found = [row for row in found if asked.operator_no in {"", row.operator_no}]
        page = tuple(found[: asked.limit])
        more = page[-1].seq if len(found) > len(page) else 0
        return a.AuditRows(rows=page, next_seq=more)

    async def _audit_show(self, asked: Any) -> Any:
        return a.AuditDetail(
            row=_row(asked.seq), reason="lost", before="normal", after="lost",
            mono_ms=123_456, boot_id="6a5c", first_no="01", first_name="王芳",
            second_no="02", second_name="李梅", epoch=1, head_before="ab" * 32,
            head="cd" * 32, chain_rows=9_000,
        )  # fmt: skip

    async def _digest_show(self, asked: Any) -> Any:
        day = asked.day or "2026-11-21"
        closed = day < "2026-11-21"
        sums = (
            a.DigestSum(section="two_people", title="Acts of two people", count=1),
            a.DigestSum(section="login_refused", title="Log-ins refused", count=7),
        )
        lines = (
            _line("two_people", "Row closed by words", second_no="02"),
            _line("login_refused", "Log-in", times=7),
        )
        return a.DigestView(
            business_day=day, seq=8_000 if closed else 0, sums=sums,
            rows=lines if closed or day == "2026-11-21" else (), more=0,
        )  # fmt: skip

    async def _digest_print(self, asked: Any) -> Any:
        return a.DigestPrinted(receipt_no=77)

    async def _audit_export(self, asked: Any) -> Any:
        return a.AuditExported(
            folder="/var/lib/cngstation/exports", name="audit-1.jsonl.gz", first=1,
            last=9_000, head="0123456789abcdef", size=1_000, is_signed=True,
            first_bad=self.first_bad, facts=(Fact(name="why", value="第 9 页"),),
        )  # fmt: skip


def _row(seq: int) -> a.AuditRow:
    odd = seq % 2
    return a.AuditRow(
        seq=seq, at_ms=NOW_MS - seq * 60_000,
        act="card.edit.plate" if odd else "session.login",
        title="Card edited" if odd else "Log-in", field="plate" if odd else "",
        is_second=False, subject=f"subject {seq}",
        outcome="done" if odd else "refused", operator_no="01" if odd else "02",
        operator_name="王芳" if odd else "", terminal="pts/1",
    )  # fmt: skip


def _line(section: str, title: str, **changes: Any) -> a.DigestLine:
    plain: dict[str, Any] = {
        "section": section, "seq": 77, "at_ms": NOW_MS, "title": title, "act": "x.y",
        "is_second": False, "subject": "nozzle 3", "first_no": "01", "second_no": "",
        "terminal": "pts/1", "reason": "the roll was torn", "before": "", "after": "",
        "times": 1,
    }  # fmt: skip
    return a.DigestLine(**{**plain, **changes})
