"""Answers for the audit trail, the daily digest and the auditor's file."""

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from cngstation.domain.act_names import APPROVED, field_of, name_of, title_of
from cngstation.domain.digest import TITLES, DigestRow, sums_of
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.moments import day_bounds_ms, local_time
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import audit as contract
from cngstation.rpc.contract.figures import MOST_ROWS
from cngstation.rpc.dialogue import Handlers
from cngstation.services.audit_files import AuditFiles, audit_files_of
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.export_audit import Exported, Wanted, export_file
from cngstation.services.keep_digest import DigestKeeper
from cngstation.services.new_file import FileNotWritten, HeldFile
from cngstation.services.open_rows import facts_of
from cngstation.services.operator_guards import (
    acting,
    outlet_seen,
    people_seen,
    require_outlet,
    require_sees_all,
)
from cngstation.services.station_signer import signer_in
from cngstation.services.take_out import take_out
from cngstation.services.work_aside import in_worker
from cngstation.storage import audit, audit_trail
from cngstation.storage.audit_trail import Filter
from cngstation.storage.database import Transaction
from cngstation.storage.digests import Digest
from cngstation.storage.sqlite import Connection

_LONGEST, _WORD = 200, 40


class DayWrong(Refusal):
    """What was typed is no day."""

    code = "refusal.day_wrong"
    text = "{day} is no day. Write it as 2026-11-21. Nothing was done."


class NoSuchAuditRow(Refusal):
    """There is no such row."""

    code = "refusal.no_such_audit_row"
    text = "The audit trail has no row {seq}."


class NoPrinter(Refusal):
    """The station has none."""

    code = "refusal.no_printer"
    text = "This station has no receipt printer. Nothing was printed."


class AuditAnswers:
    """Answers of this area."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts
        rules = parts.rules
        self._cut_off_minute = rules.business_day_starts_minute
        self._keeper = DigestKeeper(
            parts.clock,
            cut_off_minute=self._cut_off_minute,
            wrong_tries=rules.wrong_tries,
        )

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.AUDIT_LIST, self.rows)
        made.add(contract.AUDIT_SHOW, self.show)
        made.add(contract.AUDIT_EXPORT, self.export)
        made.add(contract.DIGEST_SHOW, self.digest)
        made.add(contract.DIGEST_PRINT, self.print_digest)

    async def rows(
        self, request: contract.AuditQuery, call: CallContext
    ) -> contract.AuditRows:
        """Return a page of the trail.

        Raises:
            DayWrong: the day is none.
        """
        bounds, actor = {}, actor_of(call)
        if day := _day(request.day):
            first, until = day_bounds_ms(day, cut_off_minute=self._cut_off_minute)
            bounds = {"from_ms": first, "until_ms": until}

        def question(connection: Connection) -> contract.AuditRows:
            acts = _acts_like(connection, request.act) if request.act else None
            wanted = Filter(
                operator_no=request.operator_no,
                acts=acts,
                subject=request.subject,
                outcome=request.outcome,
                outlet_no=outlet_seen(connection, actor),
                **bounds,
            )
            found, next_seq = audit_trail.page(
                connection, wanted, request.before_seq, request.limit
            )
            shown = tuple(_row(row) for row in found)
            return contract.AuditRows(rows=shown, next_seq=next_seq)

        return await self._parts.database.read(question)

    async def show(
        self, request: contract.AuditOne, call: CallContext
    ) -> contract.AuditDetail:
        """Return everything that is kept of a row.

        Raises:
            NoSuchAuditRow: there is none.
            OtherOutlet: somebody of another outlet did it.
        """
        actor = actor_of(call)

        def question(connection: Connection) -> contract.AuditDetail:
            row = audit_trail.one(connection, request.seq)
            if row is None:
                raise NoSuchAuditRow(seq=request.seq)
            if row["operator_no"]:
                require_outlet(*acting(connection, actor), row["outlet_no"])
            return _detail(connection, row)

        return await self._parts.database.read(question)

    async def digest(
        self, request: contract.DigestQuery, call: CallContext
    ) -> contract.DigestView:
        """Return the digest of a day, as far as it is of people whom one may see.

        Raises:
            DayWrong: the day is none.
        """
        day, keeper, actor = _day(request.day), self._keeper, actor_of(call)

        def question(connection: Connection) -> Digest:
            made = keeper.of(connection, day or keeper.today(connection))
            if outlet_seen(connection, actor) is None:
                return made
            seen = people_seen(connection, actor)
            rows = (row for row in made.rows if _is_seen(row, seen))
            return replace(made, rows=tuple(rows))

        made = await self._parts.database.read(question)
        sums = tuple(
            contract.DigestSum(section=section, title=TITLES[section], count=count)
            for section, count in sums_of(made.rows).items()
        )
        return contract.DigestView(
            business_day=made.business_day,
            seq=made.seq,
            sums=sums,
            rows=tuple(_line(row) for row in made.rows[:MOST_ROWS]),
            more=max(len(made.rows) - MOST_ROWS, 0),
        )

    async def print_digest(
        self, request: contract.DigestQuery, call: CallContext
    ) -> contract.DigestPrinted:
        """Have the digest of a day printed; of a closed day it comes as a copy again.

        Raises:
            DayWrong, NoPrinter: nothing is printed.
            OtherOutlet: the paper would show people whom one may not see.
        """
        day, keeper, actor = _day(request.day), self._keeper, actor_of(call)
        if not self._parts.prints_wanted:
            raise NoPrinter

        def unit(tx: Transaction) -> int:
            require_sees_all(tx.connection, actor)
            digest = keeper.of(tx.connection, day or keeper.today(tx.connection))
            number = keeper.put_on_paper(tx, digest, actor)
            subject = f"{digest.business_day} {number:08d}"
            audit.record(tx, actor, "digest.print", subject)
            return number

        number = await self._parts.database.write(unit)
        return contract.DigestPrinted(receipt_no=number)

    async def export(
        self, request: contract.AuditExportOrder, call: CallContext
    ) -> contract.AuditExported:
        """Write the file under a name of the station's own, and write that down.

        Raises:
            DayWrong, NothingInPeriod, FileNotWritten, FileIsThere, FileNotBooked:
            there is no file.
        """
        actor, parts = actor_of(call), self._parts
        now = parts.clock.now()
        files = AuditFiles(parts.path.with_name("exports"))
        if parts.file is not None:
            files = audit_files_of(parts.file)
        wanted = Wanted(
            station_no=parts.rules.station_no,
            station=files.station,
            made_at_ms=now.wall_ms,
            from_day=_day(request.from_day),
            to_day=_day(request.to_day),
            cut_off_minute=self._cut_off_minute,
            language=files.language,
        )
        stamp = local_time(now.wall_ms).strftime("%Y%m%d-%H%M%S")
        name = f"audit-{wanted.station_no}-{stamp}-{now.mono_ms % 1000:03d}.jsonl.gz"
        await asyncio.to_thread(_make_folder, files.folder)
        made = await take_out(
            parts.database,
            files.folder / name,
            actor,
            lambda held: in_worker(_export, parts.path, held, wanted, files.key_file),
        )
        return contract.AuditExported(
            folder=clean(str(files.folder), limit=_LONGEST),
            name=made.name,
            first=made.first,
            last=made.last,
            head=made.head[:16],
            size=made.size,
            is_signed=made.is_signed,
            first_bad=made.wrong.text if made.wrong else "",
            facts=facts_of(made.wrong.facts if made.wrong else ()),
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise FileNotWritten(name=folder.name, why=why) from error


def _export(
    database: Path, held: HeldFile, wanted: Wanted, key: Path | None
) -> Exported:
    return export_file(database, held, wanted, signer_in(key))


def _day(text: str) -> str:
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise DayWrong(day=clean(text, limit=_WORD)) from None


def _acts_like(connection: Connection, text: str) -> list[str]:
    """Return the acts whose code or name, in English or ours, has a text in it."""
    part = text.casefold()
    return [
        act
        for act in audit_trail.every_act(connection)
        if any(part in name.casefold() for name in (act, title_of(act), name_of(act)))
    ]


def _row(row: dict[str, Any]) -> contract.AuditRow:
    act = row["act"]
    return contract.AuditRow(
        seq=row["seq"],
        at_ms=row["at_ms"],
        act=clean(act, limit=_WORD),
        title=clean(title_of(act), limit=_LONGEST),
        field=clean(field_of(act), limit=_WORD),
        is_second=act.endswith(APPROVED),
        subject=clean(row["subject"], limit=_LONGEST),
        outcome=clean(row["outcome"], limit=_WORD),
        operator_no=clean(row["operator_no"], limit=_WORD),
        operator_name=clean(row["operator_name"], limit=_WORD),
        terminal=clean(row["terminal"], limit=_WORD),
    )


def _detail(connection: Connection, row: dict[str, Any]) -> contract.AuditDetail:
    is_second = row["act"].endswith(APPROVED)
    first = row["before"] if is_second else row["operator_no"]
    second = row["operator_no"] if is_second else audit_trail.second_of(connection, row)
    return contract.AuditDetail(
        row=_row(row),
        reason=clean(row["reason"], limit=_LONGEST),
        before="" if is_second else clean(row["before"], limit=_LONGEST),
        after=clean(row["after"], limit=_LONGEST),
        mono_ms=row["mono_ms"],
        boot_id=clean(row["boot_id"], limit=_LONGEST),
        first_no=clean(first, limit=_WORD),
        first_name=clean(audit_trail.name_of(connection, first), limit=_WORD),
        second_no=clean(second, limit=_WORD),
        second_name=clean(audit_trail.name_of(connection, second), limit=_WORD),
        epoch=row["epoch"],
        head_before=row["head_before"].hex(),
        head=row["head"].hex(),
        chain_rows=row["chain_rows"],
    )


def _is_seen(row: DigestRow, seen: frozenset[str]) -> bool:
    return row.first_no in seen or (row.second_no != "" and row.second_no in seen)


def _line(row: DigestRow) -> contract.DigestLine:
    return contract.DigestLine(
        section=row.section,
        seq=row.seq,
        at_ms=row.at_ms,
        title=clean(title_of(row.act), limit=_LONGEST),
        act=clean(row.act, limit=_WORD),
        is_second=row.act.endswith(APPROVED),
        subject=clean(row.subject, limit=_LONGEST),
        first_no=clean(row.first_no, limit=_WORD),
        second_no=clean(row.second_no, limit=_WORD),
        terminal=clean(row.terminal, limit=_WORD),
        reason=clean(row.reason, limit=_LONGEST),
        before=clean(row.before, limit=_LONGEST),
        after=clean(row.after, limit=_LONGEST),
        times=row.times,
    )
