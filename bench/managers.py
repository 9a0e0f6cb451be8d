"""The same programs under systemd alone, supervisord, circus, PM2 and runit, each one unit."""

import json
import shlex
from collections.abc import Callable

from bench.bed import Bed

_SUPERVISORD = """[supervisord]
logfile=/run/supervisord.log
pidfile=/run/supervisord.pid
[unix_http_server]
file=/run/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///run/supervisor.sock
"""
_CIRCUS = """[circus]
endpoint = tcp://127.0.0.1:5555
pubsub_endpoint = tcp://127.0.0.1:5556
"""
_MONIT = "".join(
    f"set {line}\n"
    for line in (
        "daemon 1",
        "log /run/monit.log",
        "idfile /run/monit.id",
        "statefile /run/monit.st",
    )
)


def run_ours(bed: Bed, programs: dict[str, str]) -> list[str]:
    """Start each as a job; return the units."""
    for name, command in programs.items():
        argv = ", ".join(f'"{word}"' for word in shlex.split(command))
        bed.write_job(f"command/{name}", f"command = [{argv}]\n")
    units = [f"sja-command@{name}.service" for name in programs]
    bed.machine.run("systemctl", "start", *units, timeout=600)
    return units


def run_systemd(bed: Bed, programs: dict[str, str], *settings: str) -> list[str]:
    """Start each as a service, with Restart=always and nothing else but `settings`."""
    options = [f"--property={setting}" for setting in ("Restart=always", *settings)]
    for name, command in programs.items():
        bed.spawn(name, *shlex.split(command), options=options)
    return [f"{name}.service" for name in programs]


def run_supervisord(bed: Bed, programs: dict[str, str]) -> list[str]:
    sections = [f"[program:{n}]\ncommand={c}\nautorestart=true\n" for n, c in programs.items()]
    bed.machine.write("/run/supervisord.conf", _SUPERVISORD + "".join(sections))
    start = "import sys; from supervisor.supervisord import main; main(sys.argv[1:])"
    words = ["--nodaemon", "--configuration=/run/supervisord.conf"]
    bed.spawn("supervisord", "/usr/bin/python3", "-c", start, *words)
    return ["supervisord.service"]


def run_circus(bed: Bed, programs: dict[str, str]) -> list[str]:
    sections = [f"[watcher:{name}]\ncmd = {command}\n" for name, command in programs.items()]
    bed.machine.write("/run/circus.ini", _CIRCUS + "".join(sections))
    start = "from circus.circusd import main; main()"
    bed.spawn("circus", "/usr/bin/python3", "-c", start, "/run/circus.ini")
    return ["circus.service"]


def run_pm2(bed: Bed, programs: dict[str, str]) -> list[str]:
    apps = []
    for name, command in programs.items():
        script, *args = shlex.split(command)
        apps.append({"name": name, "script": script, "args": args, "interpreter": "none"})
    bed.machine.write("/run/pm2.json", json.dumps({"apps": apps}))
    words = ["/node/node_modules/pm2/bin/pm2-runtime", "start", "/run/pm2.json"]
    options = ["--setenv=PM2_HOME=/run/pm2", "--setenv=HOME=/run/pm2"]
    bed.spawn("pm2", "/usr/bin/node", *words, options=options)
    return ["pm2.service"]


def run_runit(bed: Bed, programs: dict[str, str]) -> list[str]:
    for name, command in programs.items():
        bed.machine.write(f"/run/sv/{name}/run", f"#!/bin/sh\nexec {command}\n", mode=0o755)
    bed.spawn("peer-runit", "/usr/bin/runsvdir", "/run/sv")
    return ["peer-runit.service"]


def run_monit(bed: Bed, programs: dict[str, str]) -> list[str]:
    """Start each by monit, which looks once a second whether it is there."""
    checks = []
    for name, command in programs.items():
        start = f"/run/monit/{name}"
        inner = f"echo $$ >{start}.pid; exec {command}"
        bed.machine.write(start, f"#!/bin/sh\nsh -c '{inner}' &\n", mode=0o755)
        checks.append(f'check process {name} pidfile {start}.pid start program = "{start}"\n')
    bed.machine.write("/run/monitrc", _MONIT + "".join(checks), mode=0o600)
    bed.spawn("peer-monit", "/usr/bin/monit", "-I", "-c", "/run/monitrc")
    return ["peer-monit.service"]


Run = Callable[[Bed, dict[str, str]], list[str]]
MANAGERS: dict[str, Run] = {
    "ours": run_ours,
    "systemd alone": run_systemd,
    "supervisord": run_supervisord,
    "circus": run_circus,
    "PM2": run_pm2,
    "runit": run_runit,
    "monit": run_monit,
}
