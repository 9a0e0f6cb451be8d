"""Pictures of a terminal for the README: a small plant's jobs, shown by the real sjactl."""

import io
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from tests.machines.images import installed_machine
from tests.machines.machine import Machine
from tests.system.counterparts import ModbusDevice
from tests.system.jobs import unit_of, wait_state
from tests.system.websites import WebSite, write_jar

FOLDER = Path(__file__).parent
COLUMNS, LINES = 100, 16
_LINE = """title = "{title}"
interval = "1s"

[sink]
type = "local"
"""
_DEVICE = """
[[device]]
name = "{name}"
host = "127.0.0.1"
port = {port}

  [[device.point]]
  name = "temperature"
  table = "holding"
  address = 100
  type = "uint16"
"""


def main() -> None:
    """Write one SVG for each verb that the README shows."""
    with installed_machine("bookworm", "plant") as machine:
        machine.boot()
        _make_plant(machine)
        for name, seconds, words in [
            ("list", 20.0, ["sjactl", "list"]),
            ("status", 20.0, ["sjactl", "status", "line2"]),
            ("watch", 5.0, ["sjactl", "watch"]),
        ]:
            _draw(name, " ".join(words), _record(machine, words, seconds))


def _make_plant(machine: Machine) -> None:
    ModbusDevice(machine, 1502).start()
    _create_line(machine, "line1", "1号线 海天注塑机", {"press1": 1502, "press2": 1502})
    _create_line(machine, "line2", "2号线 压铸机", {"caster1": 1502, "furnace": 1503})
    _create_line(machine, "boiler", "Boiler house", {"boiler": 1502})
    site = WebSite(machine, 8001, life=3600)
    site.start()
    page = ["--url", site.page, "--interval", "5min"]
    for name, title, token in [
        ("alice", "Alice's booking", site.log_in()),
        ("bob", "Bob's booking", "0123456789abcdef"),
    ]:
        jar = write_jar(machine, "/root/jar.txt", token)
        words = ["keepalive", name, "--title", title, "--cookies", jar, *page]
        machine.run("sjactl", "create", *words, check=False)
    machine.run("sjactl", "stop", "boiler")
    wait_state(machine, "acquisition/line1", "running")
    wait_state(machine, "acquisition/line2", "degraded")
    wait_state(machine, "keepalive/alice", "running")
    wait_state(machine, "keepalive/bob", "failed")
    time.sleep(5)


def _create_line(machine: Machine, name: str, title: str, devices: dict[str, int]) -> None:
    text = _LINE.format(title=title)
    text += "".join(_DEVICE.format(name=key, port=port) for key, port in devices.items())
    machine.write(f"/etc/sja-units/acquisition/{name}.toml", text, mode=0o640, group="sja")
    machine.run("systemctl", "start", unit_of(f"acquisition/{name}"))


def _record(machine: Machine, words: list[str], seconds: float) -> str:
    """Return what a command shows on a terminal until it ends, or for that long."""
    ours, its = pty.openpty()
    size = f'stty columns {COLUMNS} rows {LINES}; exec "$@"'
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    command = [*machine.entrance, "setsid", "--ctty", "sh", "-c", size, "sh", *words]
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment)
    os.close(its)
    said, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and select.select([ours], [], [], end - time.monotonic())[0]:
        try:
            data = os.read(ours, 65536)
        except OSError:  # it has ended
            break
        said += data
    process.terminate()
    process.wait(20)
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def _see(said: str) -> str:
    """Return what stands on the screen: of a program that draws line by line, its last lines."""
    found = re.finditer(r"\x1b\[(\d+);1H(.*?)\x1b\[K", said, re.DOTALL)
    lines = {int(match[1]): match[2] for match in found}
    return "\n".join(lines[number] for number in sorted(lines)) if lines else said


def _draw(name: str, command: str, said: str) -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ {command}\n{_see(said).rstrip()}"))
    svg = console.export_svg(title="", theme=DIMMED_MONOKAI)
    # Fonts of another host, which a README's reader does not load anyway.
    (FOLDER / f"{name}.svg").write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


if __name__ == "__main__":
    main()
