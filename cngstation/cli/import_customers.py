"""`cngstation import`: customers and cards of an old system, and how their cards fare.

    cngstation import customers FILE.xlsx --operator NAME [--second NAME --reason WHY]
                                [--dry-run]
    cngstation import customers --template OUT.xlsx
    cngstation import balances [--contested]

The operator's password is asked for; without a terminal it is read from one line.
Rows that bring a balance take a second operator, whose password comes next.
Exit codes: 0 all rows taken, 1 some refused, 2 usage, 3 could not reach what it needs.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cngstation.cli.staff import (
    Answering,
    actor_at,
    add_release,
    answering,
    gate_of,
    password_of,
)
from cngstation.config import StationConfig, load_config
from cngstation.domain.sealing import PersonalDataSeal
from cngstation.errors import ConfigError, StationError
from cngstation.language import _, mark, use_language
from cngstation.moments import SystemClock
from cngstation.services.approve import Approval, Approvals, Paper
from cngstation.services.import_customers import (
    COLUMNS,
    RIGHT,
    CustomerImport,
    Outcome,
    RowResult,
    source_of,
    wish_of,
)
from cngstation.services.read_credentials import read_credential
from cngstation.services.read_workbook import write_template
from cngstation.services.register_customers import CustomerDesk
from cngstation.services.station_rules import rules_of
from cngstation.storage import opening_balances
from cngstation.storage.database import Database
from cngstation.storage.opening_balances import CONTESTED, Opening
from cngstation.units import decimal_text

DEFAULT_CONFIG = Path("/etc/cngstation/station.toml")
REFUSED, USAGE, UNREACHED = 1, 2, 3
_VERDICTS = {
    "waiting": mark("waiting"),
    "confirmed": mark("confirmed"),
    "contested": mark("contested"),
    "accepted": mark("accepted"),
}
_UNITS = {"CNY": mark("yuan"), "m3": "m³"}
_TERMINAL = "import"


def run(arguments: Sequence[str]) -> int:
    """Import, or show; return the exit code."""
    parser = argparse.ArgumentParser(prog="cngstation import")
    parser.add_argument("what", choices=("customers", "balances"))
    parser.add_argument("file", nargs="?", type=Path, help="the sheet, .xlsx")
    parser.add_argument("--template", type=Path, help="write an empty sheet and end")
    parser.add_argument("--dry-run", action="store_true", help="keep nothing")
    parser.add_argument("--operator", help="login name of who answers for the sheet")
    parser.add_argument("--second", help="login name of who stands behind balances")
    parser.add_argument("--reason", default="", help="why balances are imported")
    parser.add_argument("--contested", action="store_true", help="only those")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    add_release(parser)
    given = parser.parse_args(arguments)
    try:
        if given.template is not None:
            write_template(given.template, COLUMNS)
            return 0
        config = load_config(given.config)
        use_language(config.station.language)
        if given.what == "balances":
            return asyncio.run(_balances(config, contested=given.contested))
        if given.file is None or not given.operator:
            parser.error("a file and --operator are needed")
        people = (answering(given), given.second or "", given.reason)
        return asyncio.run(_customers(config, given.file, people, dry=given.dry_run))
    except ConfigError as error:
        sys.stderr.write(f"cngstation import: {error.sentence()}\n")
        return USAGE
    except (StationError, OSError) as error:
        why = error.sentence() if isinstance(error, StationError) else str(error)
        sys.stderr.write(f"cngstation import: {why}\n")
        return UNREACHED


async def _customers(
    config: StationConfig, path: Path, people: tuple[Answering, str, str], *, dry: bool
) -> int:
    first, second, reason = people
    seal = PersonalDataSeal(read_credential(config.paths.personal_data_key, 32))
    first = replace(first, password=await password_of(first.login_name))
    behind = Approval(second, await password_of(second)) if second else None
    database = await Database.open(config.paths.database, SystemClock())
    try:
        gate, rules = gate_of(config, database), rules_of(config)
        actor = await actor_at(database, gate, first, RIGHT, _TERMINAL)
        approved, wish = None, wish_of(source_of(path))
        paper = Paper(rules.business_day_starts_minute, 1 if config.printer.port else 0)
        approvals = Approvals(gate, paper, first_is_asked=True)
        if behind is not None:
            approved = await approvals.approve(behind, wish, actor, reason)
        desk = CustomerDesk(database, seal)
        importing = CustomerImport(database, desk, rules, actor, approved)
        async with approvals.noting(wish, actor, approved):
            results = await importing.run(path, dry=dry)
    finally:
        await database.close()
    sys.stdout.write(_report(results, dry=dry))
    return REFUSED if any(r.outcome is Outcome.REFUSED for r in results) else 0


def _report(results: Sequence[RowResult], *, dry: bool) -> str:
    lines = [
        _("row {number}: {why}").format(number=result.number, why=why)
        for result in results
        for why in result.reasons
    ]
    counts = Counter(result.outcome for result in results)
    said = _("Imported: {added} rows. There already: {there}. Refused: {refused}.")
    if dry:
        said = _(
            "Would be imported: {added} rows. There already: {there}. "
            "Refused: {refused}."
        )
    lines.append(
        said.format(
            added=counts[Outcome.ADDED],
            there=counts[Outcome.THERE],
            refused=counts[Outcome.REFUSED],
        )
    )
    return "\n".join(lines) + "\n"


async def _balances(config: StationConfig, *, contested: bool) -> int:
    database = await Database.open(config.paths.database, SystemClock())
    try:
        found = await database.read(lambda c: list(opening_balances.every(c)))
    finally:
        await database.close()
    counts: Counter[str] = Counter()
    for opening in found:
        verdict = opening.verdict.verdict if opening.verdict else "waiting"
        counts[verdict] += 1
        if not contested or verdict == CONTESTED:
            sys.stdout.write(_line(opening, verdict))
    none = _("none")
    said = ", ".join(f"{_(_VERDICTS[name])} {n}" for name, n in sorted(counts.items()))
    told = _("{count} opening balances: {said}.")
    sys.stdout.write(told.format(count=len(found), said=said or none) + "\n")
    return 0


def _line(opening: Opening, verdict: str) -> str:
    balance, found = opening.balance, opening.verdict

    def amount(purse: int) -> str:
        return decimal_text(purse, 2, 2)

    imported = _("imported {amount} {unit}")
    unit = _(_UNITS.get(str(balance.unit), str(balance.unit)))
    parts = [
        balance.card_key,
        _(_VERDICTS[verdict]),
        imported.format(amount=amount(balance.balance_purse), unit=unit),
    ]
    if found is not None:
        parts.append(_("book {amount}").format(amount=amount(found.book_purse)))
        parts.append(_("card {amount}").format(amount=amount(found.card_purse)))
        parts += [_(found.why)] if found.why else []
    place = _("({source} row {number})")
    parts.append(place.format(source=balance.source, number=balance.source_row))
    return "  ".join(parts) + "\n"
