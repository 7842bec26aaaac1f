"""The sync uploader: keeps account of the outbox; the link itself needs head office."""

from cngstation.rpc.contract.uplink import UPLINK, UPLINK_CHANGED
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.server import RpcServer
from cngstation.services.admit_peers import admits
from cngstation.services.watch_clock import watch_clock
from cngstation.services.watch_enrolment import watch_enrolment
from cngstation.services.watch_outbox import OutboxWatch
from daemons.launch import run
from daemons.process import Process

SOCKET = "uplink.sock"


async def serve(process: Process) -> int:
    """Put the uplink together and run it."""
    config = process.config
    database = await process.open_database()
    watch = OutboxWatch(
        database,
        config.station.network,
        lambda figure: server.publish(UPLINK_CHANGED, figure),
    )
    server = RpcServer(
        config.paths.runtime_dir / SOCKET,
        UPLINK,
        Handlers(),
        process.gate(database),
        watch.snapshot,
        program=process.version,
        admits=admits,
        report=process.report,
        refused=process.refusals,
    )
    await server.start()
    process.watch_database(database)
    process.keep(watch.run(), "watch outbox")
    bound_s = config.security.clock_bound_s
    process.keep(watch_clock(database, process.clock, bound_s), "watch clock")
    process.keep(watch_enrolment(database, process.clock), "watch enrolment")
    code = await process.until_stopped()
    await server.close()
    return code


def main() -> None:
    """Run `cng-sync-uploader`."""
    run("cng-sync-uploader", serve, SOCKET)


if __name__ == "__main__":
    main()
