"""Everything the screen can do, under the names of the menus that people know."""

from dataclasses import dataclass

from cngstation.language import mark

SETTINGS = mark("System settings")
REGISTERS = mark("Basic registers")
CARDS = mark("IC cards")
QUERIES = mark("System queries")
REPORTS = mark("Reports")
UPKEEP = mark("System upkeep")


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how it is opened, found and shown.

    `target` is `module:Class` with the argument of the screen after a second colon,
    or the name of an action of the app. `initials` are those of its pinyin.
    """

    name: str
    menu: str
    title: str
    initials: str
    target: str
    keys: str = ""
    demo_only: bool = False


FUNCTIONS = (
    Function("top_up", CARDS, mark("Top up a card"), "yhkcz cz jk", "counter", "Esc"),
    Function(
        "issue", CARDS, mark("Issue a card"), "fxyhk fxk fk", "issue:IssueScreen", "F3"
    ),
    Function(
        "vehicle",
        REGISTERS,
        mark("Register a vehicle"),
        "cldj xxdj yhdj",
        "register_vehicle:RegisterVehicleScreen",
        "F5",
    ),
    Function(
        "company",
        REGISTERS,
        mark("Register a company"),
        "gsdj dwdj",
        "register_company:RegisterCompanyScreen",
        "F4",
    ),
    Function(
        "companies",
        QUERIES,
        mark("Look up companies"),
        "gscx cxgs",
        "registers:RegistersScreen:companies",
        "F6 1",
    ),
    Function(
        "vehicles",
        QUERIES,
        mark("Look up vehicles"),
        "clcx cxcl",
        "registers:RegistersScreen:vehicles",
        "F6 2",
    ),
    Function(
        "cards",
        QUERIES,
        mark("Look up cards"),
        "kpcx kcx cxk",
        "registers:RegistersScreen:cards",
        "F6 3",
    ),
    Function(
        "sales",
        REPORTS,
        mark("Last fills"),
        "jqjl cxjl",
        "registers:RegistersScreen:sales",
        "F6 4",
    ),
    Function(
        "receipts",
        QUERIES,
        mark("Print a receipt again"),
        "cdxp dyxp xp",
        "registers:RegistersScreen:receipts",
        "F6 5",
    ),
    Function(
        "prices",
        SETTINGS,
        mark("Set prices"),
        "djsz sjsz tj",
        "prices:PricesScreen",
        "F8",
    ),
    Function(
        "books",
        UPKEEP,
        mark("Check the books, finish what is open"),
        "hz hdzm wwc bcz",
        "books:BooksScreen",
        "F7",
    ),
    Function("language", SETTINGS, mark("Language: 中文 / English"), "yy", "language"),
    Function("theme", SETTINGS, mark("Colours: dark, light, contrast"), "ys", "theme"),
    Function("lock", SETTINGS, mark("Lock the screen"), "sp sd", "lock", "Ctrl+K"),
    Function("help", UPKEEP, mark("Help about this screen"), "bz", "help", "F1"),
    Function(
        "hands",
        UPKEEP,
        mark("Hands of the demonstration"),
        "ys mnss",
        "hands:HandsScreen",
        "F9",
        demo_only=True,
    ),
    Function("quit", UPKEEP, mark("Quit"), "tc", "quit", "Ctrl+Q"),
)
BY_NAME = {function.name: function for function in FUNCTIONS}
