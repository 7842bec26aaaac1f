"""Orders to the nozzles of a station in memory."""

from typing import Any

from cngstation.rpc.contract import control as o
from cngstation.rpc.contract import figures as f
from cngstation.rpc.contract import refetch as r


class FakeOrders:
    """Every nozzle can be told everything, the second can only be locked."""

    async def _nozzle_abilities(self, _: Any) -> Any:
        able = ("lock", "unlock", "authorise", "stop", "end_shift")
        return o.Abilities(
            nozzles=tuple(
                o.NozzleAbilities(nozzle_no=no, orders=able if no != 2 else able[:2])
                for no in range(1, 9)
            )
        )

    def _order_reply(self, number: int, **facts: Any) -> o.OrderReply:
        plain: dict[str, Any] = {
            "nozzle_no": number, "outcome": "done", "wants_a_person": False,
            "text": "Nozzle {nozzle} is locked: nobody fills there.",
            "facts": (f.Fact(name="nozzle", value=str(number)),),
        }  # fmt: skip
        return o.OrderReply(**{**plain, **facts})

    async def _nozzle_lock(self, order: Any) -> Any:
        return self._order_reply(order.nozzle_no)

    _nozzle_authorise = _nozzle_unlock = _nozzle_stop = _nozzle_end_shift = _nozzle_lock

    async def _nozzle_stop_all(self, _: Any) -> Any:
        text = "The protocol of nozzle {nozzle} knows no stop. Press the button there."
        return o.StopReplies(
            replies=(
                self._order_reply(2, wants_a_person=True, text=text),
                *(self._order_reply(no) for no in range(1, 65) if no != 2),
            )
        )

    async def _record_refetch(self, order: Any) -> Any:
        self.refetched = refetch_state("running", asked=0)
        return self.refetched

    async def _record_refetch_state(self, _: Any) -> Any:
        told = getattr(self, "refetched", refetch_state("idle", total=0, asked=0))
        if told.state == "running":
            self.refetched = refetch_state(
                "done", asked=20, booked=3, known=16, not_there=1,
                absent=(r.AbsentNumbers(nozzle_no=1, first=7, last=7),),
            )  # fmt: skip
        return told


def refetch_state(state: str, **changes: Any) -> r.RefetchState:
    """Return how far a fetch of 20 numbers is."""
    given: dict[str, Any] = {
        "total": 20, "asked": 20, "booked": 0, "known": 0, "empty": 0,
        "not_there": 0, "absent": (),
    }  # fmt: skip
    return r.RefetchState(state=state, **{**given, **changes})
