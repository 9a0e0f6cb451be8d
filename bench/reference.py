"""What one would write with pymodbus and influxdb-client: the reference for memory and time.

`python reference.py DEVICE_PORT DATABASE_PORT REGISTERS INTERVAL`
"""

import sys
import time

from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS
from pymodbus.client import ModbusTcpClient
from sdnotify import SystemdNotifier


def main(device_port: int, database_port: int, registers: int, interval: float) -> None:
    device = ModbusTcpClient("127.0.0.1", port=device_port)
    device.connect()
    url = f"http://127.0.0.1:{database_port}"
    database = InfluxDBClient(url=url, token="made-up", org="plant", enable_gzip=True)
    writer = database.write_api(write_options=SYNCHRONOUS)
    SystemdNotifier().notify("READY=1")
    while True:
        point = Point("press1").time(time.time_ns())
        for start in range(0, registers, 125):
            count = min(125, registers - start)
            answer = device.read_holding_registers(start, count=count)
            for offset, value in enumerate(answer.registers):
                point.field(f"r{start + offset}", value)
        writer.write(bucket="edge", record=point)
        time.sleep(interval)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
