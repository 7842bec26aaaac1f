"""Keeps personal numbers sealed: the key that fits, and what was kept open of old."""

import re
from pathlib import Path
from typing import Any

from cngstation.domain.sealing import PersonalDataSeal, SealBroken
from cngstation.errors import ConfigError
from cngstation.language import _
from cngstation.services.register_customers import (
    COMPANY_PHONE_COLUMN,
    ID_COLUMN,
)
from cngstation.storage import customers
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection


async def require_key(database: Database, seal: PersonalDataSeal, path: Path) -> None:
    """Refuse a key that is not the one that sealed what is in the file.

    Raises:
        ConfigError: `path` names it, and both keys by their ids.
    """

    def question(connection: Connection) -> None:
        if sealed := customers.newest_sealed(connection):
            seal.open(sealed, ID_COLUMN)

    try:
        await database.read(question)
    except SealBroken as error:
        raise ConfigError(
            path=str(path),
            key="key",
            why=error.sentence(),
            allowed=_("the file with the key of this station"),
        ) from None


async def seal_what_is_in_clear(database: Database, seal: PersonalDataSeal) -> int:
    """Seal the phones of companies that an older program kept; return how many."""

    def unit(tx: Transaction) -> int:
        found = customers.companies_in_clear(tx.connection)
        for company in found:
            customers.change_company(
                tx,
                company.company_no,
                reason="phone sealed",
                phone="",
                **_company_phone(seal, company.phone),
            )
        return len(found)

    return await database.write(unit)


def _company_phone(seal: PersonalDataSeal, phone: str) -> dict[str, Any]:
    return {
        "phone_sealed": seal.seal(phone, COMPANY_PHONE_COLUMN),
        "phone_digest": seal.digest(re.sub(r"\D", "", phone), COMPANY_PHONE_COLUMN),
    }
