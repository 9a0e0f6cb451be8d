"""A database as the older edge system has it, made up."""

import json
import sqlite3
from pathlib import Path
from typing import Any

# As Django makes them, but for what nobody here reads.
SCHEMA = """
CREATE TABLE configuration_site (id integer PRIMARY KEY, code varchar(64) UNIQUE, name text,
    description text, created_at datetime, updated_at datetime);
CREATE TABLE configuration_device (id integer PRIMARY KEY, site_id bigint, name text, code text,
    protocol text, ip_address char(39), port integer, metadata text);
CREATE TABLE configuration_channel (id integer PRIMARY KEY, device_id bigint, name text,
    number integer, sampling_rate_hz real, config text);
CREATE TABLE configuration_pointtemplate (id integer PRIMARY KEY, name text, english_name text,
    unit text, data_type text, coefficient decimal, precision integer);
CREATE TABLE configuration_point (id integer PRIMARY KEY, device_id bigint, channel_id bigint,
    template_id bigint, code text, address text, description text, sample_rate_hz real, extra text);
CREATE TABLE configuration_acqtask (id integer PRIMARY KEY, code text, name text, description text,
    schedule text, is_active bool);
CREATE TABLE configuration_taskpoint (id integer PRIMARY KEY, task_id bigint, point_id bigint,
    overrides text);
CREATE TABLE acquisition_acquisitionsession (id integer PRIMARY KEY, task_id bigint, status text,
    celery_task_id text, pid integer, started_at datetime, stopped_at datetime, error_message text,
    metadata text);
"""
TASK = "task-海天注塑机"


class EdgeSystem:
    """One site with one device; the tests add to it."""

    def __init__(self, path: Path, *, port: int = 502) -> None:
        self.path = path
        self.database = sqlite3.connect(path)
        self.database.executescript(SCHEMA)
        self.add("configuration_site", code="hall-a", name="A 厂房")
        self.device(code="press1", port=port, metadata={"device_a_tag": "注塑机", "timeout": 2})
        self.add("configuration_acqtask", code=TASK, schedule="continuous", is_active=1)
        self.session("running")

    def add(self, table: str, **values: Any) -> int:
        texts = {
            key: json.dumps(value) if isinstance(value, dict) else value
            for key, value in values.items()
        }
        names, marks = ", ".join(texts), ", ".join("?" * len(texts))
        row = self.database.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", list(texts.values())
        )
        self.database.commit()
        assert row.lastrowid is not None
        return row.lastrowid

    def device(self, **values: Any) -> int:
        usual = {"site_id": 1, "protocol": "modbustcp", "ip_address": "127.0.0.1", "port": 502}
        return self.add("configuration_device", **usual | values)

    def session(self, status: str, task: int = 1) -> None:
        self.add("acquisition_acquisitionsession", task_id=task, status=status)

    def point(
        self,
        code: str,
        address: str,
        extra: object = None,
        *,
        device: int = 1,
        task: int = 1,
        overrides: object = None,
        **template: Any,
    ) -> None:
        template_id = self.add("configuration_pointtemplate", **template) if template else None
        point = self.add(
            "configuration_point",
            device_id=device,
            template_id=template_id,
            code=code,
            address=address,
            extra=extra,
        )
        self.add("configuration_taskpoint", task_id=task, point_id=point, overrides=overrides)
