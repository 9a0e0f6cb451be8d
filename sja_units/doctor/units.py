"""The units: loaded from where they were put, not masked, well written, and enabled.

systemctl and not D-Bus: as root it reaches systemd even where D-Bus is down.
"""

from collections.abc import Iterator

from sja_units.doctor.finding import OK, PROBLEM, WARNING, Finding, ask
from sja_units.doctor.installation import UNIT_FOLDER, list_units
from sja_units.errors import SjaError

_SHOWN = "Id,LoadState,FragmentPath,DropInPaths,NeedDaemonReload,UnitFileState,ActiveState"
_INSTANCE = "doctor"  # a template is looked at as if a job had this name
_OWN_DROP_IN = "50-sjactl.conf"

Properties = dict[str, str]


def _show() -> dict[str, Properties]:
    """Return by unit what systemd holds of each installed unit. Raises SjaError."""
    names = [name.replace("@.", f"@{_INSTANCE}.") for name in list_units()]
    said = ask("systemctl", "show", f"--property={_SHOWN}", "--", *names)
    if said.returncode:
        raise SjaError(f"systemctl: {said.stderr.strip()}")
    blocks = said.stdout.strip().split("\n\n")
    shown = (dict(line.split("=", 1) for line in block.splitlines()) for block in blocks)
    return {each["Id"]: each for each in shown}


def check_units() -> Iterator[Finding]:
    findings: list[Finding] = []
    overrides: list[str] = []
    for name, shown in sorted(_show().items()):
        findings += _check_unit(name.replace(f"@{_INSTANCE}.", "@."), shown)
        paths = shown["DropInPaths"].split()
        overrides += [path for path in paths if not path.endswith(_OWN_DROP_IN)]
    told = f"; changed for this host by {' '.join(overrides)}" if overrides else ""
    yield from findings or [Finding(OK, f"systemd has them as installed{told}")]


def _check_unit(name: str, shown: Properties) -> Iterator[Finding]:
    state, path = shown["LoadState"], shown["FragmentPath"]
    if state == "masked":
        yield Finding(PROBLEM, f"{name} is masked", f"systemctl unmask {name}")
    elif state == "not-found":
        advice = "run install.sh again, or systemctl daemon-reload if the file is there"
        yield Finding(PROBLEM, f"systemd does not find {name}", advice)
    elif state != "loaded":
        yield Finding(PROBLEM, f"{name}: {state}", f"systemctl status {name} tells why")
    elif path != f"{UNIT_FOLDER}/{name}":
        advice = "systemctl edit changes single lines and leaves the rest to upgrades"
        yield Finding(WARNING, f"{path} stands in the place of the installed one", advice)
    elif shown["NeedDaemonReload"] == "yes":
        words = f"systemd has not read {name} since it was changed"
        yield Finding(WARNING, words, "systemctl daemon-reload")


def check_syntax() -> Iterator[Finding]:
    names = [name.replace("@.", f"@{_INSTANCE}.") for name in list_units()]
    said = ask("systemd-analyze", "verify", *(f"{UNIT_FOLDER}/{name}" for name in names))
    # Its exit status is 0 for a misspelt directive too.
    lines = (said.stdout + said.stderr).splitlines()
    advice = "correct that line; what systemctl edit wrote is in /etc/systemd/system"
    yield from [Finding(WARNING, line, advice) for line in lines] or [
        Finding(OK, "systemd-analyze finds nothing in the units")
    ]


def check_recovery() -> Iterator[Finding]:
    shown = _show()
    findings = []
    for name, unit in sorted(shown.items()):
        if unit["UnitFileState"] == "disabled":
            advice = f"systemctl enable --now {name}, unless you want it so"
            findings.append(Finding(WARNING, f"{name} is disabled: {_tell_loss(name)}", advice))
        elif _is_missing(name, unit):
            words = f"{name} does not run: {_tell_loss(name)}"
            findings.append(Finding(WARNING, words, f"systemctl start {name}"))
    target = shown.get("sja-jobs.target", {}).get("ActiveState")
    if target != "active":
        words = f"sja-jobs.target is {target}: all jobs are stopped for maintenance"
        findings.append(Finding(WARNING, words, "systemctl start sja-jobs.target"))
    yield from findings or [Finding(OK, "wanted jobs come back after a boot")]


def _is_missing(name: str, unit: Properties) -> bool:
    """Tell a trigger that should wait for its event and does not; a static one comes and goes."""
    is_trigger = name.endswith((".timer", ".path")) and unit["UnitFileState"] == "enabled"
    return is_trigger and unit["ActiveState"] != "active"


def _tell_loss(name: str) -> str:
    if name in ("sja-relaunch.service", "sja-jobs.target"):
        return "wanted jobs do not come back after a boot"
    return "what it does is not done"
