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

    `target` is `module:Class[:argument]` or the app's action, `initials` its pinyin's.
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
        "card_acts",
        CARDS,
        mark("Acts with a card"),
        "kcz czk",
        "card_menu:CardMenuScreen",
        "x",
    ),
    Function(
        "loss",
        CARDS,
        mark("Report a loss, replace a lost card"),
        "gsbk gs bk",
        "find_card:FindCardScreen:loss",
        "F4",
    ),
    Function(
        "replace",
        CARDS,
        mark("Replace a lost card"),
        "bk",
        "find_card:FindCardScreen:loss",
        "F4",
    ),
    Function(
        "settle_grey",
        CARDS,
        mark("Settle a grey card"),
        "jh",
        "card_act:CardActScreen:settle_grey",
    ),
    Function(
        "settle_grey_by_hand",
        CARDS,
        mark("Settle a grey card by hand"),
        "sdjh",
        "card_act:CardActScreen:settle_grey_by_hand",
    ),
    Function(
        "clear_credit",
        CARDS,
        mark("Clear a credit card"),
        "jzql ql jzeql",
        "card_act:CardActScreen:clear_credit",
    ),
    Function(
        "reverse_top_up",
        CARDS,
        mark("Take a top-up back"),
        "cfz",
        "card_act:CardActScreen:reverse_top_up",
    ),
    Function(
        "cancel", CARDS, mark("Cancel a card"), "zx", "card_act:CardActScreen:cancel"
    ),
    Function(
        "wipe",
        CARDS,
        mark("Wipe a card for re-use"),
        "qk",
        "card_act:CardActScreen:wipe",
    ),
    Function(
        "edit",
        CARDS,
        mark("Change the plate on a card"),
        "xgkxx gk cp",
        "card_act:CardActScreen:edit",
    ),
    Function(
        "cylinder_date",
        CARDS,
        mark("Change the cylinder date"),
        "gpjrq",
        "card_act:CardActScreen:cylinder_date",
    ),
    Function(
        "rewrite_price",
        CARDS,
        mark("Write the new price on a card"),
        "djxk",
        "card_act:CardActScreen:rewrite_price",
    ),
    Function(
        "rewrite_limits",
        CARDS,
        mark("Write the limits on a card"),
        "xexk xe",
        "card_act:CardActScreen:rewrite_limits",
    ),
    Function(
        "crew_issue",
        CARDS,
        mark("Issue a crew card"),
        "fbzk bzk fxgnk gnk",
        "crew_card:IssueCrewScreen",
    ),
    Function(
        "crew_rewrite",
        CARDS,
        mark("Rewrite a crew card"),
        "gbzk gk",
        "card_act:CardActScreen:crew_rewrite",
    ),
    Function(
        "report_loss",
        CARDS,
        mark("Report a card lost"),
        "gs",
        "find_card:FindCardScreen:report_loss",
    ),
    Function(
        "withdraw_loss",
        CARDS,
        mark("Withdraw a loss"),
        "jg",
        "find_card:FindCardScreen:withdraw_loss",
    ),
    Function(
        "blacklist",
        CARDS,
        mark("Put a card on the blacklist"),
        "hmd lrhmd",
        "find_card:FindCardScreen:blacklist",
    ),
    Function(
        "unblacklist",
        CARDS,
        mark("Take a card off the blacklist"),
        "jh",
        "find_card:FindCardScreen:unblacklist",
    ),
    Function(
        "activate",
        CARDS,
        mark("Activate a card"),
        "jhk",
        "find_card:FindCardScreen:activate",
    ),
    Function(
        "suspend",
        CARDS,
        mark("Suspend a card"),
        "ty",
        "find_card:FindCardScreen:suspend",
    ),
    Function(
        "vehicle",
        REGISTERS,
        mark("Register a vehicle"),
        "cldj xxdj yhdj djcl",
        "register_vehicle:RegisterVehicleScreen",
        "F5",
    ),
    Function(
        "company",
        REGISTERS,
        mark("Register a company"),
        "gsdj dwdj djgs",
        "register_company:RegisterCompanyScreen",
        "c",
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
        "jqjl cxjl zjjq",
        "registers:RegistersScreen:sales",
        "F6 4",
    ),
    Function(
        "receipts",
        QUERIES,
        mark("Print a receipt again"),
        "cdxp dyxp xp zdxp",
        "registers:RegistersScreen:receipts",
        "F6 5",
    ),
    Function("till", CARDS, mark("Till"), "qx sk", "till:TillScreen", "F10"),
    Function(
        "till_open",
        CARDS,
        mark("Open the till"),
        "qxkb kb",
        "till_forms:OpenTillScreen",
        "F10 1",
    ),
    Function(
        "till_drop",
        CARDS,
        mark("Bring cash to the safe"),
        "jk qxjk xjjrbxg",
        "till_forms:DropScreen",
        "F10 1",
    ),
    Function(
        "till_pay_in",
        CARDS,
        mark("Bring change from the safe"),
        "lq qxlq cbxgllq",
        "till_forms:PayInScreen",
        "F10 2",
    ),
    Function(
        "till_pay_out",
        CARDS,
        mark("Pay cash out of the till"),
        "zc qxzc",
        "till_forms:PayOutScreen",
        "F10 3",
    ),
    Function(
        "till_close",
        CARDS,
        mark("Close the till"),
        "qxjb jb",
        "till_forms:CloseTillScreen",
        "F10 4",
    ),
    Function(
        "types",
        REGISTERS,
        mark("Vehicle types"),
        "cx clx lx cxgl",
        "registers:RegistersScreen:types",
        "F6 6",
    ),
    Function(
        "add_type",
        REGISTERS,
        mark("Add a vehicle type"),
        "zjcx tjcx",
        "edit_rows:AddTypeScreen",
    ),
    Function(
        "edits",
        QUERIES,
        mark("What was changed, and by whom"),
        "gkrz xgrz xgjl gkrzyzlxgjl",
        "registers:RegistersScreen:edits",
        "F6 7",
    ),
    Function(
        "company_money",
        CARDS,
        mark("Company account: statement and top-up"),
        "gscz gszh mxycz",
        "company_money:CompanyMoneyScreen",
    ),
    Function(
        "company_terms",
        SETTINGS,
        mark("Company account: what it may owe"),
        "xyed gsxy gszh",
        "company_money:CompanyTermsScreen",
    ),
    Function(
        "discount_add",
        SETTINGS,
        mark("Top-up discounts: new rule"),
        "czyh yhgz xgz",
        "discounts:AddDiscountScreen",
    ),
    Function(
        "discount_end",
        SETTINGS,
        mark("Top-up discounts: end a rule"),
        "jsyh yhjs czyh jsgz",
        "discounts:EndDiscountScreen",
    ),
    Function(
        "limits",
        SETTINGS,
        mark("Limits of a card or a company"),
        "xe jqxe khgsdxe",
        "limits:LimitsScreen",
    ),
    Function(
        "invoice",
        CARDS,
        mark("Record an invoice"),
        "fp dkfp djfp",
        "invoice:InvoiceScreen",
    ),
    Function(
        "openings",
        QUERIES,
        mark("Balances of old cards"),
        "jkye qcye jk jkqcye",
        "registers:RegistersScreen:openings",
        "F6 8",
    ),
    Function(
        "company_fills",
        QUERIES,
        mark("Fills of companies"),
        "gsjqxx gsjq",
        "registers:RegistersScreen:company_fills",
        "F6 9",
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
        "hz hdzm wwc bcz zmjy",
        "books:BooksScreen",
        "F7",
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
    Function("why", CARDS, mark("Why a card will not fill"), "cyy kwhbnjq", "why", "?"),
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
BY_NAME = {function.name: function for function in FUNCTIONS}
