"""Acts with a card: issue, top-up, what follows, and what is said of one."""

from cngstation.language import mark
from tui.functions.function import CARDS, Function

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
    Function("why", CARDS, mark("Why a card will not fill"), "cyy kwhbnjq", "why", "?"),
)
