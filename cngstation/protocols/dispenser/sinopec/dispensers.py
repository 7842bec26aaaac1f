"""What the line remembers of each dispenser.

A dispenser has one address and several nozzles. Our number of a nozzle, its `gun`, is
100 times the address and the dispenser's own number of the nozzle: 102 is nozzle 2 of
address 1.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from cngstation.protocols.dispenser.canonical import Link
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.forecourt import DownloadKind
from cngstation.protocols.dispenser.sinopec.frames import Frame
from cngstation.protocols.dispenser.sinopec.messages import GreyQuery, Versions
from cngstation.protocols.dispenser.tries import Tries
from cngstation.protocols.dispenser.turns import PolledNozzle, Undecided

NOZZLES_PER_ADDRESS = 100
LARGEST_ADDRESS = 99
# Its identity tells which versions it holds; while it does not answer, polls go on.
IDENTITY_EVERY_TURNS = 8
# The end of a fill is told three times before its record comes.
POLLS_UNTIL_RECORD = 4
_KEPT_NUMBERS = 2


def address_of(gun: int) -> tuple[int, int]:
    """Return address and nozzle of a gun number.

    Raises:
        ValueError: there is no such address or nozzle.
    """
    address, nozzle = divmod(gun, NOZZLES_PER_ADDRESS)
    if not (1 <= address <= LARGEST_ADDRESS and nozzle >= 1):
        raise ValueError(
            f"gun {gun} is not 100 times an address of 1 to {LARGEST_ADDRESS}"
            " and a nozzle of 1 to 99"
        )
    return address, nozzle


@dataclass(slots=True)
class Dispenser(PolledNozzle):
    """One address: its nozzles by their own numbers, and what it waits for.

    `gun` is that of the nozzle in whose name it speaks of itself. `answering` is the
    message that is answered when the service has decided, `query` what it asked.
    """

    address: int = 0
    nozzles: dict[int, NozzleSetup] = field(default_factory=dict)
    answering: Frame | None = None
    query: GreyQuery | None = None
    held: Versions | None = None
    wants_identity: bool = True
    turns: int = 0
    is_fuelling: bool = False
    expects_record: int = 0
    prices_e4: dict[int, int] = field(default_factory=dict)
    noted: dict[DownloadKind, int] = field(default_factory=dict)
    in_force: dict[DownloadKind, int] = field(default_factory=dict)
    tries: Tries = field(default_factory=Tries)
    _numbers: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT_NUMBERS))

    @property
    def guns(self) -> list[int]:
        return [setup.gun for setup in self.nozzles.values()]

    def wait_for_service(
        self, matter: object, frame: Frame, now_us: int, query: GreyQuery | None = None
    ) -> bool:
        """Note what the service is told; False when it still works on something.

        What is repeated meanwhile is answered by its last frame number.
        """
        if self.undecided is None:
            self.undecided = Undecided(now_us, matter)
            self.answering, self.query = frame, query
            return True
        if self.undecided.matter == matter:
            self.answering = frame
        return False

    def ask_identity(self) -> None:
        """Let the next turn be one for the identity."""
        self.wants_identity, self.turns = True, 0

    def identity_is_due(self) -> bool:
        """Count a turn; tell whether it is one for the identity."""
        self.turns += 1
        return self.wants_identity and self.turns % IDENTITY_EVERY_TURNS == 1

    def asked_by(self, number: int) -> None:
        """Note the number of a frame that was sent to it."""
        self._numbers.append(number)

    def asked_lately(self, number: int) -> bool:
        """Tell whether a frame with this number can only answer an older one."""
        return number in self._numbers

    def grow_silent(self, now_us: int) -> bool:
        """Let time pass; return whether the link changed."""
        # Without arguments it would look for the class as it was before its slots.
        changed = PolledNozzle.grow_silent(self, now_us)
        if changed and self.link is Link.OFFLINE:
            # It may be another one, or have lost its memory, when it comes back.
            self.ask_identity()
        return changed


def dispensers_of(nozzles: Iterable[NozzleSetup]) -> dict[int, Dispenser]:
    """Return the dispensers of a line by their addresses.

    Raises:
        ValueError: a gun number names no address, or there is none.
    """
    found: dict[int, Dispenser] = {}
    for setup in nozzles:
        address, nozzle = address_of(setup.gun)
        dispenser = found.setdefault(address, Dispenser(setup.gun, address=address))
        if nozzle in dispenser.nozzles:
            raise ValueError("two nozzles of one line have the same gun number")
        dispenser.nozzles[nozzle] = setup
    if not found:
        raise ValueError("a line without nozzles has nobody to talk to")
    return found
