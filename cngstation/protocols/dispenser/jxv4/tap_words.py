"""JX-V4 overheard: what its codes and commands are called."""

from cngstation.language import mark
from cngstation.protocols.dispenser.jxv4.frames import Command
from cngstation.protocols.dispenser.jxv4.list_messages import KEY_LIST

STATES = {
    0xA0: mark("off duty"),
    0xA1: mark("idle"),
    0xA2: mark("idle, small loop"),
    0xA3: mark("idle, large loop"),
    0xA4: mark("fuelling"),
    0xA5: mark("awaiting debit"),
    0xA6: mark("closed"),
    0xA7: mark("other side fuels"),
    0xF0: mark("locked"),
    0xF1: mark("fault"),
}
KINDS = {
    0: mark("normal"),
    1: mark("grey card"),
    2: mark("debit made up"),
    3: mark("supplement"),
    0xFF: mark("grey card"),
}
STOPS = {
    0: mark("stopped by hand"),
    1: mark("gas meter fault"),
    2: mark("liquid meter fault"),
    3: mark("measurement fault"),
    4: mark("pressure sensor fault"),
    5: mark("power lost"),
    6: mark("preset quantity reached"),
    7: mark("preset amount reached"),
    8: mark("flow too low"),
    9: mark("flow too high"),
    12: mark("over-pressure"),
    13: mark("card taken away"),
    14: mark("balance used up"),
    15: mark("limit of a fill reached"),
    0xFF: mark("no gas moved"),
}
LIST_NAMES = {
    1: mark("base list"),
    2: mark("added"),
    3: mark("deleted"),
    4: mark("white list"),
    KEY_LIST: mark("key"),
}
DEVICES = {
    0: mark("LNG dispenser"),
    1: mark("CNG dispenser"),
    2: mark("filling post"),
    3: mark("unloading post"),
}
ALARMS = (
    mark("memory A fails its check"),
    mark("memory B fails its check"),
    mark("memory A cannot be written"),
    mark("memory A cannot be read"),
    mark("memory B cannot be written"),
    mark("memory B cannot be read"),
    mark("inner memory cannot be written"),
    mark("inner memory cannot be read"),
    mark("outer memory cannot be written"),
    mark("outer memory cannot be read"),
    mark("the two memories differ"),
    mark("fast memory faulty"),
    mark("gas meter does not answer"),
    mark("liquid meter does not answer"),
    mark("pressure sensor faulty"),
)
METERS = (mark("inlet"), mark("return"))
HOST: dict[int, str] = {
    Command.STATUS: mark("poll"),
    Command.RECORD: mark("record acknowledged"),
    Command.LIST: mark("length of a list"),
    Command.LIST_BLOCK: mark("block of a list"),
    Command.DEBIT: mark("what to debit"),
    Command.LIST_CHECK: mark("whether a card is listed"),
    Command.TOTALS: mark("totals asked"),
    Command.REREAD: mark("record asked again"),
    Command.IDENTITY: mark("identity asked"),
    Command.SHIFT_RECORD: mark("shift record acknowledged"),
    Command.PARAMETER_CHANGE: mark("parameter change acknowledged"),
    Command.CARD_CHECK: mark("whether a card may fill"),
    Command.FORCE_OFF_DUTY: mark("end of shift ordered"),
    Command.PRICES: mark("prices"),
    Command.LOCK: mark("lock or unlock ordered"),
    Command.AUTHORISE: mark("authorise ordered"),
    Command.STOP: mark("stop ordered"),
}
DISPENSER: dict[int, str] = {
    Command.STATUS: mark("status"),
    Command.RECORD: mark("record of a fill"),
    Command.LIST: mark("list asked"),
    Command.LIST_BLOCK: mark("block of a list asked"),
    Command.DEBIT: mark("debit asked"),
    Command.LIST_CHECK: mark("list check asked"),
    Command.TOTALS: mark("totals"),
    Command.REREAD: mark("record read again"),
    Command.IDENTITY: mark("identity"),
    Command.SHIFT_RECORD: mark("shift record"),
    Command.PARAMETER_CHANGE: mark("parameter changed"),
    Command.CARD_CHECK: mark("card check asked"),
    Command.FORCE_OFF_DUTY: mark("end of shift answered"),
    Command.PRICES: mark("prices asked"),
    Command.LOCK: mark("lock answered"),
    Command.AUTHORISE: mark("authorise answered"),
    Command.STOP: mark("stop answered"),
}
