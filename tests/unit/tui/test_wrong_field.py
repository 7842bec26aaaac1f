"""After a refused save the cursor stands in the field that the refusal speaks of."""

import importlib
import pkgutil

import pytest

import cngstation.services
from cngstation.errors import Refusal, StationError, registered
from cngstation.services.approve import ReasonMissing, SecondPersonMissing
from cngstation.services.keep_till import MoreThanInTill
from cngstation.services.log_in import LoginRefused
from cngstation.services.own_password import OwnPasswordWrong
from cngstation.services.register_customers import (
    AlreadyRegistered,
    FieldEmpty,
    FieldWrong,
    IdNumberUnusual,
    PlateUnusual,
    UnknownCompany,
)
from tests.unit.tui.opened import SMALL, Opened, opened
from tui.functions import FUNCTIONS
from tui.screens.edit_rows import NotYesOrNo
from tui.screens.register_vehicle import RegisterVehicleScreen
from tui.wrong_field import FIELDS, wrong_field

_OF_VEHICLES = RegisterVehicleScreen.FIELDS
_TYPED = {field.name: "" for field in _OF_VEHICLES} | {
    "plate": "川A00001",
    "fleet-no": "117",
}


def _cursor(screen: Opened) -> str:
    return str(screen.app.focused.id) if screen.app.focused else ""


@pytest.mark.parametrize(
    ("refused", "name"),
    [
        (PlateUnusual(plate="川A00001"), "plate"),
        (IdNumberUnusual(why="checksum"), "id-no"),
        (FieldEmpty(field="cylinder inspection date"), "cylinder-due"),
        (FieldEmpty(field="company_no"), "company"),
        (FieldWrong(field="vehicle type", why="not one of the list"), "vehicle-type"),
        (FieldWrong(field="phone", why="digits"), "phone"),
        (AlreadyRegistered(what="117"), "fleet-no"),
        (AlreadyRegistered(what="川A00001"), "plate"),
        (UnknownCompany(company_no="0009"), "company"),
        (ReasonMissing(), ""),
        (Refusal(), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_refusal_of_a_vehicle_names_its_field(
    refused: StationError, name: str
) -> None:
    """By the service's word for it, by its code, or by what stands in it."""
    assert wrong_field(refused, _OF_VEHICLES, _TYPED) == name


def test_every_code_that_the_forms_know_exists() -> None:
    """A code that was renamed would send the cursor nowhere."""
    for package in (cngstation.services,):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    for function in FUNCTIONS:
        module_name = function.target.partition(":")[0]
        if ":" in function.target:
            importlib.import_module(f"tui.screens.{module_name}")
    assert NotYesOrNo.code in FIELDS
    assert FIELDS.keys() <= registered().keys()


async def test_the_cursor_of_a_form_goes_to_the_wrong_field() -> None:
    """Saved from the last field, refused for the first."""
    async with opened() as screen:
        await screen.press("f5")
        await screen.sees("Vehicle type")
        await screen.type("XY")
        await screen.press("enter")
        await screen.type("1")
        await screen.press("up", "up", "up")
        refused = FieldWrong(field="phone", why="digits, + - ( ) and spaces")
        screen.station.failing["vehicle.register"] = [refused]
        await screen.press("f2")
        await screen.sees("Phone is not well formed")
        assert _cursor(screen) == "phone"


async def test_a_sum_beyond_the_till_brings_the_cursor_to_the_amount() -> None:
    """The amount is typed over: what stands there is chosen whole."""
    async with opened() as screen:
        screen.app.action_open("till_drop")
        await screen.type("500")
        await screen.press("enter")
        short = MoreThanInTill(amount="500.00")
        screen.station.failing["till.drop"] = [short]
        await screen.press("enter")
        await screen.sees("does not hold 500.00 yuan")
        assert _cursor(screen) == "amount"
        await screen.type("20")
        await screen.press("f2")
        await screen.until(lambda: len(screen.asked("till.drop")) == 2)
        assert screen.asked("till.drop")[1].amount_fen == 2_000


async def _reason_is_given(screen: Opened) -> None:
    """A card is to come off the blacklist; the second operator is still to be named."""
    screen.app.run_function("unblacklist")
    await screen.sees("Take a card off the blacklist")
    await screen.type("01000231")
    await screen.press("enter")
    await screen.sees("Second operator")
    await screen.type("paid")


async def test_an_act_for_two_without_the_second_asks_for_the_name() -> None:
    """The cursor stands where the second operator types."""
    async with opened() as screen:
        await _reason_is_given(screen)
        screen.station.failing["card.unblacklist"] = [SecondPersonMissing()]
        await screen.press("f2")
        await screen.sees("This takes two people.")
        assert _cursor(screen) == "own_password"


async def test_a_second_name_without_a_password_is_no_wrong_password() -> None:
    """Enter behind the name of the second operator costs no try; the cursor waits."""
    async with opened() as screen:
        await _reason_is_given(screen)
        await screen.press("enter")
        await screen.type("mine")
        await screen.press("enter")
        await screen.type("boss")
        screen.station.failing["card.unblacklist"] = [SecondPersonMissing()]
        await screen.press("f2")
        await screen.sees("This takes two people.")
        (order,) = screen.asked("card.unblacklist")
        assert order.approval is None
        assert _cursor(screen) == "second_password"


async def test_a_wrong_second_password_is_typed_anew() -> None:
    """What is typed next does not stand behind the wrong one."""
    async with opened() as screen:
        await _reason_is_given(screen)
        await screen.press("enter")
        await screen.type("mine")
        await screen.press("enter")
        await screen.type("boss")
        await screen.press("enter")
        await screen.type("wrong1")
        screen.station.failing["card.unblacklist"] = [LoginRefused(left=2)]
        await screen.press("enter")
        await screen.sees("User name or password is wrong")
        await screen.type("right1")
        await screen.press("enter")
        await screen.sees("is off the blacklist")
        orders = screen.asked("card.unblacklist")
        secrets = [o.approval.password.get_secret_value() for o in orders]
        assert secrets == ["wrong1", "right1"]


@pytest.mark.parametrize(
    ("language", "label", "told"),
    [
        ("en", "Your password", "The password of whoever is logged in here is wrong"),
        ("zh_CN", "本人密码", "本人密码错误"),
    ],
)
async def test_the_own_password_is_typed_first_and_typed_anew(
    language: str, label: str, told: str
) -> None:
    """On the smallest screen; dots only, sent with the second's, cleared when wrong."""
    async with opened(language=language, size=SMALL) as screen:
        screen.app.run_function("unblacklist")
        await screen.rest()
        await screen.type("01000231")
        await screen.press("enter")
        await screen.sees(label)
        for typed in ("paid", "mine12", "boss", "theirs"):
            await screen.type(typed)
            if typed != "theirs":
                await screen.press("enter")
        screen.station.failing["card.unblacklist"] = [OwnPasswordWrong(left=2)]
        await screen.press("enter")
        await screen.sees(told)
        assert "mine12" not in screen.text()
        assert _cursor(screen) == "own_password"
        await screen.type("mine34")
        await screen.press("f2")
        await screen.until(lambda: len(screen.asked("card.unblacklist")) == 2)
        given = [order.approval for order in screen.asked("card.unblacklist")]
        own = [a.own_password.get_secret_value() for a in given]
        assert own == ["mine12", "mine34"]
        assert {a.password.get_secret_value() for a in given} == {"theirs"}


async def test_text_that_no_message_carries_is_named_by_the_label() -> None:
    """The contract's own name of the field is not shown."""
    async with opened() as screen:
        await screen.press("f5")
        await screen.sees("Vehicle type")
        await screen.type("XY")
        await screen.press("enter")
        await screen.type("1")
        await screen.press(*["enter"] * 7)
        await screen.type("2027-03-15")
        due = screen.app.focused
        assert due is not None
        assert due.id == "cylinder-due"
        screen.app.screen.query_one("#driver").value = "\u202e"  # type: ignore[attr-defined]
        await screen.press("f2")
        await screen.sees("cannot be used, or is too long: Driver.")
        assert _cursor(screen) == "driver"
