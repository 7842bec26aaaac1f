"""The fuel trade's CPU card as a state machine: files, purse, grey lock.

    00 idle   --begin lock, lock-->            01 grey       off-line counter + 1
    01 grey   --debit for unlock (GMAC)-->     10 TAC pending
    01 grey   --begin unlock, unlock (MAC2)--> 00 idle       on-line counter + 1
    10        --lock proof, P1 = 01-->         00 idle
    00 or 10  --begin load, load (MAC2)-->     the same      on-line counter + 1

An end must follow its begin at once, and each is used once. Nothing moves money while
the card is grey, except what ends that. What public programs do not say, and this
card decides: the inputs of GTAC, of the lock's MAC2, of GMAC and of MAC3.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from cngstation.simulators import fuel_card_codes as codes
from cngstation.simulators.fuel_card_codes import (
    FILL_DEBIT,
    GREY_LOCK,
    GREY_UNLOCK,
    LOAD,
    UNLOAD,
)
from cngstation.simulators.fuel_card_memory import (
    GREY,
    IDLE,
    PIN_TRIES,
    TAC_PENDING,
    Memory,
)
from cngstation.simulators.smart_card_apdu import Apdu, Refused, parsed, require

AID = b"\xa0\x00\x00\x00\x0386980701"
_KEY_VERSION = b"\x01\x00"
_LAST_COUNT = 0xFFFF
_LAST_BALANCE = 0xFFFFFFFF
_LOG_RECORDS = 10
_LOG_SFI = 0x18


@dataclass(frozen=True, slots=True)
class _Begun:
    """What a begin left for the end that must follow it."""

    kind: int
    amount: int
    terminal: bytes
    session: bytes
    random: bytes


@dataclass(frozen=True, slots=True)
class _Before:
    """What the command before this one left for it."""

    begun: _Begun | None
    challenge: bytes


class FuelCard:
    """A card under power; `perform` answers an APDU, `memory` outlives the power."""

    def __init__(
        self, memory: Memory, randomness: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.memory = memory
        self._randomness = randomness
        self.reset()

    def reset(self) -> None:
        """Forget what a card forgets without power."""
        self._selected = False
        self._pin_given = False
        self._challenge = b""
        self._begun: _Begun | None = None

    def perform(self, apdu: bytes) -> bytes:
        """Carry out a command; return data and status."""
        begun, self._begun = self._begun, None
        try:
            data, status = self._answer(parsed(apdu), begun), 0x9000
        except Refused as refused:
            data, status = b"", refused.status
        return data + status.to_bytes(2, "big")

    def _answer(self, apdu: Apdu, begun: _Begun | None) -> bytes:
        if apdu.head == b"\xff\xca\0\0":
            # A contactless reader's own command; a card on contacts has no such.
            require(self.memory.contactless, 0x6E00)
            return bytes.fromhex(self.memory.uid)
        if apdu.head[:2] == b"\0\xa4":
            return self._select(apdu)
        if apdu.head == b"\0\x84\0\0":
            self._challenge = self._randomness(4)
            return self._challenge
        require(self._selected, 0x6A82)
        challenge, self._challenge = self._challenge, b""
        handler = _HANDLERS.get(apdu.head[:2])
        if handler is None:
            raise Refused(0x6D00)
        return handler(self, apdu, _Before(begun, challenge))

    def _select(self, apdu: Apdu) -> bytes:
        self._selected = self._pin_given = False
        require(apdu.p1 == 4, 0x6A86)
        require(bool(apdu.data) and AID.startswith(apdu.data), 0x6A82)
        self._selected = True
        name = b"\x84" + bytes([len(AID)]) + AID
        return b"\x6f" + bytes([len(name)]) + name

    def _verify(self, apdu: Apdu, _: _Before) -> bytes:
        memory = self.memory
        require(memory.pin_tries > 0, 0x6983)
        if apdu.data.hex() != memory.pin:
            memory.pin_tries -= 1
            self._pin_given = False
            raise Refused(0x63C0 | memory.pin_tries)
        memory.pin_tries = PIN_TRIES
        self._pin_given = True
        return b""

    def _file(self, apdu: Apdu) -> tuple[str, bytes]:
        require(apdu.p1 & 0x80 != 0, 0x6A86)
        name = f"{apdu.p1 & 0x1F:02X}"
        require(name in self.memory.files, 0x6A82)
        return name, bytes.fromhex(self.memory.files[name])

    def _read_file(self, apdu: Apdu, _: _Before) -> bytes:
        content = self._file(apdu)[1]
        length = apdu.data[0] if apdu.data else 0
        require(apdu.p2 + length <= len(content), 0x6B00)
        return content[apdu.p2 : apdu.p2 + length] if length else content[apdu.p2 :]

    def _update_file(self, apdu: Apdu, before: _Before) -> bytes:
        name, content = self._file(apdu)
        data = apdu.data
        if apdu.cla == 0x04:
            require(before.challenge, 0x6985)
            data, given = data[:-4], data[-4:]
            signed = apdu.head + bytes([len(apdu.data)]) + data
            key = self._key("maintenance")
            require(
                codes.messaging_code_of(key, before.challenge, signed) == given, 0x6988
            )
        else:
            require(name == "1B", 0x6982)
        require(apdu.p2 + len(data) <= len(content), 0x6A84)
        changed = content[: apdu.p2] + data + content[apdu.p2 + len(data) :]
        self.memory.files[name] = changed.hex()
        return b""

    def _read_log(self, apdu: Apdu, _: _Before) -> bytes:
        require(apdu.p2 == (_LOG_SFI << 3 | 4), 0x6A82)
        require(1 <= apdu.p1 <= len(self.memory.log), 0x6A83)
        return bytes.fromhex(self.memory.log[apdu.p1 - 1])

    def _balance(self, apdu: Apdu, _: _Before) -> bytes:
        return self.memory.balance.to_bytes(4, "big")

    def _begin_move(self, apdu: Apdu, _: _Before) -> bytes:
        kind = {0x00: LOAD, 0x05: UNLOAD}.get(apdu.p1, 0)
        require(kind != 0 and apdu.p2 == 1, 0x6A86)
        require(len(apdu.data) == 11, 0x6700)
        require(apdu.data[0] == 1, 0x9403)
        memory = self.memory
        require(memory.lock_state != GREY, 0x6985)
        require(self._pin_given, 0x6982)
        require(memory.on_line < _LAST_COUNT, 0x9402)
        amount = int.from_bytes(apdu.data[1:5], "big")
        if kind == LOAD:
            require(memory.balance + amount <= _LAST_BALANCE, 0x6A80)
        else:
            require(amount <= memory.balance, 0x9401)
        terminal, random = apdu.data[5:], self._randomness(4)
        key = self._key("load" if kind == LOAD else "unload")
        session = codes.session_of(key, random, memory.on_line)
        self._begun = _Begun(kind, amount, terminal, session, random)
        balance = memory.balance.to_bytes(4, "big")
        mac1 = codes.code_of(session, balance + apdu.data[1:5] + _one(kind) + terminal)
        on_line = memory.on_line.to_bytes(2, "big")
        return balance + on_line + _KEY_VERSION + random + mac1

    def _end_move(self, apdu: Apdu, before: _Before) -> bytes:
        begun = before.begun
        kind = LOAD if apdu.ins == 0x52 else UNLOAD
        if begun is None or begun.kind != kind:
            raise Refused(0x6985)
        require(len(apdu.data) == 11, 0x6700)
        moment = apdu.data[:7]
        self._check_order(begun, begun.amount, apdu)
        memory = self.memory
        memory.balance += begun.amount if kind == LOAD else -begun.amount
        told = self._told(memory.on_line, begun.amount, kind, begun.terminal, moment)
        tac = codes.tac_of(self._key("tac"), told)
        mac3 = codes.code_of(begun.session, told)
        self._note(memory.on_line, begun.amount, kind, begun.terminal, moment)
        self._remember(kind, memory.on_line, mac3, tac)
        memory.on_line += 1
        return tac if kind == LOAD else mac3

    def _check_order(self, begun: _Begun, amount: int, apdu: Apdu) -> None:
        moment, given = apdu.data[-11:-4], apdu.data[-4:]
        order = amount.to_bytes(4, "big") + _one(begun.kind) + begun.terminal + moment
        require(codes.code_of(begun.session, order) == given, 0x9302)

    def _last_codes(self, apdu: Apdu, _: _Before) -> bytes:
        wanted = apdu.p2, int.from_bytes(apdu.data[:2], "big")
        last = self.memory.last
        require((last.get("kind"), last.get("count")) == wanted, 0x9406)
        return bytes.fromhex(f"{last['mac']}{last['tac']}")

    def _lock_proof(self, apdu: Apdu, _: _Before) -> bytes:
        memory = self.memory
        if apdu.p1 == 0:
            return bytes.fromhex(memory.lock_proof)
        require(apdu.p1 == 1, 0x6A86)
        require(memory.lock_state == TAC_PENDING, 0x6985)
        memory.lock_proof = "00" + memory.lock_proof[2:]
        return b""

    def _begin_grey(self, apdu: Apdu, _: _Before) -> bytes:
        kind = {0x08: GREY_LOCK, 0x09: GREY_UNLOCK}.get(apdu.p1, 0)
        require(kind != 0 and apdu.p2 == 1, 0x6A86)
        require(len(apdu.data) == 7, 0x6700)
        require(apdu.data[0] == 1, 0x9403)
        memory, terminal = self.memory, apdu.data[1:]
        random = self._randomness(4)
        balance = memory.balance.to_bytes(4, "big")
        off_line = memory.off_line.to_bytes(2, "big")
        if kind == GREY_LOCK:
            require(memory.lock_state == IDLE, 0x6985)
            require(self._pin_given, 0x6982)
            require(memory.off_line < _LAST_COUNT, 0x9402)
            self._begun = _Begun(kind, 0, terminal, b"", random)
            overdraft = memory.overdraft.to_bytes(3, "big")
            return balance + off_line + overdraft + _KEY_VERSION + random
        require(memory.lock_state == GREY, 0x6985)
        require(memory.on_line < _LAST_COUNT, 0x9402)
        session = codes.session_of(self._key("unlock"), random, memory.on_line)
        self._begun = _Begun(kind, 0, terminal, session, random)
        mac1 = codes.code_of(session, balance + off_line + _one(kind) + terminal)
        on_line = memory.on_line.to_bytes(2, "big")
        return balance + off_line + on_line + _KEY_VERSION + random + mac1

    def _lock(self, apdu: Apdu, before: _Before) -> bytes:
        begun = before.begun
        if begun is None or begun.kind != GREY_LOCK:
            raise Refused(0x6985)
        require(len(apdu.data) == 19, 0x6700)
        memory = self.memory
        count, far_random = apdu.data[:4], apdu.data[4:8]
        moment, given = apdu.data[8:15], apdu.data[15:]
        off_line = memory.off_line.to_bytes(2, "big")
        key = self._key("purchase")
        session = codes.lock_session_of(key, begun.random, off_line, count, far_random)
        locked = _one(GREY_LOCK) + begun.terminal + moment
        require(codes.code_of(session, locked) == given, 0x9302)
        gtac = codes.tac_of(self._key("tac"), off_line + locked)
        mac2 = codes.code_of(session, off_line + count)
        balance = memory.balance.to_bytes(4, "big")
        proof = bytes([GREY, GREY_LOCK, 1]) + balance + off_line
        memory.lock_proof = (proof + begun.terminal + moment + mac2 + gtac).hex()
        memory.lock_session, memory.lock_count = session.hex(), count.hex()
        memory.off_line += 1
        return gtac + mac2

    def _end_grey(self, apdu: Apdu, before: _Before) -> bytes:
        begun = before.begun
        require(apdu.p1 in {0x08, 0x09}, 0x6A86)
        require(self.memory.lock_state == GREY, 0x6985)
        if apdu.p1 == 0x08:
            return self._debit(apdu)
        if begun is None or begun.kind != GREY_UNLOCK:
            raise Refused(0x6985)
        require(len(apdu.data) == 15, 0x6700)
        memory, moment = self.memory, apdu.data[4:11]
        amount = int.from_bytes(apdu.data[:4], "big")
        self._check_order(begun, amount, apdu)
        require(amount <= memory.balance + memory.overdraft, 0x9401)
        self._take(amount)
        told = self._told(memory.on_line, amount, GREY_UNLOCK, begun.terminal, moment)
        mac3 = codes.code_of(begun.session, told)
        tac = codes.tac_of(self._key("tac"), told)
        self._note(memory.on_line, amount, GREY_UNLOCK, begun.terminal, moment)
        self._remember(GREY_UNLOCK, memory.on_line, mac3, tac)
        memory.lock_proof = "00" + memory.lock_proof[2:]
        memory.on_line += 1
        return mac3

    def _debit(self, apdu: Apdu) -> bytes:
        require(len(apdu.data) == 27, 0x6700)
        memory, data = self.memory, apdu.data
        proof = bytes.fromhex(memory.lock_proof)
        off_line, terminal, count = data[4:6], data[6:12], data[12:16]
        require((off_line, terminal) == (proof[7:9], proof[9:15]), 0x6A80)
        require(count.hex() == memory.lock_count, 0x6A80)
        session = bytes.fromhex(memory.lock_session)
        require(codes.code_of(session, data[:4] + off_line) == data[23:], 0x9302)
        amount = int.from_bytes(data[:4], "big")
        require(amount <= memory.balance + memory.overdraft, 0x9401)
        moment = data[16:23]
        self._take(amount)
        counted = int.from_bytes(off_line, "big")
        told = self._told(counted, amount, FILL_DEBIT, terminal, moment)
        tac = codes.tac_of(self._key("tac"), told)
        self._note(counted, amount, FILL_DEBIT, terminal, moment)
        self._remember(FILL_DEBIT, counted, b"\0\0\0\0", tac)
        whole = bytes([TAC_PENDING, FILL_DEBIT]) + proof[2:22] + data[:4] + tac
        memory.lock_proof = whole.hex()
        return tac

    def _take(self, amount: int) -> None:
        """Take from the balance, and from the overdraft what is not there."""
        memory = self.memory
        from_balance = min(amount, memory.balance)
        memory.balance -= from_balance
        memory.overdraft -= amount - from_balance

    def _key(self, name: str) -> bytes:
        return bytes.fromhex(self.memory.keys[name])

    def _told(
        self, count: int, amount: int, kind: int, terminal: bytes, moment: bytes
    ) -> bytes:
        """What a TAC or MAC3 covers: the new balance, and the counter before."""
        head = self.memory.balance.to_bytes(4, "big") + count.to_bytes(2, "big")
        return head + amount.to_bytes(4, "big") + _one(kind) + terminal + moment

    def _note(
        self, count: int, amount: int, kind: int, terminal: bytes, moment: bytes
    ) -> None:
        overdraft = self.memory.overdraft.to_bytes(3, "big")
        record = count.to_bytes(2, "big") + overdraft + amount.to_bytes(4, "big")
        record += _one(kind) + terminal + moment
        self.memory.log = [record.hex(), *self.memory.log[: _LOG_RECORDS - 1]]

    def _remember(self, kind: int, count: int, mac: bytes, tac: bytes) -> None:
        self.memory.last = {
            "kind": kind,
            "count": count,
            "mac": mac.hex(),
            "tac": tac.hex(),
        }


def _one(kind: int) -> bytes:
    return bytes([kind])


_HANDLERS: dict[bytes, Callable[[FuelCard, Apdu, _Before], bytes]] = {
    b"\x00\x20": FuelCard._verify,
    b"\x00\xb0": FuelCard._read_file,
    b"\x00\xd6": FuelCard._update_file,
    b"\x04\xd6": FuelCard._update_file,
    b"\x00\xb2": FuelCard._read_log,
    b"\x80\x5c": FuelCard._balance,
    b"\x80\x50": FuelCard._begin_move,
    b"\x80\x52": FuelCard._end_move,
    b"\x80\x54": FuelCard._end_move,
    b"\x80\x5a": FuelCard._last_codes,
    b"\xe0\xca": FuelCard._lock_proof,
    b"\xe0\x7a": FuelCard._begin_grey,
    b"\xe0\x7c": FuelCard._lock,
    b"\xe0\x7e": FuelCard._end_grey,
}
