"""Money beside the card: till, accounts of companies, discounts, limits, prices."""

from cngstation.language import mark
from tui.functions.function import CARDS, SETTINGS, Function

FUNCTIONS = (
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
        "prices",
        SETTINGS,
        mark("Set prices"),
        "djsz sjsz tj",
        "prices:PricesScreen",
        "F8",
    ),
)
