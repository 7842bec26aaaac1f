"""Answers about orders to nozzles."""

from collections.abc import Awaitable, Callable

from cngstation.protocols.dispenser.forecourt import OrderKind
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import control as contract
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.control_nozzles import Answered, NozzleControl
from cngstation.services.counter_parts import actor_of
from cngstation.services.open_rows import facts_of

_METHODS = {
    OrderKind.LOCK: contract.NOZZLE_LOCK,
    OrderKind.UNLOCK: contract.NOZZLE_UNLOCK,
    OrderKind.AUTHORISE: contract.NOZZLE_AUTHORISE,
    OrderKind.STOP: contract.NOZZLE_STOP,
    OrderKind.END_SHIFT: contract.NOZZLE_END_SHIFT,
}


class ControlAnswers:
    """The handlers of this area."""

    def __init__(self, control: NozzleControl) -> None:
        self._control = control

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        for kind, method in _METHODS.items():
            made.add(method, self.ordering(kind))
        made.add(contract.NOZZLE_STOP_ALL, self.stop_all)
        made.add(contract.NOZZLE_ABILITIES, self.abilities)

    def ordering(
        self, kind: OrderKind
    ) -> Callable[[contract.NozzleOrder, CallContext], Awaitable[contract.OrderReply]]:
        """Return what answers one kind of order."""

        async def answer(
            order: contract.NozzleOrder, call: CallContext
        ) -> contract.OrderReply:
            answered = await self._control.give(
                order.order_id,
                order.nozzle_no,
                kind,
                actor_of(call),
                preset_quantity_milli=order.preset_quantity_milli,
                preset_amount_e4=order.preset_amount_e4,
            )
            return _reply(answered)

        return answer

    async def stop_all(
        self, order: contract.StopAll, call: CallContext
    ) -> contract.StopReplies:
        """Stop every nozzle."""
        answers = await self._control.stop_all(order.order_id, actor_of(call))
        return contract.StopReplies(replies=tuple(map(_reply, answers)))

    async def abilities(self, _: Nothing, call: CallContext) -> contract.Abilities:
        """Return which orders each nozzle can be given."""
        return contract.Abilities(
            nozzles=tuple(
                contract.NozzleAbilities(
                    nozzle_no=number, orders=tuple(map(str, kinds))
                )
                for number, kinds in sorted(self._control.abilities().items())
            )
        )


def _reply(answered: Answered) -> contract.OrderReply:
    return contract.OrderReply(
        nozzle_no=answered.nozzle_no,
        outcome=str(answered.outcome),
        wants_a_person=answered.wants_a_person,
        text=answered.text,
        facts=facts_of(answered.facts),
    )
