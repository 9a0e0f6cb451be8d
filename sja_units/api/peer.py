"""Who is at the other end of a connection, as the kernel noted it when it was made."""

import errno
import re
import socket
import struct

from sja_units.api.policy import Peer
from sja_units.systemd.cgroup import find_cgroup

_SO_PEERGROUPS = 59  # socket(7); Python's own module has no name for it
_MOST_GROUPS = 256  # Python asks for 1 KiB at most; a peer with more counts as in its own alone
_UNIT = re.compile(r"[^/]+\.(?:service|scope)")


def read_peer(connection: socket.socket) -> Peer:
    """Return who is there. Raises OSError."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid, uid, gid = struct.unpack("iII", credentials)
    return Peer(uid, frozenset({gid, *_read_groups(connection)}), pid, _find_unit(pid))


def _read_groups(connection: socket.socket) -> tuple[int, ...]:
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
    except OSError as error:
        if error.errno == errno.ERANGE:
            return ()
        raise
    return struct.unpack(f"{len(data) // 4}I", data)


def _find_unit(pid: int) -> str:
    """Return the unit that a process runs in, "" where that is not known."""
    parts = find_cgroup(pid).split("/")
    return next((part for part in reversed(parts) if _UNIT.fullmatch(part)), "")
