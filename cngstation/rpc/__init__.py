"""The local socket: contract, server, client."""
