"""Answers about orders to nozzles and about records that are fetched again."""

from itertools import groupby

from cngstation.language import mark
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import refetch as contract
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.answer_control import ControlAnswers
from cngstation.services.control_nozzles import ControlledLine, NozzleControl
from cngstation.services.counter_parts import actor_of
from cngstation.services.fetch_by_hand import HandFetch, Progress, Wanted
from cngstation.services.fetch_records import Came
from cngstation.services.open_rows import facts_of
from cngstation.storage.database import Database

_CUT_OFF = mark("It ended early: {why}")


def control_areas(
    database: Database, lines: list[ControlledLine]
) -> "tuple[ControlAnswers, RefetchAnswers]":
    """Return the handlers of what is asked of dispensers."""
    control = ControlAnswers(NozzleControl(database, lines))
    return control, RefetchAnswers(HandFetch(database, lines))


class RefetchAnswers:
    """The handlers of this area."""

    def __init__(self, fetch: HandFetch) -> None:
        self._fetch = fetch

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.RECORD_REFETCH, self.refetch)
        made.add(contract.RECORD_REFETCH_STATE, self.state)

    async def refetch(
        self, order: contract.RefetchOrder, call: CallContext
    ) -> contract.RefetchState:
        """Begin to fetch."""
        wanted = Wanted(
            order.nozzle_no, order.dispenser_no, order.first, order.last, order.day
        )
        return _state(await self._fetch.begin(wanted, actor_of(call)))

    async def state(self, _: Nothing, call: CallContext) -> contract.RefetchState:
        """Say how far it is."""
        return _state(self._fetch.progress)


def _state(progress: Progress) -> contract.RefetchState:
    counts = progress.counts
    return contract.RefetchState(
        state=progress.state,
        total=progress.total,
        asked=progress.asked,
        booked=counts.get(Came.BOOKED, 0),
        known=counts.get(Came.KNOWN, 0),
        empty=counts.get(Came.EMPTY, 0),
        not_there=counts.get(Came.ABSENT, 0),
        absent=tuple(_stretches(progress))[: contract.MOST_ABSENT],
        text=_CUT_OFF if progress.why else "",
        facts=facts_of({"why": progress.why}.items()) if progress.why else (),
    )


def _stretches(progress: Progress) -> list[contract.AbsentNumbers]:
    numbered = enumerate(progress.absent)
    runs = groupby(numbered, key=lambda one: (one[1][0], one[1][1] - one[0]))
    found = []
    for (nozzle_no, _), run in runs:
        numbers = [number for _, (_, number) in run]
        found.append(
            contract.AbsentNumbers(
                nozzle_no=nozzle_no, first=numbers[0], last=numbers[-1]
            )
        )
    return found
