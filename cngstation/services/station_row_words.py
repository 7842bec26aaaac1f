"""Rows about the station itself, its file and its keys: what is said, and what cures.

As the words of every row: kind, what is said of it, what cures it.
"""

from cngstation.language import mark

STATION_ROWS: dict[str, tuple[str, str]] = {
    "price_waits_for_clock": (
        mark(
            "The price {price} of level {level} ({unit}) was to begin {at}. It waits: "
            "the clock is in doubt."
        ),
        mark(
            "Set the clock, or two people say in its row that it is right (E); or two "
            "people set the price at once."
        ),
    ),
    "blacklist_not_taken": (
        mark("Nozzle {nozzle} is on line and has taken no blacklist since {since}."),
        mark(
            "A lost card fills there. Lists and prices, its number: the last try. Send "
            "it whole (w); else restart the dispenser, call its maker."
        ),
    ),
    "blacklist_not_reached": (
        mark("Nozzle {nozzle} is off line and lacks the blacklist since {since}."),
        mark(
            "A lost card fills there. Power and cable of the dispenser; it fetches the "
            "list by itself when it is heard again."
        ),
    ),
    "station_key_unread": (
        mark("The station's own key in {file} cannot be read: nothing is signed."),
        mark(
            "Give it to the daemons as the credential station-key (README, enrolment) "
            "and start them anew."
        ),
    ),
    "enrolment_expires": (
        mark("The certificate of head office is good until {until} only."),
        mark("Make a request and accept the new one; selling goes on meanwhile."),
    ),
    "enrolment_expired": (
        mark("The certificate of head office has ended: {until}."),
        mark("Make a request and accept the new one; selling goes on meanwhile."),
    ),
    "card_key_waits": (
        mark(
            "The key file {name} has another key: {after}, it was {before}. Cards can "
            "be read; nothing is written on them."
        ),
        mark(
            "Compare the 16 digits with whoever made the key. Two people confirm it "
            "(E). If nobody changed it: put the old key back, start anew, find out why."
        ),
    ),
    "edition_differs": (
        mark("The certificate is for edition {edition}; the station runs as {runs}."),
        mark(
            "Ask head office for the right certificate, or set network in the "
            "configuration; selling goes on meanwhile."
        ),
    ),
    "guard_loosened": (
        mark(
            "The configuration file holds back less than before: {key} is {after}, it "
            "was {before}."
        ),
        mark("Ask who did it, then write down why (E); or put the file back."),
    ),
}
