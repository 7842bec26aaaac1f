"""Who is refused at a socket stands in the log: once, and then counted."""

import pytest
from structlog.testing import capture_logs

from cngstation.errors import BadRequest, NotLoggedIn, Refusal
from cngstation.rpc.authority import Peer
from cngstation.rpc.failures import MalformedLine, PeerRefused, UnknownMethod
from cngstation.rpc.refusals import MOST_KEPT, WINDOW_MS, RefusalLog
from tests.small_station import HandClock
from tests.unit.rpc.toys import Raw, Station

PEER = Peer(pid=77, uid=1001, gid=100)


class ARule(Refusal):
    """A rule of the trade."""

    code = "refusal.a_rule"
    text = "No."


def test_the_first_is_told_and_the_rest_counted() -> None:
    """One row at once; a minute later how often it came again."""
    clock = HandClock()
    log = RefusalLog(clock)
    with capture_logs() as rows:
        for _ in range(500):
            log(PEER, PeerRefused(uid=PEER.uid))
        assert [row["event"] for row in rows] == ["socket.refused"]
        assert (rows[0]["uid"], rows[0]["pid"]) == (PEER.uid, PEER.pid)
        assert rows[0]["code"] == "rpc.peer_refused"
        clock.forward(WINDOW_MS)
        log.tell_rest()
        log.tell_rest()
    again = rows[1:]
    assert [(row["event"], row["times"]) for row in again] == [
        ("socket.refused_again", 499)
    ]


def test_a_rule_of_the_trade_is_no_attack() -> None:
    """A refusal that a cashier meets is not told."""
    with capture_logs() as rows:
        RefusalLog(HandClock())(PEER, ARule())
    assert rows == []


def test_many_users_take_no_more_room_than_allowed() -> None:
    """What is beyond the bound is counted together."""
    log = RefusalLog(HandClock())
    with capture_logs() as rows:
        for uid in range(MOST_KEPT * 3):
            log(Peer(1, uid, 1), NotLoggedIn())
    assert len(rows) == MOST_KEPT + 1
    assert len(log._windows) == MOST_KEPT + 1


def _request(method: str) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"%s","params":{}}' % method.encode()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (_request("no.such"), UnknownMethod.code),
        (_request("session.lock"), NotLoggedIn.code),
        (_request("session.login"), BadRequest.code),
        (b'{"jsonrpc":"2.0","method":"session.lock"}', MalformedLine.code),
        (b'{"id":1,"a":' + b"[" * 200 + b"]" * 200 + b"}", MalformedLine.code),
    ],
)
async def test_what_a_client_is_refused_is_told(
    station: Station, raw: Raw, line: bytes, code: str
) -> None:
    """With the Linux user that the kernel names."""
    raw.send(line + b"\n")
    assert await raw.read() is not None
    assert station.refused == [(station.peer.uid, code)]


async def test_a_foreign_user_is_told_of(station: Station) -> None:
    """A user who may not connect at all."""
    station.refused_uids.add(station.peer.uid)
    raw = await Raw.open(station.path, hello=False)
    assert await raw.last_words() == PeerRefused.code
    assert station.refused == [(station.peer.uid, PeerRefused.code)]
