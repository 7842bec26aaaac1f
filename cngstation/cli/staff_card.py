"""The staff card of whoever answers for a command, as at a login.

The card-reader service reads it, by a login at its socket that is ended at once. While
that service does not run, the command opens the reader itself, with the same key.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cngstation.config import StationConfig
from cngstation.drivers.open_reader import open_reader
from cngstation.errors import ConfigError, DeviceError, Refusal
from cngstation.language import _
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.failures import NotConnected
from cngstation.rpc.session import LOGIN, LOGOUT, Login, Nothing
from cngstation.services import second_card
from cngstation.services.card_keys import MASTER_KEY_BYTES
from cngstation.services.count_refusals import Refused
from cngstation.services.log_in import Gate
from cngstation.services.read_credentials import read_keys
from cngstation.services.read_staff_card import StaffCardCheck
from cngstation.services.second_check import BY_PASSWORD, Behind, Proof
from cngstation.services.second_step import SecondStep
from cngstation.services.staff_session import digest_of
from cngstation.services.station_rules import staff_card_rules
from cngstation.services.watch_reader import BorrowedForStaff
from cngstation.storage import operators
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database
from cngstation.storage.operators import Operator

# Two slow hashes and a card that is read and written, on a busy machine.
_CARD_S = 60


class NoReaderForCommand(Refusal):
    """The card cannot be read: neither by the service nor from here."""

    code = "refusal.no_reader_for_command"
    text = (
        "The staff card of {name} has to be read, and the card reader cannot be had "
        "here: {why} Nothing was done. Start the card-reader service, or run this as "
        "root where it is stopped. Without reader or card another administrator lets "
        "{name} in once: --released-by NAME --release-reason WHY."
    )


class NoCardAtLogin(Refusal):
    """The service let somebody in without asking for the card."""

    code = "refusal.no_card_at_login"
    text = (
        "The card-reader service did not ask for the staff card of {name}: it runs "
        "with another configuration. Nothing was done. Start it anew."
    )


class CardAtCommand:
    """Takes staff cards for commands; fits `SecondCheck`."""

    def __init__(self, config: StationConfig, database: Database, gate: Gate) -> None:
        self._config = config
        self._database = database
        self._refusals = gate.refusals
        self._step = SecondStep(database, gate, staff_card_rules(config.security))

    async def passed(
        self, operator: Operator, terminal: str, credentials: Login
    ) -> str:
        """Return the number of the card that was shown, "" where none is needed.

        Raises:
            Refusal: it was not, and nobody released the operator.
            DeviceError: the reader or the card failed.
        """
        is_needed = await self._step.is_needed(operator)
        if not is_needed or credentials.release is not None:
            return await self._step.passed(operator, terminal, credentials)
        return await self._shown(operator, credentials)

    async def behind(self, given: Behind) -> Proof:
        """Return by what a second person is known, the card read where it is needed.

        Raises:
            Refusal, DeviceError: it was not shown.
        """
        if not given.by_card and not await self._step.is_needed(given.operator):
            return BY_PASSWORD
        login = Login(
            login_name=given.operator.login_name,
            password=given.password,
            terminal=given.first.terminal,
        )
        try:
            return Proof(await self._shown(given.operator, login))
        except Refusal as refused:
            by = Actor(given.operator.operator_no, given.first.terminal)
            told = f"{given.act}: {refused.code}"
            await self._refusals.note(Refused(by, second_card.ACT, told))
            raise

    async def _shown(self, operator: Operator, login: Login) -> str:
        await _laid_down(operator.full_name)
        client = RpcClient(self._config.paths.runtime_dir / "counter.sock", COUNTER)
        try:
            await client.connect()
        except NotConnected:
            return await self._read_here(operator, login.terminal)
        try:
            session = await client.call(LOGIN, login, timeout_s=_CARD_S)
            await client.call(LOGOUT, Nothing())
        finally:
            await client.close()
        digest = digest_of(session.token)
        row = await self._database.read(lambda c: operators.find_session(c, digest))
        if row is None or row.operator_no != operator.operator_no:
            raise NoCardAtLogin(name=operator.full_name)
        if not row.staff_card_no:
            raise NoCardAtLogin(name=operator.full_name)
        return row.staff_card_no

    async def _read_here(self, operator: Operator, terminal: str) -> str:
        actor = Actor(operator.operator_no, terminal)
        async with self._own_reader(operator) as port:
            return await StaffCardCheck(self._database).shown(port, operator, actor)

    @asynccontextmanager
    async def _own_reader(self, operator: Operator) -> AsyncIterator[BorrowedForStaff]:
        name = operator.full_name
        try:
            keys = read_keys(self._config.paths.card_master_key, MASTER_KEY_BYTES)
            reader = await open_reader(self._config.reader)
        except (ConfigError, DeviceError) as error:
            raise NoReaderForCommand(name=name, why=error.sentence()) from error
        try:
            yield BorrowedForStaff(reader, keys)
        finally:
            await reader.close()


async def _laid_down(name: str) -> None:
    """Let somebody lay the card down; without a terminal it lies there already."""
    if sys.stdin.isatty():
        text = _("Lay the staff card of {name} on the reader and press Enter. ")
        sys.stderr.write(text.format(name=name))
        sys.stderr.flush()
        await asyncio.to_thread(sys.stdin.readline)
