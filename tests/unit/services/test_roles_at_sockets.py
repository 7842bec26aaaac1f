"""Every method of every socket is asked for by every role, and by nobody.

What each level may ask for stands in `tests/golden/methods_by_level.txt`, kept by hand:
a method or a right that changes its level changes that table, or fails here.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cngstation.domain.rights import ROLES
from cngstation.errors import NotLoggedIn
from cngstation.rpc import session as own
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.uplink import UPLINK
from cngstation.rpc.dialogue import Dialogue, Handlers, Service
from cngstation.rpc.failures import InternalFault
from cngstation.rpc.method import Contract
from cngstation.services.check_rights import RightMissing
from cngstation.storage import operators
from tests.small_station import hire
from tests.unit.services.office import OWN, PEER, Office, an_office

TABLE = Path(__file__).parents[2] / "golden" / "methods_by_level.txt"
CONTRACTS: dict[str, Contract[Any]] = {
    "counter": COUNTER,
    "forecourt": FORECOURT,
    "uplink": UPLINK,
}
LEVELS = ("general", "junior", "middle", "senior", "administrator")
ANYBODY, NOBODY = "anybody", "nobody"
REACHED = "reached"
# What every socket has beside its contract, in the order in which it can be asked.
OF_EVERY_SOCKET: dict[str, dict[str, str]] = {
    own.SUBSCRIBE: {},
    own.TOUCH.name: {},
    own.LOCK.name: {},
    own.UNLOCK.name: {"password": OWN},
    own.LOGOUT.name: {},
}


class Quiet:
    """A subscription that nobody reads."""

    def begin(self) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


def expected() -> dict[tuple[str, str], str]:
    """Return the lowest level that may ask for each method."""
    rows = [line.split() for line in TABLE.read_text().splitlines()]
    return {(part, method): level for part, method, level in rows}


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Office]:
    """One operator of each level, with a password of their own."""
    async with an_office(tmp_path / "s.db") as office:
        stored = await office.passwords.hash(OWN)
        for number, level in enumerate(LEVELS, 20):
            no = str(number)
            await office.db.write(
                lambda tx, no=no, level=level: hire(tx, operator_no=no, role=level)  # type: ignore[misc]
            )
            await office.db.write(
                lambda tx, no=no: operators.set_password(tx, no, stored)  # type: ignore[misc]
            )
        yield office


class Asker:
    """One connection; every method of it would answer if it were reached."""

    def __init__(self, office: Office, contract: Contract[Any]) -> None:
        handlers = Handlers()
        for method in contract.methods:
            handlers.add(method, self._reached)
        self._contract = contract
        self._dialogue = Dialogue(
            Service(
                program="t", contract=contract, handlers=handlers,
                authority=office.gate, snapshot=self._reached,
                report=lambda where, error: None,
            ),
            PEER, 1, Quiet(),
        )  # fmt: skip

    async def hello(self) -> None:
        """Say the versions."""
        version = self._contract.version
        told = {"major": version.major, "minor": version.minor}
        await self.ask("hello", program="t", contract=told, oldest=told)

    async def login(self, name: str) -> None:
        """Log in."""
        said = await self.ask(
            "session.login", login_name=name, password=OWN, terminal="t"
        )
        assert "result" in said, said

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to a request."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = await self._dialogue.answer(json.dumps(asked).encode())
        told: dict[str, Any] = json.loads(answer)
        return told

    async def may(self, method: str) -> bool:
        """Tell whether the request gets past the door."""
        said = await self.ask(method)
        code = said.get("error", {}).get("data", {}).get("code", REACHED)
        return code not in {RightMissing.code, NotLoggedIn.code}

    async def may_own(self, method: str) -> bool:
        """Tell whether a request of every socket is answered; a refusal is the door's.

        A snapshot is asked for and there is none.
        """
        said = await self.ask(method, **OF_EVERY_SOCKET[method])
        if "result" in said:
            return True
        code = said["error"]["data"]["code"]
        if method == own.SUBSCRIBE and code == InternalFault.code:
            return True
        assert code == NotLoggedIn.code, (method, said)
        return False

    def of_every_socket(self) -> set[str]:
        """Return what the connection answers itself, for whoever is logged in."""
        return set(self._dialogue._own) - {own.LOGIN.name, own.ATTACH.name}

    async def _reached(self, *_: object) -> Any:
        raise AssertionError(REACHED)


def test_the_table_names_each_method_once() -> None:
    """Not one more, and none is missing."""
    there = {
        (part, method.name)
        for part, contract in CONTRACTS.items()
        for method in contract.methods
    } | {(part, name) for part in CONTRACTS for name in OF_EVERY_SOCKET}
    assert expected().keys() == there
    assert set(expected().values()) <= {*LEVELS, ANYBODY, NOBODY}
    assert set(LEVELS) == set(ROLES)


@pytest.mark.parametrize("part", CONTRACTS)
async def test_every_role_may_what_the_table_says(station: Office, part: str) -> None:
    """From its level on a method is open, below it is refused, to nobody too."""
    table = expected()
    contract = CONTRACTS[part]
    found: dict[str, list[str]] = {}
    for rank in (NOBODY, *LEVELS):
        asker = Asker(station, contract)
        await asker.hello()
        if rank != NOBODY:
            await asker.login(f"op{20 + LEVELS.index(rank)}")
        for method in contract.methods:
            if await asker.may(method.name):
                found.setdefault(method.name, []).append(rank)
        assert asker.of_every_socket() == OF_EVERY_SOCKET.keys()
        for name in OF_EVERY_SOCKET:
            if await asker.may_own(name):
                found.setdefault(name, []).append(rank)
        assert not await asker.may_own(own.SUBSCRIBE), "logged out"
    for name in [*contract.methods_by_name, *OF_EVERY_SOCKET]:
        level = table[part, name]
        if level == ANYBODY:
            allowed = [NOBODY, *LEVELS]
        else:
            allowed = list(LEVELS[LEVELS.index(level) :])
        assert found.get(name, []) == allowed, name
