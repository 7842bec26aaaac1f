"""What dispensers are told: orders, lists and prices."""

from cngstation.language import mark
from tui.functions.function import UPKEEP, Function

FUNCTIONS = (
    Function(
        "board",
        UPKEEP,
        mark("Every nozzle, and today's sales"),
        "qwztydrjqqx qwzt drjqqx jqjsb",
        "board:BoardScreen",
        "F2",
    ),
    Function(
        "alarms",
        UPKEEP,
        mark("Alarms and events of dispensers"),
        "bjyjqjsj bj bjlb",
        "alarms:AlarmsScreen",
        "a",
    ),
    Function(
        "nozzle_orders",
        UPKEEP,
        mark("Nozzles: lock, authorise, stop"),
        "jqqkz sq sqsqtz tz jq",
        "nozzle_orders:NozzleOrdersScreen",
    ),
    Function(
        "refetch",
        UPKEEP,
        mark("Fetch records again"),
        "bcjl bc jqjlbc",
        "refetch:RefetchScreen",
    ),
    Function(
        "lists",
        UPKEEP,
        mark("Lists and prices at the dispensers"),
        "hmdydjxz hmd xzhmd djxz",
        "lists:ListsScreen",
    ),
    Function(
        "listed_numbers",
        UPKEEP,
        mark("Numbers on the black and the white list"),
        "hbmdkh hmdbmdkh ckhmd",
        "listed_numbers:ListedNumbersScreen",
    ),
    Function(
        "list_number",
        UPKEEP,
        mark("A number on the blacklist by hand"),
        "bjhmdkh hmdbj",
        "lists:ListNumberScreen",
    ),
    Function(
        "list_files",
        UPKEEP,
        mark("Lists from a file"),
        "cwjdrmd wjdrmd drmd",
        "list_files:ListFilesScreen",
    ),
)
