"""What a line's section of the configuration means for its protocol."""

from collections.abc import Callable

from cngstation.config.sections import Line
from cngstation.drivers.line_link import LineSettings
from cngstation.drivers.serial_link import Parity, SerialSettings
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.entry import (
    LineSetup,
    NozzleSetup,
    Transport,
)
from cngstation.protocols.dispenser.forecourt import DownloadKind
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.price_levels import only_level_of
from cngstation.services.read_credentials import read_login
from cngstation.storage.sales import NozzleKey


def dialogue_of(line: Line) -> Dialogue:
    """Return the dialogue that a line's dispensers speak."""
    nozzles = tuple(
        NozzleSetup(nozzle.gun, nozzle.unit, nozzle.unit_code)
        for nozzle in line.nozzles
    )
    setup = LineSetup(line.baud, nozzles, line.options)
    return PROTOCOLS[line.protocol].dialogue(setup)


def conceal_of(line: Line) -> Callable[[bytes], bytes]:
    """Return what blanks the secrets in a line's bytes before they are shown."""
    return PROTOCOLS[line.protocol].conceal


def settings_of(line: Line) -> LineSettings:
    """Return how the way to a line's dispensers is opened.

    Raises:
        ConfigError: the credential of a controller cannot be read.
    """
    entry = PROTOCOLS[line.protocol]
    if entry.transport is Transport.SERIAL:
        parity = Parity(entry.parity)
        return SerialSettings(line.port, line.baud, parity, entry.stop_bits)
    # Its package is large, and most stations have no controller.
    from cngstation.drivers.http_link import HttpSettings

    assert line.credential is not None
    user, password = read_login(line.credential)
    return HttpSettings(
        line.url,
        user,
        password,
        is_basic=line.authentication == "basic",
        certificate_sha256=bytes.fromhex(line.certificate) or None,
    )


def capabilities_of(line: Line) -> frozenset[Capability]:
    """Return what a line's dispensers can do, in the dialect of its options."""
    return PROTOCOLS[line.protocol].capabilities_with(line.options)


def downloads_of(line: Line) -> frozenset[DownloadKind]:
    """Return what a line's dispensers can be sent."""
    capabilities = capabilities_of(line)
    kinds = frozenset(DownloadKind)
    if Capability.LISTS not in capabilities:
        kinds &= {DownloadKind.PRICES}
    if Capability.STATION_DATA not in capabilities:
        kinds -= {DownloadKind.STATION}
    if Capability.PRICE not in capabilities:
        kinds -= {DownloadKind.PRICES}
    return kinds


def nozzles_of(line: Line, station_no: str) -> dict[int, NozzleSetting]:
    """Return the nozzles of a line by their gun number on it."""
    numbered_by = PROTOCOLS[line.protocol].numbered_by
    keys = {
        nozzle.gun: NozzleKey(station_no, nozzle.dispenser_no, nozzle.nozzle_no)
        for nozzle in line.nozzles
    }

    def numbered_with(gun: int) -> tuple[NozzleKey, ...]:
        if numbered_by is None:
            return ()
        device = numbered_by(gun)
        return tuple(key for other, key in keys.items() if numbered_by(other) == device)

    by_order = PROTOCOLS[line.protocol].fills_by_order(line.options)
    return {
        nozzle.gun: NozzleSetting(
            keys[nozzle.gun],
            nozzle.unit,
            numbered_with(nozzle.gun),
            only_level_of(line, nozzle),
            is_host_controlled=by_order and not nozzle.stand_alone,
        )
        for nozzle in line.nozzles
    }
