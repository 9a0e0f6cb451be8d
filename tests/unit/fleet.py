"""Jobs of a test's own host: files, markers, health and units of the small systemd."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sja_units.actions import check
from sja_units.job import Job
from sja_units.jobs import files, health
from sja_units.systemd import orders
from tests.systemd_mock import SystemdMock, Unit
from tests.waiting import PATIENCE

KEEPALIVE = 'url = "http://127.0.0.1:1/"\n'
COMMAND = 'command = ["/bin/sleep", "1"]\n'
TEXTS = {"keepalive": KEEPALIVE, "command": COMMAND}


class Fleet:
    """What a person or a hook would have left on the host."""

    def __init__(self, top: Path, systemd: SystemdMock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top, self.systemd = top, systemd
        systemd.add("sja-jobs.target", "active")
        monkeypatch.setattr(health, "_runs_in", lambda pid, unit: True)
        monkeypatch.setattr(check, "find_unmanaged", list)  # this machine's own processes
        monkeypatch.setattr(files, "OPERATORS", "root")
        monkeypatch.setattr(orders, "ORDER_SECONDS", PATIENCE)

    def add(
        self, name: str, active: str = "active", *, wanted: bool = True, text: str = ""
    ) -> Unit:
        """Have a job with a file, as "keepalive/alice", and its unit in this state."""
        job = Job(*name.split("/"))
        self.path("etc", f"{name}.toml").write_text(text or TEXTS[job.kind])
        if wanted:
            self.want(job.unit)
        if active == "active":
            self.report(name)
        return self.systemd.add(job.unit, active)

    def path(self, place: str, name: str) -> Path:
        path = self.top / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def want(self, unit: str) -> None:
        self.path("var", f"wanted/{unit}").touch()

    def is_wanted(self, name: str) -> bool:
        return self.path("var", f"wanted/{Job(*name.split('/')).unit}").exists()

    def report(self, name: str, **values: Any) -> None:
        """Let a worker report of itself."""
        now = datetime.now(UTC).isoformat()
        report = {"pid": os.getpid(), "since": now, "updated": now, "valid_for": 600}
        text = json.dumps({**report, "ok": True, "status": "all well", **values})
        self.path("run", f"{name}/health.json").write_text(text)

    def fail(self, name: str, message: str = "no disk", **fields: str) -> None:
        """Let the end hook have noted a failure."""
        record = {"at": "2026-01-02T03:04:05.000000Z", "result": "exit-code", "code": "exited"}
        record |= {"status": "1", "failures": "1", "recent": "", "recovery": ""} | fields
        lines = [f"{key}={value}" for key, value in record.items()]
        path = self.path("var", f"ended/{Job(*name.split('/')).unit}")
        path.write_text("\n".join([*lines, f"message={message}", ""]))
