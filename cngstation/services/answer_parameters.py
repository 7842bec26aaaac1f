"""Answers for the station's parameters and its enrolment."""

from cngstation.config import StationConfig
from cngstation.domain.enrolment import fingerprint
from cngstation.domain.typed_code import code_text
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services import keep_parameters
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.enrol_station import accept, standing
from cngstation.services.station_key import identity_of


class ParameterAnswers:
    """Answers for the station's parameters and its enrolment."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.PARAMETERS_SHOW, self.show)
        made.add(counter.PARAMETERS_SAVE, self.save)
        made.add(counter.ENROLMENT_SHOW, self.enrolment)
        made.add(counter.ENROLMENT_ACCEPT, self.accept)

    async def show(self, _: Nothing, _call: CallContext) -> counter.ParameterBoard:
        """Return the parameters."""
        found = await self._parts.database.read(
            lambda connection: keep_parameters.shown(connection, self._file)
        )
        rows = tuple(
            counter.Parameter(name=name, value=value, fixed=name in found.fixed)
            for name, value in found.values.items()
        )
        return counter.ParameterBoard(first=found.first, rows=rows)

    async def save(
        self, request: counter.ParameterSave, call: CallContext
    ) -> counter.ParametersSaved:
        """Set parameters."""
        given = {row.name: row.value for row in request.rows}
        names = await keep_parameters.save(
            self._parts.database, self._file, given, actor_of(call), request.reason
        )
        return counter.ParametersSaved(names=names)

    async def enrolment(self, _: Nothing, _call: CallContext) -> counter.EnrolmentBoard:
        """Return how the station stands with head office."""
        now = await self._parts.database.read(standing)
        request, taken = now.request, now.certificate
        return counter.EnrolmentBoard(
            station_no=self._parts.rules.station_no,
            call_code=request.call_code if request else "",
            request=" ".join(code_text(request.paper).split()) if request else "",
            serial=taken.serial if taken else 0,
            edition=taken.edition if taken else "",
            until_ms=taken.until_ms if taken else 0,
            office=fingerprint(taken.office_key) if taken else "",
        )

    async def accept(
        self, request: counter.EnrolmentAccept, call: CallContext
    ) -> counter.EnrolmentBoard:
        """Take a certificate that was typed."""
        config = await keep_parameters.in_force(self._parts.database, self._file)
        await accept(
            self._parts.database,
            request.certificate,
            identity_of(config),
            actor_of(call),
            compared=request.fingerprint,
        )
        return await self.enrolment(Nothing(), call)

    @property
    def _file(self) -> StationConfig:
        assert self._parts.file is not None, "a daemon has its file"
        return self._parts.file
