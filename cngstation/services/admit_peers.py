"""Which Linux users may connect to a daemon's socket at all; login comes after."""

import contextlib
import grp
import os
import pwd

from cngstation.rpc.authority import Peer

SCREEN_GROUP = "cng-tui"


def admits(peer: Peer) -> bool:
    """Admit root, the daemon's own user, and the members of the screens' group."""
    if peer.uid in {0, os.getuid()}:
        return True
    with contextlib.suppress(KeyError):
        group = grp.getgrnam(SCREEN_GROUP)
        name = pwd.getpwuid(peer.uid).pw_name
        return peer.gid == group.gr_gid or name in group.gr_mem
    return False
