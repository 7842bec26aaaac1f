"""Chips, a reader that fails on demand, and a dispenser, for simulations of money.

The card is the simulated MIFARE chip with its keys and access bits, held in memory; the
driver above the reader is the product's own, so that a tear happens between two blocks.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

from cngstation.domain.payment import MODE_OF_CODE
from cngstation.drivers.card_reader import (
    CardGone,
    CardSaidNo,
    KeyKind,
    KeyRefused,
    ReaderHealth,
)
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.errors import (
    DeviceUnavailable,
    OutcomeUnknown,
    RemoteProtocolError,
)
from cngstation.protocols.card_image.purse import GreyMark, Purse
from cngstation.protocols.dispenser.canonical import (
    CardKind,
    DebitKind,
    DebitRequest,
    DeviceKind,
    SaleRecord,
    StopReason,
    TransactionType,
)
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.decide_debit import decide
from cngstation.simulators.mifare_classic import (
    AUTHENTICATE_A,
    AUTHENTICATE_B,
    READ,
    WRITE,
    AuthenticationFailed,
    CardRefused,
    CardSilent,
    MifareClassic,
)
from cngstation.simulators.virtual_card import blank_image
from cngstation.storage.sales import NozzleKey
from cngstation.units import Unit, hundredths_to_e4

MASTER_KEY = bytes(range(16))
PRICE_E4 = 33_700  # an awkward price, so that roundings show themselves
GARBAGE = bytes.fromhex("a55a13377331c0ffee00deadbeef4242")


class PowerCut(BaseException):
    """The process ends here, as after kill -9; nothing may catch it."""


class Fault(StrEnum):
    """What goes wrong with a command to the card."""

    PULLED = "pulled"  # the card leaves; the command is not carried out
    TORN = "torn"  # the block is left as garbage, and the card leaves
    ANSWER_LOST = "answer_lost"  # carried out; nobody hears it, and the card leaves
    NOT_HEARD = "not_heard"  # not carried out, no answer; the card stays
    READER_DIES = "reader_dies"  # the reader does not answer any more
    NONSENSE = "nonsense"  # carried out, but the answer makes no sense
    REFUSED = "refused"  # a key is refused once, as in a weak field
    CUT_BEFORE = "cut_before"  # the power goes before the command
    CUT_AFTER = "cut_after"  # ... after it
    CUT_INSIDE = "cut_inside"  # ... in it: the block is garbage


class Chip:
    """A MIFARE Classic 1K as an object: an image that can be saved and put back."""

    def __init__(self, uid: bytes, image: bytes | None = None) -> None:
        self.uid = uid
        self.image = bytearray(image or blank_image(uid))

    def read_block(self, block: int) -> bytes:
        """Return 16 bytes."""
        return bytes(self.image[16 * block : 16 * block + 16])

    def write_block(self, block: int, data: bytes) -> None:
        """Store 16 bytes."""
        self.image[16 * block : 16 * block + 16] = data

    def saved(self) -> bytes:
        """Return the whole image."""
        return bytes(self.image)


@dataclass
class Reader:
    """A `CardReader` over one chip; `fault` strikes at the `countdown`-th command.

    With `writes_only` only block writes count, so that a tear is easily aimed.
    """

    NAME: ClassVar[str] = "simulated"
    chip: Chip | None = None
    fault: Fault | None = None
    countdown: int = 0
    writes_only: bool = True
    struck: Fault | None = None
    writes: int = 0
    refuses_sector: int | None = None
    _card: MifareClassic | None = field(default=None, repr=False)

    @property
    def health(self) -> ReaderHealth:
        """Always well."""
        return ReaderHealth(online=True, firmware="", last_fault="")

    def arm(self, fault: Fault | None, countdown: int = 0, *, writes: bool) -> None:
        """Let a fault strike at a coming command, or none."""
        self.fault, self.countdown, self.writes_only = fault, countdown, writes
        self.struck = None

    def put(self, chip: Chip | None) -> None:
        """Lay a chip into the field, or take it away."""
        self.chip, self._card = chip, None

    async def find_card(self) -> bytes | None:
        """Select whatever is in the field."""
        self._strikes(write=False)
        self._card = None
        if self.chip is None:
            return None
        self._card = MifareClassic(self.chip)  # type: ignore[arg-type]
        self._card.select()
        return self.chip.uid

    async def reselect(self, uid: bytes) -> None:
        """Select this very chip."""
        if await self.find_card() != uid:
            self._card = None
            raise CardGone

    async def authenticate(self, block: int, key: bytes, key_kind: KeyKind) -> None:
        """Open a sector."""
        struck = self._strikes(write=False)
        refused = struck is Fault.REFUSED or block // 4 == self.refuses_sector
        code = AUTHENTICATE_A if key_kind == "A" else AUTHENTICATE_B
        uid = self.chip.uid if self.chip else b""
        if refused or not self._opens(bytes([code, block]) + key + uid):
            self._card = None
            raise KeyRefused(block=block)

    def _opens(self, command: bytes) -> bool:
        try:
            self._ask(command)
        except AuthenticationFailed:
            return False
        return True

    async def read_block(self, block: int) -> bytes:
        """Read."""
        self._strikes(write=False)
        return self._ask(bytes([READ, block]))

    async def write_block(self, block: int, data: bytes) -> None:
        """Write, be torn, or stay without an answer."""
        if self._card is None:
            raise CardGone
        chip = self.chip
        struck = self._strikes(write=True)
        self.writes += 1
        if struck in {Fault.PULLED, Fault.NOT_HEARD, Fault.READER_DIES}:
            raise OutcomeUnknown(device=self.NAME)
        if struck in {Fault.TORN, Fault.CUT_INSIDE} and chip is not None:
            chip.write_block(block, GARBAGE)
        else:
            self._written(bytes([WRITE, block]) + data)
        if struck in {Fault.CUT_AFTER, Fault.CUT_INSIDE}:
            self.put(None)
            raise PowerCut
        if struck in {Fault.TORN, Fault.ANSWER_LOST}:
            self.put(None)
        if struck in {Fault.TORN, Fault.ANSWER_LOST, Fault.NONSENSE}:
            raise OutcomeUnknown(device=self.NAME)

    def _written(self, command: bytes) -> None:
        try:
            self._ask(command)
        except (CardGone, CardSaidNo) as error:
            raise OutcomeUnknown(device=self.NAME) from error

    async def release(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    def _ask(self, command: bytes) -> bytes:
        if self._card is None:
            raise CardGone
        try:
            return self._card.perform(command)
        except CardSilent:
            self._card = None
            raise CardGone from None
        except CardRefused:
            self._card = None
            raise CardSaidNo(block=command[1]) from None

    def _strikes(self, *, write: bool) -> Fault | None:
        """Count a command; carry out what the fault does to a command that reads."""
        if self.fault is None or (self.writes_only and not write):
            return None
        if self.countdown > 0:
            self.countdown -= 1
            return None
        struck, self.fault, self.struck = self.fault, None, self.fault
        if struck is Fault.CUT_BEFORE:
            raise PowerCut
        if struck is Fault.PULLED:
            self.put(None)
        if write:
            return struck
        if struck in {Fault.CUT_AFTER, Fault.CUT_INSIDE}:
            raise PowerCut
        if struck in {Fault.TORN, Fault.ANSWER_LOST}:
            self.put(None)
        if struck in {Fault.NOT_HEARD, Fault.READER_DIES}:
            self._card = None
            raise DeviceUnavailable(device=self.NAME, why="it does not answer")
        if struck is Fault.NONSENSE:
            self._card = None
            raise RemoteProtocolError(why="an answer without sense")
        return struck


class Dispenser:
    """One nozzle that fills chips, keeps its records and forgets none.

    Card writes: grey mark and pseq+1 when the card is taken, one write for the debit;
    a make-up debit is a write of its own.
    """

    def __init__(self, nozzle_no: int, unit: Unit = Unit.M3) -> None:
        key = NozzleKey("00000001", 1, nozzle_no)
        self.setting = NozzleSetting(key, unit)
        self.records: list[SaleRecord] = []
        self._seq = 0
        self._total_milli = 0
        self._clock = 0

    async def fill(
        self, chip: Chip, hundredths: int, *, leaves: bool = False
    ) -> SaleRecord | None:
        """Fill; a customer who leaves takes the card away grey."""
        reader, driver = self._held(chip)
        reading = await driver.read(chip.uid)
        purse = reading.purse
        if purse is None or purse.grey is not None:
            return None
        mode = MODE_OF_CODE[purse.payment_mode]
        if mode.prepaid and purse.balance <= 0:
            return None
        self._seq += 1
        grey = GreyMark("00000001", self.setting.key.nozzle_no, self._seq)
        taken = replace(purse, grey=grey, pseq=purse.pseq + 1)
        await driver.write_purse(reading, taken)
        request = self._request(purse, hundredths)
        decision = decide(request, mode)
        record = self._record(
            taken,
            TransactionType.GREY if leaves else TransactionType.NORMAL,
            quantity_milli=request.quantity_milli,
            amount_e4=request.amount_e4,
            debited=0 if leaves else decision.debited_hundredths,
            after=purse.balance if leaves else decision.balance_after_hundredths,
        )
        if not leaves:
            paid = replace(
                taken,
                balance=decision.balance_after_hundredths,
                consumed_total=taken.consumed_total + decision.debited_hundredths,
                grey=None,
            )
            await driver.write_purse(await driver.read(chip.uid), paid)
        reader.put(None)
        return record

    async def collect(self, chip: Chip, grey: SaleRecord) -> SaleRecord | None:
        """Take the debit of an unpaid fill from the card that is grey for it."""
        _, driver = self._held(chip)
        reading = await driver.read(chip.uid)
        purse = reading.purse
        if (
            purse is None
            or purse.grey is None
            or purse.pseq != grey.card_consumption_count
        ):
            return None
        mode = MODE_OF_CODE[purse.payment_mode]
        whole = replace(
            self._request(purse, 0),
            quantity_milli=grey.quantity_milli,
            amount_e4=grey.amount_e4,
        )
        decision = decide(whole, mode)
        after = decision.balance_after_hundredths
        collected = replace(purse, balance=after, grey=None, pseq=purse.pseq + 1)
        await driver.write_purse(reading, collected)
        self._seq += 1
        return self._record(
            collected,
            TransactionType.MAKE_UP_DEBIT,
            quantity_milli=grey.quantity_milli,
            amount_e4=grey.amount_e4,
            debited=decision.debited_hundredths,
            after=after,
            before=purse.balance,
            related=grey.device_seq,
        )

    def began_anew(self) -> None:
        """The device lost its counter; its totaliser went on."""
        self._seq = 0

    def _held(self, chip: Chip) -> tuple[Any, Any]:
        """Return the card reader of the nozzle with the chip, and its driver."""
        reader = Reader()
        reader.put(chip)
        return reader, MifarePurseCard(reader, MASTER_KEY)

    def _request(self, purse: Purse, hundredths: int) -> DebitRequest:
        fen = (hundredths * PRICE_E4 + 5_000) // 10_000
        return DebitRequest(
            kind=DebitKind.DEBIT,
            card_no=None,
            card_kind=CardKind.STORED_VALUE,
            quantity_milli=10 * hundredths,
            amount_e4=hundredths_to_e4(fen),
            balance_hundredths=purse.balance,
            station_no="",
            gun=1,
            device_seq=0,
        )

    def _record(
        self,
        purse: Purse,
        kind: TransactionType,
        *,
        quantity_milli: int,
        amount_e4: int,
        debited: int,
        after: int,
        before: int | None = None,
        related: int | None = None,
    ) -> SaleRecord:
        self._clock += 1
        if kind is not TransactionType.MAKE_UP_DEBIT:
            self._total_milli += quantity_milli
        record = SaleRecord(
            protocol="simulated",
            device_seq=self._seq,
            transaction_type=kind,
            transaction_code=0,
            card_no=f"00000028{purse.card_no}",
            card_kind=CardKind.STORED_VALUE,
            plate=None,
            station_no="00000001",
            shift_no=1,
            employee_card=None,
            started_at=f"2026-01-01 00:00:00 #{self._clock}",
            ended_at=f"2026-01-01 00:00:01 #{self._clock}",
            device_kind=DeviceKind.CNG,
            unit=self.setting.unit,
            unit_code=1,
            quantity_milli=quantity_milli,
            price_e4=PRICE_E4,
            amount_e4=amount_e4,
            debited_hundredths=debited,
            balance_before_hundredths=purse.balance if before is None else before,
            balance_after_hundredths=after,
            card_top_up_count=purse.wseq,
            card_top_up_total_hundredths=0,
            card_consumption_count=purse.pseq,
            card_consumed_quantity_milli=0,
            card_consumed_total_hundredths=0,
            gun_total_quantity_milli=self._total_milli,
            gun_total_amount_e4=0,
            pressure_before_kpa=None,
            pressure_after_kpa=None,
            density_e4=0,
            equivalent_e4=0,
            stop_reason=StopReason.MANUAL,
            stop_code=0,
            related_grey_seq=related,
            shift_record_seq=0,
            raw_frame=b"",
        )
        self.records.append(record)
        return record
