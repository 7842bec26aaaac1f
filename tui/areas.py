"""The parts of the picture that are drawn apart from each other."""

from enum import Flag, auto


class Area(Flag):
    """A part of the picture that a widget draws."""

    NOTHING = 0
    STATION = auto()
    BOARD = auto()
    CARD = auto()
    CARD_CAME = auto()
    CARD_WENT = auto()
    STATUS = auto()
    OPEN_ROWS = auto()
    SALES = auto()
    BOOKS = auto()
    RECEIPTS = auto()
    ACT = auto()


EVERYTHING = ~Area.NOTHING & ~Area.CARD_CAME & ~Area.CARD_WENT & ~Area.ACT
