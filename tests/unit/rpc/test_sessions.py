"""Logins, tokens and rights over the socket."""

import pytest

from cngstation.rpc.authority import Peer
from tests.unit.rpc.toys import Raw, Station, code_of

TOP_UP = ("card.top_up", {"card_no": "01", "amount_fen": 100})


async def test_nothing_of_worth_without_a_login(station: Station, raw: Raw) -> None:
    """A method with a right needs a session, one without is open."""
    assert code_of(await raw.ask(*TOP_UP)) == "rpc.not_logged_in"
    assert code_of(await raw.ask("card.read", {"text": "a"})) == "rpc.not_logged_in"
    assert code_of(await raw.ask("status.subscribe", {})) == "rpc.not_logged_in"
    assert "result" in (await raw.ask("word.echo", {"text": "a"}) or {})
    assert station.contexts[0].session is None


async def test_the_right_is_asked_before_the_request_is_read(raw: Raw) -> None:
    """Who is not logged in learns nothing about the fields of a request."""
    assert code_of(await raw.ask("card.top_up", {"x": 1})) == "rpc.not_logged_in"


async def test_a_wrong_password_logs_nobody_in(raw: Raw) -> None:
    """A refused login leaves the connection without a session."""
    facts = {"login_name": "wang", "password": "wrong", "terminal": "till 1"}
    assert code_of(await raw.ask("session.login", facts)) == "toy.wrong_password"
    assert code_of(await raw.ask(*TOP_UP)) == "rpc.not_logged_in"


async def test_a_handler_knows_who_calls(station: Station, raw: Raw) -> None:
    """The context carries the session, the Linux process and the connection."""
    await raw.login()
    await raw.ask(*TOP_UP)
    context = station.contexts[0]
    assert context.session is not None
    assert context.session.operator == "wang"
    assert context.peer == station.peer
    assert context.connection_id == 1


async def test_rights_are_asked_at_every_call(station: Station, raw: Raw) -> None:
    """A right that is taken away is gone at the next call of the same session."""
    await raw.login()
    assert "result" in (await raw.ask(*TOP_UP) or {})
    station.authority.rights.discard("card.top_up")
    assert code_of(await raw.ask(*TOP_UP)) == "toy.no_right"
    assert station.authority.asked == ["card.top_up", "card.top_up"]
    assert station.balance_fen == 100


async def test_a_token_opens_a_second_connection(station: Station, raw: Raw) -> None:
    """A token of one login is good on another connection of the same user."""
    token = await raw.login()
    other = await Raw.open(station.path)
    answer = await other.ask("session.attach", {"token": token})
    assert answer is not None
    assert answer["result"]["operator"] == "wang"
    assert "token" not in answer["result"]
    assert "result" in (await other.ask(*TOP_UP) or {})


async def test_a_token_is_no_good_for_another_user(station: Station, raw: Raw) -> None:
    """A token that another Linux user brings is refused, as is an invented one."""
    token = await raw.login()
    station.peer = Peer(pid=4343, uid=1001, gid=1000)
    thief = await Raw.open(station.path)
    for tried in (token, "token-9"):
        answer = await thief.ask("session.attach", {"token": tried})
        assert code_of(answer) == "rpc.not_logged_in"
    assert code_of(await thief.ask(*TOP_UP)) == "rpc.not_logged_in"


async def test_a_refused_attach_ends_the_session_before_it(raw: Raw) -> None:
    """After a refused token the connection is nobody's."""
    await raw.login()
    await raw.ask("session.attach", {"token": "token-9"})
    assert code_of(await raw.ask(*TOP_UP)) == "rpc.not_logged_in"


async def test_logout_holds_everywhere(station: Station, raw: Raw) -> None:
    """A logout ends the session here and on every other connection."""
    token = await raw.login()
    other = await Raw.open(station.path)
    await other.ask("session.attach", {"token": token})
    assert "result" in (await raw.ask("session.logout", {}) or {})
    assert code_of(await raw.ask(*TOP_UP)) == "rpc.not_logged_in"
    assert code_of(await other.ask(*TOP_UP)) == "rpc.not_logged_in"


async def test_a_lock_needs_the_password(station: Station, raw: Raw) -> None:
    """A locked session does nothing until the right password comes."""
    await raw.login()
    await raw.ask("session.lock", {})
    assert code_of(await raw.ask(*TOP_UP)) == "rpc.not_logged_in"
    wrong = await raw.ask("session.unlock", {"password": "wrong"})
    assert code_of(wrong) == "toy.wrong_password"
    assert code_of(await raw.ask(*TOP_UP)) == "rpc.not_logged_in"
    assert "result" in (await raw.ask("session.unlock", {"password": "right"}) or {})
    assert "result" in (await raw.ask(*TOP_UP) or {})


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("session.lock", {}),
        ("session.logout", {}),
        ("session.unlock", {"password": "right"}),
    ],
)
async def test_a_session_is_needed_to_end_or_lock_one(
    raw: Raw, method: str, params: dict[str, str]
) -> None:
    """Nobody locks, unlocks or logs out whom they are not."""
    assert code_of(await raw.ask(method, params)) == "rpc.not_logged_in"
