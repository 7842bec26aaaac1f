"""Answers for acts that are open: go on, undo, say where one stands."""

from cngstation.errors import Refusal
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply
from cngstation.rpc.dialogue import Handlers
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.tell_act import act_reply
from cngstation.storage import journal
from cngstation.storage.journal import Intent


class NoSuchAct(Refusal):
    """There is no open act with this id."""

    code = "refusal.no_such_act"
    text = "There is no such open act. Nothing was done."


class ActAnswers:
    """Answers for acts that are open: go on, undo, say where one stands."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.CARD_SETTLE, self.settle)
        made.add(counter.CARD_GIVE_BACK, self.give_back)
        made.add(counter.ACT_FIND, self.find_act)

    async def settle(self, request: counter.ActRequest, call: CallContext) -> ActReply:
        """Go on with an open act from the card on the reader."""
        async with self._parts.watch.borrow() as port:
            intent = await self._open(request.intent_id)
            reading = await port.read(bytes.fromhex(intent.uid))
            result = await self._parts.acts.settle(intent, reading, port)
        self._parts.watch.show_again()
        return act_reply(result, request.intent_id)

    async def give_back(
        self, request: counter.ActRequest, call: CallContext
    ) -> ActReply:
        """Undo an open act whose card proves that it was not written."""
        async with self._parts.watch.borrow() as port:
            intent = await self._open(request.intent_id)
            reading = await port.read(bytes.fromhex(intent.uid))
            result = await self._parts.acts.give_back(
                intent, reading, actor_of(call).operator_no
            )
        self._parts.watch.show_again()
        return act_reply(result, request.intent_id)

    async def find_act(
        self, request: counter.ActRequest, call: CallContext
    ) -> ActReply:
        """Say where an act stands."""
        result = await self._parts.acts.result_of(request.intent_id)
        return act_reply(result, request.intent_id)

    async def _open(self, intent_id: str) -> Intent:
        intent = await self._parts.database.read(
            lambda connection: journal.find(connection, intent_id)
        )
        if intent is None or intent.state not in journal.OPEN_STATES:
            raise NoSuchAct
        return intent
