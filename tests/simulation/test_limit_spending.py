"""Limits as kept and as asked: what was filled counts, by card and by company."""

from cngstation.domain.limits import Allowance, Stopped
from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, LimitHolder, Limits, WindowLimit
from cngstation.services.limit_spending import LimitsWrong, NoSuchCard, may_fill
from cngstation.services.take_payment import NoCompany
from cngstation.storage.limits import first_seq_since
from tests.simulation.money_cards import Chip
from tests.simulation.money_world import CALL, RULES, World

MONEY = PaymentMode.PREPAID_MONEY
NONE = WindowLimit()


def _card(world: World, last: int = 0x33) -> tuple[Chip, str]:
    chip = Chip(bytes([4, 0x11, 0x22, last]))
    reply = world.issue(chip, MONEY, 100_000)
    assert isinstance(reply, ActReply), reply
    return chip, reply.card_key


def _limits(holder: str, key: str, **changes: object) -> Limits:
    plain = {"fill": NONE, "day": NONE, "week": NONE, "month": NONE}
    return Limits(holder=LimitHolder(holder), key=key, **{**plain, **changes})  # type: ignore[arg-type]


def _set(
    world: World, holder: str, key: str, **changes: object
) -> Limits | StationError:
    limits = _limits(holder, key, **changes)
    return world.run(world.answers.limits.set(limits, CALL))  # type: ignore[return-value]


def _may(world: World, key: str) -> object:
    now_ms = world.clock.now().wall_ms
    return may_fill(world.view, key, now_ms, RULES)


def _fill(world: World, chip: Chip, hundredths: int, *, leaves: bool = False) -> int:
    """Fill, bring the record in, and return its amount."""
    record = world.fill(chip, hundredths, leaves=leaves)
    world.upload(0, record)
    row = world.view.execute(
        "SELECT amount_e4 FROM sale ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return int(row[0])


def test_what_was_filled_is_taken_off_the_day(world: World) -> None:
    """A fill counts once, in every window that has a bound."""
    chip, key = _card(world)
    assert _may(world, key) == Allowance()
    _set(
        world, "card", key,
        fill=WindowLimit(fen=20_000),
        day=WindowLimit(fen=25_000, hundredths=10_000),
    )  # fmt: skip
    assert _may(world, key) == Allowance(20_000_00, 100_000)
    spent = _fill(world, chip, 2_000)
    assert _may(world, key) == Allowance(
        min(20_000_00, 25_000_00 - spent), 100_000 - 20_000
    )
    _set(world, "card", key, day=WindowLimit(hundredths=2_000))
    assert _may(world, key) == Stopped("day")


def test_yesterday_does_not_count(world: World) -> None:
    """A new business day begins at nothing; the month goes on."""
    chip, key = _card(world)
    spent = _fill(world, chip, 1_000)
    world.clock._ms += 24 * 3_600_000
    _set(world, "card", key, day=WindowLimit(fen=30_000))
    assert _may(world, key) == Allowance(30_000_00)
    _fill(world, chip, 1_000)
    assert _may(world, key) == Allowance(30_000_00 - spent)
    world.must(world.database.read(lambda c: None))


def test_a_company_counts_all_of_its_cards(world: World) -> None:
    """The bounds of card and company hold together."""
    one, key = _card(world)
    two, other = _card(world, 0x44)
    _set(world, "company", "0001", month=WindowLimit(fen=50_000))
    _set(world, "card", key, month=WindowLimit(fen=49_000))
    spent = _fill(world, one, 1_000) + _fill(world, two, 2_000)
    own = spent // 3
    assert _may(world, other) == Allowance(50_000_00 - spent)
    assert _may(world, key) == Allowance(min(50_000_00 - spent, 49_000_00 - own))


def test_limits_are_kept_as_they_were_set(world: World) -> None:
    """The newest row holds; the books prove all of them."""
    _, key = _card(world)
    wanted = _limits(
        "card", key,
        week=WindowLimit(fen=12_345, hundredths=678),
        weekdays=0b11,
        from_minute=360,
        until_minute=1_320,
    )  # fmt: skip
    world.must(world.answers.limits.set(_limits("card", key, fill=NONE), CALL))
    world.must(world.answers.limits.set(wanted, CALL))
    query = counter.LimitsQuery(holder=LimitHolder.CARD, key=key)
    assert world.must(world.answers.limits.show(query, CALL)) == wanted
    told = world.view.execute(
        "SELECT subject, before, after FROM audit WHERE act='limit.set' ORDER BY seq"
    ).fetchall()
    now = "week 123.45/6.78, weekdays 12, 06:00-22:00"
    assert told == [(f"card {key}", "-", "-"), (f"card {key}", "-", now)]
    world.must(world.answers.limits.set(_limits("card", key), CALL))
    last = "SELECT before, after FROM audit ORDER BY seq DESC LIMIT 1"
    assert world.view.execute(last).fetchone() == (now, "-")
    world.require_proved()


def test_limits_that_allow_nothing_are_refused(world: World) -> None:
    """No weekday, no hours, nobody's."""
    _, key = _card(world)
    assert isinstance(_set(world, "card", key, weekdays=0), LimitsWrong)
    hours = {"from_minute": 60, "until_minute": 60}
    assert isinstance(_set(world, "card", key, **hours), LimitsWrong)
    assert isinstance(_set(world, "card", "002801999999"), NoSuchCard)
    assert isinstance(_set(world, "company", "0404"), NoCompany)
    assert _may(world, key) == Allowance()


def test_the_place_of_a_moment_in_the_books(world: World) -> None:
    """Halving finds the first entry that is not older, wherever it lies."""
    chip, key = _card(world)
    for _ in range(5):
        world.top_up(key, chip, 100)
    entries = world.view.execute("SELECT seq, at_ms FROM entry ORDER BY seq").fetchall()
    for moment in [0, *(at for _, at in entries), entries[-1][1] + 1]:
        since = first_seq_since(world.view, moment)
        found = {seq for seq, _ in entries if seq >= since}
        assert found == {seq for seq, at in entries if at >= moment}


def test_an_issue_writes_the_company_limits_on_the_card(world: World) -> None:
    """Dispensers that are off line keep to what the card itself says."""
    _set(
        world, "company", "0001",
        fill=WindowLimit(fen=30_099), day=WindowLimit(fen=9_000_000),
    )  # fmt: skip
    chip, _ = _card(world)
    info = world.reading(chip).info
    assert info is not None
    assert (info.limit_per_fill_yuan, info.limit_per_day_yuan) == (300, 65_535)


def test_what_is_collected_later_was_counted_with_its_fill(world: World) -> None:
    """A grey fill counts when it was filled; its debit at the next fill does not."""
    chip, key = _card(world)
    _set(world, "card", key, month=WindowLimit(fen=100_000, hundredths=9_000))
    grey = world.fill(chip, 1_000, leaves=True)
    world.upload(0, grey)
    left = _may(world, key)
    assert left == Allowance(100_000_00 - grey.amount_e4, 90_000 - grey.quantity_milli)
    collected = world.must(world.dispensers[0].collect(chip, grey))
    assert collected is not None
    world.upload(0, collected)
    count = world.view.execute("SELECT count(*) FROM sale").fetchone()[0]
    assert count == 2
    assert _may(world, key) == left
