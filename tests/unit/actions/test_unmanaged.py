"""Processes of the older systems are known, and nobody else's is taken for one."""

import subprocess
import sys
from pathlib import Path

import pytest

from sja_units.actions.unmanaged import list_unmanaged, name_booking, name_edge, parse_command


def name(line: str) -> str:
    command = parse_command(line.split())
    if command is None:
        return ""
    return name_booking(command) or name_edge(command, lambda path: path.startswith("/opt/edge/"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "python sjtu_sports.py job monitor --job-id 7 --config {}",
            "sjtu_sports.py job monitor",
        ),
        ("/usr/bin/python3 -u /srv/sja/sjtu_sports.py job keep_alive", "sjtu_sports.py job"),
        ("python3.11 -X dev run_schedule_job.py --job-id 1", "run_schedule_job.py"),
        ("/venv/bin/python /srv/run_auto_booking_job.py", "run_auto_booking_job.py"),
        ("python3 /opt/edge/backend/manage.py runserver 0.0.0.0:8000", "manage.py runserver"),
        ("celery -A control_plane worker -l info --pool=solo", "celery -A control_plane worker"),
        ("/v/bin/python /v/bin/celery --app=control_plane.celery worker", "control_plane worker"),
        ("python -m celery --app control_plane:app beat", "control_plane beat"),
    ],
)
def test_older_systems(line: str, expected: str) -> None:
    assert expected in name(line)


@pytest.mark.parametrize(
    "line",
    [
        "python3 /srv/other/manage.py runserver",
        "python3 /opt/edge/backend/manage.py migrate",
        "celery -A shop worker",
        "celery -A shop worker --hostname control_plane",
        "celery -A control_plane inspect active",
        "vim sjtu_sports.py job",
        "grep -r run_schedule_job.py",
        "python sjtu_sports.py jobs",
        "python -c run_schedule_job.py",
        "python -m",
        "python -W",
        "tail -f /var/log/run_auto_booking_job.py",
        "",
    ],
)
def test_innocent_processes(line: str) -> None:
    assert name(line) == ""


def test_a_process_is_found_and_its_secrets_are_not_shown(tmp_path: Path) -> None:
    script = tmp_path / "run_schedule_job.py"
    script.write_text("import os\nif os.fork(): os.wait()\nprint('up', flush=True)\ninput()\n")
    words = [sys.executable, str(script), "--job-id", "1", "--config", '{"password": "hunter2"}']
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        found = [stray for stray in list_unmanaged() if str(stray.pid) in stray.message]
        process.communicate(b"\n\n")
    # Of a process and its child one is named.
    (stray,) = [stray for stray in found if stray.pid == process.pid]
    assert stray.job is None
    assert "run_schedule_job.py" in stray.message
    assert "hunter2" not in stray.message
    assert len([stray for stray in found if "run_schedule_job.py" in stray.message]) == 1
