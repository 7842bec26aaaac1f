"""People: operators, roles, outlets, the own password."""

from cngstation.language import mark
from tui.functions.function import SETTINGS, Function

FUNCTIONS = (
    Function(
        "operators",
        SETTINGS,
        mark("Operators: hire, lock, passwords"),
        "czygl gly yhgl tjsdmm tj sd mm",
        "operators:OperatorsScreen",
    ),
    Function(
        "staff_cards",
        SETTINGS,
        mark("Staff cards for the login"),
        "ygkgl ygk dlscyz scyz",
        "staff_cards:StaffCardsScreen",
    ),
    Function(
        "roles",
        SETTINGS,
        mark("Roles and what they may do"),
        "jsqx js qx",
        "roles:RolesScreen",
    ),
    Function(
        "outlets",
        SETTINGS,
        mark("Outlets"),
        "wd",
        "operators:OutletsScreen",
    ),
    Function(
        "own_password",
        SETTINGS,
        mark("Change my password"),
        "xgwdmm xgmm gmm mm",
        "people_forms:OwnPasswordScreen",
    ),
)
