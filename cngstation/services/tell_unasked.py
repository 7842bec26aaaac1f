"""What is said of gas that nobody authorised, and of what is booked of it."""

import json

from cngstation.language import mark
from cngstation.protocols.dispenser.forecourt import OrderOutcome
from cngstation.storage import nozzle_fills
from cngstation.storage.findings import Finding
from cngstation.storage.sqlite import Connection

UNASKED, FLOWS_ON = "unasked_gas", "unasked_gas_flows"
UNASKED_WORDS = {
    UNASKED: (
        mark(
            "Nozzle {nozzle} gave gas that nobody had authorised: {became}. Its fill "
            "is booked when it ends."
        ),
        mark(
            "Go there: who fills, and who let it flow? Take the money, then say it "
            "here (E). A pump that sells by itself is stand_alone in the file."
        ),
    ),
    FLOWS_ON: (
        mark("Nozzle {nozzle} still shows gas flowing behind the order to stop."),
        mark(
            "It is not told again. Press the emergency stop there now; then say here "
            "what was wrong (E)."
        ),
    ),
}
_BOOKED = mark(
    "Nozzle {nozzle} gave gas that nobody had authorised: {became}. It is booked as "
    "fill {number}: {quantity}, {amount} yuan."
)
_BECAME = {
    str(OrderOutcome.DONE): mark("it was told to stop, and answered"),
    str(OrderOutcome.REFUSED): mark("it could not be told to stop"),
    str(OrderOutcome.UNKNOWN): mark("it was told to stop, and did not answer"),
    "": mark("its protocol knows no stop"),
}


def told_of(
    finding: Finding, connection: Connection
) -> tuple[str, dict[str, str | int]]:
    """Return the words of an unasked fill, with what of it is booked."""
    facts: dict[str, str | int] = json.loads(finding.facts)
    shown: dict[str, str | int] = {"became": _BECAME[str(facts["stop"])]}
    fill = nozzle_fills.first_behind(
        connection, int(facts["nozzle"]), int(facts["behind"])
    )
    if fill is None:
        return UNASKED_WORDS[UNASKED][0], shown
    shown |= {"number": fill["device_seq"], "quantity_milli": fill["quantity_milli"]}
    return _BOOKED, shown | {"amount_e4": fill["amount_e4"]}
