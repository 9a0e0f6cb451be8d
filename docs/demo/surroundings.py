"""What the jobs of the demo work with: a web site, a Modbus device, a database; and their files.

All of it runs in the machine, as services that come back after a power cut like everything else.
"""

from tests.machines.machine import Machine
from tests.machines.process import LabError

DEVICE_LOG = "/var/lib/demo-device/answers.log"
_CLIENT = """\
#!/bin/sh
PYTHONPATH=/src exec python3 -m docs.demo.client "$@"
"""
SESSION_LIFE = 30  # seconds of idling after which the site forgets a session
_SERVICE = """\
[Unit]
Description={description}
[Service]
Environment=PYTHONPATH=/src:/peers
StateDirectory={name}
ExecStart=/usr/bin/python3 -m {program}
[Install]
WantedBy=multi-user.target
"""
_SERVICES = {
    "demo-site": (
        "Demo web site with login sessions",
        f"tests.peers.site --port 8000 --session-life {SESSION_LIFE} "
        "--store /var/lib/demo-site/sessions.json",
    ),
    "demo-device": ("Demo Modbus device", f"docs.demo.device {DEVICE_LOG}"),
}
LINE1 = """\
title = "Press hall, line 1"
interval = "250ms"

[sink]
url = "http://127.0.0.1:8086"
database = "edge"

[service]
WatchdogSec = "3s"    # 30 s as shipped is long to watch

[[device]]
name = "press1"
host = "127.0.0.1"
port = 1502
timeout = "5s"

  [[device.point]]
  name = "answers"    # the device counts them itself
  table = "holding"
  address = 1000
  type = "uint32"
"""


def start_surroundings(machine: Machine) -> None:
    """Start site, device and database, for this boot and each that follows."""
    for name, (description, program) in _SERVICES.items():
        text = _SERVICE.format(name=name, description=description, program=program)
        machine.write(f"/etc/systemd/system/{name}.service", text)
    machine.write("/usr/local/bin/demo", _CLIENT, mode=0o755)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "--quiet", "enable", "--now", *_SERVICES, "influxdb")
    machine.wait_for(lambda: _answers(machine), what="the database to answer")


def run_client(machine: Machine, *words: str) -> str:
    """Return what the demo's client said."""
    return machine.run("demo", *words).stdout.strip()


def _answers(machine: Machine) -> bool:
    try:
        run_client(machine, "query", "CREATE DATABASE edge")
    except LabError:
        return False
    return True
