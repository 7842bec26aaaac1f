"""Answers for the vendor's tickets."""

from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import vendor as contract
from cngstation.rpc.dialogue import Handlers
from cngstation.services import keep_parameters
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.station_key import identity_of


class VendorAnswers:
    """Answers for the vendor's tickets."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.VENDOR_ACCEPT, self.accept)

    async def accept(
        self, request: contract.VendorPaper, call: CallContext
    ) -> contract.VendorPass:
        """Let a technician in."""
        parts = self._parts
        assert parts.file is not None, "a daemon has its file"
        assert parts.people is not None, "the daemon has put them together"
        config = await keep_parameters.in_force(parts.database, parts.file)
        admitted = await parts.people.vendors.accept(
            request.ticket, identity_of(config), actor_of(call)
        )
        operator, ticket = admitted.operator, admitted.ticket
        return contract.VendorPass(
            operator_no=operator.operator_no,
            login_name=operator.login_name,
            holder=ticket.holder,
            rights=ticket.rights,
            until_ms=ticket.until_ms,
            reason=ticket.reason,
            password=admitted.password,
            password_hours=parts.rules.one_time_hours,
        )
