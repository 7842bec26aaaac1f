"""Why a card will not fill, in words: each cause with the one act that cures it."""

from dataclasses import dataclass
from enum import StrEnum

from cngstation.language import mark


class Cause(StrEnum):
    """Why a card will not fill."""

    READER_AWAY = "reader_away"
    READER_UNSURE = "reader_unsure"
    NO_CARD = "no_card"
    CARD_LEFT = "card_left"
    EMPTIED = "emptied"
    SHUT = "shut"
    FOREIGN = "foreign"
    BOTH_BAD = "both_bad"
    NO_INFO = "no_info"
    TORN_ISSUE = "torn_issue"
    TORN_ELSEWHERE = "torn_elsewhere"
    BLANK = "blank"
    OTHER_CHIP = "other_chip"
    OTHER_AREA = "other_area"
    OTHER_ISSUE_POINT = "other_issue_point"
    UNREGISTERED = "unregistered"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    WASTE = "waste"
    HALF_READ = "half_read"
    ACT_DISAGREES = "act_disagrees"
    OLDER_IMAGE = "older_image"
    OTHER_CONTENT = "other_content"
    UNKNOWN_COUNTER = "unknown_counter"
    LOST = "lost"
    BLACK = "black"
    REFUSED_AT = "refused_at"
    GREY_ELSEWHERE = "grey_elsewhere"
    GREY_NO_RECORD = "grey_no_record"
    GREY = "grey"
    OPEN_ACT = "open_act"
    INACTIVE = "inactive"
    CYLINDER_OVERDUE = "cylinder_overdue"
    CYLINDER_ON_CARD = "cylinder_on_card"
    WORN_OUT = "worn_out"
    OTHER_MODE = "other_mode"
    OTHER_UNIT = "other_unit"
    NO_PRICE = "no_price"
    EMPTY = "empty"
    CREDIT_LIMIT = "credit_limit"
    CREW_CARD = "crew_card"
    STOPPED = "stopped"
    DAY_LIMIT = "day_limit"
    FILL_LIMIT = "fill_limit"
    TOO_LOW = "too_low"
    PRICE_OLD = "price_old"
    PLATE_OLD = "plate_old"
    LIMITS_OLD = "limits_old"


class Cure(StrEnum):
    """The act that cures, by the name under which the screen opens it."""

    NOTHING = ""  # nothing at this counter
    LAY_AGAIN = "lay_again"
    KEEP = "keep"  # the card; two people decide
    ISSUE = "issue"
    TOP_UP = "top_up"
    FINISH = "finish"
    PRICES = "prices"
    REPORT_LOSS = "report_loss"
    WITHDRAW_LOSS = "withdraw_loss"
    UNBLACKLIST = "unblacklist"
    ACTIVATE = "activate"
    SETTLE_GREY = "settle_grey"
    CLEAR_CREDIT = "clear_credit"
    EDIT_CARD = "edit_card"
    REWRITE_PRICE = "rewrite_price"
    REWRITE_LIMITS = "rewrite_limits"
    LIMITS = "limits"
    CYLINDER = "cylinder"


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a cause, and the act that cures it. {fields} are its facts."""

    text: str
    cure: str
    act: Cure


_KEEP = mark("Keep the card and call the manager; two people decide.")
_LAY_AGAIN = mark("Lay the card flat in the middle of the reader and leave it there.")
_REPORT_LOSS = mark("Report it lost and replace it; the balance moves to the new card.")
_EDIT = mark("Write the card anew: edit the card.")

WORDS: dict[Cause, Words] = {
    Cause.READER_AWAY: Words(
        mark("The card reader is away: {trouble}"),
        mark("Check its cable and its power; the program opens it by itself."),
        Cure.NOTHING,
    ),
    Cause.READER_UNSURE: Words(
        mark("The reader and this card do not understand each other."),
        _LAY_AGAIN,
        Cure.LAY_AGAIN,
    ),
    Cause.NO_CARD: Words(
        mark("No card lies on the reader."),
        mark("Lay the card on the reader."),
        Cure.LAY_AGAIN,
    ),
    Cause.CARD_LEFT: Words(
        mark("The card left the reader while it was being read."),
        _LAY_AGAIN,
        Cure.LAY_AGAIN,
    ),
    Cause.EMPTIED: Words(
        mark("The chip of card {card} is empty: it was wiped, or this is a copy."),
        _KEEP,
        Cure.KEEP,
    ),
    Cause.SHUT: Words(
        mark("Card {card} opens with no key of ours any more: damaged, or a copy."),
        _REPORT_LOSS,
        Cure.REPORT_LOSS,
    ),
    Cause.FOREIGN: Words(
        mark("This is not a card of this company (chip {uid})."),
        mark("Give it back and ask for the card of this company."),
        Cure.NOTHING,
    ),
    Cause.BOTH_BAD: Words(
        mark("Both copies of the purse on the card are damaged (chip {uid})."),
        _REPORT_LOSS,
        Cure.REPORT_LOSS,
    ),
    Cause.NO_INFO: Words(
        mark("The card has a purse, but its area and plate are damaged (chip {uid})."),
        _REPORT_LOSS,
        Cure.REPORT_LOSS,
    ),
    Cause.TORN_ISSUE: Words(
        mark("The issue of this card was cut off."),
        mark("Issue it again on the same card."),
        Cure.ISSUE,
    ),
    Cause.TORN_ELSEWHERE: Words(
        mark("The issue of this card was begun at another counter and cut off."),
        mark("Finish it at that counter; here it takes another new card."),
        Cure.NOTHING,
    ),
    Cause.BLANK: Words(
        mark("This card is new and was not issued."),
        mark("Issue the card to a vehicle."),
        Cure.ISSUE,
    ),
    Cause.OTHER_CHIP: Words(
        mark("Another chip carries the number of card {card}: a copy."),
        _KEEP,
        Cure.KEEP,
    ),
    Cause.OTHER_AREA: Words(
        mark("Card {card} is of area {area}, not of this one."),
        mark("It fills in its own area; head office knows whether it may fill here."),
        Cure.NOTHING,
    ),
    Cause.OTHER_ISSUE_POINT: Words(
        mark("Card {card} was issued at issue point {point}; it is not known here."),
        mark("Ask head office for its data; until then it fills at its own station."),
        Cure.NOTHING,
    ),
    Cause.UNREGISTERED: Words(
        mark("Card {card} has a number of this counter that was never given out."),
        _KEEP,
        Cure.KEEP,
    ),
    Cause.REPLACED: Words(
        mark("Card {card} was replaced; its balance is on the new card."),
        mark("Keep this one and ask for the new card."),
        Cure.NOTHING,
    ),
    Cause.CANCELLED: Words(
        mark("Card {card} was cancelled and its money paid back."),
        mark("Issue a new card to the vehicle."),
        Cure.ISSUE,
    ),
    Cause.WASTE: Words(
        mark("Card {card} was given up as broken; its money is in the books."),
        _REPORT_LOSS,
        Cure.REPORT_LOSS,
    ),
    Cause.HALF_READ: Words(
        mark("Only one of the two copies on card {card} can be read."),
        mark("Lay it on the reader again; if that does not help, replace it."),
        Cure.LAY_AGAIN,
    ),
    Cause.ACT_DISAGREES: Words(
        mark("The card does not fit the {act} that was begun with it."),
        _KEEP,
        Cure.KEEP,
    ),
    Cause.OLDER_IMAGE: Words(
        mark("Card {card} holds an older state than the last one seen: put back."),
        _KEEP,
        Cure.KEEP,
    ),
    Cause.OTHER_CONTENT: Words(
        mark("The purse of card {card} was changed, and no write of ours did it."),
        _KEEP,
        Cure.KEEP,
    ),
    Cause.UNKNOWN_COUNTER: Words(
        mark("Card {card} was written at a counter that the books do not know."),
        _KEEP,
        Cure.KEEP,
    ),
    Cause.LOST: Words(
        mark("Card {card} is reported lost."),
        mark("If its owner stands here, withdraw the loss."),
        Cure.WITHDRAW_LOSS,
    ),
    Cause.BLACK: Words(
        mark("Card {card} is on the blacklist."),
        mark("A senior operator takes it off the blacklist, or keeps it."),
        Cure.UNBLACKLIST,
    ),
    Cause.REFUSED_AT: Words(
        mark("The lists of dispensers {dispensers} still name card {card}."),
        mark("Fill at another dispenser, or wait until they have the new list."),
        Cure.NOTHING,
    ),
    Cause.GREY_ELSEWHERE: Words(
        mark("Grey card: fill {number} at station {grey_station} is unpaid."),
        mark("Settle it at that station, or wait until its record has come here."),
        Cure.NOTHING,
    ),
    Cause.GREY_NO_RECORD: Words(
        mark(
            "Grey card: fill {number} of gun {nozzle} is unpaid, its record is not in."
        ),
        mark("Wait until the dispenser has sent it; look at its line on the board."),
        Cure.NOTHING,
    ),
    Cause.GREY: Words(
        mark("Grey card: fill {number} at nozzle {nozzle}, {amount} yuan, is unpaid."),
        mark("Settle the grey card: the amount is taken and the card is free."),
        Cure.SETTLE_GREY,
    ),
    Cause.OPEN_ACT: Words(
        mark("The {act} that was begun with this card is not finished."),
        mark("Leave the card on the reader: it is finished by itself."),
        Cure.FINISH,
    ),
    Cause.INACTIVE: Words(
        mark("Card {card} is not activated."),
        mark("A senior operator activates it."),
        Cure.ACTIVATE,
    ),
    Cause.CYLINDER_OVERDUE: Words(
        mark("The cylinder's inspection was due on {due}."),
        mark("Have the cylinder inspected, then enter the new date."),
        Cure.CYLINDER,
    ),
    Cause.CYLINDER_ON_CARD: Words(
        mark("The card still carries the old inspection date {card_due}."),
        _EDIT,
        Cure.EDIT_CARD,
    ),
    Cause.WORN_OUT: Words(
        mark("A counter of card {card} is at its end: it takes no more writes."),
        _REPORT_LOSS,
        Cure.REPORT_LOSS,
    ),
    Cause.OTHER_MODE: Words(
        mark("The card says another way of paying than the register ({mode})."),
        _EDIT,
        Cure.EDIT_CARD,
    ),
    Cause.OTHER_UNIT: Words(
        mark("The card counts gas in {unit}; no nozzle here sells in it."),
        mark("Fill at a station that sells in {unit}, or issue another card."),
        Cure.NOTHING,
    ),
    Cause.NO_PRICE: Words(
        mark("The price level of card {card} has no price."),
        mark("Set the price of the level."),
        Cure.PRICES,
    ),
    Cause.CREW_CARD: Words(
        mark("Card {card} is a crew card: it says who works, and fills nothing."),
        mark("Take the customer's card."),
        Cure.NOTHING,
    ),
    Cause.EMPTY: Words(
        mark("There is nothing left on the card: {balance}."),
        mark("Top the card up: type the amount."),
        Cure.TOP_UP,
    ),
    Cause.CREDIT_LIMIT: Words(
        mark("{owed} yuan are owed; the credit limit is {credit_limit} yuan."),
        mark("Clear the credit."),
        Cure.CLEAR_CREDIT,
    ),
    Cause.STOPPED: Words(
        mark("The limits of the card or its company allow no fill now ({stopped})."),
        mark("Wait until they do, or change the limits."),
        Cure.LIMITS,
    ),
    Cause.DAY_LIMIT: Words(
        mark("The day's limit of {day_limit} yuan is used up: {today} yuan today."),
        mark("Fill tomorrow, or change the limits and write them on the card."),
        Cure.LIMITS,
    ),
    Cause.FILL_LIMIT: Words(
        mark("The limit per fill, {fill_limit} yuan, buys less than one unit of gas."),
        mark("Change the limits, then write them on the card."),
        Cure.LIMITS,
    ),
    Cause.TOO_LOW: Words(
        mark("{balance} on the card is less than one unit of gas; its price: {price}."),
        mark("Top the card up: type the amount."),
        Cure.TOP_UP,
    ),
    Cause.PRICE_OLD: Words(
        mark("The card carries the price {card_price}; its level costs {price} now."),
        mark("Write the new price on the card."),
        Cure.REWRITE_PRICE,
    ),
    Cause.PLATE_OLD: Words(
        mark("The card carries the plate {card_plate}; its vehicle is {plate} now."),
        _EDIT,
        Cure.EDIT_CARD,
    ),
    Cause.LIMITS_OLD: Words(
        mark(
            "The card carries {fill_limit} yuan per fill and {day_limit} per day; its "
            "limits are {fill_limit_now} and {day_limit_now} now (0 is none)."
        ),
        mark("Write the limits on the card."),
        Cure.REWRITE_LIMITS,
    ),
}
