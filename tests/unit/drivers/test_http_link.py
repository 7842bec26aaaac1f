"""The way to a controller on HTTP: log-in, what breaks, what is never shown."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cngstation.drivers.http_link import LONGEST_ANSWER, HttpLink, HttpSettings
from cngstation.errors import DeviceUnavailable
from cngstation.simulators.pts_server import ControllerConfig, PtsServer

PASSWORD = "not-to-be-shown"
ASK = (
    b'{"Protocol":"jsonPTS","Packets":'
    b'[{"Id":1,"Type":"PumpGetStatus","Data":{"Pump":1}}]}'
)


def config_of(folder: Path, **more: Any) -> ControllerConfig:
    return ControllerConfig.model_validate(
        {
            "control": folder / "pts.ctl",
            "user": "station",
            "password": PASSWORD,
            "points": ({"point": 1},),
            **more,
        }
    )


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PtsServer]:
    """A controller that asks for a digest."""
    server = PtsServer(config_of(tmp_path))
    await server.open()
    yield server
    await server.close()


def settings_of(server: PtsServer, **more: Any) -> HttpSettings:
    return HttpSettings(server.url, "station", **{"password": PASSWORD, **more})


async def exchange(link: HttpLink) -> Any:
    link.write(ASK)
    async with asyncio.timeout(60):
        return json.loads(await link.read())["Packets"][0]["Type"]


async def lost(link: HttpLink) -> str:
    """Return what reading says when the controller is lost."""
    with pytest.raises(DeviceUnavailable) as error:
        await asyncio.wait_for(link.read(), 60)
    return error.value.sentence()


async def test_a_digest_is_computed_once_and_used_again(server: PtsServer) -> None:
    """One refusal at the beginning; each request after it is let in at once."""
    link = await settings_of(server).open()
    for _ in range(3):
        assert await exchange(link) == "PumpIdleStatus"
    assert server.counts["refused"] == 1
    server.login.uses_left = 0
    assert await exchange(link) == "PumpIdleStatus"
    assert server.counts["refused"] == 2
    await link.close()


async def test_basic_is_used_where_it_is_set(tmp_path: Path) -> None:
    """No challenge is waited for."""
    server = PtsServer(config_of(tmp_path, is_basic=True))
    await server.open()
    link = await settings_of(server, is_basic=True).open()
    assert await exchange(link) == "PumpIdleStatus"
    assert server.counts["refused"] == 0
    await link.close()
    await server.close()


async def test_a_wrong_password_is_said_and_not_shown(server: PtsServer) -> None:
    """The link does not open; neither password stands in sentence or settings."""
    settings = settings_of(server, password="wrong-one")
    with pytest.raises(DeviceUnavailable) as error:
        await settings.open()
    said = error.value.sentence()
    assert "refuses the user name or the password" in said
    assert "wrong-one" not in said + repr(settings) + settings.path
    assert server.counts["answered"] == 0


async def test_a_controller_that_is_not_there_is_said(server: PtsServer) -> None:
    """No connection, and another service at the address."""
    elsewhere = HttpSettings(server.url + "x", "station", PASSWORD)
    with pytest.raises(DeviceUnavailable, match="no such service"):
        await elsewhere.open()
    await server.close()
    with pytest.raises(DeviceUnavailable, match="takes connections"):
        await settings_of(server).open()


async def test_a_controller_that_goes_away_is_lost(server: PtsServer) -> None:
    """Reading says so, and so does writing after it."""
    link = await settings_of(server).open()
    server.faults.set({"drop": 1})
    link.write(ASK)
    assert "broke the connection off" in await lost(link)
    with pytest.raises(DeviceUnavailable):
        link.write(ASK)
    await link.close()


async def test_a_password_that_changes_is_a_loss(server: PtsServer) -> None:
    """A refusal in the middle closes the link."""
    link = await settings_of(server).open()
    assert await exchange(link) == "PumpIdleStatus"
    server.faults.set({"refuse_login": 1})
    link.write(ASK)
    assert "refuses the user name" in await lost(link)
    await link.close()


async def test_half_an_answer_is_handed_on(server: PtsServer) -> None:
    """The dialogue sees what came; the next answer is whole."""
    link = await settings_of(server).open()
    server.faults.set({"half_answer": 1})
    link.write(ASK)
    half = await link.read()
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(half)
    server.faults.set({"half_answer": 0})
    assert await exchange(link) == "PumpIdleStatus"
    await link.close()


async def test_a_page_of_an_error_is_an_answer_without_sense(
    server: PtsServer,
) -> None:
    """Status 500 is handed on as it came, and the link stays."""
    link = await settings_of(server).open()
    server.faults.set({"server_error": 1})
    link.write(ASK)
    assert await link.read() == b"<html>busy</html>"
    await link.close()


async def test_a_new_request_gives_up_the_one_before(server: PtsServer) -> None:
    """A slow answer to an old request is never read as that to a new one."""
    link = await settings_of(server).open()
    server.faults.set({"delay": 1, "delay_ms": 60_000})
    link.write(ASK.replace(b'"Id":1', b'"Id":7'))
    await asyncio.sleep(0.1)
    server.faults.set({"delay": 0})
    link.write(ASK.replace(b'"Id":1', b'"Id":8'))
    async with asyncio.timeout(60):
        answer = json.loads(await link.read())
    assert answer["Packets"][0]["Id"] == 8
    await link.close()


async def test_a_closed_link_ends_its_reader(server: PtsServer) -> None:
    """Closing twice is no harm."""
    link = await settings_of(server).open()
    reading = asyncio.ensure_future(lost(link))
    await asyncio.sleep(0)
    await link.close()
    assert "closed" in await reading
    await link.close()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def serving(
    handler: Handler, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve one handler at every path; yields the address."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    scheme = "http" if tls is None else "https"
    yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/jsonPTS"
    await runner.cleanup()


async def test_it_is_not_sent_elsewhere() -> None:
    """A redirection is no answer, and nobody else is asked."""
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with serving(redirect) as url:
        link = await HttpSettings(url, "station", PASSWORD, is_basic=True).open()
        link.write(ASK)
        async with asyncio.timeout(60):
            await link.read()
        await link.close()
    assert set(asked) == {"/jsonPTS"}


async def test_an_endless_answer_is_cut() -> None:
    """Memory is bounded whatever comes."""

    async def endless(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(body=b" " * (8 * LONGEST_ANSWER))

    async with serving(endless) as url:
        link = await HttpSettings(url, "station", PASSWORD, is_basic=True).open()
        link.write(ASK)
        async with asyncio.timeout(60):
            body = await link.read()
        await link.close()
    assert LONGEST_ANSWER < len(body) < 2 * LONGEST_ANSWER


def own_certificate(folder: Path) -> tuple[ssl.SSLContext, bytes]:
    """Make a certificate that no authority knows, as a controller has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "controller")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "controller.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, certificate.fingerprint(hashes.SHA256())


async def test_a_controllers_own_certificate_is_known_by_its_digest(
    tmp_path: Path,
) -> None:
    """Without the digest it is not trusted; with another one it is somebody else."""
    context, digest = own_certificate(tmp_path)

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"{}")

    async with serving(answer, context) as url:

        def settings(known: bytes | None) -> HttpSettings:
            return HttpSettings(url, "station", PASSWORD, certificate_sha256=known)

        link = await settings(digest).open()
        link.write(ASK)
        async with asyncio.timeout(60):
            assert await link.read() == b"{}"
        await link.close()
        with pytest.raises(DeviceUnavailable, match="not trusted"):
            await settings(None).open()
        with pytest.raises(DeviceUnavailable, match="another one"):
            await settings(bytes(32)).open()


class HoldingProxy:
    """A way to a controller that can hold what goes over it, as a dead network does.

    What it holds it delivers when the connection ends in peace; a reset, which tells
    the kernels to keep nothing, makes it forget.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.holds = False
        self.held = bytearray()
        self.ends: list[str] = []

    async def serve(self) -> asyncio.Server:
        """Begin to take connections."""
        return await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(_copy(far_reader, writer))
        try:
            while data := await reader.read(65_536):
                if self.holds:
                    self.held += data
                else:
                    far_writer.write(data)
            self.ends.append("in peace")
            far_writer.write(bytes(self.held))
            await far_writer.drain()
        except ConnectionResetError:
            self.ends.append("reset")
            self.held.clear()
        finally:
            back.cancel()
            far_writer.close()
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)


async def test_what_the_controller_has_read_is_done_whoever_goes(
    server: PtsServer,
) -> None:
    """Nothing takes it back on the way: the dialogue has to look what became of it."""
    link = await settings_of(server).open()
    server.faults.set({"late": 1, "late_ms": 200})
    link.write(ASK)
    async with asyncio.timeout(10):
        while not server.counts["late"]:
            await asyncio.sleep(0.01)
    await link.close()
    assert "PumpGetStatus" not in server.controller.counts
    async with asyncio.timeout(10):
        while "PumpGetStatus" not in server.controller.counts:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", ["closed", "given up"])
async def test_what_is_given_up_does_not_arrive_later(
    server: PtsServer, how: str
) -> None:
    """The network holds an order; its connection is reset and the order is gone."""
    proxy = HoldingProxy(int(server.url.rsplit(":", 1)[1].split("/")[0]))
    listening = await proxy.serve()
    port = listening.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/jsonPTS"
    link = await HttpSettings(url, "station", PASSWORD).open()
    assert await exchange(link) == "PumpIdleStatus"
    proxy.holds = True
    link.write(ASK)
    async with asyncio.timeout(60):
        while not proxy.held:
            await asyncio.sleep(0.01)
    if how == "given up":
        link.write(ASK)
    else:
        await link.close()
    async with asyncio.timeout(60):
        while not proxy.ends:
            await asyncio.sleep(0.01)
    assert proxy.ends == ["reset"]
    await link.close()
    listening.close()
