"""Answers for the enrolment of the station with head office."""

import asyncio

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cngstation.config import StationConfig
from cngstation.domain.enrolment import fingerprint
from cngstation.domain.typed_code import code_text
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services import keep_parameters
from cngstation.services.answer_marks import approval_of
from cngstation.services.compare_edition import fits
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.enrol_station import Identity, standing
from cngstation.services.enrolment_desk import EnrolmentDesk
from cngstation.services.made_files import make_key
from cngstation.services.station_key import (
    KEY_FILE_BYTES,
    identity_of,
    station_key,
    station_key_file,
)


class EnrolmentAnswers:
    """Answers for the enrolment of the station with head office."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts
        self._desk = EnrolmentDesk(parts.database, parts.approvals)

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.ENROLMENT_SHOW, self.show)
        made.add(counter.ENROLMENT_REQUEST, self.request)
        made.add(counter.ENROLMENT_ACCEPT, self.accept)

    async def show(self, _: Nothing, _call: CallContext) -> counter.EnrolmentBoard:
        """Return how the station stands with head office."""
        now, who = await self._parts.database.read(standing), await self._who()
        request, taken = now.request, now.certificate
        days_left = now.days_left(self._parts.clock.now().wall_ms)
        return counter.EnrolmentBoard(
            station_no=self._parts.rules.station_no,
            call_code=request.call_code if request else "",
            request=" ".join(code_text(request.paper).split()) if request else "",
            serial=taken.serial if taken else 0,
            edition=taken.edition if taken else "",
            until_ms=taken.until_ms if taken else 0,
            office=fingerprint(taken.office_key) if taken else "",
            area_no=who.area_no,
            runs=who.network,
            from_ms=taken.from_ms if taken else 0,
            days_left=days_left or 0,
            edition_fits=taken is None or fits(taken.edition, who.network),
        )

    async def request(
        self, request: counter.EnrolmentAsk, call: CallContext
    ) -> counter.EnrolmentBoard:
        """Make a request, and the station's key where there is none yet."""
        key = await asyncio.to_thread(_key_of, self._file)
        await self._desk.request(
            key,
            await self._who(),
            actor_of(call),
            request.reason,
            approval_of(request.approval),
        )
        return await self.show(Nothing(), call)

    async def accept(
        self, request: counter.EnrolmentAccept, call: CallContext
    ) -> counter.EnrolmentBoard:
        """Take a certificate that was typed, or read from a file."""
        await self._desk.accept(
            request.certificate,
            await self._who(),
            actor_of(call),
            compared=request.fingerprint,
            reason=request.reason,
            approval=approval_of(request.approval),
        )
        return await self.show(Nothing(), call)

    async def _who(self) -> Identity:
        in_force = keep_parameters.in_force(self._parts.database, self._file)
        return identity_of(await in_force)

    @property
    def _file(self) -> StationConfig:
        assert self._parts.file is not None, "a daemon has its file"
        return self._parts.file


def _key_of(config: StationConfig) -> Ed25519PrivateKey:
    make_key(station_key_file(config), KEY_FILE_BYTES)
    return station_key(config)
