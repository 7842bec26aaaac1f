"""Operators, roles and outlets; the own password."""

from typing import Annotated, Literal

from pydantic import Field

from cngstation.rpc.contract.figures import Word
from cngstation.rpc.method import LOGGED_IN, OWN_LOGIN, Line, Message, Method, Text
from cngstation.rpc.session import MOST_RIGHTS, Nothing, RightName, Secret

MOST_ROLES, MOST_OUTLETS, OPERATORS_A_PAGE = 100, 100, 100
OperatorNo = Annotated[str, Field(pattern=r"^V?[0-9]{1,9}$")]  # V: the vendor's
RoleNo = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,20}$")]
OutletNo = Annotated[str, Field(pattern=r"^[0-9]{1,4}$")]
RightNames = Annotated[tuple[RightName, ...], Field(max_length=MOST_RIGHTS)]
Sex = Literal["", "female", "male"]


class OperatorRow(Message):
    """An operator; `blocked_s` is how long wrong passwords still make them wait.

    `hand` is the number of who gave the password, until somebody vouches.
    """

    operator_no: Word
    login_name: Line
    full_name: Line
    sex: Sex
    phone_masked: Word
    outlet_no: Word
    role: Word
    role_name: Line
    state: Word
    must_change: bool
    wrong_tries: int
    blocked_s: int
    hand: Word = ""


class OperatorQuery(Message):
    """Which page of the operators is wanted: how many stand before it."""

    skip: Annotated[int, Field(ge=0, le=10**6)] = 0


class OperatorRows(Message):
    """A page of the operators whom the caller may see, those who have left last."""

    rows: Annotated[tuple[OperatorRow, ...], Field(max_length=OPERATORS_A_PAGE)]


class OperatorDraft(Message):
    """An operator as it is to be; an empty phone number stays what it is."""

    login_name: Line
    full_name: Line
    sex: Sex
    phone: Annotated[Line, Field(repr=False)]
    outlet_no: OutletNo
    role: RoleNo


class OperatorEdit(Message):
    """An operator to be changed, and why."""

    operator_no: OperatorNo
    draft: OperatorDraft
    reason: Text


class OperatorOrder(Message):
    """Which operator is meant, and why."""

    operator_no: OperatorNo
    reason: Text


class Vouch(Message):
    """For whom somebody vouches and why, with the own password."""

    operator_no: OperatorNo
    reason: Text
    own_password: Secret


class OneTimePassword(Message):
    """A password that is good for one login; it is told here and nowhere else."""

    operator_no: Word
    login_name: Line
    password: Secret
    hours: int


class PasswordChange(Message):
    """The own password as it is, and the new one twice."""

    old: Secret
    new: Secret
    again: Secret


class RightRow(Message):
    """A function that a role can have, under its group; texts are English."""

    name: RightName
    group: Text
    title: Text


class RoleRow(Message):
    """A role; `outlet_no` is empty for one of every outlet.

    The name of a ready-made role is a word of the contract. `is_own` is the caller's.
    """

    role_no: Word
    name: Line
    ready_made: bool
    rights: RightNames
    outlet_no: Word
    note: Text
    operators: int
    is_own: bool


class RoleRows(Message):
    """The roles in use, and every function that there is, in order of their groups."""

    rows: Annotated[tuple[RoleRow, ...], Field(max_length=MOST_ROLES)]
    rights: Annotated[tuple[RightRow, ...], Field(max_length=MOST_RIGHTS)]


class RoleDraft(Message):
    """A role as it is to be; a new one without a number."""

    role_no: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,20}$")] = ""
    name: Line
    rights: RightNames
    outlet_no: Annotated[str, Field(pattern=r"^([0-9]{1,4})?$")]
    note: Text
    reason: Text = ""


class RoleOrder(Message):
    """Which role is meant, and why."""

    role_no: RoleNo
    reason: Text


class OutletRow(Message):
    """An outlet; `has_till` is that of this station's till."""

    outlet_no: Word
    name: Line
    retired: bool
    operators: int
    has_till: bool


class OutletRows(Message):
    """The outlets, by number."""

    rows: Annotated[tuple[OutletRow, ...], Field(max_length=MOST_OUTLETS)]


class OutletDraft(Message):
    """An outlet as it is to be; one that there is is changed, with a reason."""

    outlet_no: OutletNo
    name: Line
    retired: bool = False
    reason: Text = ""


_READ, _WRITE = "operator.read", "operator.write"
OPERATOR_LIST = Method(
    "operator.list", OperatorQuery, OperatorRows, _READ, changes=False
)
OPERATOR_ADD = Method(
    "operator.add", OperatorDraft, OneTimePassword, _WRITE, changes=True
)
OPERATOR_EDIT = Method("operator.edit", OperatorEdit, OperatorRow, _WRITE, changes=True)
OPERATOR_LOCK = Method(
    "operator.lock", OperatorOrder, OperatorRow, _WRITE, changes=True
)
OPERATOR_UNLOCK = Method(
    "operator.unlock", OperatorOrder, OperatorRow, _WRITE, changes=True
)
OPERATOR_RETIRE = Method(
    "operator.retire", OperatorOrder, OperatorRow, _WRITE, changes=True
)
OPERATOR_RESET = Method(
    "operator.reset_password", OperatorOrder, OneTimePassword, _WRITE, changes=True
)
OPERATOR_VOUCH = Method(
    "operator.vouch", Vouch, OperatorRow, "operator.vouch", changes=True
)
OPERATOR_CHANGE_PASSWORD = Method(
    "operator.change_password", PasswordChange, Nothing, OWN_LOGIN, changes=True
)
ROLE_LIST = Method("role.list", Nothing, RoleRows, _READ, changes=False)
ROLE_WRITE = Method("role.write", RoleDraft, RoleRows, "role.write", changes=True)
ROLE_RETIRE = Method("role.retire", RoleOrder, RoleRows, "role.write", changes=True)
OUTLET_LIST = Method("outlet.list", Nothing, OutletRows, LOGGED_IN, changes=False)
OUTLET_WRITE = Method(
    "outlet.write", OutletDraft, OutletRows, "outlet.write", changes=True
)

OPERATOR_METHODS = (
    OPERATOR_LIST,
    OPERATOR_ADD,
    OPERATOR_EDIT,
    OPERATOR_LOCK,
    OPERATOR_UNLOCK,
    OPERATOR_RETIRE,
    OPERATOR_RESET,
    OPERATOR_VOUCH,
    OPERATOR_CHANGE_PASSWORD,
    ROLE_LIST,
    ROLE_WRITE,
    ROLE_RETIRE,
    OUTLET_LIST,
    OUTLET_WRITE,
)
