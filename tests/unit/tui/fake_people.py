"""The people of a station in memory: operators, roles, outlets, passwords."""

from typing import Any

from pydantic import SecretStr

from cngstation.domain.rights import GROUPS, RIGHTS, ROLES
from cngstation.rpc.contract import counter as c
from cngstation.rpc.session import Nothing
from cngstation.services.change_password import PasswordsDiffer

GIVEN = "k7mq3xhd9w"


def operator(number: int, **changes: Any) -> c.OperatorRow:
    """Return a row of the operators."""
    row = c.OperatorRow(
        operator_no=str(number), login_name=f"op{number}", full_name=f"王{number}",
        sex="", phone_masked="139****1234", outlet_no="1001", role="junior",
        role_name="junior", state="active", must_change=False, wrong_tries=0,
        blocked_s=0,
    )  # fmt: skip
    return row.model_copy(update=changes)


def role(level: str, **changes: Any) -> c.RoleRow:
    """Return a row of the roles."""
    row = c.RoleRow(
        role_no=level, name=level, ready_made=True, rights=tuple(sorted(ROLES[level])),
        outlet_no="", note="", operators=1, is_own=False,
    )  # fmt: skip
    return row.model_copy(update=changes)


class FakePeople:
    """Answers what is asked of the people; holds their rows."""

    def __init__(self) -> None:
        self.operators = [operator(1001), operator(1002, state="locked")]
        self.operators[0] = operator(1001, hand="1")
        night = {"role_no": "R1", "name": "夜班", "ready_made": False, "note": "x"}
        self.roles = [*map(role, ROLES), role("general", **night)]
        self.outlets = [
            c.OutletRow(
                outlet_no=number, name=name, retired=False, operators=2,
                has_till=number == "1001",
            )
            for number, name in (("1001", "默认网点"), ("1002", "城西网点"))
        ]  # fmt: skip

    async def _operator_list(self, query: Any) -> Any:
        page = self.operators[query.skip : query.skip + c.OPERATORS_A_PAGE]
        return c.OperatorRows(rows=tuple(page))

    async def _operator_add(self, draft: Any) -> Any:
        self.operators.append(operator(1003, login_name=draft.login_name))
        return c.OneTimePassword(
            operator_no="1003",
            login_name=draft.login_name,
            password=SecretStr(GIVEN),
            hours=24,
        )

    async def _operator_reset_password(self, order: Any) -> Any:
        return c.OneTimePassword(
            operator_no=order.operator_no,
            login_name="x",
            password=SecretStr(GIVEN),
            hours=24,
        )

    async def _operator_edit(self, edit: Any) -> Any:
        return operator(int(edit.operator_no), full_name=edit.draft.full_name)

    async def _operator_lock(self, order: Any) -> Any:
        return operator(int(order.operator_no))

    _operator_unlock = _operator_retire = _operator_vouch = _operator_lock

    async def _operator_change_password(self, typed: Any) -> Any:
        if typed.new != typed.again:
            raise PasswordsDiffer
        return Nothing()

    async def _role_list(self, _: Any) -> Any:
        functions = tuple(
            c.RightRow(name=right.name, group=GROUPS[right.group], title=right.title)
            for right in RIGHTS
        )
        return c.RoleRows(rows=tuple(self.roles), rights=functions)

    _role_write = _role_retire = _role_list

    async def _outlet_list(self, _: Any) -> Any:
        return c.OutletRows(rows=tuple(self.outlets))

    _outlet_write = _outlet_list
