"""libmodbus, the C library, as a server and as a client. `python -m bench.modbus_c PORT`.

Source: libmodbus.org/reference. Its server answers faster than any client here can ask.
"""

import ctypes
import os
import signal
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_uint8, c_uint16, c_void_p

_LIBRARY = "libmodbus.so.5"
_MAX_ADU = 260
_REGISTERS = 10_000


def load() -> ctypes.CDLL:
    """Return the library with the types of what is used here."""
    lib = ctypes.CDLL(_LIBRARY)
    lib.modbus_new_tcp.restype = c_void_p
    lib.modbus_new_tcp.argtypes = [c_char_p, c_int]
    lib.modbus_connect.argtypes = [c_void_p]
    lib.modbus_close.argtypes = [c_void_p]
    lib.modbus_tcp_listen.argtypes = [c_void_p, c_int]
    lib.modbus_tcp_accept.argtypes = [c_void_p, POINTER(c_int)]
    lib.modbus_receive.argtypes = [c_void_p, POINTER(c_uint8)]
    lib.modbus_mapping_new.restype = c_void_p
    lib.modbus_reply.argtypes = [c_void_p, POINTER(c_uint8), c_int, c_void_p]
    lib.modbus_read_registers.argtypes = [c_void_p, c_int, c_int, POINTER(c_uint16)]
    return lib


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._lib = load()
        self._context = self._lib.modbus_new_tcp(b"127.0.0.1", port)
        if self._lib.modbus_connect(self._context) < 0:
            raise ConnectionError("libmodbus cannot connect")
        self._into = (c_uint16 * 125)()

    def read(self, count: int) -> int:
        """Return how many registers have come, -1 for none."""
        got: int = self._lib.modbus_read_registers(self._context, 0, count, self._into)
        return got

    def close(self) -> None:
        self._lib.modbus_close(self._context)


def serve(port: int) -> None:
    """Answer for ever, with a process for each connection."""
    lib = load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    context = lib.modbus_new_tcp(b"0.0.0.0", port)
    mapping = lib.modbus_mapping_new(0, 0, _REGISTERS, 0)
    listening = c_int(lib.modbus_tcp_listen(context, 100))
    request = (c_uint8 * _MAX_ADU)()
    while (connection := lib.modbus_tcp_accept(context, byref(listening))) >= 0:
        if os.fork():
            os.close(connection)
            continue
        while (size := lib.modbus_receive(context, request)) >= 0:
            lib.modbus_reply(context, request, size, mapping)
        os._exit(0)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
