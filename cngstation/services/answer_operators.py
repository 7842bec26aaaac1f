"""Answers for operators, roles, outlets and the own password."""

from collections.abc import Awaitable, Callable

from cngstation.errors import NotLoggedIn
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import operators as contract
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.change_password import NewPassword
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.keep_operators import OneTime, OperatorDraft
from cngstation.services.keep_roles import RoleDraft
from cngstation.services.log_in import StaffSession
from cngstation.services.people import People
from cngstation.services.show_operators import (
    hand_shown,
    operator_row,
    operator_rows,
    outlet_rows,
    role_rows,
)
from cngstation.storage import operators, roles
from cngstation.storage.audit import Actor
from cngstation.storage.operators import Operator
from cngstation.storage.roles import Outlet
from cngstation.storage.sqlite import Connection


class OperatorAnswers:
    """Answers for the station's people."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.OPERATOR_LIST, self.list_operators)
        made.add(contract.OPERATOR_ADD, self.add)
        made.add(contract.OPERATOR_EDIT, self.edit)
        made.add(contract.OPERATOR_LOCK, self.lock)
        made.add(contract.OPERATOR_UNLOCK, self.unlock)
        made.add(contract.OPERATOR_RETIRE, self.retire)
        made.add(contract.OPERATOR_RESET, self.reset_password)
        made.add(contract.OPERATOR_VOUCH, self.vouch)
        made.add(contract.OPERATOR_CHANGE_PASSWORD, self.change_password)
        made.add(contract.ROLE_LIST, self.list_roles)
        made.add(contract.ROLE_WRITE, self.write_role)
        made.add(contract.ROLE_RETIRE, self.retire_role)
        made.add(contract.OUTLET_LIST, self.list_outlets)
        made.add(contract.OUTLET_WRITE, self.write_outlet)

    @property
    def _people(self) -> People:
        assert self._parts.people is not None, "the daemon has put them together"
        return self._parts.people

    async def list_operators(
        self, request: contract.OperatorQuery, call: CallContext
    ) -> contract.OperatorRows:
        """Return the operators whom the caller may see."""
        actor, now = actor_of(call), self._parts.clock.now()
        masked = self._people.operators.phone_masked
        return await self._parts.database.read(
            lambda connection: operator_rows(
                connection, actor, now, masked, skip=request.skip
            )
        )

    async def add(
        self, request: contract.OperatorDraft, call: CallContext
    ) -> contract.OneTimePassword:
        """Hire an operator."""
        made = await self._people.operators.add(
            OperatorDraft(**request.model_dump()), actor_of(call)
        )
        return await self._one_time(made)

    async def edit(
        self, request: contract.OperatorEdit, call: CallContext
    ) -> contract.OperatorRow:
        """Change an operator."""
        return await self._row(
            await self._people.operators.edit(
                request.operator_no,
                OperatorDraft(**request.draft.model_dump()),
                request.reason,
                actor_of(call),
            )
        )

    async def lock(
        self, request: contract.OperatorOrder, call: CallContext
    ) -> contract.OperatorRow:
        """Lock an operator."""
        return await self._ordered(self._people.operators.lock, request, call)

    async def unlock(
        self, request: contract.OperatorOrder, call: CallContext
    ) -> contract.OperatorRow:
        """Unlock an operator."""
        return await self._ordered(self._people.operators.unlock, request, call)

    async def retire(
        self, request: contract.OperatorOrder, call: CallContext
    ) -> contract.OperatorRow:
        """Let an operator go."""
        return await self._ordered(self._people.operators.retire, request, call)

    async def reset_password(
        self, request: contract.OperatorOrder, call: CallContext
    ) -> contract.OneTimePassword:
        """Give an operator a password for one login."""
        made = await self._people.operators.reset_password(
            request.operator_no, request.reason, actor_of(call)
        )
        return await self._one_time(made)

    async def vouch(
        self, request: contract.Vouch, call: CallContext
    ) -> contract.OperatorRow:
        """Vouch for an operator."""
        number, own = request.operator_no, request.own_password
        vouching, actor = self._people.vouching, actor_of(call)
        return await self._row(await vouching.vouch(number, own, request.reason, actor))

    async def change_password(
        self, request: contract.PasswordChange, call: CallContext
    ) -> Nothing:
        """Change the caller's password."""
        if not isinstance(call.session, StaffSession):
            raise NotLoggedIn
        typed = NewPassword(request.old, request.new, request.again)
        await self._people.own_passwords.change(call.session, typed)
        return Nothing()

    async def list_roles(self, _: Nothing, call: CallContext) -> contract.RoleRows:
        """Return the roles and the functions."""
        actor = actor_of(call)
        return await self._parts.database.read(
            lambda connection: role_rows(connection, actor)
        )

    async def write_role(
        self, request: contract.RoleDraft, call: CallContext
    ) -> contract.RoleRows:
        """Make or change a role."""
        draft = RoleDraft(**request.model_dump(exclude={"reason"}))
        await self._people.roles.write(draft, request.reason, actor_of(call))
        return await self.list_roles(Nothing(), call)

    async def retire_role(
        self, request: contract.RoleOrder, call: CallContext
    ) -> contract.RoleRows:
        """Take a role out of use."""
        await self._people.roles.retire(request.role_no, request.reason, actor_of(call))
        return await self.list_roles(Nothing(), call)

    async def list_outlets(self, _: Nothing, call: CallContext) -> contract.OutletRows:
        """Return the outlets."""
        till_outlet = self._people.outlets.till_outlet
        return await self._parts.database.read(
            lambda connection: outlet_rows(connection, till_outlet)
        )

    async def write_outlet(
        self, request: contract.OutletDraft, call: CallContext
    ) -> contract.OutletRows:
        """Register or change an outlet."""
        outlet = Outlet(request.outlet_no, request.name, int(request.retired))
        await self._people.outlets.write(outlet, request.reason, actor_of(call))
        return await self.list_outlets(Nothing(), call)

    async def _one_time(self, made: OneTime) -> contract.OneTimePassword:
        found = await self._parts.database.read(
            lambda connection: operators.find(connection, made.operator_no)
        )
        return contract.OneTimePassword(
            operator_no=made.operator_no,
            login_name=found.login_name if found else "",
            password=made.password,
            hours=self._parts.rules.one_time_hours,
        )

    async def _ordered(
        self,
        order: Callable[[str, str, Actor], Awaitable[Operator]],
        request: contract.OperatorOrder,
        call: CallContext,
    ) -> contract.OperatorRow:
        number, reason = request.operator_no, request.reason
        return await self._row(await order(number, reason, actor_of(call)))

    async def _row(self, operator: Operator) -> contract.OperatorRow:
        now, masked = self._parts.clock.now(), self._people.operators.phone_masked

        def question(connection: Connection) -> contract.OperatorRow:
            names = {role.role_no: role.name for role in roles.every_role(connection)}
            hand = hand_shown(connection, now, operator)
            return operator_row(operator, names, now, masked(operator), hand)

        return await self._parts.database.read(question)
