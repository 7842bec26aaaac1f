"""One key on a tapped card: why it will not fill, and the act that cures it."""

import pytest

from cngstation.domain.causes import WORDS, Cause, Cure
from cngstation.errors import Disconnected
from cngstation.rpc.contract.diagnosis import Diagnosis, WhyNot
from cngstation.rpc.contract.figures import Fact
from tests.unit.tui.fake_rows import card
from tests.unit.tui.opened import SMALL, opened
from tui.screens.why import function_of

BY_HAND = {Cure.NOTHING, Cure.LAY_AGAIN, Cure.KEEP}


def said(*causes: Cause, **facts: str) -> Diagnosis:
    """Return a diagnosis as the daemon says it."""
    given = tuple(Fact(name=name, value=value) for name, value in facts.items())
    return Diagnosis(
        uid="0A0B0C01",
        card_no="01000231",
        causes=tuple(
            WhyNot(
                cause=str(cause),
                text=WORDS[cause].text,
                cure=WORDS[cause].cure,
                act=str(WORDS[cause].act),
                facts=given,
            )
            for cause in causes
        ),
    )


@pytest.mark.parametrize(
    ("language", "cause", "cure"),
    [
        ("en", "has no price", "Set the price of the level."),
        ("zh_CN", "没有单价", "请设置该等级的单价。"),
    ],
)
async def test_the_key_names_the_cause_and_opens_its_cure(
    language: str, cause: str, cure: str
) -> None:
    """Cause first, the act with its key, the rest below; Enter opens the act."""
    async with opened(size=SMALL, language=language) as screen:
        screen.station.diagnosis = said(Cause.NO_PRICE, Cause.EMPTY, card="01000231")
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.press("question_mark")
        await screen.sees(cause)
        text = screen.text()
        assert text.index("F8") > 0
        await screen.sees(cure)
        assert len(screen.asked("card.why")) == 1
        await screen.press("enter")
        await screen.until(lambda: type(screen.app.screen).__name__ == "PricesScreen")


async def test_a_cause_without_a_cure_here_opens_nothing() -> None:
    """Enter does nothing where nothing at this counter helps; Esc goes back."""
    async with opened() as screen:
        screen.station.diagnosis = said(Cause.FOREIGN, uid="0A0B0C01")
        screen.station.put(card())
        await screen.press("question_mark")
        await screen.sees("not a card of this company (chip 0A0B0C01)")
        await screen.press("enter")
        await screen.sees("Why will this card not fill?")
        await screen.press("escape")
        await screen.rest()
        assert "Why will" not in screen.text()


async def test_it_can_be_asked_again() -> None:
    """A reader that was away is asked again by r; a failure is a sentence."""
    async with opened() as screen:
        screen.station.failing["card.why"] = [Disconnected(part="counter")]
        screen.station.put(card())
        await screen.press("question_mark")
        await screen.sees("r asks again")
        screen.station.diagnosis = said()
        await screen.press("r")
        await screen.sees("Nothing speaks against filling")
        assert len(screen.asked("card.why")) == 2


async def test_an_act_of_the_list_is_named_by_its_letter_there() -> None:
    """X opens the list, the letter the act; Enter opens it at once."""
    async with opened() as screen:
        screen.station.diagnosis = said(Cause.LOST, card="01000231")
        screen.station.put(card())
        await screen.press("question_mark")
        await screen.sees("withdraw the loss.  [x 5]")


@pytest.mark.parametrize(
    "act", sorted(set(Cure) - {Cure.NOTHING, Cure.LAY_AGAIN, Cure.KEEP})
)
def test_every_act_has_a_screen(act: Cure) -> None:
    """A cure that names an act can be opened."""
    assert function_of(act) is not None
