"""Shows operators, roles and outlets as the contract has them.

Who does not work for every outlet sees the operators and the roles of the own one.
"""

from collections import Counter
from collections.abc import Callable

from cngstation.domain.rights import EVERY_OUTLET, GROUPS, RIGHTS, ROLES, VENDOR
from cngstation.moments import Instant
from cngstation.rpc.contract import operators as contract
from cngstation.services import operator_guards as guards
from cngstation.services.lock_out import wait_of
from cngstation.services.one_hand import hand_of
from cngstation.storage import operators, roles
from cngstation.storage.audit import Actor
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection

_SEXES: dict[str, contract.Sex] = {"female": "female", "male": "male"}


def operator_rows(
    connection: Connection,
    actor: Actor,
    now: Instant,
    phone_masked: Callable[[Operator], str],
    *,
    skip: int = 0,
) -> contract.OperatorRows:
    """Return a page of the operators whom somebody may see, who have left last."""
    me, mine = guards.acting(connection, actor)
    everywhere = EVERY_OUTLET in mine
    names = {role.role_no: role.name for role in roles.every_role(connection)}
    seen = [
        operator
        for operator in operators.every(connection)
        if everywhere or operator.outlet_no == me.outlet_no
    ]
    seen.sort(key=lambda operator: operator.state == "retired")
    return contract.OperatorRows(
        rows=tuple(
            operator_row(
                operator,
                names,
                now,
                phone_masked(operator),
                hand_shown(connection, now, operator),
            )
            for operator in seen[skip : skip + contract.OPERATORS_A_PAGE]
        )
    )


def hand_shown(connection: Connection, now: Instant, operator: Operator) -> str:
    """Return of whose hand somebody at work is, empty for nobody's."""
    hand = hand_of(connection, now, operator.operator_no)
    is_own = hand == operator.operator_no or operator.role == VENDOR
    return "" if is_own or operator.state == "retired" else hand


def operator_row(
    operator: Operator,
    names: dict[str, str],
    now: Instant,
    phone_masked: str,
    hand: str,
) -> contract.OperatorRow:
    """Return an operator as the contract has it; `names` are of the station's roles."""
    wait = wait_of(operator, now)
    return contract.OperatorRow(
        operator_no=operator.operator_no,
        login_name=operator.login_name,
        full_name=operator.full_name,
        sex=_SEXES.get(operator.sex, ""),
        phone_masked=phone_masked,
        outlet_no=operator.outlet_no,
        role=operator.role,
        role_name=names.get(operator.role, operator.role),
        state=operator.state,
        must_change=bool(operator.must_change),
        wrong_tries=operator.wrong_tries,
        blocked_s=int(str(wait.facts["seconds"])) if wait else 0,
        hand=hand,
    )


def role_rows(connection: Connection, actor: Actor) -> contract.RoleRows:
    """Return the roles in use that somebody may see, the ready-made ones first."""
    me, mine = guards.acting(connection, actor)
    at_work = [o for o in operators.every(connection) if o.state != "retired"]
    having = Counter(operator.role for operator in at_work)
    ready_made = [
        contract.RoleRow(
            role_no=name,
            name=name,
            ready_made=True,
            rights=tuple(right.name for right in RIGHTS if right.name in held),
            outlet_no="",
            note="",
            operators=having[name],
            is_own=me.role == name,
        )
        for name, held in ROLES.items()
    ]
    own = [
        contract.RoleRow(
            role_no=role.role_no,
            name=role.name,
            ready_made=False,
            rights=tuple(right.name for right in RIGHTS if right.name in role.held),
            outlet_no=role.outlet_no,
            note=role.note,
            operators=having[role.role_no],
            is_own=me.role == role.role_no,
        )
        for role in roles.every_role(connection)
        if not role.retired
        and (EVERY_OUTLET in mine or role.outlet_no in {"", me.outlet_no})
    ]
    return contract.RoleRows(rows=(*ready_made, *own), rights=_functions())


def _functions() -> tuple[contract.RightRow, ...]:
    order = list(GROUPS)
    return tuple(
        contract.RightRow(name=right.name, group=GROUPS[right.group], title=right.title)
        for right in sorted(RIGHTS, key=lambda right: order.index(right.group))
    )


def outlet_rows(connection: Connection, till_outlet: str) -> contract.OutletRows:
    """Return every outlet."""
    at_work = [o for o in operators.every(connection) if o.state != "retired"]
    having = Counter(operator.outlet_no for operator in at_work)
    return contract.OutletRows(
        rows=tuple(
            contract.OutletRow(
                outlet_no=outlet.outlet_no,
                name=outlet.name,
                retired=bool(outlet.retired),
                operators=having[outlet.outlet_no],
                has_till=outlet.outlet_no == till_outlet,
            )
            for outlet in roles.every_outlet(connection)[: contract.MOST_OUTLETS]
        )
    )
