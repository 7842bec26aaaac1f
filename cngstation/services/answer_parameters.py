"""Answers for the station's parameters."""

from cngstation.config import StationConfig
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services import keep_parameters
from cngstation.services.counter_parts import CounterParts, actor_of


class ParameterAnswers:
    """Answers for the station's parameters."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.PARAMETERS_SHOW, self.show)
        made.add(counter.PARAMETERS_SAVE, self.save)

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

    @property
    def _file(self) -> StationConfig:
        assert self._parts.file is not None, "a daemon has its file"
        return self._parts.file
