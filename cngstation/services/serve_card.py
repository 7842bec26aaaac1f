"""What happens by itself when a card is laid on the reader: look, settle, remember.

An act of this card that was cut off is finished from what the card proves, without
anybody choosing; then the page is shown. Every sight of a card is compared with the
book, so that a copy or an old image shows itself.
"""

import contextlib

from cngstation.errors import NoRoom, StationError
from cngstation.moments import Clock
from cngstation.services import opening_balances
from cngstation.services.act_on_card import CardActs
from cngstation.services.act_result import ActResult
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.services.show_card import Looked, look_at
from cngstation.services.station_rules import StationRules
from cngstation.services.tell_day import tell
from cngstation.services.top_up_card import require_continuity
from cngstation.storage import cards, findings, journal
from cngstation.storage.database import Database, Transaction


class CardService:
    """Looks at cards for the screen and goes on with acts that were cut off."""

    def __init__(
        self, database: Database, acts: CardActs, rules: StationRules, clock: Clock
    ) -> None:
        self._database = database
        self._acts = acts
        self._rules = rules
        self._clock = clock

    async def look(self, reading: CardReading) -> Looked:
        """Return what the screen shows of a card."""
        now = self._clock.now()
        return await self._database.read(
            lambda c: look_at(c, reading, self._rules, tell(c, now).ms)
        )

    async def settle_open_act(
        self, reading: CardReading, port: CardPort
    ) -> ActResult | None:
        """Go on with the act that this card has open, if it has one."""
        looked = await self.look(reading)
        intent_id = looked.view.open_intent_id
        if not intent_id:
            return None
        intent = await self._database.read(
            lambda connection: journal.find(connection, intent_id)
        )
        if intent is None or intent.state not in journal.OPEN_STATES:
            return None
        return await self._acts.settle(intent, reading, port)

    async def remember(self, reading: CardReading) -> Looked:
        """Record how a card presented itself, and what does not fit the book."""
        looked = await self.look(reading)
        card, seen = looked.card, looked.seen
        if card is None or seen is None:
            return looked

        def unit(tx: Transaction) -> None:
            if not opening_balances.tapped(tx, card, seen):
                return
            try:
                require_continuity(
                    cards.find(tx.connection, card.card_key) or card, seen
                )
            except StationError as refused:
                findings.open_once(
                    tx, "card_disagrees", card.card_key, {"why": refused.sentence()}
                )
            else:
                # What has no counters cannot be compared with the book at a moment.
                if seen.consumed is None:
                    cards.seen(tx, seen)
                if reading.key_version not in {"", card.key_version}:
                    cards.change(
                        tx,
                        card.card_key,
                        reason="its keys were seen",
                        key_version=reading.key_version,
                    )

        # A full disk is no reason to show no card: this sight is not recorded.
        with contextlib.suppress(NoRoom):
            await self._database.write(unit)
        return looked
