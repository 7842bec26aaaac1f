"""The station and this screen: books, language, lock, help."""

from cngstation.language import mark
from tui.functions.function import SETTINGS, UPKEEP, Function

FUNCTIONS = (
    Function(
        "books",
        UPKEEP,
        mark("Check the books, finish what is open"),
        "hz hdzm wwc bcz zmjy",
        "books:BooksScreen",
        "F7",
    ),
    Function(
        "parameters",
        SETTINGS,
        mark("Station parameters"),
        "cssz cs xtcs ckss",
        "parameters:ParametersScreen",
    ),
    Function(
        "enrolment",
        SETTINGS,
        mark("Enrolment with head office"),
        "zc xzxzc zcm",
        "enrolment:EnrolmentScreen",
    ),
    Function(
        "audit_trail",
        UPKEEP,
        mark("Audit trail: who did what"),
        "sjjl hrzlhs czrz",
        "audit_trail:AuditTrailScreen",
    ),
    Function(
        "digest",
        UPKEEP,
        mark("Daily digest: what to look at"),
        "rbzy dryckdsx",
        "digest:DigestScreen",
    ),
    Function(
        "export_audit",
        UPKEEP,
        mark("File for an auditor"),
        "dcsjwj sjwj",
        "export_audit:ExportAuditScreen",
    ),
    Function(
        "language", SETTINGS, mark("Language: 中文 / English"), "yy zw", "language"
    ),
    Function(
        "theme",
        SETTINGS,
        mark("Colours: dark, light, contrast"),
        "ys ss qs gdb",
        "theme",
    ),
    Function("lock", SETTINGS, mark("Lock the screen"), "sp sd sdpm", "lock", "Ctrl+K"),
    Function("help", UPKEEP, mark("Help about this screen"), "bz bybz", "help", "F1"),
    Function(
        "lines",
        UPKEEP,
        mark("Lines of dispensers, their last frames"),
        "xl xlzd zjbw jqjxl",
        "lines:LinesScreen",
    ),
    Function(
        "ports",
        UPKEEP,
        mark("Ports and the way of download"),
        "dk dkxzfs dkyxzfs",
        "ports:PortsScreen",
    ),
    Function(
        "hands",
        UPKEEP,
        mark("Hands of the demonstration"),
        "ys mnss yscz dtsjhsyyds",
        "hands:HandsScreen",
        "F9",
        demo_only=True,
    ),
    Function("quit", UPKEEP, mark("Quit"), "tc", "quit", "Ctrl+Q"),
)
