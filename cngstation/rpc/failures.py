"""Errors of the local socket itself, beside those of `cngstation.errors`."""

from cngstation.errors import BadRequest, MoneyMoved, RpcError


class MalformedLine(BadRequest):
    """A line is no JSON object of the allowed shape; the connection ends."""

    code = "rpc.malformed"
    text = "A line on the socket {why}. Nothing was done; the connection is closed."


class UnknownMethod(BadRequest):
    """The other side does not offer the method."""

    code = "rpc.unknown_method"
    text = (
        "This program part does not know the request {method}. Nothing was done. "
        "Restart all parts after an upgrade."
    )


class HelloFirst(BadRequest):
    """Something was asked before the two ends had compared versions."""

    code = "rpc.hello_first"
    text = (
        "The first message of a connection must say the versions. Nothing was done; "
        "the connection is closed."
    )


class InternalFault(RpcError):
    """A handler failed in a way that nobody foresaw; the log has the details."""

    code = "rpc.internal"
    text = (
        "The program failed inside while it worked on {method}; the log has it under "
        "{reference}. It is not known whether money moved: look at the card and the "
        "record before you try again."
    )
    money = MoneyMoved.UNKNOWN


class NotConnected(RpcError):
    """There is no connection; nothing was sent."""

    code = "rpc.not_connected"
    text = (
        "{part} is not running or cannot be reached: {why}. Nothing was sent; "
        "the program keeps trying."
    )


class DidNotStart(NotConnected):
    """There is no connection, because the other side said that it cannot start."""

    code = "rpc.did_not_start"
    text = "{part} cannot start: {why}"


class CallTimeout(RpcError):
    """No answer came in time; the act may still be done."""

    code = "rpc.timeout"
    text = (
        "{part} did not answer {method} within {wait_s} s. It may still finish; "
        "the screen asks again by the same number."
    )
    money = MoneyMoved.UNKNOWN


class BadReply(RpcError):
    """The answer does not fit the contract; what was asked may be done."""

    code = "rpc.bad_reply"
    text = (
        "{part} answered with something that does not fit the contract: {why}. It may "
        "have done what was asked; the screen asks again by the same number."
    )
    money = MoneyMoved.UNKNOWN


class TooManyCalls(RpcError):
    """More calls wait on one connection than any screen makes."""

    code = "rpc.too_many_calls"
    text = "{waiting} requests are waiting for {part} already. This one was not sent."


class TooManyConnections(RpcError):
    """All places at a socket are taken."""

    code = "rpc.too_many_connections"
    text = (
        "{most} programs are connected already, which is all that is allowed. "
        "Close one and try again. Nothing was done."
    )


class PeerRefused(RpcError):
    """The Linux user of the other side may not use this socket."""

    code = "rpc.peer_refused"
    text = (
        "The Linux user {uid} may not use this program. Add the user to the station's "
        "group, or log in as another. Nothing was done."
    )


class SlowPeer(RpcError):
    """The other side kept the connection waiting for longer than is allowed."""

    code = "rpc.slow_peer"
    text = (
        "The connection was closed: {why} within {wait_ms} ms. "
        "Nothing was done; connect again."
    )


class SlowReader(RpcError):
    """A subscriber did not read what had happened; it must take a new snapshot."""

    code = "rpc.slow_reader"
    text = (
        "The connection was closed: {waiting} messages waited to be read. "
        "Nothing is lost; connect again for the present state."
    )


class ServerClosing(RpcError):
    """The daemon stops or restarts."""

    code = "rpc.closing"
    text = "{part} is stopping or restarting. The screen connects again by itself."


class SocketInUse(RpcError):
    """Another process answers on the socket that this one was to open."""

    code = "rpc.socket_in_use"
    text = (
        "Another program answers on {path} already. Stop it first; "
        "this one did not start."
    )
