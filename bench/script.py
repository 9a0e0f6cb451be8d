"""What one would write with pymodbus and influxdb-client, for one device or many.

`python -m bench.script DEVICE_PORT DATABASE_PORT REGISTERS INTERVAL HOST...`
"""

import sys
import time

from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS
from pymodbus.client import ModbusTcpClient
from sdnotify import SystemdNotifier


def main(port: int, database_port: int, registers: int, interval: float, hosts: list[str]) -> None:
    devices = [ModbusTcpClient(host, port=port) for host in hosts]
    for device in devices:
        device.connect()
    url = f"http://127.0.0.1:{database_port}"
    database = InfluxDBClient(url=url, token="made-up", org="plant", enable_gzip=True)
    writer = database.write_api(write_options=SYNCHRONOUS)
    SystemdNotifier().notify("READY=1")
    due = time.monotonic()
    while True:
        points = []
        for number, device in enumerate(devices, 1):
            answer = device.read_holding_registers(0, count=registers)
            point = Point(f"d{number}").time(time.time_ns())
            for offset, value in enumerate(answer.registers):
                point.field(f"r{offset}", value)
            points.append(point)
        writer.write(bucket="edge", record=points)
        due += interval
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:4]]
    main(numbers[0], numbers[1], numbers[2], float(sys.argv[4]), sys.argv[5:])
