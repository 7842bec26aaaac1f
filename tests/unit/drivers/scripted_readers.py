"""Links to card readers that answer as told: no process, no port, no waiting."""

import asyncio
from abc import ABC, abstractmethod

from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.errors import DeviceUnavailable
from cngstation.protocols.card_reader.gnetplus import commands as gnetplus
from cngstation.protocols.card_reader.gnetplus.frames import DONE
from cngstation.protocols.card_reader.gnetplus.frames import Frame as GNetPlusFrame
from cngstation.protocols.card_reader.pn532.frames import Frame

UID = bytes.fromhex("DEADBEEF")
FOUND = bytes.fromhex("0101000408") + b"\x04" + UID
ACK = bytes.fromhex("0000ff00ff00")
NOT_UNDERSTOOD = b""
SYNTAX_ERROR = bytes.fromhex("0000ff01ff7f8100")


class ScriptedLink(ABC):
    """A port; deaf it takes everything and answers nothing, lost it takes nothing."""

    def __init__(self) -> None:
        self.pending = b""
        self.is_deaf = False
        self.is_lost = False

    @abstractmethod
    def answer(self, data: bytes) -> bytes:
        """Return what the far end says to what was written."""

    def write(self, data: bytes) -> None:
        if self.is_lost:
            raise DeviceUnavailable(device="p", why="the port was lost or closed")
        if not self.is_deaf:
            self.pending += self.answer(data)

    async def read(self) -> bytes:
        while not self.pending:
            await asyncio.sleep(1)
        data, self.pending = self.pending, b""
        return data

    def discard_input(self) -> None:
        self.pending = b""

    async def close(self) -> None:
        self.pending = b""


class ScriptedChip(ScriptedLink):
    """A PN532 that answers each command as told, empty with the error frame."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__()
        self.answers = list(answers)
        self.commands: list[bytes] = []

    def answer(self, data: bytes) -> bytes:
        frame = data[data.index(b"\x00\xff") :]
        body = frame[4 : 4 + frame[2]]
        told = {0x14: b"", 0x32: b"", 0x02: b"\x32\x01\x06\x07"}.get(body[1])
        if told is None:
            self.commands.append(body)
            told = self.answers.pop(0)
        return ACK + answer_to(body[1], told)


class ScriptedGNetPlus(ScriptedLink):
    """A GNetPlus reader with a card; it does all it is told and says its name."""

    def __init__(self, name: bytes = b"GN 1", uid: bytes = UID) -> None:
        super().__init__()
        self.commands: list[int] = []
        self._said = {
            gnetplus.VERSION: name,
            gnetplus.ANTICOLLISION: uid,
            gnetplus.READ: bytes(gnetplus.BLOCK_BYTES),
        }

    def answer(self, data: bytes) -> bytes:
        function, given = data[2], data[4:-2]
        self.commands.append(function)
        echoed = given if function == gnetplus.ECHO else b""
        return GNetPlusFrame(DONE, self._said.get(function, echoed)).to_bytes()


def answer_to(code: int, data: bytes) -> bytes:
    """Return the chip's answer to a card command; nothing stands for its error."""
    if code in {0x40, 0x4A} and not data:
        return SYNTAX_ERROR
    return Frame(0xD5, code + 1, data).to_bytes()


async def scripted(*answers: bytes) -> tuple[Pn532Reader, ScriptedChip]:
    """Return a reader that is open on a scripted chip."""
    chip = ScriptedChip(*answers)

    async def open_link() -> ScriptedChip:
        return chip

    reader = Pn532Reader(open_link)
    await reader.open()
    return reader, chip
