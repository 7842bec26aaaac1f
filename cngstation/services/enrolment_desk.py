"""Asks head office for a certificate and takes it, by one person or by two."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cngstation.domain.enrolment import Certificate, public_bytes
from cngstation.domain.typed_code import read_code
from cngstation.services.approve import Approval, Approvals, Approved, Wish
from cngstation.services.enrol_by_two import may_be_alone
from cngstation.services.enrol_station import (
    Identity,
    accept,
    key_wish,
    make_request,
    trust_wish,
)
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database
from cngstation.storage.enrolments import Requested


class EnrolmentDesk:
    """Makes requests and takes certificates; asks for a second person where due."""

    def __init__(self, database: Database, approvals: Approvals) -> None:
        self._database = database
        self._approvals = approvals

    async def request(
        self,
        key: Ed25519PrivateKey,
        who: Identity,
        actor: Actor,
        reason: str = "",
        approval: Approval | None = None,
    ) -> Requested:
        """Make a request; a key that was not asked for before takes two people.

        Raises:
            ReasonMissing, SecondPersonMissing, and what else `approve` raises.
        """
        public = public_bytes(key)
        wish = await self._database.read(lambda c: key_wish(c, public))
        approved = await self._behind(wish, actor, reason, approval)
        if wish is None:
            return await make_request(self._database, key, who, actor)
        async with self._approvals.noting(wish, actor, approved):
            return await make_request(self._database, key, who, actor, approved)

    async def accept(
        self,
        text: str,
        who: Identity,
        actor: Actor,
        *,
        compared: str = "",
        reason: str = "",
        approval: Approval | None = None,
    ) -> Certificate:
        """Take a certificate; the first of an office's key takes two people.

        Raises:
            Refusal: as `enrol_station.accept`, and as `approve`.
        """
        certificate = Certificate.read(read_code(text))
        wish = await self._database.read(
            lambda c: trust_wish(c, who, certificate, compared)
        )
        approved = await self._behind(wish, actor, reason, approval)
        taking = accept(
            self._database, text, who, actor, compared=compared, approved=approved
        )
        if wish is None:
            return await taking
        async with self._approvals.noting(wish, actor, approved):
            return await taking

    async def _behind(
        self, wish: Wish | None, actor: Actor, reason: str, approval: Approval | None
    ) -> Approved | None:
        if wish is None:
            return None
        alone = await self._database.read(lambda c: may_be_alone(c, wish.act))
        if alone and approval is None:
            return None
        return await self._approvals.approve(approval, wish, actor, reason)
