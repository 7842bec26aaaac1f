"""The causes of a reader's faults in sentences: what it is likely, and what to do."""

from cngstation.domain.reader_causes import ReaderCause
from cngstation.language import mark

READER_TEXTS: dict[ReaderCause, tuple[str, str]] = {
    ReaderCause.PORT_SHARED: (
        mark("The file gives the port {place} to the card reader and to {other}."),
        mark("Write each device's own port into the file (/dev/serial/by-id)."),
    ),
    ReaderCause.PORT_MISSING: (
        mark("The port {place} of the card reader is not there."),
        mark("Plug its cable in; compare the name with /dev/serial/by-id."),
    ),
    ReaderCause.PORT_FORBIDDEN: (
        mark("The program may not open the port {place} of the card reader."),
        mark("Put its user into the group of the port (dialout), start it again."),
    ),
    ReaderCause.PORT_HELD: (
        mark("Another program holds the card reader ({place})."),
        mark("End it: an old counter program, a terminal program, a second service."),
    ),
    ReaderCause.CABLE_OUT: (
        mark("The port {place} is there, and the card reader's adapter is not."),
        mark("Plug its cable in again; another USB socket, another cable."),
    ),
    ReaderCause.PORT_UNUSABLE: (
        mark("The port {place} of the card reader cannot be used: {why}."),
        mark("Take the plug out and in; is it a serial port at all?"),
    ),
    ReaderCause.ON_A_LINE: (
        mark("On {place} dispensers talk ({protocol}): it is not the reader's port."),
        mark("Exchange the ports of line and reader in the file."),
    ),
    ReaderCause.OTHER_SPEED: (
        mark("The card reader on {place} answers at {baud} baud."),
        mark("Write this speed as baud of [reader]."),
    ),
    ReaderCause.OTHER_KIND: (
        mark('On {place} a card reader of kind "{found_kind}" answers.'),
        mark("Write this kind as kind of [reader]."),
    ),
    ReaderCause.NOT_UNDERSTOOD: (
        mark("Something sends on {place} what no card reader of kind {kind} says."),
        mark("Is it the reader's port? Take its plug out and see whether it is quiet."),
    ),
    ReaderCause.SILENT: (
        mark("Nothing answers on {place}: the card reader has no power or no cable."),
        mark("Look whether its light is on; plug power and cable, both ends."),
    ),
    ReaderCause.OTHER_PORT: (
        mark("Ports that nothing uses are there: {ports}."),
        mark("If the card reader is on one of them, write it as port of [reader]."),
    ),
    ReaderCause.REPORTS: (
        mark("The card reader answers and reports a fault: {why}."),
        mark("Take every card off it, take its plug out and in; else another reader."),
    ),
    ReaderCause.NO_PCSC: (
        mark("This station's program was installed without PC/SC."),
        mark("Install cngstation[pcsc], start the card reader's service again."),
    ),
    ReaderCause.SERVICE_DOWN: (
        mark("The operating system's PC/SC service (pcscd) does not run."),
        mark("systemctl enable --now pcscd.socket; install pcscd where it is not."),
    ),
    ReaderCause.SERVICE_FORBIDS: (
        mark("The PC/SC service does not let this program in."),
        mark("Allow the daemon's user in polkit (access_pcsc, access_card)."),
    ),
    ReaderCause.OTHER_NAME: (
        mark("The PC/SC service has no card reader {place}; it has: {names}."),
        mark("Write its name as name of [reader], letter by letter."),
    ),
    ReaderCause.UNPLUGGED: (
        mark("The PC/SC service runs and has no card reader at all."),
        mark("Plug the reader in; its driver (libccid) has to be installed."),
    ),
    ReaderCause.SERVICE_TROUBLE: (
        mark("The PC/SC service cannot use the card reader: {why}."),
        mark("systemctl restart pcscd, take the reader's plug out and in."),
    ),
}
