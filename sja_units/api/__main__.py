"""The service behind /run/sja-units/api.sock: takes the socket from systemd, and serves."""

import os
import pwd
import socket
import sys
import traceback

from sja_units.api import reader
from sja_units.api.server import Server, count_descriptors
from sja_units.job import RUN_ROOT

_LISTENING = 3  # the first descriptor that systemd hands over: sd_listen_fds(3)
_USER = "sja-api"
_EMPTY = f"{RUN_ROOT}/api/empty"


def main() -> int:
    """Serve until nobody asks any more; return the exit status."""
    if count_descriptors() != 1:
        print("this is started by systemd, as sja-api.service", file=sys.stderr)
        return 2
    listening = socket.socket(fileno=_LISTENING)
    listening.set_inheritable(False)
    channel, reader_channel = socket.socketpair()
    handing, handed = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # While there is one thread.
    if os.fork() == 0:
        for each in (listening, channel, handing):
            each.close()
        _read(reader_channel, handed)
    for each in (reader_channel, handed):
        each.close()
    Server(listening, channel, handing).serve()
    return 0


def _read(channel: socket.socket, handed: socket.socket) -> None:
    status = 1
    try:
        user = pwd.getpwnam(_USER)
        reader.drop_rights(user.pw_uid, user.pw_gid, _EMPTY)
        reader.run(channel, handed)
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
