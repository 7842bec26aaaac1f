"""Rules of top-up discounts: each addition and each end is a proved row."""

from dataclasses import asdict, fields, replace

from cngstation.domain.discounts import DiscountRule
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sqlite import Connection

_COLUMNS = tuple(field.name for field in fields(DiscountRule))


def add(tx: Transaction, rule: DiscountRule, actor: Actor) -> DiscountRule:
    """Record a rule under the next number."""
    newest = tx.connection.execute(
        "SELECT coalesce(max(rule_no), 0) FROM discount_rule"
    ).fetchone()[0]
    numbered = replace(rule, rule_no=newest + 1)
    _record(tx, numbered, actor)
    return numbered


def end(tx: Transaction, rule: DiscountRule, actor: Actor) -> DiscountRule:
    """Record that a rule ends now."""
    ended = replace(rule, until_ms=tx.now.wall_ms)
    _record(tx, ended, actor)
    return ended


def _record(tx: Transaction, rule: DiscountRule, actor: Actor) -> None:
    row = {**asdict(rule), "operator_no": actor.operator_no}
    prove_row(tx, "discount_rule", str(rule.rule_no), row)


def every_rule(connection: Connection) -> list[DiscountRule]:
    """Return every rule as it is now, also those that have ended, oldest first."""
    found = rows(
        connection,
        "SELECT * FROM discount_rule d WHERE seq = (SELECT max(seq) FROM discount_rule"
        " WHERE rule_no = d.rule_no) ORDER BY rule_no",
    )
    return [DiscountRule(**{name: row[name] for name in _COLUMNS}) for row in found]


def find(connection: Connection, rule_no: int) -> DiscountRule | None:
    """Return a rule by its number."""
    return next((r for r in every_rule(connection) if r.rule_no == rule_no), None)
