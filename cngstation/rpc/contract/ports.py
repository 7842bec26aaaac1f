"""Where dispensers, reader and printer are connected, and how lists reach each."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import Word
from cngstation.rpc.method import LOGGED_IN, Message, Method, Text
from cngstation.rpc.session import Nothing

MOST_NOZZLES = 64


class NozzlePort(Message):
    """One nozzle and the way to it.

    `frame` is bits, parity and stop bits, such as 8N1; empty behind a controller on
    HTTP, where `baud` is 0. `lists` is fetched (lists and prices), prices (these
    alone) or by_hand; `ahead`: prices that follow are sent before their time.
    `only_level` is -1 where all price levels are shown.
    """

    nozzle_no: int
    dispenser_no: int
    address: int
    unit: Word
    only_level: int
    line: Word
    port: Text
    protocol: Text
    baud: int
    frame: Word
    lists: Word
    ahead: bool


class DevicePort(Message):
    """Reader or printer: what it is and where; an empty `port` is none."""

    device: Word
    kind: Word
    port: Text
    baud: int


class Ports(Message):
    """Every nozzle by number; `blacklist` is at_once, by_hand or a time of day.

    A nozzle that takes no blacklist for `late_hours` is named, 0: never.
    """

    nozzles: Annotated[tuple[NozzlePort, ...], Field(max_length=MOST_NOZZLES)]
    devices: Annotated[tuple[DevicePort, ...], Field(max_length=4)]
    blacklist: Word
    late_hours: int


LINE_PORTS = Method("line.ports", Nothing, Ports, LOGGED_IN, changes=False)
PORT_METHODS = (LINE_PORTS,)
