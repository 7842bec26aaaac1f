"""Cards in a plain foreign layout for tests: the layout as data, a world of them."""

from typing import Any

from cngstation.domain.card_life import CardState
from cngstation.drivers.plain_purse_card import PlainCards, PlainPurseCard
from cngstation.protocols.card_image.plain import Figure, PlainLayout, Seal
from cngstation.simulators import plain_card
from cngstation.storage import cards
from tests.simulation.money_cards import PRICE_E4, Chip, Reader
from tests.simulation.money_world import RULES, World
from tests.small_station import a_card

UID = bytes.fromhex("0bad5eed")
CARD_NO = "01000777"
KEY = RULES.area_no + CARD_NO
LAYOUT = PlainLayout(
    sector=9,
    card_no_offset=0,
    balance=Figure(16, 4),
    consumed=Figure(20, 4),
    seal=Seal.XOR,
    seal_offset=31,
)
PLAIN = PlainCards(
    layout=LAYOUT,
    key_a=plain_card.KEY_A,
    key_b=plain_card.KEY_B,
    area_no=RULES.area_no,
    kind=1,
    payment_mode=0,
)


def plain_chip(balance: int) -> Chip:
    """Return a chip of another maker."""
    chip = Chip(UID)
    plain_card.make(chip, CARD_NO, balance)
    return chip


class PlainWorld(World):
    """A station whose customers have cards of another maker."""

    async def _put_together(self) -> None:
        await super()._put_together()
        card: Any = PlainPurseCard(self.reader, PLAIN)
        self.watch._card = card

    def register(self) -> None:
        """Take the card into the register, as an import does."""
        card = a_card(
            KEY,
            uid=UID.hex().upper(),
            price_e4=PRICE_E4,
            cylinder_due="",
            state=CardState.NORMAL,
            wseq=0,
        )
        self.must(self.database.write(lambda tx: cards.add(tx, card)))

    def reading(self, chip: Chip) -> Any:
        """Read a chip on a reader beside the station's, without fault."""
        reader = Reader()
        reader.put(chip)
        return self.must(PlainPurseCard(reader, PLAIN).read(chip.uid))
