"""The leanest script with pymodbus: own line protocol, http.client, no spool, nothing checked.

`python -m bench.plain DEVICE_PORT DATABASE_PORT REGISTERS INTERVAL`
"""

import http.client
import sys
import time

from pymodbus.client import ModbusTcpClient
from sdnotify import SystemdNotifier


def main(device_port: int, database_port: int, registers: int, interval: float) -> None:
    device = ModbusTcpClient("127.0.0.1", port=device_port)
    device.connect()
    database = http.client.HTTPConnection("127.0.0.1", database_port)
    SystemdNotifier().notify("READY=1")
    while True:
        fields: list[str] = []
        for start in range(0, registers, 125):
            answer = device.read_holding_registers(start, count=min(125, registers - start))
            fields += [f"r{start + i}={value}i" for i, value in enumerate(answer.registers)]
        body = f"press1 {','.join(fields)} {time.time_ns()}\n"
        database.request("POST", "/write?db=edge", body.encode())
        database.getresponse().read()
        time.sleep(interval)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
