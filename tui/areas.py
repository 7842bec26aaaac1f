"""The parts of the picture that are drawn apart from each other."""

from enum import Flag, auto

TURNS = 4  # blocks of the board, drawn one after the other


class Area(Flag):
    """A part of the picture that a widget draws."""

    NOTHING = 0
    STATION = auto()
    BOARD = auto()  # figures of nozzles; they wait for the beat
    TILES = auto()  # every tile: other nozzles, language, a lost forecourt
    CARD = auto()
    CARD_CAME = auto()
    CARD_WENT = auto()
    STATUS = auto()
    OPEN_ROWS = auto()
    SALES = auto()
    BOOKS = auto()
    RECEIPTS = auto()
    ACT = auto()
    LISTS = auto()


EVERYTHING = ~Area.NOTHING & ~Area.CARD_CAME & ~Area.CARD_WENT & ~Area.ACT
