"""A Modbus RTU slave on a serial port to try things against; the server is modbus_tk's.

Each holding register from 0 to 999 holds its own address. With --tty, it makes a pty of its own,
puts a link to its other end there, and gives that end to a group.
"""

import argparse
import os
import select
import shutil
import tty
from collections.abc import Iterable

import serial
from modbus_tk.defines import HOLDING_REGISTERS
from modbus_tk.modbus_rtu import RtuServer

REGISTERS = 1000


def make_slave(port: str, units: Iterable[int], **mode: object) -> RtuServer:
    """Return a started slave, which listens at 9600 baud unless the mode says otherwise."""
    server = RtuServer(serial.Serial(port, **{"baudrate": 9600, **mode}))
    for unit in units:
        slave = server.add_slave(unit)
        slave.add_block("all", HOLDING_REGISTERS, 0, REGISTERS)
        slave.set_values("all", 0, list(range(REGISTERS)))
    server.start()
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tty", required=True, help="the name that its other end gets")
    parser.add_argument("--group", default="dialout")
    options = parser.parse_args()
    near, far = os.openpty(), os.openpty()
    for _, end in (near, far):
        tty.setraw(end)
    make_slave(os.ttyname(far[1]), [1])
    path = os.ttyname(near[1])
    shutil.chown(path, "root", options.group)
    os.chmod(path, 0o660)
    os.symlink(path, options.tty)
    ends = {near[0]: far[0], far[0]: near[0]}
    while True:
        for fd in select.select(list(ends), [], [])[0]:
            os.write(ends[fd], os.read(fd, 4096))


if __name__ == "__main__":
    main()
