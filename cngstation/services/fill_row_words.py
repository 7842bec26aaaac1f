"""Rows about fills, totalisers and duties, in words: what it is, and what cures it."""

from cngstation.language import mark

_FETCH_OR_GIVE_UP = mark(
    "They are fetched again by themselves. If the dispenser has lost them, two people "
    "give them up (E)."
)

# {fields} are facts of the row.
FILL_ROWS: dict[str, tuple[str, str]] = {
    "amount_differs": (
        mark("Fill {number} of nozzle {nozzle}: amount is not quantity times price."),
        mark("Check the dispenser's price and its decimals."),
    ),
    "totaliser_break": (
        mark(
            "Nozzle {nozzle}: its totaliser moved {size} without a fill, behind fill "
            "{after}: {cause}."
        ),
        mark("Fills may be missing: fetch them again, or explain the difference (E)."),
    ),
    "amount_break": (
        mark(
            "Nozzle {nozzle}: its money totaliser moved {size} yuan beside its fills, "
            "behind fill {after}: {cause}."
        ),
        mark("Compare prices and amounts there, then explain the difference (E)."),
    ),
    "duty_differs": (
        mark(
            "Nozzle {nozzle}: for duty {number} the dispenser counts {theirs}, "
            "{their_amount} yuan, the books {ours}, {our_amount} yuan."
        ),
        mark("The books stay. Look for fills that have not come; then say why (E)."),
    ),
    "fill_shown_before": (
        mark(
            "Nozzle {nozzle} showed {quantity}, {amount} yuan, when it was first heard."
        ),
        mark("It is not booked, for it may be an old one; ask the crew, and note it."),
    ),
    "sequence_gap": (
        mark("{subject}: fills {first} to {last} have not come."),
        _FETCH_OR_GIVE_UP,
    ),
    "given_up_came": (
        mark(
            "Fill {number} of nozzle {nozzle}, {quantity}, {amount} yuan, was given up "
            "and has come all the same."
        ),
        mark("It is booked. Say in the books why it came late, then close (E)."),
    ),
    "fill_not_booked": (
        mark("Fill {number} of nozzle {nozzle} cannot be booked: {why}"),
        mark(
            "The dispenser keeps it and offers it again. Write the fill down from its "
            "display and call the technician; it is in no total until it is booked."
        ),
    ),
    "nozzle_unreadable": (
        mark("Nozzle {nozzle} sends messages that make no sense, fills perhaps."),
        mark("Compare its protocol version with the configuration; call its maker."),
    ),
}
