"""Every dispenser protocol that the station speaks: one folder and one line each."""

from collections.abc import Mapping

from cngstation.protocols.dispenser.compac import entry as compac
from cngstation.protocols.dispenser.dart import entry as dart
from cngstation.protocols.dispenser.entry import ProtocolEntry
from cngstation.protocols.dispenser.jxv4 import entry as jxv4
from cngstation.protocols.dispenser.lanfeng import entry as lanfeng
from cngstation.protocols.dispenser.pts import entry as pts
from cngstation.protocols.dispenser.sinopec import entry as sinopec
from cngstation.protocols.dispenser.unipump import entry as unipump

PROTOCOLS: Mapping[str, ProtocolEntry] = {
    "compac": compac.ENTRY,
    "dart": dart.ENTRY,
    "jxv4": jxv4.ENTRY,
    "lanfeng": lanfeng.ENTRY,
    "pts": pts.ENTRY,
    "sinopec": sinopec.ENTRY,
    "unipump": unipump.ENTRY,
}
