"""A simulated pump that speaks Lanfeng: twelve bytes a request, twelve an answer."""

from cngstation.simulators.plain_dispenser import PlainDispenser

BITS_PER_BYTE = 10
FRAME = 12
TOTAL_WRAP = 10**12
READ, CONTROL, RELEASE, START, STOP = 0xB8, 0xA0, 0xB0, 0xA1, 0xB1
MONEY_LIMIT, VOLUME_LIMIT, PRICE, MONEY_TOTAL, VOLUME_TOTAL = (
    0xA2,
    0xA3,
    0xA4,
    0xAC,
    0xAD,
)


def with_check(body: bytes) -> bytes:
    """Return eleven bytes with the one that makes the last ten of them sum to 0."""
    return body + bytes((-sum(body[1:]) & 0xFF,))


class LanfengDispenser:
    """What one pump says on the wire; `works` is its works."""

    def __init__(self, works: PlainDispenser, gun: int) -> None:
        self.works = works
        self.gun = gun
        self._held = bytearray()
        self._under_control = False
        works.needs_host = False

    def hear(self, data: bytes, now: float) -> bytes | None:
        """Take what is on the wire; return what it answers, if anything."""
        self._held += data
        while len(self._held) >= FRAME:
            head = bytes(self._held[:FRAME])
            if head[0] == self.gun and head[1] == 0 and with_check(head[:11]) == head:
                self._held.clear()
                self.works.step(now)
                return self._answer(head[2], head[3:11], now)
            del self._held[0]
        return None

    def _answer(self, command: int, body: bytes, now: float) -> bytes | None:
        works, kept = self.works, self.works.kept
        match command:
            case 0xA0 | 0xB0:
                self._under_control = command == CONTROL
                works.needs_host = self._under_control
            case 0xA1:
                works.authorise(now)
            case 0xB1:
                works.stop(now)
            case 0xA2 if not works.is_running:
                works.preset(amount=int(body[:3].hex()))
            case 0xA3 if not works.is_running:
                works.preset(quantity=int(body[:3].hex()))
            case 0xA4:
                works.set_price(int(body[:2].hex()))
            case 0xAC:
                return self._total(kept.total_amount)
            case 0xAD:
                return self._total(kept.total_quantity)
            case 0xB8:
                pass
            case _:
                return None
        return self._status()

    def _status(self) -> bytes:
        works, kept = self.works, self.works.kept
        state = 0x41
        if works.is_running:
            state = 0xC2
        elif works.is_out:
            state = 0xC1
        if not self._under_control:
            state &= ~0x40
        figures = _bcd(kept.price, 2) + _bcd(kept.amount, 3) + _bcd(kept.quantity, 3)
        return with_check(bytes((self.gun, 0)) + figures + bytes((state,)))

    def _total(self, figure: int) -> bytes:
        return with_check(bytes((self.gun, 0, 0, 0, 0)) + _bcd(figure, 6))


def _bcd(number: int, size: int) -> bytes:
    return bytes.fromhex(str(number).zfill(2 * size)[-2 * size :])
