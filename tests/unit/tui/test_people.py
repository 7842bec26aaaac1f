"""Operators, roles, outlets and passwords on the screen, by the keyboard alone."""

import pytest
from textual.widgets import Input

from cngstation.rpc.failures import NotConnected
from cngstation.services.log_in import ScreenLocked
from tests.unit.tui.fake_people import GIVEN, operator
from tests.unit.tui.fake_rows import card
from tests.unit.tui.opened import SMALL, WIDE, Opened, opened
from tui.link import Part
from tui.screens.first_password import FirstPasswordScreen
from tui.screens.people_forms import OneTimeScreen

NEW = "meimima-77"


async def _type_into(screen: Opened, **texts: str) -> None:
    """Put texts into fields by their names."""
    for name, text in texts.items():
        screen.app.screen.query_one(f"#{name}", Input).value = text
    await screen.rest()


# The first login.


async def test_a_given_password_opens_nothing_but_its_change() -> None:
    """No function, no lock, no palette; a wrong second typing is said."""
    async with opened(login=False) as screen:
        screen.link.must_change = True
        await screen.app.sign_in("wang", "right")
        await screen.sees("given for one login")
        await screen.press("f3", "f6", "f8", "ctrl+k", "ctrl+p")
        assert isinstance(screen.app.screen, FirstPasswordScreen)
        await screen.type("meimima-77")
        await screen.press("enter")
        await screen.type("meimima-78")
        await screen.press("enter")
        await screen.sees("not typed the same twice")
        await screen.type(NEW)
        await screen.press("enter")
        await screen.type(NEW)
        assert NEW not in screen.text()
        await screen.press("enter")
        await screen.sees("0316")
        typed = screen.asked("operator.change_password")[-1]
        secrets = [typed.old, typed.new, typed.again]
        assert [secret.get_secret_value() for secret in secrets] == ["right", NEW, NEW]
        await screen.press("f6")
        await screen.sees("Vehicles")


async def test_a_first_login_that_is_left_alone_is_over() -> None:
    """Keys keep it; the service's lock brings the login back, nothing typed is kept."""
    async with opened(login=False) as screen:
        screen.link.must_change = True
        await screen.app.sign_in("wang", "right")
        await screen.sees("given for one login")
        await screen.type("meimi")
        assert screen.link.touches == 1
        screen.link.down(Part.COUNTER, NotConnected(part="x", why="y"))
        await screen.rest()
        assert isinstance(screen.app.screen, FirstPasswordScreen)
        screen.link.down(Part.COUNTER, ScreenLocked())
        await screen.sees("Nobody was at the screen.")
        assert "given for one login" not in screen.text()
        assert screen.link.logged_out
        assert len(screen.app.screen_stack) == 1


async def test_who_leaves_the_first_login_is_logged_out() -> None:
    """Esc ends the session and shows the login."""
    async with opened(login=False) as screen:
        screen.link.must_change = True
        await screen.app.sign_in("wang", "right")
        await screen.sees("given for one login")
        await screen.press("escape")
        await screen.sees("Enter logs in")
        assert screen.link.logged_out
        assert screen.asked("operator.change_password") == []


# Operators.


async def test_an_operator_is_hired_and_the_password_read_before_it_goes() -> None:
    """A card does not push the page away; afterwards the new row is marked."""
    async with opened() as screen:
        screen.app.action_open("operators")
        await screen.sees("op1001")
        await screen.press("n")
        await screen.sees("2 junior operator")
        await screen.type("wangfang")
        await screen.press("enter")
        await screen.type("Wang")
        await screen.press("enter")
        await screen.type("6")
        await screen.sees("夜班")
        await screen.press("f2")
        await screen.sees(GIVEN)
        draft = screen.asked("operator.add")[0]
        assert (draft.login_name, draft.role, draft.outlet_no, draft.sex) == (
            "wangfang", "R1", "1001", "",
        )  # fmt: skip
        screen.station.put(card())
        await screen.rest()
        assert isinstance(screen.app.screen, OneTimeScreen)
        await screen.press("enter")
        await screen.sees("was shown once")
        assert GIVEN not in screen.text()
        await screen.press("l")
        await screen.sees("1003")


async def test_what_is_none_of_the_list_is_not_asked_for() -> None:
    """A role that is not there brings the cursor back."""
    async with opened() as screen:
        screen.app.action_open("operators")
        await screen.sees("op1001")
        await screen.press("n")
        await screen.sees("2 junior operator")
        await _type_into(screen, login_name="wf", full_name="W", role="77")
        await screen.press("f2")
        await screen.sees("77 is none of the list")
        assert screen.app.screen.focused.id == "role"  # type: ignore[union-attr]
        await _type_into(screen, role="2", sex="7")
        await screen.press("f2")
        await screen.sees("7 is none of the list")
        assert screen.asked("operator.add") == []


@pytest.mark.parametrize(
    ("key", "method", "said"),
    [
        ("l", "operator.lock", "is locked"),
        ("u", "operator.unlock", "may work again"),
        ("x", "operator.retire", "the number is kept"),
        ("r", "operator.reset_password", GIVEN),
    ],
)
async def test_each_letter_asks_for_its_reason(
    key: str, method: str, said: str
) -> None:
    """The marked operator, and why."""
    async with opened() as screen:
        screen.app.action_open("operators")
        await screen.sees("op1002")
        await screen.press("down", key)
        await screen.sees("must be filled in")
        await screen.type("leaves")
        await screen.press("enter")
        await screen.sees(said)
        order = screen.asked(method)[0]
        assert (order.operator_no, order.reason) == ("1002", "leaves")


async def test_somebody_vouches_with_the_own_password() -> None:
    """Whose name it is stands in the list until then; the password is dots."""
    async with opened() as screen:
        screen.app.action_open("operators")
        await screen.sees("made by 1")
        await screen.press("v")
        await screen.sees("Vouch for an operator")
        await screen.type("my own secret")
        assert "my own secret" not in screen.text()
        await screen.press("enter")
        await screen.type("is my colleague")
        await screen.press("enter")
        await screen.sees("You have vouched for operator 1001")
        (vouch,) = screen.asked("operator.vouch")
        assert (vouch.operator_no, vouch.reason) == ("1001", "is my colleague")
        assert vouch.own_password.get_secret_value() == "my own secret"


async def test_a_form_begins_with_what_is_there() -> None:
    """The phone number stays hidden and sent only when typed; Esc changes nothing."""
    async with opened() as screen:
        screen.app.action_open("operators")
        await screen.sees("op1001")
        await screen.press("enter")
        await screen.sees("139****1234")
        await _type_into(screen, role="3", reason="promoted")
        await screen.press("f2")
        await screen.sees("is changed")
        edit = screen.asked("operator.edit")[0]
        assert (edit.draft.role, edit.draft.phone, edit.draft.login_name) == (
            "middle", "", "op1001",
        )  # fmt: skip
        await screen.press("enter")
        await screen.sees("Change an operator")
        await screen.press("escape")
        await screen.sees("op1002")
        assert len(screen.asked("operator.edit")) == 1


async def test_every_page_of_the_operators_is_fetched() -> None:
    """Also when the last page is full."""
    async with opened() as screen:
        screen.station.operators = [operator(n) for n in range(1001, 1201)]
        screen.app.action_open("operators")
        await screen.sees("op1001")
        await screen.press("end")
        await screen.sees("op1200")
        assert [query.skip for query in screen.asked("operator.list")] == [0, 100, 200]


# Roles.


async def test_a_role_is_built_from_a_copy() -> None:
    """A ready-made one stays as it is; its copy gains a group and loses a function."""
    async with opened() as screen:
        screen.app.action_open("roles")
        await screen.sees("administrator")
        await screen.press("enter")
        await screen.sees("[x] Cards")
        await screen.press("space")
        await screen.sees("stays as it is")
        await screen.press("f2")
        assert screen.asked("role.write") == []
        await screen.press("c", "g", "space", "f2")
        await screen.sees("Name and note")
        await screen.type("Night")
        await screen.press("f2")
        await screen.sees("Role Night has")
        draft = screen.asked("role.write")[0]
        assert "card.read" not in draft.rights
        assert {"card.issue", "card.cancel"} <= set(draft.rights)
        assert (draft.role_no, draft.name, draft.reason) == ("", "Night", "")


async def test_a_role_of_ones_own_is_changed_with_a_reason_and_retired() -> None:
    """Esc goes back step by step; what was given is kept till it is left."""
    async with opened() as screen:
        screen.app.action_open("roles")
        await screen.sees("夜班")
        await screen.press("end", "enter", "down", "space", "f2")
        await screen.sees("must be filled in")
        await screen.press("escape")
        await screen.sees("2 of")
        await screen.press("f2")
        await _type_into(screen, outlet="1002", reason="more at night")
        await screen.press("f2")
        await screen.sees("Role 夜班 has 2 functions")
        draft = screen.asked("role.write")[0]
        assert (draft.role_no, draft.outlet_no, draft.reason) == (
            "R1", "1002", "more at night",
        )  # fmt: skip
        await screen.press("x")
        await screen.type("unused")
        await screen.press("enter")
        await screen.sees("is retired")
        assert screen.asked("role.retire")[0].role_no == "R1"


# Outlets and the own password.


async def test_outlets_are_registered_renamed_and_retired() -> None:
    """The number is typed once and stays."""
    async with opened() as screen:
        screen.app.action_open("outlets")
        await screen.sees("城西网点")
        await screen.press("n")
        await screen.type("1003")
        await screen.press("enter")
        await screen.type("East")
        await screen.press("enter")
        await screen.sees("Outlet 1003 East")
        await screen.press("down", "enter")
        await _type_into(screen, retired="q", reason="closed")
        await screen.press("f2")
        await screen.sees("q is none of the list")
        await _type_into(screen, retired="y")
        await screen.press("f2")
        await screen.until(lambda: len(screen.asked("outlet.write")) == 2)
        added, retired = screen.asked("outlet.write")
        assert (added.outlet_no, added.retired) == ("1003", False)
        assert (retired.outlet_no, retired.retired) == ("1002", True)


async def test_the_own_password_is_dots() -> None:
    """Two typings that differ are said; nothing typed is seen."""
    async with opened() as screen:
        screen.app.action_open("own_password")
        for text in ("right", NEW, "other-one"):
            await screen.type(text)
            assert text not in screen.text()
            await screen.press("enter")
        await screen.sees("not typed the same twice")
        assert [field.value for field in screen.app.screen.query(Input)] == [
            "right", "", "",
        ]  # fmt: skip
        await _type_into(screen, new=NEW, again=NEW)
        await screen.press("f2")
        await screen.sees("logged out everywhere else")


PAGES = (
    ("operators", "", ("139****1234", "已锁定", "x 停用", "Esc 返回")),
    ("operators", "n", ("6 夜班", "1002 城西网点", "Esc 返回，不保存")),
    ("operators", "enter", ("139****1234", "必填", "Esc 返回，不保存")),
    ("roles", "", ("夜班", "预设", "x 停用  Esc 返回")),
    ("roles", "enter", ("[x] 卡", "c 复制后修改", "Esc 返回")),
    ("outlets", "", ("本钱箱", "城西网点", "n 添加网点  Esc 返回")),
    ("own_password", "", ("再输入一次", "Esc 返回，不保存")),
)


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_every_page_is_whole(size: tuple[int, int]) -> None:
    """First and last column, what can be chosen, and every key, also at 80x24."""
    async with opened(size=size, language="zh_CN") as screen:
        for name, opening, seen in PAGES:
            screen.app.action_open(name)
            if opening:
                await screen.sees(PAGES[0 if name == "operators" else 3][2][0])
                await screen.press(opening)
            for text in seen:
                await screen.sees(text)
            screen.app.back_to_counter()
            await screen.rest()
