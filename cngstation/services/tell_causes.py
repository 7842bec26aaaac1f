"""The causes of a line's faults in sentences: what it is likely, and what to do."""

from cngstation.domain.line_causes import LineCause
from cngstation.language import mark

CAUSE_TEXTS: dict[LineCause, tuple[str, str]] = {
    LineCause.PORT_MISSING: (
        mark("The port {port} is not there."),
        mark("Plug the adapter in; compare the name with /dev/serial/by-id."),
    ),
    LineCause.PORT_FORBIDDEN: (
        mark("The program may not open the port {port}."),
        mark("Put its user into the group of the port (dialout), start it again."),
    ),
    LineCause.PORT_HELD: (
        mark("Another program holds the port {port}."),
        mark("End it: a terminal program, an old host program, a second monitor."),
    ),
    LineCause.PORT_UNUSABLE: (
        mark("The port {port} cannot be used."),
        mark("Take the adapter out and in; try another adapter."),
    ),
    LineCause.WRONG_BAUD: (
        mark("The answers have another speed than {baud} baud."),
        mark("Compare the speed in the dispenser's menu with baud of the line."),
    ),
    LineCause.WRONG_PARITY: (
        mark("The answers have another parity bit than the line."),
        mark("Compare parity and stop bits in the dispenser's menu with the protocol."),
    ),
    LineCause.WIRES_SWAPPED: (
        mark("The wires A and B are swapped."),
        mark("Exchange A and B at the adapter, or at the dispenser if one is silent."),
    ),
    LineCause.OTHER_PROTOCOL: (
        mark("The dispensers speak another protocol than {protocol}."),
        mark("Run cngstation sniff on the port; it names the protocol."),
    ),
    LineCause.FOREIGN_MASTER: (
        mark("Another host polls on this line."),
        mark("Take the other host program or controller off the line."),
    ),
    LineCause.ADDRESS_TWICE: (
        mark("Answers of nozzle {nozzles} collide: its address is likely there twice."),
        mark("Switch the dispensers off one by one; give each its own address."),
    ),
    LineCause.WRONG_NUMBER: (
        mark("A dispenser answers with another address than it was asked by."),
        mark("Look for two dispensers with exchanged or doubled addresses."),
    ),
    LineCause.ALL_SILENT: (
        mark("Nothing at all answers on this line."),
        mark("Power of the dispensers, the cable, A and B, then speed and protocol."),
    ),
    LineCause.SOME_SILENT: (
        mark("Nozzle {nozzles} does not answer, the other ones do."),
        mark("Look at its power, its address, its plug, its off-line parameter."),
    ),
    LineCause.SLOW_ANSWERS: (
        mark("Answers come too late."),
        mark("Set the adapter's latency timer to 1 ms; look for a radio or repeater."),
    ),
    LineCause.CUT_ANSWERS: (
        mark("Answers are cut off."),
        mark("The adapter turns round too late or loses bytes: try another adapter."),
    ),
    LineCause.NOISE: (
        mark("The line is disturbed: {bad} wrong checksums, {noise} stray bytes."),
        mark("120 ohm at both ends only, shield earthed at one, away from drives."),
    ),
    LineCause.OWN_ECHO: (
        mark("The adapter hands back what is sent; it is taken off."),
        mark("Nothing need be done; the echo can be switched off at the adapter."),
    ),
}
